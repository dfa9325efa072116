"""What is missing: before a lookback, in a window, in a recursion, in the functions that look back to a condition."""

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from reference.bars import walk

from ziggy_async import BarStore, FeatureSet, talib
from ziggy_async.indicator_names import IndicatorName
from ziggy_async.reading.spellings import PRICE_COLUMNS

NAN, INF = float("nan"), float("inf")


def values(formula: str, **columns: list[float]) -> NDArray[np.float64]:
    return np.asarray(
        FeatureSet(feature=formula).over({name: np.array(each) for name, each in columns.items()})["feature"]
    )


def assert_values(formula: str, wanted: list[float], **columns: list[float]) -> None:
    np.testing.assert_allclose(values(formula, **columns), wanted, rtol=1e-12, atol=1e-12)


HOLED = [1.0, 2.0, NAN, 4.0, 8.0, 16.0, 32.0]


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        ("sma(x, 2)", [NAN, 1.5, NAN, NAN, 6.0, 12.0, 24.0]),
        ("highest(x, 1)", [1.0, 2.0, NAN, 4.0, 8.0, 16.0, 32.0]),
        ("mom(x, 2)", [NAN, NAN, NAN, NAN, NAN, 12.0, 24.0]),
        ("ema(x, 3)", [NAN, NAN, NAN, 7 / 3, 31 / 6, 127 / 12, 511 / 24]),
        ("obv(x, x)", [1.0, 3.0, NAN, 7.0, 15.0, 31.0, 63.0]),
        ("cumsum(x)", [1.0, 3.0, NAN, 7.0, 15.0, 31.0, 63.0]),
        ("lag(x, 1)", [NAN, 1.0, 2.0, NAN, 4.0, 8.0, 16.0]),
        ("delta(x, 2)", [NAN, NAN, NAN, 2.0, NAN, 12.0, 24.0]),
        ("fill(x, 5)", [1.0, 2.0, 5.0, 4.0, 8.0, 16.0, 32.0]),
        ("is_nan(x)", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        ("x > 2", [0.0, 0.0, NAN, 1.0, 1.0, 1.0, 1.0]),
        ("x > 2 or 1", [1.0, 1.0, NAN, 1.0, 1.0, 1.0, 1.0]),
        ("not x", [0.0, 0.0, NAN, 0.0, 0.0, 0.0, 0.0]),
        ("1 if x > 2 else 0", [0.0, 0.0, NAN, 1.0, 1.0, 1.0, 1.0]),
        ("1 if is_nan(x) else x", [1.0, 2.0, 1.0, 4.0, 8.0, 16.0, 32.0]),
        ("x ** 0", [1.0] * 7),
        ("maximum(x, 3)", [3.0, 3.0, NAN, 4.0, 8.0, 16.0, 32.0]),
        ("sign(x)", [1.0, 1.0, NAN, 1.0, 1.0, 1.0, 1.0]),
        ("crossed_above(x, 3)", [NAN, 0.0, NAN, NAN, 0.0, 0.0, 0.0]),
        ("bars_since(x == 2)", [NAN, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        ("bars_since(x > 2)", [NAN, NAN, NAN, 0.0, 0.0, 0.0, 0.0]),
        ("value_when(x == 2, lag(x, 1))", [NAN, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        ("value_when(is_nan(x), x)", [NAN] * 7),
        ("highest_since(x == 1, -x)", [-1.0, -1.0, NAN, -1.0, -1.0, -1.0, -1.0]),
        ("lowest_since(x == 8, x)", [NAN, NAN, NAN, NAN, 8.0, 8.0, 8.0]),
        ("total_since(x == 2, x)", [NAN, 2.0, NAN, 6.0, 14.0, 30.0, 62.0]),
        ("total_since(is_nan(x), x)", [NAN, NAN, NAN, 4.0, 12.0, 28.0, 60.0]),
        ("skip(x, 1)", [NAN, 2.0, NAN, 4.0, 8.0, 16.0, 32.0]),
        ("skip(lag(x, 1), 1)", [NAN, NAN, 2.0, NAN, 4.0, 8.0, 16.0]),
        ("nan", [NAN] * 7),
    ],
)  # fmt: skip
def test_a_bar_without_a_value(formula: str, wanted: list[float]) -> None:
    assert_values(formula, wanted, x=HOLED)


@pytest.mark.parametrize("wrong", [NAN, INF, -INF])
@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        ("sma(x, 2)", [NAN, 1.5, NAN, NAN, 6.0]),
        ("ema(x, 2)", [NAN, 1.5, NAN, 19 / 6, 115 / 18]),
        ("highest(x, 2)", [NAN, 2.0, NAN, NAN, 8.0]),
        ("obv(x, x)", [1.0, 3.0, NAN, 7.0, 15.0]),
    ],
)
def test_what_is_not_finite_has_no_value_in_an_indicator(wrong: float, formula: str, wanted: list[float]) -> None:
    assert_values(formula, wanted, x=[1.0, 2.0, wrong, 4.0, 8.0])


def test_infinity_passes_what_is_no_indicator() -> None:
    assert_values("lag(x, 1)", [NAN, 1.0, INF], x=[1.0, INF, 2.0])
    assert_values("x / 0", [INF, -INF, NAN], x=[1.0, -1.0, 0.0])
    assert_values("value_when(x > 1, x)", [NAN, INF, INF], x=[1.0, INF, 0.0])
    assert_values("fill(x, 0) > 1e308", [0.0, 1.0, 0.0], x=[NAN, INF, -INF])


def test_a_true_range_after_a_hole_is_taken_against_the_last_good_bar() -> None:
    bars = walk(60, seed=4)
    columns = {name: column.copy() for name, column in bars.columns().items()}
    columns["high"][30] = NAN
    kept = np.delete(np.arange(60), 30)
    for formula in ("atr(5)", "adx(5)", "plus_di(5)", "sar()", "ad()"):
        features = FeatureSet(feature=formula)
        whole, without = (features.over(each)["feature"] for each in (
            columns, {name: column[kept] for name, column in columns.items()}))  # fmt: skip
        assert np.isnan(whole[30])
        assert np.asarray(whole)[kept].tobytes() == np.asarray(without).tobytes()


def test_a_column_that_has_no_value_at_all() -> None:
    for formula in ("sma(x, 3)", "ema(x, 3)", "rsi(x, 3)", "obv(x, x)", "cumsum(x)", "bars_since(x > 0)", "lag(x, 2)"):
        assert_values(formula, [NAN] * 5, x=[NAN] * 5)


@pytest.mark.parametrize("formula", ["sma(x, 3)", "rsi(x, 3)", "median(x, 3)", "ema(x, 3) + lag(x, 2)"])
def test_fewer_bars_than_the_lookback(formula: str) -> None:
    lookback = FeatureSet(formula).lookback
    for bars in range(lookback + 2):
        found = values(formula, x=[1.0, 2.0, 4.0, 8.0, 16.0][:bars])
        assert np.isfinite(found).sum() == max(0, bars - lookback)


@pytest.mark.parametrize("column", PRICE_COLUMNS)
@pytest.mark.parametrize("value", [NAN, INF])
def test_no_indicator_has_a_value_where_one_of_its_columns_has_none(column: str, value: float) -> None:
    """Also where the others are flat, for which an indicator has a value of its own, and where they move."""
    bars = walk(60).columns()
    for columns in (bars, {name: np.full(60, 7.25) for name in bars}):
        broken = columns | {column: np.append(columns[column][:-1], value)}
        formulas = [f"{name}(5)" if name == "mavp" else f"{name}()" for name in get_args(IndicatorName)]
        readers = [each for each in formulas if column in FeatureSet(each).describe()[each]["columns"]]
        table = FeatureSet(*readers).over(broken)
        assert [each for each in readers if not np.isnan(table[each][-1])] == []


SCALE = 1e207
"""Of volumes, which a store has up to 1e100."""


def totals_of_money_flow(bars: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The sums of the flows that are finite; NaN where one is not."""
    high, low, close, volume = (bars[name] for name in ("high", "low", "close", "volume"))
    volume = volume * SCALE
    with np.errstate(all="ignore"):
        flow = np.where(high > low, ((close - low) - (high - close)) / (high - low) * volume, 0.0)
    return np.where(np.isfinite(flow), np.cumsum(np.where(np.isfinite(flow), flow, 0.0)), np.nan)


@pytest.mark.parametrize("rows", [(), (0,), (40,), (0, 1, 2, 500, 998, 999), tuple(range(100, 300, 3))])
@pytest.mark.parametrize("tickers", [1, 9])
def test_ad_leaves_out_a_money_flow_that_overflows(rows: tuple[int, ...], tickers: int) -> None:
    """A close outside of its range, as far as prices may be rounded, makes one of finite figures."""
    random = np.random.default_rng(5)
    store, expected = BarStore(capacity=1000), []
    features = FeatureSet(
        f"ad(high, low, close, volume * {SCALE})", f"cumsum(money_flow_volume(high, low, close, volume * {SCALE}))"
    )
    times = np.datetime64("2024-01-01", "ns") + np.arange(1000) * np.timedelta64(1, "m")
    tables = []
    for _ in range(tickers):
        low = random.uniform(10, 20, 1000)
        bars = {
            "open": low,
            "low": low,
            "high": low + random.uniform(0, 2, 1000),
            "volume": random.uniform(0, 1e6, 1000),
        }
        bars["close"] = low + random.uniform(0, 1, 1000) * (bars["high"] - low)
        for row in rows:
            bars["high"][row] = np.nextafter(low[row], np.inf)
            bars["close"][row] = low[row] * (1 + 9e-10)
            bars["volume"][row] = 1e100
        tables.append(bars)
        expected.append(totals_of_money_flow(bars))
    live = features.live(store)
    for at, bars in enumerate(tables):
        store.load(f"S{at}", {"timestamp": times[:600], **{name: column[:600] for name, column in bars.items()}})
    live.update()
    for row in range(600, 1000):
        for at, bars in enumerate(tables):
            store.append(
                f"S{at}", times[row], *(bars[name][row] for name in ("open", "high", "low", "close", "volume"))
            )
        live.update()
        if row % 50 in (0, 49):
            np.testing.assert_array_equal(live.values, np.array([[column[row]] * 2 for column in expected]))
    history = features.history(store=store)
    for name in features.names:
        np.testing.assert_array_equal(history[name], np.concatenate(expected))
    for bars, column in zip(tables, expected, strict=True):
        flow = talib.AD(bars["high"], bars["low"], bars["close"], bars["volume"] * SCALE)
        np.testing.assert_array_equal(flow, column)
