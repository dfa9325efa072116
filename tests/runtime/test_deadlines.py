"""Deadlines and ends in a loop that is busy: what was done in time counts, however late the loop hears of it."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import process_work
import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.queueing.task import State

Advance = Callable[[float], None]

DEADLINE = 60.0
"""Seconds that pass by the clock of a test alone: it takes less, however slow the machine is."""


def single() -> AsyncFeatureComputer:
    return AsyncFeatureComputer(TaskPoolConfig(max_workers=1))


class Order:
    """A function for a thread that takes some time from when it `may_end`."""

    def __init__(self, advance: Advance, seconds: float = 3.0, error: Exception | None = None) -> None:
        self.advance, self.seconds, self.error = advance, seconds, error
        self.placed = 0
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> int:
        self.began.set()
        assert self.may_end.wait(20)
        self.advance(self.seconds)
        self.placed += 1
        if self.error is not None:
            raise self.error
        return self.placed


async def end_in_a_busy_loop(order: Order, handle: TaskHandle, busy: float = 2 * DEADLINE) -> None:
    """The order begins and ends, and so many seconds pass then, before the loop does anything else."""
    assert await asyncio.to_thread(order.began.wait, 20)
    order.may_end.set()
    until_ended(handle)
    order.advance(busy)


def until_ended(handle: TaskHandle) -> None:
    call = handle._task.call
    assert call is not None
    while call.ended is None:
        time.sleep(0.001)


async def test_what_a_thread_has_done_in_time_is_done(advance: Advance) -> None:
    order = Order(advance)
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE).enqueue_task("order", order)
        await end_in_a_busy_loop(order, handle)
        assert await handle == 1
        assert (handle.state, len(computer.dead_letters), computer.counts()["succeeded"]) == (State.SUCCEEDED, 0, 1)
        await computer.dead_letters.requeue_all()
        [metric] = computer.get_metrics(1)
        assert metric["duration_ms"] < 1000 * DEADLINE  # of the call, and not of the loop
    assert order.placed == 1


async def test_what_a_thread_has_done_too_late_is_dead(advance: Advance) -> None:
    order = Order(advance, 1.5 * DEADLINE)
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE).enqueue_task("order", order)
        await end_in_a_busy_loop(order, handle, 4 * DEADLINE)
        with pytest.raises(TimeoutError, match=r"deadline of 60 s"):
            await handle
        [letter] = computer.dead_letters.list()
        [attempt] = letter.attempts
        assert (letter.reason, computer.counts()["dead"]) == ("deadline", 1)
        assert DEADLINE < attempt.seconds < 3 * DEADLINE  # of the call, and not of the loop


async def test_what_has_failed_in_time_is_not_tried_again_after_the_deadline(advance: Advance) -> None:
    order = Order(advance, error=OSError("no route"))
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE, max_attempts=3).enqueue_task("order", order)
        await end_in_a_busy_loop(order, handle)
        with pytest.raises(TimeoutError, match=r"deadline of 60 s"):
            await handle
        [letter] = computer.dead_letters.list()
        assert (letter.reason, [attempt.error for attempt in letter.attempts]) == ("deadline", ["OSError: no route"])
        assert letter.attempts[0].seconds < DEADLINE
        counts = computer.counts()
        assert (counts["dead"], counts["running"], counts["queued"], counts["retried"]) == (1, 0, 0, 0)
    assert order.placed == 1


async def test_what_a_process_has_done_in_time_is_done(advance: Advance, tmp_path: Path) -> None:
    door = tmp_path / "door"
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, use_process_pool=True)) as computer:
        view = computer.with_options(use_process_pool=True, deadline=DEADLINE)
        handle = await view.enqueue_task("order", process_work.waits_for, str(door))
        async with asyncio.timeout(DEADLINE):
            while not door.exists():  # noqa: ASYNC110 - what another process does has no event
                await asyncio.sleep(0.001)
        door.unlink()
        until_ended(handle)
        advance(2 * DEADLINE)
        assert isinstance(await handle, int)
        assert (computer.counts()["succeeded"], len(computer.dead_letters)) == (1, 0)


@pytest.mark.parametrize("drain", [True, False])
async def test_what_a_thread_has_done_before_the_end_has_not_died_of_it(advance: Advance, drain: bool) -> None:
    order = Order(advance)
    computer = single()
    handle = await computer.enqueue_task("order", order)
    await end_in_a_busy_loop(order, handle)
    await computer.stop(drain=drain, timeout=0.0)
    assert await handle == 1
    assert (len(computer.dead_letters), computer.counts()["succeeded"]) == (0, 1)


async def in_turns(ended: asyncio.Event) -> str:
    await asyncio.sleep(0)
    ended.set()
    return "done"


def given_by_a_thread(ended: asyncio.Event) -> Coroutine[Any, Any, str]:
    return in_turns(ended)


@pytest.mark.parametrize("work", [in_turns, given_by_a_thread])
async def test_what_a_coroutine_has_done_in_time_is_done(
    advance: Advance, work: Callable[[asyncio.Event], Any]
) -> None:
    ended = asyncio.Event()
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE).enqueue_task("order", work, ended)
        await ended.wait()
        advance(2 * DEADLINE)
        assert await handle == "done"
        assert (computer.counts()["succeeded"], len(computer.dead_letters)) == (1, 0)


async def test_a_coroutine_that_nobody_has_awaited_by_the_deadline_is_not_done(
    advance: Advance, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, awaited, loop = threading.Event(), [], asyncio.get_running_loop()
    wake = loop.call_soon_threadsafe

    def waking(*args: Any) -> None:
        wake(*args)
        given.set()

    async def rest() -> None:
        awaited.append(1)

    def give() -> Coroutine[Any, Any, None]:
        return rest()

    monkeypatch.setattr(loop, "call_soon_threadsafe", waking)
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE).enqueue_task("order", give)
        await asyncio.sleep(0)  # the worker gives it to a thread
        assert given.wait(20)
        advance(2 * DEADLINE)
        with pytest.raises(TimeoutError, match=r"deadline of 60 s"):
            await handle
        assert computer.counts()["dead"] == 1
    assert awaited == []
