"""Ends while a call of a process pool runs."""

import asyncio
import pathlib
import sys

import process_work
from pooled import run

from ziggy_async.runtime.processes import ProcessPool

folder = pathlib.Path(sys.argv[1])


async def begin():
    call = asyncio.create_task(run(pool, process_work.works_on, str(folder)))
    while not (folder / "begun").exists():
        await asyncio.sleep(0.01)
    return call


pool = ProcessPool(1)
kept = asyncio.new_event_loop().run_until_complete(begin())
kept._log_destroy_pending = False
