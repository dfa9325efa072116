"""Coroutines that one thread has another one's loop await, such as calls from other loops into the loop that a computer
belongs to, its home loop. A caller that is cancelled learns whether its call had ended."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

from ziggy_async.runtime.call import guarded
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import wake

T = TypeVar("T")

HOME = "the event loop that the computer was started in"


class Late(Exception):  # noqa: N818
    """In place of `CancelledError`: the caller was cancelled when its call had given `value` already."""

    def __init__(self, value: Any) -> None:
        super().__init__("the caller was cancelled when its call had ended already")
        self.value = value


class CrossLoopCalls:
    """The calls under way. Safe from any thread."""

    def __init__(self) -> None:
        self._under_way: dict[Future[Any], asyncio.AbstractEventLoop] = {}

    async def call(
        self,
        coroutine: Coroutine[Any, Any, T],
        home: asyncio.AbstractEventLoop,
        undo: Callable[[T], object] = lambda _: None,
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
        self._under_way[answer] = home
        try:
            running = asyncio.run_coroutine_threadsafe(answered(coroutine, answer, HOME, undo), home)
            return await asyncio.wrap_future(answer)
        except asyncio.CancelledError:
            if answer.cancel():  # from now on nothing else answers it
                if not home.is_closed():
                    running.cancel()
            elif answer.exception() is None and answer.result() is not None:
                raise Late(answer.result()) from None
            raise
        finally:
            del self._under_way[answer]

    def end_where_nothing_answers(self) -> None:
        """Tells callers whose home loop was closed."""
        for answer, home in list(self._under_way.items()):
            if home.is_closed():
                with suppress(InvalidStateError):
                    answer.set_exception(Stopped(f"{HOME} was closed"))


async def answered(
    coroutine: Coroutine[Any, Any, T], answer: "Future[T]", loop: str, undo: Callable[[T], object] = lambda _: None
) -> None:
    """Awaits the coroutine in the running loop, which is called `loop` in the `Stopped` that comes of its end. The
    answer is either set here or cancelled by the caller, never both: who comes second knows it."""
    if answer.cancelled():
        coroutine.close()
        return
    try:
        value = await guarded(coroutine, getattr(coroutine, "__qualname__", "a coroutine"))
    except BaseException as error:
        is_end = not isinstance(error, Exception)
        with suppress(InvalidStateError):
            answer.set_exception(Stopped(f"{loop} came to its end") if is_end else error)
        if is_end:
            raise
    else:
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
