"""A callable under way, and its outcome, which is set once, from any thread, and awaited from any thread or loop."""

import asyncio
import concurrent.futures
import contextvars
import inspect
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from types import BuiltinFunctionType, CoroutineType, FunctionType, TracebackType
from typing import Any

from ziggy_async.messages import described, printable
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import mailbox_of, wake

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]

CLOSED_LOOP_POLL = 0.1  # seconds between checks whether the answering loop was closed, of which nobody is notified
UNRAISABLE = StopIteration, StopAsyncIteration, asyncio.CancelledError, concurrent.futures.CancelledError


class UnraisableError(RuntimeError):
    """Stands for an exception, its cause, that cannot be raised in a coroutine as it is: coroutines do not carry
    `StopIteration`, `SystemExit` would end the loop, `CancelledError` would look like the caller's own cancellation."""


class Outcome:
    """A value or an error; neither until `is_set`."""

    __slots__ = ("_lock", "_traceback", "_waiters", "error", "is_set", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self._traceback: TracebackType | None = None  # of the error, as it was set: each raise adds to it
        self.is_set = False  # written under _lock
        self._waiters: list[asyncio.Future[None]] = []  # by _lock
        self._lock = threading.Lock()

    def set(self, value: Any, error: BaseException | None) -> bool:
        """Sets it and wakes those that wait. Returns False, and does nothing, if it is set already."""
        with self._lock:
            if self.is_set:
                return False
            self._traceback = None if error is None else error.__traceback__
            self.value, self.error, self.is_set = value, error, True
            waiters = [*self._waiters]  # one that is cancelled meanwhile leaves the list
        for waiter in waiters:
            wake(waiter)
        return True

    def get(self) -> Any:
        """Returns the value, or raises the error. Called once it is set."""
        if self.error is None:
            return self.value
        try:
            raise self.error.with_traceback(self._traceback)
        finally:
            del self  # the error's traceback leads to this frame: it must not lead back to the error

    def result(self) -> Any:
        """Returns or raises as `get` does, and lets go of value and error."""
        try:
            return self.get()
        finally:
            self.value = self.error = self._traceback = None

    async def wait(
        self, home: asyncio.AbstractEventLoop | None = None, if_closed: Callable[[], object] = lambda: None
    ) -> None:
        """Returns once it is set. Cancelling this leaves nothing behind. `home`: the loop that sets it, unless it was
        closed: then a waiter in another loop calls `if_closed`, which sets the outcome."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        with self._lock:
            if self.is_set:
                return
            self._waiters.append(waiter)
        try:
            while home is not None and home is not loop and not waiter.done():
                await asyncio.wait([waiter], timeout=CLOSED_LOOP_POLL)
                if home.is_closed():
                    if_closed()
            await waiter
        except BaseException:
            with self._lock:
                self._waiters.remove(waiter)
            raise


class Call(Outcome):
    """A callable with its arguments and context variables, to be called once: in a thread, in a process, or, where it
    gives a coroutine, on the loop in which the call was made.

    The outcome is set where the call is made, or where it is abandoned, whichever comes first. It lets go of the
    callable and its arguments when it runs, and of its outcome when `result` gives it: no traceback keeps them alive.
    """

    __slots__ = ("_loop", "_made", "_work", "began", "context", "ended", "key", "operation", "submitted", "task")

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
        self.key = key_of_function(function)  # under which the gate remembers the function
        self.submitted = time.perf_counter()
        self.began: float | None = None  # `time.perf_counter` when it had a thread, a process or the loop
        self.ended: float | None = None  # the same when it had its outcome, which may still be on its way to the loop
        self.task: asyncio.Task[Any] | None = None  # awaits its coroutine on the loop, also after it was abandoned
        self._loop = asyncio._get_running_loop()
        self._made: tuple[Any, Exception | None] | None = None  # its value and error, until they are the outcome
        # The thread that takes the item out may begin the call, or cancel it.
        self._work: list[tuple[Callable[..., Any], Args, Kwargs]] = [(function, args, {} if kwargs is None else kwargs)]

    def starts_on_loop(self) -> bool:
        """Starts the call of a coroutine function, if its loop runs in this thread. Returns False for any other."""
        is_here = self._loop is not None and self._loop is asyncio._get_running_loop()
        if is_here and is_coroutine_function(self._work[0][0]):
            self._await(_awaited(*self._work.pop()))
            return True
        return False

    def run(self, elsewhere: Callable[[Callable[..., Any], Args, Kwargs], Any] | None = None) -> None:
        """Makes the call in this thread, or has `elsewhere(function, args, kwargs)` make it, unless it was cancelled;
        `publish` is to follow. Never raises."""
        try:
            function, args, kwargs = self._work.pop()
        except IndexError:
            return
        self.began = time.perf_counter()
        value = error = None
        try:
            if elsewhere is None:
                value = self.context.run(function, *args, **kwargs)
            else:
                value = self.context.run(elsewhere, function, args, kwargs)
        except BaseException as raised:
            error = raisable(raised, self.operation)
        self._made = value, error
        if self._loop is None or type(value) is not CoroutineType:  # a proxy may raise when others ask for its class
            self.ended = time.perf_counter()
        del self, elsewhere, function, args, kwargs, value, error  # the error's traceback leads to this frame

    def loop_is_due(self, seconds: float = 0.0) -> bool:
        """Returns whether its loop was woken for outcomes, `seconds` ago or earlier, and has not come yet."""
        return self._loop is not None and mailbox_of(self._loop).is_due(seconds)

    def publish(self) -> None:
        """Sets the outcome of a call that has run. If it returned a coroutine, the loop awaits that first."""
        if (made := self._made) is None:  # another thread may publish it at the same time
            return
        value, error = made
        if self.ended is not None:
            self.set(value, error)
        elif self._loop is not None:
            try:  # one iteration of the loop later, so that a deadline that has passed expires before
                self._loop.call_soon_threadsafe(self._loop.call_soon, self._await, value)
            except Exception as refusal:  # it is closed
                close_unless_begun(value)
                self.set(None, refusal.with_traceback(None))
        self._made = None

    def _await(self, coroutine: Any) -> None:
        """Awaits the coroutine in a task of its own, with the call's context."""
        if self.is_set:
            close_unless_begun(coroutine)
            return
        if self.began is None:
            self.began = time.perf_counter()
        guarding, name = guarded(coroutine, self.operation), printable(self.operation)
        self.task = asyncio.get_running_loop().create_task(guarding, name=name, context=self.context)
        self.task.add_done_callback(partial(self._end_on_loop, coroutine))
        if self.is_set:  # another thread has abandoned it since, and may have found no task
            self.task.cancel()

    def _end_on_loop(self, coroutine: Any, task: "asyncio.Task[Any]") -> None:
        close_unless_begun(coroutine)  # else one that is cancelled before that is warned of
        self.ended, self.task = time.perf_counter(), None
        try:
            error = task.exception()
        except asyncio.CancelledError as cancelled:  # which leaves the task: its traceback has the frames of the loop
            error = raisable(cancelled.with_traceback(None), self.operation)
        self.set(task.result() if error is None else None, error)

    def cancel(self) -> bool:
        """Cancels it if it has not begun, from any thread; returns whether. The outcome is then `Stopped`."""
        try:
            self._work.pop()
        except IndexError:
            return False
        self.set(None, Stopped(f"{printable(self.operation)}: the pool was shut down before it began"))
        return True

    def abandon(self) -> bool:
        """Ends it for its waiters, with `Stopped`. Returns False when it has an outcome. A coroutine is cancelled, in
        its loop's thread; what runs in another thread goes on alone, and a coroutine that it gives is closed."""
        was_open = self.set(None, Stopped(f"{printable(self.operation)}: it was stopped"))  # before: as in `_await`
        if (task := self.task) is not None:  # which the loop's thread resets
            call_in_loop(task.get_loop(), task.cancel)
        return was_open


def call_in_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *args: Any) -> bool:
    """Calls it in the loop's thread, now or soon. Returns False when the loop is closed."""
    if asyncio._get_running_loop() is loop:
        function(*args)
        return True
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        return False
    return True


