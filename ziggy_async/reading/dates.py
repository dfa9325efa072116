"""Dates and times as people write them: one table of ways, which Python reads by and which tells DuckDB its formats.

Every text of a column is written in the way of the first one. Where day, month and year may stand in several orders,
the column decides: by a value that only one order allows, by the distances between its rows, or else by the caller.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import shown
from ziggy_async.reading.options import DATE_ORDERS
from ziggy_async.reading.zones import ABBREVIATIONS, utc_of

MONTHS = {
    name: at
    for at, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
FULL_MONTHS = dict.fromkeys(
    ["january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december"]
)
WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?"
CLOCK = (
    r"(?:(?P<gap>T|,? +|-(?=\d{1,2}:\d{2}:))"
    r"(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9})0*)?)?|(?=[- ]?[AP]M))"
    r"(?P<half>[- ]?[AP]M(?![A-Z]))?|(?P<packed>\d{6}|\d{4}))"
    r"(?P<zone> ?(?:Z|UTC|GMT))?(?P<offset> ?[+-]\d{2}(?::?\d{2})?)?"
    rf"(?P<place> ?\[?[A-Z]\w+(?:/[\w+-]+)+\]?| ?\(?(?:{'|'.join(ABBREVIATIONS)})\)?)?)?"
)
DATE_AND_OFFSET = r"\d{4}-?\d{2}-?\d{2}[+-]\d{2}:?\d{2}"
DECIMAL_HOUR = r".*[T ]\d{2}(?::?\d{2})?[.,]\d+\D*.*"
"""A time of day without seconds and with a fraction: 09.30 is that, and 9 hours and 30 minutes to many."""
TIME_OF_DAY = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AP]M)?"
INEXACT = r"\d{6,}\.\d+|\d(\.\d+)?[eE]\+?\d+"
"""A number with a fraction, or one that was rounded."""
OTHER_ZONE = r".*\d:\d\d.* ?\(?(?:[ECMP]T|(?:GMT|UTC) ?[+-]\d{1,2}(?::?\d\d)?)\)?"
"""A time of day and a zone that stands for several offsets from UTC, or is no name of one."""
OF_TAIWAN = r"(\d{3})[/-]\d{1,2}[/-]\d{1,2}"
"""A date with a year of the Republic of China."""
OTHER_DIGIT = re.compile(r"(?![0-9])\d")
"""A digit of another script, which DuckDB does not read."""
TWO_DIGITS_FROM = 1969
"""Two digits of a year are those of the hundred years from here on, as in POSIX."""
PER_DAY = 86_400 * 10**9
OFFSET = r"[+-](?:(?:0\d|1[0-5])(?::?[0-5]\d){0,2}|16(?::?00){0,2})"
"""An offset from UTC. No clock was ever further from it."""
FINER = re.compile(r"[.,]\d{6}(\d+)")
"""Digits behind the microseconds, which is as far as Python's own reading goes."""
CLEARLY = 4
"""How many times as even the distances between the rows have to be in one order as in the next."""


class Way(NamedTuple):
    """A way to write a date: its pattern with three groups, their order, and DuckDB's format of each; `order` None: it
    is not said by the way."""

    pattern: "re.Pattern[str]"
    order: str | None
    formats: tuple[str, ...]


def _way(pattern: str, order: str | None, *formats: str) -> Way:
    return Way(re.compile(rf"\s*{WEEKDAY}{pattern}{CLOCK}\s*", re.IGNORECASE), order, formats)


NAME = r"([A-Z]{3,9})\.?"
WAYS = (
    _way(r"(\d{4})(-)(\d{1,2})-(\d{1,2})", "ymd", "%Y-%m-%d"),
    _way(r"(\d{4})(- )(\d{1,2})- (\d{1,2})", "ymd", "%Y- %m- %d"),
    _way(r"(\d{4})(/)(\d{1,2})/(\d{1,2})", "ymd", "%Y/%m/%d"),
    _way(r"(\d{4})(\.)(\d{1,2})\.(\d{1,2})", "ymd", "%Y.%m.%d"),
    _way(r"(\d{4})()(\d{2})(\d{2})", "ymd", "%Y%m%d"),
    _way(r"(\d{4})(年)(\d{1,2})月(\d{1,2})日", "ymd", "%Y年%m月%d日"),
    _way(r"(\d{4})(년) (\d{1,2})월 (\d{1,2})일", "ymd", "%Y년 %m월 %d일"),
    _way(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})", None),
    _way(rf"(\d{{1,2}})([-/ ]|\. ?|){NAME}(?:\2|[- ,]+)(\d{{4}}|\d{{2}})", "dmy", "%d{0}%b{0}%Y", "%d{0}%B{0}%Y"),
    _way(rf"{NAME}( )(\d{{1,2}}),? (\d{{4}})", "mdy", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    _way(rf"{NAME}([-/])(\d{{1,2}})\2(\d{{4}})", "mdy", "%b{0}%d{0}%Y", "%B{0}%d{0}%Y"),
    _way(rf"(\d{{4}})([-/ ]|){NAME}[-/ ]?(\d{{1,2}})", "ymd", "%Y{0}%b{0}%d"),
)

