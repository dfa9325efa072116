"""The made-up market: sound bars, the same every time, and every kind of signal at its end."""

import numpy as np
import pytest

from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.market_brain.signals import generate_signals_for_watchlist
from ziggy_async.sample import BARS, ENDINGS, HISTORY, sample_universe, ticker_endings, ticker_names


@pytest.fixture(scope="module")
def market():
    return dict(sample_universe())


def test_five_hundred_tickers_and_the_vix(market):
    assert list(market)[:2] == ["SPY", "^VIX"]
    assert len([symbol for symbol in market if not symbol.startswith("^")]) == 500
    assert len(set(ticker_names())) == 499
    assert len(ticker_endings()) == 499


def test_history_and_endings_fit_the_bars():
    assert sum(part.bars for part in HISTORY) == BARS == 504
    assert {part.mood for part in HISTORY} == {"calm", "trending", "choppy", "panicking"}
    assert all(sum(bars for bars, _ in ending.pieces) < HISTORY[-1].bars for ending in ENDINGS)


def test_bars_are_sound(market):
    for symbol, columns in market.items():
        prices = np.stack([columns[name] for name in ("open", "high", "low", "close")])
        assert prices.shape == (4, BARS), symbol
        assert prices.min() > 0
        assert (prices.max(axis=0) == columns["high"]).all()
        assert (prices.min(axis=0) == columns["low"]).all()
        assert (columns["volume"] >= 0).all()
        assert (np.diff(columns["timestamp"]) > np.timedelta64(0, "D")).all()
        assert np.is_busday(columns["timestamp"]).all()


def test_same_seed_same_bars(market):
    for symbol, columns in sample_universe():
        for name, column in columns.items():
            np.testing.assert_array_equal(column, market[symbol][name])


def test_another_seed_gives_other_bars(market):
    other = dict(sample_universe(seed=2))
    assert (other["SPY"]["close"] != market["SPY"]["close"]).mean() > 0.9


def test_market_panics_once_and_calms_down(market):
    vix = market["^VIX"]["close"]
    assert vix.max() > 30
    assert vix[-1] < 20


def test_every_kind_of_signal_occurs(market, store):
    for symbol, columns in market.items():
        store.load(symbol, columns)
    assert regime_detector.detect_regime(force_refresh=True).regime.value in {"RiskOn", "Chop"}
    watchlist = generate_signals_for_watchlist([symbol for symbol in market if symbol != "^VIX"])
    signals = [answer["signal"] for answer in watchlist.values() if answer["signal"]]
    kinds = {(signal.signal_type.value, signal.direction.value) for signal in signals}
    assert kinds >= {("MeanReversion", "LONG"), ("MeanReversion", "SHORT"), ("Momentum", "LONG")}
    assert 20 < len(signals) < 250
