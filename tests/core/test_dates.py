"""Dates and times as people write them, in Python and in files alike; what decides between two readings."""

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ziggy_async import BarStore
from ziggy_async.reading.dates import read_text
from ziggy_async.reading.iso_texts import iso_nanoseconds

FIGURES = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 500.0}


def in_python(tmp_path, texts, **options):
    store = BarStore(10_000)
    store.load("ABC", {"Date": list(texts), **{name: np.full(len(texts), x) for name, x in FIGURES.items()}}, **options)
    return store.bars("ABC")["timestamp"]


def in_a_file(tmp_path, texts, **options):
    lines = ["Date;open;high;low;close;volume", *(f"{text};10;12;9;11;500" for text in texts)]
    (tmp_path / "abc_x.csv").write_text("\n".join(lines) + "\n")
    return BarStore.read(tmp_path / "abc_x.csv", **options).bars("ABC")["timestamp"]


both_ways = pytest.mark.parametrize("read", [in_python, in_a_file])


@both_ways
@pytest.mark.parametrize(
    ("texts", "moments"),
    [
        (["2024-01-02", "2024-01-15"], ["2024-01-02", "2024-01-15"]),
        (["2024/1/2", "2024/01/15"], ["2024-01-02", "2024-01-15"]),
        (["2024.01.02", "2024.01.15"], ["2024-01-02", "2024-01-15"]),
        (["20240102", "20240115"], ["2024-01-02", "2024-01-15"]),
        (["20240102 170000", "20240102 170130"], ["2024-01-02T17:00", "2024-01-02T17:01:30"]),
        (["20240102170000", "20240102170130"], ["2024-01-02T17:00", "2024-01-02T17:01:30"]),
        (["02/01/2024", "15/01/2024"], ["2024-01-02", "2024-01-15"]),
        (["01/02/2024", "01/15/2024"], ["2024-01-02", "2024-01-15"]),
        (["02.01.2024", "15.01.2024"], ["2024-01-02", "2024-01-15"]),
        (["2-1-2024", "15-1-2024"], ["2024-01-02", "2024-01-15"]),
        (["01/02/24", "01/15/24"], ["2024-01-02", "2024-01-15"]),
        (["12/30/69", "12/31/69"], ["1969-12-30", "1969-12-31"]),
        (["02-Jan-2024", "15-JAN-2024"], ["2024-01-02", "2024-01-15"]),
        (["02-Jan-24", "15-Jan-24"], ["2024-01-02", "2024-01-15"]),
        (["2 January 2024", "15 January 2024"], ["2024-01-02", "2024-01-15"]),
        (["Jan 02, 2024", "Jan 15, 2024"], ["2024-01-02", "2024-01-15"]),
        (["January 2, 2024", "January 15, 2024"], ["2024-01-02", "2024-01-15"]),
        (["Tue, 02 Jan 2024 00:00:00 GMT", "Mon, 15 Jan 2024 00:00:00 GMT"], ["2024-01-02", "2024-01-15"]),
        (["02.01.2024 00:00:00.000 GMT+0200", "02.01.2024 01:00:00.000 GMT+0200", "15.01.2024 00:00:00.000 GMT+0200"],
         ["2024-01-01T22", "2024-01-01T23", "2024-01-14T22"]),
        (["2024-01-02 09:30", "2024-01-02 09:31"], ["2024-01-02T09:30", "2024-01-02T09:31"]),
        (["2024-01-02T09:30:05.25", "2024-01-02T09:30:06"], ["2024-01-02T09:30:05.25", "2024-01-02T09:30:06"]),
        (["2024-01-02T09:30:05.123456789", "2024-01-03T00:00"], ["2024-01-02T09:30:05.123456789", "2024-01-03"]),
        (["2024-01-02T09:30:00Z", "2024-01-02T09:31:00Z"], ["2024-01-02T09:30", "2024-01-02T09:31"]),
        (["2024-01-02 00:00:00 UTC", "2024-01-03 00:00:00 UTC"], ["2024-01-02", "2024-01-03"]),
        (["2024-01-02 09:30:00-05:00", "2024-07-02 09:30:00-04:00"], ["2024-01-02T14:30", "2024-07-02T13:30"]),
        (["2024-01-02T09:30:05.123456789+02:00", "2024-01-02T09:31:05.000000001+02:00"],
         ["2024-01-02T07:30:05.123456789", "2024-01-02T07:31:05.000000001"]),
        (["2024-01-02 09:30:05.123456789 +02:00", "2024-01-02 09:31:05 +02:00"],
         ["2024-01-02T07:30:05.123456789", "2024-01-02T07:31:05"]),
        (["2024-01-02T09:30:00z", "2024-01-02T09:31:00z"], ["2024-01-02T09:30", "2024-01-02T09:31"]),
        (["2024-01-02 09:30:00,500", "2024-01-02 09:31:00,250"], ["2024-01-02T09:30:00.5", "2024-01-02T09:31:00.25"]),
        (["2024-01-02", "2024-01-02 09:30", "2024-01-02T09:30:05.5Z", "2024-01-02 09:31:00+00:00"],
         ["2024-01-02", "2024-01-02T09:30", "2024-01-02T09:30:05.5", "2024-01-02T09:31"]),
        (["2024-01-02 09:30:00", "2024-01-02 09:30:05.123456789"],
         ["2024-01-02T09:30", "2024-01-02T09:30:05.123456789"]),
        (["2024-01-02T09:30:05.1234567890Z"], ["2024-01-02T09:30:05.123456789"]),
        (["20240102T093005.123456789"], ["2024-01-02T09:30:05.123456789"]),
        (["15.01.2024 09:30:05.123456789", "15.01.2024 09:30:06.5"],
         ["2024-01-15T09:30:05.123456789", "2024-01-15T09:30:06.5"]),
        (["1/15/2024 9:30:05.123456789 AM", "1/15/2024 4:00:00.5 PM"],
         ["2024-01-15T09:30:05.123456789", "2024-01-15T16:00:00.5"]),
        (["2024-01-02 11-AM", "2024-01-02 12-PM"], ["2024-01-02T11:00", "2024-01-02T12:00"]),
        (["1/15/2024 11 AM", "1/15/2024 1 PM"], ["2024-01-15T11:00", "2024-01-15T13:00"]),
        (["02/Jan/2024", "15/Jan/2024"], ["2024-01-02", "2024-01-15"]),
        (["02JAN2024", "15JAN2024"], ["2024-01-02", "2024-01-15"]),
        (["02Jan24 09:30", "15Jan24 16:00"], ["2024-01-02T09:30", "2024-01-15T16:00"]),
        (["2. Jan. 2024", "15. Jan. 2024"], ["2024-01-02", "2024-01-15"]),
        (["2024.01.02.", "2024.01.15."], ["2024-01-02", "2024-01-15"]),
        (["2024. 01. 02.", "2024. 01. 15."], ["2024-01-02", "2024-01-15"]),
        (["2024. 1. 2", "2024. 1. 15"], ["2024-01-02", "2024-01-15"]),
        (["2024.01.02. 9:30", "2024.01.02. 16:00"], ["2024-01-02T09:30", "2024-01-02T16:00"]),
        (["02. 01. 2024", "15. 01. 2024"], ["2024-01-02", "2024-01-15"]),
        (["2.1.2024.", "15.1.2024."], ["2024-01-02", "2024-01-15"]),
        (["Jan-02-2024", "Jan-15-2024"], ["2024-01-02", "2024-01-15"]),
        (["2024/Jan/02", "2024/Jan/15"], ["2024-01-02", "2024-01-15"]),
        (["2024-01-02 16:00 Z", "2024-01-03 16:00 Z"], ["2024-01-02T16:00", "2024-01-03T16:00"]),
        (["01/15/2024 9:30", "01/15/2024 16:00"], ["2024-01-15T09:30", "2024-01-15T16:00"]),
        (["1/15/2024 9:30:00 AM", "1/15/2024 12:00:00 PM", "1/15/2024 4:00:07 PM"],
         ["2024-01-15T09:30", "2024-01-15T12:00", "2024-01-15T16:00:07"]),
        (["20240102-16:00:00", "20240103-16:00:00"], ["2024-01-02T16:00", "2024-01-03T16:00"]),
        (["20240102  16:00:00", "20240103  16:00:00"], ["2024-01-02T16:00", "2024-01-03T16:00"]),
        (["20240102 16:00:00 US/Eastern", "20240702 16:00:00 US/Eastern"], ["2024-01-02T21:00", "2024-07-02T20:00"]),
        (["2024-01-02 16:00 America/New_York", "2024-01-03 16:00 Europe/Berlin"],
         ["2024-01-02T21:00", "2024-01-03T15:00"]),
        (["2024-01-02T16:00:00-05:00[America/New_York]", "2024-11-03T01:30:00-05:00[America/New_York]"],
         ["2024-01-02T21:00", "2024-11-03T06:30"]),
        (["2024-11-03 00:30:00 EDT", "2024-11-03 01:30:00 EDT", "2024-11-03 01:30:00 EST"],
         ["2024-11-03T04:30", "2024-11-03T05:30", "2024-11-03T06:30"]),
        (["1/15/2024 4:00 PM PST", "7/15/2024 4:00 PM PDT"], ["2024-01-16T00:00", "2024-07-15T23:00"]),
        (["15.01.2024 17:30 CET", "15.07.2024 17:30 CEST"], ["2024-01-15T16:30", "2024-07-15T15:30"]),
        (["20240102 15:00:00 JST", "20240103 15:00:00 (JST)"], ["2024-01-02T06:00", "2024-01-03T06:00"]),
        (["Tue Jan 2 2024 09:30:00 GMT-0500 (EST)", "Tue Jul 2 2024 09:30:00 GMT-0400 (EDT)"],
         ["2024-01-02T14:30", "2024-07-02T13:30"]),
        (["2024-01", "2024-02"], ["2024-01-01", "2024-02-01"]),
        (["2018M11", "2018M12", "2019M01"], ["2018-11-01", "2018-12-01", "2019-01-01"]),
        (["11/2018", "12/2018", "01/2019"], ["2018-11-01", "2018-12-01", "2019-01-01"]),
        (["Dec 2018", "January 2019"], ["2018-12-01", "2019-01-01"]),
        (["déc. 2018", "janv. 2019"], ["2018-12-01", "2019-01-01"]),
        (["2 Aug 2024", "2 Sept 2024", "2 Oct 2024"], ["2024-08-02", "2024-09-02", "2024-10-02"]),
        (["30. Apr. 2024", "02. Mai 2024", "1. März 2025", "1. Dez. 2025"],
         ["2024-04-30", "2024-05-02", "2025-03-01", "2025-12-01"]),
        (["2. Januar 2024", "3. Oktober 2024"], ["2024-01-02", "2024-10-03"]),
        (["2 janv. 2024", "3 févr. 2024", "1 août 2024"], ["2024-01-02", "2024-02-03", "2024-08-01"]),
        (["02-ene-2024", "03-dic-2024"], ["2024-01-02", "2024-12-03"]),
        (["2 de enero de 2024", "3 de diciembre de 2024"], ["2024-01-02", "2024-12-03"]),
        (["02/fev/2024", "03/mai/2024", "03/set/2024"], ["2024-02-02", "2024-05-03", "2024-09-03"]),
        (["2 gen 2024", "2 mag 2024", "2 ott 2024"], ["2024-01-02", "2024-05-02", "2024-10-02"]),
        (["2 jan 2024", "2 mrt 2024", "2 mei 2024"], ["2024-01-02", "2024-03-02", "2024-05-02"]),
        (["2024-002", "2024-366"], ["2024-01-02", "2024-12-31"]),
        (["2024_01_02", "2024_01_03"], ["2024-01-02", "2024-01-03"]),
        (["2024 01 02 09:30", "2024 01 03 09:30"], ["2024-01-02T09:30", "2024-01-03T09:30"]),
        (["01/15/2024 9:30 a.m.", "01/15/2024 4:00 p.m."], ["2024-01-15T09:30", "2024-01-15T16:00"]),
        (["'20240102", "'20240103"], ["2024-01-02", "2024-01-03"]),
        (['="2024-01-02"', '="2024-01-03"'], ["2024-01-02", "2024-01-03"]),
        (["02.01.2024"], ["2024-01-02"]),
        (["02.01.2024 09:30", "02.01.2024 09:31", "03.01.2024 09:30"],
         ["2024-01-02T09:30", "2024-01-02T09:31", "2024-01-03T09:30"]),
        (["02.01.02", "15.01.02", "31.01.02"], ["2002-01-02", "2002-01-15", "2002-01-31"]),
        (["01/02/02", "01/12/02", "01/31/02"], ["2002-01-02", "2002-01-12", "2002-01-31"]),
        (["1704153600", "1704240000"], ["2024-01-02", "2024-01-03"]),
        (["1704153600000.0", "1704240000000.0"], ["2024-01-02", "2024-01-03"]),
        (["1.704153600000000000e+09", "1.704240000000000000e+09"], ["2024-01-02", "2024-01-03"]),
        (["1.704153600e+09", "1.7041536600E+9"], ["2024-01-02", "2024-01-02T00:01"]),
    ],
    ids=lambda value: value[0],
)  # fmt: skip
def test_ways_to_write_a_time(read, texts, moments, tmp_path):
    assert read(tmp_path, texts).tolist() == np.array(moments, "M8[ns]").tolist()


