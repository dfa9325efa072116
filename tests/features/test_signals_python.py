"""What Python adds to the core's decisions: the Signal, its words and figures, parameters, regimes handed in."""

import asyncio
import concurrent.futures
import contextvars
import dataclasses
import inspect
import json
import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import ziggy_async
from ziggy_async import BarStore, off_loop
from ziggy_async.lag import PingLag
from ziggy_async.market_brain import signals
from ziggy_async.market_brain.features import (
    FeatureComputer,
    Features,
    FeatureSet,
    async_get_multiple_ticker_features,
    async_get_ticker_features,
    get_multiple_ticker_features,
    get_ticker_features,
)
from ziggy_async.market_brain.regime import RegimeState
from ziggy_async.market_brain.signals import Signal, SignalDirection, SignalGenerator, SignalType

# Parameters under which the rules fire on the rising bars below: reversion long, reversion short, momentum, both long.
REVERSION_LONG = {"mr_rsi_oversold": 101.0, "mr_z_score_long": 10.0, "mom_trend_strength": 1e3}
REVERSION_SHORT = {"mom_trend_strength": 1e3}
MOMENTUM_LONG = {"mr_rsi_overbought": 101.0}
BOTH_LONG = {"mr_rsi_oversold": 101.0, "mr_z_score_long": 10.0, "mr_rsi_overbought": 101.0}


def store_of(closes: np.ndarray) -> BarStore:
    days = np.datetime64("2020-01-01") + np.arange(len(closes)).astype("timedelta64[D]")
    store = BarStore()
    store.load("A", {"t": days, "o": closes, "h": closes * 1.01, "l": closes * 0.99, "c": closes, "v": closes})
    return store


@pytest.fixture
def rising() -> BarStore:
    """One symbol that breaks out after a calm stretch."""
    return store_of(np.r_[100.0 + np.tile([0.0, 1.0], 40), np.linspace(102.0, 120.0, 10)])


@pytest.fixture
def falling() -> BarStore:
    """One symbol that ends oversold."""
    return store_of(np.r_[100.0 + np.tile([0.0, 1.0], 40), np.linspace(99.0, 85.0, 8)])


def signal_of(store: BarStore, parameters: dict[str, float]) -> Signal:
    generator = SignalGenerator(FeatureComputer(store))
    generator.update_parameters(parameters)
    result = generator.generate_signal("A", RegimeState.RISK_ON)
    assert result["reason"] == "ok"
    return result["signal"]


@pytest.mark.parametrize(
    ("parameters", "direction", "kind", "horizon", "reason"),
    [
        (REVERSION_LONG, "LONG", "MeanReversion", "3D", "Mean reversion: RSI {rsi_14:.1f} below 101 and z-score "),
        (REVERSION_SHORT, "SHORT", "MeanReversion", "3D", "Mean reversion: RSI {rsi_14:.1f} above 70 and z-score "),
        (MOMENTUM_LONG, "LONG", "Momentum", "5D", "Momentum: close 120 is a 20-bar high above its averages of 20 "),
        (BOTH_LONG, "LONG", "Combined", "5D", "Combined: RSI {rsi_14:.1f} below 101 and z-score "),
    ],
)
def test_kind_horizon_and_reason(rising: BarStore, parameters, direction, kind, horizon, reason) -> None:
    signal = signal_of(rising, parameters)
    assert (signal.direction.value, signal.signal_type.value, signal.time_horizon) == (direction, kind, horizon)
    assert signal.reason.startswith(reason.format(**signal.features_snapshot))
    assert signal.reason.endswith(".")


