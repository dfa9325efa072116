"""Long work in slices of time: in the loop, or in a thread beside it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

SLICE = 0.00025
"""Seconds of work before the loop goes on."""
PAUSE = 1e-6
"""Seconds for which a thread sleeps: enough to hand over the GIL."""


async def sliced(items: Iterable[T]) -> AsyncIterator[T]:
    """Yields the items, for work in the loop: other callbacks run after each slice."""
    until = time.perf_counter() + SLICE
    for item in items:
        yield item
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE


class GilYield:
    """Yields the GIL after each slice of a thread's work: without it a loop gets the GIL every 5 ms."""

    def __init__(self) -> None:
        self._until = time.perf_counter() + SLICE

    def between(self, items: Iterable[T]) -> Iterator[T]:
        """Yields the items; the thread sleeps for a moment between two of them when the slice is over."""
        for item in items:
            yield item
            if time.perf_counter() > self._until:
                time.sleep(PAUSE)
                self._until = time.perf_counter() + SLICE
