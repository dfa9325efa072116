"""The main loop of a pool's process: one call after another, until its connection ends or its parent is gone."""

import contextlib
import inspect
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

from ziggy_async.messages import described, kind_of
from ziggy_async.tracing import Carrier, carried


def serve(connection: "Connection[Any, Any]") -> None:
    """Writes a pickled None when it takes calls, then reads them and writes the outcome of each.

    A call that forks may return twice: the forked process has no connection, and ends. A terminal's interrupt is its
    parent's to deal with.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.register_at_fork(after_in_child=connection.close)
    threading.Thread(target=_end_with_parent, name="ziggy-async-parent", daemon=True).start()
    outcome = pickle.dumps(None)
    with contextlib.suppress(EOFError, OSError):  # the parent is gone, or this is a forked process
        while True:
            with open(connection.fileno(), "wb", closefd=False) as writer:
                writer.write(outcome)
            with open(connection.fileno(), "rb", closefd=False) as reader:
                name, trace, length = pickle.load(reader)
                outcome = answer(name, trace, reader.read(length))


def answer(name: str, trace: Carrier | None, request: bytes) -> bytes:
    """Makes the call of the function that has the name. Returns its outcome, pickled: its value, its exception, and the
    traceback of that. Never raises what the call raises."""
    try:
        try:
            function, args, kwargs = pickle.loads(request)
        except BaseException as error:
            raise TypeError(
                f"the call of {name} cannot be unpickled in another process: {described(error)}; "
                "what is sent there has to be in modules that it can import"
            ) from None
        del request
        with carried(trace):
            value = function(*args, **kwargs)
        if inspect.iscoroutine(value):
            value.close()  # else it warns that nobody has awaited it
            why_not = "a process calls plain functions, coroutine functions run on the loop"
            raise TypeError(f"{name} returned a coroutine: {why_not}")
        try:
            return pickle.dumps((value, None, None), pickle.HIGHEST_PROTOCOL)
        except BaseException as error:
            what = f"the result of {name}, {kind_of(value)},"
            raise TypeError(f"{what} cannot be pickled: {described(error)}") from None
    except BaseException as error:
        frames = error.__traceback__
        text = "".join(traceback.format_exception(type(error), error, frames and frames.tb_next))
        if not _comes_back(error):
            error = RuntimeError(f"{name} raised what cannot be pickled: {described(error)}")
        return pickle.dumps((None, error, text))


def _comes_back(error: BaseException) -> bool:
    """Returns whether the exception pickles and unpickles: not if its constructor wants more than `args`."""
    try:
        return isinstance(pickle.loads(pickle.dumps(error)), BaseException)
    except BaseException:  # objects may raise anything
        return False


def _end_with_parent() -> None:
    """A call that hangs does not outlive a parent that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
