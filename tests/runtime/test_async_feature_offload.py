"""Offloading as the application's documents ask for it: through the facade, as an application calls it.

`-m performance` selects the timed tests.
"""

import asyncio
import contextvars
import logging
import os
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import process_work
import pytest
from queued import until
from reference.bars import walk

from ziggy_async import BarStore
from ziggy_async.async_features import (
    AsyncFeatureComputer,
    TaskPoolConfig,
    get_async_feature_computer,
    init_async_features,
    shutdown_async_features,
)
from ziggy_async.lag import PingLag
from ziggy_async.market_brain.features import get_ticker_features
from ziggy_async.market_brain.signals import signal_generator
from ziggy_async.runtime.errors import WorkerLost


@pytest.fixture
async def computer() -> AsyncIterator[AsyncFeatureComputer]:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=4)) as computer:
        yield computer


@pytest.fixture
def stocked(store: BarStore) -> BarStore:
    for seed, symbol in enumerate(("SPY", "AAPL", "MSFT", "NVDA")):
        store.load(symbol, walk(120, seed=seed).table())
    store.load("NEW", walk(20, seed=9).table())
    return store


@pytest.fixture(autouse=True)
async def no_global_instance() -> AsyncIterator[None]:
    yield
    await shutdown_async_features()


# --- life


async def test_nothing_runs_before_start_and_all_is_done_after_stop() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=4, queue_size=1000))
    assert (computer.config.max_workers, computer.config.queue_size) == (4, 1000)
    assert computer._thread_pool is None
    assert computer._process_pool is None
    assert computer._worker_tasks == []
    await computer.start()
    await computer.start()
    tasks = list(computer._worker_tasks)
    assert computer._thread_pool is not None
    assert len(tasks) == 4
    assert all(isinstance(task, asyncio.Task) for task in tasks)
    await computer.stop()
    await computer.stop()
    assert all(task.done() for task in tasks)
    assert all(task.done() for task in computer._worker_tasks)


async def test_it_starts_itself_when_used() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2))
    assert await computer.execute_blocking_operation("first", lambda: 7) == 7
    assert len(computer._worker_tasks) == 2
    await computer.stop()


async def test_many_may_start_it_at_once(computer: AsyncFeatureComputer) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=3))
    answers = await asyncio.gather(*(computer.execute_blocking_operation("first", lambda: 7) for _ in range(20)))
    assert answers == [7] * 20
    assert len(computer._worker_tasks) == 3
    stopping = asyncio.create_task(computer.stop())
    await asyncio.sleep(0)
    await computer.start()
    assert stopping.done()
    assert await computer.execute_blocking_operation("again", lambda: 8) == 8
    await computer.stop()


async def test_a_dead_letter_file_that_cannot_be_used_starts_nothing(tmp_path: Path) -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(dead_letters=str(tmp_path / "no folder" / "letters.db")))
    with pytest.raises(OSError, match="no folder"):
        await computer.start()
    assert not computer.is_started
    assert computer._worker_tasks == []
    (tmp_path / "no folder").mkdir()
    async with computer:
        assert await computer.execute_blocking_operation("x", lambda: 7) == 7


async def test_stopped_it_says_so_until_it_is_started_again() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))
    await computer.start()
    await computer.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        await computer.execute_blocking_operation("late", lambda: 7)
    with pytest.raises(RuntimeError, match="stopped"):
        await computer.enqueue_task("late", lambda: 7)
    async with computer:
        assert await computer.execute_blocking_operation("again", lambda: 7) == 7


def test_a_new_loop_starts_it_anew_and_what_the_old_one_left_has_a_letter() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=1))

    async def leave() -> None:
        await computer.enqueue_task("holds the worker", asyncio.sleep, 60)
        await computer.enqueue_task("waits", print)
        await asyncio.sleep(0.01)

    async def come_again() -> int:
        value = await computer.execute_blocking_operation("again", lambda: 7)
        await computer.stop()
        return value

    asyncio.run(leave())
    assert asyncio.run(come_again()) == 7
    assert sorted(letter.task_id for letter in computer.dead_letters.list()) == ["holds the worker", "waits"]
    assert {letter.reason for letter in computer.dead_letters.list()} == {"shutdown"}
    counts = computer.counts()
    assert (counts["submitted"], counts["dead"], counts["queued"], counts["running"]) == (2, 2, 0, 0)


