"""The application's way: pandas for one ticker at a time, as an experienced user of pandas writes it."""

import math
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rules import breadth_of, log_liquidity, vix_of

WINDOW = np.arange(20) - 9.5
"""Bars of a window about their mean, for the least-squares slope."""


def market_of(bars: dict[str, dict[str, Any]]) -> tuple[float, float | None]:
    """^VIX and breadth, figured once for all tickers: `(vix_level, breadth_50dma)`."""
    above = [
        columns["close"][-1] > pd.Series(columns["close"]).rolling(50).mean().iloc[-1]
        for symbol, columns in bars.items()
        if not symbol.startswith("^") and len(columns["close"]) >= 50
    ]
    return vix_of(bars), breadth_of(above)


def frame_of(columns: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(columns).set_index("timestamp")


def features(frame: pd.DataFrame, vix_level: float, breadth: float | None) -> dict[str, Any]:
    """The 26 figures of a ticker's last bar."""
    close, volume = frame["close"], frame["volume"]
    window = close.rolling(20)
    mean, deviation = window.mean().iloc[-1], window.std(ddof=0).iloc[-1]
    sma_50 = close.rolling(50).mean().iloc[-1]
    last, recent = close.iloc[-1], close.iloc[-20:]
    traded = volume.rolling(20).mean().iloc[-1]
    ema_12, ema_26, macd, signal = convergence(close)
    return {
        "close": last,
        "volume": volume.iloc[-1],
        "price_change_1d": 100 * close.pct_change().iloc[-1],
        "sma_20": mean,
        "sma_50": sma_50,
        "ema_12": ema_12,
        "ema_26": ema_26,
        "macd": macd,
        "macd_signal": signal,
        "macd_hist": macd - signal,
        "rsi_14": relative_strength(close),
        **ranges(frame),
        "bollinger_upper": mean + 2 * deviation,
        "bollinger_lower": mean - 2 * deviation,
        "z_score_20": (last - mean) / deviation if deviation > 0 else 0.0,
        "volatility_20d": close.pct_change().rolling(20).std(ddof=0).iloc[-1] * math.sqrt(252),
        "slope_20d": 100 * float(WINDOW @ recent.to_numpy()) / float(WINDOW @ WINDOW) / mean,
        "new_high_20d": bool(last >= recent.max()),
        "new_low_20d": bool(last <= recent.min()),
        "volume_ratio_20": volume.iloc[-1] / traded if traded > 0 else 0.0,
        "liquidity_score": log_liquidity((close * volume).rolling(20).mean().iloc[-1]),
        "vix_level": vix_level,
        "breadth_50dma": breadth,
        "sma_fast": mean / last,
        "sma_slow": sma_50 / last,
    }


def seeded(values: pd.Series, length: int, alpha: float) -> pd.Series:
    """Exponential smoothing that starts from the mean of the first `length` values."""
    values = values.dropna()
    start = pd.Series([values.iloc[:length].mean()], index=[values.index[length - 1]])
    return pd.concat([start, values.iloc[length:]]).ewm(alpha=alpha, adjust=False).mean()


def convergence(close: pd.Series) -> tuple[float, float, float, float]:
    """EMA 12 and 26, MACD(12, 26, 9) and its signal line. MACD seeds its fast average where its slow one begins."""
    ema_12, ema_26 = seeded(close, 12, 2 / 13), seeded(close, 26, 2 / 27)
    macd = seeded(close.iloc[14:], 12, 2 / 13) - ema_26
    signal = seeded(macd, 9, 2 / 10)
    return ema_12.iloc[-1], ema_26.iloc[-1], macd.iloc[-1], signal.iloc[-1]


def relative_strength(close: pd.Series) -> float:
    change = close.diff()
    gain = seeded(change.clip(lower=0), 14, 1 / 14).iloc[-1]
    loss = seeded(-change.clip(upper=0), 14, 1 / 14).iloc[-1]
    return 100 * gain / (gain + loss) if gain + loss > 0 else 50.0


def ranges(frame: pd.DataFrame) -> dict[str, float]:
    """ATR 14 and ADX 14."""
    high, low, before = frame["high"], frame["low"], frame["close"].shift()
    true_range = (np.maximum(high, before) - np.minimum(low, before)).iloc[1:]
    up, down = high.diff(), -low.diff()
    rises = up.where((up > down) & (up > 0), 0.0).iloc[1:]
    falls = down.where((down > up) & (down > 0), 0.0).iloc[1:]
    total, rising, falling = (wilder_sum(moves) for moves in (true_range, rises, falls))
    plus, minus = 100 * rising / total, 100 * falling / total
    strength = (100 * (plus - minus).abs() / (plus + minus)).iloc[1:]
    return {
        "atr_14": seeded(true_range, 14, 1 / 14).iloc[-1],
        "adx_14": seeded(strength, 14, 1 / 14).iloc[-1],
    }


def wilder_sum(values: pd.Series) -> pd.Series:
    """Wilder's running sum over 14: it starts from the sum of the first 13 values, then loses a fourteenth of itself
    each bar. As an exponential mean: 14 times the smoothing of the values from that start."""
    start = pd.Series([values.iloc[:13].sum() / 14], index=[values.index[12]])
    return 14 * pd.concat([start, values.iloc[13:]]).ewm(alpha=1 / 14, adjust=False).mean()
