"""Trading signals: rules over a ticker's features in the market's regime, decided natively and explained here."""

import asyncio
import copy
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ziggy_async import _core, blocking, bridge
from ziggy_async.market_brain import features
from ziggy_async.market_brain.features import FeatureComputer, Features, checked_ticker
from ziggy_async.market_brain.regime import (
    RegimeDetector,
    RegimeResult,
    RegimeState,
    checked_numbers,
    regime_detector,
)

__all__ = [
    "Signal",
    "SignalDirection",
    "SignalGenerator",
    "SignalType",
    "generate_signals_for_watchlist",
    "generate_signals_for_watchlist_async",
    "generate_ticker_signal",
    "generate_ticker_signal_async",
    "signal_generator",
]

logger = logging.getLogger(__name__)

MEAN_REVERSION_RULE = 1
MOMENTUM_RULE = 2
BOTH_RULES = MEAN_REVERSION_RULE | MOMENTUM_RULE
MOMENTUM_STANDS = 4
"""Set by the core beside `BOTH_RULES` when the more confident of the two was momentum."""

DEFAULT_PARAMETERS = dict(_core.RULE_PARAMETERS)
"""In the core's order. No rule reads mom_breakout_periods, mom_volume_multiplier and max_holding_days: they are kept for
the application, which sets and reads them."""

REVERSION_FIGURES = ("rsi_14", "z_score_20", "close", "atr_14")
MOMENTUM_FIGURES = ("close", "sma_20", "sma_50", "slope_20d", "new_high_20d", "atr_14")
REGIMES = tuple(RegimeState)

Result = dict[str, Any]
"""{"ticker": str, "signal": Signal | None, "reason": str}."""


class SignalDirection(StrEnum):
    LONG = "LONG"
    SHORT = "SHORT"
    FLAT = "FLAT"


class SignalType(StrEnum):
    MEAN_REVERSION = "MeanReversion"
    MOMENTUM = "Momentum"
    REGIME_FILTER = "RegimeFilter"
    COMBINED = "Combined"


