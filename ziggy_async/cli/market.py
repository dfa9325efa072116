"""The bars and the tickers that a command looks at, and what it costs to compute them."""

import argparse
import asyncio
import difflib
import glob
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ziggy_async.cli.output import complain, progress
from ziggy_async.lag import LagSummary, PingLag
from ziggy_async.reading.options import Rules
from ziggy_async.reading.paths import ENDINGS, DataFile, DataFileError
from ziggy_async.sample import sample_universe
from ziggy_async.store import MOST_CAPACITY, BarStore, default_store, set_default_store, symbol_of

T = TypeVar("T")

STDIN = Path("-")
"""Standard input, descriptor 0."""
LOOKED_AT = 100
"""Tickers that are asked for the distance of their bars."""
MANY_STEPS = 64
SHORTEST_DAY, LONGEST_DAY = np.timedelta64(20, "h"), np.timedelta64(28, "h")
"""Between the bars of two days, in a zone that changes its clocks too."""
STORED_NAME = "(STDIN)"
"""The name of the file that standard input is stored in; no symbol looks like that."""


class Asked(NamedTuple):
    """The tickers to look at, in order and each once, and those of `--tickers` that have no bars."""

    tickers: list[str]
    unknown: list[str]

    @classmethod
    def of(cls, tickers: Iterable[str]) -> "Asked":
        store = default_store()
        symbols = list(dict.fromkeys(symbol_of(store, ticker) for ticker in tickers))
        return cls([each for each in symbols if each in store], [each for each in symbols if each not in store])

    def complaint(self) -> str:
        """Names the unknown tickers, each with the known one that is spelt most like it."""
        symbols = default_store().symbols()
        return f"no bars of {', '.join(with_nearest(ticker, symbols) for ticker in self.unknown)}"


def with_nearest(ticker: str, symbols: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(ticker.upper(), symbols, n=1, cutoff=0.5)
    return f"{ticker} (the nearest is {nearest[0]})" if nearest else ticker


def is_file(text: str) -> bool:
    """Returns whether an argument names files: standard input, a file that is there or ends like one, or a pattern."""
    if re.search(ENDINGS, text, re.IGNORECASE) is not None:
        return True
    paths = (text, text.partition("=")[2])
    return any(Path(each) == STDIN or os.path.exists(each) or glob.glob(each) for each in paths)


def load_bars(arguments: argparse.Namespace) -> Asked:
    """Does what `load_tickers` does, for figures that assume daily bars: warns when the bars are not."""
    asked = load_tickers(arguments)
    complain_of_periods(default_store(), asked.tickers)
    return asked


def load_tickers(arguments: argparse.Namespace) -> Asked:
    """Fills the default store from the files, of which it keeps all bars, or with the made-up market."""
    store = BarStore(MOST_CAPACITY)
    set_default_store(store)
    symbols = load_named(store, arguments) if arguments.files else load_sample(store)
    if arguments.tickers is not None:
        return Asked.of(arguments.tickers)
    # "^" marks an index: a gauge that nobody trades.
    return Asked([symbol for symbol in symbols if not symbol.startswith("^")] or symbols, [])


def load_named(store: BarStore, arguments: argparse.Namespace, output: Path | None = None) -> list[str]:
    """Fills `store` from the files and returns their symbols. Raises `DataFileError` where one of them is `output`."""
    from ziggy_async.reading.files import load_files
    from ziggy_async.reading.paths import found_files

    rules = rules_of(arguments)
    files = found_files(arguments.files)
    if output is not None:
        refuse_overwriting(output, files)
    with TemporaryDirectory() as folder:
        stored = Path(folder, STORED_NAME)
        readers = [file for file in files if file.path == STDIN]
        if len(readers) > 1:
            raise DataFileError("standard input: can be read only once")
        if readers:
            store_input(stored)
        files = [replace(file, path=stored) if file.path == STDIN else file for file in files]
        try:
            with progress("Loading bars", 1.0) as advance:
                symbols, skipped = load_files(store, files, rules, advance)
        except DataFileError as error:
            raise DataFileError(str(error).replace(str(stored), "standard input")) from error
    if STORED_NAME in symbols:
        raise DataFileError("standard input: has no symbol column; say whose bars it has with SYMBOL=-")
    if skipped:
        complain(f"left out {skipped} row{'s' * (skipped != 1)}: {skipped.as_text()}")
    if rules.volume is None:
        complain("volumes are counted as 0")
    return symbols


def refuse_overwriting(output: Path, files: Iterable[DataFile]) -> None:
    """Raises `DataFileError` where `output` is one of the files of bars, under whatever name."""
    for file in files:
        with suppress(OSError):  # one of them is not there
            if os.path.samefile(0 if file.path == STDIN else file.path, output):
                raise DataFileError(f"{output}: is one of the files of bars, and would be overwritten")


def rules_of(arguments: argparse.Namespace) -> Rules:
    return Rules(
        invalid="skip" if arguments.skip_invalid else "raise",
        unit=arguments.unit,
        dates=arguments.dates,
        columns=arguments.columns,
        volume=None if arguments.no_volume else "column",
        price_scale=arguments.price_scale,
    )


def complain_of_periods(store: BarStore, tickers: Sequence[str]) -> None:
    """Says that bars are not daily, which volatilities take them for: by the middle of the steps between the last bars
    of the first ticker that has several."""
    for ticker in tickers[:LOOKED_AT]:
        steps = np.diff(store.bars(ticker)["timestamp"][-MANY_STEPS:])
        if not len(steps):
            continue
        middle = np.sort(steps)[len(steps) // 2]
        if not SHORTEST_DAY <= middle <= LONGEST_DAY:
            apart = str(timedelta(microseconds=int(middle) // 1000)).removesuffix(", 0:00:00")
            complain(
                f"the bars of {ticker} are {apart} apart, and volatilities are"
                f" those of {store.bars_per_year:g} bars a year: daily ones"
            )
        return


def store_input(path: Path) -> None:
    """Copies standard input into a file, to be read more than once. Raises `ValueError` when it cannot be read."""
    if sys.stdin is None:
        raise ValueError("standard input: is closed")
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    except OSError as error:
        raise ValueError(f"standard input: {error.strerror or error}") from error


def load_sample(store: BarStore) -> list[str]:
    market = dict(sample_universe())
    with progress("Loading bars", len(market)) as done:
        for symbol, columns in market.items():
            store.load(symbol, columns)
            done()
    return list(market)


def timed(work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, float, LagSummary]:
    """Returns the result of `work`, the seconds it took on a loop of its own, and that loop's lag meanwhile."""

    async def measure() -> tuple[T, float, LagSummary]:
        async with PingLag() as lag:
            start = time.perf_counter()
            result = await work()
            seconds = time.perf_counter() - start
        return result, seconds, lag.summary()

    return asyncio.run(measure())


def cost(tickers: int, seconds: float, lag: LagSummary) -> str:
    what = f"{tickers} ticker{'s' * (tickers != 1)}"
    return f"{what} in {seconds * 1e3:.1f} ms; loop lag p50 {lag.p50:.2f}, p99 {lag.p99:.2f}, max {lag.max:.2f} ms."
