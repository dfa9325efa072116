"""Columns that are not read and say something of the bars beside them."""

import re
from datetime import time

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ziggy_async import BarStore
from ziggy_async.reading.beside import refuse_beside
from ziggy_async.reading.scans import Scan
from ziggy_async.reading.zones import utc_of, utc_of_all

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
        ("Bar Clock", "4:00 PM"),
        ("clock of the bar", "1600"),
        ("HHMM", 1600),
        ("of the bar", "16:00"),
        ("closes", time(16, 30)),
        ("exchangeTime", "16.30"),
        ("of the bar", "16:00Z"),
        ("Time (EST)", "4 pm"),
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
    with_clock = read(columns, tmp_path, columns={"time": name})["timestamp"].astype("M8[h]")
    assert with_clock.astype(str).tolist() == [f"{day}T16" for day in DAYS["date"]]


@everywhere
@pytest.mark.parametrize(("name", "clock"), [("HHMM", 16), ("exchangeTime", "16.00"), ("exchangeTime", "16.50")])
def test_times_of_day_that_could_be_several_are_to_be_written_as_texts(read, name, clock, tmp_path):
    columns = DAYS | {name: [clock] * 2} | BARS
    said = (
        rf"column '{name}' holds times of day, as '{clock}', beside the days of 'date': write times of day in one"
        r" column, as texts like '09:30', to have both read, columns=\{'timestamp': 'date'\} \(--columns"
        r" timestamp=date\) the days alone"
    )
    with pytest.raises(ValueError, match=said):
        read(columns, tmp_path)
    assert len(read(columns, tmp_path, columns={"timestamp": "date"})["timestamp"]) == 2


@everywhere
@pytest.mark.parametrize("name", ["Hour", "hours", "HR", "Stunde", "hour_of_day"])
@pytest.mark.parametrize("hours", [[0, 16], [9.0, 16.0], ["09", "16"], [9, 23]])
def test_hours_beside_days(read, name, hours, tmp_path):
    stamps = read(DAYS | {name: hours} | BARS, tmp_path)["timestamp"]
    expected = [f"{day}T{int(hour):02}:00" for day, hour in zip(DAYS["date"], hours, strict=True)]
    assert stamps.astype("M8[m]").astype(str).tolist() == expected


@everywhere
@pytest.mark.parametrize("other", [24, 930, 230000])
def test_hours_of_1_to_24_and_others_are_refused(read, other, tmp_path):
    said = rf"column 'Hour', (line 4|row [23]): {other} is not an hour of 0 to 23: write the hours at which bars begin"
    table = {name: column + column[:1] for name, column in (DAYS | BARS).items()}
    with pytest.raises(ValueError, match=said):
        read(table | {"Hour": [1, 2, other]}, tmp_path)


@everywhere
@pytest.mark.parametrize("clock", ["16:00Z", "16:00 UTC", "11:00 America/New_York", "11:00 -05:00", "4 PM"])
def test_times_of_day_of_a_zone_beside_days(read, clock, tmp_path):
    stamps = read({"datetime": DAYS["date"], "hour": [clock] * 2} | BARS, tmp_path)["timestamp"]
    assert stamps.astype("M8[m]").astype(str).tolist() == [f"{day}T16:00" for day in DAYS["date"]]


@everywhere
@pytest.mark.parametrize("name", ["Hour (ET)", "hour [EST]"])
def test_hours_of_another_zone_are_not_taken_for_those_of_utc(read, name, tmp_path):
    with pytest.raises(ValueError, match=r"holds times of day, as '9', .* reads both as times of UTC"):
        read(DAYS | {name: [9, 10]} | BARS, tmp_path)


@everywhere
@pytest.mark.parametrize("clocks", [["9.5", "10.5"], ["9h", "10h"], ["9.50", "10.50"]])
def test_hours_that_cannot_be_read_are_not_left_out(read, clocks, tmp_path):
    with pytest.raises(
        ValueError, match=r"column 'date hour', (line 2|row [01]): '2024-01-30 9.*' is not a date and time"
    ):
        read(DAYS | {"hour": clocks} | BARS, tmp_path)
    table = {name: column + column[:1] for name, column in (DAYS | BARS).items()}
    with pytest.raises(
        ValueError, match=r"column 'date hour', (line 4|row [23]): '2024-01-30 X' is not a date and time"
    ):
        read(table | {"hour": ["9", "10", "X"]}, tmp_path)


@everywhere
@pytest.mark.parametrize("name", ["Minute", "mm", "Sec"])
@pytest.mark.parametrize("minutes", [[0, 30], [30.5, 0.0], ["30m", "0m"], [None, "30"], [""] * 2])
def test_minutes_are_not_left_out_beside_hours(read, name, minutes, tmp_path):
    with pytest.raises(
        ValueError, match=r"column 'hour' holds times of day, as '9', .*: write times of day in one column"
    ):
        read(DAYS | {"hour": [9, 10], name: minutes} | BARS, tmp_path)


