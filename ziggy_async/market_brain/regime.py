"""The market's regime, read from the features of SPY by rules of which the first that holds decides."""

import logging
import math
import numbers
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from ziggy_async import bridge
from ziggy_async.market_brain import features
from ziggy_async.market_brain.features import FeatureComputer, FeatureSet
from ziggy_async.messages import shown
from ziggy_async.runtime import blocking

__all__ = [
    "RegimeDetector",
    "RegimeMetrics",
    "RegimeResult",
    "RegimeState",
    "get_regime_state",
    "get_regime_string",
    "is_defensive_regime",
    "is_risk_regime",
    "regime_detector",
]

logger = logging.getLogger(__name__)

MARKET = "SPY"
VOLATILITY = "^VIX"


class RegimeState(StrEnum):
    """The regimes, in the order in which the core numbers them."""

    PANIC = "Panic"
    RISK_OFF = "RiskOff"
    CHOP = "Chop"
    RISK_ON = "RiskOn"


CONFIDENCE = {RegimeState.PANIC: 0.9, RegimeState.RISK_OFF: 0.75, RegimeState.CHOP: 0.6, RegimeState.RISK_ON: 0.75}
UNKNOWN_CONFIDENCE = 0.3
"""Confidence in Chop when it only means that nothing is known of SPY."""


@dataclass
class RegimeMetrics:
    """What the rules read, in percent but for the level of the VIX, and which of them decided.

    A figure that is None is not known, and a rule that reads it does not hold.
    """

    vix_level: float | None = None
    spy_change_1d: float | None = None
    breadth_50dma: float | None = None
    spy_slope_20d: float | None = None
    spy_vs_sma20: float | None = None
    spy_vs_sma50: float | None = None
    panic_triggered: bool = False
    risk_off_triggered: bool = False
    risk_on_triggered: bool = False
    confidence: float = 0.0
    reasons: list[str] = field(default_factory=list)


