"""What `execute_blocking_operation` costs over a bare `run_in_executor`, one call after the other and all at once."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.harness import Report, Way, alternate
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

CALLS, THREADS, ROUNDS = 1000, 8, 7
TARGET = "at most 15 us more"


async def run() -> Report:
    loop = asyncio.get_running_loop()
    report = Report("overhead", f"an empty call on {THREADS} threads")
    with ThreadPoolExecutor(THREADS) as executor:
        async with AsyncFeatureComputer(TaskPoolConfig(max_workers=THREADS)) as computer:
            calls: dict[str, Callable[[], Awaitable[object]]] = {
                "run_in_executor": lambda: loop.run_in_executor(executor, int),
                "execute_blocking_operation": lambda: computer.execute_blocking_operation("empty", int),
                "enqueue_task, awaited": lambda: queued(computer),
            }
            for manner, repeat in (("in turn", in_turn), ("at once", at_once)):
                ways: dict[str, Way] = {f"{name}, {manner}": repeat(call) for name, call in calls.items()}
                medians = await alternate(ways, ROUNDS)
                bare = f"run_in_executor, {manner}"
                for name, seconds in medians.items():
                    report.add(name, seconds / CALLS * 1e6, "us", beside="" if name == bare else bare)
                more = medians[f"execute_blocking_operation, {manner}"] - medians[bare]
                report.add(f"execute_blocking_operation more, {manner}", more / CALLS * 1e6, "us", TARGET)
    return report


async def queued(computer: AsyncFeatureComputer) -> object:
    return await (await computer.enqueue_task("empty", int))


def in_turn(call: Callable[[], Awaitable[object]]) -> Way:
    async def way() -> None:
        for _ in range(CALLS):
            await call()

    return way


def at_once(call: Callable[[], Awaitable[object]]) -> Way:
    async def way() -> None:
        await asyncio.gather(*(call() for _ in range(CALLS)))

    return way
