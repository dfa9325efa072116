"""What a type checker sees of the package in a user's code. Lines that end in `# slip` are wrong, all others right."""

from typing import assert_type

from ziggy_async import AsyncFeatureComputer
from ziggy_async.async_features import TaskHandle


def fetch(symbol: str, attempts: int = 1) -> bytes:
    return symbol.encode() * attempts


async def count(symbol: str) -> int:
    return len(symbol)


async def blocking_work(computer: AsyncFeatureComputer) -> None:
    assert_type(await computer.execute_blocking_operation("fetch", fetch, "SPY", attempts=2), bytes)
    assert_type(await computer.execute_blocking_operation("count", count, "SPY"), int)
    await computer.execute_blocking_operation("fetch", fetch, 7)  # slip
    await computer.execute_blocking_operation("fetch", fetch, "SPY", atempts=2)  # slip


async def queue(computer: AsyncFeatureComputer) -> None:
    handle = await computer.enqueue_task("night-1", fetch, "SPY", attempts=2)
    assert_type(handle, TaskHandle[bytes])
    assert_type(await handle, bytes)
    assert_type(handle.result(), bytes)
    assert_type(await (await computer.enqueue_task("night-2", count, "SPY")), int)
    assert_type(await computer.enqueue_task(task_id="night-3", func=dict[str, int]), TaskHandle[dict[str, int]])
    await computer.enqueue_task("night-4", fetch, 7)  # slip
    await computer.enqueue_task("night-5", fetch, "SPY", atempts=2)  # slip
    await computer.enqueue_task("night-6", fetch)  # slip


async def options(computer: AsyncFeatureComputer) -> None:
    careful = computer.with_options(priority=5, deadline=30.0, max_attempts=3, retry_on=OSError, key="quotes")
    careful.with_options(retry_on=(OSError, ValueError), on_full="drop_new", use_process_pool=True, deadline=None)
    assert_type(await (await careful.enqueue_task("night-7", fetch, "SPY")), bytes)
    computer.with_options(prioritty=5)  # slip
    computer.with_options(priority="5")  # slip
    computer.with_options(on_full="drop")  # slip
