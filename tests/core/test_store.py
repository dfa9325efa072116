"""What a bar store holds, what it refuses, and threads at once."""

import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import numpy as np
import pytest
from reference.bars import FIELDS, walk
from reference.tables import (
    DAY,
    FIRST,
    Kind,
    append,
    as_pandas,
    as_polars,
    as_pyarrow,
    as_structured,
    assert_bars,
    contents,
)

from ziggy_async import BarStore, default_store
from ziggy_async.market_brain.features import FeatureComputer


def test_an_empty_store() -> None:
    store = BarStore()
    assert (len(store), store.symbols(), "A" in store, 5 in store) == (0, [], False, False)
    assert store.drop("A") is False
    with pytest.raises(KeyError, match="A"):
        store.bars("A")
    assert default_store() is default_store()


def test_symbols_in_the_order_in_which_they_came() -> None:
    store = BarStore()
    for symbol in ("B", "A", "^VIX", "ÄÖ €", "B"):
        store.load(symbol, walk(3).table())
    assert store.symbols() == ["B", "A", "^VIX", "ÄÖ €"]
    assert len(store) == 4
    assert "ÄÖ €" in store
    assert store.drop("A") is True
    assert sorted(store.symbols()) == sorted(["B", "^VIX", "ÄÖ €"])
    store.clear()
    assert (len(store), store.symbols()) == (0, [])


@pytest.mark.parametrize("capacity", [1, 2, 3, 5, 16, 100])
def test_only_the_last_bars_are_kept(capacity: int) -> None:
    bars, store = walk(64), BarStore(capacity)
    assert store.capacity == capacity
    for row in range(len(bars)):
        append(store, "A", bars, row)
        assert_bars(store, "A", bars[max(0, row + 1 - capacity) : row + 1])
    store.load("L", bars.table())
    assert_bars(store, "L", bars[-capacity:])


@pytest.mark.parametrize("capacity", [1.5, "5", None])
def test_a_capacity_is_a_whole_number(capacity: object) -> None:
    with pytest.raises(TypeError, match=f"capacity: {capacity!r} is a .*, not a whole number"):
        BarStore(capacity)  # type: ignore[arg-type]


def test_an_option_of_reading_that_is_none() -> None:
    with pytest.raises(TypeError, match="no option 'invald' of reading bars; did you mean 'invalid'"):
        BarStore().load("A", {}, invald="skip")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no option 'x' of reading bars; there are invalid, unit, dates, columns, vol"):
        BarStore.read("a.csv", x=1)  # type: ignore[call-arg]


def test_to_read_no_file_is_an_error() -> None:
    with pytest.raises(ValueError, match="no files are given to read"):
        BarStore.read()


@pytest.mark.parametrize("capacity", [0, -1])
def test_a_capacity_is_positive(capacity: int) -> None:
    with pytest.raises(ValueError, match="capacity"):
        BarStore(capacity)


def test_the_same_timestamp_replaces_the_bar_that_is_forming() -> None:
    store = BarStore()
    store.append("A", FIRST, 10.0, 11.0, 9.0, 10.0, 5.0)
    store.append("A", FIRST, 10.0, 12.0, 8.0, 9.0, 7.0)
    found = store.bars("A")
    assert [found[name].tolist() for name in FIELDS] == [[10.0], [12.0], [8.0], [9.0], [7.0]]


def test_an_older_timestamp_is_refused() -> None:
    store = BarStore()
    store.load("A", walk(5).table())
    before = contents(store)
    with pytest.raises(ValueError, match="A"):
        store.append("A", FIRST + 3 * DAY, 10.0, 11.0, 9.0, 10.0, 5.0)
    assert contents(store) == before


def test_bars_are_copies() -> None:
    store = BarStore()
    store.load("A", walk(5).table())
    before = contents(store)
    taken = store.bars("A")
    for column in taken.values():
        column[:] = column[0]
    assert contents(store) == before
    kept = store.bars("A")
    store.append("A", FIRST + 9 * DAY, 1.0, 1.0, 1.0, 1.0, 1.0)
    store.drop("A")
    assert [column.tolist() for column in kept.values()] == before["A"]


