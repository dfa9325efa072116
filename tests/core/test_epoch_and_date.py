"""Tables that have their times twice, since 1970 and as a date: which of them counts, and contradictions."""

import logging

import pandas as pd
import pytest

from ziggy_async import BarStore

# 1704205800 is 2024-01-02 14:30 UTC, when the clock of New York shows 09:30 and that of Tokyo 23:30.


def table(tmp_path, rows, name="unix"):
    lines = [f"A,{epoch},{day},1,1,1,1,1" for epoch, day in rows]
    text = "\n".join([f"symbol,{name},date,open,high,low,close,volume", *lines, ""])
    (tmp_path / "a.csv").write_text(text)
    return tmp_path / "a.csv"


def from_a_file(path, **options):
    return BarStore.read(path, **options)


def from_parquet(path, **options):
    pd.read_csv(path).to_parquet(path.with_suffix(".parquet"))
    return BarStore.read(path.with_suffix(".parquet"), **options)


def from_a_frame(path, **options):
    store = BarStore()
    store.load_frame(pd.read_csv(path), **options)
    return store


def from_one_symbol(path, **options):
    store = BarStore()
    store.load("A", pd.read_csv(path).drop(columns="symbol"), **options)
    return store


ways = pytest.mark.parametrize("read", [from_a_file, from_parquet, from_a_frame, from_one_symbol])


def times(store):
    return store.bars("A")["timestamp"].astype("M8[s]").astype(str).tolist()


@ways
@pytest.mark.parametrize("name", ["unix", "Unix Timestamp", "epoch"])
@pytest.mark.parametrize("factors", [(1, 1), (1000, 1000), (1, 1000)])
def test_both_may_say_the_same_in_any_unit(read, name, factors, tmp_path, caplog):
    first, second = factors
    rows = [(1704205800 * first, "2024-01-02 14:30:00"), (1704209400 * second, "2024-01-02 15:30:00")]
    assert times(read(table(tmp_path, rows, name))) == ["2024-01-02T14:30:00", "2024-01-02T15:30:00"]
    assert not caplog.records


@ways
@pytest.mark.parametrize("clock", ["2024-01-02 09:{}:00", "2024-01-02 23:{}:00", "2024-01-03 04:{}:00"])
def test_a_local_clock_beside_an_epoch_is_not_utc(read, clock, tmp_path, caplog):
    rows = [(1704205800, clock.format(30)), (1704205860, clock.format(31))]
    with caplog.at_level(logging.WARNING, "ziggy_async.reading"):
        assert times(read(table(tmp_path, rows))) == ["2024-01-02T14:30:00", "2024-01-02T14:31:00"]
    assert "is of a clock other than UTC" in caplog.text


@ways
def test_a_clock_may_change_to_summer_time(read, tmp_path):
    rows = [(1709908200, "2024-03-08 09:30:00"), (1710163800, "2024-03-11 09:30:00")]
    assert times(read(table(tmp_path, rows))) == ["2024-03-08T14:30:00", "2024-03-11T13:30:00"]


@ways
@pytest.mark.parametrize(
    "second",
    ["2024-01-02 09:32:00", "2024-02-02 09:31:00", "2024-01-02 12:31:00", "2024-01-03 09:31:00", "2024-01-02 09:31:07"],
)
def test_a_contradiction_is_named_with_both_values(read, second, tmp_path):
    rows = [(1704205800, "2024-01-02 09:30:00"), (1704205860, second)]
    said = (
        rf"A: (line 3|row [12]): column '(date|timestamp)' is {second}, and column '(unix|epoch)' 2024-01-02 14:31:00"
    )
    path = table(tmp_path, rows)
    with pytest.raises(ValueError, match=said + "; columns="):
        read(path)
    assert times(read(path, columns={"timestamp": "unix"})) == ["2024-01-02T14:30:00", "2024-01-02T14:31:00"]
    assert times(read(path, columns={"timestamp": "date"})) == ["2024-01-02T09:30:00", second.replace(" ", "T")]


@ways
def test_days_name_daily_bars(read, tmp_path, caplog):
    rows = [(1704205800, "2024-01-02"), (1704292200, "2024-01-03")]
    with caplog.at_level(logging.WARNING, "ziggy_async.reading"):
        assert times(read(table(tmp_path, rows))) == ["2024-01-02T00:00:00", "2024-01-03T00:00:00"]
    assert "'unix': 2024-01-02 and 2024-01-02 14:30:00" in caplog.text
    caplog.clear()
    rows = [(1704153600, "2024-01-02"), (1704240000, "2024-01-03")]  # midnight
    assert times(read(table(tmp_path, rows))) == ["2024-01-02T00:00:00", "2024-01-03T00:00:00"]
    assert not caplog.records


@ways
def test_days_of_an_exchange_that_is_ahead_of_utc(read, tmp_path, caplog):
    rows = [(1704121200, "2024-01-02"), (1704207600, "2024-01-03")]  # midnight in Tokyo
    with caplog.at_level(logging.WARNING, "ziggy_async.reading"):
        assert times(read(table(tmp_path, rows))) == ["2024-01-02T00:00:00", "2024-01-03T00:00:00"]
    assert "2024-01-02 and 2024-01-01 15:00:00" in caplog.text


@ways
def test_a_day_of_several_bars_is_not_their_time(read, tmp_path):
    rows = [(1704205800, "2024-01-02"), (1704205860, "2024-01-02")]
    assert times(read(table(tmp_path, rows))) == ["2024-01-02T14:30:00", "2024-01-02T14:31:00"]


@ways
def test_days_that_contradict_epochs(read, tmp_path):
    rows = [(1704205800, "2024-01-02"), (1704292200, "2024-01-05")]
    with pytest.raises(ValueError, match=r"is 2024-01-05, and column '(unix|epoch)' 2024-01-03 14:30:00"):
        read(table(tmp_path, rows))


@ways
def test_an_epoch_that_is_missing_is_not_asked(read, tmp_path):
    rows = [(1704205800, "2024-01-02 14:30:00"), ("", "2024-01-02 15:30:00")]
    assert times(read(table(tmp_path, rows))) == ["2024-01-02T14:30:00", "2024-01-02T15:30:00"]


@pytest.mark.parametrize("name", [None, "date"])
def test_an_index_of_dates_beside_epochs(name):
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    index = pd.DatetimeIndex(["2024-01-02", "2024-01-03"], name=name)
    store = BarStore()
    store.load("A", pd.DataFrame({"unix": [1704205800, 1704292200], **prices}, index=index))
    assert times(store) == ["2024-01-02T00:00:00", "2024-01-03T00:00:00"]
    with pytest.raises(
        ValueError, match=r"A: row 1: column '\w+' is 2024-01-03, and column 'unix' 2024-01-07 14:30:00"
    ):
        store.load("A", pd.DataFrame({"unix": [1704205800, 1704637800], **prices}, index=index))
    store.load("A", pd.DataFrame({"unix": [1704205800, 1704292200], **prices}))
    assert times(store) == ["2024-01-02T14:30:00", "2024-01-03T14:30:00"]
