"""Finds the names of a CSV file's columns, and where its rows begin, by its first lines alone: a guess from the rows
would give each file rules of its own."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ziggy_async.messages import shortened
from ziggy_async.reading.layouts import HISTDATA, HISTDATA_NAME, is_nameless, names_of, warn_of_histdata
from ziggy_async.reading.remarks import CURRENCIES, MONEY, UNITS
from ziggy_async.reading.spellings import PRICE_COLUMNS, PRICES, role_of, unique

DELIMITERS = ",;\t|"
OTHER_DELIMITERS = "^~:"
"""Delimiters that stand between names alone: values may have them."""
HEAD = 60
"""Lines that are looked at."""
LEAST_ROLES = 4
"""Columns of bars that a line of names has at least."""
NO_OWNERS = {"ADJ", "ADJUSTED", "ASK", "AVG", "BID", "MID", "PREV", "RAW", "UNADJ"}
"""Words that stand before a point in the names of prices and are not tickers."""
SHORT_NUMBER = r"\d{1,3}"
TWO_LEVELS = re.compile(r"\('([^']*)', '([^']*)'\)")
MOST_LINES = 5
"""Lines in the file of one line of names, which may have line ends between quotation marks."""
LONGEST_LINE = 100
"""Characters of a line that a message shows."""
LONGEST_HEADER = 100_000
"""Characters of the line of column names: DuckDB takes hours for a million columns."""


@dataclass(frozen=True, slots=True)
class Header:
    """The way in which a file is cut into columns: `names` are theirs, after `skipped` lines; `tickers` of a file that
    has several side by side: whose each column is, None for those of all; `owner` of one that names a single ticker."""

    delimiter: str
    names: tuple[str, ...]
    skipped: int
    has_comments: bool = False
    tickers: tuple[str | None, ...] | None = None
    owner: str | None = None
    is_bare: bool = False
    """True if commas separate the columns, and nothing is between quotation marks."""

    @property
    def commas(self) -> tuple[str, int]:
        """The delimiter, and how many a row has."""
        return self.delimiter, len(self.names) - 1


def header_of(lines: Sequence[str], columns: Mapping[str, str] | None, file_name: str = "") -> Header:
    """Returns the header of lines of which several may be one, where a name has line ends between quotation marks."""
    joined: list[str] = []
    ends = [0]
    for at, line in enumerate(lines):
        if at < ends[-1]:
            continue
        following = range(at + 1, 1 if line.startswith("#") else min(at + MOST_LINES, len(lines)) + 1)
        texts = ((end, "".join(lines[at:end])) for end in following)
        whole = (end for end, text in texts if len(text) <= LONGEST_HEADER and text.count('"') % 2 == 0)
        end = next(whole, at + 1)
        joined.append(" ".join(each.rstrip("\r\n") for each in lines[at:end]))
        ends.append(end)
    header = _header_of(joined, columns, file_name)
    is_bare = header.delimiter == "," and not any('"' in line for line in lines)
    return replace(header, skipped=ends[header.skipped], is_bare=is_bare)


def _header_of(lines: Sequence[str], columns: Mapping[str, str] | None, file_name: str) -> Header:
    """Raises `ValueError` for what is not a table, or has no column names and no layout that is known without."""
    if not any(line.strip() for line in lines):
        raise ValueError("is not a table: it begins with blank lines only")
    if "\0" in lines[0]:
        raise ValueError("is not a table: it holds NUL characters, as UTF-16 without a mark does; save it as UTF-8")
    said = _said_delimiter(lines[0])
    has_comments = any(line.startswith("#") for line in lines)
    for at, line in enumerate(lines):
        if len(line) > LONGEST_HEADER:
            place = f"line {at + 1}" if at else "first line"
            start = shortened(line, LONGEST_LINE)
            raise ValueError(f"is not a table: its {place} has more than {LONGEST_HEADER} characters: {start!r}")
        delimiter = _delimiter_of_names(line, lines[at + 1] if at + 1 < len(lines) else "", said or "")
        owner, names = _without_owner(_fields(line.removeprefix("#"), delimiter), file_name)
        if _are_of_r(line, lines[at + 1 : at + 4], delimiter, len(names)):
            names = ["", *names]
        if len({role_of(name) for name in names} - {None}) >= LEAST_ROLES or _are_chosen(names, columns):
            header = _with_levels(lines, at, delimiter, names, has_comments)
            return header if owner is None else replace(header, owner=owner)
        if (bare := _without_currency(names)) is not None:
            return Header(delimiter, tuple(unique(bare, str.lower)), at + 1, has_comments)
        if (levels := levels_of(names)) is not None:
            owners, bare = levels
            first, *others = dict.fromkeys(owner for owner in owners if owner is not None)
            if others:
                return Header(delimiter, tuple(bare), at + 1, has_comments, tuple(owners))
            return Header(delimiter, tuple(unique(bare, str.lower)), at + 1, has_comments, owner=first)
    rows = [at for at, line in enumerate(lines) if _is_row(line, said)]
    if not rows:
        raise ValueError("is not a table: all that it begins with is comments")
    if HISTDATA_NAME.match(file_name) and not HISTDATA.match(lines[rows[0]]):
        warn_of_histdata()
    return _unknown_header(lines, rows, said, columns, has_comments)


def _are_of_r(line: str, below: Sequence[str], delimiter: str, count: int) -> bool:
    """Returns whether names and rows are as R writes them: each row has a name in front, and they have no name for
    it."""
    rows = [_fields(row, delimiter) for row in below if row.startswith('"')]
    is_quoted = line.startswith('"') and len(rows) == len(below) > 0
    return is_quoted and all(len(row) == count + 1 and row[-1] for row in rows)


def _without_owner(names: list[str], file_name: str) -> tuple[str | None, list[str]]:
    """Returns the ticker that R's quantmod puts before the names of all prices, as in ABC.Open, and the names without
    it; one with a blank behind is that of the file's name."""
    first = file_name.partition(".")[0]
    blank = f"{first} "
    mark = " " if first and sum(name.startswith(blank) for name in names) >= len(PRICES) else "."
    parts = [name.rpartition(mark) for name in names]
    owners = {owner for owner, _, name in parts if role_of(name) in PRICES and not name.startswith(" ")}
    if {role_of(name) for owner, _, name in parts if owner} < set(PRICES) or len(owners) != 1:
        return None, names
    (owner,) = owners
    is_number = re.fullmatch(SHORT_NUMBER, owner) is not None  # as in "1.Open"
    if not owner or owner != owner.upper() or owner in NO_OWNERS or is_number:
        return None, names
    return owner, [name.removeprefix(f"{owner}{mark}") for name in names]


