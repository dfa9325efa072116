"""Seven features of every ticker: now, and through time, beside the application's features and bare memory."""

import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from benchmarks.harness import Report, alone, fill, universe
from benchmarks.snapshot import one_core
from ziggy_async import FeatureSet, _core
from ziggy_async.market_brain.features import FeatureComputer
from ziggy_async.store import BarStore

SEVEN = ("rsi(14)", "ema(12)", "ema(26)", "sma(20)", "stddev(20)", "atr(14)", "highest(20)")
BARS, FEW, MANY, HISTORIES = 252, 500, 100_000, 10_000
ROUNDS = 7
READ = ("high", "low", "close")
"""The columns that the seven read."""


async def run() -> Report:
    report = Report("sets", f"{len(SEVEN)} features of {BARS} bars")
    mine, market = await alone(measure_latest)
    report.add(f"the application's 26 figures of {FEW} tickers, one core", market, "ns/ticker")
    report.add(
        "latest, one core",
        mine,
        "ns/ticker",
        "at most 0.5 x",
        f"the application's 26 figures of {FEW} tickers, one core",
    )
    threads, seconds, read = await alone(measure_large)
    report.add(f"a bare read of {len(READ)} columns by {threads} threads", read * 1e3, "ms")
    report.add(f"latest of {MANY:,} tickers", seconds * 1e3, "ms", "at most 1.5 x", report.rows[-1].what)
    threads, seconds, write, excess = await alone(measure_history)
    report.add(f"the result's bytes written by {threads} threads", write * 1e3, "ms")
    report.add(f"history of {HISTORIES:,} tickers", seconds * 1e3, "ms", "at most 2 x", report.rows[-1].what)
    report.add("its memory beyond the result", excess, "MiB", "at most 64")
    return report


def measure_latest() -> tuple[float, float]:
    """Nanoseconds a ticker of the seven and of the 26 figures."""
    with one_core():
        store = BarStore()
        fill(store, universe(FEW, BARS))
        features, tickers = FeatureSet(*SEVEN), tuple(store.symbols())
        seven, market = medians(
            partial(features.latest, tickers, store), partial(FeatureComputer(store).compute_batch, tickers)
        )
    return seven / FEW * 1e9, market / FEW * 1e9


def measure_large() -> tuple[int, float, float]:
    """Threads, and the seconds of `latest` of all tickers and of touching their columns once."""
    store = BarStore(BARS)
    load(store, MANY)
    features, tickers = FeatureSet(*SEVEN), tuple(store.symbols())
    columns = [np.random.default_rng(at).random(MANY * BARS) for at in range(len(READ))]
    features.latest(tickers, store)
    threads = _core.pool_stats()["threads"]
    with ThreadPoolExecutor(threads) as pool:
        parts = [part for column in columns for part in np.array_split(column, threads)]
        mine, read = medians(partial(features.latest, tickers, store), lambda: list(pool.map(np.max, parts)))
    return threads, mine, read


def measure_history() -> tuple[int, float, float, float]:
    """Threads, the seconds of `history` and of writing as many bytes, and the MiB it takes beyond its result."""
    store = BarStore(BARS)
    load(store, HISTORIES)
    features, tickers = FeatureSet(*SEVEN), tuple(store.symbols())
    features.latest(tickers, store)
    threads = _core.pool_stats()["threads"]
    before = peak_bytes()
    table = features.history(tickers, store)
    rows = HISTORIES * BARS
    result = table.to_numpy().nbytes + 8 * rows  # and the times
    excess = peak_bytes() - before - result
    del table
    with ThreadPoolExecutor(threads) as pool:

        def write() -> None:
            parts = np.array_split(np.empty(result // 8), threads)
            list(pool.map(lambda part: part.fill(1.0), parts))

        mine, written = medians(partial(features.history, tickers, store), write)
    return threads, mine, written, excess / 2**20


def medians(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a call of each, in alternation."""
    rounds = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        first()
        between = time.perf_counter()
        second()
        rounds.append((between - start, time.perf_counter() - between))
    one, other = (statistics.median(each[1:]) for each in zip(*rounds, strict=True))
    return one, other


def load(store: BarStore, tickers: int) -> None:
    """Names T000000 on, all with the same bars, each in memory of its own."""
    columns = next(iter(universe(1, BARS).values()))
    for at in range(tickers):
        store.load(f"T{at:06}", columns)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
