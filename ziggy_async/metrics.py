"""Latencies of operations: the last ones one by one, all of them in histograms, in memory that does not grow.

An operation's kind is its name up to the first ":", so that names may hold tickers and kinds do not.
"""

import heapq
import threading
import time
import weakref
from collections import deque
from datetime import UTC, datetime
from typing import Any

from ziggy_async import lifecycle
from ziggy_async._core import Histogram, Tally, record_each
from ziggy_async.messages import LONGEST_NAME, encodable, printable
from ziggy_async.windows import Windows

RING = 10_000  # operations that are kept one by one, each some 200 bytes
KINDS = 100  # kinds that are told apart, each 120 kB
KEPT = LONGEST_NAME + 1  # characters of a name in the ring: `printable` gives the same text as for the whole name
OTHER = "other"  # the kind of operations that come when there are as many kinds as there may be

_lock = threading.RLock()  # for what is rare: the first operation of a kind, failures, and who observes functions


class KindMetrics:
    """The operations of one kind since the last clear. Its histograms (seconds) go on counting while they are read.
    `total` holds all operations, failed ones too; `waiting` and `running` those of which that phase is known."""

    def __init__(self) -> None:
        self.errors = 0  # written under _lock
        self.waiting = Histogram()
        self.running = Histogram()
        self.total = Histogram()

    @property
    def count(self) -> int:
        """Operations, failed ones included."""
        return self.total.count

    def to_dict(self) -> dict[str, Any]:
        """Returns count, errors, and of each of waiting, running, total: count avg_ms p50_ms p95_ms p99_ms max_ms."""
        phases = {"waiting": self.waiting, "running": self.running, "total": self.total}
        figures = {name: {"count": each.count, **_milliseconds(each, "_ms")} for name, each in phases.items()}
        return {"count": self.count, "errors": self.errors, **figures}


class _Outcomes:
    """Counts the operations that failed, and times the others."""

    def __init__(self) -> None:
        self.errors = 0  # written under _lock
        self.latencies = Histogram()  # of the successful operations

    def summary(self) -> dict[str, float]:
        successes, errors = self.latencies.count, self.errors
        return {
            "total_operations": successes + errors,
            "success_rate": 100.0 * successes / (successes + errors) if successes + errors else 0.0,
            **_milliseconds(self.latencies, "_latency_ms"),
        }


class _Period:
    """The operations between two clears."""

    def __init__(self) -> None:
        # (name, seconds, error, wall clock of its beginning) each
        self.ring: deque[tuple[str, float, str | None, float]] = deque(maxlen=RING)
        self.kinds: dict[str, KindMetrics] = {}  # added to under _lock
        self.all = _Outcomes()
        self.windows = Windows(_Outcomes)


