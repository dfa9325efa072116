"""The shapes in which providers and libraries give bars, in Python."""

import copy
import pickle
from collections import deque, namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from reference.bars import FIELDS, walk
from reference.tables import assert_bars

from ziggy_async import BarStore

COUNT = 30
BARS = walk(COUNT)
TIMES = BARS.timestamp.astype("M8[ns]")
DAYS = [str(stamp)[:10] for stamp in TIMES]
MS = (BARS.timestamp // 10**6).tolist()
ROWS = [[ms, *figures] for ms, *figures in zip(MS, *(c.tolist() for c in BARS.columns().values()), strict=True)]
NAMES = ("timestamp", *FIELDS)
FRAME = pd.DataFrame(BARS.columns(), index=pd.DatetimeIndex(TIMES, name="Date"))


@dataclass
class BarData:
    """As ib_async has it."""

    date: object
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float = 0.0
    barCount: int = 0  # noqa: N815 - its own name


class Slotted:
    __slots__ = (*NAMES, "note")

    def __init__(self, row):
        for name, value in zip(NAMES, row, strict=True):
            setattr(self, name, value)


Candle = namedtuple("Candle", NAMES)
KLINE = [[ms, *map(str, figures), ms + 59_999, "1.0", 7, "1.0", "1.0", "0"] for ms, *figures in ROWS]
KRAKEN = [[ms // 1000, o, h, low, c, "1.5", v, 7] for ms, o, h, low, c, v in ROWS]

SHAPES = {
    "lists": ROWS,
    "tuples": [tuple(row) for row in ROWS],
    "array": np.array(ROWS),
    "texts": [[row[0], *map(str, row[1:])] for row in ROWS],
    "all texts": [[*map(str, row)] for row in ROWS],
    "datetimes": [[datetime.fromisoformat(str(t)[:19]), *row[1:]] for t, row in zip(TIMES, ROWS, strict=True)],
    "frame without names": pd.DataFrame(ROWS),
    "polars without names": pl.DataFrame(ROWS, orient="row"),
    "texts in polars without names": pl.DataFrame([[*map(str, row)] for row in ROWS], orient="row"),
    "mappings": [dict(zip(NAMES, row, strict=True)) for row in ROWS],
    "mappings of Binance's streams": [dict(zip("tohlcv", row, strict=True)) for row in ROWS],
    "named tuples": [Candle(*row) for row in ROWS],
    "objects": [BarData(date.fromisoformat(str(t)[:10]), *row[1:]) for t, row in zip(TIMES, ROWS, strict=True)],
    "slotted": [Slotted(row) for row in ROWS],
    "namespaces": [SimpleNamespace(**dict(zip(NAMES, row, strict=True))) for row in ROWS],
    "Binance's API": KLINE,
    "Kraken's API": KRAKEN,
    "lazy": pl.DataFrame({"time": TIMES, **BARS.columns()}).lazy(),
    "float times": {"time": np.array(MS, float), **BARS.columns()},
    "MetaTrader": np.array(
        [(ms // 1000, *row, 3, 0) for ms, *row in ROWS],
        [
            ("time", "i8"), *((name, "f8") for name in FIELDS[:4]), ("tick_volume", "f8"), ("spread", "i4"),
            ("real_volume", "u8"),
        ],
    ),
    "Databento": FRAME.rename_axis("ts_event").tz_localize("UTC").assign(rtype=35, instrument_id=7, symbol="A"),
    "Alpha Vantage": FRAME.rename(columns={name: f"{at}. {name}" for at, name in enumerate(FIELDS, 1)}).astype(
        str
    ).rename_axis(None).set_axis(DAYS),
    "date and time": {"Date": DAYS, "Time": ["00:00"] * COUNT, **BARS.columns()},
    "date and time of Python": {
        "Date": list(map(date.fromisoformat, DAYS)), "Time": [time()] * COUNT, **BARS.columns(),
    },
    "date and time of digits": {
        "<DATE>": [int(day.replace("-", "")) for day in DAYS], "<TIME>": [0] * COUNT,
        **{f"<{name.upper()}>": column for name, column in BARS.columns().items()},
    },
    "date and time of Arrow": pl.DataFrame({"date": TIMES, "time": [time()] * COUNT, **BARS.columns()}),
    "trade date and time": {"TradeDate": DAYS, "Time": ["00:00"] * COUNT, **BARS.columns()},
    "akshare": {
        "日期": DAYS, "开盘": BARS.open, "最高": BARS.high, "最低": BARS.low, "收盘": BARS.close, "成交量": BARS.volume,
    },
    "Bloomberg": pd.DataFrame({
        "date": DAYS, "PX_OPEN": BARS.open, "PX_HIGH": BARS.high, "PX_LOW": BARS.low, "PX_LAST": BARS.close,
        "PX_VOLUME": BARS.volume,
    }),
    "an index of periods": FRAME.rename_axis(None).to_period("D"),
    "periods": FRAME.reset_index().assign(Date=pd.PeriodIndex(FRAME.index, freq="D")),
    "Interactive Brokers": {"date": [f"{day.replace('-', '')} 00:00:00 Etc/UTC" for day in DAYS], **BARS.columns()},
    "nameless index": FRAME.rename_axis(None),
    "index of dates": FRAME.rename_axis(None).set_axis([date.fromisoformat(str(t)[:10]) for t in TIMES]),
    "an index that was reset": FRAME.rename_axis(None).reset_index(),
    "money": {"Date": TIMES, **{name: [f"${x!r}" for x in column.tolist()] for name, column in BARS.columns().items()}},
    "Polygon": pd.DataFrame({"window_start": BARS.timestamp, **BARS.columns(), "transactions": 5, "ticker": "A"}),
    "camel case": {
        "openTime": MS, "closeTime": MS,
        **{name if name == "volume" else f"{name}Price": column for name, column in BARS.columns().items()},
    },
    "one ticker of two levels": pd.concat({"A": FRAME}, axis=1).swaplevel(axis=1),
    "rows by their times": FRAME.to_dict("index"),
    "rows by their numbers": FRAME.reset_index().to_dict("index"),
    "Alpha Vantage's JSON": {
        day: {f"{at}. {name}": repr(figure) for at, (name, figure) in enumerate(zip(FIELDS, row[1:], strict=True), 1)}
        for day, row in zip(DAYS, ROWS, strict=True)
    },
    "columns beside what is none": {"meta": {"currency": "USD"}, "Date": TIMES, **BARS.columns()},
    "columns of pandas that have an index": {name: FRAME[name] for name in FRAME},
    "rows of csv.reader": [
        ["Date", *FIELDS], *([day, *map(repr, row[1:])] for day, row in zip(DAYS, ROWS, strict=True)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape):
    store = BarStore()
    assert store.load("A", SHAPES[shape]) == 0
    assert_bars(store, "A", BARS)


def test_frames_that_were_put_together_by_ticker():
    other = walk(COUNT, seed=9)
    others = pd.DataFrame(other.columns(), index=FRAME.index)
    store = BarStore()
    assert store.load_frame(pd.concat({"A": FRAME, "B": others})) == 0
    assert_bars(store, "A", BARS)
    assert_bars(store, "B", other)


@pytest.mark.parametrize("clock", [930, 1529])
def test_times_of_day_that_can_be_read_in_two_ways(clock):
    table = {"Date": [20240102] * 2, "Time": [0, clock], **{name: [1.0, 1.0] for name in FIELDS}}
    both = f"{clock:04}"[:2] + ":" + f"{clock:04}"[2:]
    with pytest.raises(
        ValueError, match=rf"A: column 'Time', row 1: {clock} is {both} or 00:{both}: write .* as texts"
    ):
        BarStore().load("A", table)


@pytest.mark.parametrize("price_first", [False, True])
def test_tickers_side_by_side(price_first):
    """As yfinance gives them, one listed later; both orders of the two levels."""
    later, other = FRAME.iloc[5:], walk(COUNT, seed=9)
    others = pd.DataFrame(other.columns(), index=FRAME.index)
    wide = pd.concat({"A": others, "B": later}, axis=1, names=["Ticker", "Price"])
    wide = wide.swaplevel(axis=1).sort_index(axis=1) if price_first else wide
    for frame in (wide, wide.reset_index()):
        store = BarStore()
        assert store.load_frame(frame) == 0
        assert_bars(store, "A", other)
        assert_bars(store, "B", BARS[5:])
    store = BarStore()
    store.load("B", wide)
    assert_bars(store, "B", BARS[5:])
    with pytest.raises(ValueError, match="C: the frame has the bars of 'A', 'B' side by side, and none of C"):
        store.load("C", wide)


@pytest.mark.parametrize("of", [pd.DataFrame, pl.DataFrame, dict])
def test_symbols_that_are_whole_numbers(of):
    store = BarStore()
    table = {"symbol": np.array([700, 5] * 2), "timestamp": TIMES[:4], **{name: [1.0] * 4 for name in FIELDS}}
    assert store.load_frame(of(table)) == 0
    assert store.symbols() == ["700", "5"]
    with pytest.raises(ValueError, match=r"column 'symbol', row 0: 1\.5 is not text"):
        store.load_frame(of({**table, "symbol": np.array([1.5, 2.0] * 2)}))


@pytest.mark.parametrize(
    "volume",
    [
        pa.array([Decimal("1.5"), Decimal(2)], pa.decimal256(60, 10)),
        pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), pa.array([1.5, 2.0])),
    ],
)
def test_arrow_types_that_few_have(volume):
    store = BarStore()
    store.load("A", pa.table({"timestamp": TIMES[:2], **{name: [1.0, 1.0] for name in FIELDS}, "volume": volume}))
    assert store.bars("A")["volume"].tolist() == [1.5, 2.0]


def test_other_types_that_few_have():
    columns = {"timestamp": TIMES[:2], **{name: [1.0, 1.0] for name in FIELDS}}
    wide = pl.DataFrame({**columns, "volume": [1, 2]}).with_columns(pl.col("volume").cast(pl.Int128))
    sparse = pd.DataFrame({**columns, "volume": pd.arrays.SparseArray([1.0, 2.0])})
    rows = deque(SimpleNamespace(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True))
    for row, volume in zip(rows, (1.0, 2.0), strict=True):
        row.volume = volume
    for shape in (wide, sparse, rows):
        store = BarStore()
        store.load("A", shape)
        assert store.bars("A")["volume"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("names", [["Ticker", "Price"], None])
def test_a_frame_of_a_single_ticker(names):
    frame = pd.concat({"A": FRAME}, axis=1, names=names)
    store = BarStore()
    assert store.load_frame(frame) == 0
    assert_bars(store, "A", BARS)
    if names is None:  # nothing says that A is a ticker
        store.load("B", frame)
        assert_bars(store, "B", BARS)
        return
    with pytest.raises(ValueError, match="B: the frame has the bars of 'A', and none of B"):
        store.load("B", frame)


def test_columns_are_named_by_the_caller():
    store = BarStore()
    table = {"when": TIMES, **BARS.columns()}
    table["last"] = table.pop("close")
    store.load("A", table, columns={"timestamp": "when", "close": "last"})
    assert_bars(store, "A", BARS)
    with pytest.raises(ValueError, match="A: no column 'nope'; columns found: when, open"):
        store.load("A", table, columns={"close": "nope"})
    with pytest.raises(ValueError, match="columns: 'price' is none of timestamp, open"):
        store.load("A", table, columns={"price": "last"})
    swapped = [[row[0], *row[5:], *row[1:5]] for row in ROWS]
    numbered = {"timestamp": "1", "volume": "2", "open": "3", "high": "4", "low": "5", "close": "6"}
    store.load("B", swapped, columns=numbered)
    assert_bars(store, "B", BARS)


def test_two_columns_that_could_be_one_are_refused_with_both():
    later = TIMES + np.timedelta64(1, "D")
    table = {"ts": TIMES, "date": later, "unix": MS, "day": [5] * COUNT, **BARS.columns()}
    store = BarStore()
    with pytest.raises(ValueError, match=r"A: both 'ts' and 'date' stand for timestamp: say which, as by columns=\{'t"):
        store.load("A", table)
    store.load("A", table, columns={"timestamp": "unix"})
    for same in (TIMES, [f"{day}T00:00:00Z" for day in DAYS], MS):
        store.load("A", table | {"date": same})
        assert_bars(store, "A", BARS)
    del table["ts"]
    store.load("A", table | {"date": TIMES})
    assert_bars(store, "A", BARS)


def test_no_volume_counts_as_0_and_is_logged_once(caplog):
    store, table = BarStore(), {"Date": TIMES, **BARS.columns()}
    del table["volume"]
    with pytest.raises(ValueError, match=r"no column for volume: .*volume=None \(--no-volume\) counts it as 0"):
        store.load("A", table)
    store.load("A", table, volume=None)
    store.load("B", [row[:5] for row in ROWS], volume=None)
    assert store.bars("A")["volume"].tolist() == store.bars("B")["volume"].tolist() == [0.0] * COUNT
    assert [record.message for record in caplog.records] == ["volumes are counted as 0: volume=None"]


def test_prices_in_billionths_are_asked_about():
    """As Databento's files have them."""
    prices = {name: np.round(BARS.columns()[name], 2) for name in FIELDS[:4]}
    scaled = {name: np.round(column * 100).astype(np.int64) * 10**7 for name, column in prices.items()}
    table = {"ts_event": BARS.timestamp, **scaled, "volume": BARS.volume}
    store = BarStore()
    with pytest.raises(
        ValueError, match=r"A: column 'close': \d+ is [\d.]+ in billionths, or as it stands: say price_scale=1e-9"
    ):
        store.load("A", table)
    for other in (float, str):  # as pandas has them where one is missing, as Databento's JSON has them
        with pytest.raises(ValueError, match="in billionths"):
            store.load("A", table | {name: column.astype(other) for name, column in scaled.items()})
    store.load("A", table, price_scale=1e-9)
    for name, column in prices.items():
        assert store.bars("A")[name].tolist() == column.tolist()
    store.load("A", table, price_scale=1)
    assert store.bars("A")["close"].tolist() == scaled["close"].astype(float).tolist()
    yen = {name: np.round(column * 1000).astype(np.int64) for name, column in prices.items()}
    store.load("A", {**table, **yen})


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1,234.50", "12,345.00", "999"], [1234.5, 12345.0, 999.0]),
        (["1.234,50", "12.345,00", "999"], [1234.5, 12345.0, 999.0]),
        (["93,36", "1.000,5", "7"], [93.36, 1000.5, 7.0]),
        (["68.18K", "1.5M", "2B"], [68180.0, 1.5e6, 2e9]),
        (["$93.36", "€ 1", "£2"], [93.36, 1.0, 2.0]),
        (["1 234,50", "1\u00a0234,50", "2"], [1234.5, 1234.5, 2.0]),
        (["12,34,567.00", "1,00,000.5", "3"], [1234567.0, 100000.5, 3.0]),
        (["1e3", ".5", "5."], [1000.0, 0.5, 5.0]),
    ],
)
def test_ways_to_write_a_number(texts, numbers, tmp_path):
    table = {"date": TIMES[:3], **dict.fromkeys(FIELDS[:4], [1.0] * 3), "volume": texts}
    store = BarStore()
    store.load("A", table)
    assert store.bars("A")["volume"].tolist() == numbers
    lines = [f"{str(t)[:10]}\t1\t1\t1\t1\t{text}" for t, text in zip(TIMES, texts, strict=False)]
    (tmp_path / "a.csv").write_text("\n".join(["date\topen\thigh\tlow\tclose\tvolume", *lines]), encoding="utf-8")
    assert BarStore.read(tmp_path / "a.csv").bars("A")["volume"].tolist() == numbers


@pytest.mark.parametrize(
    ("prices", "volumes", "said"),
    [
        (["93", "94"], ["1,234", "5"], "'1,234' is 1234 or 1.234: write it and those like it as 1234 or 1,2340"),
        (["93.5", "94"], ["1,5", "5"], "'1,5' has a decimal comma, '93.5' a decimal point: use one"),
        (["93.5", "9x4"], ["1", "5"], "'9x4' is no"),
    ],
)
def test_numbers_that_can_be_read_in_two_ways(prices, volumes, said, tmp_path):
    table = {"date": TIMES[:2], **dict.fromkeys(FIELDS[:4], prices), "volume": volumes}
    with pytest.raises(ValueError, match=r"A: column '\w+', row [01]: ") as caught:
        BarStore().load("A", table)
    assert said in str(caught.value)
    lines = [";".join([str(t)[:10], *[p] * 4, v]) for t, p, v in zip(TIMES, prices, volumes, strict=False)]
    (tmp_path / "a.csv").write_text("\n".join(["date;open;high;low;close;volume", *lines]))
    with pytest.raises(ValueError, match=r"a\.csv: A(: column '\w+', line [23]:|, line 3: open) ") as caught:
        BarStore.read(tmp_path / "a.csv")
    assert said in str(caught.value)


@pytest.mark.parametrize("column", ["timestamp", "close", "symbol"])
@pytest.mark.parametrize(
    "value",
    [pd.Timestamp("2024-01-01"), pd.NaT, pd.NA, pd.Interval(0, 1), pd.Timestamp("2024-01-01", tz="UTC"), None, 5, "x"],
    ids=str,
)
def test_what_is_no_column(column, value):
    table = {**BARS.table(), "symbol": ["A"] * COUNT, column: value}
    with pytest.raises((ValueError, TypeError)):
        BarStore().load_frame(table)


@pytest.mark.parametrize("invalid", ["raise", "skip"])
@pytest.mark.parametrize(
    "far",
    [
        datetime(9999, 12, 31),
        date(1, 1, 1),
        pd.Timestamp("3000-01-01"),
        "9999-12-31",
        np.datetime64("9999-12-31"),
        10**400,
    ],
    ids=str,
)
def test_far_times(invalid, far):
    times = [*TIMES.astype("M8[s]").tolist()[:2], far]
    table = {"timestamp": np.array(times, dtype=object), **{n: c[:3] for n, c in BARS.columns().items()}}
    store = BarStore()
    if invalid == "skip":
        assert store.load("A", table, invalid=invalid) == 1
        return
    with pytest.raises(ValueError, match=r"A: column 'timestamp', row 2: "):
        store.load("A", table)
    with pytest.raises(ValueError, match=r"^B: timestamp"):
        store.append("B", far, 1.0, 1.0, 1.0, 1.0, 1.0)


def test_long_symbols_are_cut_in_messages():
    store, symbol = BarStore(), "X" * 10**6
    for act in (
        lambda: store.load(symbol, {"date": [1.5]}),
        lambda: store.append(symbol, "x", 1.0, 1.0, 1.0, 1.0, 1.0),
        lambda: store.append(symbol, "2024-01-01", "x", 1.0, 1.0, 1.0, 1.0),
        lambda: store.append(symbol, "2024-01-01", -1.0, 1.0, 1.0, 1.0, 1.0),
        lambda: store.bars(symbol),
        lambda: store.load_frame({**BARS.table(), "symbol": [symbol] * COUNT, "close": ["x"] * COUNT}),
    ):
        with pytest.raises((ValueError, TypeError, KeyError)) as caught:
            act()
        assert len(str(caught.value)) < 700
        assert "X" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[1, 2, 3]], "its 3 columns are none of the layouts known without"),
        ([ROWS[0], ROWS[1][:5]], "row 1 is .* not a row of 6 values like the first"),
        ([{"t": 1}, 5], "row 1 is 5, not a mapping like the first"),
        ([], "the table has no rows"),
        ([["Date", *FIELDS]], "the table has no rows"),
        ({"A": FRAME}, "data maps 'A' to a DataFrame: load.* takes the table of one symbol, load_frame one long table"),
        ({"A": [{"t": 1}]}, "data maps 'A' to a list: load.* takes the table of one symbol"),
        ({"A": {"t": [1], "o": [1], "h": [1], "l": [1], "c": [1]}}, "data maps 'A' to a dict: load.* takes the table"),
        ({"2024-01-02": dict(zip("ohlcv", ROWS[0][1:], strict=True)), "2024-01-03": 5}, "row 1 is 5, not a mapping"),
        ([[TIMES[0], 1, 1, 1, 1, 1], [TIMES[1], 1, 1, -1, 1, 1]], "row 1: low -1 is not positive"),
    ],
)
def test_rows_that_are_no_table(rows, said):
    with pytest.raises(ValueError, match=f"^A.*{said}"):
        BarStore().load("A", rows)


