"""Trading signals: rules over a ticker's features in the market's regime, decided natively and explained here."""

import asyncio
import contextvars
import copy
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, NotRequired, TypedDict, Unpack

from ziggy_async import _core, bridge, off_loop
from ziggy_async.features.figures import Figures
from ziggy_async.market_brain import features
from ziggy_async.market_brain.features import FeatureComputer, Features, checked_ticker
from ziggy_async.market_brain.regime import REGIMES, RegimeDetector, RegimeResult, RegimeState, regime_detector
from ziggy_async.market_brain.settings import checked_numbers
from ziggy_async.messages import kind_of, loggable, printable, shown
from ziggy_async.metrics import CountedFunction
from ziggy_async.store import BarStore
from ziggy_async.terms import terms

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

DEFAULT_PARAMETERS = dict(_core.RULE_PARAMETERS)
"""The parameters in the core's order. No rule reads mom_breakout_periods, mom_volume_multiplier and max_holding_days:
the application sets and reads them."""

ENRICHED_TOGETHER = 64
"""Signals at most that one call on the blocking pool enriches: then others get the thread."""


class Result(TypedDict):
    """A ticker's signal, or the reason why there is none: "no_trade_edge", "insufficient_features", "error: ..."."""

    ticker: str
    signal: "Signal | None"
    reason: str
    source_error: NotRequired[str]
    """The error of the bar source, if that failed for the ticker."""


class SignalParameters(TypedDict, total=False):
    """The parameters as the keywords of a call, for type checkers."""

    mr_rsi_oversold: float
    mr_rsi_overbought: float
    mr_z_score_long: float
    mr_z_score_short: float
    mom_breakout_periods: float
    mom_volume_multiplier: float
    mom_trend_strength: float
    stop_loss_atr_multiple: float
    take_profit_atr_multiple: float
    max_holding_days: float


class SignalDirection(StrEnum):
    """The direction of a signal."""

    LONG = "LONG"
    SHORT = "SHORT"
    FLAT = "FLAT"


class SignalType(StrEnum):
    """The rule that a signal comes from; both rules at once are `COMBINED`."""

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
    that decided. `decision_quality["stale"]` is True when the bar source failed for the ticker. `timestamp` is when the
    signal was made, `bar_time` the time of the bar that it was made from.
    """

    ticker: str
    direction: SignalDirection
    confidence: float
    signal_type: SignalType
    reason: str
    entry_price: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    timestamp: datetime | None = field(default_factory=lambda: datetime.now(UTC))
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
    bar_time: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the signal as plain values that JSON takes; the signal's own are copied."""
        return {
            "ticker": self.ticker,
            "direction": self.direction.value,
            "confidence": self.confidence,
            "signal_type": self.signal_type.value,
            "reason": self.reason,
            "price_levels": _price_levels(self),
            "context": {
                "timestamp": _iso(self.timestamp),
                "time_horizon": self.time_horizon,
                "regime_context": self.regime_context,
                "expected_return": self.expected_return,
                "risk_reward_ratio": self.risk_reward_ratio,
                "bar_time": _iso(self.bar_time),
            },
            "features_snapshot": copy.deepcopy(self.features_snapshot),
            "decision_context": {
                "raw_confidence": self.raw_confidence,
                "confidence_adjustment": self.confidence_adjustment,
                "decision_quality": copy.deepcopy(self.decision_quality),
                "similar_outcomes": copy.deepcopy(self.similar_outcomes),
                "lessons_learned": copy.deepcopy(self.lessons_learned),
            },
        }


_core.register("Signal", Signal)
_core.register("directions", (SignalDirection.SHORT, SignalDirection.LONG))
_core.register("signal_types", (SignalType.MEAN_REVERSION, SignalType.MOMENTUM, SignalType.COMBINED))
_core.register("horizons", tuple(f"{days}D" for days in _core.RULE_DAYS))
_core.register("regime_names", tuple(regime.value for regime in REGIMES))

Enrich = Callable[[Signal, Features], Signal]
Regime = RegimeResult | RegimeState | str


