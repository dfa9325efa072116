"""Every kind of table and of timestamp that a store takes, for one symbol and for many."""

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from reference.bars import FIELDS, walk
from reference.tables import (
    KINDS,
    Kind,
    as_pandas,
    as_polars,
    as_pyarrow,
    as_relation,
    as_structured,
    assert_bars,
    contents,
    long_table,
)

from ziggy_async import BarStore, _core


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 20])
def test_every_kind_of_table(kind: Kind, count: int) -> None:
    store, bars = BarStore(), walk(count)
    assert store.load("A", kind(bars.table())) == 0
    assert_bars(store, "A", bars)


@pytest.mark.parametrize("kind", [as_pyarrow, as_polars, as_pandas, as_relation, as_structured, dict])
def test_whole_numbers_and_single_precision(kind: Kind) -> None:
    store, bars = BarStore(), walk(20)
    table: dict[str, Any] = dict(bars.table())
    table["volume"] = bars.volume.astype(np.int64)
    table["close"] = bars.close.astype(np.float32)
    table["high"], table["low"] = bars.high * 1.001, bars.low * 0.999
    store.load("A", kind(table))
    assert store.bars("A")["close"].tolist() == bars.close.astype(np.float32).astype(np.float64).tolist()
    assert store.bars("A")["volume"].tolist() == bars.volume.tolist()


@pytest.mark.parametrize("time", ["timestamp", "Date", "DATETIME", "time", "Ts", "t", "datetime"])
def test_spellings_of_the_time(time: str) -> None:
    store, bars = BarStore(), walk(5)
    table = bars.table()
    store.load("A", {time: table.pop("timestamp"), **table})
    assert_bars(store, "A", bars)


@pytest.mark.parametrize("spelling", [str.upper, str.title, lambda name: name[0], lambda name: f"{name}_price"])
def test_spellings_of_the_prices(spelling: Callable[[str], str]) -> None:
    store, bars = BarStore(), walk(5)
    table = bars.table()
    spelled = {name if name in ("timestamp", "volume") else spelling(name): column for name, column in table.items()}
    store.load("A", spelled)
    assert_bars(store, "A", bars)


def test_other_columns_are_ignored() -> None:
    store, bars = BarStore(), walk(5)
    store.load("A", {**bars.table(), "Adj Close": bars.close / 2, "note": np.array(["x"] * 5)})
    assert_bars(store, "A", bars)


def test_adjusted_closes_do_not_stand_in() -> None:
    store, table = BarStore(), walk(5).table()
    for spelling in ("adj close", "Adj Close", "adj_close", "Adjusted Close"):
        changed = {spelling if name == "close" else name: column for name, column in table.items()}
        with pytest.raises(ValueError, match="close"):
            store.load("A", changed)
    assert len(store) == 0


MOMENT = datetime(2024, 3, 1, 14, 30, 15, 250_000, tzinfo=UTC)
MOMENT_NS = 1_709_303_415_250_000_000
MIDNIGHT_NS = 1_709_251_200_000_000_000


