"""The signals of the past, against a store beside that is filled bar by bar and asked after each."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.bars import Bars, from_closes, walk

from ziggy_async import BarStore, _core, signal_history, signal_history_async
from ziggy_async.features import FeatureTable
from ziggy_async.market_brain.features import FeatureComputer
from ziggy_async.market_brain.regime import RegimeDetector, RegimeState
from ziggy_async.market_brain.signals import Signal, SignalGenerator, SignalType

Market = Mapping[str, Bars]

REGIMES = list(RegimeState)
TYPES = [SignalType.MEAN_REVERSION, SignalType.MOMENTUM, SignalType.COMBINED]
TICKERS = ("A", "B", "C", "D")


def market_of(seed: int, gauges: Iterable[str] = ("SPY", "^VIX")) -> dict[str, Bars]:
    """Trends that turn, long enough for every regime; each ticker begins on a day of its own and misses some days."""
    rng = np.random.default_rng(seed)
    common = np.repeat(rng.normal(0.0, 0.006, 6), 30) + rng.normal(0.0, 0.008, 180)
    made = {}
    for number, symbol in enumerate([*TICKERS, *(gauge for gauge in gauges if "VIX" not in gauge)]):
        bars = from_closes(100.0 * np.exp(np.cumsum(common + rng.normal(0.0, 0.006, 180))), seed=seed + number)
        first = 0 if symbol == "SPY" else int(rng.integers(0, 40))
        made[symbol] = kept(bars, np.flatnonzero((rng.random(180) > 0.03) & (np.arange(180) >= first)))
    for gauge in gauges:
        if "VIX" in gauge:
            made[gauge] = kept(walk(180, seed + 99, price=27.0, swing=0.05), np.arange(int(rng.integers(0, 90)), 180))
    return made


def kept(bars: Bars, rows: np.ndarray) -> Bars:
    return Bars(bars.timestamp[rows], *(column[rows] for column in bars.columns().values()))


def filled(market: Market) -> BarStore:
    store = BarStore()
    for symbol, bars in market.items():
        store.load(symbol, bars.table())
    return store


def generator_over(store: BarStore, **options: Any) -> SignalGenerator:
    computer = FeatureComputer(store)
    detector = RegimeDetector(computer, **options)
    detector.cache_ttl = timedelta(0)
    return SignalGenerator(computer, detector)


def bar_by_bar(market: Market, generator: SignalGenerator) -> dict[tuple[str, int], tuple[Signal | None, str]]:
    """(ticker, time) -> the signal that there was when no later bar was, and its reason."""
    store, said = generator.store, {}
    for time in np.unique(np.concatenate([bars.timestamp for bars in market.values()])).tolist():
        now = []
        for symbol, bars in market.items():
            for row in np.flatnonzero(bars.timestamp == time):
                store.append(symbol, np.datetime64(time, "ns"), *(column[row] for column in bars.columns().values()))
                now.append(symbol)
        for ticker, result in generator.generate_signals_bulk(now).items():
            said[ticker, time] = result["signal"], result["reason"]
    return said


def check_rows(table: FeatureTable, said: Mapping[tuple[str, int], tuple[Signal | None, str]]) -> None:
    times = table.timestamps.view(np.int64).tolist()
    for row, key in enumerate(zip(table.symbols.tolist(), times, strict=True)):
        signal, reason = said[key]
        figures = {name: float(table[name][row]) for name in table.names}
        if signal is None:
            direction = {"no_trade_edge": 0.0, "insufficient_features": math.nan}[reason]
            np.testing.assert_equal(figures["direction"], direction)
            assert all(math.isnan(figures[name]) for name in _core.SIGNAL_COLUMNS[1:9])
            continue
        assert figures["direction"] == {"LONG": 1.0, "SHORT": -1.0}[signal.direction]
        assert TYPES[int(figures["signal_type"])] is signal.signal_type
        assert REGIMES[int(figures["regime"])] == signal.regime_context
        assert f"{int(figures['time_horizon'])}D" == signal.time_horizon
        for name in ("confidence", "entry_price", "stop_loss", "take_profit", "expected_return"):
            assert figures[name].hex() == getattr(signal, name).hex(), (key, name)
        np.testing.assert_equal(figures["risk_reward_ratio"], signal.risk_reward_ratio)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    gauges=st.sampled_from([("SPY", "^VIX"), ("SPY", "VIX"), ("SPY", "^VIX", "VIX"), ("SPY",), ("VIX",)]),
    thresholds=st.sampled_from([{}, {"vix_panic": 24, "slope_threshold": 0.05}, {"breadth_risk_on": 45.0}]),
    volatility=st.sampled_from(["^VIX", None]),
)
def test_each_bar_has_the_signal_of_its_time(
    seed: int, gauges: tuple[str, ...], thresholds: dict[str, float], volatility: str | None
) -> None:
    market = market_of(seed, gauges)
    beside = generator_over(BarStore(), volatility=volatility)
    beside.detector.update_thresholds(thresholds)
    beside.update_parameters(mr_rsi_oversold=45, mr_z_score_long=-0.8, mom_trend_strength=0.1, mr_rsi_overbought=58)
    whole = generator_over(filled(market), volatility=volatility)
    whole.detector.thresholds, whole.params = beside.detector.thresholds, beside.params
    table = signal_history(None, whole.store, generator=whole)
    said = bar_by_bar(market, beside)
    assert len(table) == len(said)
    check_rows(table, said)


def test_the_made_markets_have_every_regime_and_every_kind_of_signal() -> None:
    """Else the comparison above would say little."""
    regimes, kinds = set(), set()
    for seed in range(12):
        store = filled(market_of(seed))
        generator = generator_over(store)
        generator.update_parameters(mr_rsi_oversold=45, mr_z_score_long=-0.8, mom_trend_strength=0.1)
        table = signal_history(None, store, generator=generator)
        regimes |= set(table["regime"].tolist())
        kinds |= {
            (way, kind) for way, kind in zip(table["direction"], table["signal_type"], strict=True) if way in (1, -1)
        }
    assert regimes == {0.0, 1.0, 2.0, 3.0}
    assert {(1.0, 0.0), (1.0, 1.0), (-1.0, 0.0)} <= kinds


def test_breadth_and_volatility_are_those_of_the_time() -> None:
    market = market_of(3, ("SPY", "^VIX", "VIX"))
    table = signal_history(["SPY"], filled(market))
    beside = BarStore()
    moments = dict(zip(table.timestamps.view(np.int64).tolist(), range(len(table)), strict=True))
    for time in np.unique(np.concatenate([bars.timestamp for bars in market.values()])).tolist():
        for symbol, bars in market.items():
            for row in np.flatnonzero(bars.timestamp == time):
                beside.append(symbol, np.datetime64(time, "ns"), *(column[row] for column in bars.columns().values()))
        features = FeatureComputer(beside).compute_for_ticker("SPY")
        if time in moments and features.is_sufficient:
            row = moments[time]
            breadth = math.nan if features.breadth_50dma is None else features.breadth_50dma
            np.testing.assert_equal(table["breadth_50dma"][row], breadth)
            level = table["vix_level"][row]
            assert features.vix_level == (20.0 if math.isnan(level) else level)


def test_start_and_end_choose_rows_and_change_no_value() -> None:
    store = filled(market_of(5))
    whole = signal_history(["A", "SPY"], store)
    start, end = whole.timestamps[60], whole.timestamps[120]
    part = signal_history(["A", "SPY"], store, start, end)
    chosen = (whole.timestamps >= start) & (whole.timestamps <= end)
    np.testing.assert_array_equal(part.to_numpy(), whole.to_numpy()[chosen])
    np.testing.assert_array_equal(part.symbols, whole.symbols[chosen])


def test_an_unknown_ticker_has_no_rows_and_is_missing() -> None:
    table = signal_history(["A", "NONE", "\udcff"], filled(market_of(1)))
    assert table.missing == ("NONE", "\udcff")
    assert set(table.symbols) == {"A"}
    empty = signal_history(["A"], BarStore())
    assert len(empty) == 0
    assert empty.missing == ("A",)
    assert len(signal_history([], filled(market_of(1)))) == 0


@pytest.mark.parametrize("arguments", [(["A", 1],), ("AB",), (["A"], object())])
def test_a_wrong_argument_is_named(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        signal_history(*arguments)


def test_a_store_that_is_not_ordered_has_no_breadth() -> None:
    store = BarStore(ordered=False)
    for symbol, bars in market_of(2).items():
        store.load(symbol, bars.table())
    assert np.isnan(signal_history(["A"], store)["breadth_50dma"]).all()


async def test_off_the_loop_it_is_the_same() -> None:
    store = filled(market_of(7))
    for tickers in (None, ["A"], [], ["NONE"]):
        found = await signal_history_async(tickers, store)
        wanted = signal_history(tickers, store)
        np.testing.assert_array_equal(found.to_numpy(), wanted.to_numpy())
        assert found.missing == wanted.missing
    assert len(await signal_history_async(None, BarStore())) == 0


async def test_a_deadline_that_has_passed_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        await signal_history_async(None, filled(market_of(7)), deadline=0.0)


async def test_it_can_be_cancelled_at_any_stage_and_the_pool_goes_on() -> None:
    store = filled({f"{symbol}{copy}": bars for copy in range(30) for symbol, bars in market_of(copy).items()})
    for turns in range(6):
        asked = asyncio.ensure_future(signal_history_async(None, store))
        for _ in range(1 + turns):
            await asyncio.sleep(0.0005 * turns)
        if not asked.cancel():
            assert turns > 0  # it was done before
            break
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert len(await signal_history_async(["A1"], store)) > 100
