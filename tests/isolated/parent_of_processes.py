"""Prints the ids of its processes, of which one hangs, and waits."""

import asyncio
import sys

import process_work
from isolated.hanging import hanging
from pooled import pids, run

from ziggy_async.runtime.processes import ProcessPool

pool = ProcessPool(2)


async def main():
    await run(pool, process_work.pid)
    call = await hanging(pool, sys.argv[1])
    await run(pool, process_work.pid)
    print(*pids(pool), flush=True)
    await call


asyncio.run(main())
