"""What the log says of a full queue: one line an episode, however many tasks come and are dropped meanwhile."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

FULL = "Task queue full"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "ziggy_async")
    return caplog


@pytest.mark.parametrize("on_full", ["drop_oldest", "drop_new", "wait"])
async def test_places_that_are_taken_at_once_do_not_end_the_episode(
    on_full: str, log: pytest.LogCaptureFixture
) -> None:
    places = asyncio.Semaphore(0)
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=4)) as computer:
        view = computer.with_options(on_full=on_full)
        callers = []
        for _ in range(10):
            for _ in range(8):
                callers.append(asyncio.create_task(view.enqueue_task("t", places.acquire)))
                await asyncio.sleep(0)
            places.release()  # one task is done, and one place comes free
            for _ in range(20):
                await asyncio.sleep(0)
        assert log.text.count(FULL) == 1
        for _ in callers:
            places.release()
        await asyncio.gather(*callers)
    assert log.text.count(FULL) == 1


async def test_an_episode_ends_when_half_of_the_queue_is_free(log: pytest.LogCaptureFixture) -> None:
    places = asyncio.Semaphore(0)
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=4)) as computer:
        view = computer.with_options(on_full="drop_new")
        for episode in (1, 2, 3):
            for _ in range(8):
                await view.enqueue_task("t", places.acquire)
                await asyncio.sleep(0)
            assert log.text.count(FULL) == episode
            places.release()
            places.release()
            await until(lambda: computer.get_summary_metrics()["queue_depth"] == 2)
        for _ in range(8):
            places.release()


@pytest.mark.parametrize("on_full", ["drop_oldest", "drop_new"])
async def test_what_the_options_let_drop_is_no_error(on_full: str, log: pytest.LogCaptureFixture) -> None:
    gate = asyncio.Event()
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=1)) as computer:
        view = computer.with_options(on_full=on_full)
        for number in range(5):
            await view.enqueue_task(str(number), gate.wait)
            await asyncio.sleep(0)
        gate.set()
    dropped = [record for record in log.records if "is dead, dropped" in record.getMessage()]
    assert len(dropped) == len(computer.dead_letters) == 3
    assert {record.levelno for record in dropped} == {logging.DEBUG}
    assert [record.levelno for record in log.records if FULL in record.getMessage()] == [logging.WARNING]
