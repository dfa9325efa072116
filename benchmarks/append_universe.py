"""One new bar of 100,000 symbols, with a universe and with a list, beside a copy of its figures, which is the limit."""

import gc
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Report, alone
from ziggy_async.store import BarStore

SYMBOLS, BARS = 100_000, 252
SECTIONS, LISTS = 256, 9
"""Bars measured with a universe, whose tail is folded meanwhile; fewer with a list, which takes longer."""
WARM_UP = 144
"""Bars before, in which the blocks that were loaded are made larger, and all of their memory is touched."""

Seconds = list[float]


async def run() -> Report:
    seconds = await alone(partial(measure, SYMBOLS))
    report = Report("append_universe", f"one bar more of {SYMBOLS:,} symbols that have {BARS}")
    listed = "with a list of symbols, median bar"
    report.add(listed, median(seconds["list"]) * 1e3, "ms")
    report.add("the same, worst bar", max(seconds["list"]) * 1e3, "ms")
    for name, what in {"universe": "with a universe", "missing": "with a universe, 1 % of them missing"}.items():
        report.add(f"{what}, median bar", median(seconds[name]) * 1e3, "ms", "at most 2 ms", beside=listed)
        report.add("the same, mean bar", sum(seconds[name]) / len(seconds[name]) * 1e3, "ms", beside=listed)
        report.add("the same, worst bar", max(seconds[name]) * 1e3, "ms")
    report.add("a copy of the figures, the limit", median(seconds["copy"]) * 1e3, "ms")
    return report


def measure(symbols: int) -> dict[str, Seconds]:
    """Seconds of each bar. The ways take turns, so that what else runs on the machine is the same for them."""
    names = [f"S{index:06}" for index in range(symbols)]
    by_list, by_universe = loaded(names), loaded(names)
    universe = by_universe.universe(names)
    whole, part = section(symbols, missing=0.0), section(symbols, missing=0.01)
    seconds: dict[str, Seconds] = {name: [] for name in ("list", "universe", "missing", "copy")}
    gc.collect()
    gc.freeze()
    for number in range(WARM_UP + 2 * SECTIONS):
        stamp = np.datetime64("2030-01-01") + number
        way, figures = ("universe", whole) if number // 16 % 2 else ("missing", part)  # a whole turn of the tail each
        took = timed(partial(by_universe.append_cross_section, stamp, universe, figures))
        if number < WARM_UP:
            continue
        seconds[way].append(took)
        seconds["copy"].append(timed(whole.copy))
        if len(seconds["list"]) <= LISTS:
            seconds["list"].append(timed(partial(by_list.append_cross_section, stamp, names, whole)))
    del seconds["list"][0]
    return seconds


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def loaded(names: list[str]) -> BarStore:
    """A store that keeps `BARS` bars of each, and has them."""
    store = BarStore(BARS)
    close = 100.0 + np.arange(BARS) % 9
    days = np.datetime64("2020-01-01", "ns") + np.arange(BARS).astype("timedelta64[D]")
    table = {"timestamp": days, "open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close}
    for name in names:
        store.load(name, table)
    return store


def section(symbols: int, missing: float) -> NDArray[np.float64]:
    generator = np.random.default_rng(0)
    close = 100.0 + generator.random(symbols)
    figures = np.column_stack([close, close + 1, close - 1, close, generator.random(symbols) * 1e6])
    figures[generator.random(symbols) < missing] = np.nan
    return figures
