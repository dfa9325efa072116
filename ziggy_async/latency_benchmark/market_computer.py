"""The calls of an application, on the benchmarks' market instead of the default store."""

from typing import Any

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.latency_benchmark.market import Market
from ziggy_async.market_brain.features import Features


class MarketComputer(AsyncFeatureComputer):
    """A computer with the bars of a market. It takes only the number of threads from the environment: the application's
    dead letters are not for benchmarks."""

    def __init__(self, market: Market) -> None:
        super().__init__(TaskPoolConfig(use_process_pool=False, scale_min=None, scale_max=None, dead_letters=None))
        self.market = market

    async def features(self, ticker: str) -> Features:
        """Does what `compute_features_async` does. Raises `RuntimeError` when there are none."""
        compute = self.market.features.soon
        found = await self._compute(f"compute_features:{ticker}", compute, ticker)
        if found is None:
            raise RuntimeError(f"no features of {ticker}")
        return found

    async def signal(self, ticker: str) -> dict[str, Any] | None:
        """Does what `compute_signal_async` does, by both rules."""
        return await self._compute(f"compute_signal:{ticker}", self._signal, ticker)

    async def _signal(self, ticker: str) -> dict[str, Any] | None:
        signal = (await self.market.signals.generate_signal_async(ticker))["signal"]
        return None if signal is None else signal.to_dict()
