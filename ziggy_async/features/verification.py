"""Checks that formulas keep what they promise: the same bits whichever way they are computed, no look into the future,
nothing left of an outlier that is out of reach, and defined answers where values are missing.

Each check computes a formula over bars in two ways, or over two versions of the bars, and compares the two bit for bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core
from ziggy_async.features.catalog import rows
from ziggy_async.features.errors import FormulaError
from ziggy_async.features.formula import read_formula
from ziggy_async.features.live import Formulas, LiveFeatures
from ziggy_async.features.lowering import live_nodes, plan_nodes, plan_of_formulas
from ziggy_async.features.stages import PlanNodes, plan_of
from ziggy_async.reading.spellings import PRICE_COLUMNS
from ziggy_async.store import BarStore

Floats = NDArray[np.float64]

LANES = (1, 4, 8)
BLOCKS = (1, 16, 64)
CUTS = 24
"""Lengths at which bars are cut off."""
LONG_SERIES = 60_000
"""Bars of a series that is long enough to be cut into pieces, also where a long memory has to be warmed up."""
REVISIONS = (1.5, 0.75)
"""The factors of the figures of a bar that is still forming."""
OUTLIER = 1e9
"""The factor that makes a value an outlier."""


@dataclass(frozen=True)
class Bars:
    """Columns of one ticker by name, and the times of its bars in nanoseconds, oldest first."""

    symbol: str
    timestamps: NDArray[np.int64]
    columns: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.timestamps)

    def rows(self, chosen: slice | NDArray[np.intp]) -> "Bars":
        return Bars(self.symbol, self.timestamps[chosen], {name: each[chosen] for name, each in self.columns.items()})

    def multiplied(self, rows: int | slice, factor: float) -> "Bars":
        """Returns bars with other values in these rows of every column."""
        columns = {name: column.copy() for name, column in self.columns.items()}
        for column in columns.values():
            column[rows] *= factor
        return Bars(self.symbol, self.timestamps, columns)


class FaultError(Exception):
    """A property that a formula did not keep; the message says where."""


class NotApplicableError(Exception):
    """A check does not apply to a formula of this kind."""


@dataclass(frozen=True)
class Subject:
    """A formula with the bars that it is checked on: of several tickers, and of one that is long."""

    formula: str
    market: Sequence[Bars]
    long: Bars

    @cached_property
    def made_of(self) -> PlanNodes:
        formula = read_formula(self.formula)
        for name in formula.columns:
            if name not in self.market[0].columns:
                raise formula.missing_column(name, self.market[0].columns)
        for name in formula.tickers:
            if name not in [each.symbol for each in self.market]:
                raise formula.missing_ticker(name)
        return plan_nodes([formula])

    @property
    def reads_others(self) -> bool:
        """True if a ticker's values depend on other tickers, so that all of them have to be computed together."""
        formula = read_formula(self.formula)
        return formula.compares or bool(formula.tickers)

    @cached_property
    def plan(self) -> _core.Plan:
        return plan_of_formulas([read_formula(self.formula)], self.made_of)

    @property
    def lookback(self) -> int:
        return self.plan.lookbacks[0]

    @property
    def reach(self) -> int:
        """Bars that a value depends on. NotApplicableError where it depends on all, or on other tickers'."""
        (reach,) = self.plan.reaches
        if reach < 0 or self.reads_others:
            raise NotApplicableError
        return reach

    @property
    def longest(self) -> Bars:
        """The ticker with the most bars."""
        return max(self.market, key=len)

    def values(self, *tickers: Bars, lanes: int = 0, block: int = 0, pieces: bool = False) -> Floats:
        """Returns the formula's value for each bar, ticker after ticker."""
        arrays, others = self._arrays(tickers), self._others(tickers)
        return self.plan.over(*arrays, None, lanes=lanes, block=block, pieces=pieces, **others)[:, 0]

    def last_values(self, *tickers: Bars, lanes: int = 0, block: int = 0) -> Floats:
        """Returns the value of each ticker's last bar, computed as `latest` does."""
        others = self._others(tickers)
        return self.plan.tails(*self._arrays(tickers), None, lanes=lanes, block=block, **others)[:, 0]

    def _arrays(self, tickers: Sequence[Bars]) -> tuple[tuple[Floats, ...], NDArray[np.int64], NDArray[np.int64]]:
        joined = tuple(np.concatenate([each.columns[name] for each in tickers]) for name in self.made_of.columns)
        offsets = np.concatenate([[0], np.cumsum([len(each) for each in tickers])]).astype(np.int64)
        return joined, offsets, np.concatenate([each.timestamps for each in tickers])

    def live_values(self, *tickers: Bars) -> Floats:
        """Returns the formula's value for each bar, ticker after ticker, kept current time by time; each bar comes
        twice with other figures before it comes as it is.

        NotApplicableError for a formula of which no value is kept current, or that reads what a store does not keep.
        """
        formula = read_formula(self.formula)
        if not set(self.made_of.columns) <= set(PRICE_COLUMNS):
            raise NotApplicableError
        try:
            kept, compared = live_nodes([formula])
        except FormulaError:
            raise NotApplicableError from None
        store = BarStore(2)
        for name in self.made_of.labels:
            store.set_labels(name, {each.symbol: str(number % 2) for number, each in enumerate(tickers)})
        plan = None if compared is None else plan_of(compared)
        formulas = Formulas((("", formula.normal_form),), plan_of_formulas([formula], kept), plan, self.made_of.labels)
        live = LiveFeatures(formulas, store, [each.symbol for each in tickers])
        found = [np.empty(len(each)) for each in tickers]
        for time, there in _by_time(tickers):
            for factor in (*REVISIONS, 1.0):
                for number, at in there:
                    figures = (tickers[number].columns[name][at] * factor for name in PRICE_COLUMNS)
                    store.append(tickers[number].symbol, time, *figures)
                live.update()
            for number, at in there:
                found[number][at] = live.values[number, 0]
        return np.concatenate(found)

    def _others(self, tickers: Sequence[Bars]) -> dict[str, Any]:
        """Returns which tickers are read by name; of labels, which these bars have not, every other ticker has the
        one."""
        symbols = [each.symbol for each in tickers]
        codes = np.repeat(np.arange(len(tickers), dtype=np.int32) % 2, [len(each) for each in tickers])
        return {
            "groups": tuple(symbols.index(name) for name in self.made_of.tickers),
            "labels": (codes,) * len(self.made_of.labels),
        }

    def moments(self) -> Iterator[tuple[int, list[Bars]]]:
        """Times to look at, and the market until then; each ticker has bars."""
        times, first = self.longest.timestamps, max(int(each.timestamps[0]) for each in self.market)
        for cut in self.cuts(self.longest):
            moment = int(times[cut - 1])
            if moment >= first:
                yield (
                    moment,
                    [each.rows(slice(np.searchsorted(each.timestamps, moment, "right"))) for each in self.market],
                )

    def rows_of(self, tickers: Sequence[Bars]) -> list[slice]:
        """Returns where the first bars `tickers` of the market's stand among the values of the whole market."""
        ends = np.cumsum([len(each) for each in self.market])
        firsts = [int(end) - len(each) for end, each in zip(ends, self.market, strict=True)]
        return [slice(first, first + len(each)) for first, each in zip(firsts, tickers, strict=True)]

    def cuts(self, bars: Bars) -> Iterator[int]:
        """Numbers of bars to look at: about the lookback, and spread over the rest."""
        spread = np.linspace(1, len(bars), CUTS).astype(int).tolist()
        near = range(self.lookback - 1, self.lookback + 3)
        yield from sorted({cut for cut in (*spread, *near) if 1 <= cut <= len(bars)})

    @property
    def is_one_kernel(self) -> bool:
        """True if the formula is one indicator of the catalog, and not made of others."""
        kinds = [node.kind for node in self.made_of.nodes if node.kind not in ("column", "output")]
        return kinds == ["kernel"] and not self.made_of.sources


