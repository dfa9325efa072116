"""Deadlines and ends in a loop that is busy: what was done in time counts, however late the loop hears of it."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing.task import State

DEADLINE = 0.4


def single() -> AsyncFeatureComputer:
    return AsyncFeatureComputer(TaskPoolConfig(max_workers=1))


def busy_until(ended: threading.Event, at_least: float = 2 * DEADLINE) -> None:
    """The loop does nothing else meanwhile."""
    until = time.perf_counter() + at_least
    assert ended.wait(20)
    time.sleep(max(0.0, until - time.perf_counter()))


class Order:
    """A function for a thread that takes some time, and says when it began and ended."""

    def __init__(self, seconds: float, error: Exception | None = None) -> None:
        self.seconds, self.error = seconds, error
        self.placed = 0
        self.began, self.ended = threading.Event(), threading.Event()

    def __call__(self) -> int:
        self.began.set()
        time.sleep(self.seconds)
        self.placed += 1
        self.ended.set()
        if self.error is not None:
            raise self.error
        return self.placed


async def test_what_a_thread_has_done_in_time_is_done() -> None:
    order = Order(0.02)
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE).enqueue_task("order", order)
        await asyncio.to_thread(order.began.wait, 20)
        busy_until(order.ended)
        assert await handle == 1
        assert (handle.state, len(computer.dead_letters), computer.counts()["succeeded"]) == (State.SUCCEEDED, 0, 1)
        await computer.dead_letters.requeue_all()
        [metric] = computer.get_metrics(1)
        assert metric["duration_ms"] < 1000 * DEADLINE  # of the call, and not of the loop
    assert order.placed == 1


async def test_what_a_thread_has_done_too_late_is_dead() -> None:
    order = Order(1.5 * DEADLINE)
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE).enqueue_task("order", order)
        await asyncio.to_thread(order.began.wait, 20)
        busy_until(order.ended, 4 * DEADLINE)
        with pytest.raises(TimeoutError, match=r"deadline of 0\.4 s"):
            await handle
        [letter] = computer.dead_letters.list()
        [attempt] = letter.attempts
        assert (letter.reason, computer.counts()["dead"]) == ("deadline", 1)
        assert DEADLINE < attempt.seconds < 3 * DEADLINE  # of the call, and not of the loop


async def test_what_has_failed_in_time_is_not_tried_again_after_the_deadline() -> None:
    order = Order(0.02, OSError("no route"))
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE, max_attempts=3).enqueue_task("order", order)
        await asyncio.to_thread(order.began.wait, 20)
        busy_until(order.ended)
        with pytest.raises(TimeoutError, match=r"deadline of 0\.4 s"):
            await handle
        [letter] = computer.dead_letters.list()
        assert (letter.reason, [attempt.error for attempt in letter.attempts]) == ("deadline", ["OSError: no route"])
        assert letter.attempts[0].seconds < DEADLINE
        counts = computer.counts()
        assert (counts["dead"], counts["running"], counts["queued"], counts["retried"]) == (1, 0, 0, 0)
    assert order.placed == 1


async def test_what_a_process_has_done_in_time_is_done() -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, use_process_pool=True)) as computer:
        view = computer.with_options(use_process_pool=True)
        await (await view.enqueue_task("starts it", time.sleep, 0))
        handle = await view.with_options(deadline=1.0).enqueue_task("order", time.sleep, 0.2)
        await until_running(computer)
        busy_until(done(), 1.5)
        assert await handle is None
        assert (computer.counts()["succeeded"], len(computer.dead_letters)) == (2, 0)


async def until_running(computer: AsyncFeatureComputer) -> None:
    async with asyncio.timeout(20):
        while computer.counts()["running"] == 0:  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)  # its thread has it


@pytest.mark.parametrize("drain", [True, False])
async def test_what_a_thread_has_done_before_the_end_has_not_died_of_it(drain: bool) -> None:
    order = Order(0.02)
    computer = single()
    handle = await computer.enqueue_task("order", order)
    await asyncio.to_thread(order.began.wait, 20)
    busy_until(order.ended, 0.05)
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
async def test_what_a_coroutine_has_done_in_time_is_done(work: Callable[[asyncio.Event], Any]) -> None:
    ended = asyncio.Event()
    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE).enqueue_task("order", work, ended)
        await ended.wait()
        busy_until(done())
        assert await handle == "done"
        assert (computer.counts()["succeeded"], len(computer.dead_letters)) == (1, 0)


async def test_a_coroutine_that_nobody_has_awaited_by_the_deadline_is_not_done() -> None:
    gave, awaited = threading.Event(), []

    async def rest() -> None:
        awaited.append(1)

    def give() -> Coroutine[Any, Any, None]:
        gave.set()
        return rest()

    async with single() as computer:
        handle = await computer.with_options(deadline=DEADLINE).enqueue_task("order", give)
        await asyncio.sleep(0)  # the worker gives it to a thread
        busy_until(gave)
        with pytest.raises(TimeoutError, match=r"deadline of 0\.4 s"):
            await handle
        assert computer.counts()["dead"] == 1
    assert awaited == []


def done() -> threading.Event:
    event = threading.Event()
    event.set()
    return event
