"""Tables of bars in any of the shapes that callers have, as the plain columns that the core takes.

A table becomes pairs of name and column (`_pairs`), names become roles by one table of spellings (`SPELLINGS`), and the
columns that are needed become int64 nanoseconds or float64. What a figure has to be is the core's to check: missing
values pass through as NaN, missing times as NaT, and are refused there by row.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core

Floats = NDArray[np.float64]
Nanoseconds = NDArray[np.int64]

SPELLINGS = {
    "timestamp": ("timestamp", "date", "datetime", "time", "ts", "t"),
    "open": ("open", "open_price", "o"),
    "high": ("high", "high_price", "h"),
    "low": ("low", "low_price", "l"),
    "close": ("close", "close_price", "c"),
    "volume": ("volume", "vol", "v"),
    "symbol": ("symbol", "ticker", "sym", "code", "instrument"),
}
"""Role -> names of columns, compared without regard to case, spaces read as underscores. An adjusted close has another
scale than the open beside it, so none of its spellings is a close."""

PRICE_COLUMNS = ("open", "high", "low", "close", "volume")
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
"""Units of timestamps that are whole numbers, in nanoseconds."""

NAT = np.iinfo(np.int64).min
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEYOND_MICROSECONDS = re.compile(r"[.,]\d{6}(\d{1,3})")
ROLE_OF = {spelling: role for role, spellings in SPELLINGS.items() for spelling in spellings}

Label = Callable[[int], str]
"""What a message says before a row: the symbol of that row, where it is known."""


class Texts(NamedTuple):
    """A text column of an Arrow table: row i is `values[codes[i]]`, null where the code is -1."""

    codes: NDArray[np.int32]
    values: list[str]


class Unsupported(NamedTuple):
    """A column of an Arrow table whose type has no place among bars."""

    arrow_format: str


class Broken(NamedTuple):
    """A column of an Arrow table that could not be read: a sentence, and the row at fault or -1."""

    row: int
    sentence: str


class Bars(NamedTuple):
    """Columns of equal length `(rows,)`, contiguous: nanoseconds since 1970 UTC, and float64."""

    timestamp: Nanoseconds
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True)
class SymbolBars:
    """A long table: row i belongs to `symbols[codes[i]]`, or to nobody where the code is -1."""

    symbols: list[str]
    codes: NDArray[np.int32]
    bars: Bars

    def without_nameless_rows(self, skip: bool) -> "tuple[SymbolBars, int]":
        """The rows that have a symbol, and how many have not: `ValueError` for the first of those unless `skip`."""
        nameless = np.flatnonzero(self.codes < 0)
        if not len(nameless):
            return self, 0
        if not skip:
            raise ValueError(f"row {nameless[0]} has no symbol")
        named = self.codes >= 0
        timestamp, *prices = self.bars
        bars = Bars(timestamp[named], *(column[named] for column in prices))
        return SymbolBars(self.symbols, self.codes[named], bars), len(nameless)


def read_bars(data: object, symbol: str, unit: str | None = None) -> Bars:
    """The bars of one symbol in `data`; see `BarStore.load` for what that may be and what is raised."""
    pairs = _pairs(data)
    names = [name for name, _ in pairs if _role(name) != "symbol"]
    try:
        roles = match_columns(names)
    except ValueError as error:
        raise ValueError(f"{symbol}: {error}") from None
    _refuse_several_symbols(pairs, symbol)
    return _bars(dict(pairs), roles, lambda row: f"{symbol}: ", unit)


def _refuse_several_symbols(pairs: Sequence[tuple[str, Any]], symbol: str) -> None:
    """The bars of several symbols, merged, would be bars of none. Codes that are no texts name no symbols."""
    places = [(SPELLINGS["symbol"].index(_spelling(name)), name) for name, _ in pairs if _role(name) == "symbol"]
    if not places:
        return
    name = min(places)[1]  # a ticker comes before an instrument
    values, _ = _distinct(name, dict(pairs)[name], lambda row: f"{symbol}: ")
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) > 1:
        shown = _listed(map(_shown, texts[:3])) + (", ..." if len(texts) > 3 else "")
        raise ValueError(
            f"{symbol}: column {name!r} holds {len(texts)} symbols: {shown}; load_frame takes tables of many"
        )


def read_table(data: object, symbol_column: str | None = None, unit: str | None = None) -> SymbolBars:
    """The bars of many symbols in `data`; see `BarStore.load_frame`."""
    pairs = _pairs(data)
    roles = match_columns([name for name, _ in pairs], symbol_column)
    if "symbol" not in roles:
        raise ValueError(f"no symbol column (names: {_listed(SPELLINGS['symbol'])}); {_found(pairs)}")
    table = dict(pairs)
    symbols, codes = _symbols(roles["symbol"], table[roles["symbol"]])

    def label(row: int) -> str:
        return f"{symbols[codes[row]]}: " if 0 <= row < len(codes) and codes[row] >= 0 else ""

    bars = _bars(table, roles, label, unit)
    if len(codes) != len(bars.timestamp):
        raise ValueError(f"columns differ in length: {roles['symbol']!r} {len(codes)}, others {len(bars.timestamp)}")
    return SymbolBars(symbols, codes, bars)


def match_columns(names: Iterable[str], symbol_column: str | None = None) -> dict[str, str]:
    """Role -> column name, for the roles of `SPELLINGS`; `symbol` only where there is such a column.

    `symbol_column` names that one outright. `ValueError` that lists the columns when a role has none or several.
    """
    names = list(names)
    roles: dict[str, str] = {}
    if symbol_column is not None:
        if symbol_column not in names:
            raise ValueError(f"no column {symbol_column!r}; columns found: {_listed(names)}")
        if names.count(symbol_column) > 1:
            raise ValueError(f"two columns are called {symbol_column!r}; columns found: {_listed(names)}")
        roles["symbol"] = symbol_column
    for name in names:
        role = _role(name)
        if role is None or (symbol_column is not None and (role == "symbol" or name == symbol_column)):
            continue
        if roles.get(role) == name:
            raise ValueError(f"two columns are called {name!r}; columns found: {_listed(names)}")
        if role in roles:
            raise ValueError(f"both {roles[role]!r} and {name!r} are a {role}; columns found: {_listed(names)}")
        roles[role] = name
    missing = [role for role in SPELLINGS if role not in roles and role != "symbol"]
    if missing:
        raise ValueError(f"no column for {_listed(missing)}; columns found: {_listed(names)}")
    return roles


def to_ns(value: object, unit: str | None = None) -> int:
    """Nanoseconds since 1970 UTC of a datetime, date, datetime64, ISO 8601 text or, given `unit`, a whole number.

    What names no zone is UTC. `ValueError` for text that is no time, for whole numbers without a unit of "ns", "us",
    "ms" or "s", and for times before 1677-09-21 or after 2262-04-11; `TypeError` for anything else.
    """
    nanoseconds = _exact_ns(value, unit)
    if not NAT < nanoseconds <= -(NAT + 1):
        raise ValueError(f"{value!s} is out of range: nanoseconds reach from 1677-09-21 to 2262-04-11")
    return nanoseconds


_core.register("to_ns", to_ns)


def _exact_ns(value: object, unit: str | None) -> int:
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        # pandas' Timestamp is a datetime that has nanoseconds besides.
        return (aware - EPOCH) // timedelta(microseconds=1) * 1000 + int(getattr(value, "nanosecond", 0))
    if isinstance(value, date):
        return (value - EPOCH.date()).days * 86_400 * 10**9
    if isinstance(value, np.datetime64):
        return int(_from_datetime64(np.array([value]), "timestamp", lambda row: "")[0])
    if isinstance(value, str):
        return _ns_of_text(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value) * _unit_ns(unit)
    raise TypeError(f"{value!r} is no timestamp but a {type(value).__name__}")


def _ns_of_text(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no ISO 8601 time") from None
    beyond = BEYOND_MICROSECONDS.search(text)  # digits that a datetime has no place for
    return _exact_ns(moment, None) + (int(beyond[1].ljust(3, "0")) if beyond else 0)


def _unit_ns(unit: str | None) -> int:
    if unit is None:
        raise ValueError("a timestamp that is a whole number needs unit=: 'ns', 'us', 'ms' or 's'")
    if unit not in UNITS:
        raise ValueError(f"unit: {unit!r} is none of 'ns', 'us', 'ms', 's'")
    return UNITS[unit]


def _pairs(data: object) -> list[tuple[str, Any]]:
    """Names and columns of a table of any kind, in its order."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        pairs = _pandas_pairs(pandas, data)
    elif hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        pairs = [(name, _of_arrow(column)) for name, column in _core.read_arrow(data)]
    elif isinstance(data, Mapping):
        pairs = [(str(name), column) for name, column in data.items()]
    elif isinstance(data, np.ndarray) and data.dtype.names is not None:
        pairs = [(name, data[name]) for name in data.dtype.names]
    else:
        raise TypeError(
            f"data: a {type(data).__name__} is no table; give an Arrow table, a pandas frame, a mapping of 1-D arrays"
            " or a structured array"
        )
    return pairs


