"""A pool of processes for CPU work in Python, where a killed process costs only the call that ran in it."""

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ziggy_async import lifecycle, tracing
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.child_process import GRACE, ChildProcess, PackedCall
from ziggy_async.runtime.gil_gate import GatedThread
from ziggy_async.runtime.threads import ThreadPool, WakeUps


class ProcessPool(ThreadPool):
    """A pool of threads, each of which sends its calls to a process of its own and waits for the outcome.

    A call raises `TypeError` that names the function, the argument or the result that does not pickle, or says what the
    process could not import, `WorkerLost` when that dies, `RuntimeError` for an exception that does not pickle.
    """

    def __init__(self, size: int) -> None:
        """`size`: at least 1. Starts nothing."""
        self._children: dict[threading.Thread, ChildProcess] = {}  # by the lock
        super().__init__(size, "ziggy-async-process")
        lifecycle.exit_before_others(lifecycle.Stage.PROCESSES)  # before multiprocessing waits for the processes

    def _clear(self) -> None:
        super()._clear()
        for child in self._children.values():
            child.forget()
        self._children.clear()

    def _free_place(self, call: Call) -> None:
        """Ends the process that has the call; another one takes its place."""
        for child in self._children.values():
            if child.serves is call:
                child.kill()

    def shutdown(self, wait: bool = True, *, cancel: bool = False, timeout: float | None = None) -> list[Call]:
        """Shuts down as a thread pool; with `cancel` running calls end too, after the wait, which leaves no process."""
        unfinished = super().shutdown(wait, cancel=cancel, timeout=timeout)
        if cancel:
            for call in unfinished:
                self.abandon(call)
            if wait:
                self._join(time.monotonic() + 4 * GRACE)
        return unfinished

    # In the call's thread:

    def _make(self, thread: GatedThread, call: Call) -> None:
        call.run(partial(self._serve, call))
        del call  # as in Gate.run

    def _serve(self, call: Call, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        try:
            request = PackedCall(function, args, kwargs, tracing.carrier())
            child = self._own_child(request.name)
            with self._lock:
                child.serves = call
                if call.is_set:
                    child.kill()
            try:
                return child.call(request)
            finally:
                with self._lock:
                    child.serves = None
                    is_usable = child.is_usable and not call.is_set
                if not is_usable:
                    self._end_child()
        finally:
            del call  # the error's traceback leads to this frame

    def _own_child(self, name: str) -> ChildProcess:
        """Returns the thread's process, for the call of that name."""
        thread = threading.current_thread()
        child = self._children.get(thread)
        if child is None or child.is_gone():
            self._end_child()
            child = ChildProcess(name)
            with self._lock:
                self._children[thread] = child
        return child

    def _end_child(self, timeout: float = 0.0) -> None:
        with self._lock:
            child = self._children.pop(threading.current_thread(), None)
        if child is not None:
            child.stop(timeout)

    def _make_calls(self, thread: GatedThread, wake_ups: WakeUps) -> bool:
        stays = super()._make_calls(thread, wake_ups)
        if not stays:
            self._end_child(GRACE)
        return stays
