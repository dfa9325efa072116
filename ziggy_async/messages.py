"""The way in which messages show values, which may be anything, and name what to install."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

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


def loggable(error: BaseException, depth: int = LONGEST_CHAIN) -> BaseException:
    """Returns what logs show in place of an exception whose text may hold whatever a caller gave, as their `exc_info`:
    the frames, class and text of `error`, the text as `described` has it, and the same of what led to it."""
    text = _text_of(error)
    if isinstance(error, BaseExceptionGroup) and depth:
        members = [loggable(each, depth - 1) for each in error.exceptions]
        stand_in: BaseException = BaseExceptionGroup(printable(error.message), members)
    else:
        stand_in = type(_class_name(error), (Exception,), {"__module__": "builtins"})(*([text] if text else ()))
    if depth and error.__cause__ is not None:
        stand_in.__cause__ = loggable(error.__cause__, depth - 1)
    elif depth and error.__context__ is not None and not error.__suppress_context__:
        stand_in.__context__ = loggable(error.__context__, depth - 1)
    return stand_in.with_traceback(error.__traceback__)


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
