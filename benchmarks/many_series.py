"""A thousand series of a thousand bars in one call, on one core, beside TA-Lib called for each."""

import statistics
import time

import numpy as np
import talib

from benchmarks.harness import Report, alone
from benchmarks.indicators import NAMES, bars, inputs
from benchmarks.snapshot import one_core
from ziggy_async import _core
from ziggy_async import talib as ours

SERIES, BARS, ROUNDS = 1_000, 1_000, 5
MEDIAN = {8: 6.0, 4: 3.0}
"""At least how many times as fast as TA-Lib in the median, by the lanes of this processor."""
LEAST = 2.0


async def run() -> Report:
    lanes, pairs = await alone(measure)
    report = Report("series", f"{SERIES:,} series of {BARS:,} bars in one call on one core, {lanes} lanes")
    ratios = {name: theirs / mine for name, (mine, theirs) in pairs.items()}
    for name in sorted(ratios, key=ratios.__getitem__):
        report.add(name, pairs[name][0] * 1e9 / SERIES / BARS, "ns/bar")
        report.rows[-1].ratio = ratios[name]
    report.add("TA-Lib, median", statistics.median(ratios.values()), "x", f"{MEDIAN.get(lanes, 1.0):g}")
    slowest = min(ratios, key=ratios.__getitem__)
    report.add(f"TA-Lib, {slowest}", ratios[slowest], "x", f"{LEAST:g}")
    return report


def measure() -> tuple[int, dict[str, tuple[float, float]]]:
    """Lanes, and the seconds of ours and of TA-Lib's for each function."""
    with one_core():
        columns = {name: column.reshape(SERIES, BARS) for name, column in bars(SERIES * BARS).items()}
        return _core.cpu()["lanes"], {name: seconds(name, inputs(name, columns)) for name in NAMES}


def seconds(name: str, arrays: list[np.ndarray]) -> tuple[float, float]:
    """Both ways keep all results until the clock has stopped."""
    together, one_by_one = getattr(ours, name), getattr(talib, name)
    rounds: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        whole = together(*arrays)
        mine = time.perf_counter() - start
        del whole
        start = time.perf_counter()
        rows = [one_by_one(*row) for row in zip(*arrays, strict=True)]
        rounds.append((mine, time.perf_counter() - start))
        del rows
    ours_taken, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
    return ours_taken, theirs
