"""The bar source: when it is asked, who shares a call, and what happens when it fails, hangs or is left behind."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from ziggy_async import BarStore, off_loop, set_bar_source, sources
from ziggy_async.market_brain.features import (
    FeatureComputer,
    async_get_multiple_ticker_features,
    async_get_ticker_features,
    feature_computer,
    get_multiple_ticker_features,
    get_ticker_features,
)
from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.market_brain.signals import generate_signals_for_watchlist, generate_ticker_signal_async
from ziggy_async.sources import bar_source_stats

pytestmark = pytest.mark.usefixtures("store")


def bars(close=100.0, count=60):
    prices = np.full(count, close)
    days = np.datetime64("2020-01-01") + np.arange(count).astype("timedelta64[D]")
    return {"date": days, "open": prices, "high": prices, "low": prices, "close": prices, "volume": prices}


class Asked:
    """A plain source that remembers what it was asked, and whose bars carry the number of the call."""

    def __init__(self, fails: bool = False) -> None:
        self.symbols: list[str] = []
        self.lookbacks: set[int] = set()
        self.fails = fails

    def __call__(self, symbol: str, lookback: int):
        self.symbols.append(symbol)
        self.lookbacks.add(lookback)
        if self.fails:
            raise ConnectionError("no route")
        return bars(float(len(self.symbols)))


class AskedAsync(Asked):
    async def __call__(self, symbol: str, lookback: int):
        await asyncio.sleep(0)
        return super().__call__(symbol, lookback)


both_kinds = pytest.mark.parametrize("kind", [Asked, AskedAsync])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that have been added to the sources' clock."""
    added, real = [0.0], sources.time.monotonic

    class Clock:
        monotonic = staticmethod(lambda: real() + added[0])

    monkeypatch.setattr(sources, "time", Clock)
    return added


@contextmanager
def hanging() -> Iterator[tuple[Asked, threading.Event, threading.Event]]:
    """A plain source that begins, and answers once it is let go."""
    began, go = threading.Event(), threading.Event()

    class Hanging(Asked):
        def __call__(self, symbol: str, lookback: int):
            data = super().__call__(symbol, lookback)
            began.set()
            assert go.wait(30)
            return data

    try:
        yield Hanging(), began, go
    finally:
        go.set()


@both_kinds
def test_asked_on_a_miss_only(kind, store: BarStore) -> None:
    source = kind()
    set_bar_source(source)
    store.load("THERE", bars())
    assert get_ticker_features("A").close == 1.0
    assert get_ticker_features("A").close == 1.0
    assert get_ticker_features("THERE").close == 100.0
    assert source.symbols == ["A"]
    assert source.lookbacks == {store.capacity}
    store.drop("A")
    assert get_ticker_features("A").close == 2.0


@both_kinds
async def test_asked_on_a_miss_async(kind) -> None:
    source = kind()
    set_bar_source(source)
    assert (await async_get_ticker_features("A")).close == 1.0
    assert (await async_get_ticker_features("A")).close == 1.0
    assert (await async_get_ticker_features("A", force_refresh=True)).close == 2.0
    assert source.symbols == ["A", "A"]


@both_kinds
async def test_asked_again_after_the_time_to_live(kind, clock: list[float], store: BarStore) -> None:
    source = kind()
    store.load("THERE", bars())
    set_bar_source(source, ttl=10.0)
    await async_get_ticker_features("A")
    clock[0] = 9.0
    assert (await async_get_ticker_features("A")).close == 1.0
    assert (await async_get_ticker_features("THERE")).close == 100.0
    clock[0] = 11.0
    assert (await async_get_ticker_features("A")).close == 2.0
    assert (await async_get_ticker_features("THERE")).close == 3.0


async def test_a_function_that_returns_a_coroutine() -> None:
    source = AskedAsync()
    set_bar_source(lambda symbol, lookback: source(symbol, lookback))
    assert (await async_get_ticker_features("A")).close == 1.0
    assert get_ticker_features("B").close == 2.0


async def test_tasks_share_a_call_of_a_coroutine() -> None:
    source = AskedAsync()
    set_bar_source(source)
    results = await asyncio.gather(*(async_get_ticker_features("A") for _ in range(20)))
    assert {result.close for result in results} == {1.0}
    assert source.symbols == ["A"]
    assert bar_source_stats() == {"calls": 1, "failures": 0, "timeouts": 0, "shared": 19}


