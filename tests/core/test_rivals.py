"""Two columns whose names stand for one thing: refused with both where their values differ."""

import io
import re

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ziggy_async import BarStore

DAYS = ["2024-01-02", "2024-01-03"]
BARS = {"Open": [10.0, 11.0], "High": [12.0, 13.0], "Low": [9.0, 10.0], "Close": [11.0, 12.0], "Volume": [5.0, 6.0]}
TABLE = {"Date": DAYS, **BARS}


def in_a_file(table, tmp_path, **options):
    pd.DataFrame(table).to_csv(tmp_path / "a.csv", index=False)
    return BarStore.read(tmp_path / "a.csv", **options).bars("A")


def in_parquet(table, tmp_path, **options):
    pd.DataFrame(table).to_parquet(tmp_path / "a.parquet", index=False)
    return BarStore.read(tmp_path / "a.parquet", **options).bars("A")


def loaded(table, tmp_path, **options):
    store = BarStore()
    store.load("A", table, **options)
    return store.bars("A")


def in_a_frame(table, tmp_path, **options):
    return loaded(pd.DataFrame(table), tmp_path, **options)


def in_arrow(table, tmp_path, **options):
    return loaded(pa.table(table), tmp_path, **options)


def in_polars(table, tmp_path, **options):
    return loaded(pl.DataFrame(table).lazy(), tmp_path, **options)


everywhere = pytest.mark.parametrize("read", [in_a_file, in_parquet, loaded, in_a_frame, in_arrow, in_polars])
RIVALS = [
    ("close", "Close", "Price"),
    ("close", "Close", "Last"),
    ("close", "Close", "Settle"),
    ("close", "Close", "close_price"),
    ("volume", "Volume", "Vol."),
    ("volume", "Volume", "v"),
    ("volume", "Volume", "Quantidade"),
    ("volume", "Volume", "Shares"),
    ("volume", "Volume", "real_volume"),
    ("high", "High", "Max"),
    ("low", "Low", "Min"),
    ("open", "Open", "o"),
    ("timestamp", "Date", "trade_date"),
    ("timestamp", "Date", "Datetime"),
    ("timestamp", "Date", "window_start"),
    ("timestamp", "Date", "index"),
    ("timestamp", "Date", "Unnamed: 0"),
]


@everywhere
@pytest.mark.parametrize(("role", "first", "second"), RIVALS)
def test_both_are_named_where_they_differ(read, role, first, second, tmp_path):
    other = ["2023-12-29", "2024-01-02"] if role == "timestamp" else [value - 0.25 for value in TABLE[first]]
    with pytest.raises(
        ValueError, match=rf"both '{first}' and '{re.escape(second)}' stand for {role}: say which"
    ) as said:
        read(TABLE | {second: other}, tmp_path)
    assert f"columns={{'{role}': '{first}'}} (--columns {role}={first})" in str(said.value)
    if role == "timestamp":
        assert "a row has '2024-01-0" in str(said.value)
        assert str(read(TABLE | {second: other}, tmp_path, columns={role: second})[role][0])[:10] == other[0]
        return
    assert f"a row has '{TABLE[first][0]:g}" in str(said.value)
    assert read(TABLE | {second: other}, tmp_path, columns={role: second})[role].tolist() == other
    assert read(TABLE | {second: other}, tmp_path, columns={role: first})[role].tolist() == TABLE[first]


@everywhere
@pytest.mark.parametrize(("role", "first", "second"), RIVALS)
def test_either_is_taken_where_they_are_equal(read, role, first, second, tmp_path):
    bars = read(TABLE | {second: TABLE[first]}, tmp_path)
    assert str(bars["timestamp"][0])[:10] == "2024-01-02"
    assert [bars[name.lower()].tolist() for name in BARS] == list(BARS.values())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["68.18K", "1.5M"], [68_180, 1_500_000]),
        (["1,234.50", "2,000.00"], ["1234.5", "2000"]),
        (["5", "6"], ["", "6"]),
        ([5, 6], ["n/a", "-"]),
    ],
)
def test_values_are_compared_and_not_how_they_are_written(first, second, tmp_path):
    for read in (in_a_file, loaded):
        assert len(read(TABLE | {"Volume": first, "Vol.": second}, tmp_path)["volume"]) == 2


@everywhere
@pytest.mark.parametrize(
    "names",
    [
        "Date,Open,High,Low,Last,Close,Total Trade Quantity,Turnover (Lacs)",  # NSE by Quandl
        "TIMESTAMP,OPEN,HIGH,LOW,LAST,CLOSE,TOTTRDQTY,PREVCLOSE",
        "TradDt,OpnPric,HghPric,LwPric,LastPric,ClsPric,TtlTradgVol,PrvsClsgPric",
        "Date,Open Price,High Price,Low Price,Last Price,Close Price,Total Traded Quantity,Series",
        "Date,Open,High,Low,Last,Close,Number of Shares,Number of Trades",  # Euronext
        "Date ,OPEN ,HIGH ,LOW ,ltp ,close ,VOLUME ,No of trades ",
    ],
)
def test_the_last_trade_beside_the_close_of_an_exchange(read, names, tmp_path):
    columns = [DAYS, [10.0, 11.0], [12.0, 13.0], [9.0, 10.0], [11.5, 12.5], [11.0, 12.0], [5.0, 6.0], [7.0, 8.0]]
    bars = read(dict(zip(names.split(","), columns, strict=True)), tmp_path)
    assert (bars["close"].tolist(), bars["volume"].tolist()) == ([11.0, 12.0], [5.0, 6.0])


