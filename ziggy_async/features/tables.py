"""Long tables of any kind: their columns for a plan, and features beside them as a table of the same kind."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import kind_of, optional_import, shown
from ziggy_async.reading.spellings import INDEX
from ziggy_async.reading.tables import Pairs, pairs_of

Floats = NDArray[np.float64]


KINDS = (("pandas", "DataFrame"), ("polars", "DataFrame", "LazyFrame"), ("duckdb", "DuckDBPyRelation"))
"""Packages and their tables."""


class Table(Protocol):
    """A table of one kind."""

    names: list[str]
    rows: int

    def pairs(self, names: Sequence[str]) -> Pairs:
        """Returns name and column, for these names."""

    def zone(self, name: str) -> Any:
        """Returns the time zone of a column of times: a name, a tzinfo, or None."""

    def beside(self, features: Mapping[str, Floats]) -> Any:
        """Returns the table with further columns."""


def table_of(data: Any, by: str | None, time: str | None) -> Table:
    """Returns `data` as a table. Raises `TypeError` for anything else. `by` and `time` may be levels of a pandas
    index."""
    kind = _kind_of(data)
    if kind == "pandas":
        return _Pandas(data, by, time)
    if kind == "polars":
        return _Polars(data)
    if kind == "duckdb":
        return _Duckdb(data)
    if isinstance(data, Mapping):
        return _Mapping(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return _Arrow(data)
    raise TypeError(
        f"table: {kind_of(data)} is not a table; give an Arrow table, a polars or pandas frame, a DuckDB relation"
        " or a mapping of 1-D arrays"
    )


def _kind_of(data: Any) -> str | None:
    for package, *kinds in KINDS:
        module = sys.modules.get(package)
        if module is not None and isinstance(data, tuple(getattr(module, kind) for kind in kinds)):
            return package
    return None


class _Mapping:
    def __init__(self, data: Mapping[Any, Any]) -> None:
        self._data = data
        self._by_name = dict(pairs_of(data))
        self.names = list(self._by_name)
        for name, column in self._by_name.items():
            if not hasattr(column, "__len__"):
                raise TypeError(f"column {shown(name)} is {shown(column)}, no array")
        self.rows = next((len(column) for column in data.values()), 0)

    def pairs(self, names: Sequence[str]) -> Pairs:
        return [(name, self._by_name[name]) for name in names]

    def zone(self, name: str) -> Any:
        dtype = getattr(self._by_name[name], "dtype", None)
        return getattr(dtype, "tz", None) or getattr(dtype, "time_zone", None)

    def beside(self, features: Mapping[str, Floats]) -> dict[Any, Any]:
        return {**self._data, **features}


class _Pandas:
    """Levels of the index serve as columns where there is no column of that name or role."""

    def __init__(self, frame: Any, by: str | None, time: str | None) -> None:
        self._frame = frame
        pairs = [(name, column) for name, column in pairs_of(frame, by) if not INDEX.search(name)]
        if pairs and len(pairs[0][1]) != len(frame):
            raise ValueError("the frame has its tickers side by side; a long table has one row for a ticker and time")
        self.names = [name for name, _ in pairs]
        if time is not None and time not in self.names and time in frame.index.names:
            pairs.append((time, frame.index.get_level_values(time).to_series()))
            self.names.append(time)
        self._by_name = dict(pairs)
        self.rows = len(frame)

    def pairs(self, names: Sequence[str]) -> Pairs:
        return [(name, self._by_name[name]) for name in names]

    def zone(self, name: str) -> Any:
        return getattr(self._by_name[name].dtype, "tz", None)

    def beside(self, features: Mapping[str, Floats]) -> Any:
        pandas = sys.modules["pandas"]
        return pandas.concat([self._frame, pandas.DataFrame(features, index=self._frame.index)], axis=1)


class _Polars:
    def __init__(self, frame: Any) -> None:
        self._is_lazy = hasattr(frame, "collect")
        self._frame = frame.collect() if self._is_lazy else frame
        self.names = list(self._frame.columns)
        self.rows = self._frame.height

    def pairs(self, names: Sequence[str]) -> Pairs:
        return pairs_of(self._frame.select(names))

    def zone(self, name: str) -> Any:
        return getattr(self._frame.schema[name], "time_zone", None)

    def beside(self, features: Mapping[str, Floats]) -> Any:
        polars = sys.modules["polars"]
        frame = self._frame.with_columns([polars.Series(name, values) for name, values in features.items()])
        return frame.lazy() if self._is_lazy else frame


class _Arrow:
    """A pyarrow table or record batch; another object with Arrow's interface comes back as a pyarrow table."""

    def __init__(self, data: Any) -> None:
        with optional_import("pyarrow", "a table with Arrow's interface", "pyarrow"):
            import pyarrow

        self._table = data if isinstance(data, pyarrow.Table | pyarrow.RecordBatch) else pyarrow.table(data)
        self.names = list(self._table.schema.names)
        self.rows = self._table.num_rows

    def pairs(self, names: Sequence[str]) -> Pairs:
        return pairs_of(self._table.select(list(names)))

    def zone(self, name: str) -> Any:
        return getattr(self._table.schema.field(name).type, "tz", None)

    def beside(self, features: Mapping[str, Floats]) -> Any:
        import pyarrow

        columns = [*self._table.columns, *(pyarrow.array(values) for values in features.values())]
        return type(self._table).from_arrays(columns, names=[*self.names, *features])


class _Duckdb(_Arrow):
    """A relation is carried out once; what comes back is a relation of DuckDB's default connection."""

    def beside(self, features: Mapping[str, Floats]) -> Any:
        return sys.modules["duckdb"].from_arrow(super().beside(features))
