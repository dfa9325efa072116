"""Dead letters in an SQLite file, which survives its processes and is shared by all that name it.

A process takes a letter by deleting its row: none runs twice, and a process that is killed before it has queued what it
took loses that. The file names functions and their arguments, so whoever may write it decides what is run: it is for
its owner alone (mode 0600), and a file of another user or one that others may write is refused.
"""

import fcntl
import json
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TypeVar
from urllib.parse import quote

from ziggy_async.dead_letters.letter import DeadLetter, StoredLetter, id_at
from ziggy_async.dead_letters.memory import KEEP, MOST, MemoryStore, no_such_letter
from ziggy_async.messages import printable

logger = logging.getLogger(__name__)

T = TypeVar("T")

BUSY = 1.0
"""Seconds that a write waits for other processes: theirs take milliseconds."""
DAY = 86_400.0
"""Seconds between the two readings of the wall clock that must both find a letter too old."""
ANOTHER = "it is pickled, and another process wrote it; trust_pickles=True lets this one unpickle it"

APPLICATION = 0x7A61646C
"""Tells our files from other SQLite databases: "zadl"."""
VERSION = 2
SCHEMA = (
    "CREATE TABLE letters (id TEXT PRIMARY KEY NOT NULL, letter TEXT NOT NULL,"
    " expired REAL, writer TEXT, program TEXT, call TEXT, pickled BLOB)",
    "CREATE INDEX expired ON letters (expired) WHERE expired IS NOT NULL",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
PUT = "INSERT OR REPLACE INTO letters VALUES (?, ?, NULL, ?, ?, ?, ?)"
SELECT = "SELECT CAST(letter AS BLOB), pickled IS NOT NULL, writer"
PARTS = ("-wal", "-shm", "")
"""The parts of a database, in the order in which they are moved: a log that lost its file would be thrown away."""

_process = secrets.token_hex(16)
"""Tells the rows that this process wrote, or the one that it was forked from."""
_connections: set[sqlite3.Connection] = set()
"""All that are open: a forked child must not use those of its parent, not even to close them."""


class DamagedError(sqlite3.DatabaseError):
    """A file, or a letter in it, is not what it was when it was written."""


class SqliteStore(MemoryStore):
    """The letters in the file at `path`, which is made when it is first used; they are listed from memory.

    Work that does not pickle is listed all the same, and cannot be requeued; work that is pickled is requeued by the
    process that wrote it, and by others only if they are told to trust pickles.

    A damaged file is never overwritten: it is renamed to `<name>.corrupt-<n>` with its log, and a new one begun.
    Letters that cannot be written are kept in memory and written with the next one or by `refresh`. Both are logged.
    """

    is_slow = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        most: int = MOST,
        keep: timedelta = KEEP,
        *,
        trust_pickles: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`trust_pickles`: whether work that another process has pickled is unpickled. `clock`: seconds since the
        epoch."""
        super().__init__(most, keep)
        self.path = os.path.realpath(path)
        self._folder = os.path.dirname(self.path)
        self._trusts_pickles = trust_pickles
        self._clock = clock
        self._database: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._seen: int | None = None  # SQLite's number of the state that is listed
        self._is_failing = False

    def put(self, letters: list[DeadLetter]) -> list[DeadLetter]:
        """Commits them together, and lists them once that is done or has failed. Never raises: letters that are not
        written are unsaved."""
        stored = [StoredLetter.of(letter) for letter in letters]
        self._save({each.letter.id: each for each in stored})
        return [each.letter for each in stored]

    def take(self, id: str) -> DeadLetter:
        stored = self.unsaved.get(id) or self._attempt(lambda database: self._read(database, id))
        work = None if stored is None else stored.work()
        if stored is None or not self.discard(id):  # another process has it
            self._unlist(id)
            raise no_such_letter(id)
        return replace(stored.letter, work=work)

    def discard(self, id: str) -> bool:
        is_deleted = self.unsaved.pop(id, None) is not None or self._attempt(
            lambda database: database.execute("DELETE FROM letters WHERE id = ?", (id,)).rowcount == 1
        )
        self._unlist(id)
        return is_deleted

    def refresh(self) -> None:
        if self.unsaved:
            self._save({})
        self._attempt(self._load)

    def close(self) -> None:
        lost = [stored.letter for stored in self.unsaved.values()]
        if lost:
            logger.error("%d dead letters are lost with this process: %s", len(lost), self.path)
        for letter in lost:
            logger.error("lost: the dead letter of task %s, %s", printable(letter.task_id), letter.reason.value)
        self._disconnect()

    def _evict(self) -> None:
        """Does nothing: the limits are those of the file, and `_write` sees to them."""

    def _save(self, new: dict[str, StoredLetter]) -> None:
        """Writes the letters and what is unsaved. Never raises."""
        letters = self.unsaved | new
        try:
            gone = self._attempt(lambda database: self._write(database, letters))
            if self._inode != _inode(self.path):  # another process has set it aside meanwhile
                gone = self._attempt(lambda database: self._write(database, letters))
        except Exception as error:
            if not self._is_failing:
                logger.error("dead letters are in memory only until they can be written: %s", error)
            self._is_failing = True
            self.unsaved = letters
            self._list(stored.letter for stored in letters.values())
            for letter in self.letters()[: -self._most]:
                self._seen = None  # it may be in the file still
                self.evicted += self.unsaved.pop(letter.id, None) is not None
                self._unlist(letter.id)
            return
        if self._is_failing:
            logger.warning("%d dead letters that were in memory only are in %s now", len(self.unsaved), self.path)
        self._is_failing = False
        self.unsaved = {}
        self._list(stored.letter for stored in letters.values())
        for letter_id in gone:
            self._unlist(letter_id)

    def _write(self, database: sqlite3.Connection, letters: dict[str, StoredLetter]) -> list[str]:
        """Writes the letters, and sees to the limits. Returns the ids of those that were deleted."""
        rows = [
            (each.letter.id, json.dumps(each.letter.to_dict()), _process, each.program, each.call, each.pickled)
            for each in letters.values()
        ]
        with _transaction(database):
            database.executemany(PUT, rows)
            gone = self._delete_surplus(database)
        self.evicted += len(gone)
        return gone

    def _delete_surplus(self, database: sqlite3.Connection) -> list[str]:
        """Deletes the oldest of what is too many, and what is too old by two readings of the clock that are a day
        apart, if no reading of any process between them finds it young enough. Returns the ids."""
        now = self._clock()
        oldest = id_at(int((now - self._keep) * 1e6))
        database.execute("UPDATE letters SET expired = NULL WHERE expired IS NOT NULL AND id >= ?", (oldest,))
        database.execute("UPDATE letters SET expired = ? WHERE expired IS NULL AND id < ?", (now, oldest))
        surplus = database.execute(
            "SELECT id FROM letters WHERE expired < ? UNION SELECT id FROM"
            " (SELECT id FROM letters ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (now - DAY, self._most),
        ).fetchall()
        database.executemany("DELETE FROM letters WHERE id = ?", surplus)
        return [letter_id for (letter_id,) in surplus]

    def _read(self, database: sqlite3.Connection, id: str) -> StoredLetter | None:
        row = database.execute(f"{SELECT}, program, call, pickled FROM letters WHERE id = ?", (id,)).fetchone()
        if row is None:
            return None
        letter = self._letter(*row[:3])
        return StoredLetter(letter, *row[3:]) if letter.can_requeue else StoredLetter(letter)

    def _load(self, database: sqlite3.Connection) -> None:
        """Lists what is in the file, if another connection has changed it."""
        (state,) = database.execute("PRAGMA data_version").fetchone()
        if state != self._seen:
            rows = database.execute(f"{SELECT} FROM letters").fetchall()  # an open cursor keeps the file open
            unsaved = [stored.letter for stored in self.unsaved.values()]
            self._list([*(self._letter(*row) for row in rows), *unsaved], anew=True)
            self._seen = state

    def _letter(self, text: bytes, is_pickled: bool, writer: str | None) -> DeadLetter:
        """Returns the letter as it is listed in this process."""
        try:
            letter = DeadLetter.from_json(text)
        except Exception as error:
            raise DamagedError(f"a letter in it cannot be read: {type(error).__name__}") from error
        is_trusted = not is_pickled or self._trusts_pickles or writer == _process
        return letter if is_trusted else letter.without_work(ANOTHER)

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Does `work` with the database; sets a damaged one aside, and does the work with the next one. Raises
        `OSError` that names the file."""
        for is_last in (False, True):
            try:
                return work(self._connected())
            except sqlite3.Error as error:
                if is_last or not _is_damage(error):
                    raise OSError(f"dead letters cannot be kept in {self.path}: {error}") from error
                self._set_aside(error)
        raise AssertionError

    def _connected(self) -> sqlite3.Connection:
        if self._inode != _inode(self.path):
            self._disconnect()
        if self._database is None:
            with _folder_locked(self._folder):
                _check_rights(self.path)
                self._inode = _inode(self.path)
                self._database = _opened(self.path)
            _connections.add(self._database)
            self._load(self._database)  # all of it before anything is written
            for letter_id in self._write(self._database, {}):  # whether one may shows only in writing
                self._unlist(letter_id)
        self._database.execute("PRAGMA shrink_memory")  # pages in memory would hide what has become of the file
        return self._database

    def _disconnect(self) -> None:
        database, self._database, self._seen = self._database, None, None
        if database is not None:
            database.close()
            _connections.discard(database)

    def _set_aside(self, damage: sqlite3.Error) -> None:
        """Renames the file to the first free name, unless another process has done so."""
        logger.warning("%s is damaged (%s)", self.path, damage)
        self._disconnect()
        with _folder_locked(self._folder):
            if self._inode != _inode(self.path):
                return
            names = (f"{self.path}.corrupt-{number}" for number in count(1))
            aside = next(name for name in names if not any(os.path.lexists(name + part) for part in PARTS))
            for part in PARTS:
                with suppress(FileNotFoundError):
                    os.rename(self.path + part, aside + part)
        logger.warning("what was %s is %s now", self.path, aside)


def _check_rights(path: str) -> None:
    """Makes the file if it is not there. Raises `OSError` or `ValueError` for a place where letters cannot be kept, or
    would not be safe."""
    if os.path.lexists(path) and not os.path.isfile(path):
        raise ValueError(f"dead letters cannot be kept in {path}: it is not a file")
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for name in (path + part for part in PARTS if os.path.exists(path + part)):
        found = os.stat(name)
        if found.st_uid != os.geteuid():
            reason = f"it belongs to user {found.st_uid}, and this process is user {os.geteuid()}"
        elif found.st_mode & 0o022:
            reason = f"group or others may write it (mode {found.st_mode & 0o777:o}); chmod 600 it if you trust it"
        else:
            continue
        raise PermissionError(f"dead letters cannot be kept in {name}: {reason}")


def _opened(path: str) -> sqlite3.Connection:
    """Opens and checks the database, or makes one in an empty file. Raises an error of SQLite's, or `ValueError` for a
    database that is not ours."""
    log = path + "-wal"
    if os.path.getsize(path) == 0 and os.path.exists(log) and os.path.getsize(log):
        raise DamagedError("it is empty, and its log is not")  # which SQLite would throw away
    address = f"file://{quote(os.fsencode(path))}?mode=rw"  # never makes one beside the log of another
    database = sqlite3.connect(address, timeout=BUSY, isolation_level=None, check_same_thread=False, uri=True)
    try:
        is_new = _is_new(database, path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        if is_new:
            with _transaction(database):
                for statement in SCHEMA:
                    database.execute(statement)
        for name in (path + part for part in PARTS if os.path.exists(path + part)):
            os.chmod(name, 0o600)
    except BaseException:
        database.close()
        raise
    return database


def _is_new(database: sqlite3.Connection, path: str) -> bool:
    """Returns False when it is ours and sound; raises as `_opened`. Changes nothing."""
    ((application,), (version,)) = (
        database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    tables = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    if application != APPLICATION:
        if application or tables:
            raise ValueError(f"dead letters cannot be kept in {path}: it is a database of something else")
        return True
    if version != VERSION or tables.get("letters") != SCHEMA[0]:
        raise DamagedError(f"its table is not that of version {VERSION}")
    (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise DamagedError(" ".join(verdict.split()))
    return False


@contextmanager
def _folder_locked(folder: str) -> Iterator[None]:
    """Lets one process at a time open or rename files there; it takes milliseconds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Begins a transaction with the right to write, so that it waits for others here and nowhere else."""
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
        return isinstance(error, (DamagedError, sqlite3.OperationalError))
    is_short = code == sqlite3.SQLITE_IOERR_SHORT_READ  # the log was truncated
    return is_short or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _inode(path: str) -> int | None:
    """Returns its number without opening the file: closing a descriptor of it would undo SQLite's locks here."""
    return os.stat(path).st_ino if os.path.exists(path) else None
