"""Dates with times of day beside them, as texts that are joined."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from ziggy_async.reading.epochs import are_seconds_of_day, clock_of_seconds, digits_of_clock
from ziggy_async.reading.spellings import HOURS, spelled
from ziggy_async.reading.timestamps import as_whole, is_missing
from ziggy_async.reading.ways import take_apart

KEPT = r"\1\2"
"""The part of a text that stands for it, where it matches one of the patterns."""
DAY = (
    r"^(.*\d)[T ]+(?:0?0:00(?::00(?:[.,]0+)?)?|12:00(?::00)? ?[Aa][Mm])(?:Z| ?UTC|\+00(?::?00)?)?$"
    r"|^(\d{8})\.0+$"
)
"""A date that is written as the midnight of its day, or as a float."""
TIME = r"^(?:0 days |(?:1970-01-01|1900-01-0[01]|1899-12-3[01])[T ])(\d{1,2}:.*)$|^(?!\d\d\.00$)(\d{1,19})\.0+$"
"""A time of day that is written as a duration or with the day that spreadsheets and databases have for none, or as a
float; 16.00 may have points."""
POINTED = re.compile(r"(?:[01]\d|2[0-3])\.[0-5]\d", re.ASCII)
POINTS_OF_ZEROS = r"^(\d\d)\.00$"
PACKED = r"^([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3}|[0-9]{6})$"
UNPACKED = r"\1:\2:\3.\4"
"""Digits of a time of day with a fraction of the second, and the same with marks."""
A_DAY = timedelta(days=1)


def is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def date_text(value: Any) -> str | None:
    """Returns the text of a day; of a moment with a time of day, which cannot stand beside another one, the whole."""
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
    """Returns the text of a time of day, with as many digits as it has where it is a whole number."""
    if is_missing(value):
        return None
    if isinstance(value, timedelta) and timedelta(0) <= value < A_DAY:
        value = np.timedelta64(getattr(value, "value", value // timedelta(microseconds=1) * 1000), "ns")
    if isinstance(value, np.timedelta64):
        value = np.datetime64(0, "ns") + value
    whole = as_whole(value)
    text = (value.isoformat(" ") if isinstance(value, datetime) else str(value if whole is None else whole)).strip()
    return text if _may_be_rounded(value, whole) else re.sub(TIME, KEPT, text)


class ClockError(ValueError):
    """Digits that may be several times of day, or are not one. `text`: those digits."""

    def __init__(self, sentence: str, text: str) -> None:
        super().__init__(sentence)
        self.text = text


def in_marks(name: str, texts: Iterable[str]) -> list[str]:
    """Returns the texts of the times of day of a column of that name, those with points or in digits with colons where
    most have none. Digits have one length, and are refused by `ClockError` where they could be of several."""
    texts = list(texts)
    if 2 * sum(":" in text for text in texts) > len(texts):
        return texts
    if _are_pointed(texts):
        return [text.replace(".", ":") for text in texts]
    plain = [re.sub(POINTS_OF_ZEROS, r"\1", text) for text in texts]
    digits = [text for text in plain if is_digits(text)]
    longest = max(
        digits, key=lambda text: (len(text), len(text) > 3 and text[0] == "0", text.strip("0") != ""), default=""
    )
    hours = [text for text in digits if len(text) <= 2 and int(text) <= 24]
    if spelled(name).name in HOURS and 2 * len(hours) > len(digits):
        if (wrong := next((text for text in digits if int(text) > 23), None)) is not None:
            advice = f"{wrong} is not an hour of 0 to 23: write the hours at which bars begin"
            raise ClockError(advice, texts[plain.index(wrong)])
        return [f"{int(text):02}:00" if is_digits(text) else text for text in plain]
    try:
        count = digits_of_clock(longest, min(map(int, digits), default=0))
        is_padded = longest[:1] == "0" and len(longest) == count
        # Five digits are an hour of one digit, minutes and seconds, or they count seconds.
        is_short = len(longest) == 5 and longest[0] != "0"
        if is_short and are_seconds_of_day(np.array(list(map(int, digits))), int(longest)):
            return [clock_of_seconds(int(text)) if is_digits(text) else text for text in plain]
    except ValueError as error:
        raise ClockError(str(error), texts[plain.index(longest)]) from None
    filled = (text.zfill(count) if is_digits(text) and not is_padded else text for text in plain)
    return [re.sub(PACKED, UNPACKED, text) for text in filled]


def _are_pointed(texts: Iterable[str]) -> bool:
    """Returns whether these are times of day like 09.30, and no numbers of hours, as 09.25 and 09.50 are."""
    known = [text for text in texts if text[:1].isdigit()]
    minutes = {text[3:] for text in known}
    is_clear = not minutes <= {"00", "25", "50"} or (minutes == {"00"} and any(text[0] == "0" for text in known))
    return is_clear and all(map(POINTED.fullmatch, known))


def clocks_of(texts: Iterable[str]) -> list[int] | None:
    """Nanoseconds since midnight UTC of the times of day of a column; None where they are not written alike, or are
    those of a place, whose offset from UTC changes."""
    written = [take_apart(f"2000-01-01 {text}") for text in texts]
    plain = [each for each in written if each is not None and not each.form and each.place is None]
    is_alike = len(plain) == len(written) and len({each.is_naive for each in plain}) < 2
    return [each.clock for each in plain] if is_alike else None


def are_readable(name: str, texts: Iterable[str]) -> bool:
    """Returns whether these are times of day of a column of that name, and in one way alone."""
    try:
        return all(take_apart(f"2000-01-01 {text}") is not None for text in in_marks(name, texts))
    except ClockError:
        return False


def is_day(text: str) -> bool:
    """Returns whether it is a date without a time of day."""
    written = take_apart(text)
    return written is not None and not written.form and written.match["gap"] is None


def _may_be_rounded(value: object, whole: int | None) -> bool:
    """Returns whether it is a float that is not a whole number, or too large for its type to hold each whole number:
    its text is then neither a date nor a time of day."""
    return isinstance(value, np.floating) and whole is None
