"""Spans of tasks, computations and native jobs, as OpenTelemetry's SDK exports them."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import Mock

import process_work
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from process_work import trace_and_span
from queued import until
from reference.bars import walk

from ziggy_async import (
    AsyncFeatureComputer,
    BarStore,
    FeatureSet,
    TaskPoolConfig,
    compute_features_async,
    signal_history_async,
    tracing,
)
from ziggy_async.market_brain.features import FeatureComputer
from ziggy_async.market_brain.regime import RegimeDetector
from ziggy_async.market_brain.signals import SignalGenerator


class Spans:
    def __init__(self, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
        self.tracer = provider.get_tracer("the application")
        self._exporter = exporter

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """Those of a provider that this test alone has."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("ziggy_async"))
    yield Spans(provider, exporter)
    provider.shutdown()


def is_child(child: ReadableSpan, parent: ReadableSpan) -> bool:
    return child.parent is not None and child.parent.span_id == parent.context.span_id


def filled() -> BarStore:
    store = BarStore()
    store.load("SPY", walk(80, 1).table())
    return store


def computer_of(**options: Any) -> AsyncFeatureComputer:
    return AsyncFeatureComputer(TaskPoolConfig(max_workers=2, **options))


async def test_a_task_is_enqueued_run_and_delivered_in_one_trace(spans: Spans) -> None:
    async with computer_of() as computer:
        with spans.tracer.start_as_current_span("request"):
            handle = await computer.enqueue_task("night-1", trace_and_span)
            found = await handle
    request, enqueue = spans.one("request"), spans.one("enqueue background")
    run, deliver = spans.one("run background"), spans.one("deliver background")
    assert is_child(enqueue, request)
    assert is_child(run, enqueue)
    assert is_child(deliver, run)
    assert found == (run.context.trace_id, run.context.span_id)
    assert (enqueue.kind, run.kind, deliver.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER, SpanKind.INTERNAL)
    assert run.attributes == {
        "messaging.system": "ziggy_async",
        "messaging.destination.name": "background",
        "messaging.operation.name": "run",
        "messaging.operation.type": "process",
        "messaging.message.id": "night-1",
        "code.function.name": "process_work.trace_and_span",
        "ziggy_async.operation": "worker_task:night-1",
        "ziggy_async.attempt": 1,
    }
    assert run.start_time <= run.end_time == deliver.start_time <= deliver.end_time


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (partial(partial(sorted, [2, 1]), reverse=True), "builtins.sorted"),
        (Mock(return_value=3), "unittest.mock.Mock"),  # which has any attribute
        ([1].copy, "list.copy"),
    ],
)
async def test_a_task_has_the_name_of_its_function(spans: Spans, function: Callable[[], object], name: str) -> None:
    async with computer_of() as computer:
        await (await computer.enqueue_task("named", function))
    assert spans.one("run background").attributes["code.function.name"] == name


async def test_each_attempt_is_a_run_of_its_own(spans: Spans) -> None:
    ids = []

    def fails_once() -> str:
        ids.append(trace_and_span())
        if len(ids) == 1:
            raise OSError("no route to host")
        return "done"

    async with computer_of() as computer:
        assert await (await computer.with_options(max_attempts=2).enqueue_task("twice", fails_once)) == "done"
    first, second = spans.named("run background")
    assert ids == [(each.context.trace_id, each.context.span_id) for each in (first, second)]
    assert [each.attributes["ziggy_async.attempt"] for each in (first, second)] == [1, 2]
    assert first.status.status_code is StatusCode.ERROR
    assert first.attributes["error.type"] == "OSError"
    assert first.events[0].attributes["exception.message"] == "no route to host"
    assert second.status.status_code is not StatusCode.ERROR
    assert is_child(second, spans.one("enqueue background"))


async def test_a_coroutine_runs_in_its_span(spans: Spans) -> None:
    async def work() -> tuple[int, int]:
        await asyncio.sleep(0)
        return trace_and_span()

    async with computer_of() as computer:
        found = await (await computer.enqueue_task("on the loop", work))
    assert found == (spans.one("run background").context.trace_id, spans.one("run background").context.span_id)


