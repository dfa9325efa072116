"""Priority and deadline of a task, which its native jobs inherit."""

import contextvars
import time
from typing import NamedTuple

from ziggy_async.arguments import seconds

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


def moment_after(deadline: float | None) -> int:
    """Returns the moment so many seconds from now on the monotonic clock, in nanoseconds; 0 for None. Raises
    `ValueError` as from `seconds`."""
    return 0 if deadline is None else time.monotonic_ns() + max(1, int(seconds("deadline", deadline) * 1e9))


terms: contextvars.ContextVar[Terms] = contextvars.ContextVar("ziggy_async_terms", default=Terms())  # noqa: B039 - it is immutable
"""The terms of the task that runs here."""