def test_figures_of_a_signal(falling: BarStore) -> None:
    signal = signal_of(falling, {})
    features = FeatureComputer(falling).compute_for_ticker("A")
    entry, atr, confidence = features.close, features.atr_14, signal.confidence
    assert signal.direction is SignalDirection.LONG
    assert signal.regime_context == "RiskOn"
    assert (signal.entry_price, signal.stop_loss, signal.take_profit) == (entry, entry - 2 * atr, entry + 3 * atr)
    expected = 100 * (confidence * 3 * atr - (1 - confidence) * 2 * atr) / entry
    assert signal.expected_return == pytest.approx(expected)
    assert signal.risk_reward_ratio == pytest.approx(1.5)
    assert (signal.raw_confidence, signal.confidence_adjustment) == (confidence, 0.0)
    assert signal.features_snapshot == {name: features[name] for name in ("rsi_14", "z_score_20", "close", "atr_14")}
    assert signal.timestamp.tzinfo is UTC
    assert abs((datetime.now(UTC) - signal.timestamp).total_seconds()) < 60
    assert signal.bar_time == datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=87)
    assert signal.to_dict()["context"]["bar_time"] == "2020-03-28T00:00:00+00:00"
    without_risk = signal_of(falling, {"stop_loss_atr_multiple": 0.0, "take_profit_atr_multiple": 0.0})
    assert without_risk.risk_reward_ratio is None


def test_fields_of_a_signal() -> None:
    names = (
        "ticker direction confidence signal_type reason entry_price stop_loss take_profit timestamp time_horizon"
        " regime_context features_snapshot expected_return risk_reward_ratio raw_confidence confidence_adjustment"
        " decision_quality similar_outcomes lessons_learned bar_time"
    )
    assert [field.name for field in dataclasses.fields(Signal)] == names.split()
    one, other = (Signal("A", SignalDirection.LONG, 0.5, SignalType.MOMENTUM, "") for _ in range(2))
    one.lessons_learned.append("x")
    one.decision_quality["x"] = 1
    assert other.lessons_learned == []
    assert other.decision_quality == {}
    assert isinstance(other.timestamp, datetime)


def test_dict_and_explanation() -> None:
    figures = dict.fromkeys(("rsi_14", "z_score_20", "close", "atr_14"), 1.0)
    signal = Signal(
        "A",
        SignalDirection.LONG,
        0.5,
        SignalType.MEAN_REVERSION,
        "",
        100.0,
        96.0,
        106.0,
        features_snapshot=figures,
        risk_reward_ratio=1.5,
    )
    as_dict = json.loads(json.dumps(signal.to_dict()))
    assert {name: list(value) if isinstance(value, dict) else ... for name, value in as_dict.items()} == {
        "ticker": ...,
        "direction": ...,
        "confidence": ...,
        "signal_type": ...,
        "reason": ...,
        "price_levels": ["entry", "stop_loss", "take_profit"],
        "context": ["timestamp", "time_horizon", "regime_context", "expected_return", "risk_reward_ratio", "bar_time"],
        "features_snapshot": ["rsi_14", "z_score_20", "close", "atr_14"],
        "decision_context": [
            "raw_confidence",
            "confidence_adjustment",
            "decision_quality",
            "similar_outcomes",
            "lessons_learned",
        ],
    }
    explanation = SignalGenerator().get_signal_explanation(signal)
    assert explanation["price_levels"] == {"entry": 100.0, "stop_loss": 96.0, "take_profit": 106.0}
    assert explanation["risk_metrics"] == {"risk_amount": 4.0, "reward_amount": 6.0, "risk_reward_ratio": 1.5}
    assert json.dumps(explanation)


def test_a_dict_is_the_callers_own() -> None:
    signal = Signal("A", SignalDirection.LONG, 0.5, SignalType.MOMENTUM, "", features_snapshot={"near": [1.0]})
    signal.similar_outcomes["wins"] = [1]
    mine, explanation = signal.to_dict(), SignalGenerator().get_signal_explanation(signal)
    mine["features_snapshot"]["near"].append(2.0)
    mine["decision_context"]["decision_quality"]["mine"] = True
    mine["decision_context"]["similar_outcomes"]["wins"].append(2)
    mine["decision_context"]["lessons_learned"].append("mine")
    explanation["features_used"]["near"].append(3.0)
    assert signal.features_snapshot == {"near": [1.0]}
    assert (signal.decision_quality, signal.similar_outcomes, signal.lessons_learned) == ({}, {"wins": [1]}, [])


