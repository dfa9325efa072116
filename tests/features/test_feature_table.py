"""A table of features as arrays, Arrow, pandas, polars and dicts: the same figures, shared where they can be."""

import ctypes
import gc
import threading
import time
import weakref
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziggy_async.features import FeatureTable

NAT = np.iinfo(np.int64).min
SECOND = 10**9


def made(
    tickers: tuple[str, ...] = ("X", "Y", "X", "ß"), counts: list[int] | None = None, missing: tuple[str, ...] = ()
) -> FeatureTable:
    """Rows of the features 0, 2, 4, ... and 1, 3, 5, ..., a second apart; the second row has a NaN and no time."""
    rows = len(tickers) if counts is None else sum(counts)
    values = np.asfortranarray(np.arange(2.0 * rows).reshape(rows, 2))
    times = np.arange(rows) * SECOND
    if rows > 1:
        values[1, 1], times[1] = np.nan, NAT
    ends = None if counts is None else np.array(counts)
    return FeatureTable(("a", "rsi(14)"), tickers, ends, times, values, missing)


def test_columns_by_name() -> None:
    table = made(missing=("Y",))
    assert table.names == ("a", "rsi(14)")
    assert len(table) == 4
    assert table["a"].tolist() == [0.0, 2.0, 4.0, 6.0]
    assert table.symbols.tolist() == ["X", "Y", "X", "ß"]
    assert table.timestamps.dtype == "M8[ns]"
    assert table.timestamps[[0, 2]].astype(np.int64).tolist() == [0, 2 * SECOND]
    assert np.isnat(table.timestamps[1])
    assert table.missing == ("Y",)
    assert repr(table) == "<FeatureTable: 4 rows of a, rsi(14)>"


def test_a_name_that_is_no_feature() -> None:
    with pytest.raises(KeyError, match=r"did you mean 'rsi\(14\)'"):
        made()["rsi(15)"]


def test_figures_are_shared_and_cannot_be_written() -> None:
    table = made()
    values = table.to_numpy()
    assert values.flags.f_contiguous
    assert np.shares_memory(values, table["a"])
    for array in (values, table["a"], table.timestamps, table.symbols):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_counts_repeat_the_tickers() -> None:
    table = made(("X", "Y", "Z"), counts=[2, 0, 1])
    assert table.symbols.tolist() == ["X", "X", "Z"]
    assert pa.table(table)["symbol"].to_pylist() == ["X", "X", "Z"]
    assert table.to_pandas()["symbol"].tolist() == ["X", "X", "Z"]


def test_arrow_has_the_symbol_as_dictionary_and_shares_the_figures() -> None:
    table = made()
    arrow = pa.table(table)
    arrow.validate(full=True)
    assert arrow.schema.names == ["symbol", "timestamp", "a", "rsi(14)"]
    assert arrow.schema.types == [
        pa.dictionary(pa.int32(), pa.string()),
        pa.timestamp("ns", "UTC"),
        pa.float64(),
        pa.float64(),
    ]
    assert arrow["symbol"].to_pylist() == ["X", "Y", "X", "ß"]
    assert arrow["symbol"].chunk(0).dictionary.to_pylist() == ["X", "Y", "ß"]
    assert arrow["timestamp"].cast(pa.int64()).to_pylist() == [0, None, 2 * SECOND, 3 * SECOND]
    assert arrow["a"].null_count == arrow["rsi(14)"].null_count == 0
    assert np.isnan(arrow["rsi(14)"][1].as_py())
    for name in table.names:
        assert arrow[name].chunk(0).buffers()[1].address == table[name].ctypes.data


def test_arrow_is_read_by_others() -> None:
    table = made()
    with duckdb.connect() as connection:
        connection.register("features", table)
        found = connection.execute("SELECT sum(a), count(timestamp), min(symbol) FROM features").fetchall()
    assert found == [(12.0, 3, "X")]
    frame = table.to_polars()
    assert frame.schema["symbol"] == pl.Categorical
    assert frame["a"].to_list() == [0.0, 2.0, 4.0, 6.0]
    assert frame["rsi(14)"].is_nan().to_list() == [False, True, False, False]


