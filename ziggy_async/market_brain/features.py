"""The market-brain features: 26 figures of a ticker's bars, computed natively.

Synchronous functions compute in the calling thread and wait for the bar source where one is set; the async ones compute
on the native pool, off the loop.
"""

from collections.abc import Awaitable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ziggy_async import _core, bridge, sources
from ziggy_async._core import Tally
from ziggy_async.features import FeatureSet as FormulaSet
from ziggy_async.features.figures import Figures
from ziggy_async.messages import kind_of, shown
from ziggy_async.metrics import CountedFunction
from ziggy_async.store import BarStore, default_store
from ziggy_async.terms import terms

__all__ = [
    "FeatureComputer",
    "FeatureSet",
    "Features",
    "async_get_multiple_ticker_features",
    "async_get_ticker_features",
    "feature_computer",
    "get_multiple_ticker_features",
    "get_ticker_features",
]


class Features(dict[str, Any]):
    """A ticker's figures, as a dict and as attributes: `f["rsi_14"]` and `f.rsi_14`.

    With at least 50 bars: ticker, status "ok", bars, as_of (ISO 8601, UTC), stale, and the 26 figures of
    `_core.FEATURE_FORMULAS`. With fewer: ticker, status "insufficient_data", bars, required; a figure that is asked for
    then is a `KeyError` or `AttributeError` that says so. `stale` is True when the bar source was asked and failed;
    `source_error` then says how, with few bars too.
    """

    __slots__ = ()

    ticker: str
    status: str
    bars: int
    required: int
    as_of: str
    stale: bool
    close: float
    volume: float
    price_change_1d: float
    sma_20: float
    sma_50: float
    ema_12: float
    ema_26: float
    macd: float
    macd_signal: float
    macd_hist: float
    rsi_14: float
    atr_14: float
    adx_14: float
    bollinger_upper: float
    bollinger_lower: float
    z_score_20: float
    volatility_20d: float
    slope_20d: float
    new_high_20d: bool
    new_low_20d: bool
    volume_ratio_20: float
    liquidity_score: float
    vix_level: float
    breadth_50dma: float | None
    sma_fast: float
    sma_slow: float

    if not TYPE_CHECKING:  # it would let every misspelt name pass

        def __getattr__(self, name: str) -> Any:
            try:
                return self[name]
            except KeyError as error:
                raise AttributeError(error.args[0]) from None

    def __missing__(self, name: object) -> NoReturn:
        raise KeyError(self._without(name))

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def copy(self) -> "Features":
        """Returns another `Features` with the same values, as `dict.copy` does."""
        return Features(self)

    def to_dict(self) -> dict[str, Any]:
        """Returns the same as a plain dict of its own."""
        return dict(self)

    @property
    def is_sufficient(self) -> bool:
        """True if there were bars enough for the figures."""
        return bool(self["status"] == "ok")

    def _without(self, name: object) -> str:
        """Returns why there is no such figure."""
        if self.get("status") != "insufficient_data" or name not in Features.__annotations__:
            return f"these features have no {shown(name)}"
        bars = self["bars"]
        has = "no bars" if bars == 0 else f"{bars} bar{'s' if bars > 1 else ''}"
        return f"there is no {name} of {self['ticker']}: it has {has}, and {self['required']} are needed"


_core.register("Features", Features)


@dataclass
class FeatureSet:
    """A ticker's features as the regime reads them; a figure that is not known is None.

    `values` holds all of them. `source` is "computed", or "stale" when the bar source failed and the bars may be old.
    """

    values: dict[str, Any]
    source: str = "computed"
    rsi_14: float | None = None
    z_score_20: float | None = None
    volatility_20d: float | None = None
    atr_14: float | None = None
    close: float | None = None
    sma_20: float | None = None
    sma_50: float | None = None
    vix_level: float | None = None
    price_change_1d: float | None = None
    breadth_50dma: float | None = None
    slope_20d: float | None = None

    @classmethod
    def of(cls, features: Features) -> "FeatureSet | None":
        """Returns the set of a ticker's features, None when there were too few bars."""
        if not features.is_sufficient:
            return None
        return cls(features, "stale" if features["stale"] else "computed", *map(features.get, SET_FIGURES))

    def to_dict(self) -> dict[str, Any]:
        """Returns all of `values`, and `source`, in a dict of its own."""
        return {**self.values, "source": self.source}


