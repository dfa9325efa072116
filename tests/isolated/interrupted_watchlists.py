"""Interrupts itself three times while watchlists are computed."""

import asyncio
import os
import signal
import threading

from isolated.stocked import names

import ziggy_async


async def main():
    while True:
        await ziggy_async.generate_signals_for_watchlist_async(names)


interrupted = 0
for _ in range(3):
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        asyncio.run(main())
    except KeyboardInterrupt:
        interrupted += 1
    timer.join()
found = asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
print(interrupted, list(found) == names)
