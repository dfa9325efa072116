"""The endpoints under /api/performance: their shapes, what they refuse, and what they keep to themselves."""

import asyncio
import threading
from itertools import pairwise

import pytest
from fastapi import Depends
from fastapi.responses import JSONResponse
from rest import ROOT, client_of, conforms, full_queue, get, post

from ziggy_async import compute_features_async
from ziggy_async._core import Histogram
from ziggy_async.api import create_router, models, router, slices
from ziggy_async.async_features import (
    get_async_feature_computer,
    init_async_features,
    shutdown_async_features,
)
from ziggy_async.metrics import KindMetrics, _Outcomes
from ziggy_async.windows import Windows

READS = ["/metrics", "/metrics/summary", "/operations", "/scaling", "/dead-letters", "/health/ready", "/prometheus"]
ACTIONS = [
    ("POST", "/metrics/clear"),
    ("POST", "/benchmarks/feature-computation"),
    ("POST", "/benchmarks/signal-generation"),
    ("POST", "/benchmarks/clear"),
    ("POST", "/dead-letters/requeue"),
    ("POST", "/dead-letters/1/requeue"),
    ("DELETE", "/dead-letters/1"),
]
SUMMARY = {
    "total_operations",
    "success_rate",
    *("avg_latency_ms", "p50_latency_ms", "p95_latency_ms", "p99_latency_ms", "max_latency_ms"),
    *("queue_depth", "queue_capacity", "oldest_waiting_s"),
}


async def test_metrics_are_the_newest_oldest_first(client, computer):
    for number in range(3):
        computer.metrics.record(f"compute_features:T{number}", 0.01 * (number + 1), error="no" if number == 2 else None)
    answer = await get(client, "/metrics?last_n=2")
    assert set(answer) == {"ok", "summary", "recent_operations", "count"}
    assert answer["ok"] is True
    assert answer["count"] == 2
    assert [each["operation"] for each in answer["recent_operations"]] == ["compute_features:T1", "compute_features:T2"]
    assert [each["success"] for each in answer["recent_operations"]] == [True, False]
    assert answer["recent_operations"][0]["duration_ms"] == pytest.approx(20.0)
    assert set(answer["recent_operations"][0]) == {"operation", "duration_ms", "success", "error", "timestamp"}
    assert set(answer["summary"]) == SUMMARY
    assert answer["summary"]["total_operations"] == 3
    assert answer["summary"]["success_rate"] == pytest.approx(200 / 3)
    conforms(answer, models.MetricsAnswer)


async def test_summary_and_clear(client, computer):
    computer.metrics.record("own", 0.5)
    answer = await get(client, "/metrics/summary")
    assert set(answer) == {"ok", "metrics"}
    assert answer["metrics"] == {**computer.get_summary_metrics(), "queue_capacity": 2}
    assert answer["metrics"]["max_latency_ms"] == pytest.approx(500.0)
    conforms(answer, models.SummaryAnswer)
    cleared = await post(client, "/metrics/clear")
    assert set(cleared) == {"ok", "message"}
    assert cleared["ok"] is True
    assert (await get(client, "/metrics")) == {
        "ok": True,
        "summary": {**dict.fromkeys(SUMMARY, 0), "queue_capacity": 2},
        "recent_operations": [],
        "count": 0,
    }


async def test_operations_by_kind(client, computer):
    for ticker in ("SPY", "MSFT"):
        computer.metrics.record(f"compute_features:{ticker}", 0.02, waiting=0.005, running=0.015)
    computer.metrics.record("own", 0.02, error="ValueError: no")
    answer = await get(client, "/operations")
    assert answer["count"] == 2
    assert list(answer["operations"]) == ["compute_features", "own"]
    kind = answer["operations"]["compute_features"]
    assert (kind["count"], kind["errors"]) == (2, 0)
    assert answer["operations"]["own"]["errors"] == 1
    assert kind["running"]["p50_ms"] == pytest.approx(15.0, rel=0.01)
    assert kind["waiting"]["max_ms"] == pytest.approx(5.0)
    conforms(answer, models.OperationsAnswer)


