"""TA-Lib's functions over arrays.

A function has a name, inputs and parameters as TA-Lib has them, and a formula for each of its outputs, which makes a
plan for each choice of parameters.
"""

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core
from ziggy_async.arguments import real
from ziggy_async.features.catalog import Parameter, Row, number_text, rows
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.formula import read_formula
from ziggy_async.features.lowering import plan_of_formulas
from ziggy_async.messages import printable, shown

PLANS = 1024
"""Choices of parameters whose plans a function keeps."""

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Math Operators": ("ADD", "CUMSUM", "DIV", "MAX", "MIN", "MINMAX", "MULT", "SUB", "SUM"),
        "Math Transform": (
            *("ACOS", "ASIN", "ATAN", "CEIL", "COS", "COSH", "EXP", "FLOOR", "LN", "LOG10", "SIN", "SINH", "SQRT"),
            *("TAN", "TANH"),
        ),
        "Momentum Indicators": (
            *("ADX", "ADXR", "APO", "AROON", "AROONOSC", "BOP", "CCI", "CMO", "DX", "MACD", "MACDEXT", "MFI"),
            *("MINUS_DI", "MINUS_DM", "MOM", "PLUS_DI", "PLUS_DM", "PPO", "ROC", "ROCP", "ROCR", "ROCR100", "RSI"),
            *("STOCH", "STOCHF", "STOCHRSI", "TRIX", "ULTOSC", "WILLR"),
        ),
        "Overlap Studies": (
            *("BBANDS", "DEMA", "EMA", "KAMA", "MA", "MIDPOINT", "MIDPRICE", "SAR", "SAREXT", "SMA", "T3", "TEMA"),
            *("TRIMA", "WMA"),
        ),
        "Pattern Recognition": ("CDLDOJI", "CDLENGULFING", "CDLMORNINGSTAR"),
        "Price Transform": ("AVGDEV", "AVGPRICE", "MEDPRICE", "TYPPRICE", "WCLPRICE"),
        "Statistic Functions": (
            *("BETA", "CORREL", "LINEARREG", "LINEARREG_ANGLE", "LINEARREG_INTERCEPT", "LINEARREG_SLOPE"),
            *("STDDEV", "TSF", "VAR"),
        ),
        "Volatility Indicators": ("ATR", "NATR", "TRANGE"),
        "Volume Indicators": ("AD", "ADOSC", "OBV"),
    }
)
"""The functions, by TA-Lib's groups."""

TWO_SERIES = ("real0", "real1")
INPUTS = {"BETA": TWO_SERIES, "CORREL": TWO_SERIES, "OBV": ("real", "volume")}
"""TA-Lib's names of a function's inputs, where a row of the catalog has others for columns."""

OPERATORS = {"ADD": "+", "SUB": "-", "MULT": "*", "DIV": "/"}
TRANSFORMS = {"LN": "log"}
"""Functions of one series whose name in formulas is not TA-Lib's in lower case."""

STRENGTH = "rsi_talib(real, {timeperiod})"
"""TA-Lib's index, which is 0 where nothing has moved; the catalog's `rsi` is 50 there."""
OTHERWISE = {
    "RSI": (STRENGTH,),
    "STOCHRSI": tuple(
        f"stochf((strength := {STRENGTH}), strength, strength, {{fastk_period}}, {{fastd_period}}, {{fastd_matype}})"
        f".{line}"
        for line in ("fastk", "fastd")
    ),
}
"""The formulas of functions for which a row of the catalog has other values than TA-Lib."""


