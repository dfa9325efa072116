"""Wakes the futures of a loop from any thread: one wake-up, which costs more than a short call, for all that have ended
since the last one."""

import asyncio
import threading
import time
import weakref
from collections import deque

from ziggy_async import lifecycle

AT_ONCE = 64
"""Futures that are set in one iteration of their loop: the code that each resumes takes some microseconds."""

WAKE_AGAIN = 0.1
"""Seconds after which a loop that has not come is woken once more: an interrupt may have swallowed the wake-up."""


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
        self._lock = threading.Lock()
        self._waiters: deque[asyncio.Future[None]] = deque()  # by _lock
        self._is_expected = False  # by _lock: the loop comes
        self._woken = 0.0  # by _lock

    def add(self, waiter: "asyncio.Future[None]") -> None:
        """Wakes the loop. Raises the error of an open loop that cannot be woken; the next call tries again."""
        now = time.perf_counter()
        with self._lock:
            self._waiters.append(waiter)
            if self._is_expected and now - self._woken < WAKE_AGAIN:
                return
            self._is_expected, self._woken = True, now
        loop = waiter.get_loop()
        try:
            loop.call_soon_threadsafe(self._deliver)
        except BaseException:
            with self._lock:
                self._is_expected = False
            if not loop.is_closed():
                raise
            self.clear()

    def clear(self) -> None:
        """Drops the futures of a closed loop, which would keep it alive."""
        with self._lock:
            self._waiters.clear()

    def _deliver(self) -> None:
        """Sets the futures, in the loop. An interrupt in the middle loses none."""
        is_over = False
        try:
            for _ in range(AT_ONCE):
                with self._lock:
                    if not self._waiters:
                        self._is_expected, is_over = False, True
                        return
                    waiter = self._waiters[0]
                _set(waiter)
                self._waiters.popleft()
        finally:
            if not is_over:
                asyncio.get_running_loop().call_soon(self._deliver)


def _set(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


_lock = threading.Lock()
_mailboxes: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox]" = weakref.WeakKeyDictionary()
"""Added to under _lock."""


def mailbox_of(loop: asyncio.AbstractEventLoop) -> Mailbox:
    mailbox = _mailboxes.get(loop)
    if mailbox is not None:
        return mailbox
    with _lock:
        for other, mailbox in list(_mailboxes.items()):
            if other.is_closed():
                mailbox.clear()
        return _mailboxes.setdefault(loop, Mailbox())


def _after_fork_in_child() -> None:
    """Drops the mailboxes: their futures are the parent's."""
    global _lock, _mailboxes
    _lock = threading.Lock()
    _mailboxes = weakref.WeakKeyDictionary()


lifecycle.after_fork_in_child(lifecycle.Stage.MAILBOXES, _after_fork_in_child)
