"""A call of a process pool that hangs, for the scripts."""

import asyncio
import pathlib

import process_work
from pooled import run


async def hanging(pool, door):
    """Returns a call that is under way."""
    call = asyncio.create_task(run(pool, process_work.waits_for, door))
    while not pathlib.Path(door).exists():
        await asyncio.sleep(0.01)
    return call
