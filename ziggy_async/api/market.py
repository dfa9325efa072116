"""Features and signals over HTTP: what `ziggy-async serve` has beside the performance endpoints."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from ziggy_async.api import bars, live, records, tasks
from ziggy_async.api.bodies import Watchlist
from ziggy_async.api.endpoints import NO_TEXT, EndpointGroup
from ziggy_async.api.formulas import REFUSED, FormulaEndpoints, FormulasOrNone
from ziggy_async.api.models import FeaturesAnswer, LatestAnswer, SignalsAnswer
from ziggy_async.api.queueing import STOPPED, queue_refusals
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.store import default_store, symbol_of

Refresh = Annotated[bool, Query(description="Ask the bar source first")]


def create_market_router(
    watchlist: Sequence[str] = (),
    computer: AsyncFeatureComputer | None = None,
    prefix: str = "/api",
    kept: tasks.KeptTasks | None = None,
) -> APIRouter:
    """Endpoints over the default store, those of formulas among them, and tasks over it.

    `watchlist`: the tickers of a request that names none. `kept`: where the tasks are remembered.
    """
    router = APIRouter(prefix=prefix, tags=["market"])
    group = EndpointGroup(router, computer, allow_actions=True, allowed_origins=None)
    formulas = FormulaEndpoints(default_store)
    endpoints = MarketEndpoints(group, watchlist, formulas)
    refusals = {404: "No bars of that ticker", **REFUSED, **STOPPED}
    group.reads("/features/{ticker:path}", endpoints.features, FeaturesAnswer | LatestAnswer, refusals)
    formulas.add_to(group)
    live.add_to(group, default_store)
    group.posts("/signals", endpoints.signals, SignalsAnswer, {**NO_TEXT, **STOPPED})
    bars.add_to(group, WatchedMarket())
    records.add_to(group)
    tasks.add_to(group, watchlist, tasks.KeptTasks() if kept is None else kept)
    return router


class MarketEndpoints:
    """The docstrings are the documentation that clients see."""

    def __init__(self, group: EndpointGroup, watchlist: Sequence[str], formulas: FormulaEndpoints) -> None:
        self._group = group
        self._watchlist = watchlist
        self._formulas = formulas

    async def features(
        self, ticker: str, force_refresh: Refresh = False, formulas: FormulasOrNone = None
    ) -> dict[str, Any]:
        """The figures that signals are made from, or formulas at the ticker's last bar.

        With fewer than 50 bars `status` is `insufficient_data`, and there are `bars` and `required` instead of figures.
        With formulas the answer has `timestamp` and `features`, null where a formula has no value.
        """
        if formulas:
            return await self._formulas.latest(ticker, formulas)
        symbol = symbol_of(default_store(), ticker)
        if symbol not in default_store():
            raise HTTPException(404, "no bars of that ticker")
        with queue_refusals():
            features = await self._group.computer().compute_features_async(symbol, force_refresh)
        if features is None:  # the computer has logged why
            raise HTTPException(500, "internal error")
        return features

    async def signals(self, watchlist: Watchlist | None = None) -> dict[str, Any]:
        """The signal of each ticker, or the reason why there is none, and the regime it was read in."""
        asked = None if watchlist is None else watchlist.tickers
        tickers = self._watchlist if asked is None else [symbol_of(default_store(), ticker) for ticker in asked]
        regime = await regime_detector.detect_regime_async()
        with queue_refusals():
            signals = await self._group.computer().compute_signals_batch(tickers, regime)
        return {"signals": signals, "regime": regime}
