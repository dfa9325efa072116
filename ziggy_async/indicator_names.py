"""The names of the indicators, for type checkers: those of the catalog, in its order, which a test compares."""

from typing import Literal

IndicatorName = Literal[
    "sma",
    "ema",
    "turnover",
    "rsi",
    "rsi_cutler",
    "macd",
    "roc",
    "adx",
    "slope",
    "slope_percent",
    "highest",
    "lowest",
    "bollinger",
    "atr",
    "atr_simple",
    "volatility",
    "stddev",
    "zscore",
    "correlation",
    "return_correlation",
]
