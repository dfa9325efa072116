"""CSV and Parquet files into a store: what they may look like, and what is said about those that cannot be read."""

import gzip
import os
import re
from pathlib import Path

import duckdb
import numpy as np
import pytest
from reference.bars import data_folder

from ziggy_async.reading.files import load_files
from ziggy_async.reading.options import Rules
from ziggy_async.reading.paths import DataFile, DataFileError, found_files
from ziggy_async.store import BarStore

REAL_BARS = data_folder()
HEADER = "date,open,high,low,close,volume"
FIGURES = "10,12,9,11,500"


def table(*days, header=HEADER, figures=FIGURES):
    return "\n".join([header, *(f"{day},{figures}" for day in days)]) + "\n"


def load(*arguments, **options):
    """The store and the symbols of these files, as on the command line."""
    store = BarStore(20_000)
    return store, load_files(store, found_files(map(str, arguments)), Rules(**options))[0]


def fault(*arguments, **options):
    with pytest.raises(DataFileError) as caught:
        load(*arguments, **options)
    text = str(caught.value)
    assert "\n" not in text
    return text


def days_of(store, symbol):
    return [str(day) for day in store.bars(symbol)["timestamp"].astype("datetime64[D]")]


@pytest.fixture
def write(tmp_path):
    """Writes text or bytes under a name and returns the path."""

    def write(content, name="abc_daily.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_symbol_is_the_start_of_the_name(write):
    store, symbols = load(write(table("2020-01-02", "2020-01-03")))
    assert symbols == ["ABC"]
    assert days_of(store, "ABC") == ["2020-01-02", "2020-01-03"]
    bars = store.bars("ABC")
    assert [bars[name][0] for name in ("open", "high", "low", "close", "volume")] == [10, 12, 9, 11, 500]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("spy_daily.csv", "SPY"),
        ("BRK.B.csv", "BRK.B"),
        ("brk.b_daily (1).csv.gz", "BRK.B"),
        ("005930.KS.parquet", "005930.KS"),
        ("^GSPC.CSV", "^GSPC"),
        ("BTC-USD.txt.zst", "BTC-USD"),
        ("AAPL (1).csv", "AAPL"),
        ("BTCUSDT-1h-2023-10-27.csv", "BTCUSDT"),
        ("BTC-2023-10-27.csv", "BTC"),
        ("AAPL-2024-01.csv", "AAPL"),
        ("SPY - Copy (2).csv", "SPY"),
        ("Binance_BTCUSDT_d.csv", "BTCUSDT"),
        ("Bitstamp_BTCUSD_2020_minute.csv", "BTCUSD"),
        ("NSE_RELIANCE-EQ.csv", "RELIANCE"),
        ("NYSE_T.csv", "T"),
        ("BSE_500325.csv", "500325"),
        ("BSE_DAILY.csv", "BSE"),
        ("BSE_20240112.csv", "BSE"),
        ("NSE_1D.csv", "NSE"),
        ("nasdaq_daily.csv", "NASDAQ"),
        ("Download Data - STOCK_US_XNAS_AAPL.csv", "AAPL"),
        ("Bitcoin_1_1_2024-1_12_2024_historical_data_coinmarketcap.csv", "BITCOIN"),
        ("Apple Stock.zip", "APPLE STOCK"),
        ("_x.csv", "_X"),
        ("spy.data", "SPY.DATA"),
        ("daily_IBM.csv", "IBM"),
        ("daily_adjusted_IBM.csv", "IBM"),
        ("intraday_5min_BRK.B.csv", "BRK.B"),
        ("NASDAQ_AAPL, 1D.csv", "AAPL"),
        ("FX_IDC_EURUSD, 60 (2).csv", "EURUSD"),
        ("SPY,1D.csv", "SPY"),
        ("SPY 1 min.csv", "SPY"),
        ("ohlcv_AAPL.csv", "AAPL"),
        ("eurusd-h1-bid-2024-01-01-2024-05-01.csv", "EURUSD"),
        ("DAT_ASCII_EURUSD_M1_2024.csv", "EURUSD"),
        ("HISTDATA_COM_ASCII_EURUSD_M1_2024.zip", "EURUSD"),
        ("spy-2024-01-01-2024-02-01.csv", "SPY"),
        ("ES 03-24.Last.txt", "ES 03-24"),
        ("BTC-USDT-candlesticks-2024-01-02.zip", "BTC-USDT"),
        ("Quote-Equity-BAJAJ-AUTO-EQ-02-01-2024-to-02-03-2024.csv", "BAJAJ-AUTO"),
        ("AAPL Historical Data.csv", "AAPL"),
        ("LVMH - Donne\u0301es Historiques.csv", "LVMH"),
        ("600519历史数据.csv", "600519"),
        ("Прошлые данные - SBER.csv", "SBER"),
    ],
)
def test_the_symbol_in_a_name_ends_with_the_endings_of_files(name, symbol):
    assert DataFile(Path(name)).symbol_of_name() == symbol


