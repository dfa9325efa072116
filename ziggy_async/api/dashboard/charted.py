"""The chart of one ticker: all of it first, then the bars that have come since."""

from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from fastapi import HTTPException

from ziggy_async.api import limits
from ziggy_async.api.dashboard.shared import Shared
from ziggy_async.api.dashboard.watchlist import fault_of, signals_of
from ziggy_async.api.events import Event, event
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.charts.chart import markers_of
from ziggy_async.charts.series import ChartFormulas
from ziggy_async.market_brain.signal_history import signal_history_async
from ziggy_async.store import symbol_of

BARS = 500
"""Bars of a chart."""
MOST_SYMBOLS = 2_000
"""Symbols of a store in which past signals are marked: the regime of each bar's time is read from all of them."""


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
        self._first: np.datetime64 | None = None  # the time of the first bar that was sent
        self._sent: np.datetime64 | None = None  # the time of the last one
        self._loaded: Hashable = None  # of the store; another one, and bars that were sent may have changed
        self._version: Hashable = None

    async def news(self) -> AsyncIterator[Event]:
        """Yields the events that make the page's chart what it is now, if it is not."""
        version = self._market.version()
        if version == self._version:
            return
        stats = self._market.store.stats()
        loaded = stats["loaded"], stats["dropped"], stats["symbols"], stats["labelled"]
        shown = (self._first, self._sent) if loaded == self._loaded else (None, None)
        chart, first, last = await self._shared.get((self._asked, *shown), version, lambda: self._made(*shown))
        if last is None and shown != (None, None):  # its bars are gone
            chart, first, last = await self._shared.get((self._asked, None, None), version, lambda: self._made())
        self._version, self._loaded, self._first, self._sent = version, loaded, first, last
        yield chart

    async def _made(
        self, first: np.datetime64 | None = None, start: np.datetime64 | None = None
    ) -> tuple[Event, np.datetime64 | None, np.datetime64 | None]:
        """Returns the event, of the bars from `start` on of a chart that begins at `first`; the chart's first and last
        time."""
        store, asked = self._market.store, self._asked
        ticker = symbol_of(store, asked.ticker)
        formulas, errors = await self._formulas(ticker)
        series = await formulas.series_async(ticker, store, BARS, start)
        times = series.timestamps
        if first is None and len(times):
            first = times[0]
        body = {
            **series.to_dict(),
            "errors": errors,
            "signal": (await signals_of(self._market, [ticker])).get(ticker),
            "markers": await self._markers(ticker, first) if len(times) else (),
        }
        return await event("chart" if start is None else "bars", body), first, times[-1] if len(times) else None

    async def _formulas(self, ticker: str) -> tuple[ChartFormulas, dict[str, Any]]:
        """Returns the formulas to draw, and the faults of those that cannot be drawn."""
        store, asked = self._market.store, self._asked
        texts = {*asked.overlays, *asked.panes}
        errors = {text: fault for text in texts if (fault := await fault_of(text, store)) is not None}
        overlays, panes = ([text for text in group if text not in errors] for group in (asked.overlays, asked.panes))
        try:
            formulas = await limits.reading(partial(ChartFormulas, overlays, panes), [*overlays, *panes])
            await limits.check_work(formulas.features, store, [ticker], BARS)
        except HTTPException as refusal:  # more work than may be asked for
            return ChartFormulas(), {
                text: {"message": str(refusal.detail), "start": 0, "end": len(text)} for text in texts
            } | errors
        return formulas, errors

    async def _markers(self, ticker: str, first: np.datetime64 | None) -> list[dict[str, Any]]:
        """Returns the signals of the past, from the first bar of the chart on."""
        store = self._market.store
        if len(store) > MOST_SYMBOLS:
            return []
        past = await signal_history_async([ticker], store, first, generator=self._market.generator)
        markers = markers_of(past.timestamps, past["direction"], past["signal_type"], past["confidence"])
        return [marker._asdict() for marker in markers]
