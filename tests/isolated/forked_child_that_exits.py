"""A child that is forked in a coroutine, and leaves by `sys.exit` through the frames of the parent's loop."""

import asyncio
import os
import sys
import time
from contextlib import suppress

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig


def fails():
    raise ValueError("no")


def tick():
    """Wakes the loop until its end: a child that closes its parent's loop takes the wake-ups by other threads away, of
    which `asyncio.run` waits for one as it ends."""
    asyncio.get_running_loop().call_later(0.05, tick)


async def ended(child):
    """The child's exit status."""
    for _ in range(400):
        process, status = os.waitpid(child, os.WNOHANG)
        if process:
            return os.waitstatus_to_exitcode(status)
        await asyncio.sleep(0.05)
    os.kill(child, 9)
    return "hangs"


async def main():
    tick()
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2, queue_size=2, dead_letters=sys.argv[1]))
    with suppress(ValueError):
        await (await computer.enqueue_task("fails", fails))  # the thread of the file begins
    late = computer.with_options(deadline=2.0)
    handles = [await late.enqueue_task(f"running {n}", time.sleep, 1.0) for n in range(2)]
    handles += [await computer.enqueue_task(f"queued {n}", time.sleep, 0.1) for n in range(2)]
    waiting = asyncio.ensure_future(computer.enqueue_task("waiting", time.sleep, 0.1))
    await asyncio.sleep(0.1)
    child = os.fork()
    if child == 0:
        time.sleep(3.0)  # the deadlines pass
        sys.exit(0)
    print("child", await ended(child))
    print("parent", await asyncio.gather(*handles, await waiting))
    await computer.dead_letters.refresh()
    print(*(letter.task_id for letter in computer.dead_letters.list()))
    await computer.stop()


asyncio.run(main())
