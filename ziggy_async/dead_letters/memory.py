"""Dead letters in memory, where they end with their process."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable

from ziggy_async.dead_letters.letter import DeadLetter


class MemoryLetters:
    """The newest letters, each with the work itself, so that any of them can be requeued. Safe from any thread.

    Age is that of the monotonic clock: a wall clock that is set wrong removes nothing.
    """

    def __init__(self, most: int, keep: float) -> None:
        """`most`: the most letters. `keep`: the most seconds that one is kept."""
        self.evicted = 0
        """Letters that were removed because they were too many or too old."""
        self._most = most
        self._keep = keep
        self._lock = threading.Lock()
        self._letters: OrderedDict[str, tuple[DeadLetter, float]] = OrderedDict()  # with when it came; by _lock

    def letters(self) -> list[DeadLetter]:
        """Returns all, in the order in which they came."""
        self._evict()
        with self._lock:
            return [letter for letter, _ in self._letters.values()]

    def get(self, id: str) -> DeadLetter | None:
        self._evict()
        letter, _ = self._letters.get(id, (None, 0.0))
        return letter

    def __len__(self) -> int:
        self._evict()
        return len(self._letters)

    def put(self, letters: Iterable[DeadLetter]) -> None:
        now = time.monotonic()
        with self._lock:
            self._letters.update((letter.id, (letter, now)) for letter in letters)
        self._evict()

    def take(self, id: str) -> DeadLetter | None:
        """Removes a letter and returns it; None when it is not there."""
        with self._lock:
            letter, _ = self._letters.pop(id, (None, 0.0))
            return letter

    def discard(self, id: str) -> bool:
        """Removes a letter. Returns whether it was there."""
        return self.take(id) is not None

    def _evict(self) -> None:
        """Removes the oldest of what is too many, and what is too old."""
        earliest = time.monotonic() - self._keep
        with self._lock:
            while self._letters:
                oldest, (_, came) = next(iter(self._letters.items()))
                if came >= earliest and len(self._letters) <= self._most:
                    break
                del self._letters[oldest]
                self.evicted += 1
