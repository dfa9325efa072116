"""One run of a callable in a thread, whose outcome is asked for on the loop; and coroutines whose outcome it may be.

Some exceptions cannot travel as they are: futures and coroutines do not carry `StopIteration`, `SystemExit` would end
the loop, `CancelledError` would look as if somebody had cancelled the caller. They become a clear error.
"""

import asyncio
import concurrent.futures
import contextvars
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

CANNOT_TRAVEL = (
    StopIteration,
    StopAsyncIteration,
    asyncio.CancelledError,
    concurrent.futures.CancelledError,
)


class CannotTravelError(RuntimeError):
    """In place of an exception, its cause, that futures, coroutines or loops do not bear."""


MOST_SAID = 500
"""Characters of an error that are kept: its text may hold whatever was the matter."""


class Call:
    """A callable with its arguments and context variables, to be called once, in a thread, without arguments.

    Calling it never raises. It lets go of the callable and its arguments there, and of its outcome when that is asked
    for: nothing is kept alive by a traceback.
    """

    __slots__ = ("_is_unwanted", "_outcome", "_work", "began", "ended")

    began: float | None
    """`time.perf_counter` when a thread took it up; None until then."""
    ended: float | None

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        context: contextvars.Context,
    ) -> None:
        self._work: tuple[Any, ...] | None = (context.run, function, args, kwargs)
        self._outcome: tuple[Any, BaseException | None] | None = None
        self._is_unwanted = False
        self.began = self.ended = None

    def __call__(self) -> None:
        assert self._work is not None, "a call runs once"
        self.began = time.perf_counter()
        (run, function, args, kwargs), self._work = self._work, None
        try:
            self._outcome = run(function, *args, **kwargs), None
        except BaseException as error:
            self._outcome = None, error
        self.ended = time.perf_counter()
        if self._is_unwanted:
            self._let_go()
        del self, run, function, args, kwargs  # an error's traceback leads here: it must not lead on

    @property
    def is_halfway(self) -> bool:
        """Whether it has given a coroutine, which nobody has begun to await."""
        outcome = self._outcome
        return outcome is not None and inspect.iscoroutine(outcome[0])

    def outcome(self, operation: str) -> Any:
        """The value, or raises the exception, the very object; one that cannot travel as `clear_error` has it.

        To be asked for once, after the call has ended; `RuntimeError` otherwise.
        """
        if self._outcome is None:
            raise RuntimeError(f"{operation} has no outcome: it has not ended, or was asked for it before")
        (value, error), self._outcome = self._outcome, None
        if error is None:
            return value
        try:
            raise clear_error(error, operation)
        finally:
            del error

    def forgo(self) -> None:
        """From any thread, at any time: nobody will ask for the outcome. A coroutine that has not begun is closed then,
        which would complain that nobody has awaited it."""
        self._is_unwanted = True
        self._let_go()  # and so does the call at its end: whichever comes second finds the outcome, and it unwanted

    def _let_go(self) -> None:
        outcome, self._outcome = self._outcome, None
        value = None if outcome is None else outcome[0]
        if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
            value.close()


def clear_error(error: BaseException, operation: str) -> Exception:
    """`error` itself if it is an ordinary exception; else a `RuntimeError` from it that names operation and error."""
    if isinstance(error, Exception) and not isinstance(error, CANNOT_TRAVEL):
        return error
    clear = CannotTravelError(f"{operation} raised {described(error)}")
    clear.__cause__ = error
    return clear


def described(error: BaseException) -> str:
    """An exception as one line: its class, and what it says."""
    try:
        text = " ".join(str(error).split())
    except BaseException:
        text = "it cannot say what"
    if len(text) > MOST_SAID:
        text = f"{text[:MOST_SAID]}... ({len(text)} characters)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def started(
    loop: asyncio.AbstractEventLoop, coroutine: Any, operation: str, context: contextvars.Context | None = None
) -> Any:
    """A task that awaits `guarded(coroutine)`. Cancelled before its first step it closes the coroutine, which would
    complain that nobody has awaited it."""
    task = loop.create_task(guarded(coroutine, operation), context=context)
    task.add_done_callback(lambda _: coroutine.close())
    return task


async def guarded(coroutine: Any, operation: str) -> Any:
    """Awaits the coroutine, in a task; what would end the loop, or look like a cancellation that nobody asked for, or
    like the close of a coroutine, becomes a clear error."""
    task = asyncio.current_task()
    try:
        return await coroutine
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and is_cancelled():
            raise
        if isinstance(error, GeneratorExit) and not _is_current(task):
            raise  # this is being closed, which nobody can do from inside
        clear = clear_error(error, operation)
    try:
        raise clear
    finally:
        del clear, task  # its traceback leads here


def _is_current(task: "asyncio.Task[Any] | None") -> bool:
    return asyncio._get_running_loop() is not None and asyncio.current_task() is task


def is_cancelled() -> bool:
    """Whether somebody wants the current task to end."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
