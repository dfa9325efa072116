"""A thread pool whose size may change, whose stuck threads are replaced, and which does not hold up the exit."""

import atexit
import contextlib
import contextvars
import logging
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from functools import cache, partial
from typing import Any, ParamSpec, Protocol, TypeVar

from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.gil_gate import Pace, Turns, kind_of

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

EXIT_TIMEOUT = 2.0
"""Seconds that the interpreter's exit leaves to calls that are running then."""

MOST_BEFOREHAND = 32
"""Threads that are started before there is work: as many as could ever be in each other's way."""
MOST_REPLACED = 4
"""Times its size that a pool replaces stuck threads: what hangs for ever must not use up the process's threads."""


class Job(Protocol):
    """What a thread may be given."""

    kind: Hashable
    """Of which function it is a call; see `ziggy_async.runtime.gil_gate.kind_of`."""

    def run(self) -> None:
        """Does it, in the thread. Nothing, if it was cancelled."""

    def land(self) -> None:
        """Tells who waits for it, from the same thread."""

    def cancel(self) -> bool:
        """Withdraws it from its pool: whether it has not begun, and will not."""

    def done(self) -> bool:
        """Whether it has run, or never will."""

    def is_taken(self) -> bool:
        """Whether the event loop that waits for it, if one does, has come for it."""


