"""How late the loop is while a watchlist of 10,000 tickers is computed, beside an idle loop."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from benchmarks.callbacks import LongestCallback, Steal
from benchmarks.harness import Report, fill, fresh_heap, universe
from ziggy_async.lag import LagSummary, PingLag
from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.market_brain.signals import generate_signals_for_watchlist_async
from ziggy_async.store import default_store

TICKERS, BARS, SECONDS, ROUNDS = 10_000, 252, 1.5, 9
TARGETS = {"p99": "at most 1", "max": "at most 5"}
"""Of the median of the differences, in milliseconds."""


async def run() -> Report:
    market = universe(TICKERS, BARS)
    tickers = [symbol for symbol in market if symbol != "^VIX"]
    fill(default_store(), market)
    await regime_detector.detect_regime_async(force_refresh=True)
    await generate_signals_for_watchlist_async(tickers)
    report = Report(
        "lag", f"a ping each ms; {ROUNDS} rounds of {SECONDS:g} s idle, then {TICKERS:,} tickers computed over and over"
    )
    rounds, seconds, callbacks = [], [], LongestCallback()
    with Steal() as steal:
        for _ in range(ROUNDS):
            idle, _ = await measured(lambda: asyncio.sleep(0.01), SECONDS)
            busy, each = await measured(lambda: generate_signals_for_watchlist_async(tickers), SECONDS, callbacks)
            rounds.append((idle.to_dict(), busy.to_dict()))
            seconds.append(each)
    default_store().clear()
    add_differences(report, rounds)
    report.add("longest callback of ours", callbacks.longest * 1e3, "ms")
    report.add("longest callback of ours, processor time", callbacks.processor * 1e3, "ms")
    report.add("stolen by the host", steal.percent, "% of time")
    report.add("the watchlist itself", statistics.median(seconds) * 1e3, "ms")
    return report


async def measured(
    work: Callable[[], Awaitable[object]], for_seconds: float = 3.0, callbacks: LongestCallback | None = None
) -> tuple[LagSummary, float]:
    """The loop's lag while `work` is repeated, watched by `callbacks`, and the median of its seconds."""
    seconds = []
    with fresh_heap():
        async with PingLag() as lag:
            with callbacks or nullcontext():
                end = time.perf_counter() + for_seconds
                while (start := time.perf_counter()) < end:
                    await work()
                    seconds.append(time.perf_counter() - start)
                await asyncio.sleep(0)  # a callback of its own for what ends the measurement
    return lag.summary(), statistics.median(seconds)


def add_differences(report: Report, rounds: list[tuple[dict[str, float], dict[str, float]]]) -> None:
    """Medians over the rounds of each percentile: idle, computing, and the difference of the two in a round, which the
    host's moods from round to round do not reach."""
    for name in rounds[0][0]:
        idle, busy = zip(*((idle[name], busy[name]) for idle, busy in rounds), strict=True)
        differences = [after - before for before, after in zip(idle, busy, strict=True)]
        report.add(f"idle, {name}", statistics.median(idle), "ms")
        report.add(f"computing, {name}", statistics.median(busy), "ms")
        report.add(f"difference, {name}", statistics.median(differences), "ms", TARGETS.get(name, ""))
