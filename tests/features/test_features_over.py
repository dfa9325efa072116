"""Features beside the columns of any long table: the same kind of table, rows and index as they were."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziggy_async import BarStore, FeatureSet, FormulaError

DAYS = np.arange("2024-01-01", "2024-01-31", dtype="M8[D]").astype("M8[us]")
CLOSES = {"A": 10.0 + np.arange(30.0) ** 1.5, "B": 500.0 - np.arange(30.0), "C": 3.0 + np.sin(np.arange(30.0))}
FEATURES = FeatureSet("sma(5)", change="returns(close, 3)", since="bars_since(close > lag(close, 1))")


def long_frame() -> pd.DataFrame:
    """All tickers' bars; ticker by ticker, oldest first."""
    frames = [
        pd.DataFrame({"ticker": name, "time": DAYS, "close": close, "note": "x"}) for name, close in CLOSES.items()
    ]
    return pd.concat(frames, ignore_index=True)


def expected(frame: pd.DataFrame) -> pd.DataFrame:
    """The features by pandas, in the rows' order."""
    ordered = frame.sort_values(["ticker", "time"])
    by_ticker = ordered.groupby("ticker", observed=True)["close"]
    up = by_ticker.diff() > 0
    count = ordered.groupby("ticker", observed=True).cumcount()
    last = count.where(up).groupby(ordered["ticker"], observed=True).ffill()
    return pd.DataFrame(
        {
            "sma(5)": by_ticker.rolling(5).mean().droplevel(0),
            "change": by_ticker.pct_change(3),
            "since": count - last,
        }
    ).loc[frame.index]


def shuffled(seed: int = 1) -> pd.DataFrame:
    return long_frame().sample(frac=1.0, random_state=seed)


