"""Prints the reason of a signal under a locale that writes a comma for the point."""

import locale
from contextlib import suppress

import numpy as np

from ziggy_async import default_store
from ziggy_async.market_brain.signals import generate_ticker_signal

for name in ("de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"):
    with suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, name)
        break
close = np.concatenate([np.full(60, 100.0), [99.0, 98.0, 97.0, 95.0, 92.0]])
bars = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close}
default_store().load("A", {**bars, "timestamp": np.arange(65).astype("M8[D]")})
print(locale.localeconv()["decimal_point"], generate_ticker_signal("A")["signal"].reason)
