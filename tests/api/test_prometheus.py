"""The figures for Prometheus: parsed back, and by the rules of its own linter."""

import asyncio
import math
import re
import threading
import time

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from ziggy_async import _core
from ziggy_async.api import ComputerCollector, create_router, slices
from ziggy_async.api.figures import Buckets
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing.options import Options, Reason, Work


@pytest.fixture
async def computer():
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=3, queue_size=7))
    yield computer
    await computer.stop(drain=False)


async def scrape(computer, **headers):
    app = FastAPI()
    app.include_router(create_router(computer))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/api/performance/prometheus", headers=headers)
    assert answer.status_code == 200
    return answer


async def families_of(computer):
    return {family.name: family for family in parse_text((await scrape(computer)).text)}


def samples(families):
    """(name, labels) -> value."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families.values()
        for sample in family.samples
    }


async def test_operations(computer):
    for ticker, seconds in (("SPY", 0.0004), ("MSFT", 0.02), ("TELE01", 40.0)):
        computer.metrics.record(f"compute_features:{ticker}", seconds)
    computer.metrics.record("own", 0.3, waiting=0.1, running=0.2, error="ValueError: no")
    families = await families_of(computer)
    values = samples(families)
    features, own = ("kind", "compute_features"), ("kind", "own")
    assert values["ziggy_async_operations_total", (features,)] == 3
    assert values["ziggy_async_operations_total", (own,)] == 1
    assert values["ziggy_async_operation_errors_total", (features,)] == 0
    assert values["ziggy_async_operation_errors_total", (own,)] == 1
    name, total = "ziggy_async_operation_duration_seconds", ("phase", "total")
    bounds = {
        bound: values[f"{name}_bucket", (features, ("le", bound), total)] for bound in ("0.0005", "0.025", "30.0")
    }
    assert bounds == {"0.0005": 1, "0.025": 2, "30.0": 2}
    assert values[f"{name}_bucket", (features, ("le", "+Inf"), total)] == 3
    assert values[f"{name}_count", (features, total)] == 3
    assert values[f"{name}_sum", (features, total)] == pytest.approx(40.0204)
    for phase, seconds in (("waiting", 0.1), ("running", 0.2), ("total", 0.3)):
        assert values[f"{name}_sum", (own, ("phase", phase))] == pytest.approx(seconds)
    assert (f"{name}_count", (features, ("phase", "waiting"))) not in values, "of what is not known there is nothing"


async def test_queue_workers_and_dead_letters(computer):
    await computer.start()
    await (await computer.enqueue_task("t", print))
    computer.dead_letters.put(Work("a", "worker_task:a", print, (), {}, Options()), Reason.DROPPED, [])
    values = samples(await families_of(computer))
    expected = {
        "tasks_submitted_total": 1,
        "tasks_succeeded_total": 1,
        "tasks_failed_total": 0,
        "tasks_running": 0,
        "queue_depth": 0,
        "queue_capacity": 7,
        "queue_oldest_task_age_seconds": 0,
        "dead_letters": 1,
        "dead_letters_evicted_total": 0,
        "workers": 3,
        "workers_min": 3,
        "workers_max": 3,
        "threads_stuck": 0,
    }
    assert {name: values[f"ziggy_async_{name}", ()] for name in expected} == expected


async def test_loop_lag(computer):
    computer.loop_lag.histogram.record(0.004)
    computer.loop_lag.histogram.record(0.2)
    values = samples(await families_of(computer))
    assert values["ziggy_async_loop_lag_seconds_bucket", (("le", "0.005"),)] == 1
    assert values["ziggy_async_loop_lag_seconds_count", ()] == 2
    assert values["ziggy_async_loop_lag_seconds_sum", ()] == pytest.approx(0.204)


async def test_native_pool(computer, store):
    await computer.compute_features_async("SPY")
    stats = _core.pool_stats()
    values = samples(await families_of(computer))
    assert values["ziggy_async_native_threads", ()] == stats["threads"] > 0
    assert values["ziggy_async_native_jobs_submitted_total", ()] == stats["submitted"] > 0


async def test_what_prometheus_lints(computer):
    computer.metrics.record("compute_features:SPY", 0.1, waiting=0.1, running=0.1)
    families = await families_of(computer)
    assert len(families) > 20
    for name, family in families.items():
        assert re.fullmatch(r"ziggy_async_[a-z]+(_[a-z]+)*", name), name
        assert family.documentation.endswith("."), name
        assert not re.search(r"_(ms|milliseconds|percent|count|sum|bucket|gauge|counter|histogram)$", name), name
        labels = {label for sample in family.samples for label in sample.labels}
        assert labels <= {"kind", "phase", "le"}, name
        written = {sample.name for sample in family.samples}
        if family.type == "counter":
            assert written == {f"{name}_total"}
        elif family.type == "gauge":
            assert written == {name}
        else:
            assert family.type == "histogram"
            assert name.endswith("_seconds")
            assert written == {f"{name}_bucket", f"{name}_count", f"{name}_sum"}


async def test_no_ticker_is_a_label(computer):
    for number in range(300):
        computer.metrics.record(f"compute_features:T{number}", 0.1)
    text = (await scrape(computer)).text
    assert "T299" not in text
    assert text.count("ziggy_async_operations_total{") == 1


async def test_formats(computer):
    computer.metrics.record('a "quoted"\\kind\n', 0.1)
    answer = await scrape(computer)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert len(answer.headers.get_list("content-type")) == 1
    values = samples({family.name: family for family in parse_text(answer.text)})
    assert values["ziggy_async_operations_total", (("kind", 'a "quoted"\\kind\\n'),)] == 1
    answer = await scrape(computer, accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "ziggy_async_operations" in {family.name for family in parse_openmetrics(answer.text)}


async def test_in_a_registry_of_the_applications_own(computer):
    registry = CollectorRegistry()
    registry.register(ComputerCollector(computer))
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        registry.register(ComputerCollector(computer))
    computer.metrics.record("own", 0.1)
    assert registry.get_sample_value("ziggy_async_operations_total", {"kind": "own"}) == 1
    assert b'kind="own"' in generate_latest(registry)


def record_kinds(computer, number):
    for kind in range(number):
        computer.metrics.record(f"kind {kind}", 0.3, waiting=0.1, running=0.2)


async def test_it_is_made_by_a_thread_that_rests(computer, monkeypatch):
    readers, rests, read = set(), [], Buckets.of.__func__

    def noting(cls, *args):
        readers.add(threading.get_ident())
        return read(cls, *args)

    record_kinds(computer, 20)
    monkeypatch.setattr(Buckets, "of", classmethod(noting))
    monkeypatch.setattr(slices, "SLICE", 0.0)
    monkeypatch.setattr(slices, "PAUSE", moment := 1.5e-6)
    monkeypatch.setattr(time, "sleep", rests.append)
    text = (await scrape(computer)).text
    assert len(readers) == 1
    assert threading.get_ident() not in readers
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert rests.count(moment) >= len(lines)  # and so no measurement is longer than it takes to make one of them


@pytest.mark.performance
@pytest.mark.parametrize("path", ["prometheus", "operations"])
async def test_the_loop_goes_on_meanwhile(computer, path):
    record_kinds(computer, 100)
    app = FastAPI()
    app.include_router(create_router(computer))
    least = math.inf
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for _ in range(10):
            answer = asyncio.create_task(client.get(f"/api/performance/{path}"))
            longest = 0.0
            while not answer.done():
                began = time.perf_counter()
                await asyncio.sleep(0)
                longest = max(longest, time.perf_counter() - began)
            assert (await answer).status_code == 200
            least = min(least, longest)
    assert least < 0.003


async def test_clearing_begins_anew(computer):
    computer.metrics.record("own", 0.1)
    computer.clear_metrics()
    assert (await families_of(computer))["ziggy_async_operations"].samples == []


async def test_figures_have_a_worker_only_where_the_application_asks_for_it(computer):
    computer.metrics.record("own", 0.3, waiting=0.1, running=0.2)
    app = FastAPI()
    app.include_router(create_router(computer, worker='7 "of" \udcff'))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        text = (await client.get("/api/performance/prometheus")).text
    labelled = [sample for family in parse_text(text) for sample in family.samples]
    assert {sample.labels.pop("worker") for sample in labelled} == {'7 "of" \\udcff'}
    plain = [sample for family in (await families_of(computer)).values() for sample in family.samples]
    assert [(each.name, each.labels) for each in labelled] == [(each.name, each.labels) for each in plain]


def test_a_collector_has_the_worker_too(computer):
    registry = CollectorRegistry()
    registry.register(ComputerCollector(computer, worker="7"))
    assert registry.get_sample_value("ziggy_async_workers", {"worker": "7"}) == 0.0
    with pytest.raises(TypeError, match="worker"):
        ComputerCollector(computer, worker=7)
    with pytest.raises(TypeError, match="worker"):
        create_router(computer, worker=7)
