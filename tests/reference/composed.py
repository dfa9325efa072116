"""Indicators that are formulas of others, over whole series."""

import numpy as np

from reference.indicator import HIGH_LOW, HIGH_LOW_CLOSE, Floats, composed, recursive
from reference.recursive import adx, atr, ema, kama, rsi
from reference.series import lag, skip
from reference.windowed import highest, lowest, midprice, sma, stddev, trima, wma

BANDS = ("upper", "middle", "lower")


@composed()
def dema(x: Floats, period=30):
    once = ema(x, period)
    return 2 * once - ema(once, period)


@composed()
def tema(x: Floats, period=30):
    once = ema(x, period)
    twice = ema(once, period)
    return 3 * once - 3 * twice + ema(twice, period)


@composed()
def t3(x: Floats, period=5, vfactor=0.7):
    """Tillson: `(1 + v) ema - v ema(ema)` three times over, as a sum of the third to the sixth average."""
    averages = [x]
    for _ in range(6):
        averages.append(ema(averages[-1], period))
    v = vfactor
    weights = {3: (1 + v) ** 3, 4: -3 * v * (1 + v) ** 2, 5: 3 * v**2 * (1 + v), 6: -(v**3)}
    return sum(weight * averages[order] for order, weight in weights.items())


@recursive()
def trix(x: Floats, period=30):
    thrice = ema(ema(ema(x, period), period), period)
    return 100 * (thrice / lag(thrice, 1) - 1)


KINDS = (sma, ema, wma, dema, tema, trima, kama, None, t3)
"""Moving averages by TA-Lib's number of their kind; MAMA is not here."""


@composed()
def ma(x: Floats, period=30, matype=0):
    return KINDS[matype](x, period) if period > 1 else x


def lookback(period, matype):
    """Bars before the first value of `ma`."""
    if period == 1:
        return 0
    return {3: 2 * (period - 1), 4: 3 * (period - 1), 6: period, 8: 6 * (period - 1)}.get(matype, period - 1)


@composed(outputs=BANDS)
def bbands(x: Floats, period=20, nbdevup=2.0, nbdevdn=2.0, matype=0):
    middle, width = ma(x, period, matype), stddev(x, period)
    return middle + nbdevup * width, middle, middle - nbdevdn * width


@composed(outputs=("macd", "signal", "histogram"))
def macdext(x: Floats, fast=12, fast_matype=0, slow=26, slow_matype=0, signal=9, signal_matype=0):
    """Both averages have their first value on the same bar; all three lines have values together."""
    near, far = (fast, fast_matype), (slow, slow_matype)
    if slow < fast:
        near, far = far, near
    first = max(lookback(*near), lookback(*far))
    parts = [ma(skip(x, first - lookback(*each)), *each) for each in (near, far)]
    line, average = with_average(parts[0] - parts[1], signal, signal_matype)
    return line, average, line - average


@composed()
def apo(x: Floats, fast=12, slow=26, matype=1):
    fast, slow = sorted((fast, slow))
    return ma(x, fast, matype) - ma(x, slow, matype)


@composed()
def ppo(x: Floats, fast=12, slow=26, matype=1):
    fast, slow = sorted((fast, slow))
    base = ma(x, slow, matype)
    return np.where(base == 0, 0.0, 100 * (ma(x, fast, matype) - base) / base)


@composed(HIGH_LOW_CLOSE, ("fastk", "fastd"))
def stochf(high: Floats, low: Floats, close: Floats, fastk=5, fastd=3, fastd_matype=0):
    return with_average(place_in_range(high, low, close, fastk), fastd, fastd_matype)


@composed(HIGH_LOW_CLOSE, ("slowk", "slowd"))
def stoch(high: Floats, low: Floats, close: Floats, fastk=5, slowk=3, slowk_matype=0, slowd=3, slowd_matype=0):
    return with_average(ma(place_in_range(high, low, close, fastk), slowk, slowk_matype), slowd, slowd_matype)


@composed(outputs=("fastk", "fastd"))
def stochrsi(x: Floats, period=14, fastk=5, fastd=3, fastd_matype=0):
    strength = rsi(x, period)
    return stochf(strength, strength, strength, fastk, fastd, fastd_matype)


@composed(HIGH_LOW_CLOSE)
def willr(high: Floats, low: Floats, close: Floats, period=14):
    top, bottom = highest(high, period), lowest(low, period)
    return in_percent(close - top, top, bottom)


def place_in_range(high: Floats, low: Floats, close: Floats, period):
    """Where the close stands between the window's lowest low and highest high."""
    top, bottom = highest(high, period), lowest(low, period)
    return in_percent(close - bottom, top, bottom)


def in_percent(part: Floats, top: Floats, bottom: Floats):
    """Of a range; 0 where it is flat, no value where the part is not finite."""
    part = np.where(np.isfinite(part), part, np.nan)
    return np.where(top == bottom, 0 * part, 100 * part / (top - bottom))


def with_average(line: Floats, period, matype):
    """The line, where its average has a value too, and the average."""
    average = ma(line, period, matype)
    return np.where(np.isnan(average), np.nan, line), average


@composed(HIGH_LOW_CLOSE)
def adxr(high: Floats, low: Floats, close: Floats, period=14):
    index = adx(high, low, close, period)
    return (index + lag(index, period - 1)) / 2


@composed(HIGH_LOW_CLOSE)
def natr(high: Floats, low: Floats, close: Floats, period=14):
    return 100 * atr(high, low, close, period) / close


@composed(HIGH_LOW, ("conversion", "base", "leading_a", "leading_b"))
def ichimoku(high: Floats, low: Floats, conversion=9, base=26, span=52, displacement=26):
    """The spans are those of `displacement` bars before, as a chart shows them on this bar."""
    turning, standard = midprice(high, low, conversion), midprice(high, low, base)
    cloud = (turning + standard) / 2, midprice(high, low, span)
    return turning, standard, *(lag(side, displacement) for side in cloud)