async def test_tasks_share_a_call_of_a_function() -> None:
    with hanging() as (source, _, go):
        set_bar_source(source, timeout=30.0)
        asked = [asyncio.create_task(async_get_ticker_features("A")) for _ in range(20)]
        await asyncio.sleep(0)  # all have asked
        assert bar_source_stats()["shared"] == 19
        go.set()
        assert {result.close for result in await asyncio.gather(*asked)} == {1.0}
        assert source.symbols == ["A"]
        assert bar_source_stats() == {"calls": 1, "failures": 0, "timeouts": 0, "shared": 19}


def test_threads_and_loops_share_a_call() -> None:
    with hanging() as (source, began, go):
        set_bar_source(source, timeout=30.0)
        closes: list[float] = []
        ways = [
            lambda: closes.append(get_ticker_features("A").close),
            lambda: closes.append(asyncio.run(async_get_ticker_features("A")).close),
        ]
        threads = [threading.Thread(target=way) for way in ways * 3]
        for thread in threads:
            thread.start()
        assert began.wait(30)
        while bar_source_stats()["shared"] < 5:
            threading.Event().wait(0.001)
        go.set()
        for thread in threads:
            thread.join(30)
        assert closes == [1.0] * 6
        assert source.symbols == ["A"]


@both_kinds
def test_failure_leaves_the_bars_and_marks_the_result(kind, store: BarStore, caplog) -> None:
    store.load("A", bars(50.0))
    set_bar_source(kind(fails=True), ttl=0.0)
    result = get_ticker_features("A")
    assert result.stale is True
    assert result.close == 50.0
    assert bar_source_stats()["failures"] == 1
    assert "bar source failed for A" in caplog.text
    assert get_multiple_ticker_features(["A", "B"])["B"] | {"bars": 0} == {
        "ticker": "B",
        "status": "insufficient_data",
        "bars": 0,
        "required": 50,
        "source_error": "ConnectionError: no route",
    }
    assert result["source_error"] == "ConnectionError: no route"
    assert generate_signals_for_watchlist(["A"])["A"]["source_error"] == "ConnectionError: no route"
    set_bar_source(kind(), ttl=0.0)
    assert "source_error" not in get_ticker_features("A")


class Odd(BaseException):
    """No `Exception`, and nothing that asyncio knows."""


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), asyncio.CancelledError(), Odd("odd")])
@pytest.mark.parametrize("kind", ["function", "coroutine", "function that returns a coroutine"])
def test_whatever_a_source_raises_is_a_failure(error, kind, store: BarStore, caplog) -> None:
    store.load("A", bars(50.0))
    calls = 0

    def source(symbol: str, lookback: int):
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise error
        return bars(1.0)

    async def source_async(symbol: str, lookback: int):
        return source(symbol, lookback)

    sources_of_kind = {"function": source, "coroutine": source_async}
    set_bar_source(sources_of_kind.get(kind, lambda *asked: source_async(*asked)), timeout=30.0, ttl=0.0)
    assert (get_ticker_features("A").stale, asyncio.run(async_get_ticker_features("A")).stale) == (True, True)
    assert bar_source_stats() == {"calls": 2, "failures": 2, "timeouts": 0, "shared": 0}
    assert caplog.text.count("bar source failed for A") == 2
    assert type(error).__name__ in caplog.text
    assert (get_ticker_features("A").close, asyncio.run(async_get_ticker_features("A")).close) == (1.0, 1.0)


def test_an_interrupt_in_the_main_threads_loop_goes_on(store: BarStore) -> None:
    """It may be the user's; in the background loop it is not."""

    async def source(symbol: str, lookback: int):
        raise KeyboardInterrupt

    set_bar_source(source)
    assert get_ticker_features("A").status == "insufficient_data"
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(async_get_ticker_features("A"))
    assert bar_source_stats()["failures"] == 2
    gc.collect()  # the loop says now, and not in a later test's log, that nobody looked at the task's error


async def test_a_cancelled_call_is_no_failure(caplog) -> None:
    """The loop is closing down: it is the caller who is cancelled."""
    began = asyncio.Event()

    async def source(symbol: str, lookback: int):
        began.set()
        await asyncio.Event().wait()

    set_bar_source(source)
    waiting = asyncio.create_task(async_get_ticker_features("A"))
    await began.wait()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert bar_source_stats()["failures"] == 0
    assert caplog.text == ""


@pytest.mark.parametrize("data", [None, 5, {}, bars(-1.0), bars(count=0)])
async def test_data_that_is_no_bars(data, store: BarStore) -> None:
    store.load("A", bars(50.0))
    set_bar_source(lambda symbol, lookback: data)
    result = await async_get_ticker_features("A", force_refresh=True)
    assert result.stale is True
    assert result.close == 50.0
    assert bar_source_stats()["failures"] == 1


