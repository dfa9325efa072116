"""The columns of a file in DuckDB: how SQL and messages name them, and their values that are not of their type."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ziggy_async.messages import shown
from ziggy_async.reading.dates import NOT_ALIKE, advice_on
from ziggy_async.reading.numbers import advice_on_number
from ziggy_async.reading.timestamps import OUT_OF_RANGE, to_ns

if TYPE_CHECKING:
    import duckdb

FAR = re.compile(r"^\d{5,}-\d\d-\d\d|\(BC\)|infinity")
"""Parts of DuckDB's text of a time that Python has not got."""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class RowError(ValueError):
    """A fault of a table, and the row that shows it."""

    def __init__(self, row: int, symbol: str, sentence: str) -> None:
        super().__init__(sentence)
        self.row = row
        self.symbol = symbol


@dataclass(frozen=True, slots=True)
class Columns:
    """SQL of a table of the columns that matter, named by their roles, and `row`. `types`: role -> SQL type of it."""

    connection: "duckdb.DuckDBPyConnection"
    source: str
    types: Mapping[str, str]
    headings: Mapping[str, str]
    """Role -> how the file calls the column."""
    declared: Callable[[Mapping[str, str]], str] | None = None
    """SQL of the same columns of a CSV file whose reader gives those roles their SQL types: that is faster than a cast
    of texts, and fails where a value has not got its type."""
    typing: Mapping[str, str] = field(default_factory=dict)
    """Role -> SQL of its values in their type, once that is known."""

    is_bare: bool = False
    """See `Header`."""
    beside: Callable[[], Iterable[str | None]] = tuple
    """The first texts of all columns without a role."""

    @property
    def typed(self) -> str:
        """SQL of `row` and the columns in their types, NULL where a value has not got its type."""
        return f"(SELECT row, {selection(self.typing)} FROM {self.source})"

    def first_row(self, query: str) -> tuple[Any, ...] | None:
        """Returns the first row of a query, which gives few: a relation is not read before they are all fetched."""
        return next(iter(self.connection.execute(query).fetchall()), None)

    def named(self, role: str) -> str:
        """Returns how a message calls the column, before its value."""
        heading = self.headings.get(role, role)
        return role if heading.casefold() == role else f"column {heading!r}:"

    def names(self, roles: Iterable[str]) -> list[str]:
        return [self.headings.get(role, role) for role in roles]

    def fault(self, role: str, value: str | None) -> str:
        """Returns what is said of a value of the column that is missing or not of its type."""
        fault = fault_of(role, value)
        return f"{self.named(role)} {fault}".replace(": is missing", " has no value")

    def is_text(self, role: str) -> bool:
        return self.types[role] == "VARCHAR"


def selection(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{sql} AS {role}" for role, sql in columns.items())


def fault_of(role: str, value: str | None) -> str:
    if value is None or not value.strip():
        return "is missing"
    if role == "timestamp":
        if FAR.search(value):
            return f"{shown(value)} {OUT_OF_RANGE}"
        try:
            to_ns(value)
        except ValueError as error:
            if str(error).endswith(OUT_OF_RANGE):
                return str(error)
        return f"{shown(value)} is not a date and time{advice_on(value) or NOT_ALIKE}"
    return f"{shown(value)} is not a number{advice_on_number(value)}"
