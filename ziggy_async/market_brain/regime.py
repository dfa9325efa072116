"""The market's regime, read from the features of one ticker, SPY, by rules of which the first that holds decides."""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypedDict, Unpack

from ziggy_async import _core, bridge, off_loop
from ziggy_async.arguments import whole
from ziggy_async.market_brain import features
from ziggy_async.market_brain.features import FeatureComputer, FeatureSet, checked_ticker
from ziggy_async.market_brain.settings import checked_numbers
from ziggy_async.messages import loggable, printable
from ziggy_async.store import BarStore

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
ASSUMED_VOLATILITY = 20.0
"""The level that the rules go by where that of the volatility index is not known."""
MOST_DAYS = 366
"""Days of which a detector remembers a result."""


class RegimeState(StrEnum):
    """The regimes, in the order in which the core numbers them."""

    PANIC = "Panic"
    RISK_OFF = "RiskOff"
    CHOP = "Chop"
    RISK_ON = "RiskOn"


REGIMES = tuple(RegimeState)
DEFAULT_THRESHOLDS = dict(_core.REGIME_THRESHOLDS)

CONFIDENCE = {RegimeState.PANIC: 0.9, RegimeState.RISK_OFF: 0.75, RegimeState.CHOP: 0.6, RegimeState.RISK_ON: 0.75}
UNKNOWN_CONFIDENCE = 0.3
"""Confidence in Chop when it only means that nothing is known of the market."""


