"""Goes on in a forked child with the loop of its parent, which is woken by an eventfd."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta

from ziggy_async.paper import PriceData, compute_features_async, feature_computer

for n in range(60):
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=n)
    feature_computer.add_price_data(PriceData(at, "A", 1, 2, 1, 1.5, 1))


async def main():
    await compute_features_async("A")
    child, end = os.fork(), time.monotonic() + 1.0
    while time.monotonic() < end:
        await (compute_features_async("A") if child else asyncio.sleep(0))
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    print("went on")


asyncio.run(main())
