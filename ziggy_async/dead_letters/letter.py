"""A dead letter, and how it is stored: a text that anybody can read, and the work of its task, as JSON where that gives
back the very same call, else pickled. Unpickling runs whatever the pickle says."""

import json
import marshal
import os
import pickle
import pkgutil
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from ziggy_async.messages import described, encodable
from ziggy_async.plain import plain
from ziggy_async.queueing.options import Attempt, Options, Reason, Work

MOST = 10_000  # letters that are kept
DAY = 86_400
KEEP = 7 * DAY  # seconds for which one is kept at least
LARGEST = 64 << 20  # bytes of stored work: SQLite takes no more than a billion, and there may be 10,000 letters
ID_AT = "{:014x}"  # the beginning of the ids of a time, in microseconds since the epoch; it sorts as the times do
PROCESS = secrets.token_hex(16)  # stored with each letter: equal in this process and those that it was forked from


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead task.

    `id` is unique across processes, and sorts by time. `function` is "module:qualname" if the callable can be imported
    by that name. `why_not` says why a letter cannot be requeued. `work` is there while the letter is in no file.
    `since`: when this object was made, by the monotonic clock.
    """

    id: str
    task_id: str
    operation: str
    reason: Reason
    attempts: tuple[Attempt, ...]
    died_at: datetime
    requeued_from: str | None = None
    function: str | None = None
    why_not: str | None = None
    work: Work | None = field(default=None, repr=False, compare=False)
    since: float = field(default_factory=time.monotonic, repr=False, compare=False)

    @property
    def can_requeue(self) -> bool:
        return self.why_not is None

    def to_dict(self) -> dict[str, Any]:
        """Returns everything but `work`, as plain JSON values; times in ISO 8601, UTC."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.compare}
        return dict(plain(values | {"can_requeue": self.can_requeue}))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Returns the letter of which the text is `to_dict`. Raises any exception for another text."""
        values = json.loads(text)
        del values["can_requeue"]
        at = datetime.fromisoformat
        attempts = (Attempt(at(each["began"]), float(each["seconds"]), each["error"]) for each in values["attempts"])
        read = {"reason": Reason(values["reason"]), "died_at": at(values["died_at"]), "attempts": tuple(attempts)}
        return cls(**values | read)


def stored(letter: DeadLetter) -> tuple[DeadLetter, str | bytes | None]:
    """Returns the letter without its work, and the work as JSON or a pickle, None if it cannot be stored."""
    assert letter.work is not None
    work = letter.work
    try:
        packed = _call_as_json(work) or pickle.dumps((work.function, work.args, work.kwargs, work.options))
        if len(packed) <= LARGEST:
            return replace(letter, work=None), packed
        why_not = f"its arguments take {len(packed):,} bytes, more than {LARGEST:,}"
    except BaseException as error:
        why_not = f"it cannot be pickled: {described(error)}"
    return replace(letter, work=None, why_not=why_not), None


def with_work(letter: DeadLetter, kind: str, program: str, packed: bytes) -> DeadLetter:
    """Returns the letter with its work, as a process of `program` has stored it: JSON is of the kind "text", a pickle
    "blob". Raises `ValueError` that names the letter and says why that cannot be done."""
    why_not = letter.why_not or (None if kind in ("text", "blob") else "its record is damaged")
    if why_not is None:
        try:
            name, unpack = (b"__main__", pickle.loads) if kind == "blob" else (b'"__main__:', _call_from_json)
            if name not in packed or program == this_program():
                return replace(letter, work=Work(letter.task_id, letter.operation, *unpack(packed)))
            why_not = f"it is of the program {program}"
        except BaseException as error:  # pickles and imports run whatever they were told to; a record may be damaged
            why_not = described(error)
    raise ValueError(f"dead letter {letter.id} cannot be requeued: {why_not}")


def importable_name(function: Callable[..., Any]) -> str | None:
    """Returns "module:qualname" when that leads back to this very object, else None. Imports nothing."""
    try:
        name = f"{function.__module__}:{function.__qualname__}"
        return name if function.__module__ in sys.modules and pkgutil.resolve_name(name) is function else None
    except (Exception, SystemExit):  # callables may have any attributes, and modules a __getattr__
        return None


def this_program() -> str:
    """Returns the file of `__main__`, where a name is something else than in other programs; without one, as in an
    interactive session, a name for this process."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return f"<session {PROCESS}>" if path is None else encodable(os.path.realpath(path))


def _call_as_json(work: Work) -> str | None:
    """Returns JSON that gives back the very same call, types included; None when there is none."""
    name, retry_on = importable_name(work.function), [importable_name(each) for each in work.options.retry_on]
    options = {each.name: getattr(work.options, each.name) for each in fields(work.options)} | {"retry_on": retry_on}
    call = {"function": name, "args": list(work.args), "kwargs": work.kwargs, "options": options}
    try:
        text = json.dumps(call, allow_nan=False)
        # marshal tells all types of JSON from each other, and from those that are derived from them
        is_same = marshal.dumps(json.loads(text), 2) == marshal.dumps(call, 2)
    except (RecursionError, TypeError, ValueError):
        return None
    return text if is_same and None not in (name, *retry_on) else None


def _call_from_json(text: bytes) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Options]:
    call = json.loads(text)
    retry_on = tuple(map(pkgutil.resolve_name, call["options"].pop("retry_on")))
    function = pkgutil.resolve_name(call["function"])
    return function, tuple(call["args"]), call["kwargs"], Options(**call["options"], retry_on=retry_on)
