"""The market-brain features of one ticker, from the contract's table of definitions."""

from datetime import UTC, datetime

import numpy as np

from reference import indicators
from reference.bars import Bars, Floats

REQUIRED_BARS = 50
KEYS = (
    "ticker", "status", "bars", "as_of", "stale", "close", "volume", "price_change_1d", "sma_20", "sma_50", "ema_12",
    "ema_26", "macd", "macd_signal", "macd_hist", "rsi_14", "atr_14", "adx_14", "bollinger_upper", "bollinger_lower",
    "z_score_20", "volatility_20d", "slope_20d", "new_high_20d", "new_low_20d", "volume_ratio_20", "liquidity_score",
    "vix_level", "breadth_50dma", "sma_fast", "sma_slow",
)  # fmt: skip
"""In the order in which a result holds them."""


def features(ticker: str, bars: Bars, vix: float = 20.0, breadth: float | None = None) -> dict[str, object]:
    """`vix` and `breadth` belong to the store, not to the ticker."""
    if len(bars) < REQUIRED_BARS:
        return {"ticker": ticker, "status": "insufficient_data", "bars": len(bars), "required": REQUIRED_BARS}
    close, volume = bars.close, bars.volume
    macd, signal, histogram = (_last(line) for line in indicators.macd(close))
    upper, _, lower = (_last(line) for line in indicators.bollinger(close))
    return {
        "ticker": ticker,
        "status": "ok",
        "bars": len(bars),
        "as_of": as_of(bars),
        "stale": False,
        "close": close[-1],
        "volume": volume[-1],
        "price_change_1d": 100.0 * (close[-1] - close[-2]) / close[-2],
        "sma_20": last("sma", close, 20),
        "sma_50": last("sma", close, 50),
        "ema_12": last("ema", close, 12),
        "ema_26": last("ema", close, 26),
        "macd": macd,
        "macd_signal": signal,
        "macd_hist": histogram,
        "rsi_14": last("rsi", close, 14),
        "atr_14": last("atr", bars.high, bars.low, close, 14),
        "adx_14": last("adx", bars.high, bars.low, 14),
        "bollinger_upper": upper,
        "bollinger_lower": lower,
        "z_score_20": last("zscore", close, 20),
        "volatility_20d": last("volatility", close, 20),
        "slope_20d": last("slope_percent", close, 20),
        "new_high_20d": bool(close[-1] == np.max(close[-20:])),
        "new_low_20d": bool(close[-1] == np.min(close[-20:])),
        "volume_ratio_20": volume_ratio(volume[-20:]),
        "liquidity_score": liquidity(close[-20:] * volume[-20:]),
        "vix_level": vix,
        "breadth_50dma": breadth,
        "sma_fast": last("sma", close, 20) / close[-1],
        "sma_slow": last("sma", close, 50) / close[-1],
    }


def breadth_50dma(store: dict[str, Bars]) -> float | None:
    """Percent of the symbols with 50 bars, "^" symbols apart, whose last close is above their own 50-bar mean."""
    counted = {name: bars for name, bars in store.items() if not name.startswith("^") and len(bars) >= REQUIRED_BARS}
    if not counted:
        return None
    above = sum(bars.close[-1] > last("sma", bars.close, 50) for bars in counted.values())
    return 100.0 * above / len(counted)


def volume_ratio(volume: Floats) -> float:
    mean = float(np.mean(volume))
    return float(volume[-1]) / mean if mean > 0.0 else 0.0


def liquidity(turnover: Floats) -> float:
    mean = float(np.mean(turnover))
    return float(np.clip((np.log10(mean) - 5.0) / 5.0, 0.0, 1.0)) if mean > 0.0 else 0.0


def as_of(bars: Bars) -> datetime:
    """The moment of the last bar; results give it as ISO 8601 text."""
    return datetime.fromtimestamp(int(bars.timestamp[-1]) / 1e9, UTC)


def last(name: str, *arguments: Floats | int) -> float:
    return _last(indicators.REFERENCES[name](*arguments)[0])


def _last(column: Floats) -> float:
    return float(column[-1])
