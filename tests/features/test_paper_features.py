"""The paper features of CONTRACT's table, against the plain reference."""

import asyncio
import copy
import dataclasses
import gc
import re
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_feed import feed
from reference import paper_features as reference
from reference.bars import Bars, flat, from_closes, walk

from ziggy_async import compute_features_async
from ziggy_async.paper import FeatureComputer, MarketFeatures, PriceData, feature_computer

TEXTS = {"symbol", "vol_regime", "trend_regime"}
SAME = TEXTS | {"price", "open_price", "high", "low", "volume", "news_sentiment", "news_urgency"}
RATIOS = {"rsi", "bid_ask_spread", "order_flow_imbalance", "spy_correlation", "sector_momentum"}


def computer_of(symbols: dict[str, Bars], window_size: int = 200) -> FeatureComputer:
    computer = FeatureComputer(window_size)
    for symbol, bars in symbols.items():
        feed(computer, symbol, bars)
    return computer


def assert_features(found: MarketFeatures | None, symbol: str, bars: Bars, spy: Bars | None = None) -> None:
    expected = reference.features(symbol, bars, spy)
    if expected is None:
        assert found is None
        return
    assert isinstance(found, MarketFeatures)
    values = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    assert tuple(values) == reference.FIELDS
    top = float(np.max(bars.close))
    for key, value in expected.items():
        if key == "timestamp":
            assert abs((values[key] - value).total_seconds()) < 1e-5
        elif key in SAME:
            assert values[key] == value, key
        else:
            floor = 1e-9 if key in RATIOS else 1e-12 * top
            assert values[key] == pytest.approx(value, rel=1e-9, abs=floor), key
        assert type(values[key]) is (datetime if key == "timestamp" else str if key in TEXTS else float), key


@pytest.mark.parametrize(
    "count", [0, 1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 19, 20, 21, 22, 49, 50, 51, 100, 199, 200, 201, 250, 401]
)
def test_made_bars(count: int) -> None:
    bars = walk(count, seed=count)
    assert_features(computer_of({"A": bars}).compute_features("A"), "A", bars[-200:] if count else bars)


@pytest.mark.parametrize("file", ["SPY_daily_2017_2018", "SPY_1min_2020", "PENNY_daily_2018_2021", "HUGE_prices"])
def test_real_bars(file: str, real: Callable[[str], Bars]) -> None:
    bars = real(file)[:250]
    for count in (4, 5, 15, 20, 50, 250):
        part = bars[:count]
        assert_features(computer_of({"A": part}).compute_features("A"), "A", part[-200:])


@given(seed=st.integers(0, 10**6), count=st.integers(1, 80), price=st.sampled_from([1e-6, 1.0, 1e13]),
       swing=st.sampled_from([0.0005, 0.01, 0.05]))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_walk(seed: int, count: int, price: float, swing: float) -> None:
    bars = walk(count, seed=seed, price=price, swing=swing)
    assert_features(computer_of({"A": bars}).compute_features("A"), "A", bars)


@pytest.mark.parametrize("count", [1, 5, 15, 20, 60])
@pytest.mark.parametrize("price", [1e-6, 0.1, 1e13])
def test_flat_prices(count: int, price: float) -> None:
    bars = flat(count, price)
    found = computer_of({"A": bars}).compute_features("A")
    assert_features(found, "A", bars)
    assert found is not None
    assert found.bid_ask_spread == 0.01


@pytest.mark.parametrize(("swing", "regime"), [(0.001, "low"), (0.015, "normal"), (0.05, "high")])
def test_vol_regimes(swing: float, regime: str) -> None:
    found = computer_of({"A": walk(60, seed=2, swing=swing)}).compute_features("A")
    assert found is not None
    assert found.vol_regime == regime


@pytest.mark.parametrize(
    ("closes", "regime"),
    [
        (np.arange(100.0, 160.0), "up"),
        (np.arange(160.0, 100.0, -1.0), "down"),
        (np.arange(160.0, 111.0, -1.0), "sideways"),
        (np.arange(100.0, 149.0), "up"),
        (np.arange(100.0, 119.0), "sideways"),
    ],
)
def test_trend_regimes(closes: Any, regime: str) -> None:
    """While there are fewer than 50 bars sma_50 is 0: "up" is possible, "down" is not."""
    bars = from_closes(closes)
    found = computer_of({"A": bars}).compute_features("A")
    assert_features(found, "A", bars)
    assert found is not None
    assert found.trend_regime == regime


