"""The main loop of a pool's process: one call after another, until its connection ends or its parent is gone."""

import contextlib
import inspect
import multiprocessing
import os
import pickle
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any

from ziggy_async.messages import kind_of
from ziggy_async.runtime.call import described
from ziggy_async.runtime.pickling import PROTOCOL, name_of, pack_error
from ziggy_async.tracing import carried

READY = b"+"
"""The byte that a process sends when it takes calls."""
LENGTH = 8
"""Bytes of the number, most significant first, that says how long a call is."""

NO_COROUTINES = "a process calls plain functions, coroutine functions run on the loop"


def serve(connection: "Connection[Any, Any]") -> None:
    """Reads calls, each after its length, and writes an outcome for each.

    A call that forks may return twice: the forked process has no connection, and ends. A terminal's interrupt is its
    parent's to deal with.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=connection.close)
    threading.Thread(target=_end_with_parent, name="ziggy-async-parent", daemon=True).start()
    file = connection.fileno()
    with (
        contextlib.suppress(OSError),  # the parent is gone, or this is a forked process
        open(file, "rb", closefd=False) as reader,
        open(file, "wb", closefd=False) as writer,
    ):
        outcome = READY
        while True:
            writer.write(outcome)
            writer.flush()
            length = reader.read(LENGTH)
            if len(length) < LENGTH:
                return
            outcome = answer(reader.read(int.from_bytes(length, "big")))


def answer(request: bytes) -> bytes:
    """Makes the call and packs its outcome: ("value", value), ("unpicklable", why), ("not loaded", why), or as
    `pack_error` has it. Never raises what the call raises."""
    try:
        function, args, kwargs, trace = pickle.loads(request)
    except BaseException as error:
        return pickle.dumps(("not loaded", described(error)))
    del request
    try:
        with carried(trace):
            value = function(*args, **kwargs)
    except BaseException as error:
        return pack_error(error)
    try:
        if inspect.iscoroutine(value):
            value.close()  # else it warns that nobody has awaited it
            return pickle.dumps(("unpicklable", f"{name_of(function)} returned a coroutine: {NO_COROUTINES}"))
        return pickle.dumps(("value", value), PROTOCOL)
    except BaseException as error:
        what = f"the result of {name_of(function)}, {kind_of(value)},"
        return pickle.dumps(("unpicklable", f"{what} cannot be pickled: {described(error)}"))


def _end_with_parent() -> None:
    """A call that hangs does not outlive a parent that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
