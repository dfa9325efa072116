"""How many workers there should be, over time: the decision on a fake clock against a small simulated system."""

import itertools
import math
from typing import Any

import pytest

from ziggy_async.queueing import scaling
from ziggy_async.queueing.scaling import Decision, Load, Memory, decide

LOOK = 0.25
TICK = LOOK / 32
"""A sum of these is exact, so that the same times are the same however they came about."""


class System:
    """Workers that take operations from a queue, and the scaler's decision four times a second.

    An operation takes `service` seconds; while more than `capacity` run, all are slowed down to that much in total.
    Workers that are too many finish what they are at. Arrivals come one by one, at an even rate. Looks fall between
    two steps of the system, whose steps are short, and shorter than an operation.
    """

    def __init__(
        self,
        limits: tuple[int, int],
        service: float = 0.1,
        *,
        workers: int = 1,
        capacity: float = math.inf,
        queued: int = 0,
    ) -> None:
        self.limits, self.service, self.capacity = limits, service, capacity
        self.workers, self.queued = workers, queued
        self.remaining: list[list[float]] = []  # [seconds of work left, when it began] of each that runs
        self.durations: list[float] = []
        self.now = self.clock = self.due = 0.0
        self.knows_mean = True
        self.memory = Memory()
        self.decisions: list[Decision] = []

    def run(self, seconds: float, arrivals: Any = 0.0) -> None:
        """`arrivals` per second: a number, or a function of the time."""
        rate = arrivals if callable(arrivals) else lambda now: arrivals
        for tick in range(1, round(seconds / TICK) + 1):
            self._work(rate(self.now))
            if tick % 32 == 0:
                self.look()

    def look(self) -> Decision:
        load = self.load()
        decision, self.memory = decide(self.limits, load, self.memory, self.clock)
        self.workers = decision.workers
        self.decisions.append(decision)
        return decision

    def load(self) -> Load:
        recent = self.durations[-50:] if self.knows_mean else []
        mean = sum(recent) / len(recent) if recent else 0.0
        return Load(self.workers, self.queued, len(self.remaining), mean, len(self.durations))

    def _work(self, rate: float) -> None:
        share = min(1.0, self.capacity / max(1, len(self.remaining)))
        self.now += TICK
        self.clock += TICK
        for operation in self.remaining:
            operation[0] -= TICK * share
        done = [operation for operation in self.remaining if operation[0] < 1e-9]
        self.remaining = [operation for operation in self.remaining if operation[0] >= 1e-9]
        self.durations += [self.now - began for _, began in done]
        self.due += rate * TICK
        self.queued += int(self.due)
        self.due -= int(self.due)
        while self.queued and len(self.remaining) < self.workers:
            overdone = done.pop()[0] if done else 0.0  # its worker has already begun with the next one
            self.remaining.append([self.service + overdone, self.now])
            self.queued -= 1

    def changes(self, since: float = 0.0) -> list[Decision]:
        return [one for one in self.decisions if one.workers != one.before and one.at > since]

    def counts(self, since: float = 0.0) -> list[int]:
        return [one.workers for one in self.decisions if one.at > since]


WIDE = 1, 64


@pytest.mark.parametrize("service", [0.05, 0.2, 1.0, 3.0])
def test_step_load(service: float) -> None:
    """Work for 20 workers, all at once and for good: soon there are enough, and then little changes any more."""
    system = System(WIDE, service)
    system.run(120, 20 / service)
    assert not any("too little" in one.reason for one in system.decisions)
    assert all(one.workers <= 2 * one.before for one in system.changes())
    first_enough = next(one.at for one in system.decisions if one.workers > 20)
    assert first_enough < 8 + 8 * service
    assert system.queued * service / system.workers < scaling.TARGET_WAIT
    assert 20 <= min(system.counts(since=90)) <= max(system.counts(since=90)) <= 30
    assert len(system.changes(since=first_enough)) <= 8


