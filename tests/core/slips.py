"""What a type checker sees of the package in a user's code. Lines that end in `# slip` are wrong, all others right."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from ziggy_async import (
    AsyncFeatureComputer,
    BarStore,
    async_get_ticker_features,
    generate_signals_for_watchlist_async,
    indicators,
)
from ziggy_async.async_features import TaskHandle
from ziggy_async.market_brain import RegimeDetector, Signal, regime_detector, signal_generator
from ziggy_async.store import Universe


def fetch(symbol: str, attempts: int = 1) -> bytes:
    return symbol.encode() * attempts


async def count(symbol: str) -> int:
    return len(symbol)


async def blocking_work(computer: AsyncFeatureComputer) -> None:
    assert_type(await computer.execute_blocking_operation("fetch", fetch, "SPY", attempts=2), bytes)
    assert_type(await computer.execute_blocking_operation("count", count, "SPY"), int)
    await computer.execute_blocking_operation("fetch", fetch, 7)  # slip
    await computer.execute_blocking_operation("fetch", fetch, "SPY", atempts=2)  # slip


async def queue(computer: AsyncFeatureComputer) -> None:
    handle = await computer.enqueue_task("night-1", fetch, "SPY", attempts=2)
    assert_type(handle, TaskHandle[bytes])
    assert_type(await handle, bytes)
    assert_type(handle.result(), bytes)
    assert_type(await (await computer.enqueue_task("night-2", count, "SPY")), int)
    assert_type(await computer.enqueue_task(task_id="night-3", func=dict[str, int]), TaskHandle[dict[str, int]])
    await computer.enqueue_task("night-4", fetch, 7)  # slip
    await computer.enqueue_task("night-5", fetch, "SPY", atempts=2)  # slip
    await computer.enqueue_task("night-6", fetch)  # slip


async def options(computer: AsyncFeatureComputer) -> None:
    careful = computer.with_options(priority=5, deadline=30.0, max_attempts=3, retry_on=OSError, key="quotes")
    careful.with_options(retry_on=(OSError, ValueError), on_full="drop_new", use_process_pool=True, deadline=None)
    assert_type(await (await careful.enqueue_task("night-7", fetch, "SPY")), bytes)
    computer.with_options(prioritty=5)  # slip
    computer.with_options(priority="5")  # slip
    computer.with_options(on_full="drop")  # slip


async def figures() -> None:
    features = await async_get_ticker_features("SPY")
    assert_type(features.rsi_14, float)
    assert_type(features.new_high_20d, bool)
    assert_type(features.breadth_50dma, float | None)
    assert_type(features.to_dict(), dict[str, Any])
    print(features["rsi_14"], features.ticker)
    print(features.rsi_15)  # slip
    print(features.breadth_50dma + 1)  # slip


def series() -> None:
    closes = np.linspace(1.0, 2.0, 100)
    assert_type(indicators.series("rsi", close=closes, period=14)["value"], NDArray[np.float64])
    indicators.series("rsii", close=closes)  # slip
    indicators.snapshot("macd", close=closes, fast=12)
    indicators.snapshot("mcad", close=closes)  # slip
    indicators.lookback("smaa", period=20)  # slip


async def parameters() -> None:
    answers = await generate_signals_for_watchlist_async(["SPY"], regime="Chop", params={"mr_rsi_oversold": 35})
    assert_type(answers["SPY"]["signal"], Signal | None)
    print(answers["SPY"]["reasn"])  # slip
    print(answers["SPY"]["signal"].reason)  # slip
    signal_generator.update_parameters({"mr_rsi_oversold": 25}, max_holding_days=3, strict=True)
    signal_generator.update_parameters(mr_rsi_oversoldd=25)  # slip
    regime_detector.update_thresholds(new_thresholds={"vix_panic": 25}, breadth_risk_on=55)
    regime_detector.update_thresholds(vix_panik=25)  # slip
    RegimeDetector(market="SPX", volatility=None)
    RegimeDetector(market=None)  # slip
    assert_type(regime_detector.get_regime_history(days=5), list[dict[str, Any]])


def stores(ohlcv: NDArray[np.float64]) -> None:
    store = BarStore(512, columns=("vwap",))
    universe = store.universe(["SPY", "QQQ"])
    assert_type(universe, Universe)
    assert_type(universe.symbols, tuple[str, ...])
    store.append("SPY", "2024-01-02", 1.0, 1.0, 1.0, 1.0, 0.0, vwap=1.0)
    store.append_cross_section("2024-01-03", universe, ohlcv)
    store.append_cross_section("2024-01-03", ["SPY", "QQQ"], ohlcv)
    store.set_labels("sector", {"SPY": "Funds"})
    assert_type(store.labels(), dict[str, dict[str, str]])
    BarStore(columns=[1])  # slip
    store.universe([1])  # slip
    store.append("SPY", "2024-01-02", 1.0, 1.0, 1.0, 1.0, 0.0, vwap="1")  # slip
    store.append_cross_section("2024-01-03", 5, ohlcv)  # slip
    store.set_labels("sector", {"SPY": 1})  # slip
    store.set_labels("sector", ["SPY"])  # slip
    BarStore.read("bars.csv", further_columns=5)  # slip
