"""Charts: what they draw, as a page that needs nothing else and shows text as text, and what is refused."""

import json
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.bars import from_closes, walk

from ziggy_async import BarStore, FeatureSet, signal_history
from ziggy_async.charts import Chart, chart
from ziggy_async.charts.chart import chart_of, markers_of
from ziggy_async.charts.png import BROWSERS
from ziggy_async.features import FormulaError

HOSTILE = "<img src=x onerror=document.title='taken'></script><script>document.title='taken'</script>"
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="neither Chromium nor Chrome")


@pytest.fixture(scope="module")
def store() -> BarStore:
    store = BarStore()
    store.load("SPY", walk(200, 1).table())
    rising = np.concatenate([100.0 + np.sin(np.arange(90)), 100.0 * 1.012 ** np.arange(60)])
    store.load("UP", from_closes(rising, spread=0.002).table())
    return store


def content_of(made: Chart) -> dict[str, Any]:
    """As the page has it."""
    text = re.search(r'<script type="application/json" id="content">(.*?)</script>', made.html, re.DOTALL)
    assert text is not None
    found: dict[str, Any] = json.loads(text[1])
    return found


def test_it_draws_bars_and_formulas(store: BarStore) -> None:
    made = chart(store, "SPY", "ema(20)", "bbands()", panes=["rsi(14)", ["macd()", "0"]])
    names = [(line["name"], line["pane"]) for line in content_of(made)["lines"]]
    bands = [(f"bbands().{name}", 0) for name in ("upper", "middle", "lower")]
    lines = [(f"macd().{name}", 2) for name in ("macd", "signal", "histogram")]
    assert names == [("ema(20)", 0), *bands, ("rsi(14)", 1), *lines, ("0", 2)]
    bars = content_of(made)["bars"]
    stored = store.bars("SPY")
    assert [bar[0] for bar in bars] == (stored["timestamp"].astype(np.int64) / 1e9).tolist()
    for at, field in enumerate(("open", "high", "low", "close", "volume"), 1):
        assert [bar[at] for bar in bars] == stored[field].tolist()
    wanted = FeatureSet("ema(20)").history(["SPY"], store)["ema(20)"]
    assert [bar[6] for bar in bars] == [None if np.isnan(value) else value for value in wanted]


def test_start_and_bars_choose_and_change_no_value(store: BarStore) -> None:
    whole = content_of(chart(store, "SPY", "ema(20)"))["bars"]
    assert content_of(chart(store, "SPY", "ema(20)", bars=30))["bars"] == whole[-30:]
    start = store.bars("SPY")["timestamp"][120]
    assert content_of(chart(store, "SPY", "ema(20)", start=start))["bars"] == whole[120:]
    assert content_of(chart(store, "SPY", bars=1))["bars"] == [whole[-1][:6]]


def test_signals_are_those_of_the_history(store: BarStore) -> None:
    made = chart(store, "UP", signals=True)
    history = signal_history(["UP"], store)
    direction = history["direction"]
    times = history.timestamps.astype(np.int64) / 1e9
    marked = {marker["time"]: marker["direction"] for marker in content_of(made)["markers"]}
    assert marked
    for time, way in marked.items():
        (at,) = np.flatnonzero(times == time)
        assert {"LONG": 1.0, "SHORT": -1.0}[way] == direction[at]
        assert direction[at - 1] != direction[at] or history["signal_type"][at - 1] != history["signal_type"][at]
    assert direction[-1] == -1.0
    assert content_of(made)["signal"] == {
        "direction": "SHORT",
        "entry": history["entry_price"][-1],
        "stop": history["stop_loss"][-1],
        "target": history["take_profit"][-1],
    }
    assert content_of(chart(store, "UP"))["markers"] == []
    assert content_of(chart(store, "UP"))["signal"] is None


def test_a_marker_stands_where_a_signal_begins_or_becomes_another() -> None:
    directions, types = np.full(40, np.nan), np.full(40, np.nan)
    directions[:3] = 0.0
    for at, direction, kind in (
        (3, 1, 0),
        (4, 1, 0),
        (12, 1, 1),
        (20, 1, 2),
        (21, -1, 0),
        (22, 0, np.nan),
        (39, -1, 1),
    ):
        directions[at], types[at] = direction, kind
    times = np.arange(40).astype("M8[s]").astype("M8[ns]")
    assert markers_of(times, directions, types, np.full(40, 0.5)) == (
        (3.0, "LONG", "MR 0.50"),
        (12.0, "LONG", "MOM 0.50"),
        (20.0, "LONG", "MR+MOM 0.50"),
        (21.0, "SHORT", ""),  # too near for a text
        (39.0, "SHORT", "MOM 0.50"),
    )


