"""Calls from other loops into the loop that a computer belongs to, its home loop. A caller that is cancelled learns
whether its call had ended."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

from ziggy_async.runtime.errors import Stopped

T = TypeVar("T")


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
            raise RuntimeError("the event loop that the computer was started in is not running")
        call = _CrossLoopCall(coroutine, undo)
        self._under_way[call.answer] = home
        try:
            home.call_soon_threadsafe(call.begin)
            return await asyncio.wrap_future(call.answer)
        except asyncio.CancelledError:
            if call.answer.cancel():  # from now on nothing else answers it
                with suppress(RuntimeError):  # the home loop is closed
                    home.call_soon_threadsafe(call.end)
            elif call.answer.exception() is None and call.answer.result() is not None:
                raise Late(call.answer.result()) from None
            raise
        finally:
            del self._under_way[call.answer]

    def end_where_nothing_answers(self) -> None:
        """Tells callers whose home loop was closed."""
        for answer, home in list(self._under_way.items()):
            if home.is_closed():
                with suppress(InvalidStateError):
                    answer.set_exception(Stopped("the event loop that the computer was started in was closed"))


class _CrossLoopCall:
    """One call. Its answer is either set here or cancelled by the caller, never both: who comes second knows it."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], undo: Callable[[Any], object]) -> None:
        self.answer: Future[Any] = Future()
        self._coroutine = coroutine
        self._undo = undo
        self._task: asyncio.Task[None] | None = None

    # In the home loop:

    def begin(self) -> None:
        if self.answer.cancelled():
            self._coroutine.close()
        else:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            value = await self._coroutine
        except Exception as error:
            self._fail(error)
        except BaseException:
            self._fail(Stopped("the event loop that the computer was started in came to its end"))
            raise
        else:
            try:
                self.answer.set_result(value)
            except InvalidStateError:
                self._undo(value)

    def _fail(self, error: Exception) -> None:
        with suppress(InvalidStateError):
            self.answer.set_exception(error)


async def outcome_of(future: "Future[T]") -> T:
    """Waits for it; cancelling this leaves it alone, as does the end of the loop."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()

    def wake(_: "Future[T]") -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody waits in it any more
            loop.call_soon_threadsafe(arrived.set)

    if not future.done():
        future.add_done_callback(wake)
        await arrived.wait()
    return future.result()
