"""Benchmarks of the package against the blocking way, on real bars, for the REST interface and the command line."""

from ziggy_async.latency_benchmark.benchmark import LatencyBenchmark, get_benchmark
from ziggy_async.latency_benchmark.comparisons import (
    run_feature_computation_benchmark,
    run_signal_generation_benchmark,
)
from ziggy_async.latency_benchmark.results import BenchmarkResult, ComparisonResult

__all__ = [
    "BenchmarkResult",
    "ComparisonResult",
    "LatencyBenchmark",
    "get_benchmark",
    "run_feature_computation_benchmark",
    "run_signal_generation_benchmark",
]
