"""The work of a task, and what is known of one that failed or died."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ziggy_async.messages import printable
from ziggy_async.queueing.options import Options


@dataclass(frozen=True, slots=True)
class Work:
    """The function of a task, its arguments and options: all that it takes to run it, once or again."""

    task_id: str
    operation: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    options: Options

    @property
    def name(self) -> str:
        """The task's id as messages show it."""
        return f"'{printable(self.task_id)}'"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run that failed."""

    began: datetime
    seconds: float
    error: str

    def to_dict(self) -> dict[str, Any]:
        return {"began": self.began.isoformat(), "seconds": self.seconds, "error": self.error}


class Reason(StrEnum):
    """Why a task is dead."""

    EXHAUSTED = "exhausted"
    """Every attempt that it was allowed has failed."""
    DEADLINE = "deadline"
    DROPPED = "dropped"
    """The queue was full, and its policy chose this task."""
    SHUTDOWN = "shutdown"
    """It was still queued or running when the time to stop was up."""
    WORKER_LOST = "worker_lost"
    """The process that ran it died."""


KeepLetter = Callable[[Work, Reason, Iterable[Attempt], str | None], "Future[Any]"]
"""Keeps the work of a dead task: why it died, its attempts, the id of the dead letter that it was requeued from. The
future is done, in any thread, when it is kept."""
