"""What the benchmarks share: bars, rounds that alternate between the ways, and reports."""

import asyncio
import gc
import multiprocessing
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

import numpy as np

from ziggy_async import _core
from ziggy_async.regression.baseline import processor
from ziggy_async.sample import sample_universe
from ziggy_async.store import BarStore

Columns = dict[str, np.ndarray]
T = TypeVar("T")
Way = Callable[[], Awaitable[object]]


@dataclass
class Row:
    """One figure. `ratio`: how many times the figure beside it it is, that of the row named `beside`."""

    what: str
    value: float
    unit: str
    target: str = ""
    beside: str = ""
    ratio: float | None = None


@dataclass
class Report:
    """The figures of one benchmark."""

    name: str
    question: str
    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, value: float, unit: str, target: str = "", beside: str = "") -> None:
        others = [row.value for row in self.rows if row.what == beside and row.value > 0]
        self.rows.append(Row(what, value, unit, target, beside, value / others[0] if others else None))

    def text(self) -> str:
        lines = [f"\n{self.name}: {self.question}"]
        for row in self.rows:
            ratio = f"{row.ratio:9.2f} x" if row.ratio is not None else " " * 11
            target = f"   target: {row.target}" if row.target else ""
            lines.append(f"  {row.what:<52} {row.value:14,.3f} {row.unit:<10} {ratio}{target}")
        return "\n".join(lines)


LEAST_SECONDS = 0.05
"""How long a way is repeated in its turn at least, so that what the one before left in the caches does not decide."""


async def alternate(ways: dict[str, Way], rounds: int) -> dict[str, float]:
    """Median seconds of each way. Each round runs all, beginning with another one; one round before warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    with fresh_heap():
        for turn in range(rounds + 1):
            shift = turn % len(names)
            for name in names[shift:] + names[:shift]:
                set_aside()  # what the way before has left is not this one's to collect
                seconds[name].append(await mean_of(ways[name]))
    return {name: statistics.median(each[1:]) for name, each in seconds.items()}


def set_aside() -> None:
    """Collects garbage, and lets no later collection visit what is there now."""
    gc.collect()
    gc.freeze()


@contextmanager
def fresh_heap() -> Iterator[None]:
    """Collections of garbage visit what comes from here on, and not what was imported and left behind before."""
    set_aside()
    try:
        yield
    finally:
        gc.unfreeze()


async def mean_of(way: Way) -> float:
    """Seconds of one call, repeated until LEAST_SECONDS are over."""
    start, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - start < LEAST_SECONDS:
        await way()
        calls += 1
    return (time.perf_counter() - start) / calls


async def alone(measure: Callable[[], T]) -> T:
    """The result of `measure`, in a process of its own: its pool has the threads, and its memory the size, that no
    other benchmark has left behind."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return await asyncio.get_running_loop().run_in_executor(process, measure)


def universe(tickers: int, bars: int) -> dict[str, Columns]:
    """SPY, ^VIX and more tickers, `tickers` in all without ^VIX: the made-up market's last bars, under new names where
    it has not got as many."""
    market = {symbol: {name: column[-bars:] for name, column in each.items()} for symbol, each in sample_universe()}
    tradable = [symbol for symbol in market if not symbol.startswith("^")]
    chosen = {"^VIX": market["^VIX"]}
    for index in range(tickers):
        turn, place = divmod(index, len(tradable))
        symbol = tradable[place]
        chosen[f"{symbol}.{turn}" if turn else symbol] = market[symbol]
    return chosen


def fill(store: BarStore, market: dict[str, Columns]) -> None:
    store.clear()
    for symbol, columns in market.items():
        store.load(symbol, columns)


def machine() -> dict[str, Any]:
    """What the figures were measured on, and with."""
    return {
        "processor": processor(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "core": _core.cpu(),
        "packages": {name: package_version(name) for name in PACKAGES},
    }


PACKAGES = ("ziggy_async", "numpy", "pandas", "polars", "duckdb", "pyarrow", "ta-lib")


def package_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
