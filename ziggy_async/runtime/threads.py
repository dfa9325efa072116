"""A pool of threads whose size may change, whose stuck threads are replaced, and which does not hold up the exit."""

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections import OrderedDict
from queue import SimpleQueue
from typing import Any

from ziggy_async import lifecycle
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.gil_gate import GatedThread, gate

logger = logging.getLogger(__name__)

EXIT_TIMEOUT = 2.0
"""Seconds that the interpreter's exit leaves to calls that are running then."""

MOST_BEFOREHAND = 32
"""Threads that are started before there are calls: as many as could ever be in each other's way."""
MOST_REPLACED = 4
"""Times its size that a pool replaces stuck threads: calls that hang for ever must not use up the process's threads."""


class Pool(ABC):
    """What makes calls off the loop."""

    @abstractmethod
    def put(self, call: Call) -> None:
        """Has the call made. A coroutine function is awaited on the loop, and so is a coroutine that a plain function
        returns. Raises `RuntimeError`, perhaps `Stopped`, when nobody can make it."""

    @abstractmethod
    def abandon(self, call: Call) -> None:
        """Ends the call for who waits, and cancels it as far as that is possible. Nothing, when it is done."""

    async def run(self, call: Call) -> Any:
        """Returns the call's result, or raises its exception; see `Call.result`. Raises as `put` does; `Stopped` when
        the pool was shut down before the call began. Cancelling this abandons the call."""
        self.put(call)
        try:
            await call.wait()
        except asyncio.CancelledError:
            cancelled = call.task
            self.abandon(call)
            if cancelled is not None:
                await asyncio.wait([cancelled])
            raise
        return call.result()


class ThreadPool(Pool):
    """At most `size` threads, started when there are calls and none is idle. Safe from any thread and any loop.

    Threads take calls in the order in which they came, and make those that may hold the GIL behind its gate.
    A thread whose caller has given up (`abandon`) does not count: another one may take its place until it returns, for
    up to four times the size.
    What runs when the interpreter exits has 2 s to end, what waits then is cancelled. A forked child finds the pool
    empty, and may use it. A pool that nobody refers to any more finishes what it was given, and its threads end.
    """

    def __init__(self, size: int, name: str = "ziggy-async", has_gate: bool = True) -> None:
        """`name`: the beginning of its threads' names. `has_gate`: whether calls may hold the GIL for long.
        Raises `ValueError` unless `size` >= 1, `Stopped` when the interpreter is exiting."""
        if _is_exiting:
            raise Stopped("the interpreter is exiting: the thread pool is closed")
        self._idle: list[_Worker] = []
        self.size = _checked(size)
        self._name = name
        self._has_gate = has_gate
        self._started = 0
        self._is_shut = False
        self._clear()
        _pools.add(self)
        lifecycle.exit_before_others(lifecycle.Stage.THREADS)

    def _clear(self) -> None:
        """Drops calls and threads. All of it is written under the lock."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # a thread is gone, or does not count any more
        self._calls: OrderedDict[Call, None] = OrderedDict()  # without a thread; cheap to leave from the middle
        self._workers: set[_Worker] = set()
        self._leaving: list[_Worker] = []  # dismissed; their threads may not have ended yet
        self._taken: dict[Call, _Worker] = {}  # with a thread, which may wait at the gate
        self._idle = []  # the last to rest is the first to work
        self.stuck = 0
        """Threads that run abandoned calls."""

    def __del__(self) -> None:
        for worker in getattr(self, "_idle", ()):  # it may not have come so far
            worker.orders.put(None)

    @property
    def is_exhausted(self) -> bool:
        """Whether every thread is stuck, and none of them is replaced any more."""
        return self.stuck >= (1 + MOST_REPLACED) * self.size

    @property
    def is_here(self) -> bool:
        """Whether the current thread is one of the pool's."""
        current = threading.current_thread()
        with self._lock:
            return any(worker.thread is current for worker in self._workers)

    def put(self, call: Call) -> None:
        """Has one of the threads make the call. Raises `Stopped` when the pool was shut down, another `RuntimeError`
        when there is no thread and none can be started."""
        if call.starts_on_loop():
            return
        with self._lock:
            if self._is_shut:
                raise Stopped("the thread pool was shut down")
            self._calls[call] = None
            try:
                self._dispatch()
            except RuntimeError:
                del self._calls[call]
                raise

    def start(self) -> None:
        """Starts threads, a few dozen at most, which then rest: else the first burst of calls does, and each start
        waits for the GIL among those that work already. Raises `RuntimeError` when none can be started."""
        with self._lock:
            while self._counted < min(self.size, MOST_BEFOREHAND) and not self._is_shut and self._has_new_worker():
                pass

    def resize(self, size: int) -> None:
        """Starts threads for what waits, or ends those that are too many: idle ones now, others after their call.

        Raises `ValueError` unless `size` >= 1.
        """
        with self._lock:
            self.size = _checked(size)
            while self._idle and self._counted > size:
                self._dismiss(self._idle.pop())
            self._dispatch()

    def abandon(self, call: Call) -> None:
        """Gives the call up. If it has not begun it is cancelled; else another thread may take the place of the one
        that is stuck in it. Nothing, when it is done."""
        if self.withdraw(call):
            return
        with self._lock:
            worker = self._taken.get(call)
            if worker is not None and not worker.is_stuck and not call.is_set:
                worker.is_stuck = True
                self.stuck += 1
                self._changed.notify_all()
                with contextlib.suppress(RuntimeError):  # what waits goes on when this one returns
                    self._dispatch()
        call.give_up()

    def withdraw(self, call: Call) -> bool:
        """Cancels the call if it has not begun, and returns whether that is so."""
        if not call.cancel():
            return False
        with self._lock:
            self._calls.pop(call, None)
        return True

    def shutdown(self, wait: bool = True, *, cancel: bool = False, timeout: float | None = None) -> list[Call]:
        """Takes no more calls; the threads end when none is left. Returns the calls that are not done at first, nor
        cancelled.

        `wait`: until then, for at most `timeout` seconds; for abandoned calls nobody waits. `cancel`: what has not
        begun is cancelled. Raises `RuntimeError` when one of the pool's own threads would wait.
        """
        if wait and self.is_here:
            raise RuntimeError("a thread of the pool cannot wait for the pool's end")
        with self._lock:
            self._is_shut = True
            unfinished = [*self._calls, *self._taken]
        left = [call for call in unfinished if not (cancel and self.withdraw(call))]  # those that have begun go on
        with self._lock:
            while self._idle:
                self._dismiss(self._idle.pop())
        if wait:
            self._join(None if timeout is None else time.monotonic() + timeout)
        return left

    def _join(self, deadline: float | None, even_stuck: bool = False) -> None:
        """Waits until the pool has no thread, or none that counts."""
        with self._lock:
            self._changed.wait_for(lambda: not (self._workers if even_stuck else self._counted), _left(deadline))
            leaving = self._leaving
        for worker in leaving:
            worker.thread.join(_left(deadline))

    # With the lock held:

    @property
    def _counted(self) -> int:
        return len(self._workers) - min(self.stuck, MOST_REPLACED * self.size)

    def _dispatch(self) -> None:
        """Gives calls to idle threads, or new ones. Raises `RuntimeError` when there is no thread and none can be
        started."""
        while self._calls and (self._idle or (self._counted < self.size and self._has_new_worker())):
            worker = self._idle.pop()
            worker.orders.put((self, self._taken_by(worker)))

    def _taken_by(self, worker: "_Worker") -> Call:
        call, _ = self._calls.popitem(last=False)
        self._taken[call] = worker
        return call

    def _has_new_worker(self) -> bool:
        """Starts one. Returns False if that fails and there are others."""
        worker = _Worker(f"{self._name}-{self._started}")
        try:
            worker.thread.start()
        except RuntimeError:
            if self._counted == 0:
                raise
            return False
        self._started += 1
        self._workers.add(worker)
        self._idle.append(worker)
        return True

    def _dismiss(self, worker: "_Worker") -> None:
        self._workers.remove(worker)
        self._leaving = [other for other in self._leaving if other.thread.is_alive()] + [worker]
        worker.orders.put(None)
        self._changed.notify_all()

    # For the workers:

    def _next(self, worker: "_Worker", done: Call) -> Call | None:
        """Returns the worker's next call; None: it rests, or ends."""
        with self._lock:
            if worker not in self._workers:  # a forked child of that thread: it has the parent's work behind it
                worker.orders.put(None)
                return None
            del self._taken[done]
            if worker.is_stuck:
                worker.is_stuck = False
                self.stuck -= 1
            if self._counted > self.size or (self._is_shut and not self._calls):
                self._dismiss(worker)
            elif self._calls:
                return self._taken_by(worker)
            else:
                self._idle.append(worker)
            return None


