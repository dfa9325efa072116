"""The data of a chart of one ticker: its bars, and formulas as lines over the candles or in panes below."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.features.catalog import rows
from ziggy_async.features.feature_set import FeatureSet
from ziggy_async.features.formula import read_formula
from ziggy_async.features.source import Source
from ziggy_async.features.table import FeatureTable
from ziggy_async.messages import shown
from ziggy_async.reading.spellings import PRICE_COLUMNS
from ziggy_async.reading.timestamps import to_ns_alone
from ziggy_async.store import BarStore, default_store

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A formula's values at each bar, NaN where it has none. `pane`: 0 over the candles, from 1 on below them."""

    name: str
    pane: int
    values: Floats


@dataclass(frozen=True)
class ChartSeries:
    """Bars of one ticker, oldest first, and the lines over them."""

    ticker: str
    timestamps: NDArray[np.datetime64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    lines: tuple[Line, ...]

    def __len__(self) -> int:
        return len(self.timestamps)

    def to_dict(self) -> dict[str, Any]:
        """Returns it as JSON for `static/chart.js`: ticker; lines, each with name and pane; and bars, each as [seconds
        since 1970, open, high, low, close, volume, then the value of each line or None]."""
        columns = [self.timestamps.view(np.int64) / 1e9, self.open, self.high, self.low, self.close, self.volume]
        values = np.stack([*columns, *(line.values for line in self.lines)], axis=1)
        bars = values.astype(object)
        bars[~np.isfinite(values)] = None
        lines = [{"name": line.name, "pane": line.pane} for line in self.lines]
        return {"ticker": self.ticker, "lines": lines, "bars": bars.tolist()}


class ChartFormulas:
    """The formulas of a chart, read once and computed together with the bars that they are drawn over."""

    def __init__(self, overlays: Sequence[str] = (), panes: Sequence[str | Sequence[str]] = ()) -> None:
        """`overlays` are drawn over the candles; each of `panes`, a formula or several, has a pane of its own below. A
        call of an indicator with several outputs, such as "bbands()", is a line for each of them.

        Raises `FormulaError`, a `ValueError`, for a formula that cannot be used, `TypeError` for `panes` that are one.
        """
        if isinstance(panes, str):
            raise TypeError(f"panes must be a list of formulas, or of lists of them, not one str: {shown(panes)}")
        grouped = [list(overlays), *([pane] if isinstance(pane, str) else list(pane) for pane in panes)]
        self.places = tuple(
            (name, pane)
            for pane, formulas in enumerate(grouped)
            for formula in formulas
            for name in outputs_of(formula)
        )
        """Formula and pane of each line."""
        self.features = FeatureSet(*dict.fromkeys([*PRICE_COLUMNS, *(name for name, _ in self.places)]))

    def series(
        self, ticker: str, store: BarStore | None = None, bars: int | None = None, start: object | None = None
    ) -> ChartSeries:
        """Returns the newest `bars` bars, None: all, that are not before `start`; neither changes a value. Without bars
        for a ticker that the store has not. Raises `FormulaError` for a column that the store has not."""
        return self._drawn(ticker, self.features.history([ticker], store, _first(ticker, store, bars, start)), bars)

    async def series_async(
        self, ticker: str, store: BarStore | None = None, bars: int | None = None, start: object | None = None
    ) -> ChartSeries:
        """Does what `series` does, off the loop."""
        first = _first(ticker, store, bars, start)
        return self._drawn(ticker, await self.features.history_async([ticker], store, first), bars)

    def _drawn(self, ticker: str, table: FeatureTable, bars: int | None) -> ChartSeries:
        rows = slice(0 if bars is None else max(0, len(table) - bars), None)  # more bars may have come meanwhile
        prices = {name: table[name][rows] for name in PRICE_COLUMNS}
        lines = tuple(Line(name, pane, table[name][rows]) for name, pane in self.places)
        return ChartSeries(ticker, table.timestamps[rows], **prices, lines=lines)


def _first(ticker: str, store: BarStore | None, bars: int | None, start: object | None) -> object | None:
    """Returns the time from which on bars are asked for."""
    if bars is None:
        return start
    (count,), times = (default_store() if store is None else store)._tails([ticker], max(1, bars))
    if not count:
        return start
    first: np.datetime64 = times.view("M8[ns]")[0]
    return first if start is None else max(first, np.datetime64(to_ns_alone(start), "ns"))


def outputs_of(formula: str) -> list[str]:
    """Returns `formula`, or a formula for each output of the indicator that it is a call of. Raises `FormulaError`."""
    read_formula(formula)
    call = Source(formula).tree
    row = rows().get(call.func.id) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else None
    if row is None or len(row.outputs) == 1:
        return [formula]
    return [f"{formula.strip()}.{output.name}" for output in row.outputs]
