"""The background queue: tasks come in by `submit`, workers run them, each ends exactly once.

At every moment submitted = succeeded + failed + cancelled + dead + queued + running.
"""

import asyncio
import contextvars
import logging
import random
import time
from collections.abc import Iterable
from typing import Any

from ziggy_async.work.calls import described
from ziggy_async.work.dead_letters import DeadLetters, Reason, Work
from ziggy_async.work.errors import QueueFull, Stopped, TaskDropped, WorkerLost
from ziggy_async.work.metrics import Metrics
from ziggy_async.work.options import OnFull
from ziggy_async.work.queue import BoundedQueue
from ziggy_async.work.runs import Run, Runner
from ziggy_async.work.scaling import Load
from ziggy_async.work.tasks import Counts, State, Task, TaskHandle

logger = logging.getLogger(__name__)

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 30.0
"""Seconds at most before the second attempt, doubled for each further one, and before any."""


class Background:
    """Belongs to the loop in which it is started; `submit` and `stop` are awaited there."""

    def __init__(
        self,
        capacity: int,
        runner: Runner,
        letters: DeadLetters[TaskHandle],
        metrics: Metrics,
        counts: Counts,
    ) -> None:
        self.counts = counts
        self.queue = BoundedQueue(capacity)
        self.worker_tasks: list[asyncio.Task[None]] = []
        self._runner = runner
        self._letters = letters
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._unfinished: set[Task] = set()
        self._by_key: dict[Any, Task] = {}  # of those that are unfinished, or wait for a place
        self._burials: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()  # nothing is unfinished
        self._idle.set()
        self._is_closed = False
        self._is_full = False  # and that is in the log already
        self._started = 0  # workers, for their names
        self._wanted = 0

    # --- the way in

    async def submit(
        self, work: Work, context: contextvars.Context | None = None, requeued_from: str | None = None
    ) -> TaskHandle:
        """Accepts the work, as its options say when the queue is full; returns once it is accepted, or dropped.

        `QueueFull` with `on_full="raise"`, `Stopped` once `stop` was called. Cancelling this withdraws a task that
        still waits for a place, unless somebody has joined it by its key.
        """
        if self._is_closed:
            raise Stopped(f"task {work.task_id!r}: the queue takes no more work")
        options = work.options
        under_way = self._by_key.get(options.key) if options.key is not None else None
        if under_way is not None:
            self.counts.joined += 1
            under_way.joined += 1
            return self.handle(under_way)
        task = Task(work, context or contextvars.copy_context(), requeued_from)
        if not self.queue.is_full:
            self._is_full = False
        elif self._is_refused(task, options.on_full):
            return self.handle(task)
        if options.key is not None:
            self._by_key[options.key] = task
        if options.deadline is not None:
            self._limit(task, options.deadline)
        if self.queue.is_full and options.on_full == "wait":
            await self._wait_for_place(task)
        else:
            self._admit(task)
        return self.handle(task)

    def handle(self, task: Task) -> TaskHandle:
        return TaskHandle(task, self._cancel)

    def _is_refused(self, task: Task, on_full: OnFull) -> bool:
        """Says once that the queue is full, and makes room or refuses the newcomer. True: it was dropped."""
        if not self._is_full:
            self._is_full = True
            logger.warning("Task queue full: %d tasks wait; on_full=%r", len(self.queue), on_full)
        message = f"task {task.work.task_id!r}: the queue is full, {self.queue.capacity} tasks wait"
        if on_full == "raise":
            self.counts.rejected += 1
            raise QueueFull(message)
        if on_full == "drop_new":
            self.counts.move(task, State.QUEUED)
            self._unfinished.add(task)
            self._bury(task, Reason.DROPPED, TaskDropped(message))
            return True
        if on_full == "drop_oldest":
            oldest = self.queue.pop_oldest()
            newer = f"task {oldest.work.task_id!r} made room for a newer one, {self.queue.capacity} tasks wait"
            self._bury(oldest, Reason.DROPPED, TaskDropped(newer))
        return False

    async def _wait_for_place(self, task: Task) -> None:
        try:
            await self.queue.wait_outside(task)
        except asyncio.CancelledError:
            if task.joined == 0:
                self._give_up(task, State.CANCELLED, asyncio.CancelledError())
            raise

    def _admit(self, task: Task) -> None:
        self.counts.move(task, State.QUEUED)
        self._unfinished.add(task)
        self._idle.clear()
        self.queue.push(task)
        if task.admitted is not None and not task.admitted.done():
            task.admitted.set_result(None)

    def _admit_waiting(self) -> None:
        while (task := self.queue.next_outside()) is not None:
            self._admit(task)

    def _limit(self, task: Task, deadline: float) -> None:
        task.expiry = self._loop.call_later(deadline, self._expire, task)

    # --- workers

    def load(self) -> Load:
        """What sizing goes by: tasks, and blocking operations that come past the queue to the same threads."""
        return Load(
            workers=self._wanted,
            queued=len(self.queue) + self._runner.waiting,
            running=max(self.counts[State.RUNNING], self._runner.running),
            mean_seconds=self._runner.mean_seconds,
            finished=self._runner.finished,
        )

    @property
    def workers(self) -> int:
        """How many there are, without those that were sent home."""
        return self._wanted

    def resize(self, workers: int) -> None:
        """Starts workers, or sends some home as soon as they are idle."""
        surplus = self._wanted - workers
        self._wanted = workers
        if surplus >= 0:
            self.queue.dismiss(surplus)
            return
        missing = -surplus - self.queue.recall(-surplus)
        self.worker_tasks = [task for task in self.worker_tasks if not task.done()]
        for _ in range(missing):
            name = f"ziggy-async-worker-{self._started}"
            self._started += 1
            self.worker_tasks.append(self._loop.create_task(self._serve(), name=name))

    async def _serve(self) -> None:
        try:
            while (task := await self.queue.take()) is not None:
                self._admit_waiting()
                self.counts.move(task, State.RUNNING)
                await self._work(task)
        except asyncio.CancelledError:  # the loop comes to its end and nobody has called stop
            await self._close(Stopped("the event loop was closed"))
            raise

    async def _work(self, task: Task) -> None:
        """One attempt, until it has ended or was given up: a callable that does not let go keeps no worker."""
        task.over = self._loop.create_future()
        task.began = time.perf_counter()
        task.runner = self._loop.create_task(self._attempt(task), name=task.work.operation)
        await task.over

    async def _attempt(self, task: Task) -> None:
        work = task.work
        run = Run(work.operation, work.function, work.args, work.kwargs, task.context)
        try:
            value = await self._runner.run(run, work.options.use_process_pool)
        except asyncio.CancelledError:
            # Given up; or the loop comes to its end and nobody has called stop.
            self._give_up(task, State.DEAD, Stopped("the event loop was closed"), Reason.SHUTDOWN)
        except Exception as error:
            self._failed(task, error)
        else:
            self._succeeded(task, value)
        _set_over(task)

    def _succeeded(self, task: Task, value: Any) -> None:
        if task.state is State.RUNNING:  # else it was given up meanwhile
            task.end_attempt(None)
            self._finish(task, State.SUCCEEDED, value)

    def _failed(self, task: Task, error: Exception) -> None:
        if task.state is not State.RUNNING:
            return
        task.end_attempt(described(error))
        options = task.work.options
        if not isinstance(error, (*options.retry_on, WorkerLost)):
            self._finish(task, State.FAILED, error=error)
        elif len(task.attempts) < options.max_attempts:
            self.counts.retried += 1
            self.counts.move(task, State.QUEUED)
            task.timer = self._loop.call_later(self._backoff(len(task.attempts)), self._again, task)
        else:
            lost = isinstance(error, WorkerLost)
            self._bury(task, Reason.WORKER_LOST if lost else Reason.EXHAUSTED, error)

    def _backoff(self, attempts: int) -> float:
        """Exponential with full jitter: anywhere below the limit, so that what failed together does not return so."""
        return random.random() * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(attempts - 1, 60))

    def _again(self, task: Task) -> None:
        task.timer = None
        self.queue.push(task)  # its place was never given to another: it may stand beyond the capacity

    # --- the ways out

    def _expire(self, task: Task) -> None:
        limit = task.work.options.deadline
        error = TimeoutError(f"task {task.work.task_id!r} was not done within its deadline of {limit:g} s")
        self._give_up(task, State.DEAD, error, Reason.DEADLINE)

    def _cancel(self, task: Task) -> bool:
        """From any thread."""
        if task.outcome.done():
            return False
        if _is_here(self._loop):
            self._give_up(task, State.CANCELLED, asyncio.CancelledError())
        else:
            self._loop.call_soon_threadsafe(self._give_up, task, State.CANCELLED, asyncio.CancelledError())
        return True

    def _give_up(self, task: Task, state: State, error: BaseException, reason: Reason | None = None) -> None:
        """Ends a task that is not done, wherever it is. Its handle answers at once, whatever still runs."""
        if task.state is not None and task.state.is_final:
            return
        if task.state is None:
            self._withdraw(task)
            if reason is None:
                task.outcome.set_exception(error)
                return
            self.counts.move(task, State.QUEUED)
            self._unfinished.add(task)
        task.end_attempt(described(error))
        self.queue.remove(task)
        if reason is None:
            self._finish(task, state, error=error)
        else:
            self._bury(task, reason, error)
        if task.runner is not None:
            task.runner.cancel()
        _set_over(task)
        self._admit_waiting()

    def _withdraw(self, task: Task) -> None:
        """Takes back a task that waits for a place."""
        self.queue.remove(task)
        self._forget(task)
        if task.admitted is not None and not task.admitted.done():
            task.admitted.set_result(None)

    def _forget(self, task: Task) -> None:
        """Nothing leads to the task any more."""
        self._unfinished.discard(task)
        key = task.work.options.key
        if key is not None and self._by_key.get(key) is task:
            del self._by_key[key]
        for timer in (task.timer, task.expiry):
            if timer is not None:
                timer.cancel()

    def _settle(self, task: Task, state: State, error: BaseException | None) -> None:
        self.counts.move(task, state)
        self._forget(task)
        if state is not State.CANCELLED:
            self._record(task, error)
        if not self._unfinished:
            self._idle.set()

    def _finish(self, task: Task, state: State, value: Any = None, error: BaseException | None = None) -> None:
        self._settle(task, state, error)
        if error is None:
            task.outcome.set_result(value)
        else:
            task.outcome.set_exception(error)

    def _bury(self, task: Task, reason: Reason, error: BaseException) -> None:
        """The task is dead. Its handle says so once its letter is kept."""
        self._settle(task, State.DEAD, error)
        logger.error("task %s is dead, %s: %s", task.work.task_id, reason.value, described(error))
        burial = self._loop.create_task(self._write_letter(task, reason, error))
        self._burials.add(burial)
        burial.add_done_callback(self._burials.discard)

    async def _write_letter(self, task: Task, reason: Reason, error: BaseException) -> None:
        try:
            await self._letters.bury(task.work, reason, tuple(task.attempts), task.requeued_from)
        finally:
            task.outcome.set_exception(error)

    def _record(self, task: Task, error: BaseException | None) -> None:
        total = time.perf_counter() - task.submitted
        self._metrics.record(
            task.work.operation,
            total,
            waiting=max(0.0, total - task.running),
            running=task.running,
            latency=task.running,  # how long a task had to wait is the queue's affair, not a slow operation
            error=None if error is None else described(error),
            at=task.submitted_at,
        )

    # --- the end

    async def stop(self, drain: bool, timeout: float) -> None:
        """Takes no more work; with `drain` waits up to `timeout` seconds for what there is. The rest dies of the
        shutdown. Workers and burials are done when this returns."""
        self._is_closed = True
        self._turn_away()
        if drain:
            try:
                async with asyncio.timeout(timeout):
                    await self._idle.wait()
            except TimeoutError:
                logger.warning("%d tasks were not done after %g s", self.counts.unfinished, timeout)
        await self._close(Stopped("the queue was stopped"))
        self.resize(0)
        await _all_of(self.worker_tasks)

    async def _close(self, error: Stopped) -> None:
        self._is_closed = True
        self._turn_away()
        for task in list(self._unfinished):
            self._give_up(task, State.DEAD, error, Reason.SHUTDOWN)
        while self._burials:
            await _all_of(self._burials)

    async def bury_those_of(self, lost: "Background") -> None:
        """The letters of tasks whose loop was closed before they were done."""
        for task in list(lost._unfinished):
            error = Stopped("the event loop was closed")
            self.counts.move(task, State.DEAD)
            lost._unfinished.discard(task)
            await self._write_letter(task, Reason.SHUTDOWN, error)

    def _turn_away(self) -> None:
        for task in self.queue.clear_outside():
            self._forget(task)
            error = Stopped(f"task {task.work.task_id!r}: the queue was stopped before there was room")
            task.outcome.set_exception(error)
            if task.admitted is not None and not task.admitted.done():
                task.admitted.set_exception(error)


def _set_over(task: Task) -> None:
    if task.over is not None and not task.over.done():
        task.over.set_result(None)


def _is_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


async def _all_of(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Waits for tasks whose own errors are not ours to raise."""
    pending = list(tasks)
    if pending:
        await asyncio.wait(pending)
