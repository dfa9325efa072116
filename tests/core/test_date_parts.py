"""Dates whose year, month and day stand in columns of their own."""

import numpy as np
import pandas as pd
import pytest

from tests.containers import CONTAINERS
from ziggy_async import BarStore

FIGURES = {"Open": [10.0, 10.5, 11.0], "High": [12.0] * 3, "Low": [9.0] * 3, "Close": [11.0] * 3, "Volume": [5.0] * 3}
PARTS = {"Year": [2023, 2024, 2024], "Month": [12, 1, 11], "Day": [31, 2, 10]}
DAYS = ["2023-12-31", "2024-01-02", "2024-11-10"]
WAYS = {
    "numbers": PARTS,
    "floats": {name: list(map(float, column)) for name, column in PARTS.items()},
    "texts": {name: list(map(str, column)) for name, column in PARTS.items()},
    "texts of two digits": {name: [f"{value:02}" for value in column] for name, column in PARTS.items()},
    "names of months": PARTS | {"Month": ["Dec", "Jan", "Nov"]},
}
containers = pytest.mark.parametrize("container", sorted(each for each in CONTAINERS if "index" not in each))


def stamps(container, table, tmp_path, **options):
    return CONTAINERS[container](pd.DataFrame(table | FIGURES), tmp_path, **options).bars("A")["timestamp"]


@containers
@pytest.mark.parametrize("way", WAYS)
def test_days(container, way, tmp_path):
    parts = {name: np.array(column) for name, column in WAYS[way].items()} if container == "structured" else WAYS[way]
    assert stamps(container, parts, tmp_path).astype("M8[D]").astype(str).tolist() == DAYS


@containers
@pytest.mark.parametrize(("name", "clocks"), [("Time", ["09:30", "16:00", "09:30"]), ("Hour", [9, 16, 9])])
def test_days_and_times_of_day(container, name, clocks, tmp_path):
    read = stamps(
        container, {"day": PARTS["Day"], "YEAR": PARTS["Year"], "month": PARTS["Month"], name: clocks}, tmp_path
    )
    hours = [f"{day}T{int(str(clock)[:2].strip(':')):02}" for day, clock in zip(DAYS, clocks, strict=True)]
    assert read.astype("M8[h]").astype(str).tolist() == hours


@containers
def test_hours_and_minutes_are_not_left_out(container, tmp_path):
    table = PARTS | {"Hour": [9, 10, 9], "Minute": [30, 30, 30]}
    with pytest.raises(
        ValueError, match="column 'Hour' holds times of day, as '9', beside the days of 'Year, Month, Day'"
    ):
        stamps(container, table, tmp_path)
    days = stamps(container, table, tmp_path, columns={"timestamp": "Year, Month, Day"})
    assert days.astype(str).tolist() == [f"{day}T00:00:00.000000000" for day in DAYS]


@containers
@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"Month": [12, 13, 11]}, "column 'Year, Month, Day'(:|, row 1:) '2024-13-2' is not a date and time"),
        ({"Day": [31, 2, 31]}, "column 'Year, Month, Day'(:|, row 2:) '2024-11-31' is not a date and time"),
        ({"Month": ["12", None, "11"]}, "(column 'Year, Month, Day' has no value|row 1: timestamp is missing)"),
    ],
)
def test_what_is_no_day(container, part, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        stamps(container, PARTS | part, tmp_path)
    assert len(stamps(container, PARTS | part, tmp_path, invalid="skip")) == 2


@containers
@pytest.mark.parametrize("years", [[23, 24, 24], [2023, 24, 24]])
def test_years_of_two_digits_are_refused(container, years, tmp_path):
    with pytest.raises(ValueError, match="a date stands apart in 'Year', 'Month', 'Day': join them in one column"):
        stamps(container, PARTS | {"Year": years}, tmp_path)


@containers
@pytest.mark.parametrize("other", [{"Date": DAYS}, {"Day": DAYS}, {"Timestamp": DAYS, "Day": ["Sun", "Tue", "Sun"]}])
def test_parts_beside_a_date_say_nothing_new(container, other, tmp_path):
    assert stamps(container, PARTS | other, tmp_path).astype("M8[D]").astype(str).tolist() == DAYS


def test_tickers_one_below_the_other(tmp_path):
    table = pd.DataFrame(PARTS | FIGURES | {"Symbol": ["A", "B", "A"]})
    table.to_csv(tmp_path / "all.csv", index=False)
    loaded = BarStore()
    loaded.load_frame(table)
    for store in (loaded, BarStore.read(tmp_path / "all.csv")):
        assert store.bars("A")["timestamp"].astype("M8[D]").astype(str).tolist() == DAYS[::2]


def test_many_files(tmp_path):
    for name in "ABCDE":
        pd.DataFrame(PARTS | FIGURES | {"Close": [9.0 + "ABCDE".index(name) / 2] * 3}).to_csv(tmp_path / f"{name}.csv")
    store = BarStore.read(tmp_path / "*.csv")
    assert {str(store.bars(name)["timestamp"][2])[:10] for name in "ABCDE"} == {DAYS[2]}
    assert [store.bars(name)["close"][0] for name in "ABCDE"] == [9.0, 9.5, 10.0, 10.5, 11.0]