def test_what_was_skipped_pickles():
    skipped = BarStore().load("A", [*ROWS, ROWS[0][:1] + ROWS[0][1:4] + [-1.0, 1.0]], invalid="skip")
    restored = pickle.loads(pickle.dumps(skipped))
    assert restored == skipped == 1
    assert restored.reasons == skipped.reasons == {"close is not positive": 1}


def test_a_store_pickles_and_copies():
    store = BarStore(20, bars_per_year=98_280)
    store.load("A", BARS.table())
    store.load("B", walk(5, seed=4).table())
    for other in (pickle.loads(pickle.dumps(store)), copy.copy(store), copy.deepcopy(store)):
        assert (other.capacity, other.bars_per_year, other.symbols()) == (20, 98_280, ["A", "B"])
        assert_bars(other, "A", BARS[-20:])
        assert_bars(other, "B", walk(5, seed=4))
        other.drop("A")
    assert "A" in store


def test_a_relation_whose_query_fails() -> None:
    names = ", ".join(f"1.0 AS {name}" for name in FIELDS)
    relation = duckdb.sql(f"SELECT *, error('no ' || ts) AS x FROM (SELECT DATE '2024-01-02' AS ts, {names})")
    for load, said in ((partial(BarStore().load, "A"), "A: "), (partial(BarStore().load_frame), "")):
        with pytest.raises(ValueError, match=f"^{said}the table cannot be read: Invalid Input Error: no 2024-01-02$"):
            load(relation)


def test_a_stream_that_fails_half_way() -> None:
    """pyarrow leaks two objects with each: `test_store_tables` is searched for leaks."""
    batches = pa.table(BARS.table()).to_batches()

    def given() -> Iterator[pa.RecordBatch]:
        yield from batches
        raise RuntimeError("the line is dead")

    stream = pa.RecordBatchReader.from_batches(batches[0].schema, given())
    with pytest.raises(ValueError, match=r"^A: [^\n]*the line is dead$"):
        BarStore().load("A", stream)