@both_ways
@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (["20241102 16:00:00 US/Eastern", "20241103 01:30:00 US/Eastern"], "US/Eastern shows this twice or never"),
        (["20240309 16:00:00 US/Eastern", "20240310 02:30:00 US/Eastern"], "US/Eastern shows this twice or never"),
        (["20240102 16:00:00 US/Nowhere"], "'US/Nowhere' is not a time zone"),
        (["20240102 16:00:00 US/Eastern", "20240103 16:00:00"], "or not written like those before it"),
        (["2024-01-02 16:00:00 XST"], "'2024-01-02 16:00:00 XST' is not a date and time"),
        (["2024-01-02 16:00:00 EST", "2024-01-03 16:00:00 CST"], r"CST is -06:00 or \+08:00: write the time with its"),
        (["2024-01-02 16:00:00 IST"], r"IST is \+05:30 or \+02:00 or \+01:00: write the time with its offset"),
        (["2024-07-02 16:00 BST"], r"BST is \+01:00 or \+06:00: write the time with its offset from UTC"),
        (["2024-01-02 16:00:00 EST", "2024-01-03 16:00:00"], "or not written like those before it"),
        (["2024-01-02-05:00"], "'2024-01-02-05:00' is "),
        (["2024-01-02T16:00:00.1234567891Z"], "'2024-01-02T16:00:00.1234567891Z' is finer than nanoseconds"),
        (["2024-01-02 16:00+99:00"], r"'2024-01-02 16:00\+99:00' is not a date and time"),
    ],
)
def test_times_that_a_clock_shows_twice_are_refused(read, texts, fault, tmp_path):
    place = f"row {len(texts) - 1}" if read is in_python else f"line {len(texts) + 1}"
    with pytest.raises(ValueError, match=fault) as error:
        read(tmp_path, texts)
    assert place in str(error.value)


