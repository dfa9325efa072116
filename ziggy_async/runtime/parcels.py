"""Calls and their outcomes on the way between processes: pickled, in pieces; errors name what does not pickle.

The pickler in C holds the GIL until it is done, however long that takes. Here it writes to and reads from functions in
Python, a piece at a time, so that the loop gets its turn in between.
"""

import contextlib
import inspect
import io
import pickle
import reprlib
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from ziggy_async.runtime.call import described

PROTOCOL = 5
"""Of pickle: the first that writes large bytes as they are."""
LARGEST_PIECE = 1 << 20
"""Bytes that go through a connection at once: it reads as much as is announced into a buffer of that size."""
MORE, LAST = b"+", b"."
"""What a piece on its way begins with."""

NO_COROUTINES = "a process calls plain functions, coroutine functions run on the loop"

_repr = reprlib.Repr()
_repr.maxother = 120

Parcel = deque[Any]
"""Pieces, bytes or the like. Who sends or unpacks them takes them out: nothing is kept twice for long."""


class RemoteTraceback(Exception):  # noqa: N818 - what it shows, as in `concurrent.futures`
    """The cause of an error that comes from another process: its traceback there, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def send(connection: "Connection[Any, Any]", parcel: Parcel) -> None:
    """`OSError` when the other side is gone."""
    while len(parcel) > 1:
        connection.send_bytes(b"".join((MORE, parcel.popleft())))
    connection.send_bytes(b"".join((LAST, *parcel)))
    parcel.clear()


def receive(connection: "Connection[Any, Any]") -> Parcel:
    """Waits for a parcel. `EOFError` or `OSError` when the other side is gone."""
    parcel: Parcel = deque()
    while True:
        message = connection.recv_bytes()
        if len(message) > 1:
            parcel.append(memoryview(message)[1:])
        if message[:1] == LAST:
            return parcel


def pack(value: object) -> Parcel:
    """What pickle raises, when it does."""
    pieces = _Pieces()
    pickle.Pickler(pieces, PROTOCOL).dump(value)
    return pieces.parcel


def unpack(parcel: Parcel) -> Any:
    """What pickle raises, or an import, when it does."""
    with io.BufferedReader(_Reader(parcel), 1 << 16) as file:
        return pickle.Unpickler(file).load()


class _Pieces:
    """What the pickler writes to."""

    def __init__(self) -> None:
        self.parcel: Parcel = deque()

    def write(self, data: Any) -> int:
        """`data`: bytes; or a buffer that may change before it is sent, and is copied."""
        view = data.raw() if isinstance(data, pickle.PickleBuffer) else memoryview(data)
        for at in range(0, len(view), LARGEST_PIECE):
            piece = view[at : at + LARGEST_PIECE]
            self.parcel.append(piece if isinstance(data, bytes) else bytes(piece))
        return len(view)


class _Reader(io.RawIOBase):
    """What the unpickler reads from."""

    def __init__(self, parcel: Parcel) -> None:
        self._parcel = parcel
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._piece and self._parcel:
            self._piece = memoryview(self._parcel.popleft())
        size = min(len(buffer), len(self._piece))
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size


# --- the call


def name_of(function: Callable[..., Any]) -> str:
    """Module and name of a function, a description of any other callable."""
    name = getattr(function, "__qualname__", None)
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if isinstance(name, str) and isinstance(module, str) else _repr.repr(function)


def pack_call(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Parcel:
    """`TypeError` that names the function or the argument that does not pickle."""
    try:
        return pack((function, args, kwargs))
    except Exception as error:
        raise TypeError(_blame(function, args, kwargs, error)) from error


def _blame(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> str:
    for what, value in _parts(function, args, kwargs):
        try:
            pack(value)
        except Exception as reason:
            return f"{what} cannot be pickled: {described(reason)}"
    return f"the call of {name_of(function)} cannot be pickled: {described(error)}"


def _parts(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, object]]:
    yield _repr.repr(function), function
    for number, value in enumerate(args, 1):
        yield f"argument {number} of {name_of(function)}, a {type(value).__name__},", value
    for name, value in kwargs.items():
        yield f"argument {name!r} of {name_of(function)}, a {type(value).__name__},", value


# --- its outcome: ("value", value), ("error", pickled error or None, what it says, traceback), ("unpicklable", what and
# why) or ("not loaded", why)


def answer(request: Parcel) -> Parcel:
    """In the other process: does the call, and packs its outcome. Never raises what the call raises."""
    try:
        function, args, kwargs = unpack(request)
    except BaseException as error:
        return pack(("not loaded", described(error)))
    try:
        value = function(*args, **kwargs)
    except BaseException as error:
        return _pack_error(error)
    try:
        if inspect.iscoroutine(value):
            value.close()  # else it complains that nobody has awaited it
            return pack(("unpicklable", f"{name_of(function)} returned a coroutine: {NO_COROUTINES}"))
        return pack(("value", value))
    except BaseException as error:
        what = f"the result of {name_of(function)}, a {type(value).__name__},"
        return pack(("unpicklable", f"{what} cannot be pickled: {described(error)}"))


def _pack_error(error: BaseException) -> Parcel:
    trace = error.__traceback__
    text = "".join(traceback.format_exception(type(error), error, trace.tb_next if trace else None))
    try:
        pickled = pickle.dumps(error, PROTOCOL)
    except BaseException:
        pickled = None
    return pack(("error", pickled, described(error), text))


def open_outcome(reply: Parcel, name: str) -> Any:
    """The call's value, or raises its error, from the traceback that it had.

    `RuntimeError` in place of an error that does not pickle; `TypeError` for a value that does not, and for a call that
    could not be loaded there.
    """
    try:
        kind, *rest = unpack(reply)
    except Exception as error:
        raise TypeError(f"the result of {name} cannot be unpickled: {described(error)}") from error
    if kind == "value":
        return rest[0]
    if kind == "error":
        raise _unpack_error(name, *rest)
    if kind == "unpicklable":
        raise TypeError(rest[0])
    raise TypeError(
        f"the call of {name} cannot be unpickled in another process: {rest[0]}; "
        "what is sent there has to be in modules that it can import"
    )


def _unpack_error(name: str, pickled: bytes | None, says: str, trace: str) -> BaseException:
    error: BaseException = RuntimeError(f"{name} raised what cannot be pickled: {says}")
    if pickled is not None:
        with contextlib.suppress(Exception):  # the usual reason: a constructor that wants more than `args`
            loaded = pickle.loads(pickled)
            error = loaded if isinstance(loaded, BaseException) else error
    error.__cause__ = RemoteTraceback(trace)
    return error
