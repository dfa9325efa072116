"""A process of the pool, as its parent sees it."""

import contextlib
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext

from ziggy_async.runtime import child, parcels
from ziggy_async.runtime.call import described
from ziggy_async.runtime.errors import Stopped, WorkerLost

START_TIMEOUT = 60.0
"""Seconds that a process may take to import what it needs."""
GRACE = 1.0
"""Seconds that a process has to end by itself, and those between SIGTERM and SIGKILL."""
UNKNOWN_EXIT = 255
"""The exit code of a process whose fork server is gone."""

HINT = (
    "What it wrote to stderr says why. Processes import the script that was run: what it does has to stand below "
    "`if __name__ == '__main__':`"
)

_context: ForkServerContext | SpawnContext = (
    multiprocessing.get_context("forkserver")
    if "forkserver" in multiprocessing.get_all_start_methods()
    else multiprocessing.get_context("spawn")
)
_exit_codes = threading.Lock()
"""An exit code can be read once, and starting a process reads those of all the others."""


class ChildProcess:
    """One process, for one call at a time. All but `interrupt` and `kill` is for the thread that has it."""

    def __init__(self, name: str) -> None:
        """Starts it, without waiting until it is ready. `name`: the call that it is for, for the errors.

        `RuntimeError` when it cannot be started.
        """
        self._connection, theirs = _context.Pipe()
        self._interrupts, self._interrupting = _context.Pipe(duplex=False)
        self._process = _context.Process(target=child.serve, args=(theirs,), name="ziggy-async-process")
        self._is_ready = False
        self._calls = 0
        self.is_usable = True
        try:
            with _exit_codes:
                self._process.start()
        except (OSError, EOFError, RuntimeError, AssertionError) as error:
            self._disconnect()
            raise RuntimeError(f"{name}: no process could be started, {described(error)}. {HINT}") from error
        finally:
            theirs.close()
        self.pid = self._process.pid

    def is_gone(self) -> bool:
        """Whether it has ended while it had nothing to do."""
        try:  # it says nothing unasked, but that it is ready: what can be read is the end
            return self._is_ready and self._connection.poll(0)
        except OSError:
            return True

    def call(self, request: parcels.Parcel, name: str) -> parcels.Parcel:
        """Sends a packed call, and waits for the packed outcome. Unless that comes, the process is of no use any more.

        `WorkerLost` when the process dies, or says what it was not asked, `Stopped` after `interrupt`, `RuntimeError`
        when it never becomes ready.
        """
        self.is_usable = False
        self._calls += 1
        number = self._calls.to_bytes(8, "big")
        request.appendleft(number)
        try:
            if not self._is_ready:
                if not self._is_heard_within(START_TIMEOUT):
                    raise RuntimeError(f"{name}: its process is not ready after {START_TIMEOUT:g} s. {HINT}")
                parcels.receive(self._connection)
                self._is_ready = True
            parcels.send(self._connection, request)
            self._is_heard_within(None)
            reply = parcels.receive(self._connection)
        except _Interrupted:
            raise Stopped(f"{name}: it was stopped") from None
        except (EOFError, OSError):
            raise self._lost(name) from None
        if not reply or bytes(reply.popleft()) != number:
            self.stop()
            raise WorkerLost(f"{name}: its process answered what it was not asked")
        self.is_usable = True
        return reply

    def _is_heard_within(self, timeout: float | None) -> bool:
        heard = wait([self._connection, self._interrupts, self._process.sentinel], timeout)
        if self._interrupts in heard:
            raise _Interrupted
        if heard and self._connection not in heard:
            raise EOFError
        return bool(heard)

    def _lost(self, name: str) -> RuntimeError:
        has_ended = bool(wait([self._process.sentinel], GRACE))
        code = self.stop()
        if not has_ended:
            how = "closed its connection"
        elif code is None or code == UNKNOWN_EXIT:
            how = "ended"
        elif code < 0:
            how = f"was ended by {_signal_name(-code)}"
        else:
            how = f"ended with exit status {code}"
        if has_ended and not self._is_ready and code is not None and code > 0:
            return RuntimeError(f"{name}: its process {how} before it was ready. {HINT}")
        return WorkerLost(f"{name}: its process {how}")

    def interrupt(self) -> None:
        """Ends the call that is under way. From any thread, as long as a call or its thread has the process."""
        self._interrupting.send_bytes(b"!")

    def kill(self) -> None:
        """From any thread, as `interrupt`, if that is of no avail."""
        with contextlib.suppress(ValueError):  # it has ended
            self._process.kill()

    def dismiss(self) -> None:
        """Sends it home; `stop` then waits for it."""
        with contextlib.suppress(OSError):
            parcels.send(self._connection, parcels.Parcel())

    def stop(self, patience: float = 0.0) -> int | None:
        """Ends it after so many seconds. Its exit code, negative for a signal; None if it cannot be ended."""
        self.is_usable = False
        for measure in (None, self._process.terminate, self._process.kill):
            if measure is not None:
                measure()
                patience = GRACE
            if wait([self._process.sentinel], patience):
                break
        with _exit_codes:
            code: int | None = self._process.exitcode
        return code

    def close(self) -> None:
        """Frees what it had, after `stop`."""
        self._disconnect()
        with _exit_codes, contextlib.suppress(ValueError):
            self._process.close()

    def forget(self) -> None:
        """In a forked child of its parent, which must neither hold it by its connection nor wait for it at the exit."""
        self._disconnect()
        getattr(multiprocessing.process, "_children", set()).discard(self._process)

    def _disconnect(self) -> None:
        for connection in (self._connection, self._interrupts, self._interrupting):
            connection.close()


class _Interrupted(Exception):  # noqa: N818 - not an error
    pass


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _after_fork_in_child() -> None:
    """The parent's fork server does not serve its forked children."""
    global _context, _exit_codes
    _context = multiprocessing.get_context("spawn")
    _exit_codes = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
