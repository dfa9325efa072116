"""Which values count as numbers: truths and times do not, though Python and NumPy would make numbers of them; NumPy's
own numbers do."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ziggy_async import BarStore, FeatureSet, indicators, screen, set_bar_source, talib
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.market_brain.regime import RegimeDetector
from ziggy_async.metrics import Histogram
from ziggy_async.paper import FeatureComputer, PriceData

DAY = datetime(2024, 1, 2, tzinfo=UTC)
CLOSES = np.arange(1.0, 9.0)


async def stopped_within(seconds: Any) -> None:
    await AsyncFeatureComputer().stop(timeout=seconds)


def observed(price: Any) -> None:
    FeatureComputer().add_price_data(PriceData(DAY, "A", price, price, price, price, 1.0))


TAKERS: dict[str, Callable[[Any], Any]] = {
    "low": lambda value: BarStore().append("A", DAY, 5.0, 6.0, value, 5.0, 1.0),
    "volume": lambda value: BarStore().append("A", DAY, 5.0, 6.0, 4.0, 5.0, value),
    "vwap": lambda value: BarStore(columns=["vwap"]).append("A", DAY, 5.0, 6.0, 4.0, 5.0, 1.0, vwap=value),
    "open": observed,
    "capacity": lambda value: BarStore(capacity=value),
    "bars_per_year": lambda value: BarStore(bars_per_year=value),
    "window_size": lambda value: FeatureComputer(window_size=value),
    "limit": lambda value: screen("close > 0", store=BarStore(), limit=value),
    "ttl": lambda value: set_bar_source(dict, ttl=value),
    "timeout": lambda value: set_bar_source(dict, timeout=value),
    "timeperiod": lambda value: talib.SMA(CLOSES, value),
    "period": lambda value: indicators.series("sma", close=CLOSES, period=value),
    "priority": lambda value: AsyncFeatureComputer().with_options(priority=value),
    "max_attempts": lambda value: AsyncFeatureComputer().with_options(max_attempts=value),
    "deadline": lambda value: AsyncFeatureComputer().with_options(deadline=value),
    "days": lambda value: RegimeDetector().get_regime_history(value),
    "seconds": lambda value: Histogram().record(value),
}


@pytest.mark.parametrize(
    "value",
    [True, np.True_, np.timedelta64(3, "D"), np.datetime64("30000-01-01"), np.complex128(5), "5", np.str_("5")],
    ids=repr,
)
@pytest.mark.parametrize("name", TAKERS)
def test_what_is_no_number_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b.*"):
        TAKERS[name](value)


@pytest.mark.parametrize("name", sorted(TAKERS.keys() - {"limit", "deadline"}))  # there it says that there is none
def test_none_is_no_number(name: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b.*"):
        TAKERS[name](None)


@pytest.mark.parametrize("value", [np.array(True), np.array("5"), np.array(3, "m8[D]")], ids=repr)
@pytest.mark.parametrize("name", ["low", "volume", "vwap", "bars_per_year"])
def test_arrays_of_no_dimension_are_what_they_hold(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a number"):
        TAKERS[name](value)
    TAKERS[name](np.array(4.0))


@pytest.mark.parametrize("value", [True, np.True_, "5", np.timedelta64(3, "s")], ids=repr)
async def test_a_stop_takes_a_number_of_seconds(value: object) -> None:
    with pytest.raises(ValueError, match=re.escape("timeout: ")):
        await stopped_within(value)
    await stopped_within(np.float32(2))


def test_a_truth_is_refused_also_after_the_number_that_it_is_equal_to() -> None:
    assert talib.SMA(CLOSES, 2)[1] == 1.5
    assert talib.MAX(CLOSES, 2)[1] == talib.MAX(CLOSES, np.int8(2))[1] == 2.0
    talib.MOM(CLOSES, 1)
    with pytest.raises(TypeError, match="MOM: timeperiod is not a number: True"):
        talib.MOM(CLOSES, True)


@pytest.mark.parametrize(
    "value",
    [3, 3.0, np.float16(3), np.float32(3), np.float64(3), np.longdouble(3), np.int8(3), np.uint64(3), Fraction(3)],
    ids=repr,
)
def test_the_real_numbers_of_numpy_are_numbers(value: Any) -> None:
    store = BarStore(bars_per_year=value)
    store.append("A", DAY, value, value, value, value, value)
    assert store.bars("A")["close"] == [3.0]
    assert AsyncFeatureComputer().with_options(deadline=value)._options.deadline == 3.0
    assert talib.SMA(CLOSES, value)[2] == indicators.series("sma", close=CLOSES, period=value)["value"][2] == 2.0


def test_a_decimal_is_a_price() -> None:
    store = BarStore()
    store.append("A", DAY, *[Decimal("3.5")] * 5)
    assert store.bars("A")["close"] == [3.5]


@pytest.mark.parametrize("whole", [np.int8, np.uint32, np.int64], ids=lambda kind: kind.__name__)
def test_the_whole_numbers_of_numpy_are_whole_numbers(whole: Callable[[int], Any]) -> None:
    options = AsyncFeatureComputer().with_options(priority=whole(3), max_attempts=whole(2))._options
    assert (options.priority, options.max_attempts) == (3, 2)
    assert type(options.priority) is type(options.max_attempts) is int
    store = BarStore(capacity=whole(2))
    assert store.capacity == 2
    for symbol in "AB":
        store.append(symbol, DAY, 5, 6, 4, 5, 1)
    assert len(screen("close > 0", FeatureSet("close"), store=store, limit=whole(1))) == 1
