"""What becomes of tasks, callers, threads and files when a loop ends at the wrong moment."""

import asyncio
import gc
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from letters import opened_below
from queued import holds, until

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.dead_letters import sqlite
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.runtime import cross_loop
from ziggy_async.runtime.errors import Stopped, TaskDropped


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of dead letters, which wait for as long as it is locked."""
    monkeypatch.setattr(sqlite, "BUSY", 60.0)
    return tmp_path / "letters.db"


def close_in_the_middle(loop: asyncio.AbstractEventLoop) -> None:
    """As it is, with all that is under way in it."""
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()


async def begin(computer: AsyncFeatureComputer, name: str) -> TaskHandle:
    """A task that sleeps. Returns once its coroutine has begun: the end of a loop is not to come before."""
    begun = asyncio.Event()

    async def sleeps() -> None:
        begun.set()
        await asyncio.sleep(60)

    handle = await computer.enqueue_task(name, sleeps)
    await begun.wait()
    return handle


def test_who_gives_up_the_first_call_after_a_closed_loop_leaves_no_task_behind(file: Path) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1, dead_letters=str(file)))
    loop = asyncio.new_event_loop()

    async def fill() -> list[TaskHandle]:
        await computer.start()
        return [
            await begin(computer, "0"),
            *[await computer.enqueue_task(str(number), asyncio.sleep, 60) for number in range(1, 5)],
        ]

    handles = loop.run_until_complete(fill())
    close_in_the_middle(loop)
    assert len(computer.tasks("running")) + len(computer.tasks("queued")) == 5

    async def use() -> None:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # no letter can be written now
        giving_up = asyncio.create_task(computer.execute_blocking_operation("gives up", int))
        await until(lambda: computer.counts()["dead"] == 5)
        giving_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await giving_up
        counts = holds(computer)
        assert (counts["dead"], counts["queued"], counts["running"]) == (5, 0, 0)
        assert [record.task_id for record in computer.tasks("dead")] == ["0", "1", "2", "3", "4"]
        other.close()
        for handle in handles:
            with pytest.raises(Stopped, match="the event loop was closed"):
                await handle
        assert [letter.task_id for letter in computer.dead_letters.list()] == ["0", "1", "2", "3", "4"]
        await computer.stop()

    asyncio.run(use())


def test_a_task_that_dies_as_its_loop_ends_has_its_letter_and_its_answer(file: Path) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=1, dead_letters=str(file)))
    loop = asyncio.new_event_loop()

    async def drop() -> TaskHandle:
        await begin(computer, "runs")
        await computer.enqueue_task("fills", asyncio.sleep, 60)
        other.execute("BEGIN IMMEDIATE")
        return await computer.with_options(on_full="drop_new").enqueue_task("dropped", int)

    other = sqlite3.connect(file, isolation_level=None)
    handle = loop.run_until_complete(drop())
    close_in_the_middle(loop)
    assert not handle.done()  # it is not kept yet
    other.close()
    asyncio.run(until(handle.done))
    assert isinstance(handle.exception(), TaskDropped)
    assert [letter.task_id for letter in computer.dead_letters.list()] == ["dropped"]
    holds(computer)
    computer.dead_letters.close().result(20)


@pytest.fixture
def home() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def at(home: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run_coroutine_threadsafe(coroutine, home).result(20)


async def cancelled_before_it_is_told(
    call: Coroutine[Any, Any, Any], home: asyncio.AbstractEventLoop, is_answered: Callable[[], bool]
) -> None:
    """The call, made from this loop, which is busy until the home loop has answered."""
    asked = threading.Event()
    home.call_soon_threadsafe(asked.wait, 20)  # else it may answer while it is asked
    caller = asyncio.create_task(call)
    await asyncio.sleep(0)
    asked.set()
    while not is_answered():
        time.sleep(0.001)  # noqa: ASYNC251 - the loop is to be busy
    time.sleep(0.1)  # noqa: ASYNC251
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert caller.cancelled()


@pytest.mark.parametrize("call", ["enqueue_task", "execute_blocking_operation"])
def test_work_accepted_for_a_caller_that_was_cancelled_meanwhile_is_given_up(
    call: str, home: asyncio.AbstractEventLoop
) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    ran: list[str] = []

    async def main() -> None:
        holding = await computer.enqueue_task("holds", asyncio.sleep, 60)
        asked = getattr(computer.with_options(priority=1), call)("asked", ran.append, "asked")
        await cancelled_before_it_is_told(asked, home, lambda: computer.counts()["submitted"] == 2)
        await until(lambda: holds(computer)["cancelled"] == 1)
        holding.cancel()
        await until(lambda: computer.counts()["running"] == 0)

    at(home, computer.start())
    asyncio.run(main())
    at(home, computer.stop())
    assert ran == []


def test_a_letter_whose_task_was_accepted_is_gone_though_who_asked_was_cancelled(
    home: asyncio.AbstractEventLoop,
) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))

    async def main() -> None:
        handle = await computer.with_options(deadline=0.02).enqueue_task("dies", asyncio.sleep, 0.05)
        with pytest.raises(TimeoutError):
            await handle
        (letter,) = computer.dead_letters.list()
        asked = computer.dead_letters.requeue(letter.id)
        await cancelled_before_it_is_told(asked, home, lambda: computer.counts()["submitted"] == 2)
        await until(lambda: holds(computer)["dead"] == 2)
        assert [each.requeued_from for each in computer.dead_letters.list()] == [letter.id]
        assert computer.dead_letters.stats()["requeued"] == 1

    at(home, computer.start())
    asyncio.run(main())
    at(home, computer.stop())


@pytest.mark.parametrize("waits", [0.0, 0.0005, 0.002])
def test_a_letter_is_taken_or_listed_whenever_who_asked_is_cancelled(
    waits: float, home: asyncio.AbstractEventLoop
) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    ran: list[int] = []

    def fails() -> None:
        ran.append(1)
        raise OSError("x")

    async def main() -> None:
        with pytest.raises(OSError, match="x"):
            await (await computer.enqueue_task("fails", fails))
        for _ in range(50):
            await until(lambda: len(computer.dead_letters) == 1)
            (letter,) = computer.dead_letters.list()
            before, tried = len(ran), asyncio.create_task(computer.dead_letters.requeue(letter.id))
            await asyncio.sleep(0)
            time.sleep(waits)  # noqa: ASYNC251 - the loop is to be busy
            tried.cancel()
            await asyncio.gather(tried, return_exceptions=True)
            await until(lambda: computer.counts()["queued"] + computer.counts()["running"] == 0)
            is_listed = letter.id in [each.id for each in computer.dead_letters.list()]
            assert is_listed is (len(ran) == before)
            holds(computer)

    at(home, computer.start())
    asyncio.run(main())
    at(home, computer.stop())


def test_what_a_call_gives_after_its_caller_was_cancelled_is_undone(home: asyncio.AbstractEventLoop) -> None:
    began, undone = threading.Event(), []

    async def gives_all_the_same() -> int:
        began.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return 7

    async def main() -> None:
        caller = asyncio.create_task(cross_loop.call(gives_all_the_same, home, undone.append))
        await until(began.is_set)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await until(lambda: undone == [7])

    asyncio.run(main())


async def test_a_loop_that_was_closed_a_moment_ago_has_come_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    home = asyncio.new_event_loop()
    home.close()
    monkeypatch.setattr(home, "is_running", lambda: True)  # as it was when that was asked
    with pytest.raises(Stopped, match="came to its end"):
        await cross_loop.call(lambda: asyncio.sleep(0, 7), home)


def test_who_waits_in_another_loop_for_a_task_whose_loop_was_closed_is_told() -> None:
    """Nobody starts the computer anew, which would tell them too."""
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    loop = asyncio.new_event_loop()

    async def enqueue() -> list[TaskHandle]:
        return [await begin(computer, "runs"), await computer.enqueue_task("waits", asyncio.sleep, 60)]

    async def ask(handle: TaskHandle) -> None:
        asking.wait()
        with pytest.raises(Stopped, match="the event loop was closed"):
            await handle

    handles = loop.run_until_complete(enqueue())
    asking = threading.Barrier(3)
    askers = [threading.Thread(target=asyncio.run, args=(ask(handle),)) for handle in handles]
    for asker in askers:
        asker.start()
    asking.wait()
    close_in_the_middle(loop)
    for asker in askers:
        asker.join(20)
    assert all(handle.done() for handle in handles)
    assert (computer.is_started, holds(computer)["dead"]) == (False, 2)


async def test_a_task_whose_pool_has_ended_dies_of_the_shutdown() -> None:
    """As at the interpreter's exit. One that raises `Stopped` itself is tried again like any other."""
    begun, door = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        door.wait(30.0)

    def stops() -> None:
        raise Stopped

    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        tasks = computer.with_options(max_attempts=2)
        with pytest.raises(Stopped):
            await tasks.execute_blocking_operation("stops", stops)
        handle = await tasks.enqueue_task("hangs", hang)
        await asyncio.to_thread(begun.wait)
        pool = computer._task_threads
        assert pool is not None
        for call in pool.shutdown(wait=False, cancel=True):
            pool.abandon(call)
        late = await tasks.enqueue_task("late", hang)
        for each in (handle, late):
            with pytest.raises(Stopped):
                await each
        door.set()
        letters = computer.dead_letters.list()
        assert [(letter.reason, len(letter.attempts)) for letter in letters] == [
            ("exhausted", 2),
            ("shutdown", 1),
            ("shutdown", 1),
        ]


