"""Dead letters in an SQLite file, which survives its processes and is shared by all that name it.

A process takes a letter by deleting its row: none runs twice, and a process that is killed before it has queued what it
took loses that. The file names functions and their arguments, so whoever may write it decides what is run.
"""

import fcntl
import json
import logging
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

from ziggy_async.dead_letters.letter import DAY, ID_AT, KEEP, MOST, PROCESS, DeadLetter, stored, this_program, with_work

logger = logging.getLogger(__name__)

T = TypeVar("T")

BUSY = 1.0  # seconds that a write waits for other processes: theirs take milliseconds
ANOTHER = "it is pickled, and another process wrote it; trust_pickles=True lets this one unpickle it"
APPLICATION = 0x7A61646C  # "zadl", which tells our files from other SQLite databases
TABLE = (
    "CREATE TABLE letters (id TEXT PRIMARY KEY NOT NULL, letter TEXT NOT NULL,"
    " writer TEXT NOT NULL, program TEXT NOT NULL, work)"
)
"""`letter` is JSON without the work, which is a text if it is JSON, too, and a blob if it is pickled."""
MODE = "PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 1"  # a lost log loses nothing
SURPLUS = "SELECT id FROM letters WHERE id < ? OR id <= (SELECT id FROM letters ORDER BY id DESC LIMIT 1 OFFSET ?)"
LISTED = "SELECT letter, writer, typeof(work)"
PARTS = ("-wal", "-shm", "")  # of a database, in the order in which they are moved: SQLite drops a log without a file

_connections: dict[sqlite3.Connection, int] = {}
"""All that are open, and the processes that opened them: a forked child must not use its parent's, nor close them."""


