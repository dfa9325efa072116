"""What a computer tells of its tasks one by one: those under way, and those that ended last."""

import asyncio
import threading
from datetime import datetime

import pytest
from queued import until

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing import task as tasks
from ziggy_async.queueing.task import State


def fail():
    raise OSError("no route")


async def held(computer):
    """The only worker is in the task "first", until the event is set."""
    stop_waiting, begun = threading.Event(), threading.Event()

    def hold():
        begun.set()
        assert stop_waiting.wait(60)

    handle = await computer.enqueue_task("first", hold)
    await asyncio.to_thread(begun.wait)
    return handle, stop_waiting


def states(computer):
    return {record.task_id: record.state for record in computer.tasks()}


async def test_tasks_are_listed_in_every_state_oldest_first():
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=2)) as computer:
        _, stop_waiting = await held(computer)
        second = await computer.with_options(priority=3).enqueue_task("second", fail)
        third = await computer.enqueue_task("third", int)
        outside = asyncio.create_task(computer.enqueue_task("fourth", int))
        await until(lambda: len(computer.tasks()) == 4)
        assert [record.task_id for record in computer.tasks()] == ["first", "second", "third", "fourth"]
        assert list(states(computer).values()) == ["running", "queued", "queued", "waiting"]
        third.cancel()
        stop_waiting.set()
        await asyncio.gather(second, return_exceptions=True)
        await (await outside)
        assert list(states(computer).values()) == ["succeeded", "dead", "cancelled", "succeeded"]
        assert [record.task_id for record in computer.tasks("dead")] == ["second"]
        assert [record.task_id for record in computer.tasks(limit=2)] == ["third", "fourth"]
        assert computer.tasks(limit=0) == computer.tasks(State.RUNNING) == []
    assert len(computer.tasks()) == 4


async def test_what_a_record_says():
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        handle = await computer.with_options(priority=7, max_attempts=2).enqueue_task("quotes", fail)
        with pytest.raises(OSError, match="no route"):
            await handle
        (record,) = computer.tasks()
    said = record.to_dict()
    assert said["number"] == record.number
    assert (said["task_id"], said["operation"], said["state"]) == ("quotes", "worker_task:quotes", "dead")
    assert (said["priority"], said["attempts"], said["error"]) == (7, 2, "OSError: no route")
    assert datetime.fromisoformat(said["submitted_at"]).timestamp() == pytest.approx(record.submitted_at, abs=0.001)
    assert said["waiting_s"] >= 0 < said["running_s"] < 10


async def test_a_task_that_succeeds_at_last_has_no_error():
    outcomes = iter([fail, int])
    async with AsyncFeatureComputer() as computer:
        await (await computer.with_options(max_attempts=2).enqueue_task("odd", lambda: next(outcomes)()))
        (record,) = computer.tasks()
    assert (record.state, record.attempts, record.error) == ("succeeded", 1, None)


async def test_a_task_is_cancelled_by_its_number():
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        running, stop_waiting = await held(computer)
        queued = await computer.enqueue_task("first", int)  # the same id: numbers tell them apart
        first, second = computer.tasks()
        assert computer.cancel_task(second.number)
        with pytest.raises(asyncio.CancelledError):
            await queued
        assert not computer.cancel_task(second.number), "it is done"
        assert not computer.cancel_task(-1)
        stop_waiting.set()
        await running
        assert not computer.cancel_task(first.number)


async def test_only_the_last_that_ended_are_remembered():
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=2)) as computer:
        handles = [await computer.enqueue_task(str(number), int) for number in range(tasks.MOST_ENDED + 5)]
        await asyncio.gather(*handles)
        records = computer.tasks()
    assert len(records) == tasks.MOST_ENDED
    assert {record.task_id for record in records} >= {str(tasks.MOST_ENDED + 4)}


async def test_names_that_are_long_or_no_text_for_json():
    async with AsyncFeatureComputer() as computer:
        await (await computer.enqueue_task("\ud800" + "x" * 5000, int))
        (record,) = computer.tasks()
    assert len(record.task_id) < 300
    assert record.task_id.startswith("\\ud800x")


@pytest.mark.parametrize(
    ("named", "fault"), [({"state": "gone"}, "state: 'gone' is none of"), ({"limit": -1}, "limit")]
)
def test_what_is_no_state_and_no_limit(named, fault):
    with pytest.raises(ValueError, match=fault):
        AsyncFeatureComputer().tasks(**named)
