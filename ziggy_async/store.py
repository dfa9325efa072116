"""The bar store with its loading of tables, and the store that the market-brain functions share."""

import logging
from collections.abc import Mapping
from typing import Literal

from ziggy_async import _core
from ziggy_async.reading import columns

logger = logging.getLogger(__name__)

Invalid = Literal["raise", "skip"]


class Skipped(int):
    """How many rows were left out; `reasons` says how many for each reason."""

    reasons: Mapping[str, int]

    def __new__(cls, reasons: Mapping[str, int]) -> "Skipped":
        skipped = super().__new__(cls, sum(reasons.values()))
        skipped.reasons = dict(reasons)
        return skipped


class BarStore(_core.BarStore):
    """Symbol -> its last `capacity` bars, kept natively in columns; safe from any thread.

    A bar is a timestamp (UTC, nanoseconds) and open, high, low, close and volume as float64: finite, prices positive,
    low <= open, close <= high, volume >= 0. A symbol's bars are strictly increasing in time. Prices of one bar that are
    apart by at most 1e-9 of themselves count as equal.

    `bars_per_year`, 252 unless given, is what volatilities are scaled by: daily bars.
    """

    _has_logged_drops = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} symbols, the last {self.capacity} bars of each>"

    def load(self, symbol: str, data: object, *, invalid: Invalid = "raise", unit: str | None = None) -> Skipped:
        """Replaces the bars of `symbol` by the last `capacity` rows of `data`; returns the number of rows skipped.

        `data`: an object with `__arrow_c_stream__` or `__arrow_c_array__`, a pandas frame, a mapping of 1-D arrays or a
        structured array, rows in order of time. Columns are found by name in any case (`Date`, `ts`, `o`, `open_price`,
        ...; see `spellings.SPELLINGS`); a pandas index serves as the timestamp where no column does. Timestamps without
        a zone are UTC; whole numbers need `unit`, one of "ns", "us", "ms", "s".

        Raises `ValueError` or `TypeError` naming symbol, row, column and value for a row that is no bar: figures that
        are none or no bar's, values that are no number or no time, times out of range or out of order. With
        `invalid="skip"` such rows are left out instead. Raises either way for what concerns a whole column: one that
        is missing, ambiguous, of another length, shape or type, or in which no value at all can be read, and whole
        numbers as times without a unit; and for a table that has no valid row. The store is then as it was.
        """
        skip = _skips(invalid)
        bars = columns.read_bars(data, symbol, unit, skip)
        reasons = self._load_rows(symbol, *bars, skip)
        self._log_drops()
        return Skipped(reasons)

    def load_frame(
        self,
        data: object,
        symbol_column: str | None = None,
        *,
        invalid: Invalid = "raise",
        unit: str | None = None,
    ) -> Skipped:
        """Replaces the bars of every symbol in one long table, rows in any order; returns the number of rows skipped.

        `symbol_column`: the column that holds the symbols, by default the one that is called symbol, ticker, sym, code
        or instrument; a level of a pandas index may be it. A row without a symbol is invalid. Everything else is as for
        `load`; on an error no symbol has changed.
        """
        skip = _skips(invalid)
        table = columns.read_table(data, symbol_column, unit, skip)
        table, nameless = table.without_nameless_rows(skip)
        reasons = self._load_groups(table.symbols, table.codes, *table.bars, skip)
        if nameless:
            reasons["symbol is missing"] = nameless
        self._log_drops()
        return Skipped(reasons)

    def _log_drops(self) -> None:
        """Says once that a table had more rows than the store keeps."""
        if not self._has_logged_drops and (dropped := self.stats()["dropped"]):
            self._has_logged_drops = True
            logger.warning(
                "%d of the loaded rows are older than the last %d bars of their symbols, which is all that"
                " BarStore(capacity=%d) keeps; stats() counts them as dropped",
                dropped,
                self.capacity,
                self.capacity,
            )


def _skips(invalid: str) -> bool:
    if invalid not in ("raise", "skip"):
        raise ValueError(f"invalid: {invalid!r} is neither 'raise' nor 'skip'")
    return invalid == "skip"


_default = BarStore()


def default_store() -> BarStore:
    """The store of the market-brain functions, one for the process."""
    return _default


def symbol_of(store: BarStore, ticker: str) -> str:
    """`ticker` as `store` spells it: in capitals where only those are a symbol of it, else as it is."""
    capitals = ticker.upper()
    return capitals if ticker not in store and capitals in store else ticker
