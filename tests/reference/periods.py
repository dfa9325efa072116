"""Bars gathered into periods by the clock of a zone, and formulas over them: one bar at a time, in Python."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from reference.formulas import evaluate

Floats = NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTES = {"m": 1, "h": 60}


def key_of(nanoseconds: int, period: str, zone: ZoneInfo, day_start: timedelta) -> object:
    """Equal for the times of one period."""
    moment = EPOCH + timedelta(microseconds=nanoseconds // 1000)
    day = moment.astimezone(zone).replace(tzinfo=None) - day_start
    if period == "1d":
        return day.date()
    if period == "1w":
        return day.isocalendar()[:2]
    if period == "1mo":
        return day.year, day.month
    length = timedelta(minutes=int(period[:-1]) * MINUTES[period[-1]])
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    shown = midnight + (day - midnight) // length * length + day_start
    began = {shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    if not any(each.astimezone(zone).replace(tzinfo=None) == shown for each in began):
        return shown  # a beginning that no clock has shown
    return max(each for each in began if each <= moment)


def folded(columns: Mapping[str, Floats], rows: NDArray[np.intp]) -> dict[str, float]:
    """The bar that these rows make."""
    found = {}
    for name, column in columns.items():
        values = [float(value) for value in column[rows] if np.isfinite(value)]
        if not values:
            found[name] = np.nan
        elif name == "open":
            found[name] = values[0]
        elif name in ("high", "low", "volume"):
            found[name] = {"high": max, "low": min, "volume": sum}[name](values)
        else:
            found[name] = values[-1]
    return found


def every(
    formula: str,
    period: str,
    columns: Mapping[str, Floats],
    timestamps: NDArray[np.int64],
    clock: tuple[ZoneInfo, timedelta],
) -> tuple[Floats, Floats]:
    """For each bar the formula's value of the last finished period, and that of the period so far."""
    keys = [key_of(int(time), period, *clock) for time in timestamps]
    numbers = np.cumsum([at > 0 and keys[at] != keys[at - 1] for at in range(len(keys))])
    finished, forming = np.full(len(keys), np.nan), np.full(len(keys), np.nan)
    for bar, number in enumerate(numbers):
        rows = [np.flatnonzero(numbers[: bar + 1] == each) for each in range(number + 1)]
        bars = [folded(columns, each) for each in rows]
        times = np.array([timestamps[each[0]] for each in rows])
        values = evaluate(formula, {name: np.array([each[name] for each in bars]) for name in columns}, times, clock[0])
        forming[bar] = values[-1]
        finished[bar] = values[-2] if number else np.nan
    return finished, forming
