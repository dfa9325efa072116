"""The way between asyncio and the native pool: a port for each running loop, and the notifier thread that wakes loops.

Nothing here runs before the first await: importing the package starts no thread and creates no loop.
"""

import asyncio
import threading
import weakref
from asyncio import get_running_loop
from collections.abc import Callable
from typing import Any, Literal, cast, get_args

from ziggy_async import _core, lifecycle
from ziggy_async.environment import ConfigurationError, choice
from ziggy_async.runtime.errors import Stopped
from ziggy_async.tracing import TracedPort, tracer

Wake = Literal["threadsafe", "eventfd"]
WAKE_VARIABLE = "ASYNC_FEATURES_WAKE"
EXIT_TIMEOUT = 2.0
"""Seconds that interpreter exit waits for the native threads: far longer than one tile of work takes."""
ANSWER_TIMEOUT = 0.1
"""Seconds that it leaves then to calls of daemon threads, to raise `Stopped`: as many as to those that await a pool."""


LastSeen = tuple[Callable[[], asyncio.AbstractEventLoop | None], Any]

_NOTHING_SEEN: LastSeen = (lambda: None, None)

_lock = threading.Lock()
# By _lock; a reload keeps them:
_ports: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _core.Port]"
_ports = globals().get("_ports") or weakref.WeakKeyDictionary()
_notifier: threading.Thread | None = globals().get("_notifier")
_last_seen = _NOTHING_SEEN  # written under _lock
"""The loop that was asked for last, held weakly, and its port, which outlives it until another one is asked for: the
answer to nearly every call of `port`, since threads take turns less often than that."""


def wake() -> Wake:
    """Returns how finished work wakes its loop: the environment's `ASYNC_FEATURES_WAKE`, "threadsafe" unless it is set.

    "threadsafe" is `loop.call_soon_threadsafe` out of the notifier thread; "eventfd" is a descriptor (a pipe where
    there is no eventfd) that the loop watches. Raises `ConfigurationError`, a `ValueError`, for anything else.
    """
    return cast(Wake, choice(WAKE_VARIABLE, get_args(Wake), "threadsafe"))


def port() -> tuple[asyncio.AbstractEventLoop, _core.Port]:
    """Returns the running loop and its port. Raises `ValueError` as for `wake`; `RuntimeError` outside of a loop, and
    `Stopped`, which is one, once the interpreter is exiting."""
    loop = get_running_loop()
    last_loop, last_port = _last_seen
    port = last_port if last_loop() is loop else _port_of(loop)
    return loop, port if tracer() is None else cast(Any, TracedPort(port))


def _port_of(loop: asyncio.AbstractEventLoop) -> _core.Port:
    global _last_seen
    with _lock:
        if lifecycle.has_ended(lifecycle.Stage.BRIDGE):
            raise Stopped("the interpreter is exiting: the native pool is closed")
        found = _ports.get(loop)
        if found is None:
            way = wake()
            _start_notifier()
            _close_ports_of_closed_loops()
            found = _ports[loop] = _core.Port(loop, way)
        _last_seen = weakref.ref(loop), found
    return found


def _close_ports_of_closed_loops() -> None:
    """Lets go of what is under way for them: nobody else hears of a closed loop that was to be woken by descriptor, or
    that was woken just before it was closed."""
    for loop, port in list(_ports.items()):
        if loop.is_closed():
            port.close()
            del _ports[loop]


def _start_notifier() -> None:
    """Starts the thread that wakes loops, computes a single request at idle times, and disposes of what closed loops
    left."""
    global _notifier
    if _notifier is None or not _notifier.is_alive():
        notifier = threading.Thread(target=_core.notifier_run, name="ziggy-async-notifier", daemon=True)
        notifier.start()
        _notifier = notifier


def _after_fork_in_child() -> None:
    """Begins as after import: the parent's threads and loops are not here."""
    global _lock, _ports, _notifier, _last_seen
    _core.after_fork_in_child()
    for port in list(_ports.values()):
        port.close()
    _lock = threading.Lock()
    _ports = weakref.WeakKeyDictionary()
    _notifier = None
    _last_seen = _NOTHING_SEEN


def is_of_the_process(error: Exception) -> bool:
    """Returns whether `error` has nothing to do with what was asked for: a wrong variable, or the interpreter exits."""
    return lifecycle.has_ended(lifecycle.Stage.BRIDGE) or isinstance(error, ConfigurationError | Stopped)


def _at_exit() -> None:
    """Threads may still call in: from here on each is told so, also those that remember their port."""
    global _last_seen
    with _lock:
        _last_seen = _NOTHING_SEEN
        notifier = _notifier
    # A notifier that does not end in time is a daemon: it is left where it waits, without the GIL.
    if _core.shutdown(EXIT_TIMEOUT, ANSWER_TIMEOUT) and notifier is not None:
        notifier.join(EXIT_TIMEOUT)


lifecycle.after_fork_in_child(lifecycle.Stage.BRIDGE, _after_fork_in_child)
lifecycle.at_exit(lifecycle.Stage.BRIDGE, _at_exit)
