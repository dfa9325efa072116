"""A chart of one ticker that shows itself: in a notebook, as an HTML file, as a PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ziggy_async.charts import html, png
from ziggy_async.charts.assets import lightweight_charts_js
from ziggy_async.charts.series import ChartFormulas, ChartSeries
from ziggy_async.market_brain.features import checked_ticker
from ziggy_async.market_brain.signal_history import signal_history
from ziggy_async.market_brain.signals import SignalDirection
from ziggy_async.messages import nearest, shown
from ziggy_async.store import BarStore

HEIGHT = 420
"""Pixels in a notebook, and for each pane more."""
PANE_HEIGHT = 130

MARKER_ROOM = 8
"""Bars that the text of a marker covers; a marker that is nearer to the one before has no text."""
SHORT_TYPES = ("MR", "MOM", "MR+MOM")
"""Mean reversion, momentum and both, as markers have them."""


class Marker(NamedTuple):
    """A signal, at the first of the bars in a row that have it."""

    time: float
    """Seconds since 1970."""
    direction: str
    text: str


class Levels(NamedTuple):
    """Prices of the signal at the last bar."""

    direction: str
    entry: float
    stop: float
    target: float


@dataclass(frozen=True, eq=False)
class Chart:
    """Candles with lines over and below them, and signals on them."""

    series: ChartSeries
    markers: tuple[Marker, ...] = ()
    levels: Levels | None = None

    def __repr__(self) -> str:
        first, last = (str(moment)[:16] for moment in self.series.timestamps[[0, -1]])
        return f"<Chart of {self.series.ticker}: {len(self.series)} bars from {first} to {last}>"

    @property
    def title(self) -> str:
        return ", ".join([self.series.ticker, *(line.name for line in self.series.lines)])

    def to_dict(self) -> dict[str, Any]:
        """Returns the data that `static/chart.js` draws."""
        return {
            **self.series.to_dict(),
            "markers": [marker._asdict() for marker in self.markers],
            "signal": None if self.levels is None else self.levels._asdict(),
        }

    @cached_property
    def html(self) -> str:
        """A page that needs nothing but itself."""
        return html.page(self.title, self.to_dict())

    def _repr_html_(self) -> str:
        panes = {line.pane for line in self.series.lines} - {0}
        return html.framed(self.html, HEIGHT + PANE_HEIGHT * len(panes))

    def save(self, path: str | PathLike[str], width: int = 1200, height: int = 720) -> None:
        """Writes the chart as an .html file, or a .png of that many pixels, which Chromium or Chrome draws.

        Raises `ValueError` for another ending; `OSError` when the file cannot be written; `RuntimeError` without a
        browser, and when that fails.
        """
        target = Path(fspath(path))
        if target.suffix.lower() == ".png":
            size = width, height  # not the window's, which changes before a picture of it is taken
            png.write(html.page(self.title, self.to_dict(), size), target, size)
        elif target.suffix.lower() in (".html", ".htm"):
            target.write_text(self.html, encoding="utf-8")
        else:
            raise ValueError(f"{target}: the name of a chart's file ends in .html or .png")


def chart(
    store: BarStore,
    ticker: str,
    *formulas: str,
    panes: Sequence[str | Sequence[str]] = (),
    signals: bool = False,
    start: object | None = None,
    bars: int | None = None,
) -> Chart:
    """Returns the ticker's candles with `formulas` over them and `panes` below: each a formula or several in one pane.
    A call of an indicator with several outputs, such as "bbands()", is a line for each. With `signals`, what the signal
    rules said at each bar, and stop and target of the last bar's signal. `start`: the first bar; `bars`: the newest so
    many alone; neither changes a value.

    The chart shows itself in a notebook, and `save` writes it as HTML or PNG.

    Raises `FormulaError`, a `ValueError`, for a formula that cannot be used; `ValueError` for a ticker without bars;
    `TypeError` for arguments of another kind; `ModuleNotFoundError` that names the extra when it is not installed.
    """
    lightweight_charts_js()  # a notebook would not say that it is missing
    return chart_of(store, ticker, formulas, panes, signals=signals, start=start, bars=bars)


def chart_of(
    store: BarStore,
    ticker: str,
    formulas: Sequence[str],
    panes: Sequence[str | Sequence[str]],
    *,
    signals: bool = False,
    start: object | None = None,
    bars: int | None = None,
) -> Chart:
    """Does what `chart` does, also where nothing can show it as HTML."""
    if not isinstance(store, BarStore):
        raise TypeError(f"store must be a BarStore, not {shown(store)}")
    ticker = checked_ticker(ticker)
    if bars is not None and (isinstance(bars, bool) or not isinstance(bars, int) or bars < 1):
        raise ValueError(f"bars: {shown(bars)} is not a number of bars of at least 1")
    series = ChartFormulas(formulas, panes).series(ticker, store, bars, start)
    if len(series) == 0:
        raise ValueError(why_empty(store, ticker, start))
    if not signals:
        return Chart(series)
    history = signal_history([ticker], store, series.timestamps[0], series.timestamps[-1])
    directions, types = history["direction"], history["signal_type"]
    return Chart(series, markers_of(history.timestamps, directions, types, history["confidence"]), levels_of(history))


def why_empty(store: BarStore, ticker: str, start: object | None) -> str:
    if ticker in store:
        return f"{shown(ticker)} has no bars" + ("" if start is None else f" from {start} on")
    return f"the store has no bars of {shown(ticker)}{nearest(ticker, store.symbols())}"


def markers_of(times: Any, directions: Any, types: Any, confidences: Any) -> tuple[Marker, ...]:
    """Returns a marker where a signal begins, or becomes another one; the text has its type and confidence."""
    kinds = np.where(np.isin(directions, (-1.0, 1.0)), 10.0 * directions + np.nan_to_num(types), np.nan)
    begins = np.flatnonzero(~np.isnan(kinds) & (kinds != np.concatenate([[np.nan], kinds[:-1]])))
    apart = np.diff(begins, prepend=-MARKER_ROOM) >= MARKER_ROOM
    return tuple(
        Marker(
            float(times[at].astype(np.int64) / 1e9),
            direction_of(directions[at]),
            f"{SHORT_TYPES[int(types[at])]} {confidences[at]:.2f}" if has_room else "",
        )
        for at, has_room in zip(begins.tolist(), apart.tolist(), strict=True)
    )


def levels_of(history: Any) -> Levels | None:
    direction = history["direction"][-1]
    if direction not in (-1.0, 1.0):
        return None
    prices = (float(history[name][-1]) for name in ("entry_price", "stop_loss", "take_profit"))
    return Levels(direction_of(direction), *prices)


def direction_of(direction: float) -> str:
    return (SignalDirection.LONG if direction > 0 else SignalDirection.SHORT).value
