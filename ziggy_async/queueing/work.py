"""The work of a task, and what is known of a run of it that failed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ziggy_async.queueing.options import Options


@dataclass(frozen=True, slots=True)
class Work:
    """What it takes to run a task, once or again."""

    task_id: str
    operation: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    options: Options


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run that failed."""

    began: datetime
    seconds: float
    error: str

    def to_dict(self) -> dict[str, Any]:
        return {"began": self.began.isoformat(), "seconds": self.seconds, "error": self.error}
