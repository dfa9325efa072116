"""Keeps a letter in a file, prints its id, and is killed; its work is in a module of the folder that is given."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime

from ziggy_async.dead_letters import DeadLetters, Reason
from ziggy_async.queueing.options import Attempt, Options, Work
from ziggy_async.runtime.cross_loop import outcome_of

path, folder = sys.argv[1:]
sys.path.insert(0, folder)
from jobs import multiply


async def main():
    letters = DeadLetters(asyncio.sleep, path)
    await letters.refresh()
    attempt = Attempt(datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), 0.25, "OSError: \udcff is not a name")
    work = Work("t1", "job", multiply, (6,), {"by": 7}, Options(key="k"))
    letter = await outcome_of(letters.put(work, Reason.WORKER_LOST, [attempt], "from"))
    print(letter.id, end="", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main())