async def test_a_plain_function_that_takes_too_long(store: BarStore) -> None:
    store.load("A", bars(50.0))
    with hanging() as (source, began, go):
        set_bar_source(source, timeout=0.01)
        for _ in range(2):
            result = await async_get_ticker_features("A", force_refresh=True)
            assert result.stale is True
            assert result.close == 50.0
        assert await asyncio.to_thread(began.wait, 30)
        assert source.symbols == ["A"], "it is not started twice"
        assert bar_source_stats() == {"calls": 1, "failures": 0, "timeouts": 1, "shared": 1}
        fetch = sources.source_of(store)._fetches["A"]
        go.set()
        assert await asyncio.to_thread(fetch.outcome.result, 30) is None
    result = await async_get_ticker_features("A")
    assert result.close == 1.0, "its bars are loaded when it ends"
    assert result.stale is False


async def test_a_coroutine_that_takes_too_long_is_cancelled(store: BarStore) -> None:
    cancelled = asyncio.Event()

    async def source(symbol: str, lookback: int):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    set_bar_source(source, timeout=0.01)
    assert (await async_get_ticker_features("A")).status == "insufficient_data"
    await asyncio.wait_for(cancelled.wait(), 30)
    assert bar_source_stats()["timeouts"] == 1
    assert (await asyncio.to_thread(get_ticker_features, "A")).status == "insufficient_data"
    assert bar_source_stats()["timeouts"] == 2


async def test_a_waiter_that_is_cancelled_leaves_the_call_to_others() -> None:
    began, go = asyncio.Event(), asyncio.Event()

    async def source(symbol: str, lookback: int):
        began.set()
        await go.wait()
        return bars(7.0)

    set_bar_source(source, timeout=30.0)
    first, second = (asyncio.create_task(async_get_ticker_features("A")) for _ in range(2))
    await began.wait()
    assert bar_source_stats()["shared"] == 1
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go.set()
    assert (await second).close == 7.0
    assert bar_source_stats()["calls"] == 1


def test_a_loop_that_dies_does_not_strand_the_others() -> None:
    started = threading.Event()

    async def source(symbol: str, lookback: int):
        if not started.is_set():
            started.set()
            await asyncio.Event().wait()
        return bars(7.0)

    set_bar_source(source, timeout=0.2)
    loop = asyncio.new_event_loop()
    task = loop.create_task(async_get_ticker_features("A"))
    while not started.is_set():
        loop.run_until_complete(asyncio.sleep(0))
    shared = get_ticker_features("A")
    assert shared.status == "insufficient_data", "waits for the other loop's call, as long as its own time limit"
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.run_until_complete(asyncio.sleep(0.3))
    loop.close()
    sources._source._timeout = 30.0  # the next call need not be quick
    assert get_ticker_features("A").close == 7.0


async def test_synchronous_inside_a_running_loop() -> None:
    """The loop's own call cannot go on while this blocks it, so another one is made."""
    began, go = asyncio.Event(), asyncio.Event()

    async def source(symbol: str, lookback: int):
        if asyncio.get_running_loop() is here:
            began.set()
            await go.wait()
        return bars(7.0)

    here = asyncio.get_running_loop()
    set_bar_source(source, timeout=30.0)
    waiting = asyncio.create_task(async_get_ticker_features("A"))
    await began.wait()
    assert get_ticker_features("A").close == 7.0
    go.set()
    assert (await waiting).close == 7.0


@both_kinds
async def test_synchronous_on_every_thread_of_the_blocking_pool(kind) -> None:
    source = kind()
    set_bar_source(source, timeout=30.0)
    tickers = [f"T{i}" for i in range(3 * off_loop.workers())]
    results = await asyncio.gather(*(off_loop.blocking.run(get_ticker_features, ticker) for ticker in tickers))
    assert [result.stale for result in results] == [False] * len(tickers)


@both_kinds
async def test_lists_ask_for_all_at_once(kind) -> None:
    source = kind()
    set_bar_source(source)
    tickers = [f"T{i}" for i in range(200)]
    results = await async_get_multiple_ticker_features(tickers)
    assert list(results) == tickers
    assert sorted(source.symbols) == sorted(tickers)
    assert not any(result.stale for result in results.values())


async def test_a_long_list_is_a_bounded_number_of_tasks() -> None:
    async def source(symbol: str, lookback: int):
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        return bars(count=1)

    most = 0
    set_bar_source(source, timeout=30.0)
    tickers = [f"T{i}" for i in range(1000)]
    assert list(await async_get_multiple_ticker_features(tickers)) == tickers
    assert sources.AT_ONCE < most < 3 * sources.AT_ONCE, "one task that waits and one that calls for each at once"


