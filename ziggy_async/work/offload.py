"""A call's way from a loop to a thread and back.

All calls that have ended since a loop was last woken come back with one wake-up: it costs more than a short call.
"""

import asyncio
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any

from ziggy_async.work.calls import Call
from ziggy_async.work.errors import Stopped
from ziggy_async.work.threads import ThreadPool
from ziggy_async.work.turns import kind_of

AT_ONCE = 64
"""Callers that are told in one turn of their loop: what each then does takes some microseconds."""


class Offloaded(Call):
    """A call that a loop awaits while a thread makes it. It is a `ziggy_async.work.threads.Job`."""

    __slots__ = ("_landed", "_landing", "_pool", "_taken", "kind")

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        context: Context,
    ) -> None:
        """In the loop that is to await it."""
        super().__init__(function, args, kwargs, context)
        self.kind = kind_of(function)
        loop = asyncio.get_running_loop()
        self._landing = landing_of(loop)
        self._landed: asyncio.Future[None] = loop.create_future()
        self._pool: ThreadPool | None = None
        self._taken: float | None = None

    async def awaited(self, pool: ThreadPool, operation: str) -> None:
        """Until a thread of the pool has made it: then there is an outcome. Cancelling this leaves it where it is.

        `Stopped` when the pool was, or is shut down before the call has begun."""
        self._pool = pool
        pool.put(self)
        await self._landed
        if self.began is None:
            raise Stopped(f"{operation}: the thread pool was shut down before it began")

    def run(self) -> None:
        self()
        self._landing.add(self)

    def done(self) -> bool:
        return self.ended is not None

    def taken(self) -> float | None:
        return self._taken

    def take(self, now: float) -> None:
        """In the loop: who awaits it goes on."""
        self._taken = now
        if not self._landed.done():
            self._landed.set_result(None)

    def call_loop(self, callback: Callable[[], object]) -> None:
        """`RuntimeError` when the loop is closed."""
        self._landed.get_loop().call_soon_threadsafe(callback)

    def cancel(self) -> bool:
        """From any thread: whether it has not begun, and will not."""
        if self._pool is None or not self._pool.withdraw(self):
            return False
        self._landing.add(self)
        return True


class Landing:
    """Where the calls of one loop come back. Any thread may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._landed: deque[Offloaded] = deque()  # by _lock
        self._is_expected = False  # by _lock: the loop comes, or is closed

    def add(self, call: Offloaded) -> None:
        with self._lock:
            self._landed.append(call)
            if self._is_expected:
                return
            self._is_expected = True
        try:
            call.call_loop(self._deliver)
        except RuntimeError:  # the loop is closed: nobody waits there
            self.clear()

    def clear(self) -> None:
        with self._lock:
            self._landed.clear()

    def leave_behind(self) -> None:
        """In a forked child: its loop is the parent's, and a thread that held the lock is not here."""
        self._lock = threading.Lock()
        self._landed.clear()
        self._is_expected = True

    def _deliver(self) -> None:
        """In the loop."""
        with self._lock:
            landed = [self._landed.popleft() for _ in range(min(AT_ONCE, len(self._landed)))]
            self._is_expected = bool(self._landed)
        if self._is_expected:
            asyncio.get_running_loop().call_soon(self._deliver)
        now = time.perf_counter()
        for call in landed:
            call.take(now)


_lock = threading.Lock()
_landings: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Landing]" = weakref.WeakKeyDictionary()
"""Added to under _lock."""


def landing_of(loop: asyncio.AbstractEventLoop) -> Landing:
    landing = _landings.get(loop)
    if landing is None:
        with _lock:
            for other, landing in list(_landings.items()):
                if other.is_closed():
                    landing.clear()  # what is there leads to the loop, which would be here for ever
            landing = _landings[loop] = Landing()
    return landing


def _after_fork_in_child() -> None:
    global _lock, _landings
    for landing in list(_landings.values()):
        landing.leave_behind()
    _lock = threading.Lock()
    _landings = weakref.WeakKeyDictionary()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
