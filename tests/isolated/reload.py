"""Reloads a module of the package, and compares the threads before and after."""

import asyncio
import importlib
import sys
import threading

import ziggy_async
from ziggy_async import off_loop
from ziggy_async.runtime import background_loop


async def use():
    await ziggy_async.async_get_ticker_features("A")
    await off_loop.blocking.run(int)
    await asyncio.wrap_future(background_loop.submit(asyncio.sleep, 0))


def kinds():
    """The names of the threads without their numbers. A second pool or loop would have names that there are already."""
    names = [thread.name for thread in threading.enumerate()]
    assert len(set(names)) == len(names), names
    return {name.rstrip("0123456789") for name in names}


asyncio.run(use())
before = kinds()
importlib.reload(importlib.import_module(f"ziggy_async.{sys.argv[1]}"))
asyncio.run(use())
assert kinds() == before
print("the same")
