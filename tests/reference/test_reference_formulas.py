"""The reference's features and rules, against figures worked out by hand and against TA-Lib."""

import numpy as np
import pytest
import talib

from reference import market_features, paper_features, signal_rules
from reference.bars import flat, from_closes, walk


def test_keys_and_fields() -> None:
    assert tuple(market_features.features("A", walk(60))) == market_features.KEYS
    assert tuple(paper_features.features("A", walk(60)) or ()) == paper_features.FIELDS
    assert len(market_features.KEYS) == 5 + 26


def test_market_features_agree_with_talib() -> None:
    bars = walk(300, seed=5)
    found = market_features.features("A", bars)
    expected = {
        "rsi_14": talib.RSI(bars.close, 14)[-1],
        "atr_14": talib.ATR(bars.high, bars.low, bars.close, 14)[-1],
        "adx_14": talib.ADX(bars.high, bars.low, bars.close, 14)[-1],
        "macd_hist": talib.MACD(bars.close)[2][-1],
        "ema_26": talib.EMA(bars.close, 26)[-1],
        "price_change_1d": talib.ROC(bars.close, 1)[-1],
        "bollinger_lower": talib.BBANDS(bars.close, 20)[2][-1],
        "slope_20d": 100.0 * talib.LINEARREG_SLOPE(bars.close, 20)[-1] / talib.SMA(bars.close, 20)[-1],
    }
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-9, abs=1e-9), key


def test_flat_prices() -> None:
    found = market_features.features("A", flat(60, 0.1))
    assert (found["rsi_14"], found["z_score_20"], found["adx_14"], found["atr_14"]) == (50.0, 0.0, 0.0, 0.0)
    assert found["sma_20"] == found["sma_50"] == 0.1
    assert found["new_high_20d"] is True
    assert found["new_low_20d"] is True


def test_slope_of_a_straight_line() -> None:
    found = market_features.features("A", from_closes(np.arange(101.0, 201.0)))
    assert found["slope_20d"] == pytest.approx(100.0 / 190.5)


def test_paper_thresholds() -> None:
    assert paper_features.features("A", walk(0)) is None
    few = paper_features.features("A", from_closes([10.0, 11.0, 12.0, 13.0]))
    assert few is not None
    assert (few["sma_5"], few["rsi"], few["sector_momentum"]) == (0.0, 50.0, 0.0)
    five = paper_features.features("A", from_closes([10.0, 10.1, 10.2, 10.3, 10.4]))
    assert five is not None
    assert five["sector_momentum"] == pytest.approx(0.4)


def test_rules_by_hand() -> None:
    figures = {"rsi_14": 15.0, "z_score_20": -2.0, "close": 100.0, "atr_14": 2.0, "sma_20": 110.0, "sma_50": 120.0,
               "slope_20d": -1.0, "new_high_20d": False}  # fmt: skip
    call = signal_rules.signal(figures, "Chop")
    assert call is not None
    assert (call.stop, call.target, call.direction) == (96.0, 106.0, "LONG")
    assert call.confidence == pytest.approx(0.65 * 0.875)
    assert signal_rules.signal(figures, "Panic") is None
