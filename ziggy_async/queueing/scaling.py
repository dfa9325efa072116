"""The number of workers: a pure decision on what is seen, and the coroutine that looks and applies it."""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

logger = logging.getLogger(__name__)

INTERVAL = 0.25  # seconds between two looks: short against the target wait, long against the cost of a look
TARGET_WAIT = 0.5  # seconds within which a queue should be cleared
DEAD_BAND = 0.2  # share of the present number by which the wanted one must differ to change anything
HOLD = 30.0  # seconds for which fewer workers must have been enough before there are fewer
GAIN = 0.5  # share of a growth by which throughput must have risen: doubling must finish half as much again
MEASURED_SECONDS, MEASURED_FINISHED = 0.5, 20  # until throughput is known; of each worker two finished operations
SETTLING = 4.0  # seconds that a growth waits for the gain of the last one
PAUSE = 60.0  # seconds without growth after one that brought too little


class Load(NamedTuple):
    """The state of queue and workers at one moment."""

    workers: int
    queued: int
    running: int
    mean_seconds: float  # running time of recent operations, without their waiting; 0.0: unknown
    finished: int  # operations since the beginning, however they ended


class Low(NamedTuple):  # a time in which fewer workers would do, beyond the dead band
    since: float
    most_wanted: int


class Measurement(NamedTuple):  # of throughput: while tasks wait, and the number of workers stays
    since: float
    finished: int  # operations until it began


class Growth(NamedTuple):  # one whose gain is not known yet
    workers: int  # before it
    rate: float  # operations per second that those finished; 0.0: unknown


class Memory(NamedTuple):
    """The past, as far as `decide` needs it."""

    low: Low | None = None
    measured: Measurement | None = None
    growth: Growth | None = None
    paused_until: float = -math.inf  # when it may grow again: after a pause, or when a growth had time to show a gain


@dataclass(frozen=True, slots=True)
class Decision:
    """The number of workers that there should be (`before` if nothing changes), and the figures that decided, in words.

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


def decide(limits: tuple[int, int], load: Load, memory: Memory, now: float) -> tuple[Decision, Memory]:
    """Returns how many workers there should be at `now`, and the memory for the next look. `limits`: least and most.

    Need: w workers clear the queue within the target wait T while work goes on arriving as now. In T they run w * T / m
    operations of m seconds each: the q queued ones, and what arrives meanwhile, as much as the r running workers begin
    in that time, r * T / m (Little's law). So w = r + q * m / T, rounded up. One queued operation needs at most one
    worker: m / T counts as 1 at most, and while m is unknown.

    Nothing changes within the dead band. Up quickly: to what is wanted, at most doubled at a time. No gain, pause: if
    throughput has not risen by `GAIN` of a growth, the number goes back, and there is no growth for a while. Down
    slowly: once fewer have done for `HOLD`, to the most wanted meanwhile.
    """
    (least, most), present = limits, load.workers
    mean = load.mean_seconds if load.mean_seconds > 0 else math.inf
    wanted = load.running + math.ceil(load.queued * min(1.0, mean / TARGET_WAIT))
    measured = memory.measured or Measurement(now, load.finished)
    seconds, finished = now - measured.since, load.finished - measured.finished
    is_measured = load.queued and seconds >= MEASURED_SECONDS and finished >= max(MEASURED_FINISHED, 2 * present)
    rate = finished / seconds if is_measured else 0.0  # operations per second; 0.0: unknown
    low: Low | None = None
    growth, paused_until = memory.growth, memory.paused_until
    before = growth or Growth(present, 0.0)
    if growth is not None and rate > 0:  # its gain is known
        growth, paused_until = None, now
    workers, why = present, ""
    if 0 < rate < before.rate * (1 + GAIN * (present / before.workers - 1)):
        workers, paused_until = before.workers, now + PAUSE
        why = f", no growth for {PAUSE:g} s: {rate:.4g}/s is too little after {before.rate:.4g}/s"
    elif wanted < present * (1 - DEAD_BAND) and present > least:
        low = memory.low or Low(now, least)
        low = Low(low.since, max(low.most_wanted, wanted))
        why = f": at most {low.most_wanted} wanted for {now - low.since:.3g} s"
        if now - low.since >= HOLD:
            workers, low, growth, paused_until = low.most_wanted, None, None, -math.inf
    elif wanted > present * (1 + DEAD_BAND):
        if present >= most:
            why = ", the most allowed"
        elif now < paused_until:
            why = f" for another {paused_until - now:.3g} s: the last gain is {'unknown' if growth else 'too little'}"
        else:
            workers = min(wanted, 2 * present, most)
            growth, paused_until = Growth(present, rate), now + SETTLING
    each = f"{mean:.3g} s each" if mean < math.inf else "mean time unknown"
    change = f"stays at {present}" if workers == present else f"from {present} to {workers}"
    reason = f"{load.queued} queued and {load.running} running, {each}: {wanted} wanted; {change}{why}"
    decision = Decision(now, workers, present, reason, wanted, load)
    return decision, Memory(low, measured if load.queued and workers == present else None, growth, paused_until)


async def scale(
    limits: tuple[int, int], load: Callable[[], Load], resize: Callable[[int], object], decisions: deque[Decision]
) -> None:
    """Looks every 0.25 s, until it is cancelled: `load()` is what is seen then, `resize(n)` brings the number to n.
    Appends each decision with its wall-clock time; equal ones in a row are one, with their count. A decision that
    cannot be applied is logged and forgotten, and followed by a pause."""
    memory = Memory()
    while True:
        await asyncio.sleep(INTERVAL)
        decision, memory = decide(limits, load(), memory, time.monotonic())
        try:
            if decision.workers != decision.before:
                resize(decision.workers)
        except Exception as error:  # such as a RuntimeError: no thread is to be had
            logger.exception("there are still %d workers, not %d: %s", decision.before, decision.workers, error)
            memory = Memory(paused_until=time.monotonic() + PAUSE)
            continue
        if decisions and (newest := decisions[-1]).before == decision.before and newest.workers == decision.workers:
            decisions[-1] = replace(decision, at=newest.at, count=newest.count + 1)
        else:
            decisions.append(replace(decision, at=time.time()))
