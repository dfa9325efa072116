"""Tables of any kind as pairs of name and column."""

import contextlib
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core
from ziggy_async.messages import kind_of, shown
from ziggy_async.reading import frames
from ziggy_async.reading.beside import ZONES
from ziggy_async.reading.chunked import Chunked
from ziggy_async.reading.layouts import names_of
from ziggy_async.reading.pieces import each, pieces
from ziggy_async.reading.spellings import (
    HOURS,
    PARTS_OF_DATES,
    PRICES,
    are_alike,
    role_of,
    spelled,
    spelling_of,
    unique,
)

Pairs = list[tuple[str, Any]]
TRACEBACK = re.compile(r"\. Detail: Python exception|\n")
"""Text behind the sentence of an exception that went through a stream."""


class Texts(NamedTuple):
    """A column of texts: row i is `values[codes[i]]`, missing where the code is -1."""

    codes: NDArray[np.int32]
    values: list[str]

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> "Texts":
        places: dict[str, int] = {}
        codes = [-1 if text is None else places.setdefault(text, len(places)) for text in each(texts)]
        return cls(np.asarray(codes, dtype=np.int32), list(places))

    def stripped(self) -> "Texts":
        """Returns the same without blanks around the texts; one that is blank is missing."""
        values = [value.strip() for value in self.values]
        if values == self.values and all(values):
            return self
        places = {value: at for at, value in enumerate(dict.fromkeys(filter(None, values)))}
        of_code = np.array([*(places.get(value, -1) for value in values), -1], dtype=np.int32)
        return Texts(of_code[self.codes], list(places))

    def beside(self, other: "Texts", mark: str) -> "Texts":
        """Returns the texts of both, row by row with the mark between them; missing where one is."""
        count = np.int64(len(other.values))
        pairs = np.where((self.codes >= 0) & (other.codes >= 0), self.codes * count + other.codes, -1)
        distinct, codes = np.unique(np.append(pairs, -1), return_inverse=True)  # of which -1 is the first one
        places = (divmod(pair, int(count)) for pair in each(distinct[1:]))
        texts = [f"{self.values[first]}{mark}{other.values[second]}" for first, second in places]
        return Texts(codes[:-1].astype(np.int32) - np.int32(1), texts)

    def part(self, rows: slice) -> "Texts":
        """Returns the same of some rows, without texts that they have not got."""
        places = [code for code in dict.fromkeys(self.codes[rows].tolist()) if code >= 0]
        of_code = np.full(len(self.values) + 1, -1, dtype=np.int32)
        of_code[places] = np.arange(len(places))
        return Texts(of_code[self.codes[rows]], [self.values[place] for place in places])


class Unsupported(NamedTuple):
    """A column of an Arrow table whose type has no place among bars, or has one beside a date: a time of day, or how
    long after midnight it is. `values` gives the same column, or its first values, as Python has it, None where that
    cannot be had."""

    arrow_format: str
    values: Callable[..., list[Any] | None]

    @property
    def is_time_of_day(self) -> bool:
        return self.arrow_format.startswith(("tt", "tD"))


class Broken(NamedTuple):
    """A column of an Arrow table that could not be read: a sentence, and the row at fault or -1. `values` returns the
    column without the values at fault, or as Python objects; None if neither is possible."""

    row: int
    sentence: str
    values: Callable[[], list[Any] | Chunked | None]


def lacks_values(column: Any) -> bool:
    """Returns whether a value is missing in a column as `tables` give it."""
    if isinstance(column, Texts):
        return bool((column.codes < 0).any())
    if isinstance(column, Chunked):
        return any(map(lacks_values, column.arrays))
    if not isinstance(column, np.ndarray):
        return False
    if column.dtype.kind == "M":
        return bool(np.isnat(column).any())
    return bool(np.ma.getmask(column).any()) or (column.dtype.kind == "f" and bool(np.isnan(column).any()))


