"""Features of Dask data frames, partition by partition: the extra `dask`."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

try:
    import dask.dataframe as dd
    from dask.delayed import delayed
except ImportError as error:
    raise ModuleNotFoundError(f"ziggy_async.dask needs Dask: pip install 'ziggy_async[dask]' ({error})") from error

from ziggy_async import _core
from ziggy_async.features import FeatureSet
from ziggy_async.features.over import key_column
from ziggy_async.features.tables import table_of
from ziggy_async.messages import shown

MOST_THREADS = 256
"""That a native pool may have."""


def history(ddf: Any, features: FeatureSet, by: str | None = None, time: str | None = None) -> Any:
    """Returns the features beside the columns of a Dask data frame: lazily, `FeatureSet.over` of each partition.

    All rows of a ticker are to be in one partition: one that is split is a `ValueError` when features are computed, and
    `ddf.shuffle(on="symbol")` gathers its rows. To find that out, the column of tickers is computed once before the
    rest; where that is costly, as after a shuffle, `persist` the data frame. `by` and `time` are as for `over`. A
    worker's native pool gets as many threads as the worker has.

    Returns a Dask data frame with the same partitions, rows and index. Raises `ValueError` or `FormulaError` for
    columns as `over` does, `ValueError` for several partitions without a column of tickers or with features that read
    other tickers, `TypeError` for another kind of frame or of features.
    """
    if not isinstance(ddf, dd.DataFrame):
        raise TypeError(f"ddf must be a Dask data frame, not {shown(ddf)}")
    if not isinstance(features, FeatureSet):
        raise TypeError(f"features must be a FeatureSet, not {shown(features)}")
    meta = features.over(ddf._meta, by, time)
    tickers = key_column("by", by, "symbol", table_of(ddf._meta, by, time).names)
    if tickers is None and ddf.npartitions > 1:
        raise ValueError(
            f"there is no column of tickers, so that the rows of all {ddf.npartitions} partitions are one ticker's:"
            " give by=, or bring them together by ddf.repartition(npartitions=1)"
        )
    if features.across_tickers and ddf.npartitions > 1:
        raise ValueError(
            f"{', '.join(features.across_tickers)}: read other tickers, which may be in another of the"
            f" {ddf.npartitions} partitions; ddf.repartition(npartitions=1) brings them together"
        )
    frame: Any = ddf  # Dask's methods have no types
    is_whole = True if tickers is None else delayed(refuse_split)(tickers, tickers_of_partitions(frame, tickers))
    return frame.map_partitions(features_of, features, by, time, is_whole, meta=meta)


def tickers_of_partitions(ddf: Any, name: str) -> Any:
    """Returns the distinct tickers of each partition, delayed."""
    column = ddf[name] if name in ddf.columns else ddf.index.to_series()
    return column.map_partitions(lambda part: part.drop_duplicates(), meta=column._meta).to_delayed()


def refuse_split(name: str, partitions: Sequence[Iterable[Any]]) -> bool:
    """Returns True. Raises `ValueError` for a ticker that several of the partitions have. `name` is the column's."""
    place: dict[Any, int] = {}
    for number, tickers in enumerate(partitions):
        for ticker in tickers:
            first = place.setdefault(ticker, number)
            if first != number:
                raise ValueError(
                    f"{shown(ticker)} is split: partitions {first} and {number} have rows of it;"
                    f" ddf.shuffle(on={name!r}) brings each ticker into one partition"
                )
    return True


def features_of(frame: Any, features: FeatureSet, by: str | None, time: str | None, is_whole: bool) -> Any:
    """Returns the features of one partition. `is_whole`: the answer of `refuse_split`, which is thus asked first."""
    threads = threads_of_worker()
    if threads is not None:
        _core.pool_resize(min(threads, MOST_THREADS))
    return features.over(frame, by, time)


def threads_of_worker() -> int | None:
    """Returns the threads of this worker of `distributed`, None outside of one."""
    distributed: Any = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        threads: int = distributed.get_worker().state.nthreads
    except ValueError:
        return None
    return threads
