"""How late the loop is while a watchlist of 10,000 tickers is computed, beside an idle loop."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from benchmarks.harness import Report, fill, fresh_heap, universe
from ziggy_async.lag import LagSummary, PingLag
from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.market_brain.signals import generate_signals_for_watchlist_async
from ziggy_async.store import default_store

TICKERS, BARS, SECONDS = 10_000, 252, 3.0


async def run() -> Report:
    market = universe(TICKERS, BARS)
    tickers = [symbol for symbol in market if symbol != "^VIX"]
    fill(default_store(), market)
    await regime_detector.detect_regime_async(force_refresh=True)
    await generate_signals_for_watchlist_async(tickers)
    idle, _ = await measured(lambda: asyncio.sleep(0.01))
    busy, seconds = await measured(lambda: generate_signals_for_watchlist_async(tickers))
    default_store().clear()
    report = Report(
        "lag", f"a ping each ms for {SECONDS:g} s, {TICKERS:,} tickers computed over and over; and an idle loop"
    )
    add(report, "idle", idle)
    targets = {
        "p99": f"at most {idle.p99 + 1.0:.2f}: 1 above idle",
        "max": f"at most {idle.max + 5.0:.2f}: 5 above idle",
    }
    add(report, "computing", busy, beside="idle", targets=targets)
    report.add("the watchlist itself", seconds * 1e3, "ms")
    return report


async def measured(work: Callable[[], Awaitable[object]]) -> tuple[LagSummary, float]:
    """The loop's lag while `work` is repeated, and the median of its seconds."""
    seconds = []
    with fresh_heap():
        async with PingLag() as lag:
            end = time.perf_counter() + SECONDS
            while (start := time.perf_counter()) < end:
                await work()
                seconds.append(time.perf_counter() - start)
    return lag.summary(), statistics.median(seconds)


def add(
    report: Report, state: str, lag: LagSummary, beside: str = "", targets: Mapping[str, str] = MappingProxyType({})
) -> None:
    for name, value in lag.to_dict().items():
        report.add(f"{state}, {name}", value, "ms", targets.get(name, ""), beside and f"{beside}, {name}")
