"""The command; the benchmark that it serves ends when it is cancelled."""

import asyncio
import sys

from ziggy_async.api import benchmarks
from ziggy_async.cli import main


async def endless(num_operations):
    print("begun", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("cancelled", flush=True)


benchmarks.run_feature_computation_benchmark = endless
sys.exit(main(sys.argv[1:]))
