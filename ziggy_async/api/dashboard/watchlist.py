"""The watchlist: tickers with their last bar, their signals and formulas as columns; filtered, sorted, a page of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from fastapi import HTTPException

from ziggy_async import off_loop
from ziggy_async.api import limits
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.feature_set import FeatureSet
from ziggy_async.features.screening import Screening
from ziggy_async.features.table import FeatureTable
from ziggy_async.store import BarStore

BASE = ("close", "returns(close)", "volume")
"""Columns that are always there."""
EVERY = "close > 0"
"""The filter without one: whatever has bars."""
TICKER = "ticker"
"""Sorts by name."""
SIGNAL = "signal"
"""Sorts by the confidence of signals."""
MOST_SIGNALS = 10_000
"""Tickers among which signals are looked for to sort by them."""
FEW = 5_000
"""Tickers whose figures the loop goes through itself."""


Signals = Mapping[str, Mapping[str, Any]]
"""The signal that a row shows, for each ticker that has one."""


@dataclass(frozen=True)
class Asked:
    """The part of the watchlist that a page shows. `sort`: a formula, "ticker" or "signal"; with a minus in front
    downwards."""

    columns: tuple[str, ...] = ()
    where: str = ""
    sort: str = "ticker"
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True)
class Chosen:
    """The tickers of a page with their figures, and how many there are on all pages."""

    tickers: list[str]
    figures: list[list[float]]
    times: list[int]
    matched: int


async def read_watchlist(market: WatchedMarket, asked: Asked) -> dict[str, Any]:
    """Returns the contents of the page. A formula that cannot be used is left out, and its error, with the place,
    stands where its figures would."""
    texts = {*asked.columns, *filter(None, [asked.where])}
    errors = {text: fault for text in texts if (fault := await fault_of(text, market.store))}
    columns = [text for text in asked.columns if text not in errors]
    watchlist = await market.watchlist()
    body: dict[str, Any] = {
        "total": len(watchlist),
        "offset": asked.offset,
        "errors": errors,
        "columns": columns,
        "note": None,
        "regime": await regime_of(market),
        "matched": 0,
        "rows": [],
    }
    try:
        chosen, signals = await _chosen(market, watchlist, replace(asked, columns=tuple(columns)), errors)
    except HTTPException as refusal:  # more work than may be asked for
        return body | {"note": str(refusal.detail)}
    rows = [
        {"ticker": ticker, "time": time // 10**6, "figures": figures, "signal": signals.get(ticker)}
        for ticker, figures, time in zip(chosen.tickers, chosen.figures, chosen.times, strict=True)
    ]
    return body | {"matched": chosen.matched, "rows": rows}


async def _chosen(
    market: WatchedMarket, watchlist: tuple[str, ...], asked: Asked, errors: Collection[str]
) -> tuple[Chosen, Signals]:
    """Returns the rows of the page, and the signals of its tickers."""
    descending, key = asked.sort.startswith("-"), asked.sort.removeprefix("-")
    where = EVERY if asked.where in errors else asked.where or EVERY
    if key == SIGNAL:
        limits.refuse_more("tickers that are sorted by their signals", len(watchlist), MOST_SIGNALS)
        return await _by_signal(market, watchlist, where, asked, descending)
    if key != TICKER and await fault_of(key, market.store):
        key = TICKER
    chosen = await _by_formula(market, watchlist, where, asked, key, descending)
    return chosen, await signals_of(market, chosen.tickers)


async def _by_formula(
    market: WatchedMarket, tickers: tuple[str, ...], where: str, asked: Asked, key: str, descending: bool
) -> Chosen:
    by_ticker = key == TICKER
    sort = None if by_ticker else f"-({key})" if descending else key
    names = {f"f{at}": formula for at, formula in enumerate((*BASE, *asked.columns))}
    read = partial(Screening.of, where, names, sort, None)
    screening = await limits.reading(read, [where, *names.values(), sort or ""])
    await limits.check_work(screening.figures, market.store, tickers)
    with limits.deadline() as seconds:
        found = await screening.run_async(tickers, market.store, seconds)
    arguments = found, asked, by_ticker and descending
    return _page(*arguments) if len(found) <= FEW else await off_loop.short.run(_page, *arguments)


def _page(found: FeatureTable, asked: Asked, is_reversed: bool) -> Chosen:
    rows = slice(asked.offset, asked.offset + asked.limit)
    order = np.arange(len(found))[::-1][rows] if is_reversed else np.arange(len(found))[rows]
    return Chosen(
        found.symbols[order].tolist(),
        found.to_numpy()[order].tolist(),
        found.timestamps[order].view(np.int64).tolist(),
        len(found),
    )


async def _by_signal(
    market: WatchedMarket, tickers: tuple[str, ...], where: str, asked: Asked, descending: bool
) -> tuple[Chosen, Signals]:
    """Sorts tickers with a signal first; downwards, the most confident ones are on top."""
    every = replace(asked, offset=0, limit=len(tickers))
    found = await _by_formula(market, tickers, where, every, TICKER, False)
    signals = await signals_of(market, found.tickers)
    sign = -1.0 if descending else 1.0

    def rank(at: int) -> tuple[bool, float]:
        signal = signals.get(found.tickers[at])
        return signal is None, 0.0 if signal is None else sign * signal["confidence"]

    order = sorted(range(len(found.tickers)), key=rank)[asked.offset : asked.offset + asked.limit]
    page = Chosen(
        [found.tickers[at] for at in order],
        [found.figures[at] for at in order],
        [found.times[at] for at in order],
        found.matched,
    )
    return page, signals


async def regime_of(market: WatchedMarket) -> dict[str, Any]:
    """Returns the regime that signals are read in."""
    regime = await market.detector.detect_regime_async()
    return {"regime": regime.regime.value, "confidence": regime.confidence, "explanation": regime.explanation}


async def signals_of(market: WatchedMarket, tickers: list[str]) -> Signals:
    """Returns ticker -> what a row shows of its signal; without those that have none."""
    found = await market.generator.generate_signals_bulk_async(tickers)
    return {
        ticker: {
            "direction": signal.direction.value,
            "type": signal.signal_type.value,
            "confidence": signal.confidence,
            "entry": signal.entry_price,
            "stop": signal.stop_loss,
            "target": signal.take_profit,
            "reason": signal.reason,
        }
        for ticker, result in found.items()
        if (signal := result["signal"]) is not None
    }


@lru_cache(maxsize=1000)
def _features(formula: str) -> FeatureSet | FormulaError | ValueError:
    try:
        return FeatureSet(formula)
    except ValueError as error:
        return error.with_traceback(None)


async def fault_of(formula: str, store: BarStore) -> dict[str, Any] | None:
    """Returns why a formula cannot be used over the store, and the place; None: it can."""
    is_short = len(formula) <= limits.SHORT
    features = _features(formula) if is_short else await off_loop.short.run(_features, formula)
    error: ValueError | None = None
    if isinstance(features, ValueError):
        error = features
    else:
        try:
            features.latest((), store)
        except ValueError as fault:
            error = fault
    if error is None:
        return None
    if isinstance(error, FormulaError):
        return {"message": error.message, "start": error.start, "end": error.end}
    return {"message": str(error), "start": 0, "end": len(formula)}
