"""SQL that gives a table's texts their types: what a text means is decided by `dates` and `numbers`, and read by
DuckDB."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.reading import numbers
from ziggy_async.reading.beside import HEAD
from ziggy_async.reading.chunked import arrays_of
from ziggy_async.reading.dates import AmbiguousError, century_error, column_order, tomorrow
from ziggy_async.reading.options import Rules
from ziggy_async.reading.spellings import FURTHER, PRICE_COLUMNS, PRICES, order_said
from ziggy_async.reading.sql import Columns, RowError, literal, selection
from ziggy_async.reading.tables import Broken, Texts, pairs_of
from ziggy_async.reading.timestamps import ROUNDED
from ziggy_async.reading.values import lacks_values
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
"""Whether the offset from UTC is one that clocks have: DuckDB takes also 99 hours."""
ISO_CAST = (
    f"CASE WHEN ({IS_WITHOUT_ZONE}) AND NOT {IS_FINER} AND ({IS_WITHIN})"
    " THEN TRY_CAST(trim(timestamp) AS TIMESTAMPTZ) END"
)
"""Times of ISO 8601 but those with the name of a zone, DuckDB takes CST for that of Chicago, and those finer than
microseconds, which it cuts."""

APOSTROPHE = "'"


def typed_values(columns: Columns, symbol: str | None, rules: Rules) -> tuple[Columns, dict[str, Any]]:
    """The columns with the `typing` of symbol, timestamp and figures, and their values, which are read once where all
    figures are written plainly. `symbol`: whose bars these are, None where there is a symbol column."""
    typed: dict[str, str] = {"timestamp": timestamp_of(columns, symbol, rules)} | plain_numbers(columns)
    if "epoch" in columns.types:
        typed["epoch"] = _whole("epoch") if columns.is_text("epoch") else "epoch"
    if "zone" in columns.types:
        typed["zone"] = "zone"
    values = declared_values(columns, typed)
    if values is None:
        typed, values = _written_values(columns, typed, symbol)
    if may_have_points(columns, values):
        _decimal_mark_of(columns, figures_of(columns), symbol)
    if isinstance(values["timestamp"], Broken):
        typed["timestamp"] = WITHIN_RANGE.format(typed["timestamp"])
        values = _values(columns, columns.source, typed)
    if columns.is_text("timestamp") and lacks_values(values["timestamp"]) and _has_other_texts(columns):
        typed["timestamp"] = "timestamp"  # to be read as in any table
        values = _values(columns, columns.source, typed)
    own = f"nullif(trim({SYMBOL}), '')" if symbol is None else literal(symbol)
    return replace(columns, typing={"symbol": own} | typed), with_owner(values, symbol)


def with_owner(values: Mapping[str, Any], symbol: str | None) -> dict[str, Any]:
    """The values with the symbol of all rows, unless they have a column of it."""
    own = {} if symbol is None else {"symbol": Texts(np.zeros(len(values["close"]), dtype=np.int32), [symbol])}
    return {**values, **own}


def figures_of(columns: Columns) -> list[str]:
    """The roles of figures that are texts."""
    further = [role for role in columns.types if role.startswith(FURTHER.format(""))]
    return [role for role in (*PRICE_COLUMNS, *further) if role in columns.types and columns.is_text(role)]


def declared_values(columns: Columns, typed: dict[str, str]) -> dict[str, Any] | None:
    """The same as `_values`; None where the reader of a CSV file cannot give all values their types."""
    import duckdb

    if columns.declared is None:
        return None
    texts = figures_of(columns)
    declared = columns.declared(dict.fromkeys(texts, "DOUBLE"))
    try:
        return _values(columns, declared, typed | {role: role for role in texts})
    except duckdb.ConversionException:
        return None


def _written_values(
    columns: Columns, typed: dict[str, str], owner: str | None
) -> tuple[dict[str, str], dict[str, Any]]:
    """The same with figures as people write them, and their SQL: regular expressions, which take longer than all else,
    are asked of columns that have more than the sign of a currency in front."""
    texts = lacking = figures_of(columns)
    if columns.declared is None:  # else a figure is not plain
        values = _values(columns, columns.source, typed)
        lacking = [role for role in texts if lacks_values(values[role])]
    if lacking:
        typed = typed | {role: _double(f"ltrim({role}, {literal(numbers.CURRENCIES)})") for role in lacking}
        values = _values(columns, columns.source, typed)
        lacking = [role for role in lacking if lacks_values(values[role])]
        _refuse_currencies(columns, [role for role in texts if role in PRICES], lacking, owner)
    if lacking:
        typed = typed | _written_numbers(columns, texts, lacking, owner)
        values = _values(columns, columns.source, typed)
    return typed, values


def _values(columns: Columns, source: str, typed: dict[str, str]) -> dict[str, Any]:
    """The values of these columns of `source`, role -> SQL, and the symbols; DuckDB goes on with the file while they
    are taken, in several threads, as it does as long as nobody asks for `row`."""
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
    """Whether there are times finer than microseconds, or with the name of a month, of which DuckDB knows the English
    ones."""
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
    """Whether times that are written as the first one of a column say by themselves how they are read, and the days
    beside them do not."""
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
    """SQL of a whole number."""
    return f"TRY_CAST(nullif(regexp_extract({role}, {literal(WHOLE_NUMBER)}, 1), '') AS BIGINT)"


def _iso_cast(first: "Written") -> str:
    """SQL of times of ISO 8601, but of times of day without a zone where the first one has an offset from UTC, and the
    other way round: which clock they are of is not known."""
    if first.is_local:
        return f"CASE WHEN {HAS_OFFSET} OR NOT {IS_NAIVE} THEN {ISO_CAST} END"
    if first.is_naive:
        return f"CASE WHEN NOT {HAS_OFFSET} OR {HAS_NO_OFFSET} THEN {ISO_CAST} END"
    return ISO_CAST


def _within(moment: str) -> str:
    """SQL of a time with an offset from UTC that is one."""
    return f"CASE WHEN {HAS_OFFSET_WITHIN} THEN {moment} END"


def order_of(columns: Columns, first: "Written", owner: str | None, rules: Rules) -> str:
    """The order of day, month and year: of each symbol, the days as they follow one another."""
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
    """Role -> SQL of the figures as most files write them."""
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


def _written_numbers(
    columns: Columns, texts: Sequence[str], lacking: Sequence[str], owner: str | None
) -> dict[str, str]:
    """The figures as people write them, of the columns that need it; all agree on what is a decimal mark."""
    mark = _decimal_mark_of(columns, texts, owner)
    return {role: _decorated(role, mark) for role in (lacking if mark == numbers.POINT else texts)}


def _decimal_mark_of(columns: Columns, texts: Sequence[str], owner: str | None) -> str:
    """As below, but `RowError` where nothing decides."""
    try:
        return decimal_mark_of(columns, texts)
    except numbers.MarkError as error:
        symbol = SYMBOL if owner is None else literal(owner)
        holders = ", ".join(f"{role} = {literal(error.text)}" for role in texts)
        query = f"SELECT row, {symbol}, [{holders}] AS holders FROM {columns.source}"
        query += " WHERE list_contains(holders, true) ORDER BY row LIMIT 1"
        row, symbol, is_holder = columns.first_row(query) or (0, owner, [True])
        raise RowError(row, str(symbol), f"{columns.named(texts[is_holder.index(True)])} {error}") from None


def may_have_points(columns: Columns, values: Mapping[str, Any]) -> bool:
    """Whether numbers of a column have a fraction, and all may have a point between thousands: volumes, and prices
    where they may be a hundred times as much as others or have names of a language with decimal commas."""
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
    """Whether all are below 1000, and those with a fraction have three digits of it and are below `highest`."""
    known = np.abs(values[np.isfinite(values)])
    has_more = np.abs(known * 1000 - np.rint(known * 1000)) > 1e-6
    return not ((known >= 1000) | has_more | ((known >= highest) & (known % 1 > 0))).any()


def _refuse_currencies(columns: Columns, prices: Sequence[str], lacking: Sequence[str], owner: str | None) -> None:
    """Raises for the first price of a symbol that is of another currency than one before it; which may stand anywhere
    in the columns that are `lacking`, and in front in others."""
    digits = "translate({0}, '0123456789.,', '')"
    around = ", ".join((digits if role in lacking else "left({0}, 1)").format(role) for role in prices)
    query = f"SELECT DISTINCT unnest([{around}]) AS around FROM {columns.source}"
    found = columns.connection.execute(f"SELECT around FROM ({query}) WHERE around <> ''").fetchall()
    if len({numbers.currency_of(text) for (text,) in found} - {None}) < 2:
        return
    symbol = SYMBOL if owner is None else literal(owner)
    rows = columns.connection.execute(f"SELECT row, {symbol}, [{', '.join(prices)}] FROM {columns.source} ORDER BY row")
    first: dict[str, str] = {}
    while chunk := rows.fetchmany(10_000):
        for row, name, texts in chunk:
            for role, text in zip(prices, texts, strict=True):
                currency = numbers.currency_of(text or "")
                if currency is None:
                    continue
                before = first.setdefault(name, text)
                if numbers.currency_of(before) != currency:
                    raise RowError(row, str(name), f"{columns.named(role)} {numbers.other_currency(text, before)}")


def decimal_mark_of(columns: Columns, texts: Sequence[str]) -> str:
    """The decimal mark of a table's numbers. Where none has a comma the first rows show mostly that a point is one.
    `MarkError` also for prices that may be in thirty-seconds."""
    with_comma, with_apostrophe = (_example(texts, f"contains({{0}}, {literal(each)})") for each in (",", APOSTROPHE))
    found = columns.first_row(f"SELECT {with_comma}, {with_apostrophe} FROM {columns.source}")
    doubtful, marked = found or (None, None)
    if marked is not None:
        _refuse_ticks(columns, texts)
    pattern = numbers.thousands_of(columns.headings) if "volume" in texts else None
    if pattern is not None:
        (billions,) = columns.first_row(f"SELECT {_example(['volume'], _matches(pattern))} FROM {columns.source}") or (
            None,
        )
        if billions is not None:
            raise numbers.thousands_error(billions)
    if doubtful is None and _proofs(columns, texts, f"LIMIT {HEAD}")[0] is not None:
        return numbers.POINT
    point, comma = _proofs(columns, texts)
    if doubtful is None and point is None:
        doubtful = comma  # of several points
    if doubtful is None:
        if point is None:
            _refuse_points(columns, texts)
        return numbers.POINT
    mark = numbers.chosen_mark(point, comma, doubtful)
    numbers.refuse_groups(mark, _groupings(columns, texts, mark))
    return mark


def _proofs(columns: Columns, texts: Sequence[str], limit: str = "") -> tuple[Any, ...]:
    """A number in which a point can only be the decimal mark, and one with a comma; None: there is none."""
    proofs = (_example(texts, _matches(each)) for each in (numbers.POINT_PROOF, numbers.COMMA_PROOF))
    query = f"SELECT {', '.join(proofs)} FROM (SELECT {', '.join(texts)} FROM {columns.source} {limit})"
    return columns.first_row(query) or (None, None)


def _refuse_points(columns: Columns, texts: Sequence[str]) -> None:
    """As `numbers.refuse_points`, but where a column beside them shows what points are."""
    names = columns.names(texts)
    are_shown = numbers.show_points(columns.beside())
    if are_shown and not numbers.have_commas(names):
        return
    asked = [_example([role], _matches(pattern)) for role in texts for pattern in numbers.ABOUT_POINTS]
    found = columns.first_row(f"SELECT {', '.join(asked)} FROM {columns.source}") or (None,) * len(asked)
    of_roles = {role: found[4 * at : 4 * at + 4] for at, role in enumerate(texts)}
    numbers.refuse_points(names, of_roles, columns.is_bare and are_shown is None)


def _matches(pattern: str) -> str:
    """SQL, to be formatted with a role, of whether the number of its column matches."""
    return f"regexp_matches(regexp_replace({_bare('{0}')}, {_braced(numbers.SEPARATORS)}, '', 'g'), {_braced(pattern)})"


def _groupings(columns: Columns, texts: Sequence[str], mark: str) -> dict[str, numbers.Grouping]:
    """Role -> what the column shows; regular expressions are asked of columns with the mark between thousands alone."""
    other = numbers.thousands_mark(mark)
    held = [f"coalesce(bool_or(contains({role}, '{each}')), false)" for role in texts for each in (mark, other)]
    found = columns.first_row(f"SELECT {', '.join(held)} FROM {columns.source}") or ()
    have_mark, have_other = dict(zip(texts, found[::2], strict=True)), dict(zip(texts, found[1::2], strict=True))
    groupings = {
        role: numbers.Grouping(None, False, math.nan, math.nan, has_mark) for role, has_mark in have_mark.items()
    }
    grouped = [role for role in texts if have_other[role]]
    if grouped:
        asked = ", ".join(_asked_of_groups(role, mark) for role in grouped)
        answers = columns.first_row(f"SELECT {asked} FROM {columns.source}") or ()
        for at, role in enumerate(grouped):
            doubtful, is_sure, *largest = answers[4 * at : 4 * at + 4]
            largest_doubtful, others = (math.nan if each is None else each for each in largest)
            groupings[role] = numbers.Grouping(doubtful, is_sure, largest_doubtful, others, have_mark[role])
    return groupings


def _asked_of_groups(role: str, mark: str) -> str:
    """SQL of the first four parts of a `Grouping`."""
    number = f"regexp_replace({_bare('{0}').format(role)}, {literal(numbers.SEPARATORS)}, '', 'g')"
    is_doubtful = f"regexp_matches({number}, {literal(numbers.MAY_BE_GROUPED[mark])})"
    value = _decorated(role, mark)
    return (
        f"first({role}) FILTER ({is_doubtful}),"
        f" coalesce(bool_or(regexp_matches({number}, {literal(numbers.IS_GROUPED[mark])})), false),"
        f" max({value}) FILTER ({is_doubtful}), max({value}) FILTER (NOT {is_doubtful})"
    )


def _refuse_ticks(columns: Columns, texts: Sequence[str]) -> None:
    """As `numbers.refuse_ticks`."""
    prices = [role for role in texts if role in PRICES]
    others = [role for role in texts if role not in PRICES]
    may_be = f"regexp_matches({_bare('{0}')}, {_braced(numbers.TICKS)})"
    is_marked = f"contains(ltrim({{0}}, {literal(APOSTROPHE)}), {literal(APOSTROPHE)})"
    ticks, thousands, marked = columns.first_row(
        f"SELECT {_example(prices, may_be)}, {_example(prices, f'{is_marked} AND NOT {may_be}')},"
        f" {_example(others, is_marked)} FROM {columns.source}"
    ) or (None, None, None)
    if ticks is not None and thousands is None and marked is None:
        raise numbers.ticks_error(ticks)


def _example(roles: Sequence[str], condition: str) -> str:
    """SQL of one value for which `condition` holds, of no row in particular: who asks for `row` reads in one thread."""
    found = [f"first({role}) FILTER ({condition.format(role)})" for role in roles]
    return f"coalesce({', '.join([*found, 'NULL'])})"


def _bare(sql: str) -> str:
    return f"regexp_replace({sql}, {_braced(numbers.AROUND)}, {literal(numbers.BARE)})"


def _braced(pattern: str) -> str:
    """A pattern as a literal inside of a text that is formatted."""
    return literal(pattern).replace("{", "{{").replace("}", "}}")


def _double(sql: str) -> str:
    """What DuckDB reads as a number, but for texts like 1_0, which it takes for ten."""
    return f"CASE WHEN NOT contains({sql}, '_') THEN TRY_CAST({sql} AS DOUBLE) END"


def _decorated(role: str, mark: str) -> str:
    bare = _bare("{0}").format(role)
    ungrouped = f"regexp_replace({bare}, {literal(numbers.SEPARATORS)}, '', 'g')"
    digits = (
        f"replace(replace(rtrim({ungrouped}, '{numbers.LETTERS}'), '{numbers.thousands_mark(mark)}', ''), ',', '.')"
    )
    units, exponents = list(numbers.EXPONENTS), [f"e{each}" if each else "" for each in numbers.EXPONENTS.values()]
    unit = f"lower(regexp_extract({bare}, '[{numbers.LETTERS}]*$'))"
    exponent = f"{exponents}[list_position({units}, {unit})]"  # a CASE would ask for the unit by each WHEN again
    return (
        f"CASE WHEN regexp_matches({bare}, {literal(numbers.WHOLE[mark])})"
        f" THEN TRY_CAST({digits} || {exponent} AS DOUBLE) END"
    )