async def test_operations_are_read_in_turns(client, computer, monkeypatch):
    """Between two kinds others have theirs, however many kinds there are."""
    read, to_dict = [], KindMetrics.to_dict

    async def others():
        while True:
            read.append("turn")
            await asyncio.sleep(0)

    def noting(kind):
        read.append("kind")
        return to_dict(kind)

    for kind in range(20):
        computer.metrics.record(f"kind {kind}", 0.02)
    monkeypatch.setattr(KindMetrics, "to_dict", noting)
    monkeypatch.setattr(slices, "SLICE", 0.0)
    task = asyncio.create_task(others())
    answer = await get(client, "/operations")
    task.cancel()
    assert answer["count"] == read.count("kind") == 20
    assert ("kind", "kind") not in set(pairwise(read))


async def test_scaling(client, computer):
    await computer.start()
    answer = await get(client, "/scaling")
    assert answer == {
        "ok": True,
        "adaptive": False,
        "workers": 2,
        "min_workers": 2,
        "max_workers": 2,
        "stuck_threads": 0,
        "decisions": [],
        "count": 0,
    }
    conforms(answer, models.ScalingAnswer)


@pytest.mark.parametrize(
    "path",
    [
        *(f"/metrics?last_n={value}" for value in ("0", "1001", "-1", "many", "1.5", "")),
        *("/dead-letters?limit=0", "/dead-letters?limit=1001", "/dead-letters?offset=-1", "/dead-letters?reason=age"),
    ],
)
async def test_parameters_out_of_range(client, path):
    assert (await client.get(ROOT + path)).status_code == 422


@pytest.mark.parametrize("name", ["feature-computation", "signal-generation"])
@pytest.mark.parametrize("value", ["9", "1001", "all"])
async def test_benchmarks_out_of_range(client, name, value):
    await post(client, f"/benchmarks/{name}?num_operations={value}", 422)


async def test_limits_are_in_range(client):
    await get(client, "/metrics?last_n=1")
    await get(client, "/metrics?last_n=1000")


async def test_idle_is_healthy(client, computer):
    answer = await get(client, "/health")
    assert set(answer) == {"ok", "healthy", "status", "issues", "metrics"}
    assert (answer["ok"], answer["healthy"], answer["status"], answer["issues"]) == (True, True, "healthy", [])
    assert set(answer["metrics"]) == {*SUMMARY, "loop_lag_p95_ms"}
    conforms(answer, models.HealthAnswer)


def record(computer, seconds, failures=0):
    """100 operations, of which so many fail."""
    for number in range(100):
        computer.metrics.record("own", seconds, error="no" if number < failures else None)


@pytest.mark.parametrize(("failures", "issues"), [(5, []), (6, ["Low success rate: 94.0%"])])
async def test_health_by_success_rate(client, computer, failures, issues):
    record(computer, 0.001, failures)
    answer = await get(client, "/health")
    assert answer["issues"] == issues
    assert answer["status"] == ("degraded" if issues else "healthy")
    assert answer["healthy"] is not bool(issues)


async def test_health_by_latency(client, computer):
    record(computer, 0.049)
    assert (await get(client, "/health"))["status"] == "healthy"
    computer.clear_metrics()
    record(computer, 0.06)
    assert (await get(client, "/health"))["issues"] == ["High average latency: 60.0ms"]
    computer.clear_metrics()
    for number in range(100):
        computer.metrics.record("own", 0.2 if number < 10 else 0.001)
    [issue] = (await get(client, "/health"))["issues"]
    assert issue.startswith("High P95 latency: 20")


async def test_health_by_loop_lag(client, computer):
    record(computer, 0.001)
    computer.loop_lag._came(0.0095)
    assert (await get(client, "/health"))["status"] == "healthy"
    computer.loop_lag.clear()
    computer.loop_lag._came(0.012)
    answer = await get(client, "/health")
    assert answer["status"] == "degraded"
    assert answer["issues"][0].startswith("High P95 loop lag: 12")


