"""A loop of its own in a thread of its own, for a run that holds up whatever loop it is in."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_cancelled: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("benchmark_cancelled", default=None)


async def run_in_own_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Awaits `work()` on another loop of the running one's kind, in another thread: its result, or its exception.

    Cancelling this cancels the work and waits for the end of thread and loop. Work that blocks its own loop has to
    check `is_cancelled` now and then: otherwise it ends late.
    """
    run = _Run(work, type(asyncio.get_running_loop()))
    threading.Thread(target=run.serve, name="ziggy-async-benchmark", daemon=True).start()
    outcome = asyncio.wrap_future(run.outcome)
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        run.cancel()
        await _until_done(outcome)
        raise


def is_cancelled() -> bool:
    """Returns whether nobody waits any more for the run that this is a part of."""
    event = _cancelled.get()
    return event is not None and event.is_set()


class _Run(Generic[T]):
    """One run, from the thread that serves it to its outcome."""

    def __init__(
        self, work: Callable[[], Coroutine[Any, Any, T]], new_loop: Callable[[], asyncio.AbstractEventLoop]
    ) -> None:
        self.outcome: Future[T] = Future()
        self._work = work
        self._new_loop = new_loop
        self._context = contextvars.copy_context()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._cancel: Callable[[], object] | None = None  # while the work is under way; by _lock

    def serve(self) -> None:
        """Runs the thread. The outcome is there once the loop is closed."""
        self.outcome.set_running_or_notify_cancel()  # from here on nobody can cancel it
        self._context.run(_cancelled.set, self._cancelled)
        try:
            with asyncio.Runner(loop_factory=self._new_loop) as runner:
                result = runner.run(self._until_cancelled(), context=self._context)
        except BaseException as error:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(result)

    def cancel(self) -> None:
        self._cancelled.set()
        with self._lock:
            if self._cancel is not None:
                self._cancel()

    async def _until_cancelled(self) -> T:
        task = asyncio.current_task()
        assert task is not None
        loop, cancel = task.get_loop(), task.cancel
        with self._lock:
            self._cancel = lambda: loop.call_soon_threadsafe(cancel)
        try:
            if is_cancelled():
                raise asyncio.CancelledError
            return await self._work()
        finally:
            with self._lock:
                self._cancel = None


async def _until_done(outcome: "asyncio.Future[Any]") -> None:
    """Waits for the outcome, also through further cancellations, and ignores it."""
    while not outcome.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([outcome])
    if not outcome.cancelled():
        outcome.exception()
