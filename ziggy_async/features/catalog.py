"""The rows of the indicator catalog, and how their parameters are given."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

from ziggy_async import _core


class Parameter(NamedTuple):
    name: str
    talib: str
    whole: bool
    default: float
    least: float
    most: float

    def fault(self, value: float) -> str | None:
        """Returns why `value` cannot be it; None: it can."""
        if self.whole and not value.is_integer():
            return f"{number_text(value)} is not a whole number"
        if not self.least <= value <= self.most:
            return f"{number_text(value)} is not from {number_text(self.least)} to {number_text(self.most)}"
        return None


class Output(NamedTuple):
    name: str
    talib: str


@dataclass(frozen=True, eq=False)
class Row:
    """One indicator. A call without inputs reads the columns `inputs`. `formulas` are what the outputs are made of; a
    kernel has None."""

    name: str
    talib: str | None
    group: str
    summary: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[Output, ...]
    memory: str
    formulas: tuple[str, ...] | None

    def formula(self, output: int, values: Mapping[str, float]) -> str | None:
        """Returns the text of an output, in which the parameters go by their names; None: a kernel gives it."""
        return None if self.formulas is None else self.formulas[output]

    @cached_property
    def keywords(self) -> Mapping[str, tuple[int, ...]]:
        """Returns names in a call -> positions of the parameters that they set."""
        places: dict[str, tuple[int, ...]] = {}
        for at, parameter in enumerate(self.parameters):
            places[parameter.name] = places[parameter.talib] = (at,)
        if all(name in places for name in BOTH_DEVIATIONS):
            places["deviations"] = tuple(at for name in BOTH_DEVIATIONS for at in places[name])
        return places


BOTH_DEVIATIONS = ("nbdevup", "nbdevdn")
"""TA-Lib's parameters of bands that `deviations` sets together."""

MOVING_AVERAGES = ("sma", "ema", "wma", "dema", "tema", "trima", "kama", "mama", "t3")
"""The moving averages, in the order of TA-Lib's `MA_Type`."""


def types_among(names: Collection[str]) -> str:
    """Returns the moving averages that are among the names, with their numbers."""
    return ", ".join(f"{number} {name}" for number, name in enumerate(MOVING_AVERAGES) if name in names)


class MovingAverage(Row):
    """TA-Lib's MA: of which row it is a call depends on its parameter `matype`."""

    def formula(self, output: int, values: Mapping[str, float]) -> str:
        """Raises `ValueError` for a type that is not a row."""
        if values["period"] == 1:
            return "close"  # whatever the type, as in TA-Lib
        matype = int(values["matype"])
        name = MOVING_AVERAGES[matype]
        if name not in rows():
            raise ValueError(
                f"there is no moving average of type {matype}, {name}: the types are {types_among(rows())}"
            )
        return f"{name}(close, period)"


@cache
def rows() -> dict[str, Row]:
    """Returns name -> row."""
    found = {row["name"]: _row(row) for row in _core.catalog()}
    found["ma"] = MovingAverage(
        name="ma",
        talib="MA",
        group="average",
        summary=f"Moving average of one of TA-Lib's types: {types_among(found)}.",
        inputs=("close",),
        parameters=(
            Parameter("period", "timeperiod", True, 30.0, 1.0, 100_000.0),
            Parameter("matype", "matype", True, 0.0, 0.0, len(MOVING_AVERAGES) - 1.0),
        ),
        outputs=(Output("value", "real"),),
        memory="formula",
        formulas=(),
    )
    return found


def _row(row: Mapping[str, Any]) -> Row:
    return Row(
        name=row["name"],
        talib=row["talib"],
        group=row["group"],
        summary=row["summary"],
        inputs=tuple(row["inputs"]),
        parameters=tuple(Parameter(**parameter) for parameter in row["parameters"]),
        outputs=tuple(Output(**output) for output in row["outputs"]),
        memory=row["memory"],
        formulas=None if row["formulas"] is None else tuple(row["formulas"]),
    )


def usage_of(row: Row) -> str:
    """Returns how a row is called, with its defaults: sma(close, period=30)."""
    parameters = [f"{parameter.name}={number_text(parameter.default)}" for parameter in row.parameters]
    return f"{row.name}({', '.join((*row.inputs, *parameters))})"


def number_text(value: float) -> str:
    """Returns the number as one would write it: 14 for 14.0, but -0.0 as it is."""
    value = float(value)
    is_plain = value.is_integer() and abs(value) < 1e15 and value.hex() != "-0x0.0p+0"
    return str(int(value)) if is_plain else repr(value)
