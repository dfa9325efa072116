"""Calls on their way from a loop to a thread and back: none is lost, none comes twice, no loop is kept."""

import asyncio
import contextvars
import gc
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from ziggy_async.runtime import mailbox
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import AT_ONCE, Offloaded
from ziggy_async.runtime.threads import ThreadPool

PATIENCE = 30.0
"""Seconds after which something does not happen any more, even on a busy machine."""


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    with ThreadPool(4, "offload-test") as pool:
        yield pool


def call(function: Callable[..., object], *args: object) -> Offloaded:
    return Offloaded(function, args, {}, contextvars.copy_context())


def stand_still_until_done(calls: list[Offloaded]) -> None:
    """Their loop does nothing meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not all(each.done() for each in calls):
        assert time.monotonic() < deadline
        time.sleep(0.001)


async def result(pool: ThreadPool, function: Callable[..., object], *args: object) -> object:
    offloaded = call(function, *args)
    await offloaded.awaited(pool, "test")
    return offloaded.outcome("test")


async def test_every_call_comes_back_once(pool: ThreadPool) -> None:
    numbers = range(20 * AT_ONCE + 7)
    assert await asyncio.gather(*(result(pool, lambda n=n: n) for n in numbers)) == list(numbers)


async def test_one_wake_up_for_all_that_have_ended(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, wakes = asyncio.get_running_loop(), list[object]()
    wake = loop.call_soon_threadsafe

    def counting(function: Callable[..., object], *args: object) -> object:
        wakes.append(function)
        return wake(function, *args)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counting)
    calls = [call(int) for _ in range(3 * AT_ONCE)]
    tasks = [asyncio.ensure_future(each.awaited(pool, "test")) for each in calls]
    await asyncio.sleep(0)
    stand_still_until_done(calls)
    await asyncio.gather(*tasks)
    assert len(wakes) == 1


async def test_a_crowd_is_told_in_several_turns_of_the_loop(pool: ThreadPool) -> None:
    calls = [call(int) for _ in range(3 * AT_ONCE)]
    told_in: dict[int, int] = {}
    turn = 0

    async def wait(each: Offloaded) -> None:
        await each.awaited(pool, "test")
        told_in[turn] = told_in.get(turn, 0) + 1

    tasks = [asyncio.ensure_future(wait(each)) for each in calls]
    await asyncio.sleep(0)
    stand_still_until_done(calls)
    while not all(task.done() for task in tasks):
        turn += 1
        await asyncio.sleep(0)
    assert sum(told_in.values()) == 3 * AT_ONCE
    assert max(told_in.values()) <= AT_ONCE


async def test_cancelled_before_it_began_it_never_runs(pool: ThreadPool) -> None:
    gate, ran = threading.Event(), list[int]()
    blockers = [asyncio.ensure_future(result(pool, gate.wait, PATIENCE)) for _ in range(4)]
    await asyncio.sleep(0)
    waits = call(ran.append, 1)
    task = asyncio.ensure_future(waits.awaited(pool, "test"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waits.cancel() is True
    assert waits.cancel() is False  # it is not there any more
    gate.set()
    assert await asyncio.gather(*blockers) == [True] * 4
    assert ran == []


async def test_a_pool_that_ends_says_so_to_who_waits() -> None:
    pool = ThreadPool(1, "offload-test")
    began, gate = threading.Event(), threading.Event()
    first = asyncio.ensure_future(result(pool, lambda: (began.set(), gate.wait(PATIENCE))[1]))
    await asyncio.sleep(0)
    assert began.wait(PATIENCE)
    second = asyncio.ensure_future(result(pool, int))
    await asyncio.sleep(0)
    pool.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(Stopped, match="test: the thread pool was shut down before it began"):
        await second
    gate.set()
    assert await first is True
    with pytest.raises(Stopped):
        await result(pool, int)


def test_loops_that_are_closed_meanwhile_are_not_kept(pool: ThreadPool) -> None:
    gate = threading.Event()

    async def begin() -> "weakref.ref[asyncio.AbstractEventLoop]":
        task = asyncio.ensure_future(call(gate.wait, PATIENCE).awaited(pool, "test"))
        await asyncio.sleep(0)
        assert not task.done()
        return weakref.ref(asyncio.get_running_loop())

    left = []
    for _ in range(20):
        loop = asyncio.new_event_loop()
        left.append(loop.run_until_complete(begin()))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        del loop, task
    gate.set()
    pool.shutdown()
    asyncio.run(_nothing())  # another loop's first call lets go of what closed ones have left
    gc.collect()
    assert [loop for loop in left if loop() is not None] == []


async def _nothing() -> None:
    with ThreadPool(1) as pool:
        await result(pool, int)


def test_many_loops_at_once(pool: ThreadPool) -> None:
    async def use(number: int) -> list[object]:
        return list(await asyncio.gather(*(result(pool, lambda n=n: (number, n)) for n in range(200))))

    answers: dict[int, list[object]] = {}
    threads = [
        threading.Thread(target=lambda number=number: answers.update({number: asyncio.run(use(number))}))
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == {number: [(number, n) for n in range(200)] for number in range(6)}


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")


def child_that(does: Callable[[], object]) -> int:
    """The exit code of a forked child: 0 if it does."""
    pid = os.fork()
    if pid == 0:
        try:
            does()
            os._exit(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_begins_anew(pool: ThreadPool) -> None:
    asyncio.run(_use(pool))
    with mailbox._lock:  # as another thread may have it at that moment
        assert child_that(lambda: asyncio.run(_use(pool))) == 0


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_a_call_that_forks_and_returns_in_the_child_tells_the_parents_loop_nothing(pool: ThreadPool) -> None:
    """Whatever locks other threads held at that moment."""
    landing, told = mailbox.landing_of(asyncio.get_running_loop()), list[object]()

    def in_child() -> None:
        landing.add(SimpleNamespace(get_loop=lambda: SimpleNamespace(call_soon_threadsafe=told.append)))
        assert told == []
        pool._turns.ended("k", has_waited=False)
        asyncio.run(_use(pool))

    def forks() -> int:
        with landing._lock, pool._turns._lock:
            return child_that(in_child)

    assert await result(pool, forks) == 0


async def _use(pool: ThreadPool) -> None:
    assert await asyncio.gather(*(result(pool, int) for _ in range(10))) == [0] * 10
