"""A pool of threads whose size may change, whose stuck threads are replaced, and which does not hold up the exit."""

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from collections import OrderedDict
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

from ziggy_async import lifecycle
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.gil_gate import LONGEST_LOOK, LOOK, clock_of_this_thread, gate

logger = logging.getLogger(__name__)

EXIT_TIMEOUT = 2.0
"""Seconds that the interpreter's exit leaves to calls that are running then."""

MOST_BEFOREHAND = 32
"""Threads that are started before there are calls: as many as could ever be in each other's way."""
MOST_REPLACED = 4
"""Times its size that a pool replaces stuck threads: what hangs for ever must not use up the process's threads."""


class ThreadPool:
    """At most `size` threads, started when there are calls and none is idle. Safe from any thread and any loop.

    Calls begin in the order in which they came, but for those behind the gate of the GIL, which begin as it lets them.
    A thread whose caller has given up (`abandon`) does not count: another one may take its place until it returns, for
    up to four times the size.
    What runs when the interpreter exits has 2 s to end, what waits then is cancelled. A forked child finds the pool
    empty, and may use it. A pool that nobody refers to any more finishes what it was given, and its threads end.
    """

    def __init__(self, size: int, name: str = "ziggy-async", has_gate: bool = True) -> None:
        """`name`: what its threads' names begin with. `has_gate`: whether calls may hold the GIL for long.
        `ValueError` unless `size` >= 1, `Stopped` when the interpreter is exiting."""
        if _is_exiting:
            raise Stopped("the interpreter is exiting: the thread pool is closed")
        self._idle: list[_Worker] = []
        self._size = _checked(size)
        self._name = name
        self._has_gate = has_gate
        self._started = 0
        self._is_shut = False
        self._clear()
        _pools.add(self)
        _expect_exit()

    def _clear(self) -> None:
        """Without calls and without threads. All of it is written under the lock."""
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)  # a thread is gone, or does not count any more
        self._free: OrderedDict[Call, None] = OrderedDict()  # may begin at once; cheap to leave from the middle
        self._gated: OrderedDict[Call, None] = OrderedDict()  # may begin behind the gate
        self._workers: set[_Worker] = set()
        self._leaving: list[_Worker] = []  # dismissed; their threads may not have ended yet
        self._running: dict[Call, _Worker] = {}
        self._idle = []  # the last to rest is the first to work
        self._watching: _Worker | None = None  # an idle one that looks whether the gate may be opened
        self._stuck = 0

    def __del__(self) -> None:
        for worker in getattr(self, "_idle", ()):  # it may not have come so far
            worker.orders.put(None)

    @property
    def size(self) -> int:
        return self._size

    @property
    def waiting(self) -> int:
        """Calls that wait for a thread or for the gate."""
        return len(self._free) + len(self._gated)

    @property
    def running(self) -> int:
        """Calls under way, those that nobody waits for included."""
        return len(self._running)

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
        current = threading.current_thread()
        with self._lock:
            return any(worker.thread is current for worker in self._workers)

    async def run(self, call: Call) -> Any:
        """The call's result, or its exception; see `Call.result`. Cancelling this abandons the call.

        `Stopped` when the pool was shut down before it began; another `RuntimeError` when there is no thread and none
        can be started.
        """
        self.put(call)
        try:
            await call.wait()
        except asyncio.CancelledError:
            self.abandon(call)
            raise
        return call.result()

    def put(self, call: Call) -> None:
        """Has one of the threads make the call. Raises as `run` does."""
        with self._lock:
            if self._is_shut:
                raise Stopped("the thread pool was shut down")
            waiting = self._gated if self._has_gate and gate.is_needed(call.kind) else self._free
            waiting[call] = None
            try:
                self._dispatch()
            except RuntimeError:
                del waiting[call]
                raise

    def start(self) -> None:
        """Starts threads, a few dozen at most, which then rest: else the first burst of calls does, and each start
        waits for the GIL among those that work already. `RuntimeError` when none can be started."""
        with self._lock:
            while self._counted < min(self._size, MOST_BEFOREHAND) and not self._is_shut:
                try:
                    self._idle.append(self._new_worker())
                except RuntimeError:
                    if self._counted == 0:
                        raise
                    return

    def resize(self, size: int) -> None:
        """Starts threads for what waits, or ends those that are too many: idle ones now, others after their call.

        `ValueError` unless `size` >= 1.
        """
        with self._lock:
            self._size = _checked(size)
            while self._idle and self._counted > size:
                self._dismiss(self._idle.pop())
            self._dispatch()

    def abandon(self, call: Call) -> None:
        """Nobody waits for this call any more. If it has not begun it is cancelled; else another thread may take the
        place of the one that is stuck in it. Nothing, when it is done."""
        if self.withdraw(call):
            return
        with self._lock:
            worker = self._running.get(call)
            if worker is not None and not worker.is_stuck and not call.is_set:
                worker.is_stuck = True
                self._stuck += 1
                self._ended.notify_all()
        if worker is not None:
            gate.leave(worker)
            gate.tell_waiting()
            with self._lock, contextlib.suppress(RuntimeError):  # what waits goes on when this one returns
                self._dispatch()
        call.forgo()

    def withdraw(self, call: Call) -> bool:
        """Cancels the call if it has not begun: whether it never will."""
        if not call.cancel():
            return False
        with self._lock:
            self._free.pop(call, None)
            self._gated.pop(call, None)
        return True

    def shutdown(self, wait: bool = True, *, cancel: bool = False, timeout: float | None = None) -> None:
        """Takes no more calls; the threads end when none is left.

        `wait`: until then, for at most `timeout` seconds; for abandoned calls nobody waits. `cancel`: what has not
        begun is cancelled. `RuntimeError` when one of the pool's own threads would wait.
        """
        if wait and self.is_here:
            raise RuntimeError("a thread of the pool cannot wait for the pool's end")
        with self._lock:
            self._is_shut = True
            dropped = [*self._free, *self._gated, *self._running] if cancel else []  # those that have begun go on
        for call in dropped:
            self.withdraw(call)
        with self._lock:
            self._dismiss_idle()
        if wait:
            self._join(None if timeout is None else time.monotonic() + timeout)

    def _join(self, deadline: float | None, even_stuck: bool = False) -> None:
        """Waits until the pool has no thread, or none that counts."""
        with self._lock:
            self._ended.wait_for(lambda: not (self._workers if even_stuck else self._counted), _left(deadline))
            leaving = self._leaving
        for worker in leaving:
            worker.thread.join(_left(deadline))

    def gate_is_open(self) -> None:
        """From any thread: a call that waits behind the gate may begin."""
        with self._lock, contextlib.suppress(RuntimeError):  # it begins when a thread is free
            self._dispatch()

    # With the lock held:

    @property
    def _counted(self) -> int:
        return len(self._workers) - min(self._stuck, MOST_REPLACED * self._size)

    def _dispatch(self) -> None:
        """Gives calls to idle threads, or new ones, as many as may begin. `RuntimeError` when there is no thread and
        none can be started."""
        while self.waiting and self._has_idle():
            worker = self._idle[-1]
            call = self._next_call(worker)
            if call is None:
                if self._watching is None:
                    self._watching = worker
                    worker.orders.put((self, None))
                return
            self._idle.remove(worker)
            worker.orders.put((self, call))

    def _has_idle(self) -> bool:
        if not self._idle and self._counted < self._size:
            try:
                self._idle.append(self._new_worker())
            except RuntimeError:
                if self._counted == 0:
                    raise
        return bool(self._idle)

    def _next_call(self, worker: "_Worker") -> Call | None:
        """The call that has waited longest, of those that the worker may begin now: it has it."""
        while self._gated and not gate.is_needed((oldest := next(iter(self._gated))).kind):
            del self._gated[oldest]
            self._free[oldest] = None
        free, gated = next(iter(self._free), None), next(iter(self._gated), None)
        call = free
        if gated is not None and (free is None or gated.submitted < free.submitted) and gate.enter(worker, self):
            call = gated
        if call is not None:
            worker.is_behind_gate = call is gated
            del (self._gated if call is gated else self._free)[call]
            self._running[call] = worker
            if self._watching is worker:
                self._watching = None
        return call

    def _new_worker(self) -> "_Worker":
        worker = _Worker(f"{self._name}-{self._started}")
        self._started += 1
        worker.thread.start()
        self._workers.add(worker)
        return worker

    def _dismiss(self, worker: "_Worker") -> None:
        self._workers.remove(worker)
        self._leaving = [other for other in self._leaving if other.thread.is_alive()] + [worker]
        worker.orders.put(None)
        if self._watching is worker:
            self._watching = None
        self._ended.notify_all()

    def _dismiss_idle(self) -> None:
        while self._is_shut and self._idle and not self.waiting:
            self._dismiss(self._idle.pop())

    # For the workers:

    def _next(self, worker: "_Worker", done: Call) -> Call | None:
        """What the worker does now; None: it rests, or ends."""
        with self._lock:
            if worker not in self._workers:  # a forked child of that thread: it has the parent's work behind it
                worker.orders.put(None)
                return None
            del self._running[done]
            if worker.is_stuck:
                worker.is_stuck = False
                self._stuck -= 1
            call = None
            if self._counted > self._size:
                self._dismiss(worker)
            elif gate.is_slice_over(worker):
                self._idle.insert(0, worker)  # the others come first
            elif (call := self._next_call(worker)) is None:
                self._idle.append(worker)
            if call is None or not worker.is_behind_gate:
                gate.leave(worker)
            self._dismiss_idle()
        gate.tell_waiting()
        if call is None:
            self.gate_is_open()
        return call

    def _is_watching(self, worker: "_Worker") -> bool:
        with self._lock:
            if self._watching is worker and not self._gated:
                self._watching = None
            return self._watching is worker


