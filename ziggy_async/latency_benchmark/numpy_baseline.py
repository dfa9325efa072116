"""The baseline of comparisons: the features and the signal of one ticker in plain NumPy, as an application writes them
that computes where it stands.

Definitions and rules are those of the package, so that both ways give the same figures.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.market_brain.regime import RegimeState
from ziggy_async.market_brain.signals import DEFAULT_PARAMETERS, DEFAULT_WIN_RATES, SignalType

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]
Figures = Mapping[str, Any]

BARS_PER_YEAR = 252
WINDOW = np.arange(20) - 9.5
"""Bars of a window about their mean, for the least-squares slope."""

LIMITS = DEFAULT_PARAMETERS
MOST_CONFIDENCE = 0.95


def market_of(bars: Mapping[str, Columns]) -> tuple[float, float | None]:
    """Returns the figures of the market: the last close of ^VIX, and the percentage of tickers above their mean of 50.

    20.0 without ^VIX and VIX, None without a ticker of 50 bars; symbols that begin with "^" are not tickers.
    """
    vix = next((float(bars[symbol]["close"][-1]) for symbol in ("^VIX", "VIX") if symbol in bars), 20.0)
    closes = [columns["close"][-50:] for symbol, columns in bars.items() if not symbol.startswith("^")]
    above = [close[-1] > close.mean() for close in closes if len(close) == 50]
    return vix, 100.0 * sum(map(bool, above)) / len(above) if above else None


def features(bars: Columns, vix_level: float, breadth: float | None) -> dict[str, Any]:
    """Returns the 26 figures of a ticker's last bar. `bars`: at least 50 of them, oldest first."""
    close, volume = bars["close"], bars["volume"]
    last, recent, traded = float(close[-1]), close[-20:], volume[-20:]
    sma_20, sma_50, deviation = float(recent.mean()), float(close[-50:].mean()), float(recent.std())
    macd, macd_signal = convergence(close)
    returns = np.diff(close[-21:]) / close[-21:-1]
    return {
        "close": last,
        "volume": float(volume[-1]),
        "price_change_1d": 100.0 * (last - float(close[-2])) / float(close[-2]),
        "sma_20": sma_20,
        "sma_50": sma_50,
        "ema_12": smoothed_to_last(close, 12, 2 / 13),
        "ema_26": smoothed_to_last(close, 26, 2 / 27),
        "macd": macd,
        "macd_signal": macd_signal,
        "macd_hist": macd - macd_signal,
        "rsi_14": relative_strength(close),
        "atr_14": average_range(bars),
        "adx_14": directional_movement(bars),
        "bollinger_upper": sma_20 + 2.0 * deviation,
        "bollinger_lower": sma_20 - 2.0 * deviation,
        "z_score_20": (last - sma_20) / deviation if deviation > 0 else 0.0,
        "volatility_20d": float(returns.std()) * math.sqrt(BARS_PER_YEAR),
        "slope_20d": 100.0 * float(WINDOW @ recent) / float(WINDOW @ WINDOW) / sma_20,
        "new_high_20d": bool(last >= recent.max()),
        "new_low_20d": bool(last <= recent.min()),
        "volume_ratio_20": float(volume[-1] / traded.mean()) if traded.any() else 0.0,
        "liquidity_score": liquidity(float((recent * traded).mean())),
        "vix_level": vix_level,
        "breadth_50dma": breadth,
        "sma_fast": sma_20 / last,
        "sma_slow": sma_50 / last,
    }


def smoothed(values: Floats, length: int, weight: float) -> Floats:
    """Returns exponential averages, from the mean of the first `length` values on; each new value enters with `weight`.

    An average is the sum of what has entered, each less by (1 - weight) for every value since: a convolution.
    """
    entering = np.concatenate([[values[:length].mean()], weight * values[length:]])
    return np.convolve(entering, faded(len(entering), weight))[: len(entering)]


def smoothed_to_last(values: Floats, length: int, weight: float) -> float:
    """Returns the last of `smoothed`."""
    entering = np.concatenate([[values[:length].mean()], weight * values[length:]])
    return float(entering[::-1] @ faded(len(entering), weight))


def faded(count: int, weight: float) -> Floats:
    """Returns the weight of a value 0, 1, 2 ... bars after it entered."""
    return np.asarray((1.0 - weight) ** np.arange(count))


def convergence(close: Floats) -> tuple[float, float]:
    """Returns MACD(12, 26, 9) and its signal line. The fast average begins where the slow one does, its seed ends
    there."""
    macd = smoothed(close[14:], 12, 2 / 13) - smoothed(close, 26, 2 / 27)
    return float(macd[-1]), smoothed_to_last(macd, 9, 2 / 10)


def relative_strength(close: Floats) -> float:
    change = np.diff(close)
    gain = smoothed_to_last(np.maximum(change, 0.0), 14, 1 / 14)
    loss = smoothed_to_last(np.maximum(-change, 0.0), 14, 1 / 14)
    return 100.0 * gain / (gain + loss) if gain + loss > 0 else 50.0