def _by_time(tickers: Sequence[Bars]) -> Iterator[tuple[np.datetime64, list[tuple[int, int]]]]:
    """Yields each time at which there are bars, and of each ticker that has one then its number and the bar's."""
    bars = sorted(
        (time, number, at) for number, each in enumerate(tickers) for at, time in enumerate(each.timestamps.tolist())
    )
    for time, there in groupby(bars, key=itemgetter(0)):
        yield np.datetime64(time, "ns"), [(number, at) for _, number, at in there]


def check_latest(subject: Subject) -> None:
    """The latest value is the last one of the history, whatever the number of bars."""
    if subject.reads_others:
        check_latest_of_market(subject)
        return
    bars = subject.longest
    history = subject.values(bars)
    cuts = list(subject.cuts(bars))
    compare(
        subject.last_values(*(bars.rows(slice(cut)) for cut in cuts)),
        history[np.array(cuts) - 1],
        lambda at: f"the latest value of {cuts[at]} bars is not the last one of their history",
    )


def check_latest_of_market(subject: Subject) -> None:
    """The same of all tickers that are at the newest time."""
    history = subject.values(*subject.market)
    for moment, market in subject.moments():
        at_newest = np.flatnonzero([each.timestamps[-1] == moment for each in market])
        last = np.array([rows.stop - 1 for rows in subject.rows_of(market)])
        said = row(
            f"at {np.datetime64(moment, 'ns')} the latest value of ticker {{}} is not the last one of its history"
        )
        compare(subject.last_values(*market)[at_newest], history[last[at_newest]], said)


