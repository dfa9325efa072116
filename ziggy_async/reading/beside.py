"""What the columns that are not read say of the bars beside them: the time of day that a date lacks, the zone of times,
and how long a bar is."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

import numpy as np

from ziggy_async.messages import shown
from ziggy_async.reading.dates import take_apart
from ziggy_async.reading.spellings import role_of, spelling_of
from ziggy_async.reading.timestamps import as_whole, is_missing

HEAD = 100
"""Rows that are looked at."""
CLOCK = re.compile(
    r"(?:0 days )?\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[ap]\.?m\.?)?(?: ?[A-Z]{2,5}|[+-]\d{2}(?::?\d{2})?)?",
    re.IGNORECASE,
)
FIGURE_OF_A_CLOCK = re.compile(r"\d{1,8}|\d{1,2}[.h]\d{2}(?:\.\d{2})?")
"""What may be a time of day under a name that says so."""
WORDS_OF_CLOCKS = frozenset(
    ("time", "hour", "hours", "minute", "minutes", "hhmm", "hhmmss", "tod", "clock", "zeit", "stunde", "minuto")
)
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
ZONES = frozenset(("timezone", "tz", "zone", "tzinfo", "timezonename", "exchangetimezone", "exchangetimezonename"))
UTC_NAMES = frozenset(("UTC", "GMT", "Z", "ETC/UTC", "ETC/GMT", "+00:00", "+0000", "UTC+0", "0"))
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")


def refuse_beside(
    roles: Mapping[str, str],
    names: Iterable[str],
    chosen: Collection[str],
    head: Callable[[str], Sequence[Any]],
    distinct: Callable[[str], Sequence[Any]],
) -> None:
    """Raises for a column of `names` that is not read and makes other bars of those that `roles`, role -> name, give.
    `chosen`: the roles that the caller has given; `head`: the first `HEAD` values of a column; `distinct`:
    some of its distinct ones, all if they are fewer than three."""
    taken = set(roles.values())
    others = [name for name in names if name not in taken and role_of(name) in (None, "timestamp")]
    for name in others:
        if spelling_of(name) in LENGTHS:
            _refuse_lengths(name, distinct(name))
        if spelling_of(name) in ZONES and "timestamp" not in chosen:
            are_local = "time" in roles or any(map(_is_local, head(roles["timestamp"])))
            _refuse_zone(roles["timestamp"], name, distinct(name) if are_local else ())
    if others and "time" not in roles and "timestamp" not in chosen:
        _refuse_times_of_day(roles["timestamp"], others, head)


def _refuse_lengths(name: str, values: Sequence[Any]) -> None:
    """Raises for a column that says that bars are of several lengths: together they are bars of none."""
    texts = sorted({str(value).strip() for value in values if not _is_blank(value)})
    if len(texts) > 1 and all(LENGTH.fullmatch(text) for text in texts):
        raise ValueError(
            f"column {name!r} says that bars are of several lengths, as {shown(texts[0])} and {shown(texts[1])}:"
            " give those of one"
        )


def _refuse_zone(timestamp: str, name: str, values: Sequence[Any]) -> None:
    """Raises for a column that says that times without a zone are those of another one than UTC."""
    zones = sorted({str(value).strip() for value in values if not _is_blank(value)})
    others = [zone for zone in zones if zone.upper() not in UTC_NAMES]
    if others:
        raise ValueError(
            f"column {name!r} says that the times of {timestamp!r} are of {shown(others[0])}: write that behind them,"
            f" as in '2024-01-30 16:00 America/New_York'; columns={{'timestamp': {timestamp!r}}} (--columns"
            f" timestamp={timestamp}) reads them as times of UTC"
        )


def _refuse_times_of_day(timestamp: str, others: Sequence[str], head: Callable[[str], Sequence[Any]]) -> None:
    """Raises for a column that holds the times of day of bars of which `timestamp` holds days alone."""
    if not _are_all(_is_day, head(timestamp)):
        return
    for name in others:
        says_so = not WORDS_OF_CLOCKS.isdisjoint(word.lower() for word in WORD.findall(name))
        values = head(name)
        if _are_all(partial(_is_clock, says_so), values):
            example = next(value for value in values if not _is_blank(value))
            raise ValueError(
                f"column {name!r} holds times of day, as {shown(str(example))}, beside the days of {timestamp!r}:"
                f" columns={{'time': {name!r}}} (--columns time={name}) reads both as times of UTC,"
                f" columns={{'timestamp': {timestamp!r}}} the days alone"
            )


def _are_all(is_one: Callable[[Any], bool], values: Sequence[Any]) -> bool:
    known = [value for value in values if not _is_blank(value)]
    return bool(known) and all(map(is_one, known))


def _is_blank(value: Any) -> bool:
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def _is_day(value: Any) -> bool:
    if isinstance(value, np.datetime64):
        return bool(value == value.astype("M8[D]"))
    if isinstance(value, date):
        return not isinstance(value, datetime) or (value.hour, value.minute, value.second) == (0, 0, 0)
    whole = as_whole(value)
    text = str(value if whole is None else whole).strip()
    written = take_apart(text)
    return written is not None and written.clock == 0 and written.place is None


def _is_local(value: Any) -> bool:
    """Whether it has a time of day and does not say of which clock."""
    if isinstance(value, np.datetime64):
        return not _is_day(value)
    if isinstance(value, datetime):
        return value.tzinfo is None and not _is_day(value)
    written = take_apart(value.strip()) if isinstance(value, str) else None
    return written is not None and written.is_naive


def _is_clock(name_says_so: bool, value: Any) -> bool:
    whole = as_whole(value)
    text = str(value if whole is None else whole).strip()
    return CLOCK.fullmatch(text) is not None or (name_says_so and FIGURE_OF_A_CLOCK.fullmatch(text) is not None)
