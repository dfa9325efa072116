"""Letters of a process, of its forked child, and of the process again, in one file."""

import asyncio
import os
import sys
import threading
from contextlib import suppress

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1, dead_letters=sys.argv[1]))


def fails():
    raise ValueError("no")


async def die(task_id):
    with suppress(ValueError):
        await (await computer.enqueue_task(task_id, fails))
    await computer.dead_letters.refresh()
    print(*(letter.task_id for letter in computer.dead_letters.list()), flush=True)


async def in_child():
    await die("child")
    await computer.stop()


def fork():
    child = os.fork()
    if child == 0:
        thread = threading.Thread(target=asyncio.run, args=(in_child(),))
        thread.start()
        thread.join(30)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


async def main():
    await die("before")
    letters = computer.dead_letters
    with letters._one_job_lock:  # as another thread may have them
        fork()
    await die("after")
    await computer.stop()


asyncio.run(main())
