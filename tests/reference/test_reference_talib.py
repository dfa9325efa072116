"""The reference's indicators against TA-Lib, which defines them: every parameter at work, few bars and many."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from talib import abstract

from reference import formulas
from reference.bars import Bars, flat, walk
from reference.indicator import INDICATORS

NAMES = {
    **{name: name.upper() for name in INDICATORS if hasattr(talib, name.upper())},
    "highest": "MAX",
    "lowest": "MIN",
    "total": "SUM",
}
KINDS = (0, 1, 2, 3, 4, 5, 6, 8)
PARAMETERS: dict[str, list[tuple[Any, ...]]] = {
    "ma": [(period, kind) for kind in KINDS for period in (1, 2, 9)],
    "bbands": [(5, 1.0, 2.5, kind) for kind in KINDS] + [(2, 2.0, 2.0, 1)],
    "macd": [(26, 12, 9), (5, 30, 1), (2, 3, 4)],
    "macdext": [(12, 1, 26, 1, 9, 1), (12, 0, 26, 1, 9, 2), (12, 3, 26, 4, 9, 5), (12, 6, 26, 8, 9, 0),
                (12, 8, 26, 3, 9, 6), (26, 1, 12, 0, 5, 0), (12, 0, 26, 5, 3, 3)],
    "apo": [(12, 26, kind) for kind in KINDS] + [(26, 12, 1), (5, 5, 0)],
    "ppo": [(12, 26, kind) for kind in KINDS] + [(26, 12, 1)],
    "stoch": [(5, 3, 0, 3, 0), (5, 3, 1, 3, 1), (5, 3, 2, 3, 3), (5, 3, 6, 3, 8), (1, 1, 0, 1, 0)],
    "stochf": [(5, 3, 1), (1, 1, 0), (14, 3, 3)],
    "stochrsi": [(14, 14, 3, 0), (5, 5, 3, 1), (14, 1, 1, 0)],
    "ultosc": [(28, 7, 14), (1, 2, 3), (5, 5, 5)],
    "stddev": [(2, 1.0), (20, 2.5)],
    "var": [(1, 1.0), (2, 2.0), (20, 1.0)],
    "t3": [(1, 0.7), (2, 0.5), (8, 0.2), (5, 1.0), (5, 0.0)],
    "sar": [(0.02, 0.2), (0.3, 0.2), (0.1, 1.0), (0.0, 0.2)],
    "sarext": [(50.0, 0.05, 0.03, 0.02, 0.2, 0.01, 0.03, 0.3), (-150.0, 0.01, 0.5, 0.5, 0.2, 0.02, 0.5, 0.3)],
    "adosc": [(2, 5), (10, 3), (3, 3)],
    "cdlmorningstar": [(0.0,), (0.5,)],
    **{name: [(1,), (2,), (7,), (50,)] for name in ("sma", "ema", "wma", "dema", "tema", "trima", "kama", "beta")},
    **{name: [(1,), (3,), (25,)] for name in ("mom", "roc", "rocp", "rocr", "rocr100", "correl", "trix", "atr")},
    "natr": [(2,), (5,)],
    **{name: [(1,), (2,), (5,)] for name in ("plus_di", "minus_di", "plus_dm", "minus_dm")},
    **{
        name: [(2,), (3,), (21,)]
        for name in NAMES
        if name.startswith(("linearreg", "aroon", "adx", "mid")) or name in ("highest", "lowest", "total", "tsf")
        or name in ("rsi", "cmo", "dx", "willr", "cci", "mfi")
    },
}  # fmt: skip
"""Indicator -> parameters that it is also compared with, beside TA-Lib's defaults."""


def compare(name: str, bars: Bars, parameters: tuple[Any, ...]) -> None:
    indicator = INDICATORS[name]
    columns = [bars.columns()[column] for column in indicator.inputs]
    ours, theirs = indicator(*columns, *parameters), getattr(talib, NAMES[name])(*columns, *parameters)
    floor = 1e-7 if name in NOT_SO_EXACT else 1e-9
    for found, wanted in zip(outputs(ours), outputs(theirs), strict=True):
        wanted = np.array(wanted, np.float64)
        if name.startswith("cdl"):
            wanted[: abstract.Function(NAMES[name]).lookback] = np.nan  # whole numbers have no NaN: TA-Lib says 0
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=floor, err_msg=f"{name}{parameters}")


NOT_SO_EXACT = {"cci", "linearreg_angle"}
"""Where TA-Lib itself loses digits: a mean deviation of almost nothing, the angle of an almost flat line."""


def outputs(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_defaults_and_order_of_parameters_are_talibs(name: str) -> None:
    function = abstract.Function(NAMES[name])
    defaults = dict(function.parameters)
    ours = INDICATORS[name].parameters
    assert list(ours.values()) == list(defaults.values())
    assert list(ours) == [formulas.TALIB_PARAMETERS.get(each, each) if each not in ours else each for each in defaults]
    assert len(INDICATORS[name].outputs) == len(function.output_names)


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("count", [1, 2, 5, 30, 33, 34, 41, 120, 400])
def test_made_bars(name: str, count: int) -> None:
    compare(name, walk(count, seed=count), tuple(INDICATORS[name].parameters.values()))


@pytest.mark.parametrize(
    ("name", "parameters"), [(name, each) for name, every in sorted(PARAMETERS.items()) for each in every]
)
def test_other_parameters(name: str, parameters: tuple[Any, ...]) -> None:
    for count in (3, 60, 250):
        compare(name, walk(count, seed=count), parameters)


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("file", ["SPY_daily_2017_2018", "MSFT_daily_1990_2022", "SPY_1min_2020"])
def test_real_bars(name: str, file: str, real: Callable[[str], Bars]) -> None:
    compare(name, real(file)[:500], tuple(INDICATORS[name].parameters.values()))


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"rsi"}))
def test_flat_bars(name: str) -> None:
    compare(name, flat(120), tuple(INDICATORS[name].parameters.values()))


def test_what_differs_from_talib() -> None:
    """A flat series has an index of 50, as it gains as much as it loses, and a range of one bar is a share of the price
    as longer ones are."""
    bars = flat(40)
    assert INDICATORS["rsi"](bars.close)[-1] == 50.0
    assert talib.RSI(bars.close)[-1] == 0.0
    bars = walk(40)
    prices = bars.high, bars.low, bars.close
    np.testing.assert_allclose(INDICATORS["natr"](*prices, 1), 100 * talib.TRANGE(*prices) / bars.close, rtol=1e-12)
    assert talib.NATR(*prices, 1)[-1] == talib.TRANGE(*prices)[-1]
