"""Folders of small files, of which those that are written alike are read by one query: what comes out is what each file
gives that is read by itself."""

import gzip
import time
from itertools import permutations
from unittest.mock import Mock

import duckdb
import numpy as np
import pandas as pd
import pytest

from ziggy_async import BarStore
from ziggy_async.reading import casts, files

NAMES = "Date,Open,High,Low,Close,Volume"


def text(*rows: str, names: str = NAMES) -> str:
    return "".join(f"{line}\n" for line in (names, *rows))


def days(*dates: str, figures: str = "10,12,9,11,500") -> str:
    return text(*(f"{date},{figures}" for date in dates))


JANUARY = days("2024-01-02", "2024-01-03", "2024-01-04")
WITH_NAME = text("2024-01-02,10,12,9,11,500,11,A", names=f"{NAMES},Adj Close,Name")
FOLDERS = {
    "plain": [JANUARY] * 5,
    "no rows of one": [JANUARY, JANUARY, days(), JANUARY],
    "another header": [JANUARY, JANUARY.replace("Volume", "Vol"), JANUARY, JANUARY.replace("Volume", "Vol"), JANUARY],
    "another way to write times": [JANUARY, JANUARY, days("02.01.2024", "22.01.2024"), JANUARY],
    "times with an offset behind days without": [JANUARY, JANUARY, days("2024-01-02 09:30", "2024-01-03T10:00+02:00")],
    "offsets": [days("2024-01-02T09:30:00+02:00", "2024-01-02T09:30:00-05:00")] * 4,
    "order of days that each file decides": [days("13/01/2024"), days("01/13/2024"), days("02/01/2024", "02/13/2024")],
    "an order that one does not decide": [days("13/01/2024"), days("14/01/2024"), days("02/01/2024")],
    "units that each file decides": [days("1704153600"), days("1704153600", "1704240000"), days("1704153600000")],
    "a unit that one does not decide": [days("1704153600"), days("1804153600"), days("9904153600")],
    "other figures": [JANUARY, JANUARY, days("2024-01-02", figures="$10,$12,$9,$11,1K"), JANUARY],
    "digits with a mark between": [JANUARY, JANUARY, days("2024-01-02", figures="1_0,1_2,9,11,500"), JANUARY],
    "a point that may be of thousands": [JANUARY, JANUARY, days("2024-01-02", figures="1,2,1,2,1.234"), JANUARY],
    "a value that is none": [JANUARY, JANUARY, days("2024-01-02", figures="10,12,x,11,500"), JANUARY],
    "no value": [JANUARY, JANUARY, days("2024-01-02", "2024-01-03", figures="10,12,9,11,"), JANUARY],
    "no bar": [JANUARY, JANUARY, days("2024-01-02", figures="10,8,9,11,5"), JANUARY],
    "times that go back": [JANUARY, JANUARY, days("2024-01-02", "2024-01-04", "2024-01-03", "2024-01-05"), JANUARY],
    "a row of another length": [JANUARY, JANUARY, JANUARY + "2024-01-05,1\n", JANUARY],
    "a comment": [JANUARY, JANUARY, JANUARY.replace("2024-01-03", "# as of today\n2024-01-03"), JANUARY],
    "a header in between": [JANUARY, JANUARY, JANUARY + JANUARY, JANUARY],
    "a value of two lines": [WITH_NAME, WITH_NAME, WITH_NAME.replace(",A", ',"A\nB"'), WITH_NAME],
    "a mark that is not closed": [WITH_NAME, WITH_NAME, WITH_NAME.replace(",A", ',"A'), WITH_NAME],
    "times of day beside days": [WITH_NAME, WITH_NAME, WITH_NAME.replace("11,A", "09:30,A"), WITH_NAME],
    "symbols": [
        text(f"2024-01-0{day},10,12,9,11,500,{name}", names=f"{NAMES},symbol") for day, name in enumerate("ABAC", 2)
    ],
    "bars that two have": [text("2024-01-02,10,12,9,11,500,A", names=f"{NAMES},symbol")] * 3,
    "zones": [
        text(f"2024-01-02 09:30,10,12,9,11,500,{zone}", names=f"{NAMES},tz")
        for zone in ("UTC", "Europe/Berlin", "UTC", "EST5", "UTC")
    ],
    "zones of midnights": [
        text(f"2024-01-02 00:00,10,12,9,11,500,{zone}", names=f"{NAMES},tz") for zone in ("UTC", "UTC", "Asia/Tokyo")
    ],
    "times that nanoseconds do not reach": [days("2024-01-02"), days("2024-01-03"), days("3024-01-02"), JANUARY],
    "blank times in front": [days(" ", "13/01/2024"), days(" ", "02/01/2024"), days(" ", "03/01/2024")],
    "a date and a time of day": [
        text(f"2024-01-02,{clock},10,12,9,11,5", names=f"Date,Time,{NAMES[5:]}") for clock in ("09:30", "10:00", "0930")
    ],
    "volumes of which one file has figures": [
        text(f"2024.01.02,10,12,9,11,500,{volume}", names="Date,Open,High,Low,Close,TickVol,Vol")
        for volume in (0, 0, 7, 0)
    ],
    "cut off": [JANUARY, JANUARY, JANUARY[:-5], JANUARY],
}

