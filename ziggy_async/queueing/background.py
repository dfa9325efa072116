"""The background queue: tasks come in by `submit`, workers run them, each ends exactly once."""

import asyncio
import contextvars
import logging
import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ziggy_async import tracing
from ziggy_async.messages import described, loggable, printable
from ziggy_async.queueing.options import Attempt, Options, Reason, Work
from ziggy_async.queueing.queue import BoundedQueue
from ziggy_async.queueing.scaling import Decision, Load, scale
from ziggy_async.queueing.task import Counts, State, Task
from ziggy_async.runtime.call import Call, UnraisableError, call_in_loop
from ziggy_async.runtime.errors import QueueFull, Stopped, TaskDropped, WorkerLost
from ziggy_async.runtime.processes import ProcessPool
from ziggy_async.runtime.threads import ThreadPool
from ziggy_async.terms import Terms, terms

logger = logging.getLogger(__name__)

FIRST_BACKOFF = 0.1  # seconds at most before a second attempt, doubled for each further one
LONGEST_BACKOFF = 30.0  # seconds at most before any attempt
DECISIONS = 200  # about the number of workers, that are kept
GRACE = 1.0  # seconds that workers and cancelled coroutines have to come to their end at a stop

under_way: contextvars.ContextVar[bool] = contextvars.ContextVar("ziggy_async_under_way", default=False)
"""True if the current code is a task of some queue. While a computer stops, calls of such code are not new work."""


