"""The gate that keeps threads which hold the GIL from starving the event loops beside them.

A thread that wants the GIL asks the one that has it after 5 ms, and may then lose it to a third one, again and again:
beside eight threads a loop was late by 6 ms with calls of 0.15 ms, by 55 with calls of 1.5 ms, by 127 with calls of
15 ms (95th percentiles of pings). So one thread of the process at a time makes calls that hold the GIL. Between two
calls it sleeps for a moment if the loop was woken for results and has not come: then the loop gets the GIL. At the end
of a time slice the next thread in line takes over: the system gives a processor sooner to a thread that has rested.
Threads in line wake up now and then, so that they count as such. While the next one wakes up, a thread that arrives may
enter first, but not twice in a row: a gate that stands open meanwhile costs 5 % of the throughput on a busy machine.

A call that does not hold the GIL, because it waits or computes without it, does not need the gate. The gate sees which
functions make such calls, and remembers it for a while: the first in line has the GIL although the call under way has
not ended, or that call has used little of the processor. Those in line with calls of such a function go on at once.
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
TINY = 7e-5  # seconds, longer than a pause: after a shorter call the loop is let in only if the slice is over
SHORT = 5e-4  # seconds: after a call between `TINY` and this the loop is let in if it was woken
DUE = 4e-3  # seconds: after a longer call it is let in if it was woken, and let in, longer ago than this
OBSERVABLE = 2e-4  # seconds after which a stretch is observed: between tiny calls the loop is woken, without the GIL
PAUSE = 1e-6  # seconds that the holder asks to sleep for; the system makes it some fifty times as long
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


class Turns:  # of a pool, at the gate
    last = 0  # the round of its last one; by the gate's lock


class GatedThread:
    """A thread that makes calls behind the gate. Made in that thread."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.round = turns, 0  # of its pool, and its round in line
        self.call: Call | None = None  # that it makes, until its outcome is published
        self.key: Hashable = None  # of its stretch under way; None between two. By the gate's lock, as the next two
        self.began = self.computed = 0.0  # when that stretch began, and what `clock` said then
        self.is_due = False  # to let others in, after its last call
        clock = time.pthread_getcpuclockid(threading.get_ident())
        self.clock: Callable[[], float] = partial(time.clock_gettime, clock)  # its processor time, for any thread
        self.wake_ups: SimpleQueue[None] = SimpleQueue()  # one when it is the first in line, and when it may enter


