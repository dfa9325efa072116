"""Tables of bars in any of the shapes that callers have, as the plain columns that the core takes.

A table becomes pairs of name and column (`tables`), names become roles by one table of `spellings`, and the columns
that are needed become int64 nanoseconds or float64 (`values`). The core checks the figures: missing values pass through
as NaN, missing times as NaT, and are refused there by row.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import kind_of, printable, shortened, shown
from ziggy_async.reading import frames
from ziggy_async.reading.beside import HEAD, WHOLE_DAY, refuse_beside, with_day, with_zone
from ziggy_async.reading.chunked import Chunked
from ziggy_async.reading.clocks import date_text, time_text
from ziggy_async.reading.date_parts import date_of, names_with_date, parts_of_date
from ziggy_async.reading.epoch_and_date import times_of_both
from ziggy_async.reading.options import PLAIN, Rules
from ziggy_async.reading.pieces import each, factorized
from ziggy_async.reading.roles import match_columns, traded_beside_ticks
from ziggy_async.reading.spellings import (
    DATE_OF_PARTS,
    FURTHER,
    PRICE_COLUMNS,
    SPELLINGS,
    listed,
    place_of,
    role_of,
    unique,
)
from ziggy_async.reading.tables import Pairs, Texts, Unsupported, failures_named, head_of, is_list, pairs_of, values_of
from ziggy_async.reading.timestamps import as_whole, is_missing
from ziggy_async.reading.values import MOMENT, Floats, Nanoseconds, Reader

LONGEST_SYMBOL = 200
"""Characters of a symbol that a message shows."""


class Bars(NamedTuple):
    """Columns of equal length `(rows,)`: nanoseconds since 1970 UTC, and float64."""

    timestamp: Nanoseconds
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    further: NDArray[np.float64]
    """The further columns of the store, `(columns, rows)`."""


@dataclass(frozen=True)
class SymbolBars:
    """A long table: row i belongs to `symbols[codes[i]]`, or to nobody where the code is -1."""

    symbols: list[str]
    codes: NDArray[np.int32]
    bars: Bars

    @classmethod
    def joined(cls, parts: "Sequence[SymbolBars]") -> "SymbolBars":
        """Returns the rows of all parts, one below the other."""
        if len(parts) == 1:
            return parts[0]
        places = {symbol: 0 for part in parts for symbol in part.symbols}
        places = {symbol: at for at, symbol in enumerate(places)}
        codes = [np.array([*map(places.__getitem__, part.symbols), -1], dtype=np.int32)[part.codes] for part in parts]
        *columns, further = zip(*(part.bars for part in parts), strict=True)
        bars = Bars._make((*map(Chunked.joined, columns), np.concatenate(further, axis=-1)))
        return cls(list(places), np.concatenate(codes), bars)

    def without_nameless_rows(self, skip: bool) -> "tuple[SymbolBars, int]":
        """Returns the rows with a symbol, and how many have none. Raises `ValueError` for the first of those unless
        `skip`."""
        nameless = np.flatnonzero(self.codes < 0)
        if not len(nameless):
            return self, 0
        if not skip:
            raise ValueError(f"row {nameless[0]} has no symbol")
        named = self.codes >= 0
        bars = Bars._make(np.asarray(column)[..., named] for column in self.bars)
        return SymbolBars(self.symbols, self.codes[named], bars), len(nameless)


FLOAT64, INT64 = np.dtype(np.float64), np.dtype(np.int64)


def read_bars(data: object, symbol: str, rules: Rules = PLAIN) -> Bars:
    """Returns the bars of one symbol in `data`; see `BarStore.load` for what that may be and what is raised."""
    bars = _ready_bars(data) if type(data) is dict and rules is PLAIN else None
    if bars is not None:
        return bars
    name = shortened(symbol, LONGEST_SYMBOL) if isinstance(symbol, str) else shown(symbol)
    try:
        with failures_named():
            pairs = _named_apart(pairs_of(data, columns=rules.columns, symbol=symbol, further=rules.further))
            pairs = _dated(pairs, rules)
        chosen = {role: column for role, column in (rules.columns or {}).items() if role != "symbol"}
        names = [each for each, _ in pairs if role_of(each) != "symbol"]
        roles = _roles(dict(pairs), names, replace(rules, columns=chosen))
    except ValueError as error:
        raise ValueError(f"{printable(name)}: {error}") from None
    _refuse_other_symbols(pairs, name, roles.get("symbol"))
    return _bars(dict(pairs), roles, Reader(lambda row: f"{printable(name)}: ", rules, is_bare=is_list(data)))


def refuse_row(data: object, symbol: str | None, error: ValueError) -> None:
    """Raises an error about a row of `data` anew, where the caller has another number for it."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        frames.refuse_row(pandas, data, symbol, error)


