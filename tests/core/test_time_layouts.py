"""The same times, as one column or as a date and a time of day, mean the same in every container."""

from datetime import date, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from containers import CONTAINERS, sampled

from ziggy_async import BarStore

EXPECTED = np.array(["2024-01-02T09:30", "2024-01-02T09:31", "2024-01-03T09:30"], "M8[ns]")
SECONDS = [1704187800, 1704187860, 1704274200]  # by `date -u -d @1704187800`
FIGURES = {"Open": [1.0] * 3, "High": [2.0] * 3, "Low": [0.5] * 3, "Close": [1.5] * 3, "Volume": [10.0] * 3}
MOMENTS = pd.to_datetime(["2024-01-02 09:30", "2024-01-02 09:31", "2024-01-03 09:30"])
DAYS = pd.to_datetime(["2024-01-02", "2024-01-02", "2024-01-03"])
ONE = {
    "texts": ["2024-01-02 09:30:00", "2024-01-02 09:31:00", "2024-01-03 09:30:00"],
    "texts with Z": ["2024-01-02T09:30:00Z", "2024-01-02T09:31:00Z", "2024-01-03T09:30:00Z"],
    "texts with an offset": [
        "2024-01-02T04:30:00-05:00",
        "2024-01-02T04:31:00-05:00",
        "2024-01-03T04:30:00-05:00",
    ],
    "texts of a place": [
        "2024-01-02 04:30 America/New_York",
        "2024-01-02 04:31 America/New_York",
        "2024-01-03 04:30 America/New_York",
    ],
    "texts with a half of the day": ["01/02/2024 9:30 AM", "01/02/2024 9:31 AM", "01/03/2024 9:30 AM"],
    "datetime64": MOMENTS,
    "with a zone": MOMENTS.tz_localize("UTC"),
    "in New York": MOMENTS.tz_localize("UTC").tz_convert("America/New_York"),
    "categories": pd.Categorical(["2024-01-02 09:30", "2024-01-02 09:31", "2024-01-03 09:30"]),
    "seconds": SECONDS,
    "milliseconds": [each * 10**3 for each in SECONDS],
    "microseconds": [each * 10**6 for each in SECONDS],
    "nanoseconds": [each * 10**9 for each in SECONDS],
    "float seconds": [float(each) for each in SECONDS],
    "float milliseconds": [each * 1e3 for each in SECONDS],
    "texts of seconds": [str(each) for each in SECONDS],
    "texts of nanoseconds": [f"{each}000000000" for each in SECONDS],
    "digits": [202401020930, 202401020931, 202401030930],
    "digits with seconds": [20240102093000, 20240102093100, 20240103093000],
    "texts of digits with milliseconds": ["20240102093000000", "20240102093100000", "20240103093000000"],
}
DATES = {
    "texts": ["2024-01-02", "2024-01-02", "2024-01-03"],
    "texts of midnight": ["2024-01-02 00:00:00", "2024-01-02 00:00:00", "2024-01-03 00:00:00"],
    "American texts": ["1/2/2024 12:00:00 AM", "1/2/2024 12:00:00 AM", "1/3/2024 12:00:00 AM"],
    "days": [date(2024, 1, 2), date(2024, 1, 2), date(2024, 1, 3)],
    "datetime64": DAYS,
    "in UTC": DAYS.tz_localize("UTC"),
    "digits": [20240102, 20240102, 20240103],
    "float digits": [20240102.0, 20240102.0, 20240103.0],
}
CLOCKS = {
    "texts": ["09:30", "09:31", "09:30"],
    "texts with seconds": ["09:30:00", "09:31:00", "09:30:00"],
    "texts with a half of the day": ["9:30 AM", "9:31 AM", "9:30 AM"],
    "texts of durations": ["0 days 09:30:00", "0 days 09:31:00", "0 days 09:30:00"],
    "texts of the day 0": ["1899-12-30 09:30:00", "1899-12-30 09:31:00", "1899-12-30 09:30:00"],
    "times": [time(9, 30), time(9, 31), time(9, 30)],
    "durations": [timedelta(hours=9, minutes=each) for each in (30, 31, 30)],
    "digits": [93000, 93100, 93000],
    "float digits": [93000.0, 93100.0, 93000.0],
    "seconds of the day": [34200, 34260, 34200],
    "texts of seconds of the day": ["34200", "34260", "34200"],
    "texts of digits": ["0930", "0931", "0930"],
    "texts of digits with milliseconds": ["093000000", "093100000", "093000000"],
    "texts of digits with microseconds": ["093000000000", "093100000000", "093000000000"],
    "decimals": [Decimal("93000.00"), Decimal("93100.00"), Decimal("93000.00")],
    "texts with points": ["09.30", "09.31", "09.30"],
    "texts of seconds of the day, one with colons": ["34200", "34260", "09:30:00"],
    "texts of digits, one with seconds": ["0930", "093100", "0930"],
}
KEPT_AS_NUMBERS = {"Parquet", "Parquet of polars", "Parquet with an index"}
"""Where a duration is a whole number, of a unit that nothing says."""
containers = pytest.mark.parametrize("container", CONTAINERS)


