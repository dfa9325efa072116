"""How many workers there should be: a pure decision on what is seen.

`decide` knows no clock and changes nothing: state and time in, decision and next state out. What it must remember, such
as what was wanted lately and what growth has brought, is part of the state, frozen and bounded.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

ROUNDING = 1e-9
"""Workers by which a need may exceed a whole number without asking for one more: floats are not exact."""

GAIN = 0.5
"""Share of a growth by which throughput must have risen: doubling must finish half as much again. In the middle between
workers that all bring the same and workers that bring nothing, so that noise rarely mistakes one for the other."""
MEASURED_SECONDS = 0.5
MEASURED_FINISHED = 20
"""Throughput is known after this time and as many finished operations, of each worker two: their number then errs by a
quarter or so, and with it by less and less as time goes on."""
SLOW_SECONDS = 2.0
"""Operations too slow for that have their throughput taken after this time, if each worker finished one."""
PATIENCE = 4.0
"""Seconds that a growth waits for what the last one brought. Slower operations than this allows to measure are the
likelier to wait for something else than a processor: growth then goes on, and is judged as one when it can be."""
PAUSE = 5.0
LONGEST_PAUSE = 300.0
"""Seconds without growth after one that brought too little, or as long as it took to find out; doubled each time in a
row, up to the longest. Patience is then as long as the last pause."""

UNSEEN = 5.0
"""Seconds without a look after which nothing is known of the time between: the queue may have been empty."""
DAY = 86_400.0
"""Seconds: everything that is remembered is long over after a gap like this one or a longer."""
SLOTS = 240
"""Parts of the hold time of which each has at most one entry in the memory; at the interval above, each look has."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is seen at one moment."""

    workers: int
    """How many there are now."""
    queued: int
    running: int
    mean_seconds: float
    """Mean running time of recent operations, without their waiting; 0.0: unknown."""
    finished: int
    """Operations finished since the beginning, however they ended: for throughput."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Between which numbers, and how eagerly; `ValueError` that names the one which is no such thing.

    `target_wait`: seconds within which a queue should be cleared. `dead_band`: share of the present number by which
    the wanted one must differ to change anything. `hold`: seconds that a number stays after it was wanted.
    """

    least: int
    most: int
    target_wait: float = 0.5
    dead_band: float = 0.2
    hold: float = 30.0

    def __post_init__(self) -> None:
        if not self.least >= 1:
            raise ValueError(f"least: {self.least!r} is not at least 1")
        if not self.most >= self.least:
            raise ValueError(f"most: {self.most!r} is below least, {self.least!r}")
        if not 0 < self.target_wait < math.inf:
            raise ValueError(f"target_wait: {self.target_wait!r} is not a number of seconds above 0")
        if not 0 <= self.dead_band < 1:
            raise ValueError(f"dead_band: {self.dead_band!r} is not at least 0 and below 1")
        if not 0 <= self.hold < math.inf:
            raise ValueError(f"hold: {self.hold!r} is not a number of seconds of at least 0")


class Peak(NamedTuple):
    """So many workers were wanted then, and fewer ever since."""

    time: float
    wanted: int


class Stretch(NamedTuple):
    """A time in which the workers were as many all along and the queue never empty: they finish what they can."""

    workers: int
    since: float
    finished: int
    is_settled: bool  # each has finished one: what is counted began under this number of workers


class Rate(NamedTuple):
    """Throughput, and the number of operations that it was measured by."""

    per_second: float
    finished: int


class Trial(NamedTuple):
    """A growth whose effect is not known yet: from how many workers, and their throughput if it was measured."""

    before: int
    rate: Rate | None
    since: float


