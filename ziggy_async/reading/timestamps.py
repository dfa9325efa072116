"""Moments in any of the ways in which callers write them, as nanoseconds since 1970 UTC."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core
from ziggy_async.messages import kind_of, shown
from ziggy_async.reading.dates import AmbiguousError, read_text
from ziggy_async.reading.epochs import NAT, read_whole
from ziggy_async.reading.options import UNITS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOSECONDS_OF = UNITS | {"m": 60 * 10**9, "h": 3_600 * 10**9, "D": 86_400 * 10**9, "W": 604_800 * 10**9}
"""Nanoseconds of NumPy's units; a month and a year have no fixed number."""
MOST_YEARS = 300
"""From 1970: beyond what nanoseconds reach, so that a conversion to days is safe."""
ROUNDED = "may be rounded, as {} has not every whole number of its size: give times as int64 or float64"
ROUNDED_DIGITS = "may be rounded, as float64 has not every date in digits with milliseconds: give texts or int64"
FRACTION = "has a fraction: give times as whole numbers, as those of milliseconds or nanoseconds"
OUT_OF_RANGE = "is out of range: nanoseconds reach from 1677-09-21 to 2262-04-11"


def to_ns(value: object, unit: str | None = None, dates: str | None = None) -> int:
    """Nanoseconds since 1970 UTC of a datetime, date, datetime64, period, text or whole number.

    A time that names no zone is UTC. `unit` is that of whole numbers; `dates` the order of a text's day, month and
    year, if it can be read in several. Raises `ValueError` for what is not a time or cannot be told, and for times
    before 1677-09-21 or after 2262-04-11; `TypeError` for anything else.
    """
    nanoseconds = _exact_ns(value, unit, dates)
    if not NAT < nanoseconds <= -(NAT + 1):
        raise ValueError(f"{value if isinstance(value, date | np.datetime64) else shown(value)} {OUT_OF_RANGE}")
    return nanoseconds


def to_ns_alone(value: object, unit: str | None = None) -> int:
    """Does what `to_ns` does for a moment that stands in no table, so that nothing can say the order of its day and
    month."""
    try:
        return to_ns(value, unit)
    except AmbiguousError as error:
        raise ValueError(f"{error.sentence}: write it as one of these") from None


def _to_ns_for_core(value: object, unit: str | None) -> int:
    """Does what `to_ns` does, for one bar, of which the core says the symbol: errors name the column, as they do for
    tables."""
    if is_missing(value):
        raise ValueError(f"timestamp is missing: it is {value!r}")
    if unit is not None and unit not in UNITS:
        raise ValueError(f"timestamp: unit: {unit!r} is none of 'ns', 'us', 'ms', 's'")
    try:
        return to_ns_alone(value, unit)
    except TypeError as error:
        raise TypeError(f"timestamp: {error}") from None
    except ValueError as error:
        raise ValueError(f"timestamp: {error}") from None


_core.register("to_ns", _to_ns_for_core)


def is_missing(value: object) -> bool:
    """Returns whether the value is None, NaN, NaT (neither is equal to itself) or pandas' NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | datetime | np.generic | Decimal) and bool(value != value)


def as_whole(value: object) -> int | None:
    """Returns the value of a whole number of any type; None of anything else, as one of a float that may be rounded."""
    if isinstance(value, bool | np.bool_ | np.timedelta64):
        return None
    if isinstance(value, np.float16 | np.float32) and abs(value) > most_exact(value.dtype):
        return None
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < 10**20 and value == value.to_integral_value():
        return int(value)
    if isinstance(value, float | np.floating) and np.isfinite(value) and value == np.floor(value):
        return None if are_rounded_digits(np.float64(value)) else int(value)
    return None


def are_rounded_digits(values: Any) -> Any:
    """Returns whether floats may be dates in seventeen digits, of which float64 has not every one; no time since 1970
    is so large and not larger."""
    return (values >= 1e16) & (values < 1e17)


def most_exact(dtype: np.dtype[Any]) -> int:
    """Beyond it a float of that type is not every whole number."""
    return int(2 ** (np.finfo(dtype).nmant + 1))


def _exact_ns(value: Any, unit: str | None, dates: str | None) -> int:
    if type(value).__name__ == "Period":  # of pandas: as the moment at which it begins
        value = value.to_timestamp()
    moment = getattr(value, "asm8", value)  # of pandas' Timestamp, which may reach further than nanoseconds
    if isinstance(moment, np.datetime64):
        nanoseconds, wrong = datetime64_ns(np.asarray(moment).reshape(1))
        return NAT if wrong[0] else int(nanoseconds[0])
    if isinstance(value, datetime):
        aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return (aware - EPOCH) // timedelta(microseconds=1) * 1000
    if isinstance(value, date):
        return (value - EPOCH.date()).days * 86_400 * 10**9
    whole = as_whole(value)
    if isinstance(value, str):
        if not value.strip().isdecimal() or (unit is None and len(value.strip()) == 8):
            return read_text(value, dates)
        whole = int(value)
    if whole is None and isinstance(value, float | np.floating) and are_rounded_digits(np.float64(value)):
        raise ValueError(f"{value:.0f} {ROUNDED_DIGITS}")
    if whole is None and isinstance(value, np.float16 | np.float32):
        raise ValueError(f"{value} {ROUNDED.format(value.dtype)}")
    if whole is None and isinstance(value, float | np.floating | Decimal) and abs(float(value)) > 10**6:
        raise ValueError(f"{shown(value)} {FRACTION}")
    if whole is None:
        raise TypeError(f"{shown(value)} is not a timestamp but {kind_of(value)}")
    if abs(whole) >= 2**63:
        raise ValueError(f"{shown(value)} {OUT_OF_RANGE}")
    moments = read_whole(np.array([whole]), np.zeros(1, dtype=bool), unit, dates)
    if moments.is_wrong[0]:
        raise ValueError(moments.fault(0))
    return int(moments.nanoseconds[0])


def datetime64_ns(moments: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Moments `(rows,)` of any unit as nanoseconds, and where they have no place among them: those and NaT are `NAT`.

    NumPy's own conversion wraps around there, or raises for the whole array, as its version goes.
    """
    if moments.dtype == "M8[ns]":
        return np.ascontiguousarray(moments.view(np.int64)), np.zeros(len(moments), dtype=bool)
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
