"""What is done again and again leaves nothing behind: no reference, no memory of the extension."""

import asyncio
import gc
import pickle
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from weakref import WeakSet

import numpy as np
import pytest
from heap import heap_in_use, objects_in_use

from ziggy_async import (
    BarStore,
    FeatureSet,
    async_get_ticker_features,
    default_store,
    generate_signals_for_watchlist_async,
    signal_history,
)
from ziggy_async.indicators import series
from ziggy_async.market_brain import generate_signals_for_watchlist
from ziggy_async.sample import sample_universe

REPEATS, MOST_ROUNDS, CAPACITY = 20, 40, 64
PATIENCE = 60.0
"""Seconds that the notifier thread has to dispose of what closed loops had in flight."""
TICKERS = ("SPY", "^VIX", "BANK07", "AUTO41")
FORMULAS = FeatureSet("rsi(14)", "rank(returns(close), by='sector')", lead='close / of("SPY", ema(5))')
KEPT = FeatureSet("sma(5)", "median(close, 7)", "macd().signal")
BARS = {
    symbol: {name: column[-CAPACITY:] for name, column in columns.items()}
    for symbol, columns in sample_universe()
    if symbol in TICKERS
}
DAYS = np.datetime64("2031-01-01") + np.arange(3)

closed_loops: "WeakSet[asyncio.AbstractEventLoop]" = WeakSet()
"""Those whose requests in flight the notifier thread has yet to dispose of."""


def filled() -> BarStore:
    store = BarStore(CAPACITY)
    for symbol, columns in BARS.items():
        store.load(symbol, columns)
    store.set_labels("sector", dict.fromkeys(TICKERS, "all"))
    return store


@pytest.fixture(scope="module")
def store():
    store = filled()
    for symbol in TICKERS:
        default_store().load(symbol, store.bars(symbol))
    yield store
    default_store().clear()


def change_bars(store: BarStore, folder: Path) -> None:
    mine = filled()
    universe = mine.universe(TICKERS)
    for day in DAYS:
        mine.append_cross_section(day, universe, np.full((len(TICKERS), 5), 7.0))
    mine.append("SPY", DAYS[-1] + np.timedelta64(1, "D"), 1.0, 2.0, 0.5, 1.5, 10.0)
    copy = pickle.loads(pickle.dumps(mine))
    assert copy.bars("SPY")["close"][-1] == 1.5
    mine.load("NEW", mine.bars("SPY"), invalid="skip")
    mine.drop("SPY")
    mine.clear()


def refuse_bars(store: BarStore, folder: Path) -> None:
    good = store.bars("SPY")
    for name, value in {"close": -1.0, "volume": np.nan, "timestamp": good["timestamp"][0]}.items():
        bad = good | {name: np.where(np.arange(len(good[name])) == 9, value, good[name])}
        with pytest.raises(ValueError, match="SPY"):
            store.load("SPY", bad)
    for arguments in (
        ("SPY", datetime(1999, 1, 1), 1.0, 2.0, 0.5, 1.5, 10.0),
        ("SPY", "noon", 1.0, 2.0, 0.5, 1.5, 1.0),
    ):
        with pytest.raises(ValueError, match="SPY"):
            store.append(*arguments)
    with pytest.raises(TypeError):
        store.append(b"SPY", DAYS[-1], 1.0, 2.0, 0.5, 1.5, 10.0)
    with pytest.raises(ValueError, match="twice"):
        store.append_cross_section(DAYS[0], ["SPY", "SPY"], np.ones((2, 5)))


def compute_formulas(store: BarStore, folder: Path) -> None:
    table = FORMULAS.latest(TICKERS, store)
    FORMULAS.history(TICKERS, store)
    FeatureSet(value="ema(close, 3) * 2 + column('volume')").latest(TICKERS, store)
    assert len(table) == len(TICKERS)
    series("sma", close=store.bars("SPY")["close"], period=3)
    with pytest.raises(ValueError, match="period"):
        FeatureSet("sma(close, 0)")


