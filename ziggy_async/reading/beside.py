"""Says what columns that are not read tell about the bars beside them: the time of day that a date lacks, the zone of
times, and how long a bar is."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache, partial
from math import isnan
from typing import Any, Protocol

import numpy as np

from ziggy_async.messages import shown
from ziggy_async.reading.clocks import ClockError, are_readable, date_text, in_marks, is_day, is_digits, time_text
from ziggy_async.reading.epochs import DAY, DIGITS, FIRST_YEAR, LAST_YEAR, MOST_AHEAD, MOST_BEHIND, unit_of
from ziggy_async.reading.languages import words
from ziggy_async.reading.layouts import SYMBOL, kinds_of
from ziggy_async.reading.options import DATE_ORDERS
from ziggy_async.reading.spellings import (
    HOURS,
    MAKESHIFT,
    TIMES_OF_DAY,
    is_hour,
    place_of,
    role_of,
    spelled,
    spelling_of,
)
from ziggy_async.reading.timestamps import as_whole, is_missing, to_ns
from ziggy_async.reading.ways import take_apart
from ziggy_async.reading.zones import is_zone

HEAD = 100
"""Rows that are looked at."""
CLOCK = re.compile(
    r"T?\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]\.?m\.?)?"
    r"(?: ?[A-Z]{1,5}| ?\[?[A-Z]\w+(?:/[\w+-]+)+\]?| ?[+-]\d{2}(?::?\d{2})?)?",
    re.IGNORECASE,
)
ORDERS = DATE_ORDERS[::-1]
"""Orders of dates, the one that is tried first before the others."""
WHOLE_DAY = r"[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}|[0-9]{2}[-/.][0-9]{2}[-/.][0-9]{4}"
"""A day of which no moment of another one begins with the same characters."""
PACKED_CLOCK = re.compile(r"(?:[01]?\d|2[0-3])[0-5]\d[0-5]\d(?:\d{3}|\d{6})", re.ASCII)
"""Digits of a time of day with milliseconds or microseconds, of which a zero in front may be away."""
FIGURE_OF_A_CLOCK = re.compile(r"\d{1,9}|\d{12}|\d{1,2}[.h]\d{2}(?:\.\d{2})?|\d{1,2} ?(?:h|[ap]\.?m\.?)", re.IGNORECASE)
"""A figure that may be a time of day under a name that says so."""
FIGURE_OF_AN_HOUR = re.compile(r"T?\d")
"""The beginning of a figure of an hour, or of minutes, under its name."""
HALF = re.compile(r" *([ap])\.?m\.? *", re.IGNORECASE)
"""A half of the day."""
NOON = 12
PARTS_OF_HOURS = frozenset(
    words("minute minutes min mins mn mi mm minuten minuto minutos second seconds sec secs ss sekunde sekunden")
)
"""Names of minutes and seconds, beside which an hour is not a whole time of day."""
WORDS_OF_CLOCKS = frozenset(
    ("time", "hour", "hours", "minute", "minutes", "hhmm", "hhmmss", "tod", "clock", "zeit", "stunde", "minuto")
)
WORDS_OF_OTHERS = frozenset(("change", "over", "count", "percent", "since"))
"""Words that names of a time of day do not have: "changeOverTime" is not one."""
LENGTHS = frozenset(
    (
        *("interval", "timeframe", "timeinterval", "granularity", "resolution", "barsize", "barinterval", "freq"),
        *("frequency", "candleinterval", "barlength", "timespan", "period", "tf", "rtype"),
    )
)
"""Names of the length of a bar."""
LENGTH = re.compile(
    r"p?t?(?:\d+ ?)?(?:ns|us|ms|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|hourly|d|days?|daily|w|wks?|weeks?"
    r"|weekly|mo|mons?|months?|monthly|ticks?)|[mhdw]n?\d*|[1-9]\d{0,5}",
    re.IGNORECASE,
)
ZONES_OF_EXCHANGES = frozenset(
    ("exchangetimezone", "exchangetimezonename", "gmtoffset", "utcoffset", "tzoffset", "timezoneoffset")
)
"""Names of an exchange's zone, also of offsets in some unit; the times beside them may be of UTC all the same."""
ZONES = ZONES_OF_EXCHANGES | {"timezone", "tz", "zone", "tzinfo", "timezonename"}
UTC_NAMES = frozenset(("UTC", "GMT", "Z", "ETC/UTC", "ETC/GMT", "+00:00", "+0000", "UTC+0", "0", "0.0"))
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")