def pairs_of(
    data: object,
    symbol_column: str | None = None,
    columns: Mapping[str, str] | None = None,
    symbol: str | None = None,
    further: Sequence[str] | None = None,
) -> Pairs:
    """Names and columns, in the table's order. Raises `TypeError` for what is not a table.

    A pandas index adds the levels whose role no column has, and the one that is called `symbol_column`. `symbol`: of a
    frame that has several tickers side by side, the one that is wanted; None: all of them. Rows without column names
    get them by their layout, or by number where `columns` names some. `further`: columns of an Arrow table that have no
    role and are called like none of these are not decoded, and come as `Unsupported`; None: all are, and a mapping is
    one of columns.
    """
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _unnumbered(frames.pairs_of(pandas, data, symbol_column, symbol), columns)
    if polars is not None and isinstance(data, polars.LazyFrame):
        data = data.collect()
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        chosen = {*(columns or {}).values(), symbol_column}
        wanted = list if further is None else partial(_with_roles, chosen, further)
        return _unnumbered(_arrow_pairs(data, wanted), columns)
    if isinstance(data, Mapping):
        if further is None:
            return [(str(name), column) for name, column in data.items()]
        if pandas is not None and _share_times(pandas, list(data.values())):
            return frames.pairs_of(pandas, pandas.DataFrame(data), symbol_column, symbol)
        answer = _of_answer(data, columns, further)
        return _of_mapping(data, columns, further) if answer is None else answer
    if isinstance(data, np.ndarray) and data.dtype.names is not None:
        return [(name, data[name]) for name in data.dtype.names]
    if isinstance(data, np.ndarray) and data.ndim == 2:
        return _named(list(data.T), columns)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes | bytearray | memoryview | range):
        return _of_rows(data, columns, further or ())
    raise TypeError(
        f"data: {kind_of(data)} is not a table; give an Arrow table, a pandas or polars frame, a mapping of 1-D"
        " arrays, a structured or two-dimensional array, or a list of rows, mappings or objects"
    )


@contextlib.contextmanager
def failures_named() -> Iterator[None]:
    """Turns what the producer of an Arrow table raises into a `ValueError`, and leaves out its traceback."""
    duckdb = sys.modules.get("duckdb")
    try:
        yield
    except (TypeError, MemoryError):
        raise
    except ValueError as error:
        if not TRACEBACK.search(str(error)):
            raise
        raise ValueError(TRACEBACK.split(str(error))[0]) from error
    except Exception as error:
        if isinstance(error, getattr(duckdb, "InterruptException", ())):
            raise
        raise ValueError(f"the table cannot be read: {TRACEBACK.split(str(error))[0]}") from error


def _arrow_pairs(data: Any, wanted: Callable[[list[str]], Collection[str]]) -> Pairs:
    """Names and columns of an Arrow table."""
    duckdb = sys.modules.get("duckdb")
    is_relation = duckdb is not None and isinstance(data, duckdb.DuckDBPyRelation)
    own = unique(data.columns) if is_relation else None  # of one name DuckDB's stream has other ones

    def wanted_of_stream(names: list[str]) -> Collection[str]:
        true = wanted(own or names)
        return [name for name, each in zip(names, own or names, strict=True) if each in true]

    pairs = _core.read_arrow(data, wanted_of_stream)
    names = own or [name for name, _ in pairs]
    return [(own, _of_arrow(data, name, column)) for own, (name, column) in zip(names, pairs, strict=True)]


def _unnumbered(pairs: Pairs, chosen: Mapping[str, str] | None) -> Pairs:
    """Gives columns that are only numbered, from 0, as pandas, polars and DuckDB do, the names of their layout."""
    names = [name for name, _ in pairs]
    return _named([column for _, column in pairs], chosen) if _are_numbers(names) else pairs


def _are_numbers(names: list[str]) -> bool:
    numbers = [re.fullmatch(r"(?:column_?)?(\d+)", name) for name in names]
    return bool(names) and all(match and int(match[1]) == at for at, match in enumerate(numbers))


