"""The bars that the benchmarks compute from: the made-up market, in a store of its own and as plain columns."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ziggy_async.latency_benchmark import numpy_baseline
from ziggy_async.latency_benchmark.numpy_baseline import Columns
from ziggy_async.market_brain.features import FeatureComputer
from ziggy_async.market_brain.regime import RegimeDetector
from ziggy_async.market_brain.signals import SignalGenerator
from ziggy_async.sample import sample_universe
from ziggy_async.store import BarStore

_lock = threading.Lock()


@dataclass(frozen=True)
class Market:
    """`tickers` (500, SPY first) and their bars, for the package and for plain NumPy. `vix_level`, `breadth` and
    `regime` are for plain NumPy; they are computed once for all tickers, as the package does."""

    tickers: tuple[str, ...]
    columns: Mapping[str, Columns]
    vix_level: float
    breadth: float | None
    regime: str
    features: FeatureComputer
    signals: SignalGenerator

    @property
    def store(self) -> BarStore:
        return self.features.store


def sample_market() -> Market:
    """Returns the process's one market, about 25 MB; made by the first call, which takes some 0.1 s."""
    with _lock:
        return _made()


@cache
def _made() -> Market:
    columns, store = dict(sample_universe()), BarStore()
    for symbol, bars in columns.items():
        store.load(symbol, bars)
    vix_level, breadth = numpy_baseline.market_of(columns)
    features = FeatureComputer(store)
    return Market(
        tickers=tuple(symbol for symbol in columns if not symbol.startswith("^")),
        columns=columns,
        vix_level=vix_level,
        breadth=breadth,
        regime=numpy_baseline.regime_of(numpy_baseline.features(columns["SPY"], vix_level, breadth)),
        features=features,
        signals=SignalGenerator(features, RegimeDetector(features)),
    )
