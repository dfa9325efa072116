"""Live features that compare tickers: computed anew after each update, from the values that are kept current."""

import threading
import weakref
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core, lifecycle
from ziggy_async.lifecycle import Stage
from ziggy_async.reading.epochs import NAT
from ziggy_async.store import BarStore

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Codes = tuple[NDArray[np.int32], ...]


class Comparison:
    """The figures of all tickers by a plan over the last row of each.

    `lock` guards what is here, and is held from an update on until its figures are made.
    """

    def __init__(self, plan: _core.Plan, labels: tuple[str, ...]) -> None:
        self._plan, self._labels = plan, labels
        self._coded: tuple[tuple[int, Sequence[str]], Codes] | None = None
        self._values: Floats = np.empty((0, 0))
        self._times: Times = np.empty(0, np.int64)
        self._view = self._values
        self.lock = threading.Lock()
        _all.add(self)

    @property
    def values(self) -> Floats:
        """The figures of now; the same array until a ticker joins."""
        return self._view

    def make(self, live: _core.Live, symbols: Sequence[str], store: BarStore) -> None:
        """Takes over the last rows of `live`. Under the lock."""
        times, kept = live.table()
        columns = tuple(kept[:, at] for at in range(kept.shape[1]))
        offsets = np.arange(len(times) + 1)
        values = self._plan.tails(columns, offsets, times, labels=self._codes(symbols, store))
        values[times == NAT] = np.nan  # tickers without bars
        if values.shape != self._values.shape:
            self._values = np.empty(values.shape, order="F")
            self._view = self._values.view()
            self._view.flags.writeable = False
        np.copyto(self._values, values)
        self._times = times

    def table(self) -> tuple[Times, Floats]:
        """Times and figures, as they are between two updates."""
        with self.lock:
            return self._times.copy(), self._values.copy(order="F")

    def _codes(self, symbols: Sequence[str], store: BarStore) -> Codes:
        """Returns, for each set of labels, a number for the label of each symbol, -1 without one. Under the lock."""
        if not self._labels:
            return ()
        made_of = store.stats()["labelled"], symbols
        if self._coded is None or self._coded[0] != made_of:
            sets = store.labels()
            codes = []
            for name in self._labels:
                numbers = {label: number for number, label in enumerate(dict.fromkeys(sets[name].values()))}
                numbered = (numbers[label] if label is not None else -1 for label in map(sets[name].get, symbols))
                codes.append(np.fromiter(numbered, np.int32, len(symbols)))
            self._coded = made_of, tuple(codes)
        return self._coded[1]


_all: weakref.WeakSet[Comparison] = weakref.WeakSet()


def _renew_locks() -> None:
    """Renews the locks: another thread may have held one when the process forked."""
    for comparison in _all:
        comparison.lock = threading.Lock()


lifecycle.after_fork_in_child(Stage.COMPARISONS, _renew_locks)
