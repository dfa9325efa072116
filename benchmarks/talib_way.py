"""The same figures by TA-Lib's wheel, one ticker after the other."""

import math
from typing import Any

import talib

from benchmarks.rules import breadth_of, log_liquidity, vix_of

Bars = dict[str, Any]
"""Columns of one ticker: float64 `(bars,)` arrays."""


def market_of(bars: dict[str, Bars]) -> tuple[float, float | None]:
    """^VIX and breadth, figured once for all tickers: `(vix_level, breadth_50dma)`."""
    above = [
        columns["close"][-1] > talib.SMA(columns["close"][-50:], 50)[-1]
        for symbol, columns in bars.items()
        if not symbol.startswith("^") and len(columns["close"]) >= 50
    ]
    return vix_of(bars), breadth_of(above)


def features(columns: Bars, vix_level: float, breadth: float | None) -> dict[str, Any]:
    """The 26 figures of a ticker's last bar. What a window of 20 or 50 decides is handed that window alone."""
    high, low, close, volume = (columns[name] for name in ("high", "low", "close", "volume"))
    recent = close[-20:]
    mean, deviation = talib.SMA(recent, 20)[-1], talib.STDDEV(recent, 20)[-1]
    sma_50, last = talib.SMA(close[-50:], 50)[-1], close[-1]
    upper, _, lower = talib.BBANDS(recent, 20)
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    traded = talib.SMA(volume[-20:], 20)[-1]
    return {
        "close": last,
        "volume": volume[-1],
        "price_change_1d": talib.ROC(close[-2:], 1)[-1],
        "sma_20": mean,
        "sma_50": sma_50,
        "ema_12": talib.EMA(close, 12)[-1],
        "ema_26": talib.EMA(close, 26)[-1],
        "macd": macd[-1],
        "macd_signal": signal[-1],
        "macd_hist": histogram[-1],
        "rsi_14": talib.RSI(close, 14)[-1],
        "atr_14": talib.ATR(high, low, close, 14)[-1],
        "adx_14": talib.ADX(high, low, close, 14)[-1],
        "bollinger_upper": upper[-1],
        "bollinger_lower": lower[-1],
        "z_score_20": (last - mean) / deviation if deviation > 0 else 0.0,
        "volatility_20d": talib.STDDEV(talib.ROCP(close[-21:], 1)[1:], 20)[-1] * math.sqrt(252),
        "slope_20d": 100 * talib.LINEARREG_SLOPE(recent, 20)[-1] / mean,
        "new_high_20d": bool(last >= talib.MAX(recent, 20)[-1]),
        "new_low_20d": bool(last <= talib.MIN(recent, 20)[-1]),
        "volume_ratio_20": volume[-1] / traded if traded > 0 else 0.0,
        "liquidity_score": log_liquidity(talib.SMA(recent * volume[-20:], 20)[-1]),
        "vix_level": vix_level,
        "breadth_50dma": breadth,
        "sma_fast": mean / last,
        "sma_slow": sma_50 / last,
    }
