"""Reloads the list of what is done at a fork; a forked child then makes a call, within 20 s. Prints its exit status."""

import asyncio
import importlib
import os
import signal

from ziggy_async import lifecycle, off_loop

assert asyncio.run(off_loop.blocking.run(int, "7")) == 7
importlib.reload(lifecycle)
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(asyncio.run(off_loop.blocking.run(int, "7")))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
