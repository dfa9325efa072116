"""Calls and their outcomes on the way between processes, pickled. Errors name what does not pickle.

The pickler in C holds the GIL until it is done, however long that takes. Here it writes to a function in Python, so
that a loop has the GIL in between; and the unpickler reads from the pipe, and lets go of the GIL with each read.
"""

import contextlib
import pickle
import reprlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ziggy_async.runtime.call import described
from ziggy_async.tracing import Carrier

PROTOCOL = 5
"""Of pickle: the first that writes large bytes as they are."""
LARGEST_PIECE = 1 << 20
"""Bytes that are copied or written at once."""

_repr = reprlib.Repr()
_repr.maxother = 120

Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


class RemoteTraceback(Exception):  # noqa: N818 - what it shows, as in `concurrent.futures`
    """The cause of an error that comes from another process: its traceback there, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class Pieces(list[Any]):
    """A pickled value in pieces, bytes or views of bytes; the file that a pickler writes to."""

    def write(self, data: Any) -> int:
        """`data`: bytes, or a buffer that may change before it is sent, and is copied."""
        view = data.raw() if isinstance(data, pickle.PickleBuffer) else memoryview(data)
        for at in range(0, len(view), LARGEST_PIECE):
            piece = view[at : at + LARGEST_PIECE]
            self.append(piece if isinstance(data, bytes) else bytes(piece))
        return len(view)


def pack(value: object) -> Pieces:
    """Raises what pickle raises."""
    pieces = Pieces()
    pickle.Pickler(pieces, PROTOCOL).dump(value)
    return pieces


def name_of(function: Callable[..., Any]) -> str:
    """Module and name of a function, a description of any other callable."""
    name = getattr(function, "__qualname__", None)
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if isinstance(name, str) and isinstance(module, str) else _repr.repr(function)


def pack_call(function: Callable[..., Any], args: Args, kwargs: Kwargs, trace: Carrier | None) -> Pieces:
    """The call, with the trace that it is part of. `TypeError` that names the function or the argument that does not
    pickle."""
    try:
        return pack((function, args, kwargs, trace))
    except Exception as error:
        raise TypeError(_blame(function, args, kwargs, error)) from error


def _blame(function: Callable[..., Any], args: Args, kwargs: Kwargs, error: Exception) -> str:
    for what, value in _parts(function, args, kwargs):
        try:
            pack(value)
        except Exception as reason:
            return f"{what} cannot be pickled: {described(reason)}"
    return f"the call of {name_of(function)} cannot be pickled: {described(error)}"


def _parts(function: Callable[..., Any], args: Args, kwargs: Kwargs) -> Iterator[tuple[str, object]]:
    yield _repr.repr(function), function
    for number, value in enumerate(args, 1):
        yield f"argument {number} of {name_of(function)}, a {type(value).__name__},", value
    for name, value in kwargs.items():
        yield f"argument {name!r} of {name_of(function)}, a {type(value).__name__},", value


def pack_error(error: BaseException) -> bytes:
    """The outcome of a call that has raised: ("error", pickled error or None, its text, its traceback)."""
    trace = error.__traceback__
    text = "".join(traceback.format_exception(type(error), error, trace.tb_next if trace else None))
    try:
        pickled = pickle.dumps(error, PROTOCOL)
    except BaseException:
        pickled = None
    return pickle.dumps(("error", pickled, described(error), text), PROTOCOL)


def opened(outcome: tuple[Any, ...], name: str) -> Any:
    """The value of an outcome that `ziggy_async.runtime.child` has packed. Raises its error, from the traceback that it
    had there.

    `RuntimeError` in place of an error that does not pickle; `TypeError` for a value that does not, and for a call that
    could not be loaded there.
    """
    kind, *rest = outcome
    if kind == "value":
        return rest[0]
    if kind == "error":
        raise _unpacked_error(name, *rest)
    if kind == "unpicklable":
        raise TypeError(rest[0])
    raise TypeError(
        f"the call of {name} cannot be unpickled in another process: {rest[0]}; "
        "what is sent there has to be in modules that it can import"
    )


def _unpacked_error(name: str, pickled: bytes | None, says: str, trace: str) -> BaseException:
    error: BaseException = RuntimeError(f"{name} raised what cannot be pickled: {says}")
    if pickled is not None:
        with contextlib.suppress(Exception):  # the usual reason: a constructor that wants more than `args`
            loaded = pickle.loads(pickled)
            error = loaded if isinstance(loaded, BaseException) else error
    error.__cause__ = RemoteTraceback(trace)
    return error
