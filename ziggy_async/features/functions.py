"""The functions of formulas that are no indicators: operations per bar, earlier bars, events, the calendar."""

from collections.abc import Callable
from dataclasses import dataclass

from ziggy_async.features.graph import Graph

MOST_BARS = 100_000
"""Bars that a formula may look back in one step."""


@dataclass(frozen=True, slots=True)
class Function:
    """`build(graph, *inputs)` gives the node of a call; with a number of bars, `build(graph, *inputs, bars)`."""

    arguments: tuple[str, ...]
    """Names of the expressions."""
    build: Callable[..., int]
    takes_bars: bool = False
    bars: int | None = None
    """The number of bars of a call that gives none; None: each call gives one."""

    @property
    def signature(self) -> tuple[str, ...]:
        """Names of all arguments."""
        return (*self.arguments, "n") if self.takes_bars else self.arguments


def delta(graph: Graph, x: int, bars: int) -> int:
    return graph.operation("subtract", x, graph.lag(x, bars))


def returns(graph: Graph, x: int, bars: int) -> int:
    ratio = graph.operation("divide", x, graph.lag(x, bars))
    return graph.operation("subtract", ratio, graph.constant(1.0))


def crossed_above(graph: Graph, a: int, b: int) -> int:
    is_above = graph.operation("greater", a, b)
    return graph.operation("and", is_above, graph.operation("less_equal", graph.lag(a, 1), graph.lag(b, 1)))


def crossed_below(graph: Graph, a: int, b: int) -> int:
    is_below = graph.operation("less", a, b)
    return graph.operation("and", is_below, graph.operation("greater_equal", graph.lag(a, 1), graph.lag(b, 1)))


def operation(name: str, *arguments: str) -> Function:
    return Function(arguments, lambda graph, *inputs: graph.operation(name, *inputs))


def calendar(part: str) -> Function:
    return Function((), lambda graph: graph.add("calendar", part))


CALENDAR = ("hour", "minute", "weekday", "day", "month", "date")

FUNCTIONS: dict[str, Function] = {
    "abs": operation("absolute", "x"),
    **{
        name: operation(name, "x")
        for name in (
            *("sign", "sqrt", "log", "log10", "exp", "tanh", "sin", "cos", "tan", "asin", "acos", "atan", "sinh"),
            *("cosh", "floor", "ceil", "is_nan", "cumsum"),
        )
    },
    "power": operation("power", "x", "y"),
    "signed_power": operation("signed_power", "x", "y"),
    "minimum": operation("minimum", "x", "y"),
    "maximum": operation("maximum", "x", "y"),
    "clip": operation("clip", "x", "least", "most"),
    "fill": operation("fill", "x", "value"),
    "lag": Function(("x",), Graph.lag, takes_bars=True),
    "skip": Function(("x",), Graph.skip, takes_bars=True),
    "delta": Function(("x",), delta, takes_bars=True),
    "returns": Function(("x",), returns, takes_bars=True, bars=1),
    "crossed_above": Function(("a", "b"), crossed_above),
    "crossed_below": Function(("a", "b"), crossed_below),
    "bars_since": operation("bars_since", "c"),
    "value_when": operation("value_when", "c", "x"),
    "highest_since": operation("highest_since", "c", "x"),
    "lowest_since": operation("lowest_since", "c", "x"),
    "total_since": operation("total_since", "c", "x"),
    **{part: calendar(part) for part in CALENDAR},
}

_WRITTEN = {
    "maximum(a, b), or highest(x, n) over bars": "max",
    "minimum(a, b), or lowest(x, n) over bars": "min",
    "highest(x, n)": "ts_max hhv",
    "lowest(x, n)": "ts_min llv",
    "argmax(x, n)": "ts_argmax",
    "argmin(x, n)": "ts_argmin",
    "total(x, n)": "sum ts_sum rolling_sum count",
    "total(c, n) > 0": "any",
    "total(c, n) == n": "all",
    "product(x, n)": "prod ts_product",
    "sma(x, n)": "mean ts_mean rolling_mean avg average",
    "wma(x, n)": "decay_linear decaylinear ts_decay_linear",
    "wma(2 * wma(x, 8) - wma(x, 16), 4), of 16 bars": "hma",
    "total(x * volume, n) / total(volume, n)": "vwma",
    "ema(x, k) with k = 2 * n - 1": "rma smma",
    "stddev(x, n)": "std stdev ts_std ts_stddev rolling_std",
    "correl(x, y, n)": "corr ts_corr",
    "covariance(x, y, n)": "cov ts_cov",
    "lag(x, n)": "delay ts_delay ref shift",
    "delta(x, n)": "diff ts_delta",
    "returns(x, n)": "pct_change",
    "a if condition else b": "where if_else iff iif",
    "crossed_above(a, b)": "crossover",
    "crossed_below(a, b)": "crossunder",
    "crossed_above(a, b) or crossed_below(a, b)": "cross",
    "fill(x, value)": "fillna nz coalesce",
    "log(x)": "ln",
    "log(x) / log(2)": "log2",
    "log(1 + x)": "log1p",
    "floor(x + 0.5)": "round",
    "rank(x)": "cs_rank",
    'demean(x, by="...")': "indneutralize group_neutralize",
}
ELSEWHERE = {name: written for written, names in _WRITTEN.items() for name in names.split()}
"""The name of a function in pandas, Pine, qlib and WorldQuant's alphas, in lower case -> what formulas write."""

_BARE = {
    "medprice()": "hl2",
    "typprice()": "hlc3",
    "avgprice()": "ohlc4",
    "nan": "na NA NaN null",
    "1": "true",
    "0": "false",
    "3.141592653589793": "pi",
}
NAMES_ELSEWHERE = {name: written for written, names in _BARE.items() for name in names.split()}
"""The same of what stands there without brackets."""
