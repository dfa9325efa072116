"""The result of a benchmark, and two results side by side."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass
class BenchmarkResult:
    """The outcome of `num_operations` operations. Times are in milliseconds, `success_rate` is in percent.

    Latencies count from an operation's submission, of those that succeeded; 0.0 when none did, and the throughput is
    theirs. Where the operations were repeated, latencies and lag are those of all `repeats`, `total_duration_ms` is
    the mean of one. `event_loop_lag_…`: how late a timer of the loop came. `event_loop_ping_…`: how long the loop let
    pings from another thread wait. Both are 0.0 when they were not measured.
    """

    name: str
    description: str
    num_operations: int
    total_duration_ms: float
    avg_latency_ms: float
    min_latency_ms: float
    max_latency_ms: float
    p50_latency_ms: float
    p95_latency_ms: float
    p99_latency_ms: float
    throughput_ops_per_sec: float
    event_loop_lag_avg_ms: float
    event_loop_lag_p95_ms: float
    success_rate: float
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))
    event_loop_lag_max_ms: float = 0.0
    event_loop_ping_p95_ms: float = 0.0
    event_loop_ping_max_ms: float = 0.0
    repeats: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as plain values that JSON takes: in groups, with the three that comparisons read beside
        them."""
        return {
            "name": self.name,
            "description": self.description,
            "avg_latency_ms": self.avg_latency_ms,
            "throughput_ops_per_sec": self.throughput_ops_per_sec,
            "event_loop_lag_p95_ms": self.event_loop_lag_p95_ms,
            "metrics": {
                "total_operations": self.num_operations,
                "total_duration_ms": self.total_duration_ms,
                "throughput_ops_per_sec": self.throughput_ops_per_sec,
                "success_rate": self.success_rate,
                "repeats": self.repeats,
            },
            "latency": {
                "avg_ms": self.avg_latency_ms,
                "min_ms": self.min_latency_ms,
                "max_ms": self.max_latency_ms,
                "p50_ms": self.p50_latency_ms,
                "p95_ms": self.p95_latency_ms,
                "p99_ms": self.p99_latency_ms,
            },
            "event_loop": {
                "avg_lag_ms": self.event_loop_lag_avg_ms,
                "p95_lag_ms": self.event_loop_lag_p95_ms,
                "max_lag_ms": self.event_loop_lag_max_ms,
                "p95_ping_ms": self.event_loop_ping_p95_ms,
                "max_ping_ms": self.event_loop_ping_max_ms,
            },
            "timestamp": self.timestamp.isoformat(),
        }


@dataclass
class ComparisonResult:
    """Two ways to do the same. Improvements are in percent of the baseline: above 0 where `optimized` is better, below
    where it is worse, 0.0 where the baseline's figure is 0."""

    baseline: BenchmarkResult
    optimized: BenchmarkResult

    @property
    def latency_improvement_pct(self) -> float:
        """The percentage by which the average latency is lower."""
        return -_change(self.baseline.avg_latency_ms, self.optimized.avg_latency_ms)

    @property
    def throughput_improvement_pct(self) -> float:
        """The percentage by which the throughput is higher."""
        return _change(self.baseline.throughput_ops_per_sec, self.optimized.throughput_ops_per_sec)

    @property
    def loop_lag_improvement_pct(self) -> float:
        """The percentage by which the 95th percentile of the loop's lag is lower."""
        return -_change(self.baseline.event_loop_lag_p95_ms, self.optimized.event_loop_lag_p95_ms)

    @property
    def summary(self) -> str:
        """A sentence on each figure that changed, for better or worse."""
        changes = (
            ("Latency", "reduced", "increased", self.latency_improvement_pct),
            ("Throughput", "increased", "reduced", self.throughput_improvement_pct),
            ("Event loop lag", "reduced", "increased", self.loop_lag_improvement_pct),
        )
        sentences = [
            f"{what} {better if percent > 0 else worse} by {abs(percent):.1f}%"
            for what, better, worse, percent in changes
            if round(percent, 1)
        ]
        return ". ".join(sentences) if sentences else "No significant improvements"

    def to_dict(self) -> dict[str, Any]:
        """Returns the comparison as plain values that JSON takes."""
        return {
            "baseline": self.baseline.to_dict(),
            "optimized": self.optimized.to_dict(),
            "improvements": {
                "latency_reduction_pct": round(self.latency_improvement_pct, 2),
                "throughput_increase_pct": round(self.throughput_improvement_pct, 2),
                "loop_lag_reduction_pct": round(self.loop_lag_improvement_pct, 2),
            },
            "summary": self.summary,
        }


def _change(before: float, after: float) -> float:
    """Returns the change from `before` to `after`, in percent of `before`; 0.0 from nothing."""
    return 100.0 * (after - before) / before if before else 0.0
