"""The signals of the past: what the generator would have said at each bar, when no later one was there."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from ziggy_async import _core, bridge
from ziggy_async.features.asking import (
    Answer,
    asked_tickers,
    checked_store,
    history_table,
    terms_within,
    times_between,
)
from ziggy_async.features.figures import Figures
from ziggy_async.features.table import FeatureTable
from ziggy_async.market_brain.regime import ASSUMED_VOLATILITY, RegimeDetector, RegimeState, threshold_values
from ziggy_async.market_brain.signals import SignalGenerator, signal_generator
from ziggy_async.store import BarStore

__all__ = ["signal_history", "signal_history_async"]

RULE_FEATURES = Figures({name: _core.FEATURE_FORMULAS[name] for name in _core.RULE_FEATURES})
MARKET_FEATURES = Figures({name: _core.FEATURE_FORMULAS[name] for name in ("price_change_1d", "slope_20d")})


def signal_history(
    tickers: Iterable[str] | None = None,
    store: BarStore | None = None,
    start: object | None = None,
    end: object | None = None,
    *,
    generator: SignalGenerator = signal_generator,
) -> FeatureTable:
    """Returns the answers that `generate_signals_for_watchlist` would have given at each bar, one row a ticker and bar
    as in `FeatureSet.history`: features, breadth, volatility and regime as of the bar's time, to the bit where the
    store has dropped no bar. Rules and thresholds are those that `generator` has now; it is not asked for `enrich`.

    `tickers` None: all of the store, sorted. `store` None: the generator's own. `start` and `end`, both inclusive,
    choose rows and change no value. The columns:

    - direction: 1 long, -1 short, 0 where there is no trade edge; NaN in the first 49 rows of a ticker, which have too
      few bars. The next ones are NaN without a signal.
    - confidence, entry_price, stop_loss, take_profit, expected_return, risk_reward_ratio: as in `Signal`.
    - signal_type: 0 mean reversion, 1 momentum, 2 both. time_horizon: in days.
    - regime: an index into `list(RegimeState)`. vix_level, breadth_50dma: NaN where they were not known.

    Raises `TypeError` for a ticker that is not text, or an invalid store.
    """
    question = _Question.of(tickers, store, start, end, generator)
    return question.table(question.plan.signal_history(*question.arguments))


async def signal_history_async(
    tickers: Iterable[str] | None = None,
    store: BarStore | None = None,
    start: object | None = None,
    end: object | None = None,
    *,
    generator: SignalGenerator = signal_generator,
    deadline: float | None = None,
) -> FeatureTable:
    """Does what `signal_history` does, off the loop. Raises `TimeoutError` when it takes longer than `deadline`
    seconds; cancelling this gives up what no thread has begun."""
    question = _Question.of(tickers, store, start, end, generator)
    loop, port = bridge.port()
    arguments = *question.arguments, terms_within(deadline)
    return question.table(await port.signal_history(loop, question.plan, *arguments))


class _Question(NamedTuple):
    plan: _core.Plan
    arguments: tuple[Any, ...]
    """The arguments of the core's call."""
    store: BarStore
    asked: tuple[str, ...]

    @classmethod
    def of(
        cls,
        tickers: Iterable[str] | None,
        store: BarStore | None,
        start: object | None,
        end: object | None,
        generator: SignalGenerator,
    ) -> "_Question":
        store = checked_store(generator.store if store is None else store)
        asked = asked_tickers(store, tickers)
        rules, market = generator.core_rules(RegimeState.CHOP), _market(generator.detector, store)
        arguments = (store, asked, None, *times_between(start, end), rules, market)
        return cls(RULE_FEATURES.plan(store.bars_per_year), arguments, store, asked)

    def table(self, answer: Answer) -> FeatureTable:
        return history_table(_core.SIGNAL_COLUMNS, self.store, self.asked, answer)


def _market(detector: RegimeDetector, store: BarStore) -> tuple[Any, ...]:
    """Returns the arguments that say what the regime is read from."""
    return (
        MARKET_FEATURES.plan(store.bars_per_year),
        detector.market,
        detector.volatility_names,
        math.nan if detector.volatility is None else ASSUMED_VOLATILITY,
        threshold_values(detector.thresholds),
    )
