"""Time zones: what their clocks show, and, for the core, when an offset from UTC begins and how large it is."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import shown

FIRST_YEAR, LAST_YEAR = 1900, 2100
STEP = timedelta(days=14)
"""Offsets are looked up in such steps: no zone changes its offset and changes it back in less."""
FIXED = re.compile(r"([+-])(\d\d):?(\d\d)")
TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ABBREVIATIONS: Mapping[str, tuple[str, ...]] = {
    "EST": ("-05:00",),
    "EDT": ("-04:00",),
    "CST": ("-06:00", "+08:00"),
    "CDT": ("-05:00",),
    "MST": ("-07:00",),
    "MDT": ("-06:00",),
    "PST": ("-08:00",),
    "PDT": ("-07:00",),
    "WET": ("+00:00",),
    "WEST": ("+01:00",),
    "BST": ("+01:00", "+06:00"),
    "CET": ("+01:00",),
    "CEST": ("+02:00",),
    "EET": ("+02:00",),
    "EEST": ("+03:00",),
    "MSK": ("+03:00",),
    "IST": ("+05:30", "+02:00", "+01:00"),
    "HKT": ("+08:00",),
    "SGT": ("+08:00",),
    "JST": ("+09:00",),
    "KST": ("+09:00",),
    "AEST": ("+10:00",),
    "AEDT": ("+11:00",),
}
"""Abbreviations behind times, and their offsets from UTC; with several the abbreviation does not say which."""


class Zone(NamedTuple):
    """Local time is `offset[i]` ahead of UTC from `since[i]` on, `initial` before; a day of trading begins `day_start`
    after midnight there. All in nanoseconds, since 1970 UTC."""

    since: NDArray[np.int64]
    offset: NDArray[np.int64]
    initial: int
    day_start: int


def zone_of(name: str | tzinfo | None, day_start: int = 0) -> Zone | None:
    """Returns the zone of an IANA name, an offset such as "+02:00", or a `tzinfo`; None: UTC. Raises `ValueError` for
    other names."""
    found = _tzinfo(name) if isinstance(name, str) else name
    if found is None or found is UTC or str(found) in ("UTC", "Etc/UTC"):
        return None if day_start == 0 else Zone(np.empty(0, np.int64), np.empty(0, np.int64), 0, day_start)
    since, offset = _changes(found)
    return Zone(since[1:], offset[1:], int(offset[0]), day_start)


def nanoseconds_of_day(time: str) -> int:
    """Returns nanoseconds from midnight to "HH:MM". Raises `ValueError` for another text."""
    match = TIME_OF_DAY.fullmatch(time)
    if match is None:
        raise ValueError(f"{shown(time)} is not a time of day from 00:00 to 23:59")
    return (int(match[1]) * 60 + int(match[2])) * 60 * 10**9


def utc_of(local: int, name: str) -> int:
    """Nanoseconds since 1970 UTC when the clock of a zone shows `local`, counted in the same way; `name` may be one of
    `ABBREVIATIONS`. Raises `ValueError` where it shows that twice or never, and for a name that is none or that of
    several."""
    zones = ABBREVIATIONS.get(name.upper(), (name,))
    if len(zones) > 1:
        raise ValueError(f"{name} is {' or '.join(zones)}: write the time with its offset from UTC")
    seconds, below = divmod(local, 10**9)
    clock = (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=_tzinfo(zones[0]))
    offsets = {clock.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)}
    if len(offsets) > 1:
        raise ValueError(f"the clock of {name} shows this twice or never: write it with its offset from UTC")
    return (seconds - offsets.pop() // timedelta(seconds=1)) * 10**9 + below


def is_zone(name: str) -> bool:
    """Returns whether it is the name of one zone, or an offset from UTC."""
    try:
        utc_of(0, name)
    except ValueError:
        return False
    return True


def utc_of_all(local: NDArray[np.int64], name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Returns the same of many, and which of them the clock shows twice or never. Raises `ValueError` for a name as
    above alone."""
    zones = ABBREVIATIONS.get(name.upper(), (name,))
    utc_of(0, name)
    zone = zone_of(zones[0])
    if zone is None:
        return local, np.zeros(len(local), dtype=bool)
    offsets = np.append(zone.initial, zone.offset)
    changes = zone.since + np.maximum(offsets[:-1], offsets[1:])
    lengths = np.abs(np.diff(offsets))
    at = np.searchsorted(changes, local, side="right")
    following = np.minimum(at, len(changes) - 1)
    is_open = np.zeros(len(local), dtype=bool)
    if len(changes):
        is_open = (at < len(changes)) & (local >= changes[following] - lengths[following])
    return local - offsets[at], is_open


def _tzinfo(name: str) -> tzinfo:
    fixed = FIXED.fullmatch(name)
    try:
        if fixed is None:
            return ZoneInfo(name)
        sign, hours, minutes = fixed.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-offset if sign == "-" else offset)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{shown(name)} is not a time zone") from None


@lru_cache(maxsize=64)
def _changes(zone: tzinfo) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns when each offset begins, and the offsets; the first one holds at the beginning of `FIRST_YEAR`."""

    def offset_at(moment: datetime) -> timedelta:
        return moment.astimezone(zone).utcoffset() or timedelta(0)

    moment = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = datetime(LAST_YEAR, 1, 1, tzinfo=UTC)
    offset = offset_at(moment)
    changes = [(moment, offset)]
    while moment < end:
        later = moment + STEP
        if (changed := offset_at(later)) != offset:
            before, after = moment, later
            while after - before > timedelta(seconds=1):
                middle = before + (after - before) // 2
                before, after = (middle, after) if offset_at(middle) == offset else (before, middle)
            changes.append((after.replace(microsecond=0), changed))
            offset = changed
        moment = later
    seconds = timedelta(seconds=1)
    since = np.array([(begin - EPOCH) // seconds for begin, _ in changes], dtype=np.int64) * 10**9
    offsets = np.array([offset // seconds for _, offset in changes], dtype=np.int64) * 10**9
    return since, offsets