@dataclass(eq=False, repr=False)
class Background:
    """The queue and its workers, of the loop that makes it. They end when nobody refers to it and no task is left."""

    queue: BoundedQueue
    threads: ThreadPool  # the queue's own, as many as the workers
    processes: Callable[[], ProcessPool]  # makes the pool when a first task wants it
    counts: Counts
    keep_letter: Callable[[Work, Reason, Iterable[Attempt], str | None], "Future[Any]"]  # see `DeadLetters.put`
    record: Callable[[Task, BaseException | None], object]  # for each task that ends, unless cancelled, and its error
    at_loop_end: Callable[[], object]  # called when the loop ends without a stop

    def __post_init__(self) -> None:
        self.worker_tasks: list[asyncio.Task[None]] = []
        self._finished = 0  # attempts
        self._mean_seconds = 0.0
        self._loop = asyncio.get_running_loop()
        self.unfinished: dict[int, Task] = {}  # by number; also those that wait for a place, or for their letter
        self._by_key: dict[Any, Task] = {}  # of those that are not at their end
        self._cancelled: set[asyncio.Task[Any]] = set()  # of coroutines that have not ended yet
        self._closing = threading.Lock()  # several threads may find the loop closed
        self._is_closed = False
        self._full_was_logged = False  # that the queue is full; reset when it is half empty
        self.workers = 0  # as many as there should be; 0 once it is closed
        self._sizing: list[asyncio.Task[None]] = []  # the task that does it, if it is wanted
        self.decisions: deque[Decision] = deque(maxlen=DECISIONS)

    def __del__(self) -> None:
        self.workers = 0  # those in the loop's thread may still find this: none is started anew
        for task in (*self.worker_tasks, *self._sizing):
            if not call_in_loop(self._loop, task.cancel):
                task._log_destroy_pending = False  # type: ignore[attr-defined]

    # --- the way in

    async def submit(self, work: Work, requeued_from: str | None = None, owner: object = None) -> Task:
        """Accepts the work, as its options say when the queue is full. Returns its task once that is accepted, or
        dropped. Raises `QueueFull` with `on_full="raise"`, `Stopped` once `stop` was called. Cancelling this cancels
        a task that still waits for a place, unless somebody has joined it by its key. `owner` lives until its end."""
        with tracing.span("enqueue", task_id=work.task_id, function=work.function, operation=work.operation):
            if self._is_closed:
                raise Stopped(f"task {work.name}: the queue takes no more work")
            options = work.options
            if options.key is not None and (joined := self._by_key.get(options.key)) is not None:
                self.counts.count("joined")
                joined.callers += 1
                return joined
            if is_full := self.queue.is_full:
                self._check_full(options, work.name)
            task = Task(work, contextvars.copy_context(), requeued_from, owner)
            task.context.run(under_way.set, True)
            task.context.run(terms.set, Terms.of(options.priority, options.deadline))
            self.unfinished[task.number] = task
            if options.key is not None:
                self._by_key[options.key] = task
            if options.deadline is not None:
                task.expiry = self._loop.call_later(options.deadline, self._expire, task)
            if is_full and options.on_full == "wait":
                await self._wait_for_place(task)
                return task
            self._admit(task)
            if is_full:  # it has entered ahead of those that wait for a place
                self._drop(self.queue.least_urgent if options.on_full == "drop_oldest" else task)
            return task

    def _check_full(self, options: Options, name: str) -> None:
        """Logs once that the queue is full, until half of it is free again. Raises `QueueFull` as the options say."""
        if not self._full_was_logged:
            self._full_was_logged = True
            logger.warning("Task queue full: %d tasks wait; on_full=%r", len(self.queue), options.on_full)
        if options.on_full == "raise":
            self.counts.count("rejected")
            raise QueueFull(f"task {name}: the queue is full, {self.queue.capacity} tasks wait")

    def _drop(self, task: Task) -> None:
        priority, capacity = task.work.options.priority, self.queue.capacity
        reason = f"task {task.work.name} of priority {priority} was dropped: the queue is full, {capacity} tasks wait"
        self._end_early(task, TaskDropped(reason), Reason.DROPPED)

    async def _wait_for_place(self, task: Task) -> None:
        """Waits until there is a place for the task and it is admitted, or until it has come to its end before."""
        try:
            await self.queue.blocked.setdefault(task, self._loop.create_future())
        except asyncio.CancelledError:
            self.release(task)
            raise
        if task.state is State.CANCELLED and isinstance(task.outcome.error, Stopped):
            raise task.outcome.error

    def _admit(self, task: Task) -> None:
        self.counts.move(task, State.QUEUED)
        self.queue.push(task)

    def _admit_waiting(self) -> None:
        while (task := self.queue.pop_blocked()) is not None:
            self._admit(task)
        if len(self.queue) <= self.queue.capacity // 2 and not self.queue.blocked:
            self._full_was_logged = False

    # --- workers

    def load(self) -> Load:
        """Returns what the number of workers is decided by."""
        return Load(self.workers, len(self.queue), self.counts.to_dict()["running"], self._mean_seconds, self._finished)

    def resize(self, workers: int) -> None:
        """Starts workers, or ends some as soon as they are idle."""
        if workers > 0:
            self.threads.resize(workers)
        self.workers = workers
        run = partial(_serve, weakref.ref(self), self.queue)
        for number in range(len(self.worker_tasks), workers):
            self._start(run, f"ziggy-async-worker-{number}", self.worker_tasks)
        self.queue.wake(len(self.worker_tasks) - workers)

    def size_by_load(self, least: int, most: int) -> None:
        """Has as many workers as the load asks for, from `least` to `most`, until the queue is closed."""
        own = weakref.proxy(self)
        run = partial(scale, (least, most), lambda: own.load(), lambda workers: own.resize(workers), self.decisions)
        self._start(run, "ziggy-async-scaling", self._sizing)

    def _start(self, run: Callable[[], Coroutine[Any, Any, None]], name: str, tasks: list[asyncio.Task[None]]) -> None:
        """Runs `run` in a task that is added to `tasks`; another one when that ends before the queue is closed."""
        found, sizing = weakref.ref(self), self._sizing

        def ended(task: asyncio.Task[None]) -> None:
            tasks.remove(task)
            is_sound = task.cancelled() or tasks is not sizing  # which would fail again
            if is_sound and (background := found()) is not None and len(tasks) < background.workers:
                background._start(run, name, tasks)
            with suppress(asyncio.CancelledError):  # which leaves the task: its traceback has the frames of asyncio.run
                if (error := task.exception()) is not None:
                    logger.error("%s has failed", name, exc_info=loggable(error))

        tasks.append(self._loop.create_task(run(), name=name))
        tasks[-1].add_done_callback(ended)

    async def _attempt(self, task: Task) -> None:
        """Makes one attempt, and waits until it has ended or is abandoned: a callable that hangs keeps no worker."""
        work = task.work
        about = {"task_id": work.task_id, "function": work.function, "operation": work.operation}
        span = tracing.TaskSpan(task.context, attempt=len(task.attempts) + 1, **about)
        call = task.call = Call(work.operation, work.function, work.args, work.kwargs, span.context)
        self.counts.move(task, State.RUNNING)
        try:
            task.pool = self.processes() if work.options.use_process_pool else self.threads
            task.pool.put(call)
        except Exception as error:  # nobody can make it
            call.set(None, error.with_traceback(None))
        try:
            await call.wait()
        finally:
            is_abandoned = task.call is not call
            task.delivery = span.end(None if is_abandoned else call.error, call.ended)
        if not is_abandoned:
            self._ended(task, call)

    def _end_if_over(self, task: Task, moment: float) -> bool:
        """Ends the attempt if its call had ended by `moment`, though the loop is not told yet. Returns whether."""
        call = task.call
        if call is None or call.ended is None or call.ended > moment:
            return False
        call.publish()
        self._ended(task, call)
        return True

    def _ended(self, task: Task, call: Call) -> None:
        """Ends the attempt that has an outcome, and the task unless it is to be tried again."""
        error, options = call.error, task.work.options
        self._end_attempt(task, error)
        try:
            raised = error.__cause__ if isinstance(error, UnraisableError) else None
            if error is None:
                self._finish(task, State.SUCCEEDED, call.value)
            elif isinstance(error, Stopped) and error.__traceback__ is None:  # the pool's, which was never raised
                self._finish(task, State.DEAD, None, error, Reason.SHUTDOWN)
            elif not any(isinstance(each, (*options.retry_on, WorkerLost)) for each in (error, raised)):
                self._finish(task, State.FAILED, None, error)
            elif len(task.attempts) >= options.max_attempts:
                reason = Reason.WORKER_LOST if isinstance(error, WorkerLost) else Reason.EXHAUSTED
                self._finish(task, State.DEAD, None, error, reason)
            elif options.deadline is not None and task.expiry is None:  # it has passed: this attempt was the last
                self._finish(task, State.DEAD, None, self._too_late(task), Reason.DEADLINE)
            else:
                self.counts.count("retried")
                self.counts.move(task, State.QUEUED)
                # Another task may have its place by now: then the queue is longer than its capacity for a while.
                task.timer = self._loop.call_later(backoff(len(task.attempts)), self.queue.push, task)
        except Exception as fault:  # of the application's code, such as that of a class in `retry_on`
            if not task.state.is_final:
                failure = RuntimeError(f"the outcome of task {task.work.name} cannot be handled: {described(fault)}")
                self._finish(task, State.FAILED, None, failure)
            logger.error("the outcome of task %s cannot be handled", task.work.name, exc_info=loggable(fault))

    def _end_attempt(self, task: Task, error: BaseException | None) -> None:
        """Counts the time of the attempt under way, if any, without its way to a thread and back; keeps its error."""
        call, task.call = task.call, None
        if call is None:
            return
        now = time.perf_counter()
        began, ended = call.began or call.submitted, call.ended or now
        task.running += ended - began
        if error is not None:
            began_at = datetime.fromtimestamp(time.time() - (now - began), UTC)
            task.attempts.append(Attempt(began_at, ended - began, described(error)))
        self._finished += 1
        # The mean of recent ones: the latest weighs an eighth.
        self._mean_seconds += (ended - began - self._mean_seconds) / (8 if self._mean_seconds else 1)

    # --- the ways out

    async def wait(self, task: Task) -> None:
        """Waits for the task's outcome, in any loop. Closes the queue when its own loop was closed without a stop."""
        await task.outcome.wait(self._loop, lambda: self.close(Stopped("the event loop was closed")))

    def cancel(self, task: Task) -> bool:
        """Cancels the task, from any thread. Returns False when it is done, or its loop is closed."""
        return not task.outcome.is_set and call_in_loop(self._loop, self._end_early, task, asyncio.CancelledError())

    def release(self, task: Task) -> None:
        """Takes one caller off the task, from any thread; the last one cancels it."""
        call_in_loop(self._loop, self._release, task)

    def _release(self, task: Task) -> None:
        task.callers -= 1
        if task.callers <= 0:
            self._end_early(task, asyncio.CancelledError())

    def _expire(self, task: Task) -> None:
        """Ends the task at its deadline, unless its attempt had ended before. A busy loop hears of both late; a task
        that is done must not become a dead letter, since a requeue would do it twice."""
        task.expiry = None
        if not self._end_if_over(task, task.submitted + (task.work.options.deadline or 0.0)):
            self._end_early(task, self._too_late(task), Reason.DEADLINE)

    def _too_late(self, task: Task) -> TimeoutError:
        deadline = task.work.options.deadline
        return TimeoutError(f"task {task.work.name} was not done within its deadline of {deadline:g} s")

    def _end_early(self, task: Task, error: BaseException, reason: Reason | None = None) -> None:
        """Ends a task that is not done, in any state: as cancelled or, with a reason, as dead. Its handle answers at
        once, even if its call still runs, and its place goes to a task that waits for one."""
        if task.state.is_final:
            return
        if task.state is State.WAITING and reason is not None:
            self.counts.move(task, State.QUEUED)  # a dead task counts as submitted
        self.queue.remove(task)
        if task.call is not None and task.pool is not None:
            if task.call.task is not None and not task.call.task.done():  # else the loop, perhaps closed, is called
                self._cancelled.add(task.call.task)
                task.call.task.add_done_callback(self._cancelled.discard)
            task.pool.abandon(task.call)
        self._end_attempt(task, error)
        self._finish(task, State.CANCELLED if reason is None else State.DEAD, None, error, reason)
        self._admit_waiting()

    def _finish(
        self, task: Task, state: State, value: Any, error: BaseException | None = None, reason: Reason | None = None
    ) -> None:
        """Ends the task. Its handle answers at once; that of a dead task, with a reason, when its letter is kept."""
        self.counts.move(task, state, None if state is State.CANCELLED else error)
        for timer in (task.timer, task.expiry):
            if timer is not None:
                timer.cancel()
        if state is not State.CANCELLED:
            self.record(task, error)

        def answer(_: object = None) -> None:
            task.outcome.set(value, error)
            self.unfinished.pop(task.number, None)
            task.owner = None

        if error is None or reason is None:
            answer()
        else:
            self.keep_letter(task.work, reason, task.attempts, task.requeued_from).add_done_callback(answer)
        key = task.work.options.key  # from here on code of the application's runs, which may raise
        if key is not None and self._by_key.get(key) is task:
            del self._by_key[key]
        if error is not None and reason is not None:
            # DEBUG for dropped tasks: the options ask for it, and the full queue is logged once.
            level = logging.DEBUG if reason is Reason.DROPPED else logging.ERROR
            logger.log(level, "task %s is dead, %s: %s", printable(task.work.task_id), reason.value, described(error))

    # --- the end

    async def stop(self, drain: bool, timeout: float | None) -> None:
        """Takes no more work; with `drain` waits up to `timeout` seconds for what there is. Tasks that are left become
        dead letters, except those whose call has ended already: a requeue would run them twice.
        Returns when the letters are written, and workers and cancelled coroutines have ended, if they do in time."""
        self._stop_accepting()
        if drain:
            try:
                async with asyncio.timeout(timeout):
                    for task in list(self.unfinished.values()):
                        await task.outcome.wait()
            except TimeoutError:
                logger.warning("%d tasks were not done after %g s", len(self.unfinished), timeout)
        for task in list(self.unfinished.values()):
            self._end_if_over(task, time.perf_counter())
        self.close(Stopped("the queue was stopped"))
        for sizing in self._sizing:
            sizing.cancel()
        await self.letters_written()
        self.resize(0)
        if ending := {*self.worker_tasks, *self._sizing, *self._cancelled}:
            _, left = await asyncio.wait(ending, timeout=GRACE)
            if left:
                logger.error("%d workers or coroutines have not ended within %g s; they are left", len(left), GRACE)

    def _stop_accepting(self) -> None:
        """Takes no more work, and ends the tasks that wait for a place."""
        self._is_closed = True
        for task in list(self.queue.blocked):
            self._end_early(task, Stopped(f"task {task.work.name}: the queue was stopped before there was a place"))

    async def letters_written(self) -> None:
        """Waits until the letters of all dead tasks are kept. Cancelling this stops the waiting, not the writing."""
        for task in list(self.unfinished.values()):
            if task.state is State.DEAD:
                await task.outcome.wait()

    def forget(self) -> None:
        """Takes no more work, and ends no task, in a forked child: the parent goes on with them."""
        self._is_closed, self.workers = True, 0
        for task in self.unfinished.values():
            task.state = State.CANCELLED

    def close(self, error: Stopped) -> None:
        """Takes no more work, and ends all tasks in their order. From any thread, once the loop is closed."""
        with self._closing, ExitStack() as ends:  # it calls all of them, the last one first, even if one raises
            self.workers = 0
            for task in reversed(list(self.unfinished.values())):
                ends.callback(self._end_early, task, error, Reason.SHUTDOWN)
            ends.callback(self._stop_accepting)


