"""A task of the background queue: its states, its record, and the counts of all tasks."""

import asyncio
import contextvars
import itertools
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from ziggy_async.messages import described, printable
from ziggy_async.queueing.options import Attempt, Work
from ziggy_async.runtime.call import Call, Outcome
from ziggy_async.runtime.threads import ThreadPool
from ziggy_async.tracing import Delivery

MOST_ENDED = 1000  # tasks that are remembered after their end


class State(StrEnum):
    WAITING = "waiting"  # for a place in the queue: not submitted yet
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # by an error that no further attempt mends
    CANCELLED = "cancelled"
    DEAD = "dead"  # it has a dead letter

    @property
    def is_final(self) -> bool:
        return self not in (State.WAITING, State.QUEUED, State.RUNNING)


class TaskRecord(NamedTuple):
    """A task at one moment, without its work: what a list of tasks shows."""

    number: int  # unique in the process, and rising
    task_id: str
    operation: str
    state: State
    priority: int
    submitted_at: float  # seconds since the epoch
    waiting_s: float  # seconds without an attempt under way, up to the moment or its end
    running_s: float  # seconds of its attempts
    attempts: int  # attempts that have failed
    error: str | None  # the error of its end, or of the last attempt that failed

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON values; `submitted_at` in ISO 8601, UTC."""
        submitted_at = datetime.fromtimestamp(self.submitted_at, UTC).isoformat(timespec="milliseconds")
        return {**self._asdict(), "state": self.state.value, "submitted_at": submitted_at}


@dataclass(eq=False, slots=True)
class Task:
    """One task. Its home loop's thread alone touches it, but for `record` and `outcome`, which are for any thread."""

    work: Work
    context: contextvars.Context
    requeued_from: str | None = None
    owner: object = None  # makes the processes and keeps the letters; None when the task has ended
    number: int = field(default_factory=itertools.count(1).__next__)
    state: State = State.WAITING
    attempts: list[Attempt] = field(default_factory=list)
    submitted: float = field(default_factory=time.perf_counter)
    submitted_at: float = field(default_factory=time.time)
    entered: float = 0.0  # when it came into the queue last
    running: float = 0.0  # seconds spent in attempts
    call: Call | None = None  # the attempt under way
    pool: ThreadPool | None = None  # makes that call
    callers: int = 1  # callers that want the result; a key adds more
    outcome: Outcome = field(default_factory=Outcome)
    timer: asyncio.TimerHandle | None = None  # starts its next attempt
    expiry: asyncio.TimerHandle | None = None  # fires at its deadline; None: it has fired, or there is none
    delivery: Delivery | None = None  # the span until its waiter has the outcome, where the application traces

    def record(self, error: str | None = None) -> TaskRecord:
        """Returns its present state, from any thread; `error`: that of its end."""
        attempts, call = list(self.attempts), self.call
        now = time.perf_counter()
        running = self.running + (0.0 if call is None else now - (call.began or call.submitted))
        return TaskRecord(
            self.number,
            printable(self.work.task_id),
            printable(self.work.operation),
            self.state,
            self.work.options.priority,
            self.submitted_at,
            max(0.0, now - self.submitted - running),
            running,
            len(attempts),
            error or (attempts[-1].error if attempts and self.state is not State.SUCCEEDED else None),
        )


class Counts:
    """Counts the tasks by state. `submitted` is always the sum over the states, since they change by `move` alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # for readers in other threads
        states = [state for state in State if state is not State.WAITING]
        self._numbers: dict[str, int] = dict.fromkeys(["submitted", *states, "rejected", "joined", "retried"], 0)
        self._ended: deque[TaskRecord] = deque(maxlen=MOST_ENDED)  # by _lock

    def count(self, what: Literal["rejected", "joined", "retried"]) -> None:
        """Counts work that `QueueFull` refused or that joined other work, neither submitted, or a further attempt."""
        self._numbers[what] += 1

    def move(self, task: Task, state: State, error: BaseException | None = None) -> None:
        """Changes a task's state. It counts from when it is queued, not before. `error`: that of its end."""
        with self._lock:
            before, task.state = task.state, state
            if before is not State.WAITING:
                self._numbers[before] -= 1
            if before is not State.WAITING or state is State.QUEUED:
                self._numbers[state] += 1
            if before is State.WAITING and state is State.QUEUED:
                self._numbers["submitted"] += 1
            if state.is_final:
                self._ended.append(task.record(None if error is None else described(error)))

    def last_ended(self) -> list[TaskRecord]:
        """Returns the tasks that ended last, in that order, from any thread."""
        with self._lock:
            return list(self._ended)

    def to_dict(self) -> dict[str, int]:
        with self._lock:
            return {str(name): number for name, number in self._numbers.items()}