@dataclass
class Signal:
    """A trade that a rule proposes.

    `confidence` is 0 to 1, `raw_confidence` the same before the application's calibration. `expected_return` is in
    percent of the entry: confidence times the gain at the target, less (1 - confidence) times the loss at the stop.
    `risk_reward_ratio` is |target - entry| / |entry - stop|, None without a risk. `features_snapshot` holds the figures
    that decided. `decision_quality["stale"]` is True when the bar source failed for the ticker.
    """

    ticker: str
    direction: SignalDirection
    confidence: float
    signal_type: SignalType
    reason: str
    entry_price: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))
    time_horizon: str | None = None
    regime_context: str | None = None
    features_snapshot: dict[str, Any] = field(default_factory=dict)
    expected_return: float | None = None
    risk_reward_ratio: float | None = None
    raw_confidence: float | None = None
    confidence_adjustment: float | None = None
    decision_quality: dict[str, Any] = field(default_factory=dict)
    similar_outcomes: dict[str, Any] = field(default_factory=dict)
    lessons_learned: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The signal as plain values that JSON takes."""
        return {
            "ticker": self.ticker,
            "direction": self.direction.value,
            "confidence": self.confidence,
            "signal_type": self.signal_type.value,
            "reason": self.reason,
            "price_levels": _price_levels(self),
            "context": {
                "timestamp": self.timestamp.isoformat(),
                "time_horizon": self.time_horizon,
                "regime_context": self.regime_context,
                "expected_return": self.expected_return,
                "risk_reward_ratio": self.risk_reward_ratio,
            },
            "features_snapshot": dict(self.features_snapshot),
            "decision_context": {
                "raw_confidence": self.raw_confidence,
                "confidence_adjustment": self.confidence_adjustment,
                "decision_quality": dict(self.decision_quality),
                "similar_outcomes": dict(self.similar_outcomes),
                "lessons_learned": list(self.lessons_learned),
            },
        }


Enrich = Callable[[Signal, Features], Signal]


class SignalGenerator:
    """Signals by two rules, mean reversion and momentum, over one store's features. Safe from any thread.

    `params`: the rules' thresholds and multiples. `win_rates`: SignalType -> RegimeState -> the rate that a confidence
    starts from. `enrich`: None, or a callable `(signal, features) -> signal` with which the application attaches its
    own calibration; it runs on the blocking pool and gets a copy, so that its failure leaves the signal as it was.
    """

    def __init__(self, feature_computer: FeatureComputer | None = None, detector: RegimeDetector | None = None) -> None:
        """`feature_computer` and `detector`: by default those of the default store."""
        self.params = dict(DEFAULT_PARAMETERS)
        self.win_rates = {
            SignalType.MEAN_REVERSION: {
                RegimeState.CHOP: 0.65,
                RegimeState.RISK_ON: 0.60,
                RegimeState.RISK_OFF: 0.55,
                RegimeState.PANIC: 0.45,
            },
            SignalType.MOMENTUM: {
                RegimeState.RISK_ON: 0.70,
                RegimeState.CHOP: 0.55,
                RegimeState.RISK_OFF: 0.45,
                RegimeState.PANIC: 0.30,
            },
        }
        self.enrich: Enrich | None = None
        self._computer = feature_computer
        self._detector = detector

    def generate_signal(
        self, ticker: str, regime: RegimeResult | RegimeState | None = None, *, rules: int = BOTH_RULES
    ) -> Result:
        """{"ticker", "signal": Signal or None, "reason"}.

        The reason is "ok", "no_trade_edge", "insufficient_features" or "error: ...". `regime` None: as the detector
        says. `rules`: which to try. `TypeError` unless `ticker` is a str.
        """
        return self.generate_signals_bulk([checked_ticker(ticker)], regime, rules=rules)[ticker]

    async def generate_signal_async(
        self, ticker: str, regime: RegimeResult | RegimeState | None = None, *, rules: int = BOTH_RULES
    ) -> Result:
        """As `generate_signal`, off the loop."""
        return (await self.generate_signals_bulk_async([checked_ticker(ticker)], regime, rules=rules))[ticker]

    def generate_signals_bulk(
        self, tickers: Iterable[str], regime: RegimeResult | RegimeState | None = None, *, rules: int = BOTH_RULES
    ) -> dict[str, Result]:
        """Ticker -> as from `generate_signal`, each once and in the order given; the regime is read once.

        `TypeError` that names the position of a ticker that is no str.
        """
        names = _core.ticker_tuple(tickers)
        if not names:
            return {}
        computer = self._feature_computer()
        stale = computer.refresh(names)
        state = _state(self._regime_detector().detect_regime() if regime is None else regime)
        parameters, win_rates = self._parameters(), self._win_rates()
        results = _core.signals(computer.store, names, REGIMES.index(state), parameters, win_rates, rules)
        self._complete(results, stale, parameters)
        enrich = self.enrich
        if enrich is not None:
            begun = [(result, _begin_enrich(enrich, result["signal"], computer)) for result in _with_signal(results)]
            for result, enriching in begun:
                result["signal"] = enriching()
        return results

    async def generate_signals_bulk_async(
        self, tickers: Iterable[str], regime: RegimeResult | RegimeState | None = None, *, rules: int = BOTH_RULES
    ) -> dict[str, Result]:
        """As `generate_signals_bulk`, off the loop."""
        names = _core.ticker_tuple(tickers)
        if not names:
            return {}
        computer = self._feature_computer()
        stale = await computer.refresh_async(names)
        state = _state(await self._regime_detector().detect_regime_async() if regime is None else regime)
        parameters, win_rates = self._parameters(), self._win_rates()
        loop, port = bridge.port()
        results = await port.signals(loop, computer.store, names, REGIMES.index(state), parameters, win_rates, rules)
        self._complete(results, stale, parameters)
        enrich = self.enrich
        if enrich is not None:
            signed = _with_signal(results)
            enriched = await asyncio.gather(
                *(blocking.run(_enriched, enrich, result["signal"], computer) for result in signed)
            )
            for result, signal in zip(signed, enriched, strict=True):
                result["signal"] = signal
        return results

    def update_parameters(self, changes: Mapping[str, float] | None = None, /, **named: float) -> None:
        """Changes some of `params`.

        `ValueError` for a name that is no parameter or a number that is not finite, `TypeError` for what is no number;
        then nothing has changed.
        """
        self.params = {**self.params, **checked_numbers("parameter", self.params, changes, named)}

    def get_signal_explanation(self, signal: Signal) -> dict[str, Any]:
        """Why a signal is what it is, as plain values. Amounts are in the price's unit, for one share."""
        return {
            "signal_type": signal.signal_type.value,
            "direction": signal.direction.value,
            "confidence": signal.confidence,
            "regime_context": signal.regime_context,
            "reason": signal.reason,
            "features_used": dict(signal.features_snapshot),
            "price_levels": _price_levels(signal),
            "risk_metrics": {
                "risk_amount": _distance(signal.entry_price, signal.stop_loss),
                "reward_amount": _distance(signal.entry_price, signal.take_profit),
                "risk_reward_ratio": signal.risk_reward_ratio,
            },
        }

    def _feature_computer(self) -> FeatureComputer:
        return self._computer or features.feature_computer

    def _regime_detector(self) -> RegimeDetector:
        return self._detector or regime_detector

    def _parameters(self) -> tuple[float, ...]:
        return tuple(float(self.params[name]) for name in DEFAULT_PARAMETERS)

    def _win_rates(self) -> tuple[float, ...]:
        kinds = (SignalType.MEAN_REVERSION, SignalType.MOMENTUM)
        return tuple(float(self.win_rates[kind][regime]) for kind in kinds for regime in REGIMES)

    def _complete(self, results: dict[str, Result], stale: Iterable[str], parameters: tuple[float, ...]) -> None:
        """What the core could not tell `_build_signal`: thresholds other than the defaults, and which bars are old."""
        for ticker in stale:
            signal = results[ticker]["signal"]
            if signal is not None:
                signal.decision_quality["stale"] = True
        if parameters != tuple(DEFAULT_PARAMETERS.values()):
            thresholds = dict(zip(DEFAULT_PARAMETERS, parameters, strict=True))
            for result in _with_signal(results):
                result["signal"].reason = _reason(result["signal"], thresholds)


