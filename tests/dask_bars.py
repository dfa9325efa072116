"""A data set for workers of Dask, and what tells whether its features are right."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa

from ziggy_async import FeatureSet

MEMORY = 600_000_000
"""Bytes that a worker may have; it takes some 200 million when it is idle."""
FILES, TICKERS, BARS = 30, 800, 250
FURTHER = tuple(f"of_depth_{level}" for level in range(8))
"""Columns that no formula reads."""
FEATURES = FeatureSet("rsi(14)", "macd().signal", top="highest(high, 20)", up="crossed_above(close, sma(50))")


def bars_of(file: int) -> pa.Table:
    """The bars of some tickers, in order; prices in cents, of which Parquet makes small files."""
    steps = np.random.default_rng(file).integers(-50, 51, (TICKERS, BARS)) / 100.0
    close = 500.0 + np.cumsum(steps, axis=1).ravel()
    symbols = pa.array([f"F{file:02}T{at:04}" for at in range(TICKERS)])
    codes = pa.array(np.repeat(np.arange(TICKERS, dtype=np.int32), BARS))
    days = np.tile(np.datetime64("2020-01-01", "ns") + np.arange(BARS) * np.timedelta64(1, "D"), TICKERS)
    columns = {
        "open": close,
        "high": close + 0.5,
        "low": close - 0.5,
        "close": close,
        "volume": np.full(len(close), 1e6),
    }
    further = dict.fromkeys(FURTHER, np.zeros(len(close)))
    return pa.table({"symbol": pa.DictionaryArray.from_arrays(codes, symbols), "time": days, **columns, **further})


def digest(columns) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(column).tobytes() for column in columns)).hexdigest()


def digest_of(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """The first ticker of a partition, and a digest of its features."""
    columns = [frame[name].to_numpy() for name in names]
    return pd.DataFrame({"first": frame["symbol"].iloc[:1].astype(str), "digest": digest(columns)})
