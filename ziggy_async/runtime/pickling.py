"""Pickles calls and their outcomes for another process. Errors name what does not pickle.

The pickler in C holds the GIL until it is done, however long that takes. Here it writes to a function in Python, so
that a loop has the GIL in between; and the unpickler reads from the pipe, and lets go of the GIL with each read.
"""

import contextlib
import pickle
import reprlib
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from ziggy_async.messages import described, kind_of
from ziggy_async.runtime.call import Args, Kwargs
from ziggy_async.tracing import Carrier

PROTOCOL = 5
"""Pickle's first version that writes large bytes as they are."""

_repr = reprlib.Repr()
_repr.maxother = 120


class RemoteTraceback(Exception):  # noqa: N818 - what it shows, as in `concurrent.futures`
    """The cause of an error that comes from another process: its traceback there, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class Chunks(list[bytes]):
    """A pickled value in chunks; the file that a pickler writes to."""

    def write(self, data: Any) -> int:
        """Copies `data` unless it is bytes: a buffer may change before it is sent."""
        self.append(bytes(data.raw() if isinstance(data, pickle.PickleBuffer) else data))
        return len(self[-1])


def pack(value: object) -> Chunks:
    """Raises what pickle raises."""
    chunks = Chunks()
    pickle.Pickler(chunks, PROTOCOL).dump(value)
    return chunks


def name_of(function: Callable[..., Any]) -> str:
    """Returns module and name of a function, a description of any other callable."""
    name = getattr(function, "__qualname__", None)
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if isinstance(name, str) and isinstance(module, str) else _repr.repr(function)


def pack_call(function: Callable[..., Any], args: Args, kwargs: Kwargs, trace: Carrier | None) -> Chunks:
    """Packs the call: a pickled pair of its function's name and of the trace that it is part of, then the function with
    its arguments. Raises `TypeError` that names the function or the argument that does not pickle."""
    name = name_of(function)
    try:
        return Chunks([*pack((name, trace)), *pack((function, args, kwargs))])
    except Exception as error:
        what, reason = _culprit(function, args, kwargs) or (f"the call of {name}", error)
        raise TypeError(f"{what} cannot be pickled: {described(reason)}") from error


def _culprit(function: Callable[..., Any], args: Args, kwargs: Kwargs) -> tuple[str, Exception] | None:
    """The first part of a call that does not pickle alone, and why."""
    parts = [(_repr.repr(function), function)]
    for key, value in (*enumerate(args, 1), *((repr(name), value) for name, value in kwargs.items())):
        parts.append((f"argument {key} of {name_of(function)}, {kind_of(value)},", value))
    for what, value in parts:
        try:
            pack(value)
        except Exception as error:
            return what, error
    return None


class Failure(NamedTuple):
    """What a call in another process has raised."""

    pickled: bytes | None
    """None: it does not pickle."""
    text: str
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Called where it was caught first: the traceback begins below."""
        trace = error.__traceback__
        text = "".join(traceback.format_exception(type(error), error, trace.tb_next if trace else None))
        pickled = None
        with contextlib.suppress(BaseException):  # objects may raise anything when they are pickled
            pickled = pickle.dumps(error, PROTOCOL)
        return cls(pickled, described(error), text)

    def error(self, name: str) -> BaseException:
        """Returns the error, or a `RuntimeError` in its place, with the traceback that it had there as its cause."""
        error: BaseException = RuntimeError(f"{name} raised what cannot be pickled: {self.text}")
        if self.pickled is not None:
            with contextlib.suppress(Exception):  # the usual reason: a constructor that wants more than `args`
                loaded = pickle.loads(self.pickled)
                error = loaded if isinstance(loaded, BaseException) else error
        error.__cause__ = RemoteTraceback(self.trace)
        return error