def days(first, count):
    return [date.fromisoformat(first) + timedelta(days=each) for each in range(count)]


@both_ways
@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m.%d.%Y"])
@pytest.mark.parametrize("newest_first", [False, True])
def test_the_rows_before_and_after_decide(read, form, newest_first, tmp_path):
    """No day is above 12, but in one order the days follow one another and in the other they leap back."""
    wanted = [day for day in days("2024-01-01", 130) if day.day <= 12]
    texts = [day.strftime(form) for day in wanted]
    if newest_first and read is in_python:
        store = BarStore()
        table = {"Date": texts[::-1], "symbol": ["ABC"] * len(texts)}
        store.load_frame(table | {name: [figure] * len(texts) for name, figure in FIGURES.items()})
        found = store.bars("ABC")["timestamp"]
    else:
        found = read(tmp_path, texts[::-1] if newest_first else texts)
    assert found.tolist() == np.array(wanted, "M8[ns]").tolist()


@both_ways
def test_months_are_more_even_than_days_with_leaps(read, tmp_path):
    wanted = [date(2018 + month // 12, month % 12 + 1, 1) for month in range(30)]
    found = read(tmp_path, [day.strftime("%d/%m/%Y") for day in wanted])
    assert found.tolist() == np.array(wanted, "M8[ns]").tolist()


@both_ways
@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["01/02/2024"], "'01/02/2024' is 2024-02-01 or 2024-01-02: say dates='dmy' or dates='mdy'"),
        (["01/02/2024", "02/02/2024", "05/02/2024"], "'01/02/2024' is 2024-02-01 or 2024-01-02: say "),
        (["03/03/2024", "01/02/2024"], "'01/02/2024' is 2024-02-01 or 2024-01-02: say "),
        (["01/02/2024 09:30", "01/02/2024 09:31"], " is 2024-02-01 or 2024-01-02: say "),
        (["01/02/03"], "'01/02/03' is 2003-02-01 or 2003-01-02 or 2001-02-03: say "),
    ],
)
def test_what_nothing_decides_is_refused_with_both_readings(read, texts, said, tmp_path):
    with pytest.raises(ValueError, match=r"ABC.*(timestamp|Date)") as caught:
        read(tmp_path, texts)
    assert said in str(caught.value)


