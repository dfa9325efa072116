"""The two comparisons of the REST interface and of `ziggy-async bench`: plain NumPy in the loop, and the package."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import Any

from ziggy_async.latency_benchmark import numpy_baseline
from ziggy_async.latency_benchmark.benchmark import LatencyBenchmark, Operation, checked_number, get_benchmark
from ziggy_async.latency_benchmark.market import Market, sample_market
from ziggy_async.latency_benchmark.market_computer import MarketComputer
from ziggy_async.latency_benchmark.own_loop import run_in_own_loop
from ziggy_async.latency_benchmark.results import ComparisonResult

AT_LEAST = 0.25
"""Seconds of each way: a hundred operations of the package are over before the loop's lag could be seen."""

Way = Callable[[MarketComputer, str], Any]
"""One operation for a ticker, with the computer or with its market."""


async def run_feature_computation_benchmark(num_operations: int = 100) -> ComparisonResult:
    """Returns the features of `num_operations` tickers of the sample market, asked for at once: in the loop by plain
    NumPy, and off the loop by an `AsyncFeatureComputer`.

    All of it happens in another thread, on a loop of its own that may stand still; cancelling ends it soon. The results
    go to `get_benchmark()`. Raises `ValueError` unless `num_operations` is at least 1.
    """
    checked_number(num_operations)
    ways = numpy_features, MarketComputer.features
    return await run_in_own_loop(partial(compare, get_benchmark(), ways, num_operations, "Feature Computation"))


async def run_signal_generation_benchmark(num_operations: int = 100) -> ComparisonResult:
    """Does what `run_feature_computation_benchmark` does, for the signals of the tickers."""
    checked_number(num_operations)
    ways = numpy_signal, MarketComputer.signal
    return await run_in_own_loop(partial(compare, get_benchmark(), ways, num_operations, "Signal Generation"))


async def compare(
    benchmark: LatencyBenchmark, ways: tuple[Way, Way], num_operations: int, description: str
) -> ComparisonResult:
    """Compares the second way with the first, the baseline: both on the same tickers, and warm."""
    market = sample_market()
    async with MarketComputer(market) as computer:
        for way in ways:
            await way(computer, market.tickers[0])
        baseline, optimized = (over_tickers(market.tickers, partial(way, computer)) for way in ways)
        return await benchmark.compare_approaches(baseline, optimized, num_operations, description, at_least=AT_LEAST)


def over_tickers(tickers: Sequence[str], way: Callable[[str], Any]) -> Operation:
    """Returns an operation that goes through the tickers, one a call, over and over."""
    endless = cycle(tickers)
    return lambda: way(next(endless))


async def numpy_features(computer: MarketComputer, ticker: str) -> dict[str, Any]:
    return figured(computer.market, ticker)


async def numpy_signal(computer: MarketComputer, ticker: str) -> dict[str, Any] | None:
    return numpy_baseline.signal(figured(computer.market, ticker), computer.market.regime)


def figured(market: Market, ticker: str) -> dict[str, Any]:
    return numpy_baseline.features(market.columns[ticker], market.vix_level, market.breadth)
