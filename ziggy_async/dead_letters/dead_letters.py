"""The dead letters of a queue: what they tell, and how their tasks are queued again."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from ziggy_async import lifecycle
from ziggy_async.dead_letters.letter import ID_AT, KEEP, MOST, DeadLetter, importable_name
from ziggy_async.messages import printable, shown
from ziggy_async.queueing.options import Attempt, Reason, Work
from ziggy_async.runtime.cross_loop import CancelledAfterResult, outcome_of

logger = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

Letters: TypeAlias = list[DeadLetter]  # inside DeadLetters, `list` is its method


class Requeued(NamedTuple, Generic[T]):
    """The result of `requeue_all`, by the ids of the letters, oldest first."""

    requeued: dict[str, T]
    failed: dict[str, Exception]


class DeadLetters(Generic[T]):
    """The dead tasks of one queue: the newest 10,000, for seven days at least, in memory or in an SQLite file.

    The file outlives a `kill -9`; `LetterFile` says who has to own it, and what happens to a damaged one. It keeps
    work as JSON (an importable function, JSON arguments), which any process can requeue; other work is pickled, for the
    process that wrote it alone unless `ASYNC_FEATURES_TRUST_PICKLES` is set. Letters that cannot be written are in
    memory until the next one is. What is too old goes when the next letter comes, or at a `refresh`. `list`, `get`,
    `len` and `stats` read memory, from any thread; the coroutines belong to one loop at a time.
    """

    def __init__(
        self,
        requeue: Callable[[Work, str], Awaitable[T]],
        path: str | os.PathLike[str] | None = None,
        *,
        trust_pickles: bool = False,
    ) -> None:
        """`requeue(work, id of the letter)` queues a task again. Raises `CancelledAfterResult` when it has
        done so, but was cancelled meanwhile. `path`: the file, which is made when it is first used."""
        self._requeue = requeue
        self._unsaved: dict[str, DeadLetter] = {}  # the letters that are in no file, with their work
        self._failed: dict[str, str] = {}  # those that could not be written, and why: they wait for the next one
        self._counts = {"added": 0, "requeued": 0, "discarded": 0, "evicted": 0}
        self._last_time = 0
        self._thread: ThreadPoolExecutor | None = None  # of the file
        self._one_job_lock = threading.Lock()  # after `close` the old thread may still run while a new one starts
        self._file = None
        if path is not None:
            from ziggy_async.dead_letters.sqlite import LetterFile  # and with it sqlite3, which most have no use for

            self._file = LetterFile(path, trust_pickles)
            # A forked child would find SQLite's locks in memory held for good, and those in the file not held.
            lifecycle.close_before_fork(self._file, self._one_job_lock)

    def __repr__(self) -> str:
        return f"<DeadLetters letters={len(self)}>"

    def __len__(self) -> int:
        return len({*self._unsaved, *self._saved})  # one may be in both; in this order, it is in one at least

    async def refresh(self) -> None:
        """Lists what is in the file now. Raises `OSError` or `ValueError` that names the file if it cannot be used."""
        await outcome_of(self._submit(self._refresh))

    def close(self) -> "Future[None]":
        """Lets go of the file and the thread until the next use; what was listed still is. The future is done then.
        Letters that cannot be written by now are lost with this process, and logged."""
        closed = self._submit(self._close)
        self._thread = None  # it ends when it has done what it was given
        return closed

    def put(
        self, work: Work, reason: Reason, attempts: Iterable[Attempt], requeued_from: str | None = None
    ) -> "Future[DeadLetter]":
        """Lists a letter of dead work. The future is done, in any thread, when the letter is in the file, where a
        `kill -9` cannot lose it, or when that could not be written for a second. Its result is the listed letter."""
        now = time.time()
        self._last_time = max(self._last_time + 1, int(now * 1e6))  # rises even while the clock is set back
        letter = DeadLetter(
            id=f"{ID_AT.format(self._last_time)}-{os.urandom(6).hex()}",
            task_id=work.task_id,
            operation=work.operation,
            reason=Reason(reason),
            attempts=tuple(attempts),
            died_at=datetime.fromtimestamp(now, UTC),
            requeued_from=requeued_from,
            function=importable_name(work.function),
            work=work,
        )
        self._counts["added"] += 1
        return self._put(letter)

    def list(self, limit: int | None = None, offset: int = 0, reason: Reason | str | None = None) -> Letters:
        """Returns the letters, oldest first: `limit` from `offset` on. `ValueError` for a reason that is none."""
        if offset < 0 or (limit is not None and limit < 0):
            raise ValueError(f"limit {shown(limit)}, offset {shown(offset)}: a negative number of letters")
        if reason is not None and reason not in tuple(Reason):
            raise ValueError(f"reason: {shown(reason)} is none of {', '.join(Reason)}")
        found = {**self._unsaved, **self._saved}  # as in __len__
        return [found[key] for key in sorted(found) if reason in (None, found[key].reason)][offset:][:limit]

    def get(self, id: str) -> DeadLetter:
        """Returns the letter. Raises `KeyError` that names the id when there is none."""
        letter = self._unsaved.get(id) or self._saved.get(id)
        if letter is None:
            raise KeyError(f"there is no dead letter {shown(id)}")
        return letter

    async def requeue(self, id: str) -> T:
        """Takes the letter away, once for all processes that share the file, and queues its task again.

        Returns what the queue returned. When the queue refuses, or this is cancelled before it accepts, the letter is
        back; cancelled later, the letter is gone and the task queued. Raises `KeyError` when the letter is not there;
        `ValueError` that says why when it cannot be requeued, and `OSError` when the file cannot be used: it stays.
        """
        taken = self._submit(self._take, id)
        try:
            letter = await outcome_of(taken)
            assert letter.work is not None
            outcome = await self._requeue(letter.work, id)
        except CancelledAfterResult:
            self._counts["requeued"] += 1
            raise asyncio.CancelledError from None
        except BaseException as error:
            taken.add_done_callback(lambda done: done.exception() or self._put(done.result()))  # once it is taken
            if isinstance(error, Exception):  # else it was cancelled, or thrown away with its loop: no time to wait
                await outcome_of(self._submit(lambda: None))  # comes after its being written
            raise
        finally:
            del taken  # its error's traceback leads to this frame
        self._counts["requeued"] += 1
        return outcome

    async def requeue_all(self, reason: Reason | str | None = None) -> Requeued[T]:
        """Requeues every letter that is there now, or those with `reason`, oldest first. A letter that cannot be
        requeued stays, and is among the `failed`; one that another process takes meanwhile is in neither."""
        await self.refresh()
        done: Requeued[T] = Requeued({}, {})
        for letter in self.list(reason=reason):
            try:
                done.requeued[letter.id] = await self.requeue(letter.id)
            except Exception as error:
                if letter.id in self._unsaved or letter.id in self._saved:
                    done.failed[letter.id] = error
            await asyncio.sleep(0)  # requeueing may wait for nothing, and there may be thousands
        return done

    async def discard(self, id: str) -> bool:
        """Removes the letter for good. Returns whether it was there. Raises `OSError` as `requeue`."""
        was_there = await outcome_of(self._submit(self._discard, id))
        self._counts["discarded"] += was_there
        return was_there

    def stats(self) -> dict[str, int]:
        """Returns `letters` and of them `unsaved` (in memory, though there is a file); and what this process has done:
        `added`, `requeued`, `discarded`, `evicted` (because they were too many or too old)."""
        return {"letters": len(self), "unsaved": 0 if self._file is None else len(self._unsaved), **self._counts}

    @property
    def _saved(self) -> dict[str, DeadLetter]:
        return {} if self._file is None else self._file.listed

    def _put(self, letter: DeadLetter) -> "Future[DeadLetter]":
        self._unsaved[letter.id] = letter
        self._failed.pop(letter.id, None)  # one that comes back is tried again
        return self._submit(self._save, letter)

    def _submit(self, job: Callable[..., R], *args: Any) -> "Future[R]":
        """Has the file's thread do the job; does it at once without a file."""
        try:
            if self._file is not None:
                thread = self._thread = self._thread or ThreadPoolExecutor(1, "ziggy-async-letters")
                return thread.submit(self._exclusively, job, *args)
        except RuntimeError:  # no thread to be had, or the interpreter ends: better late than lost
            self._thread = None  # with the job, which it would do once more
        done: Future[R] = Future()
        try:
            done.set_result(self._exclusively(job, *args))
        except BaseException as error:
            done.set_exception(error.with_traceback(None))  # which has this frame, and so `done`
        return done

    def _exclusively(self, job: Callable[..., R], *args: Any) -> R:
        with self._one_job_lock:
            return job(*args)

    def _save(self, letter: DeadLetter) -> DeadLetter:
        if letter.id in self._unsaved and letter.id not in self._failed:  # else it went with another one
            self._write()
        return self._saved.get(letter.id, letter)

    def _write(self) -> None:
        """Writes the letters that are in memory only to the file; when that fails they stay, which is logged once.
        Then forgets the oldest of them that are too many, or too old by the monotonic clock."""
        if self._file is not None and (unsaved := [*self._unsaved.values()]):
            try:
                self._counts["evicted"] += self._file.write(unsaved)
                self._failed = {}
                for letter in unsaved:
                    del self._unsaved[letter.id]
            except Exception as error:
                if not self._failed:
                    logger.error("dead letters are in memory only until they can be written: %s", error)
                self._failed = {letter.id: str(error) for letter in unsaved}
        oldest = time.monotonic() - KEEP
        with suppress(RuntimeError, StopIteration):  # another thread puts one there, and then evicts; none is left
            while (first := next(iter(self._unsaved.values()))).since < oldest or len(self._unsaved) > MOST:
                del self._unsaved[first.id]
                self._counts["evicted"] += 1

    def _refresh(self) -> None:
        self._write()
        if self._file is not None:
            self._counts["evicted"] += self._file.refresh()

    def _close(self) -> None:
        self._write()
        for letter in [*self._unsaved.values()]:
            if fault := self._failed.get(letter.id):
                task, reason = printable(letter.task_id), letter.reason.value
                logger.error("the dead letter of task %s, %s, is lost with this process: %s", task, reason, fault)
        if self._file is not None:
            self._file.close()

    def _take(self, id: str) -> DeadLetter:
        letter = self._unsaved.pop(id, None) or (None if self._file is None else self._file.take(id))
        if letter is None:
            raise KeyError(f"there is no dead letter {shown(id)}")
        return letter

    def _discard(self, id: str) -> bool:
        return self._unsaved.pop(id, None) is not None or (self._file is not None and self._file.discard(id))
