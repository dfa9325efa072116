"""A callable under way, and its outcome, which is set once, from any thread, and awaited from any thread or loop.

Some exceptions cannot be raised in a coroutine as they are: coroutines do not carry `StopIteration`, `SystemExit` would
end the loop, `CancelledError` would look as if somebody had cancelled the caller. They become an `UnraisableError`.
"""

import asyncio
import concurrent.futures
import contextvars
import inspect
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from types import BuiltinFunctionType, FunctionType
from typing import Any

from ziggy_async.messages import described, printable
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import wake

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]

UNRAISABLE = StopIteration, StopAsyncIteration, asyncio.CancelledError, concurrent.futures.CancelledError


class UnraisableError(RuntimeError):
    """Stands for an exception, its cause, that coroutines do not raise, or that would end a loop."""


class Outcome:
    """A value or an error; neither until `is_set`."""

    __slots__ = ("_lock", "_waiters", "error", "is_set", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_set = False  # written under _lock
        self._waiters: list[asyncio.Future[None] | threading.Event] = []  # by _lock
        self._lock = threading.Lock()

    def set(self, value: Any, error: BaseException | None) -> None:
        """Sets it and wakes those that wait. Does nothing if it is set already."""
        with self._lock:
            if self.is_set:
                return
            self.value, self.error, self.is_set = value, error, True
            waiters = self._waiters
        for waiter in waiters:
            if isinstance(waiter, threading.Event):
                waiter.set()
            else:
                wake(waiter)

    def get(self) -> Any:
        """Returns the value, or raises the error. Called once it is set."""
        if self.error is None:
            return self.value
        try:
            raise self.error
        finally:
            del self  # the error's traceback leads to this frame: it must not lead back to the error

    async def wait(self) -> None:
        """Returns once it is set. Cancelling this leaves nothing behind."""
        if self.is_set:
            return
        waiter = asyncio.get_running_loop().create_future()
        if self._is_waiting(waiter):
            try:
                await waiter
            except BaseException:
                with self._lock:
                    self._waiters.remove(waiter)
                raise

    def wait_in_thread(self) -> None:
        """Returns once it is set. Never called in a loop's thread."""
        waiter = threading.Event()
        if self._is_waiting(waiter):
            waiter.wait()

    def _is_waiting(self, waiter: "asyncio.Future[None] | threading.Event") -> bool:
        with self._lock:
            if not self.is_set:
                self._waiters.append(waiter)
            return not self.is_set


class Call(Outcome):
    """A callable with its arguments and context variables, to be called once.

    It lets go of the callable and its arguments when it runs, and of its outcome when `result` gives it: no traceback
    keeps them alive.
    """

    __slots__ = ("_work", "began", "context", "ended", "is_unwanted", "kind", "operation", "submitted")

    began: float | None
    """`time.perf_counter` when it had a thread, a process or the loop; None until then."""
    is_unwanted: bool
    """Whether the outcome is wanted by nobody."""
    ended: float | None
    """`time.perf_counter` when it had its outcome, which may still be on its way to the loop; None until then."""

    def __init__(
        self,
        operation: str,
        function: Callable[..., Any],
        args: Args = (),
        kwargs: Kwargs | None = None,
        context: contextvars.Context | None = None,
    ) -> None:
        """`context`: by default a copy of the caller's."""
        super().__init__()
        self.operation = operation
        self.context = contextvars.copy_context() if context is None else context
        self.kind = kind_of_function(function)
        self.submitted = time.perf_counter()
        self.began = self.ended = None
        # The thread that takes it out may begin the call, or cancel it.
        self._work: list[tuple[Callable[..., Any], Args, Kwargs]] = [(function, args, {} if kwargs is None else kwargs)]
        self.is_unwanted = False

    @property
    def is_of_coroutine_function(self) -> bool:
        """Whether the loop is to await it. Asked before it has begun."""
        return is_coroutine_function(self._work[0][0])

    def replace_function(self, other: Callable[[Callable[..., Any], Args, Kwargs], Any]) -> None:
        """Has `other(function, args, kwargs)` called in place of the function, before the call has begun."""
        self._work[0] = other, self._work[0], {}

    @property
    def finished(self) -> float | None:
        """As `ended`, but None while a coroutine that it has returned is still to be awaited."""
        ended = self.ended  # before the look at what it has returned
        return None if inspect.iscoroutine(self.value) else ended

    def run(self) -> None:
        """Makes the call in this thread, unless it was cancelled; `publish` is to follow. Never raises."""
        try:
            function, args, kwargs = self._work.pop()
        except IndexError:
            return
        self.began = time.perf_counter()
        try:
            self.value = self.context.run(function, *args, **kwargs)
        except BaseException as error:
            self.error = error
        self.ended = time.perf_counter()
        if self.is_unwanted:
            close_unless_begun(self.value)
        del self, function, args, kwargs  # the error's traceback leads to this frame: it must not lead back

    def publish(self) -> None:
        """Sets the outcome, if the call was made. Raises only what keeps a loop from being woken."""
        if self.ended is not None:
            self.set(self.value, self.error)

    async def run_on_loop(self, coroutine: Any = None) -> Any:
        """Awaits the coroutine that its function gives, or has given, in a task of its own with the call's context.
        Returns its value, or raises what `raisable` makes of its error."""
        if coroutine is None:
            coroutine = _awaited(*self._work.pop())
        self.began, self.ended = time.perf_counter(), None
        task = asyncio.get_running_loop().create_task(guarded(coroutine, self.operation), context=self.context)
        task.add_done_callback(lambda _: coroutine.close())  # else one that is cancelled before it begins is warned of
        try:
            return await task
        except asyncio.CancelledError as error:
            if is_cancelled():
                raise
            raise raisable(error, self.operation) from error  # it has cancelled itself
        finally:
            self.ended = time.perf_counter()
            del task  # which holds the error whose traceback leads here

    def result(self) -> Any:
        """Returns the value, or raises the error as `raisable` has it. Called once, when the outcome is set."""
        value, error = self.value, self.error
        self.value = self.error = None
        if error is None:
            return value
        try:
            raise raisable(error, self.operation)
        finally:
            del error

    def cancel(self) -> bool:
        """Cancels it if it has not begun, from any thread; returns whether. The outcome is then `Stopped`."""
        try:
            self._work.pop()
        except IndexError:
            return False
        self.set(None, Stopped(f"{printable(self.operation)}: the pool was shut down before it began"))
        return True

    def ignore_outcome(self) -> None:
        """Drops the outcome, from any thread, at any time. Closes a coroutine that it returns, then or later."""
        self.is_unwanted = True
        close_unless_begun(self.value)


def close_unless_begun(value: object) -> None:
    """Closes a coroutine that nobody is going to await: Python warns of one that is dropped."""
    if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
        value.close()


def kind_of_function(function: Callable[..., object]) -> Hashable:
    """Returns a key that all calls of one function have, by chance also others: the gate remembers functions by it."""
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", None)
    return id(code) if code is not None else name if isinstance(name, str) else id(type(function))


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Returns whether calls give coroutines, also those of an instance whose class says so."""
    if isinstance(function, BuiltinFunctionType | type):  # the most frequent kinds cost least
        return False
    if inspect.iscoroutinefunction(function):
        return True
    return not isinstance(function, FunctionType) and inspect.iscoroutinefunction(type(function).__call__)


def raisable(error: BaseException, operation: str) -> Exception:
    """Returns `error` itself if it is an ordinary exception; else an `UnraisableError` from it that names both."""
    if isinstance(error, Exception) and not isinstance(error, UNRAISABLE):
        return error
    stand_in = UnraisableError(f"{printable(operation)} raised {described(error)}")
    stand_in.__cause__ = error
    return stand_in


async def guarded(coroutine: Any, operation: str) -> Any:
    """Awaits the coroutine in a task. Raises an `UnraisableError` in place of an exception that would end the loop, or
    look like a cancellation that nobody asked for or like the close of a coroutine."""
    task = asyncio.current_task()
    try:
        return await coroutine
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and is_cancelled():
            raise
        if isinstance(error, GeneratorExit) and not _is_current(task):
            raise  # this is being closed, which nobody can do from inside
        own = raisable(error, operation)
    try:
        raise own
    finally:
        del own, task  # its traceback leads here


async def _awaited(function: Callable[..., Any], args: Args, kwargs: Kwargs) -> Any:
    """Calls the function in a coroutine, so that what it raises itself comes as what its coroutine raises."""
    return await function(*args, **kwargs)


def _is_current(task: "asyncio.Task[Any] | None") -> bool:
    return asyncio._get_running_loop() is not None and asyncio.current_task() is task


def is_cancelled() -> bool:
    """Returns whether somebody has cancelled the current task."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
