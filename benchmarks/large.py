"""Ten features at the last bar of 200,000 instruments, or of 1,000,000 (12 GB of bars), beside those of 10,000."""

import statistics
import time
from functools import partial

import numpy as np

from benchmarks.harness import Report, alone
from benchmarks.memory import resident_bytes
from ziggy_async import BarStore, FeatureSet, _core

TEN = (
    *("rsi(14)", "ema(12)", "ema(26)", "sma(20)", "sma(200)", "stddev(20)", "atr(14)", "highest(20)"),
    *("close / lag(close, 20) - 1", "sma(close * volume, 20)"),
)
BARS, FEW, MANY, MOST = 252, 10_000, 200_000, 1_000_000
ROUNDS = 3


async def run() -> Report:
    return await report_of(MANY)


async def run_million() -> Report:
    return await report_of(MOST)


async def report_of(instruments: int) -> Report:
    threads, few, many, size = await alone(partial(measure, instruments))
    report = Report("large", f"latest of {len(TEN)} features of {BARS} bars by {threads} threads")
    report.add(f"of {FEW:,} instruments", few * 1e3, "ms")
    report.add(f"of {instruments:,} instruments", many * 1e3, "ms", beside=report.rows[-1].what)
    report.add("their bars in memory", size / 1e9, "GB")
    report.add("a million instruments at that rate", many / instruments * MOST, "s")
    return report


def measure(instruments: int) -> tuple[int, float, float, int]:
    """Threads; seconds of `latest` of the few and of all; bytes of the bars."""
    empty = resident_bytes()
    store = BarStore(BARS)
    days = np.datetime64("2023-01-01") + np.arange(BARS).astype("timedelta64[D]")
    rng = np.random.default_rng(0)
    for at in range(instruments):
        close = 100.0 + np.cumsum(rng.normal(0.0, 0.1, BARS))
        columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close * 100}
        store.load(f"I{at:07}", {"timestamp": days, **columns})
    size = resident_bytes() - empty
    features, tickers = FeatureSet(*TEN), tuple(store.symbols())
    features.latest(tickers[:FEW], store)
    few = median_of(partial(features.latest, tickers[:FEW], store))
    many = median_of(partial(features.latest, tickers, store))
    return _core.pool_stats()["threads"], few, many, size


def median_of(work: partial[object]) -> float:
    """Seconds of a call."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
