"""A process of the pool, seen from both sides: what runs in it, how its parent sends calls to it, and their format."""

import contextlib
import inspect
import io
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any

import numpy as np

from ziggy_async import lifecycle
from ziggy_async.messages import described, kind_of, name_of, shown
from ziggy_async.runtime.call import Args, Call, Kwargs
from ziggy_async.runtime.errors import WorkerLost
from ziggy_async.tracing import Carrier, carried

START_TIMEOUT = 60.0  # seconds that a process may take to import what it needs
GRACE = 1.0  # seconds that a process has to end once its connection has

HINT = (
    "What it wrote to stderr says why. Processes import the script that was run: it has to be a file, and what it does "
    "has to stand below `if __name__ == '__main__':`"
)

_context: ForkServerContext | SpawnContext = multiprocessing.get_context("forkserver")
_exit_codes = threading.Lock()  # an exit code can be read once, and starting a process reads those of all the others


class PackedCall:
    """A call as it is sent: its function's name, the trace that it is part of, and function and arguments, pickled."""

    def __init__(self, function: Callable[..., Any], args: Args, kwargs: Kwargs, trace: Carrier | None) -> None:
        """Raises `TypeError` that names the function or the argument that does not pickle."""
        self.name = name_of(function)
        self.trace = trace
        self.chunks: list[Any] = []  # bytes, or arrays of bytes
        try:
            pickle.Pickler(self, pickle.HIGHEST_PROTOCOL).dump((function, args, kwargs))
        except Exception as error:
            whole = f"the call of {self.name} cannot be pickled: {described(error)}"
            raise TypeError(_culprit(self.name, function, args, kwargs) or whole) from error

    def write(self, data: Any) -> int:
        """Takes what the pickler writes. In Python, so that a loop has the GIL in between: the pickler in C holds it
        until it is done. Copies all but bytes, since it may change before it is sent; NumPy copies without the GIL."""
        raw = data.raw() if isinstance(data, pickle.PickleBuffer) else data
        self.chunks.append(raw if isinstance(raw, bytes) else np.frombuffer(raw, np.uint8).copy())
        return len(self.chunks[-1])


def _culprit(name: str, function: Callable[..., Any], args: Args, kwargs: Kwargs) -> str | None:
    """Returns which part of a call is the first that does not pickle alone, and why."""
    arguments = *enumerate(args, 1), *((shown(key), value) for key, value in kwargs.items())
    parts: dict[str, Any] = {name: function}
    parts |= {f"argument {key} of {name}, {kind_of(value)},": value for key, value in arguments}
    for what, value in parts.items():
        try:
            pickle.dumps(value)
        except Exception as error:
            return f"{what} cannot be pickled: {described(error)}"
    return None


