"""Threads that compute in Python take turns, so that the event loops beside them get the GIL.

Who wants the GIL asks for it after 5 ms only, and each time another thread takes it meanwhile these begin anew: a loop
beside eight threads was late by 9 ms with calls of 0.15 ms, and by 5 ms with such of 1.5 ms (95th percentiles). So a
thread that has computed for a while waits until the loop has come for its result; and no more of them go on at once
than there are processors, or fewer if the loop comes late all the same. It was then late by 0.2 and 0.05 ms, for a
quarter and a twentieth of the throughput.

Threads whose calls wait for something else have nothing to do with it, however many they are. Which calls compute is
known by their function, once one has been seen.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

LONG, STRETCH, MOMENT = 1e-4, 1e-3, 1e-6
"""Seconds: a thread looks up after a call this long, and after a stretch of shorter ones; if it has computed it rests,
for a moment at least, enough to hand over the GIL."""
COMPUTES = 0.5
"""Share of the processor in a stretch from which on calls of its kind count as computing."""
LOOP_PATIENCE, TURN_PATIENCE = 5e-3, 25e-3
"""Seconds after which a thread goes on in any case: the loop may be busy by itself, others may compute for seconds."""
LATE = 5e-4
"""Seconds: a loop that comes later for a result has been kept waiting. Undisturbed it takes 0.1 ms."""
WEIGHT, TOO_LATE = 20, -40
"""So many prompt results outweigh one that was late, which is a twentieth, as of a 95th percentile; and the sum from
which on there are too many late ones, two at least."""
FIRST_TRY, LAST_TRY = 100, 1600
"""The sum from which on one more thread may go on: at first, and after ever more tries that were in vain."""
MOST_KINDS = 1000
"""Kinds of computing calls that are remembered."""


class Turns:
    """How many threads may compute at once: fewer when the loop comes late, more while it comes promptly and some wait.

    Safe from any thread.
    """

    def __init__(self, limit: int) -> None:
        """`limit`: the most there may ever be, and as many at the beginning, when nothing is known."""
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Nobody is inside or waits, and nothing is known: a forked child has none of these threads."""
        self._lock = threading.Lock()
        # All by _lock:
        self._most = self._limit
        self._inside = 0
        self._waiting: deque[threading.Lock] = deque()
        self._sum = 0  # of results since the number changed: prompt ones less late ones, by their weight
        self._needed = FIRST_TRY
        self._computing: set[str] = set()

    @property
    def most(self) -> int:
        return self._most

    def computes(self, kind: str) -> bool:
        """Whether the last calls of this kind computed, as far as is known."""
        return kind in self._computing

    def note(self, kind: str, computes: bool) -> None:
        if computes == (kind in self._computing):
            return
        with self._lock:
            if not computes:
                self._computing.discard(kind)
                return
            if len(self._computing) >= MOST_KINDS:
                self._computing.clear()
            self._computing.add(kind)

    def enter(self) -> None:
        """Waits for a turn, and takes one in any case when its patience is over."""
        with self._lock:
            if self._inside < self._most:
                self._inside += 1
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=TURN_PATIENCE):
            return
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside = max(0, self._inside - 1)  # in a forked child the thread that had a turn was not counted
            self._admit()

    def judge(self, late: float) -> None:
        """The loop has come for a result after so many seconds."""
        with self._lock:
            self._sum = min(self._sum + (-WEIGHT if late > LATE else 1), self._needed)
            if self._sum <= TOO_LATE:
                self._sum = 0
                if self._most > 1:
                    self._most = max(1, min(self._most, self._inside) // 2)
                    self._needed = min(2 * self._needed, LAST_TRY)
            elif self._sum == self._needed and self._waiting and self._most < self._limit:
                self._sum = 0
                self._most += 1
                self._admit()
            elif self._sum == self._needed and self._most > 1:
                self._needed = FIRST_TRY  # the last try was not in vain

    def _admit(self) -> None:
        while self._waiting and self._inside < self._most:
            self._inside += 1
            self._waiting.popleft().release()


class Pace:
    """Of one thread: it is told of each call before and after."""

    __slots__ = ("_began", "_computed", "_has_turn", "_is_under_way", "_last", "_turns")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._has_turn = False
        self._is_under_way = False  # a stretch of calls
        self._began = self._last = self._computed = 0.0

    def before(self, kind: str) -> None:
        """Waits for a turn, if calls of this kind compute and it has none."""
        if self._is_under_way:
            return
        if self._turns.computes(kind):
            self._turns.enter()
            self._has_turn = True
        self._is_under_way = True
        self._began = self._last = time.perf_counter()
        self._computed = time.thread_time()

    def after(self, kind: str, taken: Callable[[], float | None]) -> None:
        """Has the thread rest, when it has computed for long enough, until its result is `taken`: that says when."""
        now = time.perf_counter()
        last, self._last = self._last, now
        if now - last <= LONG and now - self._began <= STRETCH:
            return
        computes = time.thread_time() - self._computed > COMPUTES * (now - self._began)
        self._turns.note(kind, computes)
        if computes:
            time.sleep(MOMENT)
            while (at := taken()) is None and time.perf_counter() - now < LOOP_PATIENCE:
                time.sleep(MOMENT)
            self._turns.judge(LOOP_PATIENCE if at is None else at - now)
        self.end()

    def end(self) -> None:
        """There is no next call, or not in this stretch."""
        self._is_under_way = False
        if self._has_turn:
            self._has_turn = False
            self._turns.leave()


def kind_of(function: Callable[..., object]) -> str:
    """Calls of one function are of one kind."""
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__qualname__