def check_lanes(subject: Subject) -> None:
    """Values do not depend on how many tickers are computed side by side."""
    usual = subject.values(*subject.market)
    last = subject.last_values(*subject.market)
    for lanes in LANES:
        if lanes <= _core.cpu()["lanes"]:
            compare(subject.values(*subject.market, lanes=lanes), usual, place(f"in {lanes} lanes", subject.market))
            compare(
                subject.last_values(*subject.market, lanes=lanes),
                last,
                row(f"in {lanes} lanes the latest value of ticker {{}}"),
            )


def check_blocks(subject: Subject) -> None:
    """Values do not depend on how many bars are computed at a time."""
    usual = subject.values(*subject.market)
    for block in BLOCKS:
        compare(subject.values(*subject.market, block=block), usual, place(f"in blocks of {block}", subject.market))


def check_pieces(subject: Subject) -> None:
    """A long series that is cut into pieces gives what it gives as a whole."""
    if subject.reads_others:
        raise NotApplicableError
    whole = subject.values(subject.long, lanes=1)
    compare(subject.values(subject.long, pieces=True), whole, place("in pieces", [subject.long]))


def check_live(subject: Subject) -> None:
    """A value that is kept current is that of the history, however often its bar was replaced before."""
    whole = subject.values(*subject.market)
    compare(subject.live_values(*subject.market), whole, place("kept current", subject.market))


def check_prefix(subject: Subject) -> None:
    """The first bars give the first values."""
    if subject.reads_others:
        check_prefix_of_market(subject)
        return
    bars = subject.longest
    history = subject.values(bars)
    cuts = list(subject.cuts(bars))
    prefixes = [bars.rows(slice(cut)) for cut in cuts]
    compare(
        subject.values(*prefixes),
        np.concatenate([history[:cut] for cut in cuts]),
        place("without the bars after them", prefixes),
    )


def check_prefix_of_market(subject: Subject) -> None:
    """The first bars of all tickers give their first values."""
    history = subject.values(*subject.market)
    for _, market in subject.moments():
        wanted = np.concatenate([history[rows] for rows in subject.rows_of(market)])
        compare(subject.values(*market), wanted, place("without the bars after them", market))


def check_later_bars(subject: Subject) -> None:
    """Bars that come later change no value."""
    if subject.reads_others:
        check_later_bars_of_market(subject)
        return
    bars = subject.longest
    history = subject.values(bars)
    for cut in subject.cuts(bars):
        for factor in (2.0, np.nan):
            changed = bars.multiplied(slice(cut, None), factor)
            compare(subject.values(changed)[:cut], history[:cut], row(f"bar {{}} knows of bar {cut} or a later one"))


def check_later_bars_of_market(subject: Subject) -> None:
    """Bars of any ticker that come later change no value."""
    history = subject.values(*subject.market)
    for moment, market in subject.moments():
        rows = subject.rows_of(market)
        wanted = np.concatenate([history[each] for each in rows])
        for factor in (2.0, np.nan):
            changed = [
                whole.multiplied(slice(len(until), None), factor)
                for whole, until in zip(subject.market, market, strict=True)
            ]
            found = subject.values(*changed)
            said = place(f"knowing of bars after {np.datetime64(moment, 'ns')}", market)
            compare(np.concatenate([found[each] for each in rows]), wanted, said)


def check_outlier(subject: Subject) -> None:
    """A bar that is out of reach leaves nothing, however far out it was."""
    reach, bars = subject.reach, subject.longest
    history = subject.values(bars)
    for at in spots(subject, bars):
        after, wild = at + reach, bars.multiplied(at, OUTLIER)
        compare(subject.values(wild)[after:], history[after:], row(f"bar {{}} knows of the outlier of bar {at}", after))


def check_missing(subject: Subject) -> None:
    """NaN and infinities: a window has no value while one is in it and its exact value again afterwards; a recursion
    has none at that bar and goes on as if the bar had not been."""
    if subject.reads_others:
        raise NotApplicableError
    bars = subject.longest
    history = subject.values(bars)
    if not subject.is_one_kernel:
        check_return(subject, bars, history)
        return
    is_window = subject.plan.reaches[0] >= 0
    for at in spots(subject, bars):
        if is_window:
            wanted = history.copy()
            wanted[at : at + subject.plan.reaches[0]] = np.nan
        else:
            kept = np.arange(len(bars)) != at
            wanted = np.full(len(bars), np.nan)
            wanted[kept] = subject.values(bars.rows(np.flatnonzero(kept)))
        for missing in (np.nan, np.inf, -np.inf):
            found = subject.values(bars.multiplied(at, missing))
            compare(found, wanted, row(f"bar {{}} is wrong where bar {at} is {missing}"))


