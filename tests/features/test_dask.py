"""Features of Dask data frames: on workers with less memory than the data, one of which dies, and what is refused."""

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from dask_bars import BARS, FEATURES, FILES, FURTHER, bars_of, digest
from pyarrow import parquet

from ziggy_async import BarStore, FeatureSet, FormulaError
from ziggy_async.dask import history


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bars")
    for file in range(FILES):
        table = bars_of(file)
        parquet.write_table(
            table.set_column(0, "symbol", table["symbol"].cast(pa.string())), folder / f"{file:02}.parquet"
        )
    return folder


def test_more_than_a_worker_holds_and_a_worker_that_dies(folder, run_isolated):
    done = run_isolated("killed_dask_worker", folder, timeout=300.0)
    assert done.returncode == 0, done.stderr
    found = [line.split() for line in done.stdout.splitlines()]
    assert len(found) == FILES
    for file, (first, digest_found) in enumerate(found):
        store = BarStore(capacity=BARS)
        store.load_frame(bars_of(file).drop_columns(FURTHER))
        table = FEATURES.history(store=store)
        assert first == table.symbols[0]
        assert digest_found == digest(table[name] for name in FEATURES.names)


# --- without a cluster


@pytest.fixture(scope="module")
def frame():
    """Forty bars of six tickers."""
    close = 100.0 + np.random.default_rng(1).normal(0.0, 1.0, 240)
    days = np.datetime64("2024-01-01", "ns") + np.arange(40) * np.timedelta64(1, "D")
    return pd.DataFrame({"symbol": np.repeat(list("ABCDEF"), 40), "time": np.tile(days, 6), "close": close})


SET = FeatureSet("rsi(14)", change="returns(close)")


def computed(ddf):
    return ddf.compute(scheduler="synchronous")


def as_plain(frame):
    return frame.astype({"symbol": str}).reset_index(drop=True)


def test_meta_partitions_and_index_are_known_before_anything_is_computed(frame):
    ddf = dd.from_pandas(frame, npartitions=3)
    features = history(ddf, SET)
    assert list(features.columns) == ["symbol", "time", "close", "rsi(14)", "change"]
    assert features.dtypes["change"] == np.float64
    assert features.divisions == ddf.divisions
    pd.testing.assert_frame_equal(computed(features), SET.over(computed(ddf)))


def test_a_ticker_that_is_split(frame):
    features = history(dd.from_pandas(frame, npartitions=4), SET)
    with pytest.raises(ValueError, match=r"'B' is split: partitions 0 and 1 have .* ddf.shuffle\(on='symbol'\) brings"):
        computed(features)


def test_tickers_are_gathered_by_a_shuffle(frame):
    rows = frame.sample(frac=1.0, random_state=2)
    ddf = dd.from_pandas(rows, npartitions=7, sort=False).shuffle(on="symbol", shuffle_method="tasks")
    found = computed(history(ddf, SET)).sort_values(["symbol", "time"])
    pd.testing.assert_frame_equal(as_plain(found), as_plain(SET.over(frame)))


def test_tickers_in_the_index(frame):
    ddf = dd.from_pandas(frame.set_index("symbol"), npartitions=3)
    found = computed(history(ddf, SET)).reset_index()
    pd.testing.assert_frame_equal(as_plain(found), as_plain(SET.over(frame)))
    named = dd.from_pandas(frame.rename(columns={"symbol": "paper", "time": "moment"}), npartitions=3)
    found = computed(history(named, SET, by="paper", time="moment"))
    assert found["rsi(14)"].to_numpy().tobytes() == SET.over(frame)["rsi(14)"].to_numpy().tobytes()


def test_over_is_a_function_for_map_partitions_too(frame):
    ddf = dd.from_pandas(frame, npartitions=3)
    found = computed(ddf.map_partitions(SET.over, meta=SET.over(ddf._meta)))
    pd.testing.assert_frame_equal(found, computed(history(ddf, SET)))


def test_rows_of_one_ticker(frame):
    of_one = frame[frame.symbol == "A"].drop(columns="symbol")
    found = computed(history(dd.from_pandas(of_one, npartitions=1), SET))
    pd.testing.assert_frame_equal(found, SET.over(of_one))
    with pytest.raises(ValueError, match="no column of tickers, so that the rows of all 2 partitions are one ticker's"):
        history(dd.from_pandas(of_one, npartitions=2), SET)


def test_what_is_refused_before_anything_is_computed(frame):
    ddf = dd.from_pandas(frame, npartitions=3)
    with pytest.raises(FormulaError, match="no column 'high'"):
        history(ddf, FeatureSet("atr(14)"))
    with pytest.raises(ValueError, match="by: no column 'paper'"):
        history(ddf, SET, by="paper")
    with pytest.raises(TypeError, match="ddf must be a Dask data frame"):
        history(frame, SET)
    with pytest.raises(TypeError, match=r"features must be a FeatureSet, not 'rsi\(14\)'"):
        history(ddf, "rsi(14)")


def test_features_that_read_other_tickers_need_all_in_one_partition(frame):
    features = FeatureSet("rank(close)", "close * 2", beside="close - of('A', close)")
    with pytest.raises(ValueError, match=r"rank\(close\), beside: read other tickers, .* of the 3 partitions"):
        history(dd.from_pandas(frame, npartitions=3), features)
    whole = dd.from_pandas(frame, npartitions=1)
    pd.testing.assert_frame_equal(computed(history(whole, features)), features.over(computed(whole)))


def test_two_rows_at_one_time(frame):
    ddf = dd.from_pandas(pd.concat([frame, frame.iloc[-1:]], ignore_index=True), npartitions=1)
    with pytest.raises(ValueError, match="F: rows 239 and 240 are both at 2024-02-09"):
        computed(history(ddf, SET))
