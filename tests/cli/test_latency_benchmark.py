"""The benchmarks behind the REST interface: the figures are of what ran, and a run that holds up its loop holds up no
other."""

import asyncio
import contextvars
import threading
import time
from functools import partial

import pytest
import uvloop

from ziggy_async.async_features import get_async_feature_computer, shutdown_async_features
from ziggy_async.latency_benchmark import (
    BenchmarkResult,
    ComparisonResult,
    LatencyBenchmark,
    comparisons,
    get_benchmark,
    run_feature_computation_benchmark,
    run_signal_generation_benchmark,
)
from ziggy_async.latency_benchmark.market import sample_market
from ziggy_async.latency_benchmark.market_computer import MarketComputer
from ziggy_async.latency_benchmark.own_loop import is_cancelled, run_in_own_loop
from ziggy_async.store import default_store

GUARD = 30.0
"""Seconds after which a test that waits in vain gives up."""
RUNS = (run_feature_computation_benchmark, run_signal_generation_benchmark)


@pytest.fixture
def benchmark():
    return LatencyBenchmark()


@pytest.fixture(autouse=True)
def no_results():
    get_benchmark().clear_results()
    yield
    get_benchmark().clear_results()


def result(**changed):
    figures = {
        "num_operations": 10, "total_duration_ms": 20.0, "avg_latency_ms": 2.0, "min_latency_ms": 1.0,
        "max_latency_ms": 3.0, "p50_latency_ms": 2.0, "p95_latency_ms": 3.0, "p99_latency_ms": 3.0,
        "throughput_ops_per_sec": 500.0, "event_loop_lag_avg_ms": 1.0, "event_loop_lag_p95_ms": 4.0,
        "success_rate": 100.0,
    }  # fmt: skip
    return BenchmarkResult("name", "description", **(figures | changed))


def threads():
    return [each for each in threading.enumerate() if each.name == "ziggy-async-benchmark"]


async def until(condition):
    """The thread's last steps come after its outcome."""
    async with asyncio.timeout(GUARD):
        while not condition():  # noqa: ASYNC110 - no event says that a thread has ended
            await asyncio.sleep(0.001)


# Results


def test_a_result_as_plain_values():
    values = result().to_dict()
    assert values["metrics"]["total_operations"] == 10
    assert values["metrics"]["success_rate"] == 100.0
    assert values["latency"] == {
        "avg_ms": 2.0, "min_ms": 1.0, "max_ms": 3.0, "p50_ms": 2.0, "p95_ms": 3.0, "p99_ms": 3.0
    }  # fmt: skip
    assert values["event_loop"]["avg_lag_ms"] == 1.0
    assert values["event_loop"]["p95_lag_ms"] == 4.0
    flat = ("avg_latency_ms", "throughput_ops_per_sec", "event_loop_lag_p95_ms")
    assert [values[name] for name in flat] == [2.0, 500.0, 4.0]
    assert values["timestamp"].endswith("+00:00")


def test_a_comparison_for_better_and_worse():
    compared = ComparisonResult(
        result(), result(avg_latency_ms=0.5, throughput_ops_per_sec=1000.0, event_loop_lag_p95_ms=5.0)
    )
    assert compared.to_dict()["improvements"] == {
        "latency_reduction_pct": 75.0, "throughput_increase_pct": 100.0, "loop_lag_reduction_pct": -25.0
    }  # fmt: skip
    assert compared.summary == (
        "Latency reduced by 75.0%. Throughput increased by 100.0%. Event loop lag increased by 25.0%"
    )


def test_a_comparison_with_nothing():
    nothing = result(avg_latency_ms=0.0, throughput_ops_per_sec=0.0, event_loop_lag_p95_ms=0.0)
    compared = ComparisonResult(nothing, result())
    assert set(compared.to_dict()["improvements"].values()) == {0.0}
    assert compared.summary == "No significant improvements"


# Running operations


async def test_concurrent_operations_are_all_under_way_at_once(benchmark):
    barrier = asyncio.Barrier(20)
    async with asyncio.timeout(GUARD):
        found = await benchmark.benchmark_operation("all", "at once", barrier.wait, 20)
    assert (found.num_operations, found.success_rate, found.repeats) == (20, 100.0, 1)


async def test_operations_one_after_the_other(benchmark):
    under_way, most, calls = 0, 0, 0

    async def operation():
        nonlocal under_way, most, calls
        calls, under_way = calls + 1, under_way + 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    await benchmark.benchmark_operation("one", "by one", operation, 5, concurrent=False)
    assert (calls, most) == (5, 1)