def check_return(subject: Subject, bars: Bars, history: Floats) -> None:
    """A formula has its values again once a missing bar is out of reach."""
    reach = subject.reach
    for at in spots(subject, bars):
        after, holed = at + reach, bars.multiplied(at, np.nan)
        compare(subject.values(holed)[after:], history[after:], row(f"bar {{}} lacks bar {at}", after))


def check_short(subject: Subject) -> None:
    """Without bars there are no values. No bar before the lookback has one; of an indicator each bar after it does."""
    if subject.reads_others:
        raise NotApplicableError
    bars, lookback = subject.longest, subject.lookback
    if len(subject.values(bars.rows(slice(0)))):
        raise FaultError("no bars give a value")
    for cut in {min(length, len(bars)) for length in (1, lookback, lookback + 1, lookback + 2)} - {0}:
        found = subject.values(bars.rows(slice(cut)))
        if not np.isnan(found[:lookback]).all():
            raise FaultError(f"of {cut} bars one has a value before the lookback of {lookback}")
        if subject.is_one_kernel and not np.isfinite(found[lookback:]).all():
            raise FaultError(f"of {cut} bars one has no value after the lookback of {lookback}")


CHECKS: dict[str, Callable[[Subject], None]] = {
    "latest": check_latest,
    "lanes": check_lanes,
    "blocks": check_blocks,
    "pieces": check_pieces,
    "live": check_live,
    "prefix": check_prefix,
    "later bars": check_later_bars,
    "outlier": check_outlier,
    "missing": check_missing,
    "short": check_short,
}
"""The checks by name. A check raises FaultError, or NotApplicableError where it does not apply."""

KEPT, NONE = "ok", "-"


def verify(subject: Subject) -> dict[str, str]:
    """Returns the result of each check: KEPT, NONE where it does not apply, else a sentence that says what is wrong.

    Raises FormulaError for a formula that cannot be read, or that reads a column which the bars do not have.
    """
    found = {}
    for name, check in CHECKS.items():
        try:
            check(subject)
            found[name] = KEPT
        except NotApplicableError:
            found[name] = NONE
        except FaultError as fault:
            found[name] = str(fault)
    return found


def catalog_formulas() -> list[str]:
    """Returns a formula for each output of each indicator, with its usual inputs and parameters."""
    return [
        f"{row.name}().{output.name}" if len(row.outputs) > 1 else f"{row.name}()"
        for row in rows().values()
        if set(row.inputs) <= set(PRICE_COLUMNS)
        for output in row.outputs
    ]


def long_series(market: Sequence[Bars]) -> Bars:
    """Returns the bars of all tickers behind each other, over and over, as one ticker's."""
    bars = sum(map(len, market))
    times = -(-LONG_SERIES // bars)
    columns = {
        name: np.tile(np.concatenate([each.columns[name] for each in market]), times)[:LONG_SERIES]
        for name in market[0].columns
    }
    return Bars("all", 60_000_000_000 * np.arange(LONG_SERIES, dtype=np.int64), columns)


def spots(subject: Subject, bars: Bars) -> list[int]:
    """Bars to be spoiled: the first, one before the first value, and others that fall differently into windows."""
    middle = len(bars) // 2
    return sorted({at for at in (0, subject.lookback // 2, middle, middle + 1, middle + 7) if at < len(bars)})


def row(text: str, first: int = 0) -> Callable[[int], str]:
    """Puts the number of a row, counted from `first` on, into the braces of `text`."""
    return lambda at: text.format(first + at)


def place(circumstance: str, tickers: Sequence[Bars]) -> Callable[[int], str]:
    """Says which value of `tickers`, behind each other, is another one."""
    ends = np.cumsum([len(each) for each in tickers])

    def said(at: int) -> str:
        number = int(np.searchsorted(ends, at, side="right"))
        ticker = tickers[number]
        return f"{circumstance} bar {at - int(ends[number]) + len(ticker)} of {ticker.symbol} is another"

    return said


def compare(found: Floats, wanted: Floats, said: Callable[[int], str]) -> None:
    """Raises FaultError for the first value that has other bits; one NaN is as good as another."""
    differs = canonical(found) != canonical(wanted)
    if differs.any():
        at = int(np.argmax(differs))
        raise FaultError(f"{said(at)}: {float(found[at])} instead of {float(wanted[at])}")


def canonical(values: Floats) -> NDArray[np.int64]:
    return np.where(np.isnan(values), np.nan, values).view(np.int64)