@dataclass
class RegimeMetrics:
    """The figures that the rules read, in percent but for the level of the VIX, and which of them decided.

    A figure that is not known is None, and a rule that reads it does not hold. Only the level of the VIX is then taken
    to be 20, and the reasons say so.
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
        """Returns one whose changes this one does not see."""
        metrics = RegimeMetrics(**vars(self.metrics))
        metrics.reasons = list(metrics.reasons)
        return RegimeResult(self.regime, self.confidence, self.timestamp, metrics, self.explanation)

    def to_dict(self) -> dict[str, Any]:
        """Returns the result as plain values that JSON takes."""
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
    """The part of a feature computer that a detector uses; the application may bring its own."""

    def get_features(self, ticker: str, force_refresh: bool = False) -> FeatureSet | None: ...


class Thresholds(TypedDict, total=False):
    """The thresholds as the keywords of a call, for type checkers: a level, and four in percent."""

    vix_panic: float
    spy_panic_change: float
    breadth_risk_off: float
    breadth_risk_on: float
    slope_threshold: float


class _Reading(NamedTuple):
    """The input of a detector: the features of the market, and the level of the volatility index if it is known."""

    market: FeatureSet | None
    volatility: float | None


class RegimeDetector:
    """Reads the regime and keeps it for `cache_ttl`. Safe from any thread.

    `thresholds`: vix_panic (level), spy_panic_change, breadth_risk_off, breadth_risk_on and slope_threshold (percent).
    """

    def __init__(
        self,
        feature_computer: FeatureReader | None = None,
        *,
        market: str = MARKET,
        volatility: str | None = VOLATILITY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`feature_computer`: whose bars are read, the default store's if None. `market`: the ticker that stands for
        the market; the figures of the metrics are called after SPY all the same. `volatility`: the ticker of its
        volatility index, with or without "^" in the store; None: no rule reads one. `clock`: seconds that never go
        back.
        """
        self.feature_computer = feature_computer
        self.market = checked_ticker(market, "market")
        self.volatility = None if volatility is None else checked_ticker(volatility, "volatility")
        self.cache_ttl = timedelta(seconds=60)
        self.thresholds: dict[str, float] = dict(DEFAULT_THRESHOLDS)
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[RegimeResult, float] | None = None  # with the time it was read; written under _lock
        self._days: dict[date, RegimeResult] = {}  # the newest of each day (UTC), oldest day first; by _lock

    def __repr__(self) -> str:
        kept = self._kept
        last = "nothing kept" if kept is None else f"{kept[0].regime} at {kept[0].timestamp:%H:%M:%S} UTC"
        return f"<RegimeDetector of {self.market} and {self.volatility}: {last}>"

    def detect_regime(self, force_refresh: bool = False) -> RegimeResult:
        """Returns the regime now, or the one that was read within `cache_ttl` unless `force_refresh`, which also asks
        the bar source for the market and its volatility index.

        Chop with confidence 0.3 when there are no features of the market; that is not kept, as bars may come any
        moment. Each caller gets a result of its own.
        """
        kept = self._fresh(force_refresh)
        if kept is not None:
            return kept
        thresholds = self.thresholds
        try:
            reading = self._read(force_refresh)
        except Exception as error:
            if bridge.is_of_the_process(error):
                raise
            logger.error("the features of %s cannot be read", printable(self.market), exc_info=loggable(error))
            reading = _Reading(None, None)
        return self._keep(reading, thresholds)

    async def detect_regime_async(self, force_refresh: bool = False) -> RegimeResult:
        """Does what `detect_regime` does, off the loop."""
        kept = self._fresh(force_refresh)
        if kept is not None:
            return kept
        thresholds = self.thresholds
        try:
            reading = await self._read_async(force_refresh)
        except Exception as error:
            if bridge.is_of_the_process(error):
                raise
            logger.error("the features of %s cannot be read", printable(self.market), exc_info=loggable(error))
            reading = _Reading(None, None)
        return self._keep(reading, thresholds)

    def get_regime_history(self, days: int = 5) -> list[dict[str, Any]]:
        """Returns `to_dict()` of the newest result of each day (UTC), of the last `days` days on which this detector
        has read one, oldest first. The last one is the current regime, which is read for it and is there for any
        `days`. It remembers 366 days.

        Raises `TypeError` unless `days` is a whole number.
        """
        days = whole("days", days)
        self.detect_regime()
        with self._lock:
            return [result.to_dict() for result in list(self._days.values())[-max(days, 1) :]]

    def update_thresholds(
        self, new_thresholds: Mapping[str, float] | None = None, *, strict: bool = False, **named: Unpack[Thresholds]
    ) -> None:
        """Changes some thresholds and forgets the kept regime.

        A name that is not a threshold and a value that is not a finite number are logged and left out. With `strict`
        they raise `ValueError` or `TypeError`, and nothing has changed.
        """
        changed = checked_numbers("threshold", self.thresholds, new_thresholds, named, strict=strict)
        with self._lock:
            self.thresholds = {**self.thresholds, **changed}
            self._kept = None

    def _fresh(self, force: bool) -> RegimeResult | None:
        kept = self._kept
        if kept is None or force or self._clock() - kept[1] >= self.cache_ttl.total_seconds():
            return None
        return kept[0].copy()

    def _read(self, force: bool) -> _Reading:
        computer = self.feature_computer or features.feature_computer
        if isinstance(computer, FeatureComputer):
            found = computer.get_features(self.market, force, also=self.volatility_names[:1])
            return _Reading(found, self._level_in(computer.store))
        return self._told(computer.get_features(self.market, force))

    async def _read_async(self, force: bool) -> _Reading:
        computer = self.feature_computer or features.feature_computer
        if isinstance(computer, FeatureComputer):
            found = await computer.get_features_async(self.market, force, also=self.volatility_names[:1])
            return _Reading(found, self._level_in(computer.store))
        return self._told(await off_loop.blocking.run(computer.get_features, self.market, force))

    @property
    def volatility_names(self) -> tuple[str, ...]:
        """Returns the names that the volatility index may have in a store: with "^" or without."""
        if self.volatility is None:
            return ()
        return tuple(dict.fromkeys((self.volatility, self.volatility.removeprefix("^"))))

    def _level_in(self, store: BarStore) -> float | None:
        """Returns the last close of the volatility index."""
        for symbol in self.volatility_names:
            with suppress(KeyError):
                return float(store.bars(symbol)["close"][-1])
        return None

    def _told(self, found: FeatureSet | None) -> _Reading:
        """Tells the regime by a computer of the application's own, which has no store to look into."""
        return _Reading(found, None if found is None or self.volatility is None else found.vix_level)

    def _keep(self, reading: _Reading, thresholds: dict[str, float]) -> RegimeResult:
        if reading.market is None:
            result = _result(RegimeState.CHOP, UNKNOWN_CONFIDENCE, RegimeMetrics(), [f"no features of {self.market}"])
        else:
            rules = _Rules(_metrics(reading.market, reading.volatility), thresholds, self.market, self.volatility)
            result = rules.decide()
        remembered = result.copy()
        with self._lock:
            if self.thresholds is thresholds:  # else they were changed while this was read
                self._kept = None if reading.market is None else (remembered, self._clock())
            self._remember(remembered)
        return result

    def _remember(self, result: RegimeResult) -> None:
        """Remembers a result. Under the lock."""
        self._days[result.timestamp.date()] = result
        while len(self._days) > MOST_DAYS:
            del self._days[next(iter(self._days))]


def _metrics(market: FeatureSet, volatility: float | None) -> RegimeMetrics:
    return RegimeMetrics(
        vix_level=volatility,
        spy_change_1d=market.price_change_1d,
        breadth_50dma=market.breadth_50dma,
        spy_slope_20d=market.slope_20d,
        spy_vs_sma20=_percent_above(market.close, market.sma_20),
        spy_vs_sma50=_percent_above(market.close, market.sma_50),
    )


