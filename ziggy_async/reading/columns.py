"""Tables of bars in any of the shapes that callers have, as the plain columns that the core takes.

A table becomes pairs of name and column (`tables`), names become roles by one table of `spellings`, and the columns
that are needed become int64 nanoseconds or float64 (`values`). What a figure has to be is the core's to check: missing
values pass through as NaN, missing times as NaT, and are refused there by row.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import shown
from ziggy_async.reading.spellings import PRICE_COLUMNS, SPELLINGS, listed, match_columns, role_of, spelling_of
from ziggy_async.reading.tables import Texts, pairs_of
from ziggy_async.reading.timestamps import is_missing, unit_ns
from ziggy_async.reading.values import Floats, Nanoseconds, Reader


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


def read_bars(data: object, symbol: str, unit: str | None = None, skip: bool = False) -> Bars:
    """The bars of one symbol in `data`; see `BarStore.load` for what that may be and what is raised."""
    pairs = pairs_of(data)
    names = [name for name, _ in pairs if role_of(name) != "symbol"]
    try:
        roles = match_columns(names)
    except ValueError as error:
        raise ValueError(f"{symbol}: {error}") from None
    _refuse_several_symbols(pairs, symbol)
    return _bars(dict(pairs), roles, Reader(lambda row: f"{symbol}: ", unit, skip))


def _refuse_several_symbols(pairs: Sequence[tuple[str, Any]], symbol: str) -> None:
    """The bars of several symbols, merged, would be bars of none. Codes that are no texts name no symbols."""
    places = [(SPELLINGS["symbol"].index(spelling_of(name)), name) for name, _ in pairs if role_of(name) == "symbol"]
    if not places:
        return
    name = min(places)[1]  # a ticker comes before an instrument
    values, _ = distinct(name, dict(pairs)[name], Reader(lambda row: f"{symbol}: "))
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) > 1:
        some = listed(map(shown, texts[:3])) + (", ..." if len(texts) > 3 else "")
        raise ValueError(
            f"{symbol}: column {name!r} holds {len(texts)} symbols: {some}; load_frame takes tables of many"
        )


def read_table(
    data: object, symbol_column: str | None = None, unit: str | None = None, skip: bool = False
) -> SymbolBars:
    """The bars of many symbols in `data`; see `BarStore.load_frame`."""
    pairs = pairs_of(data, symbol_column)
    names = [name for name, _ in pairs]
    roles = match_columns(names, symbol_column)
    if "symbol" not in roles:
        raise ValueError(f"no symbol column (names: {listed(SPELLINGS['symbol'])}); columns found: {listed(names)}")
    table = dict(pairs)
    symbols, codes = _symbols(roles["symbol"], table[roles["symbol"]], skip)

    def label(row: int) -> str:
        return f"{symbols[codes[row]]}: " if 0 <= row < len(codes) and codes[row] >= 0 else ""

    bars = _bars(table, roles, Reader(label, unit, skip))
    if len(codes) != len(bars.timestamp):
        raise ValueError(f"columns differ in length: {roles['symbol']!r} {len(codes)}, others {len(bars.timestamp)}")
    return SymbolBars(symbols, codes, bars)


def _bars(table: Mapping[str, Any], roles: Mapping[str, str], reader: Reader) -> Bars:
    if reader.unit is not None:
        unit_ns(reader.unit, None)
    timestamp = reader.nanoseconds(roles["timestamp"], table[roles["timestamp"]])
    bars = Bars(timestamp, *(reader.floats(roles[role], table[roles[role]]) for role in PRICE_COLUMNS))
    lengths = {roles[role]: len(column) for role, column in zip(bars._fields, bars, strict=True)}
    if len(set(lengths.values())) > 1:
        differing = ", ".join(f"{name!r} {length}" for name, length in lengths.items())
        raise ValueError(f"{reader.label(0)}columns differ in length: {differing}")
    if not len(timestamp):
        raise ValueError(f"{reader.label(0)}the table has no rows")
    return bars


def _symbols(name: str, column: Any, skip: bool) -> tuple[list[str], NDArray[np.int32]]:
    """Distinct symbols in the order of their coming, and each row's index into them; -1 where a row names none."""
    values, codes = distinct(name, column, Reader(lambda row: "", skip=skip))
    usable = [_is_symbol(value) for value in values]
    if all(usable):
        return [str(value) for value in values], codes
    if not (skip and any(usable)):
        code = usable.index(False)
        row = int(np.argmax(codes == code))
        fault = "is no symbol" if isinstance(values[code], str) else "is no text"
        raise ValueError(f"column {name!r}, row {row}: {shown(values[code])} {fault}")
    places = np.where(usable, np.cumsum(usable) - 1, -1)
    symbols = [str(value) for value, is_usable in zip(values, usable, strict=True) if is_usable]
    return symbols, np.append(places, -1)[codes].astype(np.int32)


def _is_symbol(value: object) -> bool:
    """Whether it is a text that is not empty, and that UTF-8 has characters for."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def distinct(name: str, column: Any, reader: Reader) -> tuple[list[Any], NDArray[np.int32]]:
    """The distinct values of a column, and each row's index into them, -1 where it is missing."""
    if isinstance(column, Texts):
        return column.values, column.codes
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(column, pandas.Series):
        codes, found = pandas.factorize(column)
        return list(found), np.asarray(codes, dtype=np.int32)
    places: dict[Any, int] = {}
    rows = reader.array(name, column).tolist()
    codes = [-1 if is_missing(row) else places.setdefault(row, len(places)) for row in rows]
    return list(places), np.asarray(codes, dtype=np.int32)
