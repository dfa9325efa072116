"""A dashboard of Grafana over the figures of `/prometheus`."""

from typing import Any, NamedTuple

RATE = "$__rate_interval"
WIDTH, HEIGHT, COLUMNS = 12, 8, 24
"""Sizes of a panel and of the dashboard, in Grafana's grid."""
SCHEMA_VERSION = 39
"""Grafana 11's, which newer versions read."""

CHOSEN = 'job=~"$job",instance=~"$instance"'
TASK_EVENTS = ("submitted", "succeeded", "failed", "cancelled", "dead", "rejected", "joined", "retried")
JOB_EVENTS = ("submitted", "completed", "cancelled", "expired")


class Line(NamedTuple):
    expression: str
    """The figure, in PromQL."""
    legend: str
    """Labels stand in it as `{{kind}}`."""


class Panel(NamedTuple):
    title: str
    unit: str
    """Grafana's name of the unit."""
    lines: tuple[Line, ...]


def rate(name: str, by: str = "") -> str:
    total = f"sum by ({by})" if by else "sum"
    return f"{total} (rate(ziggy_async_{name}{{{CHOSEN}}}[{RATE}]))"


def now(name: str, how: str = "sum") -> str:
    return f"{how} (ziggy_async_{name}{{{CHOSEN}}})"


def quantile(part: float, name: str, by: str = "", matchers: str = "") -> str:
    labels = ", ".join(filter(None, (by, "le")))
    selected = ",".join(filter(None, (CHOSEN, matchers)))
    rates = f"rate(ziggy_async_{name}_bucket{{{selected}}}[{RATE}])"
    return f"histogram_quantile({part:g}, sum by ({labels}) ({rates}))"


def percentiles(name: str, matchers: str = "") -> tuple[Line, ...]:
    return tuple(Line(quantile(part, name, matchers=matchers), f"p{part * 100:g}") for part in (0.5, 0.95, 0.99))


PANELS = (
    Panel("Operations", "ops", (Line(rate("operations_total", "kind"), "{{kind}}"),)),
    Panel("Failed operations", "ops", (Line(rate("operation_errors_total", "kind"), "{{kind}}"),)),
    Panel("Time of operations", "s", percentiles("operation_duration_seconds", 'phase="total"')),
    Panel("Lag of the event loop", "s", percentiles("loop_lag_seconds")),
    Panel(
        "95th percentile of each kind",
        "s",
        (Line(quantile(0.95, "operation_duration_seconds", "kind", 'phase="total"'), "{{kind}}"),),
    ),
    Panel(
        "95th percentile of waiting and of running",
        "s",
        (Line(quantile(0.95, "operation_duration_seconds", "phase", 'phase!="total"'), "{{phase}}"),),
    ),
    Panel(
        "Queue",
        "short",
        (
            Line(now("queue_depth"), "waiting"),
            Line(now("tasks_running"), "running"),
            Line(now("queue_capacity"), "capacity"),
        ),
    ),
    Panel("Oldest waiting task", "s", (Line(now("queue_oldest_task_age_seconds", "max"), "age"),)),
    Panel("Tasks", "ops", tuple(Line(rate(f"tasks_{state}_total"), state) for state in TASK_EVENTS)),
    Panel(
        "Dead letters",
        "short",
        (
            Line(now("dead_letters"), "kept"),
            Line(f"sum (increase(ziggy_async_dead_letters_evicted_total{{{CHOSEN}}}[{RATE}]))", "given up"),
        ),
    ),
    Panel(
        "Workers",
        "short",
        (
            Line(now("workers"), "workers"),
            Line(now("workers_min"), "at least"),
            Line(now("workers_max"), "at most"),
            Line(now("threads_stuck"), "stuck threads"),
        ),
    ),
    Panel(
        "Native jobs",
        "ops",
        tuple(Line(rate(f"native_jobs_{state}_total"), state) for state in JOB_EVENTS),
    ),
    Panel(
        "Native pool",
        "short",
        (Line(now("native_threads"), "threads"), Line(now("native_jobs_queued"), "waiting jobs")),
    ),
)


def dashboard() -> dict[str, Any]:
    """Returns the dashboard that Grafana imports; it asks for the data source."""
    return {
        "title": "ziggy_async",
        "uid": "ziggy-async",
        "tags": ["ziggy_async"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [data_source(), *(variable(name) for name in ("job", "instance"))]},
        "panels": [panel(number, each) for number, each in enumerate(PANELS)],
    }


def data_source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def variable(label: str) -> dict[str, Any]:
    """Returns the variable that chooses values of a label: all of them at first."""
    return {
        "name": label,
        "type": "query",
        "datasource": SOURCE,
        "query": f"label_values(ziggy_async_workers, {label})",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def panel(number: int, each: Panel) -> dict[str, Any]:
    left, row = number * WIDTH % COLUMNS, number * WIDTH // COLUMNS
    return {
        "id": number + 1,
        "title": each.title,
        "type": "timeseries",
        "datasource": SOURCE,
        "gridPos": {"x": left, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": each.unit, "min": 0}, "overrides": []},
        "options": {"tooltip": {"mode": "multi"}, "legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": line.expression, "legendFormat": line.legend}
            for at, line in enumerate(each.lines)
        ],
    }
