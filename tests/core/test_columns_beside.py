"""Columns that are not read and say something of the bars beside them."""

import re
from datetime import time

import pandas as pd
import pyarrow as pa
import pytest

from ziggy_async import BarStore

BARS = {"open": [10.0, 10.0], "high": [12.0, 12.0], "low": [9.0, 9.0], "close": [11.0, 11.0], "volume": [5.0, 5.0]}
DAYS = {"date": ["2024-01-30", "2024-01-31"]}


def in_a_file(table, tmp_path, **options):
    pd.DataFrame(table).to_csv(tmp_path / "abc.csv", index=False)
    return BarStore.read(tmp_path / "abc.csv", **options).bars("ABC")


def in_parquet(table, tmp_path, **options):
    pd.DataFrame(table).to_parquet(tmp_path / "abc.parquet", index=False)
    return BarStore.read(tmp_path / "abc.parquet", **options).bars("ABC")


def loaded(table, tmp_path, **options):
    store = BarStore()
    store.load("ABC", table, **options)
    return store.bars("ABC")


def in_arrow(table, tmp_path, **options):
    return loaded(pa.table(table), tmp_path, **options)


everywhere = pytest.mark.parametrize("read", [in_a_file, in_parquet, loaded, in_arrow])


@everywhere
@pytest.mark.parametrize(
    ("name", "clock"),
    [
        ("Time (EST)", "16:00"),
        ("Time[ET]", "16:00:00"),
        ("Bar Time", "4:00 PM"),
        ("local_time", "1600"),
        ("HHMM", 1600),
        ("Hour", 16),
        ("tradeTime", "16.00"),
        ("of the bar", "16:00"),
        ("closes", time(16, 30)),
    ],
)
@pytest.mark.parametrize("days", [DAYS["date"], [20240130, 20240131], pd.to_datetime(DAYS["date"])])
def test_times_of_day_beside_days_are_not_left_out(read, name, clock, days, tmp_path):
    columns = {"date": days, name: [clock] * 2} | BARS
    said = rf"column {re.escape(repr(name))} holds times of day, as '.+', beside the days of 'date': columns="
    with pytest.raises(ValueError, match=said):
        read(columns, tmp_path)
    with pytest.raises(ValueError, match=said):
        read(columns, tmp_path, invalid="skip")
    stamps = read(columns, tmp_path, columns={"timestamp": "date"})["timestamp"]
    assert stamps.astype("M8[D]").astype(str).tolist() == DAYS["date"]


@everywhere
def test_times_of_day_that_the_caller_names(read, tmp_path):
    columns = DAYS | {"Time (EST)": ["16:00", "17:30"]} | BARS
    stamps = read(columns, tmp_path, columns={"time": "Time (EST)"})["timestamp"]
    assert stamps.astype("M8[m]").astype(str).tolist() == ["2024-01-30T16:00", "2024-01-31T17:30"]


@everywhere
@pytest.mark.parametrize(
    "others",
    [
        {"vwap": [10.5, 10.25], "trades": [16, 17]},
        {"close_time": [1706659199999, 1706745599999]},
        {"currency": ["USD", "USD"], "Times traded by": ["hand", "hand"]},
    ],
)
def test_other_columns_beside_days_are_left_out(read, others, tmp_path):
    assert read(DAYS | others | BARS, tmp_path)["close"].tolist() == [11.0, 11.0]


@everywhere
def test_times_of_day_beside_moments_say_nothing_new(read, tmp_path):
    columns = {"datetime": ["2024-01-30 16:00", "2024-01-31 16:00"], "local time": ["11:00", "11:00"]} | BARS
    assert str(read(columns, tmp_path)["timestamp"][0])[:16] == "2024-01-30T16:00"


@everywhere
@pytest.mark.parametrize(
    ("name", "lengths"), [("interval", ["1h", "1m"]), ("timeframe", ["D1", "M5"]), ("rtype", [33, 34])]
)
def test_bars_of_several_lengths_are_no_series(read, name, lengths, tmp_path):
    said = f"column '{name}' says that bars are of several lengths, as '{lengths[0]}' and '{lengths[1]}'"
    with pytest.raises(ValueError, match=said):
        read(DAYS | {name: lengths} | BARS, tmp_path)
    assert read(DAYS | {name: lengths[:1] * 2} | BARS, tmp_path)["close"].tolist() == [11.0, 11.0]


@everywhere
@pytest.mark.parametrize("name", ["timezone", "Time Zone", "tz"])
@pytest.mark.parametrize("zones", [["America/New_York"] * 2, ["EST", "UTC"]])
def test_a_column_of_zones_is_not_left_out(read, name, zones, tmp_path):
    times = {"date": ["2024-01-30 16:00", "2024-01-31 16:00"], name: zones}
    said = f"column '{name}' says that the times of 'date' are of '{zones[0]}': write that behind them"
    with pytest.raises(ValueError, match=said):
        read(times | BARS, tmp_path)
    assert str(read(times | BARS, tmp_path, columns={"timestamp": "date"})["timestamp"][0])[11:16] == "16:00"


@everywhere
@pytest.mark.parametrize(
    "times",
    [
        {"date": ["2024-01-30 16:00", "2024-01-31 16:00"], "timezone": ["UTC", "UTC"]},
        {"date": ["2024-01-30 11:00-05:00", "2024-01-31 11:00-05:00"], "timezone": ["America/New_York"] * 2},
        {"date": [1706630400, 1706716800], "timezone": ["America/New_York"] * 2},
    ],
)
def test_a_column_of_zones_that_says_nothing_new(read, times, tmp_path):
    assert str(read(times | BARS, tmp_path)["timestamp"][0])[:16] == "2024-01-30T16:00"


def test_days_have_no_zone(tmp_path):
    columns = DAYS | {"timezone": ["America/New_York"] * 2} | BARS
    assert in_a_file(columns, tmp_path)["close"].tolist() == [11.0, 11.0]


def test_a_file_of_tickers_side_by_side_is_looked_at_as_its_frame_is(tmp_path):
    frame = pd.DataFrame({(name, ticker): column for ticker in ("A", "B") for name, column in BARS.items()})
    frame.index = pd.DatetimeIndex(DAYS["date"], name="date")
    frame["interval", ""] = ["1d", "1h"]
    frame.to_parquet(tmp_path / "wide.parquet")
    for read in (lambda: BarStore.read(tmp_path / "wide.parquet"), lambda: BarStore().load_frame(frame)):
        with pytest.raises(ValueError, match="column 'interval' says that bars are of several lengths"):
            read()
