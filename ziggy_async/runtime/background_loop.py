"""An event loop in a thread of its own, made at its first use: for coroutines that synchronous code waits for."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from ziggy_async import lifecycle
from ziggy_async.runtime.call import guarded
from ziggy_async.runtime.errors import Stopped

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

EXIT_TIMEOUT = 1.0  # seconds that the interpreter's exit waits for the loop to cancel its tasks


class _BackgroundLoop:
    """A daemon thread that runs an event loop until `is_over`, whatever the loop's tasks raise."""

    def __init__(self) -> None:
        """Raises `OSError` or `RuntimeError` when there is no descriptor or no thread to be had; nothing is left."""
        self.is_over = False
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.loop = self._runner.get_loop()
        self.thread = threading.Thread(target=self._serve, name="ziggy-async-loop", daemon=True)
        try:
            self.thread.start()
        except RuntimeError:
            self.loop.close()
            raise

    def _serve(self) -> None:
        with self._runner:  # which cancels the tasks at the end
            while not self.is_over:
                try:
                    self.loop.run_forever()  # returns also when a task stops its loop
                except BaseException:  # a task's SystemExit or KeyboardInterrupt ends a loop, unless one goes on
                    logger.exception("a task in the background loop raised what ends a loop; it goes on")
            self.loop.run_until_complete(asyncio.sleep(0))  # what is to begin begins, and hears of its end
            self.loop.set_exception_handler(lambda *_: None)  # that it ends in `Stopped` is told to who waits

    async def run(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Awaits `function(*args, **kwargs)`. Raises `Stopped` when that is cancelled with the loop's tasks."""
        try:
            value: T = await guarded(function(*args, **kwargs), function.__qualname__)
            return value
        except asyncio.CancelledError:
            if not self.is_over:
                raise
            raise Stopped("the background loop came to its end") from None


_lock = threading.Lock()
_background: _BackgroundLoop | None = globals().get("_background")  # written under _lock; a reload keeps it


def is_background() -> bool:
    """Returns whether this thread is the background loop's, which must not wait for that loop."""
    return _background is not None and _background.thread is threading.current_thread()


def submit(function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
    """Starts the coroutine function in the background loop, for code that has no loop to await it in. The future's
    exception is the coroutine's, or a `RuntimeError` in place of one that would end the loop, or `Stopped` when the
    loop ends first. Raises `OSError` or `RuntimeError` when the loop cannot be made; the next call tries again."""
    global _background
    with _lock:
        if lifecycle.has_ended(lifecycle.Stage.BACKGROUND_LOOP):
            raise Stopped("the interpreter is exiting: the background loop is closed")
        if _background is None:
            _background = _BackgroundLoop()
        return asyncio.run_coroutine_threadsafe(_background.run(function, *args, **kwargs), _background.loop)


def _after_fork_in_child() -> None:
    """Forgets the parent's background loop, which is not here."""
    global _lock, _background
    _lock = threading.Lock()
    _background = None


def _at_exit() -> None:
    with _lock:
        background = _background
    if background is not None:
        background.is_over = True
        background.loop.call_soon_threadsafe(background.loop.stop)
        background.thread.join(EXIT_TIMEOUT)


lifecycle.after_fork_in_child(lifecycle.Stage.BACKGROUND_LOOP, _after_fork_in_child)
lifecycle.at_exit(lifecycle.Stage.BACKGROUND_LOOP, _at_exit)
