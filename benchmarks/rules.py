"""The rules of the signals in plain Python, for both of the other ways, and what they need to know of the market."""

import math
from typing import Any

REGIMES = ("Panic", "RiskOff", "Chop", "RiskOn")
REVERSION_WINS = {"Chop": 0.65, "RiskOn": 0.60, "RiskOff": 0.55, "Panic": 0.45}
MOMENTUM_WINS = {"RiskOn": 0.70, "Chop": 0.55, "RiskOff": 0.45, "Panic": 0.30}

Decision = tuple[str, float, float, float] | None
"""Direction, confidence, stop and target; None without a signal."""


def vix_of(bars: dict[str, dict[str, Any]]) -> float:
    """Last close of ^VIX, else of VIX, else 20."""
    for symbol in ("^VIX", "VIX"):
        if symbol in bars:
            return float(bars[symbol]["close"][-1])
    return 20.0


def breadth_of(above: list[bool]) -> float | None:
    """Percent of tickers above their mean of 50; None without tickers."""
    return 100 * sum(map(bool, above)) / len(above) if above else None


def log_liquidity(traded: float) -> float:
    """Mean of close * volume on a scale from 1e5 (0) to 1e10 (1)."""
    return min(max((math.log10(traded) - 5) / 5, 0.0), 1.0) if traded > 0 else 0.0


def regime_of(spy: dict[str, Any]) -> str:
    breadth, slope = spy["breadth_50dma"], spy["slope_20d"]
    if spy["vix_level"] > 30 or spy["price_change_1d"] < -3:
        return "Panic"
    if breadth is not None and breadth < 40 and slope < 0:
        return "RiskOff"
    if breadth is not None and breadth > 60 and slope > 0:
        return "RiskOn"
    return "Chop"


def decide(values: dict[str, Any], regime: str) -> Decision:
    """The signal of one ticker; with the contract's parameters both rules can fire only in opposite directions."""
    found = [signal for signal in (mean_reversion(values, regime), momentum(values, regime)) if signal]
    if not found:
        return None
    direction, confidence = max(found, key=lambda signal: signal[1])
    sign = 1 if direction == "LONG" else -1
    close, reach = values["close"], values["atr_14"]
    return direction, confidence, close - sign * 2 * reach, close + sign * 3 * reach


def mean_reversion(values: dict[str, Any], regime: str) -> tuple[str, float] | None:
    rsi, z_score, win = values["rsi_14"], values["z_score_20"], REVERSION_WINS[regime]
    if regime == "Panic":
        return None
    if rsi < 30 and z_score < -1.5:
        return "LONG", min(0.95, win * (0.5 + 0.25 * (30 - rsi) / 30 + 0.25 * abs(z_score) / 2))
    if rsi > 70 and z_score > 1.5 and regime in {"RiskOn", "Chop"}:
        return "SHORT", 0.8 * win
    return None


def momentum(values: dict[str, Any], regime: str) -> tuple[str, float] | None:
    slope = values["slope_20d"]
    rising = values["close"] > values["sma_20"] > values["sma_50"]
    if regime in {"RiskOn", "Chop"} and values["new_high_20d"] and rising and slope > 0.5:
        return "LONG", MOMENTUM_WINS[regime] * (0.7 + 0.3 * min(slope / 2, 1))
    return None
