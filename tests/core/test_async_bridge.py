"""From a running loop into the pool and back: batches, cancellation, both ways of waking, every loop."""

import asyncio
import gc
import inspect
import json
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from paper_feed import feed
from reference.bars import walk

import ziggy_async
from ziggy_async import BarStore, _core, async_get_ticker_features, generate_signals_for_watchlist_async
from ziggy_async.market_brain.features import feature_computer as market_computer
from ziggy_async.market_brain.features import get_ticker_features
from ziggy_async.paper import feature_computer

SYMBOLS = [f"S{number}" for number in range(50)]


@pytest.fixture
def stocked(store: BarStore) -> BarStore:
    for seed, symbol in enumerate(SYMBOLS):
        store.load(symbol, walk(60 + seed, seed=seed).table())
    return store


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Lets the loop run until the condition holds; `TimeoutError` when it does not."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - no event tells when a job that nobody awaits is done
            await asyncio.sleep(0.001)


def settled() -> bool:
    stats = _core.pool_stats()
    assert stats["submitted"] == stats["completed"] + stats["cancelled"] + stats["expired"] + stats["unfinished"]
    return stats["unfinished"] == 0


@pytest.mark.parametrize("name", ["compute_features_async", "async_get_ticker_features", "generate_ticker_signal_async",
                                  "generate_signals_for_watchlist_async"])  # fmt: skip
def test_coroutine_functions(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(ziggy_async, name))


async def test_a_task_of_its_own(stocked: BarStore) -> None:
    task = asyncio.create_task(async_get_ticker_features("S1"))
    assert await task == get_ticker_features("S1")


@pytest.mark.parametrize("turn", range(3))
async def test_a_new_loop_for_each_test(stocked: BarStore, turn: int) -> None:
    assert await async_get_ticker_features("S2") == get_ticker_features("S2")


async def test_a_thousand_at_once(stocked: BarStore) -> None:
    asked = [SYMBOLS[number % 50] for number in range(1000)]
    found = await asyncio.gather(*(async_get_ticker_features(symbol) for symbol in asked))
    expected = {symbol: get_ticker_features(symbol) for symbol in SYMBOLS}
    assert found == [expected[symbol] for symbol in asked]


async def test_requests_of_one_iteration_travel_together(stocked: BarStore) -> None:
    await async_get_ticker_features("S0")
    await until(settled)
    before = _core.pool_stats()["submitted"]
    await asyncio.gather(*(async_get_ticker_features(SYMBOLS[number % 50]) for number in range(500)))
    assert 1 <= _core.pool_stats()["submitted"] - before <= 5


async def test_one_after_the_other(stocked: BarStore) -> None:
    for number in range(200):
        assert (await async_get_ticker_features(SYMBOLS[number % 50]))["ticker"] == SYMBOLS[number % 50]


async def test_results_are_not_shared(stocked: BarStore) -> None:
    first, second = await asyncio.gather(async_get_ticker_features("S1"), async_get_ticker_features("S1"))
    assert first is not second
    first["close"] = -1.0
    assert second["close"] > 0.0


async def test_a_batch_that_mixes_kinds(stocked: BarStore) -> None:
    paper, features, signals, bad, unknown = await asyncio.gather(
        ziggy_async.compute_features_async("NONE"),
        async_get_ticker_features("S1"),
        generate_signals_for_watchlist_async(SYMBOLS),
        async_get_ticker_features(5),  # type: ignore[arg-type]
        async_get_ticker_features("NONE"),
        return_exceptions=True,
    )
    assert paper is None
    assert not isinstance(features, BaseException)
    assert features["status"] == "ok"
    assert not isinstance(signals, BaseException)
    assert list(signals) == SYMBOLS
    assert isinstance(bad, TypeError)
    assert not isinstance(unknown, BaseException)
    assert unknown["status"] == "insufficient_data"


