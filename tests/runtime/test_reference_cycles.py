"""Exceptions of calls go with the last who holds them, without the collector of cycles."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest
from collector import no_collections
from process_work import TrackedError
from process_work import raises_tracked as fails
from queued import until

from ziggy_async import (
    FeatureSet,
    async_get_ticker_features,
    generate_signals_for_watchlist_async,
    signal_history_async,
)
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.market_brain.features import feature_computer
from ziggy_async.runtime import cross_loop
from ziggy_async.terms import Terms, terms


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


async def asked_for_its_result(computer: AsyncFeatureComputer) -> None:
    handle = await computer.enqueue_task("task", fails)
    await until(handle.done)
    try:
        handle.result()
    finally:
        del handle


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
        asked_for_its_result,
    ],
)
async def test_a_failure_is_gone_with_its_caller(call: Call) -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        with no_collections():
            for _ in range(5):
                with pytest.raises((TrackedError, RuntimeError)) as raised:
                    await call(computer)
                del raised
            await until(lambda: len(TrackedError.alive) == 0)  # a moment after its outcome is there


async def test_a_failure_in_another_loop_is_gone_with_its_caller() -> None:
    home = asyncio.get_running_loop()

    async def ask() -> None:
        with pytest.raises(TrackedError):
            await cross_loop.call(fails_on_the_loop, home)

    with no_collections():
        await asyncio.to_thread(asyncio.run, ask())
        assert len(TrackedError.alive) == 0


async def test_a_failure_in_another_loop_is_gone_with_a_caller_who_is_cancelled_before_it_comes() -> None:
    home, is_awaited = asyncio.get_running_loop(), asyncio.Event()

    async def fails_later() -> None:
        await is_awaited.wait()
        raise TrackedError

    async def ask() -> None:
        asking = asyncio.ensure_future(cross_loop.call(fails_later, home))
        await asyncio.sleep(0)
        home.call_soon_threadsafe(is_awaited.set)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), home).result()  # two iterations, of which one answers
        assert len(TrackedError.alive) == 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    with no_collections():
        await asyncio.to_thread(asyncio.run, ask())
        assert len(TrackedError.alive) == 0


async def sleeps() -> None:
    await asyncio.sleep(30.0)


async def cancelled(call: Coroutine[Any, Any, Any]) -> None:
    task = asyncio.ensure_future(call)
    await asyncio.sleep(0.02)
    task.cancel()
    await task


def given_up(direct: bool, limit: Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]]) -> Call:
    async def call(computer: AsyncFeatureComputer) -> None:
        calls = computer if direct else computer.with_options(priority=1)
        await limit(calls.execute_blocking_operation("call", sleeps))

    return call


def within(call: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
    return asyncio.wait_for(call, 0.02)


def native(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Call:
    async def call(_: AsyncFeatureComputer) -> None:
        await ask()

    return call


def with_native_deadline(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Call:
    async def call(_: AsyncFeatureComputer) -> None:
        before = terms.set(Terms.of(0, 1e-9))
        try:
            await ask()
        finally:
            terms.reset(before)

    return call


FEATURES = FeatureSet("rsi(14)")
TICKERS = [f"NONE{number}" for number in range(100)]

ENDS: dict[str, Call] = {
    "direct, cancelled": given_up(True, cancelled),
    "direct, timeout": given_up(True, within),
    "queued, cancelled": given_up(False, cancelled),
    "queued, timeout": given_up(False, within),
    "deadline": blocking(sleeps, deadline=0.02),
    "not pickled": blocking(lambda: None, use_process_pool=True),
    "latest": native(lambda: FEATURES.latest_async(TICKERS, deadline=1e-9)),
    "history": native(lambda: FEATURES.history_async(TICKERS, deadline=1e-9)),
    "signal history": native(lambda: signal_history_async(TICKERS, deadline=1e-9)),
    "features": with_native_deadline(lambda: async_get_ticker_features(TICKERS[0])),
    "features of many": with_native_deadline(lambda: feature_computer.compute_batch_async(TICKERS)),
    "signals": with_native_deadline(lambda: generate_signals_for_watchlist_async(TICKERS)),
}


@pytest.mark.parametrize("how", ENDS)
async def test_no_end_of_a_call_leaves_a_cycle_with_frames(how: str) -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        for is_watched in (False, True):  # the first time other things are made
            await asyncio.sleep(0.05)
            gc.collect()
            gc.disable()
            gc.set_debug(gc.DEBUG_SAVEALL)
            try:
                for _ in range(3):
                    with suppress(Exception, asyncio.CancelledError):
                        await ENDS[how](computer)
                await asyncio.sleep(0.05)
                gc.collect()
                frames = [each.f_code.co_qualname for each in gc.garbage if isinstance(each, FrameType)]
            finally:
                gc.set_debug(0)
                gc.garbage.clear()
                gc.enable()
            assert not (is_watched and frames)


def test_the_end_of_a_loop_keeps_nothing_of_who_ran_it() -> None:
    """Python's own tasks that it cancels do, from 3.12 on: the frames of their tracebacks lead to `asyncio.run`."""

    async def use(computer: AsyncFeatureComputer) -> None:
        await computer.enqueue_task("coroutine", asyncio.sleep, 60)
        await computer.with_options().execute_blocking_operation("short", int)

    def run() -> "weakref.ref[AsyncFeatureComputer]":
        computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2, scale_min=1))
        asyncio.run(use(computer))
        return weakref.ref(computer)

    with no_collections():
        left = run()
        asyncio.run(until(lambda: left() is None))