def check(found: Any, frame: pd.DataFrame) -> None:
    """`found` has, in the frame's order, its columns and pandas' figures."""
    wanted = expected(frame)
    for name in FEATURES.names:
        np.testing.assert_allclose(np.asarray(found[name]), wanted[name], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(np.asarray(found["close"]), frame["close"])


def record_batch(frame: pd.DataFrame) -> pa.RecordBatch:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return pa.RecordBatch.from_arrays(
        [pa.array(column.to_pylist(), column.type) for column in table.columns], table.column_names
    )


KINDS: dict[str, tuple[Callable[[pd.DataFrame], Any], type]] = {
    "pandas": (lambda frame: frame, pd.DataFrame),
    "polars": (pl.from_pandas, pl.DataFrame),
    "arrow table": (lambda frame: pa.Table.from_pandas(frame, preserve_index=False), pa.Table),
    "record batch": (lambda frame: record_batch(frame), pa.RecordBatch),
    "mapping": (lambda frame: {name: frame[name].to_numpy() for name in frame}, dict),
    "mapping of lists": (lambda frame: {name: frame[name].tolist() for name in frame}, dict),
    "mapping of series": (lambda frame: {name: frame[name] for name in frame}, dict),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frame", [long_frame(), shuffled()], ids=["in order", "in any order"])
def test_the_same_kind_comes_back_in_its_order(kind: str, frame: pd.DataFrame) -> None:
    make, type_ = KINDS[kind]
    found = FEATURES.over(make(frame))
    assert type(found) is type_
    check(found, frame)
    names = list(found.schema.names) if isinstance(found, pa.Table | pa.RecordBatch) else list(found)
    names = list(found.columns) if isinstance(found, pl.DataFrame) else names
    assert names == ["ticker", "time", "close", "note", "sma(5)", "change", "since"]


def test_a_relation_comes_back_as_a_relation() -> None:
    frame = shuffled()
    with duckdb.connect() as connection:
        found = FEATURES.over(connection.from_df(frame))
        assert isinstance(found, duckdb.DuckDBPyRelation)
        check(found.fetchnumpy(), frame)


def test_a_lazy_frame_comes_back_as_one() -> None:
    frame = shuffled()
    found = FEATURES.over(pl.from_pandas(frame).lazy())
    assert type(found) is pl.LazyFrame
    check(found.collect(), frame)


def test_a_table_of_many_chunks() -> None:
    frame = shuffled()
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    check(FEATURES.over(pa.concat_tables([arrow.slice(0, 7), arrow.slice(7, 50), arrow.slice(57)])), frame)


def test_an_index_stays() -> None:
    frame = shuffled().set_index(pd.Index([f"row {at % 50}" for at in range(90)], name="row"))
    assert FEATURES.over(frame).index.equals(frame.index)


@pytest.mark.parametrize("keys", [{}, {"by": "ticker", "time": "time"}])
def test_levels_of_an_index_are_keys(keys: dict[str, str]) -> None:
    frame = shuffled()
    indexed = frame.set_index(["ticker", "time"])
    found = FEATURES.over(indexed, **keys)
    assert found.index.equals(indexed.index)
    check(found, frame)


def test_an_index_level_of_another_name_is_a_key() -> None:
    frame = shuffled()
    renamed = frame.rename(columns={"ticker": "who", "time": "when"}).set_index(["who", "when"])
    check(FEATURES.over(renamed, by="who", time="when"), frame)


def test_one_ticker_needs_no_column_of_tickers() -> None:
    frame = long_frame()[:30].drop(columns="ticker").set_index("time")
    found = FEATURES.over(frame)
    np.testing.assert_allclose(found["sma(5)"], frame["close"].rolling(5).mean(), rtol=1e-12)


def test_without_times_rows_are_in_order_as_they_stand() -> None:
    found = FeatureSet("lag(close, 1)").over({"ticker": ["A", "B", "A", "B"], "close": [1.0, 2.0, 3.0, 4.0]})
    np.testing.assert_array_equal(found["lag(close, 1)"], [np.nan, np.nan, 1.0, 2.0])


def test_keys_of_numbers() -> None:
    frame = shuffled()
    numbered = frame.assign(ticker=frame["ticker"].map({"A": 3, "B": 1, "C": 2})).rename(columns={"ticker": "permno"})
    check(FEATURES.over(numbered, by="permno"), frame)


def test_columns_by_their_spellings_and_by_any_name() -> None:
    frame = pd.DataFrame({"Adj Close": [1.0, 2.0], "C": [3.0, 4.0], "My_Figure": [5, 6]})
    found = FeatureSet('column("adj close") + close + my_figure').over(frame)
    assert found.iloc[:, -1].tolist() == [9.0, 12.0]


def test_missing_figures_are_nan() -> None:
    frame = pl.DataFrame({"close": [1.0, None, 3.0], "count": [1, 2, None]})
    found = FeatureSet(filled="fill(close, 0)", both="close + count").over(frame)
    assert found["filled"].to_list() == [1.0, 0.0, 3.0]
    assert found["both"].is_nan().to_list() == [False, True, True]


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_table_gives_empty_columns(kind: str) -> None:
    make, type_ = KINDS[kind]
    found = FEATURES.over(make(long_frame()[:0]))
    assert type(found) is type_
    assert len(found["sma(5)"]) == 0


def test_empty_objects_are_figures_and_keys() -> None:
    """The table by which Dask asks for the columns of the result."""
    frame = pd.DataFrame(
        {
            "ticker": pd.Series([], dtype=object),
            "time": pd.Series([], dtype="M8[ns]"),
            "close": pd.Series([], dtype=object),
        }
    )
    found = FEATURES.over(frame)
    assert found.dtypes[list(FEATURES.names)].tolist() == [np.dtype(np.float64)] * 3


def test_what_stores_give_tables_give() -> None:
    store = BarStore()
    for name, close in CLOSES.items():
        store.load(name, {"time": DAYS, "open": close, "high": close, "low": close, "close": close, "volume": close})
    history = FEATURES.history(store=store)
    found = FEATURES.over(long_frame())
    for name in FEATURES.names:
        assert history[name].tobytes() == found[name].to_numpy().tobytes()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_order_of_any_tickers(data: st.DataObject) -> None:
    rows = data.draw(
        st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(0, 40)), unique=True, min_size=1, max_size=60)
    )
    frame = pd.DataFrame(rows, columns=["ticker", "day"])
    frame["time"] = np.datetime64("2024-01-01") + frame.pop("day").to_numpy().astype("m8[D]")
    frame["close"] = np.random.default_rng(len(rows)).uniform(1.0, 2.0, len(rows))
    check(FEATURES.over(frame), frame)


