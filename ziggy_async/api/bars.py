"""Endpoints of a store's bars: its tickers, the bars of one, one more bar; and the regime that they make."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from ziggy_async import off_loop
from ziggy_async.api.bodies import NewTicker, Whole
from ziggy_async.api.endpoints import NO_TEXT, EndpointGroup
from ziggy_async.api.models import BarsAnswer, Done, RegimeAnswer, SymbolsAnswer
from ziggy_async.api.tables import iso, numbers
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.store import BarStore, symbol_of

Limit = Annotated[int, Query(ge=1, le=10_000, description="How many at most")]
Offset = Annotated[int, Query(ge=0, description="How many to leave out first")]
Search = Annotated[str, Query(max_length=100, description="Only those that contain this text, in any case")]

# The store says what is not a bar; the schema tells clients beforehand.
Price = Annotated[float, Field(strict=True, allow_inf_nan=False, json_schema_extra={"exclusiveMinimum": 0})]
Volume = Annotated[float, Field(strict=True, allow_inf_nan=False, json_schema_extra={"minimum": 0})]


class NewBar(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ticker: NewTicker
    timestamp: Annotated[str, Field(max_length=100)] | Whole = Field(
        description="ISO 8601, UTC without an offset; or a number since 1970", examples=["2024-12-06"]
    )
    unit: Annotated[str, Field(pattern="^(s|ms|us|ns)$")] | None = Field(None, description="Of a number")
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Volume


def add_to(group: EndpointGroup, market: WatchedMarket) -> None:
    endpoints = BarEndpoints(market)
    group.reads("/symbols", endpoints.symbols, SymbolsAnswer)
    group.reads("/bars/{ticker:path}", endpoints.bars, BarsAnswer, {404: "No bars of that ticker"})
    group.posts("/bars", endpoints.append, Done, {422: "No bar, and why", **NO_TEXT})
    group.reads("/regime", endpoints.regime, RegimeAnswer)


class BarEndpoints:
    """The docstrings are the documentation that clients see."""

    def __init__(self, market: WatchedMarket) -> None:
        self._market = market

    async def symbols(self, search: Search = "", limit: Limit = 100, offset: Offset = 0) -> dict[str, Any]:
        """The tickers that have bars, sorted."""
        found = await self._market.symbols()
        if search:
            found = await off_loop.short.run(containing, found, search)
        return {"ok": True, "symbols": list(found[offset : offset + limit]), "count": len(found)}

    async def bars(self, ticker: str, limit: Limit = 200) -> dict[str, Any]:
        """The newest bars of a ticker, oldest first."""
        symbol = symbol_of(self._market.store, ticker)
        try:
            rows = await off_loop.short.run(newest_bars, self._market.store, symbol, limit)
        except KeyError:
            raise HTTPException(404, "no bars of that ticker") from None
        return {"ok": True, "ticker": symbol, "bars": rows, "count": len(rows)}

    async def append(self, bar: NewBar) -> dict[str, Any]:
        """Add one bar to a ticker.

        At the time of its last bar it replaces that one, which is still forming; at an earlier time it is refused.
        """
        store = self._market.store
        symbol = symbol_of(store, bar.ticker)
        try:
            store.append(symbol, bar.timestamp, bar.open, bar.high, bar.low, bar.close, bar.volume, unit=bar.unit)
        except ValueError as error:  # it names what of the request is not a bar
            raise HTTPException(422, str(error)) from None
        return {"ok": True, "message": f"Appended to {symbol}"}

    async def regime(self) -> dict[str, Any]:
        """The regime of the market, and why."""
        return {"ok": True, **(await self._market.detector.detect_regime_async()).to_dict()}


def newest_bars(store: BarStore, symbol: str, limit: int) -> list[dict[str, Any]]:
    """Copies all bars of the symbol, so a thread does it. Raises `KeyError` where there are none."""
    newest = {name: column[-limit:] for name, column in store.bars(symbol).items()}
    columns = {name: iso(column) if name == "timestamp" else numbers(column) for name, column in newest.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def containing(symbols: Sequence[str], text: str) -> tuple[str, ...]:
    """Returns the tickers with `text` in them, in any case."""
    wanted = text.casefold()
    return tuple(symbol for symbol in symbols if wanted in symbol.casefold())
