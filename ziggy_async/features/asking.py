"""Questions to the core over a store's tickers: tickers, times, terms, and the table of the answer."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core, off_loop
from ziggy_async.features.table import FeatureTable
from ziggy_async.messages import shown
from ziggy_async.reading.timestamps import to_ns_alone
from ziggy_async.store import BarStore, default_store
from ziggy_async.terms import Terms, moment_after, terms

Answer = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Times of the rows, bars or rows of each ticker, and the figures."""

FEW = 10_000
"""Tickers that a loop sorts, or chooses among, itself: some hundred microseconds. A thread does it for more."""

FIRST, LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def checked_store(store: BarStore | None) -> BarStore:
    """Returns `store`, the default one for None. Raises `TypeError` for anything else."""
    store = default_store() if store is None else store
    if not isinstance(store, BarStore):
        raise TypeError(f"store must be a BarStore, not {shown(store)}")
    return store


def asked_tickers(store: BarStore, tickers: Iterable[str] | None) -> tuple[str, ...]:
    """Returns the tickers asked for; those of None are all of the store, sorted. Raises `TypeError` for a ticker that
    is not text."""
    if tickers is None:
        return store._sorted_symbols()
    return tickers if type(tickers) is tuple else _core.ticker_tuple(tickers)  # the core checks a tuple again


async def asked_tickers_async(
    store: BarStore, tickers: Iterable[str] | None, deadline: float | None
) -> tuple[str, ...]:
    """Does what `asked_tickers` does; many that have come or gone are sorted in a thread. Raises `TimeoutError` when
    that takes longer than `deadline` seconds, the wait for the thread included."""
    if tickers is None and store._sorted is None and len(store) > FEW:
        return await off_loop.short.run_within(deadline, "the tickers were sorted", store._sorted_symbols)
    return asked_tickers(store, tickers)


def times_between(start: object | None, end: object | None) -> tuple[int, int]:
    """Returns the first and the last nanosecond. Raises `ValueError` where they are the wrong way round."""
    first, last = FIRST if start is None else to_ns_alone(start), LAST if end is None else to_ns_alone(end)
    if first > last:
        raise ValueError(f"start {start} is after end {end}")
    return first, last


def terms_within(deadline: float | None) -> Terms:
    """Returns the terms of the task that runs here, with the earlier of both deadlines."""
    given, own = terms.get(), moment_after(deadline)
    return Terms(given.urgency, min([moment for moment in (given.deadline_ns, own) if moment], default=0))


def latest_table(names: tuple[str, ...], asked: tuple[str, ...], answer: Answer) -> FeatureTable:
    """Returns a table of one row a ticker."""
    timestamps, bars, values = answer
    missing = tuple(_core.tickers_at(asked, np.flatnonzero(bars == 0)))
    return FeatureTable(names, asked, None, timestamps, values, missing)


def history_table(names: tuple[str, ...], store: BarStore, asked: tuple[str, ...], answer: Answer) -> FeatureTable:
    """Returns a table of one row a ticker and bar."""
    timestamps, counts, values = answer
    without_rows = _core.tickers_at(asked, np.flatnonzero(counts == 0))
    missing = tuple(ticker for ticker in without_rows if ticker not in store)
    return FeatureTable(names, asked, counts, timestamps, values, missing)
