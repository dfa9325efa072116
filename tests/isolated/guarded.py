"""Sends a function of this script to a process."""

import asyncio

from pooled import close, run

from ziggy_async.runtime.processes import ProcessPool


def mine(number):
    return number + 1


async def main():
    pool = ProcessPool(1)
    print(await run(pool, mine, 3))
    await close(pool)


if __name__ == "__main__":
    asyncio.run(main())
