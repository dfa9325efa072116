"""Forks while a call of a process pool is under way, and uses the pool in both."""

import asyncio
import ctypes
import os
import sys

import process_work
from isolated.hanging import hanging
from pooled import close, pids, run

from ziggy_async.runtime.processes import ProcessPool

pool, door = ProcessPool(2), sys.argv[1]


async def use():
    return await asyncio.gather(*(run(pool, process_work.square, n) for n in range(4)))


async def main():
    call = await hanging(pool, door)
    before = pids(pool)
    child = os.fork()
    if child == 0:
        return None
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pids(pool) == before
    os.unlink(door)
    assert await call in before
    assert await use() == [0, 1, 4, 9]
    await close(pool)
    return before


loop = asyncio.new_event_loop()
before = loop.run_until_complete(main())
if before is None:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(loop))  # its end would disturb the parent's
    assert pids(pool) == []
    asyncio.set_event_loop(None)
    asyncio.events._set_running_loop(None)
    assert asyncio.run(use()) == [0, 1, 4, 9]
    sys.exit(0)
print("parent")
