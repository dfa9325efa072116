"""Tasks over HTTP: what is put into the background queue, what becomes of it, and what is refused."""

import asyncio
import json
import signal
import threading
import time
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from rest import conforms, strict_json
from served import ask, load, serving

from ziggy_async.api import models, queueing, tasks
from ziggy_async.async_features import (
    TaskPoolConfig,
    get_async_feature_computer,
    init_async_features,
    shutdown_async_features,
)
from ziggy_async.cli.serve import application
from ziggy_async.queueing.background import Background

TASKS = "/api/tasks"
LETTERS = "/api/performance/dead-letters"
ENDS = {"succeeded", "failed", "cancelled", "dead"}


@pytest.fixture
async def client(store):
    """With one worker and two places in the queue."""
    load(store, "SPY", 60)
    load(store, "NEW", 10)
    await init_async_features(TaskPoolConfig(max_workers=1, queue_size=2))
    transport = httpx.ASGITransport(application(["SPY", "NEW"]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await shutdown_async_features()


class Gate:
    """In place of the clock: who sleeps says for how long, and goes on when it is opened."""

    def __init__(self):
        self.slept = []
        self.begun = threading.Semaphore(0)
        self.opened = threading.Event()

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.begun.release()
        assert self.opened.wait(60)


@pytest.fixture
def gate(monkeypatch):
    gate = Gate()
    monkeypatch.setattr(tasks, "time", SimpleNamespace(sleep=gate.sleep))
    yield gate
    gate.opened.set()


@pytest.fixture
async def busy(gate, client):
    """The worker sleeps in the task "busy", for 0 seconds as it was told, until the gate is opened."""
    await submit(client, "busy", "sleep", seconds=0)
    await asyncio.to_thread(gate.begun.acquire)
    yield gate
    gate.opened.set()


async def submit(client, task_id, work, status=202, options=None, **rest):
    body = {"task_id": task_id, "work": work, **rest, **({} if options is None else {"options": options})}
    answer = await client.post(TASKS, json=body)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)


async def get(client, path, status=200):
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)


async def until(look):
    """What `look` gives once that is something."""
    async with asyncio.timeout(60):
        while not (found := await look()):  # noqa: ASYNC110 - a client has no event to wait for
            await asyncio.sleep(0.005)
    return found


async def end_of(client, task_id):
    """The task once it is at its end."""

    async def look():
        task = await get(client, f"{TASKS}/{task_id}")
        return task if task["state"] in ENDS else None

    task = await until(look)
    conforms(task, models.TaskAnswer)
    return task


async def letters(client, count):
    """The dead letters once there are so many."""

    async def look():
        found = (await get(client, LETTERS))["dead_letters"]
        return found if len(found) >= count else None

    return await until(look)


# --- what tasks do


async def test_features(client):
    accepted = await submit(client, "f-1", "features", tickers=["SPY", "NEW"])
    assert accepted == {"ok": True, "task_id": "f-1", "state": "queued"}
    conforms(accepted, models.AcceptedAnswer)
    task = await end_of(client, "f-1")
    assert set(task) == {"ok", "task_id", "state", "attempts", "result"}
    assert (task["task_id"], task["state"], task["attempts"]) == ("f-1", "succeeded", [])
    assert list(task["result"]) == ["SPY", "NEW"]
    assert task["result"]["SPY"]["close"] == pytest.approx(100 + np.sin(59))
    assert task["result"]["NEW"] == {"ticker": "NEW", "status": "insufficient_data", "bars": 10, "required": 50}
    [operation] = (await get(client, "/api/performance/metrics"))["recent_operations"]
    assert (operation["operation"], operation["success"]) == ("worker_task:f-1", True)


async def test_signals(client):
    await submit(client, "s-1", "signals", tickers=["NEW", "NONE"])
    task = await end_of(client, "s-1")
    assert task["state"] == "succeeded"
    assert task["result"]["signals"] == {
        ticker: {"ticker": ticker, "signal": None, "reason": "insufficient_features"} for ticker in ("NEW", "NONE")
    }
    assert set(task["result"]["regime"]) == {"regime", "confidence", "timestamp", "explanation", "metrics"}
    models.SignalsAnswer.model_validate(task["result"])


async def test_sleep(client, gate):
    gate.opened.set()
    await submit(client, "z/1", "sleep", seconds=2.5)
    task = await end_of(client, "z/1")
    assert (task["state"], task["result"]) == ("succeeded", None)
    assert gate.slept == [2.5]


@pytest.mark.parametrize("rest", [{}, {"tickers": None}, {"tickers": None, "seconds": None}])
async def test_without_tickers_it_is_the_watchlist(client, rest):
    await submit(client, "f", "features", **rest)
    assert list((await end_of(client, "f"))["result"]) == ["SPY", "NEW"]
    await submit(client, "s", "signals", **rest)
    assert list((await end_of(client, "s"))["result"]["signals"]) == ["SPY", "NEW"]


