"""A loop refuses to be woken, by the error and at least as often as the arguments say, while another one is served."""

import asyncio
import builtins
import json
import sys
import threading
import time

from ziggy_async.market_brain.features import async_get_ticker_features

error, patience = getattr(builtins, sys.argv[1]), int(sys.argv[2])
told, refusing = [], threading.Event()
sys.unraisablehook = lambda unraisable: told.append(type(unraisable.exc_value).__name__)


class Loop(asyncio.SelectorEventLoop):
    refuses, refused = True, 0

    def call_soon_threadsafe(self, *arguments, **keywords):
        if self.refuses and threading.current_thread().name == "ziggy-async-notifier":
            self.refused += 1
            refusing.set()
            raise error("not now")
        return super().call_soon_threadsafe(*arguments, **keywords)


async def served(seconds):
    async with asyncio.timeout(seconds):
        return (await async_get_ticker_features("AAPL"))["ticker"]


async def healthy():
    return [await served(20.0) for _ in range(200)]


loop, found = Loop(), []
thread = threading.Thread(target=lambda: found.append(loop.run_until_complete(served(60.0))))
thread.start()
refusing.wait()
names = asyncio.run(healthy())
while loop.refused < patience + 2:
    time.sleep(0.001)
early = list(found)
loop.refuses = False
thread.join()
print(json.dumps([names.count("AAPL"), early, found, told]))
