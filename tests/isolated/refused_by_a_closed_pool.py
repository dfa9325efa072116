"""Prints how many more references to a store there are after a closed pool has refused queries, and what it said."""

import asyncio
import json
import sys

from isolated.outcomes import load

from ziggy_async import BarStore, FeatureSet, _core, bridge

store = BarStore()
load(store, "A", 60)
plan = FeatureSet("sma(close, 5)")._plan


async def main():
    loop, port = bridge.port()
    _core.shutdown(1.0, 0.0)
    before, refused = sys.getrefcount(store), []
    for ask in (
        lambda: port.latest(loop, plan, store, ("A",), None, (-1, 0)),
        lambda: port.history(loop, plan, store, ("A",), None, 0, 2**62, (-1, 0)),
    ):
        try:
            ask()
        except (RuntimeError, OSError) as error:
            refused.append(str(error))
    await asyncio.sleep(0)
    print(json.dumps([sys.getrefcount(store) - before, refused]))


asyncio.run(main())
