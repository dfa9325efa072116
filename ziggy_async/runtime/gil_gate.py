"""The gate that keeps threads which hold the GIL from starving the event loops beside them.

A thread that wants the GIL asks the one that has it after 5 ms, and may then lose it to a third one, again and again:
beside eight threads a loop was late by 6 ms with calls of 0.15 ms, by 55 with calls of 1.5 ms, by 127 with calls of
15 ms (95th percentiles of pings). So one thread of the process at a time makes calls that hold the GIL. After a time
slice another thread takes over: a loop that waits may then have the GIL, and a thread that has rested gets the
processor sooner than one that has used up its share.

A call that does not hold the GIL, because it waits or computes without it, does not need the gate. The gate sees which
functions make such calls, and remembers it for a while: a thread that watches has the GIL although another one is
inside of its call, or the call has used little of the processor.
"""

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Protocol

LONG = 1e-4
"""Seconds of the processor that a call may use without the gate."""
SLICE = 2e-3
"""Seconds after which another thread takes over."""
MOMENT = 1e-6
"""Seconds between the slices of two threads: enough for a loop that waits to have the GIL."""
LONGEST_CALL = 0.1
"""Seconds after which others begin beside a call that holds the GIL: it may go on for minutes."""
LOOK, LONGEST_LOOK = 1e-3, 4e-3
"""Seconds after which a thread that watches looks whether the GIL is free: twice as long each time it is not."""
SIGHTINGS = 3
"""In a row: a call that holds the GIL may let go of it for a moment, to write a line somewhere, or may have had no
processor."""
WAITS = 0.02
"""Share of the processor below which a call has waited; fifty threads that share the GIL have as much each."""
KNOWN = 1.0
"""Seconds for which it is known that calls of a function do not need the gate."""
MOST_KNOWN = 1000
"""Functions that are remembered."""
GLANCE = 5e-5
"""Seconds for which a thread that watches keeps the GIL to see whether the other one computes without it."""

HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


class Candidate(Protocol):
    """A pool with calls that wait for the gate."""

    def gate_is_open(self) -> object:
        """One of its threads may enter now. Called without the gate's lock."""


class Seen:
    """What was seen of one function: how often in a row it was without the GIL, and until when that is known."""

    __slots__ = ("free_until", "sightings")

    def __init__(self) -> None:
        self.sightings = 0
        self.free_until = 0.0


class Gate:
    """Safe from any thread. All of its fields are by its lock, but for looks at one of them."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nobody is there: a forked child has none of the threads."""
        self._lock = threading.Lock()
        self._holder: object = None
        self._pool: Candidate | None = None  # the holder's
        self._kind: Hashable = None  # of the holder's call under way; None between two calls
        self._clock: Callable[[], float] = float
        self._entered = self._began = self._computed = 0.0
        self._is_rest_due = False
        self._waiting: OrderedDict[Candidate, None] = OrderedDict()
        self._seen: dict[Hashable, Seen] = {}

    def is_needed(self, kind: Hashable) -> bool:
        """Whether calls of this kind are to be made behind the gate."""
        seen = self._seen.get(kind)
        return HAS_GIL and (seen is None or seen.free_until <= time.perf_counter())

    def enter(self, thread: object, pool: Candidate) -> bool:
        """Whether `thread` may begin a call. Else the pool is told as soon as one of its threads may."""
        with self._lock:
            if self._holder is None:
                self._holder, self._pool, self._entered = thread, pool, time.perf_counter()
            elif self._holder is not thread:
                self._waiting[pool] = None
            return self._holder is thread

    def begin(self, thread: object, kind: Hashable, clock: Callable[[], float]) -> None:
        """Before a call of the thread that has entered. The first call after a slice of another thread comes a moment
        later, so that a loop that waits has the GIL before. `clock`: see `clock_of_this_thread`."""
        if self._holder is thread:
            if self._is_rest_due:
                self._is_rest_due = False
                time.sleep(MOMENT)
            self._clock, self._computed, self._began, self._kind = clock, clock(), time.perf_counter(), kind

    def end(self, thread: object) -> None:
        """After it."""
        if self._holder is not thread:
            return
        kind, self._kind = self._kind, None
        seconds = time.perf_counter() - self._began
        if seconds > LONG:
            with self._lock:
                self._note(kind, int(_has_waited(self._clock() - self._computed, seconds)))

    def is_slice_over(self, thread: object) -> bool:
        """Whether the thread has the gate and is to leave it now."""
        is_over = self._holder is thread and time.perf_counter() - self._entered > SLICE
        self._is_rest_due = self._is_rest_due or is_over
        return is_over

    def leave(self, thread: object) -> None:
        """The thread makes no further call behind the gate, or the call that it makes is stuck. `tell_waiting` is to
        follow. Nothing, if it has lost the gate."""
        with self._lock:
            if self._holder is thread:
                self._holder = self._pool = self._kind = None

    def tell_waiting(self) -> None:
        """Lets a pool that waits enter, if the gate is open. Called without the lock of any pool."""
        while self._holder is None and (pool := self._next_pool()) is not None:
            pool.gate_is_open()

    def _next_pool(self) -> Candidate | None:
        with self._lock:
            return self._waiting.popitem(last=False)[0] if self._waiting else None

    def look(self, late: float) -> bool:
        """By a thread that watches, and has the GIL so many seconds after it wanted it. Returns whether the gate is
        open now."""
        with self._lock:
            if self._kind is None:
                return self._holder is None
            seconds = time.perf_counter() - self._began
            if self._is_computing():
                self._note(self._kind, SIGHTINGS)
            elif late > LOOK / 2:
                self._note(self._kind, 0)
            elif seconds > LOOK / 2 and _has_waited(self._clock() - self._computed, seconds):
                self._note(self._kind, 1)
            if seconds <= LONGEST_CALL and self.is_needed(self._kind):
                return False
            self._holder = self._pool = self._kind = None
            return True

    def _is_computing(self) -> bool:
        """Whether the holder's call computes while this thread has the GIL."""
        computed, until = self._clock(), time.perf_counter() + GLANCE
        while time.perf_counter() < until:
            pass
        return self._clock() - computed > GLANCE / 4

    def _note(self, kind: Hashable, sightings: int) -> None:
        """What was seen of a function: so many sightings of it without the GIL, 0 for one with it."""
        if kind not in self._seen and len(self._seen) >= MOST_KNOWN:
            self._seen.clear()
        seen = self._seen.setdefault(kind, Seen())
        seen.sightings = seen.sightings + sightings if sightings else 0
        if seen.sightings >= SIGHTINGS:
            seen.sightings = 0
            seen.free_until = time.perf_counter() + KNOWN


def _has_waited(computed: float, seconds: float) -> bool:
    return computed < max(LONG, WAITS * seconds)


def clock_of_this_thread() -> Callable[[], float]:
    """The processor time that this thread has used, in seconds, for any thread to ask for. Always 0.0 where the system
    does not tell."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return float
    return partial(time.clock_gettime, time.pthread_getcpuclockid(threading.get_ident()))


gate: Gate = globals().get("gate") or Gate()
"""The process's: it has one GIL."""
