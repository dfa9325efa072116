"""Where the asyncio loop meets the native pool: one port per running loop, and the notifier thread that wakes loops.

Nothing here runs before the first await: importing the package starts no thread and creates no loop.
"""

import asyncio
import atexit
import os
import threading
import weakref
from asyncio import get_running_loop
from collections.abc import Callable
from typing import Any, Literal, cast

from ziggy_async import _core

Wake = Literal["threadsafe", "eventfd"]
WAKE_VARIABLE = "ASYNC_FEATURES_WAKE"
EXIT_TIMEOUT = 2.0
"""Seconds that interpreter exit waits for the native threads: far longer than one tile of work takes."""


class _LastSeen(threading.local):
    """The loop that this thread asked for last, held weakly, and its port: the answer to nearly every call of `port`.

    The port outlives its loop until the thread asks for another one. One tuple, as each look into a thread's own costs.
    """

    pair: tuple[Callable[[], asyncio.AbstractEventLoop | None], Any] = (lambda: None, None)


_lock = threading.Lock()
_ports: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _core.Port]" = weakref.WeakKeyDictionary()  # by _lock
_notifier: threading.Thread | None = None  # by _lock
_last_seen = _LastSeen()


def wake() -> Wake:
    """How finished work wakes its loop: the environment's `ASYNC_FEATURES_WAKE`, "threadsafe" unless it is set.

    "threadsafe" is `loop.call_soon_threadsafe` out of the notifier thread; "eventfd" is a descriptor (a pipe where
    there is no eventfd) that the loop watches. `ValueError` for anything else.
    """
    value = os.environ.get(WAKE_VARIABLE, "threadsafe")
    if value not in ("threadsafe", "eventfd"):
        raise ValueError(f"{WAKE_VARIABLE}: {value!r} is neither 'threadsafe' nor 'eventfd'")
    return cast(Wake, value)


def port() -> tuple[asyncio.AbstractEventLoop, _core.Port]:
    """The running loop and its port. `RuntimeError` outside of a loop, `ValueError` as for `wake`."""
    loop = get_running_loop()
    last_loop, last_port = _last_seen.pair
    if last_loop() is loop:
        return loop, last_port
    return loop, _port_of(loop)


def _port_of(loop: asyncio.AbstractEventLoop) -> _core.Port:
    with _lock:
        found = _ports.get(loop)
        if found is None:
            way = wake()
            _start_notifier()
            _close_ports_of_closed_loops()
            found = _ports[loop] = _core.Port(loop, way)
    _last_seen.pair = weakref.ref(loop), found
    return found


def _close_ports_of_closed_loops() -> None:
    """Lets go of what is under way for them: of a closed loop that was to be woken by descriptor nobody else hears."""
    for loop, port in list(_ports.items()):
        if loop.is_closed():
            port.close()
            del _ports[loop]


def _start_notifier() -> None:
    """The thread that wakes loops, computes a single request at idle times, and disposes of what closed loops left."""
    global _notifier
    if _notifier is None or not _notifier.is_alive():
        _notifier = threading.Thread(target=_core.notifier_run, name="ziggy-async-notifier", daemon=True)
        _notifier.start()


def _after_fork_in_child() -> None:
    """The parent's threads and loops are not here: begin as after import."""
    global _lock, _ports, _notifier, _last_seen
    _core.after_fork_in_child()
    _lock = threading.Lock()
    _ports = weakref.WeakKeyDictionary()
    _notifier = None
    _last_seen = _LastSeen()


def _at_exit() -> None:
    # A notifier that does not end in time is a daemon: it is left where it waits, without the GIL.
    if _core.shutdown(EXIT_TIMEOUT) and _notifier is not None:
        _notifier.join(EXIT_TIMEOUT)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
