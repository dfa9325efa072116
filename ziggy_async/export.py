"""A store's bars as one long table, for other tools."""

import contextlib
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core
from ziggy_async.duckdb_thread import Connection, needs_duckdb, with_connection
from ziggy_async.messages import optional_import, printable
from ziggy_async.reading.faults import first_sentences, one_line
from ziggy_async.reading.paths import DataFileError

if TYPE_CHECKING:
    import pyarrow

Columns = dict[str, NDArray[Any]]

WITHIN = re.compile(r'"exception_message":"((?:[^"\\]|\\.)*)"')
"""The message that DuckDB gives of a write in another thread."""
COLUMNS = {"timestamp": "M8[ns]"} | dict.fromkeys(("open", "high", "low", "close", "volume"), "f8")
"""Name -> type of the columns of every store."""


def bars_of(store: _core.BarStore) -> dict[str, Columns]:
    """Returns symbol -> its columns, copied symbol by symbol; a symbol that is dropped meanwhile is left out."""
    columns = {}
    for symbol in store.symbols():
        with contextlib.suppress(KeyError):
            columns[symbol] = store.bars(symbol)
    return columns


def long_table(store: _core.BarStore) -> tuple[list[str], Columns]:
    """Returns symbols, and columns `(rows,)`: `code`, the index into them, `timestamp` (datetime64[ns], UTC), the five
    figures and the further columns; symbol by symbol, oldest bar first."""
    bars = bars_of(store)
    lengths = [len(each["timestamp"]) for each in bars.values()]
    codes = np.repeat(np.arange(len(bars), dtype=np.int32), lengths)
    columns = {
        name: np.concatenate([np.empty(0, dtype), *(each[name] for each in bars.values())])
        for name, dtype in (COLUMNS | dict.fromkeys(store.columns, "f8")).items()
    }
    return list(bars), {"code": codes, **columns}


def to_arrow(store: _core.BarStore) -> "pyarrow.Table":
    """Returns the long table with the symbols as a dictionary, and timestamps in UTC. Raises `ModuleNotFoundError`
    without pyarrow."""
    with optional_import("pyarrow", "BarStore.to_arrow", "pyarrow"):
        import pyarrow
    symbols, columns = long_table(store)
    codes, timestamps = columns.pop("code"), columns.pop("timestamp")
    names = pyarrow.array(symbols, pyarrow.string())
    return pyarrow.table(
        {
            "symbol": pyarrow.DictionaryArray.from_arrays(codes, names),
            "timestamp": pyarrow.array(timestamps, pyarrow.timestamp("ns", tz="UTC")),
            **columns,
        }
    )


def write_parquet(store: _core.BarStore, path: str | os.PathLike[str]) -> None:
    """Writes the long table as a Parquet file, timestamps in UTC and without a zone. Raises `DataFileError` where it
    cannot be written, and `ModuleNotFoundError` without DuckDB."""
    name = os.fsdecode(path)
    symbols, rows = long_table(store)

    def write(connection: Connection) -> None:
        connection.register("rows", rows)
        table = connection.sql(
            "SELECT list_extract($symbols::VARCHAR[], code + 1) AS symbol, * EXCLUDE (code) FROM rows",
            params={"symbols": symbols},
        )
        table.write_parquet(name)

    with named_where_it_fails(name):
        with_connection(write)


@contextlib.contextmanager
def named_where_it_fails(path: str) -> Iterator[None]:
    """Turns what DuckDB says of a file that it cannot write into a `DataFileError`."""
    with needs_duckdb():
        import duckdb
    if not path:
        raise DataFileError("an empty path names no file to be written")
    said = f"{printable(path)}: cannot be written: "
    if not os.path.isdir(folder := os.path.dirname(path) or "."):
        raise DataFileError(f"{said}there is no folder {printable(folder)}: make it first")
    if os.path.isdir(path):
        raise DataFileError(f"{said}it is a folder: name a file in it")
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        found = WITHIN.search(str(error))
        sentence = first_sentences(error) if found is None else found[1]
        raise DataFileError(f"{said}{one_line(sentence).rpartition(': ')[2]}") from error
