"""Asks for processes, which run this script anew, without a guard."""

import asyncio

import process_work
from pooled import close, run

from ziggy_async.runtime.processes import ProcessPool


async def main():
    pool = ProcessPool(2)
    try:
        print(await run(pool, process_work.square, 3))
    finally:
        await close(pool)


asyncio.run(main())
