"""Endpoints of operations, sizing and health."""

import logging
from typing import Annotated, Any

from fastapi import Query, Response

from ziggy_async.api.answers import answer
from ziggy_async.api.endpoints import ComputerOf, EndpointGroup
from ziggy_async.api.health import degradations, failures, obstacles
from ziggy_async.api.models import (
    Done,
    HealthAnswer,
    MetricsAnswer,
    Ok,
    OperationsAnswer,
    ReadyAnswer,
    ScalingAnswer,
    SummaryAnswer,
)
from ziggy_async.api.slices import sliced
from ziggy_async.messages import loggable

logger = logging.getLogger(__name__)

LastN = Annotated[int, Query(ge=1, le=1000, description="How many of the newest operations")]


def add_to(group: EndpointGroup) -> None:
    endpoints = MetricsEndpoints(group.computer)
    group.reads("/metrics", endpoints.metrics, MetricsAnswer)
    group.reads("/metrics/summary", endpoints.summary, SummaryAnswer)
    group.posts("/metrics/clear", endpoints.clear, Done)
    group.reads("/operations", endpoints.operations, OperationsAnswer)
    group.reads("/scaling", endpoints.scaling, ScalingAnswer)
    group.reads("/health", endpoints.health, HealthAnswer)
    group.reads("/health/live", endpoints.live, Ok)
    group.reads(
        "/health/ready",
        endpoints.ready,
        ReadyAnswer,
        {503: "Stopped, draining, all threads stuck, or the queue is full"},
    )


class MetricsEndpoints:
    """The docstrings are the documentation that clients see."""

    def __init__(self, computer: ComputerOf) -> None:
        self._computer = computer

    async def metrics(self, last_n: LastN = 100) -> dict[str, Any]:
        """The newest operations, oldest first, and the summary of all."""
        computer = self._computer()
        recent = computer.get_metrics(last_n=last_n)
        return {
            "ok": True,
            "summary": computer.get_summary_metrics(),
            "recent_operations": recent,
            "count": len(recent),
        }

    async def summary(self) -> dict[str, Any]:
        """Count, success rate and latencies of all operations; depth and capacity of the queue."""
        return {"ok": True, "metrics": self._computer().get_summary_metrics()}

    async def clear(self) -> dict[str, Any]:
        """Forget the operations so far. The background queue and its counts stay as they are."""
        self._computer().clear_metrics()
        return {"ok": True, "message": "Performance metrics cleared"}

    async def operations(self) -> dict[str, Any]:
        """Count, errors, and percentiles of waiting, running and total time of each kind of operation."""
        by_kind = self._computer().metrics.by_kind()
        kinds = {kind: metrics.to_dict() async for kind, metrics in sliced(by_kind.items())}
        return {"ok": True, "operations": kinds, "count": len(kinds)}

    async def scaling(self) -> dict[str, Any]:
        """The workers now, their limits, and what sizing by load has decided and why."""
        computer = self._computer()
        fewest, most = computer.config.workers_between
        decisions = [decision.to_dict() for decision in computer.decisions()]
        return {
            "ok": True,
            "adaptive": computer.config.scales,
            "workers": computer.workers,
            "min_workers": fewest,
            "max_workers": most,
            "stuck_threads": computer.stuck,
            "decisions": decisions,
            "count": len(decisions),
        }

    async def health(self) -> dict[str, Any]:
        """The computer's health in the last one to two minutes; read `status`, the answer is always 200.

        `degraded`: success rate below 95 %, 95th percentile above 100 ms, average above 50 ms, or the loop's lag above
        10 ms in its 95th percentile; a computer that has done nothing is healthy. `unhealthy`: it was stopped,
        its threads are stuck, or the check itself failed (then `ok` is false too). `metrics` are of the same minutes,
        but for those of the queue, which are of now. Awaits of the package's own functions are not among them; with
        those alone the loop's lag decides. For probes there are `/health/live` and `/health/ready`.
        """
        try:
            return self._health()
        except Exception as error:
            logger.error("health check failed", exc_info=loggable(error))
            return _health(["Performance health check failed"], "unhealthy", {}, ok=False)

    def _health(self) -> dict[str, Any]:
        computer = self._computer()
        summary = computer.get_summary_metrics()
        metrics: dict[str, Any] = {
            **summary,
            **computer.metrics.recent_summary(),
            "loop_lag_p95_ms": computer.loop_lag.recent().p95,
        }
        fatal = failures(computer)
        issues = fatal + (degradations(metrics, metrics["loop_lag_p95_ms"]) if summary["total_operations"] else [])
        return _health(issues, "unhealthy" if fatal else "degraded" if issues else "healthy", metrics)

    async def live(self) -> dict[str, Any]:
        """200 for as long as the loop answers at all: restart the process when it does not."""
        return {"ok": True}

    async def ready(self) -> Response:
        """200 when work may be sent here.

        503 when it was stopped, is draining, has a full queue, or no thread that is not stuck and could be replaced.
        One that was never started is ready: its first use starts it.
        """
        reasons = obstacles(self._computer())
        body = {"ok": not reasons, "ready": not reasons, "reasons": reasons}
        return await answer(body, 503 if reasons else 200)


def _health(issues: list[str], status: str, metrics: dict[str, Any], ok: bool = True) -> dict[str, Any]:
    return {"ok": ok, "healthy": status == "healthy", "status": status, "issues": issues, "metrics": metrics}
