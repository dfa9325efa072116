"""Ends while a synchronous call waits for a source of bars, and prints how the call ends."""

import asyncio
import atexit
import threading

atexit.register(lambda: thread.join(10))  # after what the package does then

from ziggy_async import set_bar_source
from ziggy_async.market_brain.features import get_ticker_features

begun = threading.Event()


async def hang(symbol, lookback):
    begun.set()
    await asyncio.sleep(60)


def call():
    try:
        get_ticker_features("A")
    except BaseException as error:
        print(type(error).__name__, error)


set_bar_source(hang, timeout=60)
thread = threading.Thread(target=call, daemon=True)
thread.start()
begun.wait()