def test_parameters() -> None:
    generator = SignalGenerator()
    assert generator.params == {
        "mr_rsi_oversold": 30,
        "mr_rsi_overbought": 70,
        "mr_z_score_long": -1.5,
        "mr_z_score_short": 1.5,
        "mom_breakout_periods": 20,
        "mom_volume_multiplier": 1.5,
        "mom_trend_strength": 0.5,
        "stop_loss_atr_multiple": 2.0,
        "take_profit_atr_multiple": 3.0,
        "max_holding_days": 5,
    }
    whole = {name for name, value in generator.params.items() if type(value) is int}
    assert whole == {"mr_rsi_oversold", "mr_rsi_overbought", "mom_breakout_periods", "max_holding_days"}
    generator.update_parameters({"mr_rsi_oversold": 25}, max_holding_days=3)
    assert (generator.params["mr_rsi_oversold"], generator.params["max_holding_days"]) == (25, 3)
    before = dict(generator.params)
    generator.update_parameters(mr_rsi_oversold=np.int64(25), mr_z_score_long=np.float32(-1.5), max_holding_days=3)
    assert generator.params == before
    assert [type(generator.params[name]) for name in ("mr_rsi_oversold", "mr_z_score_long")] == [int, float]
    for changes, error in (
        ({"rsi": 1}, ValueError),
        ({"mr_z_score_long": "x"}, TypeError),
        ({"mr_z_score_long": 10**400}, ValueError),
    ):
        with pytest.raises(error):
            generator.update_parameters({"mr_rsi_oversold": 20, **changes}, strict=True)
        assert generator.params == before
    assert SignalGenerator().params["mr_rsi_oversold"] == 30, "parameters belong to a generator"


async def test_a_generator_over_its_own_store(falling: BarStore) -> None:
    generator = SignalGenerator(FeatureComputer(falling))
    result = generator.generate_signal("A", RegimeState.CHOP)
    assert result["reason"] == "ok"
    assert result["signal"].signal_type is SignalType.MEAN_REVERSION
    assert (await generator.generate_signal_async("A", RegimeState.CHOP))["signal"].reason == result["signal"].reason
    assert generator.generate_signal("A", RegimeState.PANIC)["reason"] == "no_trade_edge"
    assert generator.generate_signal("A", RegimeState.CHOP, rules=signals.MOMENTUM_RULE)["reason"] == "no_trade_edge"
    assert generator.generate_signal("B", RegimeState.CHOP)["reason"] == "insufficient_features"


@pytest.mark.parametrize("rejected", ["Sideways", "CHOP", "", 5, object()])
async def test_a_regime_by_its_name(falling: BarStore, rejected) -> None:
    generator = SignalGenerator(FeatureComputer(falling))
    for state in RegimeState:
        by_name, by_state = (generator.generate_signal("A", regime) for regime in (state.value, state))
        assert by_name["reason"] == by_state["reason"]
        assert (await generator.generate_signal_async("A", state.value))["reason"] == by_state["reason"]
    with pytest.raises((ValueError, TypeError), match="regime: "):
        generator.generate_signal("A", rejected)
    with pytest.raises((ValueError, TypeError), match="regime: "):
        await generator.generate_signals_bulk_async(["A"], rejected)


async def test_reasons_give_the_thresholds_in_force(falling: BarStore) -> None:
    generator = SignalGenerator(FeatureComputer(falling))
    generator.update_parameters(mr_rsi_oversold=29.5)
    for result in (
        generator.generate_signal("A", RegimeState.CHOP),
        await generator.generate_signal_async("A", RegimeState.CHOP),
    ):
        assert "below 29.5 and" in result["signal"].reason


