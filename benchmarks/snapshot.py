"""The 26 figures of 252 bars on one core, in nanoseconds a ticker, beside TA-Lib, polars and a bare read of bars."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from benchmarks import polars_way, talib_way
from benchmarks.harness import Columns, Report, alternate, fill, universe
from ziggy_async.market_brain.features import FeatureComputer
from ziggy_async.store import BarStore

OURS = "ziggy_async, as dicts"
IN_CACHE = 16
"""Tickers whose 252 bars, 160 KiB in all, stay in a core's second-level cache."""
TABLE = 500
"""Tickers of the table for polars, whose cost is mostly one for the query."""
BARS, ROUNDS, PASSES = 252, 9, 200


async def run() -> Report:
    with one_core():
        market = universe(IN_CACHE, BARS)
        store = BarStore()
        fill(store, market)
        tickers = store.symbols()
        large = universe(TABLE, BARS)
        refuse_difference(large)
        ways = {
            "ours": repeated(partial(FeatureComputer(store).plan.latest, store, tickers, None), PASSES),
            "read": repeated(partial(read, bare_columns(market)), PASSES),
            "talib": repeated(partial(by_talib, market), 5),
            "polars": repeated(partial(polars_way.features, long_table(large), 20.0, None), 1),
        }
        medians = await alternate(ways, ROUNDS)
    per_ticker = {name: seconds / PASSES / len(tickers) * 1e9 for name, seconds in medians.items()}
    report = Report("snapshot", f"26 figures of {BARS} bars on one core, in cache")
    report.add(OURS, per_ticker["ours"], "ns/ticker", "at most 2,500 ns")
    others = {
        "a bare read of the same columns, the limit": per_ticker["read"],
        "TA-Lib": medians["talib"] / 5 / len(market) * 1e9,
        f"polars, a table of {TABLE} tickers": medians["polars"] / len(large) * 1e9,
    }
    for what, nanoseconds in others.items():
        report.add(what, nanoseconds, "ns/ticker", beside=OURS)
    return report


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps the calling thread, and threads begun by it, on one CPU, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usual)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def repeated(work: Callable[[], object], times: int) -> Callable[[], Any]:
    async def way() -> None:
        for _ in range(times):
            work()

    return way


def bare_columns(market: dict[str, Columns]) -> np.ndarray:
    """The five columns of all tickers in one block of memory."""
    names = ("open", "high", "low", "close", "volume")
    return np.concatenate([columns[name] for columns in market.values() for name in names])


def read(columns: np.ndarray) -> float:
    """Touches every double once, as fast as NumPy can."""
    return float(columns.max())


def by_talib(market: dict[str, Columns]) -> None:
    for columns in market.values():
        talib_way.features(columns, 20.0, None)


def long_table(market: dict[str, Columns]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame({"symbol": [s] * BARS, **columns}) for s, columns in market.items()])


def refuse_difference(market: dict[str, Columns]) -> None:
    """Raises unless polars, TA-Lib and we have the same figures, to a millionth of the price or of themselves."""
    store = BarStore()
    fill(store, market)
    ours = FeatureComputer(store).compute_batch(market)
    gauges = talib_way.market_of(market)
    by_polars = {row["symbol"]: row for row in polars_way.features(long_table(market), *gauges).to_dicts()}
    for symbol, columns in market.items():
        expected = talib_way.features(columns, *gauges)
        for name, value in expected.items():
            for other in (ours[symbol][name], by_polars[symbol][name]):
                if abs(other - value) > 1e-6 * max(abs(value), 1e-3 * expected["close"]):
                    raise AssertionError(f"{symbol} {name}: {value} by TA-Lib, ours {ours[symbol][name]}, {other}")
