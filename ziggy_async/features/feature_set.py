"""Sets of formulas, computed together: of a store's tickers now or through time, or of a table's rows."""

from collections.abc import Iterable
from functools import partial
from os import PathLike
from threading import Event
from typing import Any, TypedDict

from ziggy_async import bridge, off_loop
from ziggy_async.features.asking import (
    asked_tickers,
    asked_tickers_async,
    checked_store,
    history_table,
    latest_table,
    terms_within,
    times_between,
)
from ziggy_async.features.formula import Formula, read_formula
from ziggy_async.features.live import Formulas, LiveFeatures
from ziggy_async.features.lowering import live_nodes, plan_nodes, plan_of_formulas
from ziggy_async.features.needs import bars_needed, distance_of, warning_of
from ziggy_async.features.over import features_over
from ziggy_async.features.periods import nanoseconds_of_period
from ziggy_async.features.stages import all_nodes, plan_of
from ziggy_async.features.table import SYMBOL, TIMESTAMP, FeatureTable
from ziggy_async.features.work import Work, work_of
from ziggy_async.messages import encodable, kind_of, shown
from ziggy_async.reading.spellings import PRICE_COLUMNS
from ziggy_async.store import BarStore


class Description(TypedDict):
    """The parts of a feature."""

    formula: str
    """Its normal form: every input and parameter written out."""
    lookback: int
    """Bars before its first value, without those that fill periods of `every`."""
    reach: int | None
    """Bars that a value depends on; None: all of the past."""
    bars: int | None
    """Bars that a ticker needs for a value, with those that fill periods; None where that depends on how far they are
    apart, and it is not known."""
    warning: str | None
    """The warning for a store that keeps fewer."""
    columns: tuple[str, ...]
    tickers: tuple[str, ...]
    """Other tickers that it reads."""


