"""An evaluator of formulas over one ticker's bars: text to an array, with the contract's rules for what is missing.

It takes formulas that are right; what is wrong with others is not its matter.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

import reference.composed  # noqa: F401  declares its indicators and those that it is made of
from reference import series
from reference.indicator import INDICATORS, Floats, Indicator

TALIB_OUTPUTS = {
    "upperband": "upper", "middleband": "middle", "lowerband": "lower", "macdsignal": "signal",
    "macdhist": "histogram", "aroondown": "down", "aroonup": "up",
}  # fmt: skip
"""TA-Lib's name of an output -> ours, where they differ."""
TALIB_PARAMETERS = {
    "timeperiod": "period", "timeperiod1": "period1", "timeperiod2": "period2", "timeperiod3": "period3",
    "fastperiod": "fast", "slowperiod": "slow", "signalperiod": "signal",
    **{f"{name}matype": f"{name}_matype" for name in ("fast", "slow", "signal")},
    **{f"{name}_period": name for name in ("fastk", "fastd", "slowk", "slowd")},
}  # fmt: skip

OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.Pow: operator.pow,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip

OF_EXPRESSIONS: dict[str, Callable[..., Floats]] = {
    "abs": np.abs, "sign": np.sign, "sqrt": np.sqrt, "log": np.log, "log10": np.log10, "exp": np.exp, "tanh": np.tanh,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "floor": np.floor, "ceil": np.ceil, "power": np.power,
    "signed_power": series.signed_power, "minimum": np.minimum, "maximum": np.maximum, "clip": series.clip,
    "is_nan": series.is_nan, "fill": series.fill, "cumsum": series.cumsum,
    "crossed_above": series.crossed_above, "crossed_below": series.crossed_below, "bars_since": series.bars_since,
    "value_when": series.value_when, "highest_since": series.highest_since, "lowest_since": series.lowest_since,
    "total_since": series.total_since,
}  # fmt: skip
"""Functions whose arguments are all expressions."""
OF_A_NUMBER = {"lag": series.lag, "delta": series.delta, "returns": series.returns, "skip": series.skip}
"""Functions of an expression and a whole number of bars."""
CALENDAR: dict[str, Callable[[datetime], float]] = {
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "weekday": lambda moment: moment.weekday(),
    "day": lambda moment: moment.day,
    "month": lambda moment: moment.month,
    "date": lambda moment: moment.toordinal() - datetime(1970, 1, 1).toordinal(),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def evaluate(
    formula: str,
    columns: Mapping[str, Floats],
    timestamps: NDArray[np.int64] | None = None,
    zone: tzinfo = UTC,
) -> Floats:
    """The values of `formula`, one a bar. `columns` are of one length, oldest bar first; `timestamps` in ns."""
    with np.errstate(all="ignore"):
        return Evaluation(columns, timestamps, zone).series(ast.parse(formula.strip(), mode="eval").body)


class Evaluation:
    """One formula over one ticker's bars. Names given by `:=` are kept from where they stand on."""

    def __init__(self, columns: Mapping[str, Floats], timestamps: NDArray[np.int64] | None, zone: tzinfo) -> None:
        self.columns = columns
        self.bars = len(next(iter(columns.values())))
        self.timestamps = timestamps
        self.zone = zone
        self.named: dict[str, Any] = {}

    def series(self, node: ast.expr) -> Floats:
        """The node's values; of an indicator with several outputs the first."""
        found = self.value(node)
        return np.asarray(found[0] if isinstance(found, tuple) else found, np.float64)

    def value(self, node: ast.expr) -> Any:
        """An array, or the tuple of an indicator's outputs."""
        return getattr(self, type(node).__name__)(node)

    def Constant(self, node: ast.Constant) -> Floats:  # noqa: N802
        return np.full(self.bars, float(node.value))

    def Name(self, node: ast.Name) -> Any:  # noqa: N802
        if node.id in self.named:
            return self.named[node.id]
        return np.full(self.bars, np.nan) if node.id == "nan" else self.columns[node.id]

    def NamedExpr(self, node: ast.NamedExpr) -> Any:  # noqa: N802
        self.named[node.target.id] = found = self.value(node.value)
        return found

    def UnaryOp(self, node: ast.UnaryOp) -> Floats:  # noqa: N802
        operand = self.series(node.operand)
        return -operand if isinstance(node.op, ast.USub) else series.truth(operand == 0, operand)

    def BinOp(self, node: ast.BinOp) -> Floats:  # noqa: N802
        return OPERATORS[type(node.op)](self.series(node.left), self.series(node.right))

    def Compare(self, node: ast.Compare) -> Floats:  # noqa: N802
        operands = [self.series(each) for each in (node.left, *node.comparators)]
        links = [
            series.truth(OPERATORS[type(op)](left, right), left, right)
            for op, left, right in zip(node.ops, operands, operands[1:], strict=False)
        ]
        return self.folded(series.both, links)

    def BoolOp(self, node: ast.BoolOp) -> Floats:  # noqa: N802
        fold = series.both if isinstance(node.op, ast.And) else series.either
        return self.folded(fold, [self.series(each) for each in node.values])

    def folded(self, fold: Callable[[Floats, Floats], Floats], parts: list[Floats]) -> Floats:
        result, *others = parts
        for other in others:
            result = fold(result, other)
        return result

    def IfExp(self, node: ast.IfExp) -> Floats:  # noqa: N802
        yes, condition, no = (self.series(each) for each in (node.body, node.test, node.orelse))  # as they stand
        return series.chosen(condition, yes, no)

    def Attribute(self, node: ast.Attribute) -> Floats:  # noqa: N802
        outputs = indicator_of(node.value).outputs
        return self.all_outputs(node.value)[outputs.index(TALIB_OUTPUTS.get(node.attr, node.attr))]

    def Subscript(self, node: ast.Subscript) -> Floats:  # noqa: N802
        return self.all_outputs(node.value)[int(number(node.slice))]

    def all_outputs(self, node: ast.expr) -> tuple[Floats, ...]:
        found = self.value(node)
        return found if isinstance(found, tuple) else (found,)

    def Call(self, node: ast.Call) -> Any:  # noqa: N802
        name = node.func.id
        if name == "column":
            return self.columns[node.args[0].value]
        if name in CALENDAR:
            return np.array([CALENDAR[name](moment) for moment in self.moments()], np.float64)
        if name in OF_EXPRESSIONS:
            named = {keyword.arg: self.series(keyword.value) for keyword in node.keywords}
            return OF_EXPRESSIONS[name](*map(self.series, node.args), **named)
        if name in OF_A_NUMBER:
            count = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
            return OF_A_NUMBER[name](self.series(node.args[0]), *(int(number(each)) for each in count))
        return self.indicator(INDICATORS[name], node)

    def moments(self) -> Iterator[datetime]:
        for nanoseconds in self.timestamps.tolist():
            yield (EPOCH + timedelta(microseconds=nanoseconds // 1000)).astimezone(self.zone)

    def indicator(self, indicator: Indicator, node: ast.Call) -> Any:
        given = [self.series(argument) for argument in node.args if not is_number(argument)]
        inputs = given or [self.columns[name] for name in indicator.inputs]
        numbers = [number(argument) for argument in node.args if is_number(argument)]
        named = dict(zip(indicator.parameters, numbers, strict=False))
        for keyword in node.keywords:
            if keyword.arg == "deviations":
                named["nbdevup"] = named["nbdevdn"] = number(keyword.value)
                continue
            known = keyword.arg in indicator.parameters
            named[keyword.arg if known else TALIB_PARAMETERS[keyword.arg]] = number(keyword.value)
        return indicator(*inputs, **named)


def indicator_of(node: ast.expr) -> Indicator:
    return INDICATORS[node.func.id]


def is_number(node: ast.expr) -> bool:
    """A number, signed, or a product of numbers: what a parameter may be."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and is_number(node.operand)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mult) and is_number(node.left) and is_number(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def number(node: ast.expr) -> float:
    if isinstance(node, ast.UnaryOp):
        return -number(node.operand)
    if isinstance(node, ast.BinOp):
        return prod((number(node.left), number(node.right)))
    return node.value
