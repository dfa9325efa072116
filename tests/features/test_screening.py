"""Screens: which tickers they choose, in which order, with which features beside them."""

import asyncio

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from reference.bars import walk
from talib import RSI, SMA

from ziggy_async import BarStore, FeatureSet, FormulaError, screen, screen_async

TICKERS, BARS = 120, 80
WHERE = "rsi(14) < 55 and close > sma(20)"


@pytest.fixture(scope="module")
def closes() -> dict[str, np.ndarray]:
    """The closes of all tickers; of the last two too few for an RSI."""
    counts = [BARS] * (TICKERS - 2) + [10, 12]
    return {f"T{at:03}": walk(count, seed=at).close for at, count in enumerate(counts)}


@pytest.fixture(scope="module")
def store(closes: dict[str, np.ndarray]) -> BarStore:
    store = BarStore()
    for at, (symbol, close) in enumerate(closes.items()):
        bars = walk(len(close), seed=at)
        store.load(symbol, {"timestamp": bars.timestamp.view("M8[ns]"), **bars.columns()})
    return store


@pytest.fixture(scope="module")
def last(closes: dict[str, np.ndarray]) -> pd.DataFrame:
    """What the formulas are at the last bar, by TA-Lib."""
    figures = {
        symbol: (close[-1], RSI(close, 14)[-1], SMA(close, 20)[-1] if len(close) >= 20 else np.nan)
        for symbol, close in closes.items()
    }
    return pd.DataFrame.from_dict(figures, orient="index", columns=["close", "rsi", "sma"])


def test_the_tickers_of_which_the_formula_is_true(store: BarStore, last: pd.DataFrame) -> None:
    expected = last[(last.rsi < 55) & (last.close > last.sma)]
    table = screen(WHERE, ["rsi(14)", "close"], store=store)
    assert 5 < len(expected) < TICKERS / 2
    assert table.symbols.tolist() == expected.index.tolist()
    assert table.names == ("rsi(14)", "close")
    np.testing.assert_allclose(table["rsi(14)"], expected.rsi, rtol=1e-9)
    assert table["close"].tolist() == expected.close.tolist()
    assert table.missing == ()


@pytest.mark.parametrize(
    ("sort", "ascending"), [("rsi(14)", True), ("rsi", True), ("-rsi(14)", False), ("-rsi", False), ("50 - rsi", None)]
)
def test_sorted_by_a_formula_or_a_feature(
    store: BarStore, last: pd.DataFrame, sort: str, ascending: bool | None
) -> None:
    if ascending is None:
        with pytest.raises(FormulaError, match="no column 'rsi'"):
            screen("close > 0", {"rsi": "rsi(14)"}, store=store, sort=sort)
        return
    expected = last.sort_values("rsi", ascending=ascending, na_position="last", kind="stable")
    table = screen("close > 0", {"rsi": "rsi(14)"}, store=store, sort=sort)
    assert table.symbols.tolist() == expected.index.tolist()
    assert np.isnan(table["rsi"]).tolist() == [False] * (TICKERS - 2) + [True] * 2


def test_a_name_goes_before_a_formula_that_reads_alike(store: BarStore, last: pd.DataFrame) -> None:
    table = screen("1", {"close": "-sma(20)"}, store=store, sort="close", limit=5)
    assert table.symbols.tolist() == last.sma.nlargest(5).index.tolist()


def test_the_first_of_them(store: BarStore, last: pd.DataFrame) -> None:
    table = screen("close > sma(20)", store=store, sort="-rsi(14)", limit=3)
    assert table.symbols.tolist() == last[last.close > last.sma].nlargest(3, "rsi").index.tolist()
    assert len(screen("close > 0", store=store, limit=0)) == 0
    assert len(screen("close > 0", store=store, limit=10**30)) == TICKERS
    with pytest.raises(ValueError, match="limit: -1 is negative"):
        screen("close > 0", store=store, limit=-1)