class ThreadPool(Executor):
    """At most `size` threads, started when there is work and none is idle. Safe from any thread and any loop.

    A thread whose caller has given up (`abandon`) does not count: another one may take its place until it returns, for
    up to four times the size.
    What runs when the interpreter exits has 2 s to end, what waits then is cancelled. A forked child finds the pool
    empty, and may use it. A pool that nobody refers to any more finishes what it was given, and its threads end.
    """

    def __init__(self, size: int, name: str = "ziggy-async", only_waits: bool = False) -> None:
        """`name`: what its threads' names begin with. `only_waits`: none of its calls computes, so that no thread has
        to wait for its turn. `ValueError` unless `size` >= 1."""
        self._idle: list[_Worker] = []
        self._size = _checked(size)
        self._name = name
        self._started = 0
        self._is_shut = False
        self._turns = Turns(is_needed=not only_waits)
        self._clear()
        _pools.add(self)
        _expect_exit()

    def _clear(self) -> None:
        """Without work and without threads. All of it is written under the lock."""
        self._lock = threading.Lock()
        self._turns.clear()
        self._ended = threading.Condition(self._lock)  # a thread is gone, or does not count any more
        self._queue: OrderedDict[Job, None] = OrderedDict()  # ordered, and cheap to leave from its middle
        self._workers: set[_Worker] = set()
        self._leaving: list[_Worker] = []  # sent home; their threads may not be there yet
        self._running: dict[Job, _Worker] = {}
        self._idle = []  # nothing waits while there is one; the last to rest is the first to work
        self._stuck = 0

    def __del__(self) -> None:
        for worker in self._idle:
            worker.dismiss()

    @property
    def size(self) -> int:
        return self._size

    @property
    def _max_workers(self) -> int:
        """The size, by the name that it has in the standard library's pool."""
        return self._size

    @property
    def waiting(self) -> int:
        """Calls that wait for a thread, or in one for their turn."""
        return len(self._queue) + self._turns.waiting

    @property
    def running(self) -> int:
        """Calls under way, those that nobody waits for included."""
        return max(0, len(self._running) - self._turns.waiting)

    @property
    def stuck(self) -> int:
        """Threads that run what nobody waits for any more."""
        return self._stuck

    @property
    def is_exhausted(self) -> bool:
        """Whether every thread is stuck, and none of them is replaced any more."""
        return self._stuck >= (1 + MOST_REPLACED) * self._size

    @property
    def is_here(self) -> bool:
        """Whether the current thread is one of the pool's."""
        current = threading.get_ident()
        with self._lock:
            return any(worker.thread.ident == current for worker in self._workers)

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """The future of `function(*args, **kwargs)` in one of the threads. Raises as `put` does."""
        return self._submit(partial(function, *args, **kwargs), kind_of(function))

    def submit_in(
        self, context: contextvars.Context, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> "Future[T]":
        """As `submit`; the call sees and changes the variables of `context`."""
        return self._submit(partial(context.run, function, *args, **kwargs), kind_of(function))

    def _submit(self, call: Callable[[], T], kind: Hashable) -> "Future[T]":
        job = _FutureJob(self, call, kind)
        self.put(job)
        return job

    def put(self, job: Job) -> None:
        """Has one of the threads run `job`.

        `Stopped` after `shutdown`; another `RuntimeError` when there is no thread and none can be started.
        """
        with self._lock:
            if self._is_shut:
                raise Stopped("the thread pool was shut down")
            if self._idle:
                worker = self._idle.pop()
                self._running[job] = worker
                worker.wake(self, job)
                return
            self._queue[job] = None
            try:
                self._start_missing()
            except RuntimeError:
                del self._queue[job]
                raise

    def withdraw(self, job: Job) -> bool:
        """Takes a job out of the queue: it will not run. False when it is not there, and nothing has changed."""
        with self._lock:
            if job not in self._queue:
                return False
            del self._queue[job]
            return True

    def start(self) -> None:
        """Starts threads, a few dozen at most, which then rest: else the first burst of calls does, and each start
        waits for the GIL among those that work already. `RuntimeError` when none can be started."""
        with self._lock:
            while self._counted < min(self._size, MOST_BEFOREHAND) and not self._is_shut:
                worker = self._new_worker()
                try:
                    worker.thread.start()
                except RuntimeError:
                    if self._counted == 0:
                        raise
                    return
                self._workers.add(worker)
                self._idle.append(worker)

    def resize(self, size: int) -> None:
        """Starts threads for what waits, or ends those that are too many: idle ones now, others after their call.

        `ValueError` unless `size` >= 1.
        """
        with self._lock:
            self._size = _checked(size)
            while self._idle and self._counted > size:
                self._end(self._idle.pop())
            self._start_missing()

    def abandon(self, job: Job) -> None:
        """Nobody waits for this job any more. If it has not begun it is cancelled; else another thread may take the
        place of the one that is stuck in it. Nothing, when it is done."""
        if job.cancel():
            return
        with self._lock:
            worker = self._running.get(job)
            if worker is None or worker.is_stuck or job.done():
                return
            worker.is_stuck = True
            self._stuck += 1
            worker.lose_turn()
            self._ended.notify_all()
            with contextlib.suppress(RuntimeError):  # what waits goes on when this one returns
                self._start_missing()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False, timeout: float | None = None) -> None:
        """Takes no more work; the threads end when none is left.

        `wait`: until then, for at most `timeout` seconds; for abandoned calls nobody waits. `cancel_futures`: what has
        not begun is cancelled. `RuntimeError` when one of the pool's own threads would wait.
        """
        if wait and self.is_here:
            raise RuntimeError("a thread of the pool cannot wait for the pool's end")
        with self._lock:
            self._is_shut = True
            while self._idle:
                self._end(self._idle.pop())
            dropped = [*self._queue, *self._running] if cancel_futures else []  # those that have begun go on
        for job in dropped:
            job.cancel()
        if wait:
            self._join(None if timeout is None else time.monotonic() + timeout)

    def _join(self, deadline: float | None, even_stuck: bool = False) -> None:
        """Waits until the pool has no thread, or none that counts."""
        with self._lock:
            self._ended.wait_for(lambda: not (self._workers if even_stuck else self._counted), _left(deadline))
            leaving = self._leaving
        for worker in leaving:
            worker.thread.join(_left(deadline))

    # With the lock held:

    @property
    def _counted(self) -> int:
        return len(self._workers) - min(self._stuck, MOST_REPLACED * self._size)

    def _start_missing(self) -> None:
        """Threads for what waits, as many as may be. `RuntimeError` when there is none and none can be started."""
        while self._queue and self._counted < self._size:
            job, _ = self._queue.popitem(last=False)
            worker = self._new_worker()
            self._workers.add(worker)
            self._running[job] = worker
            try:
                worker.thread.start()
            except RuntimeError:
                self._workers.remove(worker)
                del self._running[job]
                self._queue[job] = None
                self._queue.move_to_end(job, last=False)
                if self._counted == 0:
                    raise
                return
            worker.wake(self, job)  # not before: it would keep the GIL from whoever starts it, an event loop above all

    def _new_worker(self) -> "_Worker":
        self._started += 1
        return _Worker(f"{self._name}-{self._started - 1}", self._turns)

    def _end(self, worker: "_Worker") -> None:
        self._workers.remove(worker)
        self._leaving = [other for other in self._leaving if other.thread.is_alive()] + [worker]
        worker.dismiss()
        self._ended.notify_all()

    # For jobs and workers:

    def _next(self, worker: "_Worker", done: Job) -> Job | None:
        """What the worker does now; None: it rests, or ends."""
        with self._lock:
            if worker not in self._workers:  # a forked child of that thread: it has the parent's work behind it
                worker.dismiss()
                return None
            del self._running[done]
            if worker.is_stuck:
                worker.is_stuck = False
                self._stuck -= 1
            if self._counted > self._size or (self._is_shut and not self._queue):
                self._end(worker)
                return None
            if not self._queue:
                self._idle.append(worker)
                return None
            job, _ = self._queue.popitem(last=False)
            self._running[job] = worker
            return job


