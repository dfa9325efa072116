"""The awaits of the package's functions, counted in the metrics of the computers that are started."""

import asyncio
import contextlib
import gc
import statistics
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from reference.bars import walk

from ziggy_async import (
    BarStore,
    _core,
    async_get_ticker_features,
    compute_features_async,
    generate_signals_for_watchlist_async,
    generate_ticker_signal_async,
    paper,
    set_bar_source,
)
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.market_brain import async_get_multiple_ticker_features
from ziggy_async.metrics import Metrics

NAMES = [f"S{number}" for number in range(50)]


@pytest.fixture
def stocked(store: BarStore, monkeypatch: pytest.MonkeyPatch) -> BarStore:
    ticks = paper.FeatureComputer()
    monkeypatch.setattr(paper.features, "feature_computer", ticks)
    for seed, symbol in enumerate(("SPY", *NAMES)):
        store.load(symbol, walk(80, seed=seed).table())
        for day in range(3):
            moment = datetime(2024, 1, 1) + timedelta(days=day)
            ticks.add_price_data(paper.PriceData(moment, symbol, 1.0, 1.0, 1.0, 1.0, 1.0))
    return store


@pytest.fixture
async def computer() -> AsyncIterator[AsyncFeatureComputer]:
    async with AsyncFeatureComputer() as computer:
        yield computer


def counts(computer: AsyncFeatureComputer) -> dict[str, int]:
    return {name: kind.count for name, kind in computer.metrics.by_kind().items()}


ONE = (compute_features_async, async_get_ticker_features, generate_ticker_signal_async)
MANY = (async_get_multiple_ticker_features, generate_signals_for_watchlist_async)


async def ask_each(times: int) -> None:
    for one in ONE:
        await asyncio.gather(*(one(NAMES[number % len(NAMES)]) for number in range(times)))
    for many in MANY:
        await asyncio.gather(*(many(NAMES) for _ in range(times)))


def each(times: int) -> dict[str, int]:
    return dict.fromkeys((function.__name__ for function in (*ONE, *MANY)), times)


async def test_awaits_are_counted_by_kind_and_phase(stocked: BarStore, computer: AsyncFeatureComputer) -> None:
    began = time.perf_counter()
    await ask_each(30)
    took = time.perf_counter() - began
    assert counts(computer) == each(30)
    for kind in computer.metrics.by_kind().values():
        assert (kind.waiting.count, kind.running.count, kind.errors) == (30, 30, 0)
        assert 0.0 < kind.waiting.total + kind.running.total <= kind.total.total + 1e-6
        assert kind.total.max <= took
    assert computer.get_summary_metrics()["total_operations"] == 150
    assert computer.get_metrics() == [], "they are not listed one by one"


async def test_a_gather_of_thousands_is_counted_whole(stocked: BarStore, computer: AsyncFeatureComputer) -> None:
    await asyncio.gather(*(compute_features_async(NAMES[number % 50]) for number in range(5000)))
    kind = computer.metrics.by_kind()["compute_features_async"]
    assert (kind.count, kind.waiting.count, kind.running.count) == (5000, 5000, 5000)
    assert kind.total.percentile(1) < kind.total.max, "each by the turn of the loop in which it was answered"


async def test_the_computers_own_calls_are_not_counted_twice(stocked: BarStore, computer: AsyncFeatureComputer) -> None:
    await computer.compute_features_async("SPY")
    await computer.compute_features_batch(NAMES)
    await computer.compute_signal_async("SPY")
    await computer.compute_signals_batch(NAMES)
    expected = ("compute_features", "compute_features_batch", "compute_signal", "compute_signals_batch")
    assert counts(computer) == dict.fromkeys(expected, 1)
    await paper.feature_computer.compute_features_async("SPY")
    assert set(counts(computer)) == set(expected), "methods of others are not the package's functions"


async def test_every_started_computer_counts_and_no_other(stocked: BarStore) -> None:
    first, second = AsyncFeatureComputer(), AsyncFeatureComputer()
    await ask_each(1)
    async with first:
        await ask_each(2)
        async with second:
            await ask_each(3)
            second.clear_metrics()
            assert counts(second) == {}
            await ask_each(4)
        await ask_each(5)
    await ask_each(6)
    assert counts(first) == each(14)
    assert counts(second) == each(4)


async def test_who_does_not_wait_is_not_counted(stocked: BarStore, computer: AsyncFeatureComputer) -> None:
    for function in ONE:
        task = asyncio.create_task(function("SPY"))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with pytest.raises(TypeError):
            await function(5)
    await asyncio.sleep(0.05)
    assert counts(computer) == {}


async def test_a_source_of_bars_is_waited_for(stocked: BarStore, computer: AsyncFeatureComputer) -> None:
    async def fetch(symbol: str, lookback: int) -> object:
        await asyncio.sleep(0.05)
        return walk(80, seed=1).table()

    set_bar_source(fetch)
    await async_get_ticker_features("SPY", force_refresh=True)
    await generate_ticker_signal_async("NEW")
    for kind in computer.metrics.by_kind().values():
        assert kind.waiting.max >= 0.05
        assert kind.total.max == pytest.approx(kind.waiting.max + kind.running.max, abs=1e-6)
    assert counts(computer) == {"async_get_ticker_features": 1, "generate_ticker_signal_async": 1}


def test_a_forked_child_counts_nothing(run_isolated) -> None:
    done = run_isolated("forked_metrics")
    assert done.returncode == 0, done.stderr


def test_a_tally_takes_histograms_exclusively() -> None:
    first, second, third = _core.Histogram(), _core.Histogram(), _core.Histogram()
    tally = _core.Tally([first, second], (), [third])
    began = tally.now()
    tally.record(began, began + 2_000_000)
    assert (first.max, second.max, third.count) == (0.002, 0.002, 1)
    for wrong in (([first, 5], (), ()), (5, (), ())):
        with pytest.raises(TypeError):
            _core.Tally(*wrong)
    with pytest.raises(TypeError):
        tally.record("now", began)


@pytest.mark.performance
@pytest.mark.parametrize(
    ("function", "awaits"), [(compute_features_async, 10_000), (async_get_ticker_features, 10_000)]
)
async def test_counting_costs_a_gather_two_percent_at_most(
    stocked: BarStore, fresh_heap: None, function, awaits: int
) -> None:
    """Processor time of the loop's thread, with and without in turn."""
    metrics = Metrics()
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(60):
        counting = number % 2 == 0
        metrics.observe_functions(counting)
        gc.collect()
        began = time.thread_time()
        await asyncio.gather(*(function(NAMES[each % 50]) for each in range(awaits)))
        seconds[counting].append(time.thread_time() - began)
    metrics.observe_functions(False)
    assert metrics.by_kind()[function.__name__].count == 30 * awaits
    lowest = {counting: statistics.quantiles(each, n=4)[0] for counting, each in seconds.items()}
    assert lowest[True] <= 1.02 * lowest[False]
