"""Any sequence of operations on the background queue, on a clock of its own: nothing is lost, each task ends once."""

import asyncio
import contextlib
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.queueing.task import State
from ziggy_async.runtime.errors import QueueFull, Stopped

STATES = ("succeeded", "failed", "cancelled", "dead", "queued", "running")
ON_FULL = ("wait", "raise", "drop_new", "drop_oldest")


class ClockLoop(asyncio.SelectorEventLoop):
    """Its time stands still unless it is moved on."""

    now = 0.0

    def time(self) -> float:
        return self.now


class Work:
    """A coroutine function whose attempts end when, and as, they are told to."""

    def __init__(self) -> None:
        self.attempts: list[asyncio.Future[int]] = []

    async def __call__(self) -> int:
        end = asyncio.get_running_loop().create_future()
        self.attempts.append(end)
        return await end

    def under_way(self) -> "asyncio.Future[int] | None":
        return next((end for end in self.attempts if not end.done()), None)


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = ClockLoop()
        self.works: list[Work] = []
        self.handles: list[TaskHandle] = []
        self.callers: list[asyncio.Task[TaskHandle]] = []
        self.ends: dict[TaskHandle, State] = {}
        self.capacity = 0

    @initialize(workers=st.integers(1, 3), capacity=st.integers(1, 4))
    def start(self, workers: int, capacity: int) -> None:
        self.capacity = capacity
        self.computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=workers, queue_size=capacity))
        self.run(self.computer.start())

    def run(self, coroutine: Any) -> Any:
        try:
            return self.loop.run_until_complete(coroutine)
        finally:
            self.settle()

    def settle(self) -> None:
        """Lets the loop do all that it can do at this time."""

        async def turns() -> None:
            for _ in range(30):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())
        for caller in [caller for caller in self.callers if caller.done()]:
            self.callers.remove(caller)
            if not caller.cancelled() and caller.exception() is None:
                self.handles.append(caller.result())

    @rule(
        priority=st.integers(-1, 1),
        deadline=st.sampled_from([None, None, 1.0, 5.0]),
        max_attempts=st.integers(1, 3),
        key=st.sampled_from([None, None, "a", "b"]),
        on_full=st.sampled_from(ON_FULL),
    )
    def enqueue(self, on_full: str, **options: Any) -> None:
        work = Work()
        self.works.append(work)
        view = self.computer.with_options(on_full=on_full, retry_on=(OSError,), **options)

        async def call() -> TaskHandle:
            return await view.enqueue_task(f"task {len(self.works)}", work)

        caller = self.loop.create_task(call())
        self.callers.append(caller)
        self.settle()
        if on_full != "wait":
            assert caller.done()
            assert caller.exception() is None or isinstance(caller.exception(), QueueFull)

    @precondition(lambda self: any(work.under_way() for work in self.works))
    @rule(
        choice=st.integers(0, 100), end=st.sampled_from(["value", OSError("again"), ValueError("never"), SystemExit(1)])
    )
    def finish(self, choice: int, end: Any) -> None:
        running = [future for work in self.works if (future := work.under_way()) is not None]
        future = running[choice % len(running)]
        if end == "value":
            future.set_result(choice)
        else:
            future.set_exception(end)
        self.settle()

    @precondition(lambda self: self.handles)
    @rule(choice=st.integers(0, 100))
    def cancel(self, choice: int) -> None:
        handle = self.handles[choice % len(self.handles)]
        was_done = handle.done()
        assert handle.cancel() is not was_done
        self.settle()
        assert handle.done()

    @precondition(lambda self: self.callers)
    @rule(choice=st.integers(0, 100))
    def cancel_a_waiting_caller(self, choice: int) -> None:
        self.callers[choice % len(self.callers)].cancel()
        self.settle()

    @rule(seconds=st.sampled_from([0.05, 0.3, 2.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.now += seconds
        self.settle()

    @rule(choice=st.integers(0, 100))
    def requeue(self, choice: int) -> None:
        letters = self.computer.dead_letters.list()
        if not letters:
            return
        letter = letters[choice % len(letters)]
        before = self.computer.counts()["submitted"]
        caller = self.loop.create_task(self.computer.dead_letters.requeue(letter.id))
        self.callers.append(caller)
        self.settle()
        if caller.done() and not caller.cancelled() and caller.exception() is None:
            counts = self.computer.counts()
            assert counts["submitted"] in (before, before + 1)  # joined by its key, or submitted again

    @rule(drain=st.booleans())
    def stop_and_start_again(self, drain: bool) -> None:
        self.run(self.computer.stop(drain=False) if not drain else self.stop_while_work_ends())
        counts = self.computer.counts()
        assert counts["queued"] == counts["running"] == 0
        assert all(handle.done() for handle in self.handles)
        assert not any(not caller.done() for caller in self.callers)
        self.run(self.computer.start())

    async def stop_while_work_ends(self) -> None:
        stopping = asyncio.create_task(self.computer.stop())
        while not stopping.done():
            for work in self.works:
                if (end := work.under_way()) is not None:
                    end.set_result(0)
            self.loop.now += 1.0  # for what waits for its next attempt
            await asyncio.sleep(0)
        await stopping

    @rule()
    def a_worker_is_cancelled(self) -> None:
        self.computer._worker_tasks[0].cancel()
        self.settle()

    @invariant()
    def every_task_is_somewhere(self) -> None:
        if not hasattr(self, "computer"):
            return
        counts = self.computer.counts()
        assert counts["submitted"] == sum(counts[state] for state in STATES), counts

    @invariant()
    def an_end_is_an_end(self) -> None:
        for handle in self.handles:
            if handle in self.ends:
                assert handle.state is self.ends[handle]
            elif handle.done():
                assert handle.state.is_final
                self.ends[handle] = handle.state

    @invariant()
    def workers_are_not_idle_while_tasks_wait(self) -> None:
        if not hasattr(self, "computer"):
            return
        summary, counts = self.computer.get_summary_metrics(), self.computer.counts()
        if summary["queue_depth"] > 0:
            assert counts["running"] >= self.computer.workers  # more: of workers that were cancelled in the middle

    @invariant()
    def only_further_attempts_stand_beyond_the_capacity(self) -> None:
        if hasattr(self, "computer"):
            beyond = self.computer.get_summary_metrics()["queue_depth"] - self.capacity
            assert beyond <= self.computer.counts()["retried"]

    @invariant()
    def nobody_waits_outside_while_there_is_room(self) -> None:
        if self.callers:
            assert self.computer.get_summary_metrics()["queue_depth"] >= self.capacity

    def teardown(self) -> None:
        if hasattr(self, "computer"):
            self.loop.run_until_complete(self.finish_all())
            counts = self.computer.counts()
            assert counts["queued"] == counts["running"] == 0
            assert all(handle.done() for handle in self.handles)
            assert self.computer.get_summary_metrics()["queue_depth"] == 0
        self.loop.close()

    async def finish_all(self) -> None:
        await self.computer.stop(drain=False)
        for caller in self.callers:
            with contextlib.suppress(Stopped, asyncio.CancelledError):
                await caller


TestQueueModel = QueueMachine.TestCase
TestQueueModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
