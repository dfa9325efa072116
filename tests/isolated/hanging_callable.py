"""Stops a computer while a callable hangs."""

import asyncio
import threading

from ziggy_async.async_features import AsyncFeatureComputer


async def main():
    computer = AsyncFeatureComputer()
    handle = await computer.with_options(deadline=0.05).enqueue_task("hangs", threading.Event().wait)
    try:
        await handle
    except TimeoutError as error:
        print(error)
    await computer.stop()


asyncio.run(main())
