"""Ends with work under way: by the end of `main`, by `exit`, or by an `error`."""

import asyncio
import sys
import time

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig


async def main(ending):
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2))
    for number in range(20):
        await computer.enqueue_task(str(number), time.sleep, 0.01)
    await computer.enqueue_task("coroutine", asyncio.sleep, 60)
    kept = asyncio.create_task(computer.execute_blocking_operation("sleep", time.sleep, 0.2))
    await asyncio.sleep(0.02)
    if ending == "exit":
        sys.exit(3)
    if ending == "error":
        raise KeyError("x")
    return kept


asyncio.run(main(sys.argv[1]))
