"""The extension module. Private: its callers are the modules of this package."""

import asyncio
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Final, Literal, Self, final, overload

import numpy as np
from _typeshed import SupportsItems
from numpy.typing import NDArray
from typing_extensions import disjoint_base

from ziggy_async.reading.chunked import Chunked

_Floats = NDArray[np.float64]
_ArrowColumn = tuple[str, str, int, int, tuple[Any, ...], tuple[tuple[Any, ...], ...]]
_Wake = Literal["threadsafe", "eventfd"]

FEATURE_FORMULAS: Final[dict[str, str]]
"""The 26 figures of a market-brain row, in row order, and their formulas; empty for the two that are no formula."""
PAPER_FORMULAS: Final[dict[str, str]]
"""The same of the paper features that are computed; empty for the correlation."""
RULE_FEATURES: Final[tuple[str, ...]]
"""The features that the signal rules decide by."""
RULE_DAYS: Final[tuple[int, int]]
"""Days that a trade is meant to be held, by mean reversion and by momentum."""
REGIME_THRESHOLDS: Final[tuple[tuple[str, float], ...]]
"""Names and defaults (int where they are whole) of the thresholds of the regimes, in the order in which `regime` takes
them."""
SIGNAL_COLUMNS: Final[tuple[str, ...]]
"""Names of the values of a history of signals."""
REQUIRED_BARS: Final[int]
"""Bars that the market-brain features need: 50."""
RULE_PARAMETERS: Final[tuple[tuple[str, float], ...]]
"""Names and defaults (int where they are whole) of the signal rules' parameters, in the order in which `signals` takes
them."""

@disjoint_base
class BarStore:
    """Symbol -> its last `capacity` bars, in native columns. Safe from any thread.

    `ordered=False` is the paper feed: equal and older timestamps are appended as they come, and prices need only be
    finite and positive.
    """

    def __new__(
        cls, capacity: int = 512, *, ordered: bool = True, bars_per_year: float = 252, columns: tuple[str, ...] = ()
    ) -> Self: ...
    @property
    def capacity(self) -> int: ...
    @property
    def ordered(self) -> bool: ...
    @property
    def bars_per_year(self) -> float:
        """The number of bars a year, by which volatilities are scaled."""
    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the further columns, float64 with NaN, beside open, high, low, close and volume."""
    def append(
        self,
        symbol: str,
        timestamp: object,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        *,
        unit: str | None = None,
        **columns: float,
    ) -> None: ...
    def append_cross_section(
        self, timestamp: object, symbols: Iterable[str] | Universe, ohlcv: _Floats, *, unit: str | None = None
    ) -> None: ...
    def universe(self, symbols: Iterable[str], /) -> Universe:
        """Look symbols up once, for `append_cross_section`."""
    def bars(self, symbol: str, /) -> dict[str, NDArray[Any]]: ...
    def symbols(self) -> list[str]: ...
    def drop(self, symbol: str, /) -> bool: ...
    def clear(self) -> None: ...
    def stats(self) -> dict[str, int]: ...
    def set_labels(self, name: str, labels: SupportsItems[str, str], /) -> None:
        """`labels`: {symbol: label}, of symbols in the store or not."""
    def labels(self) -> dict[str, dict[str, str]]: ...
    @property
    def _sorted(self) -> tuple[str, ...] | None:
        """The result of `_sorted_symbols`, None when symbols have come or gone since."""
    def _sorted_symbols(self) -> tuple[str, ...]:
        """The symbols in order; to sort them does not stop a loop when a thread does it."""
    def _label_names(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...
    def __contains__(self, symbol: object, /) -> bool: ...
    def _tails(self, tickers: Iterable[str], bars: int, /) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(bars, times): how many bars each ticker has, and the time of its `bars`-th last one, in nanoseconds, or of
        its first where it has fewer; 0 and NaT for a ticker that is not in the store."""
    def _load_rows(
        self,
        symbol: str,
        timestamp: NDArray[np.int64] | Chunked,
        open: _Floats | Chunked,
        high: _Floats | Chunked,
        low: _Floats | Chunked,
        close: _Floats | Chunked,
        volume: _Floats | Chunked,
        further: _Floats,
        skip_invalid: bool,
        /,
    ) -> dict[str, int]:
        """Replace one symbol's bars by these rows, in order. Returns how many rows were skipped, by reason."""
    def _load_groups(
        self,
        names: list[str],
        codes: NDArray[np.int32],
        timestamp: NDArray[np.int64] | Chunked,
        open: _Floats | Chunked,
        high: _Floats | Chunked,
        low: _Floats | Chunked,
        close: _Floats | Chunked,
        volume: _Floats | Chunked,
        further: _Floats,
        skip_invalid: bool,
        /,
    ) -> dict[str, int]:
        """Replace the bars of every symbol that occurs in `codes` (indices into `names`); rows in any order."""

