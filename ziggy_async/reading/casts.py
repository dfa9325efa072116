"""SQL that gives a table's texts their types: what a time means is decided by `dates`, and read by DuckDB, as are
figures that are written plainly."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.reading import numbers
from ziggy_async.reading.beside import HEAD
from ziggy_async.reading.chunked import arrays_of
from ziggy_async.reading.dates import AmbiguousError, century_error, column_order, tomorrow
from ziggy_async.reading.options import Rules
from ziggy_async.reading.spellings import FURTHER, PRICE_COLUMNS, order_said
from ziggy_async.reading.sql import Columns, RowError, literal, selection
from ziggy_async.reading.tables import Broken, Texts, lacks_values, pairs_of, rows_of
from ziggy_async.reading.timestamps import ROUNDED
from ziggy_async.reading.ways import OFFSET, WAYS, formats_of, take_apart

if TYPE_CHECKING:
    from ziggy_async.reading.ways import Written

WHOLE_NUMBER = r"^\s*(-?\d+)(\.0*)?\s*$"
DATE_PART = r"^\s*(?:[A-Za-z]{3,9},? )?(\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
"""A date whose order of day and month is open."""
WITHIN_RANGE = "CASE WHEN CAST({0} AS TIMESTAMP) BETWEEN '1677-09-22' AND '2262-04-11' THEN {0} END"
"""Times that nanoseconds reach."""
SYMBOL = "CAST(symbol AS VARCHAR)"
IS_FINER = r"regexp_matches(timestamp, '[.,]\d{7}')"
HAS_NAME = r"regexp_matches(timestamp, '^\s*\d{1,2}[-/. ]*(de )?\pL{3}')"
IS_WITHOUT_ZONE = "right(timestamp, 1) <= '9' OR right(timestamp, 1) = 'Z'"
HAS_OFFSET = "regexp_matches(timestamp, ':\\d\\d.*[+-]\\d')"
HAS_OFFSET_WITHIN = f"regexp_matches(timestamp, '(?:{OFFSET})\\s*$')"
HAS_NO_OFFSET = "regexp_matches(timestamp, '[+-]00(?::?00)*\\s*$')"
IS_NAIVE = "regexp_matches(timestamp, ':\\d\\d.*\\d\\s*$|:\\d\\d\\s*$')"
IS_WITHIN = f"NOT {HAS_OFFSET} OR {HAS_OFFSET_WITHIN}"
"""True if the offset from UTC is one that clocks have: DuckDB takes also 99 hours."""
ISO_CAST = (
    f"CASE WHEN ({IS_WITHOUT_ZONE}) AND NOT {IS_FINER} AND ({IS_WITHIN})"
    " THEN TRY_CAST(trim(timestamp) AS TIMESTAMPTZ) END"
)
"""Times of ISO 8601 but those with the name of a zone, DuckDB takes CST for that of Chicago, and those finer than
microseconds, which it cuts."""


def typed_values(columns: Columns, symbol: str | None, rules: Rules) -> tuple[Columns, dict[str, Any]]:
    """Returns the columns with the `typing` of symbol, timestamp and figures, and their values, which are read once
    where all figures are written plainly; else these are texts, as are times that DuckDB does not read as we do.
    `symbol`: whose bars these are, None where there is a symbol column."""
    stamps = [role for role in ("timestamp", "time") if "time" in columns.types]  # to be read as in any table
    times = {role: _as_text(role, columns.types[role]) for role in stamps}
    typed = (times or {"timestamp": timestamp_of(columns, symbol, rules)}) | plain_numbers(columns)
    if "epoch" in columns.types:
        typed["epoch"] = _whole("epoch") if columns.is_text("epoch") else "epoch"
    if "zone" in columns.types:
        typed["zone"] = "zone"
    values = declared_values(columns, typed)
    are_written = values is None and _have_written_numbers(columns, typed)
    if values is None and not are_written:
        values = _values(columns, columns.source, typed)
    if values is None or may_have_points(columns, values):
        typed |= {role: f"nullif(trim({role}), '')" for role in figures_of(columns)}  # to be read as in any table
        values = _values(columns, columns.source, typed)
    if isinstance(values["timestamp"], Broken):
        typed["timestamp"] = WITHIN_RANGE.format(typed["timestamp"])
        values = _values(columns, columns.source, typed)
    if not times and columns.is_text("timestamp") and lacks_values(values["timestamp"]) and _has_other_texts(columns):
        typed["timestamp"] = "timestamp"  # to be read as in any table
        values = _values(columns, columns.source, typed)
    own = f"nullif(trim({SYMBOL}), '')" if symbol is None else literal(symbol)
    return replace(columns, typing={"symbol": own} | typed), with_owner(values, symbol)


def _as_text(role: str, kind: str) -> str:
    """Returns SQL of a date or a time of day as a text, unless it is a number that may be rounded."""
    return role if kind == "FLOAT" else f"nullif(trim(CAST({role} AS VARCHAR)), '')"


def with_owner(values: Mapping[str, Any], symbol: str | None) -> dict[str, Any]:
    """Returns the values with the symbol of all rows, unless they have a column of it."""
    own = {} if symbol is None else {"symbol": Texts(np.zeros(rows_of(values["close"]), dtype=np.int32), [symbol])}
    return {**values, **own}


def figures_of(columns: Columns) -> list[str]:
    """Returns the roles of figures that are texts."""
    further = [role for role in columns.types if role.startswith(FURTHER.format(""))]
    return [role for role in (*PRICE_COLUMNS, *further) if role in columns.types and columns.is_text(role)]


def declared_values(columns: Columns, typed: dict[str, str]) -> dict[str, Any] | None:
    """Does what `_values` does; None where the reader of a CSV file cannot give all values their types."""
    import duckdb

    if columns.declared is None:
        return None
    texts = figures_of(columns)
    declared = columns.declared(dict.fromkeys(texts, "DOUBLE"))
    try:
        return _values(columns, declared, typed | {role: role for role in texts})
    except duckdb.ConversionException:
        return None


def _have_written_numbers(columns: Columns, typed: Mapping[str, str]) -> bool:
    """Returns whether one of the texts of figures that DuckDB takes for none is a number as people write them, or
    anything else in a further column, whose values may be missing but have to be numbers."""
    shown = {role: role if role in PRICE_COLUMNS else literal("0") for role in figures_of(columns)}
    unread = [f"CASE WHEN {typed[role]} IS NULL AND trim({role}) <> '' THEN {text} END" for role, text in shown.items()]
    if not unread:
        return False
    query = f"SELECT DISTINCT unnest([{', '.join(unread)}]) AS text FROM {columns.source}"
    found = columns.connection.execute(f"SELECT text FROM ({query}) WHERE text IS NOT NULL").fetchall()
    return any(numbers.is_number(text) for (text,) in found)


def _values(columns: Columns, source: str, typed: dict[str, str]) -> dict[str, Any]:
    """Returns the values of these columns of `source`, role -> SQL, and the symbols. DuckDB goes on reading the file in
    several threads while they are taken, unless the query selects `row`."""
    import duckdb

    own = {"symbol": SYMBOL} if "symbol" in columns.types else {}
    query = f"SELECT {selection(own | typed)} FROM {source}"
    relation = columns.connection.sql(query)
    try:
        values = dict(pairs_of(relation))
    except RuntimeError as error:  # of a stream that has begun: the beginning of what DuckDB says, and not its kind
        text = str(error).removeprefix("the Arrow stream failed: ")
        if text.startswith("Conversion Error"):
            raise duckdb.ConversionException(text) from error
        if text.startswith("INTERRUPT"):
            raise duckdb.InterruptException(text) from error
        columns.connection.cursor().execute(f"SELECT count(COLUMNS(*)) FROM ({query})").fetchall()
        raise duckdb.Error(text) from error
    return values | ({"symbol": values["symbol"].stripped()} if own else {})


def _has_other_texts(columns: Columns) -> bool:
    """Returns whether there are times finer than microseconds, or with the name of a month, of which DuckDB knows the
    English ones."""
    return columns.first_row(f"SELECT 1 FROM {columns.source} WHERE {IS_FINER} OR {HAS_NAME} LIMIT 1") is not None


def timestamp_of(columns: Columns, symbol: str | None, rules: Rules) -> str:
    """The first value says how all are written."""
    if columns.types["timestamp"] == "FLOAT":
        raise ValueError(f"{columns.named('timestamp')} {ROUNDED.format('FLOAT')}")
    if columns.types["timestamp"].startswith("DECIMAL"):
        return "CASE WHEN timestamp = trunc(timestamp) THEN TRY_CAST(timestamp AS BIGINT) END"
    if columns.types["timestamp"] == "TIMESTAMP_NS":  # infinity stands for what nanoseconds do not reach
        return "CASE WHEN isfinite(timestamp) THEN timestamp END"
    if not columns.is_text("timestamp"):
        return "timestamp"
    query = f"SELECT timestamp FROM {columns.source} WHERE trim(timestamp) != '' LIMIT 1"
    first = columns.first_row(query)
    if first is None:
        return "CAST(NULL AS TIMESTAMP)"
    text = first[0].strip()
    if re.match(WHOLE_NUMBER, text):
        return _whole("timestamp")
    written = take_apart(text)
    if written is None or written.match["place"] is not None or written.form:
        return "timestamp"  # to be read as in any table: DuckDB takes more for a time, also what a clock shows twice
    order = WAYS[written.way].order or order_of(columns, written, symbol, rules)
    formats = [literal(each) for each in formats_of(written, order)]
    if "%n" in formats[0] and "%z" in formats[0]:
        return "timestamp"  # as above: of these DuckDB reads microseconds, or no offset, as its version goes
    own = f"SELECT try_strptime({literal(text)}, {formats[0]})"
    if columns.first_row(own) in (None, (None,)):
        return "timestamp"  # as above: there is no format for this way to write it
    has_offset = "%z" in formats[0]
    if WAYS[written.way].formats == ("%Y-%m-%d",) and not any(mark in formats[0] for mark in ("%n", "%p", " %z")):
        own = f"try_strptime(timestamp, {formats[0]})"
        return f"coalesce({_within(own) if has_offset else own}, {_iso_cast(written)})"
    value = f"try_strptime(timestamp, [{', '.join(formats)}])"
    if has_offset:
        value = _within(value)
    if not WAYS[written.way].order:
        # DuckDB reads 24 for a year of four digits too.
        digits = r"\D\d{2}(\D|$)" if written.has_short_year else r"\D\d{4}(\D|$)"
        shape = literal(rf"^\s*(?:[A-Za-z]{{3,9}},? )?\d{{1,2}}\{written.separator}\d{{1,2}}{digits}")
        value = f"CASE WHEN regexp_matches(timestamp, {shape}) THEN {value} END"
    if written.has_short_year:
        _refuse_open_centuries(columns, value, symbol)
    return value


def says_order(first: str, column: str, rules: Rules) -> bool:
    """Returns whether times that are written as the first one of a column say by themselves how they are read, and the
    days beside them do not."""
    written = take_apart(first.strip())
    is_said = rules.dates or order_said(column)
    return written is None or (not written.has_short_year and bool(WAYS[written.way].order or is_said))


def _refuse_open_centuries(columns: Columns, value: str, owner: str | None) -> None:
    """Raises for the first time, by its SQL, that a year of two digits makes one of the future."""
    symbol = SYMBOL if owner is None else literal(owner)
    day = f"date_diff('day', DATE '1970-01-01', CAST({value} AS DATE))"
    query = f"SELECT row, {symbol}, timestamp, day FROM (SELECT *, {day} AS day FROM {columns.source})"
    found = columns.first_row(f"{query} WHERE day > {tomorrow()} ORDER BY row LIMIT 1")
    if found is not None:
        row, name, text, day_of_row = found
        raise RowError(row, str(name), f"{columns.named('timestamp')} {century_error(text, day_of_row)}")


def _whole(role: str) -> str:
    """Returns SQL of a whole number."""
    return f"TRY_CAST(nullif(regexp_extract({role}, {literal(WHOLE_NUMBER)}, 1), '') AS BIGINT)"


def _iso_cast(first: "Written") -> str:
    """Returns SQL of times of ISO 8601, but of times of day without a zone where the first one has an offset from UTC,
    and the other way round: which clock they are of is not known."""
    if first.is_local:
        return f"CASE WHEN {HAS_OFFSET} OR NOT {IS_NAIVE} THEN {ISO_CAST} END"
    if first.is_naive:
        return f"CASE WHEN NOT {HAS_OFFSET} OR {HAS_NO_OFFSET} THEN {ISO_CAST} END"
    return ISO_CAST


def _within(moment: str) -> str:
    """Returns SQL of a time whose offset from UTC is one that clocks have, NULL otherwise."""
    return f"CASE WHEN {HAS_OFFSET_WITHIN} THEN {moment} END"


def order_of(columns: Columns, first: "Written", owner: str | None, rules: Rules) -> str:
    """Returns the order of day, month and year: of each symbol, the days as they follow one another."""
    said = rules.dates or order_said(columns.headings["timestamp"])
    if said is not None:
        return said
    symbol = SYMBOL if owner is None else literal(owner)
    day = f"nullif(regexp_extract(timestamp, {literal(DATE_PART)}, 1), '')"
    days = columns.connection.execute(
        f"SELECT row, symbol, day FROM (SELECT row, {symbol} AS symbol, {day} AS day,"
        f" lag({day}) OVER (PARTITION BY {symbol} ORDER BY row) AS before FROM {columns.source})"
        " WHERE day IS NOT NULL AND day IS DISTINCT FROM before ORDER BY row"
    ).fetchall()
    places: dict[str, int] = {}
    distinct: list[Written] = []
    rows, owners, numbers_of_rows = [], [], []
    for row, symbol_text, text in days:
        written = take_apart(text)
        if written is None or written.style != first.style:
            continue
        if text not in places:
            places[text] = len(distinct)
            distinct.append(written)
        rows.append(places[text])
        owners.append(str(symbol_text))
        numbers_of_rows.append(row)
    codes = np.unique(owners, return_inverse=True)[1]
    try:
        return column_order(distinct, np.array(rows), codes, None)
    except AmbiguousError as error:
        raise RowError(numbers_of_rows[error.at], owners[error.at], f"{columns.named('timestamp')} {error}") from None


def plain_numbers(columns: Columns) -> dict[str, str]:
    """Returns role -> SQL of the figures as most files write them."""
    figures = [role for role in columns.types if role in PRICE_COLUMNS or role.startswith(FURTHER.format(""))]
    booleans = [role for role in figures if columns.types[role] == "BOOLEAN"]
    if booleans:
        raise TypeError(f"column {columns.headings[booleans[0]]!r} holds booleans and no numbers")

    def plain(role: str) -> str:
        if columns.is_text(role):
            return _double(role)
        return f"CAST({role} AS DOUBLE)" if "DECIMAL" in columns.types[role] else role

    typed = {role: plain(role) for role in figures}
    typed.setdefault("volume", "0.0")
    return {role: typed.pop(role) for role in PRICE_COLUMNS} | typed


def may_have_points(columns: Columns, values: Mapping[str, Any]) -> bool:
    """Returns whether numbers of a column have a fraction, and all may have a point between thousands: volumes, and
    prices where they may be a hundred times as much as others or have names of a language with decimal commas."""
    texts = figures_of(columns)
    has_commas = numbers.have_commas(columns.names(texts))
    for role in texts if has_commas else {"close", "volume"}.intersection(texts):
        arrays = arrays_of(values[role])
        highest = 10 if role == "close" and not has_commas else 1000
        pieces = (arrays[0][:HEAD], *arrays)  # the head of most columns decides
        if all(_may_be_grouped(piece, highest) for piece in pieces) and any(map(_have_fractions, arrays)):
            return True
    return False


def _have_fractions(values: NDArray[np.float64]) -> bool:
    return bool((values[np.isfinite(values)] % 1 > 0).any())


def _may_be_grouped(values: NDArray[np.float64], highest: int) -> bool:
    """Returns whether all are below 1000, and those with a fraction have three digits of it and are below `highest`."""
    known = np.abs(values[np.isfinite(values)])
    has_more = np.abs(known * 1000 - np.rint(known * 1000)) > 1e-6
    return not ((known >= 1000) | has_more | ((known >= highest) & (known % 1 > 0))).any()


def _double(sql: str) -> str:
    """Returns what DuckDB reads as a number, but for texts like 1_0, which it takes for ten."""
    return f"CASE WHEN NOT contains({sql}, '_') THEN TRY_CAST({sql} AS DOUBLE) END"
