"""Dead letters in memory, where they end with their process."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta

from ziggy_async.dead_letters.letter import DeadLetter, StoredLetter

MOST = 10_000
KEEP = timedelta(days=7)
NONE: tuple[None, float] = None, 0.0


class MemoryStore:
    """The newest letters, each with the work itself, so that any of them can be requeued.

    Age is that of the monotonic clock: a wall clock that is set wrong removes nothing. `letters`, `get` and `len` may
    be called from any thread; the other methods by one thread at a time.
    """

    is_slow = False
    """Whether its methods wait for a disk, so that they are called in a thread of their own."""

    def __init__(self, most: int = MOST, keep: timedelta = KEEP) -> None:
        self.evicted = 0
        """Letters that this process has removed because they were too many or too old."""
        self.unsaved: dict[str, StoredLetter] = {}
        """Letters that are not in the file, though there is one."""
        self._most = most
        self._keep = keep.total_seconds()
        self._lock = threading.Lock()
        self._letters: OrderedDict[str, tuple[DeadLetter, float]] = OrderedDict()  # sorted, with when it came; by _lock

    def letters(self) -> list[DeadLetter]:
        """Returns all, oldest first."""
        self._evict()
        with self._lock:
            return [letter for letter, _ in self._letters.values()]

    def get(self, id: str) -> DeadLetter | None:
        self._evict()
        return self._letters.get(id, NONE)[0]

    def __len__(self) -> int:
        self._evict()
        return len(self._letters)

    def put(self, letters: list[DeadLetter]) -> list[DeadLetter]:
        """Keeps the letters and returns them as they are listed."""
        self._list(letters)
        self._evict()
        return letters

    def take(self, id: str) -> DeadLetter:
        """Removes a letter and returns it with its work.

        Raises `KeyError` when it is not there; of a file also `ValueError` when it cannot be requeued, and `OSError`
        when the file cannot be used.
        """
        if (letter := self._unlist(id)) is None:
            raise no_such_letter(id)
        return letter

    def discard(self, id: str) -> bool:
        """Removes a letter. Returns whether it was there."""
        return self._unlist(id) is not None

    def refresh(self) -> None:
        """Lists what other processes have put and taken meanwhile."""

    def close(self) -> None:
        """Lets go of the file, until the next use."""

    def _evict(self) -> None:
        """Removes what is too old, and the oldest of what is too many."""
        earliest = time.monotonic() - self._keep
        with self._lock:
            while self._letters:
                oldest, (_, came) = next(iter(self._letters.items()))
                if came >= earliest and len(self._letters) <= self._most:
                    break
                del self._letters[oldest]
                self.evicted += 1

    def _list(self, letters: Iterable[DeadLetter], anew: bool = False) -> None:
        """Lists the letters beside those that are there, or with `anew` instead of them."""
        now = time.monotonic()
        added = {letter.id: (letter, now) for letter in letters}
        with self._lock:
            if anew:
                self._letters.clear()
            ids = [next(reversed(self._letters), ""), *added]
            self._letters |= added
            if ids != sorted(ids):  # one is back from a queue that refused it
                self._letters = OrderedDict(sorted(self._letters.items()))

    def _unlist(self, id: str) -> DeadLetter | None:
        with self._lock:
            return self._letters.pop(id, NONE)[0]


def no_such_letter(id: str) -> KeyError:
    return KeyError(f"there is no dead letter {id!r}")
