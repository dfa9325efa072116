"""Tables of bars in every kind that a store takes, and what a store then holds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reference.bars import FIELDS, FIRST_DAY_NS, Bars
from ziggy_async import BarStore

DAY = np.timedelta64(1, "D")
FIRST = np.datetime64(FIRST_DAY_NS, "ns")


def assert_bars(store: BarStore, symbol: str, expected: Bars) -> None:
    found = store.bars(symbol)
    assert list(found) == ["timestamp", *FIELDS]
    assert found["timestamp"].dtype == np.dtype("datetime64[ns]")
    assert found["timestamp"].astype(np.int64).tolist() == expected.timestamp.tolist()
    for name, column in expected.columns().items():
        assert found[name].dtype == np.float64
        assert found[name].tolist() == column.tolist(), name


def contents(store: BarStore) -> dict[str, list[Any]]:
    return {symbol: [column.tolist() for column in store.bars(symbol).values()] for symbol in store.symbols()}


def append(store: BarStore, symbol: str, bars: Bars, row: int) -> None:
    figures = [float(column[row]) for column in bars.columns().values()]
    store.append(symbol, np.datetime64(int(bars.timestamp[row]), "ns"), *figures)


def as_pyarrow(table: dict[str, Any]) -> Any:
    return pytest.importorskip("pyarrow").table(table)


def as_pyarrow_batches(table: dict[str, Any]) -> Any:
    arrow = pytest.importorskip("pyarrow")
    return arrow.Table.from_batches(arrow.table(table).to_batches(max_chunksize=7))


def as_pyarrow_batch(table: dict[str, Any]) -> Any:
    return pytest.importorskip("pyarrow").RecordBatch.from_pydict(table)


def as_polars(table: dict[str, Any]) -> Any:
    return pytest.importorskip("polars").DataFrame(table)


def as_pandas(table: dict[str, Any]) -> Any:
    return pytest.importorskip("pandas").DataFrame(table)


def as_pandas_with_index(table: dict[str, Any]) -> Any:
    frame = as_pandas(table)
    return frame.set_index(next(name for name in table if name.lower() == "timestamp"))


def as_relation(table: dict[str, Any]) -> Any:
    duckdb = pytest.importorskip("duckdb")
    arrow = as_pyarrow(table)
    return duckdb.connect().from_arrow(arrow)


def as_structured(table: dict[str, Any]) -> Any:
    rows = np.empty(len(next(iter(table.values()))), [(name, column.dtype) for name, column in table.items()])
    for name, column in table.items():
        rows[name] = column
    return rows


def as_lists(table: dict[str, Any]) -> Any:
    return {name: column.tolist() if column.dtype.kind == "f" else column for name, column in table.items()}


Kind = Callable[[dict[str, Any]], Any]
KINDS = [as_pyarrow, as_pyarrow_batches, as_pyarrow_batch, as_polars, as_pandas, as_pandas_with_index, as_relation,
         as_structured, dict, as_lists]  # fmt: skip


def long_table(every: dict[str, Bars], shuffled: bool) -> dict[str, Any]:
    symbols = np.concatenate([[symbol] * len(bars) for symbol, bars in every.items()])
    columns = {name: np.concatenate([bars.table()[name] for bars in every.values()]) for name in ("timestamp", *FIELDS)}
    order = np.random.default_rng(0).permutation(len(symbols)) if shuffled else np.arange(len(symbols))
    return {"symbol": symbols[order], **{name: column[order] for name, column in columns.items()}}