DEFAULT_WIN_RATES: Mapping[SignalType, Mapping[RegimeState, float]] = {
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
"""The share of signals of a type that come true in a regime: what a confidence begins from."""


class SignalGenerator:
    """Signals by two rules, mean reversion and momentum, over one store's features. Safe from any thread.

    `params`: the rules' thresholds and multiples. `win_rates`: SignalType -> RegimeState -> the rate that a confidence
    starts from. `enrich`: None, or a callable `(signal, features) -> signal` with which the application attaches its
    own calibration; it runs on the blocking pool and gets a copy, so that its failure leaves the signal as it was.
    The features are those of the bars at that moment; the figures that decided are in `signal.features_snapshot`.
    """

    def __init__(self, feature_computer: FeatureComputer | None = None, detector: RegimeDetector | None = None) -> None:
        """`feature_computer` and `detector`: by default those of the default store."""
        self.params: dict[str, float] = dict(DEFAULT_PARAMETERS)
        self.win_rates = {kind: dict(rates) for kind, rates in DEFAULT_WIN_RATES.items()}
        self.enrich: Enrich | None = None
        self._computer = feature_computer
        self._detector = detector

    def __repr__(self) -> str:
        return f"<SignalGenerator by {self.detector!r}>"

    def generate_signal(
        self,
        ticker: str,
        regime: Regime | None = None,
        params: Mapping[str, float] | None = None,
        *,
        rules: int = BOTH_RULES,
    ) -> Result:
        """Returns {"ticker", "signal": Signal or None, "reason"}.

        The reason is "ok", "no_trade_edge", "insufficient_features" or "error: ...". `regime` None: as the detector
        says; else a result of a detector, a `RegimeState` or its value. `params`: parameters of this call, in the place
        of some of `self.params`. `rules`: which to try.

        Raises `TypeError` unless `ticker` is a str; `ValueError` or `TypeError` for an invalid `regime`, an unknown
        name in `params`, or a value there that is not a finite number.
        """
        ticker = checked_ticker(ticker)
        return self.generate_signals_bulk([ticker], regime, params, rules=rules)[ticker]

    async def generate_signal_async(
        self,
        ticker: str,
        regime: Regime | None = None,
        params: Mapping[str, float] | None = None,
        *,
        rules: int = BOTH_RULES,
        counted: CountedFunction | None = None,
    ) -> Result:
        """Does what `generate_signal` does, off the loop. `counted`: the function that awaits it."""
        ticker = checked_ticker(ticker)
        return (await self.generate_signals_bulk_async([ticker], regime, params, rules=rules, counted=counted))[ticker]

    def generate_signals_bulk(
        self,
        tickers: Iterable[str],
        regime: Regime | None = None,
        params: Mapping[str, float] | None = None,
        *,
        rules: int = BOTH_RULES,
    ) -> dict[str, Result]:
        """Returns ticker -> as from `generate_signal`, each once and in the order given; the regime is read once.

        Raises `TypeError` that names the position of a ticker that is not a str.
        """
        names = _core.ticker_tuple(tickers)
        given = None if regime is None else checked_regime(regime)
        parameters = self._parameters(params)
        if not names:
            return {}
        computer = self._feature_computer()
        stale = computer.refresh(names)
        state = given or self.detector.detect_regime().regime
        results: dict[str, Result] = _core.signals(
            computer.store, _plan_of(computer), names, REGIMES.index(state), parameters, self._win_rates(), rules
        )
        _mark_stale(results, stale)
        enrich = self.enrich
        if enrich is not None:
            off_loop.blocking.run_each(*_enriching(enrich, results, computer))
        return results

    async def generate_signals_bulk_async(
        self,
        tickers: Iterable[str],
        regime: Regime | None = None,
        params: Mapping[str, float] | None = None,
        *,
        rules: int = BOTH_RULES,
        counted: CountedFunction | None = None,
    ) -> dict[str, Result]:
        """Does what `generate_signals_bulk` does, off the loop. `counted`: the function that awaits it."""
        names = _core.ticker_tuple(tickers)
        given = None if regime is None else checked_regime(regime)
        parameters = self._parameters(params)
        if not names:
            return {}
        tally = None if counted is None else counted.tally
        began = 0 if tally is None else tally.now()
        computer = self._feature_computer()
        stale = await computer.refresh_async(names)
        state = given or (await self.detector.detect_regime_async()).regime
        ready = 0 if tally is None else tally.now()
        loop, port = bridge.port()
        arguments = names, REGIMES.index(state), parameters, self._win_rates(), rules, terms.get()
        results: dict[str, Result] = await port.signals(loop, computer.store, _plan_of(computer), *arguments)
        _mark_stale(results, stale)
        enrich = self.enrich
        if enrich is not None:
            await off_loop.blocking.run_each_async(*_enriching(enrich, results, computer))
        if tally is not None:
            tally.record(began, ready)
        return results

    def update_parameters(
        self,
        new_params: Mapping[str, float] | None = None,
        *,
        strict: bool = False,
        **named: Unpack[SignalParameters],
    ) -> None:
        """Changes some of `params`.

        A name that is not a parameter and a value that is not a finite number are logged and left out. With `strict`
        they raise `ValueError` or `TypeError`, and nothing has changed.
        """
        self.params = {**self.params, **checked_numbers("parameter", self.params, new_params, named, strict=strict)}

    def get_signal_explanation(self, signal: Signal) -> dict[str, Any]:
        """Returns why a signal is what it is, as plain values. Amounts are in the price's unit, for one share."""
        return {
            "signal_type": signal.signal_type.value,
            "direction": signal.direction.value,
            "confidence": signal.confidence,
            "regime_context": signal.regime_context,
            "reason": signal.reason,
            "features_used": copy.deepcopy(signal.features_snapshot),
            "price_levels": _price_levels(signal),
            "risk_metrics": {
                "risk_amount": _distance(signal.entry_price, signal.stop_loss),
                "reward_amount": _distance(signal.entry_price, signal.take_profit),
                "risk_reward_ratio": signal.risk_reward_ratio,
            },
        }

    @property
    def store(self) -> BarStore:
        """Whose bars it reads."""
        return self._feature_computer().store

    @property
    def detector(self) -> RegimeDetector:
        """Returns the detector that reads the regime."""
        return self._detector or regime_detector

    def core_rules(self, regime: RegimeState) -> tuple[int, tuple[float, ...], tuple[float, ...], int]:
        """Returns both rules as they are now, in a regime, for the core."""
        return REGIMES.index(regime), self._parameters(None), self._win_rates(), BOTH_RULES

    def _feature_computer(self) -> FeatureComputer:
        return self._computer or features.feature_computer

    def _parameters(self, params: Mapping[str, float] | None) -> tuple[float, ...]:
        """Returns the parameters in the core's order."""
        chosen = self.params
        if params is not None:
            chosen = {**chosen, **checked_numbers("parameter", chosen, params, strict=True)}
        return tuple(float(chosen[name]) for name in DEFAULT_PARAMETERS)

    def _win_rates(self) -> tuple[float, ...]:
        """Returns the win rates in the core's order."""
        kinds = (SignalType.MEAN_REVERSION, SignalType.MOMENTUM)
        return tuple(float(self.win_rates[kind][each]) for kind in kinds for each in REGIMES)


def checked_regime(regime: object) -> RegimeState:
    """Returns the state that `regime` is or names. Raises `ValueError` for another text, else `TypeError`."""
    if isinstance(regime, RegimeResult):
        regime = regime.regime
    if not isinstance(regime, str):
        raise TypeError(f"regime: {shown(regime)} is {kind_of(regime)}, neither a RegimeState nor its value")
    try:
        return RegimeState(regime)
    except ValueError:
        raise ValueError(f"regime: {shown(regime)} is none of {', '.join(REGIMES)}") from None


def _mark_stale(results: Mapping[str, Result], stale: Mapping[str, str]) -> None:
    for ticker, fault in stale.items():
        result = results.get(ticker)
        if result is None:
            continue
        result["source_error"] = fault
        if result["signal"] is not None:
            result["signal"].decision_quality["stale"] = True


def _enriching(
    enrich: Enrich, results: Mapping[str, Result], computer: FeatureComputer
) -> tuple[Callable[[Sequence[Result]], None], list[Sequence[Result]]]:
    """Returns the work and the size of its chunks: a few large ones, as each costs the waiting loop an iteration, but
    enough to give every thread one."""
    signed = [result for result in results.values() if result["signal"] is not None]
    size = min(ENRICHED_TOGETHER, max(1, math.ceil(len(signed) / off_loop.workers())))
    return partial(_enrich, enrich, computer), [signed[at : at + size] for at in range(0, len(signed), size)]


def _enrich(enrich: Enrich, computer: FeatureComputer, chunk: Sequence[Result]) -> None:
    for result in chunk:
        signal = result["signal"]
        assert signal is not None
        # A context of its own for each, so that what one call sets is not there for the next.
        result["signal"] = contextvars.copy_context().run(_enriched, enrich, signal, computer)


RULE_FIGURES = Figures(
    {name: formula if name in _core.RULE_FEATURES else "" for name, formula in _core.FEATURE_FORMULAS.items()}
)
"""The features that the rules decide by, at their places among all; the others are not computed."""


def _plan_of(computer: FeatureComputer) -> _core.Plan:
    return RULE_FIGURES.plan(computer.store.bars_per_year)


def _enriched(enrich: Enrich, signal: Signal, computer: FeatureComputer) -> Signal:
    """Returns what the application makes of `signal` and its ticker's features, or `signal` itself if that fails."""
    try:
        enriched = enrich(copy.deepcopy(signal), _core.features(computer.store, computer.plan, signal.ticker))
        if not isinstance(enriched, Signal):
            if asyncio.iscoroutine(enriched):
                enriched.close()
            raise TypeError(f"enrich returned {kind_of(enriched)}, not a Signal")
    except BaseException as error:  # also SystemExit and CancelledError: a thread of the pool does not end for them
        ticker = printable(signal.ticker)
        logger.error("enrich failed for %s; its signal stays as it was", ticker, exc_info=loggable(error))
        return signal
    return enriched


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _price_levels(signal: Signal) -> dict[str, float | None]:
    return {"entry": signal.entry_price, "stop_loss": signal.stop_loss, "take_profit": signal.take_profit}


def _distance(one: float | None, other: float | None) -> float | None:
    return abs(one - other) if one is not None and other is not None else None


signal_generator = SignalGenerator()
"""The generator over the default store that the functions below use."""

_ONE = CountedFunction("generate_ticker_signal_async")
_MANY = CountedFunction("generate_signals_for_watchlist_async")


def generate_ticker_signal(
    ticker: str, regime: Regime | None = None, params: Mapping[str, float] | None = None
) -> Result:
    """Returns the signal of one ticker; see `SignalGenerator.generate_signal`."""
    return signal_generator.generate_signal(ticker, regime, params)


def generate_signals_for_watchlist(
    tickers: Iterable[str], regime: Regime | None = None, params: Mapping[str, float] | None = None
) -> dict[str, Result]:
    """Returns ticker -> its signal, in the order given; see `SignalGenerator.generate_signals_bulk`."""
    return signal_generator.generate_signals_bulk(tickers, regime, params)


async def generate_ticker_signal_async(
    ticker: str, regime: Regime | None = None, params: Mapping[str, float] | None = None
) -> Result:
    """Does what `generate_ticker_signal` does, off the loop."""
    return await signal_generator.generate_signal_async(ticker, regime, params, counted=_ONE)


async def generate_signals_for_watchlist_async(
    tickers: Iterable[str], regime: Regime | None = None, params: Mapping[str, float] | None = None
) -> dict[str, Result]:
    """Does what `generate_signals_for_watchlist` does, off the loop."""
    return await signal_generator.generate_signals_bulk_async(tickers, regime, params, counted=_MANY)