def _percent_above(close: float | None, average: float | None) -> float | None:
    return 100.0 * (close / average - 1.0) if close is not None and average else None


@dataclass(frozen=True)
class _Rules:
    """The rules over one reading, and the sentences that say what they have found."""

    metrics: RegimeMetrics
    thresholds: Mapping[str, float]
    market: str
    volatility: str | None

    def decide(self) -> RegimeResult:
        """Decides by the core's rules, of which the first that holds decides; it alone counts as triggered."""
        metrics = self.metrics
        reading = (self._level, metrics.spy_change_1d, metrics.breadth_50dma, metrics.spy_slope_20d)
        number, holding = _core.regime(tuple(map(_known, reading)), threshold_values(self.thresholds))
        regime = REGIMES[number]
        metrics.panic_triggered = regime is RegimeState.PANIC
        metrics.risk_off_triggered = regime is RegimeState.RISK_OFF
        metrics.risk_on_triggered = regime is RegimeState.RISK_ON
        reasons = [sentence for at, sentence in enumerate(self._sentences(*reading)) if holding & 1 << at]
        if not reasons:
            reasons = ["no rule holds", *self._known_figures()]
        if self.volatility is not None and metrics.vix_level is None:
            reasons.append(f"{self._volatility_name} unknown, {ASSUMED_VOLATILITY:g} assumed")
        return _result(regime, CONFIDENCE[regime], metrics, reasons)

    @property
    def _volatility_name(self) -> str:
        return "" if self.volatility is None else self.volatility.removeprefix("^")

    @property
    def _level(self) -> float | None:
        """Returns the figures that the rules decide by."""
        level = self.metrics.vix_level
        return ASSUMED_VOLATILITY if level is None and self.volatility is not None else level

    def _sentences(self, *reading: float | None) -> tuple[str, ...]:
        """Returns a sentence for each of the core's conditions that holds, in their order."""
        level, change, breadth, slope = map(_known, reading)
        limits = self.thresholds
        return (
            f"{self._volatility_name} {level:.1f} above {limits['vix_panic']:g}",
            f"{self.market} {change:+.2f} % in a day, below {limits['spy_panic_change']:g} %",
            f"breadth {breadth:.1f} % below {limits['breadth_risk_off']:g} %",
            f"{self.market} slope {slope:+.3f} % a bar below {limits['slope_threshold']:g}",
            f"breadth {breadth:.1f} % above {limits['breadth_risk_on']:g} %",
            f"{self.market} slope {slope:+.3f} % a bar above {limits['slope_threshold']:g}",
        )

    def _known_figures(self) -> list[str]:
        figures = (
            (self._volatility_name, "{:.1f}", self.metrics.vix_level),
            (self.market, "{:+.2f} % in a day", self.metrics.spy_change_1d),
            ("breadth", "{:.1f} %", self.metrics.breadth_50dma),
            (f"{self.market} slope", "{:+.3f} % a bar", self.metrics.spy_slope_20d),
        )
        return [f"{name} {text.format(figure)}" for name, text, figure in figures if figure is not None]


def threshold_values(thresholds: Mapping[str, float]) -> tuple[float, ...]:
    """Returns the thresholds in the core's order."""
    return tuple(float(thresholds[name]) for name in DEFAULT_THRESHOLDS)


def _known(figure: float | None) -> float:
    """Returns the figure, NaN for one that is not known."""
    return math.nan if figure is None else float(figure)


def _result(regime: RegimeState, confidence: float, metrics: RegimeMetrics, reasons: list[str]) -> RegimeResult:
    metrics.confidence = confidence
    metrics.reasons = reasons
    return RegimeResult(regime, confidence, datetime.now(UTC), metrics, f"{regime}: {'; '.join(reasons)}.")


regime_detector = RegimeDetector()
"""The detector over the default store that the functions below use."""


def get_regime_state(force_refresh: bool = False) -> RegimeResult:
    """Returns the regime with its confidence, metrics and explanation; see `RegimeDetector.detect_regime`."""
    return regime_detector.detect_regime(force_refresh)


def get_regime_string() -> str:
    """Returns the regime's name: "Panic", "RiskOff", "Chop" or "RiskOn"."""
    return get_regime_state().regime.value


def is_risk_regime() -> bool:
    """Returns whether the regime lets one take risks: RiskOn or Chop."""
    return get_regime_state().regime in (RegimeState.RISK_ON, RegimeState.CHOP)


def is_defensive_regime() -> bool:
    """Returns whether the regime calls for defence: Panic or RiskOff."""
    return get_regime_state().regime in (RegimeState.PANIC, RegimeState.RISK_OFF)
