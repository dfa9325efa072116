"""Features of the paper-trading feed: a window of ticks per symbol, and the figures over it.

The feed is not a calendar: ticks of equal or older timestamps are appended as they come. Fields of a symbol's last tick
that the features repeat come back as they went in: the timestamp in its zone, or without one, and whole numbers whole.
"""

import numbers
import operator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

import numpy as np

from ziggy_async import _core, bridge
from ziggy_async.arguments import whole
from ziggy_async.features.figures import Figures
from ziggy_async.messages import printable, shown
from ziggy_async.metrics import CountedFunction
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
    sma_5: float = 0.0
    sma_20: float = 0.0
    sma_50: float = 0.0
    rsi: float = 50.0
    bollinger_upper: float = 0.0
    bollinger_lower: float = 0.0
    atr: float = 0.0
    vol_regime: str = "normal"
    trend_regime: str = "sideways"
    bid_ask_spread: float = 0.0
    order_flow_imbalance: float = 0.0
    news_sentiment: float = 0.0
    news_urgency: float = 0.0
    spy_correlation: float = 0.0
    sector_momentum: float = 0.0


_core.register("MarketFeatures", MarketFeatures)


FIGURES = Figures(_core.PAPER_FORMULAS)

_OBSERVED = operator.attrgetter("symbol", "timestamp", "open_price", "high", "low", "close", "volume")

REPEATED = {"close": "price", "open_price": "open_price", "high": "high", "low": "low", "volume": "volume"}
"""The figures of an observation that its features repeat, and what they call them."""


class _Form(NamedTuple):
    """The form in which a symbol's last observation came, as far as the store does not keep it."""

    zone: tzinfo | None
    """The zone of its timestamp; None: as the store answers, in UTC or without a zone."""
    whole: tuple[str, ...]
    """The fields of `MarketFeatures` that are whole numbers."""

    @classmethod
    def of(cls, observation: PriceData) -> "_Form | None":
        """Returns the form of an observation, None where the store answers in that form by itself."""
        zone = getattr(observation.timestamp, "tzinfo", None)
        whole = tuple(field for name, field in REPEATED.items() if _is_whole(getattr(observation, name)))
        return cls(zone, whole) if whole or zone not in (None, UTC) else None

    def given_to(self, features: MarketFeatures) -> MarketFeatures:
        """Returns the features in this form, as far as they can have it: another thread may have fed what came in
        another."""
        if self.zone is not None and features.timestamp.tzinfo is not None:
            features.timestamp = features.timestamp.astimezone(self.zone)
        for name in self.whole:
            figure = getattr(features, name)
            if figure.is_integer():
                setattr(features, name, int(figure))
        return features


def _is_whole(value: object) -> bool:
    return type(value) is not float and isinstance(value, numbers.Integral)


class FeatureComputer:
    """The last `window_size` observations of each symbol, and the features over them. Safe from any thread.

    A copy, and what is unpickled, has the same observations, and goes its own way from there.
    """

    def __init__(self, window_size: int = 200, *, bars_per_year: float = 252) -> None:
        """`window_size`: observations kept a symbol. Raises `ValueError` below 1, `TypeError` unless it is a whole
        number. `bars_per_year`: what vol_regime scales the volatility by, from 1 to 1e9."""
        kept = whole("window_size", window_size)
        try:
            self._store = _core.BarStore(kept, ordered=False, bars_per_year=bars_per_year)
        except ValueError as error:
            raise ValueError(str(error).replace("capacity must", f"window_size: {shown(kept)}: it must")) from None
        self._plan = FIGURES.plan(bars_per_year)
        self._forms: dict[str, _Form] = {}  # of the symbols that have one

    def __repr__(self) -> str:
        return f"<FeatureComputer symbols={len(self._store)} window_size={self._store.capacity}>"

    def __getstate__(self) -> dict[str, Any]:
        symbols = {symbol: self._store.bars(symbol) for symbol in self._store.symbols()}
        naive = {symbol for symbol in symbols if self._is_naive(symbol)}
        made = {"window_size": self._store.capacity, "bars_per_year": self._store.bars_per_year}
        return {"made": made, "symbols": symbols, "naive": naive, "forms": dict(self._forms)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["made"])  # type: ignore[misc]
        self._forms = state["forms"]
        for symbol, bars in state["symbols"].items():
            times, *figures = bars.values()
            appended = 1 if symbol in state["naive"] else 0  # the last one alone says that there is no zone
            loaded = len(times) - appended
            if loaded:
                opens, highs, lows, closes, volumes = (column[:loaded] for column in figures)
                nanoseconds, further = times[:loaded].astype(np.int64), np.empty((0, loaded))
                self._store._load_rows(symbol, nanoseconds, opens, highs, lows, closes, volumes, further, False)
            if appended:
                time = times[-1].astype("datetime64[us]").item()
                self._store.append(symbol, time, *(column[-1] for column in figures))

    def add_price_data(self, price_data: PriceData) -> None:
        """Appends one observation. Raises `ValueError` naming symbol, column, value unless prices are finite and
        positive; `TypeError` for what lacks a field of `PriceData`."""
        try:
            observed = _OBSERVED(price_data)
        except AttributeError as error:
            raise TypeError(f"price_data: {shown(price_data)} is not a PriceData: {printable(str(error))}") from None
        self._store.append(*observed)
        form = _Form.of(price_data)
        if form is not None:
            self._forms[price_data.symbol] = form
        else:
            self._forms.pop(price_data.symbol, None)

    def compute_features(self, symbol: str) -> MarketFeatures | None:
        """Returns the features of `symbol` now, computed in the calling thread; None when there are no bars of it."""
        return self._in_form(symbol, _core.paper_features(self._store, self._plan, symbol))

    async def compute_features_async(self, symbol: str) -> MarketFeatures | None:
        """Returns the same, computed off the loop."""
        loop, port = bridge.port()
        return self._in_form(symbol, await port.paper_features(loop, self._store, self._plan, symbol))

    def _is_naive(self, symbol: str) -> bool:
        """Returns whether its last timestamp had no zone."""
        features = _core.paper_features(self._store, self._plan, symbol)
        return features is not None and features.timestamp.tzinfo is None

    def _in_form(self, symbol: str, features: MarketFeatures | None) -> MarketFeatures | None:
        form = self._forms.get(symbol)
        return features if form is None or features is None else form.given_to(features)


_counted = CountedFunction("compute_features_async")

feature_computer = FeatureComputer()
"""The process's own feed, which `compute_features_async` reads."""


async def compute_features_async(symbol: str) -> MarketFeatures | None:
    """Returns the features of `symbol` in the module's `feature_computer`, computed off the loop; None without bars."""
    # Not through the method: calls less on a path that is awaited ten thousand times at once.
    computer = feature_computer
    loop, port = bridge.port()
    found = await port.paper_features(loop, computer._store, computer._plan, symbol, _counted.tally)
    return computer._in_form(symbol, found) if computer._forms else found
