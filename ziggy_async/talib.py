"""TA-Lib's function API: `SMA(real, timeperiod=30)` and so on, with TA-Lib's names, order of arguments, defaults and
results.

Inputs are arrays of shape `(bars,)`, oldest first, or `(symbols, bars)`; a pandas or polars Series gives a Series,
anything else that NumPy can make float64 of an array, also texts of numbers, booleans, and times by their count; what
it cannot is a TypeError, and so is a table, whose rows are bars. Parameters out of bounds are a ValueError, and those
that are not numbers a TypeError.

Differences from TA-Lib:

- A value that is missing is missing: a window has values again once it is out of it, a recursion leaves it out, where
  TA-Lib has NaN from there to the end.
- Prices may be as small as they like; TA-Lib takes what is below 1e-14 for 0.
- There is nothing to set for the whole process: no unstable period, no compatibility with Metastock.
- Of the moving averages, `matype` may be 0 to 6 and 8: there is no MESA.
- There are no streaming functions and no abstract interface: that is what `FeatureSet` and its formulas are for.
"""

from ziggy_async.features.arrays import GROUPS, MovingAverageTypes, functions

MA_Type = MovingAverageTypes()

_functions = {name: each.as_python(__name__) for name, each in functions().items()}
globals().update(_functions)
__all__ = ["MA_Type", "get_function_groups", "get_functions", *_functions]


def get_functions() -> list[str]:
    """Returns the names of all functions, group by group."""
    return [name for names in GROUPS.values() for name in names]


def get_function_groups() -> dict[str, list[str]]:
    """TA-Lib's groups, each with the names of its functions."""
    return {group: list(names) for group, names in GROUPS.items()}
