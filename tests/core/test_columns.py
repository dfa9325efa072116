"""Tables of every shape into nanoseconds and float64: names, kinds of values, and what the messages name."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ziggy_async.reading.columns import read_bars, read_table
from ziggy_async.reading.epochs import NAT
from ziggy_async.reading.options import Rules
from ziggy_async.reading.roles import match_columns
from ziggy_async.reading.spellings import PRICE_COLUMNS
from ziggy_async.reading.timestamps import to_ns

DAY = 86_400 * 10**9


def table(**changes):
    columns = {"timestamp": np.array(["2020-01-01", "2020-01-02"], "M8[D]"), "volume": [10.0, 0.0]}
    columns |= {"open": [1.0, 2.0], "high": [3.0, 4.0], "low": [0.5, 1.5], "close": [2.0, 3.0]}
    return columns | changes


def timestamps(column, unit=None):
    return read_bars(table(timestamp=column), "A", Rules(unit=unit)).timestamp.tolist()


EXPECTED = [to_ns("2020-01-01"), to_ns("2020-01-02")]


@pytest.mark.parametrize(
    "data",
    [
        table(),
        pd.DataFrame(table()),
        pd.DataFrame(table()).convert_dtypes(),
        pd.DataFrame(table()).set_index("timestamp"),
        pd.DataFrame(table()).set_index("timestamp").rename_axis(None),
        pd.DataFrame(table()).set_index("timestamp").rename_axis("when"),
        pd.DataFrame(table()).set_index(pd.Index([date(2020, 1, 1), date(2020, 1, 2)])).drop(columns="timestamp"),
        pd.concat({"SPY": pd.DataFrame(table()).set_index("timestamp")}, axis=1),
        pd.concat({"SPY": pd.DataFrame(table()).set_index("timestamp")}, axis=1).swaplevel(axis=1),
        pd.DataFrame(table()).set_index("timestamp").tz_localize("UTC").tz_convert("Asia/Tokyo"),
        pd.DataFrame(table()).astype({"timestamp": "datetime64[s]"}),
        pd.DataFrame(table()).convert_dtypes(dtype_backend="pyarrow"),
        pl.DataFrame(table()),
        pa.table(table()),
        pa.record_batch(pa.table(table()).to_batches()[0]),
        np.rec.fromarrays(list(table().values()), names=list(table())),
        {name: pl.Series(column) for name, column in table().items()},
        {name: pd.Series(column) for name, column in table().items()},
        {name: np.ma.masked_array(column) for name, column in table().items()},
    ],
)
def test_the_same_bars_from_every_kind_of_table(data) -> None:
    bars = read_bars(data, "A")
    assert bars.timestamp.tolist() == EXPECTED
    assert bars.timestamp.dtype == np.int64
    for name in PRICE_COLUMNS:
        column = getattr(bars, name)
        assert column.dtype == np.float64
        assert column.flags.c_contiguous
        assert column.tolist() == table()[name]


def test_columns_need_not_be_contiguous() -> None:
    both = np.arange(1.0, 5.0).reshape(2, 2)
    close = read_bars(table(close=both[:, 0]), "A").close
    assert close.tolist() == [1.0, 3.0]
    assert close.flags.c_contiguous


@pytest.mark.parametrize(
    "name",
    [
        *("Date", "DATETIME", "time", "ts", "t", " Timestamp ", "open_time", "Open Time", "timestamp_ms"),
        *("Opening time", "Datum/Zeit"),
    ],
)
def test_spellings_of_the_timestamp(name) -> None:
    columns = table()
    columns[name] = columns.pop("timestamp")
    assert read_bars(columns, "A").timestamp.tolist() == EXPECTED


def test_spellings_of_the_others() -> None:
    for names in (
        ["t", "O", "High Price", "low_price", "C", "Vol", "Ticker"],
        ["date", "Open", "High", "Low", "Close/Last", "Vol.", "SYM"],
    ):
        roles = match_columns([*names, "adj close", "close_time", "extra"])
        assert roles == dict(zip(["timestamp", "open", "high", "low", "close", "volume", "symbol"], names, strict=True))


@pytest.mark.parametrize("spelling", ["Adj Close", "adj_close", "adjusted close", "AdjClose", "Adj. Close"])
def test_an_adjusted_close_is_no_close(spelling) -> None:
    columns = table()
    columns[spelling] = columns.pop("close")
    with pytest.raises(ValueError, match=f"no column for close: .*; columns found: .*{spelling}"):
        read_bars(columns, "A")


@pytest.mark.parametrize("name", ["Close", "c", "close_price"])
def test_two_columns_of_one_role(name) -> None:
    with pytest.raises(ValueError, match=f"'close' and '{name}' stand for close: say which, .*; .* found: .*volume"):
        read_bars(table(**{name: [1.0, 2.0]}), "A")


def test_two_columns_of_one_name() -> None:
    frame = pd.DataFrame(table())
    with pytest.raises(ValueError, match="A: two columns are called 'close'"):
        read_bars(pd.concat([frame, frame[["close"]]], axis=1), "A")
    arrow = pa.table(table(symbol=["A", "A"]))
    twice = arrow.append_column("symbol", arrow["symbol"])
    with pytest.raises(
        ValueError, match=r"two columns are called 'symbol': columns=.* 'symbol \(column 8\)' is the oth"
    ):
        read_table(twice)
    assert read_table(twice, "symbol").symbols == ["A"]
    frame = pd.concat([frame, frame[["close"]] - 0.5], axis=1)
    assert read_bars(frame, "A", Rules(columns={"close": "close"})).close.tolist() == table()["close"]
    second = read_bars(frame, "A", Rules(columns={"close": "close (column 7)"}))
    assert second.close.tolist() == [close - 0.5 for close in table()["close"]]


@pytest.mark.parametrize("of", [lambda columns: pd.concat(columns, axis=1), pa.table])
def test_other_columns_may_repeat_their_name(of) -> None:
    if of is pa.table:
        columns = table()
        data = pa.table(
            [*map(pa.array, columns.values()), pa.array(["x", "y"]), pa.array([1, 2])], [*columns, "n", "n"]
        )
    else:
        frame = pd.DataFrame(table(n=[1, 2]))
        data = pd.concat([frame, frame[["n"]]], axis=1)
    assert read_bars(data, "A").timestamp.tolist() == EXPECTED


FAR = pa.array([0, 10**10], pa.timestamp("s"))


def test_arrow_columns_that_cannot_be_read_fail_who_needs_them() -> None:
    extra = {"far": FAR, "large": pa.array([1, 2**64 - 1], pa.uint64()), "truth": pa.array([True, None])}
    assert read_bars(pa.table(table(**extra)), "A").timestamp.tolist() == EXPECTED
    assert read_table(pa.table(table(symbol=["A", "B"], **extra))).symbols == ["A", "B"]
    with pytest.raises(ValueError, match=r"^A: column 'timestamp', row 1: 10000000000 s is out of range"):
        read_bars(pa.table(table(timestamp=FAR)), "A")
    with pytest.raises(ValueError, match=r"^B: column 'timestamp', row 1: 10000000000 s is out of range"):
        read_table(pa.table(table(timestamp=FAR, symbol=["A", "B"])))


def test_large_unsigned_numbers_are_the_same_from_arrow_and_from_a_mapping() -> None:
    volume = np.array([1, 2**64 - 1], np.uint64)
    for data in (table(volume=volume), pa.table(table(volume=volume)), pl.DataFrame(table(volume=volume))):
        assert read_bars(data, "A").volume.tolist() == [1.0, 2.0**64]


@pytest.mark.parametrize("of", [dict, pa.table, pl.DataFrame, pd.DataFrame])
def test_whole_numbers_with_a_missing_one(of) -> None:
    number = {pa.table: pa.array, pl.DataFrame: pl.Series}.get(of, lambda v: pd.array(v, "Int64"))
    data = of(table(timestamp=number([EXPECTED[0] + 1, None]), volume=number([7, None])))
    bars = read_bars(data, "A", Rules(unit="ns"))
    assert bars.timestamp.tolist() == [EXPECTED[0] + 1, NAT]
    assert bars.volume[0] == 7
    assert np.isnan(bars.volume[1])


@pytest.mark.parametrize("name", ["close", "volume"])
@pytest.mark.parametrize(
    ("of", "column"),
    [
        (dict, np.array([True, False])),
        (dict, np.ma.masked_array([True, False], [True, False])),
        (dict, [True, False]),
        (dict, [1.0, True]),
        (dict, [1.0, np.True_]),
        (pa.table, pa.array([True, None])),
        (pl.DataFrame, [True, None]),
        (pd.DataFrame, [True, False]),
        (pd.DataFrame, [True, None]),
        (pd.DataFrame, pd.array([True, None], "boolean")),
    ],
)
def test_booleans_are_no_numbers(of, column, name) -> None:
    with pytest.raises(TypeError, match=rf"^A: column '{name}'.* boolean"):
        read_bars(of(table(**{name: column})), "A")


def test_the_symbol_is_in_front_where_columns_are_missing() -> None:
    columns = table()
    del columns["close"]
    with pytest.raises(ValueError, match=r"^ACME: no column for close"):
        read_bars(columns, "ACME")


@pytest.mark.parametrize("of", [dict, pa.table, pl.DataFrame, pd.DataFrame])
def test_several_symbols_are_not_merged(of) -> None:
    with pytest.raises(ValueError, match=r"^ACME: column 'Ticker' holds 2 symbols: 'A', 'B'; load_frame"):
        read_bars(of(table(Ticker=["A", "B"], code=[1, 2])), "ACME")
    assert (
        read_bars(of(table(ticker=["A", "A"], code=[1, 2], instrument=["x", "y"])), "A").timestamp.tolist() == EXPECTED
    )


@pytest.mark.parametrize("of", [dict, pa.table, pl.DataFrame, pd.DataFrame])
@pytest.mark.parametrize("name", ["instrument_id", "secid", "instrument_token", "code"])
def test_codes_of_several_instruments_are_not_merged(of, name) -> None:
    with pytest.raises(ValueError, match=rf"^ACME: column '{name}' holds 2 symbols: 7, 8; load_frame"):
        read_bars(of(table(**{name: [7, 8]})), "ACME")
    assert read_bars(of(table(**{name: [7, 7]})), "ACME").timestamp.tolist() == EXPECTED


def test_at_most_three_of_several_symbols_are_named() -> None:
    columns = {name: list(column) * 2 for name, column in table(symbol=["A", "B"]).items()}
    columns["symbol"] = ["A", "B", "C", "D"]
    with pytest.raises(ValueError, match=r"holds 4 symbols: 'A', 'B', 'C', \.\.\.;"):
        read_bars(columns, "A")


@pytest.mark.parametrize(
    "column",
    [
        ["2020-01-01", "2020-01-02T00:00:00Z"],
        ["2020-01-01 09:00:00+09:00", "2020-01-02"],
        [b"2020-01-01", b"2020-01-02"],
        np.array(["2020-01-01", "2020-01-02"]),
        [date(2020, 1, 1), datetime(2020, 1, 2)],
        [datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, 19, tzinfo=timezone(timedelta(hours=-5)))],
        [np.datetime64("2020-01-01"), np.datetime64("2020-01-02T00", "h")],
        [pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02", tz="UTC")],
        pa.array(["2020-01-01", "2020-01-02"]),
        *(np.array(["2020-01-01", "2020-01-02"], f"M8[{unit}]") for unit in ("D", "h", "m", "s", "ms", "us", "ns")),
    ],
)
def test_kinds_of_timestamps(column) -> None:
    assert timestamps(column) == EXPECTED


@pytest.mark.parametrize(("unit", "factor"), [("ns", 1), ("us", 10**3), ("ms", 10**6), ("s", 10**9)])
@pytest.mark.parametrize("of", [list, np.array, lambda v: np.array(v, np.uint64), lambda v: pd.array(v, "Int64")])
def test_whole_numbers_with_their_unit(unit, factor, of) -> None:
    column = of([value // factor for value in EXPECTED])
    assert timestamps(column, unit) == timestamps(column) == EXPECTED


def test_nanoseconds_survive() -> None:
    assert to_ns("2020-01-01T00:00:00.123456789Z") == EXPECTED[0] + 123_456_789
    assert to_ns("2020-01-01T00:00:00.1234567") == EXPECTED[0] + 123_456_700
    assert to_ns(pd.Timestamp(EXPECTED[0] + 7)) == EXPECTED[0] + 7
    assert to_ns(datetime(1969, 12, 31, 23, 59, 59, 999_999)) == -1000


@given(st.datetimes(datetime(1678, 1, 1), datetime(2262, 1, 1)))
def test_datetimes_as_numpy_reads_them(moment) -> None:
    expected = int(np.datetime64(moment, "us").astype(np.int64)) * 1000
    assert to_ns(moment) == to_ns(moment.isoformat()) == to_ns(np.datetime64(moment)) == expected


@pytest.mark.parametrize("missing", [None, np.datetime64("NaT", "ns"), pd.NaT, float("nan")])
def test_missing_timestamps_are_left_to_the_core(missing) -> None:
    assert timestamps(["2020-01-01", missing]) == [EXPECTED[0], NAT]


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        (["2020-01-01", "1600-01-01"], None),
        ([date(2020, 1, 1), date(2300, 1, 1)], None),
        (np.array(["2020-01-01", "2300-01-01"], "M8[D]"), None),
        (np.array([1, 2**62], "M8[Y]"), None),
    ],
)
def test_out_of_range_names_the_row(column, unit) -> None:
    with pytest.raises(ValueError, match=r"A: column 'timestamp', row 1: .*out of range"):
        timestamps(column, unit)


@pytest.mark.parametrize(
    ("value", "fault"),
    [("soon", "'soon' is not a date and time"), (1.5, "1.5 is not a timestamp"), (True, "True is no")],
)
def test_no_timestamp_names_the_row(value, fault) -> None:
    with pytest.raises(ValueError, match=rf"A: column 'timestamp', row 1: {fault}"):
        timestamps(["2020-01-01", value])


SECONDS = 1_577_836_800
"""2020-01-01, UTC."""


@pytest.mark.parametrize(
    "of", [list, np.array, lambda v: np.array(v, np.uint64), lambda v: np.array(v, float), pa.array]
)
@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
def test_whole_numbers_are_in_the_one_unit_that_fits(of, factor) -> None:
    column = of([value // 10**9 * factor for value in EXPECTED])
    data = pa.table(table(timestamp=column)) if of is pa.array else table(timestamp=column)
    assert read_bars(data, "A").timestamp.tolist() == EXPECTED
    texts = [str(value // 10**9 * factor) for value in EXPECTED]
    assert timestamps(texts) == EXPECTED


@pytest.mark.parametrize(
    ("column", "unit", "row", "fault"),
    [
        ([SECONDS * 1000, SECONDS * 10**6], None, 1, "is a time in us, those before it are in ms"),
        ([SECONDS * 1000, SECONDS * 10**6], "ms", 1, "ms is outside of the years 1975 to 2100; in us it is 2020-01-01"),
        ([SECONDS * 1000, SECONDS * 1000], "us", 0, "us is outside of the years 1975 to 2100; in ms it is 2020-01-01"),
        ([SECONDS, 5], None, 1, "5 is not a time in s of the years 1975 to 2100, as the others are"),
        ([5, 6], None, 0, "5 is not a time in s, ms, us or ns of the years 1975 to 2100, nor a date"),
        ([0, SECONDS], "s", 0, "0 s is outside of the years 1975 to 2100"),
        ([SECONDS, 10**30], "s", 1, "is out of range: nanoseconds reach from 1677-09-21 to 2262-04-11"),
        ([SECONDS, 4_133_980_800], "s", 1, "4133980800 s is outside of the years 1975 to 2100"),
        (
            [20200101, 20200132],
            None,
            1,
            "20200132 is not a time in s, ms, us or ns of the years 1975 to 2100, nor a date",
        ),
    ],
)
def test_whole_numbers_of_no_or_several_units(column, unit, row, fault) -> None:
    columns = [column] if 10**30 in column else [column, np.array(column), np.array(column, float)]
    for each in columns:
        with pytest.raises(ValueError, match=rf"A: column 'timestamp', row {row}: .*{fault}"):
            timestamps(each, unit)


@pytest.mark.parametrize("of", [list, np.array, lambda v: np.array(v, float), lambda v: list(map(str, v))])
def test_digits_of_dates(of) -> None:
    assert timestamps(of([20200101, 20200102])) == EXPECTED
    assert timestamps(of([20200101120000, 20200102233059])) == [
        EXPECTED[0] + DAY // 2,
        EXPECTED[1] + DAY - 1741 * 10**9,
    ]
    assert timestamps(of([19000101, 20200102]))[1] == EXPECTED[1]


@pytest.mark.parametrize("kind", ["f2", "f4"])
def test_floats_that_have_not_every_whole_number_are_no_times(kind) -> None:
    days = [60_000] if kind == "f2" else [20240112]
    for column in (np.array(days, kind), pd.Series(days, dtype=kind), list(np.array(days, kind))):
        with pytest.raises(ValueError, match=r"column 'ts', row 0: \d+(\.0)? may be rounded, as float(16|32) has not"):
            read_bars({"ts": column, **{name: [1.0] for name in PRICE_COLUMNS}}, "A")


def test_digits_that_are_a_date_and_a_time_are_refused_with_both() -> None:
    column = np.array([202001010930, 202001010931])
    with pytest.raises(
        ValueError, match=r"202001010930 is 1976-05-26 .* in ms, or the date 2020-01-01 09:30:00: say unit="
    ):
        timestamps(column)
    assert timestamps(column, "ms")[0] == 202001010930 * 10**6
    assert read_bars(table(timestamp=column), "A", Rules(dates="ymd")).timestamp[0] == EXPECTED[0] + 34_200 * 10**9


def test_unknown_unit() -> None:
    with pytest.raises(ValueError, match="unit: 'minutes' is none of"):
        timestamps([1, 2], "minutes")


@pytest.mark.parametrize("value", ["abc", "12.5x", [1.0], 1j, datetime(2020, 1, 1), 10**400])
def test_no_number_names_column_row_and_value(value) -> None:
    with pytest.raises(ValueError, match=r"A: column 'close', row 1: .* is not a number"):
        read_bars(table(close=[2.0, value]), "A")


@pytest.mark.parametrize("column", [pa.array(["x", "y"]), np.array(["x", "y"]), pd.Series(["x", "y"])])
def test_text_is_no_number(column) -> None:
    with pytest.raises(ValueError, match="A: column 'close', row 0: 'x' is not a number"):
        read_bars(table(close=column), "A")


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_missing_numbers_are_left_to_the_core(missing) -> None:
    close = read_bars(table(close=[2.0, missing]), "A").close
    assert close[0] == 2.0
    assert np.isnan(close[1])


def test_numbers_of_other_kinds() -> None:
    assert read_bars(table(close=[Decimal("1.25"), 3]), "A").close.tolist() == [1.25, 3.0]


def test_masked_values_are_missing() -> None:
    mask = [False, True]
    bars = read_bars(
        table(
            timestamp=np.ma.masked_array(table()["timestamp"].astype("M8[ns]"), mask),
            close=np.ma.masked_array([1.0, 2.0], mask),
            volume=np.ma.masked_array([1, 2], mask),
        ),
        "A",
    )
    assert bars.timestamp.tolist() == [EXPECTED[0], NAT]
    assert np.isnan([bars.close, bars.volume]).tolist() == [mask, mask]


def test_shapes() -> None:
    with pytest.raises(ValueError, match=r"A: column 'close' has shape \(2, 1\); .*, such as close\[:, 0\]$"):
        read_bars(table(close=np.ones((2, 1))), "A")
    with pytest.raises(ValueError, match=r"no column for open: .*names one, since 'open' is taken for close"):
        read_bars(table(), "A", Rules(columns={"close": "open"}))
    with pytest.raises(ValueError, match=r"A: columns differ in length: .*'close' 3.*; every row needs one of each"):
        read_bars(table(close=[1.0, 2.0, 3.0]), "A")
    with pytest.raises(ValueError, match="A: the table has no rows"):
        read_bars({name: [] for name in table()}, "A")


@pytest.mark.parametrize("data", [None, 5, "bars.csv", [1, 2], pd.Series([1.0])])
def test_no_table(data) -> None:
    with pytest.raises(TypeError, match=r"table|not a row of bars"):
        read_bars(data, "A")


def test_names_of_columns_that_are_no_mapping() -> None:
    with pytest.raises(TypeError, match=r"columns: \['close'\] is not a mapping, as \{'close': 'adjClose'\} is"):
        Rules(columns=["close"])  # type: ignore[arg-type]


def test_arrow_types_that_are_no_figures() -> None:
    with pytest.raises(TypeError, match="A: column 'close': Arrow type '\\+l' is neither"):
        read_bars(pa.table(table(close=pa.array([[1.0], [2.0]]))), "A")


SYMBOLS = ["B", "A"]


@pytest.mark.parametrize("name", ["symbol", "Ticker", "SYM", "code", "instrument"])
@pytest.mark.parametrize(
    "of", [pd.DataFrame, pl.DataFrame, pa.table, dict, lambda columns: pd.DataFrame(columns).astype({"volume": int})]
)
def test_long_tables(name, of) -> None:
    found = read_table(of(table(**{name: SYMBOLS})))
    assert [found.symbols[code] for code in found.codes] == SYMBOLS
    assert found.codes.dtype == np.int32
    assert found.bars.timestamp.tolist() == EXPECTED


@pytest.mark.parametrize("values", [SYMBOLS, pd.Categorical(SYMBOLS), np.array(SYMBOLS)])
def test_kinds_of_symbol_columns(values) -> None:
    found = read_table({**table(), "symbol": pd.Series(values)})
    assert [found.symbols[code] for code in found.codes] == SYMBOLS


def test_an_index_of_symbol_and_time() -> None:
    frame = pd.DataFrame(table(symbol=SYMBOLS)).set_index(["symbol", "timestamp"])
    found = read_table(frame)
    assert [found.symbols[code] for code in found.codes] == SYMBOLS
    assert found.bars.timestamp.tolist() == EXPECTED


def test_a_named_symbol_column_stands_before_the_others() -> None:
    found = read_table(table(symbol=["x", "y"], Firm=SYMBOLS), "Firm")
    assert found.symbols == SYMBOLS
    with pytest.raises(ValueError, match=r"no column 'firm'; columns found: .*Firm"):
        read_table(table(Firm=SYMBOLS), "firm")


@pytest.mark.parametrize("levels", [["Firm", "timestamp"], ["timestamp", "Firm"], ["Firm"]])
def test_a_level_of_the_index_may_be_the_symbol_column(levels) -> None:
    frame = pd.DataFrame(table(symbol=["x", "y"], Firm=SYMBOLS)).set_index(levels)
    found = read_table(frame, "Firm")
    assert [found.symbols[code] for code in found.codes] == SYMBOLS
    assert found.bars.timestamp.tolist() == EXPECTED
    with pytest.raises(ValueError, match="no column 'wkn'"):
        read_table(frame, "wkn")


def test_messages_name_the_rows_symbol() -> None:
    with pytest.raises(ValueError, match=r"^A: column 'close', row 1: 'x' is not a number"):
        read_table(table(symbol=SYMBOLS, close=[1.0, "x"]))
    with pytest.raises(ValueError, match="no symbol column"):
        read_table(table())
    with pytest.raises(ValueError, match="column 'symbol', row 1: 5 is not text"):
        read_table(table(symbol=["A", 5]))


@pytest.mark.parametrize("of", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_rows_without_a_symbol(of) -> None:
    found = read_table(of(table(symbol=["A", None])))
    with pytest.raises(ValueError, match="row 1 has no symbol"):
        found.without_nameless_rows(skip=False)
    named, skipped = found.without_nameless_rows(skip=True)
    assert skipped == 1
    assert named.bars.timestamp.tolist() == EXPECTED[:1]
