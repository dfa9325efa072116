"""Bars out of CSV and Parquet files, read by DuckDB (the extra `data`).

Every error is a `DataFileError`: one sentence that begins with the file's name. Rows are named as a reader finds them:
the line of a CSV file, the row of a Parquet file counted from 1.
"""

import contextlib
import csv
import glob
import gzip
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ziggy_async.messages import shortened, shown
from ziggy_async.reading.options import Unit
from ziggy_async.reading.spellings import FIGURES, match_columns
from ziggy_async.store import BarStore

if TYPE_CHECKING:
    import duckdb

FILE_ENDINGS = r"(\.(csv|txt|tsv|parquet|pq|gz|zst|zip))+$"
DELIMITERS = ",;\t|"
PARQUET_MAGIC = b"PAR1"
LONGEST_FAULT = 300
"""Characters of a message about a file: it may quote what the file holds, and that may be anything."""


LONGEST_LINE = 100
"""Characters of a line of it."""
LONGEST_HEADER = 100_000
"""Characters of the line of column names: DuckDB takes hours for a million columns."""


class DataFileError(ValueError):
    """A file that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of bars; `symbol` is whose they are, where the caller says so."""

    path: Path
    symbol: str | None = None

    @classmethod
    def from_argument(cls, text: str) -> "DataFile":
        """`path` or `SYMBOL=path`; a file that has a "=" in its own name is a path."""
        symbol, equals, path = text.partition("=")
        if not equals or "/" in symbol or Path(text).exists():
            return cls(Path(text))
        if not symbol or not path:
            raise DataFileError(f"{text}: neither a path nor SYMBOL=path")
        return cls(Path(path), symbol)

    def symbol_of_name(self) -> str:
        """The symbol of a file without a symbol column: BRK.B of `brk.b_daily (1).csv.gz`. What stands behind the first
        underscore is a remark, and of endings only those of files are none of the symbol's."""
        name = re.sub(FILE_ENDINGS, "", self.path.name, flags=re.IGNORECASE)
        name = re.sub(r" \(\d+\)$", "", name)
        return self.symbol or re.sub(r"(?<=.)_.*$", "", name).upper()


@dataclass(frozen=True, slots=True)
class Table:
    """An open file. `source` is a DuckDB table of the columns that matter, named by their roles, with the values as
    they stand in the file, and of `row`, counted from 0; `typed` selects symbol, timestamp and the numbers from it."""

    file: DataFile
    delimiter: str | None  # of a CSV file; None: Parquet
    source: str
    typed: str
    has_symbols: bool
    symbols: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Where a reader finds `row`. Blank lines and line ends inside quotes are why the file is read again."""
        if self.delimiter is None:
            return f"row {row + 1}"
        with open_text(self.file.path) as lines, contextlib.suppress(csv.Error):  # which has a limit for values
            reader = csv.reader(lines, delimiter=self.delimiter)
            line_numbers = (reader.line_num for fields in reader if fields)
            return f"line {next(islice(line_numbers, row + 1, None), row + 2)}"
        return f"row {row + 1}"


def load_files(
    store: BarStore,
    files: Sequence[DataFile],
    *,
    unit: Unit | None = None,
    on_loaded: Callable[[DataFile], None] | None = None,
) -> list[str]:
    """Loads the bars of all `files` into `store` and returns their symbols in the order in which they occur.

    A table with a symbol column carries many symbols; a symbol that occurs in several of these gets the bars of all of
    them. `unit` ("ns", "us", "ms", "s") is that of timestamps that are whole numbers. `on_loaded` is called after each
    file. Raises `DataFileError` (the store may hold the files before the faulty one by then), and
    `ModuleNotFoundError` without DuckDB.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        tables = [open_table(connection, file, f"file_{index}") for index, file in enumerate(files)]
        refuse_same_name(tables)
        occurrences = Counter(symbol for table in tables for symbol in table.symbols)
        shared = [table for table in tables if any(occurrences[symbol] > 1 for symbol in table.symbols)]
        for table in tables:
            # Files that share symbols are first tried one by one, where a faulty row has a file and a line.
            load_table(connection, BarStore() if table in shared else store, table, unit)
            if on_loaded is not None:
                on_loaded(table.file)
        if shared:
            load_together(connection, store, shared, unit)
        return list(occurrences)


