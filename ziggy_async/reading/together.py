"""Files that have been read, into a store: where a reader finds their rows, which values are none, and who may have
bars of one symbol."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

from ziggy_async.messages import printable
from ziggy_async.reading.beside import LENGTHS
from ziggy_async.reading.columns import SymbolBars
from ziggy_async.reading.epochs import NAT, iso_of
from ziggy_async.reading.faults import errors_named, one_line
from ziggy_async.reading.headers import Header
from ziggy_async.reading.options import Rules, advice_on_row, placed, row_of
from ziggy_async.reading.paths import DataFile, DataFileError
from ziggy_async.reading.scans import refuse_other_header
from ziggy_async.reading.spellings import PRICE_COLUMNS, spelling_of
from ziggy_async.reading.sql import Columns
from ziggy_async.reading.tables import Texts
from ziggy_async.reading.texts import Source, line_of


class Loader(Protocol):
    """The part of a `BarStore` that this module uses."""

    def _load_table(self, table: SymbolBars, rules: Rules) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class Table:
    """An open file. `columns` are those that matter with the values as they stand in the file, and `row`, counted from
    0."""

    file: DataFile
    origin: Source
    header: Header | None  # of a CSV file; None: Parquet
    columns: Columns
    has_symbols: bool
    is_side_by_side: bool  # several tickers share a row

    def place_of_bar(self, at: int) -> str:
        """Returns where a reader finds bar `at` of the file: tickers that stand side by side share rows."""
        if self.is_side_by_side:
            query = f"SELECT row FROM {self.columns.source} LIMIT 1 OFFSET {at}"
            (at,) = self.columns.first_row(query) or (at,)
        return self.place(at)

    def place(self, row: int) -> str:
        """Returns where a reader finds `row`."""
        return place_of(self.origin, self.header, row)


def place_of(origin: Source, header: Header | None, row: int) -> str:
    """Returns where a reader finds a row of a file; `header`: of a CSV file."""
    line = None if header is None else line_of(origin, header.delimiter, header.skipped, row)
    return f"row {row + 1}" if line is None else f"line {line}"


def may_have_header(column: Any) -> bool:
    """Returns whether a column of figures has a text without a digit, as one of names of columns is."""
    return isinstance(column, Texts) and not all(map(re.compile(r"\d").search, column.values))


def refuse_untyped(table: Table, rules: Rules) -> None:
    """Raises for the first row in which a value is missing or not of its column's type; where such rows are skipped,
    for a column that has nothing else."""
    columns = table.columns
    roles = ["symbol", "timestamp", *(("time",) if "time" in columns.types else ()), *PRICE_COLUMNS]
    refuse_other_header(columns, () if table.header is None else table.header.names, table.place, rules.skip)
    if rules.skip:
        empty = ", ".join(f"bool_and({role} IS NULL)" for role in roles)
        is_empty = columns.first_row(f"SELECT {empty} FROM {columns.typed}") or ()
        roles = [role for role, is_all in zip(roles, is_empty, strict=True) if is_all]
        if not roles:
            return
    missing = ", ".join(f"{role} IS NULL" for role in roles)
    found = columns.first_row(
        f"SELECT row, symbol, [{missing}] AS missing FROM {columns.typed}"
        " WHERE list_contains(missing, true) ORDER BY row LIMIT 1"
    )
    if found is None:
        return
    row, symbol, is_missing = found
    role = roles[is_missing.index(True)]
    value = None
    if role in columns.types:
        query = f"SELECT CAST({role} AS VARCHAR) FROM {columns.source} WHERE row = {row}"
        (value,) = columns.first_row(query) or (None,)
    owner = f"{printable(symbol)}, " if symbol is not None else ""  # as the store says it
    fault = columns.fault(role, value)
    (is_all,) = columns.first_row(f"SELECT bool_and({role} IS NULL) FROM {columns.typed}") or (True,)
    advice = advice_on_row(fault, role == "volume", not (rules.skip or is_all))
    raise ValueError(f"{owner}{table.place(row)}: {fault}{advice}")


class FileBars(NamedTuple):
    """A file and its bars."""

    table: Table
    bars: SymbolBars
    left_out: int = 0
    """Rows of another length than the names'."""


def refuse_same_name(read: Sequence[FileBars]) -> None:
    """Two files without a symbol column cannot both be the bars of one symbol, unless they are parts of them."""
    owners: dict[str, DataFile] = {}
    for table, bars, _ in read:
        if table.has_symbols or table.file.is_part:
            continue
        (symbol,) = bars.symbols
        if symbol in owners and not table.file.is_part_of(owners[symbol]):
            files = f"{table.file}: would be {symbol}, like {owners[symbol]}"
            raise DataFileError(f"{files}; say whose bars they are with SYMBOL=path")
        owners[symbol] = table.file


