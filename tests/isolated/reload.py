"""Reloads a module of the package, and compares the threads before and after."""

import asyncio
import importlib
import sys
import threading

import ziggy_async
from ziggy_async.runtime import background_loop, default_pool


async def use():
    await ziggy_async.async_get_ticker_features("A")
    await default_pool.run(int)
    await asyncio.wrap_future(background_loop.submit_coroutine(asyncio.sleep(0)))


asyncio.run(use())
names = sorted(thread.name for thread in threading.enumerate())
importlib.reload(importlib.import_module(f"ziggy_async.{sys.argv[1]}"))
asyncio.run(use())
assert sorted(thread.name for thread in threading.enumerate()) == names, threading.enumerate()
print("the same")