OTHER_WAYS = tuple(
    (re.compile(pattern, re.IGNORECASE), plain)
    for pattern, plain in (
        (r"([A-Z]{3} [A-Z]{3}) +(\d{1,2}) (\d{2}:\d{2}:\d{2}(?: UTC| GMT)?) (\d{4})", r"\1 \2 \4 \3"),
        (r"(.*:\d\d.*[+-]\d{4}) (?:\([A-Z][A-Z ]+\)|UTC)", r"\1"),
        (r"(.*:\d\d.*)\[UTC\]", r"\1Z"),
        (r"(.*\b\d{1,2})(?:st|nd|rd|th)\b(.*)", r"\1\2"),
    )
)
"""Ways of C, JavaScript, Go and Java, and ordinals, and what of them is written like the others."""


@dataclass(frozen=True, slots=True)
class Written:
    """One text taken apart: three numbers as they stand, and the time of day in nanoseconds, of UTC unless the clock is
    that of a `place`, as US/Eastern and EST are."""

    way: int
    separator: str
    fields: tuple[int, int, int]
    has_short_year: bool
    clock: int
    match: "re.Match[str]"

    @property
    def style(self) -> tuple[int, str]:
        return self.way, self.separator

    def is_like(self, other: "Written") -> bool:
        """Whether both are written in one way; a time with an offset from UTC is of another than one without a zone."""
        is_mixed = (self.is_local and other.is_naive) or (self.is_naive and other.is_local)
        return self.style == other.style and (self.place is None) == (other.place is None) and not is_mixed

    @property
    def is_local(self) -> bool:
        """Whether it is of a clock that is apart from UTC, and says so."""
        return _offset_of(self.match["offset"]) != 0

    @property
    def is_naive(self) -> bool:
        """Whether it has a time of day and does not say of which clock."""
        has_clock = self.match["hour"] or self.match["packed"]
        return bool(has_clock) and not (self.match["zone"] or self.match["offset"] or self.match["place"])

    @property
    def place(self) -> str | None:
        """An offset beside it has the say."""
        return None if self.match["offset"] or not self.match["place"] else self.match["place"].strip(" []()")

    def nanoseconds(self, day: int) -> int:
        """Since 1970 UTC, on that day since then. Raises `ValueError` where the clock of the place shows no such time,
        or shows it twice."""
        local = day * PER_DAY + self.clock
        return local if self.place is None else utc_of(local, self.place)


class AmbiguousError(ValueError):
    """Dates that can be read in two orders, or whose order changes: what concerns the column. `at`: which of its rows,
    among those that have a text, shows it. `advice`: how the caller of a table decides."""

    def __init__(self, sentence: str, at: int = 0, advice: str = "") -> None:
        super().__init__(sentence + advice)
        self.sentence = sentence
        self.at = at


def take_apart(text: str) -> Written | None:
    if not text.isascii() and OTHER_DIGIT.search(text):
        return None
    written = _taken_apart(text)
    if written is not None or text.isdecimal():
        return written
    for other, plain in OTHER_WAYS:
        if (match := other.fullmatch(text.strip())) is not None:
            return _taken_apart(match.expand(plain))
    return None


def _taken_apart(text: str) -> Written | None:
    for at, way in enumerate(WAYS):
        match = way.pattern.fullmatch(text)
        if match is not None:
            groups = match.groups()
            names = [groups[0], groups[2], groups[3]]
            fields = [int(part) if part.isdigit() else _month_of(part) for part in names]
            clock = _clock_of(match)
            if clock is None or 0 in fields:
                return None
            is_short = way.order in (None, "dmy") and len(names[2]) == 2
            return Written(at, groups[1], (fields[0], fields[1], fields[2]), is_short, clock, match)
    return None


