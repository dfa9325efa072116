"""Tasks that will not run again by themselves, and why: at most 10,000 of the last seven days.

A letter keeps what it takes to run its task once more. Letters live in memory; with a `LetterFile` they live in SQLite,
where they survive their process and are shared by all processes that name the same file.
"""

import asyncio
import os
import sys
import threading
import time
import weakref
from bisect import bisect_left, insort
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from ziggy_async.queueing.work import Attempt, Reason, Work
from ziggy_async.runtime.cross_loop import Late, outcome_of

if TYPE_CHECKING:
    from ziggy_async.dead_letters.sqlite import LetterFile

T = TypeVar("T")

MOST = 10_000
KEEP = timedelta(days=7)
SLICE = 0.00025
"""Seconds of requeueing before others have their turn of the loop."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead task.

    `id` is unique across processes, and sorts by time. `function` is "module:qualname" if the callable can be imported
    by that name. `work` is there only while the letter lives in memory.
    """

    id: str
    task_id: str
    operation: str
    reason: Reason
    attempts: tuple[Attempt, ...]
    died_at: datetime
    requeued_from: str | None = None
    function: str | None = None
    can_requeue: bool = True
    why_not: str | None = None
    work: Work | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything but `work`, as plain JSON values; times in ISO 8601, UTC."""
        return {
            "id": self.id,
            "task_id": self.task_id,
            "operation": self.operation,
            "reason": self.reason.value,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "died_at": self.died_at.isoformat(),
            "requeued_from": self.requeued_from,
            "function": self.function,
            "can_requeue": self.can_requeue,
            "why_not": self.why_not,
        }


Letters: TypeAlias = list[DeadLetter]  # inside DeadLetters, `list` is its method


@dataclass(frozen=True, slots=True)
class Requeued(Generic[T]):
    """What `requeue_all` did, by the ids of the letters, oldest first."""

    requeued: dict[str, T]
    failed: dict[str, Exception]


class DeadLetters(Generic[T]):
    """The dead tasks of one queue.

    `list`, `get`, `len` and `stats` read memory and may be called from any thread; the coroutines belong to one loop at
    a time. Without a file a letter holds the callable itself, and any of them can be requeued. For a file see
    `LetterFile`: there the answer whether a letter can be requeued is the same in all processes.
    """

    def __init__(
        self,
        requeue: Callable[[Work, str], Awaitable[T]],
        file: "LetterFile | None" = None,
        *,
        most: int = MOST,
        keep: timedelta = KEEP,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`requeue(work, id of the letter)` queues a task again; `Late` when it has, but was cancelled meanwhile.
        `clock`: seconds since the epoch.

        `ValueError` unless `most` >= 1 and `keep` is above 0.
        """
        self._requeue = requeue
        self._clock = clock
        self._shelf = Shelf(most, keep, clock)
        self._store: _Memory | LetterFile = file if file is not None else _Memory()
        self._store.attach(self._shelf)
        self._last_time = 0
        self._counts = dict.fromkeys(("buried", "requeued", "discarded"), 0)

    async def open(self) -> None:
        """Loads what the file holds, off the loop; without a file, nothing. Idempotent.

        `OSError` or `ValueError` that names the file when letters cannot be kept there.
        """
        await self._store.open()

    async def close(self) -> None:
        """Lets go of the file. What was listed still is; the next use opens it again. What cannot be written by now is
        lost with this process, and logged with the ids of its tasks."""
        await self._store.close()

    def let_go(self) -> None:
        """`close`, for who cannot wait for it: it is done in the file's thread."""
        self._store.let_go()

    async def refresh(self) -> None:
        """Learns what other processes have done to a shared file; without a file, nothing. `OSError` as `requeue`."""
        await self._store.refresh()

    async def bury(
        self, work: Work, reason: Reason, attempts: Iterable[Attempt], requeued_from: str | None = None
    ) -> DeadLetter:
        """Returns when the letter is stored: with a file, when a `kill -9` cannot lose it any more.

        A file that cannot be written raises nothing here: the letter stays in memory, is counted as unsaved, and is
        written together with the next one. Being cancelled stops the waiting, not the burial.

        Nor does it end before the file has failed: who waits for it, as the handle of a dead task does, is promised
        that the letter is kept, and a file that another process has locked holds it for up to 5 s. Those that come
        after a failure are held for 0.1 s each, or all that come meanwhile together. A stop of the queue waits as long,
        also beyond its timeout, tries once more, and logs each letter that is lost.
        """
        return await outcome_of(self.put(work, reason, attempts, requeued_from))

    def put(
        self, work: Work, reason: Reason, attempts: Iterable[Attempt], requeued_from: str | None = None
    ) -> "Future[DeadLetter]":
        """Begins `bury`, which then needs no loop. The future is done in whatever thread stores the letter."""
        now = self._clock()
        letter = DeadLetter(
            id=self._new_id(now),
            task_id=work.task_id,
            operation=work.operation,
            reason=Reason(reason),
            attempts=tuple(attempts),
            died_at=datetime.fromtimestamp(now, UTC),
            requeued_from=requeued_from,
            function=importable_name(work.function),
            work=work,
        )
        self._counts["buried"] += 1
        return self._store.put_back(letter)

    def list(self, limit: int | None = None, offset: int = 0, reason: Reason | str | None = None) -> Letters:
        """The letters, oldest first: of those with `reason`, `limit` from `offset` on. `ValueError` for others."""
        if offset < 0 or (limit is not None and limit < 0):
            raise ValueError(f"limit {limit!r}, offset {offset!r}: a negative number of letters")
        wanted = _reason(reason)
        self._store.evict()
        letters = self._shelf.letters()
        if wanted is not None:
            letters = [letter for letter in letters if letter.reason is wanted]
        return letters[offset:] if limit is None else letters[offset : offset + limit]

    def get(self, id: str) -> DeadLetter:
        """`KeyError` that names the id when there is no such letter."""
        self._store.evict()
        letter = self._shelf.get(id)
        if letter is None:
            raise unknown(id)
        return letter

    async def requeue(self, id: str) -> T:
        """Takes the letter away and queues its task again: what the queue returned.

        When the queue refuses, or this is cancelled before it accepts, the letter is back; cancelled later, the letter
        is gone and the task queued. From one file a letter is taken once, whatever
        number of processes try. `KeyError` when it is not there (any more); `ValueError` that says why when it cannot
        be requeued, and it stays; `OSError` when the file cannot be used now, and it stays.
        """
        letter = await self._store.claim(id)
        assert letter.work is not None
        try:
            outcome = await self._requeue(letter.work, id)
        except Late:
            self._counts["requeued"] += 1
            raise asyncio.CancelledError from None
        except Exception:
            await outcome_of(self._store.put_back(letter))
            raise
        except BaseException:  # cancelled, or thrown away with its loop: no time to wait
            self._store.put_back(letter)
            raise
        self._counts["requeued"] += 1
        return outcome

    async def requeue_all(self, reason: Reason | str | None = None) -> Requeued[T]:
        """Requeues every letter that is there now, or those with `reason`, oldest first.

        One that cannot be requeued stays, is among the `failed`, and does not stop the others. One that somebody else
        takes meanwhile is in neither. The loop goes on meanwhile, however many there are.
        """
        await self.refresh()
        done: Requeued[T] = Requeued({}, {})
        until = time.perf_counter() + SLICE
        for letter in self.list(reason=reason):
            try:
                done.requeued[letter.id] = await self.requeue(letter.id)
            except Exception as error:
                if self._shelf.get(letter.id) is not None:
                    done.failed[letter.id] = error
            if time.perf_counter() > until:
                await asyncio.sleep(0)  # requeueing need not wait for anything
                until = time.perf_counter() + SLICE
        return done

    async def discard(self, id: str) -> bool:
        """Removes the letter for good. False when it was not there. `OSError` as `requeue`."""
        was_there = await self._store.discard(id)
        self._counts["discarded"] += was_there
        return was_there

    def __len__(self) -> int:
        self._store.evict()
        return len(self._shelf)

    def __bool__(self) -> bool:
        return True  # it is there, even when it is empty

    @property
    def evicted(self) -> int:
        """Letters that this process has removed because they were too many or too old."""
        self._store.evict()
        return self._store.evicted

    def stats(self) -> dict[str, int]:
        """`letters` and of them `unsaved` (not in the file, though there is one); and what this process has done:
        `buried`, `requeued`, `discarded`, `evicted`."""
        letters = len(self)
        return {"letters": letters, "unsaved": self._store.unsaved, **self._counts, "evicted": self._store.evicted}

    def _new_id(self, now: float) -> str:
        """Rises even while the clock stands still or is set back."""
        self._last_time = max(self._last_time + 1, int(now * 1e6))
        return f"{_id_time(self._last_time)}-{os.urandom(6).hex()}"


