"""Calls from other loops into a computer's home loop. A caller that is cancelled learns whether its call had ended."""

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


class Late(Exception):  # noqa: N818
    """In place of `CancelledError`: the caller was cancelled when its call had given a value already, the argument."""


async def call(
    function: Function[T], home: asyncio.AbstractEventLoop, undo: Callable[[T], object] = lambda _: None
) -> T:
    """Awaits `function()` in the loop `home`, from another one.

    Cancelling it cancels the coroutine; what that should give all the same goes to `undo`, in the home loop, before
    anything else happens there. `Late` when it had given something, not None, before.

    Raises `RuntimeError` when nothing runs at home, `Stopped` when that comes to its end.
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
        value: T = answer.get()
        return value
    except asyncio.CancelledError:
        if answer.set(None, asyncio.CancelledError()):  # from now on nothing else answers it
            if not home.is_closed():
                running.cancel()
        elif answer.value is not None:
            raise Late(answer.value) from None
        raise
    except RuntimeError:
        if answer.is_set:
            raise
        raise Stopped(ENDED) from None  # it was closed a moment ago
    finally:
        if home.is_closed():
            close_unless_begun(answering)
        answer.error = None  # its traceback leads to this frame


async def _answer(function: Function[T], answer: Outcome, undo: Callable[[T], object]) -> None:
    """Awaits `function()` in the running loop. The answer is set here or by a caller that is cancelled: the second of
    them knows."""
    if answer.is_set:
        return
    try:
        value = await guarded(function(), "a call from another loop")
    except Exception as error:
        answer.set(None, error)
    else:
        if not answer.set(value, None):
            undo(value)


async def outcome_of(future: "Future[T]") -> T:
    """Waits for it; cancelling this leaves it alone, as does the end of the loop."""
    waiter = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda _: wake(waiter))
    await waiter
    return future.result()
