"""Sets of formulas, computed together: of a store's tickers now or through time, or of a table's rows."""

import asyncio
from collections.abc import Iterable
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core, bridge
from ziggy_async.features.formula import Formula, read_formula
from ziggy_async.features.lowering import plan_nodes
from ziggy_async.features.over import features_over
from ziggy_async.features.stages import plan_of
from ziggy_async.features.table import SYMBOL, TIMESTAMP, FeatureTable
from ziggy_async.messages import shown
from ziggy_async.reading.spellings import PRICE_COLUMNS
from ziggy_async.reading.timestamps import to_ns
from ziggy_async.runtime import default_pool
from ziggy_async.runtime.terms import Terms, moment_after, terms
from ziggy_async.store import BarStore, default_store

Answer = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Times of the rows, bars or rows of each ticker, and the figures."""

FIRST, LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class Description(TypedDict):
    """What a feature is made of."""

    formula: str
    """Its normal form: every input and parameter written out."""
    lookback: int
    """Bars before its first value."""
    reach: int | None
    """Bars that a value depends on; None: all of the past."""
    columns: tuple[str, ...]
    tickers: tuple[str, ...]
    """Other tickers that it reads."""


class FeatureSet:
    """Formulas under names: a positional one is called by its own text.

    Equal parts of the formulas are computed once. Two sets are equal when their names, in order, and the normal forms
    of their formulas are.
    """

    def __init__(self, *formulas: str, **named_formulas: str) -> None:
        """`FormulaError`, a `ValueError`, for a formula that cannot be used: it points at the place.

        `ValueError` for a set without formulas, a name that is given twice or is "symbol" or "timestamp", and windows
        that would take more than a gigabyte; `TypeError` for a formula that is no text.
        """
        texts = [(_text(formula), formula) for formula in formulas] + list(named_formulas.items())
        if not texts:
            raise ValueError("a set has at least one formula")
        self._arguments = formulas, named_formulas
        self._formulas: dict[str, Formula] = {}
        for name, text in texts:
            if name in self._formulas:
                raise ValueError(f"two features are called {shown(name)}")
            if name in (SYMBOL, TIMESTAMP):
                raise ValueError(f"no feature can be called {name!r}: a column of the result is")
            self._formulas[name] = read_formula(_text(text))
        self._nodes = plan_nodes(list(self._formulas.values()))
        self._plan = plan_of(self._nodes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._formulas)

    @property
    def formulas(self) -> dict[str, str]:
        """The text of each feature, by its name."""
        return {name: formula.text for name, formula in self._formulas.items()}

    @property
    def lookback(self) -> int:
        """Bars before all features have a value."""
        return max(self._plan.lookbacks)

    def describe(self) -> dict[str, Description]:
        """What each feature is made of, by its name."""
        bars = zip(self._formulas.items(), self._plan.lookbacks, self._plan.reaches, strict=True)
        return {
            name: Description(
                formula=formula.normal_form,
                lookback=lookback,
                reach=None if reach < 0 else reach,
                columns=tuple(formula.columns),
                tickers=tuple(formula.tickers),
            )
            for (name, formula), lookback, reach in bars
        }

    def __repr__(self) -> str:
        formulas, named = self._arguments
        return f"FeatureSet({', '.join([*map(repr, formulas), *(f'{name}={text!r}' for name, text in named.items())])})"

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, FeatureSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    def __reduce__(self) -> Any:
        return _restored, self._arguments

    @property
    def _identity(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, formula.normal_form) for name, formula in self._formulas.items())

    def latest(self, tickers: Iterable[str] | None = None, store: BarStore | None = None) -> FeatureTable:
        """The features at each ticker's last bar, one row a ticker in the order asked; None: all of the store, sorted.

        A ticker that is not in the store is a row of NaN, and named in `missing`. A cross-section compares the tickers
        that are at the newest time; the others have none. `FormulaError` for a column, another ticker or labels that
        the store has not; `TypeError` for a ticker that is no text.
        """
        store, asked = self._checked(store, tickers)
        return self._latest_table(asked, self._plan.latest(store, asked, store.local_time))

    async def latest_async(
        self,
        tickers: Iterable[str] | None = None,
        store: BarStore | None = None,
        *,
        deadline: float | None = None,
    ) -> FeatureTable:
        """As `latest`, off the loop. `TimeoutError` when it takes longer than `deadline` seconds; cancelling this gives
        up what no thread has begun."""
        store, asked = self._checked(store, tickers)
        loop, port = bridge.port()
        answer = await port.latest(loop, self._plan, store, asked, store.local_time, *_terms(deadline))
        return self._latest_table(asked, answer)

    def history(
        self,
        tickers: Iterable[str] | None = None,
        store: BarStore | None = None,
        start: object | None = None,
        end: object | None = None,
    ) -> FeatureTable:
        """The features at every bar, ticker by ticker in the order asked, oldest bar first; None: all of the store.

        `start` and `end`, both inclusive, choose rows and change no value: a datetime, date, datetime64 or ISO 8601
        text, UTC where it names no zone. A ticker that is not in the store has no rows, and is named in `missing`. Else
        as `latest`.
        """
        store, asked = self._checked(store, tickers)
        answer = self._plan.history(store, asked, store.local_time, *_range(start, end))
        return self._history_table(store, asked, answer)

    async def history_async(
        self,
        tickers: Iterable[str] | None = None,
        store: BarStore | None = None,
        start: object | None = None,
        end: object | None = None,
        *,
        deadline: float | None = None,
    ) -> FeatureTable:
        """As `history`, off the loop; `deadline` and cancelling as for `latest_async`."""
        store, asked = self._checked(store, tickers)
        loop, port = bridge.port()
        times = _range(start, end)
        answer = await port.history(loop, self._plan, store, asked, store.local_time, *times, *_terms(deadline))
        return self._history_table(store, asked, answer)

    def over(self, table: Any, by: str | None = None, time: str | None = None) -> Any:
        """The features beside the columns of a long table, as a table of that kind, rows and index as they are.

        `table`: an Arrow table, a polars or pandas frame, a DuckDB relation, or a mapping of 1-D arrays; rows in any
        order. `by` is the column of tickers, by default the one called symbol, ticker, sym, code or instrument; without
        one, all rows are one ticker's. `time` is the column of times, by default the one called timestamp, date, ...;
        without one, a ticker's rows are in order of time as they stand. Both may be levels of a pandas index. The
        calendar reads times in that column's zone. Labels of cross-sections (`by="sector"`) are a column of the table.
        A missing figure is NaN.

        `ValueError` for two rows of one ticker at one time, a row without ticker or time, a column that is missing (a
        `FormulaError`), ambiguous or no number, a ticker of `of()` that has no row (also one), and a feature that is
        called as a column of the table.
        """
        return features_over(self._plan, self._formulas, self._nodes, table, (by, time))

    async def over_async(
        self, table: Any, by: str | None = None, time: str | None = None, *, deadline: float | None = None
    ) -> Any:
        """As `over`, on a thread; `TimeoutError` when it takes longer than `deadline` seconds."""
        async with asyncio.timeout(deadline):
            return await default_pool.run(self.over, table, by, time)

    def check_store(self) -> None:
        """`FormulaError` for a formula that reads a column which a store has not."""
        for formula in self._formulas.values():
            for name in formula.columns:
                if name not in PRICE_COLUMNS:
                    raise formula.missing_column(name, PRICE_COLUMNS)

    def _check_others(self, store: BarStore) -> None:
        """`FormulaError` for a formula that reads another ticker, or labels, that the store has not."""
        for formula in self._formulas.values():
            for ticker in formula.tickers:
                if ticker not in store:
                    raise formula.missing_ticker(ticker)
            for name in formula.labels:
                if name not in (present := store._label_names()):
                    raise formula.missing_labels(name, present)

    def _checked(self, store: BarStore | None, tickers: Iterable[str] | None) -> tuple[BarStore, tuple[str, ...]]:
        """The store and the tickers that are asked for."""
        store = default_store() if store is None else store
        if not isinstance(store, BarStore):
            raise TypeError(f"store must be a BarStore, not {shown(store)}")
        self.check_store()
        self._check_others(store)
        return store, tuple(sorted(store.symbols())) if tickers is None else _core.ticker_tuple(tickers)

    def _latest_table(self, asked: tuple[str, ...], answer: Answer) -> FeatureTable:
        timestamps, bars, values = answer
        missing = tuple(asked[at] for at in np.flatnonzero(bars == 0))
        return FeatureTable(self.names, asked, None, timestamps, values, missing)

    def _history_table(self, store: BarStore, asked: tuple[str, ...], answer: Answer) -> FeatureTable:
        timestamps, counts, values = answer
        without_rows = (asked[at] for at in np.flatnonzero(counts == 0))
        missing = tuple(ticker for ticker in without_rows if ticker not in store)
        return FeatureTable(self.names, asked, counts, timestamps, values, missing)


def _restored(formulas: tuple[str, ...], named_formulas: dict[str, str]) -> FeatureSet:
    return FeatureSet(*formulas, **named_formulas)


def _text(formula: object) -> str:
    if not isinstance(formula, str):
        raise TypeError(f"a formula is a text, not a {type(formula).__name__}: FeatureSet(*formulas, **named_formulas)")
    return formula


def _range(start: object | None, end: object | None) -> tuple[int, int]:
    """First and last nanosecond."""
    return FIRST if start is None else to_ns(start), LAST if end is None else to_ns(end)


def _terms(deadline: float | None) -> Terms:
    """Those of the task that runs here, with the earlier of both deadlines."""
    given, own = terms.get(), moment_after(deadline)
    return Terms(given.urgency, min([moment for moment in (given.deadline_ns, own) if moment], default=0))