class Shelf:
    """Letters in memory, oldest first, and the limits that hold for them. Safe from any thread."""

    def __init__(self, most: int, keep: timedelta, clock: Callable[[], float]) -> None:
        if most < 1:
            raise ValueError(f"most: {most!r} is not a number of letters of at least 1")
        if keep <= timedelta(0):
            raise ValueError(f"keep: {keep!r} is not above 0")
        self.most = most
        self._keep = keep.total_seconds()
        self._clock = clock
        self._lock = threading.Lock()
        self._letters: dict[str, DeadLetter] = {}  # by _lock
        self._ids: list[str] = []  # the same, sorted; by _lock
        _shelves.add(self)

    def first_id(self) -> str:
        """Every letter whose id sorts before this one is too old."""
        return _id_time(max(0, int((self._clock() - self._keep) * 1e6)))

    def add(self, letter: DeadLetter) -> None:
        with self._lock:
            if letter.id not in self._letters:
                insort(self._ids, letter.id)
            self._letters[letter.id] = letter

    def get(self, id: str) -> DeadLetter | None:
        return self._letters.get(id)

    def remove(self, id: str) -> DeadLetter | None:
        with self._lock:
            letter = self._letters.pop(id, None)
            if letter is not None:
                del self._ids[bisect_left(self._ids, id)]
            return letter

    def replace(self, letters: Iterable[DeadLetter]) -> None:
        with self._lock:
            self._letters = {letter.id: letter for letter in letters}
            self._ids = sorted(self._letters)

    def evict(self) -> Sequence[str]:
        """Removes what is too old, then the oldest of what is too many; returns their ids."""
        with self._lock:
            surplus = max(len(self._ids) - self.most, bisect_left(self._ids, self.first_id()))
            if surplus <= 0:
                return ()
            gone, self._ids = self._ids[:surplus], self._ids[surplus:]
            for letter_id in gone:
                del self._letters[letter_id]
            return gone

    def letters(self) -> list[DeadLetter]:
        with self._lock:
            return [self._letters[letter_id] for letter_id in self._ids]

    def __len__(self) -> int:
        return len(self._letters)

    def after_fork_in_child(self) -> None:
        self._lock = threading.Lock()