@pytest.mark.parametrize("moment", ["unheard", "unbegun"])
def test_a_call_that_its_home_loop_drops_is_answered(moment: str, recwarn: pytest.WarningsRecorder) -> None:
    """A loop that ends drops what it was told last, and cancels tasks before they begin."""
    gc.collect()
    recwarn.clear()  # of what other tests have left
    home = asyncio.new_event_loop()
    ready, asked = threading.Event(), threading.Event()

    async def answer() -> int:
        return 7

    def stall() -> None:
        ready.set()
        asked.wait(20)
        if moment == "unheard":
            home.stop()
        else:
            home.call_soon(cancel_all)  # behind the call, which begins in the next iteration

    def cancel_all() -> None:
        for task in asyncio.all_tasks(home):
            task.cancel()
        home.call_later(0.01, home.stop)

    def run_home() -> None:
        home.call_soon(stall)
        home.run_forever()
        home.close()

    async def ask() -> None:
        ready.wait()
        caller = asyncio.create_task(cross_loop.call(answer, home))
        await asyncio.sleep(0)
        asked.set()
        with pytest.raises(Stopped, match="came to its end"):
            await asyncio.wait_for(caller, 20)

    thread = threading.Thread(target=run_home)
    thread.start()
    asyncio.run(ask())
    thread.join()
    gc.collect()
    assert [str(warning.message) for warning in recwarn.list] == []


