"""Timestamps that are whole numbers: since 1970 in some unit, or the digits of a date."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async.reading.options import UNITS

NAT = np.iinfo(np.int64).min
FIRST_SECOND = int(datetime(1975, 1, 1, tzinfo=UTC).timestamp())
LAST_SECOND = int(datetime(2101, 1, 1, tzinfo=UTC).timestamp()) - 1
HOUR = 3_600 * 10**9
DAY = 24 * HOUR
MOST_AHEAD, MOST_BEHIND = 14 * HOUR, 12 * HOUR
"""The distances of clocks from UTC, at most."""
EXCEL_DAY_OF_1970 = 25_569
YEARS = "the years 1975 to 2100"
"""A moment in them is one in one unit only."""
FIRST_YEAR, LAST_YEAR = 1800, 2100
"""The years of dates in digits."""
DIGITS = {8: "YYYYMMDD", 12: "YYYYMMDDhhmm", 14: "YYYYMMDDhhmmss", 17: "YYYYMMDDhhmmssmmm"}
UNREADABLE = f"is not a time in s, ms, us or ns of {YEARS}, nor a date"
ADVICE = ": write dates and times as texts, like 2024-01-31 09:30"


class UnitError(ValueError):
    """The unit of a column's whole numbers is not known, or changes: what concerns the column, and no row."""

    def __init__(self, row: int, sentence: str) -> None:
        super().__init__(sentence)
        self.row = row


class Moments(NamedTuple):
    """Nanoseconds, `NAT` where there is no time; `is_wrong` where there was one that could not be read, and why."""

    nanoseconds: NDArray[np.int64]
    is_wrong: NDArray[np.bool_]
    fault: Callable[[int], str]


def read_whole(whole: NDArray[np.int64], missing: NDArray[np.bool_], unit: str | None, dates: str | None) -> Moments:
    """Returns the moments of whole numbers `(rows,)`.

    `unit` None: the one unit that puts all of them into the years 1975 to 2100, else dates in digits. `dates`: they are
    dates where both could be. Raises `UnitError` where several units are needed, or none fits any.
    """
    known = ~missing
    if unit is not None:
        wrong = known & ~in_years(whole, unit)
        return _moments(whole, missing, wrong, unit, lambda row: outside(int(whole[row]), unit))
    days = _digits(whole, known)
    fitting = {name: in_years(whole, name) & known for name in UNITS}
    for name, fits in fitting.items():
        if not fits[known].all() or not known.any():
            continue
        if days is None:
            return _moments(whole, missing, np.zeros(len(whole), dtype=bool), name, lambda row: "")
        if dates is None:
            row = int(np.argmax(known))
            raise UnitError(row, _in_both(int(whole[row]), name, int(days[row])))
    if days is not None:
        return Moments(np.where(known, days, NAT), np.zeros(len(whole), dtype=bool), lambda row: "")
    return _mostly(whole, missing, fitting)


def in_years(whole: NDArray[np.int64], unit: str) -> NDArray[np.bool_]:
    a_second = 10**9 // UNITS[unit]
    return (whole >= FIRST_SECOND * a_second) & (whole < (LAST_SECOND + 1) * a_second)


def outside(value: int, unit: str) -> str:
    sentence = f"{value} {unit} is outside of {YEARS}"
    other = unit_of(value)
    return sentence if other is None else f"{sentence}; in {other} it is {iso_of(value * UNITS[other])}"