@pytest.mark.parametrize(
    "name", ["HistoricalData_17.csv", "HistoricalPrices (1).csv", "2024-01-12.csv", "2024-01 - Copy"]
)
def test_a_name_that_says_no_symbol(write, name):
    path = write(table("2020-01-02"), name)
    with pytest.raises(DataFileError, match="has no symbol in its name; say whose bars they are with SYMBOL=path"):
        BarStore.read(path)
    assert BarStore.read(f"SPY={path}").symbols() == ["SPY"]


@pytest.mark.parametrize(
    ("text", "path", "symbol"),
    [
        ("a.csv", "a.csv", None),
        ("SPY=a.csv", "a.csv", "SPY"),
        ("^VIX=d/a=b.csv", "d/a=b.csv", "^VIX"),
        ("d/a=b.csv", "d/a=b.csv", None),
        ("a=b.csv", "a=b.csv", None),
        ("-", "-", None),
        ("SPY=-", "-", "SPY"),
    ],
)
def test_arguments(text, path, symbol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    for name in ("a.csv", "a=b.csv", "d/a=b.csv"):
        (tmp_path / name).touch()
    assert found_files([text]) == [DataFile(Path(path), symbol)]


@pytest.mark.parametrize("text", ["=a.csv", "SPY="])
def test_arguments_that_are_none(text):
    with pytest.raises(DataFileError, match="neither a path nor SYMBOL=path"):
        found_files([text])


def test_an_empty_path_is_not_the_folder_one_is_in():
    with pytest.raises(DataFileError, match="an empty path names no file"):
        BarStore.read("")


@pytest.mark.parametrize("name", ["x" * 10**6, "A=" + "x" * 10**6, "x" * 10**6 + "*.csv"])
def test_a_path_that_is_too_long_is_cut(name):
    with pytest.raises(DataFileError, match=r"x\.\.\.: (File name too long|no files of bars .* there)$") as caught:
        BarStore.read(name)
    assert len(str(caught.value)) < 300


def test_a_path_with_an_equals_sign_is_a_path(write, monkeypatch):
    monkeypatch.chdir(write(table("2020-01-02"), "k=1_x.csv").parent)
    assert load("k=1_x.csv")[1] == ["K=1"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["2020-02-01", "2020-02-03"], ["2020-02-01", "2020-02-03"]),
        (["2020/02/01"], ["2020-02-01"]),
        (["20200201"], ["2020-02-01"]),
        (["1/30/1990", "2/1/1990"], ["1990-01-30", "1990-02-01"]),
        (["01/30/17", "02/01/17"], ["2017-01-30", "2017-02-01"]),
        (["01-30-2017"], ["2017-01-30"]),
        (["03/04/2020", "13/04/2020"], ["2020-04-03", "2020-04-13"]),
        (["12/31/69"], ["1969-12-31"]),
    ],
)
def test_days(write, days, expected):
    store, _ = load(write(table(*days)))
    assert days_of(store, "ABC") == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2020-12-15 09:30", "2020-12-15T09:30"),
        ("2020-12-15T09:30:05.25", "2020-12-15T09:30:05.25"),
        ("2020-12-15T09:30:00Z", "2020-12-15T09:30"),
        ("2020-12-15 09:30:00+02:00", "2020-12-15T07:30"),
        ("12/15/2020 9:30", "2020-12-15T09:30"),
        ("12/15/2020 1:30:07 PM", "2020-12-15T13:30:07"),
        ("12/15/20 09:30", "2020-12-15T09:30"),
    ],
)
def test_times_of_day(write, time, expected):
    store, _ = load(write(table(time)))
    assert store.bars("ABC")["timestamp"][0] == np.datetime64(expected)


def test_day_and_month_in_both_orders_is_named_by_its_line(write):
    text = fault(write(table("01/31/2020", "02/03/2020", "13/02/2020")))
    assert "abc_daily.csv: ABC, line 4: column 'date': '13/02/2020'" in text


def test_other_writing_of_a_date_later_on_is_refused(write):
    assert "ABC, line 3: column 'date': '1/2/2020'" in fault(write(table("2020-01-01", "1/2/2020")))