@pytest.mark.parametrize("name", ["Date", "date", "Datetime", "index", None])
@pytest.mark.parametrize("other", [DAYS, [1706745600000, 1706832000000], pd.to_datetime(DAYS)])
def test_an_index_of_times_beside_a_column(name, other):
    later = pd.DatetimeIndex(["2024-02-01", "2024-02-02"], name=name)
    frame = pd.DataFrame({"date": other, **BARS}, index=later)
    store = BarStore()
    if isinstance(other[0], int):
        store.load("A", frame)
        assert str(store.bars("A")["timestamp"][0])[:10] == "2024-02-01"
        return
    with pytest.raises(ValueError, match=r"A: both 'date' and '\w+( \(index\))?' stand for timestamp: say") as said:
        store.load("A", frame)
    assert len(store) == 0
    second = re.search(r"and '([^']*)' stand", str(said.value))[1]
    for column, day in ((second, "2024-02-01"), ("date", "2024-01-02")):
        store.load("A", frame, columns={"timestamp": column})
        assert str(store.bars("A")["timestamp"][0])[:10] == day
    store.load("A", frame.set_axis(pd.DatetimeIndex(DAYS, name=name)))
    assert str(store.bars("A")["timestamp"][0])[:10] == "2024-01-02"


@everywhere
@pytest.mark.parametrize("name", ["timestamp", "unix", "epoch"])
@pytest.mark.parametrize("ahead", [-1, 1])
@pytest.mark.parametrize("clock", [0, 5])
def test_epochs_of_another_day(read, name, ahead, clock, tmp_path):
    epochs = [1000 * (1704153600 + 86_400 * (at + ahead) + 3_600 * clock) for at in range(2)]
    with pytest.raises(
        ValueError, match=rf"column '(Date|timestamp)' is 2024-01-02, and column '({name}|epoch)' 2024-01-0"
    ):
        read({name: epochs, **TABLE}, tmp_path)
    assert read({name: epochs, **TABLE}, tmp_path, columns={"timestamp": "Date"})["close"].tolist() == BARS["Close"]


@pytest.mark.parametrize("symbols", [["A", "A"], ["A", "B"]])
def test_days_and_epochs_are_of_one_clock(symbols):
    epochs = [1704119400, 1704119400 + 90_000]  # 2024-01-01 14:30 UTC, and 25 hours later
    table = {"symbol": symbols, "unix": epochs, **TABLE, "Date": ["2024-01-02", "2024-01-02"]}
    store = BarStore()
    if symbols[0] == symbols[1]:
        with pytest.raises(
            ValueError, match=r"A: row 1: column 'Date' is 2024-01-02, and column 'unix' 2024-01-02 15:30"
        ):
            store.load_frame(table)
        return
    store.load_frame(table)
    assert store.symbols() == ["A", "B"]


@pytest.mark.parametrize("second", ["11", "10.5"])
def test_names_that_stand_twice(second, tmp_path):
    text = f"Date,Open,High,Low,Close,Close,Volume\n2024-01-02,10,12,9,11,{second},5\n"
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=r"two columns are called 'Close': .* 'Close \(column 6\)' is the other"):
        BarStore.read(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="both 'Close' and 'close' stand for close"):
        BarStore().load("A", TABLE | {"close": BARS["Close"]})
    with pytest.raises(ValueError, match=r"both 'Close' and 'Close\.1' stand for close"):
        BarStore().load("A", pd.read_csv(io.StringIO(text)))


def test_frames_of_several_tickers_are_told_of_load_frame():
    wide = pd.concat({ticker: pd.DataFrame(BARS, index=pd.DatetimeIndex(DAYS)) for ticker in ("B", "C")}, axis=1)
    with pytest.raises(
        ValueError, match=r"and none of A: load_frame loads those of all, load\('B', \.\.\.\) those of one"
    ):
        BarStore().load("A", wide)


def test_a_missing_value_of_a_candle():
    with pytest.raises(ValueError, match=r"^A, row 1: close is missing \(NaN or None\)"):
        BarStore().load("A", [[1704153600000, 10, 12, 9, 11, 5], [1704240000000, 10, 12, 9, None, 5]])


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_narrower_numbers_are_compared_as_such(dtype):
    whole = {name: np.array(column, dtype=dtype) for name, column in BARS.items()}
    store = BarStore()
    store.load("A", TABLE | {"Last": whole["Close"]})
    assert store.bars("A")["close"].tolist() == BARS["Close"]


