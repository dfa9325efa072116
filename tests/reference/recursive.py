"""Indicators with a memory of all bars: each function is given the series of those that have values."""

import numpy as np

from reference.indicator import HIGH_LOW, HIGH_LOW_CLOSE, HIGH_LOW_CLOSE_VOLUME, WIDE, Wide, padded, recursive
from reference.windowed import true_ranges


def smoothed(x: Wide, seed_bars, weight):
    """From the last of the first `seed_bars` values on: their mean, then `weight` of the way to each new one."""
    if len(x) < seed_bars:
        return []
    averages = [x[:seed_bars].mean()]
    for value in x[seed_bars:]:
        averages.append(averages[-1] + (value - averages[-1]) * weight)
    return averages


def wilder(x: Wide, period):
    return smoothed(x, period, WIDE(1) / period)


def wilder_sums(x: Wide, period):
    """From the `period`-th value on: the sum of the `period - 1` before it, then each new one, 1/period forgotten."""
    sum_ = x[: period - 1].sum()
    sums = []
    for value in x[period - 1 :]:
        sum_ = sum_ - sum_ / period + value
        sums.append(sum_)
    return np.array(sums, WIDE)


def shares(part, whole, otherwise=0.0):
    part, whole = np.asarray(part, WIDE), np.asarray(whole, WIDE)
    return np.divide(part, whole, out=np.full_like(part, otherwise), where=whole != 0)


# Averages


@recursive()
def ema(x: Wide, period=30):
    return padded(exponential(x, period), len(x))


@recursive()
def kama(x: Wide, period=30):
    """Kaufman: the weight grows with how straight the way of the last `period` changes was."""
    if len(x) <= period:
        return padded([], len(x))
    if period == 1:
        return x
    slow, fast = WIDE(2) / 31, WIDE(2) / 3
    average, averages = x[period - 1], []
    for bar in range(period, len(x)):
        way = np.abs(np.diff(x[bar - period : bar + 1])).sum()
        straightness = abs(x[bar] - x[bar - period]) / way if way > 0 else WIDE(1)
        average += (x[bar] - average) * (straightness * (fast - slow) + slow) ** 2
        averages.append(average)
    return padded(averages, len(x))


@recursive(outputs=("macd", "signal", "histogram"))
def macd(x: Wide, fast=12, slow=26, signal=9):
    """Both averages have their first value on the same bar; all three lines begin with the signal."""
    fast, slow = sorted((fast, slow))
    line = exponential(x[slow - fast :], fast) - exponential(x, slow)
    average = exponential(line, signal)
    line = line[signal - 1 :]
    return tuple(padded(each, len(x)) for each in (line, average, line - average))


def exponential(x: Wide, period):
    """From the last of the first `period` values on."""
    return np.array(smoothed(x, period, WIDE(2) / (period + 1)), WIDE)


# Gains against losses


@recursive()
def rsi(x: Wide, period=14):
    gain, loss = gains_and_losses(x, period)
    return padded(shares(100 * gain, gain + loss, otherwise=50.0), len(x))


@recursive()
def rsi_talib(x: Wide, period=14):
    gain, loss = gains_and_losses(x, period)
    return padded(shares(100 * gain, gain + loss), len(x))


@recursive()
def cmo(x: Wide, period=14):
    gain, loss = gains_and_losses(x, period)
    return padded(shares(100 * (gain - loss), gain + loss), len(x))


def gains_and_losses(x: Wide, period):
    change = np.diff(x)
    return tuple(np.array(wilder(np.maximum(side, 0), period), WIDE) for side in (change, -change))


# Directional movement


def movements(high: Wide, low: Wide):
    """How far the high rose and the low fell, the larger of both alone; from the second bar on."""
    up, down = np.diff(high), -np.diff(low)
    return np.where((up > down) & (up > 0), up, WIDE(0)), np.where((down > up) & (down > 0), down, WIDE(0))


def movement(high: Wide, low: Wide, period, side):
    """Wilder's sums from bar `period - 1` on; a period of 1 keeps the bare movement, from bar 1 on."""
    moves = movements(high, low)[side]
    if period == 1:
        return padded(moves, len(high))
    seed = moves[: period - 1].sum()
    later = wilder_sums(moves, period)
    return padded([seed, *later] if len(moves) >= period - 1 else [], len(high))


def directional(high: Wide, low: Wide, close: Wide, period, side):
    """Wilder's sums of the movement over those of the true range, in percent, from bar `period` on."""
    moves, ranges = movements(high, low)[side], true_ranges(high, low, close)
    if period == 1:
        return padded(shares(moves, ranges), len(high))
    return padded(shares(100 * wilder_sums(moves, period), wilder_sums(ranges, period)), len(high))


@recursive(HIGH_LOW)
def plus_dm(high: Wide, low: Wide, period=14):
    return movement(high, low, period, side=0)


@recursive(HIGH_LOW)
def minus_dm(high: Wide, low: Wide, period=14):
    return movement(high, low, period, side=1)


@recursive(HIGH_LOW_CLOSE)
def plus_di(high: Wide, low: Wide, close: Wide, period=14):
    return directional(high, low, close, period, side=0)


@recursive(HIGH_LOW_CLOSE)
def minus_di(high: Wide, low: Wide, close: Wide, period=14):
    return directional(high, low, close, period, side=1)


