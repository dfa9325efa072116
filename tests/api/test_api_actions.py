"""The endpoints that change something: dead letters and benchmarks."""

import asyncio
import threading

import pytest
from fastapi import FastAPI
from rest import ROOT, add, begin_post, client_of, conforms, full_queue, get, post

from ziggy_async.api import benchmarks, create_router, models, queueing
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.latency_benchmark import get_benchmark
from ziggy_async.queueing.options import Reason


async def test_dead_letters_are_listed_in_pages(client, computer):
    await add(computer, "a", "b", "c")
    await add(computer, "late", reason=Reason.DEADLINE)
    answer = await get(client, "/dead-letters?limit=2&offset=1")
    assert (answer["ok"], answer["count"], answer["stats"]["letters"]) == (True, 2, 4)
    assert [letter["task_id"] for letter in answer["dead_letters"]] == ["b", "c"]
    letter = answer["dead_letters"][0]
    assert (letter["operation"], letter["reason"]) == ("worker_task:b", "exhausted")
    assert letter["attempts"] == [
        {"began": "2024-05-02T00:00:00+00:00", "seconds": 0.25, "error": "ConnectionError: no route"}
    ]
    conforms(answer, models.DeadLettersAnswer)
    answer = await get(client, "/dead-letters?reason=deadline")
    assert [letter["task_id"] for letter in answer["dead_letters"]] == ["late"]