@pytest.mark.parametrize("before", [0.0, 0.5, 100.0])
@pytest.mark.parametrize("now", [0.0, 50.0, 150.0, 1e6])
@pytest.mark.parametrize("change", [-1.0, 0.0, 1.0])
def test_order_flow(before: float, now: float, change: float) -> None:
    bars = from_closes([10.0, 10.0 + change])
    traded = Bars(bars.timestamp, bars.open, bars.high, bars.low, bars.close, np.array([before, now]))
    assert_features(computer_of({"A": traded}).compute_features("A"), "A", traded)


def test_fields_of_the_dataclasses() -> None:
    assert [field.name for field in dataclasses.fields(MarketFeatures)] == list(reference.FIELDS)
    assert [field.name for field in dataclasses.fields(PriceData)] == [
        "timestamp", "symbol", "open_price", "high", "low", "close", "volume",
    ]  # fmt: skip
    assert FeatureComputer().compute_features("NONE") is None


@pytest.mark.parametrize("window", [1, 2, 5, 15, 20, 21, 50, 64])
def test_window_size(window: int) -> None:
    bars = walk(130, seed=window)
    assert_features(computer_of({"A": bars}, window).compute_features("A"), "A", bars[-window:])


def test_equal_and_older_timestamps_are_appended_as_they_come() -> None:
    bars = walk(40, seed=6)
    moments = np.random.default_rng(1).integers(0, 5, len(bars)) * 1_000_000_000 + bars.timestamp[0]
    shuffled = dataclasses.replace(bars, timestamp=moments)
    assert_features(computer_of({"A": shuffled}).compute_features("A"), "A", shuffled)


async def test_each_symbol_answers_in_its_own_kind_of_time() -> None:
    computer = FeatureComputer()
    naive, aware = datetime(2024, 1, 2, 9, 30), datetime(2024, 1, 2, 9, 30, tzinfo=UTC)
    for minute in range(3):
        for symbol, moment in (("N", naive), ("A", aware)):
            computer.add_price_data(PriceData(moment + timedelta(minutes=minute), symbol, 1.0, 1.0, 1.0, 1.0, 1.0))
    for symbol, moment in (("N", naive), ("A", aware)):
        for found in (computer.compute_features(symbol), await computer.compute_features_async(symbol)):
            assert found is not None
            assert found.timestamp == moment + timedelta(minutes=2)
            assert found.timestamp.tzinfo is moment.tzinfo
    computer.add_price_data(PriceData(aware + timedelta(minutes=3), "N", 1.0, 1.0, 1.0, 1.0, 1.0))
    now = computer.compute_features("N")
    assert now is not None
    assert now.timestamp == aware + timedelta(minutes=3), "the last one that was fed decides"


def test_prices_need_only_be_finite_and_positive() -> None:
    computer = FeatureComputer()
    moment = datetime(2024, 1, 2, tzinfo=UTC)
    computer.add_price_data(PriceData(moment, "A", 10.0, 8.0, 12.0, 20.0, 5.0))
    found = computer.compute_features("A")
    assert found is not None
    assert (found.open_price, found.high, found.low, found.price, found.volume) == (10.0, 8.0, 12.0, 20.0, 5.0)
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        for place in range(4):
            prices = [10.0, 10.0, 10.0, 10.0]
            prices[place] = wrong
            with pytest.raises(ValueError, match="A"):
                computer.add_price_data(PriceData(moment + timedelta(days=1), "A", *prices, 5.0))
    assert computer.compute_features("A") == found


@pytest.mark.parametrize("count", [1, 5, 6, 19, 20, 21, 22, 60])
@pytest.mark.parametrize("spy_count", [1, 2, 5, 6, 7, 20, 21, 60])
def test_spy_correlation(count: int, spy_count: int) -> None:
    bars, spy = walk(count, seed=1), walk(spy_count, seed=2)
    computer = computer_of({"A": bars, "SPY": spy})
    assert_features(computer.compute_features("A"), "A", bars, spy)
    assert_features(computer.compute_features("SPY"), "SPY", spy, spy)


