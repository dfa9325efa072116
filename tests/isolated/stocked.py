"""A store of 2000 tickers, for the scripts."""

import asyncio

from reference.bars import walk

import ziggy_async

store = ziggy_async.default_store()
bars = walk(252).table()
names = [f"S{number}" for number in range(2000)]
for name in names:
    store.load(name, bars)


def begin(loop, count=20):
    """Returns watchlists that are on their way, and will be missed by nobody."""
    tasks = [loop.create_task(ziggy_async.generate_signals_for_watchlist_async(names)) for _ in range(count)]
    for task in tasks:
        task._log_destroy_pending = False
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
    loop.run_until_complete(asyncio.sleep(0))
    return tasks
