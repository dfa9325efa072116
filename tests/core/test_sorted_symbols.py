"""The symbols of a store in order, and the tickers of rows."""

import asyncio
import contextlib
import gc
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.bars import walk

from ziggy_async import BarStore, FeatureSet, _core, off_loop

MANY = [f"S{i}" for i in range(20_000)]


@pytest.fixture
def many() -> BarStore:
    store = BarStore(1)
    store.append_cross_section(np.datetime64("2040-01-01"), MANY, np.ones((len(MANY), 5)))
    return store


def test_sorted_symbols_follow_what_comes_and_goes() -> None:
    store = BarStore()
    assert store._sorted_symbols() == ()
    bars = walk(5)
    columns = {"timestamp": bars.timestamp.view("M8[ns]"), **bars.columns()}
    for symbol in ("B", "C", "A"):
        store.load(symbol, columns)
    assert store._sorted_symbols() == ("A", "B", "C")
    store.append("B", np.datetime64("2040-01-01"), 1.0, 1.0, 1.0, 1.0, 1.0)
    assert store._sorted_symbols() is store._sorted_symbols()
    store.drop("B")
    store.append("D", np.datetime64("2040-01-01"), 1.0, 1.0, 1.0, 1.0, 1.0)
    assert store._sorted_symbols() == ("A", "C", "D")
    store.clear()
    assert store._sorted_symbols() == ()
    store.load("E", columns)
    assert store._sorted_symbols() == ("E",)
    store.append_cross_section(np.datetime64("2041-01-01"), ["E", "F"], np.ones((2, 5)))
    assert store._sorted is None
    assert store._sorted_symbols() == ("E", "F")
    with pytest.raises(ValueError, match="time"):
        store.append("G", "no time", 1.0, 1.0, 1.0, 1.0, 1.0)
    assert store._sorted == ("E", "F")


@given(st.lists(st.sets(st.text(st.characters(codec="utf-8"), min_size=1, max_size=3), max_size=8), max_size=4))
@settings(max_examples=50, deadline=None)
def test_symbols_are_sorted_as_python_sorts(memberships: list[set[str]]) -> None:
    store = BarStore()
    strings: dict[str, str] = {}
    for membership in memberships:
        for symbol in set(store.symbols()) - membership:
            store.drop(symbol)
        for symbol in membership:
            store.append(symbol, np.datetime64("2040-01-01"), 1.0, 1.0, 1.0, 1.0, 1.0)
        found = store._sorted_symbols()
        assert found == tuple(sorted(membership))
        assert all(strings[symbol] is symbol for symbol in found if symbol in strings)
        strings = {symbol: symbol for symbol in found}


def test_many_symbols_are_sorted_by_several_threads_at_once(many: BarStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = [future.result() for future in [threads.submit(many._sorted_symbols) for _ in range(8)]]
    assert found == [tuple(sorted(MANY))] * 8


def test_the_garbage_collector_does_not_show_symbols_that_are_on_their_way(many: BarStore) -> None:
    """To `gc.get_objects` of another thread, which reads strings where there are none yet."""
    assert not gc.is_tracked(many._sorted_symbols())


def test_a_store_that_is_cleared_lets_go_of_its_symbols(many: BarStore) -> None:
    symbol = many._sorted_symbols()[0]
    held = sys.getrefcount(symbol)
    many.clear()
    assert sys.getrefcount(symbol) == held - 1


async def test_symbols_that_go_while_they_are_asked_for_stay_in_the_result(many: BarStore) -> None:
    tickers = many._sorted_symbols()
    asked = asyncio.create_task(FeatureSet("close").latest_async(store=many))
    await asyncio.sleep(0)  # now it is asked
    many.clear()
    assert many._sorted_symbols() == ()
    table = await asked
    assert tuple(table.symbols) == tickers == tuple(sorted(MANY))


async def test_many_symbols_that_came_are_sorted_off_the_loop(many: BarStore) -> None:
    table = await FeatureSet("close").history_async(store=many)
    assert table.symbols.tolist() == sorted(MANY)


@contextlib.asynccontextmanager
async def no_thread_free(run: Callable[..., Awaitable[bool]], threads: int) -> AsyncIterator[None]:
    """While every thread of a pool waits."""
    begun, done = threading.Semaphore(0), threading.Event()

    def wait() -> bool:
        begun.release()
        return done.wait(60)

    calls = [asyncio.ensure_future(run(wait)) for _ in range(threads)]
    for _ in calls:
        await asyncio.to_thread(begun.acquire)
    try:
        yield
        assert not any(call.done() for call in calls)
    finally:
        done.set()
    assert all(await asyncio.gather(*calls))


@pytest.mark.parametrize("ask", [FeatureSet.latest_async, FeatureSet.history_async])
async def test_a_deadline_that_passes_while_no_thread_is_free_to_sort(many: BarStore, ask: Any) -> None:
    async with no_thread_free(off_loop.short.run, off_loop.THREADS):
        with pytest.raises(TimeoutError, match=r"^the deadline passed before the tickers were sorted$"):
            await ask(FeatureSet("close"), store=many, deadline=0.01)


async def test_functions_of_the_application_that_hang_hold_nothing_up(many: BarStore) -> None:
    async with no_thread_free(off_loop.blocking.run, off_loop.workers()):
        assert len(await FeatureSet("close").latest_async(store=many)) == len(MANY)
        live = await FeatureSet("close").live_async(many)
        assert len(await live.table_async()) == len(MANY)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((("A",), np.array([1])), IndexError),
        ((("A",), np.array([-1])), IndexError),
        ((["A"], np.array([0])), TypeError),
    ],
)
def test_tickers_at_rows_that_are_not_there(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="ticker"):
        _core.tickers_at(*arguments)
