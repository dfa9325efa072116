"""Cancels in a forked child the watchlists that its parent has begun."""

import asyncio
import ctypes
import os
import signal

from isolated.stocked import begin, names

import ziggy_async
from ziggy_async.market_brain.features import get_ticker_features

loop = asyncio.new_event_loop()
kept = begin(loop)
child = os.fork()
if child == 0:
    signal.alarm(30)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(loop))
    for task in kept:
        task.cancel()
    # The futures' own callbacks run as well: they are what gives up a job in the pool that is not here.
    ended = loop.run_until_complete(asyncio.gather(*kept, return_exceptions=True))
    found = asyncio.run(ziggy_async.async_get_ticker_features("S1"))
    many = asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
    good = all(isinstance(end, asyncio.CancelledError) for end in ended)
    os._exit(0 if good and found == get_ticker_features("S1") and list(many) == names else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
loop.close()
