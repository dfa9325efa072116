"""Callables that end in odd ways, and what holds on to its worker: queue and stop do not wait for them for ever."""

import asyncio
import gc
import inspect
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.queueing import background
from ziggy_async.runtime.call import guarded


class OwnEnd(BaseException):
    """No `Exception`."""


def on_the_loop(error: BaseException) -> Callable[[], Coroutine[Any, Any, None]]:
    async def raises() -> None:
        await asyncio.sleep(0)
        raise error

    return raises


def before_its_coroutine(error: BaseException) -> Callable[[], Coroutine[Any, Any, None]]:
    def raises() -> Coroutine[Any, Any, None]:
        raise error

    return inspect.markcoroutinefunction(raises)


KINDS = [on_the_loop] if sys.version_info < (3, 12) else [on_the_loop, before_its_coroutine]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", [GeneratorExit, SystemExit, KeyboardInterrupt, OwnEnd])
async def test_what_a_coroutine_function_raises_is_a_clear_error_and_takes_no_worker(
    kind: Callable[[BaseException], Callable[[], Coroutine[Any, Any, None]]], odd: type[BaseException]
) -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        with pytest.raises(RuntimeError, match=f"direct raised {odd.__name__}") as caught:
            await computer.execute_blocking_operation("direct", kind(odd()))
        assert isinstance(caught.value.__cause__, odd)
        async with asyncio.timeout(20):
            with pytest.raises(RuntimeError, match=f"worker_task:queued raised {odd.__name__}"):
                await (await computer.enqueue_task("queued", kind(odd())))
            assert await (await computer.enqueue_task("after", lambda: 7)) == 7
        counts = computer.counts()
        assert (counts["dead"], counts["succeeded"], counts["running"]) == (1, 1, 0)


@pytest.mark.parametrize("is_in_a_loop", [False, True])
def test_a_coroutine_that_is_closed_is_only_closed(is_in_a_loop: bool) -> None:
    seen: list[type[BaseException]] = []
    loop = asyncio.new_event_loop()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            seen.append(type(error))
            raise

    coroutine = guarded(waits(), "work")

    async def begin() -> "asyncio.Task[Any]":
        task = asyncio.create_task(coroutine)
        await asyncio.sleep(0)
        return task

    async def close() -> None:
        coroutine.close()

    task = loop.run_until_complete(begin())
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    if is_in_a_loop:
        asyncio.run(close())
    else:
        coroutine.close()
    assert seen == [GeneratorExit]
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    del task
    gc.collect()


async def test_a_stop_does_not_wait_for_ever_for_a_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "GRACE", 0.05)
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    await computer.start()
    never = asyncio.create_task(asyncio.Event().wait())
    computer._worker_tasks.append(never)  # type: ignore[arg-type]
    began = time.monotonic()
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(computer.stop(), 20)
    assert time.monotonic() - began < 10
    assert "1 workers or coroutines have not ended within 0.05 s" in caplog.text
    never.cancel()
