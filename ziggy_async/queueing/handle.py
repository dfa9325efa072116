"""A task as its caller sees it."""

import asyncio
from collections.abc import Generator, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ziggy_async.queueing.background import Background
from ziggy_async.queueing.options import Attempt
from ziggy_async.queueing.task import State, Task
from ziggy_async.runtime.call import Outcome

T_co = TypeVar("T_co", covariant=True)


@dataclass(eq=False, repr=False, slots=True)
class TaskHandle(Generic[T_co]):
    """The handle of a task, for any loop and any thread. `await handle` gives its result or raises its error.
    Awaiting it with a timeout, or being cancelled while awaiting it, leaves the task alone; `cancel` ends it."""

    _queue: Background
    _task: Task

    @property
    def task_id(self) -> str:
        """The id that was given to `enqueue_task`."""
        return self._task.work.task_id

    @property
    def key(self) -> Hashable | None:
        """The key by which other work joins it."""
        return self._task.work.options.key

    @property
    def args(self) -> tuple[Any, ...]:
        """The positional arguments of its function."""
        return self._task.work.args

    @property
    def state(self) -> State:
        """Its present state."""
        return self._task.state

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts that have failed so far."""
        return tuple(self._task.attempts)

    def done(self) -> bool:
        """Returns whether it has come to its end, and its dead letter, if it has one, is kept."""
        return self._task.outcome.is_set

    def result(self) -> T_co:
        """Returns the result; raises the task's error, or `InvalidStateError` while it is not done."""
        try:
            value: T_co = self._finished().get()
            return value
        finally:
            del self  # as in Outcome.get

    def exception(self) -> BaseException | None:
        """Returns the task's error, None if it has succeeded; raises `InvalidStateError` while it is not done."""
        return self._finished().error

    def cancel(self) -> bool:
        """Ends the task in `CancelledError`: one that waits never runs, a coroutine is cancelled, a process ended; what
        runs in a thread goes on, but nobody waits for it. Returns False when the task is done already."""
        return self._queue.cancel(self._task)

    def release(self) -> None:
        """Says that this caller wants no result any more; the task is cancelled unless others have joined it."""
        self._queue.release(self._task)

    def __await__(self) -> Generator[Any, None, T_co]:
        if not self.done():
            yield from self._queue.wait(self._task).__await__()
            if self._task.delivery is not None:
                self._task.delivery.end()
        try:
            return self.result()
        finally:
            del self

    def __repr__(self) -> str:
        return f"<TaskHandle {self._task.work.name} {self.state.value}>"

    def _finished(self) -> Outcome:
        if not self._task.outcome.is_set:
            raise asyncio.InvalidStateError(f"task {self._task.work.name} is not done")
        return self._task.outcome