def refuse_other_kind(read: Sequence[FileBars]) -> None:
    """Raises for bars of one symbol in partitions that differ in the lengths of bars, as interval=1d and interval=1h
    do, or in something else than dates, and whose times overlap."""
    if len({each.table.file.kind() for each in read}) < 2:
        return
    spans: dict[str, dict[tuple[str, ...], tuple[int, int, DataFile]]] = {}
    for table, bars, _ in read:
        for symbol, first, last in _spans(bars):
            known = spans.setdefault(symbol, {})
            before, after, file = known.get(table.file.kind(), (first, last, table.file))
            known[table.file.kind()] = min(first, before), max(last, after), file
    for symbol, of_kinds in spans.items():
        ordered = sorted(of_kinds.items(), key=lambda item: item[1][0])
        for (kind, (_, end, file)), (other_kind, (begin, _, other)) in pairwise(ordered):
            keys = {spelling_of(part.partition("=")[0]) for part in {*kind} ^ {*other_kind}}
            said = f"{file} and {other}: both have bars of {symbol}"
            if begin <= end:
                said += f" from {iso_of(begin)} on, in partitions that differ"
                raise DataFileError(f"{said}: read one at a time")
            if not keys.isdisjoint(LENGTHS):
                raise DataFileError(f"{said}, in partitions of several lengths: read one at a time")


def _spans(bars: SymbolBars) -> Iterator[tuple[str, int, int]]:
    """Yields each symbol with its first and its last time."""
    times = np.asarray(bars.bars.timestamp)
    known = np.flatnonzero((bars.codes >= 0) & (times != NAT))
    known = known[np.lexsort((times[known], bars.codes[known]))]
    codes = bars.codes[known]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(starts[1:], len(codes)) - 1
    for start, end in zip(starts, ends, strict=len(codes) > 0):
        yield bars.symbols[codes[start]], int(times[known[start]]), int(times[known[end]])


def load_together(store: Loader, read: Sequence[FileBars], rules: Rules) -> dict[str, int]:
    """Files into `store`, as one table; a refused row is named by its place in its file."""
    bars = SymbolBars.joined([each.bars for each in read])
    if rules.skip:  # else the store refuses the second bar of a time
        refuse_overlap(read, bars)
    with errors_named(", ".join(str(each.table.file) for each in read)):
        try:
            return store._load_table(bars, rules)
        except ValueError as error:
            refuse_overlap(read, bars)
            row = row_of(error)
            if row is None:
                raise
            ends = np.cumsum([len(each.bars.codes) for each in read])
            at = int(np.searchsorted(ends, row, side="right"))
            table, first = read[at].table, int(ends[at]) - len(read[at].bars.codes)
            text = _as_written(table, placed(error, lambda row: table.place_of_bar(row - first)), row - first)
            raise DataFileError(f"{table.file}: {one_line(text)}") from error


def _as_written(table: Table, text: str, at: int) -> str:
    """Returns the sentence on bar `at` with the number that the file has for one that is larger than any float64."""
    if (found := re.search(r" (\w+) -?inf is ", text)) is None:
        return text
    role = found[1]
    (written,) = table.columns.first_row(f"SELECT {role} FROM {table.columns.source} LIMIT 1 OFFSET {at}") or ("inf",)
    return text.replace(found[0], f" {role} {written} is ")


def refuse_overlap(read: Sequence[FileBars], bars: SymbolBars) -> None:
    """Raises for the first bar that two of the files have; `bars` are those of all."""
    if len(read) == 1:
        return
    files = np.repeat(np.arange(len(read)), [len(each.bars.codes) for each in read])
    places = np.argsort(np.argsort(bars.symbols))
    timestamps = np.asarray(bars.bars.timestamp)
    known = np.flatnonzero((bars.codes >= 0) & (timestamps != NAT))
    owners, times = places[bars.codes[known]], timestamps[known]
    order = np.lexsort((files[known], times, owners))
    owners, times, files = owners[order], times[order], files[known][order]
    is_double = (np.diff(owners) == 0) & (np.diff(times) == 0) & (np.diff(files) != 0)
    if not is_double.any():
        return
    at = int(np.argmax(is_double))
    symbol = sorted(bars.symbols)[owners[at]]
    both = [read[files[at]].table, read[files[at + 1]].table]
    advice = f"leave one of the two out, or the bars of {symbol} out of one"
    nameless = [table.file for table in both if not table.has_symbols and table.file.symbol is None]
    if nameless:
        advice += f", or say whose bars {nameless[0]} has with SYMBOL=path"
    names = " and ".join(str(table.file) for table in both)
    raise DataFileError(f"{names}: both have the bar of {symbol} at {iso_of(int(times[at]))}; {advice}")
