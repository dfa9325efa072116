"""The background queue where things go wrong around it: names, cancelled workers, ends of loops, references."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from collector import no_collections

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing.task import State
from ziggy_async.runtime.errors import QueueFull, Stopped

Computers = Callable[..., AsyncFeatureComputer]


def small(**options: Any) -> AsyncFeatureComputer:
    return AsyncFeatureComputer(TaskPoolConfig(max_workers=2, **options))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


async def test_names_are_strs() -> None:
    async with small() as computer:
        for view in (computer, computer.with_options(priority=1)):
            with pytest.raises(TypeError, match="operation_name: 7 is an int"):
                await view.execute_blocking_operation(7, int)  # type: ignore[arg-type]
            with pytest.raises(TypeError, match="task_id: None is a NoneType"):
                await view.enqueue_task(None, int)  # type: ignore[arg-type]
        assert await (await computer.enqueue_task("after", lambda: 7)) == 7


async def test_a_coroutine_that_cancels_itself_has_failed() -> None:
    async def cancels_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    async with small() as computer:
        with pytest.raises(RuntimeError, match="itself raised CancelledError"):
            await computer.execute_blocking_operation("itself", cancels_itself)
        with pytest.raises(RuntimeError, match="worker_task:itself raised CancelledError"):
            await (await computer.enqueue_task("itself", cancels_itself))
        assert [letter.reason for letter in computer.dead_letters.list()] == ["exhausted"]


async def test_a_worker_that_is_cancelled_is_replaced() -> None:
    async with small() as computer:
        for _ in range(3):
            for worker in list(computer._worker_tasks):
                worker.cancel()
            await asyncio.sleep(0)
            assert await (await computer.enqueue_task("goes on", lambda: 7)) == 7
        assert len([worker for worker in computer._worker_tasks if not worker.done()]) == 2


async def test_what_has_ended_when_its_worker_is_cancelled_is_no_dead_letter() -> None:
    began, gate = threading.Event(), threading.Event()

    def wait() -> int:
        began.set()
        gate.wait(20)
        return 7

    async with small() as computer:
        handle = await computer.enqueue_task("ends", wait)
        await until(began.is_set)
        gate.set()
        call = handle._task.call
        assert call is not None
        while call.ended is None:
            time.sleep(0.001)  # noqa: ASYNC251 - it is the loop that is kept busy
        for worker in list(computer._worker_tasks):
            worker.cancel()
        assert await handle == 7
        assert len(computer.dead_letters) == 0


async def test_while_it_stops_only_what_its_tasks_need_goes_on() -> None:
    computer = small()
    gate, inside = asyncio.Event(), asyncio.Event()

    async def nested() -> int:
        inside.set()
        await gate.wait()
        return await computer.execute_blocking_operation("nested", lambda: 7)

    handle = await computer.enqueue_task("outer", nested)
    await inside.wait()
    stopping = asyncio.create_task(computer.stop())
    await until(lambda: computer.is_draining)
    with pytest.raises(Stopped, match="being stopped"):
        await computer.execute_blocking_operation("new", int)
    with pytest.raises(Stopped, match="being stopped"):
        await computer.compute_features_async("SPY")
    with pytest.raises(Stopped):
        await computer.enqueue_task("new", int)
    gate.set()
    assert await handle == 7
    await stopping


@pytest.mark.parametrize("drain", [True, False])
async def test_calls_that_run_or_wait_for_a_thread_at_the_end_are_told(drain: bool) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    gate, began, ran = threading.Event(), threading.Event(), []

    def holds() -> None:
        began.set()
        gate.wait(30)

    holding = asyncio.create_task(computer.execute_blocking_operation("holds", holds))
    await until(began.is_set)
    waiting = [asyncio.create_task(computer.execute_blocking_operation("waits", ran.append, n)) for n in range(3)]
    await asyncio.sleep(0)
    await computer.stop(drain=drain, timeout=0.05)
    for task in waiting:
        with pytest.raises(Stopped, match="waits: the pool was shut down before it began"):
            await task
    with pytest.raises(Stopped, match="holds: it was stopped"):
        await holding
    gate.set()
    assert ran == []


async def test_a_task_cannot_stop_the_queue_that_it_is_in() -> None:
    async with small() as computer:
        with pytest.raises(RuntimeError, match="cannot wait for the end of the queue"):
            await (await computer.enqueue_task("suicidal", computer.stop))
        assert await (await computer.enqueue_task("goes on", lambda: 7)) == 7


async def test_stop_waits_for_coroutines_to_clean_up() -> None:
    cleaned = []

    async def cleans_up() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            cleaned.append(True)

    computer = small()
    handle = await computer.enqueue_task("cleans up", cleans_up)
    await until(lambda: handle.state is State.RUNNING)
    await asyncio.sleep(0)
    await computer.stop(drain=False)
    assert cleaned == [True]


def test_callers_in_other_loops_are_told_when_the_home_loop_ends() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=1))
    started = threading.Event()
    told: list[str] = []

    async def home() -> None:
        await computer.start()
        await computer.enqueue_task("holds", asyncio.sleep, 60)
        started.set()
        await until(lambda: len(computer.tasks()) == 1 + 20)

    async def ask() -> None:
        try:
            await (await computer.enqueue_task("asked", int))
        except BaseException as error:
            told.append(type(error).__name__)

    async def elsewhere() -> None:
        await asyncio.gather(*(ask() for _ in range(20)))

    def other() -> None:
        started.wait(20)
        asyncio.run(elsewhere())

    thread = threading.Thread(target=other)
    thread.start()
    asyncio.run(home())
    thread.join(30)
    assert not thread.is_alive()
    assert told == ["Stopped"] * 20
    counts = computer.counts()
    assert counts["queued"] == counts["running"] == 0


def test_a_home_loop_that_does_not_run_is_an_error_at_once() -> None:
    computer = small()
    home = asyncio.new_event_loop()
    home.run_until_complete(computer.start())

    async def ask() -> None:
        for ask in (computer.enqueue_task("x", int), computer.stop(timeout=0.1)):
            with pytest.raises(RuntimeError, match="is not running"):
                await ask

    asyncio.run(ask())
    home.run_until_complete(computer.stop())
    home.close()


async def test_who_waits_in_vain_leaves_nothing_behind() -> None:
    async with small() as computer:
        gate = asyncio.Event()
        handle = await computer.enqueue_task("slow", gate.wait)
        for _ in range(50):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await handle
        assert handle._task.outcome._waiters == []
        gate.set()
        assert await handle is True


async def test_a_keyed_call_that_nobody_wants_any_more_is_given_up() -> None:
    async with small() as computer:
        view = computer.with_options(key="k")
        first, second = (asyncio.create_task(view.execute_blocking_operation("x", asyncio.sleep, 60)) for _ in range(2))
        await until(lambda: computer.counts()["running"] == 1)
        first.cancel()
        await asyncio.sleep(0.01)
        assert computer.counts()["running"] == 1
        second.cancel()
        await until(lambda: computer.counts()["cancelled"] == 1)


class Argument:
    pass


@pytest.mark.parametrize("kind", ["thread", "coroutine"])
async def test_a_failed_task_keeps_nothing_alive(kind: str) -> None:
    def fails(argument: Argument) -> None:
        raise OSError("x")

    async def fails_on_the_loop(argument: Argument) -> None:
        raise OSError("x")

    argument = Argument()
    left = weakref.ref(argument)
    async with small() as computer:
        with no_collections():
            function = fails if kind == "thread" else fails_on_the_loop
            handle = await computer.with_options(retry_on=KeyError).enqueue_task("fails", function, argument)
            with pytest.raises(OSError, match="x"):
                await handle
            del argument, handle
            await until(lambda: left() is None)


def test_threads_of_other_loops_may_read_the_figures() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2, queue_size=500))
    stop = threading.Event()
    faults: list[BaseException] = []

    def read() -> None:
        while not stop.is_set():
            try:
                computer.get_summary_metrics()
                counts = computer.counts()
                states = ("succeeded", "failed", "cancelled", "dead", "queued", "running")
                assert counts["submitted"] == sum(counts[state] for state in states), counts
            except BaseException as error:
                faults.append(error)

    async def work() -> None:
        async with computer:
            for number in range(3000):
                await computer.with_options(priority=number % 7).enqueue_task("t", asyncio.sleep, 0)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    asyncio.run(work())
    stop.set()
    for reader in readers:
        reader.join()
    assert faults == []


@pytest.mark.parametrize("timeout", ["x", -1.0, float("nan"), float("inf"), 1e300])
async def test_a_time_limit_that_is_none_is_refused_and_changes_nothing(timeout: Any) -> None:
    async with small() as computer:
        with pytest.raises(ValueError, match="timeout: "):
            await computer.stop(timeout=timeout)
        assert await computer.execute_blocking_operation("goes on", lambda: 7) == 7
        await computer.stop(timeout=None)


async def test_what_a_function_returns_is_returned_whatever_it_is() -> None:
    async with small() as computer:
        numbers = await computer.execute_blocking_operation("generator", lambda: (n for n in range(3)))
        assert list(numbers) == [0, 1, 2]


async def test_a_coroutine_that_is_cancelled_before_its_first_step_does_not_complain() -> None:
    async with small() as computer:
        task = asyncio.create_task(computer.execute_blocking_operation("x", asyncio.sleep, 60))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gc.collect()


async def test_a_coroutine_that_comes_from_a_thread_when_nobody_waits_does_not_complain() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def make() -> object:
        begun.set()
        assert go_on.wait(30.0)
        return asyncio.sleep(60)

    async with small() as computer:
        task = asyncio.create_task(computer.execute_blocking_operation("x", make))
        await asyncio.to_thread(begun.wait, 30.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
    gc.collect()


async def test_errors_are_kept_shortened() -> None:
    def fails() -> None:
        raise ValueError("x" * 1_000_000)

    async with small() as computer:
        with pytest.raises(ValueError, match="xxx"):
            await computer.execute_blocking_operation("long", fails)
        (metric,) = computer.get_metrics(1)
        assert metric["error"].startswith("ValueError: xxx")
        assert len(metric["error"]) < 1000


async def test_letters_of_a_shutdown_are_in_the_order_of_their_tasks() -> None:
    computer = small()
    for number in range(12):
        await computer.enqueue_task(str(number), asyncio.sleep, 60)
    await computer.stop(drain=False)
    assert [letter.task_id for letter in computer.dead_letters.list()] == [str(number) for number in range(12)]


async def test_a_letter_that_would_be_dropped_again_stays() -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=1)) as computer:
        gate = asyncio.Event()
        holding = await computer.enqueue_task("holds", gate.wait)
        await until(lambda: holding.state is State.RUNNING)
        await computer.enqueue_task("fills", int)
        dropped = await computer.with_options(on_full="drop_new").enqueue_task("dropped", lambda: 7)
        with pytest.raises(QueueFull):
            await dropped
        (letter,) = computer.dead_letters.list()
        with pytest.raises(QueueFull):
            await computer.dead_letters.requeue(letter.id)
        assert [letter.task_id for letter in computer.dead_letters.list()] == ["dropped"]
        gate.set()
        await until(lambda: computer.counts()["queued"] + computer.counts()["running"] == 0)
        assert await (await computer.dead_letters.requeue(letter.id)) == 7


@pytest.mark.parametrize("odd", [StopIteration, SystemExit])
async def test_what_cannot_travel_is_tried_again_by_its_own_name(odd: type[BaseException]) -> None:
    errors = [odd()]

    def fails_once() -> int:
        if errors:
            raise errors.pop()
        return 7

    async with small() as computer:
        assert (
            await computer.with_options(max_attempts=2, retry_on=odd).execute_blocking_operation("odd", fails_once) == 7
        )


def test_who_waits_for_a_place_in_a_loop_that_was_closed_is_told_at_the_next_start() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=1))
    home = asyncio.new_event_loop()
    waits, told = threading.Event(), []

    async def fill() -> None:
        gate = asyncio.Event()
        await computer.enqueue_task("holds", gate.wait)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await computer.enqueue_task("fills", int)

    async def elsewhere() -> None:
        asking = asyncio.create_task(computer.enqueue_task("asked", int))
        await asyncio.sleep(0.05)
        waits.set()
        try:
            await asking
        except Stopped as error:
            told.append(str(error))

    async def main() -> None:
        await computer.start()
        await fill()
        started.set()
        await asyncio.to_thread(waits.wait, 20)

    thread = threading.Thread(target=lambda: (started.wait(20), asyncio.run(elsewhere())))
    started = threading.Event()
    thread.start()
    home.run_until_complete(main())
    for task in asyncio.all_tasks(home):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    home.close()

    async def again() -> None:
        await computer.start()
        await computer.stop()

    asyncio.run(again())
    thread.join(30)
    assert not thread.is_alive()
    assert len(told) == 1
    counts = computer.counts()
    assert counts["queued"] == counts["running"] == 0
