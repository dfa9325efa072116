"""Ten thousand paper features at once, beside ten thousand empty calls through the loop's executor, and beside what
asyncio itself takes for as many coroutines in a gather: no way of computing can be faster than that."""

import asyncio
from datetime import UTC, datetime, timedelta

from benchmarks.harness import Report, alternate
from ziggy_async.paper import PriceData, compute_features_async, feature_computer

OURS = "compute_features_async, bars in place"
CALLS, SYMBOLS, BARS, ROUNDS = 10_000, 1_000, 60, 7


async def run() -> Report:
    symbols = [f"PAPER{index}" for index in range(SYMBOLS)]
    feed(symbols)
    asked = symbols * (CALLS // SYMBOLS)
    loop = asyncio.get_running_loop()

    async def ours() -> None:
        await asyncio.gather(*map(compute_features_async, asked))

    async def executor() -> None:
        await asyncio.gather(*(loop.run_in_executor(None, nothing) for _ in asked))

    async def limit() -> None:
        futures = [loop.create_future() for _ in asked]
        loop.call_soon(finish, futures)
        await asyncio.gather(*map(awaited, futures))

    medians = await alternate({"ours": ours, "executor": executor, "limit": limit}, ROUNDS)
    report = Report("gather", f"{CALLS:,} awaits in one gather")
    report.add(OURS, medians["ours"] * 1e3, "ms")
    report.add("coroutines that await a done future, the limit", medians["limit"] * 1e3, "ms", beside=OURS)
    report.add("run_in_executor(None, nothing)", medians["executor"] * 1e3, "ms", "at least 4 x", beside=OURS)
    return report


def feed(symbols: list[str]) -> None:
    """Bars for the paper computer, a gentle saw of prices."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for symbol in symbols:
        for bar in range(BARS):
            price = 100.0 + bar % 7
            time = start + timedelta(minutes=bar)
            feature_computer.add_price_data(PriceData(time, symbol, price, price + 1, price - 1, price + 0.5, 1e4))


def nothing() -> None:
    """The least that can be sent to an executor."""


def finish(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


async def awaited(future: asyncio.Future[None]) -> None:
    await future
