"""The bar store with its loading of tables, and the store that the market-brain functions share."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike, fsdecode
from typing import TYPE_CHECKING, Any, Self, Unpack

import numpy as np

from ziggy_async import _core, export, off_loop
from ziggy_async._core import Universe as Universe
from ziggy_async.arguments import whole
from ziggy_async.messages import kind_of, shown
from ziggy_async.reading import columns
from ziggy_async.reading.options import (
    NAMED_ROW,
    NONE_SKIPPED,
    ReadingOptions,
    Rules,
    Skipped,
    advice_on_row,
    rules_of,
)
from ziggy_async.reading.spellings import PRICE_COLUMNS
from ziggy_async.reading.zones import Zone, nanoseconds_of_day, zone_of

if TYPE_CHECKING:
    import pyarrow

logger = logging.getLogger(__name__)


MOST_CAPACITY = 2**30
"""Bars of a symbol that a store which keeps all of them may have: as many as a capacity may be."""


class BarStore(_core.BarStore):
    """Symbol -> its last `capacity` bars, kept natively in columns; safe from any thread.

    A bar is a timestamp (UTC, nanoseconds) and open, high, low, close and volume as float64: finite, prices positive,
    low <= open, close <= high, volume >= 0. A symbol's bars are strictly increasing in time. Prices of one bar that are
    apart by at most 1e-9 of themselves count as equal.

    `columns` are the names of further columns that each bar has beside these: float64, NaN where there is no value.
    They are keywords of `append`, stand behind the volume in a cross-section, and formulas read them by their names.

    `bars_per_year`, 252 unless given, is what volatilities are scaled by: daily bars. `zone` (an IANA name or an offset
    such as "+02:00") and `day_start` ("HH:MM" there) are the clock of formulas. Days begin at `day_start` and are named
    after the date on which they begin: those of `every("1d", x)` and `every("1w", x)` as those of `weekday()`, `day()`,
    `month()` and `date()`. A period of `every` has of a further column the last value that is a number.
    """

    zone: str
    day_start: str
    local_time: Zone | None
    """The same for the core; None: days of UTC."""

    def __new__(
        cls,
        capacity: int = 512,
        *,
        ordered: bool = True,
        bars_per_year: float = 252,
        zone: str = "UTC",
        day_start: str = "00:00",
        columns: Iterable[str] = (),
    ) -> Self:
        """Raises `ValueError` for an invalid capacity, zone or time of day, and for a column that exists already or
        cannot have that name; `TypeError` for a capacity that is not a whole number, and a zone or time of day that is
        not text."""
        for option, text in (("zone", zone), ("day_start", day_start)):
            if not isinstance(text, str):
                raise TypeError(f"{option}: {shown(text)} is {kind_of(text)}, not a str")
        names = further_columns(columns)
        store = super().__new__(
            cls, whole("capacity", capacity), ordered=ordered, bars_per_year=bars_per_year, columns=names
        )
        store.zone, store.day_start = zone, day_start
        store.local_time = zone_of(zone, nanoseconds_of_day(day_start))
        return store

    _has_logged_drops = False
    _has_logged_volume = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} symbols={len(self)} capacity={self.capacity}>"

    def load(self, symbol: str, data: object, **options: Unpack[ReadingOptions]) -> Skipped:
        """Replaces the bars of `symbol` by the last `capacity` rows of `data`; returns the number of rows skipped.

        `data`: an object with `__arrow_c_stream__` or `__arrow_c_array__`, a pandas or polars frame, a mapping of 1-D
        arrays or of rows by their times, a structured array, or a list of mappings, of objects or, as an array
        `(rows, 5 or 6)` too, of rows whose layout is known or that begin with names; oldest row first. Columns are
        found by name (`Date`, `ts`, `o`, `1. open`, ...; see `spellings.SPELLINGS`); a pandas index serves as the
        timestamp where no column does. The further columns of the store are found by their own names, and may have
        missing values.

        The keywords are those of `reading.options.Rules`. Times without a zone are UTC. Whole numbers are since 1970 in
        the one unit that puts all of them into the years 1975 to 2100, or digits of a date; `unit` says it. Dates that
        can be read in several orders are decided by the other rows, or by `dates`.

        Raises `ValueError` or `TypeError` naming symbol, row, column and value for a row that is not a bar: figures are
        missing or impossible, values are not numbers or times, times are out of range or out of order. With
        `invalid="skip"` such rows are left out instead, and counted by reason. Raises either way for what concerns a
        whole column: one that is missing, ambiguous, of another length, shape or type, or in which no value at all can
        be read, dates that can be read in two ways, and several units in one column; for rows of which most are out of
        order; and for a table that has no valid row. The store is then as it was.
        """
        rules = rules_of(options, self.columns)
        try:
            bars = columns.read_bars(data, symbol, rules)
            with advised(rules):
                reasons = self._load_rows(symbol, *bars, rules.skip)
        except ValueError as error:
            columns.refuse_row(data, symbol, error)
            raise
        return self._loaded(reasons, rules, len(bars.timestamp))

    async def load_async(self, symbol: str, data: object, **options: Unpack[ReadingOptions]) -> Skipped:
        """Does what `load` does, in a thread; a load that is cancelled may come to its end there."""
        return await off_loop.long.run(self.load, symbol, data, **options)

    def load_frame(self, data: object, symbol_column: str | None = None, **options: Unpack[ReadingOptions]) -> Skipped:
        """Replaces the bars of every symbol in one long table, rows in any order; returns the number of rows skipped.

        `symbol_column`: the column that holds the symbols, by default the one that is called symbol, ticker, sym, code
        or instrument; a level of a pandas index may be it, as `pandas.concat({"AAPL": a, "MSFT": b})` makes it. A
        pandas frame may have its tickers side by side instead. A row without a symbol is invalid. Everything else is as
        for `load`; on an error no symbol has changed.
        """
        rules = rules_of(options, self.columns)
        try:
            table = columns.read_table(data, symbol_column, rules)
            reasons = self._load_table(table, rules)
        except ValueError as error:
            columns.refuse_row(data, None, error)
            raise
        return self._loaded(reasons, rules, len(table.codes))

    def _load_table(self, table: columns.SymbolBars, rules: Rules) -> dict[str, int]:
        with advised(rules):
            named, nameless = table.without_nameless_rows(rules.skip)
            reasons = self._load_groups(named.symbols, named.codes, *named.bars, rules.skip)
        if nameless:
            reasons["symbol is missing"] = nameless
        return reasons

    async def load_frame_async(
        self, data: object, symbol_column: str | None = None, **options: Unpack[ReadingOptions]
    ) -> Skipped:
        """Does what `load_frame` does, in a thread; a load that is cancelled may come to its end there."""
        return await off_loop.long.run(self.load_frame, data, symbol_column, **options)

    @classmethod
    def read(
        cls,
        *paths: str | PathLike[str],
        capacity: int | None = None,
        further_columns: Iterable[str] = (),
        **options: Unpack[ReadingOptions],
    ) -> Self:
        """Returns a new store with the bars of CSV and Parquet files, which DuckDB (the extra `data`) reads.

        `paths`: files, as `SYMBOL=path` too, patterns like `data/*.csv`, and folders with hive partitions like
        `symbol=AAPL`. Without a symbol column a file's symbol is the start of its name, or where its vendor puts it.
        `capacity` None keeps all bars; `further_columns` are the store's `columns`.
        The keywords are those of `load`; what is skipped is logged by reason. Raises `ValueError` that names file, line
        or row, column and value, and for no path at all.
        """
        if not paths:
            raise ValueError("no files are given to read")
        if (several := next((path for path in paths if isinstance(path, list | tuple | set)), None)) is not None:
            raise TypeError(f"paths: {kind_of(several)} is not a path; read(*paths) takes several")
        from ziggy_async.reading import files
        from ziggy_async.reading import paths as arguments

        store = cls(MOST_CAPACITY if capacity is None else capacity, columns=further_columns)
        rules = rules_of(options, store.columns)
        skipped = files.load_files(store, arguments.found_files([fsdecode(path) for path in paths]), rules)[1]
        if skipped:
            logger.warning("rows were left out: %s", skipped.as_text())
        store._log_drops()
        store._loaded(skipped.reasons, rules, 0)
        return store

    @classmethod
    async def read_async(
        cls,
        *paths: str | PathLike[str],
        capacity: int | None = None,
        further_columns: Iterable[str] = (),
        **options: Unpack[ReadingOptions],
    ) -> Self:
        """Does what `read` does, in a thread."""
        return await off_loop.long.run(cls.read, *paths, capacity=capacity, further_columns=further_columns, **options)

    def to_arrow(self) -> "pyarrow.Table":
        """Returns the bars as one long Arrow table: symbol (dictionary), timestamp (ns, UTC), open, high, low, close,
        volume, and the further columns. Raises `ModuleNotFoundError` without pyarrow."""
        return export.to_arrow(self)

    def write_parquet(self, path: str | PathLike[str]) -> None:
        """Writes the bars as one long table, which `read` and `load_frame` take. Raises `ModuleNotFoundError` without
        DuckDB."""
        export.write_parquet(self, path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles and copies have the same bars and labels; their counters begin anew."""
        options = {
            "ordered": self.ordered,
            "bars_per_year": self.bars_per_year,
            "zone": self.zone,
            "day_start": self.day_start,
            "columns": self.columns,
        }
        return _restored, (type(self), self.capacity, options, export.bars_of(self), self.labels())

    def load_unsorted(self, symbol: str, data: object, **options: Unpack[ReadingOptions]) -> Skipped:
        """Does what `load` does, rows in any order."""
        rules = rules_of(options, self.columns)
        try:
            bars = columns.read_bars(data, symbol, rules)
            codes = np.zeros(len(bars.timestamp), dtype=np.int32)
            with advised(rules):
                reasons = self._load_groups([symbol], codes, *bars, rules.skip)
        except ValueError as error:
            columns.refuse_row(data, symbol, error)
            raise
        return self._loaded(reasons, rules, len(codes))

    def _loaded(self, reasons: Mapping[str, int], rules: Rules, rows: int) -> Skipped:
        """Logs what is to be said about a table of so many rows, once. Returns what was left out of it."""
        if rows > self.capacity:
            self._log_drops()
        if rules.volume is None and not self._has_logged_volume:
            self._has_logged_volume = True
            logger.warning("volumes are counted as 0: volume=None")
        return Skipped(reasons) if reasons else NONE_SKIPPED

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