async def test_no_tickers_at_all(client):
    await submit(client, "none", "features", tickers=[])
    assert (await end_of(client, "none"))["result"] == {}


# --- what is none


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"task_id": None}, "task_id"),
        ({"task_id": ""}, "task_id"),
        ({"task_id": 5}, "task_id"),
        ({"task_id": "two words"}, "task_id"),
        ({"task_id": "a\n"}, "task_id"),
        ({"task_id": "x" * 201}, "task_id"),
        ({"work": "mine"}, "work"),
        ({"work": "m" * 100_000}, "work"),
        ({"work": None}, "work"),
        ({"tickers": "SPY"}, "tickers"),
        ({"tickers": [""]}, "tickers"),
        ({"tickers": ["SPY"] * 10_001}, "tickers"),
        ({"tickers": ["\ud800"]}, "tickers"),
        ({"seconds": 1}, "seconds"),
        ({"work": "sleep"}, "seconds"),
        ({"work": "sleep", "seconds": -0.1}, "seconds"),
        ({"work": "sleep", "seconds": 3600.1}, "seconds"),
        ({"work": "sleep", "seconds": "1"}, "seconds"),
        ({"work": "sleep", "seconds": True}, "seconds"),
        ({"work": "sleep", "seconds": float("nan")}, "seconds"),
        ({"work": "sleep", "seconds": 1, "tickers": ["SPY"]}, "tickers"),
        ({"hours": 1}, "hours"),
        ({"options": []}, "options"),
        ({"options": {"retry_on": "OSError"}}, "retry_on"),
        ({"options": {"priority": 0.5}}, "priority"),
        ({"options": {"priority": True}}, "priority"),
        ({"options": {"priority": 1_000_001}}, "priority"),
        ({"options": {"deadline": 0}}, "deadline"),
        ({"options": {"deadline": 1e9}}, "deadline"),
        ({"options": {"max_attempts": 0}}, "max_attempts"),
        ({"options": {"max_attempts": 101}}, "max_attempts"),
        ({"options": {"key": ""}}, "key"),
        ({"options": {"key": 5}}, "key"),
        ({"options": {"on_full": "explode"}}, "on_full"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
async def test_what_is_no_task(client, change, where):
    body = {"task_id": "t", "work": "features", **change}
    answer = await client.post(TASKS, content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert len(answer.content) < 1000, "it does not send back what came"
    faults = strict_json(answer.text)["detail"]
    assert all(fault["loc"][0] == "body" for fault in faults)
    assert {where} == {next(name for name in reversed(fault["loc"]) if isinstance(name, str)) for fault in faults}
    assert get_async_feature_computer().counts()["submitted"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"features"'])
async def test_what_is_no_body(client, body):
    answer = await client.post(TASKS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("task_id", ["never", "a/b", "%00", "%F0%9F%98%80"])
async def test_what_is_not_known(client, task_id):
    for verb in ("GET", "DELETE"):
        answer = await client.request(verb, f"{TASKS}/x/{task_id}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "there is no such task, or it is forgotten"})


# --- the queue


async def test_the_higher_priority_goes_first(client, busy, monkeypatch):
    monkeypatch.setattr(get_async_feature_computer()._background.queue, "capacity", 10)
    for number, priority in enumerate((0, 5, -5, 5, 1_000_000), 1):
        await submit(client, f"p-{number}", "sleep", seconds=number, options={"priority": priority})
    assert (await get(client, f"{TASKS}/p-1"))["state"] == "queued"
    assert (await get(client, f"{TASKS}/busy"))["state"] == "running"
    busy.opened.set()
    await end_of(client, "p-3")
    assert busy.slept == [0, 5, 2, 4, 1, 3]


@pytest.mark.usefixtures("busy")
async def test_a_key_joins_what_is_under_way(client):
    first = await submit(client, "first", "sleep", seconds=1, options={"key": "same"})
    second = await submit(client, "second", "features", options={"key": "same"})
    other = await submit(client, "other", "features", options={"key": "other"})
    assert [each["task_id"] for each in (first, second, other)] == ["first", "first", "other"]
    counts = get_async_feature_computer().counts()
    assert (counts["submitted"], counts["joined"]) == (3, 1)
    assert (await client.delete(f"{TASKS}/second")).json()["task_id"] == "first"
    for task_id in ("first", "second"):
        task = await get(client, f"{TASKS}/{task_id}")
        assert (task["task_id"], task["state"]) == ("first", "cancelled")


async def fill(client):
    for number in (1, 2):
        await submit(client, f"waiting-{number}", "sleep", seconds=number)


@pytest.mark.usefixtures("busy")
async def test_a_full_queue(client, monkeypatch):
    await fill(client)
    assert (await get(client, "/api/performance/metrics/summary"))["metrics"]["queue_depth"] == 2
    refused = await submit(client, "refused", "features", 503, {"on_full": "raise"})
    assert refused == {"detail": "the queue is full; try again later"}
    monkeypatch.setattr(queueing, "LONGEST_WAIT", 0.05)
    for options in (None, {"on_full": "wait"}):
        late = await submit(client, "late", "features", 503, options)
        assert late == {"detail": "no place in the queue within 0.05 s; try again later"}
    for task_id in ("refused", "late"):
        await get(client, f"{TASKS}/{task_id}", 404)
    assert get_async_feature_computer().counts()["submitted"] == 3


@pytest.mark.usefixtures("busy")
async def test_what_a_full_queue_drops(client):
    await fill(client)
    assert (await submit(client, "new", "features", options={"on_full": "drop_new"}))["state"] == "dead"
    assert (await submit(client, "newer", "features", options={"on_full": "drop_oldest"}))["state"] == "queued"
    assert (await get(client, f"{TASKS}/waiting-1"))["state"] == "dead"
    dropped = await letters(client, 2)
    assert [(letter["task_id"], letter["reason"]) for letter in dropped] == [
        ("new", "dropped"),
        ("waiting-1", "dropped"),
    ]


async def test_it_waits_for_room(client, busy):
    await fill(client)
    waiting = asyncio.create_task(submit(client, "third", "features", options={"key": "same"}))

    async def join():
        answer = await client.post(
            TASKS, json={"task_id": "4", "work": "features", "options": {"key": "same", "on_full": "raise"}}
        )
        return answer.json() if answer.status_code == 202 else None

    assert await until(join) == {"ok": True, "task_id": "third", "state": "waiting"}
    busy.opened.set()
    assert (await waiting)["task_id"] == "third"
    for task_id in ("third", "4"):
        assert (await end_of(client, task_id))["state"] == "succeeded"


@pytest.mark.usefixtures("busy")
async def test_a_deadline(client):
    await submit(client, "late", "features", options={"deadline": 0.01})
    task = await end_of(client, "late")
    assert (task["state"], task["attempts"], task["result"]) == ("dead", [], None)
    [letter] = await letters(client, 1)
    assert (letter["task_id"], letter["reason"]) == ("late", "deadline")


async def test_a_computer_that_takes_no_work(client, busy):
    stopping = asyncio.create_task(get_async_feature_computer().stop())
    await asyncio.sleep(0)
    refusal = {"detail": "the computer takes no work: it is stopping or stopped"}
    assert await submit(client, "draining", "features", 503) == refusal
    busy.opened.set()
    await stopping
    assert await submit(client, "stopped", "features", 503) == refusal
    assert (await get(client, f"{TASKS}/busy"))["state"] == "succeeded"


async def test_what_goes_wrong_inside_stays_inside(client, monkeypatch):
    async def broken(*args):
        raise RuntimeError("the secret")

    monkeypatch.setattr(Background, "submit", broken)
    assert await submit(client, "t", "features", 500) == {"detail": "internal error"}


# --- dead letters


@pytest.mark.parametrize("path", ["{id}/requeue", "requeue"])
async def test_a_task_without_bars_dies_and_is_requeued(client, store, path):
    await submit(client, "bars", "features", tickers=["SPY", "LATE"], options={"max_attempts": 3})
    task = await end_of(client, "bars")
    assert (task["state"], task["result"]) == ("dead", None)
    assert [attempt["error"] for attempt in task["attempts"]] == ["LookupError: no bars of LATE"] * 3
    [letter] = await letters(client, 1)
    assert (letter["task_id"], letter["reason"], letter["attempts"]) == ("bars", "exhausted", task["attempts"])
    assert letter["function"] == "ziggy_async.api.tasks:features_of"
    load(store, "LATE", 60, 50.0)
    answer = await client.post(f"{LETTERS}/{path.format(**letter)}")
    assert answer.status_code == 200
    task = await end_of(client, "bars")
    assert (task["state"], task["attempts"]) == ("succeeded", [])
    assert task["result"]["LATE"]["close"] == pytest.approx(50 + np.sin(59))
    assert (await get(client, LETTERS))["count"] == 0


async def test_a_dead_letter_can_be_discarded(client):
    await submit(client, "bars", "features", tickers=[f"NONE{number}" for number in range(1000)])
    [letter] = await letters(client, 1)
    [attempt] = letter["attempts"]
    assert len(attempt["error"]) < 200
    assert (await client.delete(f"{LETTERS}/{letter['id']}")).status_code == 200
    assert (await get(client, LETTERS))["count"] == 0


# --- giving up, and forgetting


async def test_a_task_is_cancelled_once(client, busy):
    await submit(client, "never", "sleep", seconds=1)
    for task_id in ("never", "busy"):
        answer = await client.delete(f"{TASKS}/{task_id}")
        assert (answer.status_code, answer.json()) == (200, {"ok": True, "message": "Cancelled", "task_id": task_id})
        conforms(answer.json(), models.CancelledAnswer)
        task = await get(client, f"{TASKS}/{task_id}")
        assert (task["state"], task["result"]) == ("cancelled", None)
        answer = await client.delete(f"{TASKS}/{task_id}")
        assert (answer.status_code, answer.json()) == (409, {"detail": "the task is done already"})
    busy.opened.set()
    await submit(client, "after", "sleep", seconds=2)
    await end_of(client, "after")
    assert busy.slept == [0, 2]
    assert (await client.delete(f"{TASKS}/after")).status_code == 409


async def test_the_newest_task_of_an_id_is_the_one(client):
    await submit(client, "same", "features", tickers=["NONE"])
    assert (await end_of(client, "same"))["state"] == "dead"
    await submit(client, "same", "features", tickers=["NEW"])
    assert list((await end_of(client, "same"))["result"]) == ["NEW"]


def handle(task_id, tickers=0):
    return SimpleNamespace(task_id=task_id, key=None, args=(["A"] * tickers,) if tickers else (1.5,))


def test_a_thousand_tasks_are_remembered():
    kept = tasks.KeptTasks()
    for number in range(1001):
        kept.keep(handle(str(number)))
    assert kept.get("0") is None
    assert kept.get("1").task_id == "1"
    kept.keep(handle("1"))  # is now the newest
    kept.keep(handle("1001"))
    assert kept.get("2") is None
    assert kept.get("1") is not None


def test_tasks_of_many_tickers_are_forgotten_sooner():
    kept = tasks.KeptTasks()
    for number in range(11):
        kept.keep(handle(str(number), 10_000))
    assert [number for number in range(11) if kept.get(str(number)) is None] == [0]
    kept.keep(handle("1"))
    kept.keep(handle("11", 10_000))
    assert kept.get("2") is not None
    kept.keep(handle("huge", 100_001))
    assert kept.get("11") is None
    assert kept.get("huge") is not None


# --- the process


def dead_letters_of(url, count=0):
    """Once there are so many, and all of them are in the file."""
    while len((answer := ask(f"{url}{LETTERS}"))["dead_letters"]) < count or answer["stats"]["unsaved"]:
        time.sleep(0.01)
    return answer["dead_letters"]


def end_at(url, task_id):
    while (task := ask(f"{url}{TASKS}/{task_id}"))["state"] not in ENDS:
        time.sleep(0.01)
    return task


def bars_file(path, *symbols):
    rows = [f"{name},2024-{day // 28 + 1:02}-{day % 28 + 1:02},1,1,1,1,1" for name in symbols for day in range(60)]
    path.write_text("\n".join(["symbol,date,open,high,low,close,volume", *rows]))


def test_the_next_process_takes_the_dead_letters_of_one_that_was_killed(tmp_path):
    path, file = tmp_path / "prices.csv", {"ASYNC_FEATURES_DEAD_LETTERS": str(tmp_path / "letters.db")}
    bars_file(path, "A")
    with serving(str(path), **file) as (process, url):
        ask(f"{url}{TASKS}", {"task_id": "bars", "work": "features", "tickers": ["A", "B"]})
        found = dead_letters_of(url, 1)
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    bars_file(path, "A", "B")
    with serving(str(path), **file) as (_, url):
        assert dead_letters_of(url) == found
        [letter] = found
        assert (letter["task_id"], letter["reason"], letter["can_requeue"]) == ("bars", "exhausted", True)
        assert ask(f"{url}{LETTERS}/{letter['id']}/requeue", {})["task_id"] == "bars"
        result = end_at(url, "bars")["result"]
        assert {ticker: features["bars"] for ticker, features in result.items()} == {"A": 60, "B": 60}
        assert dead_letters_of(url) == []


def test_queued_tasks_are_done_before_the_end(tmp_path):
    file = {"ASYNC_FEATURES_DEAD_LETTERS": str(tmp_path / "letters.db")}
    with serving("--workers", "1", "--sleepers", "1", script="serve_work", **file) as (process, url):
        for number in range(5):
            ask(f"{url}{TASKS}", {"task_id": f"nap-{number}", "work": "sleep", "seconds": 0})
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    assert err == "ziggy-async: finishing what is queued: 5 tasks\n"
    with serving(**file) as (_, url):
        assert dead_letters_of(url) == [], "what is not done at the end would be here"
