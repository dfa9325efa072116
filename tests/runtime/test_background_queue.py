"""The background queue through the facade: order, a full queue, deadlines, attempts, keys, cancelling, the end."""

import asyncio
import logging
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from queued import holds, until

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing.background import FIRST_BACKOFF, LONGEST_BACKOFF, backoff
from ziggy_async.queueing.task import State
from ziggy_async.runtime.errors import QueueFull, Stopped, TaskDropped


class Gate:
    """A coroutine function that says when it began, and goes on when it is told to."""

    def __init__(self) -> None:
        self.began: list[Any] = []
        self.opened = asyncio.Event()

    async def __call__(self, name: Any = None) -> Any:
        self.began.append(name)
        await self.opened.wait()
        return name


def single(queue_size: int = 100) -> AsyncFeatureComputer:
    return AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=queue_size))


async def held(computer: AsyncFeatureComputer) -> Gate:
    """The only worker is busy until the gate is opened."""
    gate = Gate()
    await computer.enqueue_task("holds the worker", gate, "held")
    await until(lambda: gate.began == ["held"])
    return gate


# --- order


async def test_urgent_ones_go_first_and_equals_in_their_order() -> None:
    order: list[str] = []
    async with single() as computer:
        gate = await held(computer)
        for name, priority in (("a", 0), ("b", 5), ("c", -1), ("d", 5), ("e", 0)):
            await computer.with_options(priority=priority).enqueue_task(name, order.append, name)
        gate.opened.set()
    assert order == ["b", "d", "a", "e", "c"]
    assert holds(computer)["succeeded"] == 6


# --- a full queue


async def test_waiting_for_a_place_is_first_come_first_served() -> None:
    order: list[int] = []
    async with single(queue_size=2) as computer:
        gate = await held(computer)
        callers = [asyncio.create_task(computer.enqueue_task(str(i), order.append, i)) for i in range(6)]
        await until(lambda: computer.get_summary_metrics()["queue_depth"] == 2)
        assert sum(caller.done() for caller in callers) == 2
        assert holds(computer)["submitted"] == 3
        gate.opened.set()
        for caller in callers:
            await (await caller)
    assert order == list(range(6))


async def test_who_is_cancelled_while_waiting_for_a_place_was_never_there() -> None:
    ran: list[int] = []
    async with single(queue_size=1) as computer:
        gate = await held(computer)
        await computer.enqueue_task("fills", ran.append, 1)
        waiting = asyncio.create_task(computer.enqueue_task("waits", ran.append, 2))
        behind = asyncio.create_task(computer.enqueue_task("behind", ran.append, 3))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.opened.set()
        await (await behind)
    assert ran == [1, 3]
    assert holds(computer)["submitted"] == 3


async def test_raise() -> None:
    async with single(queue_size=1) as computer:
        gate = await held(computer)
        await computer.enqueue_task("fills", int)
        with pytest.raises(QueueFull, match=r"'one more'.*1 tasks wait") as caught:
            await computer.with_options(on_full="raise").enqueue_task("one more", int)
        assert isinstance(caught.value, asyncio.QueueFull)
        assert (holds(computer)["submitted"], computer.counts()["rejected"]) == (2, 1)
        gate.opened.set()


async def test_drop_new() -> None:
    async with single(queue_size=1) as computer:
        gate = await held(computer)
        await computer.enqueue_task("fills", int)
        handle = await computer.with_options(on_full="drop_new").enqueue_task("dropped", int)
        with pytest.raises(TaskDropped, match="'dropped'"):
            await handle
        assert handle.state is State.DEAD
        assert [(letter.task_id, letter.reason) for letter in computer.dead_letters.list()] == [("dropped", "dropped")]
        assert holds(computer)["dead"] == 1
        gate.opened.set()


