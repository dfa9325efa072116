"""Measures how late a running event loop is: by the drift of a timer, which costs next to nothing and may run as long
as its service does, and by pings from another thread, for one block of code."""

import asyncio
import math
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Self

from ziggy_async._core import Histogram
from ziggy_async.messages import shown
from ziggy_async.windows import Windows

TIMER_RESOLUTION = 0.002
"""Seconds by which a loop's timers are late without anything being wrong: they wait for whole milliseconds."""
LEAST_INTERVAL = 0.001
"""Seconds between two ticks of a timer; the loops' clocks tell no shorter intervals apart."""
TOLD_APART = 128
"""Missed ticks that are recorded one by one. Older ones are recorded in groups that differ by less than 1 part in this
number, the resolution of the histogram."""


@dataclass(frozen=True, slots=True)
class LagSummary:
    """Percentiles and maximum of the delays, in milliseconds; all 0.0 without any."""

    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, delays: Histogram) -> Self:
        p50, p95, p99 = (delays.percentile(percent) * 1e3 for percent in (50, 95, 99))
        return cls(p50, p95, p99, delays.max * 1e3)

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


class LoopLag:
    """Measures the drift of a timer of the loop: how much later than `interval` after its last tick each tick comes.

    ::

        lag = LoopLag()
        lag.start()
        ...
        print(lag.summary().p99)

    A loop that stands still makes one tick late and leaves out others. Each of these counts with the delay that it
    would have had, so that a percentile is a share of the time, however long the pauses are. Delays are not corrected
    for the timer: an idle loop shows a part of a millisecond, now and then two, since loops wait for whole ones.
    Compare a loop under load with that. A tick that comes early counts as 0.

    It measures the loop in which it was started last, until it is stopped or the loop is closed.
    """

    def __init__(self, interval: float = 0.01) -> None:
        """`interval`: seconds between two ticks. Raises `ValueError` unless at least 0.001 and finite."""
        if not LEAST_INTERVAL <= interval < math.inf:
            raise ValueError(f"interval: {shown(interval)} is not at least {LEAST_INTERVAL} s, and finite")
        self._interval = interval
        self._delays = Histogram()
        self._recent = Windows(Histogram)
        self._timer: _Timer | None = None

    def start(self) -> None:
        """Measures the running loop from now on; no change if it does already. Raises `RuntimeError` without one."""
        loop = asyncio.get_running_loop()
        if self._timer is None or self._timer.loop is not loop:
            self.stop()
            self._timer = _Timer(loop, self._interval, self._came)

    def stop(self) -> None:
        """Ends the measurement and keeps what it found; from any thread, also when it was never started."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def histogram(self) -> Histogram:
        """The delays, in seconds."""
        return self._delays

    def summary(self) -> LagSummary:
        return LagSummary.of(self._delays)

    def recent(self) -> LagSummary:
        """Returns what `summary` does, of the last one to two minutes."""
        return LagSummary.of(self._recent.pair()[0])

    def clear(self) -> None:
        """Forgets the delays so far."""
        self._delays.clear()
        self._recent = Windows(Histogram)

    def _came(self, late: float) -> None:
        for delays in (self._delays, *self._recent.pair()):
            _record_ticks(delays, late, self._interval)


class PingLag:
    """Measures the loop in which it is entered by pings, for as long as the block runs.

    ::

        async with PingLag() as lag:
            await work()
        print(lag.summary().p99)

    The delay of a ping counts from when it was sent: its thread may have got no processor before. A pause that holds
    the GIL, such as a collection of garbage, keeps pings from being sent too. So the loop has a timer besides; when a
    tick is late, the pings that were due meanwhile count as if they had been sent in time.
    """

    def __init__(self, interval: float = 0.001) -> None:
        """`interval`: seconds between pings, short against a pause that a caller would notice, long against the cost of
        a ping. Raises `ValueError` unless it is above 0."""
        if not interval > 0:
            raise ValueError(f"interval: {shown(interval)} is not above 0")
        self._interval = interval
        self._delays = Histogram()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._timer: _Timer | None = None

    async def __aenter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("a PingLag measures once; make another one")
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._ping, args=(loop,), name="ziggy-loop-lag", daemon=True)
        self._thread.start()
        self._timer = _Timer(loop, self._interval, self._came)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._thread is not None
        assert self._timer is not None
        self._stopped.set()
        self._thread.join()
        self._timer.stop()
        # The pings that were sent stand in the loop's queue before this task's next step.
        await asyncio.sleep(0)

    def summary(self) -> LagSummary:
        """Returns the delays so far."""
        return LagSummary.of(self._delays)

    def _ping(self, loop: asyncio.AbstractEventLoop) -> None:
        due = time.perf_counter()
        while True:
            try:
                loop.call_soon_threadsafe(self._arrived, time.perf_counter())
            except RuntimeError:  # the loop was closed under the block
                return
            due = max(due + self._interval, time.perf_counter())  # the timer counts the pings that were missed
            if self._stopped.wait(max(0.0, due - time.perf_counter())):
                return

    def _arrived(self, sent: float) -> None:
        self._delays.record(time.perf_counter() - sent)

    def _came(self, late: float) -> None:
        if late > TIMER_RESOLUTION:
            _record_ticks(self._delays, late, self._interval)


def _record_ticks(delays: Histogram, late: float, interval: float) -> None:
    """Records a tick that comes `late`, and the ticks that were left out since it was due: the last ones one by one,
    the others, of which there may be millions after the process stood still, in groups that differ by a 128th. A group
    counts with its middle, less than 0.4 % off; the sum is exact."""
    delays.record(late)
    left_out = math.ceil(late / interval) - 1
    shortest = late - left_out * interval
    tick = 0
    while tick < left_out:
        together = min(1 + tick // TOLD_APART, left_out - tick)
        delays.record(shortest + (tick + (together - 1) / 2) * interval, together)
        tick += together


class _Timer:
    """A timer of the loop that calls the method `came(seconds late)` every `interval`, until its object is gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, interval: float, came: Callable[[float], None]) -> None:
        self.loop = loop
        self._interval = interval
        self._came = weakref.WeakMethod(came)
        self._stopped = False
        self._wait()

    def _wait(self) -> None:
        # By a clock of our own: uvloop's goes by whole milliseconds, and stands still during a callback.
        self._due = time.perf_counter() + self._interval
        self.loop.call_later(self._interval, self._tick)

    def _tick(self) -> None:
        came = self._came()
        if came is not None and not self._stopped:
            came(time.perf_counter() - self._due)
            self._wait()

    def stop(self) -> None:
        """Ends it, from any thread, also when the loop is closed. So the pending tick is not cancelled but ignored. One
        that is overdue now is recorded."""
        self._stopped = True
        came, late = self._came(), time.perf_counter() - self._due
        if came is not None and late > 0.0 and self.loop.is_running():
            came(late)
