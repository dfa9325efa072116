"""The timer that looks at a load, decides and applies; which decisions it keeps."""

import asyncio
import itertools
import logging
import timeit

import pytest

from ziggy_async.queueing import scaling
from ziggy_async.queueing.scaling import Limits, Load, Scaler

LOOK = scaling.INTERVAL
BUSY = Load(4, 10, 4, 0.25, 100)
WIDE = Limits(1, 64)


class Clock:
    """In place of the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1.7e9 + self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(scaling, "time", clock)
    monkeypatch.setattr(scaling, "INTERVAL", 0.001)
    return clock


class Pool:
    """What a scaler sees and resizes; its time passes by a look's interval with each look."""

    def __init__(self, clock: Clock, load: Load = BUSY) -> None:
        self.clock = clock
        self.seen = load
        self.resized: list[int] = []
        self.error: Exception | None = None
        self.looked = asyncio.Event()
        self.scaler = Scaler(WIDE, self.load, self.resize)

    def load(self) -> Load:
        self.clock.now += LOOK
        self.looked.set()
        if self.error is not None:
            raise self.error
        return self.seen

    def resize(self, workers: int) -> None:
        self.resized.append(workers)
        self.seen = self.seen._replace(workers=workers)

    async def looks(self, count: int) -> None:
        for _ in range(count):
            self.looked.clear()
            await asyncio.wait_for(self.looked.wait(), 30)


def test_a_look_applies_what_is_decided(clock: Clock) -> None:
    pool = Pool(clock)
    assert pool.scaler.look().workers == 8
    assert pool.resized == [8]
    pool.seen = pool.seen._replace(queued=0)
    assert pool.scaler.look().workers == 8
    assert pool.resized == [8]
    assert [one.at for one in pool.scaler.decisions] == [1.7e9 + 0.25, 1.7e9 + 0.5]


def test_decisions_that_repeat_are_kept_as_one(clock: Clock) -> None:
    pool = Pool(clock)
    pool.scaler.look()
    pool.seen = Load(8, 0, 8, 0.25, 100)
    for running in itertools.islice(itertools.cycle([7, 8]), 1000):
        pool.seen = pool.seen._replace(running=running)
        pool.scaler.look()
    grown, held = pool.scaler.decisions
    assert (grown.before, grown.workers, grown.count) == (4, 8, 1)
    assert (held.before, held.workers, held.count) == (8, 8, 1000)
    assert held.at == 1.7e9 + 0.5
    assert held.load.running == 8


def test_the_last_200_decisions_are_kept(clock: Clock) -> None:
    pool = Pool(clock)
    for number in range(1, 500):
        pool.seen = Load(1 + number % 2, 0, 1, 0.25, number)
        pool.scaler.look()
    kept = pool.scaler.decisions
    assert len(kept) == 200
    assert [one.load.finished for one in kept] == list(range(300, 500))


async def test_timer_looks_until_it_is_stopped(clock: Clock) -> None:
    pool = Pool(clock)
    pool.scaler.stop()
    pool.scaler.start()
    await pool.looks(3)
    assert pool.resized[0] == 8
    pool.scaler.stop()
    pool.scaler.stop()
    seen = clock.now
    await asyncio.sleep(0.02)
    assert clock.now == seen
    pool.scaler.start()
    await pool.looks(1)
    pool.scaler.stop()


async def test_stopped_by_what_it_applies(clock: Clock) -> None:
    pool = Pool(clock)
    stopped = asyncio.Event()

    def resize(workers: int) -> None:
        pool.scaler.stop()
        stopped.set()

    pool.scaler._resize = resize
    pool.scaler.start()
    await asyncio.wait_for(stopped.wait(), 30)
    seen = clock.now
    await asyncio.sleep(0.02)
    assert clock.now == seen


async def test_errors_are_survived_and_logged_once_per_episode(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool(clock)
    pool.scaler.start()
    with caplog.at_level(logging.INFO, scaling.logger.name):
        for name in ("first", "second"):
            pool.error = ConnectionError(name)
            await pool.looks(3)
            pool.error = None
            await pool.looks(3)
    pool.scaler.stop()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [str(record.exc_info[1]) for record in errors if record.exc_info] == ["first", "second"]
    assert pool.resized[0] == 8


def test_what_could_not_be_applied_is_tried_again(clock: Clock) -> None:
    pool = Pool(clock)
    resize, pool.scaler._resize = pool.scaler._resize, lambda workers: 1 // 0
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            pool.scaler.look()
    assert list(pool.scaler.decisions) == []
    pool.scaler._resize = resize
    assert pool.scaler.look().workers == 8
    assert pool.resized == [8]


@pytest.mark.performance
def test_a_look_costs_next_to_nothing(clock: Clock) -> None:
    """Four a second: a thousandth of a processor would be 250 µs each."""
    pool = Pool(clock, Load(1, 0, 0, 0.1, 1000))
    assert min(timeit.repeat(pool.scaler.look, number=1000, repeat=5)) / 1000 < 100e-6