async def test_drop_oldest_takes_the_oldest_of_the_least_urgent() -> None:
    ran: list[str] = []
    async with single(queue_size=3) as computer:
        gate = await held(computer)
        handles = {}
        for name, priority in (("urgent", 1), ("old", 0), ("young", 0), ("newest", 0)):
            view = computer.with_options(priority=priority, on_full="drop_oldest")
            handles[name] = await view.enqueue_task(name, ran.append, name)
        with pytest.raises(TaskDropped, match="'old' of priority 0 was dropped"):
            await handles["old"]
        less = await computer.with_options(priority=-1, on_full="drop_oldest").enqueue_task("less", ran.append, "less")
        with pytest.raises(TaskDropped, match="'less' of priority -1 was dropped"):
            await less
        gate.opened.set()
    assert ran == ["urgent", "young", "newest"]


async def test_who_drops_the_oldest_has_its_place_and_those_outside_get_the_next() -> None:
    ran: list[str] = []
    async with single(queue_size=2) as computer:
        gate = await held(computer)
        for name in ("first", "second"):
            await computer.enqueue_task(name, ran.append, name)
        outside = [asyncio.create_task(computer.enqueue_task(n, ran.append, n)) for n in ("outside", "behind")]
        await asyncio.sleep(0)
        for number in range(3):
            name = f"newcomer {number}"
            await computer.with_options(on_full="drop_oldest").enqueue_task(name, ran.append, name)
            await asyncio.sleep(0)
            assert computer.get_summary_metrics()["queue_depth"] == 2
            assert not any(caller.done() for caller in outside)
        assert holds(computer)["dead"] == 3
        gate.opened.set()
        for caller in outside:
            await (await caller)
    assert ran == ["newcomer 1", "newcomer 2", "outside", "behind"]
    assert holds(computer)["submitted"] == 8


async def test_a_full_queue_is_logged_once_an_episode(caplog: pytest.LogCaptureFixture) -> None:
    async with single(queue_size=1) as computer:
        dropping = computer.with_options(on_full="drop_new")
        for _ in range(2):
            gate = await held(computer)
            for number in range(5):
                await dropping.enqueue_task(str(number), int)
            gate.opened.set()
            await until(lambda: computer.counts()["queued"] + computer.counts()["running"] == 0)
    assert caplog.text.count("Task queue full") == 2


# --- deadlines


async def test_a_deadline_that_passes_in_the_queue_means_never_started() -> None:
    ran: list[int] = []
    async with single() as computer:
        gate = await held(computer)
        handle = await computer.with_options(deadline=0.02).enqueue_task("late", ran.append, 1)
        with pytest.raises(TimeoutError, match=r"'late' was not done within its deadline of 0.02 s"):
            await handle
        gate.opened.set()
    assert ran == []
    (letter,) = computer.dead_letters.list()
    assert (letter.reason, letter.attempts) == ("deadline", ())


async def test_a_deadline_counts_while_waiting_for_a_place() -> None:
    async with single(queue_size=1) as computer:
        gate = await held(computer)
        await computer.enqueue_task("fills", int)
        handle = await computer.with_options(deadline=0.02).enqueue_task("outside", int)
        with pytest.raises(TimeoutError):
            await handle
        assert holds(computer)["dead"] == 1
        gate.opened.set()


async def test_a_thread_that_hangs_past_its_deadline_is_replaced(advance: Callable[[float], None]) -> None:
    began, gate = threading.Semaphore(0), threading.Event()

    def hangs() -> None:
        began.release()
        gate.wait(30)

    async with single() as computer:
        for number in range(3):
            handle = await computer.with_options(deadline=60.0).enqueue_task(f"hangs {number}", hangs)
            assert await asyncio.to_thread(began.acquire, timeout=20)
            advance(60.0)
            with pytest.raises(TimeoutError):
                await handle
        assert await (await computer.enqueue_task("goes on", lambda: 7)) == 7
        assert computer.stuck == 3
        gate.set()
        await until(lambda: computer.stuck == 0)
    assert {letter.reason for letter in computer.dead_letters.list()} == {"deadline"}
    assert holds(computer)["dead"] == 3


