"""One new bar for 100,000 tickers and ten features kept current, beside a copy of the states' bytes and the streams of
other packages; and one bar for one ticker."""

import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import peers
from benchmarks.harness import Report, alone
from benchmarks.lag import measured
from ziggy_async import BarStore, FeatureSet
from ziggy_async.features import LiveFeatures

TEN = (
    "rsi(14)", "ema(12)", "ema(26)", "sma(20)", "sma(50)", "atr(14)", "bbands(20).upperband", "macd().histogram",
    "highest(20)", "obv()",
)  # fmt: skip
TICKERS, BARS, BEFORE, MISSING = 100_000, 100, 60, 0.01
TURNS = 3
MINUTE = np.timedelta64(1, "m")


@dataclass
class Market:
    """Tickers that walk at random, bar by bar."""

    store: BarStore
    time: np.datetime64
    close: np.ndarray
    random: np.random.Generator

    @classmethod
    def of(cls, tickers: int) -> "Market":
        random = np.random.default_rng(1)
        return cls(
            BarStore(2 * BEFORE), np.datetime64("2026-01-05T09:30", "ns"), random.uniform(10, 500, tickers), random
        )

    def section(self, missing: float = 0.0) -> np.ndarray:
        """The figures of the next bar, `(tickers, 5)`; NaN for tickers without one."""
        self.time += MINUTE
        opens = self.close
        self.close = opens * np.exp(self.random.normal(0, 0.002, len(opens)))
        high, low = np.maximum(opens, self.close) * 1.001, np.minimum(opens, self.close) * 0.999
        figures = np.column_stack([opens, high, low, self.close, self.random.uniform(1e3, 1e6, len(opens))])
        figures[self.random.random(len(opens)) < missing] = np.nan
        return figures


async def run() -> Report:
    report = Report("live", f"{len(TEN)} features of {TICKERS:,} tickers kept current, bar by bar")
    copy, whole, holed = await alone(measure_universe)
    report.add("a copy of the states' bytes", copy, "ms")
    for name, (append, updates) in {"": whole, f", {MISSING:.0%} of the tickers missing": holed}.items():
        report.add(f"append with a universe, median bar{name}", append, "ms", "at most 2")
        update = f"update, median bar{name}"
        report.add(update, statistics.median(updates), "ms", "at most 5", "a copy of the states' bytes")
        report.add(f"update, worst bar{name}", max(updates), "ms", beside=update)
    report.add("one bar of one ticker, then its table", await alone(measure_one), "us", "at most 20")
    report.add(f"one bar of one ticker of {TICKERS:,}, then update", await alone(measure_one_of_many), "us")
    mine = statistics.median(whole[1]) * 1e6 / TICKERS
    report.add("update, wall time a ticker", mine, "ns")
    for name, nanoseconds in (streams() | talib_streams()).items():
        report.add(f"{name}, a ticker", nanoseconds, "ns", beside="update, wall time a ticker")
    report.add("loop lag p99 during updates, beyond idle", await lag_beyond_idle(), "ms", "at most 1")
    return report


def measure_universe() -> tuple[float, tuple[float, list[float]], tuple[float, list[float]]]:
    """Milliseconds of a copy, and of appends (median) and updates with all tickers and with some missing."""
    market, live, universe = running(TICKERS)
    whole = bars_of(market, live, universe, 0.0)
    return copy_of(live.stats()["bytes"]) * 1e3, whole, bars_of(market, live, universe, MISSING)


def copy_of(size: int) -> float:
    """Seconds of a copy from memory to memory that is there, by one thread."""
    source, target = np.ones(size // 8), np.ones(size // 8)
    return min(seconds(lambda: np.copyto(target, source)) for _ in range(2 * TURNS))


def running(tickers: int) -> tuple[Market, LiveFeatures, object]:
    market = Market.of(tickers)
    universe = market.store.universe([f"T{number:06}" for number in range(tickers)])
    for _ in range(BEFORE):
        market.store.append_cross_section(market.time, universe, market.section())
    return market, FeatureSet(*TEN).live(market.store), universe


def bars_of(market: Market, live: LiveFeatures, universe: object, missing: float) -> tuple[float, list[float]]:
    appends, updates = [], []
    for _ in range(BARS):
        figures = market.section(missing)
        appends.append(seconds(lambda: market.store.append_cross_section(market.time, universe, figures)))  # noqa: B023
        updates.append(seconds(live.update) * 1e3)
    return statistics.median(appends) * 1e3, updates


def measure_one() -> float:
    """Microseconds."""
    market = Market.of(1)
    live = FeatureSet(*TEN).live(market.store, ["T"])
    times = []
    for _ in range(20 * BARS):
        (figures,) = market.section().tolist()
        start = time.perf_counter()
        market.store.append("T", market.time, *figures)
        live.update()
        live.table()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def measure_one_of_many() -> float:
    """Microseconds."""
    market, live, _ = running(TICKERS)
    times = []
    for number in range(5 * BARS):
        figures = market.section()[number].tolist()
        start = time.perf_counter()
        market.store.append(f"T{7 * number:06}", market.time, *figures)
        live.update()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def streams() -> dict[str, float]:
    """Nanoseconds that others take for the same features of one ticker's new bar, one stream for each."""
    interpreter = peers.installed()
    if interpreter is None:
        return {}
    script = Path(__file__).with_name("live_streams.py")
    done = subprocess.run([interpreter, script], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def talib_streams() -> dict[str, float]:
    """The same by TA-Lib's stream functions, which compute the last value of a ticker's bars anew."""
    import talib
    from talib import stream

    closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.01, 252)))
    highs, lows, volumes = closes * 1.01, closes * 0.99, np.full(252, 1000.0)
    seconds = []
    for _ in range(1000):
        start = time.perf_counter()
        stream.RSI(closes, 14)
        stream.EMA(closes, 12)
        stream.EMA(closes, 26)
        stream.SMA(closes, 20)
        stream.SMA(closes, 50)
        stream.ATR(highs, lows, closes, 14)
        stream.BBANDS(closes, 20)
        stream.MACD(closes)
        stream.MAX(highs, 20)
        stream.OBV(closes, volumes)
        seconds.append(time.perf_counter() - start)
    return {f"TA-Lib {talib.__version__}, streams over 252 bars": statistics.median(seconds) * 1e9}


async def lag_beyond_idle() -> float:
    """By how much the loop's p99 is more during updates of all tickers over and over than idle, the median of turns."""
    market, live, universe = await asyncio.to_thread(running, TICKERS)
    figures = market.section()

    async def update() -> None:
        market.time += MINUTE
        await asyncio.to_thread(market.store.append_cross_section, market.time, universe, figures)
        await live.update_async()

    turns = []
    for _ in range(TURNS):
        idle, _ = await measured(lambda: asyncio.sleep(0.01))
        busy, _ = await measured(update)
        turns.append(busy.p99 - idle.p99)
    return statistics.median(turns)


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
