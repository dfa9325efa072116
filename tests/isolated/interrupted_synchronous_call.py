"""Interrupts itself while a synchronous call computes."""

import os
import signal
import threading

from isolated.stocked import names

from ziggy_async.market_brain.signals import generate_signals_for_watchlist

timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
try:
    timer.start()
    while True:
        generate_signals_for_watchlist(names)
except KeyboardInterrupt:
    print(list(generate_signals_for_watchlist(names)) == names)
timer.join()
