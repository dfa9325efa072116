"""The scripts that draw charts in a browser."""

from importlib import resources

from ziggy_async.messages import optional_import


def lightweight_charts_js() -> str:
    """TradingView's Lightweight Charts: a script, out of the package litecharts, that makes `LightweightCharts` global.
    Raises `ModuleNotFoundError` that names the extra without it."""
    with optional_import("litecharts", "a chart", "'ziggy_async[charts]'"):
        folder = resources.files("litecharts.js")
    return (folder / "lightweight-charts.js").read_text(encoding="utf-8")


def chart_js() -> str:
    """Returns our module over it: `drawChart(element, content, {dark})`."""
    return (resources.files("ziggy_async.charts") / "static" / "chart.js").read_text(encoding="utf-8")
