"""Bars out of CSV and Parquet files, read by DuckDB (the extra `data`).

Every error is a `DataFileError`: one sentence that begins with the file's name. Rows are named as a reader finds them:
the line of a CSV file, the row of a Parquet file counted from 1.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ziggy_async.duckdb_thread import Connection, with_connection
from ziggy_async.messages import printable
from ziggy_async.reading.alike import MOST_ALIKE, MOST_BYTES, are_alike, first_text, may_be_of_group, parts_of, types_of
from ziggy_async.reading.beside import Values, refuse_beside, with_day, with_zone
from ziggy_async.reading.casts import declared_values, may_have_points, says_order, typed_values, with_owner
from ziggy_async.reading.columns import ValuesOfTable, bars_of
from ziggy_async.reading.cut_ends import refuse_cut_end
from ziggy_async.reading.date_parts import names_with_date, parts_of_date
from ziggy_async.reading.faults import (
    COMMENT,
    NO_UNICODE,
    OTHER_LENGTH,
    errors_named,
    first_sentences,
)
from ziggy_async.reading.headers import HEAD, LONGEST_HEADER, Header, header_of, levels_of
from ziggy_async.reading.options import Rules, Skipped, placed
from ziggy_async.reading.packed import GET_WHOLE
from ziggy_async.reading.paths import DataFile, DataFileError
from ziggy_async.reading.roles import match_columns
from ziggy_async.reading.scans import (
    PATH,
    ROW,
    Scan,
    contradiction,
    csv_scan,
    dated,
    day_beside,
    is_own,
    others_of,
    owner_of,
    parquet_scan,
    refuse_merged,
    refuse_other_owner,
    remark_other_day,
    selected,
    without_descriptions,
)
from ziggy_async.reading.spellings import PRICE_COLUMNS, of_role, role_of
from ziggy_async.reading.sql import Columns, RowError, literal, quoted, selection
from ziggy_async.reading.tables import lacks_values, rows_of
from ziggy_async.reading.texts import (
    Source,
    has_lines,
    has_underscored_numbers,
    lines_of,
    named_in_utf8,
    not_utf8,
    opened_source,
    refuse_open_quote,
    remarks_above,
    with_one_line_end,
    without_end,
    without_first_lines,
    without_other_rows,
)
from ziggy_async.reading.together import (
    FileBars,
    Loader,
    Table,
    load_together,
    may_have_header,
    place_of,
    refuse_other_kind,
    refuse_same_name,
    refuse_untyped,
)

if TYPE_CHECKING:
    import duckdb

SETTINGS = "SET TimeZone = 'UTC'; SET enable_progress_bar = true; SET enable_progress_bar_print = false"
TYPE_PUSHDOWN = "SELECT name FROM duckdb_optimizers() WHERE name = 'type_pushdown'"
"""A query for an optimizer of DuckDB 2.0: it gives a CSV column the type of its TRY_CAST, whose failures are errors."""
OF_READING = 0.8
"""The part of the time in which DuckDB reads the files."""


class Picked(NamedTuple):
    """The columns that matter. Where they come from: the whole file, where it is one table, and its columns without a
    role."""

    columns: Columns
    scan: Scan | None = None
    others: Sequence[str] = ()


class Cut(NamedTuple):
    """A file as DuckDB reads it; `header` None: Parquet; `left_out`: rows of another length than the names'."""

    origin: Source
    header: Header | None
    left_out: int = 0


@dataclass(slots=True)
class Progress:
    """The progress of the files, for whoever watches."""

    files: int
    done: int = 0
    is_reading: bool = False
    """True if DuckDB reads a file, and knows how far it is."""

    def part(self, percent: float) -> float:
        """Returns the share of the whole, from 0 to 1; `percent` is DuckDB's figure, negative where it has none."""
        within = max(0.0, percent) / 100 if self.is_reading else 0.0
        return OF_READING * (self.done + within) / self.files


