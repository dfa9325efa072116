"""Time zones as the core takes them, against Python's."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziggy_async import BarStore
from ziggy_async.reading.zones import nanoseconds_of_day, zone_of

ZONES = (
    *("America/New_York", "Europe/London", "Europe/Moscow", "Africa/Casablanca", "Australia/Lord_Howe"),
    *("Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia", "Asia/Tokyo"),
)


@given(st.sampled_from(ZONES), st.integers(-2_200_000_000, 4_000_000_000))
@settings(max_examples=400, deadline=None)
def test_offsets_are_pythons(name: str, seconds: int) -> None:
    zone = zone_of(name)
    assert zone is not None
    at = int(np.searchsorted(zone.since, seconds * 10**9, side="right")) - 1
    offset = zone.initial if at < 0 else int(zone.offset[at])
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(ZoneInfo(name))
    assert timedelta(microseconds=offset // 1000) == local.utcoffset()


@pytest.mark.parametrize("name", [None, "UTC", "Etc/UTC", UTC])
def test_utc_is_none(name: str | timezone | None) -> None:
    assert zone_of(name) is None


@pytest.mark.parametrize(("name", "minutes"), [("+02:00", 120), ("-0330", -210), (timezone(timedelta(hours=1)), 60)])
def test_fixed_offsets(name: str | timezone, minutes: int) -> None:
    zone = zone_of(name)
    assert zone is not None
    assert (len(zone.since), zone.initial) == (0, minutes * 60 * 10**9)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "+2", "+25:00", "\0"])
def test_names_of_no_zone(name: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        zone_of(name)


def test_a_day_may_begin_at_any_minute() -> None:
    assert nanoseconds_of_day("17:30") == (17 * 60 + 30) * 60 * 10**9
    zone = zone_of("UTC", nanoseconds_of_day("00:01"))
    assert zone is not None
    assert zone.day_start == 60 * 10**9
    for text in ("24:00", "1:00", "12:60", "noon", ""):
        with pytest.raises(ValueError, match="is not a time of day"):
            nanoseconds_of_day(text)


@pytest.mark.parametrize("option", ["zone", "day_start"])
def test_the_clock_of_a_store_is_of_texts(option: str) -> None:
    with pytest.raises(TypeError, match=f"{option}: 5 is an int, not a str"):
        BarStore(**{option: 5})  # type: ignore[arg-type]
