"""Dead letters in an SQLite file, which survives its processes and is shared by all that name it.

All reading, writing and pickling is done in one thread of the file's own, which keeps the shelf in step that is listed
from. A process takes a letter by deleting its row: none runs twice, and one that is killed before it has queued what it
took loses that.

**The file must be trusted as code is:** arguments are pickled, and unpickling what somebody else wrote there runs
whatever that somebody wants. So it is for its owner alone (mode 0600), and one that others may write is refused.
"""

import asyncio
import logging
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

from ziggy_async.dead_letters.dead_letters import DeadLetter, Shelf, unknown
from ziggy_async.dead_letters.letter import Damaged, Row, row_of, text_of, without_work, work_of
from ziggy_async.dead_letters.letter_database import (
    PARTS,
    VERSION,
    Identity,
    alone_in,
    carry_over,
    check_again,
    check_place,
    check_rights,
    forget_pages,
    identities,
    identity,
    is_damage,
    letters_in,
    open_database,
    prepare_place,
    read,
    transaction,
    when_written,
)
from ziggy_async.runtime.cross_loop import outcome_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

DELETE = "DELETE FROM letters WHERE id = ?"

BUSY = 5.0
"""Seconds that a write waits for other processes: theirs take milliseconds."""
BUSY_AGAIN = 0.1
"""The same after a write has failed: tasks that die meanwhile must not all wait that long."""


