"""Figures that several pages show alike are computed once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

FRESH = 0.5
"""Seconds for which a value is as good as a new one, where it has no version."""
FORGOTTEN = 10.0
"""Seconds without a reader after which a value is forgotten."""


@dataclass
class _Kept:
    value: Any
    version: Hashable
    made_at: float
    read_at: float


class Shared:
    """Values by what was asked for. One that is being made is awaited by all who ask for it."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Kept] = {}
        self._being_made: dict[Hashable, asyncio.Future[Any]] = {}

    async def get(self, key: Hashable, version: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Returns the value of that key: the last one while its `version` is the same, or, if that is None, for half a
        second; otherwise a new one."""
        now = time.monotonic()
        kept = self._kept.get(key)
        if kept is not None:
            kept.read_at = now
            if kept.version == version and (version is not None or now - kept.made_at < FRESH):
                found: T = kept.value
                return found
        place = key, version, asyncio.get_running_loop()
        task = self._being_made.get(place)
        if task is None:
            task = self._being_made[place] = asyncio.ensure_future(make())
            task.add_done_callback(lambda task: self._made(place, task))
        value: T = await asyncio.shield(task)
        self._kept[key] = _Kept(value, version, now, now)
        self._forget(now)
        return value

    def _made(self, place: Hashable, task: "asyncio.Future[Any]") -> None:
        del self._being_made[place]
        if not task.cancelled():
            task.exception()  # it is raised where it is awaited; when all who asked have gone, nowhere

    def _forget(self, now: float) -> None:
        for key in [key for key, kept in self._kept.items() if now - kept.read_at > FORGOTTEN]:
            del self._kept[key]
