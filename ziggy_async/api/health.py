"""The health of a computer, and its readiness for work."""

from collections.abc import Mapping

from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.monitoring.limits import LEAST_SUCCESS_RATE, MOST_AVERAGE_MS, MOST_LOOP_LAG_MS, MOST_P95_MS


def degradations(metrics: Mapping[str, float], loop_lag_p95_ms: float) -> list[str]:
    """Returns the figures that are worse than they should be, a sentence each. `metrics`: as of `Metrics.summary`."""
    issues = []
    if metrics["total_operations"] and metrics["success_rate"] < LEAST_SUCCESS_RATE:
        issues.append(f"Low success rate: {metrics['success_rate']:.1f}%")
    if metrics["p95_latency_ms"] > MOST_P95_MS:
        issues.append(f"High P95 latency: {metrics['p95_latency_ms']:.1f}ms")
    if metrics["avg_latency_ms"] > MOST_AVERAGE_MS:
        issues.append(f"High average latency: {metrics['avg_latency_ms']:.1f}ms")
    if loop_lag_p95_ms > MOST_LOOP_LAG_MS:
        issues.append(f"High P95 loop lag: {loop_lag_p95_ms:.1f}ms")
    return issues


def failures(computer: AsyncFeatureComputer) -> list[str]:
    """Returns why the computer can do no work at all, a sentence each."""
    if computer.was_stopped:
        return ["The computer was stopped"]
    return [
        f"Stuck threads: {stuck}, and the pool has {size}; their callers have given them up"
        for stuck, size in computer.stuck_by_pool
        if stuck >= size
    ]


def obstacles(computer: AsyncFeatureComputer) -> list[str]:
    """Returns why no more work should be sent here now. A computer that was never started has no obstacle: its
    first use starts it."""
    if computer.was_stopped:
        return ["stopped"]
    if computer.is_draining:
        return ["draining"]
    if computer.is_exhausted:
        return [f"all threads are stuck: {computer.stuck}"]
    metrics = computer.get_summary_metrics()
    depth, capacity = int(metrics["queue_depth"]), int(metrics["queue_capacity"])
    return [f"queue full: {depth} of {capacity}"] if depth >= capacity else []