def serve(connection: "Connection[Any, Any]") -> None:
    """Writes a pickled None when it takes calls, then reads them and writes the outcome of each. A call that
    forks may return twice: the forked process has no connection, and ends. The parent hears a terminal's interrupt."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.register_at_fork(after_in_child=connection.close)
    os.set_inheritable(connection.fileno(), False)  # a program that a call starts may outlive this process
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
    """Makes the call. Returns its value, exception and the traceback of that, pickled. Never raises what it raises."""
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
        with contextlib.suppress(
            BaseException
        ):  # its constructor may want more than `args`; objects may raise anything
            outcome = pickle.dumps((None, error, text))
            if isinstance(pickle.loads(outcome)[1], BaseException):
                return outcome
        return pickle.dumps((None, RuntimeError(f"{name} raised what cannot be pickled: {described(error)}"), text))


def _end_with_parent() -> None:
    """Ends this process when its parent has ended: a call that hangs does not outlive a parent that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class RemoteTraceback(Exception):  # noqa: N818 - what it shows, as in `concurrent.futures`
    """The cause of an error that comes from another process: its traceback there, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class _EndedError(BaseException):
    """The process has ended, perhaps amid an outcome. Not an `Exception`: code that unpickles may catch those."""


class _Pipe(io.FileIO):
    """The reading end of the connection. Raises `_EndedError` at its end, and when it breaks."""

    def readinto(self, buffer: Any) -> int:
        try:
            if count := super().readinto(buffer):
                return count
        except OSError:
            pass
        raise _EndedError


class ChildProcess:
    """One process, for one call at a time. All but `kill` is for the thread that has it."""

    def __init__(self, name: str) -> None:
        """Starts it for the call of that name, and does not wait. Raises `RuntimeError` when it cannot be started."""
        self._connection, theirs = _context.Pipe()
        self._process = _context.Process(target=serve, args=(theirs,), name="ziggy-async-process")
        self._is_ready = False
        self.serves: Call | None = None  # the call that it has
        self.is_usable = True  # whether it can take a call: not while it has one, nor after one without an outcome
        try:
            with _exit_codes:
                self._process.start()
        except (OSError, EOFError, RuntimeError, AssertionError) as error:
            self._connection.close()
            raise RuntimeError(f"{name}: no process could be started, {described(error)}. {HINT}") from error
        finally:
            theirs.close()

    def is_gone(self) -> bool:
        """Returns whether it has ended after its last call."""
        return self._connection.poll(0)  # it writes nothing unasked: what can be read is the end

    def call(self, request: PackedCall) -> Any:
        """Returns the value of the call, or raises its exception; `WorkerLost` when the process ends, `RuntimeError`
        when it never becomes ready, `TypeError` when the outcome does not unpickle."""
        self.is_usable = False
        try:
            if not self._is_ready:
                if not self._connection.poll(START_TIMEOUT):
                    raise RuntimeError(f"{request.name}: its process is not ready after {START_TIMEOUT:g} s. {HINT}")
                self._receive(request.name)
                self._is_ready = True
            self._send(request)
            value, error, trace = self._receive(request.name)
        except (_EndedError, OSError):
            raise self._lost(request.name) from None
        self.is_usable = True
        if error is None:
            return value
        error.__cause__ = RemoteTraceback(trace)
        try:
            raise error
        finally:
            del error  # its traceback leads to this frame: it must not lead back

    def _send(self, request: PackedCall) -> None:
        with open(self._connection.fileno(), "wb", closefd=False) as writer:
            pickle.dump((request.name, request.trace, sum(map(len, request.chunks))), writer)
            writer.writelines(request.chunks)
        request.chunks.clear()

    def _receive(self, name: str) -> Any:
        """Unpickles as it reads, so that a loop has the GIL in between."""
        try:
            with io.BufferedReader(_Pipe(self._connection.fileno(), closefd=False)) as reader:
                return pickle.load(reader)
        except Exception as error:
            raise TypeError(f"the result of {name} cannot be unpickled: {described(error)}") from error

    def _lost(self, name: str) -> RuntimeError:
        wait([self._process.sentinel], GRACE)
        with _exit_codes:
            code = self._process.exitcode
        if code is None:
            how = "closed its connection"
        elif code < 0:
            name_of_signal = next((each.name for each in signal.Signals if each == -code), f"signal {-code}")
            how = f"was ended by {name_of_signal}"
        else:
            how = f"ended with exit status {code}"
        if code and code > 0 and not self._is_ready:
            return RuntimeError(f"{name}: its process {how} before it was ready. {HINT}")
        return WorkerLost(f"{name}: its process {how}")

    def kill(self) -> None:
        """Ends it, and with it the call under way. From any thread."""
        with contextlib.suppress(ValueError):  # it is closed
            self._process.kill()

    def stop(self, timeout: float = 0.0) -> None:
        """Closes the connection, ends the process unless it does so within `timeout` seconds, and frees both."""
        self._connection.close()
        with contextlib.suppress(ValueError):  # it is closed already, or cannot be ended
            if not wait([self._process.sentinel], timeout):
                self._process.kill()
                wait([self._process.sentinel], GRACE)
            with _exit_codes:
                self._process.close()

    def forget(self) -> None:
        """Forgets the process, in a forked child: that must neither hold its connection nor wait for it at the exit."""
        self._connection.close()
        getattr(multiprocessing.process, "_children", set()).discard(self._process)


def _after_fork_in_child() -> None:
    """Starts processes without the parent's fork server, which does not serve its forked children."""
    global _context, _exit_codes
    _context = multiprocessing.get_context("spawn")
    _exit_codes = threading.Lock()


lifecycle.after_fork_in_child(lifecycle.Stage.PROCESSES, _after_fork_in_child)
