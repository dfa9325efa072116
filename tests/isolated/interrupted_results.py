"""Interrupts the making of the third and of the eighth result; prints what became of each, and what the loop heard."""

import asyncio
import json

from isolated.outcomes import Stop, handle, outcomes, seen

from ziggy_async import BarStore, _core, bridge
from ziggy_async.market_brain.features import feature_computer


class Features(dict):
    made = 0

    def __init__(self):
        Features.made += 1
        if Features.made in (3, 8):
            raise Stop


_core.register("Features", Features)


async def main():
    loop, port = bridge.port()
    loop.set_exception_handler(handle)
    store, plan = BarStore(), feature_computer.plan
    found = await outcomes([port.features(loop, store, plan, f"N{number}") for number in range(4)])
    whole = await outcomes([port.features_many(loop, store, plan, [f"N{number}" for number in range(9)])])
    print(json.dumps([found, whole, seen]))


asyncio.run(main())
