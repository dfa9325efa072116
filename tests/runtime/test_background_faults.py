"""What becomes of tasks and workers when code that the queue runs raises where it should not, or is told too late."""

import asyncio
import logging
import sys
import threading
import time
import types
from collections.abc import Iterator
from typing import Any

import pytest
from queued import holds, until

from ziggy_async import tracing
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.runtime.errors import Stopped


class Answering(type):
    """The class of classes that say themselves what their instances are."""

    def __instancecheck__(cls, instance: object) -> bool:
        raise LookupError("who knows")


class AskedError(Exception, metaclass=Answering):
    pass


class Nameless(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise LookupError("no name")


class UnnamedError(Exception, metaclass=Nameless):
    pass


class Key:
    """One that can be looked up no more once its task has ended."""

    breaks = False

    def __hash__(self) -> int:
        if self.breaks:
            raise LookupError("no hash")
        return 1


def fails() -> None:
    raise ValueError("x")


def fails_without_a_name() -> None:
    raise UnnamedError("x")


async def ends_with_its_loop() -> None:
    asyncio.get_running_loop().stop()  # which then ends before it has heard that this is done


def drop(loop: asyncio.AbstractEventLoop) -> None:
    """Closes the loop with all that is under way in it."""
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()


def ended_with_its_loop(computer: AsyncFeatureComputer) -> list[TaskHandle[Any]]:
    """The handles of a task that is done, and of five behind it, when the computer's loop is closed."""
    loop = asyncio.new_event_loop()
    handles: list[TaskHandle[Any]] = []

    async def fill() -> None:
        handles.append(await computer.enqueue_task("0", ends_with_its_loop))
        handles.extend([await computer.enqueue_task(str(number), int) for number in range(1, 6)])

    filling = loop.create_task(fill())
    loop.run_forever()
    assert filling.done()
    drop(loop)
    return handles


@pytest.mark.parametrize("who", ["the next start", "who waits"])
def test_a_coroutine_that_was_done_when_its_loop_was_closed_takes_no_other_task_with_it(who: str) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    handles = ended_with_its_loop(computer)

    async def ask() -> None:
        if who == "the next start":
            assert await computer.execute_blocking_operation("again", lambda: 7) == 7
        for handle in handles:
            with pytest.raises(Stopped, match="the event loop was closed"):
                await asyncio.wait_for(handle, 20)
        assert [letter.task_id for letter in computer.dead_letters.list()] == ["0", "1", "2", "3", "4", "5"]
        assert {letter.reason for letter in computer.dead_letters.list()} == {"shutdown"}
        await computer.stop()

    asyncio.run(ask())
    assert (holds(computer)["submitted"], holds(computer)["dead"]) == (6, 6)


@pytest.fixture
def raising_log() -> Iterator[list[str]]:
    """A filter of the application's that raises; the messages that it was to filter."""
    messages: list[str] = []

    def refuse(record: logging.LogRecord) -> bool:
        messages.append(record.getMessage())
        raise LookupError("no filter")

    logger = logging.getLogger("ziggy_async.queueing.background")
    logger.addFilter(refuse)
    yield messages
    logger.removeFilter(refuse)


def test_an_error_as_one_task_ends_with_its_loop_stops_no_other(raising_log: list[str]) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    handles = ended_with_its_loop(computer)

    async def ask() -> None:
        with pytest.raises(LookupError, match="no filter"):
            await handles[3]
        assert [repr(handle.exception()) for handle in handles] == ["Stopped('the event loop was closed')"] * 6

    asyncio.run(ask())
    assert len(raising_log) == 6
    assert [letter.task_id for letter in computer.dead_letters.list()] == ["0", "1", "2", "3", "4", "5"]
    assert holds(computer)["dead"] == 6


async def goes_on(computer: AsyncFeatureComputer) -> None:
    """Its one worker is there."""
    assert await asyncio.wait_for(await computer.enqueue_task("goes on", lambda: 7), 20) == 7
    assert [worker.done() for worker in computer._worker_tasks] == [False]


async def test_a_task_whose_retry_on_raises_has_failed_and_its_worker_goes_on() -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        handle = await computer.with_options(retry_on=AskedError, max_attempts=2).enqueue_task("asks", fails)
        with pytest.raises(RuntimeError, match="outcome of task 'asks' cannot be handled: LookupError: who knows"):
            await asyncio.wait_for(handle, 20)
        assert [attempt.error for attempt in handle.attempts] == ["ValueError: x"]
        await goes_on(computer)
        counts = holds(computer)
        assert (counts["failed"], counts["dead"], counts["succeeded"]) == (1, 0, 1)


async def test_a_retry_on_that_raises_at_the_deadline_or_at_a_stop_stops_nothing() -> None:
    """There the worker of the call has not heard yet that it has ended."""
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    asks = computer.with_options(retry_on=AskedError, max_attempts=2)
    for deadline in (1.0, None):
        began, gate = threading.Event(), threading.Event()

        def fails_behind_the_gate(began: threading.Event = began, gate: threading.Event = gate) -> None:
            began.set()
            gate.wait(20)
            raise ValueError("x")

        handle = await asks.with_options(deadline=deadline).enqueue_task("asks", fails_behind_the_gate)
        await until(began.is_set)
        gate.set()
        call = handle._task.call
        assert call is not None
        while not call.is_set or (deadline is not None and time.perf_counter() < handle._task.submitted + deadline):
            time.sleep(0.001)  # noqa: ASYNC251 - it is the loop that is kept busy
        if deadline is None:
            await computer.stop(drain=False)
        with pytest.raises(RuntimeError, match="LookupError: who knows"):
            await asyncio.wait_for(handle, 20)
    counts = holds(computer)
    assert (counts["submitted"], counts["failed"]) == (2, 2)


async def test_errors_of_classes_that_cannot_say_their_name_are_errors_like_others() -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        handle = await computer.enqueue_task("unnamed", fails_without_a_name)
        with pytest.raises(UnnamedError):
            await asyncio.wait_for(handle, 20)
        await goes_on(computer)
        assert holds(computer)["dead"] == 1
        (letter,) = computer.dead_letters.list()
        assert [attempt.error for attempt in letter.attempts] == ["UnnamedError: x"]


async def test_a_key_that_can_be_looked_up_no_more_keeps_neither_handle_nor_worker() -> None:
    key = Key()

    def breaks() -> int:
        key.breaks = True
        return 7

    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        handle = await computer.with_options(key=key).enqueue_task("breaks", breaks)
        assert await asyncio.wait_for(handle, 20) == 7
        await goes_on(computer)
        assert holds(computer)["succeeded"] == 2


async def test_a_log_that_raises_keeps_neither_handle_nor_worker(raising_log: list[str]) -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        with pytest.raises(ValueError, match="x"):
            await asyncio.wait_for(await computer.enqueue_task("dies", fails), 20)
        await goes_on(computer)
        assert holds(computer)["dead"] == 1
    assert raising_log[0] == "task dies is dead, exhausted: ValueError: x"


@pytest.mark.parametrize("at", ["__init__", "end"])
async def test_a_tracer_that_raises_costs_one_task_at_most(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:

        def refuse(*_: object, **__: object) -> None:
            monkeypatch.undo()
            raise LookupError("no tracer")

        monkeypatch.setattr(tracing.TaskSpan, at, refuse)
        handle = await computer.enqueue_task("traced", lambda: 8)
        if at == "end":  # it was done before
            assert await asyncio.wait_for(handle, 20) == 8
        else:
            with pytest.raises(Stopped, match="its worker has ended: LookupError: no tracer"):
                await asyncio.wait_for(handle, 20)
            assert [letter.reason for letter in computer.dead_letters.list()] == ["shutdown"]
        await goes_on(computer)
        holds(computer)


async def test_a_worker_that_is_cancelled_while_the_queue_drains_is_replaced() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    gate = asyncio.Event()
    handles = [await computer.enqueue_task("waits", gate.wait), await computer.enqueue_task("behind", lambda: 7)]
    await until(lambda: holds(computer)["running"] == 1)
    stopping = asyncio.create_task(computer.stop())
    await until(lambda: computer.is_draining)
    (worker,) = computer._worker_tasks
    worker.cancel()
    with pytest.raises(Stopped, match="its worker has ended: CancelledError"):
        await handles[0]
    assert await asyncio.wait_for(handles[1], 20) == 7
    await stopping


async def test_a_dead_letter_imports_no_module_into_the_loop(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "exits_when_imported.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def unknown() -> None:
        raise ValueError("x")

    unknown.__module__, unknown.__qualname__ = "exits_when_imported", "unknown"

    def lazily(name: str) -> object:
        raise SystemExit(4)

    lazy = types.ModuleType("exits_when_asked")
    lazy.__getattr__ = lazily  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "exits_when_asked", lazy)

    def asks() -> None:
        raise ValueError("x")

    asks.__module__, asks.__qualname__ = "exits_when_asked", "asks"
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        for function in (unknown, asks):
            with pytest.raises(ValueError, match="x"):
                await asyncio.wait_for(await computer.enqueue_task("dies", function), 20)
        await goes_on(computer)
        assert [letter.function for letter in computer.dead_letters.list()] == [None, None]
    assert "exits_when_imported" not in sys.modules