async def _serve(found: "weakref.ref[Background]", queue: BoundedQueue) -> None:
    """Runs a worker, which refers to the background only while it has a task."""
    task: Task | None = None
    try:
        while (background := found()) is not None and len(background.worker_tasks) <= background.workers:
            del background
            if (task := await queue.take()) is not None and (background := found()) is not None:
                background._admit_waiting()
                await background._attempt(task)
            task = None  # not kept until the next one comes
    except (Exception, asyncio.CancelledError, KeyboardInterrupt, SystemExit) as error:
        if (background := found()) is not None:
            # `asyncio.run` cancels all tasks before any of them runs: then this is the end of the loop. An application
            # that cancels all tasks itself looks the same, and has the same effect.
            if all(each.cancelling() for each in asyncio.all_tasks()):
                background.close(Stopped("the event loop came to its end"))
                with suppress(ReferenceError):  # the computer is gone, and so are its pools
                    background.at_loop_end()
                await background.letters_written()
            elif task is not None and not background._end_if_over(task, time.perf_counter()):
                background._end_early(task, Stopped(f"its worker has ended: {described(error)}"), Reason.SHUTDOWN)
        raise
    finally:
        background = task = None  # the error's traceback leads here, and the background has this worker


def backoff(attempts: int) -> float:
    """Returns a random delay below an exponential limit (full jitter): tasks that failed together come back apart."""
    return random.random() * min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(attempts - 1, 60))
