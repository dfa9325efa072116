"""Runs operations, all at once or one after the other, and measures them and the loop that they run in."""

import asyncio
import inspect
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ziggy_async.lag import LagSummary, LoopLag, PingLag
from ziggy_async.latency_benchmark.own_loop import is_cancelled
from ziggy_async.latency_benchmark.results import BenchmarkResult, ComparisonResult
from ziggy_async.messages import loggable, shown

logger = logging.getLogger(__name__)

Operation = Callable[[], Any]
"""Called once for each operation. An awaitable that it returns is awaited; else all of the work was in the call."""

KEPT = 100
"""Results that a benchmark remembers."""
INTERVAL = 0.001
"""Seconds between two calls of the timer whose lateness is the lag: a benchmark may be over after a few."""
NO_LAG = LagSummary(0.0, 0.0, 0.0, 0.0)


class LatencyBenchmark:
    """Measures operations and remembers the last 100 results, in `results`, oldest first. Safe from any thread."""

    def __init__(self) -> None:
        self.results: list[BenchmarkResult] = []

    async def benchmark_operation(
        self,
        name: str,
        description: str,
        operation: Operation,
        num_operations: int = 100,
        concurrent: bool = True,
        monitor_loop_lag: bool = True,
        *,
        at_least: float = 0.0,
    ) -> BenchmarkResult:
        """Runs `operation` `num_operations` times, all at once or, without `concurrent`, one after the other.

        They are repeated until `at_least` seconds are over. An operation that raises is counted, the first one is
        logged. Raises `ValueError` unless `num_operations` is at least 1.
        """
        checked_number(num_operations)
        logger.info("benchmark %s: %d operations", name, num_operations)
        run = _Run(operation, num_operations, concurrent)
        lag = _Lag()
        if monitor_loop_lag:
            async with _measured(lag):
                await run.repeat(at_least)
        else:
            await run.repeat(at_least)
        result = run.result(name, description, lag)
        self.results.append(result)
        del self.results[:-KEPT]
        logger.info("benchmark %s: %.3f ms on average", name, result.avg_latency_ms)
        return result

    async def compare_approaches(
        self,
        baseline_op: Operation,
        optimized_op: Operation,
        num_operations: int = 100,
        description: str = "Performance Comparison",
        *,
        at_least: float = 0.0,
    ) -> ComparisonResult:
        """Measures first the one, then the other, `num_operations` of each at once; see `benchmark_operation`."""
        baseline = await self.benchmark_operation(
            "Baseline (Blocking)",
            f"{description} - baseline approach",
            baseline_op,
            num_operations,
            at_least=at_least,
        )
        optimized = await self.benchmark_operation(
            "Optimized (Async)",
            f"{description} - optimized approach",
            optimized_op,
            num_operations,
            at_least=at_least,
        )
        return ComparisonResult(baseline, optimized)

    def get_all_results(self) -> list[dict[str, Any]]:
        """Returns the results as plain values, oldest first."""
        return [result.to_dict() for result in self.results.copy()]

    def clear_results(self) -> None:
        """Forgets all results that were kept."""
        self.results.clear()


def checked_number(num_operations: object) -> int:
    """Returns `num_operations`. Raises `ValueError` when it is not a number of operations."""
    if isinstance(num_operations, bool) or not isinstance(num_operations, int) or num_operations < 1:
        raise ValueError(f"num_operations: {shown(num_operations)} is not a whole number of at least 1")
    return num_operations


@dataclass
class _Lag:
    """Lag by the drift of a timer and by pings from another thread, in milliseconds."""

    average: float = 0.0
    drift: LagSummary = NO_LAG
    pings: LagSummary = NO_LAG


@asynccontextmanager
async def _measured(lag: _Lag) -> AsyncIterator[None]:
    """Measures the running loop during the block and writes what it found into `lag`."""
    async with LoopLag(INTERVAL) as drift, PingLag() as pings:
        yield
        # The loop runs what the block held up: the timer is late by the last stretch of work only when it comes.
        await asyncio.sleep(2 * INTERVAL)
    histogram = drift.histogram
    lag.average = 1e3 * histogram.total / histogram.count if histogram.count else 0.0
    lag.drift, lag.pings = drift.summary(), pings.summary()


@dataclass
class _Run:
    """The operations of one benchmark, and how they went. Times are in seconds."""

    operation: Operation
    count: int
    concurrent: bool
    latencies: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    failures: int = 0

    async def repeat(self, at_least: float) -> None:
        end = time.perf_counter() + at_least
        while not self.durations or time.perf_counter() < end:
            start = time.perf_counter()
            await (self._all_at_once() if self.concurrent else self._one_by_one())
            self.durations.append(time.perf_counter() - start)

    async def _all_at_once(self) -> None:
        await asyncio.gather(*(self._timed(time.perf_counter()) for _ in range(self.count)))

    async def _one_by_one(self) -> None:
        for _ in range(self.count):
            await self._timed(time.perf_counter())

    async def _timed(self, submitted: float) -> None:
        if is_cancelled():
            raise asyncio.CancelledError
        try:
            outcome = self.operation()
            if inspect.isawaitable(outcome):
                await outcome
        except Exception as error:
            self.failures += 1
            if self.failures == 1:
                logger.error(
                    "an operation of a benchmark failed; of further ones only the number is kept",
                    exc_info=loggable(error),
                )
        else:
            self.latencies.append(time.perf_counter() - submitted)

    def result(self, name: str, description: str, lag: _Lag) -> BenchmarkResult:
        milliseconds = 1e3 * np.array(self.latencies or [0.0])
        # A percentile is a latency that occurred, never one between two.
        p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99), method="higher")
        duration = sum(self.durations)
        return BenchmarkResult(
            name=name,
            description=description,
            num_operations=self.count,
            total_duration_ms=1e3 * duration / len(self.durations),
            avg_latency_ms=float(milliseconds.mean()),
            min_latency_ms=float(milliseconds.min()),
            max_latency_ms=float(milliseconds.max()),
            p50_latency_ms=float(p50),
            p95_latency_ms=float(p95),
            p99_latency_ms=float(p99),
            throughput_ops_per_sec=len(self.latencies) / duration,
            event_loop_lag_avg_ms=lag.average,
            event_loop_lag_p95_ms=lag.drift.p95,
            success_rate=100.0 * len(self.latencies) / (len(self.latencies) + self.failures),
            event_loop_lag_max_ms=lag.drift.max,
            event_loop_ping_p95_ms=lag.pings.p95,
            event_loop_ping_max_ms=lag.pings.max,
            repeats=len(self.durations),
        )


_benchmark = LatencyBenchmark()


def get_benchmark() -> LatencyBenchmark:
    """Returns the process's one benchmark, whose results the REST interface lists."""
    return _benchmark