def test_epochs(write):
    path = write(table("1577836800", "1577923200"))
    assert days_of(load(path)[0], "ABC") == days_of(load(path, unit="s")[0], "ABC") == ["2020-01-01", "2020-01-02"]
    assert "ABC: column 'date', line 2: 1577836800 ms is outside of the years" in fault(path, unit="ms")


def test_a_unit_that_changes_is_refused_by_line(write):
    path = write(table("1735603200000", "1735689600000", "1735776000000000"))
    assert "ABC: column 'date', line 4: 1735776000000000 is a time in us, those before it are in ms" in fault(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(write, delimiter):
    store, _ = load(write(table("2020-01-02").replace(",", delimiter)))
    assert days_of(store, "ABC") == ["2020-01-02"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + table("2020-01-02").encode(),
        table("2020-01-02").replace("\n", "\r\n").encode(),
        table("2020-01-02").rstrip().encode(),
        table("2020-01-02", header="Timestamp,Open,High,Low,Close,Volume").encode(),
        table('"2020-01-02"', header='"date","open","high","low","close","volume"').encode(),
        table("2020-01-02", header=HEADER + ",adj close,", figures=FIGURES + ",11,").encode(),
        (table("2020-01-02") + "\n\n").encode(),
    ],
    ids=["byte-order mark", "CRLF", "no last line end", "capitals", "quotes", "more columns", "blank lines"],
)
def test_spellings_of_a_csv_file(write, content):
    store, _ = load(write(content))
    assert days_of(store, "ABC") == ["2020-01-02"]


def test_compressed(write):
    store, symbols = load(write(gzip.compress(table("2020-01-02").encode()), "abc_daily.csv.gz"))
    assert symbols == ["ABC"]
    assert days_of(store, "ABC") == ["2020-01-02"]


@pytest.mark.parametrize("name", ["a*_x.csv", "a[1]_x.csv", "a?_x.csv", "it's_x.csv", 'a"b_x.csv'])
def test_names_are_not_patterns(write, name):
    write(table("2020-01-02"), "a1_x.csv")
    _, symbols = load(write(table("2020-01-02"), name))
    assert symbols == [name.split("_")[0].upper()]


def test_a_symbol_column_carries_many_symbols_in_any_order(write):
    rows = ["b,2020-01-03", "A,2020-01-02", "b,2020-01-02", "A,2020-01-03"]
    store, symbols = load(write(table(*rows, header="Ticker," + HEADER)))
    assert symbols == ["b", "A"]
    assert days_of(store, "A") == days_of(store, "b") == ["2020-01-02", "2020-01-03"]


def test_symbols_that_several_files_share_get_the_bars_of_all(write):
    header = "symbol," + HEADER
    first = write(table("A,2020-01-02", "B,2020-01-02", header=header), "one.csv")
    second = write(table("A,01/03/2020", "C,01/03/2020", header=header), "two.csv")
    alone = write(table("2020-01-02"), "d_x.csv")
    store, symbols = load(first, second, alone, dates="mdy")
    assert symbols == ["A", "B", "C", "D"]
    assert days_of(store, "A") == ["2020-01-02", "2020-01-03"]
    assert days_of(store, "C") == ["2020-01-03"]


def test_shared_symbols_with_the_same_bar_are_refused_by_both_names(write):
    header = "symbol," + HEADER
    first = write(table("A,2020-01-02", header=header), "one.csv")
    second = write(table("A,2020-01-02", header=header), "two.csv")
    text = fault(first, second)
    assert "one.csv" in text
    assert "two.csv" in text
    assert "both have the bar of A at 2020-01-02" in text
    assert "leave one of the two out" in text
    assert "row" not in text
    nameless = write(table("2020-01-02"), "A_daily.csv")
    assert "SYMBOL=path" in fault(first, nameless)
    assert load(first, f"B={nameless}")[1] == ["A", "B"]


def test_two_files_of_one_symbol_need_to_be_told_apart(write):
    daily, minutes = write(table("2020-01-02"), "spy_daily.csv"), write(table("2020-01-02"), "SPY_1min.csv")
    text = fault(daily, minutes)
    assert "spy_daily.csv" in text
    assert "SPY_1min.csv" in text
    assert "SYMBOL=path" in text
    assert load(daily, f"SPY1={minutes}")[1] == ["SPY", "SPY1"]


