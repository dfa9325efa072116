"""The indicator catalog: what there is, whole series for charts and backtests, and the last value alone.

Definitions, seeds and lookbacks are TA-Lib's where TA-Lib has the indicator. Parameters belong to the call. Formulas of
indicators, and those of other things, are for `ziggy_async.FeatureSet`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ziggy_async import _core
from ziggy_async.arguments import real
from ziggy_async.features.arrays import refuse_table
from ziggy_async.features.catalog import Row, number_text, rows
from ziggy_async.features.formula import read_formula
from ziggy_async.features.lowering import plan_of_formulas
from ziggy_async.indicator_names import IndicatorName
from ziggy_async.messages import nearest, shown

Floats = NDArray[np.float64]

DEFAULTS: Mapping[str, Mapping[str, float]] = {
    name: {"period": 20.0} for name in ("sma", "ema", "stddev", "highest", "lowest")
}
"""Defaults that are other ones here than in formulas, where they are TA-Lib's."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "correlation": ("close", "other"),
    "return_correlation": ("close", "other"),
    "adx": ("high", "low", "low"),  # the close that TA-Lib asks for does not count
}
"""Columns that are other ones here than in formulas."""


def catalog() -> list[dict[str, Any]]:
    """Returns one dict for each indicator: name, group, summary, inputs, parameters (with defaults and bounds),
    outputs."""
    return [_as_dict(row) for row in rows().values()]


def lookback(name: IndicatorName, **parameters: float) -> int:
    """Bars before the first value of `name`.

    Raises `ValueError` for a name unknown or a value out of bounds, `TypeError` for a parameter unknown.
    """
    row = _row(name)
    return max(_plan(row, _values(row, parameters)).lookbacks)


def series(
    name: IndicatorName,
    *,
    open: ArrayLike | None = None,
    high: ArrayLike | None = None,
    low: ArrayLike | None = None,
    close: ArrayLike | None = None,
    volume: ArrayLike | None = None,
    other: ArrayLike | None = None,
    **parameters: float,
) -> dict[str, Floats]:
    """Returns every value of the indicator `name`: output name -> array of the inputs' shape, NaN before the lookback.

    Columns are float64, `(bars,)` or `(symbols, bars)`, oldest bar first and all of one shape; an indicator of one
    input reads `close`, and `other` is the second series of one that compares two. Raises `ValueError` for a name
    unknown, a value out of bounds, or shapes that differ; `TypeError` for a parameter unknown, or a column missing or
    no numbers.
    """
    row = _row(name)
    plan = _plan(row, _values(row, parameters))
    found = plan.arrays(*_inputs(row, open=open, high=high, low=low, close=close, volume=volume, other=other))
    return _named(row, found if isinstance(found, tuple) else (found,))


def snapshot(
    name: IndicatorName,
    *,
    open: ArrayLike | None = None,
    high: ArrayLike | None = None,
    low: ArrayLike | None = None,
    close: ArrayLike | None = None,
    volume: ArrayLike | None = None,
    other: ArrayLike | None = None,
    **parameters: float,
) -> dict[str, Floats]:
    """Returns the last value of the indicator `name`: output name -> array of shape `()` or `(symbols,)`. Else as
    `series`."""
    row = _row(name)
    plan = _plan(row, _values(row, parameters))
    columns = _inputs(row, open=open, high=high, low=low, close=close, volume=volume, other=other)
    shape = columns[0].shape
    if columns[0].size == 0:
        return _named(row, tuple(np.full(shape[:-1], np.nan) for _ in row.outputs))
    ends = np.arange(0, columns[0].size + 1, shape[-1])
    last = plan.tails(tuple(column.reshape(-1) for column in columns), ends)
    return _named(row, tuple(last[:, at].reshape(shape[:-1]) for at in range(len(row.outputs))))


def _row(name: str) -> Row:
    row = rows().get(name)
    if row is None:
        advice = nearest(str(name), rows()) or "; catalog() lists them"
        raise ValueError(f"there is no indicator {shown(name)}{advice}")
    return row


def _columns(row: Row) -> tuple[str, ...]:
    return COLUMNS.get(row.name, row.inputs)


def _default(row: Row, name: str, otherwise: float) -> float:
    return DEFAULTS.get(row.name, {}).get(name, otherwise)


def _as_dict(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "group": row.group,
        "summary": row.summary,
        "inputs": list(dict.fromkeys(_columns(row))),
        "parameters": [
            {
                "name": parameter.name,
                "whole": parameter.whole,
                "default": _default(row, parameter.name, parameter.default),
                "least": parameter.least,
                "most": parameter.most,
            }
            for parameter in row.parameters
        ],
        "outputs": [output.name for output in row.outputs],
    }


def _values(row: Row, given: Mapping[str, float]) -> tuple[float, ...]:
    """Returns all parameters of a call."""
    names = [parameter.name for parameter in row.parameters]
    for name in given:
        if name not in names:
            raise TypeError(f"{row.name} has no parameter {shown(name)}{nearest(name, names)}")
    values = []
    for parameter in row.parameters:
        value = given.get(parameter.name, _default(row, parameter.name, parameter.default))
        number = real(value)
        if number is None:
            raise TypeError(f"{parameter.name} of {row.name} must be a number, not {shown(value)}")
        fault = parameter.fault(number)
        if fault is not None:
            raise ValueError(f"{parameter.name} of {row.name}: {fault}")
        values.append(number)
    return tuple(values)


@lru_cache(maxsize=1024)
def _plan(row: Row, values: tuple[float, ...]) -> _core.Plan:
    """Returns all outputs of a call whose inputs are the plan's columns."""
    inputs = [f"input_{at}" for at in range(len(row.inputs))]
    call = f"{row.name}({', '.join([*inputs, *map(number_text, values)])})"
    return plan_of_formulas([read_formula(f"{call}[{at}]") for at in range(len(row.outputs))])


def _inputs(row: Row, **given: ArrayLike | None) -> tuple[Floats, ...]:
    """Returns the columns that the indicator reads, in its order."""
    columns: dict[str, Floats] = {}
    for name in _columns(row):
        column = given[name]
        if column is None:
            raise TypeError(f"{row.name} needs the column {name}")
        refuse_table(name, column)
        try:
            columns[name] = np.ascontiguousarray(np.asarray(column).astype(np.float64, casting="same_kind", copy=False))
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be an array of numbers") from None
        if columns[name].ndim not in (1, 2):
            raise ValueError(f"{name} must have the shape (bars,) or (symbols, bars)")
        first = next(iter(columns.values()))
        if columns[name].shape != first.shape:
            raise ValueError(f"{name} has another shape than the columns before it")
    return tuple(columns[name] for name in _columns(row))


def _named(row: Row, outputs: tuple[Floats, ...]) -> dict[str, Floats]:
    return dict(zip((output.name for output in row.outputs), outputs, strict=True))
