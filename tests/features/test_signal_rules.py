"""The signal rules in every regime, against the contract's sentences over the features that the package gives."""

import asyncio
import dataclasses
import gc
import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import signal_rules as reference
from reference.bars import Bars, flat, from_closes, walk

from ziggy_async import BarStore, _core, generate_signals_for_watchlist_async, generate_ticker_signal_async
from ziggy_async.market_brain.features import FeatureComputer
from ziggy_async.market_brain.regime import RegimeState, regime_detector
from ziggy_async.market_brain.signals import (
    RULE_FIGURES,
    Signal,
    generate_signals_for_watchlist,
    generate_ticker_signal,
    signal_generator,
)

REGIMES = ("Panic", "RiskOff", "Chop", "RiskOn")
"""In the order in which the core counts them."""
WIN_RATES = tuple(reference.WIN_RATES[kind][regime] for kind in ("MeanReversion", "Momentum") for regime in REGIMES)
BOTH_RULES = 3


def made(seed: int) -> Bars:
    """A walk that ends in a slide, a climb or neither, so that every rule finds its bars among a few hundred."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0, 0.01, 120)
    end = int(rng.integers(3, 40))
    steps[-end:] += rng.choice([-0.02, -0.008, 0.0, 0.006, 0.012, 0.02])
    steps[-1] += rng.choice([-0.02, 0.0, 0.02])
    return from_closes(100.0 * np.exp(np.cumsum(steps)), seed=seed)


@cache
def universe() -> dict[str, Bars]:
    return {f"S{seed}": made(seed) for seed in range(400)}


RULES_PLAN = RULE_FIGURES.plan(252)


@cache
def universe_store() -> BarStore:
    store = BarStore()
    for symbol, bars in universe().items():
        store.load(symbol, bars.table())
    return store


def core_signals(
    regime: str, symbols: Sequence[str] = (), changed: Mapping[str, float] | None = None, rules: int = BOTH_RULES
) -> dict[str, Any]:
    chosen = {**reference.PARAMETERS, **(changed or {})}
    parameters = tuple(chosen[name] for name, _ in _core.RULE_PARAMETERS)
    names = symbols or list(universe())
    return _core.signals(universe_store(), RULES_PLAN, names, REGIMES.index(regime), parameters, WIN_RATES, rules)


def assert_call(found: Mapping[str, Any], wanted: reference.Call | None, regime: str) -> None:
    if wanted is None:
        assert (found["signal"], found["reason"]) == (None, "no_trade_edge")
        return
    signal = found["signal"]
    assert isinstance(signal, Signal)
    assert found["reason"] == "ok"
    assert signal.ticker == found["ticker"]
    assert (signal.direction.value, signal.signal_type.value) == (wanted.direction, wanted.signal_type)
    assert signal.confidence == pytest.approx(wanted.confidence, rel=1e-9)
    assert signal.entry_price == wanted.entry
    assert signal.stop_loss == pytest.approx(wanted.stop, rel=1e-9)
    assert signal.take_profit == pytest.approx(wanted.target, rel=1e-9)
    assert signal.time_horizon == wanted.horizon
    assert str(getattr(signal.regime_context, "value", signal.regime_context)) == regime
    assert signal.raw_confidence == signal.confidence
    assert signal.risk_reward_ratio == pytest.approx(1.5)
    assert any(character.isdigit() for character in signal.reason)


def test_parameters_and_their_defaults() -> None:
    """The core takes those that a rule reads; the generator has them all."""
    assert dict(_core.RULE_PARAMETERS).items() <= reference.PARAMETERS.items()
    assert dict(signal_generator.params) == reference.PARAMETERS


@pytest.mark.parametrize("regime", REGIMES)
def test_every_rule_in_every_regime(regime: str) -> None:
    found = core_signals(regime)
    figures = FeatureComputer(universe_store()).compute_batch(list(universe()))
    assert list(found) == list(universe())
    fired = set()
    for ticker in universe():
        wanted = reference.signal(figures[ticker], regime)
        assert_call(found[ticker], wanted, regime)
        fired.add((wanted.signal_type, wanted.direction) if wanted else None)
    reversion, short, momentum = ("MeanReversion", "LONG"), ("MeanReversion", "SHORT"), ("Momentum", "LONG")
    some = {reversion, short, momentum, None}
    assert fired == {"Panic": {None}, "RiskOff": {reversion, None}, "Chop": some, "RiskOn": some}[regime]


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize(("rules", "rule"), [(1, reference.mean_reversion), (2, reference.momentum)])
def test_one_rule_alone(regime: str, rules: int, rule: Any) -> None:
    figures = FeatureComputer(universe_store()).compute_batch(list(universe()))
    for ticker, found in core_signals(regime, rules=rules).items():
        assert_call(found, rule(figures[ticker], regime), regime)


ANY_LONG = {"mr_rsi_oversold": 100.0, "mr_z_score_long": 10.0}
ANY_SHORT = {"mr_rsi_oversold": 0.0, "mr_rsi_overbought": 0.0, "mr_z_score_short": -10.0}


@pytest.mark.parametrize("regime", ["Chop", "RiskOn"])
@pytest.mark.parametrize("changed", [ANY_LONG, ANY_SHORT, {**ANY_SHORT, "mom_trend_strength": -10.0}])
def test_both_rules_at_once(regime: str, changed: dict[str, float]) -> None:
    """With the contract's own parameters a new high is never oversold; with these both rules fire for some bars."""
    parameters = {**reference.PARAMETERS, **changed}
    figures = FeatureComputer(universe_store()).compute_batch(list(universe()))
    found = core_signals(regime, changed=changed)
    both = 0
    for ticker, values in figures.items():
        assert_call(found[ticker], reference.signal(values, regime, parameters), regime)
        both += reference.momentum(values, regime, parameters) is not None
    assert both > 5


