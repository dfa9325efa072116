"""Trading indicators and signals off the asyncio event loop, on a native thread pool.

Bars go into a `BarStore`, the market-brain functions read the `default_store()`, and every async function here computes
without holding up the loop that awaits it.
"""

from importlib.util import find_spec
from pathlib import Path

if find_spec("ziggy_async._core") is None:
    raise ImportError(
        f"the extension of ziggy_async is not built for this Python in {Path(__file__).parents[1]}: type "
        "`pip install -e .` there, or start Python in another folder if ziggy_async is installed"
    )

from ziggy_async._version import __version__
from ziggy_async.async_features import (
    AsyncFeatureComputer,
    TaskPoolConfig,
    get_async_feature_computer,
    init_async_features,
    shutdown_async_features,
)
from ziggy_async.features import FeatureSet, FeatureTable, FormulaError, screen, screen_async
from ziggy_async.market_brain.features import async_get_ticker_features
from ziggy_async.market_brain.signal_history import signal_history, signal_history_async
from ziggy_async.market_brain.signals import generate_signals_for_watchlist_async, generate_ticker_signal_async
from ziggy_async.paper.features import compute_features_async
from ziggy_async.sources import set_bar_source
from ziggy_async.store import BarStore, default_store

__all__ = [
    "AsyncFeatureComputer",
    "BarStore",
    "FeatureSet",
    "FeatureTable",
    "FormulaError",
    "TaskPoolConfig",
    "__version__",
    "async_get_ticker_features",
    "compute_features_async",
    "default_store",
    "generate_signals_for_watchlist_async",
    "generate_ticker_signal_async",
    "get_async_feature_computer",
    "init_async_features",
    "screen",
    "screen_async",
    "set_bar_source",
    "shutdown_async_features",
    "signal_history",
    "signal_history_async",
]
