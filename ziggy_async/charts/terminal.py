"""A chart as lines of text for a terminal, drawn by plotext."""

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async.charts.chart import Chart
from ziggy_async.charts.series import Line
from ziggy_async.messages import optional_import, printable

Floats = NDArray[np.float64]

COLOURS = (39, 214, 141, 44, 205, 148, 173, 245)
"""Colours of the lines, in turn, by their numbers among a terminal's 256: visible on light and on dark, and none a
candle's."""
LONG, SHORT = "▲", "▼"
LABEL = 9
"""Columns of the prices on the right."""
LEAST_COLUMNS, LEAST_ROWS = 30, 8
PANE_ROWS = 7
MOST_APART = 8
"""Columns from one candle to the next."""
COLUMNS_A_TIME = 16
"""Between the times under the chart."""
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class Axis(NamedTuple):
    """The axis of prices, or of the values of a pane."""

    low: float
    high: float

    @classmethod
    def around(cls, *columns: Floats) -> "Axis":
        values = np.concatenate(columns)
        values = values[np.isfinite(values)]
        if len(values) == 0:
            return cls(0.0, 1.0)
        low, high = float(values.min()), float(values.max())
        spare = 0.03 * (high - low) or abs(high) * 0.01 or 1.0
        return cls(low - spare, high + spare)

    def ticks(self, most: int) -> list[float]:
        """Returns round numbers: at most so many, 1, 2 or 5 times a power of ten apart."""
        raw = (self.high - self.low) / max(1, most)
        power = 10.0 ** np.floor(np.log10(raw))
        step = next(each * power for each in (1.0, 2.0, 5.0, 10.0) if each * power >= raw)
        return [float(step * at) for at in range(int(np.ceil(self.low / step)), int(np.floor(self.high / step)) + 1)]


def drawn(chart: Chart, columns: int, rows: int, coloured: bool) -> list[str]:
    """Returns a chart of as many of the newest bars as fit, one in each column, or up to eight columns apart where they
    are few. Lines of at most `columns` cells; the panes of indicators are taken from `rows`. Raises
    `ModuleNotFoundError` that names the extra without plotext."""
    with optional_import("plotext", "a chart in a terminal", "'ziggy_async[charts]'"):
        import plotext
    picture = Picture(plotext, chart, max(columns, LEAST_COLUMNS) - LABEL - 2)
    columns = picture.columns + LABEL + 2
    panes = sorted({line.pane for line in chart.series.lines} - {0})
    rows = max(rows - 2, LEAST_ROWS + PANE_ROWS * len(panes))
    figure = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear()
    figure.plot_size(columns, rows)
    if panes:
        figure.subplots(1 + len(panes), 1)
    for place, pane in enumerate((0, *panes), 1):
        plot = figure.subplot(place, 1) if panes else figure
        plot.theme("colorless")
        plot.plot_size(columns, PANE_ROWS if pane else rows - PANE_ROWS * len(panes))
        picture.draw(plot, pane, is_last=place == 1 + len(panes))
    text = figure.build().string()
    figure.clear()
    return [*picture.head(columns, coloured), *(text if coloured else ESCAPE.sub("", text)).rstrip("\n").splitlines()]


class Picture:
    """The bars of a chart that are shown, and how each pane of it is drawn."""

    def __init__(self, plotext: Any, chart: Chart, columns: int) -> None:
        series = chart.series
        self._plotext = plotext
        self._chart = chart
        self._first = max(0, len(series) - columns)
        self.bars = len(series) - self._first
        self._places = np.arange(self.bars)
        apart = min(MOST_APART, (columns - 1) // max(1, self.bars - 1))
        self.columns = max(1, self.bars - 1) * apart + 1

    def _shown(self, column: Any) -> Any:
        return column[self._first :]

    def head(self, columns: int, coloured: bool) -> list[str]:
        """Returns the names of what is drawn, with the figures of the last bar, in lines of at most `columns` cells if
        a name allows it."""
        series = self._chart.series
        prices = (
            f"{name} {getattr(series, field)[-1]:.6g}"
            for name, field in zip("OHLC", ("open", "high", "low", "close"), strict=True)
        )
        first = "  ".join([printable(series.ticker), self._moment(len(series) - 1), *prices])
        lines, left = [first], 0
        for at, line in enumerate(series.lines):
            name = f"{printable(line.name)} {line.values[-1]:.6g}"
            shown = str(self._plotext.colorize(name, COLOURS[at % len(COLOURS)])) if coloured else name
            left -= len(name) + 2
            if left >= 0:
                lines[-1] += f"  {shown}"
            else:
                lines.append(shown)
                left = columns - len(name)
        return lines

    def _moment(self, at: int) -> str:
        """Returns the day, with the time of day where bars are closer than days."""
        times = self._chart.series.timestamps
        text = str(times[at].astype("datetime64[m]"))
        is_daily = bool((times.astype("datetime64[D]") == times).all())
        return text[:10] if is_daily else text.replace("T", " ")

    def draw(self, plot: Any, pane: int, is_last: bool) -> None:
        series = self._chart.series
        lines = [(at, line) for at, line in enumerate(series.lines) if line.pane == pane]
        columns = [self._shown(line.values) for _, line in lines]
        if pane == 0:
            columns += [self._shown(series.low), self._shown(series.high)]
        self._set_rulers(plot, Axis.around(*columns), 4 if pane else 8, is_last)
        for at, line in lines:
            self._draw_line(plot, line, COLOURS[at % len(COLOURS)])
        if pane == 0:
            self._draw_candles(plot)
            self._draw_markers(plot, Axis.around(*columns))

    def _draw_candles(self, plot: Any) -> None:
        series = self._chart.series
        fields = {name: self._shown(getattr(series, name)).tolist() for name in ("open", "high", "low", "close")}
        plot.draw(plot.candlestick({"date": self._places.tolist(), **fields}, yside="right"))

    def _draw_line(self, plot: Any, line: Line, colour: int) -> None:
        values = self._shown(line.values)
        has_value = np.isfinite(values)
        if not has_value.any():
            return
        marker = self._plotext.marker("braille", colour)
        signal = plot.signal(self._places[has_value].tolist(), values[has_value].tolist(), marker=marker, yside="right")
        signal.lines(True)
        plot.draw(signal)

    def _draw_markers(self, plot: Any, axis: Axis) -> None:
        series = self._chart.series
        places = {float(time): at for at, time in enumerate(self._shown(series.timestamps).astype(np.int64) / 1e9)}
        spare = 0.04 * (axis.high - axis.low)
        for marker in self._chart.markers:
            at = places.get(marker.time)
            if at is not None:
                is_long = marker.direction == "LONG"
                price = self._shown(series.low)[at] - spare if is_long else self._shown(series.high)[at] + spare
                plot.draw(plot.text(at, float(price), LONG if is_long else SHORT, yside="right"))

    def _set_rulers(self, plot: Any, axis: Axis, ticks: int, is_last: bool) -> None:
        plot.ruler("x").lim(0, max(1, self.bars - 1))
        prices = plot.ruler("y", "right")
        prices.lim(axis.low, axis.high)
        values = axis.ticks(ticks)
        prices.ticks(values, [f"{value:<{LABEL}.6g}" for value in values])
        step = max(1, COLUMNS_A_TIME * self.bars // self.columns)
        places = range(step // 2, self.bars, step) if is_last else ()
        plot.ruler("x").ticks(list(places), [self._moment(self._first + at) for at in places])
