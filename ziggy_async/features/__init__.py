"""Any feature of bars, as a formula: `FeatureSet` computes formulas, `FeatureTable` is what it gives, `screen` chooses
tickers by one.

A formula's text becomes a syntax tree (`source`), that a graph of nodes (`formula`, with the functions in `functions`
and the indicators in `catalog`), and the graphs of a set become one plan of the core (`lowering`).
"""

from ziggy_async.features.errors import FormulaError
from ziggy_async.features.feature_set import FeatureSet
from ziggy_async.features.live import LiveFeatures
from ziggy_async.features.screening import screen, screen_async
from ziggy_async.features.table import FeatureTable

__all__ = ["FeatureSet", "FeatureTable", "FormulaError", "LiveFeatures", "screen", "screen_async"]
