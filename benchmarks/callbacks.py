"""Measures what a shared machine cannot blur: how long each callback of the loop takes of its own processor time, and
what the host took of the time of all."""

import asyncio
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ziggy_async.lag import LoopLag, PingLag

STEAL, COLUMNS = 7, 8
"""In the first line of /proc/stat behind `cpu`: user nice system idle iowait irq softirq steal."""


class LongestCallback:
    """The longest callback that any loop has run inside the block, but for those that measure its lag.

    `longest` is in seconds of the wall clock, in which the host and other processes have their part; `processor` is the
    longest by the processor time of the loop's thread, in which they have none.
    """

    longest = 0.0
    processor = 0.0
    slowest = ""
    """What had that one: a task, or who was called."""

    def __enter__(self) -> Self:
        self._run = run = asyncio.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            if _measures(handle):
                run(handle)
                return
            wall, processor = time.perf_counter(), time.thread_time()
            run(handle)
            spent = time.thread_time() - processor
            if spent > self.processor:
                self.processor, self.slowest = spent, repr(getattr(handle._callback, "__self__", handle))
            self.longest = max(self.longest, time.perf_counter() - wall)

        asyncio.Handle._run = timed  # type: ignore[method-assign]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.Handle._run = self._run  # type: ignore[method-assign]


def _measures(handle: asyncio.Handle) -> bool:
    owner: Any = getattr(handle._callback, "__self__", None)
    return type(owner).__module__ == LoopLag.__module__ or isinstance(owner, PingLag)


class Steal:
    """The share of the time of all processors that the host gave to others inside the block, in percent."""

    percent = 0.0

    def __enter__(self) -> Self:
        self._before = _ticks()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        spent = [after - before for after, before in zip(_ticks(), self._before, strict=True)]
        self.percent = 100.0 * spent[STEAL] / max(1, sum(spent))


def _ticks() -> list[int]:
    line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    return [int(word) for word in line.split()[1 : 1 + COLUMNS]]
