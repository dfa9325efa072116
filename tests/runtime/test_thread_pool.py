"""The thread pool: reuse, sizes, stuck threads, ends, forks."""

import asyncio
import concurrent.futures
import gc
import statistics
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import ClassVar

import pytest

from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.threads import ThreadPool

PATIENCE = 30.0
"""Seconds after which something does not happen any more, even on a busy machine."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    with ThreadPool(2, "pool-test") as pool:
        yield pool


def until(condition: Callable[[], bool]) -> None:
    """For what no event tells: a thread that has come to rest, or is gone."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def threads(name: str = "pool-test") -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(name)]


class Gate:
    """Calls that wait in it until they are let out."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pool = pool
        self._open = threading.Event()
        self._arrived = threading.Semaphore(0)

    def _wait(self) -> str:
        self._arrived.release()
        assert self._open.wait(PATIENCE)
        return "out"

    def enter(self) -> "Future[str]":
        """The future of a call that is in it when this returns."""
        future = self._pool.submit(self._wait)
        assert self._arrived.acquire(timeout=PATIENCE)
        return future

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(pool: ThreadPool) -> Iterator[Gate]:
    gate = Gate(pool)
    yield gate
    gate.open()


# --- work


def test_a_call_and_its_future(pool: ThreadPool) -> None:
    assert pool.submit(divmod, 17, 5).result(PATIENCE) == (3, 2)
    assert pool.submit(dict, a=1).result(PATIENCE) == {"a": 1}
    assert pool.submit(lambda self, function: (self, function), self=1, function=2).result(PATIENCE) == (1, 2)
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 1, 0).result(PATIENCE)
    assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]


def test_no_thread_without_work_and_an_idle_one_is_used_again(pool: ThreadPool) -> None:
    assert threads() == []
    names = set()
    for _ in range(5):
        names.add(pool.submit(lambda: threading.current_thread().name).result(PATIENCE))
        until(lambda: len(pool._idle) == 1)
    assert names == {"pool-test-0"} == set(threads())
    assert threading.current_thread().daemon is False
    assert pool.submit(lambda: threading.current_thread().daemon).result(PATIENCE)


def test_many_calls_few_threads() -> None:
    with ThreadPool(4, "pool-test") as pool:
        idents = [pool.submit(threading.get_ident) for _ in range(10_000)]
        assert len(threads()) <= 4
        assert 1 <= len({future.result(PATIENCE) for future in idents}) <= 4
        assert pool._started <= 4


def test_first_come_first_served(pool: ThreadPool) -> None:
    pool.resize(1)
    gate, seen = Gate(pool), []
    gate.enter()
    futures = [pool.submit(seen.append, number) for number in range(100)]
    assert pool.waiting == 100
    gate.open()
    futures[-1].result(PATIENCE)
    assert seen == list(range(100))
    assert pool.waiting == 0


async def test_an_executor_for_loops(pool: ThreadPool) -> None:
    loop = asyncio.get_running_loop()
    assert await asyncio.gather(*(loop.run_in_executor(pool, abs, -number) for number in range(50))) == list(range(50))


def test_a_thread_knows_its_pool(pool: ThreadPool) -> None:
    assert pool.is_here is False
    assert pool.submit(lambda: pool.is_here).result(PATIENCE) is True
    with ThreadPool(1) as other:
        assert other.submit(lambda: pool.is_here).result(PATIENCE) is False


def test_what_the_callback_of_a_future_raises_costs_no_thread(
    pool: ThreadPool, caplog: pytest.LogCaptureFixture
) -> None:
    def end(_: "Future[int]") -> None:
        raise SystemExit(3)

    pool.resize(1)
    gate = Gate(pool)
    gate.enter()
    pool.submit(int).add_done_callback(end)
    gate.open()
    assert pool.submit(int).result(PATIENCE) == 0
    assert "a callback of a future failed" in caplog.text


class TrackedError(Exception):
    """Knows which of its kind are still there."""

    alive: ClassVar["weakref.WeakSet[TrackedError]"] = weakref.WeakSet()

    def __init__(self) -> None:
        self.alive.add(self)


def fail() -> None:
    raise TrackedError


def test_a_failure_is_gone_with_its_future(pool: ThreadPool) -> None:
    gc.collect()
    gc.disable()
    try:
        assert isinstance(pool.submit(fail).exception(PATIENCE), TrackedError)
        pool.shutdown()  # the thread is past it
        assert list(TrackedError.alive) == []
    finally:
        gc.enable()


# --- cancelling


def test_a_cancelled_call_leaves_the_queue_and_never_runs(pool: ThreadPool, gate: Gate) -> None:
    pool.resize(1)
    gate.enter()
    ran: list[int] = []
    first, second, third = (pool.submit(ran.append, number) for number in range(3))
    argument = Argument()
    fourth = pool.submit(print, argument)
    gone = weakref.ref(argument)
    del argument
    assert second.cancel()
    assert second.cancel(), "it is cancelled"
    assert fourth.cancel()
    assert gone() is None
    assert pool.waiting == 2
    done, _ = concurrent.futures.wait([second], timeout=PATIENCE)
    assert done == {second}
    gate.open()
    concurrent.futures.wait([first, third], timeout=PATIENCE)
    assert ran == [0, 2]


class Argument:
    pass


# --- size


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_that_is_none(size: int, pool: ThreadPool) -> None:
    with pytest.raises(ValueError, match=f"size: {size} "):
        ThreadPool(size)
    with pytest.raises(ValueError, match=f"size: {size} "):
        pool.resize(size)
    assert pool.size == pool._max_workers == 2


def test_growing_starts_what_waits(pool: ThreadPool) -> None:
    gates = [Gate(pool) for _ in range(2)]
    for gate in gates:
        gate.enter()
    future = pool.submit(int)
    assert pool.waiting == 1
    pool.resize(3)
    assert future.result(PATIENCE) == 0
    assert (pool.size, pool._max_workers) == (3, 3)
    for gate in gates:
        gate.open()


def test_shrinking_ends_idle_threads_now_and_others_after_their_call(pool: ThreadPool) -> None:
    pool.resize(5)
    gates = [Gate(pool) for _ in range(5)]
    inside = [gate.enter() for gate in gates]
    for gate in gates[:2]:
        gate.open()
    until(lambda: len(pool._idle) == 2)
    pool.resize(2)
    until(lambda: len(threads()) == 3)
    waiting = pool.submit(int)
    gates[2].open()
    assert inside[2].result(PATIENCE) == "out"
    until(lambda: len(threads()) == 2)
    assert not waiting.done(), "two are at work, more there may not be"
    for gate in gates[3:]:
        gate.open()
    assert waiting.result(PATIENCE) == 0
    assert len(threads()) == 2


# --- stuck threads


def test_an_abandoned_thread_is_replaced_until_it_returns(pool: ThreadPool) -> None:
    gates = [Gate(pool) for _ in range(2)]
    inside = [gate.enter() for gate in gates]
    waiting = pool.submit(int)
    pool.abandon(inside[0])
    assert waiting.result(PATIENCE) == 0, "another thread took its place"
    pool.abandon(inside[0])
    assert pool.stuck == 1, "once is enough"
    pool.abandon(inside[1])
    assert pool.stuck == 2
    more = [Gate(pool) for _ in range(2)]
    for gate in more:
        gate.enter()
    assert len(threads()) == 4
    for gate in gates:
        gate.open()
    assert [future.result(PATIENCE) for future in inside] == ["out", "out"]
    until(lambda: len(threads()) == 2)
    assert pool.stuck == 0
    for gate in more:
        gate.open()


def test_a_thread_that_returns_is_kept_when_there_is_room(pool: ThreadPool) -> None:
    gate = Gate(pool)
    inside = gate.enter()
    pool.abandon(inside)
    assert pool.stuck == 1
    gate.open()
    until(lambda: len(pool._idle) == 1)
    assert pool.stuck == 0
    assert pool.submit(lambda: threading.current_thread().name).result(PATIENCE) == threads()[0]


def test_abandoning_what_has_not_begun_cancels_it(pool: ThreadPool, gate: Gate) -> None:
    pool.resize(1)
    gate.enter()
    ran: list[int] = []
    future = pool.submit(ran.append, 1)
    pool.abandon(future)
    assert future.cancelled()
    assert (pool.stuck, pool.waiting) == (0, 0)
    gate.open()
    assert pool.submit(int).result(PATIENCE) == 0
    assert ran == []


def test_abandoning_what_is_done_or_not_ours_does_nothing(pool: ThreadPool) -> None:
    done = pool.submit(int)
    done.result(PATIENCE)
    pool.abandon(done)
    foreign: Future[int] = Future()
    foreign.set_running_or_notify_cancel()
    pool.abandon(foreign)
    assert pool.stuck == 0
    assert done.result() == 0
    assert foreign.running()


# --- when there is no thread to be had


def test_no_thread_to_be_had(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            pool.submit(int)
    assert pool.waiting == 0
    gate = Gate(pool)
    inside = gate.enter()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        order: list[int] = []
        first, second = pool.submit(order.append, 1), pool.submit(order.append, 2)
        pool.abandon(inside)
        assert pool.waiting == 2, "the thread that is there will come to them"
    gate.open()
    second.result(PATIENCE)
    assert first.done()
    assert order == [1, 2]


# --- the end


def test_shutdown_does_what_waits(pool: ThreadPool) -> None:
    futures = [pool.submit(time.sleep, 0.001) for _ in range(50)]
    pool.shutdown()
    assert all(future.done() and not future.cancelled() for future in futures)
    assert threads() == []
    with pytest.raises(Stopped, match="shut down"):
        pool.submit(int)
    with pytest.raises(RuntimeError):
        pool.submit(int)
    pool.shutdown()


def test_shutdown_can_cancel_what_waits(pool: ThreadPool, gate: Gate) -> None:
    pool.resize(1)
    inside = gate.enter()
    waiting = [pool.submit(int) for _ in range(5)]
    pool.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in waiting)
    with pytest.raises(CancelledError):
        waiting[0].result()
    gate.open()
    pool.shutdown()
    assert inside.result() == "out"
    assert threads() == []


def test_shutdown_waits_so_long_and_no_longer(pool: ThreadPool, gate: Gate) -> None:
    inside = gate.enter()
    began = time.monotonic()
    pool.shutdown(timeout=0.05)
    assert time.monotonic() - began >= 0.05
    assert not inside.done()


def test_shutdown_does_not_wait_for_what_was_abandoned(pool: ThreadPool, gate: Gate) -> None:
    pool.abandon(gate.enter())
    inside = gate.enter()
    ending = threading.Thread(target=pool.shutdown)
    ending.start()
    until(lambda: pool._is_shut)
    pool.abandon(inside)
    ending.join(PATIENCE)
    assert not ending.is_alive()
    assert pool.stuck == 2


def test_a_thread_of_the_pool_does_not_wait_for_itself(pool: ThreadPool) -> None:
    with pytest.raises(RuntimeError, match="cannot wait for the pool's end"):
        pool.submit(pool.shutdown).result(PATIENCE)
    assert pool.submit(int).result(PATIENCE) == 0
    pool.submit(pool.shutdown, wait=False).result(PATIENCE)
    pool.shutdown()
    assert threads() == []


def test_a_pool_that_nobody_knows_ends_its_threads() -> None:
    pool = ThreadPool(3, "pool-lost")
    gates = [Gate(pool) for _ in range(3)]
    inside = [gate.enter() for gate in gates]
    waiting = pool.submit(int)
    for gate in gates:
        gate.open()
        del gate._pool
    alive = weakref.ref(pool)
    del pool
    assert waiting.result(PATIENCE) == 0, "what it was given is done"
    assert [future.result(PATIENCE) for future in inside] == ["out"] * 3
    until(lambda: threads("pool-lost") == [])
    gc.collect()
    assert alive() is None


# --- speed


@pytest.mark.performance
def test_as_fast_as_the_standard_library() -> None:
    """Calls awaited 64 at a time, both pools in turns: medians."""

    async def seconds(pool: concurrent.futures.Executor) -> float:
        loop = asyncio.get_running_loop()

        async def share() -> None:
            for _ in range(50):
                await loop.run_in_executor(pool, int)

        began = time.perf_counter()
        await asyncio.gather(*(share() for _ in range(64)))
        return time.perf_counter() - began

    with ThreadPool(8) as ours, ThreadPoolExecutor(8) as theirs:
        taken = [(asyncio.run(seconds(ours)), asyncio.run(seconds(theirs))) for _ in range(15)]
    ours_median, theirs_median = (statistics.median(column) for column in zip(*taken, strict=True))
    assert ours_median <= 1.2 * theirs_median


def test_threads_that_are_started_beforehand_are_used_and_end() -> None:
    pool = ThreadPool(3, "beforehand")
    pool.start()
    pool.start()
    names = {f"beforehand-{number}" for number in range(3)}
    assert {thread.name for thread in threading.enumerate()} >= names
    gate = threading.Barrier(3)
    futures = [pool.submit(lambda: (gate.wait(20), threading.current_thread().name)[1]) for _ in range(3)]
    assert {future.result(20) for future in futures} == names
    pool.shutdown()
    assert not names & {thread.name for thread in threading.enumerate()}
