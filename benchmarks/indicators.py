"""Each function of `ziggy_async.talib` beside TA-Lib's, and beside other packages: one series, called from Python."""

import inspect
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import talib

from benchmarks import peers
from benchmarks.harness import Columns, Report, fresh_heap
from ziggy_async import talib as ours

LENGTHS = (252, 1_000, 100_000)
MEDIANS = {252: 1.5, 1_000: 1.5, 100_000: 2.0}
"""At least how many times as fast as TA-Lib, in the median."""
LEAST = 0.9
ROUNDS, SECONDS = 7, 0.004
COLUMNS = {"real": "close", "real0": "high", "real1": "low"}
NAMES = ours.get_functions()


async def run() -> Report:
    columns = bars(max(LENGTHS))
    report = Report("indicators", "functions as TA-Lib has them, over one series, called from Python")
    of_peers = peers.times(columns, LENGTHS, NAMES)
    for at, length in enumerate(LENGTHS):
        table = {name: column[:length].copy() for name, column in columns.items()}
        pairs = {name: beside_talib(name, table) for name in NAMES}
        add(
            report,
            length,
            pairs,
            {peer: {name: each[at] for name, each in of.items()} for peer, of in of_peers.items()},
        )
    return report


def bars(count: int) -> Columns:
    random = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.002, count)))
    opening = close * (1.0 + random.normal(0.0, 0.001, count))
    high = np.maximum(opening, close) * (1.0 + np.abs(random.normal(0.0, 0.001, count)))
    low = np.minimum(opening, close) * (1.0 - np.abs(random.normal(0.0, 0.001, count)))
    volume = np.round(random.lognormal(12.0, 0.5, count))
    return {"open": opening, "high": high, "low": low, "close": close, "volume": volume}


def inputs(name: str, columns: Columns) -> list[np.ndarray]:
    """The arrays that the function takes; arcs want what is at most 1."""
    parameters = inspect.signature(getattr(ours, name)).parameters.values()
    names = [each.name for each in parameters if each.default is each.empty]
    arrays = [columns[COLUMNS.get(each, each)] for each in names]
    return [arrays[0] / arrays[0].max()] if name in ("ACOS", "ASIN") else arrays


def beside_talib(name: str, columns: Columns) -> tuple[float, float]:
    """Microseconds of ours and of TA-Lib's, in alternation."""
    arrays = inputs(name, columns)
    ways = [partial(getattr(package, name), *arrays) for package in (ours, talib)]
    rounds: list[list[float]] = [[], []]
    with fresh_heap():
        for turn in range(ROUNDS + 1):
            for at in (0, 1) if turn % 2 else (1, 0):
                rounds[at].append(microseconds(ways[at]))
    first, second = (statistics.median(each[1:]) for each in rounds)
    return first, second


def microseconds(work: Callable[[], object]) -> float:
    """Of one call, repeated for SECONDS."""
    start, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - start < SECONDS:
        work()
        calls += 1
    return (time.perf_counter() - start) / calls * 1e6


def add(
    report: Report, length: int, pairs: Mapping[str, tuple[float, float]], of_peers: Mapping[str, Mapping[str, float]]
) -> None:
    """A row for each function, and how many times as long the others take in the median and at the least."""
    ratios = {}
    for name, (mine, talibs) in sorted(pairs.items(), key=lambda pair: pair[1][1] / pair[1][0]):
        ratios[name] = talibs / mine
        report.add(f"{name}, {length:,} bars", mine, "us")
        report.rows[-1].ratio = ratios[name]
    report.add(f"TA-Lib, {length:,} bars, median", statistics.median(ratios.values()), "x", f"{MEDIANS[length]:g}")
    slowest = min(ratios, key=ratios.__getitem__)
    report.add(f"TA-Lib, {length:,} bars, {slowest}", ratios[slowest], "x", f"{LEAST:g}")
    for peer, times in of_peers.items():
        theirs = [taken / pairs[name][0] for name, taken in times.items()]
        report.add(f"{peer}, {length:,} bars, median of {len(theirs)}", statistics.median(theirs), "x", "1")