def unit_of(value: int) -> str | None:
    """Returns the unit that puts one number into those years."""
    fitting = [name for name in UNITS if FIRST_SECOND <= value * UNITS[name] // 10**9 <= LAST_SECOND]
    return fitting[0] if fitting else None


def iso_of(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")


def _as_day(value: int) -> str:
    """Excel counts days since 1899-12-30; periods of pandas are counted since 1970."""
    days = {"a day of Excel": value - EXCEL_DAY_OF_1970} | ({"a day since 1970": value} if value >= 10_000 else {})
    for said, day in days.items():
        if FIRST_SECOND <= day * 86_400 <= LAST_SECOND:
            return f"; as {said} it is {iso_of(day * 86_400 * 10**9)}: write days as text, like that"
    return ""


def _mostly(whole: NDArray[np.int64], missing: NDArray[np.bool_], fitting: dict[str, NDArray[np.bool_]]) -> Moments:
    """Numbers of which some fit no unit; all others must be of one."""
    present = [name for name, fits in fitting.items() if fits.any()]
    if not present:
        row = _first_of_no_date(whole, ~missing)
        raise UnitError(row, f"{whole[row]} {UNREADABLE}{_as_day(int(whole[row])) or ADVICE}")
    present.sort(key=lambda name: int(np.argmax(fitting[name])))
    if len(present) > 1:
        first, second = present[:2]
        row = int(np.argmax(fitting[second]))
        raise UnitError(
            row, f"{whole[row]} is a time in {second}, those before it are in {first}: a column has one unit"
        )
    unit = present[0]
    fault = f"is not a time in {unit} of {YEARS}, as the others are"
    return _moments(whole, missing, ~missing & ~fitting[unit], unit, lambda row: f"{whole[row]} {fault}")


def _first_of_no_date(whole: NDArray[np.int64], known: NDArray[np.bool_]) -> int:
    """Returns the first row that is not a date in digits like those before it."""
    rows = np.flatnonzero(known)
    dates, others = 0, len(rows)
    while others - dates > 1:
        middle = (dates + others) // 2
        first = rows[:middle]
        dates, others = (dates, middle) if _digits(whole[first], known[first]) is None else (middle, others)
    return int(rows[0 if _digits(whole[rows[:1]], known[rows[:1]]) is None else dates])


def _moments(
    whole: NDArray[np.int64],
    missing: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    unit: str,
    fault: Callable[[int], str],
) -> Moments:
    absent = missing | wrong
    return Moments(np.where(absent, NAT, np.where(absent, 0, whole) * UNITS[unit]), wrong, fault)


def _digits(whole: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Nanoseconds of dates in digits; None unless all of them are such dates, of one length."""
    for length in DIGITS:
        low, high = 10 ** (length - 1), 10**length
        if known.any() and ((whole[known] >= low) & (whole[known] < high)).all():
            return _of_digits(
                np.where(known, whole, FIRST_YEAR * 10 ** (length - 4) + 101 * 10 ** (length - 8)), length
            )
    return None


def _of_digits(whole: NDArray[np.int64], length: int) -> NDArray[np.int64] | None:
    date, clock = np.divmod(whole, 10 ** (length - 8))
    clock, below = np.divmod(clock, 10**3) if length > 14 else (clock * 10 ** (14 - length), 0)
    year, month, day = date // 10_000, date // 100 % 100, date % 100
    hour, minute, second = clock // 10_000, clock // 100 % 100, clock % 100
    in_range = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1)
    in_range &= (hour < 24) & (minute < 60) & (second < 60)
    if not in_range.all():
        return None
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1)
    if (days.astype("M8[M]") != months).any():
        return None
    seconds = days.astype(np.int64) * 86_400 + hour * 3_600 + minute * 60 + second
    return np.asarray(seconds * 10**9 + below * 10**6, dtype=np.int64)


def digits_of_clock(longest: str, least: int) -> int:
    """Returns how many digits the times of day of a column have, hhmm, hhmmss, or that with milliseconds or
    microseconds, by its longest one and the least: spreadsheets take the zeros in front away. Raises `ValueError` where
    it could be either, or is neither."""
    if len(longest) in (9, 12):
        return len(longest)
    if len(longest) > 6:
        raise ValueError(f"{longest} is not a time of day: write times of day as texts, like '09:30'")
    if longest.strip("0") and (len(longest) < 4 or (len(longest) == 4 and longest[0] != "0" and least < 100)):
        hours, minutes = divmod(int(longest), 100)
        as_hour = f"{minutes:02}:00, " if int(longest) < 24 else ""
        both = f"{as_hour}{hours:02}:{minutes:02} or 00:{hours:02}:{minutes:02}"
        raise ValueError(f"{longest} is {both}: write times of day as texts, like '09:30'")
    return 6 if len(longest) > 4 else 4


def are_seconds_of_day(numbers: NDArray[np.int64], example: int) -> bool:
    """Returns whether times of day, which have five digits at most, are counted in seconds rather than written as
    hmmss. Raises `ValueError` with both, of the example, where each row may be either."""
    minutes, seconds = numbers // 100 % 100, numbers % 100
    if numbers.max() >= 86_400:
        return False
    if (np.maximum(minutes, seconds) >= 60).any():
        return True
    are_of_clock, are_counted = bool((seconds == 0).all()), bool((numbers % 60 == 0).all())
    if are_of_clock != are_counted:
        return are_counted
    both = f"{example // 10_000:02}:{example // 100 % 100:02}:{example % 100:02} or {clock_of_seconds(example)}"
    raise ValueError(f"{example} is {both} in seconds of the day: write times of day as texts, like '09:30'")


def clock_of_seconds(count: int) -> str:
    return f"{count // 3_600:02}:{count // 60 % 60:02}:{count % 60:02}"


def _in_both(value: int, unit: str, date: int) -> str:
    as_time, as_date = iso_of(value * UNITS[unit]), iso_of(date)
    return f"{value} is {as_time} in {unit}, or the date {as_date}: say unit={unit!r} (--unit) or dates='ymd' (--dates)"
