"""Indicators, bar by bar. Every function takes columns of shape `(bars,)`, oldest first, and returns a tuple of columns
of the same shape that begin with NaN."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]


def sma(close: Floats, period: int = 20) -> tuple[Floats, ...]:
    return (_padded(_means(close, period), len(close)),)


def ema(close: Floats, period: int = 20) -> tuple[Floats, ...]:
    return (_padded(_exponential(close, period, seed_end=period - 1), len(close)),)


def rsi(close: Floats, period: int = 14) -> tuple[Floats, ...]:
    change = np.diff(close)
    gain = _wilder(np.maximum(change, 0.0), period)
    loss = _wilder(np.maximum(-change, 0.0), period)
    return (_padded(_share(100.0 * gain, gain + loss, otherwise=50.0), len(close)),)


def rsi_cutler(close: Floats, period: int = 14) -> tuple[Floats, ...]:
    change = np.diff(close)
    gain = _plain_means(np.maximum(change, 0.0), period)
    loss = _plain_means(np.maximum(-change, 0.0), period)
    return (_padded(_share(100.0 * gain, gain + loss, otherwise=100.0), len(close)),)


def macd(close: Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> tuple[Floats, ...]:
    """Both averages begin at the bar where the slow one can: the fast one's seed ends there too."""
    fast, slow = min(fast, slow), max(fast, slow)
    line = _exponential(close, fast, seed_end=slow - 1) - _exponential(close, slow, seed_end=slow - 1)
    signal_line = _exponential(line, signal, seed_end=signal - 1)
    line = line[signal - 1 :]
    return tuple(_padded(part, len(close)) for part in (line, signal_line, line - signal_line))


def bollinger(close: Floats, period: int = 20, deviations: float = 2.0) -> tuple[Floats, ...]:
    middle = _means(close, period)
    width = deviations * _deviations(close, period)
    return tuple(_padded(band, len(close)) for band in (middle + width, middle, middle - width))


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """From the second bar on: one value fewer than bars."""
    before = close[:-1]
    return np.maximum(high[1:], before) - np.minimum(low[1:], before)


def atr(high: Floats, low: Floats, close: Floats, period: int = 14) -> tuple[Floats, ...]:
    return (_padded(_wilder(true_range(high, low, close), period), len(close)),)


def atr_simple(high: Floats, low: Floats, close: Floats, period: int = 14) -> tuple[Floats, ...]:
    return (_padded(_plain_means(true_range(high, low, close), period), len(close)),)


def adx(high: Floats, low: Floats, period: int = 14) -> tuple[Floats, ...]:
    """Wilder sums of the directional movements, seeded by the first `period - 1`; then their index DX from bar
    `period`; then Wilder's mean of DX, seeded by the first `period`. A bar without movement leaves it as it is."""
    up, down = np.diff(high), -np.diff(low)
    plus = _wilder_sums(np.where((up > down) & (up > 0.0), up, 0.0), period)
    minus = _wilder_sums(np.where((down > up) & (down > 0.0), down, 0.0), period)
    moves = plus + minus
    index = _share(100.0 * np.abs(plus - minus), moves, otherwise=0.0)
    if len(index) < period:
        return (np.full(len(high), np.nan),)
    values = [float(np.mean(index[:period]))]
    for today in range(period, len(index)):
        moved = moves[today] > 0.0
        values.append((values[-1] * (period - 1) + index[today]) / period if moved else values[-1])
    return (_padded(np.array(values), len(high)),)


def stddev(close: Floats, period: int = 20, nbdev: float = 1.0) -> tuple[Floats, ...]:
    return (_padded(_deviations(close, period) * nbdev, len(close)),)


def zscore(close: Floats, period: int = 20) -> tuple[Floats, ...]:
    distance = -_plain_means_of(_windows(close, period) - close[period - 1 :, None])
    return (_padded(_share(distance, _deviations(close, period), otherwise=0.0), len(close)),)


def slope(close: Floats, period: int = 20) -> tuple[Floats, ...]:
    return (_padded(_slopes(close, period), len(close)),)


def slope_percent(close: Floats, period: int = 20) -> tuple[Floats, ...]:
    return (_padded(100.0 * _slopes(close, period) / _means(close, period), len(close)),)


def highest(close: Floats, period: int = 20) -> tuple[Floats, ...]:
    return (_padded(_windows(close, period).max(axis=1), len(close)),)


def lowest(close: Floats, period: int = 20) -> tuple[Floats, ...]:
    return (_padded(_windows(close, period).min(axis=1), len(close)),)


def roc(close: Floats, period: int = 10) -> tuple[Floats, ...]:
    return (_padded(100.0 * (close[period:] - close[:-period]) / close[:-period], len(close)),)