def _with_roles(chosen: Collection[str | None], further: Sequence[str], names: list[str]) -> Collection[str]:
    """Returns the columns of a table that have a role, by their name or because the caller says so, or may have that of
    the time of day or be a further one."""
    if _are_numbers(names):
        return names
    others = {*HOURS, *PARTS_OF_DATES}
    named = {name for name in names if name in chosen or role_of(name) is not None or spelled(name).name in others}
    return named | {name for name in names if any(name == own or are_alike(name, own) for own in further)}


def _named(columns: Sequence[Any], chosen: Mapping[str, str] | None) -> Pairs:
    """Gives columns without names those of their layout, or numbers."""
    rows = list(zip(*(head_of(column, HEAD) for column in columns), strict=False))
    if not rows:
        raise ValueError("the table has no rows")
    return list(zip(names_of(rows, chosen), columns, strict=True))


HEAD = 60
"""Rows of a table without names that are looked at."""


def head_of(column: Any, most: int) -> list[Any]:
    """Returns the first values of a column."""
    if isinstance(column, Texts):
        return [column.values[code] if code >= 0 else None for code in column.codes[:most].tolist()]
    if isinstance(column, Unsupported | Broken):
        return [None] * most
    if isinstance(column, Chunked):
        column = column.arrays[0]
    return list(column.iloc[:most] if hasattr(column, "iloc") else column[:most])


def values_of(column: Any) -> list[Any]:
    """Returns all values of a column, as `head_of` has the first ones."""
    if isinstance(column, Chunked):
        return list(column.as_stored())
    return [] if isinstance(column, Broken) else head_of(column, sys.maxsize)


def rows_of(column: Any) -> int:
    """Returns how many rows a column has."""
    return len(column.codes if isinstance(column, Texts) else column)


def _of_rows(rows: Sequence[Any], columns: Mapping[str, str] | None, further: Sequence[str]) -> Pairs:
    if not len(rows):
        raise ValueError("the table has no rows")
    first = rows[0]
    if hasattr(first, "keys"):  # also of a database, and of pandas' iterrows, which are no Mapping
        _refuse_others(rows, lambda row: hasattr(row, "keys"), "a mapping")
        inner = [key for key, value in dict(first).items() if isinstance(value, Mapping) and _are_prices(value)]
        return [(str(key), column) for key, column in _of_mappings(rows, inner).items()]
    if hasattr(first, "_fields"):
        _refuse_others(rows, lambda row: getattr(row, "_fields", None) == first._fields, kind_of(first))
        return list(zip(first._fields, _turned(rows, list, len(first)), strict=True))
    if isinstance(first, list | tuple | np.ndarray):
        fault = f"a row of {len(first)} values"
        _refuse_others(rows, lambda row: isinstance(row, list | tuple | np.ndarray) and len(row) == len(first), fault)
        names = [str(name) for name in first]
        if {role_of(name) for name in names} >= set(PRICES):
            return list(zip(names, _turned(list(rows[1:]), list, len(first)), strict=True))
        return _named(_turned(rows, list, len(first)), columns)
    attributes = [name for name in dir(first) if not name.startswith("_")]
    known = {*further, *(columns or {}).values()}
    paths = {name: name for name in attributes if role_of(name) or name in known}
    if not _are_prices(paths):
        inner = [name for name in attributes if _are_prices(dir(getattr(first, name, None)))]
        of_inner = [(each, name) for each in inner for name in dir(getattr(first, each)) if role_of(name)]
        paths = {name if len(inner) == 1 else f"{each}.{name}": f"{each}.{name}" for each, name in of_inner} | paths
    if not _are_prices(paths):
        raise TypeError(f"data: row 0 is {shown(first)}, which is not a row of bars: it has no {', '.join(PRICES)}")
    _refuse_others(
        rows, lambda row: all(hasattr(row, path.partition(".")[0]) for path in paths.values()), kind_of(first)
    )
    return list(zip(paths, _turned(rows, attrgetter(*paths.values()), len(paths)), strict=True))


def _are_prices(names: Iterable[Any]) -> bool:
    return {role_of(str(name)) for name in names} >= set(PRICES)