@final
class Universe:
    """Symbols of a store that are looked up once.

    In a cross-section of one, five NaN mean that there is no bar of that symbol.
    """

    @property
    def symbols(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...

def register(
    kind: Literal[
        "Features", "MarketFeatures", "Signal", "directions", "signal_types", "horizons", "regime_names", "to_ns"
    ],
    target: object,
    /,
) -> None:
    """Tell the core what results are made of.

    - ``Features``: the dict subclass of a market-brain result.
    - ``MarketFeatures``, ``Signal``: dataclasses; the core sets every field and calls no ``__init__``.
    - ``directions`` (short, long), ``signal_types`` (mean reversion, momentum, combined), ``horizons`` (of mean
      reversion, of momentum), ``regime_names`` (Panic, RiskOff, Chop, RiskOn): tuples of what a signal's fields hold.
    - ``to_ns(value, unit)``: nanoseconds since 1970 UTC of any timestamp that the core does not read itself.
    """

def ticker_tuple(tickers: Iterable[str], /) -> tuple[str, ...]:
    """The tickers as a tuple of plain str; `TypeError` for a lone str, and with the position of another item."""

def tickers_at(tickers: tuple[str, ...], rows: NDArray[np.int64], /) -> NDArray[np.object_]:
    """The tickers at those places; `IndexError` where there is none."""

def features(store: BarStore, plan: Plan, symbol: str, /) -> Any:
    """`plan` makes the figures of FEATURE_FORMULAS (below: of PAPER_FORMULAS) under their names, and maybe others."""

def features_many(store: BarStore, plan: Plan, symbols: Iterable[str], /) -> dict[str, Any]: ...
def paper_features(store: BarStore, plan: Plan, symbol: str, /) -> Any | None: ...
def signals(
    store: BarStore,
    plan: Plan,
    symbols: Iterable[str],
    regime: int,
    parameters: tuple[float, ...],
    win_rates: tuple[float, ...],
    rules: int,
    /,
) -> dict[str, Any]:
    """{"ticker", "signal", "reason"} for each symbol.

    `regime` is an index into Panic, RiskOff, Chop, RiskOn. `win_rates`: mean reversion's four, then momentum's four, in
    that order. `rules`: bit 1 mean reversion, bit 2 momentum.
    """

def regime(reading: tuple[float, ...], thresholds: tuple[float, ...], /) -> tuple[int, int]:
    """The regime as an index, and the conditions of its rule that hold, as bits.

    `reading`: level of the volatility index; change, in percent, of the market; breadth, in percent; slope of the
    market, in percent a bar: NaN for one that is not known. `thresholds`: in the order of `REGIME_THRESHOLDS`. The
    conditions: volatility above vix_panic, change below spy_panic_change, breadth below breadth_risk_off, slope below
    slope_threshold, breadth above breadth_risk_on, slope above slope_threshold.
    """

_Terms = tuple[int, int]
"""(urgency, deadline): 0 (first) to 2, negative: by the work; on the monotonic clock in nanoseconds, 0: none."""
_Rules = tuple[int, tuple[float, ...], tuple[float, ...], int]
"""Regime, parameters, win rates and rules, as `signals` takes them."""
_Market = tuple["Plan", str, tuple[str, ...], float, tuple[float, ...]]
"""The sources of the regime: the plan of price_change_1d and slope_20d, the ticker that they are figures of, names of
the volatility index, its level where it is unknown (NaN: it has none), thresholds."""
_Zone = tuple[NDArray[np.int64], NDArray[np.int64], int, int] | None
"""A time zone: None for UTC, or (since, offset, initial, day_start), in nanoseconds: local time is UTC plus `offset[i]`
from `since[i]` on, plus `initial` before `since[0]`; a day of trading begins `day_start` after midnight."""
_Answer = tuple[NDArray[np.int64], NDArray[np.int64], _Floats]
"""(times, bars, values): nanoseconds since 1970 UTC of each row, bars or rows of each ticker, (rows, results)."""

@final
class ArrayCallable:
    """A function of so many `inputs`, arrays, and of parameters.

    `plans(*parameters)` returns their plan, and is not called again for the objects of the last call. Where inputs are
    no arrays or not first, or `plans` raises a `TypeError`, all arguments go to `otherwise`. `whole`: results int32.
    """

    def __new__(cls, plans: Callable[..., Plan], otherwise: Callable[..., Any], inputs: int, whole: bool) -> Self: ...
    def __call__(self, *arguments: Any, **named: Any) -> Any: ...

@final
class Plan:
    """Formulas as a graph of nodes, ready to run; any number of threads run it at once.

    `columns` are names; `nodes` are (kind, name, inputs, parameters) in order of evaluation, where inputs are numbers
    of earlier nodes; `outputs` are the nodes whose values are the results, which may have `names`. Kinds: column
    (parameter: which), constant, kernel (name of the catalog), output (parameter: which of the kernel's), operation (by
    name), lag and skip (parameter: bars), calendar (hour, minute, weekday, day, month, date). `ValueError` names a node
    that cannot be.

    Columns behind those are made by other plans, one for each of `sources`: ("value", plan, output) as it is;
    ("across", plan, output, kind, share, labels) compared across tickers by time, among those of one label of the set
    of that number (-1: all); ("ticker", plan, output, ticker) on the bars of the ticker of that number; ("period",
    plan, output, unit, minutes, forming) on the bars gathered into periods (0: so many minutes, 1: days, 2: weeks, 3:
    months), of the last that is finished or of the one so far. `tickers` and names of `labels` are what the sources of
    all the plans number.
    """

    def __new__(
        cls,
        columns: tuple[str, ...],
        nodes: Sequence[tuple[str, str, tuple[int, ...], tuple[float, ...]]],
        outputs: tuple[int, ...],
        names: tuple[str, ...] = (),
        sources: tuple[tuple[Any, ...], ...] = (),
        tickers: tuple[str, ...] = (),
        labels: tuple[str, ...] = (),
    ) -> Self: ...
    @property
    def lookbacks(self) -> tuple[int, ...]:
        """Bars before the first value of each result, if all values of the columns are numbers."""
    @property
    def reaches(self) -> tuple[int, ...]:
        """Bars that a value of each result depends on, its own included; -1 for all of the past."""
    def latest(self, store: BarStore, tickers: Iterable[str], zone: _Zone, /) -> _Answer:
        """One row a ticker; a ticker that the store has not got is NaN, with 0 bars and the least time."""
    def history(self, store: BarStore, tickers: Iterable[str], zone: _Zone, first: int, last: int, /) -> _Answer:
        """One row a bar, ticker by ticker; `first` and `last` are times, both included, and choose rows alone."""
    def signal_history(
        self,
        store: BarStore,
        tickers: Iterable[str],
        zone: _Zone,
        first: int,
        last: int,
        rules: _Rules,
        market: _Market,
        /,
    ) -> _Answer:
        """Returns `SIGNAL_COLUMNS` by the rules in the regime at each bar, of a plan of `RULE_FEATURES`."""
    def over(
        self,
        columns: tuple[_Floats, ...],
        offsets: NDArray[np.int64],
        times: NDArray[np.int64] | None = None,
        zone: _Zone = None,
        *,
        lanes: int = 0,
        block: int = 0,
        pieces: bool = True,
        groups: tuple[int, ...] = (),
        labels: tuple[NDArray[np.int32], ...] = (),
        look: Callable[[], object] | None = None,
    ) -> _Floats:
        """One row a row of the columns. Group i has the rows `offsets[i]` to `offsets[i + 1]`, oldest first.

        How the work is cut (`lanes` 1, 4 or 8, bars a `block`, `pieces`) changes no bit; what `look` raises, called now
        and then, ends it. `groups` are those of the plan's `tickers`, `labels` a code for each row and set, -1: none.
        """
    def tails(
        self,
        columns: tuple[_Floats, ...],
        offsets: NDArray[np.int64],
        times: NDArray[np.int64] | None = None,
        zone: _Zone = None,
        *,
        lanes: int = 0,
        block: int = 0,
        pieces: bool = True,
        groups: tuple[int, ...] = (),
        labels: tuple[NDArray[np.int32], ...] = (),
    ) -> _Floats:
        """The last row of each group alone, which must not be empty."""
    def arrays(self, *columns: _Floats) -> Any:
        """Columns of one shape, `(bars,)` or `(series, bars)`: an array of that shape, or a tuple of several."""

@final
class Live:
    """The states of a plan for tickers of a store; any thread may call it. Nothing is taken in before `update`.

    `tickers` are distinct and have rows in that order; `all`: symbols that join the store get rows behind them.
    """

    def __new__(cls, plan: Plan, store: BarStore, tickers: Iterable[str], zone: _Zone, all: bool) -> Self: ...
    @property
    def values(self) -> _Floats:
        """The last figures, (rows, results), read-only: the same array until a symbol joins."""
    def update(self, deadline_ns: int, /) -> int:
        """Takes in what the store has and the states have not seen; the number of bars. 0: no deadline."""
    def table(self) -> tuple[NDArray[np.int64], _Floats]:
        """Copies: the time of each row's last bar, the least time where it has none, and the figures."""
    def symbols(self, first: int, /) -> tuple[str, ...]:
        """Returns the symbols of the rows from `first` on."""
    def stats(self) -> dict[str, int]: ...
    @overload
    def take(self) -> int:
        """Bytes of one row's record: bars that have entered, the time of the last one, the states."""
    @overload
    def take(self, first: int, count: int, /) -> bytes:
        """The records of so many rows."""
    def put(self, first: int, records: bytes, /) -> None:
        """Records become the states of rows that have none, where the store has a bar of the last one's time; the next
        update goes on with that bar. `ValueError` where the store does not go on from there."""
    def take_others(self) -> bytes:
        """Returns what it holds of the tickers that formulas read by name; to be taken and put before records."""
    def put_others(self, others: bytes, /) -> None:
        """The way back; `ValueError` for other bytes, and where the store does not go on from there."""

@final
class Port:
    """One event loop's way into the pool and back. Every call but `close` comes from that loop's own thread."""

    def __new__(cls, loop: asyncio.AbstractEventLoop, wake: _Wake = "threadsafe") -> Self: ...
    def features(
        self,
        loop: asyncio.AbstractEventLoop,
        store: BarStore,
        plan: Plan,
        symbol: str,
        tally: Tally | None = None,
        terms: _Terms = ...,
        /,
    ) -> asyncio.Future[Any]: ...
    def features_many(
        self,
        loop: asyncio.AbstractEventLoop,
        store: BarStore,
        plan: Plan,
        symbols: Iterable[str],
        terms: _Terms = ...,
        /,
    ) -> asyncio.Future[dict[str, Any]]: ...
    paper_features = features
    def signals(
        self,
        loop: asyncio.AbstractEventLoop,
        store: BarStore,
        plan: Plan,
        symbols: Iterable[str],
        regime: int,
        parameters: tuple[float, ...],
        win_rates: tuple[float, ...],
        rules: int,
        terms: _Terms = ...,
        /,
    ) -> asyncio.Future[dict[str, Any]]: ...
    def latest(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        store: BarStore,
        tickers: Iterable[str],
        zone: _Zone,
        terms: _Terms,
        /,
    ) -> asyncio.Future[_Answer]:
        """`Plan.latest` off the loop. Cancelling the future gives up what has not begun."""
    def history(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        store: BarStore,
        tickers: Iterable[str],
        zone: _Zone,
        first: int,
        last: int,
        terms: _Terms,
        /,
    ) -> asyncio.Future[_Answer]:
        """`Plan.history` off the loop; else as `latest`."""
    def signal_history(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        store: BarStore,
        tickers: Iterable[str],
        zone: _Zone,
        first: int,
        last: int,
        rules: _Rules,
        market: _Market,
        terms: _Terms,
        /,
    ) -> asyncio.Future[_Answer]:
        """`Plan.signal_history` off the loop; else as `latest`."""
    def flush(self) -> None: ...
    def drain(self) -> None: ...
    def resume(self) -> None: ...
    def close(self) -> None: ...
    def stats(self) -> dict[str, int]: ...

@final
class Histogram:
    """Durations in log-linear buckets: what is read back is never less and at most 0.8 % more than what was recorded.

    40 kB, however many there are. Any thread may record and read, and none waits. Whole nanoseconds are what is kept of
    seconds, up to 292 years. NaN is a `ValueError` everywhere, an infinite duration too.
    """

    def __new__(cls) -> Self: ...
    def record(self, seconds: float, times: int = 1, /) -> None:
        """Count `times` durations of this length, from 1 to 2**31 - 1; a negative one as 0."""
    @property
    def count(self) -> int: ...
    @property
    def total(self) -> float:
        """Seconds, the exact sum."""
    @property
    def max(self) -> float:
        """Seconds, exact; 0.0 when empty."""
    def percentile(self, percent: float, /) -> float:
        """Seconds that `percent` (0 to 100) of the durations do not exceed, by nearest rank.

        Never above the maximum; 0.0 when empty.
        """
    def counts(self, bounds: Sequence[float], /) -> list[int]:
        """Returns for each bound, in any order, how many durations are not longer; of one moment. `inf` counts all."""
    def clear(self) -> None:
        """Forget every duration. One that is recorded meanwhile may be forgotten in part."""

@final
class Tally:
    """The counters of one function's awaits: histograms of each phase, any number of them, which all get the same."""

    def __new__(
        cls, waiting: Iterable[Histogram], running: Iterable[Histogram], total: Iterable[Histogram]
    ) -> Self: ...
    def now(self) -> int:
        """This moment, for `record`."""
    def record(self, began: int, ready: int, /) -> None:
        """Count an await that began, had what it waited for, and has its result now."""

def read_arrow(
    data: object, wanted: Callable[[list[str]], Container[str]], /
) -> list[tuple[str, NDArray[Any] | list[NDArray[Any]] | tuple[Any, Any] | str]]:
    """The columns of an object with `__arrow_c_stream__` or `__arrow_c_array__`; reads them with the GIL released.

    `wanted` gets the names and returns those whose columns are to be decoded; each other one comes as its Arrow format.
    As pairs of name and column, since names may repeat: float64, int64, uint64 or datetime64[ns] arrays, or a list of
    them, one behind the other, where several long batches share their memory; whole numbers with nulls as (values,
    array of what is missing); floats of fewer digits as (Arrow format, float64 values); text as (codes, list of
    values), null being code -1; a column that cannot be read as (row, sentence, None), the row being -1 where none is
    at fault; times of which some are out of range as (row, sentence, values), NaT standing for those; one of another
    type as its Arrow format.
    Arrays of values that need no decoding are read-only and share the table's memory.
    """

def arrow_stream(columns: tuple[_ArrowColumn, ...], rows: int, /) -> object:
    """A capsule "arrow_array_stream" of one record batch that shares the columns' memory.

    A column: name, Arrow format, rows, how many are null, its buffers (None: no bitmap), its dictionary's column or ().
    """

def catalog() -> list[dict[str, Any]]:
    """The rows of the indicator catalog.

    Of each: name, talib (None where TA-Lib has no such function), group, summary, inputs (the usual columns),
    parameters (name, talib, whole, default, least, most), outputs (name, talib), memory ("reach", "fading", "forever"
    or "formula"), and formulas, the text of each output, or None of a kernel.
    """

def record_each(seconds: float, /, *histograms: Histogram) -> None: ...
def pool_stats() -> dict[str, int]: ...
def pool_resize(threads: int, /) -> None: ...
def cpu() -> dict[str, Any]:
    """Instruction set in use, lanes, CPUs this process may use."""

def notifier_run() -> None:
    """Body of the notifier thread: waits for completions with the GIL released, wakes loops; returns at shutdown."""

def shutdown(timeout: float, answer_timeout: float, /) -> bool:
    """Cancel what is queued or computed, end the notifier and the pool's threads; False when some did not end in time.
    Then leave the GIL to threads whose synchronous calls were cancelled, for at most `answer_timeout` seconds.
    """

def after_fork_in_child() -> None: ...
