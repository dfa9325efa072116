"""Files of dead letters that are damaged, foreign or cannot be had."""

import asyncio
import functools
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from letters import add, execute, ids, opened

from ziggy_async.dead_letters import DeadLetters
from ziggy_async.runtime.cross_loop import outcome_of

ARGUMENT = "x" * 10_000
"""So that a letter takes pages of its own."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "letters.db"


async def fill(path: Path, count: int = 20) -> list[str]:
    async with opened(path) as (letters, _):
        kept = [add(letters, f"t{number}", len, ARGUMENT) for number in range(count)]
        return [letter.id for letter in await asyncio.gather(*kept)]


def parts(name: Path | str) -> dict[str, bytes]:
    """What a database consists of."""
    return {part: Path(f"{name}{part}").read_bytes() for part in ("", "-wal") if Path(f"{name}{part}").exists()}


def cut(log: str, size: int) -> None:
    """To so many bytes, or by so many."""
    os.truncate(log, size if size >= 0 else os.path.getsize(log) + size)


def statement(sql: str) -> Callable[[Path], None]:
    return functools.partial(execute, sql=sql)


def no_database(path: Path, number: int = 0) -> None:
    path.write_bytes(b"letters = %d\n" % number * 500)


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied_beside_its_log(path: Path) -> None:
    path.write_bytes(b"")
    Path(f"{path}-wal").write_bytes(b"a log with letters")


def garbage(path: Path) -> None:
    """In all pages but the first."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def payload_garbage(path: Path) -> None:
    """In pages that hold arguments only, which nobody reads before they are needed."""
    content = bytearray(path.read_bytes())
    pages = [
        page for page in range(0, len(content), 4096) if content[page + 4 : page + 4096] == ARGUMENT[:4092].encode()
    ]
    assert pages
    content[pages[0] : pages[0] + 4] = b"\xa5" * 4
    path.write_bytes(content)


damages = pytest.mark.parametrize(
    "damage",
    [
        no_database,
        truncated,
        emptied_beside_its_log,
        garbage,
        payload_garbage,
        statement("DROP TABLE letters"),
        statement("ALTER TABLE letters ADD COLUMN more"),
        statement("UPDATE letters SET letter = '{}' WHERE rowid = 7"),
        statement("UPDATE letters SET letter = CAST(x'ff' AS TEXT) WHERE rowid = 7"),
        statement("UPDATE letters SET letter = replace(letter, 'exhausted', 'tired') WHERE rowid = 7"),
    ],
    ids=lambda damage: getattr(damage, "__name__", None),
)


