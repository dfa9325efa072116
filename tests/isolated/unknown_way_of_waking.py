"""Asks with a way of waking that is none."""

import asyncio

import ziggy_async

try:
    asyncio.run(ziggy_async.async_get_ticker_features("A"))
except ValueError as error:
    print(error)
