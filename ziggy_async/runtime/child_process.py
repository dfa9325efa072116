"""A process of the pool, as its parent sees it."""

import contextlib
import multiprocessing
import pickle
import signal
import threading
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any

from ziggy_async.messages import described
from ziggy_async.runtime import child
from ziggy_async.runtime.errors import WorkerLost
from ziggy_async.runtime.pickling import Chunks, Failure

START_TIMEOUT = 60.0
"""Seconds that a process may take to import what it needs."""
GRACE = 1.0
"""Seconds that a process has to end once its connection has."""
UNKNOWN_EXIT = 255
"""The exit code of a process whose fork server is gone."""

HINT = (
    "What it wrote to stderr says why. Processes import the script that was run: what it does has to stand below "
    "`if __name__ == '__main__':`"
)

_context: ForkServerContext | SpawnContext = multiprocessing.get_context("forkserver")
_exit_codes = threading.Lock()
"""An exit code can be read once, and starting a process reads those of all the others."""


class ChildProcess:
    """One process, for one call at a time. All but `kill` is for the thread that has it."""

    def __init__(self, name: str) -> None:
        """Starts it, without waiting until it is ready. `name`: the call that it is for, for the errors.

        `RuntimeError` when it cannot be started.
        """
        self._connection, theirs = _context.Pipe()
        self._process = _context.Process(target=child.serve, args=(theirs,), name="ziggy-async-process")
        self._is_ready = False
        self._exit_code: int | None = None
        self.is_usable = True
        try:
            with _exit_codes:
                self._process.start()
        except (OSError, EOFError, RuntimeError, AssertionError) as error:
            self._connection.close()
            raise RuntimeError(f"{name}: no process could be started, {described(error)}. {HINT}") from error
        finally:
            theirs.close()
        self.pid = self._process.pid

    def is_gone(self) -> bool:
        """Returns whether it has ended while it had nothing to do."""
        try:  # it sends nothing unasked, but that it is ready: what can be read is the end
            return self._is_ready and self._connection.poll(0)
        except OSError:
            return True

    def call(self, request: Chunks, name: str) -> tuple[Any, Failure | None]:
        """Sends a packed call, and waits for its value or failure. Unless that comes, the process is of no use any
        more.

        `WorkerLost` when the process ends, `RuntimeError` when it never becomes ready, `TypeError` when the outcome
        does not unpickle.
        """
        self.is_usable = False
        try:
            if not self._is_ready:
                self._await_ready(name)
            self._send(request)
            value, failure = self._receive(name)
        except (EOFError, OSError):
            raise self._lost(name) from None
        self.is_usable = True
        return value, failure

    def _await_ready(self, name: str) -> None:
        heard = wait([self._connection, self._process.sentinel], START_TIMEOUT)
        if not heard:
            raise RuntimeError(f"{name}: its process is not ready after {START_TIMEOUT:g} s. {HINT}")
        with open(self._connection.fileno(), "rb", buffering=0, closefd=False) as reader:
            if self._connection not in heard or reader.read(1) != child.READY:
                raise EOFError
        self._is_ready = True

    def _send(self, request: Chunks) -> None:
        length = sum(map(len, request))
        with open(self._connection.fileno(), "wb", closefd=False) as writer:
            writer.write(length.to_bytes(child.LENGTH, "big"))
            writer.writelines(request)
        request.clear()

    def _receive(self, name: str) -> Any:
        """Raises `EOFError` when the process ends, also in the middle of an outcome."""
        try:
            with open(self._connection.fileno(), "rb", closefd=False) as reader:
                return pickle.load(reader)
        except Exception as error:
            if isinstance(error, EOFError | OSError) or self._has_ended(0.0):
                raise EOFError from None
            raise TypeError(f"the result of {name} cannot be unpickled: {described(error)}") from error

    def _has_ended(self, patience: float) -> bool:
        return bool(wait([self._process.sentinel], patience))

    def _lost(self, name: str) -> RuntimeError:
        has_ended = self._has_ended(GRACE)
        self.stop()
        code = self._exit_code
        if not has_ended:
            how = "closed its connection"
        elif code is None or code == UNKNOWN_EXIT:
            how = "ended"
        elif code < 0:
            name_of_signal = next((each.name for each in signal.Signals if each == -code), f"signal {-code}")
            how = f"was ended by {name_of_signal}"
        else:
            how = f"ended with exit status {code}"
        if has_ended and not self._is_ready and code is not None and code > 0:
            return RuntimeError(f"{name}: its process {how} before it was ready. {HINT}")
        return WorkerLost(f"{name}: its process {how}")

    def kill(self) -> None:
        """Ends it, and with it the call under way. From any thread."""
        with contextlib.suppress(ValueError):  # it is closed
            self._process.kill()

    def stop(self, patience: float = 0.0) -> None:
        """Ends its connection, and the process after so many seconds, and frees what it had."""
        self.is_usable = False
        if self._connection.closed:
            return
        self._connection.close()
        if not self._has_ended(patience):
            self._process.kill()
            self._has_ended(GRACE)
        with _exit_codes, contextlib.suppress(ValueError):  # it cannot be ended
            self._exit_code = self._process.exitcode
            self._process.close()

    def forget(self) -> None:
        """Lets go of it, in a forked child, which must neither hold its connection nor wait for it at the exit."""
        self._connection.close()
        getattr(multiprocessing.process, "_children", set()).discard(self._process)


def after_fork_in_child() -> None:
    """Starts processes without the parent's fork server, which does not serve its forked children."""
    global _context, _exit_codes
    _context = multiprocessing.get_context("spawn")
    _exit_codes = threading.Lock()
