"""SQL of the columns of a file, and what is asked of them before their values are read: whose bars the rows are."""

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ziggy_async.messages import shown
from ziggy_async.reading.casts import literal, quoted
from ziggy_async.reading.headers import Header
from ziggy_async.reading.paths import DataFile
from ziggy_async.reading.spellings import DESCRIBING, listed, of_role, place_of, spelling_of
from ziggy_async.reading.texts import Source

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Scan:
    """All columns of a file, as DuckDB reads them."""

    connection: "duckdb.DuckDBPyConnection"
    sql: str

    def values(self, column: str, most: int = 3) -> list[str]:
        """Returns the first distinct values of the column that are not blank, as texts."""
        text = f"trim(CAST({quoted(column)} AS VARCHAR))"
        query = f"SELECT DISTINCT {text} AS value FROM {self.sql} WHERE {text} <> '' LIMIT {most}"
        return sorted(value for (value,) in self.connection.execute(query).fetchall())

    def has_figures(self, column: str) -> bool:
        """Whether the column has a number other than 0."""
        query = f"SELECT 1 FROM {self.sql} WHERE regexp_matches(CAST({quoted(column)} AS VARCHAR), '[1-9]') LIMIT 1"
        return self.connection.execute(query).fetchone() is not None


def refuse_other_owner(file: DataFile, names: Sequence[str], scan: Scan) -> None:
    """Raises where a column says that the rows are another symbol's than the folder or the argument does. A column that
    may name something else, as `name` does, has to hold several values for it."""
    for column in of_role("symbol", names):
        values = scan.values(column)
        is_sure = place_of(column)[1] == 0
        if len(values) > 1 or (is_sure and not all(_are_same(value, str(file.symbol)) for value in values)):
            raise ValueError(contradiction(file, f"column {column!r}", values))


def without_descriptions(names: Sequence[str], scan: Scan) -> list[str]:
    """The names without columns that describe the one symbol of a file rather than name the symbol of each row: one
    with a single value, as of "company", or a "name" that is a number."""
    names = list(names)
    while described := [column for column in of_role("symbol", names) if _describes(column, scan)]:
        names = [name for name in names if name not in described]
    return names


def _describes(column: str, scan: Scan) -> bool:
    if spelling_of(column) == "name":
        values = scan.values(column)
        return len(values) == 1 and values[0].isdecimal()
    return place_of(column)[1] == DESCRIBING and len(scan.values(column)) < 2


def contradiction(file: DataFile, place: str, owners: Iterable[str]) -> str:
    said = f"{place} says that the bars are those of {listed(map(shown, owners))}"
    return f"{said}, and {'its folder or argument' if file.is_part else f'{file.symbol}='} of {shown(file.symbol)}"


def _are_same(value: str, symbol: str) -> bool:
    """Whether they are one symbol, of which numbers may have lost their leading zeros."""
    return value == symbol or (value.isdecimal() and symbol.isdecimal() and int(value) == int(symbol))


def selected(roles: Mapping[str, str]) -> str:
    """SQL of the columns by their roles; a date and a time of day are joined."""
    columns = {role: quoted(name) for role, name in roles.items() if role != "time"}
    if "time" in roles:
        columns["timestamp"] = (
            f"nullif(trim(CAST({columns['timestamp']} AS VARCHAR)), '') || ' ' ||"
            f" nullif(trim(CAST({quoted(roles['time'])} AS VARCHAR)), '')"
        )
    return ", ".join(f"{sql} AS {role}" for role, sql in columns.items())


def csv_scan(origin: Source, header: Header, names: Sequence[str], types: Mapping[str, str] | None = None) -> str:
    """Every column as text but those with a type, by name; what the values are is decided here and not by a sample of
    the rows."""
    columns = ", ".join(f"{literal(name)}: '{(types or {}).get(name, 'VARCHAR')}'" for name in names)
    return (
        f"read_csv({literal(glob.escape(str(origin.path)))}, sep={literal(header.delimiter)}, quote='\"', escape='\"',"
        f" header={str(header.skipped > 0).lower()}, auto_detect=false, compression={literal(origin.kind)},"
        f" parallel={str(origin.is_split).lower()}, columns={{{columns}}})"
    )