async def test_latency_counts_from_submission(benchmark):
    """Ten that hold the loop for 2 ms each: the last one had to wait for the others."""
    found = await benchmark.benchmark_operation("blocking", "", partial(time.sleep, 0.002), 10)
    assert found.max_latency_ms >= 20
    assert found.min_latency_ms >= 2
    assert found.avg_latency_ms >= 11
    assert found.total_duration_ms >= 20
    assert 0 < found.throughput_ops_per_sec <= 500


async def test_a_loop_that_stands_still_is_seen_both_ways(benchmark):
    found = await benchmark.benchmark_operation("blocking", "", partial(time.sleep, 0.05), 1)
    assert found.event_loop_lag_max_ms > 40
    assert found.event_loop_lag_p95_ms > 0
    assert found.event_loop_lag_avg_ms > 0
    assert found.event_loop_ping_max_ms > 40


async def test_lag_need_not_be_measured(benchmark):
    found = await benchmark.benchmark_operation("blocking", "", partial(time.sleep, 0.01), 1, monitor_loop_lag=False)
    assert found.event_loop_lag_max_ms == found.event_loop_ping_max_ms == found.event_loop_lag_avg_ms == 0.0


async def test_failures_are_counted_and_one_is_logged(benchmark, caplog):
    turn = iter(range(10))

    async def operation():
        if next(turn) % 2:
            raise OSError("unlucky")

    found = await benchmark.benchmark_operation("failing", "", operation, 10)
    assert found.success_rate == 50.0
    assert found.max_latency_ms > 0
    assert caplog.text.count("OSError: unlucky") == 1


async def test_nothing_but_failures(benchmark):
    def operation():
        raise ValueError

    found = await benchmark.benchmark_operation("failing", "", operation, 3)
    assert (found.success_rate, found.avg_latency_ms, found.throughput_ops_per_sec) == (0.0, 0.0, 0.0)


async def test_short_operations_are_repeated(benchmark):
    calls = 0

    async def operation():
        nonlocal calls
        calls += 1

    found = await benchmark.benchmark_operation("short", "", operation, 3, at_least=0.05)
    assert found.repeats > 1
    assert calls == 3 * found.repeats
    assert found.num_operations == 3


@pytest.mark.parametrize("number", [0, -1, True, 2.0, "10"])
async def test_numbers_that_are_none(benchmark, number):
    with pytest.raises(ValueError, match="num_operations"):
        await benchmark.benchmark_operation("none", "", asyncio.Event().wait, number)
    for run in RUNS:
        with pytest.raises(ValueError, match="num_operations"):
            await run(number)
    assert threads() == []


async def test_the_last_hundred_results_are_kept(benchmark):
    async def operation():
        pass

    for number in range(103):
        await benchmark.benchmark_operation(str(number), "", operation, 1, monitor_loop_lag=False)
    assert [each["name"] for each in benchmark.get_all_results()] == [str(number) for number in range(3, 103)]
    benchmark.clear_results()
    assert benchmark.get_all_results() == []


async def test_two_ways_beside_each_other(benchmark):
    order = []

    async def way(name):
        order.append(name)

    compared = await benchmark.compare_approaches(partial(way, "old"), partial(way, "new"), 2, "What")
    assert order == ["old", "old", "new", "new"]
    assert compared.baseline.name == "Baseline (Blocking)"
    assert compared.optimized.description == "What - optimized approach"
    assert benchmark.results == [compared.baseline, compared.optimized]


async def test_cancelling_cancels_the_operations(benchmark):
    begun, ended = [], []

    async def operation():
        begun.append(None)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(None)

    task = asyncio.create_task(benchmark.benchmark_operation("long", "", operation, 5))
    await until(lambda: len(begun) == 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(ended) == 5
    assert benchmark.results == []


# Apart


async def test_own_loop_is_another_thread_and_loop():
    here = asyncio.get_running_loop(), threading.current_thread()

    async def where():
        return asyncio.get_running_loop(), threading.current_thread()

    loop, thread = await run_in_own_loop(where)
    assert loop is not here[0]
    assert type(loop) is type(here[0])
    assert loop.is_closed()
    assert thread is not here[1]


def test_own_loop_on_uvloop():

    async def kind():
        return type(asyncio.get_running_loop())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(run_in_own_loop(kind)) is uvloop.Loop


async def test_own_loop_raises_what_the_work_raises():
    async def fail():
        raise KeyError("it")

    with pytest.raises(KeyError, match="it"):
        await run_in_own_loop(fail)


async def test_own_loop_has_the_callers_context():
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(7)

    async def read():
        return variable.get()

    assert await run_in_own_loop(read) == 7


async def test_own_loop_holds_up_nobody():
    """The work stands still until the caller's loop lets it go on."""
    go = threading.Event()

    async def stand_still():
        return go.wait(GUARD)

    task = asyncio.create_task(run_in_own_loop(stand_still))
    await until(threads)
    go.set()
    assert await task


async def test_cancelled_work_is_cancelled_before_its_caller_goes_on():
    begun, ended = threading.Event(), threading.Event()

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(run_in_own_loop(work))
    await until(begun.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
    await until(lambda: threads() == [])


async def test_cancelled_twice_it_still_waits_for_its_thread():
    begun, go = threading.Event(), threading.Event()

    async def stand_still():
        begun.set()
        go.wait(GUARD)

    task = asyncio.create_task(run_in_own_loop(stand_still))
    await until(begun.is_set)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.01)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: threads() == [])