def _without_currency(names: Sequence[str]) -> list[str] | None:
    """Returns the names with the currency of all prices as a remark, where that stands behind each, as in close_usd."""
    parts = [name.rpartition("_")[::2] for name in names]
    codes = {code.upper() for name, code in parts if role_of(name) in PRICES}
    if len(codes) != 1 or not codes <= MONEY or not {role_of(name) for name, _ in parts} >= set(PRICES):
        return None
    return [
        f"{name} ({code})" if code.upper() in codes else whole for whole, (name, code) in zip(names, parts, strict=True)
    ]


def levels_of(names: Sequence[str]) -> tuple[list[str | None], list[str]] | None:
    """Returns, of names that pandas makes of two levels, as "('Open', 'ABC')", and of "ABC_Open" and "Open_ABC": whose
    each column is, None for those of all, and its name; None for any other names."""
    pairs = [_pair_of(name) for name in names]
    for level in (0, 1):
        owners = [None if "" in pair else pair[level] for pair in pairs]
        bare = [
            pair[0] or pair[1] if owner is None else pair[1 - level] for pair, owner in zip(pairs, owners, strict=True)
        ]
        roles = {role_of(name) for name, owner in zip(bare, owners, strict=True) if owner is not None}
        if roles >= set(PRICES) and not MONEY.issuperset(owner for owner in owners if owner is not None):
            return owners, bare
    return None


def _pair_of(name: str) -> tuple[str, str]:
    """Returns the two levels of a name, the second one empty where it has but one."""
    if (found := TWO_LEVELS.fullmatch(name)) is not None:
        return found[1], found[2]
    for first, _, second in (name.rpartition("_"), name.partition("_")):
        for owner, price in ((first, second), (second, first)):
            is_ticker = owner == owner.upper() != price and any(map(str.isalpha, owner)) and owner not in NO_OWNERS
            if is_ticker and price != price.upper() and role_of(price) in PRICE_COLUMNS:
                return first, second
    return name, ""


def _unknown_header(
    lines: Sequence[str], rows: Sequence[int], said: str | None, columns: Mapping[str, str] | None, has_comments: bool
) -> Header:
    """Returns the header of a table whose names say nothing, or which has none. `rows`: the lines without comments.

    The first line of values decides: names stand in the line above it and are as many.
    """
    if any(is_nameless(lines[at].split()) and not _has_delimiter(lines[at], said) for at in rows):
        raise ValueError("has blanks between its columns: separate them by commas, semicolons, tabs or |")
    delimiters = {at: said or _delimiter_of_values(lines[at]) for at in rows}
    fields = {at: _fields(lines[at], delimiter) for at, delimiter in delimiters.items()}
    first = next((at for at in rows if is_nameless(fields[at])), None)
    if first is None and len(lines) >= HEAD:
        raise ValueError(
            f"has neither names of columns nor bars in its first {HEAD} lines: take out what is above them"
        )
    above = rows[0] if first is None else max((at for at in rows if at < first), default=None)
    is_numbered = bool(columns) and all(name.isdecimal() for name in (columns or {}).values())
    if above is None or is_numbered or (first is not None and len(fields[above]) != len(fields[first])):
        at = rows[0] if first is None else first
        below = [fields[row] for row in rows if row >= at]
        return Header(delimiters[at], tuple(names_of(below, columns)), at, has_comments)
    return Header(delimiters[above], tuple(unique(fields[above], str.lower)), above + 1, has_comments)


