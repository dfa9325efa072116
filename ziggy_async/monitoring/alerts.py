"""Alert rules for Prometheus over the figures of `/prometheus`, by the limits of `/health`."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from ziggy_async.monitoring.limits import LEAST_SUCCESS_RATE, MOST_AVERAGE_MS, MOST_LOOP_LAG_MS, MOST_P95_MS

MOST_FILLED = 0.9
"""Share of the queue's capacity."""
MOST_WAITING = 60.0
"""Seconds of the task that has waited longest."""

BY = "by (job, instance)"
DIRECT = 'phase="total",kind!="worker_task"'
"""Operations that somebody waits for; how long a task waits for its turn is the queue's affair."""


class Alert(NamedTuple):
    name: str
    expression: str
    """The condition, in PromQL."""
    during: str
    """The time for which it has to hold."""
    severity: str
    summary: str
    """`{{ $value }}` is what the expression gives."""


def quantile_of(name: str, matchers: str = "") -> str:
    rates = f"rate({name}_bucket{{{matchers}}}[5m])" if matchers else f"rate({name}_bucket[5m])"
    return f"histogram_quantile(0.95, sum by (job, instance, le) ({rates}))"


def mean_of(name: str, matchers: str) -> str:
    total, count = (f"sum {BY} (rate({name}_{part}{{{matchers}}}[5m]))" for part in ("sum", "count"))
    return f"{total} / {count}"


ALERTS = (
    Alert(
        "ZiggyAsyncErrors",
        f"100 * (1 - sum {BY} (rate(ziggy_async_operation_errors_total[5m]))"
        f" / sum {BY} (rate(ziggy_async_operations_total[5m]))) < {LEAST_SUCCESS_RATE:g}",
        "5m",
        "warning",
        '{{ $value | printf "%.1f" }} % of the operations succeed',
    ),
    Alert(
        "ZiggyAsyncSlowOperations",
        f"{quantile_of('ziggy_async_operation_duration_seconds', DIRECT)} > {MOST_P95_MS / 1e3:g}",
        "5m",
        "warning",
        "the 95th percentile of operations is {{ $value | humanizeDuration }}",
    ),
    Alert(
        "ZiggyAsyncSlowOnAverage",
        f"{mean_of('ziggy_async_operation_duration_seconds', DIRECT)} > {MOST_AVERAGE_MS / 1e3:g}",
        "5m",
        "warning",
        "operations take {{ $value | humanizeDuration }} on average",
    ),
    Alert(
        "ZiggyAsyncLoopLag",
        f"{quantile_of('ziggy_async_loop_lag_seconds')} > {MOST_LOOP_LAG_MS / 1e3:g}",
        "5m",
        "warning",
        "the 95th percentile of the event loop's lag is {{ $value | humanizeDuration }}",
    ),
    Alert(
        "ZiggyAsyncQueueFull",
        f"ziggy_async_queue_depth / ziggy_async_queue_capacity > {MOST_FILLED:g}",
        "1m",
        "critical",
        "the background queue is {{ $value | humanizePercentage }} full",
    ),
    Alert(
        "ZiggyAsyncOldTask",
        f"ziggy_async_queue_oldest_task_age_seconds > {MOST_WAITING:g}",
        "1m",
        "warning",
        "a task has waited for {{ $value | humanizeDuration }}",
    ),
    Alert(
        "ZiggyAsyncTasksRefused",
        "increase(ziggy_async_tasks_rejected_total[15m]) > 0",
        "0m",
        "warning",
        'a full queue has refused {{ $value | printf "%.0f" }} tasks in 15 minutes',
    ),
    Alert(
        "ZiggyAsyncDeadLetters",
        "increase(ziggy_async_tasks_dead_total[15m]) > 0",
        "0m",
        "warning",
        '{{ $value | printf "%.0f" }} tasks have died in 15 minutes',
    ),
    Alert(
        "ZiggyAsyncDeadLettersLost",
        "increase(ziggy_async_dead_letters_evicted_total[1h]) > 0",
        "0m",
        "critical",
        '{{ $value | printf "%.0f" }} dead letters were given up in an hour before anybody requeued them',
    ),
    Alert(
        "ZiggyAsyncStuckThreads",
        "ziggy_async_threads_stuck > 0",
        "5m",
        "warning",
        "{{ $value }} threads are in calls that nobody waits for any more",
    ),
    Alert(
        "ZiggyAsyncNotScraped",
        "absent(ziggy_async_workers)",
        "5m",
        "critical",
        "Prometheus has no figures of ziggy_async",
    ),
)


def rules() -> str:
    """Returns a rule file of Prometheus, in YAML."""
    return "\n".join(["groups:", "  - name: ziggy_async", "    rules:", *lines()]) + "\n"


def lines() -> Iterator[str]:
    """A text in double quotes is the same in YAML as in JSON."""
    for alert in ALERTS:
        yield f"      - alert: {alert.name}"
        yield f"        expr: {json.dumps(alert.expression)}"
        yield f"        for: {alert.during}"
        yield f"        labels: {{severity: {alert.severity}}}"
        yield "        annotations:"
        yield f"          summary: {json.dumps('{{ $labels.instance }}: ' + alert.summary)}"