def is_list(data: object) -> bool:
    """Returns whether this is a list of rows that are lists themselves, without names: those of a program."""
    first = data[0] if isinstance(data, list | tuple) and data else ()
    is_row = type(first) in (list, tuple) and bool(first)
    return is_row and not any(role_of(str(name)) in PRICES for name in first)


def _share_times(pandas: Any, columns: list[Any]) -> bool:
    """Returns whether these are columns of pandas with one index, of times."""
    index = getattr(columns[0], "index", None) if columns else None
    return isinstance(index, pandas.DatetimeIndex) and all(
        isinstance(each, pandas.Series) and each.index.equals(index) for each in columns
    )


def _of_mapping(data: Mapping[Any, Any], columns: Mapping[str, str] | None, further: Sequence[str]) -> Pairs:
    """Returns columns by name, without what is none and has no role, or rows by their times."""
    key, first = next(iter(data.items()), (None, None))
    is_list = isinstance(first, list) and isinstance(next(iter(first), None), Mapping)
    is_table = is_list or isinstance(first, Mapping) or hasattr(first, "columns")
    if not is_table or columns or {role_of(str(name)) for name in data} >= set(PRICES):
        pairs = [(str(name), column) for name, column in data.items()]
        return [
            pair for pair in pairs if isinstance(pair[1], Sequence) or hasattr(pair[1], "__array__") or role_of(pair[0])
        ]
    if isinstance(first, Mapping) and not any(isinstance(each, list | np.ndarray) for each in first.values()):
        roles = {role_of(str(name)) for name in first}
        if roles >= set(PRICES):
            own = [dict(row) if isinstance(row, Mapping) else row for row in data.values()]
            times = [{} if "timestamp" in roles else {"timestamp": time} for time in data]
            rows = [time | row if isinstance(row, dict) else row for time, row in zip(times, own, strict=True)]
            return _of_rows(rows, columns, further)
    raise ValueError(
        f"data maps {shown(key)} to {kind_of(first)}: load(SYMBOL, ...) takes the table of one symbol, load_frame"
        " one long table with a column of symbols, as pandas.concat makes it of frames"
    )


def _refuse_others(rows: Sequence[Any], is_alike: Callable[[Any], bool], kind: str) -> None:
    before = 0
    for piece in pieces(rows):
        alike = list(map(is_alike, piece))
        if not all(alike):
            at = alike.index(False)
            raise ValueError(f"row {before + at} is {shown(piece[at])}, not {kind} like the first")
        before += len(piece)


def _turned(rows: Sequence[Any], values: Callable[[Any], Iterable[Any]], count: int) -> list[list[Any]]:
    """Returns the `count` columns of rows, of which `values` gives each one's."""
    columns: list[list[Any]] = [[] for _ in range(count)]
    for piece in pieces(rows):
        for column, part in zip(columns, zip(*map(values, piece), strict=True), strict=True):
            column.extend(part)
    return columns


def _of_mappings(rows: Sequence[Any], inner: Sequence[Any]) -> dict[Any, list[Any]]:
    """Returns columns by key, with None where a row has no such key. `inner`: the keys of mappings that hold prices."""
    columns: dict[Any, list[Any]] = {}
    count = 0
    for piece in pieces(rows):
        mappings = [row if type(row) is dict else dict(row) for row in piece]
        mappings = [_opened(row, inner) for row in mappings] if inner else mappings
        for key in dict.fromkeys(key for mapping in mappings for key in mapping):
            columns.setdefault(key, [None] * count)
        for key, column in columns.items():
            column.extend([mapping.get(key) for mapping in mappings])
        count += len(piece)
    return columns


def _opened(row: dict[Any, Any], inner: Sequence[Any]) -> dict[Any, Any]:
    """Returns a row with the figures of mappings in it as its own: those of one by their names, of several as
    "mid.o"."""
    opened = {key: value for key, value in row.items() if key not in inner}
    for key in inner:
        figures = row.get(key)
        for name, value in figures.items() if isinstance(figures, Mapping) else ():
            opened.setdefault(name if len(inner) == 1 else f"{key}.{name}", value)
    return opened


ROWS = frozenset(("bars", "candles", "data", "historical", "klines", "ohlcv", "prices", "quotes", "results", "values"))
"""The names under which services answer with rows."""


