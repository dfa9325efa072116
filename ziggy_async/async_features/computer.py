"""`AsyncFeatureComputer`: pools, queue and metrics, from start to stop, and the process's one instance."""

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

from ziggy_async import _core, lifecycle, tracing
from ziggy_async.arguments import real
from ziggy_async.async_features.config import TaskPoolConfig
from ziggy_async.async_features.facade import Calls, Compute
from ziggy_async.dead_letters.dead_letters import DeadLetters
from ziggy_async.lag import LoopLag
from ziggy_async.messages import described, kind_of, loggable, printable, shown
from ziggy_async.metrics import Metrics
from ziggy_async.queueing.background import Background, under_way
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.queueing.options import Work
from ziggy_async.queueing.queue import BoundedQueue
from ziggy_async.queueing.scaling import Decision
from ziggy_async.queueing.task import Counts, State, Task, TaskRecord
from ziggy_async.runtime import cross_loop
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.cross_loop import CancelledAfterResult, outcome_of
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.processes import ProcessPool
from ziggy_async.runtime.threads import ThreadPool

logger = logging.getLogger(__name__)

T = TypeVar("T")

STOP_TIMEOUT = 25.0
"""Seconds that a stop may take by default: below the 30 that those who send SIGTERM usually allow."""


class AsyncFeatureComputer(Calls):
    """Features and signals on the native pool, blocking calls on threads, and a queue of tasks on threads of its own.

    It starts itself when first used, and belongs from then on to the loop it was started in, which carries its workers;
    calls from other loops and threads are welcome. When that loop is closed without `stop`, or in the middle of one,
    what is under way ends in `Stopped`, and the next call starts it anew. After `stop` it takes no calls until it is
    started again.

    At all times `submitted = succeeded + failed + cancelled + dead + queued + running` of `counts()`; failed is what
    `retry_on` does not cover. While a computer is started, `get_summary_metrics`, `/operations` and `/prometheus` count
    the awaits of the package's own functions too, by function and phase; `get_metrics` lists none of them one by one.
    """

    def __init__(self, config: TaskPoolConfig | None = None) -> None:
        """`config`: by default as the environment says. Starts nothing; a dead-letter file is not touched yet."""
        if config is not None and not isinstance(config, TaskPoolConfig):
            raise TypeError(f"config: {shown(config)} is {kind_of(config)}, not a TaskPoolConfig")
        self.config = TaskPoolConfig() if config is None else replace(config)  # checked, and no longer the caller's
        self.metrics = Metrics()
        self._was_stopped = False
        self._clear()
        _computers.add(self)

    def _clear(self) -> None:
        """Has neither loop, threads nor tasks, as before the first start."""
        self.loop_lag = LoopLag()
        self.dead_letters: DeadLetters[TaskHandle[Any]] = self._new_letters()
        self._counts = Counts()
        self._pools_lock = threading.Lock()
        # Written under _pools_lock:
        self._thread_pool: ThreadPool | None = None
        self._task_threads: ThreadPool | None = None  # the queue's own: its tasks keep no direct call from a thread
        self._process_pool: ProcessPool | None = None
        self._starting = threading.Lock()
        # Written in the home loop's thread, when it starts under _starting:
        self._background: Background | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # its home, from start to stop
        self._ending: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        if not self.is_started:
            return f"<AsyncFeatureComputer {'stopped' if self._was_stopped else 'not started'}>"
        counts = self._counts.to_dict()
        state = "draining" if self.is_draining else "started"
        return (
            f"<AsyncFeatureComputer {state} workers={self.workers} running={counts['running']} "
            f"queued={counts['queued']} queue_size={self.config.queue_size}>"
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AsyncFeatureComputer is neither copied nor pickled: it has threads and tasks")

    # --- its life

    async def start(self) -> None:
        """Makes the pools and the workers in the running loop. Does nothing when it is started already.

        Raises `OSError` or `ValueError` when the dead-letter file cannot be used.
        """
        if self._ending is not None and self._loop is asyncio.get_running_loop():
            await asyncio.shield(self._ending)
        await self.dead_letters.refresh()
        with self._starting:
            if self.is_started:
                return
            lost = self._background
            self._begin(asyncio.get_running_loop())
        if lost is not None:
            lost.close(Stopped("the event loop was closed"))
            await lost.letters_written()
        await asyncio.sleep(0)  # the workers begin, so that they notice the end of the loop

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        least, most = self.config.workers_between
        workers = min(max(self.config.max_workers, least), most)
        if self._ending is not None:  # that loop was closed in the middle of a stop: they may be shut already
            self._shutdown_pools()
        elif self._task_threads is not None:
            self._task_threads.shutdown(wait=False, cancel=True)
        self._threads().start()
        with self._pools_lock:
            self._task_threads = ThreadPool(workers, "ziggy-async-task")
        if self.config.use_process_pool:
            self._processes()
        # Only tasks keep the computer alive, the queue does not: a bound method of the proxy would, the lambdas do not.
        own = weakref.proxy(self)
        background = Background(
            BoundedQueue(self.config.queue_size),
            self._task_threads,
            lambda: own._processes(),
            self._counts,
            self.dead_letters.put,
            lambda task, error: own._record_task(task, error),
            lambda: own._shutdown_pools(cancel=False),
        )
        self._background, self._loop = background, loop
        self._ending, self._was_stopped = None, False
        background.resize(workers)
        self.loop_lag.start()
        self.metrics.observe_functions()
        if self.config.scales:
            background.size_by_load(least, most)
        logger.info("started with %d workers in a queue of %d", workers, self.config.queue_size)

    async def stop(self, drain: bool = True, timeout: float | None = STOP_TIMEOUT) -> None:
        """Takes no more work. With `drain`, what is queued and running is done first, for up to `timeout` seconds, None
        for as long as it takes. Tasks that are left then go to the dead letters, and direct calls end in `Stopped`.
        Does nothing when it is not started.

        Work under way may go on asking for what it needs; a task of the queue itself cannot wait for its end.
        """
        limit = real(timeout)
        if timeout is not None and (limit is None or not 0 <= limit < 1e9):
            raise ValueError(f"timeout: {shown(timeout)} is not a number of seconds from 0 to 1e9, nor None")
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if under_way.get():
            raise RuntimeError("a task cannot wait for the end of the queue that it is in")
        if loop is not asyncio.get_running_loop():
            await cross_loop.call(partial(self.stop, drain, limit), loop)
            return
        if self._ending is None:
            self._ending = loop.create_task(self._end(drain, limit))
        await asyncio.shield(self._ending)

    async def _end(self, drain: bool, timeout: float | None) -> None:
        """Stops. Cancelling this, as the end of its loop does, lets go of everything without waiting."""
        loop = asyncio.get_running_loop()
        end = None if timeout is None else time.monotonic() + timeout
        assert self._background is not None
        try:
            await self._background.stop(drain, timeout)
            await asyncio.to_thread(self._drain_pools, end if drain else 0.0)
            await outcome_of(self.dead_letters.close())
        except asyncio.CancelledError:
            self._background.close(Stopped("the event loop came to its end"))
            raise
        finally:
            if not loop.is_closed():  # else a later start has taken its place, or will
                self.loop_lag.stop()
                self.metrics.observe_functions(False)
                self._shutdown_pools()
                self.dead_letters.close()
                self._loop = self._ending = None
                self._was_stopped = True
        logger.info("stopped")

    def _drain_pools(self, end: float | None) -> None:
        """Waits until `end`, on `time.monotonic`, for the calls of the pools, and ends those that are left then in
        `Stopped`. Calls that run may use the pools meanwhile."""
        for pool in self._pools:
            pool.shutdown(timeout=None if end is None else max(0.0, end - time.monotonic()))
            for call in pool.shutdown(cancel=True, timeout=0.0):  # which waits for the end of processes
                pool.abandon(call)

    def _shutdown_pools(self, cancel: bool = True) -> None:
        """Shuts the pools down without waiting. Calls that run in threads go on alone, those in processes end. With
        `cancel` waiting ones are cancelled, else only those of the queue: direct calls may be other loops'."""
        with self._pools_lock:
            direct, pools = self._thread_pool, self._pools
            self._thread_pool = self._task_threads = self._process_pool = None
        for pool in pools:
            pool.shutdown(wait=False, cancel=cancel or pool is not direct)

    @property
    def _pools(self) -> list[ThreadPool]:
        return [pool for pool in (self._thread_pool, self._task_threads, self._process_pool) if pool is not None]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops, and drains unless the block was cancelled or interrupted."""
        await self.stop(drain=kind is None or issubclass(kind, Exception))

    # --- what is known of it

    @property
    def is_started(self) -> bool:
        return self._loop is not None and not self._loop.is_closed()

    @property
    def _takes_all(self) -> bool:
        """True if it takes all calls, so that `_ready` need not be awaited; quick, since each call asks."""
        return self._loop is not None and self._ending is None and not self._loop.is_closed()

    @property
    def is_draining(self) -> bool:
        return self._ending is not None and self.is_started

    @property
    def was_stopped(self) -> bool:
        """True if `stop` has ended it, and nothing has started it since."""
        return self._was_stopped

    @property
    def workers(self) -> int:
        """Workers of the queue now; 0 unless started."""
        return self._background.workers if self._background is not None and self.is_started else 0

    @property
    def stuck(self) -> int:
        """Threads that run abandoned calls."""
        return sum(stuck for stuck, _ in self.stuck_by_pool)

    @property
    def stuck_by_pool(self) -> list[tuple[int, int]]:
        """Each pool's threads that run abandoned calls, and its size."""
        return [(pool.stuck, pool.size) for pool in self._pools]

    @property
    def is_exhausted(self) -> bool:
        """True if no thread is left for direct calls, or for tasks: all are stuck, and so are as many as may replace
        them."""
        return any(pool.is_exhausted for pool in self._pools)

    @property
    def _worker_tasks(self) -> list["asyncio.Task[None]"]:
        return [] if self._background is None else self._background.worker_tasks

    def counts(self) -> dict[str, int]:
        """Tasks since it was made: `submitted`, which is always the sum of `succeeded failed cancelled dead queued
        running`; and `rejected`, `joined` (neither was submitted) and `retried`."""
        return self._counts.to_dict()

    def tasks(self, state: State | str | None = None, limit: int | None = None) -> list[TaskRecord]:
        """Returns the tasks that are not done and the last 1,000 that ended, or those in one `state`: the newest
        `limit` of them, oldest first. From any thread. Raises `ValueError` for an unknown state or a negative limit."""
        if limit is not None and limit < 0:
            raise ValueError(f"limit: {shown(limit)} is a negative number of tasks")
        if state is not None and state not in tuple(State):
            raise ValueError(f"state: {shown(state)} is none of {', '.join(State)}")
        found: dict[int, Task | TaskRecord] = {} if self._background is None else dict(self._background.unfinished)
        found |= {record.number: record for record in self._counts.last_ended()}
        numbers = sorted(number for number, task in found.items() if state in (None, task.state))
        newest = [found[number] for number in numbers[0 if limit is None else max(0, len(numbers) - limit) :]]
        return [task.record() if isinstance(task, Task) else task for task in newest]

    def cancel_task(self, number: int) -> bool:
        """Cancels the task of that number, as `TaskHandle.cancel` does. Returns False when it is done or not there."""
        background = self._background
        task = None if background is None else background.unfinished.get(number)
        return background is not None and task is not None and background.cancel(task)

    def decisions(self) -> list[Decision]:
        """Returns the last 200 decisions of sizing by load, oldest first; empty without it."""
        return [] if self._background is None else list(self._background.decisions)

    def get_metrics(self, last_n: int = 100) -> list[dict[str, Any]]:
        """Returns the newest `last_n` operations, oldest first; all that are kept, the last 10,000, if `last_n` <= 0.
        Each with `operation duration_ms success error timestamp` (ISO 8601, UTC)."""
        return self.metrics.recent(last_n)

    def get_summary_metrics(self) -> dict[str, float]:
        """Returns `total_operations`, `success_rate` (percent), latencies of the successful ones (`avg_latency_ms` and
        so on; all 0 without any), and `queue_depth`, `queue_capacity`, `oldest_waiting_s`."""
        queue = self._background.queue if self._background is not None else None
        oldest = None if queue is None else queue.oldest_entry
        return {
            **self.metrics.summary(),
            "queue_depth": 0 if queue is None else len(queue),
            "queue_capacity": self.config.queue_size,
            "oldest_waiting_s": 0.0 if oldest is None else time.perf_counter() - oldest,
        }

    def clear_metrics(self) -> None:
        """Forgets all operations and the figures of the loop's lag. Operations under way are counted when they end."""
        self.metrics.clear()
        self.loop_lag.clear()

    # --- for the calls

    async def _ready(self) -> Background:
        """Starts it if it never was. Raises `Stopped` after a stop, for new work also during one."""
        if not self.is_started:
            if self._was_stopped:
                raise Stopped("the computer was stopped; start it again to use it")
            await self.start()
        elif self._ending is not None and not under_way.get():
            raise Stopped("the computer is being stopped")
        assert self._background is not None
        return self._background

    async def _enqueue(self, work: Work) -> TaskHandle[Any]:
        """Puts the work into the queue, from any loop. Returns the handle of its task. Cancelling this cancels it."""
        try:
            return await self._submit(work)
        except CancelledAfterResult as cancelled:
            cancelled.result.release()
        raise asyncio.CancelledError

    async def _submit(self, work: Work, requeued_from: str | None = None) -> TaskHandle[Any]:
        """Does as `_enqueue`, but raises `CancelledAfterResult` if the queue had accepted the work before that."""
        background = await self._ready()
        home = self._loop
        assert home is not None

        async def submit() -> TaskHandle[Any]:
            return TaskHandle(background, await background.submit(work, requeued_from, self))

        if home is asyncio.get_running_loop():
            return await submit()
        return await cross_loop.call(submit, home, undo=TaskHandle.release)

    async def _requeue(self, work: Work, letter: str) -> TaskHandle[Any]:
        """Submits a letter's work. Raises `QueueFull` rather than drop it again: the letter stays meanwhile."""
        if work.options.on_full != "wait":
            work = replace(work, options=work.options.changed(on_full="raise"))
        return await self._submit(work, letter)

    def _execute(
        self, operation: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Awaitable[Any]:
        """Calls `func` in the threads for direct calls, from any loop. Returns its result, or raises its exception."""
        return tracing.traced(self._call, operation=operation, function=func)(operation, func, args, kwargs)

    async def _call(
        self, operation: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        call = Call(operation, func, args, kwargs)
        if not self._takes_all:
            await self._ready()
        try:
            value = await self._run(call)
        except Exception as error:
            self._record(call, described(error))
            raise
        self._record(call, None)
        return value

    def _run(self, call: Call) -> Coroutine[Any, Any, Any]:
        """Has the threads for direct calls make the call, new ones if those were shut down a moment ago."""
        while True:
            threads = self._thread_pool
            if threads is None and not self._takes_all:
                raise Stopped("the computer was stopped")
            threads = threads or self._threads()
            try:
                return threads.run(call)
            except Stopped:
                if threads is self._thread_pool or not self._takes_all:
                    raise

    def _record(self, call: Call, error: str | None) -> None:
        now = time.perf_counter()
        began = now if call.began is None else call.began
        ended = now if call.ended is None else call.ended  # what it took to come back to a busy loop is no work
        self.metrics.record(
            call.operation,
            now - call.submitted,
            waiting=began - call.submitted,
            running=ended - began,
            error=error,
        )

    def _record_task(self, task: Task, error: BaseException | None) -> None:
        total = time.perf_counter() - task.submitted
        self.metrics.record(
            task.work.operation,
            total,
            waiting=max(0.0, total - task.running),
            running=task.running,
            latency=task.running,  # how long a task had to wait is the queue's affair, not a slow operation
            error=None if error is None else described(error),
        )

    async def _compute(self, operation: str, compute: Compute[T], *args: Any) -> T | None:
        if not self._takes_all:
            await self._ready()
        began = time.perf_counter()
        try:
            value = await tracing.traced(compute, operation=operation)(*args)
        except Exception as error:
            logger.error("%s failed", printable(operation), exc_info=loggable(error))
            self.metrics.record(operation, time.perf_counter() - began, error=described(error))
            return None
        self.metrics.record(operation, time.perf_counter() - began)
        return value

    def _threads(self) -> ThreadPool:
        """Returns the threads for direct calls, which are made when first asked for."""
        with self._pools_lock:
            if self._thread_pool is None:
                self._thread_pool = ThreadPool(self.config.max_workers, "ziggy-async-work")
            return self._thread_pool

    def _processes(self) -> ProcessPool:
        """Returns the process pool, made when first asked for; never more places than there are CPUs."""
        with self._pools_lock:
            if self._process_pool is None:
                self._process_pool = ProcessPool(min(self.config.max_workers, _core.cpu()["cpus"]))
            return self._process_pool

    def _new_letters(self) -> DeadLetters[TaskHandle[Any]]:
        found = weakref.ref(self)

        def requeue(work: Work, letter: str) -> Coroutine[Any, Any, TaskHandle[Any]]:
            if (computer := found()) is None:
                raise Stopped("the computer that had these letters is gone")
            return computer._requeue(work, letter)

        return DeadLetters(requeue, self.config.dead_letters, trust_pickles=self.config.trust_pickles)

    def _after_fork_in_child(self) -> None:
        """Forgets loop, threads and workers, which are the parent's, as if it had never been started."""
        if self._background is not None:
            self._background.forget()
        self._clear()
        self.metrics.clear()


# A reload keeps these:
_computers: "weakref.WeakSet[AsyncFeatureComputer]" = globals().get("_computers") or weakref.WeakSet()
_computer: AsyncFeatureComputer | None = globals().get("_computer")  # written under _lock
_lock = threading.Lock()


def get_async_feature_computer() -> AsyncFeatureComputer:
    """Returns the process's one instance, made at the first call, started at its first use."""
    global _computer
    with _lock:
        if _computer is None:
            _computer = AsyncFeatureComputer()
        return _computer


async def init_async_features(config: TaskPoolConfig | None = None) -> None:
    """Stops the process's instance, if there is one, and starts another one in its place."""
    global _computer
    computer = AsyncFeatureComputer(config)
    with _lock:
        before, _computer = _computer, computer
    if before is not None:
        await before.stop()
    await computer.start()


async def shutdown_async_features() -> None:
    """Stops the process's instance, if there is one, and forgets it."""
    global _computer
    with _lock:
        before, _computer = _computer, None
    if before is not None:
        await before.stop()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    for computer in list(_computers):
        computer._after_fork_in_child()


lifecycle.after_fork_in_child(lifecycle.Stage.COMPUTERS, _after_fork_in_child)