def _delimiter_of_names(line: str, below: str, said: str) -> str:
    """Returns that which makes most names of bars of a line, and as many as the line below has values."""

    def fitness(delimiter: str) -> tuple[int, bool, int]:
        names = _fields(line.removeprefix("#"), delimiter)
        roles = {role_of(name) for name in names} - {None}
        return len(roles), 1 < len(names) == len(_fields(below, delimiter)), line.count(delimiter)

    return max(said + DELIMITERS + OTHER_DELIMITERS, key=fitness)


def _delimiter_of_values(line: str) -> str:
    """Returns that which makes values of a line: commas may be decimal ones."""
    of_values = (delimiter for delimiter in DELIMITERS if is_nameless(_fields(line, delimiter)))
    return next(of_values, max(DELIMITERS, key=line.count))


def _has_delimiter(line: str, said: str | None) -> bool:
    return any(delimiter in line for delimiter in said or DELIMITERS)


def _said_delimiter(line: str) -> str | None:
    text = line.strip().strip('"')
    return text[4:] if text.lower().startswith("sep=") and len(text) == 5 else None


def _is_row(line: str, said: str | None) -> bool:
    return bool(line.strip()) and not line.startswith("#") and not (said and _said_delimiter(line))


def _are_chosen(names: list[str], columns: Mapping[str, str] | None) -> bool:
    return bool(columns) and len(columns or {}) >= LEAST_ROLES and set((columns or {}).values()) <= set(names)


def _fields(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def _with_levels(lines: Sequence[str], at: int, delimiter: str, names: list[str], has_comments: bool) -> Header:
    """Returns the header of line `at`, with the lines of tickers and of the index's name that pandas writes around
    it."""
    if not set(PRICES) <= {role_of(name) for name in names}:
        return Header(delimiter, tuple(unique(names, str.lower)), at + 1, has_comments)
    above = _fields(lines[at - 1], delimiter) if at else []
    if above and not names[0] and role_of(above[0]) == "timestamp":  # an index that became a column
        above[0] = ""
    below = [_fields(line, delimiter) for line in lines[at + 1 : at + 3]]
    tickers: list[str] | None = None
    last = at
    if below and _is_tickers(below[0], names):
        tickers, last = below[0], at + 1
    elif _is_tickers(above, names):
        tickers = above
    index = _fields(lines[last + 1], delimiter) if last + 1 < len(lines) else []
    if len(index) == len(names) and role_of(index[0]) == "timestamp" and not any(index[1:]):
        names, last = [index[0], *names[1:]], last + 1
    elif tickers is not None:
        names = ["index", *names[1:]]
    if tickers is None:
        return Header(delimiter, tuple(unique(names, str.lower)), last + 1, has_comments)
    if len(set(tickers[1:])) == 1:
        owner = tickers[1] if role_of(tickers[0]) == "symbol" or _may_be_ticker(tickers[1]) else None
        return Header(delimiter, tuple(unique(names, str.lower)), last + 1, has_comments, owner=owner)
    return Header(delimiter, tuple(names), last + 1, has_comments, (None, *tickers[1:]))


def _is_tickers(fields: list[str], names: list[str]) -> bool:
    """Returns whether this is the line of tickers, each of which has all prices: as many as there are columns, with the
    level's name, if any, in front."""
    if len(fields) != len(names) or not all(fields[1:]):
        return False
    roles: dict[str, set[str | None]] = {}
    for ticker, name in zip(fields[1:], names[1:], strict=True):
        roles.setdefault(ticker, set()).add(role_of(name))
    have_prices = all(set(PRICES) <= of_ticker for of_ticker in roles.values())
    return have_prices and (role_of(fields[0]) == "symbol" or not (fields[0] or is_nameless(fields)))


def _may_be_ticker(text: str) -> bool:
    """Returns whether this, of which nothing says what it is, is rather a ticker than a unit or a kind of values."""
    return text == text.upper() and any(map(str.isalpha, text)) and text.casefold() not in CURRENCIES | UNITS
