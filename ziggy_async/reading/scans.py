"""SQL of the columns of a file, and what is asked of them before their values are read: whose bars the rows are."""

import glob
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import shown
from ziggy_async.reading.beside import HEAD, WHOLE_DAY, Values
from ziggy_async.reading.chunked import Chunked
from ziggy_async.reading.epochs import DAY, MOST_AHEAD, MOST_BEHIND, NAT, iso_of
from ziggy_async.reading.headers import LEAST_ROLES, Header
from ziggy_async.reading.layouts import SYMBOL, kinds_of
from ziggy_async.reading.options import ADVICE_TO_SKIP
from ziggy_async.reading.paths import DataFile
from ziggy_async.reading.spellings import (
    DATE_OF_PARTS,
    DESCRIBING,
    PRICE_COLUMNS,
    listed,
    of_role,
    place_of,
    role_of,
    spelling_of,
    unique,
)
from ziggy_async.reading.sql import Columns, literal, quoted, selection
from ziggy_async.reading.texts import Source
from ziggy_async.reading.ways import TIME_OF_DAY

if TYPE_CHECKING:
    import duckdb


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scan:
    """All columns of a file, as DuckDB reads them."""

    connection: "duckdb.DuckDBPyConnection"
    sql: str

    def distinct(self, column: str, most: int = 3) -> list[str]:
        """Returns the first distinct values of the column that are not blank, as texts."""
        text = f"trim(CAST({quoted(column)} AS VARCHAR))"
        query = f"SELECT DISTINCT {text} AS value FROM {self.sql} WHERE {text} <> '' LIMIT {most}"
        return sorted(value for (value,) in self.connection.execute(query).fetchall())

    def head(self, column: str, most: int | None = HEAD) -> list[str | None]:
        """Returns the first values of the column, as texts; None: all."""
        limit = "" if most is None else f" LIMIT {most}"
        query = f"SELECT CAST({quoted(column)} AS VARCHAR) FROM {self.sql}{limit}"
        return [value for (value,) in self.connection.execute(query).fetchall()]

    def heads(self, columns: Sequence[str]) -> dict[str, list[str | None]]:
        """Returns the first values of each column, by one query: a text is parsed again for every one."""
        texts = ", ".join(f"CAST({quoted(column)} AS VARCHAR)" for column in columns)
        rows = self.connection.execute(f"SELECT {texts} FROM {self.sql} LIMIT {HEAD}").fetchall() if columns else []
        return {column: [row[at] for row in rows] for at, column in enumerate(columns)}

    def every(self, column: str) -> list[str | None]:
        return self.head(column, None)

    def unlike(self, column: str, other: str, most: int | None) -> list[tuple[str, str]]:
        """Returns the texts of two columns in rows where they differ and none is blank."""
        texts = ", ".join(f"trim(CAST({quoted(name)} AS VARCHAR))" for name in (column, other))
        query = (
            f"SELECT DISTINCT * FROM (SELECT {texts} FROM {self.sql}) AS pairs(a, b) WHERE a <> b AND '' NOT IN (a, b)"
        )
        return self.connection.execute(query if most is None else f"{query} LIMIT {most}").fetchall()

    def are_in(self, moments: str, days: str) -> bool:
        day, moment = (f"trim(CAST({quoted(name)} AS VARCHAR))" for name in (days, moments))
        day = f"regexp_replace({day}, '[ T]00:00(:00)?$', '')"
        others = f"NOT (starts_with({moment}, {day}) AND regexp_full_match({day}, {literal(WHOLE_DAY)}))"
        query = f"SELECT 1 FROM {self.sql} WHERE {day} <> '' AND {moment} <> '' AND {others} LIMIT 1"
        return self.connection.execute(query).fetchone() is None

    def texts(self, column: str) -> NDArray[np.object_]:
        """Returns the column as texts, which are empty where it has no value."""
        query = f"SELECT coalesce(trim(CAST({quoted(column)} AS VARCHAR)), '') AS value FROM {self.sql}"
        return np.asarray(self.connection.execute(query).fetchnumpy()["value"], dtype=object)

    def has_figures(self, column: str) -> bool:
        """Returns whether the column has a number other than 0."""
        query = f"SELECT 1 FROM {self.sql} WHERE regexp_matches(CAST({quoted(column)} AS VARCHAR), '[1-9]') LIMIT 1"
        return self.connection.execute(query).fetchone() is not None