def test_rules_that_agree_are_combined() -> None:
    found = core_signals("RiskOn", changed=ANY_LONG)
    combined = [entry["signal"] for entry in found.values() if entry["signal"].signal_type.value == "Combined"]
    assert combined
    assert all(signal.confidence <= 0.95 for signal in combined)
    assert {signal.direction.value for signal in combined} == {"LONG"}


@given(
    seed=st.integers(0, 399),
    regime=st.sampled_from(REGIMES),
    changed=st.fixed_dictionaries(
        {
            "mr_rsi_oversold": st.floats(1.0, 100.0),
            "mr_rsi_overbought": st.floats(0.0, 100.0),
            "mr_z_score_long": st.floats(-3.0, 3.0),
            "mr_z_score_short": st.floats(-3.0, 3.0),
            "mom_trend_strength": st.floats(-2.0, 2.0),
            "stop_loss_atr_multiple": st.floats(0.1, 10.0),
            "take_profit_atr_multiple": st.floats(0.1, 10.0),
        }
    ),
)
@settings(max_examples=300, deadline=None)
def test_any_parameters(seed: int, regime: str, changed: dict[str, float]) -> None:
    ticker = f"S{seed}"
    found = core_signals(regime, [ticker], changed)[ticker]["signal"]
    figures = FeatureComputer(universe_store()).compute_for_ticker(ticker)
    wanted = reference.signal(figures, regime, {**reference.PARAMETERS, **changed})
    assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:
        assert (found.direction.value, found.signal_type.value) == (wanted.direction, wanted.signal_type)
        assert found.confidence == pytest.approx(wanted.confidence, rel=1e-9)
        assert (found.stop_loss, found.take_profit) == pytest.approx((wanted.stop, wanted.target), rel=1e-9)


def put_market(store: BarStore, regime: str) -> None:
    """SPY, ^VIX and a breadth that make this regime; other symbols of the universe only count for the breadth."""
    climbing, sliding = np.linspace(100.0, 160.0, 60), np.linspace(160.0, 100.0, 60)
    store.load("SPY", from_closes(sliding if regime == "RiskOff" else climbing).table())
    store.load("^VIX", flat(1, 35.0 if regime == "Panic" else 15.0).table())
    rising = {"Panic": 50, "RiskOff": 0, "Chop": 45, "RiskOn": 95}[regime]
    for number in range(100):
        store.load(f"BREADTH-{number}", from_closes(climbing if number < rising else sliding).table())


@pytest.mark.parametrize("regime", REGIMES)
async def test_a_watchlist_from_bars_to_signals(store: BarStore, regime: str) -> None:
    put_market(store, regime)
    tickers = list(universe())[:40]
    for ticker in tickers[:30]:
        store.load(ticker, universe()[ticker].table())
    market = regime_detector.detect_regime(force_refresh=True)
    assert (market.regime.value, market.confidence) == reference.regime(
        FeatureComputer(store).compute_for_ticker("SPY")
    )
    assert market.regime.value == regime
    found = generate_signals_for_watchlist(tickers)
    assert list(found) == tickers
    for ticker in tickers:
        figures = FeatureComputer(store).compute_for_ticker(ticker)
        if ticker not in store:
            assert found[ticker] == {"ticker": ticker, "signal": None, "reason": "insufficient_features"}
        else:
            assert_call(found[ticker], reference.signal(figures, regime), regime)
    later = await generate_signals_for_watchlist_async(tickers)
    assert list(later) == tickers
    for ticker in tickers:
        single = generate_ticker_signal(ticker)
        for other in (later[ticker], single, await generate_ticker_signal_async(ticker)):
            assert timeless(other) == timeless(found[ticker])


def timeless(entry: Mapping[str, Any]) -> Any:
    signal = entry["signal"]
    return (entry["ticker"], entry["reason"], signal and dataclasses.replace(signal, timestamp=None))


