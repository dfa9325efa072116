"""Interrupts itself while a synchronous call computes what would take minutes, and says what is so afterwards."""

import os
import signal
import sys
import threading
import time

import numpy as np

from ziggy_async import BarStore, FeatureSet, _core, screen

call, tickers, bars = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
close = 100.0 + np.sin(np.arange(bars))
times = np.datetime64("2000-01-01", "ns") + np.arange(bars) * np.timedelta64(1, "m")
table = {"timestamp": times, "open": close, "high": close, "low": close, "close": close, "volume": close}
store = BarStore(capacity=bars)
for number in range(tickers):
    store.load(f"S{number}", table)

periods = range(bars // 100, bars // 100 + 90)
heavy = [" + ".join(f"ema(quantile({period}, 0.{share}), 500)" for period in periods) for share in range(1, 9)]
long = FeatureSet(*heavy)
across = FeatureSet(*(f"rank({formula})" for formula in heavy))
brief = FeatureSet("ema(20)", "quantile(20, 0.3)")
live = FeatureSet(heavy[0])._live(store, None)
calls = {
    "history": lambda: long.history(None, store),
    "across": lambda: across.history(None, store),
    "latest": lambda: long.latest(None, store),
    "screen": lambda: screen(f"{heavy[0]} > 0", heavy, store=store),
    "over": lambda: long.over(table, time="timestamp"),
    "live": live.update,
}

before = brief.history(None, store)
try:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    calls[call]()
except KeyboardInterrupt:
    print("interrupted")
while _core.pool_stats()["unfinished"] > 0:
    time.sleep(0.001)
after = brief.history(None, store)
print(np.array_equal(before.to_numpy(), after.to_numpy(), equal_nan=True))
if call == "live":  # some tickers are up to date, and the others as they were
    whole = np.flatnonzero(~np.isnan(live.values[:, 0]))
    some = whole[[0, -1]]
    latest = FeatureSet(heavy[0]).latest([live.symbols[at] for at in some], store)
    print(0 < len(whole) < tickers, np.array_equal(latest.to_numpy(), live.values[some]))
