"""Metrics of operations: the ring, the summary and the kinds, in bounded memory, from many threads."""

import gc
import math
import os
import signal
import sys
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from ziggy_async import metrics as module
from ziggy_async.metrics import Metrics

SUMMARY = (
    *("total_operations", "success_rate", "avg_latency_ms"),
    *("p50_latency_ms", "p95_latency_ms", "p99_latency_ms", "max_latency_ms"),
)


def test_nothing_recorded_is_all_zero() -> None:
    metrics = Metrics()
    assert metrics.summary() == dict.fromkeys(SUMMARY, 0)
    assert metrics.recent(0) == []
    assert metrics.by_kind() == {}


def test_names_are_cut_at_200_characters() -> None:
    metrics = Metrics()
    for name in ("load:" + "x" * 195, "load:" + "y" * 10_000, "z" * 10_000):
        metrics.record(name, 0.001)
    exact, cut, kind = (each["operation"] for each in metrics.recent())
    assert exact == "load:" + "x" * 195
    assert cut == "load:" + "y" * 192 + "..."
    assert list(metrics.by_kind()) == ["load", kind]
    assert len(kind) == 200


def test_summary_is_of_the_successful_ones() -> None:
    """100 operations of 1, 2 ... 100 ms, and 25 failures that took far longer."""
    metrics = Metrics()
    for number in range(1, 101):
        metrics.record(f"load:{number}", number / 1000)
        if number % 4 == 0:
            metrics.record(f"load:{number}", 9.0, error="ValueError: no such file")
    summary = metrics.summary()
    assert tuple(summary) == SUMMARY
    assert summary["total_operations"] == 125
    assert summary["success_rate"] == 80.0
    assert summary["avg_latency_ms"] == pytest.approx(50.5, rel=1e-12)
    assert summary["max_latency_ms"] == 100.0
    for percent in (50, 95, 99):
        assert percent <= summary[f"p{percent}_latency_ms"] <= percent * 1.01


def test_failures_exclusively() -> None:
    metrics = Metrics()
    metrics.record("load", 1.0, error="")
    assert metrics.summary() == dict.fromkeys(SUMMARY, 0) | {"total_operations": 1}


def test_recent_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    for name, seconds, error, began in (
        ("compute_features:AAPL", 0.0025, None, 1_700_000_000.25),
        ("load", 0.5, "KeyError: 'x'", 1_700_000_001),
    ):
        monkeypatch.setattr(module.time, "time", lambda ended=began + seconds: ended)
        metrics.record(name, seconds, error=error)
    first = {
        "operation": "compute_features:AAPL",
        "duration_ms": 2.5,
        "success": True,
        "error": None,
        "timestamp": "2023-11-14T22:13:20.250000+00:00",
    }
    second = {
        "operation": "load",
        "duration_ms": 500.0,
        "success": False,
        "error": "KeyError: 'x'",
        "timestamp": "2023-11-14T22:13:21.000000+00:00",
    }
    assert metrics.recent() == metrics.recent(0) == metrics.recent(-3) == [first, second]
    assert metrics.recent(1) == [second]


def test_an_operation_began_before_it_ended() -> None:
    metrics = Metrics()
    before = datetime.now(UTC)
    metrics.record("load", 3600.0)
    began = datetime.fromisoformat(metrics.recent()[0]["timestamp"])
    hour, microsecond = timedelta(hours=1), timedelta(microseconds=1)
    assert before - hour - microsecond <= began <= datetime.now(UTC) - hour + microsecond


def test_the_ring_forgets_the_oldest_and_the_summary_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RING", 3)
    metrics = Metrics()
    for number in range(10):
        metrics.record(f"load:{number}", 0.001)
    assert [each["operation"] for each in metrics.recent(0)] == ["load:7", "load:8", "load:9"]
    assert [each["operation"] for each in metrics.recent(2)] == ["load:8", "load:9"]
    assert metrics.summary()["total_operations"] == 10


