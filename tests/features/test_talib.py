"""`ziggy_async.talib` beside TA-Lib's own wheel: every function in every way it can be called."""

import inspect
import pickle
import pydoc
import typing
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import talib as theirs
from numpy.typing import NDArray
from reference.bars import Bars, flat, walk
from reference.talib_stub import PATH, stub
from talib import abstract

from ziggy_async import _core, indicators
from ziggy_async import talib as ours
from ziggy_async.features.arrays import functions
from ziggy_async.features.catalog import rows

NAMES = ours.get_functions()
Outputs = tuple[NDArray[Any], ...]

COLUMNS = {"real": "close", "real0": "high", "real1": "low"}
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "BBANDS": [{"timeperiod": 5, "nbdevup": 1.0, "nbdevdn": 2.5, "matype": 1}],
    "MACD": [{"fastperiod": 26, "slowperiod": 12, "signalperiod": 9}],
    "MACDEXT": [{"fastmatype": 1, "slowmatype": 3, "signalmatype": 8}, {"fastmatype": 6, "slowmatype": 2}],
    "STOCH": [{"slowk_matype": 1, "slowd_matype": 4}],
    "SAREXT": [{"startvalue": -150.0, "offsetonreverse": 0.01, "accelerationmaxshort": 0.3}],
    "MA": [{"timeperiod": 7, "matype": kind} for kind in (1, 2, 3, 4, 5, 6, 8)],
    "T3": [{"vfactor": 0.2}],
    "STDDEV": [{"nbdev": 2.0}],
    "CDLMORNINGSTAR": [{"penetration": 0.5}],
}


def arguments(name: str) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(getattr(ours, name)).parameters


def inputs(name: str, bars: Bars) -> list[NDArray[np.float64]]:
    names = [
        each.name for each in inspect.signature(getattr(ours, name)).parameters.values() if each.default is each.empty
    ]
    if name.startswith("A") and names == ["real"]:  # of an arc
        return [bars.close / bars.close.max(initial=1.0)]
    return [bars.columns()[COLUMNS.get(each, each)] for each in names]


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("MA", "matype"), ("BBANDS", "matype"), ("STOCHRSI", "fastd_matype"), ("STOCH", "slowk_matype")],
)
def test_a_type_of_moving_average_that_there_is_not(name: str, parameter: str) -> None:
    with pytest.raises(ValueError, match="type") as caught:
        getattr(ours, name)(*inputs(name, walk(50)), **{parameter: 7})
    types = "0 sma, 1 ema, 2 wma, 3 dema, 4 tema, 5 trima, 6 kama, 8 t3"
    assert str(caught.value) == f"{name}: there is no moving average of type 7, mama: the types are {types}"


def outputs(found: Any) -> Outputs:
    return found if isinstance(found, tuple) else (found,)


def compare(name: str, arrays: list[NDArray[np.float64]], **parameters: Any) -> None:
    floor = 1e-7 if name in NOT_SO_EXACT else 1e-9
    wanted = outputs(getattr(theirs, name)(*arrays, **parameters))
    for found, other in zip(outputs(getattr(ours, name)(*arrays, **parameters)), wanted, strict=True):
        assert found.dtype == other.dtype
        if name == "STOCHRSI":
            found = np.where(is_still(theirs.RSI(*arrays)), other, found)
        np.testing.assert_allclose(found, other, rtol=1e-9, atol=floor * scale(arrays), err_msg=name)


def is_still(strength: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where, at one of the three bars of the average, the index has been the same over the stochastic's five but for
    rounding: any place in its range is right there."""
    still = theirs.MAX(strength, 5) - theirs.MIN(strength, 5) < 1e-9
    return theirs.MAX(still.astype(float), 3) > 0.0


NOT_SO_EXACT = {"CCI", "LINEARREG_ANGLE"}
"""Where TA-Lib itself loses digits: a mean deviation of almost nothing, the angle of an almost flat line."""


def scale(arrays: list[NDArray[np.float64]]) -> float:
    """What TA-Lib's running sums have lost digits against."""
    return max([1.0, *(float(np.nanmax(np.abs(each))) for each in arrays if len(each) and not np.isnan(each).all())])


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name: str) -> None:
    wanted = inspect.signature(getattr(theirs, name)).parameters
    found = arguments(name)
    assert list(found) == list(wanted)
    defaults = dict(abstract.Function(name).parameters)
    assert {each.name: each.default for each in found.values() if each.default is not each.empty} == defaults


