"""Limits of what the formulas of a request may ask for: whoever sends them is a stranger.

A refusal is 422, with a sentence that says how much was asked for and how much is allowed. A `FormulaError` is answered
by `answers.endpoint`.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from fastapi import HTTPException

from ziggy_async import off_loop
from ziggy_async.features import FeatureSet, FormulaError
from ziggy_async.store import BarStore

T = TypeVar("T")

MOST_FORMULAS = 50
MOST_CHARACTERS = 10_000
"""Characters of all formulas together, since they are read in Python."""
LONGEST_NAME = 100
"""Characters of a feature's name."""
MOST_TICKERS = 10_000
MOST_ROWS = 10_000
MOST_KEPT = 100_000
"""Bars that the windows and lags of the formulas keep, together: some 40 MB for each thread."""
MOST_WORK = 2_000_000_000
"""Values of an ordinary indicator: about as many nanoseconds of one core."""
MOST_OF_ONE = 100_000_000
"""Values for one ticker, whose computation nothing cuts short."""
LONGEST = 10.0
"""Seconds, waiting included."""

SHORT = 50
"""Characters of formulas that the loop reads itself, within a few milliseconds."""
FEW = 500
"""Tickers of which the loop looks up the bars itself."""


def refusal(sentence: str) -> HTTPException:
    return HTTPException(422, sentence)


def refuse_more(what: str, count: int, most: int) -> None:
    if count > most:
        raise refusal(f"{what}: {count:,} are asked for, {most:,} are allowed")


async def feature_set(formulas: Sequence[str] | Mapping[str, str]) -> FeatureSet:
    """Returns the set of these formulas."""
    if isinstance(formulas, Mapping):
        return await reading(partial(FeatureSet, **formulas), list(formulas.values()))
    return await reading(partial(FeatureSet, *formulas), formulas)


def check_texts(texts: Sequence[str]) -> None:
    refuse_more("formulas", len(texts), MOST_FORMULAS)
    refuse_more("characters of the formulas", sum(map(len, texts)), MOST_CHARACTERS)


async def reading(read: Callable[[], T], texts: Sequence[str]) -> T:
    """Returns what `read` makes of the texts; a thread reads long ones."""
    check_texts(texts)
    try:
        return read() if sum(map(len, texts)) <= SHORT else await off_loop.short.run(read)
    except FormulaError:
        raise
    except ValueError as error:  # a name twice
        raise refusal(str(error)) from None


async def check_work(features: FeatureSet, store: BarStore, tickers: Sequence[str] | None, rows: int = 1) -> None:
    """Refuses formulas that are too much work for the last `rows` bars of these tickers; None: of all there are."""
    work, reach = features.work, features.reach
    refuse_more("bars in windows and lags", work.kept, MOST_KEPT)
    most = sys.maxsize if reach is None else reach + rows - 1
    count, bars, longest = await _bars_of(store, tickers, MOST_OF_ONE // work.values)
    needed, longest = min(bars, count * most), min(longest, most)
    what = f"{work.values:,} values for each of"
    if longest * work.values > MOST_OF_ONE:
        raise refusal(f"work: {what} {longest:,} bars of one ticker; {MOST_OF_ONE:,} are allowed together")
    total = work.of(count, needed)
    if total > MOST_WORK:
        raise refusal(
            f"work: {what} {needed:,} bars, and {work.kept:,} bars in windows and lags for each of {count:,} tickers,"
            f" are {total:,} values; {MOST_WORK:,} are allowed"
        )


async def _bars_of(store: BarStore, tickers: Sequence[str] | None, enough: int) -> tuple[int, int, int]:
    """Returns how many tickers there are, how many bars they have, and the longest at most: of all tickers no more
    exactly than to know whether it is above `enough`."""
    if tickers is None:
        stats = store.stats()
        most = min(stats["bars"], store.capacity)
        if most <= enough:
            return stats["symbols"], stats["bars"], most
        of_each, _ = await off_loop.short.run(lambda: store._tails(store.symbols(), 1))
    elif len(tickers) <= FEW:
        of_each, _ = store._tails(tickers, 1)
    else:
        of_each, _ = await off_loop.short.run(store._tails, tickers, 1)
    return len(of_each), int(of_each.sum()), int(of_each.max(initial=0))


@contextmanager
def deadline() -> Iterator[float]:
    """Yields the seconds that the computation may take; refuses one that has taken longer."""
    try:
        yield LONGEST
    except TimeoutError:
        raise refusal(f"time: not computed within {LONGEST:g} s; ask for fewer tickers, bars or formulas") from None
