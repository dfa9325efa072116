"""Interrupts itself and its processes while a call is under way, and goes on."""

import asyncio
import os
import signal
import sys

import process_work
from isolated.hanging import hanging
from pooled import close, pids, run

from ziggy_async.runtime.processes import ProcessPool

door, caught = sys.argv[1], []
signal.signal(signal.SIGINT, lambda *_: caught.append(1))
pool = ProcessPool(2)


async def main():
    await run(pool, process_work.pid)
    call = await hanging(pool, door)
    await run(pool, process_work.pid)
    before = pids(pool)
    os.killpg(0, signal.SIGINT)
    await asyncio.sleep(0.3)
    os.unlink(door)
    assert await call in before
    assert await run(pool, process_work.square, 4) == 16
    assert pids(pool) == before
    await close(pool)


asyncio.run(main())
print(len(caught))