def test_arrow_keeps_the_figures_until_its_last_part_is_gone() -> None:
    table = made()
    figures = weakref.ref(table.to_numpy())
    stream = table.__arrow_c_stream__()
    arrow = pa.table(table)
    column = arrow["a"]
    del table, arrow
    gc.collect()
    assert figures() is not None
    assert column.to_pylist() == [0.0, 2.0, 4.0, 6.0]
    del column
    gc.collect()
    assert figures() is not None
    del stream
    gc.collect()
    assert figures() is None


def test_pandas_is_a_frame_of_its_own() -> None:
    table = made()
    frame = table.to_pandas()
    assert frame.columns.tolist() == ["symbol", "timestamp", "a", "rsi(14)"]
    assert isinstance(frame["symbol"].dtype, pd.CategoricalDtype)
    assert frame["timestamp"].isna().tolist() == [False, True, False, False]
    frame.loc[0, "a"] = 100.0
    assert table["a"][0] == 0.0


def test_rows_are_dicts() -> None:
    rows = made().rows()
    assert rows[0] == {"symbol": "X", "timestamp": datetime(1970, 1, 1, tzinfo=UTC), "a": 0.0, "rsi(14)": 1.0}
    assert rows[1]["timestamp"] is None
    assert np.isnan(rows[1]["rsi(14)"])
    assert rows[3]["timestamp"] == datetime(1970, 1, 1, 0, 0, 3, tzinfo=UTC)


def test_a_table_without_rows() -> None:
    table = made(())
    assert table.rows() == []
    assert pa.table(table).num_rows == 0
    assert table.to_polars().columns == table.to_pandas().columns.tolist() == ["symbol", "timestamp", "a", "rsi(14)"]


def test_a_ticker_that_is_no_text_of_utf_8() -> None:
    assert pa.table(made(("\ud800",)))["symbol"].to_pylist() == ["\\ud800"]


@given(st.lists(st.integers(0, 3), max_size=40), st.data())
@settings(max_examples=50, deadline=None)
def test_nulls_of_any_length(counts: list[int], data: st.DataObject) -> None:
    tickers = tuple(data.draw(st.lists(st.sampled_from(["A", "B", "Ω"]), min_size=len(counts), max_size=len(counts))))
    rows = sum(counts)
    times = np.array(data.draw(st.lists(st.sampled_from([NAT, 0, 7]), min_size=rows, max_size=rows)), dtype=np.int64)
    values = np.asfortranarray(np.arange(float(rows)).reshape(rows, 1))
    arrow = pa.table(FeatureTable(("a",), tickers, np.array(counts, dtype=np.int64), times, values, ()))
    arrow.validate(full=True)
    wanted: list[Any] = [None if each == NAT else each for each in times.tolist()]
    assert arrow["timestamp"].cast(pa.int64()).to_pylist() == wanted
    assert arrow["symbol"].to_pylist() == [
        ticker for ticker, count in zip(tickers, counts, strict=True) for _ in range(count)
    ]


def test_a_stream_that_a_thread_without_the_gil_releases_lets_go_of_its_figures() -> None:
    """The objects wait for a thread that has the GIL, and no longer."""
    library = ctypes.PyDLL(None)
    library.PyCapsule_GetPointer.restype = ctypes.c_void_p
    library.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    table = made()
    gone = weakref.ref(table.to_numpy().base if table.to_numpy().base is not None else table)
    capsule = table.__arrow_c_stream__()
    stream = library.PyCapsule_GetPointer(capsule, b"arrow_array_stream")
    release_at = ctypes.sizeof(ctypes.c_void_p) * 3  # behind get_schema, get_next, get_last_error
    release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.c_void_p.from_address(stream + release_at).value)
    worker = threading.Thread(target=release, args=(stream,))  # a foreign function is called without the GIL
    worker.start()
    worker.join()
    del capsule, table
    deadline = time.monotonic() + 60.0
    while gone() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.001)  # another thread may want the GIL
    assert gone() is None
