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
"""Seconds that a number stays after it was wanted."""
GAIN = 0.5
"""Share of a growth by which throughput must have risen: doubling must finish half as much again. In the middle between
workers that all bring the same and workers that bring nothing."""
MEASURED_SECONDS, MEASURED_FINISHED = 0.5, 20
"""Throughput is known after this time and as many finished operations, of each worker two."""
PATIENCE = 4.0
"""Seconds that a growth waits for the gain of the last one."""
PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds without growth after one that brought too little: twice as long each time in a row, up to the longest."""
ROUNDING = 1e-9
"""Workers by which a need may exceed a whole number: floats are not exact."""


@dataclass(frozen=True, slots=True)
class Load:
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


class Growth(NamedTuple):
    """A growth whose gain is not known yet: from how many workers, and what those finished per second."""

    before: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Memory:
    """The past, as far as `decide` needs it."""

    peaks: tuple[tuple[float, int], ...] = ()
    """When how many workers were wanted, within `HOLD`, and fewer ever since."""
    measured_since: tuple[float, int] | None = None
    """Since when the workers are as many and the queue is not empty, and the operations finished before."""
    growth: Growth | None = None
    pause: float = 0.0
    """The last pause in seconds; 0.0 when growth has helped since."""
    paused_until: float = -math.inf
    """When it may grow again: after a pause, or when the last growth has had time enough to show a gain."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How many workers there should be, and why."""

    at: float
    workers: int
    """The target; `before` if nothing changes."""
    before: int
    reason: str
    """A sentence with the figures that decided."""
    wanted: int
    """The number that the load asks for, whatever limits and memory say."""
    load: Load
    count: int = 1
    """How often in a row the same was decided; the other fields are those of the newest, except `at`, of the first."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields by name, with those of `load` in a dict of its own."""
        return asdict(self)


def decide(limits: Limits, load: Load, memory: Memory, now: float) -> tuple[Decision, Memory]:
    """Returns how many workers there should be at `now`, and the memory for the next look.

    Need: w workers clear the queue within the target wait T while work goes on arriving as now. In T they run w * T / m
    operations of m seconds each: the q queued ones, and what arrives meanwhile, as much as the r running workers begin
    in that time, r * T / m (Little's law). So w = r + q * m / T, rounded up. One queued operation needs at most one
    worker: m / T counts as 1 at most. While m is unknown, it counts as 1, and growth is slower.

    Nothing changes within the dead band. Up quickly: to what is wanted, at most doubled at a time. No gain, pause: if
    throughput has not risen by `GAIN` of a growth, the number goes back, and there is no growth for a while. Down
    slowly: to the most that was wanted within `HOLD`.
    """
    present = load.workers
    share = min(1.0, load.mean_seconds / TARGET_WAIT) if load.mean_seconds > 0 else 1.0
    need = max(0.0, load.running + load.queued * share - ROUNDING)
    wanted = math.ceil(need)
    memory = _remembered(load, memory, wanted, now)
    workers, why, memory = _judged(load, memory, now)
    if workers == present and need > present * (1 + DEAD_BAND):
        workers, why, memory = _up(limits, load, memory, wanted, now)
    elif workers == present:
        workers, why, memory = _down(limits, load, memory)
    if workers != present:
        memory = replace(memory, measured_since=None)
    each = f"{load.mean_seconds:.3g} s each" if load.mean_seconds > 0 else "mean time unknown"
    reason = f"{load.queued} queued and {load.running} running, {each}: {wanted} wanted; {why}"
    return Decision(now, workers, present, reason, wanted, load), memory


def _remembered(load: Load, memory: Memory, wanted: int, now: float) -> Memory:
    """Returns the memory with this load in it. A number that nobody was looking at counts as wanted."""
    peaks = tuple(peak for peak in memory.peaks if peak[0] > now - HOLD) or ((now, load.workers),)
    peaks = (*(peak for peak in peaks if peak[1] > wanted), (now, wanted))
    if load.queued > 0:
        return replace(memory, peaks=peaks, measured_since=memory.measured_since or (now, load.finished))
    if memory.growth is not None and memory.growth.rate is None:  # it has nothing to be compared with
        memory = replace(memory, growth=None, paused_until=now)
    return replace(memory, peaks=peaks, measured_since=None)


def _rate(load: Load, memory: Memory, now: float) -> float | None:
    """Operations per second under the present number of workers; None while too little was seen to tell."""
    if memory.measured_since is None:
        return None
    seconds, finished = now - memory.measured_since[0], load.finished - memory.measured_since[1]
    is_known = seconds >= MEASURED_SECONDS and finished >= max(MEASURED_FINISHED, 2 * load.workers)
    return finished / seconds if is_known else None


def _judged(load: Load, memory: Memory, now: float) -> tuple[int, str, Memory]:
    """Back from a growth that has brought too little; else the present number."""
    present, growth, rate = load.workers, memory.growth, _rate(load, memory, now)
    if growth is None or rate is None:
        return present, "", memory
    if growth.rate is None or rate >= growth.rate * (1 + GAIN * (present / growth.before - 1)):
        return present, "", replace(memory, growth=None, pause=0.0, paused_until=now)
    pause = min(max(PAUSE, 2 * memory.pause), LONGEST_PAUSE)
    figures = f"{present} finished {rate:.4g}/s, {growth.before} had finished {growth.rate:.4g}/s"
    why = f"{figures}: too little for the growth; from {present} to {growth.before}, no growth for {pause:g} s"
    return growth.before, why, replace(memory, growth=None, pause=pause, paused_until=now + pause)


def _up(limits: Limits, load: Load, memory: Memory, wanted: int, now: float) -> tuple[int, str, Memory]:
    present, left = load.workers, memory.paused_until - now
    if present >= limits.most:
        return present, f"stays at {present}, the most allowed", memory
    if left > 0:
        why = "until the gain of the last growth shows" if memory.growth else "as the last growth brought too little"
        return present, f"stays at {present} for another {left:.3g} s, {why}", memory
    step = present if load.mean_seconds > 0 else max(1, present // 2)
    workers = min(wanted, present + step, limits.most)
    growth = Growth(present, _rate(load, memory, now))
    return workers, f"from {present} to {workers}", replace(memory, growth=growth, paused_until=now + PATIENCE)


def _down(limits: Limits, load: Load, memory: Memory) -> tuple[int, str, Memory]:
    present, peak = load.workers, memory.peaks[0][1]
    workers = max(peak, limits.least)
    reason = f"at most {peak} wanted in the last {HOLD:g} s"
    if workers < present and peak < present * (1 - DEAD_BAND):
        return workers, f"{reason}, from {present} to {workers}", replace(memory, growth=None, pause=0.0)
    return present, f"{reason}, stays at {present}", memory


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
        self._decisions: deque[Decision] = deque(maxlen=DECISIONS)
        self._timer: asyncio.TimerHandle | None = None
        self._is_failing = False

    def start(self) -> None:
        """Looks from now on, for the first time after 0.25 s."""
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
            self._is_failing = False
        except Exception:
            if not self._is_failing:
                logger.exception("scaling failed, the number of workers stays as it is")
            self._is_failing = True