def test_a_function_is_one_to_python() -> None:
    assert pickle.loads(pickle.dumps(ours.SMA)) is ours.SMA
    assert inspect.isroutine(ours.SMA)
    assert repr(ours.SMA) == "<function ziggy_async.talib.SMA>"
    assert weakref.ref(ours.SMA)() is ours.SMA
    assert typing.get_type_hints(ours.SMA) == {}
    assert "SMA(real, timeperiod=30)" in pydoc.plain(pydoc.render_doc(ours.SMA))
    holder = type("Holder", (), {"average": ours.SMA})
    np.testing.assert_array_equal(holder().average(np.ones(3), 2), [np.nan, 1.0, 1.0])


@pytest.mark.parametrize("inputs", [0, -1])
def test_a_function_without_inputs(inputs: int) -> None:
    with pytest.raises(ValueError, match="inputs must be 1 or more"):
        _core.ArrayCallable(_core.Plan, print, inputs, False)


def test_whole_numbers_of_several_results() -> None:
    plan = functions()["MACD"].plan()
    with pytest.raises(ValueError, match="one result"):
        _core.ArrayCallable(lambda: plan, print, 1, True)(np.ones(100))


def test_parameters_of_the_last_call_are_not_taken_for_others() -> None:
    prices = walk(40).close
    for _ in range(2):
        for period in (1, 3, 1.0, 3, 30):
            np.testing.assert_array_equal(
                ours.MOM(prices, period)[int(period) :], prices[int(period) :] - prices[: -int(period)]
            )
        assert np.isnan(ours.SMA(prices)).sum() == 29
        with pytest.raises(TypeError, match="timeperiod is not a number"):
            ours.MOM(prices, True)
        with pytest.raises(TypeError, match="slowperiod"):
            ours.MOM(prices, slowperiod=3)
        np.testing.assert_array_equal(ours.ADOSC(*[prices] * 4, slowperiod=5), ours.ADOSC(*[prices] * 4, 3, 5))
        np.testing.assert_array_equal(ours.ADOSC(*[prices] * 4, fastperiod=5), ours.ADOSC(*[prices] * 4, 5, 10))


def test_groups() -> None:
    wanted = theirs.get_function_groups()
    for group, names in ours.get_function_groups().items():
        assert set(names) <= set(wanted[group])
    assert set(NAMES) <= set(theirs.get_functions())
    assert set(ours.__all__) == {*NAMES, "MA_Type", "get_functions", "get_function_groups"}


def test_moving_averages_have_their_numbers() -> None:
    for name in ("SMA", "EMA", "WMA", "DEMA", "TEMA", "TRIMA", "KAMA", "MAMA", "T3"):
        number = getattr(ours.MA_Type, name)
        assert number == getattr(theirs.MA_Type, name)
        assert ours.MA_Type[number] == theirs.MA_Type[number]


def test_the_stub_is_what_the_functions_are() -> None:
    assert PATH.read_text(encoding="utf-8") == stub(), f"run {stub.__module__} to write {PATH.name} anew"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 2, 30, 61, 252, 1000])
def test_made_bars(name: str, count: int) -> None:
    compare(name, inputs(name, walk(count, seed=count)))


@pytest.mark.parametrize(("name", "parameters"), [(name, each) for name, every in PARAMETERS.items() for each in every])
def test_other_parameters(name: str, parameters: dict[str, Any]) -> None:
    compare(name, inputs(name, walk(300, seed=5)), **parameters)


