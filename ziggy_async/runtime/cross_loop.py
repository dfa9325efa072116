"""Calls from other loops into a computer's home loop. A caller that is cancelled learns whether its call had ended."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

from ziggy_async.runtime.call import close_unless_begun, guarded
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import wake

T = TypeVar("T")

HOME = "the event loop that the computer was started in"
LOOK = 0.1  # seconds after which a caller looks whether the loop that is to answer was closed: that tells nobody


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
    answer: Future[T] = Future()
    answering = _answer(coroutine, answer, undo)

    def end(_: object = None) -> None:  # without an answer, unless there is one
        close_unless_begun(coroutine)
        with suppress(InvalidStateError):
            answer.set_exception(Stopped(f"{HOME} came to its end"))

    waiter = asyncio.get_running_loop().create_future()
    answer.add_done_callback(lambda _: wake(waiter))
    try:
        running = asyncio.run_coroutine_threadsafe(answering, home)
        running.add_done_callback(end)
        while not waiter.done():
            await asyncio.wait([waiter], timeout=LOOK)
            if home.is_closed():
                end()
        return answer.result()
    except asyncio.CancelledError:
        if answer.cancel():  # from now on nothing else answers it
            if not home.is_closed():
                running.cancel()
        elif answer.exception() is None and answer.result() is not None:
            raise Late(answer.result()) from None
        raise
    finally:
        if home.is_closed():
            close_unless_begun(answering)
            close_unless_begun(coroutine)


async def _answer(coroutine: Coroutine[Any, Any, T], answer: "Future[T]", undo: Callable[[T], object]) -> None:
    """Awaits the coroutine in the running loop. The answer is set here or cancelled by the caller: the second knows."""
    if answer.cancelled():
        coroutine.close()
        return
    try:
        value = await guarded(coroutine, "a call from another loop")
    except Exception as error:
        with suppress(InvalidStateError):
            answer.set_exception(error)
        return
    try:
        answer.set_result(value)
    except InvalidStateError:
        undo(value)


async def outcome_of(future: "Future[T]") -> T:
    """Waits for it; cancelling this leaves it alone, as does the end of the loop."""
    waiter = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda _: wake(waiter))
    await waiter
    return future.result()
