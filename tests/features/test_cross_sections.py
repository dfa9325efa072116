"""Formulas that read other tickers: cross-sections, and `of`, against pandas."""

import asyncio
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference.cross_sections import CROSS_SECTIONS, across, as_of

from ziggy_async import BarStore, FeatureSet, FormulaError
from ziggy_async.features import FeatureTable
from ziggy_async.market_brain.features import FeatureComputer

Floats = NDArray[np.float64]

DAY = pd.Timedelta("1D")
ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 1.0, -2.5)


def walks(tickers: int, days: int, seed: int, missing: float = 0.1) -> pd.DataFrame:
    """Long bars in order of time; each ticker lacks some of the days, and one of them the last."""
    dice = np.random.default_rng(seed)
    frames = []
    for at in range(tickers):
        is_there = dice.random(days) >= missing
        is_there[-1] = at != 1
        times = pd.date_range("2024-01-01", periods=days, tz="UTC")[is_there]
        close = 100 * np.exp(np.cumsum(dice.normal(0, 0.02, len(times))))
        frame = {"symbol": f"T{at}", "timestamp": times, "open": close, "high": close, "low": close, "close": close}
        frames.append(pd.DataFrame({**frame, "volume": dice.integers(0, 9, len(times)).astype(float)}))
    return pd.concat(frames).sort_values(["timestamp", "symbol"], ignore_index=True)


FRAME = walks(7, 120, seed=3)
SECTORS = {"T0": "tech", "T1": "tech", "T2": "banks", "T3": "tech", "T4": "banks"}
FRAME["sector"] = FRAME["symbol"].map(SECTORS)


@pytest.fixture
def store() -> BarStore:
    store = BarStore()
    store.load_frame(FRAME.drop(columns="sector"))
    store.set_labels("sector", SECTORS)
    return store


def history(store: BarStore, *formulas: str) -> pd.DataFrame:
    """In the order of FRAME."""
    found = FeatureSet(*formulas).history(store=store).to_pandas()
    return found.astype({"symbol": str}).sort_values(["timestamp", "symbol"], ignore_index=True)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """A few tickers at times that they share in part, with odd values, equal ones, and labels that change."""
    rows = draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), min_size=1, max_size=40, unique=True))
    frame = pd.DataFrame(rows, columns=["symbol", "day"])
    plain = st.floats(-1e6, 1e6).map(lambda x: round(x, 6))  # the squares of tiny ones would be 0 for pandas
    values = st.one_of(st.sampled_from(ODD), plain, st.integers(-3, 3).map(float))
    frame["x"] = draw(st.lists(values, min_size=len(rows), max_size=len(rows)))
    labels = st.sampled_from(["a", "b", None])
    frame["kind"] = pd.array(draw(st.lists(labels, min_size=len(rows), max_size=len(rows))), dtype=object)
    frame["timestamp"] = pd.Timestamp("2024-01-01") + frame.pop("day") * DAY
    return frame.astype({"symbol": str})


