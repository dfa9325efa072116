"""Calls the package after its end, unused or used (`used`)."""

import asyncio
import atexit
import sys
import threading


def after():
    async def regime():
        return await signals.generate_signals_for_watchlist_async(["A"])

    async def paper():
        return await ziggy_async.compute_features_async("A")

    before = threading.active_count()
    for work in (regime, paper, regime):
        try:
            asyncio.run(work())
        except RuntimeError as error:
            print(error)
    for start in (off_loop.blocking.pool, lambda: background_loop.submit(paper)):
        try:
            start()
        except RuntimeError as error:
            print(error)
    print(threading.active_count() - before)


atexit.register(after)
import ziggy_async
from ziggy_async import off_loop
from ziggy_async.market_brain import signals
from ziggy_async.runtime import background_loop

if "used" in sys.argv:
    asyncio.run(ziggy_async.async_get_ticker_features("A"))