class FeatureSet:
    """Formulas under names: a positional one is called by its own text.

    Equal parts of the formulas are computed once. Two sets are equal when their names, in order, and the normal forms
    of their formulas are.
    """

    def __init__(self, /, *formulas: str, **named_formulas: str) -> None:
        """Raises `FormulaError`, a `ValueError`, for a formula that cannot be used: it points at the place; of the
        first one with which windows would take more than a gigabyte, at all of it.

        Raises `ValueError` for a set without formulas, and a name that is given twice, is "symbol" or "timestamp", or
        is not text in Arrow; `TypeError` for a formula that is not text.
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
                raise ValueError(f"no feature can be called {shown(name)}: a column of the result is")
            self._formulas[name] = read_formula(_text(text))
            if "\0" in name or encodable(name) != name:
                raise ValueError(f"no feature can be called {shown(name)}: Arrow has no such text")
        read = list(self._formulas.values())
        self._nodes = plan_nodes(read)
        self._plan = plan_of_formulas(read, self._nodes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._formulas)

    @property
    def formulas(self) -> dict[str, str]:
        """The text of each feature, by its name."""
        return {name: formula.text for name, formula in self._formulas.items()}

    @property
    def across_tickers(self) -> tuple[str, ...]:
        """Names of the features that read other tickers: by `of`, or in a cross-section."""
        return tuple(name for name, formula in self._formulas.items() if formula.tickers or formula.compares)

    @property
    def lookback(self) -> int:
        """Bars before all features have a value, but for periods of `every`, whose bars depend on the data: see
        `describe`."""
        return max(self._plan.lookbacks)

    @property
    def reach(self) -> int | None:
        """Bars that the features at one bar depend on; None: all of the past."""
        reaches = self._plan.reaches
        return None if min(reaches) < 0 else max(reaches)

    @property
    def work(self) -> Work:
        """The work that the formulas are."""
        return work_of(all_nodes(self._nodes))

    def describe(self, store: BarStore | None = None, bar: str | None = None) -> dict[str, Description]:
        """Returns the parts of each feature, by its name.

        Periods of `every` are counted in bars of `bar` ("5m", "1h", "1d"), or as far apart as those of `store`, around
        the clock: `every("1d", ema(200))` needs 57,600 of five minutes. A feature that needs more than `store` keeps
        has a warning. Raises `ValueError` for a `bar` that is not a period.
        """
        distance = None if store is None else distance_of(checked_store(store))
        if bar is not None:
            distance = nanoseconds_of_period(bar)
        bars = zip(self._formulas.items(), self._plan.lookbacks, self._plan.reaches, strict=True)
        return {
            name: Description(
                formula=formula.normal_form,
                lookback=lookback,
                reach=None if reach < 0 else reach,
                columns=tuple(formula.columns),
                tickers=tuple(formula.tickers),
                bars=(needed := bars_needed(formula, distance)),
                warning=None if store is None else warning_of(needed, store),
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
        """Returns the features at each ticker's last bar, one row a ticker in the order asked; None: all of the store,
        sorted.

        A ticker that is not in the store is a row of NaN, and named in `missing`. A cross-section compares the tickers
        that are at the newest time; the others have none. Raises `FormulaError` for a column, another ticker or labels
        that the store has not; `TypeError` for a ticker that is not text.
        """
        store = self._checked(store)
        asked = asked_tickers(store, tickers)
        return latest_table(self.names, asked, self._plan.latest(store, asked, store.local_time))

    async def latest_async(
        self,
        tickers: Iterable[str] | None = None,
        store: BarStore | None = None,
        *,
        deadline: float | None = None,
    ) -> FeatureTable:
        """Does what `latest` does, off the loop. Raises `TimeoutError` when it takes longer than `deadline` seconds;
        cancelling this gives up what no thread has begun."""
        terms, store = terms_within(deadline), self._checked(store)
        asked = await asked_tickers_async(store, tickers, deadline)
        loop, port = bridge.port()
        answer = await port.latest(loop, self._plan, store, asked, store.local_time, terms)
        return latest_table(self.names, asked, answer)

    def history(
        self,
        tickers: Iterable[str] | None = None,
        store: BarStore | None = None,
        start: object | None = None,
        end: object | None = None,
    ) -> FeatureTable:
        """Returns the features at every bar, ticker by ticker in the order asked, oldest bar first; None: all of the
        store.

        `start` and `end`, both inclusive, choose rows and change no value: a datetime, date, datetime64 or ISO 8601
        text, UTC where it names no zone. A ticker that is not in the store has no rows, and is named in `missing`. Else
        as `latest`.
        """
        store = self._checked(store)
        asked = asked_tickers(store, tickers)
        answer = self._plan.history(store, asked, store.local_time, *times_between(start, end))
        return history_table(self.names, store, asked, answer)

    async def history_async(
        self,
        tickers: Iterable[str] | None = None,
        store: BarStore | None = None,
        start: object | None = None,
        end: object | None = None,
        *,
        deadline: float | None = None,
    ) -> FeatureTable:
        """Does what `history` does, off the loop; `deadline` and cancelling as for `latest_async`."""
        terms, times, store = terms_within(deadline), times_between(start, end), self._checked(store)
        asked = await asked_tickers_async(store, tickers, deadline)
        loop, port = bridge.port()
        answer = await port.history(loop, self._plan, store, asked, store.local_time, *times, terms)
        return history_table(self.names, store, asked, answer)

    def over(self, table: Any, by: str | None = None, time: str | None = None) -> Any:
        """Returns the features beside the columns of a long table, as a table of that kind, rows and index as they are.

        `table`: an Arrow table, a polars or pandas frame, a DuckDB relation, or a mapping of 1-D arrays; rows in any
        order. `by` is the column of tickers, by default the one called symbol, ticker, sym, code or instrument; without
        one, all rows are one ticker's. `time` is the column of times, by default the one called timestamp, date, ...;
        without one, a ticker's rows are in order of time as they stand. Both may be levels of a pandas index. The
        calendar reads times in that column's zone. Labels of cross-sections (`by="sector"`) are a column of the table.
        A missing figure is NaN.

        Raises `ValueError` for two rows of one ticker at one time, a row without ticker or time, a column that is
        missing (a `FormulaError`), ambiguous or no number, a ticker of `of()` that has no row (also one), and a feature
        that is called as a column of the table.
        """
        return features_over(self._plan.over, self._formulas, self._nodes, table, (by, time))

    async def over_async(
        self, table: Any, by: str | None = None, time: str | None = None, *, deadline: float | None = None
    ) -> Any:
        """Does what `over` does, on a thread. Raises `TimeoutError` when it takes longer than `deadline` seconds. The
        rest of the computation is given up then, and when this is cancelled."""
        is_over = Event()

        def look() -> None:
            if is_over.is_set():
                raise TimeoutError("nobody waits for the features any more")

        compute, keys = partial(self._plan.over, look=look), (by, time)
        call = partial(features_over, compute, self._formulas, self._nodes, table, keys)
        try:
            return await off_loop.long.run_within(deadline, "the features were done", call)
        finally:
            is_over.set()

    def live(self, store: BarStore | None = None, tickers: Iterable[str] | None = None) -> LiveFeatures:
        """Returns the features of each ticker's last bar, kept current; they have taken in the bars that the store has
        now.

        None: all of the store, those that join it later included. Errors as of `latest`, a `ValueError` for a ticker
        that is named twice, and a `FormulaError` for earlier values of a cross-section.

        Tickers of `of()` are taken in first; a bar of theirs that comes later than those which read it revises their
        last bar, and restarts a ticker that has gone on since.

        A cross-section compares the tickers whose last bar is of the newest time; it is NaN for the others.
        """
        live = self._live(store, tickers)
        live.update()
        return live

    async def live_async(
        self,
        store: BarStore | None = None,
        tickers: Iterable[str] | None = None,
        *,
        deadline: float | None = None,
    ) -> LiveFeatures:
        """Does what `live` does, off the loop. Raises `TimeoutError` when it takes longer than `deadline` seconds."""
        live = self._live(store, tickers)
        await live.update_async(deadline=deadline)
        return live

    def restore(self, path: str | PathLike[str], store: BarStore | None = None) -> LiveFeatures:
        """Returns live features that continue from a file of `LiveFeatures.save`; the later bars of the store are taken
        in.

        The store has to hold the last bar that a ticker had taken in: it is taken in again, as it is now. A ticker of
        which all bars are later, or the bar before that one is another than was taken in, begins anew, and is counted
        as restarted; one that is not in the store has no values.

        Raises `ValueError`, which says why, for a file that is none, is truncated or altered, is of another version of
        this package, of another set or zone, or of tickers whose bars the store does not go on from, and for a store
        that is not `ordered`.
        """
        return LiveFeatures.restored(self._live_features(), self._checked(store), path)

    async def restore_async(
        self, path: str | PathLike[str], store: BarStore | None = None, *, deadline: float | None = None
    ) -> LiveFeatures:
        """Does what `restore` does, on a thread. Raises `TimeoutError` when it takes longer than `deadline` seconds."""
        return await off_loop.long.run_within(deadline, "the states were restored", self.restore, path, store)

    def _live(self, store: BarStore | None, tickers: Iterable[str] | None) -> LiveFeatures:
        return LiveFeatures(self._live_features(), self._checked(store), tickers)

    def _live_features(self) -> Formulas:
        read = list(self._formulas.values())
        kept, compared = live_nodes(read)
        plan = None if compared is None else plan_of(compared)
        labels = () if compared is None else compared.labels
        return Formulas(self._identity, plan_of_formulas(read, kept), plan, labels)

    def check_columns(self, further: Iterable[str] = ()) -> None:
        """Raises `FormulaError` for a formula that reads a column which a store with these further ones has not."""
        known = (*PRICE_COLUMNS, *further)
        for formula in self._formulas.values():
            for name in formula.columns:
                if name not in known:
                    raise formula.missing_column(name, known)

    def _check_others(self, store: BarStore) -> None:
        """Raises `FormulaError` for a formula that reads another ticker, or labels, that the store has not, or goes by
        times that do not ascend."""
        for formula in self._formulas.values():
            for name in () if store.ordered else formula.calls:
                raise formula.unavailable(name, "it goes by the times of bars, and the store is not ordered")
            for ticker in formula.tickers:
                if ticker not in store:
                    raise formula.missing_ticker(ticker)
            for name in formula.labels:
                if name not in (present := store._label_names()):
                    raise formula.missing_labels(name, present)

    def _checked(self, store: BarStore | None) -> BarStore:
        """Returns the store that is asked."""
        store = checked_store(store)
        self.check_columns(store.columns)
        self._check_others(store)
        return store


def _restored(formulas: tuple[str, ...], named_formulas: dict[str, str]) -> FeatureSet:
    return FeatureSet(*formulas, **named_formulas)


def _text(formula: object) -> str:
    if not isinstance(formula, str):
        raise TypeError(f"a formula is a text, not {kind_of(formula)}: FeatureSet(*formulas, **named_formulas)")
    return formula