@both_ways
@pytest.mark.parametrize("other", ["2024-01", "2024-003", "'2024-01-03", "Jan 2024", "3 Foo 2024", "2024_01_03"])
def test_what_is_written_in_another_way_than_the_first_is_refused(read, other, tmp_path):
    with pytest.raises(
        ValueError, match=r"(row 1|line 3)\b.*is not a date and time, or not written like those before it"
    ):
        read(tmp_path, ["2024-01-02", other, "2024-01-04"])


@both_ways
def test_years_of_two_digits_are_not_told_by_even_steps_of_a_year(read, tmp_path):
    texts = [f"02/01/{day:02}" for day in (1, 2, 3, 8, 9, 10)]  # six days of January 2002, or one of six years
    with pytest.raises(ValueError, match="'02/01/01' is 2001-01-02 or 2001-02-01 or 2002-01-01: say "):
        read(tmp_path, texts)


@both_ways
def test_days_that_are_the_same_in_both_orders_need_no_order(read, tmp_path):
    assert [str(each)[:10] for each in read(tmp_path, ["05/05/2024", "06/06/2024"])] == ["2024-05-05", "2024-06-06"]
    with pytest.raises(ValueError, match="'01/02/2024' is 2024-02-01 or 2024-01-02: say dates='dmy' or dates='mdy'"):
        read(tmp_path, ["05/05/2024", "01/02/2024"])