async def test_the_global_instance() -> None:
    await init_async_features(TaskPoolConfig(max_workers=2))
    computer = get_async_feature_computer()
    assert computer is get_async_feature_computer()
    assert computer._thread_pool is not None
    await init_async_features(TaskPoolConfig(max_workers=3))
    successor = get_async_feature_computer()
    assert successor is not computer
    assert all(task.done() for task in computer._worker_tasks)
    await shutdown_async_features()
    assert all(task.done() for task in successor._worker_tasks)
    assert get_async_feature_computer() is not successor


# --- features and signals


async def test_features_are_those_of_the_market_brain(stocked: BarStore, computer: AsyncFeatureComputer) -> None:
    expected = get_ticker_features("AAPL")
    assert await computer.compute_features_async("AAPL") == expected
    assert await computer.compute_features_async("AAPL", use_process_pool=True) == expected
    assert await computer.with_options(priority=1).compute_features_async("AAPL") == expected
    short = await computer.compute_features_async("NEW")
    assert short is not None
    assert (short["status"], short["bars"]) == ("insufficient_data", 20)


async def test_a_batch_keeps_order_and_one_fault_is_its_own(stocked: BarStore, computer: AsyncFeatureComputer) -> None:
    found = await computer.compute_features_batch(["MSFT", 5, "AAPL"])  # type: ignore[list-item]
    assert list(found) == ["MSFT", 5, "AAPL"]
    assert found["MSFT"] == get_ticker_features("MSFT")
    assert found[5] is None  # type: ignore[index]
    assert await computer.compute_features_batch([]) == {}
    for wrong, text in (
        ("SPY", r"tickers: 'SPY' is a str, not a list of str"),
        (5, r"tickers: 5 is an int, not a list of str"),
        (["SPY", ["MSFT"]], r"tickers\[1\]: \['MSFT'\] is a list, not a str"),
    ):
        with pytest.raises(TypeError, match=text):
            await computer.compute_features_batch(wrong)  # type: ignore[arg-type]


async def test_what_cannot_be_computed_is_none_logged_and_counted(
    computer: AsyncFeatureComputer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert await computer.compute_features_async(5) is None  # type: ignore[arg-type]
    assert "compute_features:5" in caplog.text
    assert computer.get_metrics(1)[0]["success"] is False
    assert "int" in computer.get_metrics(1)[0]["error"]


@pytest.mark.parametrize(("name", "rules"), [("momentum", 2), ("mean_reversion", 1)])
async def test_signals_of_one_rule(store: BarStore, computer: AsyncFeatureComputer, name: str, rules: int) -> None:
    from ziggy_async.sample import sample_universe

    for symbol, columns in sample_universe():
        store.load(symbol, columns)
    fired = 0
    for ticker in store.symbols()[:120]:
        answer = signal_generator.generate_signal(ticker, rules=rules)["signal"]
        found = await computer.compute_signal_async(ticker, name)
        if answer is None:
            assert found is None
            continue
        fired += 1
        expected = answer.to_dict()
        found["context"]["timestamp"] = expected["context"]["timestamp"]
        assert found == expected
    assert fired > 0


async def test_a_signal_of_no_kind(computer: AsyncFeatureComputer) -> None:
    with pytest.raises(ValueError, match=r"'astrology' is none of momentum, mean_reversion"):
        await computer.compute_signal_async("AAPL", "astrology")


# --- blocking work


async def test_blocking_work_runs_in_another_thread_with_the_callers_context(computer: AsyncFeatureComputer) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    user.set("ann")

    def who(greeting: str, *, mark: str) -> tuple[str, int]:
        return greeting + user.get() + mark, threading.get_ident()

    text, thread = await computer.execute_blocking_operation("who", who, "hi ", mark="!")
    assert text == "hi ann!"
    assert thread != threading.get_ident()


async def test_the_loop_goes_on_meanwhile(computer: AsyncFeatureComputer) -> None:
    gate = threading.Event()
    waiting = asyncio.create_task(computer.execute_blocking_operation("waits", gate.wait, 20))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    assert await waiting is True


async def test_errors_come_back_and_are_counted(computer: AsyncFeatureComputer) -> None:
    def fails() -> None:
        raise LookupError("no such quote")

    with pytest.raises(LookupError, match="no such quote"):
        await computer.execute_blocking_operation("quote", fails)
    (metric,) = computer.get_metrics(1)
    assert (metric["operation"], metric["success"], metric["error"]) == ("quote", False, "LookupError: no such quote")


@pytest.mark.parametrize(
    "odd", [SystemExit(3), KeyboardInterrupt(), StopIteration(1), asyncio.CancelledError()], ids=repr
)
async def test_what_would_end_the_loop_is_an_error_like_others(
    computer: AsyncFeatureComputer, odd: BaseException
) -> None:
    def fails() -> None:
        raise odd

    async def fails_on_the_loop() -> None:
        raise odd

    for function in (fails, fails_on_the_loop):
        with pytest.raises(RuntimeError, match=r"odd raised|coroutine raised StopIteration"):
            await computer.execute_blocking_operation("odd", function)
        with pytest.raises(RuntimeError):
            await (await computer.enqueue_task("odd", function))
    assert await computer.execute_blocking_operation("after", lambda: 7) == 7


async def test_what_is_not_callable_is_refused(computer: AsyncFeatureComputer) -> None:
    with pytest.raises(TypeError, match="'text' is a str, not a callable"):
        await computer.execute_blocking_operation("x", "text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'text' is a str, not a callable"):
        await computer.enqueue_task("x", "text")  # type: ignore[arg-type]


async def test_from_several_loops_at_once(computer: AsyncFeatureComputer) -> None:
    def elsewhere() -> list[int]:
        async def ask() -> list[int]:
            handle = await computer.enqueue_task("queued", lambda: 2)
            return [await computer.execute_blocking_operation("direct", lambda: 1), await handle]

        return asyncio.run(ask())

    assert await asyncio.gather(*(asyncio.to_thread(elsewhere) for _ in range(3))) == [[1, 2]] * 3


# --- processes


async def test_a_function_in_a_process() -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=2, use_process_pool=True)) as computer:
        assert computer._process_pool is not None
        # The pool being there changes nothing for those who did not ask for it: a closure is no fault.
        total = sum(range(1000))
        assert await computer.execute_blocking_operation("closure", lambda: total) == total
        apart = computer.with_options(use_process_pool=True)
        assert await apart.execute_blocking_operation("pid", os.getpid) != os.getpid()
        assert await (await apart.enqueue_task("sum", sum, [1, 2, 3])) == 6
        with pytest.raises(TypeError, match=r"lambda.*cannot be pickled"):
            await apart.execute_blocking_operation("closure", lambda: total)


