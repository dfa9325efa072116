"""Ten thousand paper features at once, beside ten thousand empty calls through the loop's executor."""

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

    medians = await alternate({"ours": ours, "executor": executor}, ROUNDS)
    report = Report("gather", f"{CALLS:,} awaits in one gather")
    report.add(OURS, medians["ours"] * 1e3, "ms")
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