FIGURES = Figures(_core.FEATURE_FORMULAS)

SET_FIGURES = tuple(FeatureSet.__dataclass_fields__)[2:]


class FeatureComputer:
    """Features out of one store's bars. Safe from any thread and any number of loops."""

    def __init__(self, store: BarStore | None = None) -> None:
        """`store`: whose bars are read, the default store if None. Only that one is supplied by the bar source."""
        self._store = store
        self._figures = FIGURES  # replaced as a whole, so that any thread may read it

    def __repr__(self) -> str:
        return f"<FeatureComputer over {self.store!r}>"

    def extend(self, **formulas: str) -> None:
        """Adds features to every result from now on: `extend(cci_20="cci(20)")`; None where a formula is NaN.

        Raises `FormulaError` for a formula that cannot be used, or that reads a column which the store has not;
        `ValueError` for a name that a result has already. Then nothing is added.
        """
        taken = sorted(formulas.keys() & {*self._figures.formulas, *Features.__annotations__})
        if taken:
            raise ValueError(f"features have {shown(taken[0])} already")
        extended = Figures({**self._figures.formulas, **formulas})
        FormulaSet(**formulas).check_columns()
        extended.plan(self.store.bars_per_year)
        self._figures = extended

    @property
    def plan(self) -> _core.Plan:
        """Returns the plan that computes the features."""
        return self._figures.plan(self.store.bars_per_year)

    @property
    def store(self) -> BarStore:
        return default_store() if self._store is None else self._store

    def compute_for_ticker(self, ticker: str, force_refresh: bool = False) -> Features:
        """Returns the features of `ticker`; `force_refresh` asks the bar source first. Raises `TypeError` unless
        `ticker` is a str."""
        return self._compute(ticker, force_refresh)

    async def compute_for_ticker_async(self, ticker: str, force_refresh: bool = False) -> Features:
        """Does what `compute_for_ticker` does, off the loop."""
        return await self.soon(ticker, force_refresh)

    def soon(
        self,
        ticker: str,
        force_refresh: bool = False,
        also: Collection[str] = (),
        counted: CountedFunction | None = None,
    ) -> Awaitable[Features]:
        """Returns what `compute_for_ticker_async` awaits: a bare future where no source has to be asked, as hundreds of
        callers may take this step in one iteration of their loop. `also` as for `get_features`; `counted`: the function
        that awaits it."""
        if type(ticker) is not str:
            ticker = checked_ticker(ticker)
        store = default_store() if self._store is None else self._store
        source = sources.source_of(store)
        tally = None if counted is None else counted.tally
        if source is not None:
            return self._refreshed(source, (ticker, *also), force_refresh, tally)
        plan = self._figures.plan(store.bars_per_year)
        loop, port = bridge.port()
        found: Awaitable[Features] = port.features(loop, store, plan, ticker, tally, terms.get())
        return found

    async def _refreshed(
        self, source: sources.BarSource, symbols: tuple[str, ...], force: bool, tally: Tally | None
    ) -> Features:
        """Returns the features of the first of `symbols`, all of which the source is asked for."""
        began = 0 if tally is None else tally.now()
        stale = await source.refresh_async(symbols, force)
        ready = 0 if tally is None else tally.now()
        loop, port = bridge.port()
        features: Features = await port.features(loop, self.store, self.plan, symbols[0], None, terms.get())
        if tally is not None:
            tally.record(began, ready)
        return _marked_one(features, stale.get(symbols[0]))

    def compute_batch(self, tickers: Iterable[str], force_refresh: bool = False) -> dict[str, Features]:
        """Returns the features of each ticker, in the order given. Raises `TypeError` naming the position of one that
        is not a str."""
        names = _core.ticker_tuple(tickers)
        stale = self.refresh(names, force_refresh)
        return _marked(_core.features_many(self.store, self.plan, names), stale)

    async def compute_batch_async(
        self, tickers: Iterable[str], force_refresh: bool = False, *, counted: CountedFunction | None = None
    ) -> dict[str, Features]:
        """Does what `compute_batch` does, off the loop. `counted`: the function that awaits it."""
        names = _core.ticker_tuple(tickers)
        tally = None if counted is None else counted.tally
        began = 0 if tally is None else tally.now()
        stale = await self.refresh_async(names, force_refresh)
        ready = 0 if tally is None else tally.now()
        loop, port = bridge.port()
        results = _marked(await port.features_many(loop, self.store, self.plan, names, terms.get()), stale)
        if tally is not None:
            tally.record(began, ready)
        return results

    def get_features(
        self, ticker: str, force_refresh: bool = False, *, also: Collection[str] = ()
    ) -> FeatureSet | None:
        """Returns the features of `ticker` as a `FeatureSet`; None when there are fewer than 50 bars.

        `also`: symbols that its figures depend on, asked for at the same time; their failure is not the ticker's.
        """
        return FeatureSet.of(self._compute(ticker, force_refresh, also))

    async def get_features_async(
        self, ticker: str, force_refresh: bool = False, *, also: Collection[str] = ()
    ) -> FeatureSet | None:
        """Does what `get_features` does, off the loop."""
        return FeatureSet.of(await self.soon(ticker, force_refresh, also=also))

    def refresh(self, tickers: Collection[str], force: bool = False) -> sources.Stale:
        """Asks the bar source, if any, for the tickers that are missing or old; returns those that it failed for."""
        source = sources.source_of(self.store)
        return {} if source is None else source.refresh(tickers, force)

    async def refresh_async(self, tickers: Collection[str], force: bool = False) -> sources.Stale:
        """Does what `refresh` does, in the running loop."""
        source = sources.source_of(self.store)
        return {} if source is None else await source.refresh_async(tickers, force)

    def _compute(self, ticker: str, force: bool, also: Collection[str] = ()) -> Features:
        ticker = checked_ticker(ticker)
        stale = self.refresh((ticker, *also), force)
        features: Features = _core.features(self.store, self.plan, ticker)
        return _marked_one(features, stale.get(ticker))


