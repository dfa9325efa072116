"""Calls from other loops into a computer's home loop, the one that it was started in."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from ziggy_async.runtime.call import Outcome, close_unless_begun, guarded
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import wake

T = TypeVar("T")

Function = Callable[[], Coroutine[Any, Any, T]]

HOME = "the event loop that the computer was started in"
ENDED = f"{HOME} came to its end"


class CancelledAfterResult(asyncio.CancelledError):
    """The caller was cancelled when its call had given a result already, but before it took that."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


async def call(
    function: Function[T], home: asyncio.AbstractEventLoop, undo: Callable[[T], object] = lambda _: None
) -> T:
    """Awaits `function()` in the loop `home`, from another one. Returns its value, or raises its exception.

    Cancelling this cancels the coroutine. If that gives a value all the same, `undo` gets it, in the home loop, before
    anything else happens there. Raises `CancelledAfterResult` when it had given a value, not None, before;
    `RuntimeError` when the home loop is not running, `Stopped` when it comes to its end.
    """
    if not home.is_running():
        raise RuntimeError(f"{HOME} is not running")
    answer = Outcome()
    answering = _answer(function, answer, undo)
    end = partial(answer.set, None, Stopped(ENDED))  # does nothing once there is an answer
    try:
        running = asyncio.run_coroutine_threadsafe(answering, home)
        running.add_done_callback(lambda _: end())
        await answer.wait(home, end)
        value: T = answer.result()
        return value
    except asyncio.CancelledError:
        if answer.set(None, asyncio.CancelledError()):  # from now on nothing else answers it
            if not home.is_closed():
                running.cancel()
        elif answer.value is not None:
            raise CancelledAfterResult(answer.value) from None
        raise
    except RuntimeError:
        if answer.is_set:
            raise
        raise Stopped(ENDED) from None  # it was closed a moment ago
    finally:
        if home.is_closed():
            close_unless_begun(answering)


async def _answer(function: Function[T], answer: Outcome, undo: Callable[[T], object]) -> None:
    """Awaits `function()` in the running loop, and sets the answer; undoes the value if a cancellation has set it."""
    if answer.is_set:
        return
    try:
        value = await guarded(function(), "a call from another loop")
    except Exception as error:
        answer.set(None, error)
        del answer  # the error's traceback leads to this frame
    else:
        if not answer.set(value, None):
            undo(value)


async def outcome_of(future: "Future[T]") -> T:
    """Awaits a future of threads. Neither cancelling this nor the end of the loop cancels the future."""
    waiter = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda _: wake(waiter))
    await waiter
    try:
        return future.result()
    finally:
        del future  # its error's traceback leads to this frame
