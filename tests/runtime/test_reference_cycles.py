"""Exceptions of calls go with the last who holds them, without the collector of cycles."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from process_work import TrackedError
from process_work import raises_tracked as fails
from queued import until

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.runtime import cross_loop


class TrackedStop(StopIteration):
    """A coroutine cannot raise it as it is."""

    def __init__(self) -> None:
        super().__init__()
        TrackedError.alive.add(self)  # type: ignore[arg-type]


def stops() -> None:
    raise TrackedStop


async def fails_on_the_loop() -> None:
    raise TrackedError


Call = Callable[[AsyncFeatureComputer], Coroutine[Any, Any, Any]]


def blocking(function: Callable[[], Any], **options: Any) -> Call:
    async def call(computer: AsyncFeatureComputer) -> None:
        await computer.with_options(**options).execute_blocking_operation("call", function)

    return call


def direct(function: Callable[[], Any]) -> Call:
    async def call(computer: AsyncFeatureComputer) -> None:
        await computer.execute_blocking_operation("call", function)

    return call


def queued(function: Callable[[], Any], **options: Any) -> Call:
    async def call(computer: AsyncFeatureComputer) -> None:
        await (await computer.with_options(**options).enqueue_task("task", function))

    return call


@pytest.mark.parametrize(
    "call",
    [
        direct(fails),
        direct(stops),
        direct(fails_on_the_loop),
        blocking(fails),
        blocking(stops),
        blocking(fails_on_the_loop),
        blocking(fails, max_attempts=2),
        blocking(fails, key="k"),
        blocking(fails, use_process_pool=True),
        queued(fails),
        queued(fails_on_the_loop),
        queued(fails, max_attempts=2),
        queued(fails, use_process_pool=True),
    ],
)
async def test_a_failure_is_gone_with_its_caller(call: Call) -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                with pytest.raises((TrackedError, RuntimeError)) as raised:
                    await call(computer)
                del raised
            await until(lambda: len(TrackedError.alive) == 0)  # a moment after its outcome is there
        finally:
            gc.enable()


async def test_a_failure_in_another_loop_is_gone_with_its_caller() -> None:
    home = asyncio.get_running_loop()

    async def ask() -> None:
        with pytest.raises(TrackedError):
            await cross_loop.call(fails_on_the_loop, home)

    gc.collect()
    gc.disable()
    try:
        await asyncio.to_thread(asyncio.run, ask())
        assert len(TrackedError.alive) == 0
    finally:
        gc.enable()
