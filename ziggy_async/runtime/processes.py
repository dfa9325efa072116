"""A pool of processes for CPU work in Python, where a killed process costs only the call that ran in it."""

import asyncio
import atexit
import contextvars
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

from ziggy_async.runtime import parcels
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.child_process import GRACE, ChildProcess
from ziggy_async.runtime.errors import Stopped, WorkerLost
from ziggy_async.runtime.mailbox import Offloaded
from ziggy_async.runtime.threads import ThreadPool

T = TypeVar("T")

EXIT_TIMEOUT = 2.0
"""Seconds that the interpreter's exit leaves to calls that are running then."""


class ProcessPool:
    """`size` places for calls, each with a process of its own, started when the place is first used and replaced when
    the process is gone. Safe from any thread and any loop; the loops' threads neither pickle nor wait.

    What runs when the interpreter exits has 2 s to end. A forked child finds the pool empty, and may use it.
    """

    def __init__(self, size: int) -> None:
        """`ValueError` unless `size` >= 1. Starts nothing."""
        self._threads = ThreadPool(size, "ziggy-async-process", only_waits=True)  # one for each process
        self._closing = threading.Lock()
        self._is_closed = False
        self._is_over = False  # what still waits is turned away; by the lock
        self._clear()
        _pools.add(self)
        _expect_exit()

    def _clear(self) -> None:
        """Without processes. All of it by the lock."""
        self._lock = threading.Lock()
        self._runs: set[_Run] = set()  # those that have a place
        self._idle: list[ChildProcess] = []
        self._children: set[ChildProcess] = set()
        self._lost = 0

    @property
    def size(self) -> int:
        return self._threads.size

    @property
    def busy(self) -> int:
        """Calls that have a place."""
        return len(self._runs)

    @property
    def waiting(self) -> int:
        """Calls that wait for a place."""
        return self._threads.waiting

    @property
    def lost(self) -> int:
        """Calls whose process died under them."""
        return self._lost

    def pids(self) -> list[int]:
        """The processes that are there."""
        with self._lock:
            return sorted(child.pid for child in self._children if child.pid is not None)

    async def run(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """`function(*args, **kwargs)` in a process: its result, or its exception.

        `TypeError` names the function, the argument or the result that does not pickle, or says what the process could
        not import. `WorkerLost` when the process dies, `Stopped` when the pool is closed. An exception that coroutines
        do not carry comes as a `RuntimeError`, and so does one that does not pickle.

        Cancelling it ends the process, if the call has one, and another takes its place.
        """
        value: T = await self.call(function, args, kwargs)
        return value

    async def call(
        self,
        function: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        on_put: Callable[[Call], object] = lambda _: None,
    ) -> T:
        """As `run`; `on_put` is called at once, with what knows when the call had a place, and when its outcome."""
        if self._is_closed:
            raise Stopped("the process pool was closed")
        run = _Run(function, args, kwargs)
        call = Offloaded(self._serve, (run,), {}, contextvars.copy_context())
        on_put(call)
        try:
            await call.awaited(self._threads, run.name)
        except asyncio.CancelledError:
            if not call.cancel():
                self._interrupt(run)
            raise
        value: T = call.outcome(run.name)
        return value

    async def close(self, timeout: float = 0.0) -> None:
        """Takes no more calls. What runs and waits has `timeout` seconds; then processes are ended, and the calls get
        `Stopped`. No process is left when this returns."""
        await asyncio.to_thread(self._close, timeout)

    def shutdown(self) -> None:
        """`close` without a timeout, for who cannot wait for it. Nothing, when it is closed, or being so."""
        if not self._is_closed:
            with suppress(RuntimeError):  # no thread to be had: the interpreter's exit closes it
                threading.Thread(target=self._close, args=(0.0,), name="ziggy-async-closing", daemon=True).start()

    # In the place's thread:

    def _serve(self, run: "_Run") -> Any:
        self._check_wanted(run)
        request = run.pack()
        child = self._enter(run)
        try:
            reply = child.call(request, run.name)
        except WorkerLost:
            with self._lock:
                self._lost += 1
            raise
        finally:
            self._leave(run, child)
        return parcels.open_outcome(reply, run.name)

    def _check_wanted(self, run: "_Run") -> None:
        if run.is_interrupted or self._is_over:
            raise Stopped(f"{run.name}: it was stopped before it began")

    def _enter(self, run: "_Run") -> ChildProcess:
        child = self._idle_child() or ChildProcess(run.name)
        with self._lock:
            self._children.add(child)
            try:
                self._check_wanted(run)
            except Stopped:
                self._idle.append(child)
                raise
            run.child = child
            self._runs.add(run)
            return child

    def _idle_child(self) -> ChildProcess | None:
        """One that has ended meanwhile is passed over: it has cost nobody anything."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                child = self._idle.pop()
            if not child.is_gone():
                return child
            self._discard(child)

    def _leave(self, run: "_Run", child: ChildProcess) -> None:
        with self._lock:
            self._runs.discard(run)
            run.child = None
            if child.is_usable and not run.is_interrupted:
                self._idle.append(child)
                return
        self._discard(child)

    def _discard(self, child: ChildProcess) -> None:
        child.stop()
        with self._lock:
            self._children.discard(child)
        child.close()

    # In any other thread:

    def _interrupt(self, run: "_Run") -> None:
        with self._lock:
            if not run.is_interrupted:
                run.is_interrupted = True
                if run.child is not None:
                    run.child.interrupt()

    def _close(self, timeout: float) -> None:
        with self._closing:  # who comes second waits as well
            self._is_closed = True
            self._threads.shutdown(timeout=max(0.0, timeout))
            with self._lock:
                self._is_over = True
                runs = list(self._runs)
            for run in runs:
                self._interrupt(run)
            self._threads.shutdown(timeout=4 * GRACE)
            with self._lock:
                for run in self._runs:
                    if run.child is not None:
                        run.child.kill()
            self._threads.shutdown(timeout=GRACE)
            with self._lock:
                idle, self._idle = self._idle, []
            for child in idle:
                child.dismiss()
            for child in idle:
                child.stop(GRACE)
                self._discard(child)

    def _forget(self) -> None:
        """In a forked child."""
        for child in self._children:
            child.forget()
        self._closing = threading.Lock()
        self._clear()


class _Run:
    """One call on its way through the pool."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.name = parcels.name_of(function)
        self.child: ChildProcess | None = None
        self.is_interrupted = False
        self._work: tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]] | None = (function, args, kwargs)

    def pack(self) -> parcels.Parcel:
        """Packs the call, and lets go of it."""
        assert self._work is not None
        work, self._work = self._work, None
        return parcels.pack_call(*work)


_pools: "weakref.WeakSet[ProcessPool]" = weakref.WeakSet()


@cache
def _expect_exit() -> None:
    """Before multiprocessing waits for its processes, which it does when it is told of the exit."""
    atexit.register(_at_exit)


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    for pool in list(_pools):
        pool._close(deadline - time.monotonic())


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