async def test_health_by_loop_lag_where_the_packages_functions_alone_are_awaited(client, computer):
    """They are in the summary, and not in the figures of the last minutes."""
    computer.loop_lag._came(0.012)
    assert (await get(client, "/health"))["status"] == "healthy", "nothing was done yet"
    await computer.start()
    await compute_features_async("NONE")
    computer.loop_lag.stop()
    computer.loop_lag.clear()
    computer.loop_lag._came(0.012)
    answer = await get(client, "/health")
    assert (answer["metrics"]["total_operations"], answer["status"]) == (0, "degraded")
    assert [issue[:21] for issue in answer["issues"]] == ["High P95 loop lag: 12"]


async def test_health_is_that_of_the_last_minutes(client, computer, monkeypatch):
    """After long success an outage shows, and after it the recovery."""
    now = [1000.0]
    monkeypatch.setattr(computer.metrics._period, "windows", Windows(_Outcomes, lambda: now[0]))
    for _ in range(50):
        record(computer, 0.001)
    assert (await get(client, "/health"))["metrics"]["total_operations"] == 5000
    now[0] += 150.0
    record(computer, 0.001, failures=100)
    answer = await get(client, "/health")
    assert (answer["issues"], answer["metrics"]["total_operations"]) == (["Low success rate: 0.0%"], 100)
    now[0] += 150.0
    assert (await get(client, "/health"))["status"] == "healthy"
    record(computer, 0.001)
    answer = await get(client, "/health")
    assert (answer["issues"], answer["metrics"]["success_rate"]) == ([], 100.0)
    assert (await get(client, "/metrics/summary"))["metrics"]["total_operations"] == 5200


async def test_loop_lag_in_health_is_that_of_the_last_minutes(client, computer):
    now = [1000.0]
    computer.loop_lag._recent = Windows(Histogram, lambda: now[0])
    record(computer, 0.001)
    computer.loop_lag._came(0.5)
    assert (await get(client, "/health"))["status"] == "degraded"
    now[0] += 120.0
    assert (await get(client, "/health"))["status"] == "healthy"
    assert computer.loop_lag.summary().max == pytest.approx(500.0)


async def test_stopped_is_unhealthy_and_not_ready(client, computer):
    assert (await get(client, "/health/ready")) == {"ok": True, "ready": True, "reasons": []}
    await computer.start()
    assert (await get(client, "/health"))["status"] == "healthy"
    await computer.stop()
    answer = await get(client, "/health")
    assert (answer["ok"], answer["healthy"], answer["status"]) == (True, False, "unhealthy")
    ready = await get(client, "/health/ready", 503)
    assert ready == {"ok": False, "ready": False, "reasons": ["stopped"]}
    conforms(ready, models.ReadyAnswer)
    assert (await get(client, "/health/live")) == {"ok": True}
    await computer.start()
    assert (await get(client, "/health"))["healthy"] is True


async def test_stuck_threads_are_unhealthy(client, computer, monkeypatch):
    """All threads of a pool, that is; what is stuck in several pools is not added up."""
    await computer.start()
    direct, tasks = computer._threads(), computer._task_threads
    monkeypatch.setattr(direct, "_stuck", {1})
    monkeypatch.setattr(tasks, "_stuck", {2})
    assert computer.stuck == 2
    assert (await get(client, "/health"))["status"] == "healthy"
    monkeypatch.setattr(tasks, "_stuck", {2, 3})
    answer = await get(client, "/health")
    assert answer["status"] == "unhealthy"
    assert answer["issues"][0].startswith("Stuck threads: 2")


async def test_with_stuck_threads_alone_it_is_not_ready(client, computer):
    gate, begun = threading.Event(), threading.Semaphore(0)

    def hang():
        begun.release()
        gate.wait(30)

    try:
        for _ in range(5 * computer.config.max_workers):
            assert (await get(client, "/health/ready"))["ready"] is True
            hanging = asyncio.create_task(computer.execute_blocking_operation("hangs", hang))
            await asyncio.to_thread(begun.acquire)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
        answer = await get(client, "/health/ready", 503)
        assert answer["reasons"] == [f"all threads are stuck: {5 * computer.config.max_workers}"]
    finally:
        gate.set()


