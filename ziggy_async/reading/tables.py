"""Tables of any kind as pairs of name and column."""

import contextlib
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core
from ziggy_async.reading.spellings import role_of

Pairs = list[tuple[str, Any]]


class Texts(NamedTuple):
    """A text column of an Arrow table: row i is `values[codes[i]]`, null where the code is -1."""

    codes: NDArray[np.int32]
    values: list[str]


class Unsupported(NamedTuple):
    """A column of an Arrow table whose type has no place among bars."""

    arrow_format: str


class Broken(NamedTuple):
    """A column of an Arrow table that could not be read: a sentence, and the row at fault or -1. `values` gives the
    same column as Python has it, None where that cannot be had."""

    row: int
    sentence: str
    values: Callable[[], list[Any] | None]


def pairs_of(data: object, symbol_column: str | None = None) -> Pairs:
    """Names and columns, in the table's order. `TypeError` for what is no table.

    Of a pandas index those levels whose role no column has, and that one which is called `symbol_column`.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _of_pandas(pandas, data, symbol_column)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return [(name, _of_arrow(data, name, column)) for name, column in _core.read_arrow(data)]
    if isinstance(data, Mapping):
        return [(str(name), column) for name, column in data.items()]
    if isinstance(data, np.ndarray) and data.dtype.names is not None:
        return [(name, data[name]) for name in data.dtype.names]
    raise TypeError(
        f"data: a {type(data).__name__} is no table; give an Arrow table, a pandas frame, a mapping of 1-D arrays"
        " or a structured array"
    )


def _of_arrow(data: Any, name: str, column: Any) -> "NDArray[Any] | Texts | Unsupported | Broken":
    if isinstance(column, np.ndarray):  # before the patterns: to them an array may look like a pair
        return column
    match column:
        case str(arrow_format):
            return Unsupported(arrow_format)
        case (int(row), str(sentence)):
            return Broken(row, sentence, partial(_values, data, name))
        case (codes, list(values)):
            return Texts(codes, values)
        case (values, missing):
            return np.ma.masked_array(values, missing)
    raise TypeError(f"column {name!r}: the core gave {column!r}")


def _values(data: Any, name: str) -> list[Any] | None:
    """A column of a table that may be read again, as pyarrow's and polars' may."""
    with contextlib.suppress(Exception):  # whatever a stranger's table does when it is asked
        column = data[name]
        values = getattr(column, "to_pylist", None) or getattr(column, "to_list", None)
        return None if values is None else list(values())
    return None


def _of_pandas(pandas: Any, frame: Any, symbol_column: str | None) -> Pairs:
    names = _names_of_pandas(frame)
    pairs = [(name, frame.iloc[:, place]) for place, name in enumerate(names)]
    taken = {role_of(name) for name in names}
    for place, label in enumerate(frame.index.names):
        level = frame.index.get_level_values(place)
        name = str(label)
        if name == symbol_column and name not in names:
            pairs.append((name, level.to_series()))
            continue
        is_time = isinstance(level, pandas.DatetimeIndex) or (label is None and level.inferred_type == "date")
        role = "timestamp" if is_time else role_of(name)
        if role is not None and role not in taken:
            taken.add(role)
            pairs.append((name if role_of(name) == role else role, level.to_series()))
    return pairs


def _names_of_pandas(frame: Any) -> list[str]:
    """Of several levels of column names, of which all but one say the same of every column, that one's: the figures of
    one ticker, as some providers give them."""
    if frame.columns.nlevels > 1:
        levels = [list(map(str, frame.columns.get_level_values(at))) for at in range(frame.columns.nlevels)]
        telling = [level for level in levels if len(set(level)) > 1]
        if len(telling) == 1:
            return telling[0]
    return [str(name) for name in frame.columns]
