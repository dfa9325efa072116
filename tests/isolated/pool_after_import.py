"""Prints the threads and jobs of the native pool before and after the import."""

from ziggy_async import _core

print(_core.pool_stats()["threads"], _core.pool_stats()["submitted"])

import ziggy_async.market_brain.signals
import ziggy_async.paper  # noqa: F401

print(_core.pool_stats()["submitted"])