@settings(max_examples=30, deadline=None)
@given(tables(), st.sampled_from(sorted(CROSS_SECTIONS)), st.booleans())
def test_cross_sections_are_those_of_pandas(frame: pd.DataFrame, formula: str, is_labelled: bool) -> None:
    by = "kind" if is_labelled else None
    asked = formula.replace(")", ', by="kind")') if is_labelled else formula
    found = FeatureSet(y=asked).over(frame)["y"].to_numpy()
    np.testing.assert_allclose(found, across(frame, "x", formula, by), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("formula", sorted(CROSS_SECTIONS))
@pytest.mark.parametrize("by", [None, "sector"])
def test_of_a_store(store: BarStore, formula: str, by: str | None) -> None:
    asked = formula.replace("x", "close") if by is None else formula.replace("x", "close").replace(")", f", by='{by}')")
    found = history(store, asked)[asked]
    np.testing.assert_allclose(found, across(FRAME, "close", formula, by), rtol=1e-9, atol=1e-12)


def test_equal_values_are_standardized_and_demeaned_to_zero() -> None:
    table = {"symbol": list("abc"), "timestamp": np.zeros(3, "M8[ns]"), "x": [0.1, 0.1, 0.1]}
    found = FeatureSet("standardize(x)", "demean(x)", "rank(x)", "scale(x - 0.1)").over(table)
    assert [found[name].tolist() for name in ("standardize(x)", "demean(x)", "scale(x - 0.1)")] == [[0.0] * 3] * 3
    assert found["rank(x)"].tolist() == [2 / 3] * 3


def test_indicators_of_cross_sections_and_cross_sections_of_these(store: BarStore) -> None:
    ranks = pd.Series(across(FRAME, "close", "rank(x)"))
    by_ticker = ranks.groupby(FRAME["symbol"])
    frame = FRAME.assign(
        mean=by_ticker.rolling(5).mean().droplevel(0),
        less=ranks - 1,
        change=FRAME.groupby("symbol")["close"].diff(5),
        earlier=by_ticker.shift(2),
    )
    found = history(store, "rank(rank(close) - 1)", "sma(rank(close), 5)", "demean(sma(rank(close), 5))",
                    "rank(delta(close, 5)) - rank(volume)", "demean(lag(rank(close), 2))")  # fmt: skip
    wanted: dict[str, Any] = {
        "rank(rank(close) - 1)": across(frame, "less", "rank(x)"),
        "sma(rank(close), 5)": frame["mean"],
        "demean(sma(rank(close), 5))": across(frame, "mean", "demean(x)"),
        "rank(delta(close, 5)) - rank(volume)": across(frame, "change", "rank(x)") - across(frame, "volume", "rank(x)"),
        "demean(lag(rank(close), 2))": across(frame, "earlier", "demean(x)"),
    }
    for formula, figures in wanted.items():
        np.testing.assert_allclose(found[formula], figures, rtol=1e-9, atol=1e-12, err_msg=formula)


BETA = "covariance(returns(close), of('T0', returns(close)), 20) / of('T0', var(returns(close), 20))"
MIXED = (
    *("rank(close)", "rank(delta(close, 5)) - rank(volume)", "sma(rank(close), 5)", "ema(rank(close), 5)"),
    *("rank(rank(close) - 1)", "demean(close, by='sector')", "winsorize(volume, 0.1)", "standardize(returns(close))"),
    *("rsi(14)", "lag(rank(close), 3)", "cumsum(rank(close))", BETA, "rank(close - of('T2', sma(close, 5)))"),
)


def test_the_beta_of_the_readme() -> None:
    together = walks(3, 80, seed=5, missing=0.0).query("symbol != 'T1'")
    found = FeatureSet(beta=BETA).over(together)
    closes = together.pivot(index="timestamp", columns="symbol", values="close").pct_change()
    wanted = closes["T2"].rolling(20).cov(closes["T0"], ddof=0) / closes["T0"].rolling(20).var(ddof=0)
    np.testing.assert_allclose(found.loc[found["symbol"] == "T2", "beta"], wanted, rtol=1e-9)
    np.testing.assert_allclose(found.loc[found["symbol"] == "T0", "beta"].iloc[20:], 1.0, rtol=1e-9)


def test_the_latest_row_is_the_last_of_the_history(store: BarStore) -> None:
    features = FeatureSet(*MIXED)
    rows = features.history(store=store).to_pandas().groupby("symbol", observed=True).tail(1)
    found, wanted = features.latest(store=store).to_numpy(), rows[list(features.names)].to_numpy()
    assert np.array_equal(np.delete(found, 1, axis=0), np.delete(wanted, 1, axis=0), equal_nan=True)


@pytest.mark.parametrize("bars", [1, 2])
@pytest.mark.parametrize("tickers", [9, 40])
def test_a_ticker_of_few_bars_takes_no_values_from_those_behind_it(tickers: int, bars: int) -> None:
    frame = walks(tickers, 30, seed=tickers, missing=0).query("symbol != 'T1'")
    newest = frame["timestamp"].max()
    frame = frame[(frame["symbol"] != "T0") | (frame["timestamp"] > newest - bars * DAY)]
    frame["change"] = frame.groupby("symbol")["close"].diff(5)
    frame["expected"] = across(frame, "change", "rank(x)") - across(frame, "volume", "rank(x)")
    expected = frame[frame["timestamp"] == newest].set_index("symbol")["expected"].sort_index()
    store = BarStore()
    store.load_frame(frame)

    features = FeatureSet("rank(delta(close, 5)) - rank(volume)")
    latest, history = features.latest(store=store), features.history(store=store, start=newest)
    assert list(latest.symbols) == list(history.symbols) == list(expected.index)
    np.testing.assert_allclose(latest.to_numpy()[:, 0], expected, atol=1e-12)
    np.testing.assert_allclose(history.to_numpy()[:, 0], expected, atol=1e-12)


def test_a_ticker_that_is_not_at_the_newest_time_is_not_compared(store: BarStore) -> None:
    found = FeatureSet("rank(close)", "sma(rank(close), 5)", "close", "lag(rank(close), 1)").latest(store=store)
    assert np.isnan(found["rank(close)"]).tolist() == [False, True, False, False, False, False, False]
    assert np.isnan(found["sma(rank(close), 5)"][1])
    assert not np.isnan(found["close"]).any()
    assert found["lag(rank(close), 1)"][1] == history(store, "rank(close)").query("symbol == 'T1'").iloc[-2, 2]
    kept = np.array([0, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(found["rank(close)"][kept], found["close"][kept].argsort().argsort() / 6 + 1 / 6)


def test_a_power_of_cross_sections_begins_with_the_lookback_of_each_ticker() -> None:
    """1 ** NaN is 1, and before a lookback there is no value: also of tickers that follow each other."""
    store, features = BarStore(), FeatureSet("(rank(close) * 0 + 1) ** rank(sma(close, 4))")
    lengths = {"T0": 5, "T1": 5, "T2": 2, "T3": 6}
    for symbol, bars in lengths.items():
        frame = walks(1, 6, seed=bars, missing=0.0)[-bars:].drop(columns="symbol")
        store.load(symbol, {name: column.to_numpy() for name, column in frame.items()})
    wanted = {symbol: [np.nan] * min(bars, 3) + [1.0] * max(0, bars - 3) for symbol, bars in lengths.items()}
    (found,) = features.history(store=store).to_numpy().T
    np.testing.assert_array_equal(found, [value for values in wanted.values() for value in values])
    np.testing.assert_array_equal(features.latest(store=store).to_numpy()[:, 0], [each[-1] for each in wanted.values()])


def test_the_tickers_asked_for_are_those_compared(store: BarStore) -> None:
    found = FeatureSet("rank(close)", of="of('T0', close)").latest(["T5", "NONE", "T6"], store)
    assert sorted(found["rank(close)"][[0, 2]].tolist()) == [0.5, 1.0]
    assert np.isnan(found["rank(close)"][1])
    assert found.missing == ("NONE",)
    assert found["of"][0] == store.bars("T0")["close"][-1]


COMPARISONS = FeatureSet("demean(close)", "scale(returns(close))", "standardize(close, by='sector')", "rank(volume)")


def rows(table: FeatureTable) -> pd.DataFrame:
    """Ticker by ticker."""
    return table.to_pandas().astype({"symbol": str}).sort_values(["symbol", "timestamp"], ignore_index=True)


def test_another_order_of_the_tickers_gives_the_same_bits(store: BarStore) -> None:
    tickers = store.symbols()
    for call in (COMPARISONS.latest, COMPARISONS.history):
        found, turned = rows(call(tickers, store)), rows(call(tickers[::-1], store))
        pd.testing.assert_frame_equal(found, turned, check_exact=True)


def test_a_ticker_that_is_asked_for_twice_counts_once(store: BarStore) -> None:
    tickers = ["T0", "T2", "T3", "T4", "T5"]
    once, again = COMPARISONS.latest(tickers, store).to_numpy(), COMPARISONS.latest([*tickers, "T3", "T0"], store)
    np.testing.assert_array_equal(again.to_numpy(), once[[0, 1, 2, 3, 4, 2, 0]])
    own = rows(COMPARISONS.history(tickers, store))
    days = rows(COMPARISONS.history([*tickers, "T3"], store))
    pd.testing.assert_frame_equal(days.drop_duplicates(ignore_index=True), own, check_exact=True)
    assert len(days) == len(own) + (own["symbol"] == "T3").sum()


@pytest.mark.parametrize(("start", "end"), [("2024-02-01", "2024-03-15"), ("2024-04-01", None), (None, "2024-01-20")])
def test_start_and_end_choose_rows_and_change_no_value(store: BarStore, start: str | None, end: str | None) -> None:
    features = FeatureSet(*MIXED)
    whole = features.history(store=store).to_pandas()
    first = pd.Timestamp(start or "2000-01-01", tz="UTC")
    last = pd.Timestamp(end or "2100-01-01", tz="UTC")
    wanted = whole[(whole["timestamp"] >= first) & (whole["timestamp"] <= last)]
    found = features.history(store=store, start=start, end=end).to_pandas()
    assert found["timestamp"].tolist() == wanted["timestamp"].tolist()
    names = list(features.names)
    assert np.array_equal(found[names].to_numpy(), wanted[names].to_numpy(), equal_nan=True)


def test_tables_and_stores_give_the_same(store: BarStore) -> None:
    features = FeatureSet(*MIXED)
    shuffled = FRAME.sample(frac=1.0, random_state=1)
    found = features.over(shuffled).loc[FRAME.index, list(features.names)].to_numpy()
    # the groups of the table stand in another order, in which sums are rounded otherwise
    np.testing.assert_allclose(found, history(store, *MIXED)[list(features.names)], rtol=1e-12, atol=1e-12)


async def test_the_same_off_the_loop(store: BarStore) -> None:
    features = FeatureSet(*MIXED)
    latest, rows = await asyncio.gather(features.latest_async(store=store), features.history_async(store=store))
    assert np.array_equal(latest.to_numpy(), features.latest(store=store).to_numpy(), equal_nan=True)
    assert np.array_equal(rows.to_numpy(), features.history(store=store).to_numpy(), equal_nan=True)
    assert (await features.latest_async([], store)).to_numpy().shape == (0, len(MIXED))


async def test_cancelling_and_deadlines() -> None:
    store = BarStore(2000)
    store.load_frame(walks(300, 1500, seed=1))
    features = FeatureSet(*(f"rank(sma(rank(delta(close, {n})), 20))" for n in range(1, 9)))
    task = asyncio.ensure_future(features.history_async(store=store))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        await features.history_async(store=store, deadline=1e-6)
    small = FeatureSet("rank(close)")
    rows = await small.history_async(store=store)
    assert np.array_equal(rows.to_numpy(), small.history(store=store).to_numpy(), equal_nan=True)


@settings(max_examples=30, deadline=None)
@given(tables())
def test_another_ticker_is_read_at_or_before_each_time(frame: pd.DataFrame) -> None:
    frame = frame.sort_values(["timestamp", "symbol"], ignore_index=True)
    ticker = frame["symbol"][len(frame) // 2]
    found = FeatureSet(y=f"of('{ticker}', x)").over(frame)["y"].to_numpy()
    np.testing.assert_array_equal(found, as_of(frame, ticker, "x"))


def test_another_ticker_inside_of_another(store: BarStore) -> None:
    formulas = "of('T1', of('T2', close))", "of('T1', of('T2', of('T1', close)))", "of('T1', lag(close, 1) > hour())"
    found = history(store, *formulas, "of('T1', close)", "of('T2', close)")
    frame = found.rename(columns={"of('T2', close)": "t2", "of('T1', close)": "t1"})
    np.testing.assert_array_equal(found[formulas[0]], as_of(frame, "T1", "t2"))
    frame["t21"] = as_of(frame, "T2", "t1")
    np.testing.assert_array_equal(found[formulas[1]], as_of(frame, "T1", "t21"))


FAULTS = {
    "1 + of('SPX', close)": ("no ticker 'SPX'", "'SPX'"),
    "rank(close, by='sectr')": ("no labels 'sectr'; did you mean 'sector'?", "'sectr'"),
}


@pytest.mark.parametrize("formula", FAULTS)
def test_what_is_not_there_is_said_with_its_place(store: BarStore, formula: str) -> None:
    message, place = FAULTS[formula]
    table = FRAME.drop(columns="symbol").assign(ticker=FRAME["symbol"])
    for compute in (lambda: FeatureSet(formula).latest(store=store), lambda: FeatureSet(formula).over(table)):
        with pytest.raises(FormulaError) as caught:
            compute()
        assert message in str(caught.value)
        assert caught.value.formula[caught.value.start : caught.value.end] == place


@pytest.mark.parametrize("formula", ["1 + rank(close)", "1 + of('T0', close)", "1 + every('1d', close)"])
def test_a_store_that_is_not_ordered_has_no_times_to_go_by(formula: str) -> None:
    store = BarStore(ordered=False)
    for day in (3, 2, 2, 1):
        store.append("T0", pd.Timestamp(f"2024-01-0{day}", tz="UTC"), 1.0, 1.0, 1.0, 1.0, 1.0)
    features = FeatureSet(formula)
    for compute in (features.latest, features.history, features.live):
        with pytest.raises(FormulaError, match="the store is not ordered") as caught:
            compute(store=store)
        assert caught.value.start == 4
    assert FeatureSet("lag(close, 3)").latest(store=store).to_numpy().tolist() == [[1.0]]


def test_tables_that_cannot_be_compared() -> None:
    plain = {"timestamp": np.arange(3).astype("M8[D]"), "close": np.ones(3)}
    with pytest.raises(ValueError, match="no column of them"):
        FeatureSet("rank(close)").over(plain)
    with pytest.raises(FormulaError, match="no ticker 'T0'"):
        FeatureSet("of('T0', close)").over(plain)
    with pytest.raises(ValueError, match="times"):
        FeatureSet("rank(close)").over({"symbol": list("abc"), "close": np.ones(3)})
    empty = FeatureSet("rank(close)", "of('T0', close)").over({"symbol": [], "timestamp": [], "close": []})
    assert [len(column) for column in empty.values()] == [0] * 5


def test_they_are_described() -> None:
    described = FeatureSet("rank(of('T0', sma(5)), by='sector') + winsorize(volume, .05)").describe()
    (one,) = described.values()
    assert one["formula"] == "rank(of('T0', sma(close, 5)), by='sector') + winsorize(volume, 0.05)"
    assert one["tickers"] == ("T0",)
    assert one["columns"] == ("close", "volume")
    (mean,) = FeatureSet("sma(rank(sma(10)), 5)").describe().values()
    assert (mean["lookback"], mean["reach"]) == (13, 14)


def test_sets_of_the_application_read_one_ticker(store: BarStore) -> None:
    computer = FeatureComputer(store)
    with pytest.raises(FormulaError, match="a ticker's own bars") as caught:
        computer.extend(x="1 + rank(close)")
    assert caught.value.start == 4
    assert "x" not in computer.compute_for_ticker("T0")
