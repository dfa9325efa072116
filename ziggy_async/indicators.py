"""The indicator catalog: what there is, whole series for charts and backtests, and the last value alone.

Definitions, seeds and lookbacks are TA-Lib's where TA-Lib has the indicator. Parameters belong to the call.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ziggy_async import _core

Floats = NDArray[np.float64]


def catalog() -> list[dict[str, Any]]:
    """One dict for each indicator: name, group, summary, inputs, parameters (with defaults and bounds), outputs."""
    return [row for row in _core.catalog() if row["formulas"] is None]


OUTPUTS: dict[str, tuple[str, ...]] = {
    row["name"]: tuple(output["name"] for output in row["outputs"]) for row in catalog()
}
"""What each indicator's outputs are called, in the order in which the core returns them."""


def lookback(name: str, **parameters: float) -> int:
    """Bars before the first value of `name`. `ValueError` for a name or parameter unknown, or a value out of bounds."""
    return _core.lookback(name, parameters)


def series(
    name: str,
    *,
    open: ArrayLike | None = None,
    high: ArrayLike | None = None,
    low: ArrayLike | None = None,
    close: ArrayLike | None = None,
    volume: ArrayLike | None = None,
    other: ArrayLike | None = None,
    **parameters: float,
) -> dict[str, Floats]:
    """Every value of the indicator `name`: output name -> array of the inputs' shape, NaN before the lookback.

    Columns are float64, `(bars,)` or `(symbols, bars)`, oldest bar first and all of one shape; an indicator of one
    input reads `close`, and `other` is the second series of one that compares two. `ValueError` for a name or parameter
    unknown, a value out of bounds, a missing column, or shapes that differ.
    """
    given = _given(open=open, high=high, low=low, close=close, volume=volume, other=other)
    return _named(name, _core.series(name, given, parameters))


def snapshot(
    name: str,
    *,
    open: ArrayLike | None = None,
    high: ArrayLike | None = None,
    low: ArrayLike | None = None,
    close: ArrayLike | None = None,
    volume: ArrayLike | None = None,
    other: ArrayLike | None = None,
    **parameters: float,
) -> dict[str, Floats]:
    """The last value of the indicator `name`: output name -> array of shape `()` or `(symbols,)`. Else as `series`."""
    given = _given(open=open, high=high, low=low, close=close, volume=volume, other=other)
    return _named(name, _core.snapshot(name, given, parameters))


def _given(**columns: ArrayLike | None) -> dict[str, Floats]:
    return {
        name: np.ascontiguousarray(column, dtype=np.float64) for name, column in columns.items() if column is not None
    }


def _named(name: str, outputs: tuple[Floats, ...]) -> dict[str, Floats]:
    return dict(zip(OUTPUTS[name], outputs, strict=True))