class Gate:
    """Safe from any thread. Its fields are written under its lock, but for `_paused`: that is one number."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets everybody: a forked child has none of the threads."""
        self._lock = threading.Lock()
        self._holder: GatedThread | None = None
        self._line: deque[GatedThread] = deque()  # in the order of their rounds
        self._round, self._is_overtaken = 0, False  # another thread came before the first in line, which was woken
        self._last: GatedThread | None = None  # has used up its slice: it overtakes nobody
        self._entered = self._paused = 0.0  # when the holder got the gate, and when the loop was let in
        # Key -> how often in a row it was seen without the GIL, and until when it is known not to need the gate:
        self._seen: dict[Hashable, tuple[int, float]] = {}

    def run(self, thread: GatedThread, call: Call) -> None:
        """Makes the call in `thread`, the current one, as soon as that may. The thread may hold the gate afterwards:
        `leave` is to follow when it has no further call. A stretch is one call, or tiny ones of one function in a row.
        The outcome is to be published when the call is over for the gate, since to wake a loop is a system call without
        the GIL: it would look as if a long call computed without it. If `thread.is_due` then, `let_others_in`."""
        if thread.key != call.key:
            self._begin(thread, call.key)
        call.run()
        now = time.perf_counter()
        took = now - (call.began or now)
        del call  # its error's traceback leads to this frame: it must not lead back
        if now - thread.began > TINY:
            self._end(thread, took)
        thread.is_due = self._holder is thread and (took > TINY or now - self._entered > SLICE)

    def leave(self, thread: GatedThread) -> None:
        """Ends the stretch of `thread`, and lets the next one in if it holds the gate. It is not in line any more."""
        with self._lock:
            thread.key = None
            if self._holder is thread:
                self._open()
            elif thread in self._line:
                self._is_overtaken = self._is_overtaken and self._line[0] is not thread
                self._line.remove(thread)
                self._wake_first()

    def is_needed(self, key: Hashable) -> bool:
        """Returns whether calls of the function with this key are to be made behind the gate."""
        return HAS_GIL and self._seen.get(key, (0, 0.0))[1] <= time.perf_counter()

    def _begin(self, thread: GatedThread, key: Hashable) -> None:
        """Begins a stretch, behind the gate if the function needs that."""
        if not (self.is_needed(key) and self._enter(thread, key)):
            self.leave(thread)
        with self._lock:
            thread.key, thread.computed, thread.began = key, thread.clock(), time.perf_counter()

    def _enter(self, thread: GatedThread, key: Hashable) -> bool:
        """Returns True when the thread holds the gate, False when calls of the function with this key do not need it.
        Each pool has one thread in a round, so that a burst of calls in one delays those of another by one slice."""
        with self._lock:
            thread.key = None  # of its last stretch, which may have been beside the gate
            if self._holder is thread:
                return True
            thread.round = thread.turns.last = max(self._round, thread.turns.last + 1)
            if self._holder is None and self._last is not thread:
                self._is_overtaken = bool(self._line)
                self._round = self._round if self._is_overtaken else thread.round
                self._holder, self._entered = thread, time.perf_counter()
                return True
            place = len(self._line)
            while place > self._is_overtaken and self._line[place - 1].round > thread.round:  # one overtaken is next
                place -= 1
            self._line.insert(place, thread)
        while True:
            with self._lock:
                if self._holder is None and self._line[0] is thread:
                    self._let_first_in()
                if self._holder is thread or not self.is_needed(key):
                    return self._holder is thread
                rest = POLL * (1.0 if self._line[0] is thread else max(1.0, len(self._line) / AWAKE))
            due = time.perf_counter() + rest
            try:
                thread.wake_ups.get(timeout=rest)
            except Empty:
                self._poll(thread, time.perf_counter() - due)

    def _open(self, last: GatedThread | None = None) -> None:
        """Frees the gate and wakes the first in line, with the lock held. If that was overtaken, it has the gate."""
        self._holder, self._last = None, last
        self._wake_first()
        if self._is_overtaken and self._line:
            self._let_first_in()

    def _let_first_in(self) -> None:
        """Gives the gate to the first in line, with the lock held. The next one is then the first."""
        self._holder, self._is_overtaken = self._line.popleft(), False
        self._entered, self._round = time.perf_counter(), self._holder.round
        self._wake_first()

    def _wake_first(self) -> None:
        if self._line:
            self._line[0].wake_ups.put(None)

    def _end(self, thread: GatedThread, took: float) -> None:
        """Ends the stretch. Notes what is seen of its last call, which `took` so many seconds, if that had the gate."""
        with self._lock:
            if self._holder is thread and took > OBSERVABLE:
                self._note(thread.key, int(_has_waited(thread.clock() - thread.computed, took)))
            thread.key = None

    def let_others_in(self, thread: GatedThread, call: Call) -> None:
        """Lets in the loop that has to come for outcomes, and at the end of the slice the next thread in line."""
        now = time.perf_counter()
        due = DUE if now - (call.began or now) > SHORT else 0.0
        if now - self._paused > due and call.loop_is_due(due):
            time.sleep(PAUSE)
            self._paused = time.perf_counter()
        if now - self._entered > SLICE:
            with self._lock:
                if self._holder is thread:
                    thread.key = None
                    self._open(last=thread)

    def _poll(self, thread: GatedThread, late: float) -> None:
        """Called by a thread in line that has woken up `late` seconds after it was to. If it is the first one, it looks
        at the call under way, and enters when that does not need the gate, or has taken too long."""
        with self._lock:
            holder = self._holder
            if holder is None or holder is thread or holder.key is None or self._line[0] is not thread:
                return
            if (seconds := time.perf_counter() - holder.began) < OBSERVABLE:
                return
            if _is_computing(holder):
                self._note(holder.key, OBSERVATIONS)
            elif late > LATE:
                self._note(holder.key, 0)
            elif seconds > POLL / 2 and _has_waited(holder.clock() - holder.computed, seconds):
                self._note(holder.key, 1)
            if seconds > LONGEST_CALL or not self.is_needed(holder.key):
                self._let_first_in()
                holder.key = None

    def _note(self, key: Hashable, observations: int) -> None:
        """Counts so many observations of a function without the GIL, 0 for one with it. One confirms what was known."""
        if key not in self._seen and len(self._seen) >= MOST_KNOWN:
            self._seen.clear()
        before, free_until = self._seen.get(key, (0, 0.0))
        count = before + observations if observations else 0
        if count >= OBSERVATIONS:
            count, free_until = OBSERVATIONS - 1, time.perf_counter() + KNOWN
            for thread in self._line:
                thread.wake_ups.put(None)  # it may not need the gate any more
        self._seen[key] = count, free_until


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
