"""A loop flushes or closes the port (the first argument) while that calls the loop's method of the second argument."""

import asyncio
import json
import sys
import threading

from ziggy_async import BarStore, _core
from ziggy_async.market_brain.features import feature_computer

what, where = sys.argv[1:]


class Loop(asyncio.SelectorEventLoop):
    hook = None

    def call_hook(self):
        hook, self.hook = self.hook, None
        if hook is not None:
            hook()

    def create_future(self):
        future = asyncio.Future(loop=self)
        if where == "create_future":
            self.call_hook()
        return future

    def call_soon(self, *arguments, **keywords):
        handle = super().call_soon(*arguments, **keywords)
        if where == "call_soon":
            self.call_hook()
        return handle


loop, store, plan, outcomes = Loop(), BarStore(), feature_computer.plan, []


async def main():
    for number in range(500):
        port = _core.Port(loop)
        waiting = [port.features(loop, store, plan, "first")] if number % 2 else []
        loop.hook = getattr(port, what)
        try:
            waiting.append(port.features(loop, store, plan, f"N{number}"))
        except RuntimeError as error:
            outcomes.append(str(error))
        else:
            outcomes.append([result["ticker"] for result in await asyncio.gather(*waiting)][-1])


threading.Thread(target=_core.notifier_run, daemon=True).start()
loop.run_until_complete(main())
print(json.dumps(outcomes))
