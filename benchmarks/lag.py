"""How late the loop is while a watchlist of 10,000 tickers is computed, beside an idle loop."""

import asyncio
import gc
import statistics
import time

from benchmarks.harness import Report, fill, universe
from ziggy_async.lag import LagSummary, LoopLag
from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.market_brain.signals import generate_signals_for_watchlist_async
from ziggy_async.store import default_store

TICKERS, BARS, ROUNDS = 10_000, 252, 9


async def run() -> Report:
    market = universe(TICKERS, BARS)
    tickers = [symbol for symbol in market if symbol != "^VIX"]
    fill(default_store(), market)
    await regime_detector.detect_regime_async(force_refresh=True)
    await generate_signals_for_watchlist_async(tickers)
    # A full collection visits all that the benchmarks have imported. It is measured, but apart.
    gc.collect()
    gc.freeze()
    busy, seconds = await computing(tickers)
    gc.unfreeze()
    collecting, _ = await computing(tickers)
    idle = [await idling(seconds) for _ in range(ROUNDS)]
    default_store().clear()
    report = Report(
        "lag", f"a ping each ms while {TICKERS:,} tickers are computed ({ROUNDS} times), and on an idle loop"
    )
    add(report, "idle", idle)
    add(report, "computing", busy, beside="idle", targets=("", "5 ms", "10 ms"))
    add(report, "computing, this heap collected", collecting, beside="idle")
    report.add("the watchlist itself", seconds * 1e3, "ms")
    return report


async def computing(tickers: list[str]) -> tuple[list[LagSummary], float]:
    """The lag in each round, and the median of the rounds' seconds."""
    lags, seconds = [], []
    for _ in range(ROUNDS):
        async with LoopLag() as lag:
            start = time.perf_counter()
            await generate_signals_for_watchlist_async(tickers)
            seconds.append(time.perf_counter() - start)
        lags.append(lag.summary())
    return lags, statistics.median(seconds)


async def idling(seconds: float) -> LagSummary:
    async with LoopLag() as lag:
        await asyncio.sleep(seconds)
    return lag.summary()


def add(
    report: Report,
    state: str,
    rounds: list[LagSummary],
    beside: str = "",
    targets: tuple[str, str, str] = ("", "", ""),
) -> None:
    """Medians of the rounds' percentiles, and the longest delay of all."""
    figures = {
        "p50": statistics.median(each.p50 for each in rounds),
        "p99": statistics.median(each.p99 for each in rounds),
        "longest": max(each.max for each in rounds),
    }
    for (name, value), target in zip(figures.items(), targets, strict=True):
        report.add(f"{state}, {name}", value, "ms", target, beside and f"{beside}, {name}")
