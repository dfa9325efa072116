"""A pool of processes for CPU work in Python, where a killed process costs only the call that ran in it."""

import asyncio
import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ziggy_async import lifecycle, tracing
from ziggy_async.runtime import child_process
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.child_process import GRACE, ChildProcess, PackedCall
from ziggy_async.runtime.threads import ThreadPool

EXIT_TIMEOUT = 2.0
"""Seconds that the interpreter's exit leaves to calls that are running then."""


class ProcessPool(ThreadPool):
    """At most `size` threads, each of which has a process of its own make its calls. The loops' threads neither pickle
    nor wait.

    What runs when the interpreter exits has 2 s to end. A forked child finds the pool empty, and may use it.
    """

    def __init__(self, size: int) -> None:
        """`ValueError` unless `size` >= 1. Starts nothing."""
        self._closing = threading.Lock()
        self._idle: list[ChildProcess] = []  # by the lock, as is the next one
        self._serving: dict[Call, ChildProcess] = {}
        super().__init__(size, "ziggy-async-process", has_gate=False)
        _pools.add(self)
        lifecycle.exit_before_others(lifecycle.Stage.PROCESSES)  # before multiprocessing waits for the processes

    def pids(self) -> list[int]:
        """Returns the ids of the processes that are there."""
        with self._lock:
            return sorted(child.pid for child in self._children if child.pid is not None)

    @property
    def _children(self) -> list[ChildProcess]:
        return [*self._idle, *self._serving.values()]

    def put(self, call: Call) -> None:
        """As in a pool of threads, but a process makes the call.

        It raises `TypeError` that names the function, the argument or the result that does not pickle, or says what the
        process could not import; `WorkerLost` when the process dies, `RuntimeError` in place of an exception that does
        not pickle.
        """
        if not call.starts_on_loop():
            call.replace_function(partial(self._serve, call))
            super().put(call)

    def abandon(self, call: Call) -> None:
        """Gives the call up, and ends the process that has it; another one takes its place."""
        if self.withdraw(call):
            return
        with self._lock:
            call.give_up()
            child = self._serving.get(call)
            if child is not None:
                child.kill()

    async def close(self, timeout: float = 0.0) -> None:
        """Takes no more calls. What runs and waits has `timeout` seconds; then processes are ended, and the calls get
        `Stopped`. No process is left when this returns."""
        await asyncio.to_thread(self._close, timeout)

    def close_soon(self) -> None:
        """Closes the pool in a thread, without a timeout. Does nothing when it is closed, or being so."""
        if not self._is_shut:
            with contextlib.suppress(RuntimeError):  # no thread to be had: the interpreter's exit closes it
                threading.Thread(target=self._close, args=(0.0,), name="ziggy-async-closing", daemon=True).start()

    # In the call's thread:

    def _serve(self, call: Call, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        request = PackedCall(function, args, kwargs, tracing.carrier())
        child = self._idle_child() or ChildProcess(request.name)
        with self._lock:
            self._serving[call] = child
            if call.is_set:
                child.kill()
        try:
            return child.call(request)
        finally:
            with self._lock:
                del self._serving[call]
                is_usable = child.is_usable and not call.is_set
                if is_usable:
                    self._idle.append(child)
            if not is_usable:
                child.stop()

    def _idle_child(self) -> ChildProcess | None:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None or not child.is_gone():
                return child
            child.stop()  # that has cost nobody anything

    def _close(self, timeout: float) -> None:
        with self._closing:  # who comes second waits as well
            self.shutdown(timeout=max(0.0, timeout))
            for call in self.shutdown(wait=False, cancel=True):
                self.abandon(call)
            self.shutdown(timeout=4 * GRACE)
            for child in self._children:
                child.stop(GRACE)
            self._idle.clear()

    def _forget(self) -> None:
        """Drops the parent's processes, in a forked child."""
        for child in self._children:
            child.forget()
        self._closing = threading.Lock()
        self._idle.clear()
        self._serving.clear()


_pools: "weakref.WeakSet[ProcessPool]" = globals().get("_pools") or weakref.WeakSet()  # a reload keeps them


def _at_exit() -> None:
    deadline = time.monotonic() + EXIT_TIMEOUT
    for pool in list(_pools):
        pool._close(deadline - time.monotonic())


def _after_fork_in_child() -> None:
    child_process.after_fork_in_child()
    for pool in list(_pools):
        pool._forget()


lifecycle.after_fork_in_child(lifecycle.Stage.PROCESSES, _after_fork_in_child)
lifecycle.at_exit(lifecycle.Stage.PROCESSES, _at_exit)