def test_the_callers_arrays_are_not_kept() -> None:
    store, table = BarStore(), {name: column.copy() for name, column in walk(5).table().items()}
    store.load("A", table)
    before = contents(store)
    for column in table.values():
        column[:] = column[0]
    assert contents(store) == before


def test_load_replaces() -> None:
    store = BarStore()
    store.load("A", walk(30, seed=1).table())
    assert store.load("A", walk(5, seed=2).table()) == 0
    assert_bars(store, "A", walk(5, seed=2))


# Cross sections


def test_cross_sections() -> None:
    store, every = BarStore(8), {f"S{seed}": walk(20, seed=seed) for seed in range(50)}
    for row in range(20):
        ohlcv = np.array([[column[row] for column in bars.columns().values()] for bars in every.values()])
        store.append_cross_section(FIRST + row * DAY, list(every), ohlcv)
    for symbol, bars in every.items():
        assert_bars(store, symbol, bars[-8:])


@pytest.mark.parametrize("ohlcv", [np.ones((2, 4)), np.ones((3, 5)), np.ones(10), np.ones((2, 5, 1))])
def test_a_cross_section_of_the_wrong_shape(ohlcv: Any) -> None:
    store = BarStore()
    with pytest.raises(ValueError, match="ohlcv"):
        store.append_cross_section(FIRST, ["A", "B"], ohlcv)
    assert len(store) == 0


@pytest.mark.parametrize(("column", "value"), [(0, np.nan), (1, 0.5), (2, 2.0), (3, np.inf), (4, -1.0)])
def test_a_cross_section_goes_in_whole_or_not_at_all(column: int, value: float) -> None:
    store = BarStore()
    store.append_cross_section(FIRST, ["A", "B"], np.ones((2, 5)))
    before, ohlcv = contents(store), np.ones((3, 5))
    ohlcv[2, column] = value
    with pytest.raises(ValueError, match="NEW"):
        store.append_cross_section(FIRST + DAY, ["A", "B", "NEW"], ohlcv)
    assert contents(store) == before
    with pytest.raises(ValueError, match="A"):
        store.append_cross_section(FIRST + DAY, ["A", "B", "A"], np.ones((3, 5)))
    with pytest.raises(TypeError, match="1"):
        store.append_cross_section(FIRST + DAY, ["A", 5], np.ones((2, 5)))  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"position 1 cannot be written as UTF-8: 'B.udc80'"):
        store.append_cross_section(FIRST + DAY, ["A", "B\udc80"], np.ones((2, 5)))
    with pytest.raises(ValueError, match=r"position 1 cannot be written as UTF-8: 'B{199}$"):
        store.append_cross_section(FIRST + DAY, ["A", "B" * 1_000_000 + "\udc80"], np.ones((2, 5)))
    with pytest.raises(ValueError, match="A"):
        store.append_cross_section(FIRST - DAY, ["NEW", "A"], np.ones((2, 5)))
    assert contents(store) == before


def faults() -> dict[str, tuple[str, int, Any, str]]:
    """Column, row and value that make the fourth bar wrong, and what the message has to show of it."""
    found: dict[str, tuple[str, int, Any, str]] = {"negative volume": ("volume", 3, -5.0, "-5")}
    for column in FIELDS:
        found[f"{column} NaN"] = (column, 3, np.nan, "nan")
        found[f"{column} infinite"] = (column, 3, np.inf, "inf")
    for column in FIELDS[:4]:
        found[f"{column} zero"] = (column, 3, 0.0, "0")
        found[f"{column} negative"] = (column, 3, -7.0, "-7")
    for column in ("open", "close"):
        found[f"{column} above high"] = (column, 3, 1e6, "1000000")
        found[f"{column} below low"] = (column, 3, 0.5, "0.5")
    return found


