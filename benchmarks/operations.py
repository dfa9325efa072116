"""How late the loop is while 500 operations are under way, beside an idle loop: features, waits, Python's own work.

Two manners: 500 callers who ask again as soon as they are answered; and 500 calls that begin in one iteration of the
loop, again and again, where asyncio's own part is large: so the same with calls that do nothing stands beside.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks.harness import Report, fill, fresh_heap, universe
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.lag import LagSummary, PingLag
from ziggy_async.store import default_store

AT_ONCE, TICKERS, BARS, SECONDS = 500, 500, 252, 3.0

Operation = Callable[[int], Awaitable[object]]


async def run() -> Report:
    fill(default_store(), universe(TICKERS, BARS))
    tickers = [symbol for symbol in default_store().symbols() if symbol != "^VIX"]
    report = Report("operations", f"a ping each ms for {SECONDS:g} s, {AT_ONCE} operations at once; and an idle loop")
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=8)) as computer:
        operations: dict[str, Operation] = {
            "features": lambda i: computer.compute_features_async(tickers[i % len(tickers)]),
            "blocking waits of 5 ms": lambda _: computer.execute_blocking_operation("wait", time.sleep, 0.005),
            "Python at work for 0.15 ms": lambda _: computer.execute_blocking_operation("work", busy),
        }
        idle = await lag_of(lambda until: callers(lambda _: asyncio.sleep(0.01), until, 1))
        add(report, "idle", idle, None)
        for name, operation in operations.items():
            add(report, name, await lag_of(lambda until, each=operation: callers(each, until)), idle)
        for name, operation in {**operations, "asyncio alone": nothing}.items():
            add(
                report,
                f"{name}, in one iteration",
                await lag_of(lambda until, each=operation: bursts(each, until)),
                idle,
            )
        summary = computer.get_summary_metrics()
    default_store().clear()
    report.add("operations", summary["total_operations"], "")
    report.add("succeeded", summary["success_rate"], "%", "100")
    return report


def busy() -> int:
    """Work that holds the GIL, as the application's own mock of it does."""
    return sum(range(10_000))


async def nothing(_: int) -> None:
    """Twice through the loop, as what has to wait for something goes at least."""
    await asyncio.sleep(0)


async def callers(operation: Operation, until: float, number: int = AT_ONCE) -> None:
    async def caller(i: int) -> None:
        while time.perf_counter() < until:
            await operation(i)

    await asyncio.gather(*(caller(i) for i in range(number)))


async def bursts(operation: Operation, until: float) -> None:
    while time.perf_counter() < until:
        await asyncio.gather(*(operation(i) for i in range(AT_ONCE)))


async def lag_of(work: Callable[[float], Awaitable[object]]) -> LagSummary:
    await work(time.perf_counter() + SECONDS / 10)
    with fresh_heap():
        async with PingLag() as lag:
            await work(time.perf_counter() + SECONDS)
    return lag.summary()


def add(report: Report, what: str, lag: LagSummary, idle: LagSummary | None) -> None:
    target = "" if idle is None else f"at most {idle.p95 + 1:.2f}: 1 above idle"
    report.add(f"{what}, p95", lag.p95, "ms", target, "" if idle is None else "idle, p95")
    report.add(f"{what}, max", lag.max, "ms")
