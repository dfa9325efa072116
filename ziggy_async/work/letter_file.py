"""Dead letters in an SQLite file, which survives its processes and is shared by all that name it.

All reading, writing and pickling is done in one thread of the file's own, which keeps the shelf in step that is listed
from. A process takes a letter by deleting its row: none runs twice, and one that is killed before it has queued what it
took loses that.

**The file must be trusted as code is:** arguments are pickled, and unpickling what somebody else wrote there runs
whatever that somebody wants.
"""

import asyncio
import errno
import fcntl
import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

from ziggy_async.work.dead_letters import DeadLetter, Shelf, outcome_of, unknown
from ziggy_async.work.letter_row import Damaged, Row, letter_from, row_of, text_of, work_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

APPLICATION = 0x7A61646C
"""Tells our files from other SQLite databases: "zadl"."""
VERSION = 1
SCHEMA = "CREATE TABLE letters (id TEXT PRIMARY KEY NOT NULL, letter TEXT NOT NULL, program TEXT, payload BLOB)"
DELETE = "DELETE FROM letters WHERE id = ?"

BUSY = 5.0
"""Seconds that a write waits for other processes: theirs take milliseconds."""
BUSY_AGAIN = 0.1
"""The same after a write has failed: tasks that die meanwhile must not all wait that long."""
PARTS = ("-wal", "-shm", "")
"""The parts of a database, in the order in which they are moved: a log that lost its file would be thrown away."""


class LetterFile:
    """The file at `path`, made when it is first used. It belongs to one `DeadLetters`.

    A callable is stored as "module:qualname" when that leads to it, else pickled, as are arguments and options. What
    does not pickle is listed all the same, and can be requeued by nobody. Unpickling waits until a letter is requeued.

    A file that is damaged (no database, truncated, garbage in it, of another version) is never overwritten: it is
    renamed to `<name>.corrupt-<n>` with what belongs to it, which is logged, and a new one begun. A database of
    another application is a `ValueError`.
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
        self._opened: tuple[int, int] | None = None
        self._seen: int | None = None  # SQLite's number of the state that the shelf shows
        self._unsaved: dict[str, Row] = {}
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
        """Letters that are in memory only."""
        return len(self._unsaved)

    async def open(self) -> None:
        try:
            await self.refresh()
        except (Exception, asyncio.CancelledError):
            await self.close()
            raise

    async def close(self) -> None:
        """Writes what is unsaved, if that is possible now. Leaves no thread and no descriptor."""
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
        self._thread, self._database = None, None
        self._pending, self._is_writing = [], False
        self._unsaved, self._evicting = {}, set()

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
        if self._unsaved:
            logger.error("%d dead letters are lost with this process: %s", len(self._unsaved), self.path)
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
        try:
            self._attempt(self._insert_unsaved)
            if self._is_moved():  # just now, by a process that found it damaged
                self._attempt(self._insert_unsaved)
        except Exception as error:
            if not self._failing:
                logger.error("dead letters are in memory only until they can be written: %s", error)
            self._failing = True
            self._evict(self._shelf.evict())
            return
        if self._failing:
            logger.warning("%d dead letters that were in memory only are in %s now", len(self._unsaved), self.path)
        self._failing = False
        self._unsaved.clear()

    def _insert_unsaved(self, database: sqlite3.Connection) -> None:
        rows = ((row.letter.id, text_of(row.letter), row.program, row.payload) for row in self._unsaved.values())
        with _transaction(database):
            database.executemany("INSERT OR REPLACE INTO letters VALUES (?, ?, ?, ?)", rows)
            gone = self._delete_surplus(database)
        self._count_evicted(gone)

    def _trim(self, evicted: Sequence[str]) -> None:
        self._evict(evicted)
        self._attempt(self._trim_file)

    def _trim_file(self, database: sqlite3.Connection) -> None:
        with _transaction(database):
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
        row = self._unsaved.get(id) or self._attempt(lambda database: _read(database, id))
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
            texts = database.execute("SELECT CAST(letter AS BLOB) FROM letters").fetchall()
            letters = [letter_from(text) for (text,) in texts]
            unsaved = [row.letter for row in self._unsaved.values()]
            self._shelf.replace([*(letter for letter in letters if letter.id not in self._evicting), *unsaved])
            self._seen = state

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`work` with the database; once more with a new one, if that proves damaged. `OSError` that names it."""
        for is_last in (False, True):
            try:
                return work(self._connected())
            except sqlite3.Error as error:
                if is_last or not _is_damage(error):
                    raise OSError(f"dead letters cannot be kept in {self.path}: {error}") from error
                self._set_aside(error)
        raise AssertionError

    def _connected(self) -> sqlite3.Connection:
        """The database, opened again if another one has taken its place."""
        patience = BUSY_AGAIN if self._failing else BUSY
        if self._database is None or self._is_moved():
            self._disconnect()
            _check_place(self.path)
            with _alone_in(os.path.dirname(self.path)):
                self._opened = _identity(self.path)
                self._database = _open(self.path, patience)
                self._opened = _identity(self.path)
            self._begin(self._database)
        self._database.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")
        return self._database

    def _begin(self, database: sqlite3.Connection) -> None:
        """Reads all of it before anything is written."""
        try:
            self._load(database)
            self._trim_file(database)
        except BaseException:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        database, self._database, self._seen = self._database, None, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()

    def _is_moved(self) -> bool:
        return self._opened != _identity(self.path)

    def _set_aside(self, damage: sqlite3.Error) -> None:
        """Under the first free name, unless another process has done so."""
        self._disconnect()
        with _alone_in(os.path.dirname(self.path)):
            if self._is_moved():
                return
            names = (f"{self.path}.corrupt-{number}" for number in count(1))
            aside = next(name for name in names if not any(os.path.lexists(name + part) for part in PARTS))
            for part in PARTS:
                with suppress(FileNotFoundError):
                    os.rename(self.path + part, aside + part)
        logger.warning("the file of dead letters %s is damaged (%s): it is %s now", self.path, damage, aside)