async def test_cancelling_returns_at_once_and_leaves_nothing(stocked: BarStore) -> None:
    for _ in range(50):
        tasks = [asyncio.create_task(generate_signals_for_watchlist_async(SYMBOLS)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert all(task.cancelled() for task in tasks[::2])
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in found[::2])
        assert all(list(result) == SYMBOLS for result in found[1::2] if not isinstance(result, BaseException))
        assert not any(isinstance(result, BaseException) for result in found[1::2])
    await until(settled)


async def test_a_timeout_of_the_caller(stocked: BarStore) -> None:
    many = [SYMBOLS[number % 50] + "x" * (number // 50) for number in range(20_000)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await generate_signals_for_watchlist_async(many)
    await until(settled)
    assert (await async_get_ticker_features("S1"))["status"] == "ok"


async def test_a_cancelled_request_lets_go_of_its_store() -> None:
    store = ziggy_async.BarStore()
    store.load("A", walk(60).table())
    loop = asyncio.get_running_loop()
    port = _core.Port(loop)
    try:
        future = port.features(loop, store, market_computer.plan, "A")
        future.cancel()
        gone = weakref.ref(future)
        del future
        await until(lambda: gc.collect() >= 0 and gone() is None)
    finally:
        port.close()


async def test_other_callbacks_run_while_results_arrive(stocked: BarStore) -> None:
    """Thousands of completions leave room for the loop's own work between them."""
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    heart = asyncio.create_task(beat())
    await asyncio.gather(*(async_get_ticker_features(SYMBOLS[number % 50]) for number in range(5000)))
    heart.cancel()
    assert beats > 10


async def test_an_error_of_one_callback_does_not_stop_the_others(stocked: BarStore) -> None:
    loop, seen = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: seen.append(context))

    def broken(_: Any) -> None:
        raise RuntimeError("broken callback")

    tasks = [asyncio.create_task(async_get_ticker_features(symbol)) for symbol in SYMBOLS]
    for task in tasks[::2]:
        task.add_done_callback(broken)
    assert len(await asyncio.gather(*tasks)) == 50
    await until(lambda: len(seen) == 25)


def test_a_wake_that_fails_once_loses_nothing(stocked: BarStore) -> None:
    class Loop(asyncio.SelectorEventLoop):
        failures = 0

        def call_soon_threadsafe(self, callback: Any, *arguments: Any, **keywords: Any) -> Any:
            if threading.current_thread().name == "ziggy-async-notifier" and self.failures == 0:
                self.failures += 1
                raise MemoryError
            return super().call_soon_threadsafe(callback, *arguments, **keywords)

    async def main() -> None:
        async with asyncio.timeout(20.0):
            assert list(await generate_signals_for_watchlist_async(SYMBOLS * 40)) == SYMBOLS
            found = await asyncio.gather(*(async_get_ticker_features(symbol) for symbol in SYMBOLS))
            assert found == [get_ticker_features(symbol) for symbol in SYMBOLS]

    loop = Loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert loop.failures == 1


def test_debug_mode(stocked: BarStore) -> None:
    async def main() -> list[Any]:
        return await asyncio.gather(*(async_get_ticker_features(symbol) for symbol in SYMBOLS))

    assert asyncio.run(main(), debug=True) == [get_ticker_features(symbol) for symbol in SYMBOLS]


def test_uvloop(stocked: BarStore) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> list[Any]:
        return await asyncio.gather(*(async_get_ticker_features(symbol) for symbol in SYMBOLS * 20))

    for _ in range(3):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(main()) == [get_ticker_features(symbol) for symbol in SYMBOLS] * 20


def test_loops_are_let_go(stocked: BarStore) -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    alive = []
    for _ in range(5):
        loop = Loop()
        loop.run_until_complete(async_get_ticker_features("S1"))
        loop.close()
        alive.append(weakref.ref(loop))
    del loop
    gc.collect()
    assert sum(reference() is not None for reference in alive) <= 1


def test_synchronous_functions_inside_a_running_loop(stocked: BarStore) -> None:
    async def main() -> Any:
        return get_ticker_features("S3"), await async_get_ticker_features("S3")

    first, second = asyncio.run(main())
    assert first == second


@pytest.mark.parametrize("wake", ["eventfd", "threadsafe"])
def test_both_ways_of_waking(wake: str, run_isolated: Callable[..., Any]) -> None:
    done = run_isolated("ways_of_waking", ASYNC_FEATURES_WAKE=wake)
    assert (done.returncode, done.stderr) == (0, "")
    answers = json.loads(done.stdout)
    assert len(answers) >= 3
    assert all(answers)


def test_an_unknown_way_of_waking(run_isolated: Callable[..., Any]) -> None:
    done = run_isolated("unknown_way_of_waking", ASYNC_FEATURES_WAKE="telegram")
    assert done.returncode == 0, done.stderr
    assert "ASYNC_FEATURES_WAKE" in done.stdout


def test_the_papers_computer_is_fed_meanwhile() -> None:
    async def main() -> list[Any]:
        tasks = [asyncio.create_task(ziggy_async.compute_features_async("FED")) for _ in range(100)]
        await asyncio.sleep(0)
        feed(feature_computer, "FED", walk(30, seed=2))
        return await asyncio.gather(*tasks)

    feed(feature_computer, "FED", walk(30, seed=1))
    found = asyncio.run(main())
    assert all(features.symbol == "FED" for features in found)
