"""One table of bars in each of the containers that people have."""

import gzip

import numpy as np
import polars as pl
import pyarrow as pa

from ziggy_async import BarStore


def _load(data, **options):
    store = BarStore()
    store.load("A", data, **options)
    return store


def _csv(frame, path, **options):
    frame.to_csv(path / "a.csv", index=False)
    return BarStore.read(path / "a.csv", **options)


def _packed_csv(frame, path, **options):
    (path / "a.csv.gz").write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    return BarStore.read(path / "a.csv.gz", **options)


def _parquet(frame, path, **options):
    frame.to_parquet(path / "a.parquet", index=False)
    return BarStore.read(path / "a.parquet", **options)


def _parquet_of_polars(frame, path, **options):
    pl.from_pandas(frame).write_parquet(path / "a.parquet")
    return BarStore.read(path / "a.parquet", **options)


def _parquet_with_index(frame, path, **options):
    frame.set_index(frame.columns[0]).to_parquet(path / "a.parquet")
    return BarStore.read(path / "a.parquet", **options)


def _structured(frame, path, **options):
    columns = {name: frame[name].to_numpy() for name in frame}
    array = np.empty(len(frame), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        array[name] = column
    return _load(array, **options)


CONTAINERS = {
    "pandas": lambda frame, path, **options: _load(frame, **options),
    "index": lambda frame, path, **options: _load(frame.set_index(frame.columns[0]), **options),
    "nameless index": lambda frame, path, **options: _load(
        frame.set_index(frame.columns[0]).rename_axis(None), **options
    ),
    "dict": lambda frame, path, **options: _load({name: frame[name].array for name in frame}, **options),
    "polars": lambda frame, path, **options: _load(pl.from_pandas(frame), **options),
    "Arrow": lambda frame, path, **options: _load(pa.Table.from_pandas(frame), **options),
    "rows": lambda frame, path, **options: _load(frame.to_dict("records"), **options),
    "structured": _structured,
    "CSV": _csv,
    "packed CSV": _packed_csv,
    "Parquet": _parquet,
    "Parquet of polars": _parquet_of_polars,
    "Parquet with an index": _parquet_with_index,
}
"""Name -> the store of the bars of a pandas frame, of which the first column may be the index, by way of a folder."""

EVERY = ("pandas", "Arrow", "CSV", "Parquet")
"""Those that differ in how they are read."""


def sampled(layouts):
    """Pairs of container and layout: every layout in each of `EVERY` and in one of the others, which take turns."""
    others = [each for each in CONTAINERS if each not in EVERY]
    return [(each, layout) for at, layout in enumerate(layouts) for each in (*EVERY, others[at % len(others)])]