def checked_ticker(ticker: object, name: str = "ticker") -> str:
    """Returns `ticker`, a plain str of one of a subclass, whose methods may be anything. Raises `TypeError` that names
    the argument for anything else."""
    if type(ticker) is str:
        return ticker
    if not isinstance(ticker, str):
        raise TypeError(f"{name}: {shown(ticker)} is {kind_of(ticker)}, not a str")
    return str.__str__(ticker)


def _marked(results: dict[str, Features], stale: sources.Stale) -> dict[str, Features]:
    for ticker, fault in stale.items():
        if ticker in results:
            _marked_one(results[ticker], fault)
    return results


def _marked_one(features: Features, fault: str | None) -> Features:
    """Too few bars have no figures that could be old."""
    if fault is not None:
        features["source_error"] = fault
        if features.is_sufficient:
            features["stale"] = True
    return features


feature_computer = FeatureComputer()
"""The computer over the default store that the functions below use."""

_ONE = CountedFunction("async_get_ticker_features")
_MANY = CountedFunction("async_get_multiple_ticker_features")


def get_ticker_features(ticker: str, force_refresh: bool = False) -> Features:
    """Returns the features of `ticker` in the default store; see `FeatureComputer.compute_for_ticker`."""
    return feature_computer.compute_for_ticker(ticker, force_refresh)


def get_multiple_ticker_features(tickers: Iterable[str], force_refresh: bool = False) -> dict[str, Features]:
    """Returns ticker -> features, in the order given; see `FeatureComputer.compute_batch`."""
    return feature_computer.compute_batch(tickers, force_refresh)


async def async_get_ticker_features(ticker: str, force_refresh: bool = False) -> Features:
    """Does what `get_ticker_features` does, off the loop; `force_refresh` asks the bar source first."""
    return await feature_computer.soon(ticker, force_refresh, counted=_ONE)


async def async_get_multiple_ticker_features(
    tickers: Iterable[str], force_refresh: bool = False
) -> dict[str, Features]:
    """Does what `get_multiple_ticker_features` does, off the loop."""
    return await feature_computer.compute_batch_async(tickers, force_refresh, counted=_MANY)
