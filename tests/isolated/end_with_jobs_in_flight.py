"""Ends as it is told with native jobs in flight: nine forked children, and then their parent."""

import asyncio
import os
import sys
import threading

from isolated.stocked import begin, names

import ziggy_async


def leave():
    loop = asyncio.new_event_loop()
    return loop, begin(loop)


def close():
    loop, kept = leave()
    loop.close()
    return kept


def end():
    async def main():
        kept = [asyncio.create_task(ziggy_async.generate_signals_for_watchlist_async(names)) for _ in range(20)]
        await asyncio.sleep(0)
        return kept

    asyncio.run(main())


def daemon():
    def work():
        loop = asyncio.new_event_loop()
        kept = begin(loop)
        started.set()
        loop.run_forever()
        del kept

    started = threading.Event()
    threading.Thread(target=work, daemon=True).start()
    started.wait()


for _ in range(9 if hasattr(os, "fork") else 0):
    child = os.fork()
    if child == 0:
        break
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        sys.exit(f"a child ended with {code}")
kept = {"leaves the loop": leave, "exits": leave, "closes the loop": close, "asyncio.run": end, "daemon": daemon}[
    sys.argv[1]
]()
if sys.argv[1] == "exits":
    sys.exit(0)
