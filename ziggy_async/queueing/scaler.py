"""The timer that looks at a load, has `scaling` decide how many workers there should be, and applies it."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from ziggy_async.queueing.scaling import Decision, Limits, Load, Memory, ScalingState, decide

logger = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks: short against the target wait, long against the cost of a look."""
LONGEST_INTERVAL = 2.5
"""Seconds between looks that leave room for a loop that is late, before `scaling.UNSEEN` are over."""
DECISIONS = 200
"""Decisions that a scaler keeps."""


class Scaler:
    """Looks at a load every `interval` seconds, decides, and applies.

    It lives in one loop, on one timer, and may be asked from that loop's thread only. What fails in `load` or `resize`
    is logged, once until it works again, and tried anew at the next look.
    """

    def __init__(
        self,
        limits: Limits,
        load: Callable[[], Load],
        resize: Callable[[int], object],
        *,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`load()` is what is seen now, `resize(n)` brings the number to n, at once or in time; both must be quick.

        `clock`: seconds for `decide`; `wall`: seconds since 1970 for the decisions kept. `ValueError` unless
        `interval` is above 0 and at most `LONGEST_INTERVAL`.
        """
        if not 0 < interval <= LONGEST_INTERVAL:
            raise ValueError(f"interval: {interval!r} is not above 0 and at most {LONGEST_INTERVAL:g} seconds")
        self._limits = limits
        self._load = load
        self._resize = resize
        self._interval = interval
        self._clock = clock
        self._wall = wall
        self._memory = Memory()
        self._decisions: deque[Decision] = deque(maxlen=DECISIONS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_failing = False

    @property
    def limits(self) -> Limits:
        return self._limits

    def start(self) -> None:
        """Begins to look, in the running loop; nothing if it does already."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self.stop()
        self._loop = loop
        self._memory = Memory()
        self._timer = loop.call_later(self._interval, self._turn, loop)

    def stop(self) -> None:
        """No look after this one; nothing if there is none. The decisions remain."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop = None

    def decisions(self) -> list[Decision]:
        """The last 200, oldest first, with wall-clock times.

        Those in a row that lead from the same number to the same number are one, with their count: else a minute in
        which nothing changes would push out all that had changed before.
        """
        return list(self._decisions)

    def look(self) -> Decision:
        """One look, now: decides, applies and keeps the decision. Raises what `load` or `resize` raises, and then
        remembers nothing of it."""
        state = ScalingState(self._limits, self._load(), self._memory)
        decision, after = decide(state, self._clock())
        if decision.workers != decision.before:
            self._resize(decision.workers)
        self._memory = after.memory
        self._keep(replace(decision, at=self._wall()))
        return decision

    def _keep(self, decision: Decision) -> None:
        if self._decisions:
            newest = self._decisions[-1]
            if (newest.before, newest.workers) == (decision.before, decision.workers):
                self._decisions[-1] = replace(decision, at=newest.at, count=newest.count + 1)
                return
        self._decisions.append(decision)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        # Set before the look, which may stop it.
        self._timer = loop.call_later(self._interval, self._turn, loop)
        try:
            self.look()
        except Exception:
            if not self._is_failing:
                logger.exception("scaling failed, the number of workers stays as it is")
            self._is_failing = True
        else:
            self._is_failing = False