@everywhere
def test_what_are_no_minutes_beside_hours(read, tmp_path):
    stamps = read(DAYS | {"hour": [9, 10], "sec": ["XNYS", "ARCX"]} | BARS, tmp_path)["timestamp"]
    assert stamps.astype("M8[h]").astype(str).tolist() == [
        f"{day}T{hour}" for day, hour in zip(DAYS["date"], ["09", "10"], strict=True)
    ]


@everywhere
def test_hours_are_not_left_out_where_one_day_is_none(read, tmp_path):
    table = {name: column + column[:1] for name, column in BARS.items()} | {"hour": [9, 10, 9]}
    days = DAYS["date"]
    with pytest.raises(ValueError, match=r"column 'date hour', (line 4|row [23]): 'n/a 09:00' is not a date and time"):
        read(table | {"date": [*days, "n/a"]}, tmp_path)
    stamps = read(table | {"date": [*days, "n/a"]}, tmp_path, invalid="skip")["timestamp"]
    assert stamps.astype("M8[h]").astype(str).tolist() == ["2024-01-30T09", "2024-01-31T10"]
    with pytest.raises(ValueError, match="'date' has times of day itself, as '2024-02-02 09:00', beside"):
        read(table | {"date": [*days, "2024-02-02 09:00"]}, tmp_path)


@everywhere
@pytest.mark.parametrize("other", [0, 1])
def test_an_hour_beside_moments_of_which_most_are_midnights_is_another_figure(read, other, tmp_path):
    moments = ["2024-01-30 00:00", "2024-01-30 12:00", "2024-01-31 00:00"]
    table = {name: column + column[:1] for name, column in BARS.items()} | {"hour": [other, 12, other]}
    stamps = read(table | {"date": moments}, tmp_path)["timestamp"]
    assert stamps.astype("M8[m]").astype(str).tolist() == [moment.replace(" ", "T") for moment in moments]


@everywhere
@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"hour": [1, 9], "ampm": ["PM", "AM"]}, "column 'ampm' says 'PM' beside '01:00' of 'hour'"),
        (
            {"time": ["09:30", "01:30"], "AM/PM": ["a.m.", "p.m."]},
            "column 'AM/PM' says 'p.m.' beside '01:30' of 'time'",
        ),
        ({"time": ["0930", "1230"], "half": ["am", "am"]}, "column 'half' says 'am' beside '1230' of 'time'"),
        (
            {"datetime": ["2024-01-30 01:30"] * 2, "half": ["PM"] * 2},
            "says 'PM' beside '2024-01-30 01:30' of 'datetime'",
        ),
    ],
)
def test_halves_of_the_day_in_a_column_of_their_own(read, table, said, tmp_path):
    days = {} if "datetime" in table else DAYS
    with pytest.raises(ValueError, match=said + ": write both in one column, like '09:30 AM'"):
        read(days | table | BARS, tmp_path)


@everywhere
@pytest.mark.parametrize("clocks", [["09:30", "13:30"], ["9:30 AM", "1:30 PM"], [930, 1330], ["09.30", "13.30"]])
def test_halves_of_the_day_that_say_nothing_new(read, clocks, tmp_path):
    stamps = read(DAYS | {"time": clocks, "half": ["AM", "PM"]} | BARS, tmp_path)["timestamp"]
    assert stamps.astype("M8[m]").astype(str).tolist() == ["2024-01-30T09:30", "2024-01-31T13:30"]


@everywhere
@pytest.mark.parametrize(
    "other", [{"minute": [30, 45]}, {"closes": ["16:30", "17:30"]}, {"Mins": [30, 45]}, {"sec": ["15", "00"]}]
)
def test_hours_beside_other_parts_of_times_are_refused(read, other, tmp_path):
    with pytest.raises(ValueError, match=r"holds times of day, .* write times of day in one column, as texts"):
        read(DAYS | {"hour": [16, 17]} | other | BARS, tmp_path)


@everywhere
def test_an_hour_beside_a_time_of_day_is_another_figure(read, tmp_path):
    columns = DAYS | {"hour": [11, 11], "time": ["16:00", "16:30"]} | BARS
    assert str(read(columns, tmp_path)["timestamp"][0])[:16] == "2024-01-30T16:00"


@everywhere
def test_an_hour_beside_moments_is_another_figure(read, tmp_path):
    columns = {"date": ["2024-01-30 16:00", "2024-01-31 16:00"], "hour": [11, 11]} | BARS
    assert str(read(columns, tmp_path)["timestamp"][0])[:16] == "2024-01-30T16:00"


