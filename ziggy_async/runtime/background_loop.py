"""An event loop in a thread of its own, made at its first use: for coroutines that synchronous code waits for."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

from ziggy_async import lifecycle
from ziggy_async.runtime.call import guarded
from ziggy_async.runtime.errors import Stopped

logger = logging.getLogger(__name__)

T = TypeVar("T")

EXIT_TIMEOUT = 1.0
"""Seconds that the interpreter's exit waits for the loop to cancel its tasks."""


class _BackgroundLoop:
    """A daemon thread that runs an event loop until `stop`, whatever the loop's tasks raise."""

    def __init__(self) -> None:
        """`OSError` or `RuntimeError` when there is no descriptor or no thread to be had; nothing is left then."""
        self._lock = threading.Lock()
        self._unfinished: dict[Future[Any], tuple[Coroutine[Any, Any, Any], ...]] = {}  # by _lock
        self._is_over = False  # written under _lock
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self.thread = threading.Thread(target=self._serve, name="ziggy-async-loop", daemon=True)
        try:
            self.thread.start()
        except RuntimeError:
            self._loop.close()
            raise

    @property
    def is_over(self) -> bool:
        return self._is_over or self._loop.is_closed() or not self.thread.is_alive()

    def _serve(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                main = runner.get_loop().create_task(self._until_stopped())
                while not (main.done() or self._loop.is_closed()):
                    try:
                        self._loop.run_until_complete(main)
                    except BaseException:  # a task's SystemExit or KeyboardInterrupt ends a loop, unless one goes on
                        logger.exception("a task in the background loop raised what ends a loop; it goes on")
                with self._lock:
                    self._is_over = True
        except BaseException:
            logger.exception("the background loop has not ended as it should")
        finally:
            self._give_up()

    async def _until_stopped(self) -> None:
        await self._stopping.wait()

    def _give_up(self) -> None:
        """Nobody may wait for what will not be done any more."""
        with self._lock:
            self._is_over = True
            unfinished, self._unfinished = self._unfinished, {}
        for future, coroutines in unfinished.items():
            for coroutine in coroutines:
                with contextlib.suppress(RuntimeError):
                    coroutine.close()
            with contextlib.suppress(InvalidStateError):
                future.set_exception(Stopped("the background loop has ended"))

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T] | None":
        """None, and nothing has happened, if the loop is over."""
        future: Future[T] = Future()
        with self._lock:
            if self.is_over:
                return None
            outer = guarded(coroutine, getattr(coroutine, "__qualname__", "a coroutine"))
            try:
                self._loop.call_soon_threadsafe(self._begin, outer, coroutine, future)
            except BaseException:
                outer.close()
                raise
            self._unfinished[future] = outer, coroutine
        return future

    def _begin(self, outer: Coroutine[Any, Any, T], coroutine: Coroutine[Any, Any, T], future: "Future[T]") -> None:
        task = self._loop.create_task(outer)

        def end(task: "asyncio.Task[T]") -> None:
            with self._lock:
                self._unfinished.pop(future, None)
            coroutine.close()  # it has not begun if it was cancelled before
            if not future.set_running_or_notify_cancel():
                return
            if task.cancelled():  # by the end of the loop
                future.set_exception(Stopped("the background loop has ended"))
            elif (error := task.exception()) is not None:
                future.set_exception(error)
            else:
                future.set_result(task.result())

        def cancel(future: "Future[T]") -> None:
            if future.cancelled():
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(task.cancel)

        task.add_done_callback(end)
        future.add_done_callback(cancel)

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is closed
            self._loop.call_soon_threadsafe(self._stopping.set)
        self.thread.join(EXIT_TIMEOUT)


_lock = threading.Lock()
_background: _BackgroundLoop | None = globals().get("_background")  # written under _lock; a reload keeps it
_is_exiting = False  # written under _lock


def is_background() -> bool:
    """Whether this thread is the background loop's, which must not wait for that loop."""
    return _background is not None and _background.thread is threading.current_thread()


def submit_coroutine(coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
    """Starts `coroutine` in the background loop, for code that has no loop to await it in.

    What is no ordinary exception (`SystemExit`, a `CancelledError` of its own) becomes a `RuntimeError`. `Stopped` as
    the future's exception when the loop ends before the coroutine. `OSError` or `RuntimeError` when that loop cannot
    be made; the next call tries again.
    """
    try:
        while (future := _background_loop().submit(coroutine)) is None:
            pass
        return future
    except BaseException:
        coroutine.close()
        raise


def _background_loop() -> _BackgroundLoop:
    """The loop, another one if the last is over."""
    global _background
    with _lock:
        if _is_exiting:
            raise Stopped("the interpreter is exiting: the background loop is closed")
        if _background is None or _background.is_over:
            _background = _BackgroundLoop()
        return _background


def _after_fork_in_child() -> None:
    """The parent's background loop is not here."""
    global _lock, _background
    _lock = threading.Lock()
    _background = None


def _at_exit() -> None:
    global _is_exiting
    with _lock:
        _is_exiting = True
        background = _background
    if background is not None:
        background.stop()


lifecycle.after_fork_in_child(lifecycle.Stage.BACKGROUND_LOOP, _after_fork_in_child)
lifecycle.at_exit(lifecycle.Stage.BACKGROUND_LOOP, _at_exit)
