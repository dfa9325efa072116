"""Ends while a daemon thread waits for a long computation, which nobody joins. Prints the class of what it raises, and
how long the exit took when nothing is under way ("idle") in whole tenths of a second."""

import atexit
import os
import sys
import threading
import time

atexit.register(lambda: os.write(1, b"%d\n" % ((time.monotonic() - ended) * 10)) if is_idle else None)

import numpy as np

from ziggy_async import BarStore, FeatureSet, _core

BARS = 100_000
is_idle = sys.argv[1:] == ["idle"]

store = BarStore(capacity=BARS)
closes = 100.0 + np.cumsum(np.random.default_rng(1).standard_normal(BARS)) * 0.1
columns = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": np.full(BARS, 1e6)}
times = np.datetime64("2020-01-01T00:00:00") + np.arange(BARS)
for symbol in ("A", "B", "C", "D"):
    store.load(symbol, {"timestamp": times, **columns})
features = FeatureSet(*(f"median(close, {length})" for length in range(400, 404)))


def ask() -> None:
    try:
        features.history(store=store)
        os.write(1, b"a result\n")
    except BaseException as error:
        os.write(1, f"{type(error).__name__}\n".encode())


if is_idle:
    FeatureSet("sma(close, 20)").history(store=store)
else:
    threading.Thread(target=ask, daemon=True).start()
    while not _core.pool_stats()["unfinished"]:
        time.sleep(0.001)
ended = time.monotonic()
