"""Features that are kept current: each new bar costs one step, whatever the history behind it."""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core, off_loop
from ziggy_async._version import __version__
from ziggy_async.features.comparison import Comparison
from ziggy_async.features.live_file import Head, Kind, reading_states, write_states
from ziggy_async.features.table import FeatureTable
from ziggy_async.messages import shown
from ziggy_async.reading.epochs import NAT
from ziggy_async.store import BarStore
from ziggy_async.terms import moment_after

AT_ONCE = 1 << 22
"""Bytes of states that are read or written in one go."""

Identity = tuple[tuple[str, str], ...]
"""Names of a set's features, and the normal forms of their formulas."""


class Formulas(NamedTuple):
    """The formulas of live features."""

    identity: Identity
    kept: _core.Plan
    """The plan that is kept current bar by bar: the features, or the values that `compared` makes them of."""
    compared: _core.Plan | None
    """Features that compare tickers: its columns are the results of `kept`."""
    labels: tuple[str, ...]
    """Sets of labels by which it compares."""


class LiveStats(TypedDict):
    """Counts of what live features have done so far."""

    bars: int
    """Bars taken in, those included with which tickers began."""
    revised: int
    """Bars taken in once more, since they were replaced, or a ticker that `of()` reads changed what it gave then."""
    restarted: int
    """Times that a ticker began anew with the bars that the store has."""
    tickers: int
    """Tickers that have states now."""
    tiles: int
    """Groups of tickers that are computed side by side."""
    bytes: int
    """Memory of the states, those of tickers that `of()` reads and what they gave included."""