@contextmanager
def errors_named(name: object) -> Iterator[None]:
    """Turns whatever a file can do to its reader into a `DataFileError` that begins with `name`."""
    import duckdb

    try:
        yield
    except DataFileError:
        raise
    except duckdb.Error as error:
        raise DataFileError(f"{name}: {one_line(first_sentences(error))}") from error
    except UnicodeDecodeError as error:
        raise DataFileError(f"{name}: neither Parquet nor text in UTF-8") from error
    except OSError as error:
        raise DataFileError(f"{name}: {error.strerror or error}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise DataFileError(f"{name}: {one_line(str(error))}") from error


def one_line(text: str) -> str:
    return shortened(" ".join(text.split()), LONGEST_FAULT)


def first_sentences(error: Exception) -> str:
    """What DuckDB says, without its kind of error, its advice and its settings. Long lines are values: shortened."""
    text = re.sub(r"^[\w ]*Error: ", "", str(error))
    sentences = re.split(r"\n\s*\n|\nPossible", text)[0]
    return "\n".join(shortened(line, LONGEST_LINE) for line in sentences.splitlines())


def open_table(connection: "duckdb.DuckDBPyConnection", file: DataFile, name: str) -> Table:
    """Finds the columns of `file` and checks that every value is of its column's type."""
    with errors_named(file.path):
        if is_parquet(file.path):
            delimiter = None
            relation = connection.read_parquet(glob.escape(str(file.path)), file_row_number=True)
            row = "file_row_number"
            columns = [column for column in relation.columns if column != row]
        else:
            delimiter, columns = csv_header(file.path)
            relation = read_csv(connection, file.path, delimiter, columns)
            row = "row_number() OVER () - 1"
        roles = match_columns(columns)
        if file.symbol is not None and "symbol" in roles:
            raise ValueError(f"has a symbol column, {roles['symbol']!r}; {file.symbol}= is for files without one")
        picked = relation.project(", ".join([f'{row} AS "row"', *(f"{quoted(roles[r])} AS {r}" for r in roles)]))
        if delimiter is None:
            picked.create_view(name)
        else:
            picked.create(name)
        typed = typed_columns(connection, name, roles, file)
        selection = ", ".join(f"{sql} AS {role}" for role, sql in typed.items())
        table = Table(file, delimiter, name, selection, "symbol" in roles)
        refuse_untyped(connection, table, typed)
        return with_symbols(connection, table)


def is_parquet(path: Path) -> bool:
    """By the name's ending or the first bytes. Raises `ValueError` for what is no file of bars at all."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        # It is read several times; a pipe can be read once, a device may never end.
        raise ValueError("is a directory" if stat.S_ISDIR(mode) else "is not a regular file")
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise ValueError("is empty")
    return start == PARQUET_MAGIC or path.suffix.lower() in {".parquet", ".pq"}


def open_text(path: Path) -> IO[str]:
    """The text of a CSV file, without its byte-order mark."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def csv_header(path: Path) -> tuple[str, list[str]]:
    """Delimiter and column names, from the first line alone: guessing from the rows gives each file its own rules."""
    with open_text(path) as lines:
        first = lines.readline(LONGEST_HEADER + 1)
    if not first.strip() or "\0" in first:
        raise ValueError("is not a table: its first line has no column names")
    if len(first) > LONGEST_HEADER:
        start = shortened(first, LONGEST_LINE)
        raise ValueError(f"is not a table: its first line has more than {LONGEST_HEADER} characters: {start!r}")
    delimiter = max(DELIMITERS, key=first.count)
    names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    return delimiter, unique(names)


def unique(names: list[str]) -> list[str]:
    """Names for DuckDB, to which capitals make no difference and each name is one column's: one that has none is called
    by its position, a repeated one has its position behind."""
    seen: set[str] = set()
    result = []
    for position, name in enumerate(names, start=1):
        result.append(f"{name} (column {position})".lstrip() if not name or name.lower() in seen else name)
        seen.add(name.lower())
    return result


def read_csv(
    connection: "duckdb.DuckDBPyConnection", path: Path, delimiter: str, names: list[str]
) -> "duckdb.DuckDBPyRelation":
    """Every column as text; what the values are is decided here and not by a sample of the rows."""
    return connection.read_csv(
        glob.escape(str(path)),
        sep=delimiter,
        header=True,
        quotechar='"',
        escapechar='"',
        auto_detect=False,
        columns=dict.fromkeys(names, "VARCHAR"),
    )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def typed_columns(
    connection: "duckdb.DuckDBPyConnection", source: str, roles: dict[str, str], file: DataFile
) -> dict[str, str]:
    """SQL that gives each role's values their type, NULL where they have not got it."""
    types = dict(connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {source})").fetchall())
    booleans = [roles[role] for role in FIGURES if types[role] == "BOOLEAN"]
    if booleans:
        raise TypeError(f"column {booleans[0]!r} holds booleans and no numbers")
    is_text = types["timestamp"] == "VARCHAR"
    symbol = "nullif(trim(CAST(symbol AS VARCHAR)), '')" if "symbol" in roles else text_literal(file.symbol_of_name())
    return {
        "symbol": symbol,
        "timestamp": timestamp_from_text(connection, source) if is_text else "timestamp",
        **{name: f"TRY_CAST({name} AS DOUBLE)" for name in FIGURES},
    }


def text_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


TIMES_OF_DAY = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
DAY_AND_MONTH = r"^\s*(\d{1,2})[/-](\d{1,2})[/-]\d{2,4}"
TWO_DIGIT_YEAR = r"^\s*\d{1,2}[/-]\d{1,2}[/-]\d{2}(\D|$)"


def timestamp_from_text(connection: "duckdb.DuckDBPyConnection", source: str) -> str:
    """SQL that reads the text column `timestamp`; the first value says how all are written.

    Year first is ISO 8601, with its offset from UTC or none; eight digits are a day; other digits are an epoch. Else it
    is month/day/year, or day/month/year if the first value that tells the two apart says so.
    """
    first = connection.execute(f"SELECT timestamp FROM {source} WHERE timestamp IS NOT NULL LIMIT 1").fetchone()
    text = first[0].strip() if first else ""
    if re.fullmatch(r"[12]\d{7}", text):
        return "try_strptime(timestamp, '%Y%m%d')"
    if re.fullmatch(r"-?\d+", text):
        return "TRY_CAST(timestamp AS BIGINT)"
    if re.match(DAY_AND_MONTH, text):
        order = "%d/%m/" if days_come_first(connection, source) else "%m/%d/"
        text_sql = "replace(timestamp, '-', '/')"
        short, long = (
            f"try_strptime({text_sql}, [{', '.join(text_literal(order + year + time) for time in TIMES_OF_DAY)}])"
            for year in ("%y", "%Y")
        )
        return f"CASE WHEN regexp_matches(timestamp, {text_literal(TWO_DIGIT_YEAR)}) THEN {short} ELSE {long} END"
    return "TRY_CAST(timestamp AS TIMESTAMPTZ)"


def days_come_first(connection: "duckdb.DuckDBPyConnection", source: str) -> bool:
    """Whether the first value that can only be read one way has its day first."""
    fields = [f"TRY_CAST(regexp_extract(timestamp, {text_literal(DAY_AND_MONTH)}, {part}) AS INT)" for part in (1, 2)]
    told = connection.execute(
        f"SELECT {fields[0]} > 12 FROM {source} WHERE {fields[0]} > 12 OR {fields[1]} > 12 ORDER BY row LIMIT 1"
    ).fetchone()
    return bool(told and told[0])


def refuse_untyped(connection: "duckdb.DuckDBPyConnection", table: Table, typed: dict[str, str]) -> None:
    """Raises for the first row in which a value is missing or not of its column's type."""
    faults = [f"({sql}) IS NULL" for sql in typed.values()]
    names = [name for name in typed if name != "symbol" or table.has_symbols]
    found = connection.execute(
        f"SELECT row, {typed['symbol']}, [{', '.join(faults)}], "
        f"[{', '.join(f'CAST({name} AS VARCHAR)' if name in names else 'NULL' for name in typed)}] "
        f"FROM {table.source} WHERE {' OR '.join(faults)} ORDER BY row LIMIT 1"
    ).fetchone()
    if found is None:
        return
    row, symbol, faulty, values = found
    at = faulty.index(True)
    column, value = list(typed)[at], values[at]
    owner = f"{symbol}, " if symbol is not None else ""  # as the store says it
    raise ValueError(f"{owner}{table.place(row)}: {column} {fault_of(column, value)}")


def fault_of(column: str, value: str | None) -> str:
    if value is None or not value.strip():
        return "is missing"
    if column == "timestamp":
        return f"{shown(value)} is no date and time, or not written like those before it"
    return f"{shown(value)} is not a number"


def with_symbols(connection: "duckdb.DuckDBPyConnection", table: Table) -> Table:
    """The same table, knowing which symbols it holds, in the order in which they occur."""
    query = f"SELECT symbol FROM (SELECT {table.typed}, row FROM {table.source}) GROUP BY symbol ORDER BY min(row)"
    symbols = tuple(symbol for (symbol,) in connection.execute(query).fetchall())
    if not symbols:
        raise ValueError("has column names but no rows")
    return Table(table.file, table.delimiter, table.source, table.typed, table.has_symbols, symbols)


def refuse_same_name(tables: list[Table]) -> None:
    """Two files without a symbol column cannot both be the bars of one symbol."""
    owners: dict[str, Path] = {}
    for table in tables:
        if table.has_symbols:
            continue
        (symbol,) = table.symbols
        if symbol in owners:
            files = f"{table.file.path}: would be {symbol}, like {owners[symbol]}"
            raise DataFileError(f"{files}; say whose bars they are with SYMBOL=path")
        owners[symbol] = table.file.path


def load_table(connection: "duckdb.DuckDBPyConnection", store: BarStore, table: Table, unit: Unit | None) -> None:
    """One file into `store`; a refused row is named by its place in the file."""
    relation = connection.sql(f"SELECT {table.typed} FROM {table.source} ORDER BY row")
    with errors_named(table.file.path):
        try:
            store.load_frame(relation, "symbol", unit=unit)
        except ValueError as error:
            placed = re.sub(r"\brow (\d+)", lambda match: table.place(int(match[1])), str(error), count=1)
            raise ValueError(placed) from error


def load_together(
    connection: "duckdb.DuckDBPyConnection", store: BarStore, tables: list[Table], unit: Unit | None
) -> None:
    """Files that share symbols, as one table."""
    refuse_overlap(connection, tables)
    relation = " UNION ALL ".join(f"SELECT {table.typed} FROM {table.source}" for table in tables)
    with errors_named(", ".join(str(table.file.path) for table in tables)):
        try:
            store.load_frame(connection.sql(relation), "symbol", unit=unit)
        except ValueError as error:
            # The row is one of the joined table, which nobody has seen.
            raise ValueError(re.sub(r",? ?\brow \d+", "", str(error), count=1)) from error


def refuse_overlap(connection: "duckdb.DuckDBPyConnection", tables: list[Table]) -> None:
    """Raises for the first bar that two of the files have; each was found faultless alone before."""
    every = " UNION ALL ".join(
        f"SELECT symbol, timestamp, {index} AS file FROM (SELECT {table.typed} FROM {table.source})"
        for index, table in enumerate(tables)
    )
    with errors_named(", ".join(str(table.file.path) for table in tables)):
        found = connection.execute(
            f"SELECT symbol, CAST(timestamp AS VARCHAR), list_sort(list(file)) FROM ({every}) "
            "GROUP BY symbol, timestamp HAVING count(*) > 1 ORDER BY symbol, timestamp LIMIT 1"
        ).fetchone()
    if found is None:
        return
    symbol, timestamp, (first, second, *_) = found
    both = [tables[first], tables[second]]
    advice = f"leave one of the two out, or the bars of {symbol} out of one"
    nameless = [table.file.path for table in both if not table.has_symbols]
    if nameless:
        advice += f", or say whose bars {nameless[0]} has with SYMBOL=path"
    files = " and ".join(str(table.file.path) for table in both)
    raise DataFileError(f"{files}: both have the bar of {symbol} at {timestamp}; {advice}")
