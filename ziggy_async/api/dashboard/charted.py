"""The chart of one ticker: all of it first, then the bars that have come since."""

from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass

import numpy as np

from ziggy_async.api.dashboard.shared import Shared
from ziggy_async.api.dashboard.watchlist import fault_of, signals_of
from ziggy_async.api.events import Event, event
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.charts.series import ChartFormulas
from ziggy_async.store import symbol_of

BARS = 500
"""Bars of a chart."""


@dataclass(frozen=True)
class AskedChart:
    """`overlays` are drawn over the candles, each of `panes` below them."""

    ticker: str
    overlays: tuple[str, ...] = ()
    panes: tuple[str, ...] = ()


class ChartFollower:
    """The chart of one page: what it has been sent, and what is new."""

    def __init__(self, market: WatchedMarket, shared: Shared, asked: AskedChart) -> None:
        self._market = market
        self._shared = shared
        self._asked = asked
        self._sent: np.datetime64 | None = None  # the time of the last bar
        self._loaded: Hashable = None  # of the store; another one, and bars that were sent may have changed
        self._version: Hashable = None

    async def news(self) -> AsyncIterator[Event]:
        """The events that make the page's chart what it is now, if it is not."""
        version = self._market.version()
        if version == self._version:
            return
        stats = self._market.store.stats()
        loaded = stats["loaded"], stats["dropped"], stats["symbols"]
        start = self._sent if loaded == self._loaded else None
        chart, last = await self._shared.get((self._asked, start), version, lambda: self._made(start))
        if last is None and start is not None:  # its bars are gone
            chart, last = await self._shared.get((self._asked, None), version, lambda: self._made(None))
        self._version, self._loaded, self._sent = version, loaded, last
        yield chart

    async def _made(self, start: np.datetime64 | None) -> tuple[Event, np.datetime64 | None]:
        """The event, of the bars from `start` on, and the time of the last bar."""
        store, asked = self._market.store, self._asked
        texts = {*asked.overlays, *asked.panes}
        errors = {text: fault for text in texts if (fault := await fault_of(text, store)) is not None}
        overlays, panes = ([text for text in group if text not in errors] for group in (asked.overlays, asked.panes))
        formulas = ChartFormulas(overlays, panes)
        ticker = symbol_of(store, asked.ticker)
        series = await formulas.series_async(ticker, store, BARS, start)
        signals = await signals_of(self._market, [ticker])
        body = {**series.to_dict(), "errors": errors, "signal": signals.get(ticker), "markers": []}
        name = "chart" if start is None else "bars"
        return await event(name, body), series.timestamps[-1] if len(series) else None