class LiveFeatures:
    """The features of a set at the last bar of each ticker of a store, kept current by `update`.

    Values equal the last row of `history` over the bars taken in, to the last bit. Each ticker has a row: those asked
    for in their order, or all of the store, sorted, and behind them those that join it later. Rows never move: a ticker
    that leaves the store is a row of NaN until it is back. So names only add up; where tickers come and go for ever,
    make these anew now and then.

    Tickers that formulas read by `of` are taken in first. A late bar of theirs revises the last bars that have read it,
    and tickers that have gone on since begin anew.

    Any thread may call any method. Updates run one after another; the store may change meanwhile.
    """

    def __init__(
        self,
        formulas: Formulas,
        store: BarStore,
        tickers: Iterable[str] | None = None,
        *,
        joining: bool | None = None,
    ) -> None:
        """`FeatureSet.live` and `FeatureSet.restore` make these. `joining`: whether symbols that join the store later
        get rows; by default where no tickers are named."""
        self._formulas = formulas
        self._names = tuple(name for name, _ in formulas.identity)
        self._store = store
        self._joining = tickers is None if joining is None else joining
        asked = store._sorted_symbols() if tickers is None else _distinct(tickers)
        self._core = _core.Live(formulas.kept, store, asked, store.local_time, self._joining)
        self._symbols = asked
        self._comparison = None if formulas.compared is None else Comparison(formulas.compared, formulas.labels)

    def __repr__(self) -> str:
        return f"<LiveFeatures: {len(self.symbols)} tickers, {', '.join(self._names)}>"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The ticker of each row."""
        symbols = self._symbols  # another thread may be adding to them too
        if len(symbols) < len(self._core.values):
            symbols += self._core.symbols(len(symbols))
            self._symbols = symbols
        return symbols

    @property
    def values(self) -> NDArray[np.float64]:
        """The figures, `(symbols, features)`: a read-only view, of which the next `update` changes the figures.

        A ticker that joins makes a new array, and one that was taken before changes no more.
        """
        return self._core.values if self._comparison is None else self._comparison.values

    def update(self) -> int:
        """Takes in what was appended to the store since; returns the number of bars, revised ones included.

        In the main thread, where signals are handled, one that takes longer than a quarter of a second pauses for them:
        other threads may see it half done then, and what Ctrl+C leaves is taken in by the next update.
        """
        return self._update(0)

    def _update(self, deadline_ns: int) -> int:
        if self._comparison is None:
            return self._core.update(deadline_ns)
        with self._comparison.lock:
            taken = self._core.update(deadline_ns)
            self._comparison.make(self._core, self.symbols, self._store)
        return taken

    async def update_async(self, *, deadline: float | None = None) -> int:
        """Does what `update` does, off the loop. Raises `TimeoutError` when it takes longer than `deadline` seconds:
        what was not taken in is taken in by the next update, as it is after a cancellation."""
        moment = moment_after(deadline)
        return await off_loop.short.run_within(deadline, "the bars were taken in", self._update, moment)

    def table(self) -> FeatureTable:
        """Returns the latest row of each ticker, as it is between two updates; tickers without bars are `missing`."""
        timestamps, values = self._core.table() if self._comparison is None else self._comparison.table()
        symbols = self.symbols[: len(timestamps)]
        missing = tuple(symbols[at] for at in np.flatnonzero(timestamps == NAT))
        return FeatureTable(self._names, symbols, None, timestamps, values, missing)

    async def table_async(self, *, deadline: float | None = None) -> FeatureTable:
        """Does what `table` does, off the loop. Raises `TimeoutError` when it takes longer than `deadline` seconds."""
        return await off_loop.short.run_within(deadline, "the table was made", self.table)

    def stats(self) -> LiveStats:
        """Counters since these features were made or restored."""
        return cast(LiveStats, self._core.stats())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes all states to a file, from which `FeatureSet.restore` goes on.

        The file is complete or is not there: it is written beside `path` and moved. Each ticker's states are of one
        moment. OSError as from any file. Raises `ValueError` for a store that is not `ordered`: times do not say which
        of its bars the states have seen.
        """
        _check_ordered(self._store)
        symbols, size = self.symbols, self._core.take()
        rows = max(1, AT_ONCE // size)
        others = self._core.take_others()
        parts = (self._core.take(first, min(rows, len(symbols) - first)) for first in range(0, len(symbols), rows))
        head = Head(
            symbols=list(symbols),
            joining=self._joining,
            tickers=self.stats()["tickers"],
            others=len(others),
            kind=self._kind,
        )
        write_states(path, head, chain((others,), parts))

    async def save_async(self, path: str | os.PathLike[str], *, deadline: float | None = None) -> None:
        """Does what `save` does, off the loop. Raises `TimeoutError` when it takes longer than `deadline` seconds: the
        file may still be written then."""
        await off_loop.long.run_within(deadline, "the states were saved", self.save, path)

    @classmethod
    def restored(cls, formulas: Formulas, store: BarStore, path: str | os.PathLike[str]) -> "LiveFeatures":
        """Makes live features with the states of a file, and what the store has beyond them taken in."""
        _check_ordered(store)
        with reading_states(path) as file:
            live = cls(formulas, store, file.head["symbols"], joining=file.head["joining"])
            file.check_kind(live._kind)
            live._core.put_others(file.others())
            for first, records in file.records(live._core.take(), AT_ONCE):
                live._core.put(first, records)
        live.update()
        if file.head["tickers"] > 0 and live.stats()["tickers"] == 0:
            raise ValueError(f"the store has none of the {file.head['tickers']} tickers of {shown(os.fspath(path))}")
        return live

    @property
    def _kind(self) -> Kind:
        """Returns the kind that a file's states must have to fit."""
        return Kind(
            version=__version__,
            byteorder=sys.byteorder,
            features=[list(pair) for pair in self._formulas.identity],
            zone=f"{self._store.zone}, days from {self._store.day_start}",
        )


def _check_ordered(store: BarStore) -> None:
    if not store.ordered:
        raise ValueError("the store is not ordered: times do not say which of its bars a file's states have seen")


def _distinct(tickers: Iterable[str]) -> tuple[str, ...]:
    names = _core.ticker_tuple(tickers)
    if len(set(names)) < len(names):
        counts = Counter(names)
        twice = next(name for name in names if counts[name] > 1)
        raise ValueError(f"{shown(twice)} appears twice among the tickers")
    return names
