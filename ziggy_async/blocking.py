"""Where Python callables run when their caller must not wait: a thread pool, and a loop of its own for coroutines that
synchronous code asks for.

Both are made at their first use. Native work never comes here, it has a pool of its own.
"""

import asyncio
import atexit
import contextvars
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from ziggy_async.work.threads import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")

WORKERS_VARIABLE = "ASYNC_FEATURES_WORKERS"
DEFAULT_WORKERS = 8
EXIT_TIMEOUT = 1.0
"""Seconds that interpreter exit waits for the background loop to cancel its tasks."""


def workers() -> int:
    """Threads of the pool: the environment's `ASYNC_FEATURES_WORKERS`, else 8. `ValueError` unless a number >= 1."""
    text = os.environ.get(WORKERS_VARIABLE, str(DEFAULT_WORKERS))
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise ValueError(f"{WORKERS_VARIABLE}: {text!r} is not a whole number of at least 1")
    return count


class _BackgroundLoop:
    """A daemon thread that runs an event loop until `stop`."""

    def __init__(self) -> None:
        """`OSError` or `RuntimeError` when there is no descriptor or no thread to be had; nothing is left then."""
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self.thread = threading.Thread(target=self._serve, name="ziggy-async-loop", daemon=True)
        try:
            self.thread.start()
        except RuntimeError:
            self._loop.close()
            raise

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self._stopping.wait()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self.thread.join(EXIT_TIMEOUT)


_lock = threading.Lock()
_pool: ThreadPool | None = None  # written under _lock
_background: _BackgroundLoop | None = None  # written under _lock


def pool() -> ThreadPool:
    """The pool for blocking callables. `ValueError` as for `workers`."""
    global _pool
    if _pool is None:
        with _lock:
            if _pool is None:
                _pool = ThreadPool(workers(), "ziggy-async-blocking")
    return _pool


def is_worker() -> bool:
    """Whether this thread is one of the pool's: it must not wait for another one of them."""
    return _pool is not None and _pool.is_here


def submit(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
    """Starts `function` on the pool, with the caller's context variables."""
    context = contextvars.copy_context()
    return pool().submit(lambda: context.run(function, *args, **kwargs))


async def run(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Awaits `function` on the pool: its result, or its exception."""
    return await asyncio.wrap_future(submit(function, *args, **kwargs))


def run_each(function: Callable[[T], None], items: Collection[T]) -> None:
    """Calls `function` on the pool with each of the items, as many at a time as it has threads, and waits for all.

    In a thread of the pool itself it calls them there, one after the other.
    """
    if is_worker():
        for item in items:
            function(item)
        return
    places = workers()
    under_way: deque[Future[None]] = deque()
    for item in items:
        if len(under_way) == places:
            under_way.popleft().result()
        under_way.append(submit(function, item))
    for future in under_way:
        future.result()


async def run_each_async(function: Callable[[T], None], items: Collection[T]) -> None:
    """As `run_each`, off the loop."""
    await concurrently(lambda item: run(function, item), items, workers())


async def concurrently(work: Callable[[T], Awaitable[None]], items: Collection[T], at_once: int) -> None:
    """Awaits `work` of each of the items in at most `at_once` tasks, however many items there are."""
    shared = iter(items)

    async def share() -> None:
        for item in shared:
            await work(item)

    await asyncio.gather(*(share() for _ in range(min(at_once, len(items)))))


def is_background() -> bool:
    """Whether this thread is the background loop's: it must not wait for that loop."""
    return _background is not None and _background.thread is threading.current_thread()


def submit_coroutine(coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
    """Starts `coroutine` in the background loop, for code that has no loop to await it in.

    `OSError` or `RuntimeError` when that loop cannot be made; the next call tries again.
    """
    try:
        return _background_loop().submit(coroutine)
    except BaseException:
        coroutine.close()
        raise


def _background_loop() -> _BackgroundLoop:
    global _background
    with _lock:
        if _background is None:
            _background = _BackgroundLoop()
        return _background


def _after_fork_in_child() -> None:
    """The parent's background loop is not here; the pool looks after itself."""
    global _lock, _background
    _lock = threading.Lock()
    _background = None


def _at_exit() -> None:
    if _background is not None:
        _background.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
