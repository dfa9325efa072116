"""Regime and signal rules, from the contract's sentences, over the features of a ticker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]

PARAMETERS: dict[str, float] = {
    "mr_rsi_oversold": 30, "mr_rsi_overbought": 70, "mr_z_score_long": -1.5, "mr_z_score_short": 1.5,
    "mom_breakout_periods": 20, "mom_volume_multiplier": 1.5, "mom_trend_strength": 0.5, "stop_loss_atr_multiple": 2.0,
    "take_profit_atr_multiple": 3.0, "max_holding_days": 5,
}  # fmt: skip
WIN_RATES = {
    "MeanReversion": {"Chop": 0.65, "RiskOn": 0.60, "RiskOff": 0.55, "Panic": 0.45},
    "Momentum": {"RiskOn": 0.70, "Chop": 0.55, "RiskOff": 0.45, "Panic": 0.30},
}
MOST_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Call:
    """What a rule says; prices in those of the bars."""

    direction: str
    confidence: float
    signal_type: str
    horizon: str
    entry: float
    stop: float
    target: float


def regime(figures: Figures | None) -> tuple[str, float]:
    """Regime and confidence from the features of SPY."""
    if figures is None:
        return "Chop", 0.3
    if figures["vix_level"] > 30.0 or figures["price_change_1d"] < -3.0:
        return "Panic", 0.9
    breadth = figures["breadth_50dma"]
    if breadth is not None and breadth < 40.0 and figures["slope_20d"] < 0.0:
        return "RiskOff", 0.75
    if breadth is not None and breadth > 60.0 and figures["slope_20d"] > 0.0:
        return "RiskOn", 0.75
    return "Chop", 0.6


def mean_reversion(figures: Figures, market: str, parameters: Mapping[str, float] = PARAMETERS) -> Call | None:
    rsi, z, rate = figures["rsi_14"], figures["z_score_20"], WIN_RATES["MeanReversion"][market]
    if market == "Panic":
        return None
    oversold = parameters["mr_rsi_oversold"]
    if rsi < oversold and z < parameters["mr_z_score_long"]:
        strength = 0.5 + 0.25 * (oversold - rsi) / oversold + 0.25 * abs(z) / 2.0
        confidence = min(MOST_CONFIDENCE, rate * strength)
        return _call(figures, parameters, "LONG", confidence, "MeanReversion", "3D")
    overbought = rsi > parameters["mr_rsi_overbought"] and z > parameters["mr_z_score_short"]
    if overbought and market in ("RiskOn", "Chop"):
        return _call(figures, parameters, "SHORT", 0.8 * rate, "MeanReversion", "3D")
    return None


def momentum(figures: Figures, market: str, parameters: Mapping[str, float] = PARAMETERS) -> Call | None:
    rising = figures["close"] > figures["sma_20"] > figures["sma_50"]
    steep = figures["slope_20d"] > parameters["mom_trend_strength"]
    if market not in ("RiskOn", "Chop") or not (figures["new_high_20d"] and rising and steep):
        return None
    confidence = WIN_RATES["Momentum"][market] * (0.7 + 0.3 * min(figures["slope_20d"] / 2.0, 1.0))
    return _call(figures, parameters, "LONG", confidence, "Momentum", "5D")


def signal(figures: Figures, market: str, parameters: Mapping[str, float] = PARAMETERS) -> Call | None:
    """Both rules; the more confident one stands, and one that the other confirms is raised."""
    calls = [call for rule in (mean_reversion, momentum) if (call := rule(figures, market, parameters)) is not None]
    if not calls:
        return None
    best = max(calls, key=lambda call: call.confidence)
    if len(calls) == 2 and calls[0].direction == calls[1].direction:
        confidence = min(MOST_CONFIDENCE, best.confidence + 0.1)
        return _call(figures, parameters, best.direction, confidence, "Combined", best.horizon)
    return best


def _call(
    figures: Figures, parameters: Mapping[str, float], direction: str, confidence: float, kind: str, horizon: str
) -> Call:
    entry, side = figures["close"], 1.0 if direction == "LONG" else -1.0
    risk = side * parameters["stop_loss_atr_multiple"] * figures["atr_14"]
    reward = side * parameters["take_profit_atr_multiple"] * figures["atr_14"]
    return Call(direction, confidence, kind, horizon, entry, entry - risk, entry + reward)