LEVELS = {"__index_level_0__": "symbol", "__index_level_1__": "index"}
"""The names that pandas.concat makes of a mapping of symbols to frames."""
CLOCKS = ("TIME", "TIME_NS", "TIME WITH TIME ZONE")
"""DuckDB's types of a time of day; the last one is how older pyarrow writes them."""
CLOCK_OF_FOLDER = rf"(?i){TIME_OF_DAY}|\d{{3,6}}"
"""A time of day to which the name of a folder gives the day."""
ROW = "row_number() OVER () - 1"
"""SQL of a row's place in a CSV file."""
PATH = "path of the row"
"""The column of it, where several files are scanned at once."""
PACKED_DAY = r"(\d{4})(\d\d)(\d\d)"
MOST_HEADERS = 1000
"""Rows of texts, each counted once, that are looked at."""
KEYS = frozenset(("id", "key", "code", "token"))
"""Words in the names of columns whose numbers may stand for symbols."""
MOST_SYMBOLS = 100_000
"""Values of a column of texts that may be symbols."""


def refuse_other_owner(file: DataFile, names: Sequence[str], scan: Values) -> None:
    """Raises where a column says that the rows are another symbol's than the folder or the argument does. A column that
    may name something else, as `name` does, has to hold several values for it."""
    for column in of_role("symbol", names):
        values = scan.distinct(column)
        is_sure = place_of(column)[1] == 0
        if len(values) > 1 or (is_sure and not all(_are_same(value, str(file.symbol)) for value in values)):
            raise ValueError(contradiction(file, f"column {column!r}", values))


def is_own(file: DataFile, names: Sequence[str], scan: Values) -> bool:
    """Returns whether columns of symbols say what the caller does, who names the file's."""
    sure = [column for column in of_role("symbol", names) if place_of(column)[1] == 0]
    if file.symbol is None or not sure:
        return False
    return all(_are_same(value, file.symbol) for column in sure for value in scan.distinct(column))


def without_descriptions(names: Sequence[str], scan: Values) -> list[str]:
    """Returns the names without columns that describe the one symbol of a file rather than name the symbol of each row:
    one with a single value, as of "company", or a "name" that is a number."""
    names = list(names)
    while described := [column for column in of_role("symbol", names) if _describes(column, scan)]:
        names = [name for name in names if name not in described]
    return names


def _describes(column: str, scan: Values) -> bool:
    if spelling_of(column) == "name":
        values = scan.distinct(column)
        return len(values) == 1 and values[0].isdecimal()
    return place_of(column)[1] == DESCRIBING and len(scan.distinct(column)) < 2


def others_of(names: Iterable[str]) -> list[str]:
    """Returns the columns without a role."""
    return [name for name in names if role_of(name) is None]


def refuse_merged(scan: Scan, others: Iterable[str], timestamps: NDArray[np.int64]) -> None:
    """Raises if the file has several symbols in a column without a role: the times are not in order, or appear twice,
    but are in order for each value of a column of texts. Without this they would be merged into one symbol."""
    known = timestamps != NAT
    times = timestamps[known]
    if _go_one_way(np.diff(times)):
        return
    has_double = len(np.unique(times)) < len(times)
    for column, head in scan.heads(list(others)).items():
        is_key = not KEYS.isdisjoint(re.split(r"[\W_]+", column.lower()))
        if not all(_may_name((value or "").strip(), is_key) for value in head):
            continue
        values, codes = np.unique(scan.texts(column), return_inverse=True)
        if not 2 <= len(values) <= MOST_SYMBOLS or not all(_may_name(value, is_key) for value in values.tolist()):
            continue
        codes = codes[known]
        order = np.argsort(codes, kind="stable")
        steps = np.diff(times[order])[np.diff(codes[order]) == 0]
        if _go_one_way(steps) and (has_double or 2 * len(values) <= len(times)):
            raise ValueError(
                f"its times {'appear twice' if has_double else 'go back'} where column {column!r} has another value, as"
                f" {listed(map(shown, values[:2].tolist()))}: if those are symbols, columns={{'symbol': {column!r}}}"
                f" (--columns symbol={column}) says so; if not, take that column out"
            )