def test_each_regime_can_be_made(store: BarStore) -> None:
    for regime in REGIMES:
        put_market(store, regime)
        assert regime_detector.detect_regime(force_refresh=True).regime.value == regime
    store.clear()
    empty = regime_detector.detect_regime(force_refresh=True)
    assert (empty.regime, empty.confidence) == (RegimeState.CHOP, 0.3)


@pytest.fixture
def stocked(store: BarStore) -> BarStore:
    put_market(store, "Chop")
    for symbol, bars in list(universe().items())[:100]:
        store.load(symbol, bars.table())
    regime_detector.detect_regime(force_refresh=True)
    return store


async def test_no_tickers(stocked: BarStore) -> None:
    assert generate_signals_for_watchlist([]) == {}
    assert await generate_signals_for_watchlist_async([]) == {}


async def test_order_duplicates_and_unknown(stocked: BarStore) -> None:
    asked = ["S9", "NONE", "S3", "S9", "S0", "", "ÄÖÜ €", "S3"]
    for found in (generate_signals_for_watchlist(asked), await generate_signals_for_watchlist_async(asked)):
        assert list(found) == ["S9", "NONE", "S3", "S0", "", "ÄÖÜ €"]
        assert {found[ticker]["reason"] for ticker in ("NONE", "", "ÄÖÜ €")} == {"insufficient_features"}
        assert timeless(found["S9"]) == timeless(generate_ticker_signal("S9"))


@pytest.mark.parametrize("wrong", [None, 5, b"S1", ["S1"]])
@pytest.mark.parametrize("position", [0, 1, 7])
async def test_a_ticker_that_is_no_text(stocked: BarStore, wrong: Any, position: int) -> None:
    tickers: list[Any] = [f"S{number}" for number in range(8)]
    tickers[position] = wrong
    with pytest.raises(TypeError, match=rf"\b{position}\b"):
        generate_signals_for_watchlist(tickers)
    with pytest.raises(TypeError, match=rf"\b{position}\b"):
        await generate_signals_for_watchlist_async(tickers)
    with pytest.raises(TypeError):
        generate_ticker_signal(wrong)
    with pytest.raises(TypeError):
        await generate_ticker_signal_async(wrong)


@pytest.mark.parametrize("tickers", ["SPY", 5, None])
async def test_what_is_no_list_of_tickers(stocked: BarStore, tickers: Any) -> None:
    with pytest.raises(TypeError):
        generate_signals_for_watchlist(tickers)
    with pytest.raises(TypeError):
        await generate_signals_for_watchlist_async(tickers)


async def test_ten_thousand_tickers(stocked: BarStore) -> None:
    tickers = [f"T{number}" if number % 3 else f"S{number % 100}" for number in range(10_000)]
    found = await generate_signals_for_watchlist_async(tickers)
    assert list(found) == list(dict.fromkeys(tickers))
    assert {entry["reason"] for entry in found.values()} == {"ok", "no_trade_edge", "insufficient_features"}


async def test_the_regime_is_read_once(stocked: BarStore) -> None:
    """All signals of a list stand in one regime, though the market turns while the list is on its way."""
    pending = asyncio.create_task(generate_signals_for_watchlist_async(list(universe())[:100]))
    await asyncio.sleep(0)
    put_market(stocked, "Panic")
    contexts = {str(entry["signal"].regime_context) for entry in (await pending).values() if entry["signal"]}
    assert len(contexts) == 1


async def test_an_unencodable_ticker_in_a_list_is_an_unknown_one(stocked: BarStore) -> None:
    tickers = ["\ud800", *list(universe())[:3]]
    for found in (generate_signals_for_watchlist(tickers), await generate_signals_for_watchlist_async(tickers)):
        assert list(found) == tickers
        assert found["\ud800"] == {"ticker": "\ud800", "signal": None, "reason": "insufficient_features"}
        assert {found[ticker]["reason"] for ticker in tickers[1:]} <= {"ok", "no_trade_edge"}


@pytest.fixture
def enrich() -> Any:
    """Sets `signal_generator.enrich` for one test."""

    def use(function: Any) -> None:
        signal_generator.enrich = function

    yield use
    signal_generator.enrich = None


async def test_enrich_attaches_to_every_signal(stocked: BarStore, enrich: Any) -> None:
    plain = generate_signals_for_watchlist(list(universe())[:100])
    seen = []

    def calibrate(signal: Signal, features: Mapping[str, Any]) -> Signal:
        seen.append((signal.ticker, features["close"]))
        return dataclasses.replace(signal, confidence=0.5, confidence_adjustment=0.5 - signal.confidence)

    enrich(calibrate)
    for way in (generate_signals_for_watchlist, generate_signals_for_watchlist_async):
        found = way(list(plain))
        found = await found if inspect.isawaitable(found) else found
        signals = {ticker: entry["signal"] for ticker, entry in found.items() if entry["signal"]}
        assert signals
        assert all(signal.confidence == 0.5 for signal in signals.values())
        assert set(signals) == {ticker for ticker, entry in plain.items() if entry["signal"]}
        assert sorted(seen) == sorted((ticker, signal.entry_price) for ticker, signal in signals.items())
        seen.clear()


