"""The parts of a task: its work and options; its failed attempts, and the reasons for which it may be dead."""

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypedDict, get_args

from ziggy_async.arguments import seconds, whole
from ziggy_async.messages import nearest, printable, shown

OnFull = Literal["wait", "raise", "drop_new", "drop_oldest"]


@dataclass(frozen=True, slots=True)
class Options:
    """A task's options, as `with_options` has them. Raises `ValueError` or `TypeError` that names an invalid one."""

    priority: int = 0
    deadline: float | None = None
    max_attempts: int = 1
    retry_on: tuple[type[BaseException], ...] = (Exception,)  # a lost process counts as one of these
    key: Hashable | None = None
    on_full: OnFull = "wait"
    use_process_pool: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "priority", whole("priority", self.priority))
        object.__setattr__(self, "max_attempts", whole("max_attempts", self.max_attempts))
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts: {shown(self.max_attempts)} is below 1")
        if self.deadline is not None:
            deadline = seconds("deadline", self.deadline)
            if deadline <= 0:
                raise ValueError(f"deadline: {shown(self.deadline)} is not above 0")
            object.__setattr__(self, "deadline", deadline)
        if self.on_full not in get_args(OnFull):
            raise ValueError(f"on_full: {shown(self.on_full)} is none of {', '.join(get_args(OnFull))}")
        object.__setattr__(self, "retry_on", _classes(self.retry_on))
        if not isinstance(self.use_process_pool, bool):
            raise TypeError(f"use_process_pool: {shown(self.use_process_pool)} is neither True nor False")
        try:
            hash(self.key)
        except TypeError:
            raise TypeError(f"key: {shown(self.key)} cannot be hashed") from None

    def changed(self, **changes: Any) -> "Options":
        """Returns the options with these changes. Raises `TypeError` for a name that is not an option."""
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise TypeError(f"{printable(name)}: no option of a task{nearest(name, known)}")
        return replace(self, **changes)


class TaskOptions(TypedDict, total=False):
    """The options as the keywords of a call, for type checkers."""

    priority: int
    deadline: float | None
    max_attempts: int
    retry_on: type[BaseException] | Collection[type[BaseException]]
    key: Hashable | None
    on_full: OnFull
    use_process_pool: bool


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
    """The reason for which a task is dead."""

    EXHAUSTED = "exhausted"  # every attempt that it was allowed has failed
    DEADLINE = "deadline"
    DROPPED = "dropped"  # the queue was full, and its policy chose this task
    SHUTDOWN = "shutdown"  # it was still queued or running when the time to stop was up
    WORKER_LOST = "worker_lost"  # the process that ran it died


def _classes(value: object) -> tuple[type[BaseException], ...]:
    classes = tuple(value) if isinstance(value, Collection) and not isinstance(value, str) else (value,)
    for each in classes:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"retry_on: {shown(each)} is not a class of exceptions")
    return classes
