"""Ends while a source of bars hangs."""

import threading

from ziggy_async import set_bar_source
from ziggy_async.market_brain.features import get_ticker_features

set_bar_source(lambda symbol, lookback: threading.Event().wait(), timeout=0.1)
print(get_ticker_features("A").status)
