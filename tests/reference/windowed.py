"""Indicators of a window: each function is given one window of its inputs, oldest bar first."""

import numpy as np

from reference.indicator import HIGH_LOW, HIGH_LOW_CLOSE, HIGH_LOW_CLOSE_VOLUME, WIDE, Wide, windowed

FOUR_PRICES = ("open", "high", "low", "close")


def period_bars(period, **_):
    return period


def period_and_one(period, **_):
    return period + 1


def one_bar(**_):
    return 1


# Averages and extremes


@windowed(period_bars)
def sma(x: Wide, period=30):
    return x.mean()


@windowed(period_bars)
def wma(x: Wide, period=30):
    weights = np.arange(1, period + 1)
    return (x * weights).sum() / weights.sum()


@windowed(period_bars)
def trima(x: Wide, period=30):
    rising = np.arange(1, period + 1)
    weights = np.minimum(rising, rising[::-1])
    return (x * weights).sum() / weights.sum()


@windowed(period_bars)
def highest(x: Wide, period=30):
    return x.max()


@windowed(period_bars)
def lowest(x: Wide, period=30):
    return x.min()


@windowed(period_bars)
def argmax(x: Wide, period=30):
    """Bars ago; the oldest of several."""
    return period - 1 - int(np.argmax(x))


@windowed(period_bars)
def argmin(x: Wide, period=30):
    return period - 1 - int(np.argmin(x))


@windowed(period_bars)
def total(x: Wide, period=30):
    return x.sum()


@windowed(period_bars)
def product(x: Wide, period=30):
    return x.prod()


@windowed(period_bars)
def midpoint(x: Wide, period=14):
    return (x.max() + x.min()) / 2


@windowed(period_bars, HIGH_LOW)
def midprice(high: Wide, low: Wide, period=14):
    return (high.max() + low.min()) / 2


@windowed(period_bars, ("close", "volume"))
def turnover(close: Wide, volume: Wide, period=20):
    return (close * volume).mean()


# Order and moments


@windowed(period_bars)
def median(x: Wide, period=20):
    return np.median(x)


@windowed(period_bars)
def quantile(x: Wide, period=20, q=0.5):
    return np.quantile(x.astype(np.float64), q)


@windowed(period_bars)
def ts_rank(x: Wide, period=20):
    """The last value's place among the window's from 1 on, the mean place of equal ones, over their number."""
    below, equal = (x < x[-1]).sum(), (x == x[-1]).sum()
    return (below + (equal + 1) / 2) / period


@windowed(period_bars)
def var(x: Wide, period=5, nbdev=1.0):
    """TA-Lib takes `nbdev` and does not use it."""
    return about_the_last(x).var()


@windowed(period_bars)
def stddev(x: Wide, period=5, nbdev=1.0):
    return deviation(x) * nbdev


@windowed(period_bars)
def avgdev(x: Wide, period=14):
    return np.abs(about_the_mean(x)).mean()


@windowed(period_bars)
def zscore(x: Wide, period=20):
    return share(-about_the_last(x).mean(), deviation(x))


@windowed(period_bars)
def skew(x: Wide, period=20):
    return standard_moment(x, 3)


@windowed(period_bars)
def kurtosis(x: Wide, period=20):
    return standard_moment(x, 4) - (3 if deviation(x) > 0 else 0)


def about_the_last(x: Wide):
    """Distances to the last value: those of equal ones are 0, which a mean need not be equal to."""
    return x - x[-1]


def about_the_mean(x: Wide):
    distances = about_the_last(x)
    return distances - distances.mean()


def deviation(x: Wide):
    return about_the_last(x).std()


def standard_moment(x: Wide, power):
    return (about_the_mean(x) ** power).mean() / deviation(x) ** power if np.ptp(x) > 0 else WIDE(0)


def share(part, whole, otherwise=0.0):
    return part / whole if whole != 0 else WIDE(otherwise)


@windowed(period_and_one)
def volatility(x: Wide, period=20, per_year=252.0):
    return deviation(x[1:] / x[:-1] - 1) * np.sqrt(WIDE(per_year))


# Two series, and lines through one


@windowed(period_bars, HIGH_LOW)
def covariance(x: Wide, y: Wide, period=30):
    return (about_the_mean(x) * about_the_mean(y)).mean()


@windowed(period_bars, HIGH_LOW)
def correl(x: Wide, y: Wide, period=30):
    return pearson(x, y)