class _Worker:
    """A thread that makes one call after another. While it rests it refers to neither pool nor call."""

    __slots__ = ("clock", "is_behind_gate", "is_stuck", "orders", "thread")

    def __init__(self, name: str) -> None:
        self.is_stuck = False
        self.is_behind_gate = False
        self.orders: SimpleQueue[tuple[ThreadPool, Call | None] | None] = SimpleQueue()
        """A call to make, to watch the gate (without one), or to end (None)."""
        self.thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def _serve(self) -> None:
        self.clock = clock_of_this_thread()
        while (order := self.orders.get()) is not None:
            pool, call = order
            del order
            if call is None:
                self._watch(pool)
            else:
                self._work(pool, call)
            del pool, call

    def _work(self, pool: ThreadPool, first: Call) -> None:
        call: Call | None = first
        del first
        while call is not None:
            try:
                if self.is_behind_gate:
                    gate.begin(self, call.kind, self.clock)
                    call.run()
                    gate.end(self)
                else:
                    call.run()
            except BaseException:
                logger.exception("a loop that waits for a call cannot be woken")
            call = pool._next(self, call)

    def _watch(self, pool: ThreadPool) -> None:
        """Looks whether the thread that has the gate is without the GIL, until there is something else to do."""
        patience = LOOK
        while pool._is_watching(self):
            due = time.perf_counter() + patience
            try:
                order = self.orders.get(timeout=patience)
            except Empty:
                if gate.look(time.perf_counter() - due):
                    pool.gate_is_open()
                patience = min(2 * patience, LONGEST_LOOK)
            else:
                self.orders.put(order)
                return


def _checked(size: int) -> int:
    if size < 1:
        raise ValueError(f"size: {size!r} is not a number of threads of at least 1")
    return size


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


_pools: "weakref.WeakSet[ThreadPool]" = globals().get("_pools") or weakref.WeakSet()  # a reload keeps them

_is_exiting = False


@cache
def _expect_exit() -> None:
    lifecycle.exit_before_others()


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
