"""Forks five children while watchlists are computed, and uses the package in each."""

import asyncio
import ctypes
import os
import sys

from isolated.stocked import bars, begin, names, store

import ziggy_async
from ziggy_async.market_brain.features import get_ticker_features

loop = asyncio.new_event_loop()
kept = begin(loop)
children = []
for number in range(5):
    child = os.fork()
    if child == 0:
        # The loop's end here would take the parent's descriptors out of the epoll set that both processes share.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(loop))
        try:
            found = asyncio.run(ziggy_async.async_get_ticker_features("S1"))
            assert found == get_ticker_features("S1")
            assert list(asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names[:50]))) == names[:50]
            store.load("NEW", bars)
            if number % 2:
                sys.exit(0)
            os._exit(0)
        except Exception as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
found = loop.run_until_complete(asyncio.gather(*kept))
loop.close()
print(codes, all(list(signals) == names for signals in found))
