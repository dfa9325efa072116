"""Five hundred short Python operations at once, as an application's endpoints ask for them, beside two busy processes:
the total time against `run_in_executor` on as many threads, and how late the loop is meanwhile.

Each round runs both ways, so that the ratio of a round does not depend on what else the machine does.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from benchmarks.harness import Report, fresh_heap
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.lag import PingLag

AT_ONCE, THREADS, ROUNDS, BUSY = 500, 8, 9, 2
SECONDS = 0.001

Start = Callable[[int], Awaitable[object]]


def wait() -> None:
    time.sleep(SECONDS)


def compute() -> None:
    """Holds the GIL for that much of the processor's time."""
    end = time.thread_time() + SECONDS
    while time.thread_time() < end:
        pass


def never_rest() -> None:
    while True:
        pass


OPERATIONS: dict[str, Callable[[int], Callable[[], None]]] = {
    "wait": lambda _: wait,
    "compute": lambda _: compute,
    "wait and compute by turns": lambda number: compute if number % 2 else wait,
}


async def run() -> Report:
    report = Report("short_operations", f"{AT_ONCE} of {SECONDS * 1e3:g} ms at once, beside {BUSY} busy processes")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=never_rest, daemon=True) for _ in range(BUSY)]
    for process in processes:
        process.start()
    loop = asyncio.get_running_loop()
    try:
        async with AsyncFeatureComputer(TaskPoolConfig(max_workers=THREADS)) as computer:
            with ThreadPoolExecutor(THREADS) as executor:
                for name, operation in OPERATIONS.items():
                    await add(
                        report,
                        name,
                        lambda i, of=operation: computer.execute_blocking_operation("short", of(i)),
                        lambda i, of=operation: loop.run_in_executor(executor, of(i)),
                    )
    finally:
        for process in processes:
            process.kill()
    return report


async def add(report: Report, name: str, ours: Start, theirs: Start) -> None:
    ratios, seconds, lags = [], [], []
    for _ in range(ROUNDS):
        taken, lag = await taken_by(ours)
        ratios.append(taken / (await taken_by(theirs))[0])
        seconds.append(taken)
        lags.append(lag)
    report.add(f"{name}, total", statistics.median(seconds) * 1e3, "ms")
    report.add(f"{name}, of run_in_executor's time", statistics.median(ratios), "x", "at most 1.1")
    report.add(f"{name}, lag p95", statistics.median(lags), "ms", "at most 10")


async def taken_by(start: Start) -> tuple[float, float]:
    """Seconds until all are done, and the loop's lag meanwhile, 95th percentile in milliseconds."""
    with fresh_heap():
        async with PingLag() as lag:
            began = time.perf_counter()
            await asyncio.gather(*(start(number) for number in range(AT_ONCE)))
            taken = time.perf_counter() - began
    return taken, lag.summary().p95
