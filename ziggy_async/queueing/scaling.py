"""How many workers there should be: a pure decision on what is seen, and the timer that looks and applies it.

`decide` knows no clock and changes nothing: load, memory and time in, decision and next memory out.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

logger = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks: short against the target wait, long against the cost of a look."""
DECISIONS = 200
"""Decisions that a scaler keeps."""
TARGET_WAIT = 0.5
"""Seconds within which a queue should be cleared."""
DEAD_BAND = 0.2
"""Share of the present number by which the wanted one must differ to change anything."""
HOLD = 30.0
"""Seconds for which fewer must do before there are fewer."""
GAIN = 0.5
"""Share of a growth by which throughput must have risen: doubling must finish half as much again. In the middle between
workers that all bring the same and workers that bring nothing."""
MEASURED_SECONDS, MEASURED_FINISHED = 0.5, 20
"""Throughput is known after this time and as many finished operations, of each worker two."""
PATIENCE = 4.0
"""Seconds that a growth waits for the gain of the last one."""
PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds without growth after one that brought too little: twice as long each time in a row, up to the longest."""


class Load(NamedTuple):
    """The state of queue and workers at one moment."""

    workers: int
    queued: int
    running: int
    mean_seconds: float
    """Mean running time of recent operations, without their waiting; 0.0: unknown."""
    finished: int
    """Operations finished since the beginning, however they ended."""


class Limits(NamedTuple):
    """The fewest and the most workers."""

    least: int
    most: int


class Memory(NamedTuple):
    """The past, as far as `decide` needs it. A moment is a time and the operations finished by then."""

    low_since: float | None = None
    """Since when the load has asked for fewer workers than there are, beyond the dead band."""
    low_peak: int = 0
    """The most that were wanted since then."""
    measured: tuple[float, int] | None = None
    """The moment since which the workers are as many and the queue is not empty."""
    growth: tuple[int, float | None] | None = None
    """A growth whose gain is not known yet: from how many workers, and what those finished per second."""
    pause: float = 0.0
    """The last pause in seconds; 0.0 when growth has helped since."""
    paused_until: float = -math.inf
    """When it may grow again: after a pause, or when the last growth has had time enough to show a gain."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How many workers there should be (`before` if nothing changes), and a sentence with the figures that decided.

    `wanted` is what the load asks for, whatever limits and memory say; `count` how often in a row the same was decided:
    `at` is then of the first, the other fields of the newest.
    """

    at: float
    workers: int
    before: int
    reason: str
    wanted: int
    load: Load
    count: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields by name, with those of `load` in a dict of its own."""
        return {**asdict(self), "load": self.load._asdict()}


Step = tuple[int, str, Memory]
"""The number of workers, why, and what is remembered of it."""


def decide(limits: Limits, load: Load, memory: Memory, now: float) -> tuple[Decision, Memory]:
    """Returns how many workers there should be at `now`, and the memory for the next look.

    Need: w workers clear the queue within the target wait T while work goes on arriving as now. In T they run w * T / m
    operations of m seconds each: the q queued ones, and what arrives meanwhile, as much as the r running workers begin
    in that time, r * T / m (Little's law). So w = r + q * m / T, rounded up. One queued operation needs at most one
    worker: m / T counts as 1 at most, and while m is unknown.

    Nothing changes within the dead band. Up quickly: to what is wanted, at most doubled at a time, or half as many
    again while m is unknown. No gain, pause: if throughput has not risen by `GAIN` of a growth, the number goes back,
    and there is no growth for a while. Down slowly: once fewer have done for `HOLD`, to the most wanted meanwhile.
    """
    present, is_known = load.workers, load.mean_seconds > 0
    wanted = load.running + math.ceil(load.queued * (min(1.0, load.mean_seconds / TARGET_WAIT) if is_known else 1.0))
    measured = (memory.measured or (now, load.finished)) if load.queued else None
    workers, why, memory = _judged(load, memory._replace(measured=measured), now)
    if workers == present and wanted > present * (1 + DEAD_BAND):
        workers, why, memory = _up(limits, load, memory._replace(low_since=None), wanted, now)
    elif workers == present:
        workers, why, memory = _down(limits, load, memory, wanted, now)
    if workers != present:
        memory = memory._replace(low_since=None, measured=None)
    each = f"{load.mean_seconds:.3g} s each" if is_known else "mean time unknown"
    reason = f"{load.queued} queued and {load.running} running, {each}: {wanted} wanted; {why}"
    return Decision(now, workers, present, reason, wanted, load), memory