@pytest.mark.parametrize("symbol", ["SPY", "^GSPC", "^"])
@pytest.mark.parametrize("count", [1, 30])
def test_the_market_itself_correlates_fully(symbol: str, count: int) -> None:
    found = computer_of({symbol: walk(count)}).compute_features(symbol)
    assert found is not None
    assert found.spy_correlation == 1.0


@pytest.mark.parametrize(("own", "market"), [(flat(30), walk(30)), (walk(30), flat(30)), (flat(30), flat(30))])
def test_what_does_not_vary_does_not_correlate(own: Bars, market: Bars) -> None:
    found = computer_of({"A": own, "SPY": market}).compute_features("A")
    assert found is not None
    assert found.spy_correlation == 0.7


def test_without_spy() -> None:
    for count, correlation in ((19, 0.0), (20, 0.7)):
        found = computer_of({"A": walk(count)}).compute_features("A")
        assert found is not None
        assert found.spy_correlation == correlation


async def test_async_is_the_same_on_the_modules_computer() -> None:
    symbols = {f"PAPER-{number}": walk(10 + 9 * number, seed=number) for number in range(12)}
    for symbol, bars in symbols.items():
        feed(feature_computer, symbol, bars)
    found = await asyncio.gather(*(compute_features_async(symbol) for symbol in symbols))
    assert found == [feature_computer.compute_features(symbol) for symbol in symbols]
    for (symbol, bars), features in zip(symbols.items(), found, strict=True):
        assert_features(features, symbol, bars)
    assert await compute_features_async("PAPER-NONE") is None


async def test_tickers_must_be_text() -> None:
    with pytest.raises(TypeError):
        FeatureComputer().compute_features(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await compute_features_async(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("window", [0, -1])
def test_a_window_holds_at_least_one_bar(window: int) -> None:
    with pytest.raises(ValueError, match=f"^window_size: {window}: it must be from 1"):
        FeatureComputer(window)


def test_vol_regime_by_the_bars_of_a_year() -> None:
    """1 % up and down: 0.16 a year of 252 days, 0.31 of 1,000 bars, 0.07 of 52 weeks."""
    closes = 100.0 * 1.01 ** (np.arange(40) % 2)
    for per_year, regime in ((252, "normal"), (1000, "high"), (52, "low")):
        computer = FeatureComputer(bars_per_year=per_year)
        feed(computer, "A", from_closes(closes))
        for each in (computer, copy.copy(computer)):
            features = each.compute_features("A")
            assert features is not None
            assert features.vol_regime == regime


@pytest.mark.parametrize("window", [None, "200", 1.5])
def test_a_window_is_a_whole_number(window: Any) -> None:
    with pytest.raises(TypeError, match=r"^window_size: .* not a whole number"):
        FeatureComputer(window)


def test_computers_do_not_share_bars() -> None:
    first, second = computer_of({"A": walk(5)}), FeatureComputer()
    assert first.compute_features("A") is not None
    assert second.compute_features("A") is None


def test_a_cycle_through_features_is_collected() -> None:
    found = computer_of({"A": walk(60)}).compute_features("A")
    assert found is not None
    found.itself = found  # type: ignore[attr-defined]
    gone = weakref.ref(found)
    del found
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        (None, "None is not a PriceData: 'NoneType' object has no attribute 'symbol'"),
        (5, "5 is not a PriceData: 'int' object has no attribute 'symbol'"),
        ((1.0, 2.0), "(1.0, 2.0) is not a PriceData: 'tuple' object has no attribute 'symbol'"),
        (SimpleNamespace(symbol="A", timestamp=None), "has no attribute 'open_price'"),
    ],
)
def test_what_is_no_price_data_is_refused(observation: Any, words: str) -> None:
    with pytest.raises(TypeError, match=rf"^price_data: .*{re.escape(words)}"):
        FeatureComputer().add_price_data(observation)
