"""Waits in a computer with work under way until it is interrupted."""

import asyncio
import time

from ziggy_async.async_features import AsyncFeatureComputer


async def main():
    async with AsyncFeatureComputer() as computer:
        await computer.enqueue_task("sleep", asyncio.sleep, 60)
        print("ready", flush=True)
        await computer.execute_blocking_operation("waits", time.sleep, 0.1)
        await asyncio.sleep(60)


try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
