"""Moments in any of the ways in which callers write them, as nanoseconds since 1970 UTC."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core
from ziggy_async.messages import shown

NAT = np.iinfo(np.int64).min
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEYOND_MICROSECONDS = re.compile(r"[.,]\d{6}(\d{1,3})")
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
"""Units of timestamps that are whole numbers, in nanoseconds."""
NANOSECONDS_OF = UNITS | {"m": 60 * 10**9, "h": 3_600 * 10**9, "D": 86_400 * 10**9, "W": 604_800 * 10**9}
"""Of NumPy's units down to the nanosecond; a month and a year have no fixed number."""
MOST_YEARS = 300
"""From 1970: beyond what nanoseconds reach, so that a conversion to days is safe."""
OUT_OF_RANGE = "is out of range: nanoseconds reach from 1677-09-21 to 2262-04-11"


class UnitError(ValueError):
    """A whole number without a unit, or an unknown unit: the caller's mistake, and no row's."""


def to_ns(value: object, unit: str | None = None) -> int:
    """Nanoseconds since 1970 UTC of a datetime, date, datetime64, ISO 8601 text or, given `unit`, a whole number.

    What names no zone is UTC. `ValueError` for text that is no time, for whole numbers without a unit of "ns", "us",
    "ms" or "s", and for times before 1677-09-21 or after 2262-04-11; `TypeError` for anything else.
    """
    nanoseconds = _exact_ns(value, unit)
    if not NAT < nanoseconds <= -(NAT + 1):
        raise ValueError(f"{value if isinstance(value, date | np.datetime64) else shown(value)} {OUT_OF_RANGE}")
    return nanoseconds


def _to_ns_for_core(value: object, unit: str | None) -> int:
    """As `to_ns`, for one bar, of which the core says the symbol: errors name the column, as they do for tables."""
    if is_missing(value):
        raise ValueError(f"timestamp is missing: it is {value!r}")
    try:
        return to_ns(value, unit)
    except (TypeError, ValueError) as error:
        raise type(error)(f"timestamp: {error}") from None


_core.register("to_ns", _to_ns_for_core)


def is_missing(value: object) -> bool:
    """None, NaN, NaT and pandas' NA: what is not equal to itself, or will not say."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | datetime | np.generic) and bool(value != value)


def unit_ns(unit: str | None, value: object) -> int:
    """Nanoseconds of a unit; `value`, the number that needs one, is for the message."""
    if unit is None:
        raise UnitError(f"{shown(value)}: a timestamp that is a whole number needs unit=: 'ns', 'us', 'ms' or 's'")
    if unit not in UNITS:
        raise UnitError(f"unit: {unit!r} is none of 'ns', 'us', 'ms', 's'")
    return UNITS[unit]


def _exact_ns(value: object, unit: str | None) -> int:
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        # pandas' Timestamp is a datetime that has nanoseconds besides.
        return (aware - EPOCH) // timedelta(microseconds=1) * 1000 + int(getattr(value, "nanosecond", 0))
    if isinstance(value, date):
        return (value - EPOCH.date()).days * 86_400 * 10**9
    if isinstance(value, np.datetime64):
        nanoseconds, wrong = datetime64_ns(np.asarray(value).reshape(1))
        return NAT if wrong[0] else int(nanoseconds[0])
    if isinstance(value, str):
        return _ns_of_text(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value) * unit_ns(unit, value)
    raise TypeError(f"{shown(value)} is no timestamp but a {type(value).__name__}")


def datetime64_ns(moments: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Moments `(rows,)` of any unit as nanoseconds, and where they have no place among them: those and NaT are `NAT`.

    NumPy's own conversion wraps around there, or raises for the whole array, as its version goes.
    """
    unit, step = np.datetime_data(moments.dtype)
    counts = moments.astype(moments.dtype.newbyteorder("="), copy=False).view(np.int64)
    missing = counts == NAT
    if unit == "generic":  # NaT alone is of it
        return np.full(len(moments), NAT), np.zeros(len(moments), dtype=bool)
    if unit in ("Y", "M"):
        most = MOST_YEARS * (1 if unit == "Y" else 12) // step
        far = ~missing & (np.abs(counts) > most)
        days = np.where(far | missing, 0, counts).view(f"M8[{step}{unit}]").astype("M8[D]")
        nanoseconds, wrong = datetime64_ns(days)
        return np.where(far | missing, NAT, nanoseconds), wrong | far
    if unit not in NANOSECONDS_OF:  # finer than nanoseconds: cut off, and all of them have a place
        return moments.astype("M8[ns]").view(np.int64), np.zeros(len(moments), dtype=bool)
    factor = NANOSECONDS_OF[unit] * step
    wrong = ~missing & ((counts > -(NAT + 1) // factor) | (counts < -(-(NAT + 1) // factor)))
    return np.where(wrong | missing, NAT, np.where(wrong, 0, counts) * factor), wrong


def _ns_of_text(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{shown(text)} is no ISO 8601 time") from None
    beyond = BEYOND_MICROSECONDS.search(text)  # digits that a datetime has no place for
    return _exact_ns(moment, None) + (int(beyond[1].ljust(3, "0")) if beyond else 0)
