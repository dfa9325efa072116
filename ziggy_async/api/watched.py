"""The market that a dashboard shows: one store, what computes over it, and its tickers in order."""

from collections.abc import Sequence

from ziggy_async import off_loop
from ziggy_async.market_brain.features import FeatureComputer
from ziggy_async.market_brain.regime import RegimeDetector, regime_detector
from ziggy_async.market_brain.signals import SignalGenerator, signal_generator
from ziggy_async.messages import kind_of, shown
from ziggy_async.store import BarStore, default_store


class WatchedMarket:
    """`store`, or the default one with what the application has set there: its generator, its detector."""

    def __init__(self, store: BarStore | None = None, tickers: Sequence[str] | None = None) -> None:
        """`tickers`: those of the watchlist; None: all of the store. Raises `TypeError` for an invalid store."""
        if store is not None and not isinstance(store, BarStore):
            raise TypeError(f"store: {shown(store)} is {kind_of(store)}, not a BarStore")
        self._store = store
        self._tickers = None if tickers is None else tuple(dict.fromkeys(tickers))
        self.detector: RegimeDetector = regime_detector
        self.generator: SignalGenerator = signal_generator
        if store is not None:
            computer = FeatureComputer(store)
            self.detector = RegimeDetector(computer)
            self.generator = SignalGenerator(computer, self.detector)

    @property
    def store(self) -> BarStore:
        """Looked up at each request: the default one may have been replaced."""
        return default_store() if self._store is None else self._store

    def version(self) -> tuple[int, ...]:
        """Returns another version whenever bars or labels have changed."""
        return tuple(self.store.stats().values())

    async def symbols(self) -> tuple[str, ...]:
        """Returns all tickers that have bars, sorted; in a thread, since some may have come or gone."""
        symbols: tuple[str, ...] = await off_loop.short.run(self.store._sorted_symbols)
        return symbols

    async def watchlist(self) -> tuple[str, ...]:
        return await self.symbols() if self._tickers is None else self._tickers
