"""Asks again and again where a worker gets no memory; prints the number of lanes and how often that was an error."""

import asyncio
import json
import os
import resource
from pathlib import Path

from isolated.outcomes import load

from ziggy_async import BarStore, FeatureSet, _core, bridge
from ziggy_async.market_brain.features import feature_computer

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
store = BarStore(capacity=110_000)
load(store, "AB", 110_000)
tickers = ("A", "B")
many_slots = FeatureSet(*(f"stddev(close, {99_990 + number})" for number in range(8)))._plan


async def main():
    loop, port = bridge.port()
    names = [f"unknown {number}" for number in range(100)]
    await port.features_many(loop, store, feature_computer.plan, names)  # the threads are there
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (8 << 20), resource.RLIM_INFINITY))
    os.nice(19)
    refused = 0
    for _ in range(2000):
        try:
            await port.latest(loop, many_slots, store, tickers, None, (0, 0))
        except MemoryError:
            refused += 1
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(json.dumps([_core.cpu()["lanes"], refused]))


asyncio.run(main())