def _rate(load: Load, memory: Memory, now: float) -> float | None:
    """Operations per second under the present number of workers; None while too little was seen to tell."""
    if memory.measured is None:
        return None
    seconds, finished = now - memory.measured[0], load.finished - memory.measured[1]
    is_known = seconds >= MEASURED_SECONDS and finished >= max(MEASURED_FINISHED, 2 * load.workers)
    return finished / seconds if is_known else None


def _judged(load: Load, memory: Memory, now: float) -> Step:
    """Back from a growth that has brought too little; else the present number."""
    present, rate = load.workers, _rate(load, memory, now)
    before, rate_before = memory.growth or (present, None)
    if memory.growth is None or (rate is None and (load.queued or rate_before is not None)):
        return present, "", memory
    if rate is None or rate_before is None:  # there is nothing to compare
        return present, "", memory._replace(growth=None, paused_until=now)
    if rate >= rate_before * (1 + GAIN * (present / before - 1)):
        return present, "", memory._replace(growth=None, pause=0.0, paused_until=now)
    pause = min(max(PAUSE, 2 * memory.pause), LONGEST_PAUSE)
    figures = f"{present} finished {rate:.4g}/s, {before} had finished {rate_before:.4g}/s"
    why = f"{figures}: too little for the growth; from {present} to {before}, no growth for {pause:g} s"
    return before, why, memory._replace(growth=None, pause=pause, paused_until=now + pause)


def _up(limits: Limits, load: Load, memory: Memory, wanted: int, now: float) -> Step:
    present, left = load.workers, memory.paused_until - now
    if present >= limits.most:
        return present, f"stays at {present}, the most allowed", memory
    if left > 0:
        why = "until the gain of the last growth shows" if memory.growth else "as the last growth brought too little"
        return present, f"stays at {present} for another {left:.3g} s, {why}", memory
    step = present if load.mean_seconds > 0 else max(1, present // 2)
    workers = min(wanted, present + step, limits.most)
    growth = present, _rate(load, memory, now)
    return workers, f"from {present} to {workers}", memory._replace(growth=growth, paused_until=now + PATIENCE)


def _down(limits: Limits, load: Load, memory: Memory, wanted: int, now: float) -> Step:
    present = load.workers
    if wanted >= present * (1 - DEAD_BAND) or present <= limits.least:
        return present, f"stays at {present}", memory._replace(low_since=None)
    since, peak = (now, wanted) if memory.low_since is None else (memory.low_since, max(memory.low_peak, wanted))
    if now - since < HOLD:
        why = f"stays at {present} until no more were wanted for {HOLD:g} s"
        return present, why, memory._replace(low_since=since, low_peak=peak)
    workers = max(peak, limits.least)
    why = f"at most {peak} wanted for {HOLD:g} s, from {present} to {workers}"
    return workers, why, memory._replace(growth=None, pause=0.0)


class Scaler:
    """Looks at a load every 0.25 s, decides, and applies, in the loop that it is started in.

    What fails in `load` or `resize` is logged, once until it works again, and tried anew at the next look.
    """

    def __init__(self, limits: Limits, load: Callable[[], Load], resize: Callable[[int], object]) -> None:
        """`load()` is what is seen now, `resize(n)` brings the number to n, at once; both must be quick. The number is
        within the limits from the beginning."""
        self._limits = limits
        self._load = load
        self._resize = resize
        self._memory = Memory()
        self._timer: asyncio.TimerHandle | None = None
        self._is_failing = False
        self.decisions: deque[Decision] = deque(maxlen=DECISIONS)
        """The last ones, oldest first, with wall-clock times. Equal ones in a row are one, with their count."""

    def start(self) -> None:
        """Looks from now on, for the first time after 0.25 s."""
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._tick)

    def stop(self) -> None:
        """Looks no more. The decisions remain."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self) -> Decision:
        """Decides now, applies and keeps the decision. Raises what `load` or `resize` raises, and then remembers
        nothing of it."""
        decision, memory = decide(self._limits, self._load(), self._memory, time.monotonic())
        if decision.workers != decision.before:
            self._resize(decision.workers)
        self._memory = memory
        newest = self.decisions[-1] if self.decisions else None
        if newest is not None and (newest.before, newest.workers) == (decision.before, decision.workers):
            self.decisions[-1] = replace(decision, at=newest.at, count=newest.count + 1)
        else:
            self.decisions.append(replace(decision, at=time.time()))
        return decision

    def _tick(self) -> None:
        self.start()  # before the look, which may stop it
        try:
            self.look()
            self._is_failing = False
        except Exception:
            if not self._is_failing:
                logger.exception("scaling failed, the number of workers stays as it is")
            self._is_failing = True