@dataclass
class RegimeResult:
    """A regime with its confidence, 0 to 1, when it was read (UTC), and why."""

    regime: RegimeState
    confidence: float
    timestamp: datetime
    metrics: RegimeMetrics
    explanation: str

    def copy(self) -> "RegimeResult":
        """One whose changes this one does not see."""
        metrics = RegimeMetrics(**vars(self.metrics))
        metrics.reasons = list(metrics.reasons)
        return RegimeResult(self.regime, self.confidence, self.timestamp, metrics, self.explanation)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values that JSON takes."""
        metrics = self.metrics
        return {
            "regime": self.regime.value,
            "confidence": self.confidence,
            "timestamp": self.timestamp.isoformat(),
            "explanation": self.explanation,
            "metrics": {
                "vix_level": metrics.vix_level,
                "spy_change_1d": metrics.spy_change_1d,
                "breadth_50dma": metrics.breadth_50dma,
                "spy_slope_20d": metrics.spy_slope_20d,
                "spy_vs_sma20": metrics.spy_vs_sma20,
                "spy_vs_sma50": metrics.spy_vs_sma50,
                "rule_triggers": {
                    "panic": metrics.panic_triggered,
                    "risk_off": metrics.risk_off_triggered,
                    "risk_on": metrics.risk_on_triggered,
                },
                "reasons": list(metrics.reasons),
            },
        }


class FeatureReader(Protocol):
    """What a detector needs of a feature computer; the application may bring its own."""

    def get_features(self, ticker: str, force_refresh: bool = False) -> FeatureSet | None: ...


class RegimeDetector:
    """Reads the regime and keeps it for `cache_ttl`. Safe from any thread.

    `thresholds`: vix_panic (level), spy_panic_change, breadth_risk_off, breadth_risk_on and slope_threshold (percent).
    """

    def __init__(
        self, feature_computer: FeatureReader | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`feature_computer`: whose SPY is read, the default store's if None. `clock`: seconds that never go back."""
        self.feature_computer = feature_computer
        self.cache_ttl = timedelta(seconds=60)
        self.thresholds = {
            "vix_panic": 30.0,
            "spy_panic_change": -3.0,
            "breadth_risk_off": 40.0,
            "breadth_risk_on": 60.0,
            "slope_threshold": 0.0,
        }
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[RegimeResult, float] | None = None  # with the time it was read; written under _lock

    def detect_regime(self, force_refresh: bool = False) -> RegimeResult:
        """The regime now, or the one that was read within `cache_ttl` unless `force_refresh`, which also asks the bar
        source for SPY and ^VIX.

        Chop with confidence 0.3 when there are no features of SPY; that is not kept, as bars may come any moment. Each
        caller gets a result of its own.
        """
        kept = self._fresh(force_refresh)
        if kept is not None:
            return kept
        thresholds = self.thresholds
        try:
            spy = self._read(force_refresh)
        except Exception as error:
            if bridge.is_of_the_process(error):
                raise
            logger.exception("the features of %s cannot be read", MARKET)
            spy = None
        return self._keep(spy, thresholds)

    async def detect_regime_async(self, force_refresh: bool = False) -> RegimeResult:
        """As `detect_regime`, off the loop."""
        kept = self._fresh(force_refresh)
        if kept is not None:
            return kept
        thresholds = self.thresholds
        try:
            spy = await self._read_async(force_refresh)
        except Exception as error:
            if bridge.is_of_the_process(error):
                raise
            logger.exception("the features of %s cannot be read", MARKET)
            spy = None
        return self._keep(spy, thresholds)

    def update_thresholds(self, changes: Mapping[str, float] | None = None, /, **named: float) -> None:
        """Changes some thresholds and forgets the kept regime.

        `ValueError` for a name that is no threshold or a number that is not finite, `TypeError` for what is no number;
        then nothing has changed.
        """
        changed = checked_numbers("threshold", self.thresholds, changes, named)
        with self._lock:
            self.thresholds = {**self.thresholds, **changed}
            self._kept = None

    def _fresh(self, force: bool) -> RegimeResult | None:
        kept = self._kept
        if kept is None or force or self._clock() - kept[1] >= self.cache_ttl.total_seconds():
            return None
        return kept[0].copy()

    def _read(self, force: bool) -> FeatureSet | None:
        computer = self.feature_computer or features.feature_computer
        if isinstance(computer, FeatureComputer):
            return computer.get_features(MARKET, force, also=(VOLATILITY,))
        return computer.get_features(MARKET, force)

    async def _read_async(self, force: bool) -> FeatureSet | None:
        computer = self.feature_computer or features.feature_computer
        if isinstance(computer, FeatureComputer):
            return await computer.get_features_async(MARKET, force, also=(VOLATILITY,))
        return await blocking.run(computer.get_features, MARKET, force)

    def _keep(self, spy: FeatureSet | None, thresholds: dict[str, float]) -> RegimeResult:
        result = _unknown() if spy is None else _decide(_metrics(spy), thresholds)
        with self._lock:
            if self.thresholds is thresholds:  # else they were changed while this was read
                self._kept = None if spy is None else (result.copy(), self._clock())
        return result


