"""How late the loop is while thirty features of 10,000 tickers are computed over and over, beside an idle loop."""

import asyncio
import statistics

from benchmarks.harness import Report, fill, universe
from benchmarks.lag import measured
from ziggy_async import FeatureSet
from ziggy_async.store import BarStore

TICKERS, BARS, TURNS = 10_000, 252, 5
THIRTY = (
    *("rsi(14)", "rsi(2)", "ema(12)", "ema(26)", "sma(20)", "sma(50)", "sma(200)", "stddev(20)", "atr(14)", "natr(14)"),
    *("highest(20)", "lowest(20)", "highest(high, 252)", "macd().macd", "macd().signal", "macd().histogram"),
    *(
        "bbands(20).upper",
        "bbands(20).lower",
        "stoch().slowk",
        "stoch().slowd",
        "adx(14)",
        "plus_di(14)",
        "minus_di(14)",
    ),
    *("cci(20)", "mfi(14)", "obv()", "linearreg_slope(20)", "zscore(20)", "close / lag(close, 20) - 1"),
    "crossed_above(sma(20), sma(50))",
)


async def run() -> Report:
    store = BarStore(BARS)
    fill(store, universe(TICKERS, BARS))
    features, tickers = FeatureSet(*THIRTY), store.symbols()
    await features.latest_async(tickers, store)
    turns = []
    for _ in range(TURNS):
        idle, _ = await measured(lambda: asyncio.sleep(0.01))
        busy, seconds = await measured(lambda: features.latest_async(tickers, store))
        turns.append((idle.p99, busy.p99, busy.p99 - idle.p99, seconds))
    idle_p99, busy_p99, difference, seconds = (statistics.median(each) for each in zip(*turns, strict=True))
    report = Report("set_lag", f"pings while {len(THIRTY)} features of {TICKERS:,} tickers are computed over and over")
    report.add("idle, p99", idle_p99, "ms")
    report.add("computing, p99", busy_p99, "ms")
    report.add("difference, median of the turns", difference, "ms", "at most 1")
    report.add("latest_async itself", seconds * 1e3, "ms")
    return report
