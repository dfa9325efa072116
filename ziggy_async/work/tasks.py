"""A task of the background queue: its way from queued to its end, and what its caller sees of it."""

import asyncio
import contextvars
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ziggy_async.work.dead_letters import Attempt, Work


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # by an error that no further attempt mends
    CANCELLED = "cancelled"
    DEAD = "dead"  # it has a dead letter

    @property
    def is_final(self) -> bool:
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(eq=False, slots=True)
class Task:
    """One task. Its home loop's thread alone touches it, but for `outcome`, which any thread may wait for."""

    work: Work
    context: contextvars.Context
    requeued_from: str | None = None
    state: State | None = None
    """None until the queue has accepted it."""
    attempts: list[Attempt] = field(default_factory=list)
    submitted: float = field(default_factory=time.perf_counter)
    submitted_at: float = field(default_factory=time.time)
    running: float = 0.0
    """Seconds spent in attempts."""
    began: float | None = None
    """When the attempt under way began."""
    joined: int = 0
    outcome: "Future[Any]" = field(default_factory=Future)
    admitted: "asyncio.Future[None] | None" = None
    """Set while its caller waits for room in the queue."""
    over: "asyncio.Future[None] | None" = None
    """The worker waits for it: the attempt has ended or was given up."""
    runner: "asyncio.Task[None] | None" = None
    timer: asyncio.TimerHandle | None = None
    """Of its next attempt."""
    expiry: asyncio.TimerHandle | None = None
    """Of its deadline."""

    def __post_init__(self) -> None:
        self.outcome.set_running_or_notify_cancel()  # nobody who awaits it can cancel it

    def end_attempt(self, error: str | None) -> None:
        """Books the time of the attempt under way, and its error."""
        if self.began is None:
            return
        seconds = time.perf_counter() - self.began
        self.running += seconds
        self.began = None
        if error is not None:
            began = datetime.fromtimestamp(time.time() - seconds, UTC)
            self.attempts.append(Attempt(began, seconds, error))


class Counts:
    """Where the tasks are. `submitted` is always the sum over the states, since they change by `move` alone."""

    def __init__(self) -> None:
        self._in = dict.fromkeys(State, 0)
        self.submitted = 0
        self.rejected = 0  # refused by QueueFull; never submitted
        self.joined = 0  # found work of their key under way; never submitted
        self.retried = 0  # attempts after a first one

    def move(self, task: Task, state: State) -> None:
        if task.state is None:
            self.submitted += 1
        else:
            self._in[task.state] -= 1
        task.state = state
        self._in[state] += 1

    def __getitem__(self, state: State) -> int:
        return self._in[state]

    @property
    def unfinished(self) -> int:
        return self._in[State.QUEUED] + self._in[State.RUNNING]

    def to_dict(self) -> dict[str, int]:
        return {
            "submitted": self.submitted,
            **{state.value: count for state, count in self._in.items()},
            "rejected": self.rejected,
            "joined": self.joined,
            "retried": self.retried,
        }


class TaskHandle:
    """A task as its caller sees it, from any loop and any thread. `await handle` gives its result or raises its error.

    Awaiting it with a timeout, or being cancelled while awaiting it, leaves the task alone; `cancel` gives it up. An
    error that nobody looks at is logged by the queue and kept in the dead letter; it is no warning of the loop.
    """

    __slots__ = ("_cancel", "_task")

    def __init__(self, task: Task, cancel: Callable[[Task], bool]) -> None:
        self._task = task
        self._cancel = cancel

    @property
    def task_id(self) -> str:
        return self._task.work.task_id

    @property
    def operation(self) -> str:
        return self._task.work.operation

    @property
    def state(self) -> State:
        """Queued also while it waits for a place; cancelled also when that wait was."""
        return self._task.state or (State.CANCELLED if self.done() else State.QUEUED)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts that have failed so far."""
        return tuple(self._task.attempts)

    def done(self) -> bool:
        return self._task.outcome.done()

    def result(self) -> Any:
        """The result; raises the task's error, or `InvalidStateError` while it is not done."""
        return self._finished().result()

    def exception(self) -> BaseException | None:
        return self._finished().exception()

    def cancel(self) -> bool:
        """Gives the task up: one that waits never runs, a coroutine is cancelled, a process ended; what runs in a
        thread goes on, but nobody waits for it. False when the task is done already. Awaiting it then raises
        `asyncio.CancelledError`."""
        return self._cancel(self._task)

    def __await__(self) -> Generator[Any, None, Any]:
        if self._task.outcome.done():
            return self._task.outcome.result()
        return (yield from asyncio.shield(asyncio.wrap_future(self._task.outcome)).__await__())

    def __repr__(self) -> str:
        return f"<TaskHandle {self.task_id!r} {self.state.value}>"

    def _finished(self) -> "Future[Any]":
        if not self._task.outcome.done():
            raise asyncio.InvalidStateError(f"task {self.task_id!r} is not done")
        return self._task.outcome
