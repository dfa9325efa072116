"""The reference itself, against TA-Lib where TA-Lib has the indicator."""

from collections.abc import Callable

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from reference import indicators
from reference.bars import Bars, walk

Floats = NDArray[np.float64]

TALIB: dict[str, Callable[[Bars], object]] = {
    "sma": lambda b: talib.SMA(b.close, 20),
    "ema": lambda b: talib.EMA(b.close, 20),
    "rsi": lambda b: talib.RSI(b.close, 14),
    "macd": lambda b: talib.MACD(b.close, 12, 26, 9),
    "bollinger": lambda b: talib.BBANDS(b.close, 20, 2.0, 2.0),
    "atr": lambda b: talib.ATR(b.high, b.low, b.close, 14),
    "adx": lambda b: talib.ADX(b.high, b.low, b.close, 14),
    "stddev": lambda b: talib.STDDEV(b.close, 20),
    "slope": lambda b: talib.LINEARREG_SLOPE(b.close, 20),
    "highest": lambda b: talib.MAX(b.close, 20),
    "lowest": lambda b: talib.MIN(b.close, 20),
    "roc": lambda b: talib.ROC(b.close, 10),
    "correlation": lambda b: talib.CORREL(b.close, b.open, 20),
}


def reference_of(name: str, bars: Bars) -> tuple[Floats, ...]:
    function = indicators.REFERENCES[name]
    if name == "atr":
        return function(bars.high, bars.low, bars.close)
    if name == "adx":
        return function(bars.high, bars.low)
    if name == "correlation":
        return function(bars.close, bars.open)
    return function(bars.close)


def assert_same(bars: Bars, name: str) -> None:
    expected = TALIB[name](bars)
    parts = expected if isinstance(expected, (tuple, list)) else (expected,)
    floor = 1e-9 if name == "correlation" else 1e-11 * float(np.max(bars.close))
    for ours, theirs in zip(reference_of(name, bars), parts, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=floor, err_msg=name)


@pytest.mark.parametrize("name", sorted(TALIB))
@pytest.mark.parametrize("bars", [30, 40, 41, 252, 2000])
def test_made_bars(name: str, bars: int) -> None:
    assert_same(walk(bars, seed=bars), name)


@pytest.mark.parametrize("name", sorted(TALIB))
@pytest.mark.parametrize("file", ["SPY_daily_2017_2018", "MSFT_daily_1990_2022", "SPY_1min_2020"])
def test_real_bars(name: str, file: str, real: Callable[[str], Bars]) -> None:
    assert_same(real(file), name)
