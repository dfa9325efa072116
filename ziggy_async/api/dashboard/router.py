"""`create_dashboard`: a page, what it follows, and what it may do."""

from collections.abc import Collection, Sequence

from fastapi import APIRouter, Request, Response
from fastapi.params import Depends

from ziggy_async.api import bars, records
from ziggy_async.api.dashboard import streams
from ziggy_async.api.dashboard.actions import PageActions
from ziggy_async.api.dashboard.pages import file_named, files, page
from ziggy_async.api.dashboard.views import Describe, Views
from ziggy_async.api.dead_letters import DeadLetterEndpoints, OnRequeued
from ziggy_async.api.endpoints import EndpointGroup
from ziggy_async.api.models import AllRequeuedAnswer, DiscardedAnswer
from ziggy_async.api.queueing import NO_PLACE
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.messages import shown
from ziggy_async.store import BarStore

PREFIX = "/dashboard"


def create_dashboard(
    computer: AsyncFeatureComputer | None = None,
    store: BarStore | None = None,
    dependencies: Sequence[Depends] = (),
    read_only: bool = False,
    *,
    prefix: str = PREFIX,
    allowed_origins: Collection[str] | None = None,
    describe: Describe | None = None,
) -> APIRouter:
    """Returns a page, at `prefix` and a slash, that shows a computer and a market live, and the endpoints of what it
    shows.

    It shows loop lag, operations, tasks, dead letters and scaling, a watchlist with formulas as columns, which are
    typed into the page, sorted and filtered, and a ticker's chart with formulas, signals, stops and targets. Its
    address says what it shows; `?` lists its keys. It asks no other host, and follows one stream of events, which ends
    each minute, so that a server that stops waits no longer. Tickers, bars, regime and tasks are endpoints under
    `/api` of the same prefix.

    `computer` and `store`: by default the process's one and the default store, looked up at each request.
    `dependencies` hold for all of it, its files too: `[Depends(logged_in)]`. With `read_only` what requeues, discards,
    cancels or appends does not exist. `allowed_origins` as for `create_router`. `describe(args, kwargs)` is the text
    that is shown of a dead letter's arguments while they are in memory; None: nothing is.

    Raises `ModuleNotFoundError` without the extra `charts`; Raises `TypeError` for an invalid `store` or `read_only`.
    """
    files()
    if not isinstance(read_only, bool):
        raise TypeError(f"read_only: {shown(read_only)} is neither True nor False")
    router = APIRouter(prefix=prefix, tags=["dashboard"], dependencies=list(dependencies))
    api = APIRouter(prefix="/api")
    group = EndpointGroup(api, computer, not read_only, allowed_origins)
    market = WatchedMarket(store)
    bars.add_to(group, market)
    records.add_to(group)
    router.include_router(api)
    pages = APIRouter(prefix="/page", include_in_schema=False)
    add_page(EndpointGroup(pages, computer, not read_only, allowed_origins), pages, market, describe=describe)
    router.include_router(pages)

    async def index(request: Request) -> Response:
        return page(read_only).answer(request)

    router.add_api_route("/", index, include_in_schema=False)
    return router


def add_page(
    group: EndpointGroup,
    router: APIRouter,
    market: WatchedMarket,
    *,
    on_requeued: OnRequeued = lambda _: None,
    describe: Describe | None = None,
) -> None:
    """Adds the files of the page, the streams that it follows and the actions of its buttons, which are those of
    `group`, to the router of that group."""
    letters = DeadLetterEndpoints(group.computer, on_requeued)
    views = Views(group.computer, letters, describe)
    streams.add_to(router, group.computer, views, market)
    actions = PageActions(views, letters)
    group.posts("/letters/requeue", actions.requeue, AllRequeuedAnswer, NO_PLACE)
    group.posts("/letters/discard", actions.discard, DiscardedAnswer)

    async def asset(name: str, request: Request) -> Response:
        return file_named(name).answer(request)

    router.add_api_route("/assets/{name}", asset)
