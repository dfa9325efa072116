"""The coroutine that looks at a load, decides and applies; which decisions it keeps."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from queued import until

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing import scaling
from ziggy_async.queueing.background import Background
from ziggy_async.queueing.scaling import Decision, Load, scale

LOOK = scaling.INTERVAL
BUSY = Load(4, 10, 4, 0.25, 100)


class Clock:
    """In place of the module `time`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1.7e9 + self.now


class Pool:
    """What is seen and resized; its time passes by a look's interval with each look."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seen: Callable[[int], Load] = lambda look: BUSY._replace(workers=self.workers)
        self.workers = BUSY.workers
        self.error: Exception | None = None
        self.looks = 0
        self.looked = asyncio.Event()
        self.decisions: deque[Decision] = deque(maxlen=200)

    def load(self) -> Load:
        self.clock.now += LOOK
        self.looks += 1
        self.looked.set()
        return self.seen(self.looks)

    def resize(self, workers: int) -> None:
        if self.error is not None:
            raise self.error
        self.workers = workers

    async def until(self, looks: int) -> None:
        while self.looks < looks:
            self.looked.clear()
            await asyncio.wait_for(self.looked.wait(), 30)

    @asynccontextmanager
    async def scaled(self, looks: int) -> AsyncIterator[None]:
        """After so many looks, until the end of the block."""
        scaler = asyncio.create_task(scale((1, 64), self.load, self.resize, self.decisions))
        await self.until(looks)
        yield
        scaler.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scaler


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    clock = Clock()
    monkeypatch.setattr(scaling, "time", clock)
    monkeypatch.setattr(scaling, "INTERVAL", 0.0)
    return Pool(clock)


async def test_what_is_decided_is_applied_until_it_is_cancelled(pool: Pool) -> None:
    async with pool.scaled(1):
        pass
    assert pool.workers == 8
    first = pool.decisions[0]
    assert (first.at, first.before, first.workers) == (1.7e9 + LOOK, 4, 8)
    looks = pool.looks
    for _ in range(10):
        await asyncio.sleep(0)
    assert pool.looks == looks


async def test_decisions_that_repeat_are_kept_as_one(pool: Pool) -> None:
    pool.seen = lambda look: BUSY if look == 1 else Load(8, 0, 7 + look % 2, 0.25, 100)
    async with pool.scaled(1000):
        pass
    grown, held = pool.decisions
    assert (grown.before, grown.workers, grown.count) == (4, 8, 1)
    assert (held.before, held.workers, held.count) == (8, 8, pool.looks - 1)
    assert held.at == 1.7e9 + 2 * LOOK
    assert held.load.running == 7 + pool.looks % 2


async def test_the_last_200_decisions_are_kept(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.seen = lambda look: Load(1 + look % 2, 0, 1, 0.25, look)
    monkeypatch.setattr(Background, "load", lambda _: pool.load())
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, scale_max=4)) as computer:
        await pool.until(499)
        kept = [one.load.finished for one in computer.decisions()]
        assert kept == list(range(pool.looks - 199, pool.looks + 1))


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), OSError("no room")])
async def test_what_cannot_be_applied_is_said_and_tried_again_after_a_pause(
    pool: Pool, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    pool.seen = lambda look: BUSY._replace(workers=pool.workers, queued=100)
    pool.error = error
    pause = int(scaling.PAUSE / LOOK)
    async with pool.scaled(2 * pause - 1):
        assert (pool.workers, pool.decisions[-1].workers) == (4, 4)
        pool.error = None
        await pool.until(2 * pause + 2)
        assert pool.workers == 8
    assert caplog.messages == [f"there are still 4 workers, not 8: {error}"] * 2


async def test_sizing_that_somebody_cancels_begins_anew(pool: Pool) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1, scale_max=4))
    async with computer:
        for _ in range(2):
            await asyncio.sleep(0)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            assert "ziggy-async-scaling" in [task.get_name() for task in others]
            for task in others:
                task.cancel()
            await asyncio.wait(others)
        before = sum(one.count for one in computer.decisions())
        await until(lambda: sum(one.count for one in computer.decisions()) > before)
    assert "ziggy-async-scaling" not in [task.get_name() for task in asyncio.all_tasks()]


def test_sizing_does_not_outlive_its_loop(recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1, scale_max=4))
    asyncio.run(computer.start())
    assert (caplog.messages, [str(warning.message) for warning in recwarn.list]) == ([], [])


async def test_what_ends_sizing_is_logged(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: Background) -> Load:
        raise LookupError("no figures")

    monkeypatch.setattr(Background, "load", fails)
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, scale_max=4)):
        await until(lambda: bool(caplog.records))
    assert caplog.messages == ["ziggy-async-scaling has failed"]
    assert "LookupError: no figures" in caplog.text
