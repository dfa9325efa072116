"""Formulas against the reference: rules that traders run, every indicator, and formulas and bars made at random."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference.bars import Bars, from_closes, walk
from reference.closeness import assert_as_reference
from reference.indicator import INDICATORS
from reference.indicators import REFERENCES
from reference.strategies import STRATEGIES

from ziggy_async import BarStore, FeatureSet
from ziggy_async.features.catalog import rows
from ziggy_async.sample import sample_universe

Floats = NDArray[np.float64]


def over(formula: str, bars: Bars) -> Floats:
    """The formula's values over these bars; NaN is allowed in them."""
    return np.asarray(FeatureSet(feature=formula).over(bars.table(), time="timestamp")["feature"])


def check(formula: str, bars: Bars, floor: Floats | float = 0.0) -> None:
    assert_as_reference(over(formula, bars), formula, bars.columns(), bars.timestamp, floor)


def test_every_row_of_the_catalog_has_a_reference() -> None:
    assert set(rows()) <= {*INDICATORS, *REFERENCES}


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_strategy_over_made_bars(name: str) -> None:
    check(STRATEGIES[name], walk(420, seed=1, swing=0.02))


@pytest.mark.parametrize("name", sorted(STRATEGIES))
@pytest.mark.parametrize("file", ["MSFT_daily_1990_2022", "SPY_1min_2020", "PENNY_daily_2018_2021", "HUGE_prices"])
def test_a_strategy_over_real_bars(name: str, file: str, real: Callable[[str], Bars]) -> None:
    check(STRATEGIES[name], real(file)[:400])


def test_all_strategies_at_once_in_a_store() -> None:
    """Histories are the reference's, the latest row is the history's last to the bit, and so is a table's."""
    features = FeatureSet(**{name.replace(" ", "_"): formula for name, formula in STRATEGIES.items()})
    store = BarStore(capacity=420)
    bars = {f"T{count}": walk(count, seed=count, swing=0.02) for count in (1, 40, 77, 301, 304)}
    for symbol, each in bars.items():
        store.load(symbol, each.table())
    history, latest = features.history(store=store), features.latest(store=store)
    symbols = np.asarray(history.symbols)
    for row, symbol in enumerate(latest.symbols):
        part = history.to_numpy()[symbols == symbol]
        assert part[-1].tobytes() == latest.to_numpy()[row].tobytes()
        for values, formula in zip(part.T, STRATEGIES.values(), strict=True):
            assert_as_reference(np.ascontiguousarray(values), formula, bars[symbol].columns(), bars[symbol].timestamp)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_a_strategy_over_the_made_up_market(name: str) -> None:
    market = dict(sample_universe())
    for symbol in ("^VIX", "BANK07"):
        columns = {field: np.asarray(column)[:300] for field, column in market[symbol].items()}
        times = columns.pop("timestamp").astype("datetime64[ns]").astype(np.int64)
        check(STRATEGIES[name], Bars(times, *(columns[field] for field in ("open", "high", "low", "close", "volume"))))


def test_what_stands_for_a_division_by_zero() -> None:
    """As the formula says it, one operation after the other; also with NaN in its parts."""
    nan, inf = np.nan, np.inf
    divisor = np.array([1.0, 0.0, -0.0, 2.0, nan, 0.0, 3.0, inf, 0.0])
    divided = np.array([3.0, 3.0, 3.0, nan, 3.0, nan, -3.0, 3.0, inf])
    otherwise = np.array([7.0, 7.0, 7.0, 7.0, 7.0, 7.0, nan, 7.0, nan])
    bars = Bars(np.arange(9, dtype=np.int64), divisor, divisor, divisor, divided, otherwise)
    wanted = [3.0, 7.0, 7.0, nan, nan, 7.0, -1.0, 0.0, nan]
    np.testing.assert_array_equal(over("close / low if low != 0 else volume", bars), wanted)
    np.testing.assert_array_equal(over("close / low * 1 if 0 != low else volume", bars), wanted)
    np.testing.assert_array_equal(over("lag(close, 2) / low if low != 0 else volume", bars)[:3], [nan, 7.0, 7.0])


FREE_OF_PRICE = {
    "rsi", "rsi_cutler", "rsi_talib", "cmo", "adx", "adxr", "dx", "plus_di", "minus_di", "stoch", "stochf", "stochrsi",
    "willr", "cci", "mfi", "ultosc", "aroon", "aroonosc", "bop", "trix", "ppo", "roc", "rocp", "rocr", "rocr100",
    "zscore", "skew", "kurtosis", "correl", "return_correlation", "beta", "slope_percent", "volatility", "natr",
}  # fmt: skip
"""Indicators whose values do not grow with the prices."""
OF_ONE_BAR = {"avgprice", "medprice", "typprice", "wclprice", "bop", "money_flow_volume"}
"""Indicators that are bare arithmetic of a bar, which passes infinities on."""


def floor_of(name: str, bars: Bars) -> Floats | float:
    """What rounding may leave: of figures about 1 or 100, and else of the largest input so far."""
    if name in FREE_OF_PRICE:
        return 1e-11
    columns = [bars.columns()[column] for column in INDICATORS[name].inputs]
    largest = np.max([np.where(np.isfinite(column), np.abs(column), 0.0) for column in columns], axis=0)
    return 1e-13 * np.maximum.accumulate(largest)


