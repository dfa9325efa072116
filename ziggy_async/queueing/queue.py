"""The bounded queue in front of the workers: levels of priority, each first come, first served."""

import asyncio
import time
from bisect import insort
from collections import OrderedDict, deque
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
        self._outside: OrderedDict[Task, None] = OrderedDict()  # those that wait for a place
        self._idle: deque[asyncio.Future[None]] = deque()  # workers that wait for a task
        self._dismissed = 0  # workers that are to go home

    def __len__(self) -> int:
        return self._length

    @property
    def is_full(self) -> bool:
        """Whether a newcomer has to wait: also when others wait already, so that nobody overtakes them."""
        return self._length >= self.capacity or bool(self._outside)

    @property
    def is_half_free(self) -> bool:
        return self._length <= self.capacity // 2 and not self._outside

    @property
    def oldest_entry(self) -> float | None:
        """When the one came that waits longest, on `time.perf_counter`. From any thread, which may see it a moment
        late."""
        entries = []
        for level in list(self._levels.values()):
            with suppress(RuntimeError):  # changed by the loop's thread at this very moment
                entries += [task.entered for task in islice(level, 1)]
        return min(entries, default=None)

    @property
    def least_priority(self) -> int | None:
        """Of those in the queue."""
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
        self._wake_one()

    def remove(self, task: Task) -> None:
        """Takes a task out again, wherever it waits; nothing if it does not."""
        self._outside.pop(task, None)
        priority = task.work.options.priority
        if task in self._levels.get(priority, ()):
            self._take_out(priority, task)

    def first_of_least(self) -> Task:
        """Of the least urgent tasks the one that has waited longest."""
        return next(iter(self._levels[self._priorities[0]]))

    async def take(self) -> Task | None:
        """Of the most urgent tasks the one that has waited longest; None for a worker that is to go home."""
        while True:
            if self._dismissed > 0:
                self._dismissed -= 1
                return None
            if self._length > 0:
                return self._pop(self._priorities[-1])
            await self._be_woken()

    def dismiss(self, workers: int) -> None:
        """Sends so many workers home, each as soon as it is idle."""
        self._dismissed += workers
        for _ in range(workers):
            self._wake_one()

    def recall(self, workers: int) -> int:
        """Keeps up to so many of the dismissed that have not gone yet; returns how many."""
        kept = min(workers, self._dismissed)
        self._dismissed -= kept
        return kept

    def wait_outside(self, task: Task) -> None:
        self._outside[task] = None

    def next_outside(self) -> Task | None:
        """Takes the first of those that wait for a place, if there is a place for it."""
        if not self._outside or self._length >= self.capacity:
            return None
        return self._outside.popitem(last=False)[0]

    def clear_outside(self) -> list[Task]:
        tasks = list(self._outside)
        self._outside.clear()
        return tasks

    def _pop(self, priority: int) -> Task:
        task = next(iter(self._levels[priority]))
        self._take_out(priority, task)
        return task

    def _take_out(self, priority: int, task: Task) -> None:
        level = self._levels[priority]
        del level[task]
        self._length -= 1
        if not level:
            del self._levels[priority]
            self._priorities.remove(priority)

    async def _be_woken(self) -> None:
        """A worker that is cancelled when it was woken already passes the word on."""
        woken = asyncio.get_running_loop().create_future()
        self._idle.append(woken)
        try:
            await woken
        except BaseException:
            if woken.done() and not woken.cancelled():
                self._wake_one()
            raise

    def _wake_one(self) -> None:
        while self._idle:
            woken = self._idle.popleft()
            if not woken.done():
                woken.set_result(None)
                return
