"""Sends a function of a program that other processes cannot import."""

import asyncio

from pooled import close, run

from ziggy_async.runtime.processes import ProcessPool


def mine():
    pass


async def main():
    pool = ProcessPool(1)
    try:
        await run(pool, mine)
    except TypeError as error:
        print(error)
    await close(pool)


asyncio.run(main())
