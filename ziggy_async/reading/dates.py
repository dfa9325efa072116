"""Columns of dates and times as people write them.

Every text of a column is written in the way of the first one. Where day, month and year may stand in several orders,
the column decides: by a value that only one order allows, by the distances between its rows, or else by the caller.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import shown
from ziggy_async.reading.options import DATE_ORDERS
from ziggy_async.reading.ways import OFFSET, OTHER_DIGIT, TIME_OF_DAY, WAYS, Written, take_apart

DATE_AND_OFFSET = r"(\d{4})-?(\d{2})-?(\d{2})([+-])([01]\d|2[0-4]):?([0-5]\d)"
DECIMAL_HOUR = r".*[T ]\d{2}(?::?\d{2})?[.,]\d+\D*.*"
"""A time of day without seconds and with a fraction: 09.30 is that, and 9 hours and 30 minutes to many."""
INEXACT = r"\d{6,}\.\d+|\d(\.\d+)?[eE]\+?\d+"
"""A number with a fraction, or one that was rounded."""
OTHER_ZONE = r".*\d:\d\d.* ?\(?(?:[ECMP]T|(?:GMT|UTC) ?[+-]\d{1,2}(?::?\d\d)?)\)?"
"""A time of day and a zone that stands for several offsets from UTC, or is not a name of one."""
OF_TAIWAN = r"(\d{3})[/-]\d{1,2}[/-]\d{1,2}"
"""A date with a year of the Republic of China."""
TWO_DIGITS_FROM = 1969
"""Two digits of a year are those of the hundred years from here on, as in POSIX."""
FINER = re.compile(r"[.,]\d{6}(\d+)")
"""Digits behind the microseconds, which is as far as Python's own reading goes."""
A_MONTH = 31
CLEARLY = 4
"""The factor by which the distances between the rows have to be more even in one order than in the next."""


class AmbiguousError(ValueError):
    """Dates that can be read in two orders, or whose order changes: what concerns the column. `at`: which of its rows,
    among those that have a text, shows it. `advice`: how the caller of a table decides."""

    def __init__(self, sentence: str, at: int = 0, advice: str = "") -> None:
        super().__init__(sentence + advice)
        self.sentence = sentence
        self.at = at


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
    """Nanoseconds since 1970 UTC of one text. Raises `ValueError` for one that is not a date and time, `AmbiguousError`
    for one that could be several and `order` does not say which."""
    written = take_apart(text)
    if written is None:
        return _iso_ns(text)
    days = _days(written, orders_of(written, order))
    if not days:
        raise ValueError(f"{shown(text)} is not a date and time")
    chosen = order_by_points(written, days)
    if len(set(days.values())) > 1 and chosen is None:
        raise _in_both(text, written, list(days))
    day = days[chosen or next(iter(days))]
    if is_of_open_century(written, day):
        raise century_error(text, day)
    return written.nanoseconds(day)


def is_of_open_century(written: Written, day: int) -> bool:
    """Returns whether a year of two digits makes a day later than tomorrow, of which there are no bars: it is rather
    one of a hundred years before."""
    return written.has_short_year and day > tomorrow()


def tomorrow() -> int:
    """Days since 1970, by the clock of this machine."""
    return date.today().toordinal() + 1 - EPOCH_DAY


def century_error(text: str, day: int, at: int = 0) -> AmbiguousError:
    later = date.fromordinal(day + EPOCH_DAY)
    both = f"{later.year - 100}{later:-%m-%d} or {later}"
    return AmbiguousError(f"{shown(text.strip())} is {both}", at, ": write years with four digits")


def advice_on(text: str) -> str:
    """Says what to write for a text that is not a date and time, where that is known."""
    if not text.isascii() and OTHER_DIGIT.search(text):
        return ": write the digits 0 to 9"
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
    if (found := re.fullmatch(DATE_AND_OFFSET, text.strip())) is not None:
        day, clock = "-".join(found.groups()[:3]), f"{found[5]}:{found[6]}"
        offset = f" or {day}T00:00{found[4]}{clock}" if re.fullmatch(OFFSET, f"{found[4]}{clock}") else ""
        both = "a date and an offset from UTC, or a date and a time of day"
        raise ValueError(f"{shown(text)} is {both}: write {day} {clock}{offset}")
    if re.fullmatch(DECIMAL_HOUR, text.strip()):
        raise ValueError(f"{shown(text)} is not a date and time: write the time of day with colons, like 09:30")
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{shown(text)} is not a date and time{advice_on(text) or LIKE_THIS}") from None
    if moment.utcoffset() and not re.search(f"(?:{OFFSET})$", text.strip()):
        raise ValueError(f"{shown(text)} is not a date and time: its offset from UTC is out of range")
    finer = FINER.search(text)
    below = "" if finer is None else finer[1].rstrip("0")
    if len(below) > 3:
        raise ValueError(f"{shown(text)} is finer than nanoseconds")
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    microseconds = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return microseconds * 1000 + int(below.ljust(3, "0"))