@recursive(HIGH_LOW_CLOSE)
def dx(high: Wide, low: Wide, close: Wide, period=14):
    """How one-sided the movements are, from bar `period` on; a bar without any repeats the one before."""
    index, _ = one_sidedness(high, low, period)
    return padded(index, len(high))


@recursive(HIGH_LOW_CLOSE)
def adx(high: Wide, low: Wide, close: Wide, period=14):
    """Wilder's mean of `dx`; where nothing has moved it stays."""
    index, moved = one_sidedness(high, low, period)
    if len(index) < period:
        return padded([], len(high))
    values = [np.where(moved, index, 0)[:period].mean()]
    for bar in range(period, len(index)):
        values.append((values[-1] * (period - 1) + index[bar]) / period if moved[bar] else values[-1])
    return padded(values, len(high))


def one_sidedness(high: Wide, low: Wide, period):
    plus, minus = (wilder_sums(side, period) for side in movements(high, low))
    moved = plus + minus > 0
    index, last = [], WIDE(0)
    for up, down, is_moved in zip(plus, minus, moved, strict=True):
        last = 100 * abs(up - down) / (up + down) if is_moved else last
        index.append(last)
    return np.array(index, WIDE), moved


@recursive(HIGH_LOW_CLOSE)
def atr(high: Wide, low: Wide, close: Wide, period=14):
    return padded(wilder(true_ranges(high, low, close), period), len(high))


# Parabolic stop and reverse


@recursive(HIGH_LOW)
def sar(high: Wide, low: Wide, acceleration=0.02, maximum=0.2):
    short = (min(acceleration, maximum), acceleration, maximum)
    return padded(stops(high, low, [short, short]), len(high))


@recursive(HIGH_LOW)
def sarext(
    high: Wide,
    low: Wide,
    startvalue=0.0,
    offsetonreverse=0.0,
    accelerationinitlong=0.02,
    accelerationlong=0.02,
    accelerationmaxlong=0.2,
    accelerationinitshort=0.02,
    accelerationshort=0.02,
    accelerationmaxshort=0.2,
):
    """Negative while the position is short."""
    rates = [
        (min(accelerationinitshort, accelerationmaxshort), min(accelerationshort, accelerationmaxshort),
         accelerationmaxshort),
        (min(accelerationinitlong, accelerationmaxlong), min(accelerationlong, accelerationmaxlong),
         accelerationmaxlong),
    ]  # fmt: skip
    return padded(stops(high, low, rates, startvalue, offsetonreverse, is_signed=True), len(high))


def stops(high: Wide, low: Wide, rates, start=0.0, offset=0.0, is_signed=False):
    """`rates`: first step, step and most of the acceleration, of a short position and of a long one.

    In terms of a long position: a short one is a long one of prices with the other sign. In double precision: where
    prices just reach a stop, another rounding would turn the position on another bar.
    """
    high, low = high.astype(np.float64), low.astype(np.float64)
    if len(high) < 2:
        return []
    up, down = high[1] - high[0], low[0] - low[1]
    is_long = start > 0 if start else not (down > up and down > 0)
    stop = np.float64(abs(start)) if start else low[0] if is_long else high[0]
    extreme, speed = (high if is_long else low)[1], rates[is_long][0]
    found = []
    for bar in range(1, len(high)):
        sign = 1 if is_long else -1
        behind, ahead = (low, high) if is_long else (high, low)
        recent = slice(max(bar - 1, 1), bar + 1)
        if sign * behind[bar] <= sign * stop:  # the stop is reached: the position turns round
            stop = sign * max(sign * extreme, *(sign * ahead[recent]))
            stop += sign * stop * offset
            is_long = not is_long
            extreme, speed = behind[bar], rates[is_long][0]
            found.append(-sign * stop if is_signed else stop)
            stop = sign * max(sign * (stop + speed * (extreme - stop)), *(sign * ahead[recent]))
            continue
        found.append(sign * stop if is_signed else stop)
        if sign * ahead[bar] > sign * extreme:
            extreme, speed = ahead[bar], min(speed + rates[is_long][1], rates[is_long][2])
        stop = sign * min(sign * (stop + speed * (extreme - stop)), *(sign * behind[recent]))
    return found


# Volume


@recursive(("close", "volume"))
def obv(close: Wide, volume: Wide):
    return np.cumsum([volume[0], *(np.sign(np.diff(close)) * volume[1:])])


@recursive(HIGH_LOW_CLOSE_VOLUME)
def ad(high: Wide, low: Wide, close: Wide, volume: Wide):
    return accumulated(high, low, close, volume)


@recursive(HIGH_LOW_CLOSE_VOLUME)
def adosc(high: Wide, low: Wide, close: Wide, volume: Wide, fast=3, slow=10):
    """Both averages of the accumulation begin with its first value."""
    line = accumulated(high, low, close, volume)
    near, far = (np.array(smoothed(line, 1, WIDE(2) / (n + 1)), WIDE) for n in (fast, slow))
    return padded((near - far)[max(fast, slow) - 1 :], len(line))


def accumulated(high: Wide, low: Wide, close: Wide, volume: Wide):
    return np.cumsum(shares((close - low) - (high - close), high - low) * volume)
