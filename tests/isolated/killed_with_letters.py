"""Kills itself when two tasks are dead."""

import asyncio
import contextlib
import os
import signal

from ziggy_async.async_features import AsyncFeatureComputer


async def main():
    computer = AsyncFeatureComputer()
    for task_id, directory in (("fails", "/nowhere/at/all"), ("works", os.curdir)):
        handle = await computer.enqueue_task(task_id, os.listdir, directory + "/not here")
        with contextlib.suppress(OSError):
            await handle
    os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main())
