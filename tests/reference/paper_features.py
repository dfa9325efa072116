"""The paper features, from the contract's table of formulas."""

from datetime import UTC, datetime

import numpy as np

from reference.bars import Bars, Floats

FIELDS = (
    "symbol", "timestamp", "price", "open_price", "high", "low", "volume", "sma_5", "sma_20", "sma_50", "rsi",
    "bollinger_upper", "bollinger_lower", "atr", "vol_regime", "trend_regime", "bid_ask_spread",
    "order_flow_imbalance", "news_sentiment", "news_urgency", "spy_correlation", "sector_momentum",
)  # fmt: skip
"""In the order of the dataclass."""


def features(symbol: str, bars: Bars, spy: Bars | None = None) -> dict[str, object] | None:
    """`bars`: those in the window, oldest first; `spy`: SPY's, when the same computer has any."""
    if not len(bars):
        return None
    upper, lower = bollinger(bars.close)
    return {
        "symbol": symbol,
        "timestamp": datetime.fromtimestamp(int(bars.timestamp[-1]) / 1e9, UTC),
        "price": bars.close[-1],
        "open_price": bars.open[-1],
        "high": bars.high[-1],
        "low": bars.low[-1],
        "volume": bars.volume[-1],
        "sma_5": sma(bars.close, 5),
        "sma_20": sma(bars.close, 20),
        "sma_50": sma(bars.close, 50),
        "rsi": rsi(bars.close),
        "bollinger_upper": upper,
        "bollinger_lower": lower,
        "atr": atr(bars),
        "vol_regime": vol_regime(bars.close),
        "trend_regime": trend_regime(bars.close),
        "bid_ask_spread": bid_ask_spread(bars),
        "order_flow_imbalance": order_flow_imbalance(bars),
        "news_sentiment": 0.0,
        "news_urgency": 0.0,
        "spy_correlation": spy_correlation(symbol, bars.close, None if spy is None else spy.close),
        "sector_momentum": sector_momentum(bars.close),
    }


def sma(close: Floats, period: int) -> float:
    """0.0 while there are too few bars. About the last close, so that equal closes have exactly themselves as mean."""
    if len(close) < period:
        return 0.0
    return float(close[-1] + np.mean(close[-period:] - close[-1]))


def rsi(close: Floats) -> float:
    if len(close) < 15:
        return 50.0
    change = np.diff(close[-15:])
    gain, loss = np.mean(np.maximum(change, 0.0)), np.mean(np.maximum(-change, 0.0))
    return float(100.0 - 100.0 / (1.0 + gain / loss)) if loss > 0.0 else 100.0


def bollinger(close: Floats) -> tuple[float, float]:
    if len(close) < 20:
        return 0.0, 0.0
    mean, deviation = sma(close, 20), float(np.std(close[-20:] - close[-1]))
    return mean + 2.0 * deviation, mean - 2.0 * deviation


def atr(bars: Bars) -> float:
    if len(bars) < 15:
        return 0.0
    before, high, low = bars.close[-15:-1], bars.high[-14:], bars.low[-14:]
    ranges = np.maximum.reduce([high - low, np.abs(high - before), np.abs(low - before)])
    return float(np.mean(ranges))


def vol_regime(close: Floats) -> str:
    if len(close) < 20:
        return "normal"
    returns = simple_returns(close)[-min(20, len(close) - 1) :]
    deviation = float(np.std(returns) * np.sqrt(252.0))
    if deviation > 0.30:
        return "high"
    return "low" if deviation < 0.15 else "normal"


def trend_regime(close: Floats) -> str:
    if len(close) < 20:
        return "sideways"
    short, middle, long, price = sma(close, 5), sma(close, 20), sma(close, 50), close[-1]
    if price > short > middle > long:
        return "up"
    return "down" if price < short < middle < long else "sideways"


def bid_ask_spread(bars: Bars) -> float:
    high, low = float(bars.high[-1]), float(bars.low[-1])
    return 0.01 if high == low else min(0.05, 0.3 * (high - low) / float(bars.close[-1]))


def order_flow_imbalance(bars: Bars) -> float:
    if len(bars) < 2:
        return 0.0
    ratio = float(bars.volume[-1] / max(1.0, bars.volume[-2]))
    if bars.close[-1] > bars.close[-2]:
        return min(1.0, ratio - 1.0)
    return max(-1.0, 1.0 - ratio) if bars.close[-1] < bars.close[-2] else 0.0


def spy_correlation(symbol: str, close: Floats, spy: Floats | None) -> float:
    if symbol == "SPY" or symbol.startswith("^"):
        return 1.0
    without = 0.7 if len(close) >= 20 else 0.0
    if spy is None:
        return without
    count = min(20, len(close) - 1, len(spy) - 1)
    if count < 5:
        return without
    own, market = simple_returns(close)[-count:], simple_returns(spy)[-count:]
    if np.ptp(own) == 0.0 or np.ptp(market) == 0.0:
        return without
    return float(np.corrcoef(own, market)[0, 1])


def sector_momentum(close: Floats) -> float:
    if len(close) < 5:
        return 0.0
    return float(np.clip(10.0 * (close[-1] - close[-5]) / close[-5], -1.0, 1.0))


def simple_returns(close: Floats) -> Floats:
    return np.diff(close) / close[:-1]
