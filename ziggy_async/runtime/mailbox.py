"""A call's way from a loop to a thread and back.

All calls that have ended since a loop was last woken come back with one wake-up: it costs more than a short call.
"""

import asyncio
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any

from ziggy_async.runtime.call import Call
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.gil_gate import kind_of
from ziggy_async.runtime.threads import ThreadPool

AT_ONCE = 64
"""Callers that are told in one turn of their loop: what each then does takes some microseconds."""

WAKE_AGAIN = 0.1
"""Seconds after which a loop that has not come is woken once more: an interrupt may have swallowed what it was told."""


class Offloaded(Call):
    """A call that a loop awaits while a thread makes it. It is a `ziggy_async.runtime.threads.Job`."""

    __slots__ = ("_landing", "_permit", "_pool", "_told", "kind")

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
        self._told: asyncio.Future[None] = loop.create_future()
        self._permit = [None]  # whoever takes it out may begin the call, or cancel it
        self._pool: ThreadPool | None = None

    async def awaited(self, pool: ThreadPool, operation: str) -> None:
        """Until a thread of the pool has made it: then there is an outcome. Cancelling this leaves it where it is.

        `Stopped` when the pool was, or is shut down before the call has begun."""
        self._pool = pool
        pool.put(self)
        await self._told
        if self.began is None:
            raise Stopped(f"{operation}: the thread pool was shut down before it began")

    def run(self) -> None:
        if self._has_permit():
            self()

    def land(self) -> None:
        if not self._told.done():  # else nobody awaits it any more
            self._landing.add(self)

    def done(self) -> bool:
        return self.ended is not None

    def is_taken(self) -> bool:
        return self._told.done()

    def cancel(self) -> bool:
        """From any thread: whether it has not begun, and will not."""
        if not self._has_permit():
            return False
        if self._pool is not None:
            self._pool.withdraw(self)
        self.land()
        return True

    def tell(self) -> None:
        """In the loop: who awaits it goes on."""
        if not self._told.done():
            self._told.set_result(None)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._told.get_loop()

    def _has_permit(self) -> bool:
        try:
            self._permit.pop()
        except IndexError:
            return False
        return True


class Landing:
    """Where the calls of one loop come back. Any thread may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Offloaded] = deque()  # by _lock
        self._is_expected = False  # by _lock: the loop comes
        self._woken = 0.0  # by _lock

    def add(self, call: Offloaded) -> None:
        """Raises what an open loop does that will not be woken; the next call tries again."""
        now = time.perf_counter()
        with self._lock:
            self._calls.append(call)
            if self._is_expected and now - self._woken < WAKE_AGAIN:
                return
            self._is_expected, self._woken = True, now
        loop = call.get_loop()
        try:
            loop.call_soon_threadsafe(self._deliver)
        except BaseException:
            with self._lock:
                self._is_expected = False
            if not loop.is_closed():
                raise
            self.clear()

    def clear(self) -> None:
        """Of a loop that is closed: nobody waits there, and what is here leads to it."""
        with self._lock:
            self._calls.clear()

    def leave_behind(self) -> None:
        """In a forked child: its loop is the parent's, and a thread that held the lock is not here."""
        self._lock = threading.Lock()
        self._calls.clear()
        self._is_expected, self._woken = True, math.inf

    def _deliver(self) -> None:
        """In the loop. An interrupt in the middle loses no call."""
        is_over = False
        try:
            for _ in range(AT_ONCE):
                with self._lock:
                    if not self._calls:
                        self._is_expected, is_over = False, True
                        return
                    call = self._calls[0]
                call.tell()
                self._calls.popleft()
        finally:
            if not is_over:
                asyncio.get_running_loop().call_soon(self._deliver)


_lock = threading.Lock()
_landings: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Landing]" = weakref.WeakKeyDictionary()
"""Added to under _lock."""


def landing_of(loop: asyncio.AbstractEventLoop) -> Landing:
    landing = _landings.get(loop)
    if landing is None:
        with _lock:
            for other, landing in list(_landings.items()):
                if other.is_closed():
                    landing.clear()
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