TIMES = [datetime(2024, 3, 10, 4, 30, tzinfo=UTC) + timedelta(hours=at) for at in range(6)]
LOCAL_HOURS = [float(moment.astimezone(ZoneInfo("America/New_York")).hour) for moment in TIMES]


@pytest.mark.parametrize(
    "times",
    [
        pd.Series(TIMES).dt.tz_convert("America/New_York"),
        pl.Series(TIMES).dt.convert_time_zone("America/New_York"),
    ],
    ids=["pandas", "polars"],
)
def test_the_calendar_reads_the_zone_of_the_column(times: Any) -> None:
    features = FeatureSet("hour()", "minute()")
    found = features.over({"time": times, "close": np.ones(6)})
    assert found["hour()"].tolist() == LOCAL_HOURS
    assert found["minute()"].tolist() == [30.0] * 6
    kind = pd.DataFrame if isinstance(times, pd.Series) else pl.DataFrame
    assert features.over(kind({"time": times, "close": np.ones(6)}))["hour()"].to_list() == LOCAL_HOURS


def test_the_calendar_reads_the_zone_of_an_arrow_column() -> None:
    for zone, hours in (
        ("America/New_York", LOCAL_HOURS),
        ("+02:00", [float((moment.hour + 2) % 24) for moment in TIMES]),
        (None, [float(moment.hour) for moment in TIMES]),
    ):
        times = pa.array([moment.replace(tzinfo=None) for moment in TIMES], pa.timestamp("us", zone))
        found = FeatureSet("hour()").over(pa.table({"time": times}))
        assert found["hour()"].to_pylist() == hours


def test_a_calendar_without_times() -> None:
    with pytest.raises(ValueError, match="time"):
        FeatureSet("hour() + close").over({"close": [1.0]})


def frame_of(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"ticker": ["A", "A"], "time": DAYS[:2], "close": [1.0, 2.0], **columns})


