"""A pool of threads whose size may change, whose stuck threads are replaced, and which does not hold up the exit."""

import asyncio
import contextlib
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Coroutine
from queue import SimpleQueue
from typing import Any, TypeAlias

from ziggy_async import lifecycle
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.gil_gate import GatedThread, Turns, gate

EXIT_TIMEOUT = 2.0  # seconds that the interpreter's exit leaves to calls that are running then
ANSWER_TIMEOUT = 0.1  # seconds that it leaves then to those who await them, in daemon threads
MOST_BEFOREHAND = 32  # threads that are started before there are calls: as many as could ever be in each other's way
MOST_REPLACED = 4  # stuck threads that a pool replaces, in sizes of it: hanging calls must not use up all threads


class ThreadPool:
    """At most `size` threads, started when there are calls and none is idle. Safe from any thread and any loop.

    Threads take calls in their order, and make those that may hold the GIL behind its gate. A thread whose call was
    abandoned does not count: until it returns another one may take its place, for up to four times the size.
    At the interpreter's exit waiting calls are cancelled, and running ones abandoned after 2 s. A forked child finds
    the pool empty, and may use it. A pool that nobody refers to any more finishes what it was given; its threads end.
    """

    def __init__(self, size: int, name: str = "ziggy-async") -> None:
        """`size`: at least 1. `name`: its threads' names begin so. Raises `Stopped` when the interpreter is exiting."""
        if lifecycle.has_ended(lifecycle.Stage.THREADS):
            raise Stopped("the interpreter is exiting: the thread pool is closed")
        self._name = name
        self._started = 0
        self._is_shut = False
        self._clear()
        self.resize(size)
        _pools.add(self)
        lifecycle.exit_before_others(lifecycle.Stage.THREADS)

    def _clear(self) -> None:
        """Drops calls and threads. All of it is written under the lock."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # a thread is gone, or does not count any more
        self._waiting: OrderedDict[Call, None] = OrderedDict()  # calls; cheap to leave from the middle
        self._running: set[Call] = set()  # with a thread, which may wait at the gate
        self._stuck: set[Call] = set()  # of those, the abandoned ones
        self._threads: set[threading.Thread] = set()
        self._leaving: list[threading.Thread] = []  # have left `_threads`, and may not have ended yet
        self._turns = Turns()
        self._idle: dict[WakeUps, None] = {}  # of threads that rest; the last one is woken first: its caches are warm

    def __del__(self) -> None:
        for wake_ups in getattr(self, "_idle", ()):  # it may not have come so far
            wake_ups.put(None)

    @property
    def stuck(self) -> int:
        """Threads that run abandoned calls."""
        return len(self._stuck)

    @property
    def is_exhausted(self) -> bool:
        """True if every thread is stuck, and none of them is replaced any more."""
        return self.stuck >= (1 + MOST_REPLACED) * self.size

    @property
    def is_here(self) -> bool:
        """True if the current thread is one of the pool's."""
        return threading.current_thread() in self._threads

    def run(self, call: Call) -> Coroutine[Any, Any, Any]:
        """Has the call made, as `put` does. Await what this returns: see `Call.result`. It raises `Stopped` when the
        pool was shut down before the call began. Cancelling it abandons the call."""
        self.put(call)
        return self._result(call)

    async def _result(self, call: Call) -> Any:
        try:
            await call.wait()
        except asyncio.CancelledError:
            cancelled = call.task
            self.abandon(call)
            if cancelled is not None:
                await asyncio.wait([cancelled])
            raise
        return call.result()

    def put(self, call: Call) -> None:
        """Has a thread make the call; a coroutine function is awaited on the loop, as is a coroutine that it returns.
        Raises `Stopped` after a shutdown, another `RuntimeError` when there is no thread and none can be started."""
        if call.starts_on_loop():
            return
        with self._lock:
            if self._is_shut:
                raise Stopped("the pool was shut down")
            self._waiting[call] = None
            try:
                if not self._wake() and (self._stuck or len(self._threads) < self.size):  # else all are there
                    self._grow()
            except BaseException:  # an interrupt too
                del self._waiting[call]
                raise

    def start(self) -> None:
        """Starts up to 32 threads: amid a burst they would wait for the GIL. Raises `RuntimeError` if none starts."""
        with self._lock:
            self._start_threads(0 if self._is_shut else MOST_BEFOREHAND)

    def resize(self, size: int) -> None:
        """Starts threads for what waits, or ends those that are too many: idle ones now, others after their call."""
        with self._lock:
            self.size = size
            while self._wake():  # they look whether they are to end
                pass
            self._grow()

    def abandon(self, call: Call) -> None:
        """Ends the call for its waiters. It is cancelled if it has not begun; else another thread may take the place of
        the one that is stuck in it. Does nothing when the call is done."""
        if not self.cancel(call) and call.abandon():
            with self._lock:
                if call in self._running:
                    self._free_place(call)

    def cancel(self, call: Call) -> bool:
        """Cancels the call if it has not begun, and returns whether that is so."""
        if not call.cancel():
            return False
        with self._lock:
            self._waiting.pop(call, None)
        return True

    def shutdown(self, wait: bool = True, *, cancel: bool = False, timeout: float | None = None) -> list[Call]:
        """Takes no more calls; the threads end when none is left. `cancel`: cancels calls that have not begun. Returns
        those that were neither done before nor cancelled. `wait`: waits for the end of the threads that are not stuck,
        for at most `timeout` seconds. Raises `RuntimeError` when one of the pool's own threads would wait."""
        if wait and self.is_here:
            raise RuntimeError("a thread of the pool cannot wait for the pool's end")
        with self._lock:
            self._is_shut = True
            while self._wake():  # they look whether they are to end
                pass
            unfinished = [*self._waiting, *self._running]
        left = [call for call in unfinished if not (cancel and self.cancel(call))]  # those that have begun go on
        if wait:
            self._join(None if timeout is None else time.monotonic() + timeout)
        return left

    def _join(self, deadline: float | None, even_stuck: bool = False) -> None:
        """Waits until the pool has no thread, or none that counts."""
        with self._lock:
            self._changed.wait_for(lambda: len(self._threads) <= (0 if even_stuck else self.stuck), _left(deadline))
            leaving = self._leaving
        for thread in leaving:
            thread.join(_left(deadline))

    # With the lock held:

    def _wake(self) -> bool:
        """Has an idle thread look for a call, or whether it is to end. Returns False when none is idle."""
        if not self._idle:
            return False
        wake_ups = next(reversed(self._idle))
        wake_ups.put(self)  # first: where an interrupt comes now the thread itself does the rest
        self._idle.pop(wake_ups, None)
        return True

    @property
    def _replaced(self) -> int:
        """Stuck threads that do not count."""
        return min(len(self._stuck), MOST_REPLACED * self.size)

    @property
    def _counted(self) -> int:
        return len(self._threads) - self._replaced

    def _grow(self) -> None:
        """Starts threads for what waits. Raises `RuntimeError` when there is no thread and none can be started."""
        self._start_threads(len(self._waiting) + len(self._running) - self._replaced)

    def _start_threads(self, wanted: int) -> None:
        while self._counted < min(wanted, self.size):
            name = f"{self._name}-{self._started}"
            wake_ups: WakeUps = SimpleQueue()
            wake_ups.put(self)
            thread = threading.Thread(None, _serve, name, (wake_ups, self._turns, weakref.ref(self)), daemon=True)
            try:
                self._threads.add(thread)
                thread.start()
            except BaseException as error:
                self._threads.discard(thread)  # if it has begun, it ends
                if self._counted == 0 or not isinstance(error, RuntimeError):
                    raise
                return
            self._started += 1

    def _free_place(self, call: Call) -> None:
        """Lets another thread take the place of the one that is stuck in the call."""
        self._stuck.add(call)
        self._changed.notify_all()
        with contextlib.suppress(RuntimeError):  # what waits goes on when this one returns
            self._grow()

    def _leaves(self) -> bool:
        """Lets the current thread go if there are too many, or nothing is left to do. Returns whether that is so."""
        if (len(self._threads) <= self.size or self._counted <= self.size) and (self._waiting or not self._is_shut):
            return False
        thread = threading.current_thread()
        self._threads.remove(thread)
        self._leaving = [other for other in self._leaving if other.is_alive()] + [thread]
        self._changed.notify_all()
        return True

    # For the threads:

    def _make_calls(self, thread: GatedThread, wake_ups: "WakeUps") -> bool:
        """Makes the calls that wait, until there is none. Returns whether the thread stays in the pool."""
        made: Call | None = None
        while True:
            with self._lock:
                if not (self.is_here if made is None else made in self._running):  # interrupted at its start, or forked
                    return False
                if made is not None:
                    self._running.remove(made)
                    self._stuck.discard(made)
                self._idle.pop(wake_ups, None)
                stays, call = not self._leaves(), None
                if not stays:
                    self._wake()  # perhaps this thread was woken for a call
                elif self._waiting:
                    call, _ = self._waiting.popitem(last=False)
                    self._running.add(call)
                else:
                    self._idle[wake_ups] = None
            if made is not None:
                made.publish()  # when all else is done: whoever awaits it gets the GIL at once
                if thread.is_due:
                    gate.let_others_in(thread, made)
            made = thread.call = call
            if made is None:
                return stays
            del call  # as in Gate.run
            self._make(thread, made)

    def _lose(self, thread: GatedThread, wake_ups: "WakeUps") -> None:
        """Lets the current thread go, which is about to end, and abandons its call."""
        if (call := thread.call) is not None:
            call.abandon()
        with self._lock:
            self._idle.pop(wake_ups, None)
            self._threads.discard(threading.current_thread())
            self._running, self._stuck = self._running - {call}, self._stuck - {call}
            self._changed.notify_all()
            self._wake()  # this one may have been woken for a call
            self._grow()

    def _make(self, thread: GatedThread, call: Call) -> None:
        gate.run(thread, call)
        del call  # as in Gate.run