def test_text_ends_neither_scripts_nor_frames() -> None:
    store = BarStore()
    store.load(HOSTILE, walk(60, 1).table())
    made = chart(store, HOSTILE, "ema(20)")
    assert content_of(made)["ticker"] == HOSTILE
    assert "<img" not in made.html
    assert made.html.count("</script>") == 3
    frame = made._repr_html_()
    assert frame.count("<") == 2
    page = re.search(r'srcdoc="([^"]*)"', frame)
    assert page is not None
    assert unescape(page[1]) == made.html
    assert 'sandbox="allow-scripts allow-popups"' in frame
    assert "\udcff" not in Chart(made.series).html


def test_a_page_loads_nothing(store: BarStore) -> None:
    page = chart(store, "SPY").html
    assert "default-src 'none'" in page
    assert "unsafe" not in page.split("</head>")[0]
    assert re.findall(r'(?:src|href)="?[^ >]*', re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)) == [
        'href="https://www.tradingview.com/"'
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("SPX",), ValueError, "the store has no bars of 'SPX'; did you mean 'SPY'?"),
        ((7,), TypeError, "ticker: 7 is an int"),
        (("SPY", "foo(1)"), FormulaError, "foo"),
        (("SPY", "vwap"), FormulaError, "vwap"),
    ],
)
def test_what_cannot_be_drawn_is_said(store: BarStore, arguments: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        chart(store, *arguments)
    assert says in str(caught.value)


def test_one_formula_is_no_list_of_panes(store: BarStore) -> None:
    with pytest.raises(TypeError, match="panes must be a list of formulas"):
        chart(store, "SPY", panes="rsi(14)")


def test_no_bars_and_wrong_numbers_are_said(store: BarStore, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'SPY' has no bars from 2199-01-01 on"):
        chart(store, "SPY", start="2199-01-01")
    for bars in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="bars"):
            chart(store, "SPY", bars=bars)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="store must be a BarStore"):
        chart("SPY", store)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\.html or \.png"):
        chart(store, "SPY").save(tmp_path / "chart.pdf")


def test_without_the_extra_one_sentence_names_it(run_isolated: Callable[..., Any]) -> None:
    done = run_isolated("without_litecharts")
    assert done.returncode == 1
    assert "ziggy_async[charts]" in done.stderr.splitlines()[-1]


def test_html_is_written(store: BarStore, tmp_path: Path) -> None:
    made = chart(store, "SPY", "ema(20)")
    made.save(tmp_path / "chart.html")
    assert (tmp_path / "chart.html").read_text(encoding="utf-8") == made.html
    assert repr(made).startswith("<Chart of SPY: 200 bars from 2020-01-01T00:00 to ")


@needs_browser
def test_png_has_the_size_that_is_asked_for(store: BarStore, tmp_path: Path) -> None:
    chart(store, "SPY", "ema(20)", panes=["rsi(14)"]).save(tmp_path / "chart.png", 640, 480)
    picture = (tmp_path / "chart.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (640, 480)
    assert len(picture) > 10_000


def test_png_without_a_browser_is_one_sentence(
    store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="a PNG needs Chromium or Chrome"):
        chart(store, "SPY").save(tmp_path / "chart.png")


@needs_browser
def test_a_browser_draws_the_page_without_complaint(tmp_path: Path) -> None:
    store = BarStore()
    store.load(HOSTILE, walk(120, 1).table())
    chart_of(store, HOSTILE, ["ema(20)"], ["macd()"], signals=True).save(tmp_path / "chart.html")
    options = ["--headless", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={tmp_path}/profile"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    page = (tmp_path / "chart.html").as_uri()
    command = [str(BROWSER), *options, "--virtual-time-budget=2000", "--dump-dom", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    body = re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)
    assert body.count("<canvas") > 4
    assert "macd().histogram" in body
    assert "&lt;img src=x" in body
    assert "<img" not in body
    assert ">taken<" not in body
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
