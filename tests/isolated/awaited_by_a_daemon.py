"""Ends while a loop in a daemon thread awaits calls that hang in threads of ours: a direct one, and a task."""

import asyncio
import threading

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

began = threading.Semaphore(0)


def hang():
    began.release()
    threading.Event().wait()


async def use():
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    calls = (view.execute_blocking_operation("hangs", hang) for view in (computer, computer.with_options()))
    ends = await asyncio.gather(*calls, return_exceptions=True)
    print(*(type(end).__name__ for end in ends), flush=True)


threading.Thread(target=lambda: asyncio.run(use()), daemon=True).start()
for _ in range(2):
    began.acquire()