def average_range(bars: Columns) -> float:
    """Returns ATR 14."""
    before = bars["close"][:-1]
    true_range = np.maximum(bars["high"][1:], before) - np.minimum(bars["low"][1:], before)
    return smoothed_to_last(true_range, 14, 1 / 14)


def directional_movement(bars: Columns) -> float:
    """Returns ADX 14. A bar of no movement at all leaves it as it was."""
    up, down = np.diff(bars["high"]), -np.diff(bars["low"])
    plus = wilder_sums(np.where((up > down) & (up > 0), up, 0.0))
    minus = wilder_sums(np.where((down > up) & (down > 0), down, 0.0))
    moves = plus + minus
    index = np.divide(100.0 * np.abs(plus - minus), moves, out=np.zeros_like(moves), where=moves > 0)
    later = index[14:][moves[14:] > 0]
    return smoothed_to_last(np.concatenate([index[:14], later]), 14, 1 / 14)


def wilder_sums(values: Floats) -> Floats:
    """Wilder's running sums over 14, from the 14th value on. They start from the sum of the first 13, and each new
    value pushes a fourteenth of the sum out."""
    entering = np.concatenate([[values[:13].sum()], values[13:]])
    return np.convolve(entering, faded(len(entering), 1 / 14))[1 : len(entering)]


def liquidity(turnover: float) -> float:
    """Returns the mean of close * volume on a scale of logarithms, from 1e5 (0) to 1e10 (1)."""
    return min(max((math.log10(turnover) - 5.0) / 5.0, 0.0), 1.0) if turnover > 0 else 0.0


def regime_of(spy: Figures) -> str:
    """Returns the market's regime out of the features of SPY; the first rule that holds decides."""
    breadth, slope = spy["breadth_50dma"], spy["slope_20d"]
    if spy["vix_level"] > 30.0 or spy["price_change_1d"] < -3.0:
        return "Panic"
    if breadth is not None and breadth < 40.0 and slope < 0.0:
        return "RiskOff"
    if breadth is not None and breadth > 60.0 and slope > 0.0:
        return "RiskOn"
    return "Chop"


def signal(figures: Figures, regime: str) -> dict[str, Any] | None:
    """Returns the trade that the rules propose: direction, confidence, signal_type, time_horizon, entry, stop_loss and
    take_profit; None when neither fires. The more confident one of two stands, raised if the other agrees with it."""
    found = [proposal for proposal in (mean_reversion(figures, regime), momentum(figures, regime)) if proposal]
    if not found:
        return None
    best = max(found, key=lambda proposal: float(proposal["confidence"]))
    if len(found) == 2 and found[0]["direction"] == found[1]["direction"]:
        best = {**best, "signal_type": "Combined", "confidence": min(MOST_CONFIDENCE, best["confidence"] + 0.1)}
    side = 1.0 if best["direction"] == "LONG" else -1.0
    entry, reach = figures["close"], side * figures["atr_14"]
    stop_loss = entry - LIMITS["stop_loss_atr_multiple"] * reach
    take_profit = entry + LIMITS["take_profit_atr_multiple"] * reach
    return {**best, "entry": entry, "stop_loss": stop_loss, "take_profit": take_profit}


def mean_reversion(figures: Figures, regime: str) -> dict[str, Any] | None:
    """Signals against a move that has gone too far; never in a panic."""
    rsi, z_score, win_rate = (
        figures["rsi_14"],
        figures["z_score_20"],
        DEFAULT_WIN_RATES[SignalType.MEAN_REVERSION][RegimeState(regime)],
    )
    if regime == "Panic":
        return None
    oversold = LIMITS["mr_rsi_oversold"]
    if rsi < oversold and z_score < LIMITS["mr_z_score_long"]:
        strength = 0.5 + 0.25 * (oversold - rsi) / oversold + 0.25 * abs(z_score) / 2.0
        confidence = min(MOST_CONFIDENCE, win_rate * strength)
        return _proposal("LONG", confidence, "MeanReversion", "3D")
    too_high = rsi > LIMITS["mr_rsi_overbought"] and z_score > LIMITS["mr_z_score_short"]
    if too_high and regime in ("RiskOn", "Chop"):
        return _proposal("SHORT", 0.8 * win_rate, "MeanReversion", "3D")
    return None


def momentum(figures: Figures, regime: str) -> dict[str, Any] | None:
    """Signals with a steady rise that has just reached a new high."""
    slope = figures["slope_20d"]
    rising = figures["close"] > figures["sma_20"] > figures["sma_50"]
    if regime not in ("RiskOn", "Chop") or not (
        figures["new_high_20d"] and rising and slope > LIMITS["mom_trend_strength"]
    ):
        return None
    return _proposal(
        "LONG",
        DEFAULT_WIN_RATES[SignalType.MOMENTUM][RegimeState(regime)] * (0.7 + 0.3 * min(slope / 2.0, 1.0)),
        "Momentum",
        "5D",
    )


def _proposal(direction: str, confidence: float, signal_type: str, time_horizon: str) -> dict[str, Any]:
    return {
        "direction": direction,
        "confidence": confidence,
        "signal_type": signal_type,
        "time_horizon": time_horizon,
    }
