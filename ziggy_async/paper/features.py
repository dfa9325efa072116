"""Features of the paper-trading feed: a window of ticks per symbol, and the figures over it.

The feed is not a calendar: ticks of equal or older timestamps are appended as they come. A symbol's timestamps
come back as they went in: without a zone when the last datetime that was fed for it had none, else in UTC.
"""

from dataclasses import dataclass
from datetime import datetime

from ziggy_async import _core, bridge
from ziggy_async.messages import shown
from ziggy_async.reading import timestamps  # noqa: F401 - timestamps registers what reads the rarer timestamps

__all__ = ["FeatureComputer", "MarketFeatures", "PriceData", "compute_features_async", "feature_computer"]


@dataclass
class PriceData:
    """One observation: prices are finite and positive, a timestamp without a zone is UTC."""

    timestamp: datetime
    symbol: str
    open_price: float
    high: float
    low: float
    close: float
    volume: float


@dataclass
class MarketFeatures:
    """The figures over a symbol's window; `timestamp` to `volume` are those of its last observation.

    A figure whose window is not full yet is 0.0 (rsi: 50.0, vol_regime: "normal", trend_regime: "sideways").
    """

    symbol: str
    timestamp: datetime
    price: float
    open_price: float
    high: float
    low: float
    volume: float
    sma_5: float
    sma_20: float
    sma_50: float
    rsi: float
    bollinger_upper: float
    bollinger_lower: float
    atr: float
    vol_regime: str
    trend_regime: str
    bid_ask_spread: float
    order_flow_imbalance: float
    news_sentiment: float
    news_urgency: float
    spy_correlation: float
    sector_momentum: float


_core.register("MarketFeatures", MarketFeatures)


class FeatureComputer:
    """The last `window_size` observations of each symbol, and the features over them. Safe from any thread."""

    def __init__(self, window_size: int = 200) -> None:
        """`window_size`: observations kept a symbol; `ValueError` below 1, `TypeError` for what is no whole number."""
        try:
            self._store = _core.BarStore(window_size, ordered=False)
        except ValueError as error:
            raise ValueError(
                f"window_size: {shown(window_size)}: {error}".replace("capacity must", "it must")
            ) from None
        except TypeError:
            kind = type(window_size).__name__
            raise TypeError(f"window_size: {shown(window_size)} is a {kind}, not a whole number") from None

    def add_price_data(self, price_data: PriceData) -> None:
        """Appends one observation. `ValueError` naming symbol, column, value unless prices are finite and positive."""
        self._store.append(
            price_data.symbol,
            price_data.timestamp,
            price_data.open_price,
            price_data.high,
            price_data.low,
            price_data.close,
            price_data.volume,
        )

    def compute_features(self, symbol: str) -> MarketFeatures | None:
        """The features of `symbol` now, computed in the calling thread; None when there are no bars of it."""
        return _core.paper_features(self._store, symbol)

    async def compute_features_async(self, symbol: str) -> MarketFeatures | None:
        """The same, computed off the loop."""
        loop, port = bridge.port()
        features: MarketFeatures | None = await port.paper_features(loop, self._store, symbol)
        return features


feature_computer = FeatureComputer()
"""The process's own feed, which `compute_features_async` reads."""


async def compute_features_async(symbol: str) -> MarketFeatures | None:
    """The features of `symbol` in the module's `feature_computer`, computed off the loop; None without bars."""
    # Not through the method: a call less on a path that is awaited ten thousand times at once.
    loop, port = bridge.port()
    features: MarketFeatures | None = await port.paper_features(loop, feature_computer._store, symbol)
    return features
