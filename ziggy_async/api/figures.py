"""The figures of a computer for Prometheus."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import inf
from typing import Any, NamedTuple

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from ziggy_async import _core
from ziggy_async.async_features import AsyncFeatureComputer

PREFIX = "ziggy_async_"
PHASES = ("waiting", "running", "total")
DURATIONS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of buckets in seconds; the limits that `/health` goes by are among them."""

TASKS = {
    "submitted": "Tasks that the background queue accepted.",
    "succeeded": "Tasks that were done.",
    "failed": "Tasks that ended with an error that no further attempt mends.",
    "cancelled": "Tasks that were cancelled.",
    "dead": "Tasks that became dead letters.",
    "rejected": "Tasks that a full queue refused.",
    "joined": "Tasks that joined work under way with their key instead of being submitted.",
    "retried": "Attempts after a first one.",
}
NATIVE_JOBS = {
    "submitted": "Jobs that the native pool was given.",
    "completed": "Jobs that the native pool computed.",
    "cancelled": "Jobs of the native pool that nobody waited for any more.",
    "expired": "Jobs of the native pool that passed their deadline.",
}


class Buckets(NamedTuple):
    """A histogram at one moment: how many durations are not longer than each bound, and their sum in seconds."""

    counts: list[tuple[str, float]]
    total: float

    @classmethod
    def of(cls, histogram: _core.Histogram, bounds: Sequence[float]) -> "Buckets":
        *below, count = histogram.counts((*bounds, inf))
        counts = [(str(bound), float(number)) for bound, number in zip(bounds, below, strict=True)]
        return cls([*counts, ("+Inf", float(count))], histogram.total)


Labels = tuple[str, ...]
Walk = Callable[[Iterable[Any]], Iterable[Any]]
"""A function that iterates over samples: `iter`, or that of a thread that yields the GIL now and then."""


@dataclass(frozen=True, slots=True)
class Values:
    """Counters or gauges of one name, one for each combination of labels; the samples are read once."""

    family: type[CounterMetricFamily] | type[GaugeMetricFamily]
    name: str
    help: str
    labels: Labels
    samples: Iterable[tuple[Labels, float]]

    def to_metric(self, walk: Walk = iter) -> Metric:
        family = self.family(PREFIX + self.name, self.help, labels=self.labels)
        for labels, value in walk(self.samples):
            family.add_metric(labels, value)
        return family


@dataclass(frozen=True, slots=True)
class Durations:
    """Histograms of one name, one for each combination of labels; the samples are read once."""

    name: str
    help: str
    labels: Labels
    bounds: Sequence[float]
    samples: Iterable[tuple[Labels, _core.Histogram]]

    def to_metric(self, walk: Walk = iter) -> Metric:
        family = HistogramMetricFamily(PREFIX + self.name, self.help, labels=self.labels)
        for labels, histogram in walk(self.samples):
            buckets = Buckets.of(histogram, self.bounds)
            family.add_metric(labels, buckets.counts, buckets.total)
        return family


Figure = Values | Durations


def of_worker(worker: str | None, figures: Iterable[Figure]) -> Iterable[Figure]:
    """Yields each with the label `worker` in front, unless that is None."""
    return figures if worker is None else (labelled(figure, worker) for figure in figures)


def labelled(figure: Figure, worker: str) -> Figure:
    samples: Any = (((worker, *labels), value) for labels, value in figure.samples)
    return replace(figure, labels=("worker", *figure.labels), samples=samples)


def counter(name: str, text: str, value: float) -> Figure:
    return Values(CounterMetricFamily, name, text, (), [((), value)])


def gauge(name: str, text: str, value: float) -> Figure:
    return Values(GaugeMetricFamily, name, text, (), [((), value)])


def read(computer: AsyncFeatureComputer) -> Iterator[Figure]:
    """Returns all figures. Call it in the computer's loop, which changes most of them; the figures of operations, of
    which there are many, are read when the iterator gets there, in any thread."""
    changed_by_the_loop = [*tasks(computer), *workers(computer), *native_pool()]
    return chain(operations(computer), changed_by_the_loop)


def operations(computer: AsyncFeatureComputer) -> Iterator[Figure]:
    """Call it in any thread."""
    kinds = computer.metrics.by_kind()
    counts = (((kind,), float(metrics.count)) for kind, metrics in kinds.items())
    errors = (((kind,), float(metrics.errors)) for kind, metrics in kinds.items())
    durations = (
        ((kind, phase), histogram)
        for kind, metrics in kinds.items()
        for phase in PHASES
        if (histogram := getattr(metrics, phase)).count
    )
    yield Values(CounterMetricFamily, "operations", "Operations that ended.", ("kind",), counts)
    yield Values(CounterMetricFamily, "operation_errors", "Operations that failed.", ("kind",), errors)
    text = "Time of operations: waiting in the queue, running, and both."
    yield Durations("operation_duration_seconds", text, ("kind", "phase"), DURATIONS, durations)
    text = "How much later than asked for the event loop came to its timers."
    yield Durations("loop_lag_seconds", text, (), LAGS, [((), computer.loop_lag.histogram)])


def tasks(computer: AsyncFeatureComputer) -> Iterator[Figure]:
    counts, summary = computer.counts(), computer.get_summary_metrics()
    for state, text in TASKS.items():
        yield counter(f"tasks_{state}", text, counts[state])
    yield gauge("tasks_running", "Tasks that run now.", counts["running"])
    yield gauge("queue_depth", "Tasks that wait in the background queue.", summary["queue_depth"])
    yield gauge("queue_capacity", "Tasks that the background queue takes.", summary["queue_capacity"])
    oldest = "Age of the task that has waited longest in the background queue."
    yield gauge("queue_oldest_task_age_seconds", oldest, summary["oldest_waiting_s"])
    letters = computer.dead_letters.stats()
    yield gauge("dead_letters", "Dead letters that are kept.", letters["letters"])
    yield counter(
        "dead_letters_evicted", "Dead letters that were given up for newer ones, or for age.", letters["evicted"]
    )


def workers(computer: AsyncFeatureComputer) -> Iterator[Figure]:
    fewest, most = computer.config.workers_between
    yield gauge("workers", "Workers of the background queue.", computer.workers)
    yield gauge("workers_min", "Workers that there are at least.", fewest)
    yield gauge("workers_max", "Workers that there are at most.", most)
    yield gauge("threads_stuck", "Threads in calls that nobody waits for any more.", computer.stuck)


def native_pool() -> Iterator[Figure]:
    stats = _core.pool_stats()
    yield gauge("native_threads", "Threads of the native pool.", stats["threads"])
    yield gauge("native_jobs_queued", "Jobs that wait in the native pool.", stats["queued"])
    for state, text in NATIVE_JOBS.items():
        yield counter(f"native_jobs_{state}", text, stats[state])