async def test_work_cancelled_before_it_began_does_not_begin(monkeypatch):
    began = []

    async def work():
        began.append(None)

    start, waiting = threading.Thread.start, []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: waiting.append(thread))
    task = asyncio.create_task(run_in_own_loop(work))
    await asyncio.sleep(0)
    monkeypatch.undo()
    task.cancel()
    await asyncio.sleep(0)
    start(waiting[0])
    with pytest.raises(asyncio.CancelledError):
        await task
    assert began == []


async def test_operations_that_hold_up_the_loop_end_with_their_run(benchmark):
    """A thousand of 20 ms each, all in one turn of their loop: those that had not begun are left."""
    begun = threading.Event()
    calls = 0

    def operation():
        nonlocal calls
        calls += 1
        begun.set()
        time.sleep(0.02)

    task = asyncio.create_task(run_in_own_loop(partial(benchmark.benchmark_operation, "blocking", "", operation, 1000)))
    await until(begun.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert calls < 1000
    assert benchmark.results == []


def test_nothing_is_cancelled_elsewhere():
    assert not is_cancelled()


# The two comparisons


@pytest.mark.parametrize("run", RUNS)
async def test_a_comparison_of_real_work(run):
    compared = (await run(10)).to_dict()
    assert set(compared) == {"baseline", "optimized", "improvements", "summary"}
    for side in ("baseline", "optimized"):
        values = compared[side]
        assert values["metrics"]["total_operations"] == 10
        assert values["metrics"]["success_rate"] == 100.0
        assert values["avg_latency_ms"] > 0
        assert values["throughput_ops_per_sec"] > 0
        assert values["event_loop"]["max_lag_ms"] > 0
        assert values["event_loop"]["max_ping_ms"] > 0
    assert len(get_benchmark().get_all_results()) == 2
    await until(lambda: threads() == [])


async def test_comparisons_leave_the_application_alone(store, tmp_path, monkeypatch):
    letters = tmp_path / "letters"
    monkeypatch.setenv("ASYNC_FEATURES_DEAD_LETTERS", str(letters))
    computer = get_async_feature_computer()
    for run in RUNS:
        await run(10)
    assert len(default_store()) == 0
    assert computer.get_metrics() == []
    assert not computer.is_started
    assert not letters.exists()
    await shutdown_async_features()


async def test_a_ticker_without_features_is_a_failure():
    async with MarketComputer(sample_market()) as computer:
        assert (await computer.features("SPY")).ticker == "SPY"
        with pytest.raises(RuntimeError, match="no features"):
            await computer.features(None)


async def test_both_ways_get_the_same_tickers(monkeypatch):
    monkeypatch.setattr(comparisons, "AT_LEAST", 0.0)
    asked = {"one": [], "other": []}

    async def way(name, computer, ticker):
        asked[name].append(ticker)

    ways = partial(way, "one"), partial(way, "other")
    await comparisons.compare(LatencyBenchmark(), ways, 502, "which")
    tickers = list(sample_market().tickers)
    assert asked["one"] == asked["other"] == [tickers[0], *tickers, *tickers[:2]]


async def test_a_client_that_disconnects_ends_the_run():
    task = asyncio.create_task(run_feature_computation_benchmark(1000))
    await until(threads)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: threads() == [])


@pytest.mark.performance
@pytest.mark.usefixtures("fresh_heap")
async def test_the_package_is_faster_and_holds_the_loop_less():
    for run in RUNS:
        compared = await run(200)
        assert compared.latency_improvement_pct > 50
        assert compared.throughput_improvement_pct > 200
        assert compared.loop_lag_improvement_pct > 50