def _ready_bars(data: dict[Any, Any]) -> Bars | None:
    """Returns the bars of a dict of arrays that the core takes as they are; None for any other one, which may have
    faults."""
    names = _ready_names(tuple(data))
    if names is None:
        return None
    stamps, *figures = [data[name] for name in names]
    if type(stamps) is not np.ndarray or stamps.ndim != 1 or stamps.dtype != MOMENT or not len(stamps):
        return None
    shape = stamps.shape
    for figure in figures:
        if type(figure) is not np.ndarray or figure.dtype is not FLOAT64 or figure.shape != shape:
            return None
    return Bars._make((stamps.view(INT64), *figures, _none_further(len(stamps))))


@lru_cache(maxsize=64)
def _none_further(rows: int) -> NDArray[np.float64]:
    """Returns the further columns of a store that has none."""
    return np.empty((0, rows))


@lru_cache(maxsize=256)
def _ready_names(names: tuple[object, ...]) -> tuple[str, ...] | None:
    """Returns the names of a bar's columns, in their order, if names alone decide; None if not."""
    texts = [name for name in names if type(name) is str]
    if len(texts) < len(names) or any(role_of(name) == "symbol" for name in texts) or traded_beside_ticks(texts):
        return None
    try:
        roles = match_columns(texts)
    except ValueError:
        return None
    has_others = any(role_of(name) is None for name in texts)  # of which the values have to be looked at
    return (
        None
        if roles.keys() & {"time", "epoch"} or has_others
        else tuple(roles[role] for role in ("timestamp", *PRICE_COLUMNS))
    )


def _named_apart(pairs: Pairs) -> Pairs:
    """Returns the columns, of which a second one of a name is called by its position too."""
    return list(zip(unique(name for name, _ in pairs), (column for _, column in pairs), strict=True))


def _dated(pairs: Pairs, rules: Rules) -> Pairs:
    """Returns the columns with a date for its parts, if they have any."""
    table = dict(pairs)
    parts = parts_of_date([*table], rules.columns or {}, ValuesOfTable(table))
    if not parts:
        return pairs
    table[DATE_OF_PARTS] = date_of(parts, lambda part: READER.texts(part, table[part], time_text))
    return [(name, table[name]) for name in names_with_date([name for name, _ in pairs], parts)]


def _roles(
    table: Mapping[str, Any], names: list[str], rules: Rules, symbol_column: str | None = None
) -> dict[str, str]:
    values, chosen = ValuesOfTable(table), rules.columns or {}
    roles = with_day(match_columns(names, rules, values, symbol_column), names, chosen, values)
    roles = with_zone(roles, names, chosen, values)
    refuse_beside(roles, names, chosen, values)
    return roles


class ValuesOfTable(NamedTuple):
    """See `beside.Values`."""

    table: Mapping[str, Any]

    def head(self, name: str) -> list[Any]:
        column = self.table[name]
        return (column.values(HEAD) or []) if isinstance(column, Unsupported) else head_of(column, HEAD)

    def heads(self, names: Sequence[str]) -> dict[str, list[Any]]:
        return {name: self.head(name) for name in names}

    def every(self, name: str) -> list[Any]:
        column = self.table[name]
        return (column.values() or []) if isinstance(column, Unsupported) else values_of(column)

    def distinct(self, name: str) -> list[Any]:
        column = self.table[name]
        column = (column.values() or []) if isinstance(column, Unsupported) else column
        return distinct(name, column, READER)[0]

    def has_figures(self, name: str) -> bool:
        figures = READER.floats(name, self.table[name])
        return bool((np.asarray(figures) > 0).any())

    def unlike(self, name: str, other: str, most: int | None) -> list[tuple[Any, Any]]:
        pairs = zip(self.every(name), self.every(other), strict=False)
        unlike = (pair for pair in each(pairs) if not any(map(is_missing, pair)) and str(pair[0]) != str(pair[1]))
        return list(islice(unlike, most))

    def are_in(self, moments: str, days: str) -> bool:
        known = ""
        for day, moment in each(zip(self.every(days), self.every(moments), strict=False)):
            if is_missing(day) or is_missing(moment):
                continue
            text = day.strip() if isinstance(day, str) else date_text(day) or ""
            if (text != known and not re.fullmatch(WHOLE_DAY, text)) or not str(moment).startswith(text):
                return False
            known = text
        return True