class _Worker:
    """A thread that makes one call after another. While it rests it refers to neither pool nor call."""

    __slots__ = ("is_stuck", "orders", "thread")

    def __init__(self, name: str) -> None:
        self.is_stuck = False
        self.orders: SimpleQueue[tuple[ThreadPool, Call] | None] = SimpleQueue()
        """A call to make, or None to end."""
        self.thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def _serve(self) -> None:
        thread = GatedThread()
        while (order := self.orders.get()) is not None:
            pool: ThreadPool = order[0]
            call: Call | None = order[1]
            del order
            while call is not None:
                try:
                    if pool._has_gate:
                        gate.run(thread, call)
                    else:
                        call.run()
                        call.publish()
                except BaseException:
                    logger.exception("a loop that waits for a call cannot be woken")
                call = pool._next(self, call)
            del pool
            gate.leave(thread)


def _checked(size: int) -> int:
    if size < 1:
        raise ValueError(f"size: {size!r} is not a number of threads of at least 1")
    return size


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


_pools: "weakref.WeakSet[ThreadPool]" = globals().get("_pools") or weakref.WeakSet()  # a reload keeps them

_is_exiting = False


def _at_exit() -> None:
    global _is_exiting
    _is_exiting = True
    deadline = time.monotonic() + EXIT_TIMEOUT
    pools = list(_pools)
    for pool in pools:
        pool.shutdown(wait=False, cancel=True)
    for pool in pools:
        pool._join(deadline, even_stuck=True)


def _after_fork_in_child() -> None:
    gate.clear()
    for pool in list(_pools):
        pool._clear()


lifecycle.after_fork_in_child(lifecycle.Stage.THREADS, _after_fork_in_child)
lifecycle.at_exit(lifecycle.Stage.THREADS, _at_exit)
