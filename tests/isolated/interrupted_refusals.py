"""A closed pool refuses three batches, the futures of the first interrupt; prints what became of each."""

import asyncio
import json

from isolated.outcomes import Stop, handle, outcomes, seen

from ziggy_async import BarStore, _core, bridge
from ziggy_async.market_brain.features import feature_computer


class Future(asyncio.Future):
    def set_exception(self, error):
        super().set_exception(error)
        raise Stop


class Loop(asyncio.SelectorEventLoop):
    kind = asyncio.Future

    def create_future(self):
        return self.kind(loop=self)


async def main():
    loop, port = bridge.port()
    loop.set_exception_handler(handle)
    futures = []
    for kind in (asyncio.Future, Future, asyncio.Future):  # the last one is submitted first
        loop.kind = kind
        store = BarStore()
        futures += [port.features(loop, store, feature_computer.plan, f"N{number}") for number in range(2)]
    loop.kind = asyncio.Future
    print(json.dumps([await outcomes(futures), seen]))


_core.shutdown(10.0, 0.0)
loop = Loop()
loop.run_until_complete(main())