Heads = Mapping[str, Sequence[Any]]
"""The first values of columns, by name."""


class Values(Protocol):
    """Gives the values of a table's columns, by name."""

    def head(self, name: str) -> Sequence[Any]:
        """Returns the first `HEAD` values."""

    def heads(self, names: Sequence[str]) -> Mapping[str, Sequence[Any]]:
        """Returns the same of several columns, which are read at once."""

    def every(self, name: str) -> Sequence[Any]:
        """Returns all values."""

    def distinct(self, name: str) -> Sequence[Any]:
        """Returns some of the distinct values, all if they are fewer than three."""

    def has_figures(self, name: str) -> bool:
        """Returns whether there is a number other than 0."""

    def unlike(self, name: str, other: str, most: int | None) -> Sequence[tuple[Any, Any]]:
        """Returns the values of two columns in rows where both are there and are not written alike: that many at
        most."""

    def are_in(self, moments: str, days: str) -> bool:
        """Returns whether each moment begins with its day, as 2024-01-02 09:30 with 2024-01-02."""


def with_day(roles: dict[str, str], names: Sequence[str], chosen: Collection[str], values: Values) -> dict[str, str]:
    """Returns the roles, role -> name, as the values have them: a time of day has the day beside it in a column that
    has hardly a name, as an index has, and a day has the hour beside it that is the one time of day; of a date and a
    time of day one alone is enough where it is both, in every row. `chosen`: as below. Raises where a date and the time
    beside it are of two bars."""
    if "timestamp" in chosen or "time" in chosen:
        return roles
    head, every = values.head, values.every
    if "time" in roles:
        days, clocks = head(roles["timestamp"]), head(roles["time"])
        alone = {role: name for role, name in roles.items() if role != "time"}
        if _are_all(_is_moment, clocks):
            if values.are_in(roles["time"], roles["timestamp"]):
                return alone | {"timestamp": roles["time"]}
            are_alone = _are_moments(roles, every(roles["timestamp"]), every(roles["time"]))
            return alone | {"timestamp": roles["time"]} if are_alone else roles
        if are_days(days) or not all(map(_have_same_clock, days, clocks)):
            return roles
        return alone if all(map(_have_same_clock, every(roles["timestamp"]), every(roles["time"]))) else roles
    clock = roles["timestamp"]
    hours = list(filter(is_hour, names))
    heads = values.heads(_others(roles, names)) if len(hours) == 1 else {}
    if heads and _hold_days(head(clock)) and _clocks_of(heads) == hours and not _have_parts(heads):
        return roles | {"time": hours[0]}
    if spelled(clock).name not in TIMES_OF_DAY or not are_clocks(head(clock)):
        return roles
    days = [name for name in names if place_of(name) == ("timestamp", MAKESHIFT) and are_days(head(name))]
    return roles | ({"timestamp": days[0], "time": clock} if days else {})


def _are_moments(roles: Mapping[str, str], days: Sequence[Any], times: Sequence[Any]) -> bool:
    """Returns whether these times have the date beside them in them; not where they are digits of times of day, as
    hhmmssmmm. Raises where they are neither, or may be both."""
    pairs = [pair for pair in zip(days, times, strict=False) if not any(map(_is_blank, pair))]
    aheads = [_ahead_of(*pair) for pair in pairs]
    if "symbol" not in roles and len({date_text(day) for day, _ in pairs}) == len(pairs):
        # The bars are daily: the next day belongs to another bar.
        aheads = [None if ahead is None or ahead <= -DAY else ahead for ahead in aheads]
    other = next((pair for pair, ahead in zip(pairs, aheads, strict=True) if ahead is None), None)
    texts = [time_text(time) or "" for _, time in pairs]
    are_digits = max(map(len, texts), default=0) in (9, 12) and all(map(PACKED_CLOCK.fullmatch, texts))
    if are_digits and other is not None:
        return False
    if other is None and not are_digits:
        return True
    (day, time) = pairs[0] if other is None else other
    said = "may be a time of day or a date too" if other is None else "is of another day"
    said = said if _is_moment(time) else "has no date"
    raise ValueError(
        f"column {roles['time']!r}: {shown(str(time))} {said}, beside {shown(str(day))} of column"
        f" {roles['timestamp']!r}: columns={{'timestamp': NAME}} (--columns timestamp=NAME) says which is the time"
    )