class LetterFile:
    """The file at `path`, made when it is first used. It belongs to one `DeadLetters`.

    A callable is stored as "module:qualname" when that leads to it, else pickled, as are arguments and options. What
    does not pickle is listed all the same, and can be requeued by nobody. Unpickling waits until a letter is requeued.

    A file that is damaged (no database, truncated, garbage in it, of another version) is never overwritten: it is
    renamed to `<name>.corrupt-<n>` with what belongs to it, which is logged, and a new one begun. A database of
    another application is a `ValueError`.

    So it is while the file is in use, which the next write or `refresh` notices. When it is gone or another one has its
    name, its letters are carried over into the file of that name: all that nobody has taken. What is damaged is not
    read any more: its letters stay listed, but can be requeued by nobody, since what that takes was in it and another
    process may have taken them. Both are logged.

    While another process has it locked, a write waits 5 s for it, and 0.1 s from the first that failed to one that does
    not. What it was to write is in memory then, which is logged, and goes with the next write or `refresh`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(path)
        self.evicted = 0  # written in the thread
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None  # by _lock
        self._pending: list[tuple[DeadLetter, Future[DeadLetter]]] = []  # by _lock
        self._is_writing = False  # whether _write is about to take what is pending; by _lock
        # While a file is closed and used again there are two threads for a moment: what follows is by _turn.
        self._turn = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._parts: dict[str, Identity] = {}  # of the database
        self._written: tuple[int, int] | None = None  # by SQLite, when it was last used here
        self._suspect: Identity = None  # the file that is damaged if anything is
        self._is_adrift = False  # the database has lost its place, and there is no other one yet
        self._seen: int | None = None  # SQLite's number of the state that the shelf shows
        self._unsaved: dict[str, Row] = {}
        self._latest: dict[str, Row] = {}  # saved just now, where that has lost its place since
        self._evicting: set[str] = set()  # gone from the shelf, not yet from the file
        self._failing = False
        _files.add(self)

    def attach(self, shelf: Shelf) -> None:
        """Letters are listed from `shelf`, whose limits hold for the file too. `ValueError` the second time."""
        if hasattr(self, "_shelf"):
            raise ValueError(f"this LetterFile of {self.path} is in use: every DeadLetters needs one of its own")
        self._shelf = shelf

    @property
    def unsaved(self) -> int:
        """Letters that are in no file."""
        return len(self._shelf) if self._is_adrift else len(self._unsaved)

    async def open(self) -> None:
        try:
            await self.refresh()
        except (Exception, asyncio.CancelledError):
            await self.close()
            raise

    async def close(self) -> None:
        """Writes what is unsaved, if that is possible now: once more, with the patience that a write has. What is lost
        is logged, each letter with the id of its task. Leaves no thread and no descriptor."""
        if (closing := self.let_go()) is not None:
            thread, closed = closing
            await outcome_of(closed)
            thread.shutdown()  # joins what has nothing left to do

    def let_go(self) -> "tuple[ThreadPoolExecutor, Future[None]] | None":
        """Begins `close`, which then needs no loop: the thread that does it, and its end. None when it is closed."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return None
        try:
            closed = thread.submit(self._in_turn, self._close)
        except RuntimeError:  # as in put_back
            self._in_turn(self._close)
            return None
        thread.shutdown(wait=False)
        return thread, closed

    async def refresh(self) -> None:
        await outcome_of(self._submit(self._refresh))

    def put_back(self, letter: DeadLetter) -> "Future[DeadLetter]":
        """Has it stored, with its work; gives it without, when it is committed or the file has failed. What comes while
        the thread is busy is committed together."""
        saved: Future[DeadLetter] = Future()
        with self._lock:
            self._pending.append((letter, saved))
            is_writing, self._is_writing = self._is_writing, True
        if not is_writing:
            try:
                self._submit(self._write)
            except RuntimeError:  # no thread to be had, or the interpreter is about to end: better late than lost
                self._in_turn(self._write)
        return saved

    async def claim(self, id: str) -> DeadLetter:
        """Takes a letter, with its work, from the file. Errors as `DeadLetters.requeue`."""
        claimed = self._submit(self._claim, id)
        try:
            return await outcome_of(claimed)
        except BaseException:  # if it is not the claim that failed, nobody waits for the letter any more
            claimed.add_done_callback(self._unclaim)
            raise

    async def discard(self, id: str) -> bool:
        return await outcome_of(self._submit(self._discard, id))

    def evict(self) -> None:
        """From the shelf at once; the thread follows, and counts."""
        evicted = self._shelf.evict()
        if evicted and self._thread is not None:  # if it is not open, opening it evicts
            with suppress(RuntimeError):
                self._submit(self._trim, evicted)

    def after_fork_in_child(self) -> None:
        """The thread is the parent's, and so is what it had still to write. An inherited connection must not be used,
        not even to close it."""
        if self._database is not None:
            _inherited.append(self._database)
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._thread, self._database, self._is_adrift = None, None, False
        self._pending, self._is_writing = [], False
        self._unsaved, self._latest, self._evicting = {}, {}, set()

    def _submit(self, job: Callable[..., T], *args: Any) -> "Future[T]":
        with self._lock:
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "ziggy-async-letters")
            return self._thread.submit(self._in_turn, job, *args)

    def _unclaim(self, claimed: "Future[DeadLetter]") -> None:
        """A file that is being closed writes what is pending as its last act."""
        if claimed.exception() is None:
            if self._thread is None:
                with self._lock:
                    self._pending.append((claimed.result(), Future()))
            else:
                self.put_back(claimed.result())

    # From here on everything runs in the file's thread.

    def _in_turn(self, job: Callable[..., T], *args: Any) -> T:
        with self._turn:
            return job(*args)

    def _refresh(self) -> None:
        self._save_unsaved()
        self._attempt(self._load)

    def _close(self) -> None:
        self._write()
        if not self._is_untouched():
            with suppress(Exception):  # what cannot be carried over is adrift
                self._attempt(lambda _: None)
        lost = self._shelf.letters() if self._is_adrift else [row.letter for row in self._unsaved.values()]
        if lost:
            logger.error("%d dead letters are lost with this process: %s", len(lost), self.path)
        for letter in lost:
            logger.error("lost: the dead letter of task %s, %s", letter.task_id, letter.reason.value)
        with suppress(OSError), alone_in(os.path.dirname(self.path), BUSY):  # SQLite removes the log by its name
            self._disconnect()
        self._disconnect()

    def _write(self) -> None:
        """What is pending, and what could not be written before, in one transaction."""
        with self._lock:
            pending, self._pending, self._is_writing = self._pending, [], False
        rows = [row_of(letter) for letter, _ in pending]
        for row in rows:
            self._unsaved[row.letter.id] = row
            self._shelf.add(row.letter)
        self._save_unsaved()
        for row, (_, saved) in zip(rows, pending, strict=True):
            saved.set_result(row.letter)

    def _save_unsaved(self) -> None:
        """Never raises: whose task has died need not know where the letter goes."""
        if not self._unsaved:
            return
        count = len(self._unsaved)
        try:
            self._attempt(self._insert_unsaved)
            self._latest, self._unsaved = self._unsaved, {}
            if not self._is_in_place():  # since just now: a process found it damaged, or it was deleted
                self._attempt(lambda _: None)
        except Exception as error:
            if not self._failing:
                logger.error("dead letters are in memory only until they can be written: %s", error)
            self._failing = True
            self._evict(self._shelf.evict())
            return
        if self._failing:
            logger.warning("%d dead letters that were in memory only are in %s now", count, self.path)
        self._failing = False
        self._latest = {}

    def _insert_unsaved(self, database: sqlite3.Connection) -> None:
        rows = [_columns(row) for row in self._unsaved.values()]
        with transaction(database):
            database.executemany("INSERT OR REPLACE INTO letters VALUES (?, ?, ?, ?)", rows)
            gone = self._delete_surplus(database)
        self._count_evicted(gone)

    def _trim(self, evicted: Sequence[str]) -> None:
        self._evict(evicted)
        self._attempt(self._trim_file)

    def _trim_file(self, database: sqlite3.Connection) -> None:
        with transaction(database):
            database.execute(f"PRAGMA user_version = {VERSION}")  # whether one may write shows only in writing
            gone = self._delete_surplus(database)
        self._count_evicted(gone)

    def _evict(self, ids: Sequence[str]) -> None:
        """What is in memory only goes at once, what is in the file with the next transaction."""
        unsaved = [letter_id for letter_id in ids if self._unsaved.pop(letter_id, None) is not None]
        self.evicted += len(unsaved)
        self._evicting |= set(ids) - set(unsaved)

    def _delete_surplus(self, database: sqlite3.Connection) -> list[str]:
        """Within a transaction: what the shelf has evicted, and what else its limits do not allow. Returns the ids."""
        surplus = database.execute(
            "SELECT id FROM letters WHERE id < ? UNION SELECT id FROM"
            " (SELECT id FROM letters ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (self._shelf.first_id(), self._shelf.most),
        ).fetchall()
        ids = self._evicting.union(letter_id for (letter_id,) in surplus)
        return [letter_id for letter_id in ids if database.execute(DELETE, (letter_id,)).rowcount]

    def _count_evicted(self, gone: list[str]) -> None:
        self.evicted += len(gone)
        self._evicting.clear()
        for letter_id in gone:
            self._shelf.remove(letter_id)

    def _claim(self, id: str) -> DeadLetter:
        row = self._unsaved.get(id) or self._attempt(lambda database: read(database, id))
        if row is None:
            self._shelf.remove(id)
            raise unknown(id)
        work = work_of(row)
        if not self._discard(id):  # another process was faster
            raise unknown(id)
        return replace(row.letter, work=work)

    def _discard(self, id: str) -> bool:
        was_there = self._unsaved.pop(id, None) is not None or self._attempt(
            lambda database: database.execute(DELETE, (id,)).rowcount == 1
        )
        self._shelf.remove(id)
        return was_there

    def _load(self, database: sqlite3.Connection) -> None:
        """Brings the shelf up to date, if another connection has changed the file."""
        (state,) = database.execute("PRAGMA data_version").fetchone()
        if state != self._seen:
            letters = letters_in(database)
            unsaved = [row.letter for row in self._unsaved.values()]
            self._shelf.replace([*(letter for letter in letters if letter.id not in self._evicting), *unsaved])
            self._seen = state

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` with the database; again if that proves damaged or loses its place. `OSError` that names it."""
        for is_last in (False, True):
            try:
                done = work(self._connected())
                self._written = when_written(self.path)
                return done
            except sqlite3.Error as error:
                has_place = self._suspect is not None and self._suspect == identity(self.path)
                if is_last or (has_place and not is_damage(error)):
                    raise OSError(f"dead letters cannot be kept in {self.path}: {error}") from error
                if is_damage(error):
                    self._set_aside(error)
        raise AssertionError

    def _connected(self) -> sqlite3.Connection:
        """The database. When it has lost its place, that which is there, or a new one, with its letters."""
        patience = BUSY_AGAIN if self._failing else BUSY
        self._suspect = identity(self.path)
        if self._database is None or self._suspect is None or self._suspect != self._parts[""]:
            return self._connect(self._database, patience)
        self._database.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")
        if not self._is_in_place():
            raise Damaged("its log is gone")
        if not self._is_untouched():
            check_again(self._database)
        forget_pages(self._database)
        return self._database

    def _connect(self, old: sqlite3.Connection | None, patience: float) -> sqlite3.Connection:
        self._is_adrift = old is not None
        check_place(self.path)
        with alone_in(os.path.dirname(self.path), BUSY):
            prepare_place(self.path, self._parts if old is not None else None)
            check_rights(self.path)
            self._suspect = identity(self.path)
            database = open_database(self.path, patience)
            try:
                if self._suspect != identity(self.path):
                    raise Damaged("it was replaced while it was opened")
                if old is not None:
                    self._carry_over(old, database)
            except BaseException:
                database.close()
                raise
            self._disconnect()
            self._database, self._latest = database, {}
            self._parts = identities(self.path) | {"": self._suspect}
        try:
            self._load(database)  # all of it before anything is written
            self._trim_file(database)
        except BaseException:
            self._disconnect()
            raise
        return database

    def _carry_over(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        letters_in(new)  # all of it before anything is written
        try:
            check_again(old)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self._keep_listed(new)
        else:
            count = carry_over(old, new)
            logger.warning("%s was deleted, moved or replaced: %d dead letters are in the new one", self.path, count)

    def _keep_listed(self, new: sqlite3.Connection) -> None:
        """What is known of the letters of a damaged file."""
        known = [letter for letter in self._shelf.letters() if letter.id not in self._unsaved]
        bare = (Row(without_work(letter, "the file that it was in is damaged"), None, None) for letter in known)
        rows = [self._latest.get(row.letter.id, row) for row in bare]
        with transaction(new):
            new.executemany("INSERT OR IGNORE INTO letters VALUES (?, ?, ?, ?)", map(_columns, rows))
        lost = sum(row.payload is None for row in rows)
        logger.warning("%d dead letters that were in it are listed in %s, but cannot be requeued", lost, self.path)

    def _disconnect(self) -> None:
        database, self._database, self._seen = self._database, None, None
        self._is_adrift = False
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()

    def _is_in_place(self) -> bool:
        return self._parts == identities(self.path)

    def _is_untouched(self) -> bool:
        """False when anything but its log has been written, by whomever, since it was last used here."""
        return self._database is None or (self._is_in_place() and self._written == when_written(self.path))

    def _set_aside(self, damage: sqlite3.Error) -> None:
        """Under the first free name, unless another process has done so."""
        with alone_in(os.path.dirname(self.path), BUSY):
            if self._suspect is None or self._suspect != identity(self.path):
                return
            names = (f"{self.path}.corrupt-{number}" for number in count(1))
            aside = next(name for name in names if not any(os.path.lexists(name + part) for part in PARTS))
            for part in PARTS:
                with suppress(FileNotFoundError):
                    os.rename(self.path + part, aside + part)
        logger.warning("the file of dead letters %s is damaged (%s): it is %s now", self.path, damage, aside)


def _columns(row: Row) -> tuple[str, str, str | None, bytes | None]:
    return row.letter.id, text_of(row.letter), row.program, row.payload


_files: "weakref.WeakSet[LetterFile]" = weakref.WeakSet()
_inherited: list[sqlite3.Connection] = []


def _after_fork_in_child() -> None:
    for file in list(_files):
        file.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