@everywhere
@pytest.mark.parametrize("days", [["2024-01-30"] * 2, ["20240130"] * 2, ["01/30/2024"] * 2])
@pytest.mark.parametrize("clocks", [["16:00", "17:30"], ["1600", "1730"], ["4:00 PM", "5:30 PM"], ["16:00Z", "17:30Z"]])
def test_a_value_that_repeats_is_read_with_each_beside_it(read, days, clocks, tmp_path):
    stamps = read({"date": days, "time": clocks} | BARS, tmp_path)["timestamp"]
    assert stamps.astype("M8[m]").astype(str).tolist() == ["2024-01-30T16:00", "2024-01-30T17:30"]


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
@pytest.mark.parametrize(
    ("zone", "moments"),
    [
        ("America/New_York", ["2024-01-30T21:00", "2024-07-31T20:00"]),
        ("EST", ["2024-01-30T21:00", "2024-07-31T21:00"]),
        ("Asia/Kolkata", ["2024-01-30T10:30", "2024-07-31T10:30"]),
        ("+02:00", ["2024-01-30T14:00", "2024-07-31T14:00"]),
        ("UTC", ["2024-01-30T16:00", "2024-07-31T16:00"]),
    ],
)
@pytest.mark.parametrize("kind", ["texts", "moments", "parts"])
def test_a_column_of_one_zone_is_that_of_times(read, name, zone, moments, kind, tmp_path):
    texts = ["2024-01-30 16:00", "2024-07-31 16:00"]
    times = {"date": texts if kind == "texts" else list(pd.to_datetime(texts))}
    if kind == "parts":
        times = {"date": [text[:10] for text in texts], "time": [text[11:] for text in texts]}
    stamps = read(times | {name: [zone] * 2} | BARS, tmp_path)["timestamp"]
    assert stamps.astype("M8[m]").astype(str).tolist() == moments


@everywhere
@pytest.mark.parametrize("time", ["2024-03-10 02:30", "2024-11-03 01:30"])
def test_local_times_that_stand_twice_or_never_are_refused(read, time, tmp_path):
    table = {"date": ["2024-01-30 16:00", time], "tz": ["America/New_York"] * 2} | BARS
    said = rf"(line 3|row [12]): the clock of America/New_York shows {time}:00 twice or never"
    with pytest.raises(ValueError, match=said):
        read(table, tmp_path)
    assert len(read(table, tmp_path, invalid="skip")["close"]) == 1


@pytest.mark.parametrize("name", ["America/New_York", "Europe/London", "EST", "+05:30", "Australia/Lord_Howe"])
def test_local_times_of_a_year(name):
    local = np.arange("2024-01-01", "2025-01-01", 30, dtype="M8[m]").astype("M8[ns]").astype(np.int64)
    utc, wrong = utc_of_all(local, name)
    for at, nanoseconds in enumerate(local.tolist()):
        try:
            assert (utc_of(nanoseconds, name), False) == (utc[at], wrong[at])
        except ValueError:
            assert wrong[at]


@everywhere
@pytest.mark.parametrize("name", ["timezone", "Time Zone", "tz"])
@pytest.mark.parametrize("zones", [["ET", "ET"], ["EST", "UTC"], ["CST", "CST"]])
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


@everywhere
@pytest.mark.parametrize("name", ["GMT Offset", "exchangeTimezoneName", "utc_offset"])
@pytest.mark.parametrize("zone", [-5, "-0500", "America/New_York", 0])
def test_the_zone_of_an_exchange_beside_times_without_one(read, name, zone, tmp_path):
    table = {"date": ["2024-01-30 16:00", "2024-01-31 16:00"], name: [zone] * 2} | BARS
    if zone != 0:
        with pytest.raises(
            ValueError, match=f"column '{name}' says that the times of 'date' are of '{zone}': write that"
        ):
            read(table, tmp_path)
        table["date"] = [f"{time}Z" for time in table["date"]]
    assert str(read(table, tmp_path)["timestamp"][0])[11:16] == "16:00"


def test_columns_beside_are_looked_at_in_one_query():
    class Counting:
        queries = 0

        def execute(self, query):
            self.queries += 1
            return connection.execute(query)

    counts = []
    with duckdb.connect() as connection:
        for others in (1, 30):
            counting = Counting()
            names = ["date", *(f"feature {at}" for at in range(others))]
            values = ", ".join(["'2024-01-30'", *["1.5"] * others])
            table = "(VALUES ({})) AS bars({})".format(values, ", ".join(f'"{name}"' for name in names))
            refuse_beside({"timestamp": "date"}, names, (), Scan(counting, table))
            counts.append(counting.queries)
    assert counts[0] == counts[1]