def close_unless_begun(value: object) -> None:
    """Closes a coroutine that nobody is going to await: Python warns of one that is dropped."""
    if type(value) is CoroutineType and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
        value.close()


def key_of_function(function: Callable[..., object]) -> Hashable:
    """Returns the key under which the gate remembers a function; two functions may share one."""
    try:
        while isinstance(function, partial):
            function = function.func
        code = getattr(function, "__code__", None)
        name = getattr(function, "__qualname__", None)
    except Exception:  # an object may raise anything when it is asked for an attribute
        code = name = None
    return id(code) if code is not None else name if isinstance(name, str) else id(type(function))


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Returns whether calls give coroutines, also those of an instance whose class says so."""
    if isinstance(function, (BuiltinFunctionType, type)):  # the most frequent kinds cost least
        return False
    if type(function) is FunctionType and not function.__dict__:  # without a mark of `inspect`
        return bool(function.__code__.co_flags & inspect.CO_COROUTINE)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


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
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        if isinstance(error, GeneratorExit) and (
            asyncio._get_running_loop() is None or asyncio.current_task() is not task
        ):
            raise  # this is being closed, which nobody can do from inside
        raise raisable(error, operation)  # noqa: B904 - which is `error`, or has it as its cause
    finally:
        del task  # it has the error, whose traceback leads here


async def _awaited(function: Callable[..., Any], args: Args, kwargs: Kwargs) -> Any:
    """Calls the function in a coroutine, so that what it raises itself comes as what its coroutine raises."""
    return await function(*args, **kwargs)
