"""Formulas over periods: `every`, against a plain gathering of bars, over clocks that are set."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.periods import every

from ziggy_async import BarStore, FeatureSet, FormulaError

MINUTE = 60 * 10**9
NEW_YORK = ZoneInfo("America/New_York")
SET_CLOCKS = {
    "America/New_York": ["2024-03-10T04:00", "2024-11-03T02:00"],
    "Australia/Lord_Howe": ["2024-04-06T12:00", "2024-10-05T12:00"],
    "Asia/Kolkata": ["2024-01-31T15:00"],
    "UTC": ["2024-02-29T20:00"],
}
"""Zone -> times some hours before the clock there is set, or a month ends."""
FORMULAS = (
    *(
        "close",
        "open + lag(high, 1)",
        "sma(close, 3)",
        "ema(close, 2)",
        "volume - low",
        "bars_since(close > lag(close, 1))",
    ),
    *("highest(high, 2)", "rsi(close, 2)", "skip(cumsum(volume), 1)", "macd(2, 3, 2).signal", "date()", "extra + 0"),
)
PERIODS = ("15m", "30m", "1h", "2h", "4h", "12h", "1d", "1w", "1mo")


def clock_of(zone: str, day_start: str = "00:00") -> tuple[ZoneInfo, timedelta]:
    hours, minutes = map(int, day_start.split(":"))
    return ZoneInfo(zone), timedelta(hours=hours, minutes=minutes)


def bars(times: "np.ndarray[Any, np.dtype[np.int64]]", seed: int) -> dict[str, Any]:
    dice = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(dice.normal(0, 0.02, len(times))))
    table = {"open": close * 1.01, "high": close * 1.03, "low": close * 0.97, "close": close}
    return {"timestamp": times.view("M8[ns]"), **table, "volume": dice.integers(0, 9, len(times)).astype(float)}


@st.composite
def clocks(draw: st.DrawFn) -> tuple[str, "np.ndarray[Any, np.dtype[np.int64]]"]:
    """A zone, and irregular times about when its clock is set."""
    zone = draw(st.sampled_from(sorted(SET_CLOCKS)))
    first = int(np.datetime64(draw(st.sampled_from(SET_CLOCKS[zone])), "ns").astype(np.int64))
    steps = draw(st.lists(st.sampled_from([1, 5, 14, 15, 30, 59, 60, 240, 1500]), min_size=1, max_size=60))
    return zone, first + MINUTE * np.cumsum(steps)


@settings(max_examples=60, deadline=None)
@given(clocks(), st.sampled_from(PERIODS), st.sampled_from(["00:00", "09:30", "18:00"]), st.integers(0, 9))
def test_periods_are_those_of_the_clock(
    moments: tuple[str, "np.ndarray[Any, np.dtype[np.int64]]"], period: str, day_start: str, seed: int
) -> None:
    zone, times = moments
    store = BarStore(zone=zone, day_start=day_start)
    table = bars(times, seed)
    store.load("A", table)
    columns = {name: table[name] for name in ("open", "high", "low", "close", "volume")}
    for x in ("open", "high", "low", "close", "volume"):
        features = FeatureSet(done=f"every('{period}', {x})", so_far=f"every('{period}', {x}, forming=1)")
        finished, forming = every(x, period, columns, times, clock_of(zone, day_start))
        found = features.history(store=store)
        np.testing.assert_array_equal(found["done"], finished)
        np.testing.assert_array_equal(found["so_far"], forming)


@settings(max_examples=40, deadline=None)
@given(clocks(), st.sampled_from(PERIODS), st.sampled_from(FORMULAS), st.integers(0, 9), st.sampled_from([0.0, 0.2]))
def test_formulas_over_periods(
    moments: tuple[str, "np.ndarray[Any, np.dtype[np.int64]]"], period: str, formula: str, seed: int, missing: float
) -> None:
    zone, times = moments
    table = bars(times, seed)
    table["extra"] = table["close"] % 7
    dice = np.random.default_rng(seed + 1)
    for name in ("close", "high", "volume", "extra"):
        table[name] = np.where(dice.random(len(times)) < missing, dice.choice([np.nan, np.inf]), table[name])
    columns = {name: table[name] for name in table if name != "timestamp"}
    finished, forming = every(formula, period, columns, times, clock_of(zone))
    import pandas as pd

    frame = pd.DataFrame(table).assign(timestamp=pd.DatetimeIndex(table["timestamp"], tz="UTC").tz_convert(zone))
    found = FeatureSet(done=f"every('{period}', {formula})", so_far=f"every('{period}', {formula}, 1)").over(frame)
    np.testing.assert_allclose(found["done"], finished, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found["so_far"], forming, rtol=1e-9, atol=1e-9)


def trading(tickers: int, seed: int = 1) -> BarStore:
    """Five-minute bars, of which each ticker lacks some."""
    store = BarStore(6000, zone="America/New_York", day_start="09:30")
    times = np.datetime64("2024-02-20T14:30", "ns").astype(np.int64) + 5 * MINUTE * np.arange(5000)
    dice = np.random.default_rng(seed)
    for at in range(tickers):
        store.load(f"T{at}", bars(times[dice.random(len(times)) < 0.9 - 0.05 * at], seed + at))
    return store


MIXED = (
    *("every('1h', ema(12))", "every('1h', ema(12), 1)", "every('1d', rsi(3), 1)", "sma(every('30m', close), 3)"),
    *("ema(every('30m', close), 3)", "rank(every('1h', close))", "of('T1', every('1h', close, forming=1))"),
    *("every('1w', open)", "every('1h', obv(), 1)", "close > every('1d', highest(high, 3))", "every('4h', hour())"),
    "every('15m', stddev(20), 1) - lag(every('15m', kama(5), 1), 7)",
)


def test_the_latest_row_is_the_last_of_the_history() -> None:
    store, features = trading(11), FeatureSet(*MIXED)
    rows = features.history(store=store).to_pandas().groupby("symbol", observed=True).tail(1)
    found = features.latest(store=store)
    assert found.symbols.tolist() == rows["symbol"].tolist()
    newest = rows["timestamp"] == rows["timestamp"].max()
    wanted = rows[list(features.names)].copy()
    wanted.loc[~newest, "rank(every('1h', close))"] = np.nan
    assert np.array_equal(found.to_numpy(), wanted.to_numpy(), equal_nan=True)


async def test_the_same_off_the_loop_and_in_parts() -> None:
    store, features = trading(9), FeatureSet(*MIXED)
    whole = features.history(store=store).to_pandas()
    found = (await features.history_async(store=store, start="2024-03-01", end="2024-03-04")).to_pandas()
    wanted = whole[(whole["timestamp"] >= "2024-03-01") & (whole["timestamp"] <= "2024-03-04")]
    assert found["timestamp"].tolist() == wanted["timestamp"].tolist()
    names = list(features.names)
    assert np.array_equal(found[names].to_numpy(), wanted[names].to_numpy(), equal_nan=True)
    assert np.array_equal(
        (await features.latest_async(store=store)).to_numpy(), features.latest(store=store).to_numpy(), equal_nan=True
    )


def test_one_ticker_alone_and_among_others() -> None:
    store, features = trading(9), FeatureSet(*(name for name in MIXED if "rank" not in name))
    together = features.history(store=store).to_pandas()
    for ticker in ("T0", "T8"):
        alone = features.history([ticker], store).to_numpy()
        rows = together.loc[together["symbol"] == ticker, list(features.names)].to_numpy()
        assert np.array_equal(alone, rows, equal_nan=True)


FAULTS = {
    "every(close, 1)": ('every("1h", close)', "close"),
    "every('7m', close)": ("minutes or hours that divide a day", "'7m'"),
    "every('2d', close)": ("minutes or hours that divide a day", "'2d'"),
    "every('0m', close)": ("minutes or hours that divide a day", "'0m'"),
    "every('1h')": ("every(period, x, forming): x missing", "every('1h')"),
    "every('1h', close, 2)": ("forming of every is 0 or 1", "2"),
    "every('1h', close, forming=volume)": ("forming of every is 0 or 1", "volume"),
    "every('1d', sma(every('1h', close), 3))": ("refused", "every('1h', close)"),
    "every('1d', 1 + of('SPY', close))": ("refused", "of('SPY', close)"),
    "every('1d', rank(close))": ("refused", "rank(close)"),
    "(r := rank(close)) + every('1d', sma(r, 3))": ("refused", "sma(r, 3)"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults_are_said_with_their_place(text: str) -> None:
    message, place = FAULTS[text]
    with pytest.raises(FormulaError) as caught:
        FeatureSet(text)
    assert message in str(caught.value)
    assert caught.value.formula[caught.value.start : caught.value.end] == place


def test_normal_forms() -> None:
    features = FeatureSet(a="every('60min', close)", b="every('24h', sma(3), 1)", c="every('90m', close, 0)")
    assert [each["formula"] for each in features.describe().values()] == [
        "every('1h', close)",
        "every('1d', sma(close, 3), 1)",
        "every('90m', close)",
    ]
    with pytest.raises(ValueError, match="times"):
        FeatureSet("every('1h', close)").over({"close": np.ones(3)})


NEEDED = {
    "every('1d', ema(200))": 57_600,
    "every('1d', ema(200), 1)": 57_600,
    "sma(every('1h', close), 5)": 12 + 4,
    "lag(every('1h', sma(3)), 2) + sma(50)": 50,
    "every('1w', close) > every('15m', sma(2))": 7 * 288,
    "rank(every('1h', sma(2)))": 24,
    "of('SPY', every('30m', delta(close, 2)))": 18,
    "every('1mo', sma(30))": 30 * 31 * 288,
    "sma(5)": 5,
}


@pytest.mark.parametrize("formula", NEEDED)
def test_bars_that_are_needed(formula: str) -> None:
    store = trading(1)
    (described,) = FeatureSet(formula).describe(store).values()
    assert described["bars"] == NEEDED[formula]
    assert (described["warning"] is not None) == (NEEDED[formula] > 6000)
    (of_minutes,) = FeatureSet(formula).describe(bar="5m").values()
    assert (of_minutes["bars"], of_minutes["warning"]) == (NEEDED[formula], None)
    (unknown,) = FeatureSet(formula).describe(BarStore()).values()
    assert unknown["bars"] == (None if "every" in formula else 5)


def test_what_is_said_of_a_capacity_that_is_too_small() -> None:
    (described,) = FeatureSet("every('1d', ema(200))").describe(trading(1)).values()
    assert described["warning"] == "it needs 57,600 bars, and BarStore(capacity=6000) keeps 6,000"
    with pytest.raises(ValueError, match="'7m' is not a period"):
        FeatureSet("sma(5)").describe(bar="7m")


def test_the_lookback_is_without_the_bars_that_fill_periods() -> None:
    """The first value of a day's close is at the first bar of the next one."""
    features = FeatureSet(day='every("1d", close)')
    store = BarStore(capacity=600)
    times = np.datetime64("2024-01-01", "ns") + np.arange(600) * np.timedelta64(5, "m")
    store.load("A", {"timestamp": times} | dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(600)))
    assert features.lookback == 0
    assert np.flatnonzero(~np.isnan(features.history(store=store)["day"]))[0] == 288
    assert features.describe(store)["day"]["bars"] == 288