async def test_a_check_that_fails_is_unhealthy_and_says_no_more(client, computer, monkeypatch, caplog):
    monkeypatch.setattr(computer, "get_summary_metrics", broken)
    answer = await get(client, "/health")
    assert answer["ok"] is False
    assert (answer["healthy"], answer["status"]) == (False, "unhealthy")
    assert answer["issues"] == ["Performance health check failed"]
    assert "the secret" in caplog.text


async def test_a_full_queue_is_not_ready(client, computer):
    async with full_queue(computer):
        answer = await get(client, "/health/ready", 503)
        assert answer["reasons"] == ["queue full: 2 of 2"]
    assert (await get(client, "/health/ready"))["ready"] is True


async def test_draining_is_not_ready(client, computer):
    async with full_queue(computer) as stop_waiting:
        stopping = asyncio.create_task(computer.stop())
        await asyncio.sleep(0)
        assert (await get(client, "/health/ready", 503))["reasons"] == ["draining"]
        stop_waiting.set()
        await stopping


def broken(*args, **kwargs):
    raise RuntimeError("the secret")


async def test_internal_errors_tell_nothing(caplog):
    class Broken:
        def __getattr__(self, name):
            raise RuntimeError("the secret")

    async with client_of(create_router(Broken())) as client:
        for path in READS:
            caplog.clear()
            answer = await client.get(ROOT + path)
            assert (answer.status_code, answer.json()) == (500, {"detail": "internal error"}), path
            assert "the secret" in caplog.text
        for verb, path in ACTIONS:
            if "/benchmarks/" not in path:
                answer = await client.request(verb, ROOT + path)
                assert (answer.status_code, answer.json()) == (500, {"detail": "internal error"}), path


async def test_without_actions_there_is_only_what_reads(computer):
    read_only = create_router(computer, allow_actions=False)
    async with client_of(read_only) as client:
        for verb, path in ACTIONS:
            assert (await client.request(verb, ROOT + path)).status_code in (404, 405), path
        for path in [*READS, "/health", "/health/live", "/benchmarks"]:
            assert (await client.get(ROOT + path)).status_code == 200, path
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert {verb for path in paths.values() for verb in path} == {"get"}


async def test_dependencies_hold_for_every_endpoint_and_raise_what_they_like(computer):
    class NotLoggedInError(Exception):
        pass

    async def logged_in():
        raise NotLoggedInError

    async def to_401(request, error):
        return JSONResponse({"detail": "who are you?"}, 401)

    guarded = create_router(computer, prefix="/internal", dependencies=[Depends(logged_in)])
    async with client_of(guarded, exception_handlers={NotLoggedInError: to_401}) as client:
        for verb, path in [*(("GET", path) for path in [*READS, "/health", "/health/live"]), *ACTIONS]:
            assert (await client.request(verb, "/internal" + path)).status_code == 401, path


async def test_the_ready_made_router_asks_the_computer_of_the_moment():
    async with client_of(router) as client:
        try:
            for name in ("first", "second"):
                await init_async_features()
                get_async_feature_computer().metrics.record(name, 0.1)
                assert list((await get(client, "/operations"))["operations"]) == [name]
        finally:
            await shutdown_async_features()


async def test_the_documentation_says_what_each_endpoint_does(computer):
    async with client_of(create_router(computer)) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    calls = {(verb.upper(), path.removeprefix(ROOT)): call for path in paths for verb, call in paths[path].items()}
    documented = {(verb, path.replace("/1", "/{letter_id}")) for verb, path in ACTIONS}
    assert set(calls) == {
        *documented,
        *(("GET", path) for path in [*READS, "/health", "/health/live", "/benchmarks", "/dead-letters/{letter_id}"]),
    }
    for call in calls.values():
        assert len(call["summary"]) > 10
        assert "200" in call["responses"]
    limits = calls["GET", "/metrics"]["parameters"][0]["schema"]
    assert (limits["minimum"], limits["maximum"], limits["default"]) == (1, 1000, 100)
    assert "409" in calls["POST", "/benchmarks/signal-generation"]["responses"]
