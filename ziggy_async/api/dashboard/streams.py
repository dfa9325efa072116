"""The streams that the page follows, one at a time: each second what has changed of what it shows."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from typing import Annotated, Any

from fastapi import APIRouter, Query

from ziggy_async.api.dashboard.charted import AskedChart, ChartFollower
from ziggy_async.api.dashboard.history import History, Sample
from ziggy_async.api.dashboard.shared import Shared
from ziggy_async.api.dashboard.views import Matching, Views
from ziggy_async.api.dashboard.watchlist import Asked, read_watchlist
from ziggy_async.api.endpoints import ComputerOf
from ziggy_async.api.events import Event, EventStream, event
from ziggy_async.api.records import InState
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.messages import loggable

logger = logging.getLogger(__name__)

SECOND = 1.0
"""Between two looks at what a page shows."""
REFRESHED = 30.0
"""Seconds after which a watchlist is made anew although no bar has come: its signals go by the regime, which is read
each minute."""

Word = Annotated[str, Query(max_length=500)]
Formula = Annotated[str, Query(max_length=1000)]
Formulas = Annotated[list[str], Query(max_length=20)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]

Look = Callable[[], AsyncIterator[Event]]
"""Gives what has changed since the last look."""


def add_to(router: APIRouter, computer: ComputerOf, views: Views, market: WatchedMarket) -> None:
    streams = PageStreams(computer, views, market)
    for name in ("overview", "operations", "tasks", "letters", "scaling", "market"):
        router.add_api_route(f"/events/{name}", getattr(streams, name), response_class=EventStream)


class PageStreams:
    """One for all pages of a router: what several of them show is made once."""

    def __init__(self, computer: ComputerOf, views: Views, market: WatchedMarket) -> None:
        self._computer = computer
        self._views = views
        self._market = market
        self._history = History()
        self._shared = Shared()

    async def overview(self) -> EventStream:
        return self._stream(self._body("overview", self._views.overview), self._samples())

    async def operations(self) -> EventStream:
        return self._stream(self._body("operations", self._views.operations))

    async def tasks(self, state: InState = None, search: Word = "", limit: Limit = 200) -> EventStream:
        asked = state, search, limit
        return self._stream(self._body("tasks", lambda: self._views.tasks(*asked), asked))

    async def letters(
        self, operation: Word = "", reason: Word = "", search: Word = "", offset: Offset = 0, limit: Limit = 100
    ) -> EventStream:
        matching = Matching(operation, reason, search)
        look = self._body(
            "letters",
            lambda: self._views.letters(matching, offset, limit),
            (matching, offset, limit),
            self._views.letters_version,
        )
        return self._stream(look)

    async def scaling(self) -> EventStream:
        return self._stream(self._body("scaling", self._views.scaling))

    async def market(
        self,
        column: Formulas = [],  # noqa: B006 - FastAPI makes a new one
        where: Formula = "",
        sort: Formula = "ticker",
        offset: Offset = 0,
        limit: Limit = 50,
        ticker: Word = "",
        overlay: Formulas = [],  # noqa: B006
        pane: Formulas = [],  # noqa: B006
    ) -> EventStream:
        asked = Asked(tuple(dict.fromkeys(column)), where.strip(), sort, offset, limit)
        looks = [self._body("watchlist", lambda: read_watchlist(self._market, asked), asked, self._market_version)]
        if ticker:
            chart = AskedChart(ticker, tuple(dict.fromkeys(overlay)), tuple(dict.fromkeys(pane)))
            looks.append(ChartFollower(self._market, self._shared, chart).news)
        return self._stream(*looks)

    def _market_version(self) -> Hashable:
        return self._market.version(), asyncio.get_running_loop().time() // REFRESHED

    def _stream(self, *looks: Look) -> EventStream:
        self._history.be_read(self._computer())
        return EventStream(self._events((self._body("status", self._views.status), *looks)))

    async def _events(self, looks: tuple[Look, ...]) -> AsyncGenerator[Event, None]:
        has_failed = False
        while True:
            try:
                for look in looks:
                    async for each in look():
                        yield each
                has_failed = False
            except Exception as error:
                if not has_failed:
                    logger.error("a page cannot be shown", exc_info=loggable(error))
                    yield await event("failed", {"message": "The server could not make this page; its log says why."})
                has_failed = True
            await asyncio.sleep(SECOND)
            self._history.be_read(self._computer())

    def _body(
        self,
        name: str,
        make: Callable[[], Awaitable[dict[str, Any]]],
        asked: Hashable = None,
        version: Callable[[], Hashable] = lambda: None,
    ) -> Look:
        """Looks at a body, which is the same for all pages that have asked for the same, and sends it when it is
        another one."""
        last: Event = ()

        async def made() -> Event:
            return await event(name, await make())

        async def look() -> AsyncIterator[Event]:
            nonlocal last
            found = await self._shared.get((name, asked), version(), made)
            if found is not last and found != last:
                last = found
                yield found

        return look

    def _samples(self) -> Look:
        """Yields the seconds so far, then each new one."""
        sent = 0.0

        async def look() -> AsyncIterator[Event]:
            nonlocal sent
            samples = self._history.after(sent)
            if samples:
                is_first, sent = sent == 0.0, samples[-1].at
                yield await event("history" if is_first else "samples", {"names": Sample._fields, "rows": samples})

        return look
