"""How late a running event loop is: pings from another thread, and how long each took to be answered."""

import asyncio
import threading
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

import numpy as np

INTERVAL = 0.001
"""Seconds between pings: short against a pause that a caller would notice, long against the cost of a ping."""
TIMER_RESOLUTION = 0.002
"""Seconds by which a loop's timers are late without anything being wrong: they wait for whole milliseconds."""


@dataclass(frozen=True, slots=True)
class LagSummary:
    """Percentiles and maximum of the delays, in milliseconds; all 0.0 when no ping was sent."""

    p50: float
    p95: float
    p99: float
    max: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


class LoopLag:
    """Measures the loop in which it is entered, for as long as the block runs.

    ::

        async with LoopLag() as lag:
            await work()
        print(lag.summary().p99)

    A ping's delay counts from when it was sent: that its thread got no processor is not the loop's fault. But a pause
    that holds the GIL, such as a collection of garbage, also keeps pings from being sent. So the loop has a timer
    besides, and when that comes late, the pings that were due meanwhile count as if they had been sent in time.
    """

    def __init__(self, interval: float = INTERVAL) -> None:
        """`interval`: seconds between pings; `ValueError` unless it is above 0."""
        if not interval > 0:
            raise ValueError(f"interval: {interval!r} is not above 0")
        self._interval = interval
        self._delays: list[float] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    async def __aenter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("a LoopLag measures once; make another one")
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._ping, args=(loop,), name="ziggy-loop-lag", daemon=True)
        self._thread.start()
        self._due = time.perf_counter()
        self._turn(loop)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._thread is not None
        assert self._timer is not None
        self._timer.cancel()
        self._stopped.set()
        self._thread.join()
        self._count_missed()
        # What was sent stands in the loop's queue before this task's next step.
        await asyncio.sleep(0)

    def summary(self) -> LagSummary:
        """The delays so far. A percentile is a delay that occurred, never one between two."""
        if not self._delays:
            return LagSummary(0.0, 0.0, 0.0, 0.0)
        milliseconds = np.array(self._delays) * 1e3
        p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99), method="higher")
        return LagSummary(float(p50), float(p95), float(p99), float(milliseconds.max()))

    def _ping(self, loop: asyncio.AbstractEventLoop) -> None:
        due = time.perf_counter()
        while True:
            try:
                loop.call_soon_threadsafe(self._arrived, time.perf_counter())
            except RuntimeError:  # the loop was closed under the block
                return
            due = max(due + self._interval, time.perf_counter())  # what was missed is the timer's to count
            if self._stopped.wait(max(0.0, due - time.perf_counter())):
                return

    def _arrived(self, sent: float) -> None:
        self._delays.append(time.perf_counter() - sent)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop's timer, every interval."""
        self._count_missed()
        self._due = time.perf_counter() + self._interval
        self._timer = loop.call_later(self._interval, self._turn, loop)

    def _count_missed(self) -> None:
        """The pings that should have come since the timer was due, if it is later than timers are."""
        late = time.perf_counter() - self._due
        if late > TIMER_RESOLUTION:
            self._delays.extend(np.arange(late, 0.0, -self._interval))
