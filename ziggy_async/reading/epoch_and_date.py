"""The times of a table that has them twice: since 1970, and as a date, which may be that of a local clock."""

import logging

import numpy as np
from numpy.typing import NDArray

from ziggy_async.reading.epochs import DAY, HOUR, MOST_AHEAD, MOST_BEHIND, NAT, in_years, iso_of
from ziggy_async.reading.options import UNITS
from ziggy_async.reading.values import Column, Nanoseconds, Reader

logger = logging.getLogger(__name__)

QUARTER = HOUR // 4
"""Clocks are whole quarters of an hour from UTC."""
COARSEST = 10**9
"""An epoch may be one of whole seconds."""
MOST_SAVING = HOUR
"""The change of a clock's distance from UTC in a year, at most."""


def times_of_both(reader: Reader, dates: tuple[str, Nanoseconds], epochs: tuple[str, Column]) -> Nanoseconds:
    """Returns the times of a table with two columns of them, names and columns: the dates, unless a clock other than
    UTC shows them or one day has several bars. A warning says that the epochs are taken, or that they are in another
    day.

    Raises `ValueError` for a row whose two times are none of one bar, on a clock of any zone.
    """
    date, days = dates[0], np.asarray(dates[1])
    name, column = epochs
    moments = _moments(reader, name, column)
    both = np.flatnonzero((days != NAT) & (moments != NAT))
    ahead = days[both] - moments[both]
    if (days[both] % DAY).any():
        _refuse(reader, (date, days), (name, moments), both[~_are_of_a_clock(ahead, reader.owners is None)])
        if not (np.abs(ahead) >= COARSEST).any():
            return dates[1]
        logger.warning("times are those of column %r: column %r beside it is of a clock other than UTC", name, date)
        return reader.nanoseconds(name, column)
    # A day as the clock of its exchange counts it, and an instant of it, from its beginning to its end.
    owners = np.zeros(len(both), dtype=np.int32) if reader.owners is None else reader.owners[both]
    have_several = len(np.unique(np.stack([owners, days[both] // DAY]), axis=1).T) < len(both)
    least = -(DAY + MOST_BEHIND) if have_several else -DAY  # the next day is another bar's
    wrong = (ahead > MOST_AHEAD) | (ahead <= least) | _are_of_other_clocks(ahead, owners)
    _refuse(reader, (date, days), (name, moments), both[wrong])
    if have_several:
        return reader.nanoseconds(name, column)
    if (ahead != 0).any():
        lost = "days" if (ahead > 0).any() else "times of day"
        row = both[ahead > 0 if lost == "days" else ahead != 0][0]
        both_of_row = f"{_shown(days, row)} and {_shown(moments, row)}"
        logger.warning(
            "bars are of the days of column %r and not of the %s of column %r: %s", date, lost, name, both_of_row
        )
    return dates[1]


def _moments(reader: Reader, name: str, column: Column) -> NDArray[np.int64]:
    """Nanoseconds of the epochs. Where their unit changes, as in files that were put together, each row has its own."""
    try:
        return np.asarray(reader.nanoseconds(name, column))
    except ValueError:
        figures = np.asarray(reader.floats(name, column))
        known = np.where(np.isfinite(figures) & (np.abs(figures) < 2.0**63), figures, 0.0).astype(np.int64)
        moments = np.full(len(known), NAT, dtype=np.int64)
        for unit, factor in UNITS.items():
            fits = in_years(known, unit)
            moments[fits] = known[fits] * factor
        if (moments == NAT).all():
            raise
        return moments


def _are_of_a_clock(ahead: NDArray[np.int64], is_one_symbol: bool) -> NDArray[np.bool_]:
    """Returns whether a clock somewhere may be so much ahead of UTC; one symbol's is the same in all rows but for
    daylight saving time."""
    offsets = np.round(ahead / QUARTER).astype(np.int64) * QUARTER
    good: NDArray[np.bool_] = (np.abs(ahead - offsets) < COARSEST) & (offsets <= MOST_AHEAD) & (offsets >= -MOST_BEHIND)
    if is_one_symbol and len(offsets):
        good &= np.abs(offsets - offsets[0]) <= MOST_SAVING
    return good


def _are_of_other_clocks(ahead: NDArray[np.int64], owners: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Returns whether no clock has the day of this row and those of the rows before it that are of the same owner, but
    for daylight saving time."""
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    wrong = np.zeros(len(ahead), dtype=bool)
    for rows in np.split(order, starts[1:]):
        span = np.maximum.accumulate(ahead[rows]) - np.minimum.accumulate(ahead[rows])
        wrong[rows] = span >= DAY + MOST_SAVING
    return wrong


def _refuse(
    reader: Reader,
    dates: tuple[str, NDArray[np.int64]],
    epochs: tuple[str, NDArray[np.int64]],
    rows: NDArray[np.integer],
) -> None:
    if len(rows):
        row = int(rows[0])
        (date, days), (name, moments) = dates, epochs
        raise ValueError(
            f"{reader.label(row)}row {row}: column {date!r} is {_shown(days, row)}, and column {name!r}"
            f" {_shown(moments, row)}; columns={{'timestamp': NAME}} (--columns timestamp=NAME) says which is the time"
        )


def _shown(nanoseconds: NDArray[np.int64], row: int) -> str:
    return iso_of(int(nanoseconds[row]))