READER = Reader(lambda row: "")


def _refuse_other_symbols(pairs: Sequence[tuple[str, Any]], symbol: str, named: str | None) -> None:
    """The bars of several symbols, merged, would be bars of none, and those of another one are not those of `symbol`.
    `named`: the column of them, None: by its name."""
    ranks = [(place_of(name)[1], at) for at, (name, _) in enumerate(pairs) if role_of(name) == "symbol"]
    ranks += [(-1, at) for at, (name, _) in enumerate(pairs) if name == named]
    if not ranks:
        return
    name, column = pairs[min(ranks)[1]]
    values, _ = distinct(name, column, Reader(lambda row: f"{printable(symbol)}: ", PLAIN))
    names = [value for value in values if isinstance(value, str) or as_whole(value) is not None]
    if len(names) > 1:
        some = listed(map(shown, names[:3])) + (", ..." if len(names) > 3 else "")
        raise ValueError(
            f"{printable(symbol)}: column {name!r} holds {len(names)} symbols: {some}; load_frame takes tables of many"
        )
    texts = [each for each in names if isinstance(each, str)]  # a number is the code of somebody
    if min(ranks)[0] <= 0 and not all(_may_be_same(other, symbol) for other in texts):
        raise ValueError(
            f"{printable(symbol)}: column {name!r} says that the bars are those of {shown(names[0])}: load_frame takes"
            " them as such; without that column they are those of any symbol"
        )


def _may_be_same(name: str, symbol: str) -> bool:
    """Returns whether two names may be of one symbol, as "SPY" and "SPY.US", in any case: all words of one are in the
    other, of which numbers may have lost their leading zeros."""
    words, others = ({word.lstrip("0") for word in re.split(r"[\W_]+", each.casefold())} for each in (name, symbol))
    return (
        words <= others
        or others <= words
        or "".join(filter(str.isalnum, name.casefold())) == "".join(filter(str.isalnum, symbol.casefold()))
    )


def read_table(data: object, symbol_column: str | None = None, rules: Rules = PLAIN) -> SymbolBars:
    """Returns the bars of many symbols in `data`; see `BarStore.load_frame`."""
    if not isinstance(symbol_column, str | None):
        raise TypeError(f"symbol_column: {shown(symbol_column)} is {kind_of(symbol_column)} and no name of a column")
    with failures_named():
        pairs = _named_apart(pairs_of(data, symbol_column, rules.columns, further=rules.further))
        pairs = _dated(pairs, rules)
    names = [name for name, _ in pairs]
    table = dict(pairs)
    roles = _roles(table, names, rules, symbol_column)
    if "symbol" not in roles:
        known = listed(SPELLINGS["symbol"][0])
        advice = "symbol_column=NAME names one, load(SYMBOL, ...) takes the bars of one symbol"
        raise ValueError(f"no symbol column (names: {known}): {advice}; columns found: {listed(names)}")
    return bars_of(table, roles, rules, is_list(data))


def bars_of(
    table: Mapping[str, Any],
    roles: Mapping[str, str],
    rules: Rules,
    is_bare: bool = False,
    beside: Callable[[], Iterable[str | None]] = tuple,
) -> SymbolBars:
    """Returns the same of columns by name, of which `roles`, role -> name, are known. `is_bare` and `beside`: see
    `Reader`."""
    symbols, codes = _symbols(roles["symbol"], table[roles["symbol"]], rules)

    def label(row: int) -> str:
        is_known = 0 <= row < len(codes) and codes[row] >= 0
        return f"{shortened(symbols[codes[row]], LONGEST_SYMBOL)}: " if is_known else ""

    length = len(codes)
    owners = codes if len(symbols) > 1 else None
    bars = _bars(table, roles, Reader(label, rules, owners, is_bare=is_bare, beside=beside))
    if length != len(bars.timestamp):
        raise ValueError(f"columns differ in length: {roles['symbol']!r} {length}, others {len(bars.timestamp)}")
    return SymbolBars(symbols, codes, bars)


