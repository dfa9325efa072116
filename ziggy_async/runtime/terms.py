"""Priority and deadline of a task, which its native jobs inherit."""

import contextvars
import time
from typing import NamedTuple

from ziggy_async.arguments import real
from ziggy_async.messages import shown

URGENT, BULK, BY_THE_WORK = 0, 2, -1


class Terms(NamedTuple):
    """The priority and the deadline of native jobs."""

    urgency: int = BY_THE_WORK  # 0 goes first, 2 last; -1: the core decides by the amount of work
    deadline_ns: int = 0  # on the monotonic clock; 0: none

    @classmethod
    def of(cls, priority: int, deadline: float | None) -> "Terms":
        """Returns the terms of a task that is enqueued now; `deadline` in seconds from now."""
        urgency = URGENT if priority > 0 else BULK if priority < 0 else BY_THE_WORK
        return cls(urgency, moment_after(deadline))


def moment_after(seconds: float | None) -> int:
    """So many seconds from now on the monotonic clock, in nanoseconds; 0 for None. `ValueError` for what is no such
    number of seconds."""
    limit = seconds_of(seconds)
    return 0 if limit is None else time.monotonic_ns() + max(1, int(limit * 1e9))


def seconds_of(seconds: float | None) -> float | None:
    """The deadline that a caller gave. `ValueError` for what is no number of seconds."""
    if seconds is None:
        return None
    limit = real(seconds)
    if limit is None or not abs(limit) < 1e9:  # nan is not, either
        raise ValueError(f"deadline: {shown(seconds)} is not a number of seconds below 1e9")
    return limit


terms: contextvars.ContextVar[Terms] = contextvars.ContextVar("ziggy_async_terms", default=Terms())  # noqa: B039 - it is immutable
"""The terms of the task that runs here."""
