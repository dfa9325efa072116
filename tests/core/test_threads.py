"""Many threads, many loops, one pool."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from reference.bars import walk

from ziggy_async import BarStore, _core, async_get_ticker_features, generate_signals_for_watchlist_async
from ziggy_async.market_brain.features import feature_computer, get_multiple_ticker_features, get_ticker_features
from ziggy_async.market_brain.signals import generate_signals_for_watchlist

SYMBOLS = [f"S{number}" for number in range(40)]


@pytest.fixture
def stocked(store: BarStore) -> BarStore:
    for seed, symbol in enumerate(SYMBOLS):
        store.load(symbol, walk(60 + seed, seed=seed).table())
    return store


@pytest.fixture(autouse=True)
def _quick_switches() -> Iterator[None]:
    """Threads change places as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def at_once(threads: int, work: Callable[[int], Any]) -> list[Any]:
    """Runs `work(number)` in as many threads, all set off by one barrier."""
    barrier = threading.Barrier(threads)

    def start(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(start, range(threads)))


@pytest.mark.parametrize("factory", ["asyncio", "uvloop"])
def test_a_loop_in_every_thread(stocked: BarStore, factory: str) -> None:
    new_loop = asyncio.new_event_loop if factory == "asyncio" else pytest.importorskip("uvloop").new_event_loop
    expected = get_multiple_ticker_features(SYMBOLS)

    async def main() -> Any:
        single = await asyncio.gather(*(async_get_ticker_features(symbol) for symbol in SYMBOLS * 5))
        watchlist = await generate_signals_for_watchlist_async(SYMBOLS)
        return {found["ticker"]: found for found in single}, list(watchlist)

    def work(_: int) -> Any:
        answers = []
        for _ in range(5):
            with asyncio.Runner(loop_factory=new_loop) as runner:
                answers.append(runner.run(main()))
        return answers

    for answers in at_once(8, work):
        assert answers == [(expected, SYMBOLS)] * 5


def test_synchronous_calls_from_many_threads(stocked: BarStore) -> None:
    expected = get_multiple_ticker_features(SYMBOLS)

    def work(number: int) -> bool:
        for turn in range(20):
            symbol = SYMBOLS[(number + turn) % 40]
            assert get_ticker_features(symbol) == expected[symbol]
            assert list(generate_signals_for_watchlist(SYMBOLS)) == SYMBOLS
        return True

    assert all(at_once(8, work))


def test_resizing_the_pool_under_load(stocked: BarStore) -> None:
    expected = get_multiple_ticker_features(SYMBOLS)
    before = _core.pool_stats()["threads"]

    def work(number: int) -> bool:
        async def main() -> bool:
            for _ in range(30):
                found = await asyncio.gather(*(async_get_ticker_features(symbol) for symbol in SYMBOLS))
                assert found == list(expected.values())
            return True

        if number > 0:
            return asyncio.run(main())
        for turn in range(100):
            _core.pool_resize(1 + turn % 5)
        return True

    try:
        assert all(at_once(4, work))
        with pytest.raises(ValueError, match="threads"):
            _core.pool_resize(0)
    finally:
        _core.pool_resize(max(1, before))


def test_bars_arrive_while_watchlists_are_computed(stocked: BarStore) -> None:
    async def ask() -> None:
        for _ in range(20):
            found = await generate_signals_for_watchlist_async(SYMBOLS)
            assert list(found) == SYMBOLS
            assert {entry["reason"] for entry in found.values()} <= {"ok", "no_trade_edge"}

    def work(number: int) -> bool:
        if number % 2:
            asyncio.run(ask())
        else:
            for turn in range(100):
                stocked.load(SYMBOLS[turn % 40], walk(60, seed=turn).table())
        return True

    assert all(at_once(4, work))


def test_a_request_from_a_foreign_thread_is_refused_in_debug_mode(stocked: BarStore) -> None:
    """A port belongs to its loop's thread. The refused request leaves nothing behind that would hold up another."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        port = _core.Port(loop)
        try:
            with pytest.raises(RuntimeError, match="thread-safe"):
                await asyncio.to_thread(port.features, loop, stocked, feature_computer.plan, SYMBOLS[0])
            assert await port.features(loop, stocked, feature_computer.plan, SYMBOLS[0]) == get_ticker_features(
                SYMBOLS[0]
            )
        finally:
            port.close()

    asyncio.run(main(), debug=True)


def test_every_job_is_accounted_for(stocked: BarStore) -> None:
    at_once(4, lambda _: asyncio.run(generate_signals_for_watchlist_async(SYMBOLS)))
    stats = _core.pool_stats()
    assert stats["submitted"] == stats["completed"] + stats["cancelled"] + stats["expired"] + stats["unfinished"]
    assert all(value >= 0 for value in stats.values())