def test_kinds_and_phases() -> None:
    metrics = Metrics()
    metrics.record("compute_features:AAPL", 0.003, waiting=0.001, running=0.002)
    metrics.record("compute_features:MSFT", 0.030, waiting=0.010, running=0.020, error="TimeoutError")
    metrics.record("worker_task:a:b", 0.5)
    kinds = metrics.by_kind()
    assert list(kinds) == ["compute_features", "worker_task"]
    features = kinds["compute_features"]
    assert (features.count, features.errors) == (2, 1)
    assert (features.waiting.total, features.running.total, features.total.total) == (0.011, 0.022, 0.033)
    assert kinds["worker_task"].to_dict() == {
        "count": 1,
        "errors": 0,
        "waiting": {"count": 0, "avg_ms": 0.0, "p50_ms": 0.0, "p95_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0},
        "running": {"count": 0, "avg_ms": 0.0, "p50_ms": 0.0, "p95_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0},
        "total": {"count": 1, "avg_ms": 500.0, "p50_ms": 500.0, "p95_ms": 500.0, "p99_ms": 500.0, "max_ms": 500.0},
    }
    waiting = features.to_dict()["waiting"]
    assert waiting["avg_ms"] == 5.5
    assert 1.0 <= waiting["p50_ms"] <= 1.01
    assert waiting["p95_ms"] == waiting["max_ms"] == 10.0


def test_kinds_beyond_the_limit_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KINDS", 2)
    metrics = Metrics()
    for name in ("a", "b", "c", "a:1", "d", "other:x", "b"):
        metrics.record(name, 0.001, error="x" if name == "d" else None)
    assert {kind: (each.count, each.errors) for kind, each in metrics.by_kind().items()} == {
        "a": (2, 0),
        "b": (2, 0),
        "other": (3, 1),
    }
    assert metrics.summary()["total_operations"] == 7


def test_clear() -> None:
    metrics = Metrics()
    metrics.record("a", 1.0, error="x")
    metrics.record("b", 1.0)
    before = metrics.by_kind()
    metrics.clear()
    assert metrics.summary() == dict.fromkeys(SUMMARY, 0)
    assert (metrics.recent(0), metrics.by_kind()) == ([], {})
    metrics.record("b", 2.0)
    assert metrics.summary()["avg_latency_ms"] == 2000.0
    assert before["b"].total.max == 1.0


def test_what_is_refused() -> None:
    metrics = Metrics()
    with pytest.raises(ValueError, match="NaN"):
        metrics.record("a", math.nan)
    assert metrics.summary()["total_operations"] == 0
    assert metrics.recent() == []


def test_memory_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that never repeat, of more kinds than are told apart; histograms are native and do not grow either."""
    monkeypatch.setattr(module, "KINDS", 10)
    metrics = Metrics()

    def record(numbers: range) -> int:
        """The bytes that are in use afterwards."""
        for number in numbers:
            error = f"KeyError: {number}" if number % 3 == 0 else None
            metrics.record(f"kind{number % 1000}:{number:09}", 0.001, waiting=0.0005, running=0.0005, error=error)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = record(range(20_000))
        assert first > 1_000_000
        assert record(range(20_000, 200_000)) < first + 50_000
    finally:
        tracemalloc.stop()
    assert len(metrics.by_kind()) == 11


def test_threads_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while others read."""
    monkeypatch.setattr(module, "RING", 500)
    monkeypatch.setattr(module, "KINDS", 3)
    metrics, threads, each = Metrics(), 4, 5_000
    ended = threading.Event()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    failures: list[BaseException] = []

    def record(thread: int) -> None:
        for number in range(each):
            metrics.record(f"kind{number % 5}:{thread}", 0.001, error="x" if number % 2 else None)

    def read() -> None:
        try:
            while not ended.is_set():
                assert len(metrics.recent(0)) <= 500
                assert metrics.summary()["total_operations"] <= threads * each
                assert len(metrics.by_kind()) <= 4
        except BaseException as failure:
            failures.append(failure)

    writers = [threading.Thread(target=record, args=(number,)) for number in range(threads)]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    reader.join()
    sys.setswitchinterval(before)
    assert failures == []
    assert len(metrics.recent(0)) == 500
    assert metrics.summary()["total_operations"] == threads * each
    assert metrics.summary()["success_rate"] == 50.0
    assert sum(kind.count for kind in metrics.by_kind().values()) == threads * each
    assert sum(kind.errors for kind in metrics.by_kind().values()) == threads * each / 2


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_forked_while_a_kind_is_added() -> None:
    metrics = Metrics()
    with module._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                metrics.record("new", 0.001, error="x")
            finally:
                os._exit(40 + metrics.by_kind()["new"].errors)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 41


@pytest.mark.performance
def test_recording_is_cheap() -> None:
    metrics, rounds = Metrics(), 20_000
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(rounds):
            metrics.record("compute_features:AAPL", 0.003, waiting=0.001, running=0.002)
        best = min(best, (time.perf_counter() - start) / rounds)
    assert best < 2e-6
