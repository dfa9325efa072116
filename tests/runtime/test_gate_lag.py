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
from ziggy_async.runtime.gil_gate import FEW, FEW_SECONDS, LONGEST_PAUSE, MANY_SECONDS, PAUSE, Gate, GatedThread

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
    """A call whose loop was woken, and comes in the pause of this number."""

    def __init__(self, clock: Clock, comes_in: int) -> None:
        super().__init__("awaited", int)
        self.clock, self.comes_in = clock, comes_in

    @property
    def is_awaited(self) -> bool:
        return self.clock.pauses < self.comes_in


class Holder:
    """The thread that has the gate; its slice does not end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.gate, self.thread = Clock(), Gate(), GatedThread()
        monkeypatch.setattr(gil_gate, "time", self.clock)
        monkeypatch.setattr(gil_gate, "SLICE", 1e3)
        self.gate._enter(self.thread)

    def pauses(self, seconds: float, comes_in: int) -> int:
        """How often it has paused after a further call of so many seconds."""
        self.clock.now += seconds
        self.gate._let_others_in(self.thread, Awaited(self.clock, comes_in))
        return self.clock.pauses


@pytest.fixture
def holder(monkeypatch: pytest.MonkeyPatch) -> Holder:
    return Holder(monkeypatch)


def test_the_loop_is_let_in_after_a_few_calls(holder: Holder) -> None:
    pauses = [holder.pauses(FEW_SECONDS, comes_in=number // FEW + 1) for number in range(2 * FEW)]
    assert pauses == [*[0] * (FEW - 1), *[1] * FEW, 2]


def test_short_calls_are_more_than_a_few(holder: Holder) -> None:
    assert [holder.pauses(FEW_SECONDS / 10, comes_in=1) for _ in range(11)] == [*[0] * 10, 1]


def test_a_long_call_is_enough(holder: Holder) -> None:
    assert [holder.pauses(1.1 * MANY_SECONDS, comes_in=number + 1) for number in range(3)] == [1, 2, 3]


def test_a_loop_that_does_not_come_is_not_waited_for(holder: Holder) -> None:
    assert 1 <= holder.pauses(1.0, comes_in=1000) <= 1 + LONGEST_PAUSE / SLEPT


def test_a_loop_that_has_come_costs_no_pause(holder: Holder) -> None:
    assert holder.pauses(1.0, comes_in=0) == 0


def test_who_has_lost_the_gate_does_not_pause(holder: Holder) -> None:
    holder.gate.leave(holder.thread)
    assert holder.pauses(1.0, comes_in=1) == 0


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
