"""A screen of 100,000 tickers by two conditions, beside `latest` of the same features, and the loop's lag meanwhile."""

import asyncio
import statistics
from functools import partial

from benchmarks.harness import Report, fill, fresh_heap, universe
from benchmarks.lag import measured
from benchmarks.sets import BARS, MANY, medians
from ziggy_async import BarStore, FeatureSet, screen, screen_async

FEATURES = ("rsi(14)", "sma(200)", "close")
WHERE = "rsi(14) < 60 and close > sma(200)"
TURNS = 5


async def run() -> Report:
    store = BarStore(BARS)
    fill(store, universe(MANY, BARS))
    features = FeatureSet(*FEATURES)
    arguments = (WHERE, features, None, store, "rsi(14)")
    with fresh_heap():
        latest, screened = medians(partial(features.latest, None, store), partial(screen, *arguments))
    report = Report("screen", f"{WHERE} of {len(store):,} tickers of {BARS} bars, sorted by rsi(14)")
    report.add("latest of the same features", latest * 1e3, "ms")
    report.add(
        f"screen: {len(screen(*arguments)):,} tickers",
        screened * 1e3,
        "ms",
        "at most 1.5 x",
        "latest of the same features",
    )
    turns = []
    for _ in range(TURNS):
        idle, _ = await measured(lambda: asyncio.sleep(0.01))
        busy, _ = await measured(lambda: screen_async(*arguments))
        turns.append((idle.p99, busy.p99, busy.p99 - idle.p99))
    idle_p99, busy_p99, difference = (statistics.median(each) for each in zip(*turns, strict=True))
    report.add("loop lag, idle, p99", idle_p99, "ms")
    report.add("loop lag, screens over and over, p99", busy_p99, "ms")
    report.add("loop lag, difference, median of the turns", difference, "ms", "at most 1")
    return report