def _month_of(name: str) -> int:
    name = name.lower()
    return MONTHS.get(name[:3], 0) if name in MONTHS or name in FULL_MONTHS or name == "sept" else 0


def _clock_of(match: "re.Match[str]") -> int | None:
    """Nanoseconds from midnight UTC of the date; None for what is no time of day."""
    part = match.groupdict()
    if part["packed"] is not None:
        hour, minute, second = int(part["packed"][:2]), int(part["packed"][2:4]), int(part["packed"][4:] or 0)
    else:
        hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    if part["half"] is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if part["half"].strip(" -").lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59 or not re.fullmatch(f" ?(?:{OFFSET})?", part["offset"] or ""):
        return None
    nanoseconds = (hour * 3_600 + minute * 60 + second) * 10**9 + int((part["fraction"] or "0").ljust(9, "0"))
    return nanoseconds - _offset_of(part["offset"])


def _offset_of(offset: str | None) -> int:
    if offset is None:
        return 0
    digits = offset.strip()[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3_600 + int(digits[2:]) * 60
    return (-seconds if offset.strip()[0] == "-" else seconds) * 10**9


def day_of(written: Written, order: str) -> int | None:
    """Days since 1970 of its date, read in `order`; None where there is no such day."""
    part = dict(zip(order, written.fields, strict=True))
    year = part["y"]
    if written.has_short_year:
        year = TWO_DIGITS_FROM + (year - TWO_DIGITS_FROM) % 100
    elif year < 100:
        return None
    try:
        return date(year, part["m"], part["d"]).toordinal() - EPOCH_DAY
    except ValueError:
        return None


EPOCH_DAY = date(1970, 1, 1).toordinal()


def read_text(text: str, order: str | None = None) -> int:
    """Nanoseconds since 1970 UTC of one text. Raises `ValueError` for one that is no date and time, `AmbiguousError`
    for one that could be several and `order` does not say which."""
    written = take_apart(text)
    if written is None:
        return _iso_ns(text)
    days = _days(written, orders_of(written, order))
    if not days:
        raise ValueError(f"{shown(text)} is no date and time")
    if len(set(days.values())) > 1:
        raise _in_both(text, written, list(days))
    day = next(iter(days.values()))
    if is_of_open_century(written, day):
        raise century_error(text, day)
    return written.nanoseconds(day)


def is_of_open_century(written: Written, day: int) -> bool:
    """Whether a year of two digits makes a day later than tomorrow, of which there are no bars: it is rather one of a
    hundred years before."""
    return written.has_short_year and day > tomorrow()


def tomorrow() -> int:
    """Days since 1970, by the clock of this machine."""
    return date.today().toordinal() + 1 - EPOCH_DAY


def century_error(text: str, day: int, at: int = 0) -> AmbiguousError:
    later = date.fromordinal(day + EPOCH_DAY)
    both = f"{later.year - 100}{later:-%m-%d} or {later}"
    return AmbiguousError(f"{shown(text.strip())} is {both}", at, ": write years with four digits")


def advice_on(text: str) -> str:
    """Says what to write for a text that is no date and time, where that is known."""
    if re.fullmatch(INEXACT, text.strip()):
        return ": write it as a whole number, in full"
    if (found := re.fullmatch(OF_TAIWAN, text.strip())) is not None:
        return f": write its year with four digits, as {int(found[1]) + 1911}"
    if re.fullmatch(TIME_OF_DAY, text.strip(), re.IGNORECASE):
        return ": it is a time of day, to which a date is missing"
    if re.fullmatch(OTHER_ZONE, text.strip(), re.IGNORECASE):
        return ": write the offset from UTC for its zone, like 09:30-05:00"
    return ""


def _iso_ns(text: str) -> int:
    """Reads the other forms of ISO 8601: weeks, and dates without separators."""
    if re.fullmatch(DATE_AND_OFFSET, text.strip()):
        raise ValueError(f"{shown(text)} is a date and an offset from UTC, or a date and a time of day")
    if re.fullmatch(DECIMAL_HOUR, text.strip()):
        raise ValueError(f"{shown(text)} is no date and time: write the time of day with colons, like 09:30")
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{shown(text)} is no date and time{advice_on(text) or LIKE_THIS}") from None
    if moment.utcoffset() and not re.search(f"(?:{OFFSET})$", text.strip()):
        raise ValueError(f"{shown(text)} is no date and time: its offset from UTC is out of range")
    finer = FINER.search(text)
    below = "" if finer is None else finer[1].rstrip("0")
    if len(below) > 3:
        raise ValueError(f"{shown(text)} is finer than nanoseconds")
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    microseconds = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return microseconds * 1000 + int(below.ljust(3, "0"))


def orders_of(written: Written, order: str | None) -> tuple[str, ...]:
    """The orders that a text may be read in."""
    said = WAYS[written.way].order
    if said is not None:
        return (said,)
    if order is not None:
        return (order,)
    return DATE_ORDERS if written.has_short_year else ("dmy", "mdy")


def column_order(
    distinct: Sequence[Written], rows: NDArray[np.integer], owners: NDArray[np.integer] | None, said: str | None
) -> str:
    """The order of day, month and year in a column whose way to write them does not say it.

    `rows`: the index into `distinct` of each row that has a text, in the table's order. `owners`: whose row each is;
    None: one symbol's. Raises `AmbiguousError` with both readings where nothing decides.
    """
    if said is not None:
        return said
    possible = _possible(distinct, rows)
    is_open = np.array([len(_readings(written, possible)) > 1 for written in distinct])[rows]
    if not is_open.any():  # one order is left, or all read the same days
        return possible[0]
    steps = {order: _steps(distinct, order, rows, owners) for order in possible}
    forward = [order for order in possible if steps[order].is_monotone]
    if len(forward) == 1:
        return forward[0]
    if forward:
        evenest, other, *_ = sorted(forward, key=lambda order: steps[order].unevenness)
        if steps[evenest].unevenness * CLEARLY <= steps[other].unevenness:
            return evenest
    at = int(np.argmax(is_open))
    example = distinct[int(rows[at])]
    raise _in_both(example.match[0].strip(), example, possible, at)


def _possible(distinct: Sequence[Written], rows: NDArray[np.integer]) -> list[str]:
    """The orders that all texts allow, of those that are a day in any."""
    possible = list(orders_of(distinct[int(rows[0])], None))
    _, first = np.unique(rows, return_index=True)
    for at in np.sort(first).tolist():
        own = _days(distinct[int(rows[at])], orders_of(distinct[int(rows[at])], None))
        left = [order for order in possible if order in own]
        if own and not left:
            text, before = distinct[int(rows[at])].match[0].strip(), " or ".join(possible)
            raise AmbiguousError(f"{shown(text)} is no date in {before}, the order of those before it", at)
        possible = left or possible
    return possible


class Steps(NamedTuple):
    is_monotone: bool
    unevenness: float


def _steps(
    distinct: Sequence[Written], order: str, rows: NDArray[np.integer], owners: NDArray[np.integer] | None
) -> Steps:
    """How the days go from row to row of a symbol: all one way, and the longest step beside the shortest."""
    days = np.array([day_of(written, order) or 0 for written in distinct])[rows]
    steps = np.diff(days)
    if owners is not None:
        by_owner = np.argsort(owners, kind="stable")
        steps = np.diff(days[by_owner])[np.diff(owners[by_owner]) == 0]
    steps = steps[steps != 0]
    if not len(steps):
        return Steps(True, 1.0)
    lengths = np.abs(steps)
    return Steps(bool((steps > 0).all() or (steps < 0).all()), float(lengths.max() / lengths.min()))


def _days(written: Written, orders: Sequence[str]) -> dict[str, int]:
    """Order -> day, of those that read it as one."""
    return {order: day for order in orders if (day := day_of(written, order)) is not None}


def _readings(written: Written, orders: Sequence[str]) -> dict[str, int]:
    """The same, of each day the first order alone."""
    days: dict[int, str] = {}
    for order, day in _days(written, orders).items():
        days.setdefault(day, order)
    return {order: day for day, order in days.items()}


def _in_both(text: str, written: Written, orders: Sequence[str], at: int = 0) -> AmbiguousError:
    readings = _readings(written, orders)
    days = " or ".join(str(date.fromordinal(day + EPOCH_DAY)) for day in readings.values())
    choices = " or ".join(f"dates={order!r}" for order in readings)
    return AmbiguousError(f"{shown(text)} is {days}", at, f": say {choices} (--dates)")


LIKE_THIS = ": write it like 2024-01-31 or 2024-01-31 09:30"
NOT_ALIKE = ", or not written like those before it"


class Texts(NamedTuple):
    """Nanoseconds of each distinct text, and the faults of those that could not be read."""

    nanoseconds: list[int | None]
    faults: dict[int, str]


def read_column(
    values: Sequence[str], rows: NDArray[np.integer], owners: NDArray[np.integer] | None, said: str | None
) -> Texts:
    """Reads each distinct text once; `rows` and `owners` as for `column_order`."""
    written = [take_apart(value) for value in values]
    of_first = written[int(rows[0])] if len(rows) else None
    if of_first is None:
        return _each(values, lambda value: read_text(value, said))
    order = WAYS[of_first.way].order
    if order is None:
        alike = np.array([each is not None and each.style == of_first.style for each in written])[rows]
        placeholders = [each if each is not None else of_first for each in written]
        try:
            order = column_order(placeholders, rows[alike], None if owners is None else owners[alike], said)
        except AmbiguousError as error:
            raise AmbiguousError(str(error), int(np.flatnonzero(alike)[error.at])) from None
    nanoseconds: list[int | None] = []
    faults: dict[int, str] = {}
    for at, (value, each) in enumerate(zip(values, written, strict=True)):
        day = day_of(each, order) if each is not None and each.is_like(of_first) else None
        nanoseconds.append(None)
        if day is None or each is None:
            faults[at] = f"{shown(value)} is no date and time{advice_on(value) or NOT_ALIKE}"
            continue
        if is_of_open_century(each, day):
            raise century_error(value, day, int(np.argmax(rows == at)))
        try:
            nanoseconds[at] = each.nanoseconds(day)
        except ValueError as error:
            faults[at] = f"{shown(value)}: {error}"
    return Texts(nanoseconds, faults)


def _each(values: Sequence[str], reading: Callable[[str], int]) -> Texts:
    nanoseconds: list[int | None] = []
    faults: dict[int, str] = {}
    for at, value in enumerate(values):
        try:
            nanoseconds.append(reading(value))
        except ValueError as error:
            nanoseconds.append(None)
            faults[at] = str(error)
    return Texts(nanoseconds, faults)


PLAIN_CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
PACKED_CLOCKS = ("%H%M%S", "%H%M", "")
HALF_CLOCKS = ("", "%I:%M %p", "%I:%M:%S %p")
"""DuckDB's formats of a time of day: with colons, without, with a half of the day."""
MOST_DIGITS = 6
"""Digits of a fraction that DuckDB's %f reads; %n reads nine."""


def formats_of(written: Written, order: str) -> list[str]:
    """DuckDB's formats of the texts that are written like this one. Its own is the first, and those with its time of
    day come before others: one that does not fit costs DuckDB more than one that does."""
    letters = {"d": "%d", "m": "%m", "y": "%y" if written.has_short_year else "%Y"}
    formats = WAYS[written.way].formats or (written.separator.join(letters[letter] for letter in order),)
    dates = [each.format(written.separator) for each in formats]
    if written.has_short_year:
        dates = [each.replace("%Y", "%y") for each in dates]
    part = written.match.groupdict()
    gap, zone = part["gap"] or " ", part["zone"] or ""
    offset = " %z" if (part["offset"] or "").startswith(" ") else "%z" if part["offset"] else ""
    weekday = re.match(rf"\s*{WEEKDAY}", written.match[0], re.IGNORECASE)
    day = "" if weekday is None else weekday[0].strip().rstrip(",")
    prefix = f"{'%a' if len(day) == 3 else '%A'}{', ' if ',' in weekday[0] else ' '}" if weekday and day else ""
    return [
        f"{prefix}{each}{gap}{clock}{zone}{offset}" if clock else f"{prefix}{each}"
        for clock in _clock_formats(written)
        for each in dates
    ]


def _clock_formats(written: Written) -> Iterable[str]:
    """The formats of a time of day, that of this one first."""
    part = written.match.groupdict()
    others: Iterable[str] = PLAIN_CLOCKS
    if part["packed"] is not None:
        own, others = "%H%M%S" if len(part["packed"]) == 6 else "%H%M", PACKED_CLOCKS
    elif part["hour"] is None:
        own = ""
    else:
        half = part["half"][:-2] + "%p" if part["half"] else ""
        own = f"{'%I' if half else '%H'}{':%M' if part['minute'] else ''}{':%S' if part['second'] else ''}"
        if part["fraction"]:
            mark = written.match[0][written.match.start("fraction") - 1]
            own += mark + ("%f" if len(part["fraction"]) <= MOST_DIGITS else "%n")
        own += half
        if half:
            others = (each.replace(" %p", half) for each in HALF_CLOCKS)
    return dict.fromkeys((own, *others))
