"""The package's own long calls, made in threads of their own: functions of the application, which may hang in the
process's pool for blocking calls, do not hold them up."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ziggy_async.arguments import seconds
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.threads import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8


class OwnThreads:
    """A pool of threads for calls of one kind."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPool(THREADS, name)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `function`, or its exception; see `ThreadPool.run`."""
        name = getattr(function, "__qualname__", "a call")
        value: T = await self._pool.run(Call(name, function, args, kwargs))
        return value

    async def run_within(
        self, deadline: float | None, done: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `run`. `TimeoutError` when it takes longer than `deadline` seconds: it passed before `done`. `ValueError`
        for what is no number of seconds."""
        timeout = asyncio.timeout(None if deadline is None else seconds("deadline", deadline))
        try:
            async with timeout:
                return await self.run(function, *args, **kwargs)
        except TimeoutError:
            if not timeout.expired():
                raise
            raise TimeoutError(f"the deadline passed before {done}") from None


# A reload keeps both.
short: OwnThreads = globals().get("short") or OwnThreads("ziggy-async-short")
"""For calls of milliseconds."""
long: OwnThreads = globals().get("long") or OwnThreads("ziggy-async-long")
"""For what reads or writes files or tables, which may take minutes."""