def _open(path: str, patience: float) -> sqlite3.Connection:
    """The database, checked, or a new one. `Damaged` or another error of SQLite's, `ValueError` if it is not ours."""
    if _size(path) == 0 and _size(path + "-wal"):
        raise Damaged("it is empty, and its log is not")  # which SQLite would throw away
    database = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        is_new = _is_new(database, path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        if is_new:
            with _transaction(database):
                database.execute(SCHEMA)
                database.execute(f"PRAGMA application_id = {APPLICATION}")
                database.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        database.close()
        raise
    return database


def _is_new(database: sqlite3.Connection, path: str) -> bool:
    """False when it is ours and sound; raises as `_open`. Changes nothing."""
    ((application,), (version,)) = (
        database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    tables = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    if application != APPLICATION:
        if application or tables:
            raise ValueError(f"dead letters cannot be kept in {path}: it is a database of something else")
        return True
    if version != VERSION or tables.get("letters") != SCHEMA:
        raise Damaged(f"its table is not that of version {VERSION}")
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Damaged(verdict)
    return False


def _check_place(path: str) -> None:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "no such folder for dead letters", folder)
    if os.path.lexists(path) and not os.path.isfile(path):
        raise ValueError(f"dead letters cannot be kept in {path}: it is not a file")


@contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """One process at a time makes, opens or moves files there. Goes ahead when its turn does not come: what is done
    here takes milliseconds, and not every file system has locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        until = time.monotonic() + BUSY
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno != errno.EWOULDBLOCK or time.monotonic() > until:
                    break
            time.sleep(0.005)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Takes the right to write at once, so that it waits for others here and nowhere else."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk has rolled it back
            database.execute("ROLLBACK")
        raise


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # raised by the module: the one OperationalError of that kind is a text that is no UTF-8
        return isinstance(error, (Damaged, sqlite3.OperationalError))
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _identity(path: str) -> tuple[int, int] | None:
    """Never opens the file: closing any descriptor of it would undo SQLite's locks in this process."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None


def _read(database: sqlite3.Connection, id: str) -> Row | None:
    found = database.execute(
        "SELECT CAST(letter AS BLOB), program, payload FROM letters WHERE id = ?", (id,)
    ).fetchone()
    return None if found is None else Row(letter_from(found[0]), found[1], found[2])


_files: "weakref.WeakSet[LetterFile]" = weakref.WeakSet()
_inherited: list[sqlite3.Connection] = []


def _after_fork_in_child() -> None:
    for file in list(_files):
        file.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