@both_ways
@pytest.mark.parametrize("offset", ["-05:00", " -05:00", " -0500", " -05"])
@pytest.mark.parametrize("clock", ["16:00", "16:00:00", "04:00 PM"])
def test_an_offset_from_utc_may_stand_apart(read, clock, offset, tmp_path):
    assert str(read(tmp_path, [f"2024-01-02 {clock}{offset}"])[0])[:16] == "2024-01-02T21:00"


@both_ways
@pytest.mark.parametrize(("order", "expected"), [("dmy", "2003-02-01"), ("mdy", "2003-01-02"), ("ymd", "2001-02-03")])
def test_the_caller_decides(read, order, expected, tmp_path):
    assert str(read(tmp_path, ["01/02/03"], dates=order)[0])[:10] == expected


@both_ways
@pytest.mark.parametrize("invalid", ["raise", "skip"])
def test_an_order_that_changes_is_refused_by_its_row(read, invalid, tmp_path):
    texts = [day.strftime("%d/%m/%Y") for day in days("2024-01-10", 20)]
    texts += [day.strftime("%m/%d/%Y") for day in days("2024-02-10", 20)]
    with pytest.raises(
        ValueError, match=r"(row 23|line 25).*'02/13/2024' is not a date in dmy, the order of those before it"
    ):
        read(tmp_path, texts, invalid=invalid)


