"""Ends while daemon threads compute without a loop. Prints the class of the exception that each of them gets."""

import atexit
import sys
import threading

threads = []
is_stopped, is_over = threading.Event(), threading.Event()


@atexit.register  # before the package's own handlers, so it is called after them
def wait() -> None:
    is_stopped.wait(20.0)  # the first of them: others may be done by their threads alone, again and again
    is_over.set()
    for thread in threads:
        thread.join(20.0)


import numpy as np

from ziggy_async import BarStore, FeatureSet, default_store
from ziggy_async.market_brain import generate_signals_for_watchlist

SYMBOLS = [f"S{number}" for number in range(4000)]
BARS = 250

store: BarStore = default_store()
closes = 100.0 + np.cumsum(np.random.default_rng(1).standard_normal(BARS)) * 0.1
columns = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": np.full(BARS, 1e6)}
times = np.datetime64("2020-01-01") + np.arange(BARS)
for symbol in SYMBOLS:
    store.load(symbol, {"timestamp": times, **columns})
features = FeatureSet("rsi(14)", "rank(sma(close, 20))", *(f"median(close, {length})" for length in range(20, 40)))
calls = {
    "latest": lambda: features.latest(SYMBOLS),
    "history": lambda: features.history(SYMBOLS),
    "signals": lambda: generate_signals_for_watchlist(SYMBOLS),
}


def ask(call: str) -> None:
    try:
        while not is_over.is_set():
            calls[call]()
            began.release()
    except BaseException as error:
        sys.stdout.write(f"{type(error).__name__}\n")
        sys.stdout.flush()
        is_stopped.set()


began = threading.Semaphore(0)
threads += [threading.Thread(target=ask, args=(sys.argv[1],), daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
began.acquire()
