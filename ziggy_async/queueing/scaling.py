"""How many workers there should be: a pure decision on what is seen.

`decide` knows no clock and changes nothing: load, memory and time in, decision and next memory out.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

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
UNSEEN = 5.0
"""Seconds without a decision after which nothing is known of the time between."""
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


class Measurement(NamedTuple):
    """Throughput while the workers stay as many and the queue is not empty; `finished`: operations at its beginning."""

    since: float
    workers: int
    finished: int


class Growth(NamedTuple):
    """A growth whose gain is not known yet: when, from how many workers, and what those finished per second."""

    at: float
    before: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Memory:
    """The past, as far as `decide` needs it."""

    seen_at: float = -math.inf
    peaks: tuple[tuple[float, int], ...] = ()
    """When how many workers were wanted, within `HOLD`, and fewer ever since."""
    measurement: Measurement | None = None
    growth: Growth | None = None
    pause: float = 0.0
    """The last pause in seconds; 0.0 when growth has helped since."""
    paused_until: float = -math.inf


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
        return asdict(self)


Choice = tuple[int, str, Memory]  # workers, the reason, and the memory for the next look


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
    share = min(1.0, load.mean_seconds / TARGET_WAIT) if load.mean_seconds > 0 else 1.0
    need = max(0.0, load.running + load.queued * share - ROUNDING)
    wanted = math.ceil(need)
    workers, reason, memory = _judged(limits, load, _remembered(memory, load, wanted, now), now)
    if workers == load.workers:
        is_short = need > load.workers * (1 + DEAD_BAND)
        choice = _up(limits, load, memory, wanted, now) if is_short else _down(limits, load, memory)
        each = f"{load.mean_seconds:.3g} s each" if load.mean_seconds > 0 else "mean time unknown"
        workers, reason, memory = choice
        reason = f"{load.queued} queued and {load.running} running, {each}: {wanted} wanted; {reason}"
    return Decision(now, workers, load.workers, reason, wanted, load), memory


def _remembered(memory: Memory, load: Load, wanted: int, now: float) -> Memory:
    """Returns the memory with this load in it."""
    if now - memory.seen_at > UNSEEN:
        kept = max(wanted, load.workers)  # a number that nobody was looking at counts as wanted
        return replace(memory, seen_at=now, peaks=((now, kept),), measurement=None, growth=None)
    peaks = (*(peak for peak in memory.peaks if peak[0] > now - HOLD and peak[1] > wanted), (now, wanted))
    measurement, growth = memory.measurement, memory.growth
    if load.queued == 0:
        measurement = None
        if growth is not None and (growth.rate is None or now - growth.at > HOLD):
            growth = None  # it has nothing to be compared with, or what comes next may be other work
    elif measurement is None or measurement.workers != load.workers:
        measurement = Measurement(now, load.workers, load.finished)
    return replace(memory, seen_at=now, peaks=peaks, measurement=measurement, growth=growth)


def _rate(load: Load, memory: Memory, now: float) -> float | None:
    """Operations per second under the present number of workers; None while too little was seen to tell."""
    if memory.measurement is None:
        return None
    seconds, finished = now - memory.measurement.since, load.finished - memory.measurement.finished
    is_known = seconds >= MEASURED_SECONDS and finished >= max(MEASURED_FINISHED, 2 * load.workers)
    return finished / seconds if is_known else None


def _judged(limits: Limits, load: Load, memory: Memory, now: float) -> Choice:
    """Into the limits, or back from a growth that has brought too little; else the present number."""
    present, growth, rate = load.workers, memory.growth, _rate(load, memory, now)
    if not limits.least <= present <= limits.most:
        bound, name = (limits.least, "least") if present < limits.least else (limits.most, "most")
        return bound, f"from {present} to {bound}, the {name} allowed", replace(memory, growth=None)
    if growth is None or rate is None or present <= growth.before:
        return present, "", memory
    memory = replace(memory, growth=None)
    if growth.rate is None or rate >= growth.rate * (1 + GAIN * (present / growth.before - 1)):
        return present, "", replace(memory, pause=0.0)
    pause = min(max(PAUSE, 2 * memory.pause), LONGEST_PAUSE)
    reason = (
        f"{present} finished {rate:.4g}/s, {growth.before} had finished {growth.rate:.4g}/s: "
        f"too little for the growth; from {present} to {growth.before}, no growth for {pause:g} s"
    )
    return growth.before, reason, replace(memory, pause=pause, paused_until=now + pause)


def _up(limits: Limits, load: Load, memory: Memory, wanted: int, now: float) -> Choice:
    present, growth = load.workers, memory.growth
    if present == limits.most:
        return present, f"stays at {present}, the most allowed", memory
    if (left := memory.paused_until - now) > 0:
        return present, f"stays at {present} for another {left:.3g} s, as the last growth brought too little", memory
    if growth is not None and (left := growth.at + PATIENCE - now) > 0:
        why = f"it shows what the step from {growth.before} has brought, another {left:.3g} s at most"
        return present, f"stays at {present} until {why}", memory
    step = present if load.mean_seconds > 0 else max(1, present // 2)
    workers = min(wanted, present + step, limits.most)
    memory = replace(memory, growth=Growth(now, present, _rate(load, memory, now)))
    return workers, f"from {present} to {workers}", memory


def _down(limits: Limits, load: Load, memory: Memory) -> Choice:
    present, peak = load.workers, memory.peaks[0][1]
    workers = max(peak, limits.least)
    reason = f"at most {peak} wanted in the last {HOLD:g} s"
    if workers < present and peak < present * (1 - DEAD_BAND):
        return workers, f"{reason}, from {present} to {workers}", replace(memory, growth=None, pause=0.0)
    return present, f"{reason}, stays at {present}", memory