@both_ways
def test_a_row_that_contradicts_what_was_said(read, tmp_path):
    with pytest.raises(ValueError, match=r"(row 1|line 3)\b.*'01/13/2024' is not a date"):
        read(tmp_path, ["01/12/2024", "01/13/2024"], dates="dmy")


@both_ways
@pytest.mark.parametrize(
    "wrong", ["someday", "2024-02-30", "13/01/2024", "2024-13-01", "2024-01-02 25:00", "2024-01-02x"]
)
def test_what_is_no_time_is_named_and_can_be_skipped(read, wrong, tmp_path):
    with pytest.raises(ValueError, match=rf"(row 1|line 3)\b.*'{wrong}' is not a date and time"):
        read(tmp_path, ["2024-01-02", wrong, "2024-01-03"])
    assert len(read(tmp_path, ["2024-01-02", wrong, "2024-01-03"], invalid="skip")) == 2


@both_ways
def test_each_symbol_has_its_own_steps(read, tmp_path):
    """Two symbols, row by row: the days of each decide, though those of the table go up and down."""
    wanted = [day for day in days("2024-01-01", 130) if day.day <= 12]
    rows = [(symbol, day.strftime("%d/%m/%Y")) for day in wanted for symbol in ("B", "A")]
    if read is in_python:
        store = BarStore()
        columns = {"symbol": [symbol for symbol, _ in rows], "Date": [text for _, text in rows]}
        store.load_frame(columns | {name: [figure] * len(rows) for name, figure in FIGURES.items()})
    else:
        lines = ["symbol,Date,open,high,low,close,volume", *(f"{each},{text},10,12,9,11,500" for each, text in rows)]
        (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
        store = BarStore.read(tmp_path / "x.csv")
    for symbol in "AB":
        assert store.bars(symbol)["timestamp"].tolist() == np.array(wanted, "M8[ns]").tolist()


@both_ways
@pytest.mark.parametrize("zone", ["CST", "America/Chicago", "EST5EDT"])
@pytest.mark.parametrize("first", ["2024-01-02 10:00:00", "2024-01-02", "2024-01-02 10:00:00.123456789"])
def test_a_zone_that_only_a_later_row_names_is_refused(read, zone, first, tmp_path):
    wrong = f"2024-01-02 11:00:00 {zone}"
    with pytest.raises(ValueError, match=f"'{wrong}' is not a date and time, or not written like those before it"):
        read(tmp_path, [first, wrong])
    assert len(read(tmp_path, [first, wrong, "2024-01-03"], invalid="skip")) == 2


def beside_dates(tmp_path, clocks):
    figures = {name: np.full(len(clocks), x) for name, x in FIGURES.items()}
    store = BarStore()
    store.load("ABC", {"Date": ["2024-01-02"] * len(clocks), "Time": list(clocks), **figures})
    lines = ["Date,Time,open,high,low,close,volume", *(f"20240102,{clock},10,12,9,11,500" for clock in clocks)]
    (tmp_path / "abc.csv").write_text("\n".join(lines) + "\n")
    from_file = BarStore.read(tmp_path / "abc.csv").bars("ABC")["timestamp"]
    assert store.bars("ABC")["timestamp"].tolist() == from_file.tolist()
    return from_file


@pytest.mark.parametrize(
    ("clocks", "moments"),
    [
        (["93000", "160000"], ["09:30:00", "16:00:00"]),
        (["0", "1600", "93000"], ["00:00:00", "00:16:00", "09:30:00"]),
        (["930", "1600"], ["09:30:00", "16:00:00"]),
        (["0930", "1600"], ["09:30:00", "16:00:00"]),
        (["0"], ["00:00:00"]),
        (["100000", "163005"], ["10:00:00", "16:30:05"]),
    ],
)
def test_times_of_day_without_the_zeros_in_front(clocks, moments, tmp_path):
    expected = np.array([f"2024-01-02T{moment}" for moment in moments], "M8[ns]")
    assert beside_dates(tmp_path, clocks).tolist() == expected.tolist()


@pytest.mark.parametrize("library", ["pyarrow", "polars", "pandas"])
def test_times_of_day_keep_their_nanoseconds(library):
    nanoseconds = [34_200_000_000_001, 57_600_123_456_789]
    columns = {name: [x, x] for name, x in FIGURES.items()} | {"date": [date(2024, 1, 2)] * 2}
    frame = pl.DataFrame(columns).with_columns(time=pl.Series(nanoseconds).cast(pl.Time))
    data = {"pyarrow": frame.to_arrow, "polars": lambda: frame}.get(
        library, lambda: pd.DataFrame(columns).assign(time=pd.to_timedelta(nanoseconds, unit="ns"))
    )()
    store = BarStore()
    store.load("ABC", data)
    assert store.bars("ABC")["timestamp"].astype(str).tolist() == [
        "2024-01-02T09:30:00.000000001",
        "2024-01-02T16:00:00.123456789",
    ]


def test_times_of_day_that_are_minutes_or_seconds_are_refused(tmp_path):
    with pytest.raises(ValueError, match="945 is 09:45 or 00:09:45: write times of day as texts"):
        beside_dates(tmp_path, ["945"])
    (tmp_path / "abc.csv").write_text("Date,Time,open,high,low,close,volume\n20240102,945,10,12,9,11,500\n")
    with pytest.raises(ValueError, match="945 is 09:45 or 00:09:45: write times of day as texts"):
        BarStore.read(tmp_path / "abc.csv")


def test_append_reads_the_same_texts():
    store = BarStore()
    for at, text in enumerate(["02-Jan-2024", "Jan 03, 2024", "2024.01.04", "20240105", 1704758400000, "15/01/2024"]):
        store.append("A", text, 10.0, 12.0, 9.0, 11.0, 5.0)
        assert len(store.bars("A")["close"]) == at + 1
    with pytest.raises(ValueError, match=r"'01/02/2024' is 2024-02-01 or 2024-01-02: write it as one of these$"):
        store.append("A", "01/02/2024", 10.0, 12.0, 9.0, 11.0, 5.0)


@both_ways
@pytest.mark.parametrize("way", ["%d-%b-%y", "%d/%m/%y", "%d.%m.%y 16:00"])
@pytest.mark.parametrize("options", [{}, {"invalid": "skip"}])
def test_years_of_two_digits_make_no_day_of_the_future(read, way, options, tmp_path):
    tomorrow = date.today() + timedelta(days=1)
    expected = [tomorrow - timedelta(days=day) for day in (400, 30, 1, 0)]
    stamps = read(tmp_path, [day.strftime(way) for day in expected], dates="dmy")
    assert stamps.astype("M8[D]").tolist() == expected
    later = tomorrow + timedelta(days=2)
    said = f"{later.strftime(way)}' is {later.year - 100}{later:-%m-%d} or {later}: write years with four digits"
    with pytest.raises(ValueError, match=f"(line 3|row 1): .*{said}"):
        read(tmp_path, [tomorrow.strftime(way), later.strftime(way)], dates="dmy", **options)


def test_one_bar_of_a_year_of_two_digits_is_none_of_the_future():
    with pytest.raises(ValueError, match="'30-Jan-68' is 1968-01-30 or 2068-01-30: write it as one of these"):
        BarStore().append("A", "30-Jan-68", 10, 12, 9, 11, 5)


@both_ways
@pytest.mark.parametrize("clock", ["09.30", "17.15", "09,5", "0930.5", "09:30.5", "09.30Z"])
def test_a_fraction_of_an_hour_or_a_minute_is_no_time_of_day(read, clock, tmp_path):
    with pytest.raises(
        ValueError, match=f"2024-01-30 {clock}' is not a date and time: write the time of day with colons"
    ):
        read(tmp_path, [f"2024-01-30 {clock}"])
    with pytest.raises(ValueError, match="is not a date and time"):
        BarStore().append("A", f"2024-01-30T{clock}", 10, 12, 9, 11, 5)


@both_ways
@pytest.mark.parametrize(
    ("text", "clock", "offset"),
    [
        ("2024-01-10-09:30", "2024-01-10 09:30", "2024-01-10T00:00-09:30"),
        ("20240110+0530", "2024-01-10 05:30", "2024-01-10T00:00+05:30"),
        ("2024-01-10-17:30", "2024-01-10 17:30", None),
    ],
)
def test_a_date_and_an_offset_or_a_time_of_day_are_advised_as_they_are_read(read, text, clock, offset, tmp_path):
    advice = clock if offset is None else f"{clock} or {offset}"
    said = f"{text!r} is a date and an offset from UTC, or a date and a time of day: write {advice}"
    with pytest.raises(ValueError, match=f"{re.escape(said)}$|{re.escape(said)}[^ ]* *[;(]"):
        read(tmp_path, [text])
    assert read(tmp_path, [clock]).tolist() == [np.datetime64(clock.replace(" ", "T"), "ns").item()]
    if offset is not None:
        moment = datetime.fromisoformat(offset).astimezone(UTC).replace(tzinfo=None)
        assert read(tmp_path, [offset]).tolist() == [np.datetime64(moment, "ns").item()]


@both_ways
@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("1704240000.5", "write it as a whole number, in full"),
        *((f"2024-01-30 09:30 {zone}", "write the offset from UTC for its zone") for zone in ("ET", "GMT+2", "UTC-5")),
    ],
)
@pytest.mark.parametrize("before", [[], ["2024-01-29 09:30"]])
def test_what_to_write_for_a_time_that_is_none(read, text, advice, before, tmp_path):
    with pytest.raises(ValueError, match=f"'{re.escape(text)}' is not a date and time: {advice}"):
        read(tmp_path, [*before, text])