def _of_arrow(column: Any) -> "NDArray[Any] | Texts | Unsupported | Broken":
    if isinstance(column, np.ndarray):  # before the patterns: to them an array may look like a pair
        return column
    match column:
        case str(arrow_format):
            return Unsupported(arrow_format)
        case (int(row), str(sentence)):
            return Broken(row, sentence)
        case (codes, list(values)):
            return Texts(codes, values)
        case (values, missing):
            return np.ma.masked_array(values, missing)
    raise TypeError(f"{type(column).__name__} is no column of the core")


def _pandas_pairs(pandas: Any, frame: Any) -> list[tuple[str, Any]]:
    """The frame's columns, then the levels of its index whose role no column has."""
    pairs = [(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
    taken = {_role(name) for name, _ in pairs}
    for place, name in enumerate(frame.index.names):
        level = frame.index.get_level_values(place)
        is_time = isinstance(level, pandas.DatetimeIndex)
        role = "timestamp" if is_time else _role(str(name))
        if role is not None and role not in taken:
            taken.add(role)
            known_by_name = name is not None and _role(str(name)) == role
            pairs.append((str(name) if known_by_name else role, level.to_series()))
    return pairs


def _role(name: str) -> str | None:
    return ROLE_OF.get(_spelling(name))


def _spelling(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"


def _found(pairs: Sequence[tuple[str, Any]]) -> str:
    return f"columns found: {_listed(name for name, _ in pairs)}"


def _bars(table: Mapping[str, Any], roles: Mapping[str, str], label: Label, unit: str | None) -> Bars:
    if unit is not None:
        _unit_ns(unit)
    timestamp = _nanoseconds(roles["timestamp"], table[roles["timestamp"]], label, unit)
    bars = Bars(timestamp, *(_floats(roles[role], table[roles[role]], label) for role in PRICE_COLUMNS))
    lengths = {roles[role]: len(column) for role, column in zip(bars._fields, bars, strict=True)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{label(0)}columns differ in length: {', '.join(f'{n!r} {k}' for n, k in lengths.items())}")
    if not len(timestamp):
        raise ValueError(f"{label(0)}the table has no rows")
    return bars


def _array(name: str, column: Any, label: Label) -> NDArray[Any]:
    """A column as a 1-D array, masked where numbers are missing; `Texts` are not for this."""
    if isinstance(column, Broken):
        raise ValueError(f"{label(column.row)}{column.sentence}")
    if isinstance(column, Unsupported):
        if column.arrow_format == "b":
            raise TypeError(_all_booleans(name, label))
        fault = f"Arrow type {column.arrow_format!r} is neither number, time nor text"
        raise TypeError(f"{label(0)}column {name!r}: {fault}")
    if type(column).__module__.partition(".")[0] == "pandas" and not isinstance(column.dtype, np.dtype):
        array = _of_extension(sys.modules["pandas"].Series(column))
    elif isinstance(column, list | tuple):
        # As objects: NumPy would turn [1.0, "x"] into text, and the row at fault would be lost.
        array = np.fromiter(column, dtype=object, count=len(column))
    elif np.ma.isMaskedArray(column):
        array = _of_masked(column)
    else:
        array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"{label(0)}column {name!r} has shape {array.shape}; one dimension is needed")
    return array


def _of_masked(column: Any) -> NDArray[Any]:
    if column.dtype.kind == "M":
        return np.asarray(column.filled(np.datetime64("NaT", "ns")))
    missing = np.ma.getmaskarray(column)
    if column.dtype.kind in "iuf" or not missing.any():
        return column if missing.any() else np.asarray(column.data)
    array = np.asarray(column.data).astype(object)
    array[missing] = None
    return array


def _of_extension(column: Any) -> NDArray[Any]:
    """A pandas column whose type NumPy has not got: with a time zone, nullable, categorical, backed by Arrow."""
    if getattr(column.dtype, "tz", None) is not None:
        return np.asarray(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    if column.dtype.kind in "iu":
        whole = column.to_numpy(dtype=np.int64 if column.dtype.kind == "i" else np.uint64, na_value=0)
        return _of_masked(np.ma.masked_array(whole, column.isna().to_numpy(dtype=bool)))
    if column.dtype.kind == "f":
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if column.dtype.kind == "M":
        return np.asarray(column.to_numpy(dtype="datetime64[ns]"))
    return np.asarray(column.to_numpy(dtype=object))


def _is_missing(value: object) -> bool:
    """None, NaN, NaT and pandas' NA: what is not equal to itself, or will not say."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | datetime | np.generic) and bool(value != value)


def _floats(name: str, column: Any, label: Label) -> Floats:
    if isinstance(column, Texts):
        named = np.flatnonzero(column.codes >= 0)
        if len(named):
            row = int(named[0])
            raise ValueError(_no_number(name, row, column.values[column.codes[row]], label))
        return np.full(len(column.codes), np.nan)
    array = _array(name, column, label)
    if array.dtype.kind == "b":
        raise TypeError(_all_booleans(name, label))
    if array.dtype.kind in "iuf":
        return np.ascontiguousarray(np.ma.filled(array.astype(np.float64), np.nan))
    if array.dtype.kind != "O":
        if not len(array):
            return np.empty(0)
        raise ValueError(_no_number(name, 0, array[0], label))
    return _floats_of_objects(name, array, label)


def _floats_of_objects(name: str, array: NDArray[Any], label: Label) -> Floats:
    floats = np.empty(len(array))
    for row, value in enumerate(array):
        if isinstance(value, bool | np.bool_):
            raise TypeError(f"{label(row)}column {name!r}, row {row}: {value} is a boolean and no number")
        if _is_missing(value):
            floats[row] = np.nan
        elif isinstance(value, int | float | Decimal | np.integer | np.floating):
            try:
                floats[row] = float(value)
            except OverflowError:
                raise ValueError(_no_number(name, row, value, label)) from None
        else:
            raise ValueError(_no_number(name, row, value, label))
    return floats


def _all_booleans(name: str, label: Label) -> str:
    return f"{label(-1)}column {name!r} holds booleans and no numbers"


def _no_number(name: str, row: int, value: object, label: Label) -> str:
    return f"{label(row)}column {name!r}, row {row}: {_shown(value)} is no number"


def _shown(value: object) -> str:
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nanoseconds(name: str, column: Any, label: Label, unit: str | None) -> Nanoseconds:
    if isinstance(column, Texts):
        return _from_texts(name, column, label)
    array = _array(name, column, label)
    if array.dtype.kind == "M":
        return _from_datetime64(array, name, label)
    if array.dtype.kind in "iu":
        return _from_integers(array, name, label, unit)
    if array.dtype.kind in "OUS":
        return _from_objects(array, name, label, unit)
    if not len(array):
        return np.empty(0, dtype=np.int64)
    raise ValueError(_no_time(name, 0, label, f"{_shown(array[0])} is no timestamp but a {array.dtype}"))


def _no_time(name: str, row: int, label: Label, fault: object) -> str:
    return f"{label(row)}column {name!r}, row {row}: {fault}"


def _from_datetime64(array: NDArray[Any], name: str, label: Label) -> Nanoseconds:
    nanoseconds = array.astype("M8[ns]")
    # A time of a coarser unit that does not fit wraps around and does not come back; a finer one is cut off and fits.
    coarser = np.datetime_data(array.dtype)[0] not in ("ns", "ps", "fs", "as", "generic")
    wrong = (nanoseconds.astype(array.dtype) != array) & ~np.isnat(array)
    if coarser and wrong.any():
        row = int(np.argmax(wrong))
        fault = f"{array[row]} is out of range: nanoseconds reach from 1677-09-21 to 2262-04-11"
        raise ValueError(_no_time(name, row, label, fault))
    return np.ascontiguousarray(nanoseconds.view(np.int64))


def _from_integers(array: NDArray[Any], name: str, label: Label, unit: str | None) -> Nanoseconds:
    try:
        factor = _unit_ns(unit)
    except ValueError as error:
        raise ValueError(f"{label(0)}column {name!r}: {error}") from None
    limit = -(NAT + 1) // factor
    whole = np.ma.filled(array, 0)
    wrong = (whole > limit) | (whole < -limit)
    if wrong.any():
        row = int(np.argmax(wrong))
        fault = f"{whole[row]} {unit} is out of range: nanoseconds reach from 1677-09-21 to 2262-04-11"
        raise ValueError(_no_time(name, row, label, fault))
    return np.ascontiguousarray(np.where(np.ma.getmaskarray(array), NAT, whole.astype(np.int64) * factor))


def _from_objects(array: NDArray[Any], name: str, label: Label, unit: str | None) -> Nanoseconds:
    nanoseconds = np.empty(len(array), dtype=np.int64)
    for row, value in enumerate(array):
        if _is_missing(value):
            nanoseconds[row] = NAT
            continue
        try:
            nanoseconds[row] = to_ns(value.decode() if isinstance(value, bytes) else value, unit)
        except (TypeError, ValueError) as error:
            raise ValueError(_no_time(name, row, label, error)) from None
    return nanoseconds


def _from_texts(name: str, column: Texts, label: Label) -> Nanoseconds:
    """Each distinct text is read once. The last place is for null, whose code is -1."""
    of_code = np.full(len(column.values) + 1, NAT, dtype=np.int64)
    for code, text in enumerate(column.values):
        try:
            of_code[code] = to_ns(text)
        except ValueError as error:
            row = int(np.argmax(column.codes == code))
            raise ValueError(_no_time(name, row, label, error)) from None
    return of_code[column.codes]


def _symbols(name: str, column: Any) -> tuple[list[str], NDArray[np.int32]]:
    """Distinct symbols in the order of their coming, and each row's index into them; -1 where a row names none."""
    values, codes = _distinct(name, column, lambda row: "")
    for code, value in enumerate(values):
        if not isinstance(value, str):
            row = int(np.argmax(codes == code))
            raise ValueError(f"column {name!r}, row {row}: {_shown(value)} is no text")
    return [str(value) for value in values], codes


def _distinct(name: str, column: Any, label: Label) -> tuple[list[Any], NDArray[np.int32]]:
    if isinstance(column, Texts):
        return column.values, column.codes
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(column, pandas.Series):
        codes, distinct = pandas.factorize(column)
        return list(distinct), np.asarray(codes, dtype=np.int32)
    places: dict[Any, int] = {}
    rows = _array(name, column, label).tolist()
    codes = [-1 if _is_missing(row) else places.setdefault(row, len(places)) for row in rows]
    return list(places), np.asarray(codes, dtype=np.int32)
