"""The timer that looks at a load, has `scaling` decide how many workers there should be, and applies it."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from ziggy_async.queueing.scaling import Decision, Limits, Load, Memory, decide

logger = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks: short against the target wait, long against the cost of a look."""
DECISIONS = 200
"""Decisions that a scaler keeps."""


class Scaler:
    """Looks at a load every 0.25 s, decides, and applies, in the loop that it is started in.

    What fails in `load` or `resize` is logged, once until it works again, and tried anew at the next look.
    """

    def __init__(self, limits: Limits, load: Callable[[], Load], resize: Callable[[int], object]) -> None:
        """`load()` is what is seen now, `resize(n)` brings the number to n, at once or in time; both must be quick."""
        self._limits = limits
        self._load = load
        self._resize = resize
        self._memory = Memory()
        self._decisions: deque[Decision] = deque(maxlen=DECISIONS)
        self._timer: asyncio.TimerHandle | None = None
        self._is_failing = False

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._tick)

    def stop(self) -> None:
        """Looks no more. The decisions remain."""
        if self._timer is not None:
            self._timer.cancel()

    def decisions(self) -> list[Decision]:
        """Returns the last 200, oldest first, with wall-clock times. Equal ones in a row are one, with their count."""
        return list(self._decisions)

    def look(self) -> Decision:
        """Decides now, applies and keeps the decision. Raises what `load` or `resize` raises, and then remembers
        nothing of it."""
        decision, memory = decide(self._limits, self._load(), self._memory, time.monotonic())
        if decision.workers != decision.before:
            self._resize(decision.workers)
        self._memory = memory
        newest = self._decisions[-1] if self._decisions else None
        if newest is not None and (newest.before, newest.workers) == (decision.before, decision.workers):
            self._decisions[-1] = replace(decision, at=newest.at, count=newest.count + 1)
        else:
            self._decisions.append(replace(decision, at=time.time()))
        return decision

    def _tick(self) -> None:
        self.start()  # before the look, which may stop it
        try:
            self.look()
        except Exception:
            if not self._is_failing:
                logger.exception("scaling failed, the number of workers stays as it is")
            self._is_failing = True
        else:
            self._is_failing = False
