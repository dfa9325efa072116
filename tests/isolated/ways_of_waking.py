"""Asks on each kind of loop, and prints whether the answers are right."""

import asyncio
import json

from reference.bars import walk

import ziggy_async
from ziggy_async.market_brain.features import get_ticker_features

store = ziggy_async.default_store()
names = [f"S{n}" for n in range(30)]
for seed, name in enumerate(names):
    store.load(name, walk(60, seed=seed).table())


async def main():
    for _ in range(20):
        found = await asyncio.gather(*(ziggy_async.async_get_ticker_features(name) for name in names))
    for name in names:
        await ziggy_async.async_get_ticker_features(name)
    return found == [get_ticker_features(name) for name in names]


factories = [asyncio.new_event_loop]
try:
    import uvloop

    factories.append(uvloop.new_event_loop)
except ImportError:
    pass
answers = []
for factory in factories:
    for _ in range(3):
        with asyncio.Runner(loop_factory=factory) as runner:
            answers.append(runner.run(main()))
print(json.dumps(answers))
