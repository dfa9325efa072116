"""The thread pool: reuse, sizes, stuck threads, ends, forks."""

import contextlib
import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import ClassVar

import pytest
from collector import no_collections
from pooled import Submitted, idle_in, pool_of, running_in, submit, waiting_in

from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.threads import ThreadPool

PATIENCE = 30.0
"""Seconds after which something does not happen any more, even on a busy machine."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    with pool_of(2, "pool-test") as pool:
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

    def enter(self) -> Submitted:
        """The future of a call that is in it when this returns."""
        future = submit(self._pool, self._wait)
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
    assert submit(pool, divmod, 17, 5).result(PATIENCE) == (3, 2)
    assert submit(pool, dict, a=1).result(PATIENCE) == {"a": 1}
    assert submit(pool, lambda self, function: (self, function), self=1, function=2).result(PATIENCE) == (1, 2)
    with pytest.raises(ZeroDivisionError):
        submit(pool, divmod, 1, 0).result(PATIENCE)


def test_no_thread_without_work_and_an_idle_one_is_used_again(pool: ThreadPool) -> None:
    assert threads() == []
    names = set()
    for _ in range(5):
        names.add(submit(pool, lambda: threading.current_thread().name).result(PATIENCE))
        until(lambda: idle_in(pool) == 1)
    assert names == {"pool-test-0"} == set(threads())
    assert threading.current_thread().daemon is False
    assert submit(pool, lambda: threading.current_thread().daemon).result(PATIENCE)


def test_the_thread_that_came_to_rest_last_makes_the_next_call() -> None:
    with pool_of(4, "pool-test") as pool:
        pool.start()
        until(lambda: len(pool._idle) == 4)
        names = set()
        for _ in range(20):
            names.add(submit(pool, lambda: threading.current_thread().name).result(PATIENCE))
            until(lambda: len(pool._idle) == 4)
        assert len(names) == 1


def test_many_calls_few_threads() -> None:
    with pool_of(4, "pool-test") as pool:
        idents = [submit(pool, threading.get_ident) for _ in range(10_000)]
        assert len(threads()) <= 4
        assert 1 <= len({future.result(PATIENCE) for future in idents}) <= 4
        assert pool._started <= 4


def test_first_come_first_served(pool: ThreadPool) -> None:
    pool.resize(1)
    gate, seen = Gate(pool), []
    gate.enter()
    futures = [submit(pool, seen.append, number) for number in range(100)]
    assert waiting_in(pool) == 100
    gate.open()
    futures[-1].result(PATIENCE)
    assert seen == list(range(100))
    assert waiting_in(pool) == 0


def test_a_thread_knows_its_pool(pool: ThreadPool) -> None:
    assert pool.is_here is False
    assert submit(pool, lambda: pool.is_here).result(PATIENCE) is True
    with pool_of(1) as other:
        assert submit(other, lambda: pool.is_here).result(PATIENCE) is False


class TrackedError(Exception):
    """Knows which of its kind are still there."""

    alive: ClassVar["weakref.WeakSet[TrackedError]"] = weakref.WeakSet()

    def __init__(self) -> None:
        self.alive.add(self)


def fail() -> None:
    raise TrackedError


def test_a_failure_is_gone_with_its_future(pool: ThreadPool) -> None:
    with no_collections():
        assert isinstance(submit(pool, fail).exception(PATIENCE), TrackedError)
        pool.shutdown()  # the thread is past it
        assert list(TrackedError.alive) == []


# --- cancelling


def test_a_cancelled_call_leaves_the_queue_and_never_runs(pool: ThreadPool, gate: Gate) -> None:
    pool.resize(1)
    gate.enter()
    ran: list[int] = []
    first, second, third = (submit(pool, ran.append, number) for number in range(3))
    argument = Argument()
    fourth = submit(pool, print, argument)
    gone = weakref.ref(argument)
    del argument
    assert pool.cancel(second.call)
    assert not pool.cancel(second.call), "it is cancelled"
    assert pool.cancel(fourth.call)
    assert gone() is None
    assert waiting_in(pool) == 2
    assert isinstance(second.exception(), Stopped)
    gate.open()
    for each in (first, third):
        each.wait()
    assert ran == [0, 2]


class Argument:
    pass


# --- size


def test_growing_starts_what_waits(pool: ThreadPool) -> None:
    gates = [Gate(pool) for _ in range(2)]
    for gate in gates:
        gate.enter()
    future = submit(pool, int)
    assert waiting_in(pool) == 1
    pool.resize(3)
    assert future.result(PATIENCE) == 0
    assert pool.size == 3
    for gate in gates:
        gate.open()


def test_shrinking_ends_idle_threads_now_and_others_after_their_call(pool: ThreadPool) -> None:
    pool.resize(5)
    gates = [Gate(pool) for _ in range(5)]
    inside = [gate.enter() for gate in gates]
    for gate in gates[:2]:
        gate.open()
    until(lambda: idle_in(pool) == 2)
    pool.resize(2)
    until(lambda: len(threads()) == 3)
    waiting = submit(pool, int)
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
    waiting = submit(pool, int)
    pool.abandon(inside[0].call)
    assert waiting.result(PATIENCE) == 0, "another thread took its place"
    pool.abandon(inside[0].call)
    assert pool.stuck == 1, "once is enough"
    pool.abandon(inside[1].call)
    assert pool.stuck == 2
    more = [Gate(pool) for _ in range(2)]
    for gate in more:
        gate.enter()
    assert len(threads()) == 4
    for gate in gates:
        gate.open()
    assert [type(future.exception()) for future in inside] == [Stopped, Stopped]
    until(lambda: len(threads()) == 2)
    assert pool.stuck == 0
    for gate in more:
        gate.open()


def test_stuck_threads_are_replaced_up_to_four_times_the_size(pool: ThreadPool) -> None:
    gates = [Gate(pool) for _ in range(10)]
    for gate in gates:
        assert not pool.is_exhausted
        pool.abandon(gate.enter().call)
    assert (pool.stuck, len(threads()), pool.is_exhausted) == (10, 10, True)
    waiting = submit(pool, int)
    assert len(threads()) == 10
    for gate in gates:
        gate.open()
    assert waiting.result(PATIENCE) == 0
    until(lambda: (pool.stuck, len(threads())) == (0, 2))


def test_a_thread_that_returns_is_kept_when_there_is_room(pool: ThreadPool) -> None:
    gate = Gate(pool)
    inside = gate.enter()
    pool.abandon(inside.call)
    assert pool.stuck == 1
    gate.open()
    until(lambda: idle_in(pool) == 1)
    assert pool.stuck == 0
    assert submit(pool, lambda: threading.current_thread().name).result(PATIENCE) == threads()[0]


def test_abandoning_what_has_not_begun_cancels_it(pool: ThreadPool, gate: Gate) -> None:
    pool.resize(1)
    gate.enter()
    ran: list[int] = []
    future = submit(pool, ran.append, 1)
    pool.abandon(future.call)
    assert isinstance(future.exception(), Stopped)
    assert (pool.stuck, waiting_in(pool)) == (0, 0)
    gate.open()
    assert submit(pool, int).result(PATIENCE) == 0
    assert ran == []


def test_abandoning_what_is_done_does_nothing(pool: ThreadPool) -> None:
    done = submit(pool, int)
    done.result(PATIENCE)
    pool.abandon(done.call)
    assert pool.stuck == 0
    assert done.result() == 0


# --- when there is no thread to be had


def test_no_thread_to_be_had(pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            submit(pool, int)
    assert waiting_in(pool) == 0
    gate = Gate(pool)
    inside = gate.enter()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        order: list[int] = []
        first, second = submit(pool, order.append, 1), submit(pool, order.append, 2)
        pool.abandon(inside.call)
        assert waiting_in(pool) == 2, "the thread that is there will come to them"
    gate.open()
    second.result(PATIENCE)
    assert first.done()
    assert order == [1, 2]


@pytest.mark.parametrize("has_begun", [True, False])
def test_an_interrupt_while_a_thread_starts(has_begun: bool, pool: ThreadPool, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if has_begun:
            start(thread)
        raise KeyboardInterrupt

    pool.resize(1)
    done: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            submit(pool, done.append, 1)
    submit(pool, done.append, 2).result(PATIENCE)
    assert done == [2], "a call that could not be put is not made"
    assert pool.shutdown() == []


@pytest.mark.parametrize("line", range(1, 7))
def test_an_interrupt_while_a_thread_is_woken(line: int, pool: ThreadPool) -> None:
    """Whatever call it interrupts, afterwards as many calls as there are threads run side by side."""
    events = iter(range(line + 1))  # of `_wake`: its call, and its lines

    def interrupt(frame: FrameType, event: str, argument: object) -> object:
        if frame.f_code is not ThreadPool._wake.__code__:
            return None
        if next(events, line) == line:
            raise KeyboardInterrupt
        return interrupt

    def meet() -> None:
        together = threading.Barrier(2)
        for met in [submit(pool, together.wait, 1.0) for _ in range(2)]:
            met.result(PATIENCE)
        until(lambda: idle_in(pool) == 2)

    pool.resize(2)
    meet()
    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            submit(pool, int)
    finally:
        sys.settrace(before)
    until(lambda: running_in(pool) == 0)
    for _ in range(3):
        meet()


# --- the end


def test_shutdown_does_what_waits(pool: ThreadPool) -> None:
    futures = [submit(pool, time.sleep, 0.001) for _ in range(50)]
    pool.shutdown()
    assert all(future.done() and future.call.error is None for future in futures)
    assert threads() == []
    with pytest.raises(Stopped, match="shut down"):
        submit(pool, int)
    with pytest.raises(RuntimeError):
        submit(pool, int)
    pool.shutdown()


def test_shutdown_can_cancel_what_waits(pool: ThreadPool, gate: Gate) -> None:
    pool.resize(1)
    inside = gate.enter()
    waiting = [submit(pool, int) for _ in range(5)]
    pool.shutdown(wait=False, cancel=True)
    for each in waiting:
        with pytest.raises(Stopped, match="before it began"):
            each.result()
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
    pool.abandon(gate.enter().call)
    inside = gate.enter()
    ending = threading.Thread(target=pool.shutdown)
    ending.start()
    until(lambda: pool._is_shut)
    pool.abandon(inside.call)
    ending.join(PATIENCE)
    assert not ending.is_alive()
    assert pool.stuck == 2


def test_a_thread_that_is_abandoned_after_the_shutdown_is_replaced_for_what_waits(pool: ThreadPool) -> None:
    pool.resize(1)
    gate = Gate(pool)
    inside = gate.enter()
    waiting = [submit(pool, int) for _ in range(3)]
    pool.shutdown(wait=False)
    pool.abandon(inside.call)
    assert [each.result(PATIENCE) for each in waiting] == [0] * 3
    until(lambda: len(threads()) == 1)
    gate.open()
    until(lambda: threads() == [])


def test_a_thread_of_the_pool_does_not_wait_for_itself(pool: ThreadPool) -> None:
    with pytest.raises(RuntimeError, match="cannot wait for the pool's end"):
        submit(pool, pool.shutdown).result(PATIENCE)
    assert submit(pool, int).result(PATIENCE) == 0
    submit(pool, pool.shutdown, wait=False).result(PATIENCE)
    pool.shutdown()
    assert threads() == []


def test_a_pool_that_nobody_knows_ends_its_threads() -> None:
    pool = ThreadPool(3, "pool-lost")
    gates = [Gate(pool) for _ in range(3)]
    inside = [gate.enter() for gate in gates]
    waiting = submit(pool, int)
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


def test_a_pool_that_was_shut_down_is_gone_with_who_had_it() -> None:
    with no_collections():
        pool = ThreadPool(3, "pool-shut")
        gate = Gate(pool)
        inside = gate.enter()
        pool.shutdown(wait=False, cancel=True)
        gate.open()
        assert inside.result(PATIENCE) == "out"
        pool.shutdown()
        alive = weakref.ref(pool)
        del pool, gate, inside
        assert alive() is None


# --- speed


def test_threads_that_are_started_beforehand_are_used_and_end() -> None:
    pool = ThreadPool(3, "beforehand")
    pool.start()
    pool.start()
    names = {f"beforehand-{number}" for number in range(3)}
    assert {thread.name for thread in threading.enumerate()} >= names
    gate = threading.Barrier(3)
    futures = [submit(pool, lambda: (gate.wait(20), threading.current_thread().name)[1]) for _ in range(3)]
    assert {future.result(20) for future in futures} == names
    pool.shutdown()
    assert not names & {thread.name for thread in threading.enumerate()}