def test_nan_is_not_true(store: BarStore) -> None:
    assert screen("nan", store=store).symbols.tolist() == []
    assert screen("not rsi(14) > 0", store=store).symbols.tolist() == []
    assert screen("is_nan(rsi(14))", store=store).symbols.tolist() == ["T118", "T119"]


def test_among_the_tickers_asked_in_their_order(store: BarStore) -> None:
    table = screen("close > 0", "close", ["T007", "NONE", "T003"], store)
    assert table.symbols.tolist() == ["T007", "T003"]
    assert table.missing == ("NONE",)
    assert screen("1", store=store, tickers=["NONE"]).symbols.tolist() == []
    assert screen("1", store=store, tickers=[]).symbols.tolist() == []


def test_without_features_there_are_tickers_and_times(store: BarStore) -> None:
    table = screen("close > 0", store=store, limit=2)
    assert table.names == ()
    assert table.to_numpy().shape == (2, 0)
    assert [row["symbol"] for row in table.rows()] == ["T000", "T001"]
    assert pa.table(table).column_names == table.to_pandas().columns.tolist() == ["symbol", "timestamp"]
    assert table.timestamps[0] == store.bars("T000")["timestamp"][-1]


def test_features_are_a_set_too(store: BarStore) -> None:
    features = FeatureSet("close", trend="close > sma(20)")
    table = screen("close > sma(20)", features, store=store)
    expected = features.latest(table.symbols.tolist(), store)
    assert table.names == ("close", "trend")
    assert table.to_numpy().tobytes("A") == expected.to_numpy().tobytes("A")
    assert screen("1", {}, store=store).names == screen("1", [], store=store).names == ()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("rsi(14) <",), FormulaError, "not a formula"),
        (("close > 0", ["sma()", "smaa(3)"]), FormulaError, "did you mean 'sma'"),
        (("close > 0", "vwap"), FormulaError, "no column 'vwap'"),
        (("close > 0", None, None, None, "rsi("), FormulaError, "not a formula"),
        ((5,), TypeError, "where: 5 is not a str"),
        (("close > 0", None, None, None, 5), TypeError, "sort: 5 is not a str"),
        (("close > 0", None, None, None, ["close"]), TypeError, r"sort: \['close'\] is not a str"),
        (("close > 0", None, None, None, None, 1.5), TypeError, "limit: 1.5 is a float, not a whole number"),
        (("close > 0", 5), TypeError, "features: 5 is neither a FeatureSet nor formulas, with names or without"),
        (("close > 0", {5: "close"}), TypeError, "features: the name 5 is not a str"),
        (("close > 0", ["close", "close"]), ValueError, "two features are called 'close'"),
        (("close > 0", {"symbol": "close"}), ValueError, "no feature can be called 'symbol'"),
        (("close > 0", None, [5]), TypeError, "ticker"),
    ],
)
def test_what_is_refused(arguments: tuple, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        screen(*arguments)


async def test_off_the_loop_it_is_the_same(store: BarStore, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = screen(WHERE, "close", store=store, sort="rsi(14)")
    for few in (10, 10_000):  # chosen by a thread, and by the loop
        monkeypatch.setattr("ziggy_async.features.screening.FEW", few)
        table = await screen_async(WHERE, "close", store=store, sort="rsi(14)")
        assert table.symbols.tolist() == expected.symbols.tolist()
        assert table.to_numpy().tobytes("A") == expected.to_numpy().tobytes("A")


async def test_a_deadline_in_the_past(store: BarStore) -> None:
    with pytest.raises(TimeoutError):
        await screen_async(WHERE, store=store, deadline=-1.0)


async def test_several_at_once(store: BarStore) -> None:
    wheres = [f"rsi(14) < {level}" for level in range(20, 80, 5)]
    tables = await asyncio.gather(*(screen_async(where, store=store) for where in wheres))
    assert [len(table) for table in tables] == [len(screen(where, store=store)) for where in wheres]
