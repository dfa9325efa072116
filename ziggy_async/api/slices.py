"""Long work beside a loop: in turns of the loop, or in a thread that rests now and then."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

TURN = 0.00025
"""Seconds of work before others have their turn."""
MOMENT = 1e-6
"""Seconds of a thread's rest: enough to hand over the GIL."""


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """`items`, for work in the loop: others have their turn of it whenever these have taken a while."""
    until = time.perf_counter() + TURN
    for item in items:
        yield item
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + TURN


class Rests:
    """Of one thread that works in Python: without them a loop gets the GIL every 5 ms."""

    def __init__(self) -> None:
        self._until = time.perf_counter() + TURN

    def among(self, items: Iterable[T]) -> Iterator[T]:
        """`items`, and a rest between them whenever the thread has worked for a while."""
        for item in items:
            yield item
            if time.perf_counter() > self._until:
                time.sleep(MOMENT)
                self._until = time.perf_counter() + TURN
