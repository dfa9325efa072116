"""Threads that compute in Python take turns, so that the event loops beside them get the GIL.

Who wants the GIL asks for it after 5 ms only, and each time another thread takes it meanwhile these begin anew: a loop
beside eight threads at calls of 0.15 ms was late by 9 ms (95th percentile). So a thread that has computed for a while
waits until the loop has come for its result; and no more of them go on at once than there are processors, or fewer if
the loop comes late all the same. It was then late by 0.2 to 0.9 ms, for a third of the throughput.

Threads whose calls wait for something else have nothing to do with it, however many they are.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

LONG, STRETCH, MOMENT = 1e-4, 1e-3, 1e-6
"""Seconds: a thread rests after a call this long, and after a stretch of shorter ones; for a moment at least, enough to
hand over the GIL."""
COMPUTES = 0.5
"""Share of the processor in a stretch from which on the thread counts as computing."""
PATIENCE = 5e-3
"""Seconds after which a thread goes on in any case: the loop may be busy by itself, others may compute for seconds."""
LATE = 5e-4
"""Seconds: a loop that comes later for a result has been kept waiting. Undisturbed it takes 0.1 ms."""
FIRST_TRY, LAST_TRY = 100, 1600
"""Prompt results before one more thread may go on: at first, and after ever more tries that were in vain."""


class Turns:
    """How many threads may compute at once: fewer when the loop comes late, more while it comes promptly and some wait.

    Safe from any thread.
    """

    def __init__(self, limit: int) -> None:
        """`limit`: the most there may ever be, and as many at the beginning, when nothing is known."""
        self._limit = limit
        self._lock = threading.Lock()
        # All by _lock:
        self._most = limit
        self._inside = 0
        self._waiting: deque[threading.Lock] = deque()
        self._prompt = 0  # results in a row
        self._needed = FIRST_TRY

    @property
    def most(self) -> int:
        return self._most

    def enter(self) -> None:
        """Waits for a turn, and takes one in any case when its patience is over."""
        with self._lock:
            if self._inside < self._most:
                self._inside += 1
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=PATIENCE):
            return
        with self._lock:
            if mine in self._waiting:
                self._waiting.remove(mine)
                self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            self._admit()

    def judge(self, late: float) -> None:
        """The loop has come for a result after so many seconds."""
        with self._lock:
            if late > LATE:
                if self._most > 1:
                    self._most //= 2
                    self._needed = min(2 * self._needed, LAST_TRY)
                self._prompt = 0
            elif self._waiting and self._most < self._limit:
                self._prompt += 1
                if self._prompt >= self._needed:
                    self._most += 1
                    self._prompt = 0
                    self._admit()

    def _admit(self) -> None:
        while self._waiting and self._inside < self._most:
            self._inside += 1
            self._waiting.popleft().release()


class Pace:
    """One thread's, from its first call to when it has none."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._has_turn = False
        self._begin()

    def _begin(self) -> None:
        self._began = self._last = time.perf_counter()
        self._computed = time.thread_time()

    def is_over(self) -> bool:
        """To be asked after each call: whether the thread has worked for long enough to rest."""
        now = time.perf_counter()
        last, self._last = self._last, now
        return now - last > LONG or now - self._began > STRETCH

    def rest(self, is_taken: Callable[[], bool]) -> None:
        """`is_taken`: whether the loop has come for the last result."""
        ended = time.perf_counter()
        computes = time.thread_time() - self._computed > COMPUTES * (ended - self._began)
        time.sleep(MOMENT)
        if computes:
            while not is_taken() and time.perf_counter() - ended < PATIENCE:
                time.sleep(MOMENT)
            self._turns.judge(time.perf_counter() - ended)
        self.end()
        if computes:
            self._turns.enter()
            self._has_turn = True
        self._begin()

    def end(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._turns.leave()