async def test_the_trace_goes_along_into_a_process(spans: Spans) -> None:
    async with computer_of() as computer:
        handle = await computer.with_options(use_process_pool=True).enqueue_task("far", process_work.trace_and_span)
        assert await handle == (
            spans.one("run background").context.trace_id,
            spans.one("run background").context.span_id,
        )


async def test_a_cancelled_task_ends_its_run(spans: Spans) -> None:
    began = asyncio.Event()

    async def hangs() -> None:
        began.set()
        await asyncio.Event().wait()

    async with computer_of() as computer:
        handle = await computer.enqueue_task("hangs", hangs)
        await began.wait()
        handle.cancel()
        await until(lambda: bool(spans.named("run background")))
    assert spans.named("deliver background") == []


async def test_blocking_work_is_a_computation_in_its_caller_trace(spans: Spans) -> None:
    async with computer_of() as computer:
        with spans.tracer.start_as_current_span("request"):
            found = await computer.execute_blocking_operation("fetch:SPY", trace_and_span)
        with pytest.raises(ZeroDivisionError):
            await computer.execute_blocking_operation("divide", lambda: 1 / 0)
    fetch, divide = spans.one("fetch"), spans.one("divide")
    assert is_child(fetch, spans.one("request"))
    assert found == (fetch.context.trace_id, fetch.context.span_id)
    assert fetch.attributes["ziggy_async.operation"] == "fetch:SPY"
    assert divide.status.status_code is StatusCode.ERROR
    assert divide.attributes["error.type"] == "ZeroDivisionError"


async def test_a_computation_leads_to_its_native_job(spans: Spans) -> None:
    async with computer_of() as computer:
        await computer.compute_features_async("SPY")
        await computer.compute_features_batch(["SPY", "A"])
    await asyncio.sleep(0)
    assert is_child(spans.one("native features"), spans.one("compute_features"))
    many = spans.one("native features_many")
    assert is_child(many, spans.one("compute_features_batch"))
    assert many.attributes == {"ziggy_async.tickers": 2}


async def test_every_kind_of_native_job_has_a_span(spans: Spans) -> None:
    store = filled()
    computer = FeatureComputer(store)
    generator = SignalGenerator(computer, RegimeDetector(computer))
    await compute_features_async("SPY")
    await FeatureSet("rsi(14)").latest_async(None, store)
    await FeatureSet("rsi(14)").history_async(None, store)
    await signal_history_async(None, store)
    await generator.generate_signals_bulk_async(["SPY"])
    await asyncio.sleep(0)
    for kind in ("paper_features", "latest", "history", "signal_history", "signals", "features"):
        assert spans.one(f"native {kind}").end_time is not None


async def test_a_native_job_that_fails_or_is_cancelled_ends_its_span(spans: Spans) -> None:
    store = filled()
    with pytest.raises(TimeoutError):
        await FeatureSet("rsi(14)").latest_async(None, store, deadline=0.0)
    cancelled = asyncio.ensure_future(signal_history_async(None, store))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    await asyncio.sleep(0)
    assert spans.one("native latest").attributes["error.type"] == "TimeoutError"
    assert spans.one("native signal_history").status.status_code is StatusCode.UNSET


async def test_names_of_a_stranger_are_kept_short_and_can_be_encoded(spans: Spans) -> None:
    async with computer_of() as computer:
        await (await computer.enqueue_task("\udcff" * 1000, int))
        await computer.execute_blocking_operation("\udcff" * 1000, int)
    for span in spans.all():
        for text in (span.name, *map(str, span.attributes.values())):
            assert len(text.encode()) <= 300


def test_nothing_is_imported_where_the_application_does_not_trace(run_isolated) -> None:
    done = run_isolated("not_traced")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"


async def test_a_tracer_that_is_not_configured_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_tracer", trace.NoOpTracer())
    async with computer_of() as computer:
        handle = await computer.enqueue_task("a", process_work.square, 4)
        assert await handle == 16
        assert (
            await computer.with_options(use_process_pool=True).execute_blocking_operation("b", process_work.square, 5)
            == 25
        )
    assert len(await FeatureSet("close").latest_async(None, filled())) == 1


def test_an_application_may_configure_it_later(run_isolated) -> None:
    done = run_isolated("traced_later")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["native features None", "compute_features compute_features:after"]