def _ahead_of(day: Any, time: Any) -> float | None:
    """Returns how far a day is ahead of a moment in it, as the clock of some zone has it, in nanoseconds, and 0 for the
    same moment twice; None where it is not a moment of the day."""
    text, moment = date_text(day) or "", time_text(time) or ""
    if re.fullmatch(WHOLE_DAY, text) and moment.startswith(text):
        return 0.0
    aheads = (_nanoseconds(text, order) - _nanoseconds(moment, order) for order in ORDERS)
    least, most = (-(DAY + MOST_BEHIND), MOST_AHEAD) if _is_day(day) else (-1, 0)
    return max((ahead for ahead in aheads if least < ahead <= most), default=None)


@lru_cache(1024)
def _nanoseconds(text: str, order: str) -> float:
    """Returns nanoseconds since 1970, of a text whose date is in that order; NaN where it is not a time."""
    try:
        return to_ns(text.removesuffix(".0"), None, order)
    except ValueError:
        return float("nan")


def are_symbols(values: Sequence[Any]) -> bool:
    """Returns whether these are texts that may be symbols, and no dates, times or numbers."""
    return _are_all(_is_symbol, values)


def _is_symbol(value: Any) -> bool:
    is_name = isinstance(value, str) and kinds_of(value) == SYMBOL and not _is_clock(True, value)
    return is_name and all(isnan(_nanoseconds(value, order)) for order in ORDERS)


def are_epochs(values: Sequence[Any]) -> bool:
    """Returns whether these are whole numbers of a time since 1970, as the first one says."""
    first = next((value for value in values if not _is_blank(value)), None)
    text = str(first if (whole := as_whole(first)) is None else whole).strip().removesuffix(".0")
    return text.isdecimal() and text.isascii() and unit_of(int(text)) is not None


def are_clocks(values: Sequence[Any]) -> bool:
    """Returns whether these values of a column that is called a time are times of day, as the first one says."""
    return _are_all(partial(_is_clock, True), [value for value in values if not _is_blank(value)][:1])


def are_times(values: Sequence[Any]) -> bool:
    """Returns whether these are dates or moments."""
    return _are_all(moments_of, values)


def moments_of(value: Any, unit: str | None = None) -> set[int]:
    """Nanoseconds since 1970 of a time, in each order that its day and month may have; empty if it is not a time."""
    found = set()
    for order in ORDERS:
        try:
            found.add(to_ns(value, unit, order))
        except (TypeError, ValueError):
            continue
    return found


def are_days(values: Sequence[Any]) -> bool:
    return _are_all(_is_day, values)


def with_zone(roles: dict[str, str], names: Iterable[str], chosen: Collection[str], values: Values) -> dict[str, str]:
    """Returns the roles, role -> name, with the `zone` of times without one, where a column says that it is another
    than UTC. Raises where it says several, or none that is known. `chosen`: the roles that the caller has given."""
    zone = next((name for name in names if spelling_of(name) in ZONES and name not in roles.values()), None)
    if zone is None or "timestamp" in chosen:
        return roles
    head = values.head(roles["timestamp"])
    if "time" not in roles and not any(map(_is_local, head)):
        return roles
    zones = sorted({str(value).strip() for value in values.distinct(zone) if not _is_blank(value)})
    others = [each for each in zones if each.upper() not in UTC_NAMES]
    if not others:
        return roles
    is_of_times = spelling_of(zone) not in ZONES_OF_EXCHANGES and not any(map(_says_zone, head))
    if is_of_times and len(zones) == 1 and is_zone(zones[0]):
        return roles | {"zone": zone}
    name = roles["timestamp"]
    raise ValueError(
        f"column {zone!r} says that the times of {name!r} are of {shown(others[0])}: write that behind them,"
        f" as in '2024-01-30 16:00 America/New_York'; columns={{'timestamp': {name!r}}} (--columns"
        f" timestamp={name}) reads them as times of UTC"
    )


