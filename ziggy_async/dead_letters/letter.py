"""A dead letter as a row of its file: a text that anybody can read, and the pickled work.

The work is unpickled only when the letter is requeued, by a program that knows what the names in it mean.
"""

import json
import os
import pickle
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from typing import Any, cast

from ziggy_async.dead_letters.dead_letters import DeadLetter
from ziggy_async.queueing.work import Attempt, Reason, Work

LARGEST = 64 << 20
"""Bytes of pickled work that are kept: ten thousand letters share a disk with others."""


class Damaged(sqlite3.DatabaseError):
    """A file, or a letter in it, is not what it was when it was written."""


@dataclass(frozen=True, slots=True)
class Row:
    """`letter` without its work, which is in `payload`, unless it cannot be requeued. `program`: the file of
    `__main__`, if the work refers to what is defined there."""

    letter: DeadLetter
    program: str | None
    payload: bytes | None


def row_of(letter: DeadLetter) -> Row:
    """Never raises, whatever the arguments do when they are pickled."""
    work, program, payload, why_not = letter.work, None, None, None
    assert work is not None
    try:
        function = None if letter.function is not None else work.function
        payload = pickle.dumps((function, work.args, work.kwargs, work.options))
    except BaseException:
        why_not = "it cannot be pickled"
        with suppress(BaseException):
            why_not = _why_not(letter.function, work)
    else:
        if len(payload) > LARGEST:
            why_not = f"its arguments take {len(payload):,} bytes, more than {LARGEST:,}"
        elif b"__main__" in payload or (letter.function or "").startswith("__main__:"):
            program = _program()
            why_not = None if program else "it refers to what was defined in an interactive program"
    stored = replace(letter, work=None) if why_not is None else without_work(letter, why_not)
    return Row(stored, program, payload if why_not is None else None)


def without_work(letter: DeadLetter, why_not: str) -> DeadLetter:
    """To be listed only."""
    return replace(letter, work=None, can_requeue=False, why_not=letter.why_not or why_not)


def _why_not(name: str | None, work: Work) -> str:
    """Which part of it does not pickle."""
    if name is None and not _pickles(work.function):
        shown = getattr(work.function, "__qualname__", type(work.function).__qualname__)
        return f"its function {shown} can neither be imported by name nor pickled"
    named = [
        *((f"argument {number}", value) for number, value in enumerate(work.args, 1)),
        *((f"argument {key!r}", value) for key, value in work.kwargs.items()),
        ("its options", work.options),
    ]
    for shown, value in named:
        if not _pickles(value):
            return f"{shown} cannot be pickled: {type(value).__qualname__}"
    return "its arguments cannot be pickled together"


def _pickles(value: object) -> bool:
    try:
        pickle.dumps(value)
    except BaseException:
        return False
    return True


def work_of(row: Row) -> Work:
    """`ValueError` that names the letter and says why not."""
    letter = row.letter
    if row.payload is None:
        raise ValueError(f"dead letter {letter.id} cannot be requeued: {letter.why_not}")
    if row.program is not None and row.program != _program():
        raise ValueError(f"dead letter {letter.id} cannot be requeued: it is of the program {row.program}")
    try:
        function, args, kwargs, options = pickle.loads(row.payload)
        if letter.function is not None:
            function = _imported(letter.function)
    except BaseException as error:  # pickles and imports run whatever they were told to
        why_not = f"{type(error).__name__}: {error}"
        raise ValueError(f"dead letter {letter.id} cannot be requeued: {why_not}") from error
    return Work(letter.task_id, letter.operation, function, args, kwargs, options)


def _imported(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module) or import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{name} is not callable")
    return cast(Callable[..., Any], found)


def _program() -> str | None:
    """The file of `__main__`: the same name is something else in every program. With escapes for what is no UTF-8."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace") if path else None


def text_of(letter: DeadLetter) -> str:
    return json.dumps(letter.to_dict(), default=str)


def letter_from(text: bytes) -> DeadLetter:
    """What `text_of` was given; `Damaged` when the text is none of its own."""
    try:
        values = json.loads(text)
        attempts = tuple(
            Attempt(datetime.fromisoformat(attempt["began"]), float(attempt["seconds"]), attempt["error"])
            for attempt in values["attempts"]
        )
        read = {"reason": Reason(values["reason"]), "attempts": attempts}
        return DeadLetter(**values | read | {"died_at": datetime.fromisoformat(values["died_at"])})
    except Exception as error:
        raise Damaged(f"a letter in it cannot be read: {type(error).__name__}") from error