@dataclass(frozen=True)
class ArrayFunction:
    """One of TA-Lib's functions. In a formula a parameter stands in braces, by TA-Lib's name.

    `is_whole`: the outputs are whole numbers, 0 where there is no value.
    """

    name: str
    summary: str
    inputs: tuple[str, ...]
    formulas: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[str, ...] = ("real",)
    is_whole: bool = False

    @cached_property
    def signature(self) -> inspect.Signature:
        """Inputs, then parameters with TA-Lib's defaults."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        inputs = [inspect.Parameter(name, kind) for name in self.inputs]
        return inspect.Signature([*inputs, *self._choice.parameters.values()])

    @cached_property
    def _choice(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature(
            [
                inspect.Parameter(each.talib, kind, default=int(each.default) if each.whole else each.default)
                for each in self.parameters
            ]
        )

    def plan(self, *values: float, **named: float) -> _core.Plan:
        """Returns the plan of a choice of parameters; its columns are the inputs in their order.

        Raises TypeError for one that is unknown or no number, ValueError for one that is out of bounds.
        """
        chosen = self._choice.bind(*values, **named)
        chosen.apply_defaults()
        texts = {each.talib: self._text(each, chosen.arguments[each.talib]) for each in self.parameters}
        try:
            return plan_of_formulas([read_formula(formula.format(**texts)) for formula in self.formulas])
        except FormulaError as error:  # it shows a formula that its caller has not written
            raise ValueError(f"{self.name}: {error.message}") from None

    def _text(self, parameter: Parameter, value: float) -> str:
        number = real(value)
        if number is None:
            raise TypeError(f"{self.name}: {parameter.talib} is not a number: {shown(value)}")
        fault = parameter.fault(number)
        if fault is not None:
            raise ValueError(f"{self.name}: {parameter.talib}: {fault}")
        return number_text(number)

    def as_python(self, module: str) -> _core.ArrayCallable:
        """Returns the function that users call, of that module."""
        plan_of = lru_cache(PLANS, typed=True)(self.plan)  # True is 1, and no parameter
        function = _core.ArrayCallable(plan_of, partial(self._converted, plan_of), len(self.inputs), self.is_whole)
        names = {"__module__": module, "__name__": self.name, "__qualname__": self.name}
        vars(function).update(names, __annotations__={}, __signature__=self.signature, __doc__=self._documentation())
        return function

    def _converted(self, plan_of: Callable[..., _core.Plan], /, *arguments: Any, **named: Any) -> Any:
        """Converts arguments that are not simply arrays and then numbers: series, lists, inputs that are named."""
        try:
            given = self.signature.bind(*arguments, **named).arguments
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        inputs = {name: given.pop(name) for name in self.inputs}
        back = way_back(list(inputs.values()))
        plan = plan_of(**given) if all(isinstance(each, Hashable) for each in given.values()) else self.plan(**given)
        found = plan.arrays(*(as_floats(f"{self.name}: {name}", each) for name, each in inputs.items()))
        if isinstance(found, tuple):
            return tuple(map(back, found))
        return back(np.nan_to_num(found).astype(np.int32) if self.is_whole else found)

    def _documentation(self) -> str:
        outputs = "an array" if len(self.outputs) == 1 else f"arrays {', '.join(self.outputs)}"
        kind = " of int32, 0 before the first value" if self.is_whole else ", NaN before the first value"
        return f"{self.summary}\n\nReturns {outputs} of the inputs' shape{kind}."


def functions() -> dict[str, ArrayFunction]:
    """Returns the functions by TA-Lib's name, in alphabetical order."""
    known = {row.talib: row for row in reversed(rows().values()) if row.talib is not None}
    made = (of_row(known[name]) if name in known else without_row(name) for name in all_names())
    return {function.name: function for function in made}


def all_names() -> list[str]:
    return sorted(name for names in GROUPS.values() for name in names)


def of_row(row: Row) -> ArrayFunction:
    name = str(row.talib)
    is_whole = name in GROUPS["Pattern Recognition"]
    inputs = INPUTS.get(name, ("real",) if row.inputs == ("close",) else row.inputs)
    call = f"{row.name}({', '.join((*inputs, *(f'{{{each.talib}}}' for each in row.parameters)))})"
    formulas = tuple(f"{call}.{output.name}" for output in row.outputs) if len(row.outputs) > 1 else (call,)
    return ArrayFunction(
        name=name,
        summary=row.summary,
        inputs=inputs,
        formulas=OTHERWISE.get(name, formulas),
        parameters=row.parameters,
        outputs=tuple(output.talib for output in row.outputs),
        is_whole=is_whole,
    )


def without_row(name: str) -> ArrayFunction:
    """Returns a function that formulas have, but no row of the catalog."""
    if name == "MINMAX":
        period = rows()["highest"].parameters
        lines = ("lowest(real, {timeperiod})", "highest(real, {timeperiod})")
        return ArrayFunction(
            name, "The least and the greatest value of a window.", ("real",), lines, period, ("min", "max")
        )
    if name in OPERATORS:
        formula = f"real0 {OPERATORS[name]} real1"
        return ArrayFunction(name, f"{formula}, bar by bar.", TWO_SERIES, (formula,))
    formula = f"{TRANSFORMS.get(name, name.lower())}(real)"
    return ArrayFunction(name, f"{formula}, bar by bar.", ("real",), (formula,))


def as_floats(name: str, values: Any) -> NDArray[np.float64]:
    refuse_table(name, values)
    try:
        if np.iscomplexobj(values):
            raise TypeError("they are complex")
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} is not an array of numbers: {printable(str(error))}") from None


def refuse_table(name: str, values: Any) -> None:
    """Raises TypeError for a table: its rows are bars, and those of an array are series."""
    if hasattr(values, "columns"):
        raise TypeError(f"{name} is a table; give its columns one by one, or an array of the shape (series, bars)")


def way_back(inputs: Sequence[Any]) -> Callable[[NDArray[Any]], Any]:
    """Returns the function that makes an array what the inputs are: a series of pandas, with the first one's index, one
    of polars, or the array."""
    found = {library: each for each in reversed(inputs) if (library := library_of(each)) in ("pandas", "polars")}
    if len(found) > 1:
        raise TypeError("series of pandas and of polars in one call")
    if not found:
        return lambda values: values
    ((library, first),) = found.items()
    if library == "polars":
        return type(first)
    return lambda values: type(first)(values, index=first.index)


def library_of(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


class MovingAverageTypes:
    """TA-Lib's MA_Type: numbers by name, and by number what it is called."""

    SMA, EMA, WMA, DEMA, TEMA, TRIMA, KAMA, MAMA, T3 = range(9)

    _names = (
        *("Simple", "Exponential", "Weighted", "Double Exponential", "Triple Exponential", "Triangular"),
        *("Kaufman Adaptive", "MESA Adaptive", "Triple Generalized Double Exponential"),
    )

    def __getitem__(self, number: int) -> str:
        return f"{self._names[number]} Moving Average"