def checked_numbers(
    kind: str, known: Mapping[str, float], changes: Mapping[str, float] | None, named: Mapping[str, float]
) -> dict[str, float]:
    """`changes` and `named` together: `ValueError`, `TypeError` unless each is a finite number for a known name."""
    plain: dict[str, float] = {}
    for name, value in {**(changes or {}), **named}.items():
        if name not in known:
            raise ValueError(f"{name!r} is no {kind}; there are {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError(f"{name}: {shown(value)} is a {type(value).__name__}, not a number")
        if not _is_finite(value):
            raise ValueError(f"{name}: {shown(value)} is not a finite number that a float can hold")
        plain[name] = int(value) if isinstance(value, numbers.Integral) else float(value)
    return plain


def _is_finite(value: numbers.Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _metrics(spy: FeatureSet) -> RegimeMetrics:
    return RegimeMetrics(
        vix_level=spy.vix_level,
        spy_change_1d=spy.price_change_1d,
        breadth_50dma=spy.breadth_50dma,
        spy_slope_20d=spy.slope_20d,
        spy_vs_sma20=_percent_above(spy.close, spy.sma_20),
        spy_vs_sma50=_percent_above(spy.close, spy.sma_50),
    )


def _percent_above(close: float | None, average: float | None) -> float | None:
    return 100.0 * (close / average - 1.0) if close is not None and average else None


def _decide(metrics: RegimeMetrics, thresholds: Mapping[str, float]) -> RegimeResult:
    """The first rule that has reasons decides, and it alone counts as triggered."""
    if reasons := _panic_reasons(metrics, thresholds):
        metrics.panic_triggered = True
        regime = RegimeState.PANIC
    elif reasons := _risk_off_reasons(metrics, thresholds):
        metrics.risk_off_triggered = True
        regime = RegimeState.RISK_OFF
    elif reasons := _risk_on_reasons(metrics, thresholds):
        metrics.risk_on_triggered = True
        regime = RegimeState.RISK_ON
    else:
        reasons = ["no rule holds", *_known_figures(metrics)]
        regime = RegimeState.CHOP
    return _result(regime, CONFIDENCE[regime], metrics, reasons)


def _panic_reasons(metrics: RegimeMetrics, thresholds: Mapping[str, float]) -> list[str]:
    reasons = []
    vix, change = metrics.vix_level, metrics.spy_change_1d
    if vix is not None and vix > thresholds["vix_panic"]:
        reasons.append(f"VIX {vix:.1f} above {thresholds['vix_panic']:g}")
    if change is not None and change < thresholds["spy_panic_change"]:
        reasons.append(f"SPY {change:+.2f} % in a day, below {thresholds['spy_panic_change']:g} %")
    return reasons


def _risk_off_reasons(metrics: RegimeMetrics, thresholds: Mapping[str, float]) -> list[str]:
    breadth, slope = metrics.breadth_50dma, metrics.spy_slope_20d
    if breadth is None or slope is None:
        return []
    if not (breadth < thresholds["breadth_risk_off"] and slope < thresholds["slope_threshold"]):
        return []
    return [
        f"breadth {breadth:.1f} % below {thresholds['breadth_risk_off']:g} %",
        f"SPY slope {slope:+.3f} % a bar below {thresholds['slope_threshold']:g}",
    ]


def _risk_on_reasons(metrics: RegimeMetrics, thresholds: Mapping[str, float]) -> list[str]:
    breadth, slope = metrics.breadth_50dma, metrics.spy_slope_20d
    if breadth is None or slope is None:
        return []
    if not (breadth > thresholds["breadth_risk_on"] and slope > thresholds["slope_threshold"]):
        return []
    return [
        f"breadth {breadth:.1f} % above {thresholds['breadth_risk_on']:g} %",
        f"SPY slope {slope:+.3f} % a bar above {thresholds['slope_threshold']:g}",
    ]


def _known_figures(metrics: RegimeMetrics) -> list[str]:
    figures = (
        ("VIX {:.1f}", metrics.vix_level),
        ("SPY {:+.2f} % in a day", metrics.spy_change_1d),
        ("breadth {:.1f} %", metrics.breadth_50dma),
        ("SPY slope {:+.3f} % a bar", metrics.spy_slope_20d),
    )
    return [text.format(figure) for text, figure in figures if figure is not None]


def _unknown() -> RegimeResult:
    return _result(RegimeState.CHOP, UNKNOWN_CONFIDENCE, RegimeMetrics(), [f"no features of {MARKET}"])


def _result(regime: RegimeState, confidence: float, metrics: RegimeMetrics, reasons: list[str]) -> RegimeResult:
    metrics.confidence = confidence
    metrics.reasons = reasons
    return RegimeResult(regime, confidence, datetime.now(UTC), metrics, f"{regime}: {'; '.join(reasons)}.")


regime_detector = RegimeDetector()
"""The detector over the default store that the functions below use."""


def get_regime_state(force_refresh: bool = False) -> RegimeResult:
    """The regime with its confidence, metrics and explanation; see `RegimeDetector.detect_regime`."""
    return regime_detector.detect_regime(force_refresh)


def get_regime_string() -> str:
    """The regime's name: "Panic", "RiskOff", "Chop" or "RiskOn"."""
    return get_regime_state().regime.value


def is_risk_regime() -> bool:
    """Whether the regime lets one take risks: RiskOn or Chop."""
    return get_regime_state().regime in (RegimeState.RISK_ON, RegimeState.CHOP)


def is_defensive_regime() -> bool:
    """Whether the regime calls for defence: Panic or RiskOff."""
    return get_regime_state().regime in (RegimeState.PANIC, RegimeState.RISK_OFF)