def exchange_arrow(store: BarStore, folder: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(store.to_arrow())
    mine = BarStore()
    mine.load_frame(table, symbol_column="symbol")
    pyarrow.table(FORMULAS.history(TICKERS, store))
    with pytest.raises(ValueError, match="open"):
        mine.load("SPY", pyarrow.table({"timestamp": DAYS, "open": ["x", "y", "z"]}))


def keep_live(store: BarStore, folder: Path) -> None:
    mine = filled()
    live = KEPT.live(mine)
    universe = mine.universe(TICKERS)
    for day in DAYS:
        mine.append_cross_section(day, universe, np.full((len(TICKERS), 5), 7.0))
        live.update()
    values = live.values
    live.save(folder / "states")
    again = KEPT.restore(folder / "states", mine)
    again.update()
    np.testing.assert_array_equal(again.values, values)
    assert len(live.table()) == len(TICKERS)


def compute_signals(store: BarStore, folder: Path) -> None:
    generate_signals_for_watchlist([*TICKERS, "NONE"])
    signal_history(TICKERS, store)


async def await_results(store: BarStore, folder: Path) -> None:
    waiting = asyncio.ensure_future(FORMULAS.history_async(TICKERS, store))
    await asyncio.gather(*(async_get_ticker_features(name) for name in TICKERS))
    await generate_signals_for_watchlist_async(TICKERS)
    live = await KEPT.live_async(store)
    await live.update_async()
    given_up = asyncio.ensure_future(FORMULAS.latest_async(TICKERS, store))
    await asyncio.sleep(0)
    given_up.cancel()
    with suppress(asyncio.CancelledError):
        await given_up
    assert len(await waiting) > 0


def close_loops_in_flight(store: BarStore, folder: Path) -> None:
    loop = asyncio.new_event_loop()
    closed_loops.add(loop)
    task = loop.create_task(generate_signals_for_watchlist_async(TICKERS))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    task._log_destroy_pending = False
    task.get_coro().close()


WORK = [
    *(change_bars, refuse_bars, compute_formulas, exchange_arrow),
    *(keep_live, compute_signals, await_results, close_loops_in_flight),
]


def repeat(work: Callable[[BarStore, Path], Awaitable[None] | None], store: BarStore, folder: Path) -> None:
    async def main() -> None:
        for _ in range(REPEATS):
            await work(store, folder)

    if asyncio.iscoroutinefunction(work):
        asyncio.run(main())
        return
    for _ in range(REPEATS):
        work(store, folder)


def collect_garbage() -> None:
    """Collects garbage, once nothing is in flight any more for closed loops: a request in another loop drops what those
    were told of before they were closed; the rest the notifier thread drops, which on a busy machine may get the GIL
    for that only when this thread sleeps."""
    if closed_loops:
        asyncio.run(async_get_ticker_features(TICKERS[0]))
    deadline = time.monotonic() + PATIENCE
    while gc.collect() >= 0 and closed_loops:
        assert time.monotonic() < deadline, f"{len(closed_loops)} closed loops are kept alive"
        time.sleep(0.001)


@pytest.mark.parametrize("work", WORK)
def test_nothing_is_left_behind(work, store: BarStore, tmp_path: Path) -> None:
    """Something that leaks grows in each round; what is kept for later, in the first ones."""
    growth = []
    for _ in range(MOST_ROUNDS):
        collect_garbage()
        before = objects_in_use(), heap_in_use()
        repeat(work, store, tmp_path)
        collect_garbage()
        growth.append((objects_in_use() - before[0], heap_in_use() - before[1]))
        if min(objects for objects, _ in growth) < 0.8 * REPEATS and min(heap for _, heap in growth) < 16 * REPEATS:
            return
    pytest.fail(f"objects and bytes that each {REPEATS} times leave behind: {growth}")