@windowed(period_and_one, HIGH_LOW, ("value", "varies"))
def return_correlation(x: Wide, y: Wide, period=20):
    x, y = x[1:] / x[:-1] - 1, y[1:] / y[:-1] - 1
    return pearson(x, y), np.ptp(x) > 0 and np.ptp(y) > 0


def pearson(x: Wide, y: Wide):
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return WIDE(0)
    return (about_the_mean(x) * about_the_mean(y)).mean() / (deviation(x) * deviation(y))


@windowed(period_and_one, HIGH_LOW)
def beta(x: Wide, y: Wide, period=5):
    """The slope of the second series' returns over the first's."""
    x, y = x[1:] / x[:-1] - 1, y[1:] / y[:-1] - 1
    x, y = about_the_mean(x), about_the_mean(y)
    return share((x * y).sum(), (x * x).sum())


REGRESSION = ("value", "slope", "intercept", "forecast", "r2", "error", "residual", "mean")


def line(x: Wide):
    """Slope and intercept of the least-squares line over bars 0, 1, ..."""
    steps = np.arange(len(x), dtype=WIDE) - WIDE(len(x) - 1) / 2
    slope = (about_the_last(x) * steps).sum() / (steps * steps).sum()
    return slope, x.mean() - slope * (len(x) - 1) / 2


@windowed(period_bars)
def linearreg(x: Wide, period=14):
    slope, intercept = line(x)
    return intercept + slope * (period - 1)


@windowed(period_bars)
def linearreg_slope(x: Wide, period=14):
    return line(x)[0]


@windowed(period_bars)
def linearreg_angle(x: Wide, period=14):
    return np.degrees(np.arctan(line(x)[0]))


@windowed(period_bars)
def linearreg_intercept(x: Wide, period=14):
    return line(x)[1]


@windowed(period_bars)
def tsf(x: Wide, period=14):
    slope, intercept = line(x)
    return intercept + slope * period


@windowed(period_bars, ("close",), REGRESSION)
def regression(x: Wide, period=14):
    slope, intercept = line(x)
    fitted = intercept + slope * np.arange(period)
    about_mean, about_line = ((x - x.mean()) ** 2).sum(), ((x - fitted) ** 2).sum()
    explained = share(about_mean - about_line, about_mean)
    error = np.sqrt(about_line / (period - 2))
    return fitted[-1], slope, intercept, intercept + slope * period, explained, error, x[-1] - fitted[-1], x.mean()


@windowed(period_bars)
def slope_percent(x: Wide, period=20):
    return 100 * line(x)[0] / x.mean()


# Momentum


@windowed(period_and_one)
def mom(x: Wide, period=10):
    return x[-1] - x[0]


@windowed(period_and_one)
def roc(x: Wide, period=10):
    return share(100 * (x[-1] - x[0]), x[0])


@windowed(period_and_one)
def rocp(x: Wide, period=10):
    return share(x[-1] - x[0], x[0])


@windowed(period_and_one)
def rocr(x: Wide, period=10):
    return share(x[-1], x[0])


@windowed(period_and_one)
def rocr100(x: Wide, period=10):
    return share(100 * x[-1], x[0])


@windowed(period_bars, HIGH_LOW_CLOSE)
def cci(high: Wide, low: Wide, close: Wide, period=14):
    typical = (high + low + close) / 3
    distances = about_the_mean(typical)
    return share(distances[-1], WIDE(15) / 1000 * np.abs(distances).mean())


@windowed(period_and_one, (*HIGH_LOW_CLOSE, "volume"))
def mfi(high: Wide, low: Wide, close: Wide, volume: Wide, period=14):
    typical = ((high + low + close) / 3).astype(np.float64)  # as exact as a series is: equal ones count as equal
    flow, change = (typical * volume)[1:], np.diff(typical)
    gained, lost = flow[change > 0].sum(), flow[change < 0].sum()
    return share(100 * gained, gained + lost)


@windowed(period_and_one, HIGH_LOW, ("down", "up"))
def aroon(high: Wide, low: Wide, period=14):
    """How recent the newest extreme is: 100 on its bar, 0 when it is `period` bars ago."""
    since_low, since_high = int(np.argmin(low[::-1])), int(np.argmax(high[::-1]))
    return 100 * WIDE(period - since_low) / period, 100 * WIDE(period - since_high) / period


@windowed(period_and_one, HIGH_LOW)
def aroonosc(high: Wide, low: Wide, period=14):
    since_low, since_high = int(np.argmin(low[::-1])), int(np.argmax(high[::-1]))
    return 100 * WIDE(since_low - since_high) / period