def _restored(
    cls: type[BarStore],
    capacity: int,
    options: dict[str, Any],
    bars: dict[str, export.Columns],
    labels: dict[str, dict[str, str]],
) -> BarStore:
    store = cls(capacity, **options)
    for name, of_name in labels.items():
        store.set_labels(name, of_name)
    for symbol, of_symbol in bars.items():
        times, opens, highs, lows, closes, volumes = (of_symbol[name] for name in export.COLUMNS)
        further = np.array([of_symbol[name] for name in store.columns]).reshape(len(store.columns), len(times))
        store._load_rows(symbol, times.view(np.int64), opens, highs, lows, closes, volumes, further, False)
    return store


@contextmanager
def advised(rules: Rules) -> Iterator[None]:
    """Adds to the fault of a row, unless it says what to do, that it may be skipped."""
    try:
        yield
    except ValueError as error:
        if rules.skip or "; " in str(error) or not re.search(NAMED_ROW, str(error)):
            raise
        raise ValueError(f"{error}{advice_on_row(str(error), ': volume ' in str(error))}") from None


def further_columns(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the names of a store's further columns. Raises `TypeError` unless they are names; `ValueError` for names
    that every store has, that are arguments of `append`, or that are given twice, all without regard to case."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"columns must be a list of names, not {shown(names)}")
    taken = dict.fromkeys(("symbol", "timestamp", "unit"), "append has an argument of that name")
    taken |= dict.fromkeys(PRICE_COLUMNS, "every store has it")
    columns = []
    for at, name in enumerate(names):
        if not isinstance(name, str):
            raise TypeError(f"the column at position {at} must be a str, not {type(name).__name__}")
        if not name or not name.isprintable():
            raise ValueError(f"the column at position {at} is called {shown(name)}: a name is printable text")
        if (reason := taken.get(name.casefold())) is not None:
            raise ValueError(f"no further column can be called {shown(name)}: {reason}")
        taken[name.casefold()] = "there is one already"
        columns.append(str(name))
    return tuple(columns)


_default = BarStore()


def default_store() -> BarStore:
    """Returns the store of the market-brain functions, one for the process."""
    return _default


def set_default_store(store: BarStore) -> None:
    """Makes `store` the default one, for a process in which nothing has used the other one yet."""
    global _default
    _default = store


def symbol_of(store: BarStore, ticker: str) -> str:
    """Returns `ticker` as `store` spells it: in capitals where only those are a symbol of it, else as it is."""
    capitals = ticker.upper()
    return capitals if ticker not in store and capitals in store else ticker
