"""Times of tables are read to the last digit, or refused: floats of few digits, times out of range, offsets."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from ziggy_async import BarStore
from ziggy_async.reading.paths import DataFile
from ziggy_async.reading.scans import parquet_scan
from ziggy_async.reading.texts import Source

PRICES = {name: [1.5, 1.5, 1.5] for name in ("open", "high", "low", "close", "volume")}
NAMES = "date,open,high,low,close,volume\n"
ROUNDED = "may be rounded, as {} has not every whole number of its size: give times as int64 or float64"


def table_of(times):
    return arrow.table({"symbol": ["A"] * 3, "time": times, **PRICES})


def stamps(store, symbol="A"):
    return store.bars(symbol)["timestamp"].astype(str).tolist()


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("invalid", ["raise", "skip"])
def test_floats_of_few_digits_are_no_times(kind, invalid):
    with np.errstate(over="ignore"):
        times = np.array([1705017600, 1705017660, 1705017720]).astype(kind)
    table = table_of(arrow.array(times))
    for data in (
        table,
        pl.from_arrow(table),
        table_of(arrow.DictionaryArray.from_arrays([0, 1, 2], arrow.array(times))),
    ):
        with pytest.raises(ValueError, match=r"A: column 'time', row 0: .*(may be rounded|inf is out of range)"):
            BarStore().load_frame(data, invalid=invalid)


def test_a_date_in_a_float_of_few_digits_is_refused():
    dates = arrow.array(np.array([20240102, 20240103, 20240104], np.float32))
    with pytest.raises(ValueError, match=f"A: column 'date', row 0: 20240102 {ROUNDED.format('float32')}"):
        BarStore().load("A", arrow.table({"date": dates, **PRICES}))
    with pytest.raises(ValueError, match=r"A: column 'date time', row 0: .* is not a date and time"):
        BarStore().load("A", arrow.table({"date": dates, "time": ["09:30"] * 3, **PRICES}))


@pytest.mark.parametrize(
    "columns",
    [
        {"date": np.array([20240102, 20240103, 20240105], np.float32), "time": ["09:30"] * 3},
        {"date": ["2024-01-02"] * 3, "time": np.array([93000001, 93000003, 93000005], np.float32)},
    ],
)
def test_dates_and_times_of_day_in_floats_of_few_digits_are_refused(columns, tmp_path):
    table = arrow.table({**columns, **PRICES})
    parquet.write_table(table, tmp_path / "a.parquet")
    for read in (lambda: BarStore().load("A", table), lambda: BarStore.read(tmp_path / "a.parquet")):
        with pytest.raises(ValueError, match=r"is not a date and time|no time of day"):
            read()


def test_prices_may_have_few_digits():
    figures = {name: arrow.array(np.array([1.5, 2.5, 3.5], np.float32)) for name in PRICES}
    store = BarStore()
    store.load("A", arrow.table({"date": ["2024-01-02", "2024-01-03", "2024-01-04"], **figures}))
    assert store.bars("A")["close"].tolist() == [1.5, 2.5, 3.5]


def test_parquet_with_times_of_few_digits(tmp_path):
    times = np.array([1705017600, 1705017660, 1705017720], np.float32)
    parquet.write_table(table_of(arrow.array(times)), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=rf"a\.parquet: column 'time': {ROUNDED.format('FLOAT')}"):
        BarStore.read(tmp_path / "a.parquet")


def test_parquet_with_times_in_decimals(tmp_path):
    times = [1705017600123456789, 1705017600123456790, 1705017600123456791]
    decimals = arrow.array(times, arrow.int64()).cast(arrow.decimal128(20, 0))
    parquet.write_table(table_of(decimals), tmp_path / "a.parquet")
    assert BarStore.read(tmp_path / "a.parquet").bars("A")["timestamp"].astype(np.int64).tolist() == times


@pytest.mark.parametrize(
    ("unit", "first", "far"),
    [("s", 1705017600, 10**12), ("ms", 1705017600000, 10**15), ("us", 1705017600000000, 2**62)],
)
def test_times_out_of_range_are_left_out_like_other_faults(unit, first, far, tmp_path):
    day = 86_400 * {"s": 1, "ms": 10**3, "us": 10**6}[unit]
    table = table_of(arrow.array([first, far, first + day], arrow.timestamp(unit)))
    for data in (table, arrow.concat_tables([table.slice(0, 1), table.slice(1)])):
        store = BarStore()
        with pytest.raises(ValueError, match=f"A: column 'time', row 1: {far} {unit} is out of range"):
            store.load_frame(data)
        skipped = store.load_frame(data, invalid="skip")
        assert skipped.reasons == {"timestamp is missing or no time": 1}
        assert stamps(store) == ["2024-01-12T00:00:00.000000000", "2024-01-13T00:00:00.000000000"]
    if unit != "s":  # which Parquet has not
        parquet.write_table(table, tmp_path / "a.parquet")
        assert len(BarStore.read(tmp_path / "a.parquet", invalid="skip").bars("A")["close"]) == 2
        with pytest.raises(ValueError, match=r"A, row 2: column 'time': '\d{5,}-.*' is out of range"):
            BarStore.read(tmp_path / "a.parquet")


def test_the_first_of_several_batches_with_times_out_of_range_is_named():
    parts = [table_of(arrow.array([1705017600, 10**12 + at, None], arrow.timestamp("s"))) for at in range(3)]
    with pytest.raises(ValueError, match="row 1: 1000000000000 s is out of range"):
        BarStore().load_frame(arrow.concat_tables(parts))


@pytest.mark.parametrize(
    "first", ["2024-01-02", "2024-01-02 00:00:00", "2024-01-02T00:00:00Z", "2024-01-02T00:00+01:00"]
)
@pytest.mark.parametrize("offset", ["+99:00", "-17:00", "+16:30", "+01:75"])
def test_an_offset_that_no_clock_has(first, offset, tmp_path):
    text = f"{NAMES}{first},1,1,1,1,1\n2024-01-04T00:00:00{offset},1,1,1,1,1\n"
    (tmp_path / "a.csv").write_text(text)
    said = f"'2024-01-04T00:00:00{re.escape(offset)}'"
    with pytest.raises(ValueError, match=rf"a\.csv: A, line 3: column 'date': {said}"):
        BarStore.read(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=rf"A: column 'date', row 1: {said}"):
        BarStore().load("A", pd.read_csv(tmp_path / "a.csv"))


def test_an_offset_that_no_clock_has_in_the_first_row(tmp_path):
    (tmp_path / "a.csv").write_text(NAMES + "2024-01-02T00:00:00+23:00,1,1,1,1,1\n")
    for read in (BarStore.read, lambda path: BarStore().load("A", pd.read_csv(path))):
        with pytest.raises(
            ValueError, match=r"'2024-01-02T00:00:00.23:00' is not a date and time: its offset from UTC"
        ):
            read(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02T00:00:00+14:00", "2024-01-01T10:00:00.000000000"),
        ("2024-01-02 00:00:00-0930", "2024-01-02T09:30:00.000000000"),
        ("1880-01-02 00:00:00-04:56:02", "1880-01-02T04:56:02.000000000"),
    ],
)
def test_offsets_that_clocks_have_or_had(text, expected, tmp_path):
    (tmp_path / "a.csv").write_text(f"{NAMES}{text},1,1,1,1,1\n")
    assert stamps(BarStore.read(tmp_path / "a.csv")) == [expected]
    store = BarStore()
    store.load("A", pd.read_csv(tmp_path / "a.csv"))
    assert stamps(store) == [expected]


@pytest.mark.parametrize("rows", [np.array([[1705017600.5, 1, 1, 1, 1, 1]]), [[1705017600.5, 1, 1, 1, 1, 1]]])
def test_rows_whose_times_have_a_fraction(rows):
    with pytest.raises(ValueError, match=r"no column names, and 1705017600.5 has a fraction: give times as whole"):
        BarStore().load("A", rows)


def test_times_with_a_fraction(tmp_path):
    said = "'?1705017600.5'? (has a fraction: give times as|is not a date and time: write it as a) whole number"
    path = tmp_path / "a.csv"
    path.write_text("time,open,high,low,close,volume\n1705017600.5,1,1,1,1,1\n")
    frame = pd.read_csv(path)
    frame.to_parquet(tmp_path / "a.parquet")
    for data in (frame, frame.to_dict("list"), frame.to_dict("records"), pl.from_pandas(frame)):
        with pytest.raises(ValueError, match=said):
            BarStore().load("A", data)
    for each in (path, tmp_path / "a.parquet"):
        with pytest.raises(ValueError, match=said):
            BarStore.read(each)


def test_a_time_that_a_spreadsheet_has_rounded(tmp_path):
    (tmp_path / "a.csv").write_text("time,open,high,low,close,volume\n1.70502E+12,1,1,1,1,1\n")
    with pytest.raises(ValueError, match=r"line 2: '1.70502E\+12' is not a date and time: write it as a whole number"):
        BarStore.read(tmp_path / "a.csv")


def test_periods_are_the_moments_at_which_they_begin(tmp_path):
    for frequency, expected in (("D", "2024-01-02"), ("M", "2024-01-01"), ("W", "2024-01-01")):
        index = pd.period_range("2024-01-02", periods=3, freq=frequency)
        store = BarStore()
        store.load("A", pd.DataFrame(PRICES, index=index))
        assert stamps(store)[0] == f"{expected}T00:00:00.000000000"
    pd.DataFrame(PRICES).assign(date=pd.period_range("2024-01-02", periods=3)).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(
        ValueError, match=r"19724 is not a time .*; as a day since 1970 it is 2024-01-02: write days as text"
    ):
        BarStore.read(tmp_path / "a.parquet")


def test_parquet_with_times_of_type_int96(tmp_path):
    exact = [1705017600123456789, 1705017600123456790, 1705104000000000001]
    path = tmp_path / "a.parquet"
    table = table_of(arrow.array(exact, arrow.timestamp("ns")))
    parquet.write_table(table, path, use_deprecated_int96_timestamps=True)
    assert BarStore.read(path).bars("A")["timestamp"].astype(np.int64).tolist() == exact


def test_times_of_type_int96_out_of_range(tmp_path):
    times = [1705017600000000, 253402214400000000, 1705104000000000]  # the second one is 9999-12-31
    table = table_of(arrow.array(times, arrow.timestamp("us")))
    parquet.write_table(table, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    with pytest.raises(ValueError, match=r"a\.parquet: A, row 2: column 'time': .* is out of range: nanoseconds reach"):
        BarStore.read(tmp_path / "a.parquet")
    store = BarStore.read(tmp_path / "a.parquet", invalid="skip")
    assert stamps(store) == ["2024-01-12T00:00:00.000000000", "2024-01-13T00:00:00.000000000"]


def test_a_duckdb_that_cuts_times_of_type_int96_is_named(tmp_path, caplog):
    class Older:
        def __init__(self):
            self.connection = duckdb.connect()

        def execute(self, query):
            if "int96_as" in query:
                raise duckdb.BinderException('Invalid named parameter "int96_as" for function read_parquet')
            return self.connection.execute(query)

    for is_int96 in (False, True):
        path = tmp_path / "a.parquet"
        table = table_of(arrow.array([1705017600123456789] * 3, arrow.timestamp("ns")))
        parquet.write_table(table, path, use_deprecated_int96_timestamps=is_int96)
        _, names = parquet_scan(Older(), DataFile(path), Source(path, is_parquet=True))
        assert names == ["symbol", "time", "open", "high", "low", "close", "volume"]
        assert ("INT96 are cut off behind the microseconds" in caplog.text) == is_int96


@pytest.mark.parametrize(
    ("first", "second"),
    [("2024-01-02 09:30:00-05:00", "2024-01-03 09:30:00"), ("2024-01-02 09:30:00", "2024-01-03 09:30:00-05:00")],
)
def test_times_with_an_offset_and_without_a_zone_are_not_mixed(first, second, tmp_path):
    (tmp_path / "a.csv").write_text(f"{NAMES}{first},1,1,1,1,1\n{second},1,1,1,1,1\n")
    said = f"'{second}' is not a date and time, or not written like those before it"
    with pytest.raises(ValueError, match=f"A, line 3: column 'date': {said}"):
        BarStore.read(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=f"A: column 'date', row 1: {said}"):
        BarStore().load("A", pd.read_csv(tmp_path / "a.csv"))


@pytest.mark.parametrize("utc", ["2024-01-02 14:30:00Z", "2024-01-02 14:30:00+00:00", "2024-01-02 14:30:00 UTC"])
@pytest.mark.parametrize("other", ["2024-01-03 09:30:00-05:00", "2024-01-03 14:30:00"])
def test_times_of_utc_go_with_others(utc, other, tmp_path):
    (tmp_path / "a.csv").write_text(f"{NAMES}{utc},1,1,1,1,1\n{other},1,1,1,1,1\n")
    store = BarStore()
    store.load("A", pd.read_csv(tmp_path / "a.csv"))
    for read in (store, BarStore.read(tmp_path / "a.csv")):
        assert stamps(read) == ["2024-01-02T14:30:00.000000000", "2024-01-03T14:30:00.000000000"]


def test_times_of_day_of_taq(tmp_path):
    row = "20240102,9:30:00.123456789,AAPL,1,2,1,1.5,10"
    (tmp_path / "taq.csv").write_text(f"DATE,TIME_M,SYM_ROOT,OPEN,HIGH,LOW,CLOSE,VOLUME\n{row}\n")
    assert stamps(BarStore.read(tmp_path / "taq.csv"), "AAPL") == ["2024-01-02T09:30:00.123456789"]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize("kind", [lambda moment: moment, pd.Timestamp])
def test_moments_with_an_offset_and_without_a_zone_are_not_mixed(order, kind):
    aware = datetime(2024, 1, 2, 9, 30, tzinfo=timezone(timedelta(hours=-5)))
    both = [kind(aware), kind(datetime(2024, 1, 2, 9, 30))]
    table = {"date": [None, *(both[at] for at in order)], **PRICES}
    said = f"A: column 'date', row {1 + order.index(1)}: 2024-01-02 09:30:00 is without a zone, and others have"
    for data in (table, pd.DataFrame(table, dtype=object)):
        with pytest.raises(ValueError, match=said):
            BarStore().load("A", data, invalid="skip")


def test_moments_of_utc_go_with_others():
    store = BarStore()
    moments = [datetime(2024, 1, 2), datetime(2024, 1, 3, tzinfo=UTC), date(2024, 1, 4)]
    store.load("A", {"date": moments, **PRICES})
    assert stamps(store) == [f"2024-01-0{day}T00:00:00.000000000" for day in (2, 3, 4)]


@pytest.mark.parametrize("scale", [0, 9])
def test_decimals_are_not_rounded(scale, tmp_path):
    """A float64 has not all nanoseconds since 1970."""
    moments = [Decimal(1704187800000000001), Decimal(1704187800000000002)]
    column = arrow.array(moments if not scale else [each / 10**9 for each in moments], arrow.decimal128(38, scale))
    table = arrow.table({"time": column, **{name: [1.0, 1.0] for name in PRICES}})
    parquet.write_table(table, tmp_path / "a.parquet")
    ways = [lambda store: store.load("A", table), lambda store: store.load("A", table.to_pylist())]
    ways.append(lambda store: store.load("A", pl.from_arrow(table)))
    for way in ways:
        store = BarStore()
        if scale:
            with pytest.raises(ValueError, match=r"A: column 'time', row 0: .*1704187800\.000000001.* has a fraction"):
                way(store)
        else:
            way(store)
            assert store.bars("A")["timestamp"].astype(np.int64).tolist() == list(map(int, moments))
    if scale:
        with pytest.raises(
            ValueError, match=r"A, row 1: column 'time': '1704187800\.000000001' is not a date and time"
        ):
            BarStore.read(tmp_path / "a.parquet")
    else:
        times = BarStore.read(tmp_path / "a.parquet").bars("A")["timestamp"]
        assert times.astype(np.int64).tolist() == list(map(int, moments))


def test_times_of_a_dictionary_are_left_out_like_others():
    moments = arrow.array([1704187800000, 253402300799000, 1704187860000, 1704187800000], arrow.timestamp("ms"))
    table = arrow.table({"time": moments.dictionary_encode()[:3], **{name: [1.0] * 3 for name in PRICES}})
    with pytest.raises(ValueError, match="column 'time', row 1: 253402300799000 ms is out of range"):
        BarStore().load("A", table)
    store = BarStore()
    assert store.load("A", table, invalid="skip") == 1
    assert store.bars("A")["timestamp"].astype(str).tolist() == [
        "2024-01-02T09:30:00.000000000",
        "2024-01-02T09:31:00.000000000",
    ]