@pytest.mark.parametrize(
    "text",
    [
        *("2024-01-02", "2024-02-29 09:30", "2024-01-02T09:30:01", "2024-01-02 09:30:01.5", "2024-01-02 09:30:01.123"),
        *("2024-01-02 09:30:01.123456", "1999-12-31 23:59:59.123456789", "2024-01-02T09:30:01Z", "2024-01-02 24:00"),
        *("2024-01-02 09:30+00:00", "1969-12-31", "2023-02-29", "2024-13-01", "2024-01-02+00:00", "\u0662024-01-02"),
        *("2300-01-01", "2024-1-02", "2024-01-02_09:30", "0000-01-01", "2024-01-02 09:60", "2024-01-02T09-30", ""),
        *("1600-01-01", "nat"),
    ],
)
def test_columns_of_one_shape_are_read_as_single_times_are(text):
    read = iso_nanoseconds([text, text])
    try:
        single = read_text(text)
    except ValueError:
        assert read is None
        return
    assert read is None or read.tolist() == [single, single]
    assert iso_nanoseconds([text, f"{text} "]) is None


def test_many_times_of_one_shape():
    texts = [str(stamp).replace("T", " ") for stamp in np.arange("2023-12-30", "2024-03-02", 977, dtype="M8[s]")]
    assert iso_nanoseconds(texts).tolist() == [read_text(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Tue Jan 02 09:30:00 2024", "2024-01-02T09:30"),
        ("Tue Jan  2 09:30:00 UTC 2024", "2024-01-02T09:30"),
        ("Tue Jan 02 2024 09:30:00 GMT-0500 (Eastern Standard Time)", "2024-01-02T14:30"),
        ("2024-01-02 09:30:00 +0000 UTC", "2024-01-02T09:30"),
        ("2024-01-02T09:30:00[UTC]", "2024-01-02T09:30"),
        ("2nd Jan 2024", "2024-01-02"),
        ("January 2nd, 2024", "2024-01-02"),
    ],
)
def test_ways_of_programs(text, moment, tmp_path):
    assert read_text(text) == np.datetime64(moment, "ns").astype(int)
    (tmp_path / "abc.csv").write_text(f'Date,Open,High,Low,Close,Volume\n"{text}",10,12,9,11,5\n')
    assert BarStore.read(tmp_path).bars("ABC")["timestamp"][0] == np.datetime64(moment)
