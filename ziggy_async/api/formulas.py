"""Endpoints of formulas: a ticker's features now and through time, and the tickers for which a formula holds.

Whoever sends the formulas is a stranger: see `limits`.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import HTTPException, Query

from ziggy_async.api import limits
from ziggy_async.api.bodies import Formula, Screen
from ziggy_async.api.endpoints import NO_TEXT, EndpointGroup, Refusals
from ziggy_async.api.models import HistoryAnswer, ScreenAnswer
from ziggy_async.api.tables import columns_of, iso, rows_of
from ziggy_async.features.screening import Screening
from ziggy_async.store import BarStore, symbol_of

FORMULA = Query(
    alias="formula", max_length=limits.MOST_FORMULAS, description="A formula, such as `rsi(14)`; may be repeated"
)
Formulas = Annotated[list[Formula], FORMULA]
FormulasOrNone = Annotated[list[Formula] | None, FORMULA]
Bars = Annotated[int, Query(ge=1, le=limits.MOST_ROWS, description="How many of the last bars")]

REFUSED: Refusals = {422: "A formula that cannot be used, with the place, or more than may be asked for"}
UNKNOWN: Refusals = {404: "No bars of that ticker", **REFUSED}


class FormulaEndpoints:
    """The docstrings are the documentation that clients see."""

    def __init__(self, store: Callable[[], BarStore]) -> None:
        self._store = store

    def add_to(self, group: EndpointGroup) -> None:
        """Adds all but `latest`, whose path may have other figures of a ticker too."""
        group.asks("/screen", self.screen, ScreenAnswer, {**NO_TEXT, **REFUSED})
        group.reads("/history/{ticker:path}", self.history, HistoryAnswer, UNKNOWN)

    async def latest(self, ticker: str, formulas: Formulas) -> dict[str, Any]:
        """Formulas at a ticker's last bar; null where one has no value."""
        store = self._store()
        symbol = known(store, ticker)
        features = await limits.feature_set(formulas)
        await limits.check_work(features, store, [symbol])
        with limits.deadline() as seconds:
            table = await features.latest_async([symbol], store, deadline=seconds)
        (row,) = [row async for row in rows_of(table, slice(None))]
        return {"ticker": symbol, "timestamp": row["timestamp"], "features": row["features"]}

    async def history(self, ticker: str, formulas: Formulas, bars: Bars = 100) -> dict[str, Any]:
        """Formulas at each of a ticker's last bars, oldest first; null where one has no value."""
        store = self._store()
        symbol = known(store, ticker)
        features = await limits.feature_set(formulas)
        await limits.check_work(features, store, [symbol], bars)
        (start,) = store._tails([symbol], bars)[1].view("M8[ns]")
        with limits.deadline() as seconds:
            table = await features.history_async([symbol], store, start, deadline=seconds)
        rows = slice(max(0, len(table) - bars), None)  # more bars may have come meanwhile
        return {
            "ticker": symbol,
            "timestamps": iso(table.timestamps[rows]),
            "features": await columns_of(table, rows),
        }

    async def screen(self, asked: Screen) -> dict[str, Any]:
        """The tickers for which a formula is true on their last bar, with features beside them.

        `rows` are the first `limit` of the `matched` ones; a figure is null where its formula has no value.
        """
        store = self._store()
        tickers = None if asked.tickers is None else [symbol_of(store, ticker) for ticker in asked.tickers]
        read = partial(Screening.of, asked.where, asked.features, asked.sort, None)
        screening = await limits.reading(read, asked.formulas())
        await limits.check_work(screening.figures, store, tickers)
        with limits.deadline() as seconds:
            table = await screening.run_async(tickers, store, seconds)
        rows = [row async for row in rows_of(table, slice(asked.limit))]
        return {"rows": rows, "count": len(rows), "matched": len(table), "missing": list(table.missing)}


def known(store: BarStore, ticker: str) -> str:
    """The symbol of a ticker that has bars."""
    symbol = symbol_of(store, ticker)
    if symbol not in store:
        raise HTTPException(404, "no bars of that ticker")
    return symbol
