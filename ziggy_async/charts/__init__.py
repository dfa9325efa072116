"""Charts of one ticker: its candles with formulas on them."""

from ziggy_async.charts.chart import Chart, chart

__all__ = ["Chart", "chart"]