def times(store):
    return store.bars("A")["timestamp"]


@pytest.mark.parametrize(("container", "layout"), sampled(ONE))
def test_one_column(container, layout, tmp_path):
    frame = pd.DataFrame({"Gmt time": ONE[layout], **FIGURES})
    options = {"half": {"dates": "mdy"}, "digits": {"dates": "ymd"}}  # which could be milliseconds of 1976 else
    options = next((each for word, each in options.items() if word in layout), {})
    assert times(CONTAINERS[container](frame, tmp_path, **options)).tolist() == EXPECTED.tolist()


@pytest.mark.parametrize(
    ("container", "both"), sampled([*((each, "texts") for each in DATES), *(("datetime64", each) for each in CLOCKS)])
)
def test_a_date_and_a_time_of_day(container, both, tmp_path):
    day, clock = both
    frame = pd.DataFrame({"Date": DATES[day], "Time": CLOCKS[clock], **FIGURES})
    options = {"dates": "mdy"} if "American" in day else {}
    if clock == "durations" and container in KEPT_AS_NUMBERS:
        with pytest.raises(
            ValueError, match=r"column 'Time'(, row 1)?: \d+ is not a time of day: write times of day as texts"
        ):
            CONTAINERS[container](frame, tmp_path, **options)
    else:
        assert times(CONTAINERS[container](frame, tmp_path, **options)).tolist() == EXPECTED.tolist()


@pytest.mark.parametrize(
    ("container", "layout"),
    sampled(
        ["texts of digits with milliseconds", "texts", "seconds", "float seconds", "float milliseconds", "in New York"]
    ),
)
def test_a_date_beside_moments_is_not_needed(container, layout, tmp_path):
    frame = pd.DataFrame({"Date": DAYS, "Time": ONE[layout], **FIGURES})
    assert times(CONTAINERS[container](frame, tmp_path)).tolist() == EXPECTED.tolist()


@pytest.mark.parametrize(("container", "factor"), sampled([1, 1000]))
@pytest.mark.parametrize("as_text", [False, True])
def test_afternoons_with_milliseconds_are_no_epochs(container, factor, as_text, tmp_path):
    clocks = [each * factor for each in (180000250, 180100250, 180000250)]
    frame = pd.DataFrame({"Date": DATES["digits"], "Time": [*map(str, clocks)] if as_text else clocks, **FIGURES})
    expected = ["2024-01-02T18:00:00.250", "2024-01-02T18:01:00.250", "2024-01-03T18:00:00.250"]
    assert times(CONTAINERS[container](frame, tmp_path)).astype("M8[ms]").astype(str).tolist() == expected


def test_a_morning_may_come_after_many_afternoons():
    clocks = [160000000] * 120 + [93000250]
    days = pd.date_range("2024-01-01", periods=121, freq="D")
    store = BarStore()
    store.load("A", pd.DataFrame({"Date": days, "Time": clocks, **dict.fromkeys(FIGURES, 1.0)}))
    assert str(times(store)[-1]) == "2024-04-30T09:30:00.250000000"


def test_moments_beside_a_date_without_values():
    store = BarStore()
    store.load("A", pd.DataFrame({"Date": [None] * 3, "Time": ONE["texts"], **FIGURES}))
    assert times(store).tolist() == EXPECTED.tolist()


@pytest.mark.parametrize(("container", "column"), sampled(["Date", "Time"]))
def test_all_rows_of_a_date_and_a_time_are_compared(container, column, tmp_path):
    moments = pd.date_range("2024-01-02 16:00", periods=150, freq="D")
    frame = pd.DataFrame({"Date": moments.astype(str), "Time": "16:00", **dict.fromkeys(FIGURES, 1.0)})
    if column == "Date":
        frame["Time"], frame["Date"] = frame["Date"], [*moments[:-1].strftime("%Y-%m-%d"), "2023-01-01"]
        frame.loc[140, "Time"] = "16:00"
        with pytest.raises(ValueError, match="'16:00' has no date, beside"):
            CONTAINERS[container](frame, tmp_path)
        frame.loc[140, "Time"] = None
        said = "is of another day, beside '2023-01-01"
    else:
        frame["Time"] = ["16:00"] * 149 + ["13:00"]
        said = "has times of day itself"
    with pytest.raises(ValueError, match=said):
        CONTAINERS[container](frame, tmp_path)


