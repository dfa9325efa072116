"""Tasks over HTTP that wait for a place: they are seen, cancelled, also when their client goes; one of an id."""

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI
from rest import begin_post, conforms

from ziggy_async.api import models, queueing
from ziggy_async.api.market import create_market_router
from ziggy_async.api.tasks import KeptTasks
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

TASKS = "/api/tasks"


@pytest.fixture
async def computer():
    """With one worker and one place in the queue, both taken until the gate is opened."""
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=1)) as computer:
        computer.gate = asyncio.Event()
        await computer.enqueue_task("holds", computer.gate.wait)
        await until(lambda: computer.counts()["running"] == 1)
        await computer.enqueue_task("fills", computer.gate.wait)
        yield computer
        computer.gate.set()


@pytest.fixture
def kept():
    return KeptTasks()


@pytest.fixture
def app(computer, kept):
    app = FastAPI()
    app.include_router(create_market_router(["SPY"], computer, kept=kept))
    return app


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


def nap(task_id, **options):
    return {"task_id": task_id, "work": "sleep", "seconds": 0, "options": options}


async def begin(client, computer, task_id, **options):
    """Its POST, which waits for a place now."""
    posting = asyncio.create_task(client.post(TASKS, json=nap(task_id, **options)))
    await until(lambda: any(task.work.task_id == task_id for task in computer._background.unfinished.values()))
    return posting


async def state_of(client, task_id):
    answer = await client.get(f"{TASKS}/{task_id}")
    if answer.status_code == 404:
        return None
    conforms(answer.json(), models.TaskAnswer)
    assert answer.json()["task_id"] == task_id
    return answer.json()["state"]


async def test_it_is_seen(client, computer):
    posting = await begin(client, computer, "waits")
    assert await state_of(client, "waits") == "waiting"
    computer.gate.set()
    assert (await posting).status_code == 202
    await until(lambda: computer.counts()["succeeded"] == 3)
    assert await state_of(client, "waits") == "succeeded"


async def test_it_is_cancelled_once(client, computer):
    posting = await begin(client, computer, "waits")
    answer = await client.delete(f"{TASKS}/waits")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "message": "Cancelled", "task_id": "waits"})
    answer = await posting
    assert (answer.status_code, answer.json()["detail"]) == (409, "the task was cancelled while it waited for a place")
    assert await state_of(client, "waits") == "cancelled"
    assert (await client.delete(f"{TASKS}/waits")).status_code == 409
    computer.gate.set()
    await until(lambda: computer.counts()["succeeded"] == 2)
    counts = computer.counts()
    assert (counts["submitted"], counts["cancelled"]) == (2, 0)


async def test_it_is_cancelled_as_it_has_its_place(client, computer, kept):
    posting = await begin(client, computer, "waits")
    background = computer._background
    background.queue.capacity += 1
    background._admit_waiting()
    assert kept.get("waits").cancel()
    answer = await posting
    assert answer.status_code == 409 or answer.json()["state"] == "cancelled"
    assert await state_of(client, "waits") == "cancelled"
    counts = computer.counts()
    assert (counts["submitted"], counts["cancelled"]) == (3, 1)


async def test_it_is_cancelled_for_who_has_joined_it(client, computer):
    posting = await begin(client, computer, "first", key="same")
    answer = await client.post(TASKS, json=nap("second", key="same"))
    assert (answer.status_code, answer.json()["task_id"]) == (202, "first")
    assert await state_of(client, "first") == "waiting"
    assert (await client.delete(f"{TASKS}/first")).status_code == 200
    assert (await client.get(f"{TASKS}/second")).json()["state"] == "cancelled"
    assert (await posting).json()["state"] == "cancelled"
    assert await state_of(client, "first") == "cancelled"


async def test_it_is_forgotten_when_there_is_no_room_in_time(client, computer, monkeypatch):
    monkeypatch.setattr(queueing, "LONGEST_WAIT", 0.05)
    posting = await begin(client, computer, "waits")
    assert (await posting).status_code == 503
    assert await state_of(client, "waits") is None
    assert computer.counts()["submitted"] == 2


async def test_it_is_cancelled_when_its_client_goes(app, client, computer, monkeypatch):
    monkeypatch.setattr(queueing, "POLL", 0.01)
    request, gone, _ = begin_post(app, TASKS, json.dumps(nap("gone")).encode())
    await until(lambda: len(computer._background.unfinished) == 3)
    await asyncio.sleep(0.05)
    assert await state_of(client, "gone") == "waiting"
    gone.set()
    await asyncio.wait_for(request, 4)
    assert await state_of(client, "gone") is None
    assert len(computer._background.unfinished) == 2
    computer.gate.set()
    await until(lambda: computer.counts()["succeeded"] == 2)
    assert computer.counts()["submitted"] == 2


# --- a second task of one id


async def refusal_of(client, task_id, **options):
    answer = await client.post(TASKS, json=nap(task_id, **options))
    assert answer.status_code == 409, answer.text
    return answer.json()["detail"]


async def test_a_second_task_of_an_id_is_refused_until_the_first_is_done(client, computer):
    posting = await begin(client, computer, "same", key="k")
    for options in ({}, {"key": "other"}, {"on_full": "drop_new"}):
        assert await refusal_of(client, "same", **options) == "the task 'same' is not done yet: it is waiting"
    computer.gate.set()
    assert (await posting).status_code == 202
    await until(lambda: computer.counts()["succeeded"] == 3)
    assert (await client.post(TASKS, json=nap("same"))).status_code == 202
    await until(lambda: computer.counts()["succeeded"] == 4)


async def test_a_second_task_of_an_id_is_refused_while_the_first_is_queued(client, computer):
    assert (await client.post(TASKS, json=nap("same", key="k", on_full="drop_oldest"))).status_code == 202
    assert await refusal_of(client, "same") == "the task 'same' is not done yet: it is queued"
    assert await state_of(client, "same") == "queued"
    assert computer.counts()["submitted"] == 3


async def test_a_second_task_of_an_id_joins_the_first_by_its_key(client, computer):
    posting = await begin(client, computer, "same", key="k")
    answer = await client.post(TASKS, json=nap("same", key="k"))
    assert (answer.status_code, answer.json()) == (202, {"ok": True, "task_id": "same", "state": "waiting"})
    computer.gate.set()
    assert (await posting).status_code == 202
    await until(lambda: computer.counts()["succeeded"] == 3)
    assert await state_of(client, "same") == "succeeded"
    assert computer.counts()["joined"] == 1
