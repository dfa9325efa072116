"""The process's own threads for calls off the loop that no computer makes, a pool for each kind of call: functions of
the application, which may hang, do not hold up the package's own long calls."""

import asyncio
from collections.abc import Callable, Collection
from typing import ParamSpec, TypeVar

from ziggy_async import lifecycle
from ziggy_async.arguments import seconds
from ziggy_async.environment import whole_number
from ziggy_async.runtime.background_loop import is_background, submit
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.threads import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8


class LazyThreadPool:
    """A pool of threads for calls of one kind, made at its first use."""

    def __init__(self, name: str, size: Callable[[], int]) -> None:
        self._name = name
        self._size = size
        self._pools: list[ThreadPool] = []
        """Its first element is the pool. Two threads that come at once may append two; a fork leaves no lock held."""

    def pool(self) -> ThreadPool:
        """Returns the pool. Raises what `size` raises, and `Stopped` when the interpreter is exiting."""
        if not self._pools:
            self._pools.append(ThreadPool(self._size(), self._name))
        return self._pools[0]

    def is_here(self) -> bool:
        """Returns whether this thread is one of the pool's, which must not wait for another one of them."""
        return bool(self._pools) and self._pools[0].is_here

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns the result of `function`, or its exception; see `ThreadPool.run`."""
        value: T = await self.pool().run(Call(getattr(function, "__qualname__", "a call"), function, args, kwargs))
        return value

    async def run_within(
        self, deadline: float | None, done: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Does what `run` does. Raises `TimeoutError` when it takes longer than `deadline` seconds, which says
        that it passed before `done`. Raises `ValueError` unless that is a number of seconds."""
        timeout = asyncio.timeout(None if deadline is None else seconds("deadline", deadline))
        try:
            async with timeout:
                return await self.run(function, *args, **kwargs)
        except TimeoutError:
            if not timeout.expired():
                raise
            raise TimeoutError(f"the deadline passed before {done}") from None

    async def run_each_async(self, function: Callable[[T], None], items: Collection[T]) -> None:
        """Calls `function`, which raises nothing, with each item. Raises the pool's `Stopped` once no call goes on."""
        for outcome in await asyncio.gather(*(self.run(function, item) for item in items), return_exceptions=True):
            if outcome is not None:
                raise outcome

    def run_each(self, function: Callable[[T], None], items: Collection[T]) -> None:
        """Does what `run_each_async` does, for code that has no loop. In a thread of the pool itself, and in that of
        the background loop, which must not wait for others, the calls are made there, one after the other."""
        if self.is_here() or is_background():
            for item in items:
                function(item)
        else:
            submit(self.run_each_async, function, items).result()


def workers() -> int:
    """Threads of the application's functions, as the environment says. Raises `ConfigurationError`, a `ValueError`,
    when that is not a number."""
    return whole_number("ASYNC_FEATURES_WORKERS", 8)


lifecycle.exit_before_others(lifecycle.Stage.THREADS)  # now: what is registered later may still use them

# A reload keeps these:
blocking: LazyThreadPool = globals().get("blocking") or LazyThreadPool("ziggy-async-blocking", workers)
"""The threads for functions of the application."""
short: LazyThreadPool = globals().get("short") or LazyThreadPool("ziggy-async-short", lambda: THREADS)
"""The threads for calls of milliseconds."""
long: LazyThreadPool = globals().get("long") or LazyThreadPool("ziggy-async-long", lambda: THREADS)
"""The threads for what reads or writes files or tables, which may take minutes."""