def _bars(table: Mapping[str, Any], roles: Mapping[str, str], reader: Reader) -> Bars:
    name = roles["timestamp"]
    if "time" in roles:
        timestamp = reader.joined((name, table[name]), (roles["time"], table[roles["time"]]))
    else:
        timestamp = reader.nanoseconds(name, table[name])
    if "zone" in roles:
        (zone,) = {str(zone).strip() for zone in ValuesOfTable(table).distinct(roles["zone"])} - {""}
        timestamp = reader.localized(name, timestamp, zone)
    if "epoch" in roles:
        timestamp = times_of_both(reader, (name, timestamp), (roles["epoch"], table[roles["epoch"]]))
    present = [role for role in PRICE_COLUMNS if role in roles]
    figures = reader.numbers({role: (roles[role], table[roles[role]]) for role in present})
    further = {name: reader.strict.floats(name, table[name]) for name in _further_columns(roles, reader.rules)}
    lengths = {name: len(timestamp), **{roles[role]: len(figures[role]) for role in present}}
    lengths |= {name: len(column) for name, column in further.items()}
    if len(set(lengths.values())) > 1:
        differing = ", ".join(f"{each!r} {length}" for each, length in lengths.items())
        raise ValueError(f"{reader.label(0)}columns differ in length: {differing}; every row needs one of each")
    if not len(timestamp):
        raise ValueError(f"{reader.label(0)}the table has no rows")
    volume = figures.get("volume", np.zeros(len(timestamp)))
    beside = np.empty((len(further), len(timestamp)))
    for row, column in zip(beside, further.values(), strict=True):
        row[:] = column
    return Bars(timestamp, figures["open"], figures["high"], figures["low"], figures["close"], volume, beside)


def _further_columns(roles: Mapping[str, str], rules: Rules) -> list[str]:
    """Returns the table's names of the further columns of the store."""
    return [roles[FURTHER.format(at)] for at in range(len(rules.further))]


def _symbols(name: str, column: Any, rules: Rules) -> tuple[list[str], NDArray[np.int32]]:
    """Returns the distinct symbols in the order of their coming, and each row's index into them; -1 where a row names
    none."""
    values, codes = _stripped(*distinct(name, column, Reader(lambda row: "", rules)))
    usable = [_is_symbol(value) for value in each(values)]
    if all(usable) or all(isinstance(value, int | np.integer) and not isinstance(value, bool) for value in values):
        return [str(value) for value in values], codes
    if not (rules.skip and any(usable)):
        code = usable.index(False)
        row = int(np.argmax(codes == code))
        fault = "is not a symbol" if isinstance(values[code], str) else "is not text"
        raise ValueError(f"column {name!r}, row {row}: {shown(values[code])} {fault}")
    places = np.where(usable, np.cumsum(usable) - 1, -1)
    symbols = [str(value) for value, is_usable in zip(values, usable, strict=True) if is_usable]
    return symbols, np.append(places, -1)[codes].astype(np.int32)


def _stripped(values: list[Any], codes: NDArray[np.int32]) -> tuple[list[Any], NDArray[np.int32]]:
    """Returns the same with texts that have no blanks around them."""
    texts = [value.strip() if isinstance(value, str) else value for value in each(values)]
    if texts == values:
        return values, codes
    distinct_texts, of_code = factorized(texts)
    return distinct_texts, np.append(of_code, np.int32(-1))[codes]


def _is_symbol(value: object) -> bool:
    """Returns whether it is a text that is not empty, and that UTF-8 has characters for."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def distinct(name: str, column: Any, reader: Reader) -> tuple[list[Any], NDArray[np.int32]]:
    """Returns the distinct values of a column, and each row's index into them, -1 where it is missing."""
    if isinstance(column, Texts):
        return column.values, column.codes
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(column, pandas.Series):
        codes, found = pandas.factorize(column)
        return list(found), np.asarray(codes, dtype=np.int32)
    return factorized(reader.array(name, column))