def _may_name(value: str, is_key: bool) -> bool:
    """Returns whether it may be a symbol, or a number in a column of keys."""
    kinds = kinds_of(value)
    return not kinds or SYMBOL in kinds or (is_key and value.isdecimal())


def refuse_other_header(
    columns: Columns, names: Collection[str], place: Callable[[int], str], may_repeat: bool
) -> None:
    """Raises for a row that holds names of columns, and not those above it: the rows below it are of another order.
    `names`: those of the file, which a row `may_repeat`."""
    roles = [role for role in ("timestamp", *PRICE_COLUMNS) if role in columns.types and columns.is_text(role)]
    if not {"open", "close"} <= set(roles):
        return
    is_none = "coalesce(NOT regexp_matches(CAST({0} AS VARCHAR), '[0-9]'), true)"
    are_none = " AND ".join(map(is_none.format, ("open", "close")))
    are_texts = f"row IN (SELECT row FROM {columns.typed} WHERE {are_none}) AND trim(open) <> ''"
    query = f"SELECT min(row), {', '.join(roles)} FROM {columns.source} WHERE {are_texts}"
    rows = columns.connection.execute(f"{query} GROUP BY ALL ORDER BY 1 LIMIT {MOST_HEADERS}").fetchall()
    for row, *texts in rows:
        found = {role: (text or "").strip() for role, text in zip(roles, texts, strict=True)}
        if sum(role_of(text) is not None for text in found.values()) < LEAST_ROLES:
            continue
        own = {None} if set(found.values()) <= set(names) else set()
        if any(role_of(text) not in {role} | own for role, text in found.items()):
            shown_names = listed(map(shown, found.values()))
            raise ValueError(
                f"{place(row)} holds names of columns in another order, {shown_names}: split the file there"
            )
        if not may_repeat:
            raise ValueError(f"{place(row)} holds names of columns again: take it out{ADVICE_TO_SKIP}")


def _go_one_way(steps: NDArray[np.int64]) -> bool:
    return bool((steps > 0).all() or (steps < 0).all())


def contradiction(file: DataFile, place: str, owners: Iterable[str]) -> str:
    said = f"{place} says that the bars are those of {listed(map(shown, owners))}"
    other = "its folder or argument" if file.is_part else f"{file.symbol}="
    return f"{said}, and {other} of {shown(file.symbol)}: leave one of the two out"


def owner_of(file: DataFile, header: Header | None) -> str:
    """Returns whose bars a file without a symbol column has."""
    said = header.owner if header is not None else None
    if said is not None and file.symbol not in (None, said):
        raise ValueError(contradiction(file, "its header", [said]))
    return said or file.symbol_of_name()


def _are_same(value: str, symbol: str) -> bool:
    """Returns whether they are one symbol, of which numbers may have lost their leading zeros."""
    return value == symbol or (value.isdecimal() and symbol.isdecimal() and int(value) == int(symbol))


def selected(roles: Mapping[str, str]) -> str:
    """Returns SQL of the columns by their roles."""
    return selection({role: quoted(name) for role, name in roles.items()})


def parquet_scan(connection: "duckdb.DuckDBPyConnection", file: DataFile, origin: Source) -> tuple[str, list[str]]:
    """Returns SQL of every column, and their names: with the day that a folder of the path names, where no column is
    one, and the two levels of a nameless pandas index as the symbol and the time that they are."""
    scan, types = _parquet_types(connection, str(origin.path))
    query = f"SELECT name FROM parquet_schema({literal(glob.escape(str(origin.path)))})"
    names = [name for (name,) in connection.execute(query).fetchall()[1:]]
    is_flat = len(names) == len(types)  # DuckDB has other names for columns of one name
    columns = dict(zip(unique(names, str.lower) if is_flat else types, map(quoted, types), strict=True))
    levels = [types.get(f"__index_level_{at}__", "") for at in range(2)]
    if levels[0] == "VARCHAR" and levels[1].startswith(("TIMESTAMP", "DATE")):
        columns = {LEVELS.get(name, name): sql for name, sql in columns.items()}
    day = file.day_of_folder()
    if day is not None and all(types[name] in CLOCKS for name in of_role("timestamp", types)):
        columns |= {"date": literal(day)}
    selection = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())
    return f"(SELECT file_row_number, {selection} FROM {scan})", list(columns)