def volatility(close: Floats, period: int = 20, per_year: float = 252.0) -> tuple[Floats, ...]:
    return (_padded(_deviations(simple_returns(close), period) * np.sqrt(per_year), len(close)),)


def simple_returns(close: Floats) -> Floats:
    return np.diff(close) / close[:-1]


def correlation(close: Floats, other: Floats, period: int = 20) -> tuple[Floats, ...]:
    values, _ = _correlations(close, other, period)
    return (_padded(values, len(close)),)


def return_correlation(close: Floats, other: Floats, period: int = 20) -> tuple[Floats, ...]:
    values, varies = _correlations(simple_returns(close), simple_returns(other), period)
    return _padded(values, len(close)), _padded(varies.astype(np.float64), len(close))


def turnover(close: Floats, volume: Floats, period: int = 20) -> tuple[Floats, ...]:
    return (_padded(_means(close * volume, period), len(close)),)


REFERENCES: dict[str, Callable[..., tuple[Floats, ...]]] = {
    function.__name__: function
    for function in (
        sma, ema, rsi, rsi_cutler, macd, bollinger, atr, atr_simple, adx, stddev, zscore, slope, slope_percent, highest,
        lowest, roc, volatility, correlation, return_correlation, turnover,
    )
}  # fmt: skip


def _padded(values: Floats, bars: int) -> Floats:
    """`values` belong to the last bars; NaN stands before them."""
    column = np.full(bars, np.nan)
    if len(values):
        column[-len(values) :] = values
    return column


def _windows(values: Floats, period: int) -> Floats:
    """Every window of `period` values, one a row; no row when there are too few."""
    if len(values) < period:
        return np.empty((0, period))
    return sliding_window_view(values, period)


def _plain_means_of(rows: Floats) -> Floats:
    return rows.mean(axis=1) if len(rows) else np.empty(0)


def _plain_means(values: Floats, period: int) -> Floats:
    return _plain_means_of(_windows(values, period))


def _means(values: Floats, period: int) -> Floats:
    """About each window's last member, so that equal values have exactly that value as their mean."""
    rows = _windows(values, period)
    return rows[:, -1] + _plain_means_of(rows - rows[:, -1:])


def _deviations(values: Floats, period: int) -> Floats:
    """Population standard deviations, about the last member: NumPy's mean of equal values need not be that value."""
    rows = _windows(values, period)
    return np.asarray((rows - rows[:, -1:]).std(axis=1))


def _slopes(values: Floats, period: int) -> Floats:
    rows = _windows(values, period)
    steps = np.arange(period) - (period - 1) / 2.0
    return np.asarray(((rows - rows[:, -1:]) * steps).sum(axis=1) / np.sum(steps * steps))


def _correlations(first: Floats, second: Floats, period: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Pearson's correlation of each window, 0 where either side is flat; and whether both vary."""
    rows, others = _windows(first, period), _windows(second, period)
    varies = (np.ptp(rows, axis=1) > 0.0) & (np.ptp(others, axis=1) > 0.0)
    x = rows - rows[:, -1:]
    y = others - others[:, -1:]
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    spread = np.sqrt((x * x).sum(axis=1)) * np.sqrt((y * y).sum(axis=1))
    return np.where(varies, _share((x * y).sum(axis=1), spread, otherwise=0.0), 0.0), varies


def _exponential(values: Floats, period: int, seed_end: int) -> Floats:
    """From bar `seed_end` on: the mean of the `period` values that end there, then 2/(period+1) of each new one."""
    if len(values) <= seed_end:
        return np.empty(0)
    average = float(_means(values[seed_end + 1 - period : seed_end + 1], period)[0])
    averages = [average]
    for value in values[seed_end + 1 :]:
        average += (value - average) * 2.0 / (period + 1.0)
        averages.append(average)
    return np.array(averages)


def _wilder(values: Floats, period: int) -> Floats:
    """From the last of the first `period` values on: their plain mean, then 1/period of each new one."""
    if len(values) < period:
        return np.empty(0)
    average = float(np.mean(values[:period]))
    averages = [average]
    for value in values[period:]:
        average = (average * (period - 1) + value) / period
        averages.append(average)
    return np.array(averages)


def _wilder_sums(values: Floats, period: int) -> Floats:
    """From the `period`-th value on: the sum of the `period - 1` before it, then each new one, 1/period forgotten."""
    total = float(np.sum(values[: period - 1]))
    totals = []
    for value in values[period - 1 :]:
        total += value - total / period
        totals.append(total)
    return np.array(totals)


def _share(part: Floats, whole: Floats, otherwise: float) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, otherwise), where=whole > 0.0)
