"""What the package is compared with gives the same features and signals."""

import numpy as np
import pytest
from reference import signal_rules

from ziggy_async.latency_benchmark import numpy_baseline
from ziggy_async.latency_benchmark.market import sample_market
from ziggy_async.market_brain.features import FeatureComputer
from ziggy_async.market_brain.regime import RegimeDetector, RegimeState
from ziggy_async.store import BarStore


def assert_same_figures(computed, expected):
    """To 1e-9, and where figures are differences of prices to 1e-12 of the price."""
    for name, value in computed.items():
        tolerance = 1e-12 * expected["close"]
        assert value == pytest.approx(expected[name], rel=1e-9, abs=tolerance), (expected["ticker"], name)


def test_plain_numpy_has_the_figures_of_the_package():
    market = sample_market()
    expected = market.features.compute_batch(market.columns)
    for symbol, columns in market.columns.items():
        computed = numpy_baseline.features(columns, market.vix_level, market.breadth)
        assert len(computed) == 26
        assert_same_figures(computed, expected[symbol])


@pytest.mark.parametrize("bars", [50, 51, 77])
def test_plain_numpy_has_them_of_few_bars(bars):
    store, columns = BarStore(), sample_market().columns
    few = {symbol: {name: column[:bars] for name, column in columns[symbol].items()} for symbol in ("SPY", "AUTO01")}
    for symbol, each in few.items():
        store.load(symbol, each)
    market = numpy_baseline.market_of(few)
    assert market[0] == 20.0
    for symbol, each in few.items():
        assert_same_figures(numpy_baseline.features(each, *market), FeatureComputer(store).compute_for_ticker(symbol))


def test_a_market_without_tickers_has_no_breadth():
    assert numpy_baseline.market_of({"^VIX": {"close": np.full(60, 17.5)}, "NEW": {"close": np.ones(49)}}) == (
        17.5,
        None,
    )


@pytest.mark.parametrize("regime", list(RegimeState))
def test_plain_numpy_has_the_signals_of_the_package(regime):
    market = sample_market()
    answers = market.signals.generate_signals_bulk(market.tickers, regime)
    for ticker, answer in answers.items():
        figures = numpy_baseline.features(market.columns[ticker], market.vix_level, market.breadth)
        proposed, expected = numpy_baseline.signal(figures, regime.value), answer["signal"]
        assert (proposed is None) == (expected is None), ticker
        if proposed is not None:
            assert proposed["direction"] == expected.direction
            assert proposed["signal_type"] == expected.signal_type
            assert proposed["time_horizon"] == expected.time_horizon
            levels = [proposed[name] for name in ("confidence", "entry", "stop_loss", "take_profit")]
            assert levels == pytest.approx(
                [expected.confidence, expected.entry_price, expected.stop_loss, expected.take_profit], rel=1e-9
            )


def test_both_ways_read_the_same_regime():
    market = sample_market()
    assert market.regime == RegimeDetector(market.features).detect_regime().regime


FIRING = {
    "close": 110.0, "sma_20": 105.0, "sma_50": 100.0, "new_high_20d": True, "slope_20d": 3.0, "atr_14": 2.0,
    "rsi_14": 20.0, "z_score_20": -1.8,
}  # fmt: skip


@pytest.mark.parametrize("regime", signal_rules.WIN_RATES["Momentum"])
@pytest.mark.parametrize("changed", [{}, {"rsi_14": 80.0, "z_score_20": 2.0}, {"slope_20d": 0.5}, {"rsi_14": 1.0}])
def test_rules_that_fire_together(regime, changed):
    figures = FIRING | changed
    proposed, expected = numpy_baseline.signal(figures, regime), signal_rules.signal(figures, regime)
    if expected is None:
        assert proposed is None
        return
    assert proposed == {
        "direction": expected.direction,
        "confidence": pytest.approx(expected.confidence),
        "signal_type": expected.signal_type,
        "time_horizon": expected.horizon,
        "entry": expected.entry,
        "stop_loss": expected.stop,
        "take_profit": expected.target,
    }


@pytest.mark.parametrize("vix", [20.0, 31.0])
@pytest.mark.parametrize("change", [0.0, -3.5])
@pytest.mark.parametrize("breadth", [None, 30.0, 50.0, 70.0])
@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.1])
def test_regimes(vix, change, breadth, slope):
    spy = {"vix_level": vix, "price_change_1d": change, "breadth_50dma": breadth, "slope_20d": slope}
    assert numpy_baseline.regime_of(spy) == signal_rules.regime(spy)[0]
