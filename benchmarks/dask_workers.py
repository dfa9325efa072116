"""The history of thirty features of 20,000 tickers out of Parquet files, on one Dask worker and on two."""

import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.harness import Report, alone
from benchmarks.set_lag import THIRTY
from ziggy_async import FeatureSet

TICKERS, BARS, FILES, ROUNDS = 20_000, 252, 40, 5


async def run() -> Report:
    cores = len(os.sched_getaffinity(0))
    one, two = await alone(measure)
    report = Report(
        "dask", f"history of {len(THIRTY)} features of {TICKERS:,} x {BARS} bars in {FILES} files, {cores} cores"
    )
    report.add("two workers of a thread each", two, "s")
    report.add("one worker", one, "s", "at least 1.5 x", report.rows[-1].what)
    return report


def measure() -> tuple[float, float]:
    """Median seconds with one worker and with two, in alternation; one round before warms up."""
    import dask.dataframe as dd
    from distributed import Client, LocalCluster

    from ziggy_async.dask import history

    features = FeatureSet(*THIRTY)
    options = {"threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=1, **options) as of_one,
        LocalCluster(n_workers=2, **options) as of_two,
        Client(of_one, set_as_default=False) as one,
        Client(of_two, set_as_default=False) as two,
    ):
        for file in range(FILES):
            parquet.write_table(bars_of(file), Path(folder, f"{file:02}.parquet"))
        rows = history(dd.read_parquet(folder), features).map_partitions(len)
        seconds: dict[Client, list[float]] = {one: [], two: []}
        for _ in range(ROUNDS + 1):
            for client, each in seconds.items():
                start = time.perf_counter()
                counts = client.compute(rows).result()
                each.append(time.perf_counter() - start)
                if counts.sum() != TICKERS * BARS:
                    raise AssertionError(f"{counts.sum()} rows of {TICKERS * BARS}")
    return statistics.median(seconds[one][1:]), statistics.median(seconds[two][1:])


def bars_of(file: int) -> pa.Table:
    tickers = TICKERS // FILES
    close = 100.0 + np.cumsum(np.random.default_rng(file).normal(0.0, 0.1, (tickers, BARS)), axis=1).ravel()
    days = np.datetime64("2023-01-01", "ns") + np.arange(BARS) * np.timedelta64(1, "D")
    symbols = np.repeat([f"F{file:02}T{at:04}" for at in range(tickers)], BARS)
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close * 100}
    return pa.table({"symbol": symbols, "time": np.tile(days, tickers), **columns})