def load_files(
    store: Loader,
    files: Sequence[DataFile],
    rules: Rules,
    on_progress: Callable[[float], None] = lambda part: None,
) -> tuple[list[str], Skipped]:
    """Loads the bars of all `files` into `store`. Returns their symbols in the order in which they occur, and the rows
    that were left out.

    A table with a symbol column carries many symbols; a symbol that occurs in several of these gets the bars of all of
    them. `on_progress` is called now and then with the further part that is done; all are 1. Raises `DataFileError`
    (the store may hold the files before the faulty one by then), and `ModuleNotFoundError` without DuckDB.
    """
    progress = Progress(len(files))
    shown = 0.0

    def load(connection: Connection) -> tuple[list[str], Skipped]:
        connection.execute(SETTINGS)
        if connection.execute(TYPE_PUSHDOWN).fetchall():
            connection.execute("SET disabled_optimizers = 'type_pushdown'")
        with tempfile.TemporaryDirectory() as folder:
            return Reading(connection, Path(folder), rules, progress).load(store, files)

    def watch(percent: float) -> None:
        nonlocal shown
        part = max(shown, progress.part(percent))
        on_progress(part - shown)
        shown = part

    loaded = with_connection(load, watch)
    on_progress(1.0 - shown)
    return loaded


class Reading:
    """One call: its connection, folder for copies, rules, and how far it is."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", folder: Path, rules: Rules, progress: Progress) -> None:
        self._connection = connection
        self._folder = folder
        self._rules = rules
        self._progress = progress

    def load(self, store: Loader, files: Sequence[DataFile]) -> tuple[list[str], Skipped]:
        read: list[FileBars] = []
        for at in range(0, len(files), MOST_ALIKE):
            read += self._read_some(files[at : at + MOST_ALIKE])
        refuse_same_name(read)
        refuse_other_kind(read)
        occurrences = Counter(symbol for each in read for symbol in each.bars.symbols)
        shared: list[FileBars] = []
        alone: list[list[FileBars]] = []
        for each in read:
            is_shared = any(occurrences[symbol] > 1 for symbol in each.bars.symbols)
            shared.append(each) if is_shared else alone.append([each])
        skipped: Counter[str] = Counter()
        if left_out := sum(each.left_out for each in read):
            skipped["row has another length"] = left_out
        for group in [*alone, *([shared] if shared else [])]:
            skipped.update(load_together(store, group, self._rules))
        return list(occurrences), Skipped(skipped)

    def _opened(self, file: DataFile) -> Source:
        return opened_source(named_in_utf8(file.path, self._folder), self._folder, self._connection)

    def _read(self, file: DataFile, opened: tuple[Source, Cut | None] | None) -> FileBars:
        """Finds the columns of `file`, and reads values that are all of their column's type. `opened`: as far as that
        is done."""
        with errors_named(file):
            self._progress.is_reading = True
            origin, cut = opened or (self._opened(file), None)
            try:
                read = self._bars_mended(file, origin, cut)
            except UnicodeDecodeError as error:
                raise not_utf8(origin) from error
            self._progress.is_reading = False
            self._progress.done += 1
            return read

    def _bars_mended(self, file: DataFile, origin: Source, cut: Cut | None) -> FileBars:
        """Returns the bars of a file, whose text is mended where DuckDB refuses it."""
        import duckdb

        while True:
            try:
                return self._bars(file, origin, cut)
            except duckdb.Error as error:
                if origin.is_parquet:
                    said = first_sentences(error, origin.path, file.path.name)
                    raise ValueError(f"cannot be read as Parquet: {said}; {GET_WHOLE}, or write it anew") from error
                if NO_UNICODE in str(error):
                    raise not_utf8(origin) from error
                mended = self._mended(origin, error)
                if mended is None:
                    raise
                origin, cut = mended, None

    def _mended(self, origin: Source, error: "duckdb.Error") -> Source | None:
        """Returns a text that DuckDB refuses, as it may be read: without comments, without rows of another length, with
        one way to end lines, or in one piece, since a thread that reads a piece does not know the number of a line.
        None for any other one."""
        import duckdb

        if isinstance(error, duckdb.InterruptException):
            return None
        if COMMENT.search(str(error)) and not origin.has_comments:
            return replace(origin, has_comments=True)
        if self._rules.skip and OTHER_LENGTH in str(error) and not origin.has_other_rows:
            return replace(origin, has_other_rows=True)
        mended = with_one_line_end(origin, self._folder)
        if mended is None and origin.is_split and "Line: " not in str(error):
            mended = replace(origin, is_split=False)
        return mended

    def _bars(self, file: DataFile, origin: Source, cut: Cut | None = None) -> FileBars:
        read = self._bars_of(file, cut or self._cut(file, origin))
        return self._bars(file, replace(origin, is_split=False)) if read is None else read

    def _cut(self, file: DataFile, origin: Source) -> Cut:
        """Returns a text without what stands around its rows."""
        header = None if origin.is_parquet else self._header(file, origin)
        if header is None:
            return Cut(origin, None)
        origin = without_end(origin, header.delimiter, self._folder)
        if header.skipped > 1 or header.has_comments or origin.has_comments:
            origin = without_first_lines(origin, header.skipped, header.commas, self._folder)
            header = replace(header, skipped=0)
        left_out = 0
        if origin.has_other_rows:
            origin, left_out = without_other_rows(origin, *header.commas, self._folder)
        if header.tickers is not None:  # whose rows are not counted afterwards
            origin = replace(origin, is_split=False)
        if not origin.is_split:
            refuse_open_quote(origin, header.delimiter, header.skipped)
        return Cut(origin, header, left_out)

    def _bars_of(self, file: DataFile, cut: Cut) -> FileBars | None:
        """Returns the bars of a file, None where DuckDB has left rows out."""
        origin, header, _ = cut
        try:
            picked = self._pick(file, origin, header)
        except RowError as error:
            raise ValueError(f"{place_of(origin, header, error.row)}: {error}") from None
        owner = None if "symbol" in picked.columns.types else owner_of(file, header)
        try:
            columns, values = typed_values(picked.columns, owner, self._rules)
        except RowError as error:
            raise ValueError(f"{printable(error.symbol)}, {place_of(origin, header, error.row)}: {error}") from None
        return self._finished(file, cut, picked._replace(columns=columns), values)

    def _finished(self, file: DataFile, cut: Cut, picked: Picked, values: Mapping[str, Any]) -> FileBars | None:
        """Looks at the values of a file. None: as above."""
        origin, header, left_out = cut
        columns = picked.columns
        has_symbols = "symbol" in columns.types or (header is not None and header.owner is not None)
        table = Table(file, origin, header, columns, has_symbols, picked.scan is None)
        if any(map(lacks_values, values.values())) or may_have_header(values["close"]):
            refuse_untyped(table, self._rules)
        if not (rows := rows_of(values["close"])):
            raise _without_rows(origin, header)
        if header is not None and origin.is_split and _lacks_rows(origin, header, rows):
            return None
        try:
            headings = {role: columns.headings.get(role, role) for role in values}
            named = {headings[role]: column for role, column in values.items()}
            bars = bars_of(named, headings, self._rules, columns.is_bare, columns.beside)
        except ValueError as error:
            raise ValueError(placed(error, table.place_of_bar)) from error
        if not has_symbols and picked.scan is not None:
            refuse_merged(picked.scan, picked.others, np.asarray(bars.bars.timestamp))
        if header is not None:
            refuse_cut_end(origin, header.delimiter, file)
        remark_other_day(file, bars.bars.timestamp)
        return FileBars(table, bars, left_out)

    def _read_some(self, files: Sequence[DataFile]) -> list[FileBars]:
        """Reads together those files that are small texts with the same header and the same format of times. A file
        with a fault is read by itself, which gives its message."""
        opened: dict[DataFile, tuple[Source, Cut | None]] = {}
        groups: dict[Header, list[tuple[DataFile, Cut]]] = {}
        for file in files if len(files) > 1 else ():
            with suppress(DataFileError), errors_named(file):
                if file.path.stat().st_size > MOST_BYTES:
                    continue
                origin = self._opened(file)
                opened[file] = origin, None
                if origin.path.stat().st_size <= MOST_BYTES:  # also of what was packed
                    cut = self._cut(file, origin)
                    opened[file] = origin, cut
                    if cut.header is not None and cut.header.tickers is None:
                        groups.setdefault(cut.header, []).append((file, cut))
        read: dict[DataFile, FileBars] = {}
        for header, group in groups.items():
            if len(group) > 2:
                with suppress(DataFileError), errors_named(group[0][0]):
                    self._read_group(header, group, read)
        self._progress.done += len(read)
        return [read.get(file) or self._read(file, opened.get(file)) for file in files]

    def _read_group(
        self, header: Header, group: Sequence[tuple[DataFile, Cut]], read: dict[DataFile, FileBars]
    ) -> None:
        """Files of one header by one query, as the first of them is read, into `read`, file by file."""
        (file, cut), *others = group
        first = self._bars_of(file, cut)
        if first is None:
            return
        read[file] = first
        columns, names = first.table.columns, header.names
        roles, name = columns.headings, columns.headings["timestamp"]
        if columns.declared is None or "time" in roles or not {*roles.values()} <= {*names}:
            return
        text = first_text(cut.origin, header, name)
        if not (text and may_be_of_group(text, names)):
            return
        others = [each for each in others if are_alike(text, first_text(each[1].origin, header, name))]
        origins = [each.origin for _, each in others]
        beside = [each for each in names if each not in roles.values()]
        types = types_of(Scan(self._connection, csv_scan([cut.origin], header, names)).heads(beside))
        aliases = {f"beside_{at}": quoted(each) for at, each in enumerate(beside)} | {"path": quoted(PATH)}

        def scan_of(origins: Sequence[Source], types: Mapping[str, str]) -> str:
            return csv_scan(origins, header, names, types)

        def declared(of_roles: Mapping[str, str]) -> str:
            scan = scan_of(origins, types | {roles[role]: kind for role, kind in of_roles.items()})
            return f"(SELECT {selected(roles)}, {selection(aliases)} FROM {scan})"

        typing = {role: sql for role, sql in columns.typing.items() if role != "symbol"}
        if not says_order(text, name, self._rules):
            typing["timestamp"] = "timestamp"  # the texts of each file decide together
        columns = replace(columns, declared=declared)
        values = declared_values(columns, typing | {each: each for each in aliases}) if len(others) > 1 else None
        parts = () if values is None else parts_of(values, origins)
        for (file, cut), part in zip(others, parts, strict=False):
            own = {role: column for role, column in part.items() if role not in aliases}
            table = {roles[role]: own[role] for role in roles} | {
                each: part[f"beside_{at}"] for at, each in enumerate(beside)
            }
            with suppress(DataFileError), errors_named(file):
                is_alike = self._roles(file, names, ValuesOfTable(table)) == roles
                if not is_alike or any(map(lacks_values, own.values())):
                    continue
                picked = self._picked(cut.origin, header, roles, partial(scan_of, [cut.origin]))
                if may_have_points(picked.columns, own):
                    continue
                owner = None if "symbol" in own else owner_of(file, header)
                finished = self._finished(file, cut, picked, with_owner(own, owner))
                if finished is not None and picked.columns.declared is not None:
                    read[file] = finished

    def _header(self, file: DataFile, origin: Source) -> Header:
        above = remarks_above(origin)
        lines = list(islice(lines_of(origin, LONGEST_HEADER + 1), above, above + HEAD))
        header = header_of(lines, self._rules.columns, file.path.name)
        return replace(header, skipped=header.skipped + above)

    def _pick(self, file: DataFile, origin: Source, header: Header | None) -> Picked:
        """Finds the columns that matter, of a CSV file as texts."""
        if header is None:
            scan, names = parquet_scan(self._connection, file, origin)
            if (levels := levels_of(names)) is not None:
                every = ", ".join(f"{quoted(column)} AS c{at}" for at, column in enumerate(names))
                query = f"SELECT file_row_number AS row, {every} FROM {scan}"
                return Picked(self._side_by_side(file, query, *levels))
            parts = parts_of_date(names, self._rules.columns or {}, Scan(self._connection, scan))
            whole = Scan(self._connection, dated(scan, parts))
            roles = self._roles(file, names_with_date(names, parts), whole)
            source = f"(SELECT file_row_number AS row, {selected(roles)} FROM {whole.sql})"
            return Picked(self._described(source, roles), whole, others_of(names))
        if header.tickers is not None:
            scan = csv_scan([origin], header, [f"c{at}" for at in range(len(header.names))])
            every = f"SELECT {ROW} AS row, * FROM {scan}"
            return Picked(self._side_by_side(file, every, header.tickers, header.names))
        names = list(header.names)
        text = Scan(self._connection, csv_scan([origin], header, names))
        day = day_beside(file, of_role("timestamp", names), text)
        parts = parts_of_date(names, self._rules.columns or {}, text) if day is None else []

        def scan_of(types: Mapping[str, str]) -> str:
            scan = dated(csv_scan([origin], header, names, types), parts)
            return scan if day is None else f"(SELECT *, {literal(day)} AS date FROM {scan})"

        whole = Scan(self._connection, scan_of({}))
        roles = self._roles(file, names_with_date(names, parts) if day is None else [*names, "date"], whole)
        return self._picked(origin, header, roles, scan_of)

    def _picked(
        self,
        origin: Source,
        header: Header,
        roles: Mapping[str, str],
        scan_of: Callable[[Mapping[str, str]], str],
    ) -> Picked:
        """Returns the columns of a CSV file, by their roles. `scan_of`: gives the SQL of all of its columns, texts but
        for these, name -> SQL type."""
        picked, whole = selected(roles), Scan(self._connection, scan_of({}))

        def declared(types: Mapping[str, str]) -> str:
            return f"(SELECT {picked} FROM {scan_of({roles[role]: kind for role, kind in types.items()})})"

        source = f"(SELECT {ROW} AS row, {picked} FROM {whole.sql})"
        types = dict.fromkeys(roles, "VARCHAR")
        is_declared = not has_underscored_numbers(origin)
        columns = Columns(self._connection, source, types, roles, declared if is_declared else None)
        others = others_of(header.names)
        columns = replace(columns, is_bare=header.is_bare, beside=lambda: chain(*whole.heads(others).values()))
        return Picked(columns, whole, others)

    def _described(self, source: str, roles: Mapping[str, str]) -> Columns:
        query = f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {source})"
        types = dict(self._connection.execute(query).fetchall())
        return Columns(self._connection, source, types, roles)

    def _side_by_side(self, file: DataFile, every: str, owners: Sequence[str | None], names: Sequence[str]) -> Columns:
        """Returns the tickers of a file that stand side by side one below the other; leaves out rows that are there for
        other tickers. `every` selects the row and the columns, c0 and so on, which have these owners and names."""
        tickers = dict.fromkeys(ticker for ticker in owners if ticker is not None)
        if file.symbol is not None:
            raise ValueError(contradiction(file, "its header", tickers))
        name = f"file_{self._progress.done}"
        self._connection.execute(f"CREATE OR REPLACE TABLE {name}_wide AS {every}")
        parts = []
        for ticker in tickers:
            places = {names[at]: f"c{at}" for at, owner in enumerate(owners) if owner in (None, ticker)}
            own = ", ".join(f"{place} AS {quoted(column)}" for column, place in places.items())
            scan = Scan(self._connection, f"(SELECT {own} FROM {name}_wide)")
            headings = self._roles(file, list(places), scan)
            roles = {role: places[column] for role, column in headings.items()}
            texts = [f"CAST({roles[role]} AS VARCHAR)" for role in PRICE_COLUMNS if role in roles]
            empty = " AND ".join(f"coalesce({text}, '') = ''" for text in texts)
            parts.append(
                f"SELECT row, {literal(ticker)} AS symbol, {selected(roles)}"
                f" FROM (SELECT *, {own} FROM {name}_wide) WHERE NOT ({empty})"
            )
        self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS {' UNION ALL '.join(parts)}")
        return self._described(name, headings)

    def _roles(self, file: DataFile, names: Sequence[str], scan: Values) -> dict[str, str]:
        if file.is_part or is_own(file, names, scan):  # it is said already whose bars they are
            refuse_other_owner(file, names, scan)
            names = [each for each in names if role_of(each) != "symbol"]
        elif "symbol" not in (self._rules.columns or {}):
            names = without_descriptions(names, scan)
        chosen = self._rules.columns or ()
        roles = with_day(match_columns(names, self._rules, scan), names, chosen, scan)
        roles = with_zone(roles, names, chosen, scan)
        refuse_beside(roles, names, chosen, scan)
        if file.symbol is not None and "symbol" in roles:
            raise ValueError(
                f"has a symbol column, {roles['symbol']!r}; {file.symbol}= is for files without one: leave it out"
            )
        return roles


def _without_rows(origin: Source, header: Header | None) -> ValueError:
    if header is not None and header.skipped:
        names = next(islice(lines_of(origin), header.skipped - 1, None), "")
        if names.count('"') % 2:
            place = f"line {header.skipped}"
            return ValueError(f"{place} has a quotation mark that is not closed: close it, or take it out")
    return ValueError("has column names but no rows: get it again, or leave it out")


def _lacks_rows(origin: Source, header: Header, rows: int) -> bool:
    """Returns whether DuckDB may have left rows out: it silently leaves out the last piece that one of its threads
    reads when the first row of that is invalid. True also for rows that take several lines."""
    return not has_lines(origin.path, rows + header.skipped)