@pytest.mark.parametrize(
    ("table", "keys", "error", "message"),
    [
        (frame_of(time=DAYS[[3, 3]]), {}, ValueError, "A: rows 0 and 1 are both at 2024-01-04T00:00"),
        (frame_of(ticker=["A", None]), {}, ValueError, "row 1 has no ticker"),
        (frame_of(time=[DAYS[0], None]), {}, ValueError, "A: row 1 has no time"),
        (frame_of().drop(columns="close"), {}, FormulaError, "no column 'close'"),
        (pd.DataFrame({"Close": [1.0], "c": [2.0]}), {}, ValueError, "several columns stand for 'close'"),
        (frame_of(close=["1", "x"]), {}, ValueError, "A: column 'close', row 1: 'x' is not a number"),
        (frame_of(close=[True, False]), {}, TypeError, "'close' holds booleans"),
        (frame_of(), {"by": "who"}, ValueError, "by: no column 'who'; columns found: ticker, time, close"),
        (frame_of(), {"time": "when"}, ValueError, "time: no column 'when'"),
        (frame_of(symbol=["A", "B"]), {}, ValueError, "several columns stand for symbol: ticker, symbol; give by="),
        (frame_of(date=DAYS[:2]), {}, ValueError, "several columns stand for timestamp: time, date; give time="),
        (frame_of(change=[1.0, 2.0]), {}, ValueError, "the table has a column 'change'"),
        (frame_of(time=["yesterday", "today"]), {}, ValueError, "'yesterday' is not a date and time"),
        ({"close": [1.0, 2.0], "time": DAYS[:3]}, {}, ValueError, "columns differ in length"),
        ({"close": 1.0}, {}, TypeError, "column 'close' is 1.0, no array"),
        ({"close": [1.0], "time": DAYS[:1], "k": 5}, {}, TypeError, "column 'k' is 5, no array"),
        ({"close": np.ones((2, 2))}, {}, ValueError, "column 'close' has shape (2, 2)"),
        (pd.DataFrame([[1.0, 2.0]], columns=["close", "close"]), {}, ValueError, "several columns stand for 'close'"),
        ([1.0, 2.0], {}, TypeError, "a list is not a table"),
    ],
    ids=str,
)  # fmt: skip
def test_tables_that_are_refused(table: Any, keys: dict[str, str], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        FEATURES.over(table, **keys)
    assert message in str(caught.value)


def test_a_missing_column_is_shown_in_its_formula() -> None:
    with pytest.raises(FormulaError) as caught:
        FeatureSet("close", "sma(vwpa, 3)").over({"vwap": [1.0], "close": [1.0]})
    assert str(caught.value) == "no column 'vwpa'; did you mean 'vwap'?\n    sma(vwpa, 3)\n        ^^^^"


def test_a_frame_of_tickers_side_by_side() -> None:
    wide = pd.concat(
        {name: pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), close)) for name, close in CLOSES.items()},
        axis=1,
    )
    with pytest.raises(ValueError, match="side by side"):
        FEATURES.over(wide)


def test_a_numbered_index_is_no_time() -> None:
    found = FeatureSet("lag(close, 1)").over(pd.DataFrame({"index": [5, 3], "close": [1.0, 2.0]}))
    np.testing.assert_array_equal(found["lag(close, 1)"], [np.nan, 1.0])


@pytest.mark.parametrize("name", ["time", "Time", None])
def test_a_column_goes_before_the_index_beside_it(name) -> None:
    frame = frame_of().set_index("time", drop=False).rename_axis(name)
    assert FeatureSet("sma(2)").over(frame)["sma(2)"].iloc[1] == 1.5


def test_a_faulty_time_is_not_to_be_skipped_since_over_skips_no_rows() -> None:
    with pytest.raises(ValueError, match="row 1: 'x' is not a date and time") as caught:
        FeatureSet(change="delta(close, 1)").over({"time": ["2024-01-02", "x"], "close": [1.0, 2.0]})
    assert "skip" not in str(caught.value)


def test_tickers_know_nothing_of_each_other() -> None:
    """Whatever of a ticker's first bars looks back has no value; also behind bars that hold none, and of few bars."""
    random = np.random.default_rng(1)
    lengths = [1, 40, 2, 3, 11, 1, 12, 10, 500, 4]
    prices = {name: random.normal(100.0, 1.0, sum(lengths)) for name in ("open", "high", "low", "close")}
    prices["close"][np.cumsum(lengths)[1:8:2] - 1] = np.nan
    frame = pd.DataFrame({"ticker": np.repeat(np.arange(len(lengths)), lengths).astype(str), **prices})
    frame["time"] = pd.date_range("2024-01-01", periods=len(frame), freq="min")
    for formulas in (["mom(3)"], ["roc(10)", "trange()", "avgprice()"], ["rocr(mom(2), 5)"], ["cdlengulfing()"]):
        features = FeatureSet(*formulas)
        found = features.over(frame, by="ticker", time="time")
        for _, rows in frame.groupby("ticker"):
            alone = features.over(rows, by="ticker", time="time")
            pd.testing.assert_frame_equal(found.loc[rows.index], alone, check_exact=True)
