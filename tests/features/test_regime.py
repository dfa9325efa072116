"""The regime's rules in their order, what is kept for how long, and the thresholds."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ziggy_async import BarStore
from ziggy_async.environment import ConfigurationError
from ziggy_async.market_brain import regime
from ziggy_async.market_brain.features import FeatureComputer, FeatureSet
from ziggy_async.market_brain.regime import RegimeDetector, RegimeState
from ziggy_async.runtime.errors import Stopped

CALM = FeatureSet(
    values={},
    close=110.0,
    sma_20=100.0,
    sma_50=88.0,
    vix_level=20.0,
    price_change_1d=0.5,
    breadth_50dma=50.0,
    slope_20d=0.1,
)


class Reader:
    """A feature computer that the application brings: it answers with what it was given."""

    def __init__(self, features: FeatureSet | None) -> None:
        self.features = features
        self.calls: list[tuple[str, bool]] = []

    def get_features(self, ticker: str, force_refresh: bool = False) -> FeatureSet | None:
        self.calls.append((ticker, force_refresh))
        return self.features


def detected(**figures):
    return RegimeDetector(Reader(replace(CALM, **figures))).detect_regime()


@pytest.mark.parametrize(
    ("figures", "expected", "confidence"),
    [
        ({}, "Chop", 0.6),
        ({"vix_level": 30.0}, "Chop", 0.6),
        ({"vix_level": 30.1}, "Panic", 0.9),
        ({"price_change_1d": -3.0}, "Chop", 0.6),
        ({"price_change_1d": -3.1}, "Panic", 0.9),
        ({"price_change_1d": -3.1, "breadth_50dma": 30.0, "slope_20d": -1.0}, "Panic", 0.9),
        ({"breadth_50dma": 39.9, "slope_20d": -0.1}, "RiskOff", 0.75),
        ({"breadth_50dma": 0.0, "slope_20d": -0.1}, "RiskOff", 0.75),
        ({"breadth_50dma": 40.0, "slope_20d": -0.1}, "Chop", 0.6),
        ({"breadth_50dma": 39.9, "slope_20d": 0.0}, "Chop", 0.6),
        ({"breadth_50dma": 60.1, "slope_20d": 0.1}, "RiskOn", 0.75),
        ({"breadth_50dma": 60.0, "slope_20d": 0.1}, "Chop", 0.6),
        ({"breadth_50dma": 60.1, "slope_20d": 0.0}, "Chop", 0.6),
        ({"breadth_50dma": None, "slope_20d": 0.1}, "Chop", 0.6),
        ({"breadth_50dma": None, "slope_20d": -0.1}, "Chop", 0.6),
        ({"vix_level": None, "price_change_1d": None, "breadth_50dma": 70.0, "slope_20d": None}, "Chop", 0.6),
    ],
)
def test_the_first_rule_that_holds(figures, expected, confidence) -> None:
    result = detected(**figures)
    metrics = result.metrics
    assert result.regime.value == expected
    assert result.confidence == metrics.confidence == confidence
    triggered = [metrics.panic_triggered, metrics.risk_off_triggered, metrics.risk_on_triggered]
    assert triggered == [expected == "Panic", expected == "RiskOff", expected == "RiskOn"]
    assert metrics.reasons
    assert result.explanation.startswith(expected)


def test_result_and_its_dict() -> None:
    result = detected(vix_level=35.0)
    assert result.timestamp.tzinfo is UTC
    assert "VIX 35.0 above 30" in result.explanation
    as_dict = json.loads(json.dumps(result.to_dict()))
    assert list(as_dict) == ["regime", "confidence", "timestamp", "explanation", "metrics"]
    assert as_dict["metrics"] | {"spy_vs_sma20": None, "spy_vs_sma50": None} == {
        "vix_level": 35.0,
        "spy_change_1d": 0.5,
        "breadth_50dma": 50.0,
        "spy_slope_20d": 0.1,
        "spy_vs_sma20": None,
        "spy_vs_sma50": None,
        "rule_triggers": {"panic": True, "risk_off": False, "risk_on": False},
        "reasons": ["VIX 35.0 above 30"],
    }
    assert as_dict["metrics"]["spy_vs_sma20"] == pytest.approx(10.0)
    assert as_dict["metrics"]["spy_vs_sma50"] == pytest.approx(25.0)


def test_kept_for_a_minute() -> None:
    now, reader = [1000.0], Reader(CALM)
    detector = RegimeDetector(reader, clock=lambda: now[0])
    first = detector.detect_regime()
    now[0] += 59.9
    assert detector.detect_regime() == first
    now[0] += 0.1
    second = detector.detect_regime()
    assert second.timestamp > first.timestamp
    assert detector.detect_regime(force_refresh=True).timestamp > second.timestamp
    assert reader.calls == [("SPY", False), ("SPY", False), ("SPY", True)]


async def test_async_reads_and_keeps_the_same() -> None:
    reader = Reader(CALM)
    detector = RegimeDetector(reader)
    first = await detector.detect_regime_async()
    assert detector.detect_regime() == first
    assert await detector.detect_regime_async() == first
    assert (await detector.detect_regime_async(force_refresh=True)).timestamp > first.timestamp
    assert reader.calls == [("SPY", False), ("SPY", True)]


def test_what_a_caller_changes_nobody_else_sees() -> None:
    detector = RegimeDetector(Reader(CALM))
    for _ in range(2):  # the one that is read, and the one that was kept
        mine = detector.detect_regime()
        mine.metrics.reasons.append("mine")
        mine.metrics.vix_level = mine.confidence = -1.0
        mine.regime = RegimeState.PANIC
        other = detector.detect_regime()
        assert (other.regime, other.confidence, other.metrics.vix_level) == (RegimeState.CHOP, 0.6, 20.0)
        assert "mine" not in other.metrics.reasons


@pytest.mark.parametrize("error", [ConfigurationError("X: 5"), Stopped("the interpreter is exiting")])
async def test_what_is_not_of_the_market_is_the_callers(error, caplog) -> None:
    class Unable:
        def get_features(self, ticker: str, force_refresh: bool = False) -> FeatureSet | None:
            raise error

    detector = RegimeDetector(Unable())
    with pytest.raises(type(error)):
        detector.detect_regime()
    with pytest.raises(type(error)):
        await detector.detect_regime_async()
    assert caplog.text == ""


def test_without_features_chop_that_is_not_kept() -> None:
    reader = Reader(None)
    detector = RegimeDetector(reader)
    unknown = detector.detect_regime()
    assert (unknown.regime, unknown.confidence) == (RegimeState.CHOP, 0.3)
    assert unknown.metrics.spy_vs_sma20 is None
    reader.features = CALM
    assert detector.detect_regime().confidence == 0.6
    reader.features = None
    assert detector.detect_regime(force_refresh=True).confidence == 0.3
    assert detector.detect_regime().confidence == 0.3


def test_a_computer_that_fails(caplog) -> None:
    class Broken:
        def get_features(self, ticker: str, force_refresh: bool = False) -> FeatureSet | None:
            raise ConnectionError("no route")

    assert RegimeDetector(Broken()).detect_regime().confidence == 0.3
    assert "no route" in caplog.text


def test_thresholds() -> None:
    detector = RegimeDetector(Reader(CALM))
    assert detector.detect_regime().regime is RegimeState.CHOP
    detector.update_thresholds({"vix_panic": 19})
    assert detector.detect_regime().regime is RegimeState.PANIC
    detector.update_thresholds(vix_panic=np.int64(30), breadth_risk_on=np.float32(45.0))
    assert {type(value) for value in detector.thresholds.values()} <= {int, float}
    assert detector.detect_regime().regime is RegimeState.RISK_ON


@pytest.mark.parametrize(
    ("changes", "error", "fault"),
    [
        ({"vix": 25.0}, ValueError, "'vix' is not a threshold; there are vix_panic, "),
        ({"breadth_risk_on": "60"}, TypeError, "breadth_risk_on: '60' is a str"),
        ({"breadth_risk_on": True}, TypeError, "bool"),
        ({"breadth_risk_on": None}, TypeError, "NoneType"),
        ({"breadth_risk_on": float("nan")}, ValueError, "breadth_risk_on: nan is not a finite number"),
        ({"breadth_risk_on": np.float32("inf")}, ValueError, "breadth_risk_on: .*inf.* is not a finite number"),
        ({"breadth_risk_on": 10**400}, ValueError, "breadth_risk_on: 1000.* is not a finite number"),
        ({"breadth_risk_on": 10**5000}, ValueError, "breadth_risk_on: <int> is not a finite number"),
        ({"breadth_risk_on": np.True_}, TypeError, "breadth_risk_on: .*True.* is a bool"),
        ({"breadth_risk_on": 1j}, TypeError, "breadth_risk_on: 1j is a complex"),
    ],
)
def test_bad_thresholds_change_nothing(changes, error, fault) -> None:
    detector = RegimeDetector(Reader(CALM))
    kept, before = detector.detect_regime(), dict(detector.thresholds)
    with pytest.raises(error, match=fault):
        detector.update_thresholds({"vix_panic": 10.0, **changes}, strict=True)
    assert detector.thresholds == before
    assert detector.detect_regime() == kept


def test_over_bars(store: BarStore) -> None:
    assert regime.get_regime_state().confidence == 0.3
    days = np.datetime64("2020-01-01") + np.arange(60).astype("timedelta64[D]")
    rising = np.linspace(100.0, 110.0, 60)
    for symbol in ("SPY", "A"):
        bars = {"date": days, "open": rising, "high": rising, "low": rising, "close": rising, "volume": rising}
        store.load(symbol, bars)
    assert regime.get_regime_string() == "RiskOn"
    assert regime.is_risk_regime()
    assert not regime.is_defensive_regime()
    store.append("^VIX", days[-1], 40.0, 40.0, 40.0, 40.0, 0.0)
    assert regime.get_regime_string() == "RiskOn"
    assert regime.get_regime_state(force_refresh=True).regime is RegimeState.PANIC
    assert regime.is_defensive_regime()
    assert RegimeDetector(FeatureComputer(BarStore())).detect_regime().confidence == 0.3


def test_three_percent_down_is_no_panic(store: BarStore) -> None:
    """100 to 97 is -3 % to the last bit, and the rule is for less."""
    closes = np.r_[np.full(59, 100.0), 97.0]
    days = np.datetime64("2020-01-01") + np.arange(60)
    store.load("SPY", {"date": days, "open": closes, "high": closes, "low": closes, "close": closes, "volume": closes})
    result = regime.get_regime_state(force_refresh=True)
    assert result.metrics.spy_change_1d == -3.0
    assert not result.metrics.panic_triggered
    assert result.regime is not RegimeState.PANIC


def loaded(store: BarStore, *symbols: str, last: float = 110.0) -> None:
    days = np.datetime64("2020-01-01") + np.arange(60)
    closes = np.linspace(100.0, last, 60)
    for symbol in symbols:
        table = {"date": days, "open": closes, "high": closes, "low": closes, "close": closes, "volume": closes}
        store.load(symbol, table)


@pytest.mark.parametrize(("last", "expected"), [(110.0, "RiskOn"), (90.0, "RiskOff"), (100.0, "Chop")])
def test_a_vix_that_is_not_known_is_none_and_said(last: float, expected: str) -> None:
    store = BarStore()
    loaded(store, "SPY", "A", last=last)
    detector = RegimeDetector(FeatureComputer(store))
    result = detector.detect_regime()
    assert result.regime.value == expected
    assert result.metrics.vix_level is None
    assert result.to_dict()["metrics"]["vix_level"] is None
    assert "VIX unknown, 20 assumed" in result.explanation
    assert "VIX unknown, 20 assumed" in result.metrics.reasons
    store.append("VIX", "2020-03-01", 20.0, 20.0, 20.0, 20.0, 0.0)
    known = detector.detect_regime(force_refresh=True)
    assert (known.metrics.vix_level, "assumed" in known.explanation) == (20.0, False)
    store.append("^VIX", "2020-03-01", 21.0, 21.0, 21.0, 21.0, 0.0)
    assert detector.detect_regime(force_refresh=True).metrics.vix_level == 21.0


def test_the_rule_goes_by_what_is_assumed() -> None:
    store = BarStore()
    loaded(store, "SPY")
    detector = RegimeDetector(FeatureComputer(store))
    detector.update_thresholds(vix_panic=19.5)
    result = detector.detect_regime()
    assert (result.regime, result.metrics.vix_level) == (RegimeState.PANIC, None)
    assert result.explanation == "Panic: VIX 20.0 above 19.5; VIX unknown, 20 assumed."


@pytest.mark.parametrize("level", [None, 25.0])
def test_the_level_that_a_computer_of_the_application_tells(level: float | None) -> None:
    result = detected(vix_level=level)
    assert result.metrics.vix_level == level
    assert ("VIX unknown, 20 assumed" in result.explanation) == (level is None)
    assert RegimeDetector(Reader(CALM), volatility=None).detect_regime().metrics.vix_level is None


async def test_another_market() -> None:
    store = BarStore()
    loaded(store, "SPX", "^V2X")
    loaded(store, "V3X", "^VIX", last=45.0)
    for volatility, level in (("^V2X", 110.0), ("^V3X", 45.0)):
        detector = RegimeDetector(FeatureComputer(store), market="SPX", volatility=volatility)
        result = await detector.detect_regime_async()
        assert (result.regime, result.metrics.vix_level) == (RegimeState.PANIC, level)
        assert result.explanation == f"Panic: {volatility[1:]} {level:.1f} above 30."
    none = RegimeDetector(FeatureComputer(store), market="SPX", volatility=None)
    none.update_thresholds(vix_panic=1.0)
    assert none.detect_regime().metrics.vix_level is None
    assert none.detect_regime().regime is not RegimeState.PANIC
    assert "SPX slope" in none.detect_regime().explanation
    assert "assumed" not in none.detect_regime().explanation
    unknown = RegimeDetector(FeatureComputer(store), market="^NDX", volatility="^VXN").detect_regime()
    assert unknown.explanation == "Chop: no features of ^NDX."
    for wrong in ({"market": 5}, {"volatility": 5}):
        with pytest.raises(TypeError, match=f"{next(iter(wrong))}: 5 is an int"):
            RegimeDetector(**wrong)


def test_the_source_is_asked_for_the_volatility_of_that_market() -> None:
    asked = []

    class Watched(FeatureComputer):
        def get_features(self, ticker: str, force_refresh: bool = False, *, also=()) -> FeatureSet | None:
            asked.append((ticker, *also))
            return super().get_features(ticker, force_refresh, also=also)

    for names in ({}, {"market": "SPX", "volatility": "^V2X"}, {"market": "SPX", "volatility": None}):
        RegimeDetector(Watched(BarStore()), **names).detect_regime()
    assert asked == [("SPY", "^VIX"), ("SPX", "^V2X"), ("SPX",)]


def test_history_has_the_newest_result_of_each_day(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        moment = datetime(2024, 1, 30, 23, tzinfo=UTC)

        @classmethod
        def now(cls, zone=None):
            return cls.moment

    monkeypatch.setattr(regime, "datetime", Clock)
    reader = Reader(CALM)
    detector = RegimeDetector(reader)
    (only,) = detector.get_regime_history()
    assert only == detector.detect_regime().to_dict()
    for _ in range(12):
        Clock.moment += timedelta(hours=8)
        reader.features = replace(CALM, vix_level=20.0 + Clock.moment.hour)
        detector.detect_regime(force_refresh=True)
    history = detector.get_regime_history(days=3)
    assert [each["timestamp"][:13] for each in history] == ["2024-02-01T23", "2024-02-02T23", "2024-02-03T23"]
    assert [each["metrics"]["vix_level"] for each in history] == [43.0] * 3
    assert history == detector.get_regime_history(5)[-3:]
    assert len(detector.get_regime_history(1000)) == 5
    history[0]["regime"] = "mine"
    assert detector.get_regime_history()[-3]["regime"] == "Panic"
    Clock.moment += timedelta(days=1)
    reader.features = None
    assert detector.get_regime_history(1)[0]["metrics"]["vix_level"] == 43.0, "the one that is kept is the current one"
    detector.detect_regime(force_refresh=True)
    assert detector.get_regime_history(1)[0]["confidence"] == 0.3


def test_history_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        moment = datetime(2024, 1, 1, tzinfo=UTC)

        @classmethod
        def now(cls, zone=None):
            return cls.moment

    monkeypatch.setattr(regime, "datetime", Clock)
    detector = RegimeDetector(Reader(CALM))
    for _ in range(500):
        detector.detect_regime(force_refresh=True)
        Clock.moment += timedelta(days=1)
    assert len(detector.get_regime_history(1000)) == 366


@pytest.mark.parametrize("days", [0, -1])
def test_history_has_the_current_regime_for_any_number_of_days(days: int) -> None:
    detector = RegimeDetector(Reader(CALM))
    assert detector.get_regime_history(days) == [detector.detect_regime().to_dict()]


@pytest.mark.parametrize("days", [2.0, True, "5"])
def test_days_that_are_no_whole_number(days) -> None:
    with pytest.raises(TypeError, match="days: "):
        RegimeDetector(Reader(CALM)).get_regime_history(days)
