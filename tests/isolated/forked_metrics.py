"""Compares what a forked child and its parent count."""

import asyncio
import os

from ziggy_async import compute_features_async
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.metrics import _functions

computer = AsyncFeatureComputer()


async def main():
    await computer.start()
    await compute_features_async("A")
    assert len(computer.metrics.by_kind()) == 1
    child = os.fork()
    if child == 0:
        os._exit(any(function.tally for function in _functions) or len(computer.metrics.by_kind()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    await compute_features_async("A")
    assert computer.metrics.by_kind()["compute_features_async"].count == 2
    await computer.stop()


asyncio.run(main())
