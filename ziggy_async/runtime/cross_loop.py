"""Calls from other loops into a computer's home loop. A caller that is cancelled learns whether its call had ended."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from ziggy_async.runtime.call import Outcome, close_unless_begun, guarded
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import wake

T = TypeVar("T")

HOME = "the event loop that the computer was started in"


class Late(Exception):  # noqa: N818
    """In place of `CancelledError`: the caller was cancelled when its call had given a value already, the argument."""


async def call(
    coroutine: Coroutine[Any, Any, T], home: asyncio.AbstractEventLoop, undo: Callable[[T], object] = lambda _: None
) -> T:
    """Awaits the coroutine in the loop `home`, from another one.

    Cancelling it cancels the coroutine; what that should give all the same goes to `undo`, in the home loop, before
    anything else happens there. `Late` when it had given something, not None, before.

    `RuntimeError` when nothing runs at home, `Stopped` when that comes to its end.
    """
    if not home.is_running():
        coroutine.close()
        raise RuntimeError(f"{HOME} is not running")
    answer = Outcome()
    answering = _answer(coroutine, answer, undo)

    def end(_: object = None) -> None:  # without an answer, unless there is one
        close_unless_begun(coroutine)
        answer.set(None, Stopped(f"{HOME} came to its end"))

    try:
        running = asyncio.run_coroutine_threadsafe(answering, home)
        running.add_done_callback(end)
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
    finally:
        if home.is_closed():
            close_unless_begun(answering)
            close_unless_begun(coroutine)


async def _answer(coroutine: Coroutine[Any, Any, T], answer: Outcome, undo: Callable[[T], object]) -> None:
    """Awaits the coroutine in the running loop. The answer is set here or by a caller that is cancelled: the second of
    them knows."""
    if answer.is_set:
        coroutine.close()
        return
    try:
        value = await guarded(coroutine, "a call from another loop")
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