@pytest.mark.parametrize("waits_for", ["tasks", "threads"])
def test_a_computer_whose_loop_was_closed_in_the_middle_of_its_stop_can_be_used_again(waits_for: str) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1, use_process_pool=True))
    loop = asyncio.new_event_loop()
    gate = threading.Event()

    async def begin_to_stop() -> list["asyncio.Task[None]"]:
        await computer.start()
        if waits_for == "tasks":
            await begin(computer, "lost")
            under_way = []
        else:
            under_way = [asyncio.create_task(computer.execute_blocking_operation("holds", gate.wait, 30))]
        await asyncio.sleep(0.01)
        stopping = asyncio.create_task(computer.stop())
        await asyncio.sleep(0.05)
        return [stopping, *under_way]

    left = loop.run_until_complete(begin_to_stop())
    assert computer.is_draining
    close_in_the_middle(loop)
    assert (computer.is_started, computer.is_draining, computer.was_stopped) == (False, False, False)

    async def use() -> None:
        assert await computer.execute_blocking_operation("again", lambda: 7) == 7
        left.clear()
        gc.collect()  # what is left of the lost stop must not end this life
        assert await (await computer.enqueue_task("again", lambda: 8)) == 8
        assert await (await computer.with_options(use_process_pool=True).enqueue_task("again", int)) == 0
        assert (computer.is_started, computer.is_draining) == (True, False)
        await computer.stop()
        assert (computer.is_started, computer.was_stopped) == (False, True)
        await computer.start()
        await computer.stop()

    asyncio.run(use())
    gate.set()
    counts = holds(computer)
    assert (counts["succeeded"], counts["dead"]) == (2, 1 if waits_for == "tasks" else 0)


def test_a_stop_that_the_end_of_its_loop_cancels_leaves_nothing_open(tmp_path: Path) -> None:
    file = tmp_path / "letters.db"
    config = TaskPoolConfig(max_workers=2, use_process_pool=True, dead_letters=str(file))
    computer = AsyncFeatureComputer(config)
    before = set(threading.enumerate())
    children: list[int] = []

    async def main() -> list[TaskHandle]:
        await computer.start()
        children.append(await (await computer.with_options(use_process_pool=True).enqueue_task("child", os.getpid)))
        handles = [await computer.enqueue_task(str(number), asyncio.sleep, 60) for number in range(4)]
        await asyncio.sleep(0.01)
        stopping = asyncio.create_task(computer.stop())
        await asyncio.sleep(0.02)
        assert not stopping.done()
        return handles

    handles = asyncio.run(main())
    assert (computer.is_started, computer.was_stopped) == (False, True)
    asyncio.run(until(lambda: all(handle.done() for handle in handles)))
    asyncio.run(until(lambda: not [thread for thread in threading.enumerate() if thread not in before]))
    assert not opened_below(tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)
    assert [letter.task_id for letter in computer.dead_letters.list()] == ["0", "1", "2", "3"]
    counts = holds(computer)
    assert (counts["dead"], counts["queued"], counts["running"]) == (4, 0, 0)