MOMENTS = ["2024-01-02 14:30", "2024-01-03 14:30"]


@everywhere
@pytest.mark.parametrize("name", ["Datetime", "timestamp", "Time", "starttime", "index"])
@pytest.mark.parametrize("kind", [list, pd.to_datetime])
def test_a_moment_goes_before_the_day_that_it_begins_with(read, name, kind, tmp_path):
    for table in (TABLE | {name: kind(MOMENTS)}, {name: kind(MOMENTS)} | TABLE):
        stamps = read(
            {key: column if isinstance(column, list) else list(column) for key, column in table.items()}, tmp_path
        )
        assert [str(stamp)[:16] for stamp in stamps["timestamp"]] == [moment.replace(" ", "T") for moment in MOMENTS]


@everywhere
@pytest.mark.parametrize("moments", [["2024-01-03 05:00", "2024-01-04 05:00"], [1704240000, 1704326400]])
def test_moments_of_the_day_after(read, moments, tmp_path):
    with pytest.raises(ValueError, match=r"column 'time': .* is of another day, beside '2024-01-02' of column 'Date'"):
        read(TABLE | {"time": moments}, tmp_path)


@everywhere
def test_the_day_of_trading_beside_a_session_of_the_night(read, tmp_path):
    table = {"datetime": ["2024-01-04 21:00", "2024-01-05 21:00"], "trading_day": ["2024-01-05", "2024-01-08"], **BARS}
    assert str(read(table, tmp_path)["timestamp"][1])[:16] == "2024-01-05T21:00"
    with pytest.raises(ValueError, match="both 'datetime' and 'trading_day' stand for timestamp"):
        read(table | {"trading_day": ["2024-01-05", "2024-02-08"]}, tmp_path)


@everywhere
def test_the_beginning_of_a_bar_goes_before_its_end(read, tmp_path):
    begins, ends = [f"{day}T00:00:00" for day in DAYS], [f"{day}T23:59:00" for day in DAYS]
    assert str(read({"timestamp": ends, "timeOpen": begins, **BARS}, tmp_path)["timestamp"][0])[:19] == begins[0]


@everywhere
def test_a_volume_that_is_not_known_beside_one_that_is(read, tmp_path):
    assert read(TABLE | {"real_volume": [0, 0]}, tmp_path)["volume"].tolist() == BARS["Volume"]


def test_an_index_of_numbers_beside_one_of_days(tmp_path):
    pd.DataFrame({"index": DAYS, **BARS}).to_csv(tmp_path / "a.csv")
    assert str(BarStore.read(tmp_path / "a.csv").bars("A")["timestamp"][0])[:10] == "2024-01-02"


@everywhere
def test_a_day_beside_its_year_and_its_month(read, tmp_path):
    table = {"Year": [2024, 2024], "Month": [1, 1], "Day": DAYS, **BARS}
    assert str(read(table, tmp_path)["timestamp"][0])[:10] == DAYS[0]


@everywhere
def test_volumes_in_german(read, tmp_path):
    table = TABLE | {"Volumen": [1.0, 2.0]}
    with pytest.raises(ValueError, match="both 'Volume' and 'Volumen' stand for volume"):
        read(table, tmp_path)
    table["Stück"] = table.pop("Volume")
    assert read(table, tmp_path)["volume"].tolist() == BARS["Volume"]


@pytest.mark.parametrize("name", ["Close", "close"])
def test_two_columns_of_one_name_in_a_relation(name):
    frame = pd.DataFrame(TABLE)  # noqa: F841 - DuckDB finds it by its name
    relation = duckdb.sql(f'SELECT *, "Close" * 2 AS {name} FROM frame')
    with pytest.raises(ValueError, match=f"'Close'.*'{name}"):
        BarStore().load("A", relation)
    store = BarStore()
    store.load("A", relation, columns={"close": "Close"})
    assert store.bars("A")["close"].tolist() == BARS["Close"]


@everywhere
@pytest.mark.parametrize("days", [DAYS, ["01/02/2024", "01/03/2024"], ["2-Jan-24", "3-Jan-24"]])
@pytest.mark.parametrize("moments", [MOMENTS, [f"{day}T14:30:00Z" for day in DAYS], [1704205800, 1704292200]])
def test_a_date_and_a_time_of_day_beside_both_in_one(read, days, moments, tmp_path):
    table = {"Date": days, "Time": ["14:30", "14:30"], "Datetime": moments, **BARS}
    options = {} if days == DAYS or isinstance(moments[0], str) else {"dates": "mdy"}
    assert [str(stamp)[:16] for stamp in read(table, tmp_path, **options)["timestamp"]] == [
        moment.replace(" ", "T") for moment in MOMENTS
    ]
    for wrong in ({"Time": ["09:30", "14:30"]}, {"Date": ["2024-01-02", "2024-01-05"]}):
        with pytest.raises(ValueError, match=r"both '|times of day itself|says which is the time"):
            read(table | wrong, tmp_path, **options)
