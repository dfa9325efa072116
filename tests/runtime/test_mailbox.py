"""Calls on their way from a loop to a thread and back: none is lost, none comes twice, no loop is kept."""

import asyncio
import gc
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest
from pooled import pool_of

from ziggy_async.runtime import gil_gate, mailbox
from ziggy_async.runtime.call import Call, Outcome
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import AT_ONCE, mailbox_of
from ziggy_async.runtime.threads import ThreadPool

PATIENCE = 30.0
"""Seconds after which something does not happen any more, even on a busy machine."""


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    with pool_of(4, "mailbox-test") as pool:
        yield pool


def call(function: Callable[..., object], *args: object) -> Call:
    return Call("test", function, args)


def stand_still_until(condition: Callable[[], bool]) -> None:
    """The loop does nothing meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def stand_still_until_done(calls: list[Call]) -> None:
    stand_still_until(lambda: all(each.is_set for each in calls))


async def result(pool: ThreadPool, function: Callable[..., object], *args: object) -> object:
    return await pool.run(call(function, *args))


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
    monkeypatch.setattr(mailbox, "WAKE_AGAIN", PATIENCE)  # the loop does not come for as long as the calls take
    calls = [call(int) for _ in range(3 * AT_ONCE)]
    tasks = [asyncio.ensure_future(each.wait()) for each in calls]
    await asyncio.sleep(0)
    for each in calls:
        pool.put(each)
    stand_still_until_done(calls)
    await asyncio.gather(*tasks)
    assert len(wakes) == 1


async def test_a_loop_is_due_until_it_comes(pool: ThreadPool) -> None:
    mailbox, one = mailbox_of(asyncio.get_running_loop()), call(int)
    assert not mailbox.is_due()
    task = asyncio.ensure_future(one.wait())
    await asyncio.sleep(0)
    pool.put(one)
    stand_still_until(lambda: mailbox.is_due(0.01))
    assert one.loop_is_due()
    assert not one.loop_is_due(60.0)
    await task
    assert not mailbox.is_due()


async def test_a_crowd_is_told_in_several_turns_of_the_loop(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "WAKE_AGAIN", PATIENCE)
    calls = [call(int) for _ in range(3 * AT_ONCE)]
    told_in: dict[int, int] = {}
    turn = 0

    async def wait(each: Call) -> None:
        await pool.run(each)
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
    task = asyncio.ensure_future(pool.run(waits))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waits.cancel() is False  # that has cancelled it
    gate.set()
    assert await asyncio.gather(*blockers) == [True] * 4
    assert ran == []


async def test_a_pool_that_ends_says_so_to_who_waits() -> None:
    pool = ThreadPool(1, "mailbox-test")
    began, gate = threading.Event(), threading.Event()
    first = asyncio.ensure_future(result(pool, lambda: (began.set(), gate.wait(PATIENCE))[1]))
    await asyncio.sleep(0)
    assert began.wait(PATIENCE)
    second = asyncio.ensure_future(result(pool, int))
    await asyncio.sleep(0)
    pool.shutdown(wait=False, cancel=True)
    with pytest.raises(Stopped, match="test: the pool was shut down before it began"):
        await second
    gate.set()
    assert await first is True
    with pytest.raises(Stopped):
        await result(pool, int)


def test_loops_that_are_closed_meanwhile_are_not_kept(pool: ThreadPool) -> None:
    gate = threading.Event()

    async def begin() -> "weakref.ref[asyncio.AbstractEventLoop]":
        task = asyncio.ensure_future(pool.run(call(gate.wait, PATIENCE)))
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
    with pool_of(1) as pool:
        await result(pool, int)


def test_a_loop_that_cannot_be_woken_keeps_no_other_one_waiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It hears of it together with the next outcome that it waits for."""

    def refuse(*_: object) -> None:
        raise OSError("not now")

    first, second = Outcome(), Outcome()
    refuses, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    waiting = [loop.create_task(first.wait()) for loop in (refuses, other)]
    for loop in (refuses, other):
        loop.run_until_complete(asyncio.sleep(0))
    with monkeypatch.context() as patch:
        patch.setattr(refuses, "call_soon_threadsafe", refuse)
        first.set(1, None)
    other.run_until_complete(waiting[1])
    assert "cannot be woken" in caplog.text
    refuses.call_later(0.01, lambda: threading.Thread(target=second.set, args=(2, None)).start())
    refuses.run_until_complete(second.wait())
    refuses.run_until_complete(waiting[0])
    for loop in (refuses, other):
        loop.close()


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


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_begins_anew(pool: ThreadPool) -> None:
    asyncio.run(_use(pool))
    assert child_that(lambda: asyncio.run(_use(pool))) == 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
async def test_a_call_that_forks_may_return_in_the_child(pool: ThreadPool) -> None:
    """Whatever locks other threads held at that moment."""

    def in_child() -> None:
        assert gil_gate.gate.is_needed("k")
        gil_gate.gate.leave(gil_gate.GatedThread(gil_gate.Turns()))
        asyncio.run(_use(pool))

    def forks() -> int:
        with gil_gate.gate._lock:
            return child_that(in_child)

    assert await result(pool, forks) == 0


async def _use(pool: ThreadPool) -> None:
    assert await asyncio.gather(*(result(pool, int) for _ in range(10))) == [0] * 10