OF_UTC = days("2024-01-02T09:30:00+00:00", "2024-01-03T09:30:00+00:00")
OF_PARIS = OF_UTC.replace("+00:00", "+01:00")
WITHOUT_OFFSET = OF_PARIS + "2024-01-09T09:30:00,10,12,9,11,500\n"
FOLDERS |= {
    f"a time without an offset, order {at}": list(contents)
    for at, contents in enumerate(permutations([OF_UTC, WITHOUT_OFFSET, OF_PARIS]))
}


def outcome(read):
    try:
        store = read()
    except ValueError as error:
        return str(error)
    return {symbol: pd.DataFrame(store.bars(symbol)).to_csv() for symbol in store.symbols()}


@pytest.mark.parametrize("options", [{}, {"invalid": "skip"}], ids=["all", "skipped"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_files_that_are_read_at_once_and_one_by_one(folder, options, tmp_path, monkeypatch):
    for at, content in enumerate(FOLDERS[folder]):
        (tmp_path / f"S{at}.csv").write_text(content)
    at_once = outcome(lambda: BarStore.read(tmp_path, **options))
    monkeypatch.setattr(files, "MOST_BYTES", -1)
    assert at_once == outcome(lambda: BarStore.read(tmp_path, **options))


def test_each_file_has_its_own_bars(tmp_path):
    for at in range(120):
        (tmp_path / f"S{at:03}.csv").write_text(
            days("2024-01-02", f"2024-02-{at % 28 + 1:02}", figures=f"{at + 10},999,9,{at + 11},500")
        )
    store = BarStore.read(tmp_path)
    assert store.symbols() == [f"S{at:03}" for at in range(120)]
    for at in range(120):
        bars = store.bars(f"S{at:03}")
        assert bars["close"].tolist() == [at + 11] * 2
        assert bars["timestamp"][1] == np.datetime64(f"2024-02-{at % 28 + 1:02}")


def test_a_fault_among_many_files_names_the_first_of_them(tmp_path):
    for at in range(70):
        (tmp_path / f"S{at:02}.csv").write_text(JANUARY.replace("500", "x") if at in (31, 66) else JANUARY)
    with pytest.raises(ValueError, match=r"S31\.csv: S31, line 2: volume 'x' is not a number"):
        BarStore.read(tmp_path)


def test_what_is_said_of_a_file_among_others_is_said_once(tmp_path, monkeypatch, caplog):
    opened = []
    real = files.opened_source
    monkeypatch.setattr(
        files, "opened_source", lambda path, *rest: (opened.append(path.parent.name), real(path, *rest))[1]
    )
    for symbol in "ABCD":
        path = tmp_path / "date=2024-05-01" / f"symbol={symbol}" / "x.csv"
        path.parent.mkdir(parents=True)
        path.write_text(JANUARY + "2024-01-05,1\n" * (symbol == "C"))
    BarStore.read(tmp_path, invalid="skip")
    assert sorted(opened) == [f"symbol={symbol}" for symbol in "ABCD"]
    said = [record.getMessage() for record in caplog.records if "its folder says" in record.getMessage()]
    assert sorted(text.partition("symbol=")[2][0] for text in said) == [*"ABCD"]


def test_files_that_are_large_when_unpacked_are_read_one_by_one(tmp_path, monkeypatch):
    groups = []
    monkeypatch.setattr(files.Reading, "_read_group", lambda self, header, group, read: groups.append(len(group)))
    row = "2024-01-02,10,12,9,11,500\n"
    large = text(row * (files.MOST_BYTES // len(row) + 1))
    for at in range(3):
        (tmp_path / f"L{at}.csv.gz").write_bytes(gzip.compress(large.encode()))
        (tmp_path / f"S{at}.csv.gz").write_bytes(gzip.compress(JANUARY.encode()))
    assert (tmp_path / "L0.csv.gz").stat().st_size < files.MOST_BYTES / 10
    BarStore.read(tmp_path, invalid="skip")
    assert groups == [3]


INTERRUPTED = "INTERRUPT Error: Interrupted!"


@pytest.mark.parametrize(
    ("module", "name", "error"),
    [
        (files, "declared_values", duckdb.InterruptException(INTERRUPTED)),
        (casts, "pairs_of", RuntimeError(f"the Arrow stream failed: {INTERRUPTED}")),
    ],
    ids=["before its first rows", "behind them"],
)
def test_an_interrupt_of_a_query_of_many_files_ends_the_reading(module, name, error, tmp_path, monkeypatch):
    for at in range(3):
        (tmp_path / f"S{at}.csv").write_text(JANUARY)
    monkeypatch.setattr(module, name, Mock(side_effect=error))
    with pytest.raises(duckdb.InterruptException):
        BarStore.read(tmp_path)


@pytest.mark.performance
def test_a_thousand_small_files(tmp_path):
    rows = [str(np.datetime64("2023-01-01") + day) for day in range(250)]
    for at in range(1000):
        (tmp_path / f"S{at:03}.csv").write_text(days(*rows))
    began = time.process_time()
    assert len(BarStore.read(tmp_path, capacity=250)) == 1000
    assert time.process_time() - began < 3