async def test_enrich_that_fails_leaves_the_signal(stocked: BarStore, enrich: Any) -> None:
    plain = generate_signals_for_watchlist(list(universe())[:100])

    def half_way(signal: Signal, features: Mapping[str, Any]) -> Signal:
        signal.confidence = -1.0
        signal.features_snapshot.clear()
        raise RuntimeError("no calibration")

    enrich(half_way)
    for found in (generate_signals_for_watchlist(list(plain)), await generate_signals_for_watchlist_async(list(plain))):
        assert {ticker: timeless(entry) for ticker, entry in found.items()} == {
            ticker: timeless(entry) for ticker, entry in plain.items()
        }


async def test_enrich_that_fails_for_one_ticker(stocked: BarStore, enrich: Any) -> None:
    plain = await generate_signals_for_watchlist_async(list(universe())[:100])
    unlucky = next(ticker for ticker, entry in plain.items() if entry["signal"])

    def calibrate(signal: Signal, features: Mapping[str, Any]) -> Signal:
        if signal.ticker == unlucky:
            raise RuntimeError("no calibration")
        return dataclasses.replace(signal, confidence=0.25)

    enrich(calibrate)
    for ticker, entry in (await generate_signals_for_watchlist_async(list(plain))).items():
        if ticker == unlucky:
            assert timeless(entry) == timeless(plain[ticker])
        elif entry["signal"]:
            assert entry["signal"].confidence == 0.25


def test_to_dict(stocked: BarStore) -> None:
    signals = [entry["signal"] for entry in generate_signals_for_watchlist(list(universe())[:100]).values()]
    plain = next(signal for signal in signals if signal).to_dict()
    assert list(plain) == ["ticker", "direction", "confidence", "signal_type", "reason", "price_levels", "context",
                           "features_snapshot", "decision_context"]  # fmt: skip
    assert list(plain["price_levels"]) == ["entry", "stop_loss", "take_profit"]
    assert list(plain["context"]) == [
        "timestamp", "time_horizon", "regime_context", "expected_return", "risk_reward_ratio",
        "bar_time",
    ]  # fmt: skip
    assert list(plain["decision_context"]) == [
        "raw_confidence", "confidence_adjustment", "decision_quality", "similar_outcomes", "lessons_learned",
    ]  # fmt: skip
    assert (type(plain["direction"]), type(plain["signal_type"])) == (str, str)


def test_confidence_grows_with_the_extremes() -> None:
    """A deeper slide is a more confident signal, and no confidence passes 0.95."""
    figures = FeatureComputer(universe_store()).compute_batch(list(universe()))
    found = core_signals("Chop", changed={"mr_rsi_oversold": 100.0, "mr_z_score_long": 10.0}, rules=1)
    by_strength = sorted(
        (figures[t]["rsi_14"], -abs(figures[t]["z_score_20"]), entry["signal"].confidence) for t, entry in found.items()
    )
    for weaker, stronger in pairwise(reversed(by_strength)):
        if stronger[1] <= weaker[1]:
            assert stronger[2] >= weaker[2] - 1e-12
    assert max(confidence for *_, confidence in by_strength) <= 0.95


def test_short_bars_are_insufficient() -> None:
    store = BarStore()
    store.load("A", walk(49).table())
    parameters = tuple(value for _, value in _core.RULE_PARAMETERS)
    found = _core.signals(store, RULES_PLAN, ["A"], 2, parameters, WIN_RATES, BOTH_RULES)
    assert found == {"A": {"ticker": "A", "signal": None, "reason": "insufficient_features"}}


def test_a_reason_is_written_with_points_in_every_locale(run_isolated: Callable[..., Any]) -> None:
    done = run_isolated("reason_with_points")
    assert done.returncode == 0, done.stderr
    point, reason = done.stdout.split(maxsplit=1)
    if point == ".":
        pytest.skip("no locale is installed that writes a comma")
    assert "RSI" in reason
    assert "," not in reason


def test_a_cycle_through_a_signal_is_collected() -> None:
    entries = core_signals("Chop").values()
    signal = next(entry["signal"] for entry in entries if entry["signal"] is not None)
    del entries
    signal.itself, signal.similar_outcomes["list"] = signal, signal.lessons_learned
    signal.lessons_learned.append(signal.lessons_learned)
    gone = weakref.ref(signal)
    del signal
    gc.collect()
    assert gone() is None