@pytest.mark.parametrize(
    ("first", "second", "owner"), [("a.csv", "b.csv", "ABC="), ("ABC-2020-01.csv", "ABC-2020-02.csv", "")]
)
def test_files_that_are_parts_of_one_symbol(write, first, second, owner):
    early, late = write(table("2020-01-02"), first), write(table("2020-02-03"), second)
    store, symbols = load(f"{owner}{early}", f"{owner}{late}")
    assert symbols == ["ABC"]
    assert days_of(store, "ABC") == ["2020-01-02", "2020-02-03"]
    write(table("2020-01-02", "2020-02-03"), second)
    assert "both have the bar of ABC at 2020-01-02" in fault(f"{owner}{early}", f"{owner}{late}")


def test_a_given_symbol_beside_a_symbol_column_is_refused(write):
    path = write(table("A,2020-01-02", header="symbol," + HEADER))
    assert "symbol column" in fault(f"B={path}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is not a table"),
        (b"# exported by hand\n\n", "is not a table"),
        (bytes(range(256)) * 20, "neither Parquet nor text in UTF-8"),
        (b"\0\0\0\1" * 64, "is not a table"),
        (HEADER.encode() + b"\n", "no rows"),
        (b"hello\nworld\n", "hello"),
        (table("2020-01-02", header="date,open,high,low,middle,volume").encode(), "close"),
        (table("2020-01-02", header="date,open,high,low,adj close,volume").encode(), "close"),
        (table("2020-01-02", figures="10,12,9,11").encode(), "line 2 has 5 values for 6"),
        (table("2020-01-02", figures="10,12,9,11,5,6").encode(), "line 2 has 7 values for 6"),
        (
            table("2020-01-02", figures="10,12,9,n/a,5").encode(),
            "ABC, line 2: close 'n/a' is not a number",
        ),
        (table("2020-01-02", figures="10,12,9,,5").encode(), "ABC, line 2: close is missing"),
        (table("2020-01-02", "").encode(), "ABC, line 3: column 'date' has no value"),
        (table("2020-01-02", "someday").encode(), "ABC, line 3: column 'date': 'someday'"),
        (table("2020-01-02", "2020-02-30").encode(), "ABC, line 3: column 'date': '2020-02-30'"),
        (table("A,2020-01-02", ",2020-01-02", header="symbol," + HEADER).encode(), "line 3: symbol is missing"),
    ],
)
def test_faulty_csv_files(write, content, said):
    text = fault(write(content))
    assert text.count("abc_daily.csv") == 1
    assert said in text


def test_rows_that_are_no_bars_are_named_by_line(write):
    path = write(table("2020-01-02") + "\n\n" + "2020-01-03,10,12,9,0,500\n")
    text = fault(path)
    assert "ABC" in text
    assert "line 5" in text
    assert "close" in text


def test_repeated_bars_are_refused(write):
    assert "line 3" in fault(write(table("2020-01-02", "2020-01-02")))


def test_paths_that_are_no_files(tmp_path):
    assert "No such file" in fault(tmp_path / "absent.csv")
    assert "no files of bars (CSV or Parquet) there" in fault(tmp_path)
    assert "No such file" in fault(tmp_path / "absent.parquet")


def test_only_regular_files_are_read(tmp_path):
    pipe = tmp_path / "bars.csv"
    os.mkfifo(pipe)
    assert fault(pipe) == f"{pipe}: is not a regular file: copy what it holds into one"
    assert "is not a regular file" in fault("SPY=/dev/zero")


def test_what_a_message_quotes_of_a_file_is_short(write):
    for content in (table("2020-01-02", figures="10,12,9," + "x" * 5000 + ",5"), "a" * 5000 + "\nb\n"):
        path = write(content)
        assert len(fault(path)) <= len(f"{path}: ") + 300


LONG = {
    "a name": ("x" * 5_000_000 + "\n1\n", "its line 1 has more than 2000000 characters"),
    "many names": (",".join(["abc"] * 600_000) + "\n1\n", "its line 1 has more than 2000000 characters"),
    "names": (",".join(["abc"] * 60_000) + "\n1\n", "first line has more than 100000 characters: 'abc,"),
    "one name of several": (
        f"date,{'x' * 50_000},open,high,low,vol\n1,1,1,1,1,1\n",
        "no column for close: columns=.*, open, high, low, vol$",
    ),
    "a line": (table("x" * 5_000_000), "its line 2 has more than 2000000 characters"),
    "a number": (
        table("2020-01-02", figures=f"10,12,9,{'x' * 500_000},5"),
        r"ABC, row 1: close 'xxx.*\.\.\. is not a number",
    ),
    "a time": (table(f'"{"x" * 500_000}"'), r"ABC: column 'date', row 1: 'xxx.*\.\.\. is not a date"),
}


@pytest.mark.parametrize("long", list(LONG))
def test_what_is_wrong_is_said_of_long_values_too(write, long):
    content, said = LONG[long]
    text = fault(write(content))
    assert re.search(said, text)
    assert len(text) < 500


