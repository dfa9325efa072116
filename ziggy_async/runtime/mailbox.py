"""Wakes a loop from any thread, once for all futures that have ended since: that costs more than a short call."""

import asyncio
import logging
import math
import time
import weakref
from collections import deque

logger = logging.getLogger(__name__)

AT_ONCE = 64  # futures that are set in one iteration of their loop: the code that each resumes takes some microseconds
WAKE_AGAIN = 0.1  # seconds after which a loop that has not come is woken anew: an interrupt may swallow the wake-up


def wake(waiter: "asyncio.Future[None]") -> None:
    """Sets the future in its loop, from any thread. Does nothing if that loop is closed."""
    loop = waiter.get_loop()
    if asyncio._get_running_loop() is loop:
        _set(waiter)
    else:
        mailbox_of(loop).add(waiter)


class Mailbox:
    """The futures of one loop that are to be set there. Any thread may add to it."""

    def __init__(self) -> None:
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._woken = -math.inf  # when the loop was woken; -inf once it has come

    def is_due(self, seconds: float = 0.0) -> bool:
        """Returns whether the loop was woken, `seconds` ago or earlier, and has not come yet."""
        return -math.inf < self._woken <= time.perf_counter() - seconds

    def add(self, waiter: "asyncio.Future[None]") -> None:
        """Wakes the loop. That an open loop cannot be woken is logged; the next call tries again."""
        self._waiters.append(waiter)  # first: `_deliver` resets `_woken` before it looks here
        now = time.perf_counter()
        if now - self._woken < WAKE_AGAIN:
            return
        self._woken = now
        loop = waiter.get_loop()
        try:
            loop.call_soon_threadsafe(self._deliver)
        except Exception:
            self._woken = -math.inf
            if loop.is_closed():
                self._waiters.clear()  # which would keep it alive
            else:
                logger.exception("an event loop cannot be woken; the next call that ends tries again")

    def _deliver(self) -> None:
        """Sets the futures, in the loop. An interrupt in the middle loses none."""
        try:
            self._woken = -math.inf
            for _ in range(min(AT_ONCE, len(self._waiters))):
                _set(self._waiters[0])
                self._waiters.popleft()
        finally:
            if self._waiters:
                self._woken = time.perf_counter()
                asyncio.get_running_loop().call_soon(self._deliver)


def _set(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


_mailboxes: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox]" = weakref.WeakKeyDictionary()


def mailbox_of(loop: asyncio.AbstractEventLoop) -> Mailbox:
    """Takes no lock, since each step is one operation of the dictionary: a forked child finds none that is held."""
    mailbox = _mailboxes.get(loop)
    if mailbox is None:
        for reference in _mailboxes.keyrefs():
            if (other := reference()) is not None and other.is_closed():
                _mailboxes.pop(other, None)  # what is left in it would keep it alive
        mailbox = _mailboxes.setdefault(loop, Mailbox())
    return mailbox