async def test_a_killed_process_costs_only_its_own_call(computer: AsyncFeatureComputer) -> None:
    apart = computer.with_options(use_process_pool=True)
    others = [asyncio.create_task(apart.execute_blocking_operation("other", process_work.square, n)) for n in range(6)]
    with pytest.raises(WorkerLost):
        await apart.execute_blocking_operation("dies", process_work.dies)
    assert await asyncio.gather(*others) == [0, 1, 4, 9, 16, 25]
    (letter,) = computer.dead_letters.list()
    assert (letter.reason, letter.operation) == ("worker_lost", "dies")


async def test_what_may_be_tried_again_survives_a_killed_process(computer: AsyncFeatureComputer, tmp_path: Any) -> None:
    twice = computer.with_options(use_process_pool=True, max_attempts=2)
    mark = str(tmp_path / "tried")
    assert await twice.execute_blocking_operation("phoenix", process_work.dies_once, mark) == "alive"
    assert computer.counts()["retried"] == 1


# --- the queue, as the application uses it


async def test_background_work_is_done(computer: AsyncFeatureComputer) -> None:
    results: list[int] = []
    handles = [await computer.enqueue_task(f"task_{i}", results.append, i) for i in range(10)]
    await asyncio.gather(*handles)
    assert sorted(results) == list(range(10))
    assert {metric["operation"] for metric in computer.get_metrics()} == {f"worker_task:task_{i}" for i in range(10)}


async def test_all_keywords_belong_to_the_function(computer: AsyncFeatureComputer) -> None:
    def keywords(**given: int) -> dict[str, int]:
        return given

    handle = await computer.enqueue_task("t", keywords, priority=1, task_id=2, func=3, deadline=4, self=5)
    assert await handle == {"priority": 1, "task_id": 2, "func": 3, "deadline": 4, "self": 5}


async def test_a_task_is_named_by_keywords_too(computer: AsyncFeatureComputer) -> None:
    def keywords(**given: int) -> dict[str, int]:
        return given

    handle = await computer.enqueue_task(task_id="t", func=keywords, priority=1)
    assert (handle.task_id, await handle) == ("t", {"priority": 1})
    handle = await computer.enqueue_task("t", func=keywords, task_id=2)
    assert await handle == {"task_id": 2}
    with pytest.raises(TypeError, match="without 'func'"):
        await computer.enqueue_task("t")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="without 'task_id'"):
        await computer.enqueue_task(func=keywords)  # type: ignore[call-overload]


