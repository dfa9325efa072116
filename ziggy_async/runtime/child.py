"""What a process of the pool does: one call after another, until it is sent home or its parent is gone."""

import contextlib
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any

from ziggy_async.runtime import parcels


def serve(connection: "Connection[Any, Any]") -> None:
    """Sends an empty parcel when it is ready, and is sent home by one. Answers begin with the number that their request
    began with.

    A call that forks may return twice: the forked process has no connection, and ends. A terminal's interrupt is its
    parent's to deal with. SIGTERM ends it in the middle of whatever it does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=connection.close)
    threading.Thread(target=_end_with_parent, name="ziggy-async-parent", daemon=True).start()
    with contextlib.suppress(EOFError, OSError):  # the parent is gone, or this is a forked process
        parcels.send(connection, parcels.Parcel())
        while request := parcels.receive(connection):
            number = request.popleft()
            reply = parcels.answer(request)
            reply.appendleft(number)
            parcels.send(connection, reply)


def _end_with_parent() -> None:
    """A call that hangs does not outlive a parent that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
