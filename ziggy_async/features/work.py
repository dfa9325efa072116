"""The amount of work that the nodes of a plan are, as far as the formulas alone decide it."""

from collections.abc import Iterable
from typing import NamedTuple

from ziggy_async.features.graph import Node

LOOKS_AT_ALL = frozenset({"avgdev", "cci", "quantile", "ts_rank"})
"""Kernels whose every value takes a look at all of their window; others take as long whatever the window."""
BARS_AT_ONCE = 8
"""Bars of a window that such a kernel looks at in the time of another one's value."""


class Work(NamedTuple):
    """`values`: values that are computed for each bar, in units of an ordinary kernel's. `kept`: bars that the windows
    and lags of one ticker keep."""

    values: int
    kept: int

    def of(self, tickers: int, bars: int) -> int:
        """Values of so many tickers with so many bars between them; to begin a ticker is to clear what it keeps."""
        return bars * self.values + tickers * self.kept


def work_of(nodes: Iterable[Node]) -> Work:
    values = kept = 0
    for node in nodes:
        window = int(max(node.parameters, default=0.0)) if node.kind in ("kernel", "lag", "skip") else 0
        values += 1 + (window // BARS_AT_ONCE if node.name in LOOKS_AT_ALL else 0)
        kept += window
    return Work(values, kept)