class _FutureJob(Future[Any]):
    """A call and its future. It lets go of the callable once that has run, and of its place when it is cancelled."""

    def __init__(self, pool: ThreadPool, function: Callable[[], Any], kind: Hashable) -> None:
        super().__init__()
        self.kind = kind
        self._pool: ThreadPool | None = pool
        self._function: Callable[[], Any] | None = function
        self._outcome: tuple[Any, BaseException | None] | None = None

    def cancel(self) -> bool:
        pool = self._pool
        if not super().cancel():
            return False
        if pool is not None and pool.withdraw(self):
            self.set_running_or_notify_cancel()  # which also tells `concurrent.futures.wait`
            self._pool = self._function = None
        return True

    def is_taken(self) -> bool:
        return True

    def run(self) -> None:
        function, self._pool, self._function = self._function, None, None
        if not self.set_running_or_notify_cancel():
            return
        assert function is not None
        try:
            self._outcome = function(), None
        except BaseException as error:
            self._outcome = None, error
        del self, function  # the error's traceback leads to this frame: it must not lead back to the error

    def land(self) -> None:
        if self._outcome is None:  # it was cancelled
            return
        (value, error), self._outcome = self._outcome, None
        if error is None:
            self.set_result(value)
        else:
            self.set_exception(error)


class _Worker:
    """A thread that does one job after another, and holds neither pool nor job while it rests."""

    __slots__ = ("_awake", "_order", "_pace", "is_stuck", "thread")

    def __init__(self, name: str, turns: Turns) -> None:
        self.is_stuck = False
        self._pace = Pace(turns)
        self.thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._order: tuple[ThreadPool, Job] | None = None
        self._awake = threading.Lock()
        self._awake.acquire()

    def wake(self, pool: ThreadPool, job: Job) -> None:
        """Gives a resting worker its next job."""
        self._order = pool, job
        self._awake.release()

    def dismiss(self) -> None:
        """Sends a worker home that rests, or is about to."""
        self._awake.release()

    def lose_turn(self) -> None:
        """What it runs goes on, and holds up none of those whose turn it would be."""
        self._pace.lose()

    def _rest(self) -> tuple[ThreadPool, Job] | None:
        self._awake.acquire()
        order, self._order = self._order, None
        return order

    def _serve(self) -> None:
        while (order := self._rest()) is not None:
            pool, job = order
            del order
            self._work(pool, job)
            del pool, job

    def _work(self, pool: ThreadPool, first: Job) -> None:
        job: Job | None = first
        del first
        while job is not None:
            try:
                self._pace.before(job.kind)
                job.run()
                self._pace.is_inside = False
                job.land()
                self._pace.after(job.is_taken)
            except BaseException:
                logger.exception("a callback of a future failed")
                self._pace.end()
            job = pool._next(self, job)
        self._pace.end()


def _checked(size: int) -> int:
    if size < 1:
        raise ValueError(f"size: {size!r} is not a number of threads of at least 1")
    return size


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


_pools: "weakref.WeakSet[ThreadPool]" = weakref.WeakSet()


@cache
def _expect_exit() -> None:
    """Not when this is imported: what is registered later comes earlier, and calls may need what others end then."""
    atexit.register(_at_exit)


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    pools = list(_pools)
    for pool in pools:
        pool.shutdown(wait=False, cancel_futures=True)
    for pool in pools:
        pool._join(deadline, even_stuck=True)


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool._clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