async def test_enrich_gets_a_copy_and_the_features(falling: BarStore) -> None:
    generator = SignalGenerator(FeatureComputer(falling))

    def enrich(signal: Signal, features: Features) -> Signal:
        assert features.rsi_14 == signal.features_snapshot["rsi_14"]
        return dataclasses.replace(signal, confidence=0.1)

    generator.enrich = enrich
    assert generator.generate_signal("A", RegimeState.CHOP)["signal"].confidence == 0.1
    assert (await generator.generate_signal_async("A", RegimeState.CHOP))["signal"].confidence == 0.1


def many_signals(count: int) -> tuple[SignalGenerator, list[str]]:
    """A generator over symbols that all give a signal in RiskOn, and their names."""
    closes = np.r_[100.0 + np.tile([0.0, 1.0], 40), np.linspace(102.0, 120.0, 10)]
    store, names = store_of(closes), [f"S{number}" for number in range(count)]
    table = store.bars("A")
    for name in names:
        store.load(name, table)
    generator = SignalGenerator(FeatureComputer(store))
    generator.update_parameters(MOMENTUM_LONG)
    return generator, names


@pytest.mark.parametrize("count", [1, 3, 100, 1000])
async def test_enrich_goes_to_the_pool_in_chunks(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator, names = many_signals(count)
    chunks, under_way, most = 0, 0, 0
    counting, enrich_chunk = threading.Lock(), signals._enrich

    def counted(enrich, computer, chunk):
        nonlocal chunks, under_way, most
        assert len(chunk) <= signals.ENRICHED_TOGETHER
        with counting:
            chunks, under_way = chunks + 1, under_way + 1
            most = max(most, under_way)
        enrich_chunk(enrich, computer, chunk)
        with counting:
            under_way -= 1

    monkeypatch.setattr(signals, "_enrich", counted)
    generator.enrich = lambda signal, features: dataclasses.replace(signal, confidence=features.close / 1e3)
    for way in (generator.generate_signals_bulk, generator.generate_signals_bulk_async):
        found = way(names, RegimeState.RISK_ON)
        found = await found if inspect.isawaitable(found) else found
        assert list(found) == names
        assert all((entry["signal"].ticker, entry["signal"].confidence) == (n, 0.12) for n, entry in found.items())
        assert chunks <= max(off_loop.workers(), -(-count // signals.ENRICHED_TOGETHER))
        assert most <= off_loop.workers()
        chunks = most = 0


async def test_enrich_sees_the_callers_context_and_leaves_none() -> None:
    generator, names = many_signals(50)
    variable = contextvars.ContextVar("variable", default="nobody's")
    seen = []

    def enrich(signal: Signal, features: Features) -> Signal:
        seen.append(variable.get())
        variable.set(signal.ticker)
        return signal

    generator.enrich = enrich
    variable.set("the caller's")
    generator.generate_signals_bulk(names, RegimeState.RISK_ON)
    await generator.generate_signals_bulk_async(names, RegimeState.RISK_ON)
    await off_loop.blocking.run(generator.generate_signals_bulk, names, RegimeState.RISK_ON)
    assert seen == ["the caller's"] * 150


@pytest.mark.performance
async def test_enrich_does_not_hold_up_the_loop() -> None:
    generator, names = many_signals(10_000)
    generator.enrich = lambda signal, features: dataclasses.replace(signal, confidence=0.1)
    async with PingLag() as lag:
        await generator.generate_signals_bulk_async(names, RegimeState.RISK_ON)
    assert lag.summary().p50 < 10.0
    assert lag.summary().max < 100.0


class Odd(BaseException):
    """No `Exception`, and nothing that asyncio knows."""


@pytest.mark.parametrize(
    "answer",
    [
        *(None, "a signal", ZeroDivisionError),
        *(SystemExit, KeyboardInterrupt, asyncio.CancelledError, concurrent.futures.CancelledError, StopIteration, Odd),
    ],
)
async def test_enrich_that_fails(falling: BarStore, answer, caplog) -> None:
    generator = SignalGenerator(FeatureComputer(falling))
    before = generator.generate_signal("A", RegimeState.CHOP)["signal"]

    def enrich(signal: Signal, features: Features):
        signal.confidence = -1.0
        signal.features_snapshot.clear()
        if isinstance(answer, type):
            raise answer
        return answer

    generator.enrich = enrich
    for result in (
        generator.generate_signal("A", RegimeState.CHOP),
        await generator.generate_signal_async("A", RegimeState.CHOP),
    ):
        assert dataclasses.replace(result["signal"], timestamp=before.timestamp) == before
    assert caplog.text.count("enrich failed for A") == 2


@pytest.mark.parametrize("tickers", ["SPY", ["A", 5], ("A", "B", None), iter(["A", b"B"])])
async def test_tickers_that_are_none(tickers, store: BarStore) -> None:
    with pytest.raises(TypeError, match=r"tickers must be|ticker at position \d must be"):
        signals.generate_signals_for_watchlist(tickers)
    with pytest.raises(TypeError, match="ticker: 5"):
        await signals.generate_ticker_signal_async(5)
    with pytest.raises(TypeError, match="ticker: None"):
        get_ticker_features(None)


class Unhashable(str):
    __slots__ = ()

    def __hash__(self) -> int:
        raise ZeroDivisionError

    def __str__(self) -> str:
        raise ZeroDivisionError


class Incomparable(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError


@pytest.mark.parametrize("kind", [Unhashable, Incomparable])
async def test_a_str_of_any_subclass_is_its_characters(kind, store: BarStore) -> None:
    store.load("A", store_of(np.linspace(100.0, 110.0, 60)).bars("A"))
    tickers = [kind("A"), "B", kind("A")]
    for found in (
        signals.generate_signals_for_watchlist(tickers),
        await signals.generate_signals_for_watchlist_async(tickers),
        {"A": signals.generate_ticker_signal(kind("A")), "B": await signals.generate_ticker_signal_async(kind("B"))},
    ):
        assert [(name, result["ticker"], result["reason"]) for name, result in found.items()] == [
            ("A", "A", "ok"),
            ("B", "B", "insufficient_features"),
        ]
        assert {type(name) for name in found} == {str}
    for found in (
        get_multiple_ticker_features(tickers),
        await async_get_multiple_ticker_features(tickers),
        {"A": get_ticker_features(kind("A")), "B": await async_get_ticker_features(kind("B"))},
    ):
        assert [(name, features["ticker"], features.status) for name, features in found.items()] == [
            ("A", "A", "ok"),
            ("B", "B", "insufficient_data"),
        ]


def test_features_answer_both_ways() -> None:
    features = Features(rsi_14=30.0)
    assert features["rsi_14"] == features.rsi_14 == 30.0
    with pytest.raises(AttributeError, match="no 'rsi_15'"):
        _ = features.rsi_15
    features.stale = True
    assert features == {"rsi_14": 30.0, "stale": True}
    assert isinstance(features.copy(), Features)


def test_feature_set(falling: BarStore) -> None:
    computer = FeatureComputer(falling)
    found, features = computer.get_features("A"), computer.compute_for_ticker("A")
    assert found.values == features
    assert found.source == "computed"
    for field in dataclasses.fields(FeatureSet)[2:]:
        assert getattr(found, field.name) == features[field.name]
    assert computer.get_features("B") is None


def test_what_the_package_exports() -> None:
    for name in ziggy_async.__all__:
        assert hasattr(ziggy_async, name)
        assert inspect.iscoroutinefunction(getattr(ziggy_async, name)) == name.endswith("_async") or "async_" in name
    assert ziggy_async.__version__ == "0.1.0"