@damages
async def test_a_damaged_file_is_kept_aside(
    path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    await fill(path)
    damage(path)
    before = parts(path)
    caplog.set_level(logging.WARNING)
    async with opened(path) as (letters, _):
        assert letters.list() == []
        await add(letters, "new")
    assert parts(f"{path}.corrupt-1") == before
    (damaged,) = (record.message for record in caplog.records)
    assert damaged.startswith(f"{path} is damaged (")
    assert damaged.endswith(f"), and is {path}.corrupt-1 now")
    async with opened(path) as (letters, _):
        assert ids(letters) == ["new"]


async def test_a_second_damaged_file_does_not_take_the_place_of_the_first(path: Path) -> None:
    for number in range(1, 4):
        no_database(path, number)
        async with opened(path) as (letters, _):
            await add(letters, "t")
        for earlier in range(1, number + 1):
            assert parts(f"{path}.corrupt-{earlier}")[""].startswith(b"letters = %d" % earlier)


@pytest.mark.parametrize("use", ["requeue", "discard", "refresh", "close"])
async def test_damaged_while_it_is_open(path: Path, use: str, run_isolated: Callable[..., Any]) -> None:
    """The file is set aside, what dies now can be requeued, and the queue goes on."""
    await fill(path)
    async with opened(path) as (letters, _):
        await add(letters, "in the log", len, ARGUMENT)
        first = letters.list()[0].id
        assert run_isolated("damaged_file", path).returncode == 0
        expected = ["new"]
        if use == "requeue":
            with pytest.raises(KeyError, match=first):
                await letters.requeue(first)
        elif use == "discard":
            assert not await letters.discard(first)
        elif use == "refresh":
            async with opened(path) as (other, _):  # which finds it first
                await add(other, "of another")
            await letters.refresh()
            expected = ["of another", "new"]
        elif use == "close":
            await outcome_of(letters.close())
        await add(letters, "new")
        await letters.refresh()
        assert ids(letters) == expected
        assert letters.stats()["unsaved"] == 0
        assert list((await letters.requeue_all()).requeued.values()) == expected
    assert parts(f"{path}.corrupt-1")
    assert not parts(f"{path}.corrupt-2")


async def test_a_letter_that_is_damaged_once_it_is_listed(path: Path) -> None:
    """Whoever requeues it finds it out: the file is set aside."""
    first, *_ = await fill(path, 2)
    async with opened(path) as (letters, taken):
        execute(path, "UPDATE letters SET letter = '{'")
        with pytest.raises(KeyError, match=first):
            await letters.requeue(first)
        await letters.refresh()
        assert letters.list() == taken == []
    assert parts(f"{path}.corrupt-1")


@pytest.mark.parametrize("size", [0, 31, 32, 5000, -4000, -1])
@pytest.mark.parametrize("use", ["put", "refresh", "requeue", "discard", "close"])
@pytest.mark.parametrize("users", [1, 2])
async def test_a_log_that_is_truncated_while_it_is_open_loses_nothing(
    path: Path, caplog: pytest.LogCaptureFixture, size: int, use: str, users: int
) -> None:
    """The file has all that was committed; what comes then is as safe."""
    async with opened(path) as (letters, _), opened(path if users == 2 else None) as (other, _):
        first, *_ = [await add(letters, f"t{number}", len, ARGUMENT) for number in range(3)]
        cut(f"{path}-wal", size)
        expected = ["t0", "t1", "t2"]
        if use == "put":
            await add(letters, "at once")
            expected.append("at once")
        elif use == "refresh":
            await letters.refresh()
        elif use == "close":
            await outcome_of(letters.close())
        else:
            assert await getattr(letters, use)(first.id) in ("t0", True)
            del expected[0]
        if users == 2:
            await add(other, "of another")
            expected.append("of another")
        await add(letters, "new")
        await letters.refresh()
        assert ids(letters) == [*expected, "new"]
    async with opened(path) as (letters, _):
        assert ids(letters) == [*expected, "new"]
        assert len((await letters.requeue_all()).requeued) == len(expected) + 1
    assert caplog.text == ""
    assert not parts(f"{path}.corrupt-1")


@pytest.mark.parametrize("size", [0, 31, 32, 5000, -4000, -1, None])
async def test_a_log_that_is_damaged_after_a_kill_loses_nothing(path: Path, size: int | None) -> None:
    """`size` None: it is overwritten."""
    async with opened(path) as (letters, _):
        for number in range(3):
            await add(letters, f"t{number}", len, ARGUMENT)
        left = parts(path)
    left["-wal"] = b"\xa5" * len(left["-wal"]) if size is None else left["-wal"][:size]
    for part, content in left.items():
        path.with_name(f"left{part}").write_bytes(content)
    async with opened(path.with_name("left")) as (letters, _):
        assert list((await letters.requeue_all()).requeued.values()) == ["t0", "t1", "t2"]


async def test_a_log_that_is_truncated_beside_a_long_reader(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What another process still reads keeps SQLite from copying the log: the file is set aside as a damaged one."""
    await fill(path, 2)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM letters").fetchone()
    async with opened(path) as (letters, _):
        await add(letters, "in the log", len, ARGUMENT)
        os.truncate(f"{path}-wal", 5000)
        await letters.refresh()
        await add(letters, "new")
        assert ids(letters) == ["new"]
    reader.close()
    assert f"{path} is damaged (" in caplog.text
    assert parts(f"{path}.corrupt-1")


@pytest.mark.parametrize("use", ["requeue", "add", "refresh"])
async def test_moved_while_it_is_open(path: Path, use: str) -> None:
    """It is begun anew; what was in it can be requeued from where it was moved to."""
    moved = await fill(path, 3)
    async with opened(path) as (letters, _):
        for part in ("", "-wal", "-shm"):
            os.rename(f"{path}{part}", f"{path}.moved{part}")
        if use == "requeue":
            with pytest.raises(KeyError):
                await letters.requeue(moved[0])
        elif use == "refresh":
            await letters.refresh()
        await add(letters, "new")
        await letters.refresh()
        assert ids(letters) == ["new"]
    async with opened(path) as (letters, _):
        assert ids(letters) == ["new"]
    async with opened(path.with_name("letters.db.moved")) as (letters, _):
        assert list((await letters.requeue_all()).requeued.values()) == ["t0", "t1", "t2"]


async def test_several_processes_that_find_it_damaged_agree(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    no_database(path)
    users = [DeadLetters(asyncio.sleep, path) for _ in range(6)]
    await asyncio.gather(*(user.refresh() for user in users))
    await asyncio.gather(*(add(user, f"t{number}") for number, user in enumerate(users)))
    await users[0].refresh()
    assert sorted(ids(users[0])) == [f"t{number}" for number in range(6)]
    for user in users:  # two that close at once may both take the other for one that goes on, and leave the log there
        await outcome_of(user.close())
    assert sum("corrupt-1" in record.message for record in caplog.records) == 1
    assert sorted(os.listdir(path.parent)) == [path.name, f"{path.name}.corrupt-1"]


@pytest.mark.parametrize("schema", ["TABLE customers (name TEXT)", "VIEW customers AS SELECT 1"])
async def test_a_database_of_something_else_is_left_exclusively(path: Path, schema: str) -> None:
    statement(f"CREATE {schema}")(path)
    before = parts(path)
    with pytest.raises(ValueError, match=r"letters\.db: it is a database of something else"):
        async with opened(path):
            pass
    assert parts(path) == before
    assert os.listdir(path.parent) == [path.name]


async def test_a_table_of_the_operator_does_no_harm(path: Path) -> None:
    await fill(path, 2)
    statement("CREATE TABLE notes (text)")(path)
    statement("ANALYZE")(path)
    async with opened(path) as (letters, _):
        assert ids(letters) == ["t0", "t1"]


@pytest.mark.parametrize("place", ["no/such/folder/letters.db", "", "pipe", "/proc/letters.db", "/dev/null"])
async def test_places_where_no_file_can_be(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / place
    with pytest.raises((OSError, ValueError), match=str(path.parent)):
        async with opened(path):
            pass
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everything")
@pytest.mark.parametrize("what", ["file", "folder"])
async def test_read_only(path: Path, what: str) -> None:
    if what == "file":
        await fill(path, 1)
    locked = path if what == "file" else path.parent
    locked.chmod(0o500)
    try:
        with pytest.raises(OSError, match=r"letters\.db"):
            async with opened(path):
                pass
    finally:
        locked.chmod(0o700)


async def test_a_letter_where_no_file_can_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whose task has died has no use for an error."""
    letters = DeadLetters(asyncio.sleep, tmp_path / "missing" / "letters.db")
    await add(letters, "t")
    assert ids(letters) == ["t"]
    assert letters.stats()["unsaved"] == 1
    assert str(tmp_path / "missing") in caplog.text
    (tmp_path / "missing").mkdir()
    await outcome_of(letters.close())
    async with opened(tmp_path / "missing" / "letters.db") as (again, _):
        assert ids(again) == ["t"]
