"""One run of a callable, wherever such a one runs: coroutines on the loop, functions in a thread or in a process."""

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType
from typing import Any

from ziggy_async.runtime.call import Call, clear_error, is_cancelled, started
from ziggy_async.runtime.mailbox import Offloaded
from ziggy_async.runtime.processes import ProcessPool
from ziggy_async.runtime.threads import ThreadPool


@dataclass(slots=True)
class Run:
    """What is to be run, and when it was. Cancelling the awaited `run` gives it up: a coroutine is cancelled, a process
    ended, a thread left to itself."""

    operation: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    context: contextvars.Context
    submitted: float = field(default_factory=time.perf_counter)
    call: Call | None = None
    """In a thread, of a process perhaps, which knows better than the loop when it began and ended."""
    _began: float | None = None

    @property
    def began(self) -> float | None:
        """When it had a thread, a process or its turn on the loop; None until then."""
        return self._began if self.call is None else self.call.began

    @property
    def ended(self) -> float | None:
        """When it had its outcome, which may still be on its way back to the loop; None until then, and for coroutines:
        theirs needs no way."""
        if self.call is None:
            return None
        ended = self.call.ended  # before the look at what it has given
        return None if self.call.is_halfway else ended

    def begin(self) -> None:
        self._began = time.perf_counter()

    def goes_by(self, call: Call) -> None:
        self.call = call

    def go_on_with(self, coroutine: Any) -> Any:
        """What the call in its thread has given is to be awaited: that is the rest of the run."""
        self._began, self.call = self.began, None
        return coroutine


class Runner:
    """Safe from any loop."""

    def __init__(self, threads: ThreadPool, processes: Callable[[], ProcessPool]) -> None:
        """`processes`: gives the pool, which is made when the first callable wants it."""
        self._threads = threads
        self._processes = processes
        self._lock = threading.Lock()
        self._finished = 0  # by _lock
        self._mean = 0.0  # by _lock

    @property
    def waiting(self) -> int:
        """Calls that wait for a thread."""
        return self._threads.waiting

    @property
    def running(self) -> int:
        """Calls that have a thread."""
        return self._threads.running

    @property
    def finished(self) -> int:
        """Runs that came to an end, whichever."""
        return self._finished

    @property
    def mean_seconds(self) -> float:
        """Of recent runs, without their waiting; the latest weighs an eighth. 0.0 before the first."""
        return self._mean

    async def run(self, run: Run, in_process: bool = False) -> Any:
        """The callable's result, or its exception. What is no `Exception`, or would not survive in a coroutine, comes
        as a `RuntimeError` that names it. What a plain function returns as a coroutine is awaited. `Stopped` when the
        pool was shut down before it began."""
        try:
            if is_coroutine_function(run.function):
                run.begin()
                return await self._on_loop(run, _called(run))
            if in_process:
                return await self._processes().call(run.function, run.args, run.kwargs, run.goes_by)
            run.call = call = Offloaded(run.function, run.args, run.kwargs, run.context)
            try:
                await call.awaited(self._threads, run.operation)
            except asyncio.CancelledError:
                self._threads.abandon(call)
                call.forgo()
                raise
            value = call.outcome(run.operation)
            return await self._on_loop(run, run.go_on_with(value)) if inspect.iscoroutine(value) else value
        finally:
            self._note(run)

    def _note(self, run: Run) -> None:
        if run.began is None:
            return
        seconds = (run.ended or time.perf_counter()) - run.began
        with self._lock:
            self._finished += 1
            self._mean += (seconds - self._mean) / (8 if self._mean else 1)

    async def _on_loop(self, run: Run, coroutine: Any) -> Any:
        """In a task of its own, which has the caller's context variables."""
        task = started(asyncio.get_running_loop(), coroutine, run.operation, run.context)
        try:
            return await task
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            raise clear_error(error, run.operation) from error  # it has cancelled itself
        finally:
            del task  # which holds the error whose traceback leads here


async def _called(run: Run) -> Any:
    """Where what the function raises before it gives its coroutine is no worse than what that raises."""
    return await run.function(*run.args, **run.kwargs)


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Also of an instance whose class makes it one."""
    if isinstance(function, BuiltinFunctionType | type):  # the most frequent kinds cost least
        return False
    if inspect.iscoroutinefunction(function):
        return True
    return not isinstance(function, FunctionType) and inspect.iscoroutinefunction(type(function).__call__)
