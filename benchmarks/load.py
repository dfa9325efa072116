"""Tables into a store: one symbol's arrays, a long frame, and a CSV file, read and stored while the loop goes on."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Columns, Report, alternate
from benchmarks.lag import measured
from ziggy_async.lag import LagSummary
from ziggy_async.store import BarStore

ROWS, BARS, ROUNDS = 5_000_000, 1000, 5
DAYS = 252
OF_DUCKDB = "the CSV file, DuckDB into Arrow"


async def run() -> Report:
    """Without DuckDB, polars and pyarrow `ModuleNotFoundError`."""
    import duckdb
    import polars

    report = Report("load", f"{DAYS} bars of one symbol; and {ROWS:,} rows, {BARS:,} a symbol, in symbol order")
    store, arrays = BarStore(BARS), bars(DAYS)
    names = np.repeat([f"S{number:05}" for number in range(ROWS // BARS)], BARS)
    frame = polars.DataFrame({"symbol": names, **bars(ROWS)})

    async def load_arrays() -> object:
        return store.load("AAPL", arrays)

    async def load_frame() -> object:
        return store.load_frame(frame)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.csv"
        frame.write_csv(path)

        async def read_by_duckdb() -> object:
            return duckdb.connect().read_csv(str(path)).to_arrow_table()

        async def read() -> object:
            return BarStore.read(path, capacity=BARS)

        seconds = await alternate({"arrays": load_arrays, "frame": load_frame}, ROUNDS)
        seconds |= await alternate({"duckdb": read_by_duckdb, "read": read}, ROUNDS)
        idle = (await measured(lambda: asyncio.sleep(0.01)))[0]
        lags = {
            "load_frame_async": (await measured(lambda: store.load_frame_async(frame)))[0],
            "read_async": (await measured(lambda: BarStore.read_async(path, capacity=BARS)))[0],
        }
    report.add("a dict of arrays", seconds["arrays"] * 1e6, "us", "at most 10")
    report.add("a polars frame", ROWS / seconds["frame"] / 1e6, "M rows/s", "at least 10")
    report.add(OF_DUCKDB, seconds["duckdb"], "s")
    report.add("the CSV file, read and stored", seconds["read"], "s", "at most 1.5 x", beside=OF_DUCKDB)
    add_lags(report, idle, lags)
    return report


def add_lags(report: Report, idle: LagSummary, lags: Mapping[str, LagSummary]) -> None:
    report.add("the loop's lag, idle, p95", idle.p95, "ms")
    for name, lag in lags.items():
        report.add(f"the loop's lag, {name}, p95", lag.p95, "ms", f"at most {idle.p95 + 1.0:.2f}: 1 above idle")


def bars(rows: int) -> Columns:
    """Minutes that begin anew with every symbol."""
    minutes = np.arange(rows) % BARS * np.timedelta64(1, "m")
    close = 100.0 + np.arange(rows) % 97 / 8
    table: dict[str, Any] = {"timestamp": np.datetime64("2024-01-02T14:30", "ns") + minutes, "open": close}
    return table | {"high": close + 1, "low": close - 1, "close": close, "volume": close * 1000}
