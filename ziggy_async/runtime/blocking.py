"""Where Python callables run when their caller must not wait: a thread pool, and a loop of its own for coroutines that
synchronous code asks for.

Both are made at their first use. Native work never comes here, it has a pool of its own.
"""

import asyncio
import atexit
import contextlib
import contextvars
import logging
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine
from concurrent.futures import Future, InvalidStateError, wait
from typing import Any, ParamSpec, TypeVar

from ziggy_async.environment import whole_number
from ziggy_async.runtime.call import guarded
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.mailbox import Offloaded
from ziggy_async.runtime.threads import ThreadPool

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

WORKERS_VARIABLE = "ASYNC_FEATURES_WORKERS"
DEFAULT_WORKERS = 8
EXIT_TIMEOUT = 1.0
"""Seconds that interpreter exit waits for the background loop to cancel its tasks."""


def workers() -> int:
    """Threads of the pool: the environment's `ASYNC_FEATURES_WORKERS`, else 8. `ConfigurationError`, a `ValueError`,
    unless that is a number >= 1."""
    return whole_number(WORKERS_VARIABLE, DEFAULT_WORKERS)


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
            if task.cancelled():
                future.cancel()
            if not future.set_running_or_notify_cancel():
                return
            if (error := task.exception()) is not None:
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
_pool: ThreadPool | None = None  # written under _lock
_background: _BackgroundLoop | None = None  # written under _lock
_is_exiting = False  # written under _lock


def pool() -> ThreadPool:
    """The pool for blocking callables. `ValueError` as for `workers`, `Stopped` once the interpreter is exiting."""
    global _pool
    if _pool is None:
        with _lock:
            _refuse_at_exit("the thread pool")
            if _pool is None:
                _pool = ThreadPool(workers(), "ziggy-async-blocking")
    return _pool


def is_worker() -> bool:
    """Whether this thread is one of the pool's: it must not wait for another one of them."""
    return _pool is not None and _pool.is_here


def submit(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
    """Starts `function` on the pool, with the caller's context variables."""
    return pool().submit_in(contextvars.copy_context(), function, *args, **kwargs)


async def run(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Awaits `function` on the pool: its result, or its exception; one that a coroutine does not bear comes as a
    `RuntimeError` from it. Cancelling this gives up what has not begun."""
    operation = getattr(function, "__qualname__", "a call")
    call = Offloaded(function, args, kwargs, contextvars.copy_context())
    try:
        await call.awaited(pool(), operation)
    except asyncio.CancelledError:
        call.cancel()
        call.forgo()
        raise
    value: T = call.outcome(operation)
    return value


def run_each(function: Callable[[T], None], items: Collection[T]) -> None:
    """Calls `function` on the pool with each of the items, as many at a time as it has threads, and waits for all.

    An item that fails keeps none of the others from being done; the first error is raised when all have ended. In a
    thread of the pool itself it calls them there, one after the other.
    """
    errors: list[BaseException] = []
    if is_worker():
        for item in items:
            try:
                function(item)
            except BaseException as error:
                _keep_first(errors, error)
    else:
        _submit_each(function, items, errors)
    if errors:
        raise errors.pop()


def _submit_each(function: Callable[[T], None], items: Collection[T], errors: list[BaseException]) -> None:
    places = workers()
    under_way: deque[Future[None]] = deque()
    try:
        for item in items:
            if len(under_way) == places:
                _keep_first(errors, under_way.popleft().exception())
            under_way.append(submit(function, item))
    finally:
        wait(under_way)  # also when the pool takes no more
    for future in under_way:
        _keep_first(errors, future.exception())


def _keep_first(errors: list[BaseException], error: BaseException | None) -> None:
    """Only the first is raised, so the others need not be kept."""
    if error is not None and not errors:
        errors.append(error)


async def run_each_async(function: Callable[[T], None], items: Collection[T]) -> None:
    """As `run_each`, off the loop."""
    await concurrently(lambda item: run(function, item), items, workers())


async def concurrently(work: Callable[[T], Awaitable[None]], items: Collection[T], at_once: int) -> None:
    """Awaits `work` of each of the items in at most `at_once` tasks, however many items there are.

    An item that fails keeps none of the others from being done; the first error is raised when all have ended.
    """
    shared = iter(items)
    errors: list[BaseException] = []

    async def share() -> None:
        for item in shared:
            try:
                await work(item)
            except Exception as error:
                _keep_first(errors, error)

    await asyncio.gather(*(share() for _ in range(min(at_once, len(items)))))
    if errors:
        raise errors.pop()


def is_background() -> bool:
    """Whether this thread is the background loop's: it must not wait for that loop."""
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
        _refuse_at_exit("the background loop")
        if _background is None or _background.is_over:
            _background = _BackgroundLoop()
        return _background


def _refuse_at_exit(what: str) -> None:
    if _is_exiting:
        raise Stopped(f"the interpreter is exiting: {what} is closed")


def _after_fork_in_child() -> None:
    """The parent's background loop is not here; the pool looks after itself."""
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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
