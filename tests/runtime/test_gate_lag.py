"""What the gate of the GIL is for: the loop has the GIL between the calls of threads that compute."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.lag import PingLag
from ziggy_async.runtime import gil_gate
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.gil_gate import DUE, OBSERVATIONS, PAUSE, SHORT, TINY, Gate, GatedThread, Turns

SLEPT = 5e-5
"""Seconds, though a pause asks for less."""

pytestmark = pytest.mark.skipif(not gil_gate.HAS_GIL, reason="there is no GIL")


class Clock:
    """By hand: the part of the module `time` that is used between two calls."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, 0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds == PAUSE
        self.pauses += 1
        self.now += SLEPT


class Awaited(Call):
    """A call of so many seconds whose loop was woken then, and comes in the pause of this number."""

    def __init__(self, clock: Clock, seconds: float, woken: float, comes_in: int) -> None:
        super().__init__("awaited", int)
        self.clock, self.seconds, self.woken, self.comes_in = clock, seconds, woken, comes_in

    def run(self, elsewhere: object = None) -> None:
        self.began = self.clock.now
        self.clock.now += self.seconds

    def loop_is_due(self, seconds: float = 0.0) -> bool:
        return self.clock.pauses < self.comes_in and self.woken <= self.clock.now - seconds


class Holder:
    """The thread that has the gate, with nobody in line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.gate, self.thread = Clock(), Gate(), GatedThread(Turns())
        monkeypatch.setattr(gil_gate, "time", self.clock)
        monkeypatch.setattr(gil_gate, "SLICE", 1e3)  # it does not end
        self.thread.clock = self.clock.perf_counter  # it computes
        self.gate._enter(self.thread, "k")

    def pauses(self, seconds: float, comes_in: int, woken: float = 0.0) -> int:
        """How often it has paused after a further call of so many seconds."""
        self.clock.now += TINY / 10
        call = Awaited(self.clock, seconds, woken, comes_in)
        self.gate.run(self.thread, call)
        if self.thread.is_due:
            self.gate.let_others_in(self.thread, call)
        return self.clock.pauses


@pytest.fixture
def holder(monkeypatch: pytest.MonkeyPatch) -> Holder:
    return Holder(monkeypatch)


def test_tiny_calls_let_the_loop_in_at_the_end_of_the_slice(holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [holder.pauses(0.9 * TINY, comes_in=1) for _ in range(20)] == [0] * 20
    monkeypatch.setattr(gil_gate, "SLICE", 10 * TINY)
    assert holder.pauses(0.9 * TINY, comes_in=1) == 1


def test_each_short_call_lets_the_loop_in_that_has_to_come(holder: Holder) -> None:
    assert [holder.pauses(0.9 * SHORT, comes_in=number + 1) for number in range(3)] == [1, 2, 3]


def test_the_loop_is_let_in_later_amid_longer_calls(holder: Holder) -> None:
    assert SHORT < 0.3 * DUE
    pauses = [holder.pauses(0.3 * DUE, comes_in=number // 4 + 1) for number in range(8)]
    assert pauses == [0, 0, 0, 1, 1, 1, 1, 2]


def test_a_long_call_is_enough(holder: Holder) -> None:
    assert [holder.pauses(1.1 * DUE, comes_in=number + 1) for number in range(3)] == [1, 2, 3]


def test_a_loop_that_was_just_woken_may_come_by_itself(holder: Holder) -> None:
    assert holder.pauses(10 * DUE, comes_in=1000, woken=9.5 * DUE) == 0


def test_a_loop_that_does_not_come_is_not_waited_for(holder: Holder) -> None:
    assert holder.pauses(1.0, comes_in=1000) == 1


def test_a_loop_that_has_come_costs_no_pause(holder: Holder) -> None:
    assert holder.pauses(1.0, comes_in=0) == 0


def test_who_has_lost_the_gate_does_not_pause(holder: Holder) -> None:
    holder.gate._note(Awaited(holder.clock, 0.0, 0.0, 0).key, OBSERVATIONS)
    assert holder.pauses(1.0, comes_in=1) == 0
    assert holder.gate._holder is None


def compute(seconds: float) -> None:
    """Holds the GIL."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def lag_beside(call: Callable[[], object]) -> float:
    """The loop's lag, 95th percentile in milliseconds, beside 64 callers."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 1.5

    async def caller() -> None:
        while loop.time() < end:
            await call()  # type: ignore[misc]

    async with PingLag() as lag:
        await asyncio.gather(*(caller() for _ in range(64)))
    return lag.summary().p95


@pytest.mark.performance
@pytest.mark.usefixtures("fresh_heap")
@pytest.mark.parametrize("seconds", [0.0002, 0.0015])
async def test_the_loop_is_prompt_beside_threads_that_compute(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=8)) as computer:
        ours = await lag_beside(lambda: computer.execute_blocking_operation("compute", compute, seconds))
    with ThreadPoolExecutor(8) as executor:
        theirs = await lag_beside(lambda: loop.run_in_executor(executor, compute, seconds))
    assert ours < 3.0
    assert ours < theirs / 3