@pytest.mark.parametrize("fault", list(faults()))
@pytest.mark.parametrize("kind", [dict, as_pandas, as_polars])
def test_a_bad_row_is_named_and_nothing_changes(fault: str, kind: Kind) -> None:
    column, row, value, shown = faults()[fault]
    store, good = BarStore(), walk(8)
    store.load("AAPL", good.table())
    store.load("MSFT", good.table())
    before = contents(store)
    table = {name: values.copy() for name, values in walk(10, seed=5).table().items()}
    table[column][row] = value
    with pytest.raises(ValueError, match="AAPL") as refused:
        store.load("AAPL", kind(table))
    for part in (f"row {row}", column, shown):
        assert part in str(refused.value).lower()
    assert contents(store) == before
    assert store.load("AAPL", kind(table), invalid="skip") == 1
    rows = [number for number in range(10) if number != row]
    assert store.bars("AAPL")["close"].tolist() == walk(10, seed=5).close[rows].tolist()
    figures = [float(table[name][row]) for name in FIELDS]
    before = contents(store)
    with pytest.raises(ValueError, match=f"AAPL.*{column}"):
        store.append("AAPL", FIRST + 99 * DAY, *figures)
    assert contents(store) == before


def test_a_high_below_the_low() -> None:
    store, table = BarStore(), {name: column.copy() for name, column in walk(5).table().items()}
    for name, value in (("open", 10.0), ("close", 10.0), ("high", 9.0), ("low", 11.0)):
        table[name][2] = value
    with pytest.raises(ValueError, match=r"A.*row 2.*(high|low|open)"):
        store.load("A", table)
    assert len(store) == 0


@pytest.mark.parametrize(("row", "stamp"), [(3, FIRST), (3, FIRST + 2 * DAY), (1, np.datetime64("NaT", "ns"))])
def test_times_must_rise(row: int, stamp: Any) -> None:
    store, table = BarStore(), {name: column.copy() for name, column in walk(6).table().items()}
    table["timestamp"][row] = stamp
    with pytest.raises(ValueError, match=rf"A.*row {row}.*timestamp"):
        store.load("A", table)
    assert len(store) == 0
    assert store.load("A", table, invalid="skip") == 1
    assert len(store.bars("A")["close"]) == 5


@pytest.mark.parametrize("missing", ["timestamp", *FIELDS])
@pytest.mark.parametrize("kind", [dict, as_pandas, as_polars, as_structured])
def test_a_missing_column_is_named(missing: str, kind: Kind) -> None:
    store, table = BarStore(), walk(5).table()
    del table[missing]
    with pytest.raises(ValueError, match=missing):
        store.load("A", kind(table))
    assert len(store) == 0


def test_two_columns_for_one_role() -> None:
    store, table = BarStore(), walk(5).table()
    with pytest.raises(ValueError, match=r"(?i)close"):
        store.load("A", {**table, "Close": table["close"]})
    assert len(store) == 0


@pytest.mark.parametrize("name", ["timestamp", *FIELDS])
def test_mixed_lengths(name: str) -> None:
    store, table = BarStore(), walk(5).table()
    with pytest.raises(ValueError, match=name):
        store.load("A", {**table, name: table[name][:-1]})
    assert len(store) == 0


@pytest.mark.parametrize("kind", [dict, as_pandas, as_polars, as_pyarrow, as_structured])
def test_no_rows(kind: Kind) -> None:
    store = BarStore()
    store.load("A", walk(5).table())
    before = contents(store)
    with pytest.raises(ValueError, match="A"):
        store.load("A", kind(walk(0).table()))
    assert contents(store) == before


@pytest.mark.parametrize("data", [5, None, "bars.csv", b"bars", object(), [1, 2, 3]])
def test_what_is_no_table(data: Any) -> None:
    store = BarStore()
    with pytest.raises(TypeError):
        store.load("A", data)
    with pytest.raises(TypeError):
        store.load_frame(data)
    assert len(store) == 0


