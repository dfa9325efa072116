"""How late the loop is while a watchlist of 10,000 tickers is computed, beside an idle loop."""

import asyncio
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
    busy, idle, seconds = [], [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        async with LoopLag() as lag:
            await generate_signals_for_watchlist_async(tickers)
        seconds.append(time.perf_counter() - start)
        busy.append(lag.summary())
        async with LoopLag() as lag:
            await asyncio.sleep(seconds[-1])
        idle.append(lag.summary())
    default_store().clear()
    report = Report(
        "lag", f"a ping each ms while {TICKERS:,} tickers are computed ({ROUNDS} times), and on an idle loop"
    )
    add(report, "computing", busy, ("", "5 ms", "10 ms"))
    add(report, "idle", idle, ("", "", ""))
    report.add("the watchlist itself", statistics.median(seconds), "s")
    return report


def add(report: Report, state: str, summaries: list[LagSummary], targets: tuple[str, str, str]) -> None:
    """Medians of the percentiles of the rounds, and the longest of all."""
    report.add(f"{state}, p50", statistics.median(each.p50 for each in summaries), "ms", targets[0])
    report.add(f"{state}, p99", statistics.median(each.p99 for each in summaries), "ms", targets[1])
    report.add(f"{state}, longest", max(each.max for each in summaries), "ms", targets[2])
