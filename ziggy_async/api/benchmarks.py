"""Benchmarks on request: one at a time in the process, and none for a client that has gone."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import HTTPException, Query, Request

from ziggy_async.api.endpoints import EndpointGroup
from ziggy_async.api.models import BenchmarksAnswer, ComparisonAnswer, Done
from ziggy_async.latency_benchmark import (
    ComparisonResult,
    get_benchmark,
    run_feature_computation_benchmark,
    run_signal_generation_benchmark,
)

POLL = 0.2
"""Seconds between looks at whether the client is still there."""

Benchmark = Callable[[int], Coroutine[Any, Any, ComparisonResult]]
Operations = Annotated[int, Query(ge=10, le=1000, description="How many operations each way")]

_turn = threading.Lock()
"""Held while a benchmark runs: two at a time would measure each other."""


def add_to(group: EndpointGroup) -> None:
    busy = {409: "Another benchmark runs in this process"}
    group.posts("/benchmarks/feature-computation", feature_computation, ComparisonAnswer, busy)
    group.posts("/benchmarks/signal-generation", signal_generation, ComparisonAnswer, busy)
    group.reads("/benchmarks", results, BenchmarksAnswer)
    group.posts("/benchmarks/clear", clear, Done)


async def feature_computation(request: Request, num_operations: Operations = 100) -> dict[str, Any]:
    """Compute features the blocking way and through the package, and compare.

    It takes processor time from everything else in the process. When the client disconnects it is given up.
    """
    return await _compare(request, run_feature_computation_benchmark, num_operations)


async def signal_generation(request: Request, num_operations: Operations = 100) -> dict[str, Any]:
    """Generate signals the blocking way and through the package, and compare.

    It takes processor time from everything else in the process. When the client disconnects it is given up.
    """
    return await _compare(request, run_signal_generation_benchmark, num_operations)


async def results() -> dict[str, Any]:
    """The results of the benchmarks of this process, oldest first."""
    found = get_benchmark().get_all_results()
    return {"ok": True, "benchmarks": found, "count": len(found)}


async def clear() -> dict[str, Any]:
    """Forget the results of the benchmarks."""
    get_benchmark().clear_results()
    return {"ok": True, "message": "Benchmark results cleared"}


async def _compare(request: Request, benchmark: Benchmark, num_operations: int) -> dict[str, Any]:
    if not _turn.acquire(blocking=False):
        raise HTTPException(409, "another benchmark is running in this process")
    task = asyncio.create_task(benchmark(num_operations))
    # Not before the task has come to its end, however this one does.
    task.add_done_callback(lambda _: _turn.release())
    comparison = await _while_connected(request, task)
    return {"ok": True, "comparison": comparison.to_dict()}


async def _while_connected(request: Request, task: "asyncio.Task[ComparisonResult]") -> ComparisonResult:
    """The result of the task. It is cancelled when the client goes or this is cancelled."""
    try:
        while not task.done():
            await asyncio.wait([task], timeout=POLL)
            if not task.done() and await request.is_disconnected():
                raise HTTPException(499, "the client has gone")
        return task.result()
    finally:
        if task.cancel():
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # nobody wants to know
