"""Threads that hold the GIL take turns, so that the event loops beside them get it.

Who wants the GIL asks the thread that has it after 5 ms, and may then lose it to a third one, again and again: beside
eight threads a loop was late by 6 ms with calls of 0.15 ms, by 55 with such of 1.5 ms, by 127 with such of 15 ms (95th
percentiles of pings). So there is one turn, and whoever has it lets the loop come for its result before the next one
begins: two then want the GIL, and no more.

A call that does not hold the GIL, because it waits or computes without it, needs no turn. Which those are is seen: a
thread that waits for its turn, wakes and has the GIL while the other is inside of its call, has seen that the other has
not; and a call that took little of the processor has waited. It is known by the function then, for a while.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from functools import partial

LONG, STRETCH, MOMENT = 1e-4, 1e-3, 1e-6
"""Seconds: a turn ends after a call this long, or after a stretch of shorter ones of one function; then the thread
rests, for a moment at least, enough to hand over the GIL."""
LONGEST_REST = 1e-3
"""Seconds that it rests at most: a loop that has not come by then is busy by itself."""
LONGEST_TURN = 0.1
"""Seconds after which others begin beside a call that holds the GIL: it may go on for minutes."""
LOOK = 1e-3
"""Seconds after which a thread that waits looks whether the GIL is free."""
SIGHTINGS = 3
"""In a row: a call that holds it may let go of it for a moment, to write a line somewhere, is made to every 5 ms, and
may have had no processor."""
WAITS = 0.02
"""Share of the processor below which a call has waited; fifty threads that share the GIL have as much each."""
KNOWN = 1.0
"""Seconds for which it is known that calls of a function need no turn."""
MOST_KNOWN = 1000

HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()


class Row:
    """What was seen of one function last."""

    def __init__(self) -> None:
        self._kind: Hashable = None
        self._times = 0

    def add(self, kind: Hashable, is_free: bool) -> bool:
        """Whether it was without the GIL often enough, without a break."""
        if kind != self._kind:
            self._kind, self._times = kind, 0
        self._times = self._times + 1 if is_free else 0
        return self._times >= SIGHTINGS


class Turns:
    """The turn of a pool's threads, and who waits for it. Safe from any thread."""

    def __init__(self, is_needed: bool = True) -> None:
        """`is_needed`: whether any of the calls may hold the GIL."""
        self._is_needed = is_needed and HAS_GIL
        self.clear()

    def clear(self) -> None:
        """Nobody is there: a forked child has none of the threads."""
        self._lock = threading.Lock()
        # All by _lock:
        self._holder: Pace | None = None
        self._since = 0.0
        self._waiting: deque[Pace] = deque()
        self._looks = Row()
        self._calls = Row()
        self._looked = 0.0
        self._free: dict[Hashable, float] = {}  # until when

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def is_free(self, kind: Hashable) -> bool:
        """Whether calls of this kind need no turn."""
        return not self._is_needed or self._free.get(kind, 0.0) > time.perf_counter()

    def enter(self, pace: "Pace") -> None:
        """Returns when it is this thread's turn, or when its call needs none."""
        with self._lock:
            if self._holder is None:
                self._give(pace)
                return
            self._waiting.append(pace)
        patience = LOOK
        while not pace.wait(patience):
            late = time.perf_counter() - pace.due
            with self._lock:
                self._look(late)
                patience = LOOK if self._waiting and self._waiting[0] is pace else LONGEST_TURN

    def leave(self, pace: "Pace") -> None:
        with self._lock:
            if self._holder is pace:  # else its turn was over before
                self._pass_on()

    def ended(self, kind: Hashable, has_waited: bool) -> None:
        """A call of this kind that had the turn."""
        with self._lock:
            if self._calls.add(kind, has_waited):
                self._let_go(kind)

    # With the lock held:

    def _give(self, pace: "Pace") -> None:
        self._holder, self._since = pace, time.perf_counter()
        pace.has_turn = True

    def _pass_on(self) -> None:
        self._holder = None
        if self._waiting:
            pace = self._waiting.popleft()
            self._give(pace)
            pace.wake()

    def _look(self, late: float) -> None:
        """Somebody who waits has the GIL, and got it so late."""
        holder, now = self._holder, time.perf_counter()
        if holder is None:
            return
        if now - self._since > LONGEST_TURN:
            self._pass_on()
            return
        is_held = late > LOOK / 2
        if is_held or (holder.is_inside and now - self._looked > LOOK / 2):
            self._looked = now
            if self._looks.add(holder.kind, not is_held):
                self._let_go(holder.kind)

    def _let_go(self, kind: Hashable) -> None:
        """Calls of this kind need no turn for a while."""
        if len(self._free) >= MOST_KNOWN:
            self._free.clear()
        self._free[kind] = time.perf_counter() + KNOWN
        self._looks, self._calls = Row(), Row()
        for pace in [pace for pace in self._waiting if pace.kind == kind]:
            self._waiting.remove(pace)
            pace.wake()
        if self._holder is not None and self._holder.kind == kind:
            self._pass_on()


class Pace:
    """One thread's, which tells it of each call before and after."""

    __slots__ = ("_awake", "_began", "_computed", "_last", "_turns", "due", "has_turn", "is_inside", "kind")

    def __init__(self, turns: Turns) -> None:
        self.kind: Hashable = None  # of the stretch of calls under way
        self.has_turn = False  # or has had it when the stretch began
        self.is_inside = False  # of a call
        self.due = 0.0
        self._turns = turns
        self._awake = threading.Lock()
        self._awake.acquire()
        self._began = self._last = self._computed = 0.0

    def before(self, kind: Hashable) -> None:
        """Waits for a turn if a call of this kind needs one. Short calls of one kind are one stretch."""
        if kind != self.kind:
            self.end()
            self.kind = kind
            if not self._turns.is_free(kind):
                self._turns.enter(self)
            self._began = self._last = time.perf_counter()
            self._computed = time.thread_time()
        self.is_inside = True

    def after(self, taken: Callable[[], bool]) -> None:
        """At the end of a stretch the thread rests until its result is `taken`, and the turn is another one's."""
        now = time.perf_counter()
        last, self._last = self._last, now
        if now - last <= LONG and now - self._began <= STRETCH:
            return
        if self.has_turn:
            has_waited = time.thread_time() - self._computed < WAITS * (now - self._began)
            self._turns.ended(self.kind, has_waited)
            if not has_waited:
                self._rest(now, taken)
        self.end()

    def _rest(self, began: float, taken: Callable[[], bool]) -> None:
        time.sleep(MOMENT)
        while not taken() and time.perf_counter() - began < LONGEST_REST:
            time.sleep(MOMENT)

    def end(self) -> None:
        """There is no next call, or none in this stretch."""
        self.kind = None
        self.is_inside = False
        if self.has_turn:
            self.has_turn = False
            self._turns.leave(self)

    def lose(self) -> None:
        """From any thread: the turn is another one's, though the call goes on."""
        self._turns.leave(self)

    def wait(self, seconds: float) -> bool:
        """For its turns: whether they have woken it."""
        self.due = time.perf_counter() + seconds
        return self._awake.acquire(timeout=seconds)

    def wake(self) -> None:
        self._awake.release()


def kind_of(function: Callable[..., object]) -> Hashable:
    """The same for all calls of one function; by chance for others too, which does no harm but to speed."""
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", None)
    return id(code) if code is not None else name if isinstance(name, str) else id(type(function))