@containers
def test_digits_in_a_float_are_not_exact(container, tmp_path):
    frame = pd.DataFrame({"Gmt time": [20240102093000001.0, 20240102093000003.0, 20240102093000005.0], **FIGURES})
    with pytest.raises(ValueError, match=r"may be rounded|as a whole number, in full"):
        CONTAINERS[container](frame, tmp_path)


def test_decimals_of_a_reader_are_whole_times():
    times_of = [Decimal(each) * 1000 for each in SECONDS]
    table = pa.table({"time": pa.array(times_of, pa.decimal128(38, 0)), **FIGURES})
    store = BarStore()
    store.load("A", table.to_reader())
    assert times(store).tolist() == EXPECTED.tolist()
    table = pa.table({"time": pa.array([each * 10**6 for each in times_of], pa.decimal128(38, 0)), **FIGURES})
    with pytest.raises(ValueError, match="column 'time' holds decimals: give times as whole numbers"):
        store.load("A", table.to_reader())


@containers
def test_a_time_of_day_may_stand_in_the_date_too(container, tmp_path):
    frame = pd.DataFrame({"Date": MOMENTS, "Time": CLOCKS["times"], **FIGURES})
    assert times(CONTAINERS[container](frame, tmp_path)).tolist() == EXPECTED.tolist()


REFUSED = {
    "digits that may be minutes or seconds": (DATES["texts"], [930, 931, 930], "930 is 09:30 or 00:09:30: write times"),
    "digits of a day that may be seconds": (DATES["texts"], [0, 1, 1529], "1529 is 15:29 or 00:15:29: write times"),
    "digits that may be seconds of the day": (
        DATES["texts"],
        [34200, 30000, 34200],
        "34200 is 03:42:00 or 09:30:00 in seconds of the day: write times",
    ),
    "other digits": (DATES["texts"], [93000123] * 3, "93000123 is not a time of day: write times"),
    "digits of another script": (DATES["texts"], ["\u0660\u0669\u0663\u0660"] * 3, "is not a date and time"),
    "another day": (["2024-05-05"] * 3, ONE["texts"], "2024-01-02 09:30:00' is of another day, beside '2024-05-05"),
    "an epoch of another day": (["2024-05-05"] * 3, SECONDS, "'1704187800' is of another day, beside '2024-05-05"),
    "another day in one row": (
        ["2024-01-02", "2024-01-02", "2024-01-05"],
        ONE["texts"],
        "2024-01-03 09:30:00' is of another day, beside '2024-01-05",
    ),
    "digits of a date and of a time of day": (
        DATES["texts"],
        ["202401020930", "202401020931", "202401030930"],
        "'202401020930' may be a time of day or a date too, beside '2024-01-02",
    ),
    "a day without a time of day beside a moment": (
        ["2024-01-02", "2024-01-02 09:31:00", "2024-01-03 09:30:00"],
        ["", "09:31:00", "09:30:00"],
        "'[Dd]ate' has times of day itself, as '2024-01-02 09:31:00', beside those of 'Time'",
    ),
    "dates with times of day": (
        MOMENTS,
        ["10:30"] * 3,
        "'[Dd]ate' has times of day itself, as '2024-01-02.09:30:00",
    ),
    "midnight elsewhere": (
        DAYS.tz_localize("America/New_York").tz_convert("UTC"),
        CLOCKS["texts"],
        "'[Dd]ate' has times of day itself, as '2024-01-02.05:00:00",
    ),
    "hours or minutes or seconds": (DATES["texts"], [0, 1, 2], "1 is 01:00, 00:01 or 00:00:01: write times"),
    "texts of hours or minutes": (DATES["texts"], ["00", "08", "12"], "08 is 08:00, 00:08 or 00:00:08: write times"),
    "texts with points that may be fractions": (
        DATES["texts"],
        ["10.25", "10.50", "10.25"],
        "is not a date and time: write the time of day with colons, like 09:30",
    ),
    "texts with points that may be fractions of hours of two digits": (
        DATES["texts"],
        ["09.50", "10.50", "09.50"],
        "'2024-01-0. 09.50' is not a date and time: write the time of day with colons, like 09:30",
    ),
    "less digits than the others": (DATES["texts"], ["0930", "0931", "25"], "'2024-01-0. 25' is not a date and time"),
    "a figure among times of day": (DATES["texts"], ["09:30", "09:31", "9"], "'2024-01-0. 9' is not a date and time"),
}


