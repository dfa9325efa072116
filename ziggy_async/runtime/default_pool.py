"""The process's own thread pool, for calls without a computer. Made at its first use."""

import asyncio
import threading
from collections.abc import Callable, Collection
from typing import ParamSpec, TypeVar

from ziggy_async.environment import whole_number
from ziggy_async.runtime.background_loop import is_background, submit_coroutine
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.threads import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")

_lock = threading.Lock()
_pool: ThreadPool | None = globals().get("_pool")  # written under _lock; a reload keeps it


def workers() -> int:
    """Threads of the pool, as the environment says. `ConfigurationError`, a `ValueError`, when that is no number."""
    return whole_number("ASYNC_FEATURES_WORKERS", 8)


def pool() -> ThreadPool:
    """`ValueError` as for `workers`, `Stopped` when the interpreter is exiting."""
    global _pool
    if _pool is None:
        with _lock:
            _pool = _pool or ThreadPool(workers(), "ziggy-async-blocking")
    return _pool


def is_here() -> bool:
    """Whether this thread is one of the pool's, which must not wait for another one of them."""
    return _pool is not None and _pool.is_here


async def run(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function`, or its exception; see `ThreadPool.run`."""
    value: T = await pool().run(Call(getattr(function, "__qualname__", "a call"), function, args, kwargs))
    return value


async def run_each_async(function: Callable[[T], None], items: Collection[T]) -> None:
    """Calls `function`, which raises nothing, with each item on the pool. `Stopped` from it once no call goes on."""
    for outcome in await asyncio.gather(*(run(function, item) for item in items), return_exceptions=True):
        if outcome is not None:
            raise outcome


def run_each(function: Callable[[T], None], items: Collection[T]) -> None:
    """As `run_each_async`, for code that has no loop. In a thread of the pool itself, and in that of the background
    loop, which must not wait for others, the calls are made there, one after the other."""
    if is_here() or is_background():
        for item in items:
            function(item)
    else:
        submit_coroutine(run_each_async(function, items)).result()