@windowed(lambda period1, period2, period3: max(period1, period2, period3) + 1, HIGH_LOW_CLOSE)
def ultosc(high: Wide, low: Wide, close: Wide, period1=7, period2=14, period3=28):
    floor, ceiling = np.minimum(low[1:], close[:-1]), np.maximum(high[1:], close[:-1])
    pressure, ranges = close[1:] - floor, ceiling - floor
    short, middle, long = (share(pressure[-n:].sum(), ranges[-n:].sum()) for n in sorted((period1, period2, period3)))
    return 100 * (4 * short + 2 * middle + long) / 7


@windowed(one_bar, FOUR_PRICES)
def bop(open: Wide, high: Wide, low: Wide, close: Wide):
    return share(close[0] - open[0], high[0] - low[0]) if high[0] > low[0] else WIDE(0)


@windowed(one_bar, HIGH_LOW_CLOSE_VOLUME)
def money_flow_volume(high: Wide, low: Wide, close: Wide, volume: Wide):
    return share(2 * close[0] - high[0] - low[0], high[0] - low[0]) * volume[0]


@windowed(period_and_one)
def rsi_cutler(x: Wide, period=14):
    change = np.diff(x)
    gain, loss = np.maximum(change, 0).sum(), np.maximum(-change, 0).sum()
    return share(100 * gain, gain + loss, otherwise=100.0)


# Ranges and prices


def true_ranges(high: Wide, low: Wide, close: Wide) -> Wide:
    """From the second bar on."""
    return np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])


@windowed(lambda: 2, HIGH_LOW_CLOSE)
def trange(high: Wide, low: Wide, close: Wide):
    return true_ranges(high, low, close)[0]


@windowed(period_and_one, HIGH_LOW_CLOSE)
def atr_simple(high: Wide, low: Wide, close: Wide, period=14):
    return true_ranges(high, low, close).mean()


@windowed(one_bar, FOUR_PRICES)
def avgprice(open: Wide, high: Wide, low: Wide, close: Wide):
    return (open[0] + high[0] + low[0] + close[0]) / 4


@windowed(one_bar, HIGH_LOW)
def medprice(high: Wide, low: Wide):
    return (high[0] + low[0]) / 2


@windowed(one_bar, HIGH_LOW_CLOSE)
def typprice(high: Wide, low: Wide, close: Wide):
    return (high[0] + low[0] + close[0]) / 3


@windowed(one_bar, HIGH_LOW_CLOSE)
def wclprice(high: Wide, low: Wide, close: Wide):
    return (high[0] + low[0] + 2 * close[0]) / 4


# Candlestick patterns: 100 or 80 with its sign, 0 where there is none


def colour(open, close):
    return 1 if close >= open else -1


@windowed(lambda: 11, FOUR_PRICES)
def cdldoji(open: Wide, high: Wide, low: Wide, close: Wide):
    """A body of at most a tenth of the mean range of the ten bars before."""
    return 100 if abs(close[-1] - open[-1]) <= (high - low)[:-1].mean() / 10 else 0


@windowed(lambda: 3, FOUR_PRICES)
def cdlengulfing(open: Wide, high: Wide, low: Wide, close: Wide):
    """A body that covers the one before, of the other colour; 80 where one of their ends meets."""
    now, before = colour(open[-1], close[-1]), colour(open[-2], close[-2])
    top, bottom = max(open[-1], close[-1]), min(open[-1], close[-1])
    top_before, bottom_before = max(open[-2], close[-2]), min(open[-2], close[-2])
    covers = top >= top_before and bottom <= bottom_before and (top > top_before or bottom < bottom_before)
    if now == before or not covers:
        return 0
    return now * (100 if top != top_before and bottom != bottom_before else 80)


@windowed(lambda penetration: 13, FOUR_PRICES)
def cdlmorningstar(open: Wide, high: Wide, low: Wide, close: Wide, penetration=0.3):
    """A long black body, a short one below it, and a white one that reaches into the first again."""
    body = np.abs(close - open)

    def mean_before(bar):
        return body[bar - 10 : bar].mean()

    long_black = body[10] > mean_before(10) and colour(open[10], close[10]) == -1
    gap_down = max(open[11], close[11]) < min(open[10], close[10])
    white = body[12] > mean_before(12) and colour(open[12], close[12]) == 1
    recovered = close[12] > close[10] + body[10] * WIDE(penetration)
    return 100 if long_black and body[11] <= mean_before(11) and gap_down and white and recovered else 0