async def test_a_coroutine_that_will_not_end_keeps_no_worker(advance: Callable[[float], None]) -> None:
    began, stop_waiting, stubborn_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        began.set()
        while not stop_waiting.is_set():
            try:
                await stop_waiting.wait()
            except asyncio.CancelledError:
                continue
        stubborn_ended.set()

    async with single() as computer:
        handle = await computer.with_options(deadline=60.0).enqueue_task("stubborn", stubborn)
        await began.wait()
        advance(60.0)
        with pytest.raises(TimeoutError):
            await handle
        assert await (await computer.enqueue_task("goes on", lambda: 7)) == 7
        stop_waiting.set()
        await stubborn_ended.wait()
    assert holds(computer)["dead"] == 1


async def test_deadline_of_an_operation() -> None:
    gate = threading.Event()
    async with single() as computer:
        with pytest.raises(TimeoutError, match=r"deadline of 0\.02 s"):
            await computer.with_options(deadline=0.02).execute_blocking_operation("hangs", gate.wait, 30)
        gate.set()


# --- attempts


class Fails:
    """Raises the errors one after the other, then returns."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


async def test_retries_back_off_exponentially_with_full_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    async with single() as computer:
        monkeypatch.setattr(random, "random", lambda: 1.0)
        assert [backoff(n) for n in (1, 2, 3, 4)] == pytest.approx([0.1, 0.2, 0.4, 0.8])
        assert backoff(1000) == LONGEST_BACKOFF
        monkeypatch.setattr(random, "random", lambda: 0.0)
        assert backoff(3) == 0.0
        work = Fails(ConnectionError("1"), ConnectionError("2"))
        handle = await computer.with_options(max_attempts=3).enqueue_task("flaky", work)
        assert await handle == 3
        assert [attempt.error for attempt in handle.attempts] == ["ConnectionError: 1", "ConnectionError: 2"]
        assert (holds(computer)["retried"], computer.counts()["succeeded"]) == (2, 1)
    assert FIRST_BACKOFF == 0.1


async def test_exhausted_attempts_are_in_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)
    async with single() as computer:
        handle = await computer.with_options(max_attempts=2).enqueue_task("no", Fails(*map(OSError, "ab")))
        with pytest.raises(OSError, match="b"):
            await handle
        (letter,) = computer.dead_letters.list()
        assert (letter.reason, letter.task_id, letter.operation) == ("exhausted", "no", "worker_task:no")
        assert [attempt.error for attempt in letter.attempts] == ["OSError: a", "OSError: b"]
        assert holds(computer)["dead"] == 1


async def test_what_no_attempt_mends_fails_at_once_without_a_letter() -> None:
    async with single() as computer:
        work = Fails(KeyError("x"), KeyError("x"))
        handle = await computer.with_options(max_attempts=5, retry_on=OSError).enqueue_task("bad", work)
        with pytest.raises(KeyError):
            await handle
        assert (handle.state, work.calls, len(computer.dead_letters)) == (State.FAILED, 1, 0)
        assert holds(computer)["failed"] == 1


async def test_a_task_that_waits_for_its_next_attempt_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 1.0)
    async with single() as computer:
        work = Fails(*map(OSError, "abc"))
        handle = await computer.with_options(max_attempts=9).enqueue_task("flaky", work)
        await until(lambda: computer.counts()["retried"] == 1)
        assert handle.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handle
        assert holds(computer)["cancelled"] == 1
    assert work.calls == 1


# --- keys


async def test_a_key_joins_work_under_way() -> None:
    async with single() as computer:
        gate = await held(computer)
        view = computer.with_options(key="quotes")
        first = await view.enqueue_task("first", lambda: object())
        second = await view.enqueue_task("second", lambda: object())
        gate.opened.set()
        assert await first is await second
        assert second.task_id == "first"
        third = await view.enqueue_task("third", lambda: object())
        assert await third is not await first
        assert (holds(computer)["submitted"], computer.counts()["joined"]) == (3, 1)


async def test_joined_work_outlives_the_caller_that_waited_for_a_place() -> None:
    async with single(queue_size=1) as computer:
        gate = await held(computer)
        await computer.enqueue_task("fills", int)
        view = computer.with_options(key="k")
        first = asyncio.create_task(view.enqueue_task("first", lambda: 7))
        await asyncio.sleep(0)
        joined = await view.enqueue_task("second", lambda: 8)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.opened.set()
        assert await joined == 7


# --- cancelling


async def test_cancelling_what_is_queued_and_what_runs() -> None:
    async with single() as computer:
        gate = await held(computer)
        queued = await computer.enqueue_task("queued", int)
        assert queued.cancel()
        assert not queued.cancel()
        assert (queued.state, queued.done()) == (State.CANCELLED, True)
        cancelled = asyncio.Event()

        async def runs() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise

        gate.opened.set()
        running = await computer.enqueue_task("running", runs)
        await until(lambda: running.state is State.RUNNING)
        await asyncio.to_thread(running.cancel)
        await cancelled.wait()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert holds(computer)["cancelled"] == 2


async def test_giving_up_waiting_leaves_the_task_exclusively() -> None:
    async with single() as computer:
        gate = await held(computer)
        handle = await computer.enqueue_task("slow", lambda: 7)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await handle
        gate.opened.set()
        assert await handle == 7


async def test_a_handle_before_its_end() -> None:
    async with single() as computer:
        gate = await held(computer)
        handle = await computer.enqueue_task("x", lambda: 7)
        assert (handle.task_id, handle.state) == ("x", State.QUEUED)
        with pytest.raises(asyncio.InvalidStateError):
            handle.result()
        gate.opened.set()
        await handle
        assert (handle.result(), handle.exception()) == (7, None)


# --- the end


async def test_stop_drains() -> None:
    done: list[int] = []
    computer = single()
    for number in range(50):
        await computer.enqueue_task(str(number), done.append, number)
    await computer.stop()
    assert done == list(range(50))
    assert holds(computer)["succeeded"] == 50


@pytest.mark.parametrize("drain", [True, False])
async def test_what_could_not_run_has_a_letter(drain: bool) -> None:
    computer = single()
    gate = await held(computer)
    handles = [await computer.enqueue_task(str(number), int) for number in range(3)]
    await computer.stop(drain=drain, timeout=0.02)
    letters = computer.dead_letters.list()
    assert sorted(letter.task_id for letter in letters) == ["0", "1", "2", "holds the worker"]
    assert {letter.reason for letter in letters} == {"shutdown"}
    for handle in handles:
        with pytest.raises(Stopped):
            await handle
    counts = holds(computer)
    assert (counts["dead"], counts["queued"], counts["running"]) == (4, 0, 0)
    assert gate.began == ["held"]


async def test_who_waits_for_a_place_is_told_of_the_stop() -> None:
    computer = single(queue_size=1)
    await held(computer)
    await computer.enqueue_task("fills", int)
    waiting = asyncio.create_task(computer.enqueue_task("waits", int))
    await asyncio.sleep(0)
    await computer.stop(timeout=0.02)
    with pytest.raises(Stopped, match="'waits'"):
        await waiting
    assert holds(computer)["submitted"] == 2


async def test_a_letter_is_requeued_and_says_where_from() -> None:
    async with single() as computer:
        work = Fails(OSError("a"), OSError("b"))
        with pytest.raises(OSError, match="a"):
            await (await computer.enqueue_task("t", work))
        (letter,) = computer.dead_letters.list()
        with pytest.raises(OSError, match="b"):
            await (await computer.dead_letters.requeue(letter.id))
        (again,) = computer.dead_letters.list()
        assert (again.requeued_from, again.task_id) == (letter.id, "t")
        assert await (await computer.dead_letters.requeue(again.id)) == 3
        assert len(computer.dead_letters) == 0
        assert (holds(computer)["submitted"], computer.counts()["dead"]) == (3, 2)


def test_nothing_is_logged_of_an_error_that_nobody_awaits(caplog: pytest.LogCaptureFixture) -> None:
    async def leave() -> None:
        async with single() as computer:
            await computer.enqueue_task("ignored", Fails(OSError("x")))

    with caplog.at_level(logging.ERROR):
        asyncio.run(leave())
    assert "never retrieved" not in caplog.text
    assert "worker_task" not in caplog.text or "ignored" in caplog.text