MISSING = (np.nan, np.nan, np.inf, -np.inf)


@st.composite
def any_bars(draw: st.DrawFn, most: int = 160, outlier: float = 1e9, missing: tuple[float, ...] = MISSING) -> Bars:
    """Walks from prices of 1e-6 to 1e13, with flat stretches, an outlier, and values that are missing."""
    count, seed = draw(st.integers(1, most)), draw(st.integers(0, 2**32 - 1))
    close = walk(count, seed=seed).close * (draw(st.sampled_from([1e-6, 0.01, 1.0, 100.0, 1e6, 1e13])) / 100.0)
    if draw(st.booleans()):
        begin = draw(st.integers(0, count - 1))
        close[begin : begin + draw(st.integers(1, 40))] = close[begin]
    if draw(st.booleans()):
        close[draw(st.integers(0, count - 1))] *= outlier
    bars = from_closes(close, spread=draw(st.sampled_from([0.0, 0.001, 0.05])), seed=seed)
    for column in bars.columns().values():
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
            column[draw(st.integers(0, count - 1))] = draw(st.sampled_from(missing))
    return bars


@st.composite
def indicator_call(draw: st.DrawFn, name: str) -> str:
    """A call of the catalog with any parameters, windows short enough for the bars of a test."""
    indicator = INDICATORS[name]
    parameters = []
    for parameter, default in indicator.parameters.items():
        if "matype" in parameter:
            value = draw(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8]))
        elif parameter == "per_year":
            value = draw(st.sampled_from([12.0, 252.0]))
        elif isinstance(default, int):
            value = draw(st.integers(3 if name == "regression" else 2, 30))
        else:
            value = draw(st.floats(0.0, 1.0).map(lambda share: round(share, 3)))
        parameters.append(f"{parameter}={value}")
    inputs = indicator.inputs if name == "return_correlation" else ()
    return f"{name}({', '.join((*inputs, *parameters))})"


@pytest.mark.parametrize("name", sorted(INDICATORS))
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_an_indicator_with_any_parameters_over_any_bars(name: str, data: st.DataObject) -> None:
    bars = data.draw(any_bars(missing=(np.nan,) if name in OF_ONE_BAR else MISSING))
    call = data.draw(indicator_call(name))
    outputs = INDICATORS[name].outputs
    for output in outputs:
        check(f"{call}.{output}" if len(outputs) > 1 else call, bars, floor_of(name, bars))


COLUMNS = st.sampled_from(["open", "high", "low", "close", "volume"])
NUMBERS = st.sampled_from(["0", "1", "2.5", "0.1", "-3", "100"])
OF_ONE = ("abs", "sign", "sqrt", "log", "tanh", "sin", "atan", "floor", "is_nan", "cumsum", "bars_since", "-", "not ")
OF_TWO = ("minimum", "maximum", "signed_power", "fill", "crossed_above", "crossed_below", "value_when",
          "highest_since", "lowest_since", "total_since")  # fmt: skip
SIGNS = ("+", "-", "*", "/", "%", "**", "<", "<=", ">", ">=", "==", "!=", "and", "or")
SHIFTS = ("lag", "delta", "returns", "skip")
OF_A_PERIOD = ("sma", "ema", "wma", "rsi", "highest", "argmin", "stddev", "zscore", "linearreg_slope", "median", "mom",
               "ts_rank", "total", "cmo", "kama")  # fmt: skip


def larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    period = st.integers(2, 12)
    return st.one_of(
        st.builds("({}({}))".format, st.sampled_from(OF_ONE), parts),
        st.builds("{}({}, {})".format, st.sampled_from(OF_TWO), parts, parts),
        st.builds("({} {} {})".format, parts, st.sampled_from(SIGNS), parts),
        st.builds("({} < {} <= {})".format, parts, parts, parts),
        st.builds("({} if {} else {})".format, parts, parts, parts),
        st.builds("{}({}, {})".format, st.sampled_from(SHIFTS), parts, period),
        st.builds("{}({} * 1.0 if close > 0 else nan, {})".format, st.sampled_from(OF_A_PERIOD), parts, period),
        st.builds("{}({} + 0 * close, {})".format, st.sampled_from(OF_A_PERIOD), parts, period),
    )


FORMULAS = st.recursive(st.one_of(COLUMNS, NUMBERS), larger, max_leaves=8)


@given(formula=FORMULAS, bars=any_bars(90, outlier=1e3))
@settings(max_examples=200, deadline=None)
def test_any_formula_over_any_bars(formula: str, bars: Bars) -> None:
    begin = FeatureSet(formula).lookback
    assert_as_reference(over(formula, bars), formula, bars.columns(), bars.timestamp, 1e-13, begin)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5, 3.0])
def test_signed_powers_are_the_sign_times_the_power(power: float) -> None:
    close = np.array([0.0, -0.0, 2.0, -2.0, np.nan, np.inf, -np.inf])
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.sign(close) * np.abs(close) ** power
    found = FeatureSet(f=f"signed_power(close, {power})").over({"close": close})["f"]
    np.testing.assert_array_equal(found, expected)
