"""Periods of `every`: "15m", "1h", "1d", "1w", "1mo"."""

import re
from typing import NamedTuple

from ziggy_async.messages import shown

MINUTES_A_DAY = 24 * 60
TEXT = re.compile(r"([1-9]\d{0,3})(m|min|h|d|w|mo)")
UNITS = {"1d": 1, "1w": 2, "1mo": 3}
"""The core's number of a unit; minutes are 0."""


class Period(NamedTuple):
    """`text` is the one way of writing it."""

    text: str
    minutes: int
    """Its length, if it is a part of a day; 0 for a longer one."""

    @property
    def unit(self) -> int:
        return UNITS.get(self.text, 0)

    @property
    def most_minutes(self) -> int:
        """Its length at most, in minutes, but for a clock that is set."""
        return self.minutes or MINUTES_A_DAY * {"1d": 1, "1w": 7, "1mo": 31}[self.text]


def period_of(text: str) -> Period | None:
    """Returns the period that a text names, None if it names none: minutes or hours that divide a day, 1d, 1w, 1mo."""
    if text in UNITS:
        return Period(text, 0)
    match = TEXT.fullmatch(text)
    if match is None or match[2] not in ("m", "min", "h"):
        return None
    minutes = int(match[1]) * (60 if match[2] == "h" else 1)
    if minutes == MINUTES_A_DAY:
        return Period("1d", 0)
    if minutes > MINUTES_A_DAY or MINUTES_A_DAY % minutes:
        return None
    return Period(f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m", minutes)


def nanoseconds_of_period(text: str) -> int:
    """Returns how long it may be. Raises `ValueError` unless it is a period."""
    period = period_of(text)
    if period is None:
        raise ValueError(no_period(text))
    return period.most_minutes * 60 * 10**9


def no_period(text: str) -> str:
    return f"{shown(text)} is not a period: minutes or hours that divide a day (5m, 1h), 1d, 1w, 1mo"