async def test_other_tasks_have_their_turns_while_a_long_list_is_looked_up(store: BarStore) -> None:
    tickers = [f"T{number}" for number in range(4 * sources.SLICE)]
    store.load_frame({**{k: np.tile(v, len(tickers)) for k, v in bars(count=1).items()}, "symbol": np.array(tickers)})
    set_bar_source(Asked())
    looking_up = asyncio.create_task(feature_computer.refresh_async(tickers))
    turns = 0
    while not looking_up.done():
        turns += 1
        await asyncio.sleep(0)
    assert await looking_up == {}
    assert turns >= 4


@both_kinds
async def test_a_ticker_that_no_store_can_hold(kind) -> None:
    set_bar_source(kind())
    tickers = ["A", "\ud800", "B"]
    for results in (get_multiple_ticker_features(tickers), await async_get_multiple_ticker_features(tickers)):
        assert [results[ticker].status for ticker in tickers] == ["ok", "insufficient_data", "ok"]
    reasons = [result["reason"] for result in generate_signals_for_watchlist(tickers).values()]
    assert reasons == ["no_trade_edge", "insufficient_features", "no_trade_edge"]


def test_the_regime_asks_for_the_vix_too() -> None:
    def source(symbol: str, lookback: int):
        asked.append(symbol)
        return None if symbol == "^VIX" else bars()

    asked: list[str] = []
    set_bar_source(source)
    result = regime_detector.detect_regime(force_refresh=True)
    assert sorted(asked) == ["SPY", "^VIX"]
    assert result.confidence == 0.6
    assert feature_computer.get_features("SPY").source == "computed", "a failing ^VIX does not make SPY stale"
    assert sorted(asked) == ["SPY", "^VIX"]


async def test_signals_ask_for_their_tickers() -> None:
    source = Asked()
    set_bar_source(source)
    assert [result["reason"] for result in generate_signals_for_watchlist(["A", "B"]).values()] == ["no_trade_edge"] * 2
    assert sorted(source.symbols) == ["A", "B", "SPY", "^VIX"]
    assert (await generate_ticker_signal_async("C"))["reason"] == "no_trade_edge"
    assert sorted(source.symbols) == ["A", "B", "C", "SPY", "^VIX"]


def test_only_the_default_store_has_a_source() -> None:
    source = Asked()
    set_bar_source(source)
    assert FeatureComputer(BarStore()).compute_for_ticker("A").status == "insufficient_data"
    assert source.symbols == []


async def test_bars_of_a_source_that_was_replaced_are_dropped(store: BarStore) -> None:
    with hanging() as (source, _, go):
        set_bar_source(source, timeout=0.01)
        await async_get_ticker_features("A")
        fetch = sources.source_of(store)._fetches["A"]
        set_bar_source(None)
        go.set()
        assert "another bar source" in await asyncio.to_thread(fetch.outcome.result, 30)
    assert "A" not in store
    assert bar_source_stats() == {"calls": 0, "failures": 0, "timeouts": 0, "shared": 0}


def test_arguments() -> None:
    with pytest.raises(TypeError, match="source"):
        set_bar_source("yahoo")
    for name, values in {"ttl": (-1.0, float("nan")), "timeout": (0.0, -1, float("nan"))}.items():
        for value in values:
            with pytest.raises(ValueError, match=name):
                set_bar_source(Asked(), **{name: value})
        for value in (None, "5", True, 1j):
            with pytest.raises(TypeError, match=f"{name}: .* not a number of seconds"):
                set_bar_source(Asked(), **{name: value})


def test_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASYNC_FEATURES_WORKERS", "3")
    assert off_loop.workers() == 3
    for value in ("0", "-1", "many", "2.5", ""):
        monkeypatch.setenv("ASYNC_FEATURES_WORKERS", value)
        with pytest.raises(ValueError, match="ASYNC_FEATURES_WORKERS"):
            off_loop.workers()


def test_a_source_that_hangs_does_not_hold_up_the_exit(run_isolated) -> None:
    done = run_isolated("hanging_source", timeout=40.0)
    assert (done.returncode, done.stdout.strip()) == (0, "insufficient_data")


def test_a_synchronous_call_that_waits_at_the_exit_is_told(run_isolated) -> None:
    done = run_isolated("synchronous_call_at_the_exit")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Stopped the background loop came to its end\n", "")
