"""A dead letter, and how it is stored: a text that anybody can read, and the work of its task.

The work is stored as JSON where that gives back the very same call: an importable function, arguments of JSON's own
types. Other work is pickled. Unpickling runs whatever the pickle says, so it is for the process that wrote it.
"""

import json
import math
import os
import pickle
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from types import NoneType
from typing import Any, Self

from ziggy_async.messages import described
from ziggy_async.queueing.options import Attempt, Options, Reason, Work

LARGEST = 64 << 20
"""Bytes of stored work: ten thousand letters share a disk with others."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead task.

    `id` is unique across processes, and sorts by time. `function` is "module:qualname" if the callable can be imported
    by that name. `why_not` says why a letter cannot be requeued. `work` is there only while the letter lives in memory.
    """

    id: str
    task_id: str
    operation: str
    reason: Reason
    attempts: tuple[Attempt, ...]
    died_at: datetime
    requeued_from: str | None = None
    function: str | None = None
    can_requeue: bool = True
    why_not: str | None = None
    work: Work | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Returns everything but `work`, as plain JSON values; times in ISO 8601, UTC."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "work"}
        attempts = [attempt.to_dict() for attempt in self.attempts]
        return values | {"reason": self.reason.value, "attempts": attempts, "died_at": self.died_at.isoformat()}

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Returns the letter of which the text is `to_dict`. Raises any exception for another text."""
        values = json.loads(text)
        values["reason"] = Reason(values["reason"])
        values["died_at"] = datetime.fromisoformat(values["died_at"])
        values["attempts"] = tuple(
            Attempt(datetime.fromisoformat(each["began"]), float(each["seconds"]), each["error"])
            for each in values["attempts"]
        )
        return cls(**values)

    def without_work(self, why_not: str) -> "DeadLetter":
        """Returns the letter without its work, to be listed only."""
        return replace(self, work=None, can_requeue=False, why_not=self.why_not or why_not)


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter without its work, which is in `call` (JSON) or in `pickled`; in neither if it cannot be requeued.

    `program` is the file of `__main__` if the work refers to what is defined there.
    """

    letter: DeadLetter
    program: str | None = None
    call: str | None = None
    pickled: bytes | None = None

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        """Stores the letter's work. Never raises, whatever the arguments do when they are pickled."""
        assert letter.work is not None
        work, pickled, program, why_not = letter.work, None, None, None
        call = _call_as_json(work, letter.function)
        if call is None:
            try:
                pickled = pickle.dumps((work.function, work.args, work.kwargs, work.options))
            except BaseException as error:
                why_not = f"it cannot be pickled: {described(error)}"
        size = len(call or pickled or "")
        if size > LARGEST:
            why_not = f"its arguments take {size:,} bytes, more than {LARGEST:,}"
        elif '"__main__:' in (call or "") or b"__main__" in (pickled or b""):
            program = _program()
            why_not = None if program else "it refers to what was defined in an interactive program"
        if why_not is not None:
            return cls(letter.without_work(why_not))
        return cls(replace(letter, work=None), program, call, pickled)

    def work(self) -> Work:
        """Unpickles what is pickled. Raises `ValueError` that names the letter and says why that cannot be done."""
        letter, why_not = self.letter, self.letter.why_not
        if self.program is not None and self.program != _program():
            why_not = f"it is of the program {self.program}"
        if why_not is None:
            try:
                call = pickle.loads(self.pickled) if self.pickled is not None else _call_from_json(self.call or "")
                return Work(letter.task_id, letter.operation, *call)
            except BaseException as error:  # pickles and imports run whatever they were told to
                why_not = described(error)
        raise ValueError(f"dead letter {letter.id} cannot be requeued: {why_not}")


def id_at(microseconds: int) -> str:
    """Returns the beginning of the ids of that time since the epoch; it sorts as the times do."""
    return f"{max(0, microseconds):014x}"


def importable_name(function: Callable[..., Any]) -> str | None:
    """Returns "module:qualname" when that leads back to this very object, else None."""
    try:
        name = f"{function.__module__}:{function.__qualname__}"
        return name if pkgutil.resolve_name(name) is function else None
    except Exception:  # callables may have any attributes, and modules a __getattr__
        return None


def _call_as_json(work: Work, name: str | None) -> str | None:
    """Returns JSON that gives back the very same call; None when there is no such text."""
    options: dict[str, Any] = {each.name: getattr(work.options, each.name) for each in fields(work.options)}
    options["retry_on"] = [importable_name(each) for each in work.options.retry_on]
    call = {"function": name, "args": list(work.args), "kwargs": work.kwargs, "options": options}
    try:
        is_exact = name is not None and None not in options["retry_on"] and _is_json(call)
        return json.dumps(call) if is_exact else None
    except (RecursionError, ValueError):  # arguments that hold themselves; an int of more digits than Python reads
        return None


def _call_from_json(text: str) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Options]:
    call = json.loads(text)
    retry_on = tuple(map(pkgutil.resolve_name, call["options"].pop("retry_on")))
    function = pkgutil.resolve_name(call["function"])
    return function, tuple(call["args"]), call["kwargs"], Options(**call["options"], retry_on=retry_on)


def _is_json(value: object) -> bool:
    """Returns whether JSON has the value and its type: a tuple would come back as a list, an enum as its value."""
    if type(value) is list:
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(type(key) is str for key in value) and all(map(_is_json, value.values()))
    return type(value) in (str, int, bool, NoneType) or (type(value) is float and math.isfinite(value))


def _program() -> str | None:
    """Returns the file of `__main__`, where a name is something else than in other programs. Escapes all but UTF-8."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace") if path else None
