"""Where something fails below or beside the core: memory, loops, the caller's own classes. Nobody waits for ever."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]

BEGIN = """
import asyncio, json, os, threading
import numpy as np
import ziggy_async
from ziggy_async import BarStore, _core, bridge

def load(store, names, bars):
    close = np.full(bars, 10.0)
    for name in names:
        store.load(name, dict(timestamp=np.arange(bars).astype("M8[s]"), open=close, high=close, low=close,
                              close=close, volume=close))
"""


def said(run_python: Run, script: str, **environment: str) -> Any:
    """What the script printed, as JSON."""
    done = run_python(BEGIN + script, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits of memory and of processors")
def test_a_worker_without_memory_is_a_memory_error(run_python: Run) -> None:
    """Each time, also when the worker is through before the loop's thread has returned from handing over the job.

    One processor, and a thread of the loop that gives way to every other, make that happen.
    """
    script = """
import resource
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
store = BarStore(capacity=400_000)
load(store, "AB", 400_000)
far_too_long = ["A", "B", *(f"unknown {number}" for number in range(7))]

async def main():
    loop, port = bridge.port()
    await port.features_many(loop, store, [f"unknown {number}" for number in range(100)])  # the threads are there
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (8 << 20), resource.RLIM_INFINITY))
    os.nice(19)
    refused = 0
    for _ in range(2000):
        try:
            await port.features_many(loop, store, far_too_long)
        except MemoryError:
            refused += 1
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(json.dumps([_core.cpu()["lanes"], refused]))

asyncio.run(main())
"""
    lanes, refused = said(run_python, script)
    if lanes == 1:
        pytest.skip("one lane computes where the bars lie and needs no memory for them")
    assert refused == 2000