@pytest.mark.parametrize(
    ("stamp", "unit", "nanoseconds"),
    [
        (MOMENT, None, MOMENT_NS),
        (MOMENT.replace(tzinfo=None), None, MOMENT_NS),
        (MOMENT.astimezone(timezone(timedelta(hours=-5))), None, MOMENT_NS),
        (date(2024, 3, 1), None, MIDNIGHT_NS),
        (np.datetime64(MOMENT_NS, "ns"), None, MOMENT_NS),
        (np.datetime64(MOMENT_NS // 10**6, "ms"), None, MOMENT_NS),
        (np.datetime64("2024-03-01", "D"), None, MIDNIGHT_NS),
        (MOMENT_NS, "ns", MOMENT_NS),
        (MOMENT_NS // 10**3, "us", MOMENT_NS),
        (MOMENT_NS // 10**6, "ms", MOMENT_NS),
        (MIDNIGHT_NS // 10**9, "s", MIDNIGHT_NS),
        ("2024-03-01T14:30:15.250Z", None, MOMENT_NS),
        ("2024-03-01 14:30:15.250", None, MOMENT_NS),
        ("2024-03-01T09:30:15.250-05:00", None, MOMENT_NS),
        ("2024-03-01", None, MIDNIGHT_NS),
        (datetime(1960, 1, 1), None, -315_619_200_000_000_000),
    ],
)
def test_timestamps_of_every_kind(stamp: Any, unit: str | None, nanoseconds: int) -> None:
    store = BarStore()
    keywords = {} if unit is None else {"unit": unit}
    store.append("A", stamp, 10.0, 11.0, 9.0, 10.0, 5.0, **keywords)
    store.append_cross_section(stamp, ["B"], np.ones((1, 5)), **keywords)
    column = np.array([stamp]) if isinstance(stamp, (int, np.datetime64)) else [stamp]
    store.load("C", {"timestamp": column, **dict.fromkeys(FIELDS, np.ones(1))}, **keywords)
    for symbol in "ABC":
        assert store.bars(symbol)["timestamp"].astype(np.int64).tolist() == [nanoseconds], symbol


@pytest.mark.parametrize(
    "stamp",
    [
        5,
        1.5,
        "yesterday",
        None,
        np.datetime64("NaT", "ns"),
        object(),
        datetime(2500, 1, 1),
        date(1500, 1, 1),
        "2500-01-01",
        True,
    ],
)
def test_timestamps_that_are_none(stamp: Any) -> None:
    store = BarStore()
    with pytest.raises((TypeError, ValueError)):
        store.append("A", stamp, 10.0, 11.0, 9.0, 10.0, 5.0)
    with pytest.raises((TypeError, ValueError)):
        store.load("A", {"timestamp": [stamp], **dict.fromkeys(FIELDS, np.ones(1))})
    assert len(store) == 0


def test_an_unknown_unit() -> None:
    store = BarStore()
    with pytest.raises(ValueError, match="fortnight"):
        store.append("A", 5, 10.0, 11.0, 9.0, 10.0, 5.0, unit="fortnight")
    with pytest.raises(ValueError, match="a time in s, ms, us or ns"):
        store.load("A", {**walk(5).table(), "timestamp": np.arange(5)})


@pytest.mark.parametrize("kind", [as_pyarrow, as_polars])
def test_an_epoch_that_is_null_is_the_row_at_fault(kind: Kind) -> None:
    arrow = pytest.importorskip("pyarrow")
    store, bars = BarStore(), walk(5)
    epochs = [int(stamp) for stamp in bars.table()["timestamp"].astype("datetime64[ns]").astype(np.int64)]
    table: dict[str, Any] = {**bars.table(), "timestamp": arrow.array([*epochs[:3], None, epochs[4]])}
    data = kind(table) if kind is as_pyarrow else pytest.importorskip("polars").from_arrow(arrow.table(table))
    with pytest.raises(ValueError, match="A, row 3: timestamp is missing"):
        store.load("A", data, unit="ns")
    assert store.load("A", data, unit="ns", invalid="skip") == 1
    assert store.bars("A")["timestamp"].astype(np.int64).tolist() == [*epochs[:3], epochs[4]]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_arrow_and_pandas_times(unit: str, zone: str | None) -> None:
    arrow, pandas = pytest.importorskip("pyarrow"), pytest.importorskip("pandas")
    bars, table = walk(5), walk(5).table()
    stamps = arrow.array(table["timestamp"].astype(f"datetime64[{unit}]"), arrow.timestamp(unit, tz=zone))
    columns = {"timestamp": stamps, **bars.columns()}
    frame = pandas.DataFrame({"timestamp": stamps.to_pandas(), **bars.columns()})
    for data in (arrow.table(columns), frame, frame.set_index("timestamp")):
        store = BarStore()
        store.load("A", data)
        assert_bars(store, "A", bars)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("kind", [as_pyarrow, as_polars, as_pandas, as_relation, as_structured, dict])
def test_a_long_table(kind: Kind, shuffled: bool) -> None:
    every = {f"S{seed}": walk(5 + seed % 13, seed=seed) for seed in range(40)}
    store = BarStore(10)
    store.load("S3", walk(9, seed=99).table())
    store.load("OTHER", walk(9, seed=98).table())
    assert store.load_frame(kind(long_table(every, shuffled))) == 0
    assert set(store.symbols()) == {*every, "OTHER"}
    assert_bars(store, "OTHER", walk(9, seed=98))
    for symbol, bars in every.items():
        assert_bars(store, symbol, bars[-10:])


@pytest.mark.parametrize("name", ["Symbol", "TICKER", "sym", "code", "#RIC", "Pair", "Company"])
def test_spellings_of_the_symbol(name: str) -> None:
    store, table = BarStore(), long_table({"A": walk(3), "B": walk(4)}, shuffled=True)
    store.load_frame({name: table.pop("symbol"), **table})
    assert_bars(store, "B", walk(4))


def test_a_symbol_column_by_name() -> None:
    store, table = BarStore(), long_table({"A": walk(3), "B": walk(4)}, shuffled=True)
    table["handle"] = table.pop("symbol")
    with pytest.raises(ValueError, match="symbol"):
        store.load_frame(table)
    store.load_frame(table, symbol_column="handle")
    assert_bars(store, "A", walk(3))
    with pytest.raises(ValueError, match="grip"):
        store.load_frame(table, symbol_column="grip")


def test_text_in_arrow_dictionaries() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = long_table({"A": walk(3), "B": walk(4)}, shuffled=True)
    store = BarStore()
    store.load_frame(arrow.table({**table, "symbol": arrow.array(table["symbol"]).dictionary_encode()}))
    assert_bars(store, "A", walk(3))
    assert_bars(store, "B", walk(4))


def test_dictionaries_that_change_from_chunk_to_chunk() -> None:
    arrow = pytest.importorskip("pyarrow")
    every = {f"S{seed}": walk(5 + seed % 13, seed=seed) for seed in range(20)}
    long = long_table(every, shuffled=True)
    chunks = []
    for rows in np.array_split(np.arange(len(long["symbol"])), 7):
        part = {name: np.asarray(column)[rows] for name, column in long.items()}
        chunks.append(arrow.table({**part, "symbol": arrow.array(part["symbol"]).dictionary_encode()}))
    store = BarStore()
    store.load_frame(arrow.concat_tables(chunks))
    for symbol, bars in every.items():
        assert_bars(store, symbol, bars)


def test_values_that_need_no_decoding_are_read_where_they_lie() -> None:
    arrow = pytest.importorskip("pyarrow")
    closes = np.arange(1000.0)
    table = arrow.table({"close": closes, "volume": arrow.array([None, *closes[1:]])})
    columns = dict(_core.read_arrow(table, list))
    assert np.shares_memory(columns["close"], closes)
    assert not columns["close"].flags.writeable
    np.testing.assert_array_equal(columns["volume"], [np.nan, *closes[1:]])


def test_long_batches_are_read_where_they_lie() -> None:
    arrow = pytest.importorskip("pyarrow")
    closes = [np.arange(20_000.0), np.arange(30_000.0), np.arange(5.0)]
    missing = arrow.table({"close": arrow.array([1.0, None])})
    parts = [arrow.table({"close": each}) for each in closes]
    first, second, third = dict(_core.read_arrow(arrow.concat_tables([*parts, missing]), list))["close"]
    assert np.shares_memory(first, closes[0])
    assert np.shares_memory(second, closes[1])
    np.testing.assert_array_equal(third, [*closes[2], 1.0, np.nan])


@pytest.mark.parametrize("of", ["pyarrow", "polars", "duckdb"])
def test_a_stream_of_many_batches(of: str) -> None:
    """Tickers that span batches, with a dictionary of its own in each, in another order than that of time."""
    arrow, polars = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    every = {f"S{seed}": walk(7_000 + seed, seed=seed) for seed in range(12)}
    long = arrow.table(long_table(every, shuffled=False))
    ends = [0, 20_000, 37_000, 37_003, 62_000, len(long)]
    parts = [long.slice(first, last - first) for first, last in itertools.pairwise(ends)]
    parts = [part.set_column(0, "symbol", part["symbol"].dictionary_encode()) for part in [*parts[3:], *parts[:3]]]
    batches: Any = arrow.concat_tables(parts)
    if of == "polars":
        batches = polars.concat([polars.from_arrow(part) for part in parts], rechunk=False)
    elif of == "duckdb":
        batches = pytest.importorskip("duckdb").from_arrow(batches)
    store = BarStore(10_000)
    assert store.load_frame(batches) == 0
    assert len(store) == len(every)
    for symbol, bars in every.items():
        assert_bars(store, symbol, bars)


def test_a_missing_value_of_a_late_batch_is_named_by_its_row() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table(long_table({"A": walk(40_000)}, shuffled=False))
    last = table.slice(39_999).set_column(table.schema.get_field_index("close"), "close", arrow.array([None], "f8"))
    store = BarStore(50_000)
    parts = [table.slice(0, 20_000), table.slice(20_000, 19_999), last]
    with pytest.raises(ValueError, match=r"A, row 39999: close is missing \(NaN or None\)"):
        store.load_frame(arrow.concat_tables(parts))
    assert store.load_frame(arrow.concat_tables(parts), invalid="skip") == 1
    assert len(store.bars("A")["close"]) == 39_999


def test_an_array_outlives_the_table_that_it_was_read_from() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"close": np.arange(100_000.0)})
    close = dict(_core.read_arrow(frame, list))["close"]
    del frame
    for _ in range(5):  # what the frame had, if it were free, would be taken for these
        polars.DataFrame({"close": np.zeros(100_000)})
    np.testing.assert_array_equal(close, np.arange(100_000.0))


def test_an_array_that_was_read_is_nobody_elses() -> None:
    """A producer that hands out the same capsules again: another consumer of them would release the values."""
    arrow = pytest.importorskip("pyarrow")

    class Producer:
        def __init__(self) -> None:
            self.capsules = arrow.record_batch({"close": arrow.array(np.arange(100_000.0))}).__arrow_c_array__()

        def __arrow_c_array__(self, requested_schema: object = None) -> object:
            return self.capsules

    producer = Producer()
    close = dict(_core.read_arrow(producer, list))["close"]
    with pytest.raises(arrow.ArrowInvalid, match="released"):
        arrow.record_batch(producer)
    with pytest.raises(ValueError, match="released before it was read"):
        _core.read_arrow(producer, list)
    del producer
    np.testing.assert_array_equal(close, np.arange(100_000.0))


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_bad_row_of_a_long_table(shuffled: bool) -> None:
    table = long_table({"A": walk(5), "B": walk(6), "C": walk(7)}, shuffled)
    row = int(np.flatnonzero(table["symbol"] == "B")[2])
    table["close"][row] = -1.0
    store = BarStore()
    store.load("B", walk(9).table())
    before = contents(store)
    with pytest.raises(ValueError, match=rf"B.*row {row}\b.*close.*-1"):
        store.load_frame(table)
    assert contents(store) == before
    assert store.load_frame(table, invalid="skip") == 1
    assert {symbol: len(store.bars(symbol)["close"]) for symbol in "ABC"} == {"A": 5, "B": 5, "C": 7}


def test_one_time_twice_for_a_symbol() -> None:
    table = long_table({"A": walk(5), "B": walk(5)}, shuffled=False)
    table["timestamp"][3] = table["timestamp"][2]
    store = BarStore()
    with pytest.raises(ValueError, match=r"A.*row 3.*timestamp"):
        store.load_frame(table)
    assert len(store) == 0


@pytest.mark.parametrize("symbol", [None, 5, ""])
def test_rows_without_a_symbol(symbol: Any) -> None:
    table = long_table({"A": walk(3)}, shuffled=False)
    table["symbol"] = ["A", symbol, "A"]
    store = BarStore()
    with pytest.raises((TypeError, ValueError), match=r"1|symbol"):
        store.load_frame(table)
    assert len(store) == 0


def test_rows_beyond_the_capacity_are_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    store = BarStore(10)
    store.load("A", walk(10).table())
    assert (store.stats()["dropped"], caplog.text) == (0, "")
    store.load("A", walk(12).table())
    store.load_frame(long_table({"A": walk(11), "B": walk(13)}, shuffled=True))
    assert store.stats()["dropped"] == 2 + 1 + 3
    assert len(caplog.records) == 1
    assert "last 10 bars" in caplog.text


def test_what_is_skipped_is_counted_by_reason() -> None:
    table = long_table({"A": walk(5), "B": walk(6)}, shuffled=False)
    table["symbol"] = table["symbol"].astype(object)
    table["symbol"][0] = None
    table["close"][1], table["volume"][2], table["timestamp"][4] = np.nan, -1.0, table["timestamp"][3]
    table["close"][7] = np.nan
    skipped = BarStore().load_frame(table, invalid="skip")
    assert skipped == 5
    assert skipped.reasons == {
        "symbol is missing": 1,
        "close is missing or no number": 2,
        "volume is negative": 1,
        "timestamp is the same as that of the bar before": 1,
    }


def test_newest_first_needs_load_frame() -> None:
    store, newest_first = BarStore(), {name: column[::-1] for name, column in walk(20).table().items()}
    for invalid in ("raise", "skip"):
        with pytest.raises(ValueError, match=r"^A.*; load_unsorted takes rows in any order"):
            store.load("A", newest_first, invalid=invalid)
    store.load_frame({**newest_first, "symbol": ["A"] * 20})
    assert_bars(store, "A", walk(20))


def test_adjusted_prices_are_stored_as_they_are() -> None:
    """Each price is multiplied by the same factor and rounded by itself, so a high may end below the close."""
    store, bars = BarStore(), walk(40)
    prices = bars.columns() | {"high": np.nextafter(np.maximum(bars.open, bars.close), 0.0)}
    del prices["volume"]
    store.load("A", {**bars.table(), **prices})
    for name, column in prices.items():
        assert store.bars("A")[name].tolist() == column.tolist()


def test_a_symbol_that_is_no_text_in_utf_8() -> None:
    with pytest.raises(ValueError, match=r"^'\\ud800' cannot be written as UTF-8$"):
        BarStore().load("\ud800", walk(20).table())


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "2D", "3M"])
def test_datetime64_of_every_unit(unit: str) -> None:
    last = "1970-04-01" if unit == "ps" else "2024-07-01"  # picoseconds reach 106 days
    stamps = np.array(["1970-01-01", last], "M8[ns]").astype(f"M8[{unit}]")
    store = BarStore()
    store.load("A", {"timestamp": stamps, **dict.fromkeys(FIELDS, np.ones(2))})
    assert (store.bars("A")["timestamp"] == stamps.astype("M8[ns]")).all()
    store.load("A", {"timestamp": stamps.astype(stamps.dtype.newbyteorder(">")), **dict.fromkeys(FIELDS, np.ones(2))})
    assert (store.bars("A")["timestamp"] == stamps.astype("M8[ns]")).all()


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us"])
@pytest.mark.parametrize("far", [2**62, -(2**62), 3000 * 366 * 86_400 * 10**6])
def test_datetime64_out_of_range(unit: str, far: int) -> None:
    stamps = np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "M8[D]").astype(f"M8[{unit}]")
    stamps[1] = np.datetime64(far, unit)
    store, table = BarStore(), {"timestamp": stamps, **dict.fromkeys(FIELDS, np.ones(3))}
    with pytest.raises(ValueError, match=r"A: column 'timestamp', row 1: .* is out of range"):
        store.load("A", table)
    assert store.load("A", table, invalid="skip") == 1
    with pytest.raises(ValueError, match="out of range"):
        store.append("B", stamps[1], 1.0, 1.0, 1.0, 1.0, 1.0)