def _state(regime: RegimeResult | RegimeState) -> RegimeState:
    return regime if isinstance(regime, RegimeState) else regime.regime


def _with_signal(results: Mapping[str, Result]) -> list[Result]:
    return [result for result in results.values() if result["signal"] is not None]


def _build_signal(
    ticker: str,
    rule: int,
    direction: int,
    confidence: float,
    stop_loss: float,
    take_profit: float,
    regime: int,
    figures: Features,
) -> Signal:
    """Makes the `Signal` of what the core decided; see `register` in the core's stub."""
    fired = rule & BOTH_RULES
    entry = figures["close"]
    by_momentum = fired == MOMENTUM_RULE or bool(rule & MOMENTUM_STANDS)
    risk, reward = abs(entry - stop_loss), abs(take_profit - entry)
    signal = Signal(
        ticker=ticker,
        direction=SignalDirection.LONG if direction > 0 else SignalDirection.SHORT,
        confidence=confidence,
        signal_type=TYPE_OF_RULE[fired],
        reason="",
        entry_price=entry,
        stop_loss=stop_loss,
        take_profit=take_profit,
        time_horizon="5D" if by_momentum else "3D",
        regime_context=REGIMES[regime].value,
        features_snapshot={name: figures[name] for name in FIGURES_OF_RULE[fired]},
        expected_return=100.0 * (confidence * reward - (1.0 - confidence) * risk) / entry,
        risk_reward_ratio=reward / risk if risk > 0.0 else None,
        raw_confidence=confidence,
        confidence_adjustment=0.0,
    )
    signal.reason = _reason(signal, DEFAULT_PARAMETERS)
    return signal


TYPE_OF_RULE = {
    MEAN_REVERSION_RULE: SignalType.MEAN_REVERSION,
    MOMENTUM_RULE: SignalType.MOMENTUM,
    BOTH_RULES: SignalType.COMBINED,
}
FIGURES_OF_RULE = {
    MEAN_REVERSION_RULE: REVERSION_FIGURES,
    MOMENTUM_RULE: MOMENTUM_FIGURES,
    BOTH_RULES: tuple(dict.fromkeys(REVERSION_FIGURES + MOMENTUM_FIGURES)),
}
_core.register("build_signal", _build_signal)