def parquet(path, select):
    duckdb.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


BARS_SELECT = "DATE '2020-01-01' + i::INT AS date, 10 AS open, 12::FLOAT AS high, 9.5 AS low, 11 AS close, i AS volume"


def test_parquet(tmp_path):
    path = parquet(tmp_path / "x.parquet", f"SELECT 'P' || (i % 3) AS sym, {BARS_SELECT} FROM range(9) t(i)")
    store, symbols = load(path)
    assert symbols == ["P0", "P1", "P2"]
    assert days_of(store, "P1") == ["2020-01-02", "2020-01-05", "2020-01-08"]


def test_parquet_is_known_by_its_first_bytes(tmp_path):
    path = parquet(tmp_path / "spy_x.data", f"SELECT {BARS_SELECT} FROM range(9) t(i)")
    assert load(path)[1] == ["SPY"]


def test_parquet_times_with_zone_are_instants(tmp_path):
    instant = "TIMESTAMPTZ '2020-01-01 00:00:00+02' + i * INTERVAL 1 DAY"
    select = BARS_SELECT.replace("DATE '2020-01-01' + i::INT", instant)
    store, _ = load(parquet(tmp_path / "spy_x.parquet", f"SELECT {select} FROM range(2) t(i)"))
    assert store.bars("SPY")["timestamp"][0] == np.datetime64("2019-12-31T22:00")


def test_parquet_rows_count_from_one(tmp_path):
    select = BARS_SELECT.replace("11 AS close", "CASE WHEN i = 4 THEN -1 ELSE 11 END AS close")
    text = fault(parquet(tmp_path / "spy_x.parquet", f"SELECT {select} FROM range(9) t(i)"))
    assert "row 5" in text
    assert "close" in text


def test_parquet_null_is_missing(tmp_path):
    select = BARS_SELECT.replace("11 AS close", "nullif(i, 2) + 10 AS close")
    assert "SPY, row 3: close is missing" in fault(
        parquet(tmp_path / "spy_x.parquet", f"SELECT {select} FROM range(9) t(i)")
    )


def test_parquet_booleans_are_no_numbers(tmp_path):
    select = BARS_SELECT.replace("11 AS close", "true AS close")
    path = parquet(tmp_path / "spy_x.parquet", f"SELECT {select} FROM range(9) t(i)")
    assert "column 'close' holds booleans" in fault(path)


def test_truncated_parquet(tmp_path, write):
    whole = parquet(tmp_path / "x.parquet", f"SELECT {BARS_SELECT} FROM range(99) t(i)").read_bytes()
    for length in (4, 12, len(whole) // 2, len(whole) - 1):
        assert "cut.parquet" in fault(write(whole[:length], "cut.parquet"))


def test_a_faulty_file_leaves_the_symbols_of_others_alone(write):
    store = BarStore()
    load_files(store, [DataFile(write(table("2020-01-02"), "old_x.csv"))], Rules())
    with pytest.raises(DataFileError):
        load_files(store, [DataFile(write(table("2020-01-03", figures="0,0,0,0,0"), "old_x.csv"))], Rules())
    assert days_of(store, "OLD") == ["2020-01-02"]


@pytest.mark.skipif(REAL_BARS is None, reason="no file of real bars")
@pytest.mark.parametrize(
    ("name", "symbol", "first", "bars"),
    [
        ("HUGE_prices.csv", "HUGE", "2017-08-16", 1246),
        ("MSFT_daily_1990_2022.csv", "MSFT", "1990-01-02", 8111),
        ("PENNY_daily_2018_2021.csv", "PENNY", "2018-12-21", 533),
        ("SPX_daily_1990_2022.csv", "SPX", "1990-01-02", 8111),
        ("SPY_1min_2020.csv", "SPY", "2020-12-15T09:30", 1564),
        ("SPY_daily_2017_2018.csv", "SPY", "2017-01-03", 502),
        ("UNSORTED_daily_2017.csv", "UNSORTED", "2016-01-18", 502),
    ],
)
def test_real_bars(name, symbol, first, bars):
    store, symbols = load(REAL_BARS / name)
    assert symbols == [symbol]
    timestamps = store.bars(symbol)["timestamp"]
    assert timestamps[0] == np.datetime64(first)
    assert len(timestamps) == bars


@pytest.mark.skipif(REAL_BARS is None, reason="no file of real bars")
def test_real_zero_prices_are_refused_by_line():
    text = fault(REAL_BARS / "ZERO_prices.csv")
    assert "ZERO" in text
    assert "line 2" in text