def _of_answer(data: Mapping[Any, Any], columns: Mapping[str, str] | None, further: Sequence[str]) -> Pairs | None:
    """Returns the rows of the answer of a service, which has them under one name, with the symbol and the zone that it
    says beside them, or in another mapping; None of anything else."""
    names = [name for name, each in data.items() if isinstance(each, list) and each and isinstance(each[0], Mapping)]
    if len(names) != 1 or names[0] not in ROWS:
        return None
    pairs = _of_rows(data[names[0]], columns, further)
    beside = [data, *(each for each in data.values() if isinstance(each, Mapping))]
    said = [(str(key), each) for part in beside for key, each in part.items() if isinstance(each, (str, int))]
    taken = {name for name, _ in pairs}
    said = [pair for pair in said if pair[0] not in taken and (spelling_of(pair[0]) in ZONES or _is_symbol(*pair))]
    return pairs + [(name, [text] * len(pairs[0][1])) for name, text in said]


def _is_symbol(name: str, value: object) -> bool:
    return isinstance(value, str) and role_of(name) == "symbol"


NARROW: dict[str, np.dtype[Any]] = {"e": np.dtype(np.float16), "f": np.dtype(np.float32)}
"""Arrow formats of floats that have fewer digits than float64."""
NUMBERS_OF_PYTHON = ("d:", "+r", "_pli128", "_plu128")
"""Arrow formats that are read as Python has their values: wide decimals, runs of equal values, polars' Int128."""


def _of_arrow(data: Any, name: str, column: Any) -> "NDArray[Any] | list[Any] | Chunked | Texts | Unsupported | Broken":
    if isinstance(column, np.ndarray):  # before the patterns: to them an array may look like a pair
        return column
    match column:
        case list(arrays):
            return Chunked(tuple(arrays))
        case str(arrow_format) if arrow_format.startswith(NUMBERS_OF_PYTHON):
            values = _values(data, name)
            return Unsupported(arrow_format, lambda most=None: None) if values is None else values
        case str(arrow_format):
            is_fine = arrow_format in ("ttn", "tDn")
            return Unsupported(arrow_format, partial(_clocks if is_fine else _values, data, name))
        case (int(row), str(sentence), None):
            return Broken(row, sentence, partial(_values, data, name))
        case (int(row), str(sentence), times):
            return Broken(row, sentence, lambda: _chunked(times))
        case (str(arrow_format), floats) if arrow_format.startswith("d:"):
            return replace(_chunked(floats), exact=partial(_values, data, name))
        case (str(narrow), floats):
            return _chunked(floats, NARROW[narrow])
        case (codes, list(values)):
            return Texts(codes, values)
        case (list(arrays), missing):
            return np.ma.masked_array(np.concatenate(arrays), missing)
        case (values, missing):
            return np.ma.masked_array(values, missing)
    raise TypeError(f"column {name!r}: the core gave {column!r}")


def _chunked(arrays: NDArray[Any] | list[NDArray[Any]], narrow: np.dtype[Any] | None = None) -> Chunked:
    return Chunked(tuple(arrays) if isinstance(arrays, list) else (arrays,), narrow)


def _values(data: Any, name: str, most: int | None = None) -> list[Any] | None:
    """Returns a column of a table that may be read again, as pyarrow's and polars' may, or its first values."""
    with contextlib.suppress(Exception):  # whatever a stranger's table does when it is asked
        column = data[name][:most]
        values = getattr(column, "to_pylist", None) or getattr(column, "to_list", None)
        return None if values is None else list(values())
    return None


def _clocks(data: Any, name: str, most: int | None = None) -> list[Any] | None:
    """Returns a column of times of day or durations in nanoseconds, of which Python's own have microseconds."""
    with contextlib.suppress(Exception):  # as above
        column = data[name][:most]
        counts = column.to_physical().to_list() if hasattr(column, "to_physical") else column.cast("int64").to_pylist()
        return [None if count is None else np.timedelta64(count, "ns") for count in counts]
    return None