@pytest.mark.parametrize("name", [name for name in NAMES if "timeperiod" in arguments(name)])
@pytest.mark.parametrize("period", [2, 3, 40])
def test_other_periods(name: str, period: int) -> None:
    arrays = inputs(name, walk(200, seed=period))
    compare(name, arrays, timeperiod=period)
    for found, wanted in zip(
        outputs(getattr(ours, name)(*arrays, period)),
        outputs(getattr(ours, name)(*arrays, timeperiod=period)),
        strict=True,
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", ["SPY_daily_2017_2018", "MSFT_daily_1990_2022", "SPY_1min_2020"])
def test_real_bars(name: str, file: str, real: Callable[[str], Bars]) -> None:
    compare(name, inputs(name, real(file)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("price", [100.0, 1.0, 7.3])
def test_flat_bars(name: str, price: float) -> None:
    compare(name, inputs(name, flat(150, price)))


@pytest.mark.parametrize("name", NAMES)
def test_bars_that_begin_flat(name: str) -> None:
    begin, later = flat(60), walk(100, seed=2)
    columns = {field: np.concatenate([column, later.columns()[field]]) for field, column in begin.columns().items()}
    compare(name, inputs(name, Bars(np.arange(160), **columns)))


@pytest.mark.parametrize("name", NAMES)
def test_missing_values_at_the_beginning(name: str) -> None:
    compare(name, [np.concatenate([np.full(5, np.nan), each]) for each in inputs(name, walk(120, seed=6))])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_at_all(name: str) -> None:
    compare(name, inputs(name, walk(0)))
    for found in outputs(getattr(ours, name)(*(np.full(50, np.nan) for _ in inputs(name, walk(50))))):
        assert (found == 0).all() if found.dtype == np.int32 else np.isnan(found).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("symbols", [1, 3, 8, 19])
def test_many_symbols_as_one_by_one(name: str, symbols: int) -> None:
    one_by_one = [inputs(name, walk(130, seed=seed)) for seed in range(symbols)]
    together = outputs(getattr(ours, name)(*(np.stack(each) for each in zip(*one_by_one, strict=True))))
    for row, arrays in enumerate(one_by_one):
        for matrix, column in zip(together, outputs(getattr(ours, name)(*arrays)), strict=True):
            assert matrix.shape == (symbols, 130)
            np.testing.assert_array_equal(matrix[row], column)


@pytest.mark.parametrize("name", NAMES)
def test_a_series_for_a_series(name: str) -> None:
    arrays = inputs(name, walk(90, seed=3))
    wanted = outputs(getattr(ours, name)(*arrays))
    index = pd.date_range("2024-01-01", periods=90)
    of_pandas = outputs(getattr(ours, name)(*(pd.Series(each, index=index) for each in arrays)))
    of_polars = outputs(getattr(ours, name)(*(pl.Series("price", each) for each in arrays)))
    for pandas, polars, array in zip(of_pandas, of_polars, wanted, strict=True):
        assert pandas.index is index or pandas.index.equals(index)
        np.testing.assert_array_equal(pandas.to_numpy(), array)
        assert isinstance(polars, pl.Series)
        np.testing.assert_array_equal(polars.to_numpy(), array)


def test_other_ways_to_give_arrays() -> None:
    bars = walk(80, seed=1)
    wanted = ours.ATR(bars.high, bars.low, bars.close, 5)
    np.testing.assert_array_equal(ours.ATR(high=bars.high, low=bars.low, close=bars.close, timeperiod=5), wanted)
    np.testing.assert_array_equal(ours.ATR(bars.high, bars.low, close=bars.close, timeperiod=5), wanted)
    np.testing.assert_array_equal(ours.ATR(bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), 5), wanted)
    np.testing.assert_array_equal(ours.SMA(np.repeat(bars.close, 2)[::2], 5), ours.SMA(bars.close, 5))
    np.testing.assert_array_equal(
        ours.SMA(np.asfortranarray(np.stack([bars.close] * 3)), 5)[1], ours.SMA(bars.close, 5)
    )
    np.testing.assert_array_equal(ours.SMA(np.arange(9), 3), ours.SMA(np.arange(9.0), 3))
    np.testing.assert_array_equal(ours.SMA(bars.close, np.int64(5)), ours.SMA(bars.close, 5))


def test_inputs_stay_as_they_are() -> None:
    close = walk(60).close
    before = close.copy()
    found = ours.MAX(close, 2)
    found[:] = 0.0
    np.testing.assert_array_equal(close, before)


@pytest.mark.parametrize(
    "values",
    [
        [1, 3],
        ["1", "3"],
        np.array([1, 3], "m8[s]"),
        np.array(["1970-01-02", "1970-01-04"], "M8[D]"),
        np.float16([1, 3]),
    ],
    ids=lambda values: str(getattr(values, "dtype", type(values[0]).__name__)),
)
def test_inputs_are_what_numpy_makes_numbers_of(values: Any) -> None:
    np.testing.assert_array_equal(ours.SMA(values, 2), [np.nan, 2.0])
    np.testing.assert_array_equal(ours.SMA(np.array([True, False]), 2), [np.nan, 0.5])


def test_natr_of_one_bar_is_the_true_range_as_it_is_in_talib() -> None:
    high, low, close = np.array([[10.0, 12.0, 13.0], [8.0, 10.0, 11.0], [9.0, 11.0, 12.0]])
    np.testing.assert_array_equal(ours.NATR(high, low, close, 1), [np.nan, 3.0, 2.0])
    np.testing.assert_array_equal(theirs.NATR(high, low, close, 1), [np.nan, 3.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: ours.SMA(), TypeError, "^SMA: missing a required argument: 'real'$"),
        (lambda x: ours.SMA(x, 0), ValueError, "timeperiod"),
        (lambda x: ours.SMA(x, 2.5), ValueError, "timeperiod"),
        (lambda x: ours.SMA(x, "5"), TypeError, "timeperiod"),
        (lambda x: ours.SMA(x, period=5), TypeError, "period"),
        (lambda x: ours.SMA(x, 5, 6), TypeError, "many"),
        (lambda x: ours.SMA(x, [5]), TypeError, r"^SMA: timeperiod is not a number: \[5\]$"),
        (lambda x: ours.SMA(x, timeperiod=np.array([5])), TypeError, "^SMA: timeperiod is not a number"),
        (lambda x: ours.SMA(["a", "b"]), TypeError, "^SMA: real is not an array of numbers"),
        (lambda x: ours.SMA(x + 0j), TypeError, "^SMA: real is not an array of numbers: they are complex$"),
        (lambda x: ours.SMA([1j]), TypeError, "they are complex$"),
        (lambda x: ours.SMA(None), ValueError, r"^real must have the shape \(bars,\)"),
        (lambda x: ours.SMA(x.reshape(2, 3, 10)), ValueError, r"^real must have the shape \(bars,\)"),
        (lambda x: ours.RSI(x.reshape(2, 3, 10)), ValueError, r"^real must have the shape \(bars,\)"),
        (lambda x: ours.STOCHRSI(x.reshape(2, 3, 10)), ValueError, r"^real must have the shape \(bars,\)"),
        (lambda x: ours.CORREL(x, x[1:]), ValueError, "^real1 has another shape than real0$"),
        (lambda x: ours.OBV(x, x[1:]), ValueError, "^volume has another shape than real$"),
        (lambda x: ours.ATR(x, x[1:], x), ValueError, "^low has another shape than high$"),
        (lambda x: ours.SMA(x, real=x), TypeError, "^SMA: multiple values"),
        (lambda x: ours.ATR(x, x), TypeError, "close"),
        (lambda x: ours.MA(x, 5, 7), ValueError, None),
        (lambda x: ours.STDDEV(x, 5, float("nan")), ValueError, "nbdev"),
        (lambda x: ours.ADD(pd.Series(x), pl.Series(x)), TypeError, "polars"),
    ],
)
def test_wrong_arguments(call: Callable[[NDArray[np.float64]], Any], error: type[Exception], match: str | None) -> None:
    with pytest.raises(error, match=match):
        call(np.arange(60.0))


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "pyarrow"])
def test_a_table_is_no_series(table: Callable[[dict[str, NDArray[np.float64]]], Any]) -> None:
    """Its rows are bars and its columns symbols, the other way round than those of an array."""
    prices = table({"SPY": np.arange(60.0), "QQQ": np.arange(60.0)})
    with pytest.raises(TypeError, match=r"^SMA: real is a table; give its columns one by one, or an array of "):
        ours.SMA(prices, 2)
    with pytest.raises(TypeError, match=r"^close is a table; give its columns one by one, or an array of "):
        indicators.series("sma", close=prices, period=2)


def test_every_row_that_has_a_name_in_talib_is_a_function() -> None:
    assert {row.talib for row in rows().values()} - {None} <= set(NAMES)