@pytest.mark.parametrize("kind", [dict, as_pandas, as_polars, as_pyarrow])
def test_a_column_of_text(kind: Kind) -> None:
    store, table = BarStore(), dict(walk(3).table())
    table["open"] = np.array(["1.0", "two", "3.0"])
    with pytest.raises((TypeError, ValueError), match="open"):
        store.load("A", kind(table))
    assert len(store) == 0


def test_other_wrong_arguments() -> None:
    store, table = BarStore(), walk(5).table()
    for symbol in (5, None, b"A"):
        with pytest.raises(TypeError):
            store.load(symbol, table)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            store.append(symbol, FIRST, 1.0, 1.0, 1.0, 1.0, 1.0)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            store.bars(symbol)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="symbol"):
        store.load("", table)
    with pytest.raises(ValueError, match="invalid"):
        store.load("A", table, invalid="repair")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.append("A", FIRST, "1.0", 1.0, 1.0, 1.0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="close"):
        store.load("A", {**table, "close": np.ones((5, 2))})
    assert len(store) == 0


@pytest.fixture
def _quick_switches() -> Any:
    """Threads change places as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_quick_switches")
def test_readers_and_writers_at_once() -> None:
    """Every bar has its number in each figure, so that a torn reading shows."""
    store, done = BarStore(64), threading.Event()
    computer, symbols = FeatureComputer(store), [f"S{number}" for number in range(4)]

    def numbered(first: int, count: int) -> dict[str, Any]:
        numbers = np.arange(first, first + count, dtype=np.float64)
        return {"timestamp": FIRST + np.arange(first, first + count) * DAY, **dict.fromkeys(FIELDS, numbers)}

    def write(symbol: str) -> None:
        for turn in range(40):
            store.load(symbol, numbered(1 + turn, 60))
            for number in range(61 + turn, 91 + turn):
                store.append(symbol, FIRST + number * DAY, *[float(number)] * 5)

    def read() -> int:
        readings = 0
        while not done.is_set() or readings == 0:
            for symbol in symbols:
                bars = store.bars(symbol)
                closes = bars["close"]
                assert all(np.array_equal(bars[name], closes) for name in FIELDS)
                assert (np.diff(closes) == 1.0).all()
                assert np.array_equal(bars["timestamp"], FIRST + closes.astype(np.int64) * DAY)
                found = computer.compute_for_ticker(symbol)
                if found["status"] == "ok":
                    assert found["sma_20"] == pytest.approx(found["close"] - 9.5)
            readings += 1
        return readings

    for symbol in symbols:
        store.load(symbol, numbered(1, 60))
    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        writers = [pool.submit(write, symbol) for symbol in symbols]
        try:
            for writer in writers:
                writer.result()
        finally:
            done.set()
        assert all(reader.result() > 0 for reader in readers)
    assert len(store) == len(symbols)


@pytest.mark.usefixtures("_quick_switches")
def test_arrays_that_change_while_they_are_loaded() -> None:
    """What is checked is what is kept: a row that turns bad afterwards does not get in."""
    bars, store, done = walk(2000), BarStore(2000), threading.Event()
    table = bars.table()
    times, figures = bars.timestamp.copy(), [bars.columns()[name].copy() for name in FIELDS]

    def change() -> None:
        good = float(bars.close[1000])
        while not done.is_set():
            for value in (np.nan, good):
                table["close"][1000] = figures[3][1000] = value

    def load(turn: int) -> None:
        if turn % 2:
            store.load("A", table)
        else:
            store._load_rows("A", times, *figures, np.empty((0, len(times))), False)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for turn in range(400):
            with contextlib.suppress(ValueError):
                load(turn)
            if "A" in store:
                assert np.isfinite(store.bars("A")["close"]).all()
    finally:
        done.set()
        changer.join()


def test_a_symbol_dropped_by_others_meanwhile() -> None:
    store, stop = BarStore(16), threading.Barrier(4)
    bars = walk(20)

    def turn(number: int) -> None:
        stop.wait()
        for _ in range(300):
            store.load("A", bars.table())
            store.drop("A") if number % 2 else store.clear()
            with contextlib.suppress(KeyError):
                assert store.bars("A")["close"].tolist() == bars.close[-16:].tolist()
            assert set(store.symbols()) <= {"A"}

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(turn, number) for number in range(4)]:
            future.result()


@pytest.mark.parametrize(
    ("figures", "error", "words"),
    [
        ((10**400, 1, 1, 1, 1), ValueError, "ACME: open is too large"),
        (("x", 1, 1, 1, 1), TypeError, "ACME: open must be a number, not 'x'"),
        ((1, 1, True, 1, 1), TypeError, "ACME: low must be a number, not True"),
        ((1, 1, 1, None, 1), TypeError, "ACME: close must be a number, not None"),
    ],
)
def test_what_is_no_number_is_named(figures, error, words: str) -> None:
    store = BarStore()
    with pytest.raises(error, match=words):
        store.append("ACME", np.datetime64("2020-01-01"), *figures)
    assert len(store) == 0


@pytest.mark.parametrize(
    ("stamp", "error", "fault"),
    [
        ("nope", ValueError, "timestamp: 'nope' is not a date and time"),
        (5, ValueError, "timestamp: 5 is not a time in s, ms, us or ns"),
        (1.5, TypeError, "timestamp: 1.5 is not a timestamp but a float"),
        (np.timedelta64(1, "D"), TypeError, "timestamp: .* is not a timestamp but a timedelta64"),
        (
            np.timedelta64(1_704_153_600_000_000_000, "ns"),
            TypeError,
            "timestamp: .* is not a timestamp but a timedelta64",
        ),
        (date(9999, 12, 31), ValueError, "timestamp: 9999-12-31 is out of range"),
        (None, ValueError, "timestamp is missing: it is None"),
        (float("nan"), ValueError, "timestamp is missing: it is nan"),
        (np.datetime64("NaT", "s"), ValueError, r"timestamp is missing: it is .*NaT"),
        ("pandas", ValueError, "timestamp is missing: it is NaT"),
    ],
)
def test_a_timestamp_that_is_none_names_symbol_column_and_value(stamp, error, fault) -> None:
    if stamp == "pandas":
        stamp = pytest.importorskip("pandas").NaT
    with pytest.raises(error, match=f"^ACME: {fault}"):
        BarStore().append("ACME", stamp, 1, 1, 1, 1, 1)
    with pytest.raises(error, match=f"^{fault}"):
        BarStore().append_cross_section(stamp, ["ACME"], np.ones((1, 5)))


def test_a_capacity_that_is_too_large() -> None:
    with pytest.raises(ValueError, match="capacity"):
        BarStore(2**63)


def test_how_many_bars_there_are_and_when_the_last_ones_begin() -> None:
    store = BarStore(capacity=40)
    bars = {f"T{at:04}": walk(1 + at % 60, seed=at) for at in range(1100)}
    for symbol, each in bars.items():
        store.load(symbol, {"timestamp": each.timestamp.view("M8[ns]"), **each.columns()})
    asked = [*reversed(bars), "none"]
    counts, times = store._tails(asked, 10)
    assert counts.tolist() == [min(40, len(bars[symbol].timestamp)) for symbol in asked[:-1]] + [0]
    assert times.tolist()[:-1] == [bars[symbol].timestamp[-10:][0] for symbol in asked[:-1]]
    assert np.isnat(times.view("M8[ns]")[-1])
    assert [len(part) for part in store._tails([], 1)] == [0, 0]
    for wrong, error in (
        ((["A"], 0), ValueError),
        ((["A"], 1.5), TypeError),
        (("A", 1), TypeError),
        (([5], 1), TypeError),
    ):
        with pytest.raises(error):
            store._tails(*wrong)
