"""Ends while daemon threads go on asking."""

import asyncio
import threading

from isolated.stocked import names

import ziggy_async


def work():
    while True:
        try:
            asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
        except RuntimeError as error:
            if not any(text in str(error) for text in ("pool is clos", "exiting", "shutdown")):
                raise
            threading.Event().wait()
        began.release()


began = threading.Semaphore(0)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
began.acquire()