async def test_a_full_queue_waits_and_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    is_full = threading.Event()

    def work(number: int) -> None:
        assert is_full.wait(20)
        done.append(number)

    async def enqueue() -> None:
        for number in range(20):
            await computer.enqueue_task(f"task_{number}", work, number)

    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1, queue_size=5)) as computer:
        enqueuing = asyncio.create_task(enqueue())
        await until(lambda: "Task queue full" in caplog.text)
        is_full.set()
        await enqueuing
    assert done == list(range(20))


# --- metrics


async def test_metrics_say_what_happened(computer: AsyncFeatureComputer) -> None:
    began = time.perf_counter()
    for name in ("op1", "op2", "op3"):
        await computer.execute_blocking_operation(name, time.sleep, 0.01)
    elapsed_ms = 1e3 * (time.perf_counter() - began)
    metrics = computer.get_metrics(10)
    assert [metric["operation"] for metric in metrics] == ["op1", "op2", "op3"]
    for metric in metrics:
        assert set(metric) == {"operation", "duration_ms", "success", "error", "timestamp"}
        assert metric["duration_ms"] >= 10
    assert sum(metric["duration_ms"] for metric in metrics) <= elapsed_ms
    summary = computer.get_summary_metrics()
    assert (summary["total_operations"], summary["success_rate"]) == (3, 100.0)
    durations = [metric["duration_ms"] for metric in metrics]
    assert summary["avg_latency_ms"] == pytest.approx(statistics.mean(durations), rel=1e-6)
    assert summary["max_latency_ms"] == pytest.approx(max(durations), rel=1e-6)
    assert summary["p50_latency_ms"] == pytest.approx(statistics.median(durations), rel=0.01)
    assert (summary["queue_depth"], summary["queue_capacity"], summary["oldest_waiting_s"]) == (0, 1000, 0.0)
    computer.clear_metrics()
    assert computer.get_metrics(0) == []
    assert computer.get_summary_metrics()["total_operations"] == 0


# --- timed


@pytest.mark.performance
@pytest.mark.usefixtures("fresh_heap")
async def test_a_batch_of_sleeps_overlaps(computer: AsyncFeatureComputer) -> None:
    began = time.perf_counter()
    await asyncio.gather(*(computer.execute_blocking_operation("sleep", time.sleep, 0.1) for _ in range(4)))
    assert time.perf_counter() - began < 0.3


@pytest.mark.performance
@pytest.mark.usefixtures("fresh_heap")
async def test_lag_under_500_concurrent_operations() -> None:
    def work() -> int:
        return sum(range(10_000))

    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=8)) as computer:
        async with PingLag() as lag:
            answers = await asyncio.gather(
                *(computer.execute_blocking_operation(f"work_{i}", work) for i in range(500))
            )
            await asyncio.sleep(0.2)  # the application's test goes on that long
        assert len(answers) == 500
        assert computer.get_summary_metrics()["success_rate"] == 100.0
        assert lag.summary().p95 < 10.0


@pytest.mark.performance
@pytest.mark.usefixtures("fresh_heap")
async def test_throughput_of_sleeps() -> None:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=8)) as computer:
        began = time.perf_counter()
        await asyncio.gather(*(computer.execute_blocking_operation("sleep", time.sleep, 0.02) for _ in range(100)))
        assert time.perf_counter() - began < 1.0


@pytest.mark.performance
@pytest.mark.usefixtures("fresh_heap")
async def test_blocking_operations_cost_little_more_than_the_executor() -> None:
    loop = asyncio.get_running_loop()
    calls = 2000

    async def seconds(call: Callable[[], Any]) -> float:
        began = time.perf_counter()
        for _ in range(calls):
            await call()
        return (time.perf_counter() - began) / calls

    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=8)) as computer:
        ways = {
            "bare": lambda: loop.run_in_executor(None, int),
            "ours": lambda: computer.execute_blocking_operation("int", int),
        }
        medians = {name: [] for name in ways}
        for _ in range(7):
            for name, way in ways.items():
                medians[name].append(await seconds(way))
        assert statistics.median(medians["ours"]) - statistics.median(medians["bare"]) < 15e-6
