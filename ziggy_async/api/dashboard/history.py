"""The activity of a computer in the last minutes, second by second."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from ziggy_async._core import Histogram
from ziggy_async.async_features import AsyncFeatureComputer

SECONDS = 600
"""Samples that are kept, one a second."""
IDLE = 600.0
"""Seconds without a reader after which no more samples are taken."""
STEP = 1.08
BOUNDS = [1e-5 * STEP**power for power in range(210)]
"""Seconds from 10 microseconds to two minutes: what a second's percentiles are exact to, 8 %."""


class Sample(NamedTuple):
    """One second. Durations are in milliseconds, None in a second without any."""

    at: float
    operations: float
    p50: float | None
    p95: float | None
    p99: float | None
    lag_p50: float | None
    lag_p99: float | None
    queued: int
    running: int
    workers: int


class Recent:
    """The durations that came into a histogram since the last look."""

    def __init__(self) -> None:
        self._histogram: Histogram | None = None
        self._seen: list[int] = []

    def look(self, histogram: Histogram, percents: Sequence[float]) -> tuple[int, list[float | None]]:
        """Returns how many durations there were, and their percentiles in milliseconds; the first look sees none."""
        counts = histogram.counts([*BOUNDS, float("inf")])
        before = self._seen
        if self._histogram is not histogram or counts[-1] < before[-1]:  # another one, or it was cleared
            before = counts
        self._histogram, self._seen = histogram, counts
        new = [now - then for now, then in zip(counts, before, strict=True)]
        return new[-1], [_percentile(new, percent) for percent in percents]


def _percentile(cumulative: Sequence[int], percent: float) -> float | None:
    if cumulative[-1] <= 0:
        return None
    rank = percent / 100 * cumulative[-1]
    return next(
        (bound * 1e3 for bound, count in zip(BOUNDS, cumulative, strict=False) if count >= rank), BOUNDS[-1] * 1e3
    )


class History:
    """Takes a sample each second from the first reader on, until there has been none for ten minutes. In the loop that
    the readers are in; of the computer that there is at each second."""

    def __init__(self) -> None:
        self.samples: deque[Sample] = deque(maxlen=SECONDS)
        self._task: asyncio.Task[None] | None = None
        self._read_at = 0.0
        self._lag = Recent()
        self._latency = Recent()

    def after(self, at: float) -> list[Sample]:
        """Returns the samples that are newer than that time."""
        newest = itertools.takewhile(lambda sample: sample.at > at, reversed(self.samples))
        return list(newest)[::-1]

    def be_read(self, computer: AsyncFeatureComputer) -> None:
        """Goes on, or begins, to take samples; each reader calls it each second."""
        self._computer = computer
        self._read_at = time.monotonic()
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._take(computer)
            self._task = loop.create_task(self._go_on(), name="ziggy-async-dashboard")

    async def _go_on(self) -> None:
        while time.monotonic() - self._read_at < IDLE:
            await asyncio.sleep(1.0)
            self._take(self._computer)

    def _take(self, computer: AsyncFeatureComputer) -> None:
        now = time.time()
        past = now - self.samples[-1].at if self.samples else 1.0
        operations, (p50, p95, p99) = self._latency.look(computer.metrics.latencies, (50, 95, 99))
        _, (lag_p50, lag_p99) = self._lag.look(computer.loop_lag.histogram, (50, 99))
        counts = computer.counts()
        rate = operations / max(past, 1e-3)
        queue = counts["queued"], counts["running"], computer.workers
        self.samples.append(Sample(now, rate, p50, p95, p99, lag_p50, lag_p99, *queue))