def _reason(signal: Signal, thresholds: Mapping[str, float]) -> str:
    """One sentence with the figures that decided and the thresholds that they passed."""
    if signal.signal_type is SignalType.MEAN_REVERSION:
        return f"Mean reversion: {_reversion_reason(signal, thresholds)}."
    if signal.signal_type is SignalType.MOMENTUM:
        return f"Momentum: {_momentum_reason(signal, thresholds)}."
    return f"Combined: {_reversion_reason(signal, thresholds)}, and {_momentum_reason(signal, thresholds)}."


def _reversion_reason(signal: Signal, thresholds: Mapping[str, float]) -> str:
    is_long = signal.direction is SignalDirection.LONG
    rsi_limit = thresholds["mr_rsi_oversold" if is_long else "mr_rsi_overbought"]
    z_limit = thresholds["mr_z_score_long" if is_long else "mr_z_score_short"]
    side = "below" if is_long else "above"
    figures = signal.features_snapshot
    rsi, z_score = figures["rsi_14"], figures["z_score_20"]
    return f"RSI {rsi:.1f} {side} {rsi_limit:g} and z-score {z_score:.2f} {side} {z_limit:g}"


def _momentum_reason(signal: Signal, thresholds: Mapping[str, float]) -> str:
    figures = signal.features_snapshot
    averages = f"above its averages of 20 ({figures['sma_20']:.6g}) and 50 bars ({figures['sma_50']:.6g})"
    slope = f"slope {figures['slope_20d']:.2f} % a bar above {thresholds['mom_trend_strength']:g}"
    return f"close {figures['close']:.6g} is a 20-bar high {averages} with {slope}"


def _begin_enrich(enrich: Enrich, signal: Signal, computer: FeatureComputer) -> Callable[[], Signal]:
    """Starts `enrich` on the pool, unless this thread is one of it: what is returned waits for the answer."""
    if blocking.is_worker():
        return lambda: _enriched(enrich, signal, computer)
    return blocking.submit(_enriched, enrich, signal, computer).result


def _enriched(enrich: Enrich, signal: Signal, computer: FeatureComputer) -> Signal:
    """What the application makes of `signal` and its ticker's features, or `signal` itself if that fails."""
    try:
        enriched = enrich(copy.deepcopy(signal), _core.features(computer.store, signal.ticker))
        if not isinstance(enriched, Signal):
            if asyncio.iscoroutine(enriched):
                enriched.close()
            raise TypeError(f"enrich returned a {type(enriched).__name__}, not a Signal")
    except Exception:
        logger.exception("enrich failed for %s; its signal stays as it was", signal.ticker)
        return signal
    return enriched


def _price_levels(signal: Signal) -> dict[str, float | None]:
    return {"entry": signal.entry_price, "stop_loss": signal.stop_loss, "take_profit": signal.take_profit}


def _distance(one: float | None, other: float | None) -> float | None:
    return abs(one - other) if one is not None and other is not None else None


signal_generator = SignalGenerator()
"""The generator over the default store that the functions below use."""


def generate_ticker_signal(ticker: str) -> Result:
    """The signal of one ticker; see `SignalGenerator.generate_signal`."""
    return signal_generator.generate_signal(ticker)


def generate_signals_for_watchlist(tickers: Iterable[str]) -> dict[str, Result]:
    """Ticker -> its signal, in the order given; see `SignalGenerator.generate_signals_bulk`."""
    return signal_generator.generate_signals_bulk(tickers)


async def generate_ticker_signal_async(ticker: str) -> Result:
    """As `generate_ticker_signal`, off the loop."""
    return await signal_generator.generate_signal_async(ticker)


async def generate_signals_for_watchlist_async(tickers: Iterable[str]) -> dict[str, Result]:
    """As `generate_signals_for_watchlist`, off the loop."""
    return await signal_generator.generate_signals_bulk_async(tickers)
