"""Ends while a process pool is in the state that is named, and prints the ids of its processes."""

import asyncio
import contextlib
import pathlib
import sys
import threading
import time

import ziggy_async  # noqa: F401 - before multiprocessing, as applications do

# isort: split
import process_work
from isolated.hanging import hanging
from pooled import close, pids, run

from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.processes import ProcessPool

state, door = sys.argv[1:]
pool = ProcessPool(2)


async def use():
    await run(pool, process_work.pid)
    if state == "closed":
        await close(pool)


async def hang():
    call = await hanging(pool, door)
    print(*pids(pool))
    if state == "a call hangs in a daemon's loop":
        with contextlib.suppress(Stopped):
            await call


if state in ("idle", "closed"):
    asyncio.run(use())
elif state == "a call hangs and its task is cancelled":
    asyncio.run(hang())
elif state == "a call hangs and the loop is left":
    loop = asyncio.new_event_loop()
    kept = loop.run_until_complete(hanging(pool, door))
    kept._log_destroy_pending = False
else:
    threading.Thread(target=lambda: asyncio.run(hang()), daemon=True).start()
    while not pathlib.Path(door).exists():
        time.sleep(0.01)
print(*pids(pool))
