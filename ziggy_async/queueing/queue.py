"""The bounded queue in front of the workers: levels of priority, each first come, first served."""

import asyncio
import time
from bisect import insort
from collections import OrderedDict, deque
from contextlib import suppress
from itertools import islice

from ziggy_async.queueing.task import Task
from ziggy_async.runtime.mailbox import wake


class BoundedQueue:
    """Tasks that wait for a worker, and, when it is full, tasks that wait for a place in it. One loop's thread only."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._levels: dict[int, OrderedDict[Task, None]] = {}  # priority -> tasks, oldest first; none is empty
        self._priorities: list[int] = []  # of _levels, ascending
        self._length = 0
        self.blocked: OrderedDict[Task, asyncio.Future[None]] = OrderedDict()  # tasks that wait for a place, until then
        self._idle: deque[asyncio.Future[None]] = deque()  # of workers, some perhaps cancelled

    def __len__(self) -> int:
        return self._length

    @property
    def is_full(self) -> bool:
        """True if a new task has to wait: also when others wait already, so that none overtakes them."""
        return self._length >= self.capacity or bool(self.blocked)

    @property
    def oldest_entry(self) -> float | None:
        """When the longest-waiting task entered (`perf_counter`); from any thread, perhaps slightly out of date."""
        entries = []
        for level in list(self._levels.values()):
            with suppress(RuntimeError):  # changed by the loop's thread at this very moment
                entries += [task.entered for task in islice(level, 1)]
        return min(entries, default=None)

    @property
    def least_urgent(self) -> Task:
        """The least urgent task in the queue, of equals the one that has waited longest."""
        return next(iter(self._levels[self._priorities[0]]))

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
        self.wake(1)

    def remove(self, task: Task) -> None:
        """Takes a task out again, wherever it waits; nothing if it does not."""
        if self.blocked and (place := self.blocked.pop(task, None)) is not None:
            wake(place)
        priority = task.work.options.priority
        level = self._levels.get(priority)
        if level is not None and task in level:
            del level[task]
            self._length -= 1
            if not level:
                del self._levels[priority]
                self._priorities.remove(priority)

    async def take(self) -> Task | None:
        """Returns the most urgent task, of equals the one that has waited longest; None after a spurious wake-up."""
        if self._length == 0:
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            await waiter
        if self._length == 0:
            return None
        task = next(iter(self._levels[self._priorities[-1]]))
        self.remove(task)
        return task

    def wake(self, workers: int) -> None:
        """Wakes so many of the workers that wait for a task."""
        while workers > 0 and self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                workers -= 1

    def pop_blocked(self) -> Task | None:
        """Takes the first task that waits for a place, if there is a place for it."""
        if not self.blocked or self._length >= self.capacity:
            return None
        task, place = self.blocked.popitem(last=False)
        wake(place)
        return task
