"""The gate that keeps threads which hold the GIL from starving the event loops beside them.

A thread that wants the GIL asks the one that has it after 5 ms, and may then lose it to a third one, again and again:
beside eight threads a loop was late by 6 ms with calls of 0.15 ms, by 55 with calls of 1.5 ms, by 127 with calls of
15 ms (95th percentiles of pings). So one thread of the process at a time makes calls that hold the GIL. Between two
calls it sleeps for a moment if the loop was woken for results and has not come: then the loop gets the GIL. At the end
of a time slice the next thread in line takes over: the system gives a processor sooner to a thread that has rested.
Threads in line wake up now and then, so that they count as such. While the next one wakes up, a thread that arrives may
enter first, but not twice in a row.

A call that does not hold the GIL, because it waits or computes without it, does not need the gate. The gate sees which
functions make such calls, and remembers it for a while: the first in line has the GIL although the call under way has
not ended, or that call has used little of the processor.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from functools import partial
from queue import Empty, SimpleQueue

from ziggy_async.runtime.call import Call

LONG = 1e-4  # seconds of the processor that a call may use without the gate
SLICE = 1e-3  # seconds after which the next thread in line takes over
TINY = 1e-4  # seconds, as long as a pause: after a shorter call the loop is let in only if the slice is over
SHORT = 5e-4  # seconds: after a call between `TINY` and this the loop is let in if it was woken
DUE = 4e-3  # seconds: after a longer call it is let in if it was woken, and let in, longer ago than this
OBSERVABLE = 2e-4  # seconds after which a stretch is observed: between tiny calls the loop is woken, without the GIL
PAUSE = 1e-6  # seconds that the holder asks to sleep for; the system makes it some fifty times as long
LONGEST_PAUSE = 5e-5  # seconds after which the loop has not come because it has no processor
LONGEST_CALL = 0.1  # seconds after which others begin beside a call that holds the GIL: it may go on for minutes
POLL = 4e-3  # seconds after which those in line wake up, and the first one looks whether the GIL is free
AWAKE = 8  # of those in line that wake up in that time: each one takes the GIL from the call under way
LATE = 1e-3  # seconds: a thread in line that wakes up so late had to wait for the GIL
OBSERVATIONS = 3  # in a row that it takes: a call that holds the GIL may release it for a moment, or have no processor
WAITS = 0.02  # a call has waited if it computed for less than this share of its time: fifty threads share the GIL so
KNOWN = 1.0  # seconds for which it is known that calls of a function do not need the gate
MOST_KNOWN = 1000  # functions that are remembered
PROBE = 5e-5  # seconds for which the first in line keeps the GIL to see whether the call under way computes without it

HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


class GatedThread:
    """A thread that makes calls behind the gate. Made in that thread."""

    def __init__(self, pool: str = "") -> None:
        self.pool, self.round = pool, 0  # the name of its pool, and its round in line
        self.clock: Callable[[], float] = float  # its processor time, for any thread; 0.0 where there is no such clock
        if hasattr(time, "pthread_getcpuclockid"):
            self.clock = partial(time.clock_gettime, time.pthread_getcpuclockid(threading.get_ident()))
        self.wake_ups: SimpleQueue[None] = SimpleQueue()  # one when it is the first in line, and when it may enter


class Gate:
    """Safe from any thread. All of its fields are written under its lock, or by the holder."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets everybody: a forked child has none of the threads."""
        self._lock = threading.Lock()
        self._holder: GatedThread | None = None
        self._line: deque[GatedThread] = deque()  # in the order of their rounds
        self._round, self._rounds = 0, dict[str, int]()  # the present round, and each pool's last one
        self._is_overtaken = False  # the first in line was woken to enter, and another thread came first
        self._last: GatedThread | None = None  # has used up its slice: it overtakes nobody
        self._key: Hashable = None  # of the holder's stretch under way; None between two
        self._entered = self._began = self._computed = 0.0
        self._paused = 0.0  # when the loop was let in
        # Key -> how often in a row it was seen without the GIL, and until when it is known not to need the gate:
        self._seen: dict[Hashable, tuple[int, float]] = {}

    def run(self, thread: GatedThread, call: Call) -> None:
        """Makes the call in `thread`, the current one, as soon as that may. The thread may hold the gate afterwards:
        `leave` is to follow when it has no further call. A stretch is one call, or tiny ones of one function in a row.

        The outcome is to be published when the call is over for the gate, and `let_others_in` to follow: to wake a loop
        is a system call without the GIL, which would look as if a long call computed without it."""
        if self._holder is not thread or self._key != call.key:
            self._begin(thread, call.key)
        call.run()
        if self._holder is thread and time.perf_counter() - self._began > TINY:
            self._end(thread, call)
        del call  # its error's traceback leads to this frame: it must not lead back

    def leave(self, thread: GatedThread) -> None:
        """Lets the next thread in. Does nothing unless `thread` holds the gate."""
        with self._lock:
            if self._holder is thread:
                self._open()

    def is_needed(self, key: Hashable) -> bool:
        """Returns whether calls of the function with this key are to be made behind the gate."""
        _, free_until = self._seen.get(key, (0, 0.0))
        return HAS_GIL and free_until <= time.perf_counter()

    def _begin(self, thread: GatedThread, key: Hashable) -> None:
        """Begins a stretch, behind the gate if it needs that."""
        if self.is_needed(key):
            self._enter(thread)
            with self._lock:
                if self._holder is thread:  # which is not certain amid a stretch
                    self._computed, self._began, self._key = thread.clock(), time.perf_counter(), key
        else:
            self.leave(thread)

    def _enter(self, thread: GatedThread) -> None:
        """Returns when the thread holds the gate. Each pool has one thread in a round of the line, so that a burst of
        calls in one of them delays a call of another by one slice."""
        with self._lock:
            if self._holder is thread:
                return
            thread.round = self._rounds[thread.pool] = max(self._round, self._rounds.get(thread.pool, 0) + 1)
            if self._holder is None and self._last is not thread:
                self._is_overtaken = bool(self._line)
                self._round = self._round if self._is_overtaken else thread.round
                self._holder, self._entered = thread, time.perf_counter()
                return
            place = len(self._line)
            while place > self._is_overtaken and self._line[place - 1].round > thread.round:  # one overtaken is next
                place -= 1
            self._line.insert(place, thread)
        while True:
            with self._lock:
                if self._holder is None and self._line[0] is thread:
                    self._let_first_in()
                if self._holder is thread:
                    return
                rest = POLL * (1.0 if self._line[0] is thread else max(1.0, len(self._line) / AWAKE))
            due = time.perf_counter() + rest
            try:
                thread.wake_ups.get(timeout=rest)
            except Empty:
                self._poll(thread, time.perf_counter() - due)

    def _open(self, last: GatedThread | None = None) -> None:
        """Wakes the first in line, with the lock held. It has the gate, if another thread came first the last time."""
        self._holder, self._last, self._key = None, last, None
        if self._line:
            self._line[0].wake_ups.put(None)
            if self._is_overtaken:
                self._let_first_in()

    def _let_first_in(self) -> None:
        """Gives the gate to the first in line, with the lock held. The next one is then the first."""
        self._holder, self._is_overtaken = self._line.popleft(), False
        self._entered, self._key, self._round = time.perf_counter(), None, self._holder.round
        if self._line:
            self._line[0].wake_ups.put(None)

    def _end(self, thread: GatedThread, call: Call) -> None:
        """Ends the stretch and notes what is seen of its last call, unless `thread` has lost the gate meanwhile."""
        with self._lock:
            if self._holder is thread:
                seconds = (now := time.perf_counter()) - (call.began or now)
                if seconds > OBSERVABLE:
                    self._note(self._key, int(_has_waited(thread.clock() - self._computed, seconds)))
                self._key = None

    def let_others_in(self, thread: GatedThread, call: Call) -> None:
        """Lets in the loop that has to come for outcomes, and at the end of the slice the next thread in line."""
        if self._holder is not thread:
            return
        now = time.perf_counter()
        took, is_over = now - (call.began or now), now - self._entered > SLICE
        due = DUE if took > SHORT else 0.0
        if (took > TINY or is_over) and now - self._paused > due and call.loop_is_due(due):
            while call.loop_is_due() and time.perf_counter() - now < LONGEST_PAUSE:
                time.sleep(PAUSE)
            self._paused = time.perf_counter()
        if is_over:
            with self._lock:
                if self._holder is thread:
                    self._open(last=thread)

    def _poll(self, thread: GatedThread, late: float) -> None:
        """Called by a thread in line that has woken up `late` seconds after it was to. If it is the first one, it looks
        at the call under way, and enters when that does not need the gate, or has taken too long."""
        with self._lock:
            holder, seconds = self._holder, time.perf_counter() - self._began
            if holder in (None, thread) or self._key is None or self._line[0] is not thread or seconds < OBSERVABLE:
                return
            if _is_computing(holder):
                self._note(self._key, OBSERVATIONS)
            elif late > LATE:
                self._note(self._key, 0)
            elif seconds > POLL / 2 and _has_waited(holder.clock() - self._computed, seconds):
                self._note(self._key, 1)
            if seconds > LONGEST_CALL or not self.is_needed(self._key):
                self._let_first_in()

    def _note(self, key: Hashable, observations: int) -> None:
        """Counts so many observations of a function without the GIL, 0 for one with it. One confirms what was known."""
        if key not in self._seen and len(self._seen) >= MOST_KNOWN:
            self._seen.clear()
        before, free_until = self._seen.get(key, (0, 0.0))
        count = before + observations if observations else 0
        is_known = count >= OBSERVATIONS
        self._seen[key] = (OBSERVATIONS - 1, time.perf_counter() + KNOWN) if is_known else (count, free_until)


def _is_computing(thread: GatedThread) -> bool:
    """Returns whether that thread computes while this one has the GIL, which it may lose if it gets no processor. Looks
    twice: a thread that has just lost the GIL computes for a moment before it waits."""
    for _ in range(2):
        before, until = thread.clock(), time.perf_counter() + PROBE
        while time.perf_counter() < until:
            pass
        if thread.clock() - before <= PROBE / 4 or time.perf_counter() >= until + PROBE:
            return False
    return True


def _has_waited(computed: float, seconds: float) -> bool:
    return computed < max(LONG, WAITS * seconds)


gate: Gate = globals().get("gate") or Gate()  # the process's: it has one GIL