class _Memory:
    """Where letters are without a file: on the shelf. The methods are those of `LetterFile`."""

    unsaved = 0

    def __init__(self) -> None:
        self.evicted = 0

    def attach(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def let_go(self) -> None:
        pass

    async def refresh(self) -> None:
        pass

    def put_back(self, letter: DeadLetter) -> "Future[DeadLetter]":
        self._shelf.add(letter)
        self.evict()
        saved: Future[DeadLetter] = Future()
        saved.set_result(letter)
        return saved

    def evict(self) -> None:
        self.evicted += len(self._shelf.evict())

    async def claim(self, id: str) -> DeadLetter:
        self.evict()
        letter = self._shelf.remove(id)
        if letter is None:
            raise unknown(id)
        return letter

    async def discard(self, id: str) -> bool:
        return self._shelf.remove(id) is not None


def importable_name(function: Callable[..., Any]) -> str | None:
    """ "module:qualname" when that leads back to this very object, else None."""
    try:
        module, name = function.__module__, function.__qualname__
        found: Any = sys.modules[module]
        for part in name.split("."):
            found = getattr(found, part)
    except Exception:  # callables may have any attributes, and modules a __getattr__
        return None
    return f"{module}:{name}" if found is function else None


def unknown(id: str) -> KeyError:
    return KeyError(f"there is no dead letter {id!r}")


def _reason(reason: Reason | str | None) -> Reason | None:
    try:
        return None if reason is None else Reason(reason)
    except ValueError:
        raise ValueError(f"reason: {reason!r} is none of {', '.join(Reason)}") from None


def _id_time(microseconds: int) -> str:
    """The part of an id that sorts by time."""
    return f"{microseconds:014x}"


_shelves: "weakref.WeakSet[Shelf]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for shelf in list(_shelves):
        shelf.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