@pytest.mark.parametrize(("container", "case"), sampled(REFUSED))
def test_what_could_be_several_times_is_refused(container, case, tmp_path):
    days, clocks, said = REFUSED[case]
    frame = pd.DataFrame({"Date": days, "Time": clocks, **FIGURES})
    with pytest.raises(ValueError, match=said):
        CONTAINERS[container](frame, tmp_path)


@containers
def test_a_fault_names_the_column_as_the_table_does(container, tmp_path):
    for name, first in (("Gmt time", ONE["texts"]), ("Time", CLOCKS["texts"])):
        frame = pd.DataFrame({"Date": DATES["texts"], name: [*first[:2], "soon"], **FIGURES})
        frame = frame.drop(columns="Date") if name == "Gmt time" else frame
        own = "Gmt time" if name == "Gmt time" else "[Dd]ate Time"
        own = "timestamp" if (container, name) == ("nameless index", "Gmt time") else own
        with pytest.raises(ValueError, match=rf"A(: |, (line 4|row 3): )column '{own}'"):
            CONTAINERS[container](frame, tmp_path)
    frame = pd.DataFrame({"Date": DATES["texts"], **FIGURES}).rename(columns={"Close": "Price"})
    frame["Price"] = ["1.5", "1.5", "x"]
    with pytest.raises(ValueError, match=r"'Price'.* 'x' is no"):
        CONTAINERS[container](frame, tmp_path)


def test_times_of_tickers_side_by_side(tmp_path):
    shared = {"Time": CLOCKS["texts"]} | {f"{each}_{name}": x for each in "AB" for name, x in FIGURES.items()}
    frame = pd.DataFrame({"Date": DAYS, **shared})
    for container in ("CSV", "Parquet"):
        store = CONTAINERS[container](frame, tmp_path)
        assert [store.bars(each)["timestamp"].tolist() for each in "AB"] == [EXPECTED.tolist()] * 2
    for container in ("pandas", "index"):
        assert times(CONTAINERS[container](frame, tmp_path)).tolist() == EXPECTED.tolist()


@containers
def test_a_time_of_day_without_a_date_says_so(container, tmp_path):
    frame = pd.DataFrame({"Time": CLOCKS["texts"], **FIGURES})
    with pytest.raises(
        ValueError, match=r"'(Time|timestamp)'.*'09:30' is not a date and time: it is a time of day, to"
    ):
        CONTAINERS[container](frame, tmp_path)


@pytest.mark.parametrize("names", [["Ticker", "Date"], [None, None]])
def test_the_index_may_have_the_symbol_and_the_date(names, tmp_path):
    frame = pd.DataFrame({"Ticker": ["A"] * 3, "Date": DAYS, "Time": CLOCKS["texts"], **FIGURES})
    frame = frame.set_index(["Ticker", "Date"]).rename_axis(names)
    frame.to_parquet(tmp_path / "bars.parquet")
    loaded = BarStore()
    loaded.load_frame(frame)
    for store in (loaded, BarStore.read(tmp_path / "bars.parquet")):
        assert times(store).tolist() == EXPECTED.tolist()


@pytest.mark.parametrize(
    "names",
    [
        ("Trade Date", "Trade Time"),
        ("date", "bar_time"),
        ("Data", "Time"),
        ("Date", "Start Time"),
        ("local_date", "local_time"),
    ],
)
@containers
def test_names_of_a_date_and_a_time_of_day(container, names, tmp_path):
    day, clock = names
    frame = pd.DataFrame({day: DATES["texts"], clock: CLOCKS["texts"], **FIGURES})
    assert times(CONTAINERS[container](frame, tmp_path)).tolist() == EXPECTED.tolist()


@pytest.mark.parametrize(("remark", "order"), [("dd/mm/yyyy", "%d/%m/%Y"), ("MM/DD/YYYY", "%m/%d/%Y")])
@pytest.mark.parametrize("container", sorted(CONTAINERS.keys() - {"nameless index"}))
def test_a_remark_says_the_order_of_dates(container, remark, order, tmp_path):
    days = [day.strftime(order) for day in MOMENTS]
    for clock in ({"Time (hh:mm)": CLOCKS["texts"]}, {}):
        stamps = days if clock else [f"{day} {time}" for day, time in zip(days, CLOCKS["texts"], strict=True)]
        frame = pd.DataFrame({f"Date ({remark})": stamps, **clock, **FIGURES})
        assert times(CONTAINERS[container](frame, tmp_path)).tolist() == EXPECTED.tolist()