WakeUps: TypeAlias = "SimpleQueue[ThreadPool | None]"  # a thread's: the pool in which it is to look; None: it is gone


def _serve(wake_ups: WakeUps, turns: Turns, found: "weakref.ref[ThreadPool]") -> None:
    """Makes calls when it is woken, in a thread of a pool. While it rests it refers to neither pool nor call."""
    thread = GatedThread(turns)
    try:
        while (pool := wake_ups.get()) is not None and pool._make_calls(thread, wake_ups):
            del pool
            gate.leave(thread)
    except BaseException:  # another thread has raised it in this one
        if (lost_by := found()) is not None:
            lost_by._lose(thread, wake_ups)
        raise
    finally:
        gate.leave(thread)


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


_pools: "weakref.WeakSet[ThreadPool]" = globals().get("_pools") or weakref.WeakSet()  # a reload keeps them


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    pools = list(_pools)
    for pool in pools:
        ThreadPool.shutdown(pool, wait=False, cancel=True)  # first what waits in all of them; processes go on
    for pool in pools:
        for call in pool.shutdown(cancel=True, timeout=_left(deadline)):
            pool.abandon(call)
    for pool in pools:
        pool._join(deadline + ANSWER_TIMEOUT, even_stuck=True)


def _after_fork_in_child() -> None:
    gate.clear()
    for pool in list(_pools):
        pool._clear()


lifecycle.after_fork_in_child(lifecycle.Stage.THREADS, _after_fork_in_child)
lifecycle.at_exit(lifecycle.Stage.THREADS, _at_exit)