class LetterFile:
    """The letters in the file at `path`, which is made when it is first used. One thread at a time calls its methods.

    It has mode 0600: one of another user than this process's, or that others may write, is refused. A damaged one is
    renamed to `<name>.corrupt-<n>` with its log, which is logged, and a new one begun. All methods raise `OSError` that
    names the file when it cannot be used, `ValueError` when nothing may be kept in it.
    """

    def __init__(self, path: str | os.PathLike[str], trusts_pickles: bool) -> None:
        self._database: sqlite3.Connection | None = None
        self.path = os.path.realpath(path)
        self._trusts_pickles = trusts_pickles
        self._inode = 0  # of the open file
        self._data_version: int | None = None  # as it was when `listed` was read: it tells what other processes do
        self.listed: dict[str, DeadLetter] = {}
        """Letters by id, without their work: those of the last `refresh`, with what this object did to them since."""

    def __del__(self) -> None:
        self.close()

    def write(self, letters: list[DeadLetter]) -> int:
        """Commits the letters together. Returns how many were deleted as too many or too old."""
        program, written = this_program(), [stored(letter) for letter in letters]
        rows = [(letter.id, json.dumps(letter.to_dict()), PROCESS, program, work) for letter, work in written]
        deleted = self._use(lambda database: _insert(database, rows))
        self.listed.update((letter.id, letter) for letter, _ in written)
        for (letter_id,) in deleted:
            self.listed.pop(letter_id, None)
        return len(deleted)

    def refresh(self) -> int:
        """Lists what other processes have done. Returns as `write`; 0 when the file cannot be written now."""
        self._use(self._list)
        read = 60 * self._use(lambda database: database.execute("PRAGMA user_version").fetchone()[0])  # see _insert
        if len(self.listed) > MOST or not read <= time.time() < read + DAY:  # else nothing is to be written
            with suppress(OSError):  # it can be read
                return self.write([])
        return 0

    def take(self, id: str) -> DeadLetter | None:
        """Deletes a letter. Returns it with its work, None when it is not there. Raises as `with_work`: it stays."""
        query = f"{LISTED}, program, CAST(work AS BLOB) FROM letters WHERE id = ?"
        read = self._use(lambda database: [self._letter(*row) for row in database.execute(query, (id,)).fetchall()])
        if not read:
            self.listed.pop(id, None)
        return read[0] if read and self.discard(id) else None  # not when another process was faster

    def discard(self, id: str) -> bool:
        """Deletes a letter. Returns whether it was there."""
        deleted = self._use(lambda database: database.execute("DELETE FROM letters WHERE id = ?", (id,)).rowcount)
        self.listed.pop(id, None)
        return deleted == 1

    def close(self) -> None:
        """Lets go of the file until the next use."""
        database, self._database, self._data_version = self._database, None, None
        if database is not None and _connections[database] == os.getpid():
            try:
                database.execute("PRAGMA wal_checkpoint")  # as `close` does, which does not say that it cannot
            except sqlite3.Error as error:
                logger.warning("letters in the log of %s cannot be copied to it: %s", self.path, error)
            database.close()
            del _connections[database]

    def _list(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA data_version").fetchone()
        if version != self._data_version:
            letters = [self._letter(*row) for row in database.execute(f"{LISTED} FROM letters").fetchall()]
            self.listed = {letter.id: letter for letter in letters}
            self._data_version = version

    def _letter(self, text: str, writer: str, kind: str, *stored_work: Any) -> DeadLetter:
        """Returns the letter as it is listed in this process, or with its work. Raises as `with_work` then."""
        try:
            letter = DeadLetter.from_json(text)
        except Exception as error:
            raise sqlite3.DatabaseError(f"a letter in it cannot be read: {type(error).__name__}") from error
        is_trusted = kind != "blob" or writer == PROCESS or self._trusts_pickles
        letter = letter if is_trusted else replace(letter, why_not=ANOTHER)
        return with_work(letter, kind, *stored_work) if stored_work else letter

    def _use(self, job: Callable[[sqlite3.Connection], T], tries: int = 3) -> T:
        """Does the job and commits it. A try may find damage, the next set the file aside, and a third begin anew."""
        try:
            with self._opened() as database:
                return job(database)
        except sqlite3.Error as error:
            if tries == 1 or not _is_damage(error):
                raise OSError(f"dead letters cannot be kept in {self.path}: {error}") from error
            self.close()
        return self._use(job, tries - 1)

    def _opened(self) -> sqlite3.Connection:
        """Returns the database, which is opened if it is closed, or if its file was set aside. Raises as `_checked`."""
        inode = os.stat(self.path).st_ino if os.path.exists(self.path) else None
        if self._database is None or self._inode != inode:
            self.close()
            folder = os.open(os.path.dirname(self.path), os.O_RDONLY)
            try:
                with suppress(OSError):  # not every file system has locks
                    fcntl.flock(folder, fcntl.LOCK_EX)  # one process at a time opens or renames; it takes milliseconds
                self._database = self._checked()
                _connections[self._database] = os.getpid()
                self._inode = os.stat(self.path).st_ino  # to open it and close that would undo SQLite's locks here
            finally:
                with suppress(OSError):  # a child that was forked meanwhile has the descriptor, too
                    fcntl.flock(folder, fcntl.LOCK_UN)
                os.close(folder)
        self._database.execute("PRAGMA shrink_memory")  # pages in memory would hide what has become of the file
        return self._database

    def _checked(self) -> sqlite3.Connection:
        """Opens, checks and lists the file, which is made if it is not there, and its table if it is empty. Raises
        `sqlite3.Error` for a damaged one, which is set aside; `ValueError` for one of something else, which stays."""
        _check_rights(self.path)
        database = sqlite3.connect(self.path, timeout=BUSY, isolation_level="IMMEDIATE", check_same_thread=False)
        try:
            if os.path.getsize(self.path) == 0 and os.path.exists(log := self.path + "-wal") and os.path.getsize(log):
                raise sqlite3.DatabaseError("it is empty, and its log is not")  # which SQLite would throw away
            (application,) = database.execute("PRAGMA application_id").fetchone()
            schema = dict(database.execute("SELECT name, sql FROM sqlite_master").fetchall())
            if not application and not schema:
                database.executescript(f"BEGIN IMMEDIATE; {TABLE}; PRAGMA application_id = {APPLICATION}; COMMIT")
            elif application != APPLICATION:
                raise ValueError(f"dead letters cannot be kept in {self.path}: it is a database of something else")
            elif schema.get("letters") != TABLE:
                raise sqlite3.DatabaseError("it has no table of this version")
            database.executescript(MODE)
            (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(" ".join(verdict.split()))
            self._list(database)
            for part in PARTS:
                with suppress(FileNotFoundError):
                    os.chmod(self.path + part, 0o600)
            return database
        except BaseException as error:
            database.close()
            if isinstance(error, sqlite3.Error) and _is_damage(error):
                self._set_aside(error)
            raise

    def _set_aside(self, damage: sqlite3.Error) -> None:
        """Renames the file to the first free name."""
        names = (f"{self.path}.corrupt-{number}" for number in count(1))
        aside = next(name for name in names if not any(os.path.lexists(name + part) for part in PARTS))
        for part in PARTS:
            with suppress(FileNotFoundError):
                os.rename(self.path + part, aside + part)
        logger.warning("%s is damaged (%s), and is %s now", self.path, damage, aside)


def _insert(database: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> list[tuple[str]]:
    """Inserts the rows; deletes the oldest beyond `MOST`. Returns the deleted ids. `user_version` is the last
    reading of the wall clock, in minutes. One that is a day or more later replaces it, and deletes what was older than
    `KEEP` at the last one; an earlier one replaces it alone. So no single reading that is wrong deletes a letter."""
    database.executemany("INSERT OR REPLACE INTO letters VALUES (?, ?, ?, ?, ?)", rows)  # begins, even without a row
    now, read = time.time(), 60 * database.execute("PRAGMA user_version").fetchone()[0]
    oldest = ID_AT.format((read - KEEP) * 1_000_000) if now >= read + DAY else ""
    surplus = database.execute(SURPLUS, (oldest, MOST)).fetchall()
    database.executemany("DELETE FROM letters WHERE id = ?", surplus)
    if oldest or now < read:
        database.execute(f"PRAGMA user_version = {int(now / 60)}")
    return surplus


def _check_rights(path: str) -> None:
    """Makes the file if it is not there. Raises `OSError` where letters cannot or should not be kept."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    for name in (path + part for part in PARTS):
        with suppress(FileNotFoundError):  # SQLite removes the log when nobody uses it any more
            found, user = os.stat(name), os.geteuid()
            if not (stat.S_ISREG(found.st_mode) and found.st_uid == user and found.st_mode & 0o222 == 0o200):
                what = f"{stat.filemode(found.st_mode)} of user {found.st_uid}, and has to be -rw------- of user {user}"
                raise PermissionError(f"dead letters cannot be kept in {name}: it is {what}")


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # none: raised here, or a text is not UTF-8
    return code == sqlite3.SQLITE_IOERR_SHORT_READ or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
