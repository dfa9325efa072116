"""The main loop of a pool's process: one call after another, until its connection ends or its parent is gone."""

import contextlib
import inspect
import io
import multiprocessing
import os
import pickle
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any

from ziggy_async.messages import described, kind_of
from ziggy_async.runtime.pickling import PROTOCOL, Failure
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
    """Makes the call. Returns its packed outcome: a pickled pair of its value and None, or None and a `Failure`. Never
    raises what the call raises."""
    try:
        stream = io.BytesIO(request)
        name, trace = pickle.load(stream)
        try:
            function, args, kwargs = pickle.load(stream)
        except BaseException as error:
            raise TypeError(
                f"the call of {name} cannot be unpickled in another process: {described(error)}; "
                "what is sent there has to be in modules that it can import"
            ) from None
        del request, stream
        with carried(trace):
            value = function(*args, **kwargs)
        if inspect.iscoroutine(value):
            value.close()  # else it warns that nobody has awaited it
            raise TypeError(f"{name} returned a coroutine: {NO_COROUTINES}")
        try:
            return pickle.dumps((value, None), PROTOCOL)
        except BaseException as error:
            what = f"the result of {name}, {kind_of(value)},"
            raise TypeError(f"{what} cannot be pickled: {described(error)}") from None
    except BaseException as error:
        return pickle.dumps((None, Failure.of(error)), PROTOCOL)


def _end_with_parent() -> None:
    """A call that hangs does not outlive a parent that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
