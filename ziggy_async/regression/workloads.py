"""The workloads of `regress`, and the reference workloads that it measures them by.

A call of one takes about a millisecond, so short that of many calls some are not disturbed by anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from ziggy_async.latency_benchmark.comparisons import figured
from ziggy_async.latency_benchmark.market import Market
from ziggy_async.latency_benchmark.market_computer import MarketComputer
from ziggy_async.store import BarStore

Way = Callable[[], Awaitable[object]]

BENCHMARKS = {
    "watchlist features": "NumPy",
    "watchlist signals": "NumPy",
    "single await": "run_in_executor",
    "gather of singles": "NumPy",
    "load of bars": "NumPy",
    "computer's features": "NumPy",
    "blocking operation": "run_in_executor",
    "background task": "run_in_executor",
}
"""Name -> its reference workload: work of the same kind that has nothing of the package in it."""

IN_A_ROW = 20
"""Awaits one after the other."""
AT_ONCE = 100
"""Awaits at once."""
LOADED = 25
"""Symbols whose bars are loaded."""
FIGURED = 4
"""Symbols whose features are figured in plain NumPy."""


@dataclass(frozen=True, eq=False)
class Workload:
    """A call that is repeated, which is so many operations."""

    operations: int
    way: Way


def workloads_of(computer: MarketComputer) -> dict[str, Workload]:
    """Returns the workloads and the reference workloads by name."""
    market = computer.market
    single = market.features.compute_for_ticker_async
    return {
        "watchlist features": Workload(1, partial(market.features.compute_batch_async, market.tickers)),
        "watchlist signals": Workload(1, partial(market.signals.generate_signals_bulk_async, market.tickers)),
        "single await": in_a_row(partial(single, market.tickers[0])),
        "gather of singles": Workload(AT_ONCE, partial(at_once, single, market)),
        "load of bars": Workload(LOADED, partial(load, BarStore(), market)),
        "computer's features": Workload(AT_ONCE, partial(at_once, computer.features, market)),
        "blocking operation": in_a_row(partial(computer.execute_blocking_operation, "nothing", nothing)),
        "background task": in_a_row(partial(task, computer)),
        "NumPy": Workload(FIGURED, partial(in_numpy, market)),
        "run_in_executor": in_a_row(in_executor),
    }


def in_a_row(way: Way) -> Workload:
    async def one_after_the_other() -> None:
        for _ in range(IN_A_ROW):
            await way()

    return Workload(IN_A_ROW, one_after_the_other)


async def at_once(way: Callable[[str], Awaitable[object]], market: Market) -> None:
    await asyncio.gather(*map(way, market.tickers[:AT_ONCE]))


async def load(store: BarStore, market: Market) -> None:
    for ticker in market.tickers[:LOADED]:
        store.load(ticker, market.columns[ticker])


async def task(computer: MarketComputer) -> None:
    await (await computer.enqueue_task("nothing", nothing))


async def in_numpy(market: Market) -> None:
    for ticker in market.tickers[:FIGURED]:
        figured(market, ticker)


async def in_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, nothing)


def nothing() -> None:
    """The least that can be sent to a thread."""
