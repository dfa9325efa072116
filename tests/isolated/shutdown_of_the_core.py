"""Shuts the native pool down, and asks it for more."""

import asyncio

from isolated.stocked import names

import ziggy_async
from ziggy_async import _core

asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
print(_core.shutdown(10.0, 0.0))
try:
    asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
except RuntimeError:
    print("refused")