def refuse_beside(roles: Mapping[str, str], names: Iterable[str], chosen: Collection[str], values: Values) -> None:
    """Raises for a column of `names` that is not read and makes other bars of those that `roles`, role -> name, give.
    `chosen`: as above."""
    others = _others(roles, names)
    for name in others:
        if spelling_of(name) in LENGTHS:
            _refuse_lengths(name, values.distinct(name))
    head = values.head
    heads = values.heads(others) if others and "timestamp" not in chosen else {}
    if "time" not in chosen:
        _refuse_halves(roles, heads, values.every)
    if "time" in roles:
        _refuse_moments(roles, head)
    elif heads and _hold_days(head(roles["timestamp"])):
        _refuse_times_of_day(roles["timestamp"], heads)


def _others(roles: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Returns those of `names` that are not read, and may be times."""
    taken = set(roles.values())
    return [name for name in names if name not in taken and role_of(name) in (None, "timestamp")]


def _refuse_lengths(name: str, values: Sequence[Any]) -> None:
    """Raises for a column that says that bars are of several lengths: together they are bars of none."""
    texts = sorted({str(value).strip() for value in values if not _is_blank(value)})
    if len(texts) > 1 and all(LENGTH.fullmatch(text) for text in texts):
        raise ValueError(
            f"column {name!r} says that bars are of several lengths, as {shown(texts[0])} and {shown(texts[1])}:"
            " give those of one"
        )


def _refuse_moments(roles: Mapping[str, str], head: Callable[[str], Sequence[Any]]) -> None:
    """Raises for a date with a time of day of its own beside another one."""
    name = roles["timestamp"]
    example = next((value for value in head(name) if not _is_blank(value) and not _is_day(value)), None)
    if example is not None and _is_moment(example):
        raise ValueError(
            f"column {name!r} has times of day itself, as {shown(str(example))}, beside those of {roles['time']!r}:"
            f" columns={{'timestamp': {name!r}}} (--columns timestamp={name}) takes it alone"
        )


def _refuse_halves(roles: Mapping[str, str], heads: Heads, every: Callable[[str], Sequence[Any]]) -> None:
    """Raises for a column of AM and PM beside times of day that do not say which they are."""
    clock, day = (roles["time"], "2000-01-01 ") if "time" in roles else (roles["timestamp"], "")
    for name in [name for name, head in heads.items() if _are_all(_half_of, head)]:
        texts = [time_text(value) or "" for value in every(clock)]
        with suppress(ClockError):  # which is told where they are read
            texts = in_marks(clock, texts) if day else texts
        for text, value in zip(texts, every(name), strict=False):
            half, hour = _half_of(value), _hour_of(f"{day}{text}")
            if half and hour is not None and (half == "p") != (hour >= NOON):
                raise ValueError(
                    f"column {name!r} says {shown(str(value))} beside {shown(text)} of {clock!r}: write both in one"
                    " column, like '09:30 AM'"
                )


def _half_of(value: Any) -> str:
    found = HALF.fullmatch(value) if isinstance(value, str) else None
    return found[1].lower() if found else ""


def _hour_of(text: str) -> int | None:
    """Returns the hour that a text shows; None where it has none, or says which half of the day it is of."""
    written = take_apart(text)
    digits = None if written is None or written.match["half"] else written.match["hour"] or written.match["packed"]
    return int(digits[:2]) if digits else None


def _refuse_times_of_day(timestamp: str, heads: Heads) -> None:
    """Raises for a column that holds the times of day of bars of which `timestamp` holds days alone."""
    if clocks := _clocks_of(heads):
        name, *more = clocks
        known = [value for value in heads[name] if not _is_blank(value)]
        both = f"columns={{'time': {name!r}}} (--columns time={name}) reads both as times of UTC"
        if more or _have_parts(heads) or not are_readable(name, [time_text(value) or "" for value in known]):
            both = "write times of day in one column, as texts like '09:30', to have both read"
        raise ValueError(
            f"column {name!r} holds times of day, as {shown(str(known[0]))}, beside the days of {timestamp!r}:"
            f" {both}, columns={{'timestamp': {timestamp!r}}} (--columns timestamp={timestamp}) the days alone"
        )


def _clocks_of(heads: Heads) -> list[str]:
    """Returns the columns of times of day."""
    return [name for name, head in heads.items() if _are_clocks_of(name, head)]


def _have_parts(heads: Heads) -> bool:
    """Returns whether there is a column of minutes or seconds, as 30, 30.5 or 30m; its head may be blank."""
    parts = [head for name, head in heads.items() if spelled(name).name in PARTS_OF_HOURS]
    return any(
        all(_is_blank(value) or FIGURE_OF_AN_HOUR.match(time_text(value) or "") for value in head) for head in parts
    )


def _are_clocks_of(name: str, values: Sequence[Any]) -> bool:
    """Returns whether these values of a column of that name are times of day: all of them, or most where its name says
    so."""
    if spelled(name).name in HOURS:
        return _are_most(lambda value: FIGURE_OF_AN_HOUR.match(time_text(value) or ""), values)
    own = {word.lower() for word in WORD.findall(name)}
    says_so = spelled(name).name in TIMES_OF_DAY or not WORDS_OF_CLOCKS.isdisjoint(own)
    if says_so and WORDS_OF_OTHERS.isdisjoint(own):
        return _are_most(partial(_is_clock, True), values)
    return _are_all(partial(_is_clock, False), values)


def _hold_days(values: Sequence[Any]) -> bool:
    """Returns whether most values are days, and no other is a moment, unless most are texts without a time of day."""
    known = [value for value in values if not _is_blank(value)]
    if not any(map(_is_day, known[:3])):  # as of most tables
        return False
    others = [value for value in known if not _is_day(value)]
    if 2 * len(others) >= len(known):
        return False
    return not any(map(moments_of, others)) or _are_most(lambda value: isinstance(value, str) and is_day(value), known)


def _are_most(is_one: Callable[[Any], object], values: Sequence[Any]) -> bool:
    known = [value for value in values if not _is_blank(value)]
    return 2 * sum(map(bool, map(is_one, known))) > len(known)


def _are_all(is_one: Callable[[Any], object], values: Sequence[Any]) -> bool:
    known = [value for value in values if not _is_blank(value)]
    return bool(known) and all(map(is_one, known))


def _is_blank(value: Any) -> bool:
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def _is_moment(value: Any) -> bool:
    """Returns whether it is, or may be, a date and a time of day in one."""
    text = time_text(value) or ""
    if is_digits(text):
        is_date = len(text) in DIGITS and FIRST_YEAR <= int(text[:4]) <= LAST_YEAR
        return is_date or unit_of(int(text)) is not None
    return take_apart(text) is not None


def _have_same_clock(moment: Any, clock: Any) -> bool:
    """Returns whether a moment shows this time of day, or one of them is missing and the other is not a day."""
    if _is_blank(moment) or _is_blank(clock):
        return not (_is_blank(clock) and _is_day(moment))
    both = take_apart(date_text(moment) or ""), take_apart(f"2000-01-01 {time_text(clock)}")
    return None not in both and len({written.clock for written in both if written is not None}) == 1


def _is_day(value: Any) -> bool:
    if isinstance(value, np.datetime64):
        return bool(value == value.astype("M8[D]"))
    if isinstance(value, date):
        return not isinstance(value, datetime) or (value.hour, value.minute, value.second) == (0, 0, 0)
    written = take_apart(date_text(value) or "")
    return written is not None and written.clock == 0 and written.place is None


def _is_local(value: Any) -> bool:
    """Returns whether it has a time of day and does not say of which clock."""
    if isinstance(value, np.datetime64):
        return not _is_day(value)
    if isinstance(value, datetime):
        return value.tzinfo is None and not _is_day(value)
    written = take_apart(value.strip()) if isinstance(value, str) else None
    return written is not None and written.is_naive


def _says_zone(value: Any) -> bool:
    """Returns whether it says of which clock it is."""
    if isinstance(value, datetime):
        return value.tzinfo is not None
    written = take_apart(value.strip()) if isinstance(value, str) else None
    return written is not None and any(written.match[part] for part in ("zone", "offset", "place"))


def _is_clock(name_says_so: bool, value: Any) -> bool:
    text = time_text(value) or ""
    return CLOCK.fullmatch(text) is not None or (name_says_so and FIGURE_OF_A_CLOCK.fullmatch(text) is not None)