async def test_one_dead_letter(client, computer):
    [letter_id] = await add(computer, "a")
    answer = await get(client, f"/dead-letters/{letter_id}")
    assert answer["dead_letter"]["task_id"] == "a"
    conforms(answer, models.DeadLetterAnswer)
    deleted = await client.delete(f"{ROOT}/dead-letters/{letter_id}")
    assert (deleted.status_code, deleted.json()["ok"]) == (200, True)
    assert len(computer.dead_letters) == 0
    for verb, path in (("GET", ""), ("DELETE", ""), ("POST", "/requeue")):
        answer = await client.request(verb, f"{ROOT}/dead-letters/{letter_id}{path}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "there is no such dead letter"})


async def test_requeue(client, computer):
    done = threading.Event()
    [letter_id] = await add(computer, "a", function=done.set)
    answer = await post(client, f"/dead-letters/{letter_id}/requeue")
    assert (answer["ok"], answer["task_id"]) == (True, "a")
    conforms(answer, models.RequeuedAnswer)
    assert await asyncio.to_thread(done.wait, 60)
    assert len(computer.dead_letters) == 0


async def test_requeue_all_of_a_reason(client, computer):
    calls = threading.Semaphore(0)
    await add(computer, "a", "b", function=calls.release, reason=Reason.SHUTDOWN)
    await add(computer, "c")
    answer = await post(client, "/dead-letters/requeue?reason=shutdown")
    assert (answer["requeued"], answer["refused"], answer["left"]) == (2, 0, 1)
    conforms(answer, models.AllRequeuedAnswer)
    await asyncio.to_thread(lambda: [calls.acquire() for _ in range(2)])


async def test_an_empty_reason_is_none(client, computer):
    calls = threading.Semaphore(0)
    await add(computer, "a", "b", function=calls.release)
    answer = await get(client, "/dead-letters?limit=100&offset=0&reason=")
    assert [letter["task_id"] for letter in answer["dead_letters"]] == ["a", "b"]
    answer = await post(client, "/dead-letters/requeue?reason=")
    assert (answer["requeued"], answer["refused"], answer["left"]) == (2, 0, 0)
    await asyncio.to_thread(lambda: [calls.acquire() for _ in range(2)])


async def test_requeue_into_a_full_queue(client, computer, monkeypatch):
    monkeypatch.setattr(queueing, "LONGEST_WAIT", 0.05)
    [refused] = await add(computer, "refused", on_full="raise")
    [waiting] = await add(computer, "waiting")
    async with full_queue(computer):
        for path in (f"/{refused}/requeue", f"/{waiting}/requeue", "/requeue"):
            answer = await post(client, f"/dead-letters{path}", 503)
            assert "queue" in answer["detail"]
        assert [letter.id for letter in computer.dead_letters.list()] == [refused, waiting]


async def test_requeue_all_as_far_as_there_is_room(client, computer, monkeypatch):
    monkeypatch.setattr(queueing, "LONGEST_WAIT", 1.0)
    stop_waiting = threading.Event()
    await add(computer, *"abcdef", function=stop_waiting.wait)
    try:
        answer = await post(client, "/dead-letters/requeue")
        assert (answer["requeued"], answer["left"]) == (4, 2)
    finally:
        stop_waiting.set()
    assert [letter.task_id for letter in computer.dead_letters.list()] == ["e", "f"]


async def test_requeue_of_what_cannot_be_run_again(client, computer, monkeypatch):
    async def refuse(letter_id):
        raise ValueError("its function cannot be imported")

    [letter_id] = await add(computer, "a")
    monkeypatch.setattr(computer.dead_letters, "requeue", refuse)
    answer = await post(client, f"/dead-letters/{letter_id}/requeue", 409)
    assert answer["detail"] == "this letter cannot be requeued here; the log says why"
    answer = await post(client, "/dead-letters/requeue")
    assert (answer["requeued"], answer["refused"], answer["left"]) == (0, 1, 1)


async def test_letters_of_another_process(tmp_path):
    config = TaskPoolConfig(max_workers=1, dead_letters=str(tmp_path / "letters.db"))
    async with AsyncFeatureComputer(config) as before:
        await add(before, "importable", function=print)
        [local] = await add(before, "local", function=lambda: None)
    async with AsyncFeatureComputer(config) as after, client_of(create_router(after)) as client:
        listed = await get(client, "/dead-letters")
        assert [(letter["task_id"], letter["can_requeue"]) for letter in listed["dead_letters"]] == [
            ("importable", True),
            ("local", False),
        ]
        refused = await post(client, f"/dead-letters/{local}/requeue", 409)
        assert refused["detail"] == "this letter cannot be requeued here; the log says why"
        answer = await post(client, "/dead-letters/requeue")
        assert (answer["requeued"], answer["refused"], answer["left"]) == (1, 1, 1)
        assert [letter["id"] for letter in (await get(client, "/dead-letters"))["dead_letters"]] == [local]


async def test_requeue_when_stopped(client, computer):
    [letter_id] = await add(computer, "a")
    await computer.start()
    await computer.stop()
    answer = await post(client, f"/dead-letters/{letter_id}/requeue", 503)
    assert answer["detail"] == "the computer takes no work: it is stopping or stopped"
    assert len(computer.dead_letters) == 1


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("name", ["feature-computation", "signal-generation"])
async def test_benchmarks(client, name):
    await post(client, "/benchmarks/clear")
    answer = await post(client, f"/benchmarks/{name}?num_operations=10")
    assert set(answer) == {"ok", "comparison"}
    comparison = answer["comparison"]
    assert set(comparison) == {"baseline", "optimized", "improvements", "summary"}
    for side in ("baseline", "optimized"):
        assert set(comparison[side]) >= {"avg_latency_ms", "throughput_ops_per_sec", "event_loop_lag_p95_ms"}
    assert set(comparison["improvements"]) == {
        "latency_reduction_pct",
        "throughput_increase_pct",
        "loop_lag_reduction_pct",
    }
    models.ComparisonAnswer.model_validate(answer)
    listed = await get(client, "/benchmarks")
    assert set(listed) == {"ok", "benchmarks", "count"}
    assert listed["count"] == len(listed["benchmarks"]) > 0
    models.BenchmarksAnswer.model_validate(listed)
    assert set(await post(client, "/benchmarks/clear")) == {"ok", "message"}
    assert (await get(client, "/benchmarks")) == {"ok": True, "benchmarks": [], "count": 0}
    assert get_benchmark().get_all_results() == []


@pytest.fixture
def held(monkeypatch):
    """A benchmark that begins, and goes on for ever."""

    class Held:
        def __init__(self):
            self.begun, self.cancelled = asyncio.Event(), asyncio.Event()

        async def __call__(self, num_operations):
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()

    held = Held()
    monkeypatch.setattr(benchmarks, "run_feature_computation_benchmark", held)
    monkeypatch.setattr(benchmarks, "POLL", 0.01)
    return held


async def test_one_benchmark_at_a_time(client, held, monkeypatch):
    first = asyncio.create_task(client.post(f"{ROOT}/benchmarks/feature-computation"))
    await held.begun.wait()
    answer = await post(client, "/benchmarks/signal-generation", 409)
    assert answer["detail"] == "another benchmark is running in this process"
    first.cancel()
    await asyncio.wait([first])
    assert held.cancelled.is_set()
    monkeypatch.setattr(benchmarks, "run_signal_generation_benchmark", broken_coroutine)
    await post(client, "/benchmarks/signal-generation", 500)
    await post(client, "/benchmarks/signal-generation", 500)


async def broken_coroutine(num_operations):
    raise RuntimeError("the secret")


async def test_a_client_that_disconnects_ends_its_benchmark(held):
    app = FastAPI()
    app.include_router(create_router())
    request, gone, sent = begin_post(app, f"{ROOT}/benchmarks/feature-computation")
    await held.begun.wait()
    assert benchmarks._turn.locked()
    gone.set()
    await asyncio.wait_for(request, 60)
    assert held.cancelled.is_set()
    assert not benchmarks._turn.locked()
    assert sent[0]["status"] == 499


def test_a_word_allows_no_actions():
    with pytest.raises(TypeError, match="allow_actions: 'no' is neither"):
        create_router(allow_actions="no")
