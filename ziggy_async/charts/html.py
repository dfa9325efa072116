"""A chart as a page of HTML that loads nothing, and as a frame with that page in a notebook."""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from typing import Any

from ziggy_async.charts.assets import chart_js, lightweight_charts_js
from ziggy_async.messages import encodable

STYLE = """
:root { color-scheme: light dark; }
html, body { height: 100%; margin: 0; background: #fff; }
#chart { height: calc(100% - 20px); }
footer { height: 20px; padding: 0 8px; font: 11px/20px system-ui, sans-serif; color: #8a95a5; text-align: right; }
footer a { color: inherit; }
@media (prefers-color-scheme: dark) { html, body { background: #10151d; } }
"""
DRAW = """
const dark = matchMedia("(prefers-color-scheme: dark)");
const content = JSON.parse(document.getElementById("content").textContent);
const drawn = drawChart(document.getElementById("chart"), content, {dark: dark.matches});
dark.addEventListener("change", () => drawn.restyle({dark: dark.matches}));
"""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src {scripts}; style-src {style}">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<div id="chart"></div>
<footer>Drawn by <a href="https://www.tradingview.com/" target="_blank" rel="noopener">TradingView</a> Lightweight \
Charts™</footer>
<script type="application/json" id="content">{content}</script>
<script>{library}</script>
<script type="module">{module}</script>
</body>
</html>
"""


def page(title: str, content: Mapping[str, Any], size: tuple[int, int] | None = None) -> str:
    """`content`: what `chart.js` draws. Whatever its texts are, they end neither the page's scripts nor its title.
    `size`: width and height in pixels, None for those of the window."""
    library, module = lightweight_charts_js(), chart_js() + DRAW
    style = STYLE if size is None else f"{STYLE}html, body {{ width: {size[0]}px; height: {size[1]}px; }}\n"
    return PAGE.format(
        title=escape(encodable(title)),
        scripts=f"{digest(library)} {digest(module)}",
        style=digest(style),
        css=style,
        content=json.dumps(content, allow_nan=False).replace("<", "\\u003c"),
        library=library,
        module=module,
    )


def framed(page: str, height: int) -> str:
    """Returns `page` in a frame of its own, which sees nothing of the notebook around it."""
    allowed = "allow-scripts allow-popups"
    style = f"width: 100%; height: {height}px; border: 0"
    return f'<iframe srcdoc="{escape(page)}" sandbox="{allowed}" style="{style}" title="chart"></iframe>'


def digest(text: str) -> str:
    """Returns the digest by which a content security policy allows a script or style of a page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