def _parquet_types(connection: "duckdb.DuckDBPyConnection", path: str) -> tuple[str, dict[str, str]]:
    """Returns SQL of a file's columns and their row, and name -> type."""
    import duckdb

    options = "file_row_number=true, hive_partitioning=false, binary_as_string=true"

    def types_of(scan: str) -> dict[str, str]:
        described = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {scan})")
        return {name: kind for name, kind in described.fetchall() if name != "file_row_number"}

    escaped = literal(glob.escape(path))
    scan = f"read_parquet({escaped}, {options}, int96_as='timestamp_ns')"
    try:
        return scan, types_of(scan)
    except duckdb.BinderException:  # of a DuckDB without that option
        scan = f"read_parquet({escaped}, {options})"
        types = types_of(scan)
        if connection.execute(f"SELECT 1 FROM parquet_schema({escaped}) WHERE type = 'INT96'").fetchone():
            logger.warning("times of type INT96 are cut off behind the microseconds by DuckDB %s", duckdb.__version__)
        return scan, types


def day_beside(file: DataFile, stamps: Iterable[str], scan: Scan) -> str | None:
    """Returns the day that a folder of the path names, where no column has one: `stamps` are those of times."""
    day = file.day_of_folder()
    values = [value for column in stamps for value in scan.distinct(column)] if day is not None else []
    return day if all(re.fullmatch(CLOCK_OF_FOLDER, value) for value in values) else None


def dated(scan: str, parts: Sequence[str]) -> str:
    """Returns the SQL of a scan with the date of which these columns are the parts, if any, as text."""
    texts = (f"nullif(regexp_replace(trim(CAST({quoted(part)} AS VARCHAR)), '\\.0+$', ''), '')" for part in parts)
    date = " || '-' || ".join(texts)
    return f"(SELECT *, {date} AS {quoted(DATE_OF_PARTS)} FROM {scan})" if parts else scan


def remark_other_day(file: DataFile, timestamps: NDArray[np.int64] | Chunked) -> None:
    """Logs that no row is of the day that a folder of the path names, in whatever zone."""
    if (day := file.day_of_folder()) is None:
        return
    times = np.asarray(timestamps)
    known = times[times != NAT]
    if not len(known):
        return
    try:
        begin = int(np.datetime64(re.sub(PACKED_DAY, r"\1-\2-\3", day), "D").astype("M8[ns]").astype(np.int64))
    except ValueError:
        return
    before, ahead = (0, 0) if not (known % DAY).any() else (MOST_AHEAD, MOST_BEHIND)
    first, last = int(known.min()), int(known.max())
    if not ((known >= begin - before) & (known < begin + DAY + ahead)).any():
        logger.warning(
            "%s: its folder says %s, and its rows are from %s to %s: those are taken",
            file,
            day,
            iso_of(first),
            iso_of(last),
        )


def csv_scan(
    origins: Sequence[Source], header: Header, names: Sequence[str], types: Mapping[str, str] | None = None
) -> str:
    """Returns every column as text but those with a type, by name; what the values are is decided here and not by a
    sample of the rows."""
    columns = ", ".join(f"{literal(name)}: '{(types or {}).get(name, 'VARCHAR')}'" for name in names)
    paths = ", ".join(literal(glob.escape(str(origin.path))) for origin in origins)
    is_split = all(origin.is_split for origin in origins)
    path = f", filename={literal(PATH)}" if len(origins) > 1 else ""
    return (
        f"read_csv([{paths}], sep={literal(header.delimiter)}, quote='\"', escape='\"',"
        f" header={str(header.skipped > 0).lower()}, auto_detect=false, compression='none', hive_partitioning=false,"
        f" parallel={str(is_split).lower()}, columns={{{columns}}}{path})"
    )