class Metrics:
    """Counts operations as they end. Any thread may call anything; recording one takes half a microsecond."""

    def __init__(self) -> None:
        self._period = _Period()

    def __repr__(self) -> str:
        return f"<Metrics operations={self.summary()['total_operations']} kinds={len(self.by_kind())}>"

    def record(
        self,
        operation: str,
        total: float,
        waiting: float | None = None,
        running: float | None = None,
        latency: float | None = None,
        error: str | None = None,
    ) -> None:
        """Counts an operation that ends now after `total` seconds, of them `waiting` and `running` if that is known.
        `latency`: for ring and summary, if not `total`. `error`: of a failed one. Raises `ValueError` for inf, nan."""
        period = self._period  # the same to the end, also when it is cleared meanwhile
        name = operation.partition(":")[0]
        kind = period.kinds.get(name) or self._kind_of(period, printable(name))
        kind.total.record(total)
        if waiting is not None:
            kind.waiting.record(waiting)
        if running is not None:
            kind.running.record(running)
        seconds = total if latency is None else latency
        ever, (older, younger) = period.all, period.windows.pair()
        if error is None:
            record_each(seconds, ever.latencies, older.latencies, younger.latencies)
        else:
            with _lock:
                for failed in (kind, ever, older, younger):
                    failed.errors += 1
        period.ring.append((operation[:KEPT], seconds, error, time.time() - total))

    def _kind_of(self, period: _Period, name: str) -> KindMetrics:
        """Returns the kind of that name, made if it is the first of it."""
        with _lock:
            if name not in period.kinds and len(period.kinds) >= KINDS:
                name = OTHER
            if name not in period.kinds:
                period.kinds[name] = KindMetrics()
            return period.kinds[name]

    def recent(self, last_n: int = 100) -> list[dict[str, Any]]:
        """Returns the newest `last_n` operations, all that are kept if `last_n` <= 0, oldest first. Each with
        operation, duration_ms, success, error, and timestamp: ISO 8601 in UTC of when it began."""
        kept = list(self._period.ring)
        return [_described(*each) for each in (kept[-last_n:] if last_n > 0 else kept)]

    def summary(self) -> dict[str, float]:
        """Returns since the last clear: total_operations, success_rate in percent, and of the successful operations
        avg_latency_ms, p50_latency_ms, p95_latency_ms, p99_latency_ms, max_latency_ms. All 0 when there is none."""
        return self._period.all.summary()

    def recent_summary(self) -> dict[str, float]:
        """Returns what `summary` does, of the last one to two minutes."""
        return self._period.windows.pair()[0].summary()

    def slowest(self, count: int, last_n: int = 1000) -> list[dict[str, Any]]:
        """Returns the `count` slowest of the newest `last_n` operations, the slowest first; each as from `recent`."""
        newest = list(self._period.ring)[-last_n:]
        return [_described(*each) for each in heapq.nlargest(count, newest, key=lambda each: each[1])]

    @property
    def latencies(self) -> Histogram:
        """Latencies of the successful operations since the last clear, in seconds; another one after a clear."""
        return self._period.all.latencies

    def by_kind(self) -> dict[str, KindMetrics]:
        """Returns the kinds of which there are operations, in the order in which they came."""
        kinds = list(self._period.kinds.items())  # at once: other threads add to them
        return {name: kind for name, kind in kinds if kind.count}

    def clear(self) -> None:
        """Forgets everything. An operation that is being recorded is forgotten or kept, never half of it."""
        self._period = _Period()
        with _lock:
            if self in _observers:
                _connect()

    def observe_functions(self, wanted: bool = True) -> None:
        """Starts or stops counting awaits of each `CountedFunction`, in `summary` and under its name in `by_kind`."""
        with _lock:
            (_observers.add if wanted else _observers.discard)(self)
            _connect()


class CountedFunction:
    """A function of the package whose awaits are counted, when they have a result, in `tally`; None: nowhere."""

    __slots__ = ("name", "tally")

    def __init__(self, name: str) -> None:
        self.name = name
        self.tally: Tally | None = None
        with _lock:
            _functions.append(self)
            _connect()


_functions: list[CountedFunction] = []  # by _lock
_observers: "weakref.WeakSet[Metrics]" = weakref.WeakSet()  # by _lock


def _connect() -> None:
    """Gives each function the histograms of those that observe now. Under _lock."""
    for function in _functions:
        kinds = [metrics._kind_of(metrics._period, function.name) for metrics in _observers]
        # The summary counts running time alone: an await that queued behind others was not slow itself.
        running = [kind.running for kind in kinds] + [metrics.latencies for metrics in _observers]
        tally = Tally([kind.waiting for kind in kinds], running, [kind.total for kind in kinds])
        function.tally = tally if kinds else None


def _milliseconds(durations: Histogram, unit: str) -> dict[str, float]:
    """Returns avg p50 p95 p99 max, with the unit. Average and maximum are exact, percentiles never above the next."""
    count = durations.count
    return {
        f"avg{unit}": 1e3 * durations.total / count if count else 0.0,
        **{f"p{percent}{unit}": 1e3 * durations.percentile(percent) for percent in (50, 95, 99)},
        f"max{unit}": 1e3 * durations.max,
    }


def _described(operation: str, total: float, error: str | None, at: float) -> dict[str, Any]:
    return {
        "operation": printable(operation),
        "duration_ms": 1e3 * total,
        "success": error is None,
        "error": None if error is None else encodable(error),
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds"),
    }


def _after_fork_in_child() -> None:
    """Renews the lock, whose holder may not be here, and forgets computers: none is started."""
    global _lock
    _lock = threading.RLock()
    _observers.clear()
    _connect()


lifecycle.after_fork_in_child(lifecycle.Stage.METRICS, _after_fork_in_child)
