"""The SQLite database that is a file of dead letters: made, opened, checked and told from others."""

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias
from urllib.parse import quote

from ziggy_async.dead_letters.dead_letters import DeadLetter
from ziggy_async.dead_letters.letter import Damaged, Row, letter_from

APPLICATION = 0x7A61646C
"""Tells our files from other SQLite databases: "zadl"."""
VERSION = 1
SCHEMA = "CREATE TABLE letters (id TEXT PRIMARY KEY NOT NULL, letter TEXT NOT NULL, program TEXT, payload BLOB)"
PARTS = ("-wal", "-shm", "")
"""The parts of a database, in the order in which they are moved: a log that lost its file would be thrown away."""


def open_database(path: str, patience: float) -> sqlite3.Connection:
    """The database, checked, or what an empty file is made. `Damaged` or another error of SQLite's, `ValueError` if it
    is not ours."""
    if _size(path) == 0 and _size(path + "-wal"):
        raise Damaged("it is empty, and its log is not")  # which SQLite would throw away
    address = f"file://{quote(os.fsencode(path))}?mode=rw"  # never makes one beside the log of another
    database = sqlite3.connect(address, timeout=patience, isolation_level=None, check_same_thread=False, uri=True)
    try:
        is_empty = is_new(database, path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        if is_empty:
            with transaction(database):
                database.execute(SCHEMA)
                database.execute(f"PRAGMA application_id = {APPLICATION}")
                database.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        database.close()
        raise
    return database


def is_new(database: sqlite3.Connection, path: str) -> bool:
    """False when it is ours and sound; raises as `open_database`. Changes nothing."""
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
    (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise Damaged(" ".join(verdict.split()))
    return False


def check_again(database: sqlite3.Connection) -> None:
    """Reads all of one that is in use from its file: `Damaged`, or another error of SQLite's, unless it is sound."""
    forget_pages(database)
    try:
        is_empty = is_new(database, "it")
    except ValueError as error:
        raise Damaged(str(error)) from error
    if is_empty:
        raise Damaged("it is empty")
    letters_in(database)


def forget_pages(database: sqlite3.Connection) -> None:
    """Those in memory, which would hide what has become of the file."""
    database.execute("PRAGMA shrink_memory")


def letters_in(database: sqlite3.Connection) -> list[DeadLetter]:
    texts = database.execute("SELECT CAST(letter AS BLOB) FROM letters").fetchall()
    return [letter_from(text) for (text,) in texts]


def read(database: sqlite3.Connection, id: str) -> Row | None:
    found = database.execute(
        "SELECT CAST(letter AS BLOB), program, payload FROM letters WHERE id = ?", (id,)
    ).fetchone()
    return None if found is None else Row(letter_from(found[0]), found[1], found[2])


def carry_over(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """All letters, out of a database that lost its place; how many. Who shares it and comes later finds none there:
    what has been taken from the new one meanwhile does not come back."""
    with transaction(old):
        rows = old.execute("SELECT id, CAST(letter AS BLOB), CAST(program AS BLOB), payload FROM letters")
        with transaction(new):
            added = new.executemany(
                "INSERT OR IGNORE INTO letters VALUES (?, CAST(? AS TEXT), CAST(? AS TEXT), ?)", rows
            )
        old.execute("DELETE FROM letters")
    return added.rowcount


def check_place(path: str) -> None:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "no such folder for dead letters", folder)
    if os.path.lexists(path) and not os.path.isfile(path):
        raise ValueError(f"dead letters cannot be kept in {path}: it is not a file")


def check_rights(path: str) -> None:
    """That nobody else says what is run when a letter is requeued, and nobody else reads it: `PermissionError` for what
    belongs to another user, or may be written by group or others. Takes the right to read from them."""
    for part in PARTS:
        with suppress(FileNotFoundError):
            found = os.stat(path + part)
            if found.st_uid != os.geteuid():
                reason = f"it belongs to user {found.st_uid}, and this process is user {os.geteuid()}"
            elif found.st_mode & 0o022:
                reason = f"group or others may write it (mode {found.st_mode & 0o777:o}); chmod 600 it if you trust it"
            else:
                if found.st_mode & 0o077:
                    os.chmod(path + part, 0o600)
                continue
            raise PermissionError(f"dead letters cannot be kept in {path + part}: {reason}")


@contextmanager
def alone_in(folder: str, patience: float) -> Iterator[None]:
    """One process at a time makes, opens or moves files there. Goes ahead when its turn does not come within so many
    seconds: what is done here takes milliseconds, and not every file system has locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        until = time.monotonic() + patience
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
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Takes the right to write at once, so that it waits for others here and nowhere else."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:  # a full disk has rolled it back
            database.execute("ROLLBACK")
        raise


def is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # raised by the module: the one OperationalError of that kind is a text that is no UTF-8
        return isinstance(error, (Damaged, sqlite3.OperationalError))
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


Identity: TypeAlias = tuple[int, int] | None


def identity(path: str) -> Identity:
    """Never opens the file: closing any descriptor of it would undo SQLite's locks in this process."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def identities(path: str) -> dict[str, Identity]:
    """By part. They stay the same while any process has the database open."""
    return {part: identity(path + part) for part in PARTS}


def when_written(path: str) -> tuple[int, int] | None:
    """Changes with whatever is written to the file itself, which SQLite does seldom: it writes to its log."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ctime_ns, found.st_size


def prepare_place(path: str, old: dict[str, Identity] | None = None) -> None:
    """Makes an empty file where there is none, and removes the log and the shared memory of one that is gone or was
    replaced: SQLite would take them for those of the next. Who still has them open keeps them. `old`: what belonged to
    the file that lost its place."""
    is_gone = identity(path) is None
    for part in PARTS[:-1]:
        if is_gone or (old is not None and old[part] == identity(path + part)):
            with suppress(FileNotFoundError):
                os.unlink(path + part)
    if is_gone:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None