def orders_of(written: Written, order: str | None) -> tuple[str, ...]:
    """Returns the orders that a text may be read in."""
    said = WAYS[written.way].order or order
    if said is not None:
        return (said,)
    return DATE_ORDERS if written.has_short_year else ("dmy", "mdy")


def order_by_points(written: Written, orders: Iterable[str]) -> str | None:
    """Returns the order of a date with points, if its year is behind: the day stands in front wherever people write
    that."""
    return "dmy" if written.separator == "." and {"dmy", "mdy"} == set(orders) else None


def column_order(
    distinct: Sequence[Written], rows: NDArray[np.integer], owners: NDArray[np.integer] | None, said: str | None
) -> str:
    """Returns the order of day, month and year in a column whose way to write them does not say it.

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
    if distinct[0].has_short_year:
        forward = [order for order in forward if steps[order].latest <= tomorrow()] or forward
    if len(forward) == 1:
        return forward[0]
    if forward:
        evenest, other, *_ = sorted(forward, key=lambda order: steps[order].unevenness)
        is_yearly = distinct[0].has_short_year and steps[evenest].shortest > A_MONTH
        if steps[evenest].unevenness * CLEARLY <= steps[other].unevenness and not is_yearly:
            return evenest
    at = int(np.argmax(is_open))
    example = distinct[int(rows[at])]
    if (by_points := order_by_points(example, possible)) is not None:
        return by_points
    raise _in_both(example.match[0].strip(), example, possible, at)


def _possible(distinct: Sequence[Written], rows: NDArray[np.integer]) -> list[str]:
    """Returns the orders that all texts allow, of those that are a day in any."""
    possible = list(orders_of(distinct[int(rows[0])], None))
    _, first = np.unique(rows, return_index=True)
    for at in np.sort(first).tolist():
        own = _days(distinct[int(rows[at])], orders_of(distinct[int(rows[at])], None))
        left = [order for order in possible if order in own]
        if own and not left:
            text, before = distinct[int(rows[at])].match[0].strip(), " or ".join(possible)
            raise AmbiguousError(f"{shown(text)} is not a date in {before}, the order of those before it", at)
        possible = left or possible
    return possible


class Steps(NamedTuple):
    is_monotone: bool
    unevenness: float
    shortest: int
    latest: int


def _steps(
    distinct: Sequence[Written], order: str, rows: NDArray[np.integer], owners: NDArray[np.integer] | None
) -> Steps:
    """Returns how the days go from row to row of a symbol: all one way, and the longest step beside the shortest."""
    days = np.array([day_of(written, order) or 0 for written in distinct])[rows]
    steps = np.diff(days)
    if owners is not None:
        by_owner = np.argsort(owners, kind="stable")
        steps = np.diff(days[by_owner])[np.diff(owners[by_owner]) == 0]
    steps = steps[steps != 0]
    if not len(steps):
        return Steps(True, 1.0, 0, int(days[0]))
    lengths = np.abs(steps)
    return Steps(
        bool((steps > 0).all() or (steps < 0).all()),
        float(lengths.max() / lengths.min()),
        int(lengths.min()),
        int(days.max()),
    )


def _days(written: Written, orders: Sequence[str]) -> dict[str, int]:
    """Returns order -> day, of those that read it as one."""
    return {order: day for order in orders if (day := day_of(written, order)) is not None}


def _readings(written: Written, orders: Sequence[str]) -> dict[str, int]:
    """Returns the same, of each day the first order alone."""
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
            faults[at] = f"{shown(value)} is not a date and time{advice_on(value) or NOT_ALIKE}"
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
