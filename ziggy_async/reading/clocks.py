"""Dates with times of day beside them, as texts that are joined: what they are in Python and in SQL alike."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from ziggy_async.reading.timestamps import as_whole, is_missing

KEPT = r"\1\2"
"""The part of a text that stands for it, where it matches one of the patterns."""
DAY = (
    r"^(.*\d)[T ]+(?:0?0:00(?::00(?:[.,]0+)?)?|12:00(?::00)? ?[Aa][Mm])(?:Z| ?UTC|\+00(?::?00)?)?$"
    r"|^(\d{8})\.0+$"
)
"""A date that is written as the midnight of its day, or as a float."""
TIME = r"^(?:0 days |(?:1970-01-01|1900-01-0[01]|1899-12-3[01])[T ])(\d{1,2}:.*)$|^(\d{1,19})\.0+$"
"""A time of day that is written as a duration or with the day that spreadsheets and databases have for none, or as a
float."""
PACKED = r"^([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3}|[0-9]{6})$"
UNPACKED = r"\1:\2:\3.\4"
"""Digits of a time of day with a fraction of the second, and the same with marks."""
A_DAY = timedelta(days=1)


def is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def is_short(digits: str) -> bool:
    """Whether these are the most digits of a time of day of which the hour has one, or which counts seconds."""
    return len(digits) == 5 and digits[0] != "0"


def date_text(value: Any) -> str | None:
    """The text of a day, and of a moment that is none, which is of no use beside a time of day, the whole."""
    if is_missing(value):
        return None
    if isinstance(value, datetime):
        value = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    whole = as_whole(value)
    if isinstance(value, date):
        value = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    text = str(value if whole is None else whole).strip()
    return text if _may_be_rounded(value, whole) else re.sub(DAY, KEPT, text)


def time_text(value: Any) -> str | None:
    """The text of a time of day, with as many digits as it has where it is a whole number."""
    if is_missing(value):
        return None
    if isinstance(value, timedelta) and timedelta(0) <= value < A_DAY:
        value = np.timedelta64(getattr(value, "value", value // timedelta(microseconds=1) * 1000), "ns")
    if isinstance(value, np.timedelta64):
        value = np.datetime64(0, "ns") + value
    whole = as_whole(value)
    text = (value.isoformat(" ") if isinstance(value, datetime) else str(value if whole is None else whole)).strip()
    return text if _may_be_rounded(value, whole) else re.sub(TIME, KEPT, text)


def _may_be_rounded(value: object, whole: int | None) -> bool:
    """Whether it is a float that is no whole number, or whose type has not every one of its size: its text is none of a
    date or a time of day."""
    return isinstance(value, np.floating) and whole is None
