"""The bounded queue in front of the workers: levels of priority, each first come, first served."""

import asyncio
import time
from bisect import insort
from collections import OrderedDict
from contextlib import suppress
from itertools import islice

from ziggy_async.queueing.task import Task


class BoundedQueue:
    """Tasks that wait for a worker, and, when it is full, tasks that wait for a place in it. One loop's thread only."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._levels: dict[int, OrderedDict[Task, None]] = {}  # priority -> tasks, oldest first; none is empty
        self._priorities: list[int] = []  # of _levels, ascending
        self._length = 0
        self._blocked: OrderedDict[Task, None] = OrderedDict()  # tasks that wait for a place
        self._wake_ups = asyncio.Semaphore(0)  # at least one for each task in the queue and each worker that is to end
        self._workers_to_end = 0

    def __len__(self) -> int:
        return self._length

    @property
    def is_full(self) -> bool:
        """Whether a new task has to wait: also when others wait already, so that none overtakes them."""
        return self._length >= self.capacity or bool(self._blocked)

    @property
    def is_half_free(self) -> bool:
        return self._length <= self.capacity // 2 and not self._blocked

    @property
    def oldest_entry(self) -> float | None:
        """The time at which the task came that waits longest, on `time.perf_counter`. From any thread, which may see it
        a moment late."""
        entries = []
        for level in list(self._levels.values()):
            with suppress(RuntimeError):  # changed by the loop's thread at this very moment
                entries += [task.entered for task in islice(level, 1)]
        return min(entries, default=None)

    @property
    def least_priority(self) -> int | None:
        """The least urgent priority in the queue."""
        return self._priorities[0] if self._priorities else None

    def push(self, task: Task) -> None:
        """Adds the task, whether or not there is a place, and wakes a worker."""
        priority = task.work.options.priority
        level = self._levels.get(priority)
        if level is None:
            level = self._levels[priority] = OrderedDict()
            insort(self._priorities, priority)
        task.entered = time.perf_counter()
        level[task] = None
        self._length += 1
        self._wake_ups.release()

    def remove(self, task: Task) -> None:
        """Takes a task out again, wherever it waits; nothing if it does not."""
        self._blocked.pop(task, None)
        priority = task.work.options.priority
        if task in self._levels.get(priority, ()):
            self._take_out(priority, task)

    def first_of_least(self) -> Task:
        """Returns the least urgent task, of equals the one that has waited longest."""
        return next(iter(self._levels[self._priorities[0]]))

    async def take(self) -> Task | None:
        """Returns the most urgent task, of equals the one that has waited longest; None for a worker that is to end."""
        while True:
            await self._wake_ups.acquire()
            if self._workers_to_end > 0:
                self._workers_to_end -= 1
                return None
            if self._length > 0:  # else the task that it was for is gone
                priority = self._priorities[-1]
                task = next(iter(self._levels[priority]))
                self._take_out(priority, task)
                return task

    def end_workers(self, workers: int) -> None:
        """Ends so many workers, each as soon as it is idle."""
        self._workers_to_end += workers
        for _ in range(workers):
            self._wake_ups.release()

    def keep_workers(self, workers: int) -> int:
        """Keeps up to so many of the workers that are to end and have not ended yet; returns how many."""
        kept = min(workers, self._workers_to_end)
        self._workers_to_end -= kept
        return kept

    def add_blocked(self, task: Task) -> None:
        self._blocked[task] = None

    def pop_blocked(self) -> Task | None:
        """Takes the first task that waits for a place, if there is a place for it."""
        if not self._blocked or self._length >= self.capacity:
            return None
        return self._blocked.popitem(last=False)[0]

    def clear_blocked(self) -> list[Task]:
        tasks = list(self._blocked)
        self._blocked.clear()
        return tasks

    def _take_out(self, priority: int, task: Task) -> None:
        level = self._levels[priority]
        del level[task]
        self._length -= 1
        if not level:
            del self._levels[priority]
            self._priorities.remove(priority)