def test_ramp() -> None:
    """From nothing to work for 40 workers in 80 s: the number goes along in few steps, and no queue builds up."""
    system = System(WIDE)
    waits = []

    def arrivals(now: float) -> float:
        waits.append(system.queued * system.service / system.workers)
        return 5 * now

    system.run(80, arrivals)
    assert max(waits) < 2 * scaling.TARGET_WAIT
    assert 36 <= system.workers <= 56
    assert system.counts() == sorted(system.counts())
    assert len(system.changes()) < 20


def test_burst() -> None:
    """1000 operations at once and then nothing: up at once and fast, down only after the hold, never below least."""
    system = System((2, 64), workers=2, queued=1000)
    system.run(20)
    assert system.decisions[0].workers == 4
    assert next(one.at for one in system.decisions if one.workers == 64) < 6
    emptied = next(one.at for one in system.decisions if one.load.queued == 0)
    assert emptied < 10
    system.run(60)
    downs = [one for one in system.changes() if one.workers < one.before]
    last_wanted = {one.before: max(o.at for o in system.decisions if o.wanted > one.workers) for one in downs}
    assert all(one.at >= last_wanted[one.before] + 30 - 1e-6 for one in downs)
    assert emptied + 29 < downs[-1].at < emptied + 31
    assert system.workers == 2 == min(system.counts())


def test_flapping_load() -> None:
    """A square wave: the number of changes does not grow with the number of waves."""
    system = System(WIDE)
    system.run(60, lambda now: 200 if now % 5 < 2.5 else 0)
    assert len(system.changes()) <= 12
    system.run(240, lambda now: 200 if now % 5 < 2.5 else 0)
    assert len(system.changes(since=60)) <= 2
    assert system.workers >= 20


@pytest.mark.parametrize("service", [0.02, 0.05, 0.1, 0.5])
@pytest.mark.parametrize("capacity", [4, 9])
def test_no_growth_where_it_brings_nothing(service: float, capacity: int) -> None:
    """However long the queue: the number settles near what can be made use of, tried again once a minute."""
    system = System(WIDE, service, capacity=capacity, queued=1_000_000)
    system.run(300)
    counts = system.counts(since=60)
    assert 0.75 * capacity <= min(counts)
    assert max(counts) <= 3 * capacity
    assert sum(one <= 1.5 * capacity for one in counts) > 0.9 * len(counts)
    assert len(system.changes(since=60)) <= 8
    finished = len(system.durations) * service / 300
    assert finished > 0.85 * capacity


def test_contention_under_a_flapping_load() -> None:
    """The queue is empty half of the time: what growth brings is compared between the other halves."""
    system = System(WIDE, capacity=4)
    system.run(300, lambda now: 60 if now % 5 < 2.5 else 0)
    counts = system.counts(since=60)
    assert 4 <= min(counts) <= max(counts) <= 12
    assert sum(one <= 6 for one in counts) > 0.9 * len(counts)


def test_a_pause_is_forgotten_with_the_load() -> None:
    """After a quiet time other work may come: it grows again at once."""
    system = System(WIDE, 0.05, capacity=4, queued=4000)
    system.run(60)
    assert system.memory.paused_until > system.clock
    system.run(60)
    assert system.queued == 0
    assert system.workers == 1
    system.capacity, system.queued, began = math.inf, 4000, system.clock
    system.run(10)
    assert max(system.counts(since=began)) >= 32


def test_unknown_mean_grows_one_step_at_a_time() -> None:
    system = System(WIDE, 60.0, queued=500)
    system.knows_mean = False
    system.run(60)
    ups = system.changes()
    assert [one.workers for one in ups] == [2, 4, 8, 16, 32, 64]
    assert all(later.at - earlier.at > scaling.SETTLING - 1e-6 for earlier, later in itertools.pairwise(ups))
    assert all("mean time unknown" in one.reason for one in ups)


def test_zero_load() -> None:
    system = System((3, 64), workers=3)
    system.run(120)
    assert set(system.counts()) == {3}


def test_equal_limits_never_change() -> None:
    system = System((4, 4), workers=4, queued=5000)
    system.run(60)
    system.run(240)
    assert system.queued == 0
    assert set(system.counts()) == {4}
