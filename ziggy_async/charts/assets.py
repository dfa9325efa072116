"""The scripts that draw charts in a browser."""

from importlib import resources


def lightweight_charts_js() -> str:
    """TradingView's Lightweight Charts: a script, out of the package litecharts, that makes `LightweightCharts` global.
    Raises `ModuleNotFoundError` that names the extra without it."""
    try:
        folder = resources.files("litecharts.js")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "charts need litecharts: pip install 'ziggy_async[charts]'", name=error.name
        ) from None
    return (folder / "lightweight-charts.js").read_text(encoding="utf-8")


def chart_js() -> str:
    """Our module over it: `drawChart(element, content, {dark})`."""
    return (resources.files("ziggy_async.charts") / "static" / "chart.js").read_text(encoding="utf-8")
