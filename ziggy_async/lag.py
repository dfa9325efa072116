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

    A delay counts from the moment at which a ping was due, not from when it was sent: a pause that also holds the GIL
    stops the sending thread too, and would otherwise hide itself.
    """

    def __init__(self, interval: float = INTERVAL) -> None:
        """`interval`: seconds between pings; `ValueError` unless it is above 0."""
        if not interval > 0:
            raise ValueError(f"interval: {interval!r} is not above 0")
        self._interval = interval
        self._delays: list[float] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    async def __aenter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("a LoopLag measures once; make another one")
        loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._ping, args=(loop,), name="ziggy-loop-lag", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._thread is not None
        self._stopped.set()
        self._thread.join()
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
                loop.call_soon_threadsafe(self._arrived, due)
            except RuntimeError:  # the loop was closed under the block
                return
            due += self._interval
            if self._stopped.wait(max(0.0, due - time.perf_counter())):
                return

    def _arrived(self, due: float) -> None:
        self._delays.append(time.perf_counter() - due)