class Ceiling(NamedTuple):
    """The number above which there is no growth for a while, as the last one brought too little."""

    workers: int
    pause: float
    until: float
    evidence: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What `decide` has to know of the past. Its times are the sum of what passed between looks, which is never
    negative: a clock that is set back makes nothing older or younger."""

    seen_at: float | None = None
    """The clock's time at the last look."""
    time: float = 0.0
    peaks: tuple[Peak, ...] = ()
    stretch: Stretch | None = None
    trial: Trial | None = None
    ceiling: Ceiling | None = None


@dataclass(frozen=True, slots=True)
class ScalingState:
    limits: Limits
    load: Load
    memory: Memory = Memory()


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
    """What the load asks for, whatever limits and memory say."""
    load: Load
    count: int = 1
    """How often in a row the same was decided; the other fields are those of the newest, except `at`, of the first."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Choice(NamedTuple):
    workers: int
    reason: str
    memory: Memory


def decide(state: ScalingState, now: float) -> tuple[Decision, ScalingState]:
    """How many workers there should be at `now`, and the state to go on with: put the next load into that one.

    Wanted is what clears the queue within the target wait T while work goes on arriving as now. In T, w workers run
    w * T / m operations of m seconds each. Those must be the q queued ones and what arrives meanwhile: as much as the r
    running workers begin in that time, r * T / m (Little's law: what runs is arrivals times m; while there is a queue,
    arrivals are at least that). So w = r + q * m / T, rounded up. One queued operation needs no more than one worker,
    however long it takes: m / T counts as 1 at most. While m is unknown, it counts as 1, and growth is slower.

    Up at once, where wanted exceeds the present number by more than the dead band; at most doubled. Then no further
    until it is known what that brought: if throughput has not risen by `GAIN` of the growth, the number goes back to
    what would have finished as much at the old rate of each worker, and there is no growth for `PAUSE` seconds, twice
    as long each time in a row. From the second time on a gain must also be beyond doubt to be left any workers, as what
    chance adds would add up. What cannot be known within `PATIENCE`, as operations take two seconds or are few, does
    not stop growth; all of it is judged as one when it can be, against the last throughput known. Throughput is that of
    times in which the queue was never seen empty: else it shows how much came, not how much could be finished. So the
    first growth from an empty queue has nothing to be compared with.

    Down slowly: to the most that was wanted within the last `hold` seconds. A number that nobody was looking at, as at
    the first call or after `UNSEEN` seconds without one, counts as wanted.
    """
    limits, load = state.limits, state.load
    need = _need(limits, load)
    wanted = math.ceil(need)
    memory, setback = _judged(load, _looked(state, wanted, now))
    if not limits.least <= load.workers <= limits.most:
        choice = _into_limits(limits, load, memory)
    elif setback is not None:
        choice = setback
    elif need > load.workers * (1 + limits.dead_band):
        choice = _up(limits, load, memory, wanted)
    else:
        choice = _down_or_stay(limits, load, memory, wanted)
    workers = max(limits.least, min(limits.most, choice.workers))
    decision = Decision(now, workers, load.workers, choice.reason, wanted, load)
    return decision, replace(state, memory=choice.memory)


def _need(limits: Limits, load: Load) -> float:
    """The workers wanted, before they are rounded up: see `decide`."""
    share = min(1.0, load.mean_seconds / limits.target_wait) if load.mean_seconds > 0 else 1.0
    return max(0.0, min(load.running, load.workers) + load.queued * share - ROUNDING)


def _looked(state: ScalingState, wanted: int, now: float) -> Memory:
    """The memory with this look in it."""
    memory, load = state.memory, state.load
    elapsed = DAY if memory.seen_at is None else min(max(0.0, now - memory.seen_at), DAY)
    moment = memory.time + elapsed
    was_unseen = elapsed > UNSEEN
    peaks = _peaks(memory.peaks, Peak(moment, max(wanted, load.workers) if was_unseen else wanted), state.limits.hold)
    is_waiting = load.queued > 0 and not was_unseen
    trial, ceiling = memory.trial, memory.ceiling
    if trial is not None and not is_waiting and (trial.rate is None or moment - trial.since > state.limits.hold):
        trial = None  # it has nothing to be compared with, or what comes next may be other work
    if ceiling is not None and peaks[0].wanted <= ceiling.workers:
        ceiling = None  # the load under which it was learnt is gone
    stretch = _stretch(memory.stretch, load, moment) if is_waiting else None
    return Memory(now, moment, peaks, stretch, trial, ceiling)


def _peaks(peaks: tuple[Peak, ...], seen: Peak, hold: float) -> tuple[Peak, ...]:
    """Falling from the first, which is the most that was wanted within `hold` seconds."""
    kept = [peak for peak in peaks if peak.time > seen.time - hold and peak.wanted > seen.wanted]
    if not kept or seen.time - kept[-1].time >= hold / SLOTS:
        kept.append(seen)
    return tuple(kept)


def _stretch(stretch: Stretch | None, load: Load, moment: float) -> Stretch:
    if stretch is None or stretch.workers != load.workers or stretch.finished > load.finished:
        return Stretch(load.workers, moment, load.finished, False)
    if not stretch.is_settled and load.finished - stretch.finished >= load.workers:
        return Stretch(load.workers, moment, load.finished, True)
    return stretch


def _rate(load: Load, memory: Memory) -> Rate | None:
    """Throughput under the present number of workers; None while too little was seen to tell."""
    stretch = memory.stretch
    if stretch is None or not stretch.is_settled:
        return None
    seconds, finished = memory.time - stretch.since, load.finished - stretch.finished
    is_known = seconds >= MEASURED_SECONDS and finished >= max(MEASURED_FINISHED, 2 * load.workers)
    is_slow = seconds >= SLOW_SECONDS and finished >= load.workers
    return Rate(finished / seconds, finished) if is_known or is_slow else None


def _judged(load: Load, memory: Memory) -> tuple[Memory, Choice | None]:
    """What the growth on trial has brought, as soon as that is known; a choice only if it was too little."""
    trial, rate = memory.trial, _rate(load, memory)
    if trial is None or rate is None or load.workers <= trial.before:
        return memory, None
    if trial.rate is None:
        return replace(memory, trial=None), None
    needed = 1 + GAIN * (load.workers / trial.before - 1)
    excess = math.log(rate.per_second / (trial.rate.per_second * needed))
    if abs(excess) < _doubt(trial.rate, rate):
        return memory, None
    memory = replace(memory, trial=None)
    if excess < 0:
        return memory, _back(load, memory, trial, trial.rate, rate)
    if memory.ceiling is not None and load.workers > memory.ceiling.workers:
        memory = replace(memory, ceiling=None)
    return memory, None


def _doubt(had: Rate, has: Rate) -> float:
    """By how much the logarithm of the ratio of two rates may err: of a count, the relative error is 1 / root."""
    return math.sqrt(1 / had.finished + 1 / has.finished)


def _back(load: Load, memory: Memory, trial: Trial, had: Rate, has: Rate) -> Choice:
    """`had`, `has`: the rates before the growth and now."""
    workers, pause, gain = trial.before, PAUSE, has.per_second / had.per_second
    doubt = 0.0
    if memory.ceiling is not None:
        pause = 2 * memory.ceiling.pause
        # Workers that began together end together: a time may hold one such round more or less than is its share.
        doubt = max(_doubt(had, has), load.workers / has.finished)
    if math.log(gain) > doubt:
        workers = min(round(workers * gain), load.workers - 1)
    pause = min(max(pause, memory.time - trial.since), LONGEST_PAUSE)
    evidence = f"{load.workers} finished {has.per_second:.4g}/s, {trial.before} had finished {had.per_second:.4g}/s"
    reason = f"{evidence}: too little for the growth; from {load.workers} to {workers}, no growth for {pause:.3g} s"
    ceiling = Ceiling(workers, pause, memory.time + pause, evidence)
    return Choice(workers, reason, replace(memory, ceiling=ceiling))


def _patience(load: Load, memory: Memory) -> float:
    """How long a growth is waited for; the longer, the more often one beyond this number has brought too little."""
    ceiling = memory.ceiling
    return PATIENCE if ceiling is None or load.workers < ceiling.workers else max(PATIENCE, ceiling.pause)


def _into_limits(limits: Limits, load: Load, memory: Memory) -> Choice:
    bound, name = (limits.least, "least") if load.workers < limits.least else (limits.most, "most")
    return Choice(bound, f"from {load.workers} to {bound}, the {name} allowed", replace(memory, trial=None))


def _up(limits: Limits, load: Load, memory: Memory, wanted: int) -> Choice:
    present, needs = load.workers, _needs(limits, load, wanted)
    top, why = _top(limits, memory)
    if present > top:  # it is still on its way back
        return Choice(top, f"{needs}; from {present} to {top}, {why}", memory)
    if present == top:
        return Choice(present, f"{needs}; stays at {present}, {why}", memory)
    if (until := _awaited(load, memory)) is not None:
        return Choice(present, f"{needs}; stays at {present} until {until}", memory)
    step = present if load.mean_seconds > 0 else max(1, present // 2)
    workers = min(wanted, present + step, top)
    return Choice(workers, f"{needs}; from {present} to {workers}", replace(memory, trial=_trial(load, memory)))


def _top(limits: Limits, memory: Memory) -> tuple[int, str]:
    """To which number it may grow now, and why no further."""
    ceiling = memory.ceiling
    if ceiling is not None and memory.time < ceiling.until and ceiling.workers < limits.most:
        return ceiling.workers, f"for another {ceiling.until - memory.time:.3g} s: {ceiling.evidence}"
    return limits.most, "the most allowed"


def _awaited(load: Load, memory: Memory) -> str | None:
    """What has to be known before the next growth, unless patience is over."""
    trial, ceiling, patience = memory.trial, memory.ceiling, _patience(load, memory)
    if trial is not None and (left := trial.since + patience - memory.time) > 0:
        return f"it shows what the step from {trial.before} has brought, another {left:.3g} s at most"
    if ceiling is None or load.workers < ceiling.workers or _rate(load, memory) is not None:
        return None
    left = ceiling.until + patience - memory.time
    return f"it shows what it can do, another {left:.3g} s at most" if left > 0 else None


def _trial(load: Load, memory: Memory) -> Trial:
    """The trial of a growth that begins now. One that could not be judged in time goes on with this one."""
    if memory.trial is not None and memory.trial.rate is not None and memory.trial.before < load.workers:
        return memory.trial._replace(since=memory.time)
    return Trial(load.workers, _rate(load, memory), memory.time)


def _down_or_stay(limits: Limits, load: Load, memory: Memory, wanted: int) -> Choice:
    present, peak = load.workers, memory.peaks[0].wanted
    lowest = present * (1 - limits.dead_band)
    workers = max(peak, limits.least)
    if peak < lowest and workers < present:
        reason = f"no more than {peak} wanted in the last {limits.hold:g} s; from {present} to {workers}"
        return Choice(workers, reason, replace(memory, trial=None))
    if wanted >= lowest:
        why = f"within {limits.dead_band:.0%} of it"
    elif peak < lowest:
        why = "the least allowed"
    else:
        why = f"as {peak} were wanted in the last {limits.hold:g} s"
    return Choice(present, f"{_needs(limits, load, wanted)}; stays at {present}, {why}", memory)


def _needs(limits: Limits, load: Load, wanted: int) -> str:
    seen = f"{load.queued} queued and {load.running} running"
    if not load.mean_seconds > 0:
        return f"{seen}, mean time unknown: {wanted} wanted"
    return f"{seen}, {load.mean_seconds:.3g} s each: {wanted} wanted to clear the queue in {limits.target_wait:g} s"
