"""The endpoint of live features: the rows of tickers that change, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Annotated

import numpy as np
from fastapi import HTTPException, Query, Response
from numpy.typing import NDArray

from ziggy_async.api import limits
from ziggy_async.api.endpoints import EndpointGroup, Refusals
from ziggy_async.api.events import Event, EventStream, event
from ziggy_async.api.formulas import UNKNOWN, Formulas
from ziggy_async.api.models import LiveEvent
from ziggy_async.api.tables import rows_of
from ziggy_async.features import FeatureTable
from ziggy_async.features.live import LiveFeatures
from ziggy_async.messages import shortened
from ziggy_async.store import BarStore, symbol_of

POLL = 0.25
"""Seconds between two looks at whether the store has changed."""
MOST_STREAMS = 100
MOST_KEPT = 20_000_000
"""Bars that the windows and lags of all streams keep together: some 500 MB."""
LONGEST_LIST = 100
"""Characters of the tickers that a refusal names."""

Tickers = Annotated[list[str] | None, Query(description="As `SPY,MSFT`; may be repeated; without them, all there are")]


def add_to(group: EndpointGroup, store: Callable[[], BarStore]) -> None:
    refusals: Refusals = {**UNKNOWN, 429: "Too many streams, or streams that keep too many bars"}
    group.streams("/live", LiveEndpoint(store).live, LiveEvent, refusals)


class Streams:
    """The streams that are open, and the bars that they keep."""

    def __init__(self) -> None:
        self.count = 0
        self.kept = 0

    def place(self, kept: int) -> "Place":
        """Raises `HTTPException` when there is none."""
        if self.count >= MOST_STREAMS:
            raise HTTPException(429, f"streams: {self.count:,} are open, {MOST_STREAMS:,} are allowed")
        if self.kept + kept > MOST_KEPT:
            both = f"{kept:,} are asked for beside {self.kept:,} of other streams"
            raise HTTPException(429, f"bars in windows and lags of all tickers: {both}, {MOST_KEPT:,} are allowed")
        return Place(self, kept)


class Place:
    """The place of one stream, which is its own until nothing refers to this any more."""

    def __init__(self, streams: Streams, kept: int) -> None:
        self._streams = streams
        self._kept = kept
        streams.count += 1
        streams.kept += kept

    def __del__(self) -> None:
        self._streams.count -= 1
        self._streams.kept -= self._kept


class LiveEndpoint:
    """The docstrings are the documentation that clients see."""

    def __init__(self, store: Callable[[], BarStore]) -> None:
        self._store = store
        self._streams = Streams()

    async def live(self, formulas: Formulas, tickers: Tickers = None) -> Response:
        """Formulas at the last bar of each ticker, kept current: server-sent events.

        The first event `rows` has a row for each ticker, later ones have the rows that changed; they look like those of
        `POST /screen`, with a timestamp of null where there is no bar any more. A client that reads slowly gets fewer
        events. A stream ends after a minute; browsers then ask for the next one.
        """
        store = self._store()
        asked = None if tickers is None else known_tickers(store, tickers)
        count = len(store) if asked is None else len(asked)
        limits.refuse_more("tickers", count, limits.MOST_TICKERS)
        features = await limits.feature_set(formulas)
        await limits.check_work(features, store, asked)
        place = self._streams.place(count * features.work.kept)
        with limits.deadline() as seconds:
            live = await features.live_async(store, asked, deadline=seconds)
        return EventStream(rows_that_change(live, store, place))


def known_tickers(store: BarStore, tickers: Sequence[str]) -> list[str]:
    """Returns the symbols of lists of tickers, each once. Raises `HTTPException` where there are none, or for those
    without bars."""
    named = [ticker.strip() for each in tickers for ticker in each.split(",")]
    symbols = dict.fromkeys(symbol_of(store, ticker) for ticker in named if ticker)
    if not symbols:
        raise limits.refusal("tickers: none is named; give some, as SPY,MSFT, or leave it out for all there are")
    unknown = [symbol for symbol in symbols if symbol not in store]
    if unknown:
        raise HTTPException(404, f"no bars of {shortened(', '.join(unknown), LONGEST_LIST)}")
    return list(symbols)


async def rows_that_change(live: LiveFeatures, store: BarStore, place: Place) -> AsyncGenerator[Event, None]:
    """Yields an event of all rows, then one of those that have changed, whenever some have. Keeps `place` meanwhile."""
    before, seen = None, None
    while True:
        now = tuple(store.stats().values())
        if now != seen:
            seen = now
            await live.update_async()
            table = await live.table_async()
            rows = changed_rows(before, table)
            if before is None or len(rows):
                chosen = table.chosen(rows, slice(None), table.names)
                yield await event("rows", {"rows": [row async for row in rows_of(chosen, slice(None))]})
            before = table
        await asyncio.sleep(POLL)


def changed_rows(before: FeatureTable | None, after: FeatureTable) -> NDArray[np.intp]:
    """Returns the rows of `after` that are other ones than before, or were not there."""
    if before is None:
        return np.arange(len(after))
    old, new = before.to_numpy(), after.to_numpy()[: len(before)]
    is_same = ((old == new) | (np.isnan(old) & np.isnan(new))).all(axis=1)
    old_times, new_times = before.timestamps.view(np.int64), after.timestamps[: len(before)].view(np.int64)
    changed = np.flatnonzero(~is_same | (old_times != new_times))
    return np.concatenate([changed, np.arange(len(before), len(after))])
