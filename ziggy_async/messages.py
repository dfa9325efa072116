"""The way in which messages show values, which may be anything, and name what to install."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

LONGEST = 60
LONGEST_COMPARED = 50
"""Characters of a name that is compared with others, which takes their product."""
LONGEST_NAME = 200
"""Characters of a name that messages and metrics keep: it may hold whatever its caller was given."""
LONGEST_ERROR = 500
"""Characters of an error's text that are kept."""
LONGEST_CHAIN = 10
"""Exceptions that led to each other of which a log shows the frames."""
CLASS_NAME = type.__dict__["__name__"]
"""The name of any class, whatever its metaclass answers when it is asked for it."""


def shown(value: object) -> str:
    """Returns the `repr` of a value, of NumPy's as of Python's, in one line of at most 60 printable characters; of one
    that has none, its type."""
    try:
        text = repr(value.item() if isinstance(value, np.generic) else value)
    except Exception:
        return f"<{_class_name(value)}>"
    return printable(" ".join(text.split()) if "\n" in text else text, LONGEST)


def kind_of(value: object) -> str:
    """Returns the type of a value, with its article: "a str", "an int"."""
    name = _class_name(value)
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"  # a "u" is mostly that of "a uint8"


def name_of(function: Callable[..., object]) -> str:
    """Returns module and name of a function, also of one in a `partial`; of any other callable, of its class; as
    `printable` does."""
    while isinstance(function, partial):
        function = function.func
    named = function if isinstance(getattr(function, "__qualname__", None), str) else type(function)
    module = getattr(named, "__module__", None)
    return printable(f"{module}.{named.__qualname__}" if isinstance(module, str) else named.__qualname__)


def nearest(name: str, known: Iterable[str], least: float = 0.6) -> str:
    """Returns a hint at the name among `known` that is most like `name`; nothing if none is like it by `least` of 1."""
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), by_lower, 1, least) if len(name) <= LONGEST_COMPARED else []
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def printable(text: str, length: int | None = LONGEST_NAME) -> str:
    """Returns `text` with escapes for control characters and for what cannot be encoded, in at most `length`
    characters."""
    if not text.isprintable():
        kept = text[: None if length is None else length + 1]  # each of them takes a character or more
        text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in kept)
    return text if length is None else shortened(text, length)


def encodable(text: str) -> str:
    """Returns the text with escapes for what UTF-8 does not have, lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def described(error: BaseException) -> str:
    """Returns an exception as one line: its class and its text, without control characters. Never raises."""
    text = _text_of(error)
    return f"{_class_name(error)}: {text}" if text else _class_name(error)


def loggable(error: BaseException, depth: int = LONGEST_CHAIN, seen: set[int] | None = None) -> BaseException:
    """Returns what logs show in place of an exception whose text may hold whatever a caller gave, as their `exc_info`:
    the frames, class, text and notes of `error`, as `described` has a text, and the same of what led to it. Never
    raises. `seen`: the exceptions of which that is shown elsewhere, by their ids."""
    seen = set() if seen is None else seen
    is_new = depth > 0 and id(error) not in seen
    seen.add(id(error))
    text, names = _text_of(error), {"__module__": "builtins"}
    if is_new and issubclass(type(error), BaseExceptionGroup):
        members = [loggable(each, depth - 1, seen) for each in _own(error, "exceptions")]
        group = type(_class_name(error), (BaseExceptionGroup,), names)
        stand_in: BaseException = group(printable(str(_own(error, "message"))), members)
    else:
        stand_in = type(_class_name(error), (Exception,), names)(*([text] if text else ()))
    notes = getattr(error, "__dict__", {}).get("__notes__")
    for note in notes if isinstance(notes, list) else ():
        stand_in.add_note(printable(str(note), LONGEST_ERROR) if isinstance(note, str) else kind_of(note))
    cause, context = _own(error, "__cause__"), _own(error, "__context__")
    if is_new and cause is not None:
        stand_in.__cause__ = loggable(cause, depth - 1, seen)
    elif is_new and context is not None and not _own(error, "__suppress_context__"):
        stand_in.__context__ = loggable(context, depth - 1, seen)
    return stand_in.with_traceback(_own(error, "__traceback__"))


@contextmanager
def optional_import(library: str, use: str, package: str) -> Iterator[None]:
    """Wraps the import of an optional library. Raises `ModuleNotFoundError` that says what `use` needs and how that is
    installed when the library is missing: `library` as it is written, which begins with the name of its module."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library.lower():
            raise
        raise ModuleNotFoundError(f"{use} needs {library}: pip install {package}", name=error.name) from None


def _own(error: BaseException, name: str) -> Any:
    """Returns what Python keeps of the exception under that name, whatever its class has there."""
    owner = BaseExceptionGroup if name in ("message", "exceptions") else BaseException
    return owner.__dict__[name].__get__(error)


def _text_of(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except BaseException:
        text = "it cannot say what"
    if len(text) > LONGEST_ERROR:
        text = f"{text[:LONGEST_ERROR]}... ({len(text)} characters)"
    return printable(text, None)


def _class_name(value: object) -> str:
    return printable(CLASS_NAME.__get__(type(value)))
