"""Figures of the last one to two minutes."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

MINUTE = 60.0


class Windows(Generic[T]):
    """Two counters of the same events. They begin a minute apart and are replaced after two minutes, so that the older
    one always holds the last one to two minutes, or less in the first minute.

    Any thread may call it. When several come at the moment of a replacement, an event of theirs may be lost.
    """

    def __init__(self, new: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        """`new` makes an empty counter. `clock`: seconds."""
        self._new = new
        self._clock = clock
        self._state = (new(), new()), clock() + MINUTE  # when they are replaced

    def pair(self) -> tuple[T, T]:
        """Returns the older one, which holds the last one to two minutes, and the younger one. An event is counted in
        both."""
        pair, until = self._state
        now = self._clock()
        if now >= until:
            late = now - until
            pair = pair[1] if late < MINUTE else self._new(), self._new()
            self._state = pair, until + MINUTE * (1.0 + late // MINUTE)
        return pair
