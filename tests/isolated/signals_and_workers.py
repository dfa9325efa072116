"""Sends signals to itself while native threads compute, and prints which thread handled them."""

import asyncio
import os
import signal
import threading

from isolated.stocked import names

import ziggy_async

seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(threading.current_thread() is threading.main_thread()))


async def main():
    for _ in range(50):
        os.kill(os.getpid(), signal.SIGUSR1)
        await ziggy_async.generate_signals_for_watchlist_async(names[:200])


asyncio.run(main())
print(len(seen) > 0, all(seen))
