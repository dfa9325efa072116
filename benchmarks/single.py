"""One await at a time, beside one empty call through the loop's executor."""

import asyncio

from benchmarks.gather import OURS, feed, nothing
from benchmarks.harness import Report, alternate
from ziggy_async.paper import compute_features_async

AWAITS, ROUNDS = 2_000, 7


async def run() -> Report:
    feed(["PAPER0"])
    loop = asyncio.get_running_loop()

    async def ours() -> None:
        for _ in range(AWAITS):
            await compute_features_async("PAPER0")

    async def executor() -> None:
        for _ in range(AWAITS):
            await loop.run_in_executor(None, nothing)

    medians = await alternate({"ours": ours, "executor": executor}, ROUNDS)
    report = Report("single", "one await, from call to result")
    report.add(OURS, medians["ours"] / AWAITS * 1e6, "us")
    report.add("run_in_executor(None, nothing)", medians["executor"] / AWAITS * 1e6, "us", "at least 1 x", beside=OURS)
    return report
