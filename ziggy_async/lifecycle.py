"""The one ordered list of what is done when the process forks and when the interpreter exits.

Modules install their handlers for a stage, and know nothing of each other's.
"""

import atexit
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from enum import IntEnum, auto
from functools import cache
from typing import Any

Handler = Callable[[], object]

LOCK_TIMEOUT = 1.0  # seconds that a fork waits for a file that is in use: its own thread may be the one that uses it


class Stage(IntEnum):
    """The parts that have something to do then, the lowest first. A forked child makes them anew in this order. At exit
    they end in the reverse order, so that what still runs may use the parts below its own."""

    BRIDGE = auto()
    """The native pool, the ports of the loops, and the thread that wakes them."""
    BACKGROUND_LOOP = auto()
    THREADS = auto()
    PROCESSES = auto()
    COMPARISONS = auto()
    METRICS = auto()
    SOURCES = auto()
    COMPUTERS = auto()


# A reload keeps these:
_files: "weakref.WeakKeyDictionary[Any, threading.Lock]" = globals().get("_files") or weakref.WeakKeyDictionary()
_after_fork: dict[Stage, Handler] = globals().get("_after_fork", {})
_at_exit: dict[Stage, Handler] = globals().get("_at_exit", {})
_ended: set[Stage] = globals().get("_ended", set())  # those that the exit has come to

_forking = threading.local()  # `locks`: those that its thread holds while it forks


def close_before_fork(file: Any, lock: threading.Lock) -> None:
    """Has each fork call `file.close()` with the lock held, and release it in both processes; a file whose lock is not
    free within a second stays open. `file` is referred to weakly. `lock`: held by whoever uses the file."""
    _files[file] = lock


def after_fork_in_child(stage: Stage, handler: Handler) -> None:
    """Has a forked child call `handler`. A module that is reloaded replaces its own."""
    _after_fork[stage] = handler


def at_exit(stage: Stage, handler: Handler) -> None:
    """Has the interpreter's exit call `handler`. A module that is reloaded replaces its own."""
    _at_exit[stage] = handler


def has_ended(stage: Stage) -> bool:
    """Returns whether the interpreter's exit has come to the stage: what belongs to it takes nothing new."""
    return stage in _ended


@cache
def exit_before_others(stage: Stage) -> None:
    """Moves our exit handler in front of those that are registered with `atexit` by now, once a stage. Needed where
    another one, such as multiprocessing's, would wait for what the stage ends."""
    atexit.unregister(_run_at_exit)
    atexit.register(_run_at_exit)


def _close_files() -> None:
    if hasattr(_forking, "locks"):  # this module was reloaded, or a signal's handler forks amid a fork
        return
    _forking.locks = ExitStack()
    for file in [reference() for reference in _files.keyrefs()]:  # not `items`: another thread may add one meanwhile
        if file is not None and (lock := _files[file]).acquire(timeout=LOCK_TIMEOUT):
            _forking.locks.callback(lock.release)
            file.close()


def _release_files() -> None:
    vars(_forking).pop("locks", ExitStack()).close()


def _run_after_fork_in_child() -> None:
    _release_files()
    for _, handler in sorted(_after_fork.items()):
        handler()


def _run_at_exit() -> None:
    with ExitStack() as handlers:  # which calls the last first, and each of them, whatever the others raise
        for stage, handler in sorted(_at_exit.items()):
            handlers.callback(handler)
            handlers.callback(_ended.add, stage)


os.register_at_fork(before=_close_files, after_in_parent=_release_files, after_in_child=_run_after_fork_in_child)
atexit.register(_run_at_exit)
