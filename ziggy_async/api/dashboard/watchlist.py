"""The watchlist: tickers with their last bar, their signals and formulas as columns; filtered, sorted, a page of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ziggy_async.api.watched import WatchedMarket
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.feature_set import FeatureSet
from ziggy_async.features.screening import Screening
from ziggy_async.features.table import FeatureTable
from ziggy_async.runtime import default_pool
from ziggy_async.store import BarStore

BASE = ("close", "returns(close)", "volume")
"""Columns that are always there."""
EVERY = "close > 0"
"""The filter without one: whatever has bars."""
SIGNAL = "signal"
"""What sorts by the confidence of signals."""
MOST_SIGNALS = 10_000
"""Tickers among which signals are looked for to sort by them."""
FEW = 5_000
"""Tickers whose figures the loop goes through itself."""


@dataclass(frozen=True)
class Asked:
    """What a page shows of the watchlist. `sort`: a formula, "ticker" or "signal"; with a minus in front downwards."""

    columns: tuple[str, ...] = ()
    where: str = ""
    sort: str = "ticker"
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True)
class Chosen:
    """The tickers of a page with their figures, and how many there are on all pages."""

    tickers: list[str]
    figures: list[list[float]]
    times: list[int]
    matched: int


async def read_watchlist(market: WatchedMarket, asked: Asked) -> dict[str, Any]:
    """What the page shows. A formula that cannot be used is left out, and its error, with the place, stands where its
    figures would."""
    errors = {text: fault for text in {*asked.columns, asked.where} if text and (fault := fault_of(text, market.store))}
    columns = [text for text in asked.columns if text not in errors]
    where = EVERY if asked.where in errors else asked.where or EVERY
    descending, key = asked.sort.startswith("-"), asked.sort.removeprefix("-")
    if key not in ("ticker", SIGNAL) and fault_of(key, market.store):
        key = "ticker"
    watchlist = await market.watchlist()
    body: dict[str, Any] = {"total": len(watchlist), "errors": errors, "note": None, "columns": columns}
    if key == SIGNAL and len(watchlist) > MOST_SIGNALS:
        body["note"] = f"Sorted by ticker: signals are looked for in watchlists of up to {MOST_SIGNALS:,} tickers."
        key = "ticker"
    formulas = (*BASE, *columns)
    if key == SIGNAL:
        chosen, signals = await _by_signal(market, watchlist, where, formulas, asked, descending)
    else:
        chosen = await _by_formula(market, watchlist, where, formulas, (key, descending), asked)
        signals = await signals_of(market, chosen.tickers)
    body["matched"] = chosen.matched
    body["offset"] = asked.offset
    body["rows"] = [
        {"ticker": ticker, "time": time // 10**6, "figures": figures, "signal": signals.get(ticker)}
        for ticker, figures, time in zip(chosen.tickers, chosen.figures, chosen.times, strict=True)
    ]
    return body


async def _by_formula(
    market: WatchedMarket,
    tickers: tuple[str, ...],
    where: str,
    formulas: Iterable[str],
    order: tuple[str, bool],
    asked: Asked,
) -> Chosen:
    key, descending = order
    by_ticker = key == "ticker"
    sort = None if by_ticker else f"-({key})" if descending else key
    names = {f"f{at}": formula for at, formula in enumerate(formulas)}
    screening = Screening.of(where, names, sort, None)
    table = await screening.figures.latest_async(tickers, market.store)
    arguments = screening, table, asked, by_ticker and descending
    return _page(*arguments) if len(tickers) <= FEW else await default_pool.run(_page, *arguments)


def _page(screening: Screening, table: FeatureTable, asked: Asked, is_reversed: bool) -> Chosen:
    found = screening.chosen(table)
    rows = slice(asked.offset, asked.offset + asked.limit)
    order = np.arange(len(found))[::-1][rows] if is_reversed else np.arange(len(found))[rows]
    return Chosen(
        found.symbols[order].tolist(),
        found.to_numpy()[order].tolist(),
        found.timestamps[order].view(np.int64).tolist(),
        len(found),
    )


async def _by_signal(
    market: WatchedMarket,
    tickers: tuple[str, ...],
    where: str,
    formulas: tuple[str, ...],
    asked: Asked,
    descending: bool,
) -> tuple[Chosen, dict[str, Any]]:
    """Those with a signal first, the most confident on top, or at the bottom of these."""
    every = Asked(limit=len(tickers))
    found = await _by_formula(market, tickers, where, formulas, ("ticker", False), every)
    signals = await signals_of(market, found.tickers)
    sign = -1.0 if descending else 1.0

    def rank(at: int) -> tuple[bool, float]:
        signal = signals.get(found.tickers[at])
        return signal is None, 0.0 if signal is None else sign * signal["confidence"]

    order = sorted(range(len(found.tickers)), key=rank)[asked.offset : asked.offset + asked.limit]
    page = Chosen(
        [found.tickers[at] for at in order],
        [found.figures[at] for at in order],
        [found.times[at] for at in order],
        found.matched,
    )
    return page, signals


async def signals_of(market: WatchedMarket, tickers: list[str]) -> dict[str, dict[str, Any]]:
    """Ticker -> what a row shows of its signal; without those that have none."""
    found = await market.generator.generate_signals_bulk_async(tickers)
    return {
        ticker: {
            "direction": signal.direction.value,
            "type": signal.signal_type.value,
            "confidence": signal.confidence,
            "entry": signal.entry_price,
            "stop": signal.stop_loss,
            "target": signal.take_profit,
            "reason": signal.reason,
        }
        for ticker, result in found.items()
        if (signal := result["signal"]) is not None
    }


@lru_cache(maxsize=1000)
def _features(formula: str) -> FeatureSet | FormulaError | ValueError:
    try:
        return FeatureSet(formula)
    except ValueError as error:
        return error.with_traceback(None)


def fault_of(formula: str, store: BarStore) -> dict[str, Any] | None:
    """Why a formula cannot be used over the store, and the place; None: it can."""
    features = _features(formula)
    error: ValueError | None = None
    if isinstance(features, ValueError):
        error = features
    else:
        try:
            features.latest((), store)
        except ValueError as fault:
            error = fault
    if error is None:
        return None
    if isinstance(error, FormulaError):
        return {"message": error.message, "start": error.start, "end": error.end}
    return {"message": str(error), "start": 0, "end": len(formula)}
