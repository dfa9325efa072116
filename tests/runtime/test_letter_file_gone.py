"""Files of dead letters that are deleted, moved or written over while in use: letters stay, and none runs twice."""

import asyncio
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ziggy_async.dead_letters.dead_letters import DeadLetters
from ziggy_async.dead_letters.sqlite import LetterFile
from ziggy_async.queueing.work import Reason, Work


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "letters.db"


@asynccontextmanager
async def opened(path: Path, **limits: Any) -> AsyncIterator[DeadLetters[tuple[Any, ...]]]:
    async def requeue(work: Work, letter_id: str) -> tuple[Any, ...]:
        return work.args

    letters = DeadLetters(requeue, LetterFile(path), **limits)
    await letters.open()
    try:
        yield letters
    finally:
        await letters.close()


async def bury(letters: DeadLetters[Any], *task_ids: str) -> list[str]:
    works = [Work(task_id, "job", len, (task_id,), {}, None) for task_id in task_ids]
    return [(await letters.bury(work, Reason.EXHAUSTED, [])).id for work in works]


def ids(letters: DeadLetters[Any]) -> list[str]:
    return [letter.task_id for letter in letters.list()]


def remove(path: Path) -> None:
    """With all that belongs to it."""
    for part in ("", "-wal", "-shm"):
        Path(f"{path}{part}").unlink()


def move(path: Path) -> None:
    for part in ("", "-wal", "-shm"):
        os.rename(f"{path}{part}", f"{path}.old{part}")


def remove_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def replace_by_copy(path: Path) -> None:
    """Of the file without its log: another one by the same name."""
    shutil.copy(path, f"{path}.copy")
    os.rename(f"{path}.copy", path)


def write_over(path: Path, content: bytes) -> None:
    """In another process: closing a file that SQLite has open here would undo its locks."""
    script = "import sys; open(sys.argv[1], 'r+b').write(bytes.fromhex(sys.stdin.read()))"
    subprocess.run([sys.executable, "-c", script, str(path)], input=content.hex(), text=True, check=True, timeout=60)


def is_left(task_id: str, use: str) -> bool:
    """Of "a" to "d", of which the first is taken by some uses, and the last comes with one."""
    return {"a": use not in ("requeue", "discard"), "d": use == "bury"}.get(task_id, True)


takes = pytest.mark.parametrize("take", [Path.unlink, remove, move, remove_log, replace_by_copy])


@takes
@pytest.mark.parametrize("use", ["bury", "refresh", "requeue", "discard", "close"])
async def test_letters_of_a_file_that_is_gone_are_in_the_next(
    path: Path, caplog: pytest.LogCaptureFixture, take: Callable[[Path], None], use: str
) -> None:
    caplog.set_level(logging.WARNING)
    async with opened(path) as letters:
        buried = await bury(letters, "a", "b", "c")
        take(path)
        if use == "bury":
            await bury(letters, "d")
        elif use == "refresh":
            await letters.refresh()
        elif use == "requeue":
            assert await letters.requeue(buried[0]) == ("a",)
        elif use == "discard":
            assert await letters.discard(buried[0])
        else:
            await letters.close()
        expected = [task_id for task_id in "abcd" if is_left(task_id, use)]
        assert ids(letters) == expected
        stats = letters.stats()
        assert stats["letters"] == stats["buried"] - stats["requeued"] - stats["discarded"] - stats["evicted"]
        assert stats["unsaved"] == 0
        async with opened(path) as other:  # while it is in use
            assert ids(other) == expected
        said = [record.message for record in caplog.records if "replaced: 3 dead letters" in record.message]
        assert len(said) == 1
        assert str(path) in said[0]
    async with opened(path) as letters:
        assert list((await letters.requeue_all()).requeued.values()) == [(task_id,) for task_id in expected]
    assert not list(path.parent.glob("*.corrupt-2"))


@takes
async def test_what_another_process_has_taken_does_not_come_back(path: Path, take: Callable[[Path], None]) -> None:
    """Neither what was taken from the old file nor what was taken from the new one."""
    async with opened(path) as slow, opened(path) as quick:
        buried = await bury(slow, "a", "b", "c", "d")
        await quick.requeue(buried[0])
        take(path)
        await quick.requeue(buried[1])
        assert ids(quick) == ["c", "d"]
        assert ids(slow) == ["a", "b", "c", "d"]
        await bury(slow, "e")
        assert ids(slow) == ["c", "d", "e"]
        for taken in buried[:2]:
            with pytest.raises(KeyError):
                await slow.requeue(taken)
        first, second = await asyncio.gather(slow.requeue_all(), quick.requeue_all())
        assert sorted([*first.requeued.values(), *second.requeued.values()]) == [("c",), ("d",), ("e",)]
    async with opened(path) as letters:
        assert ids(letters) == []


async def test_what_only_another_process_knew_is_carried_over(path: Path) -> None:
    async with opened(path) as one, opened(path) as other:
        await bury(other, "of the other")
        os.unlink(path)
        await bury(one, "of the one")
        assert ids(one) == ["of the other", "of the one"]


async def test_another_file_of_letters_takes_its_place(path: Path) -> None:
    async with opened(path.with_name("other.db")) as letters:
        await bury(letters, "there")
    async with opened(path) as letters:
        await bury(letters, "before")
        os.replace(path.with_name("other.db"), path)
        await bury(letters, "after")
        assert ids(letters) == ["there", "before", "after"]
    async with opened(path) as letters:
        assert ids(letters) == ["there", "before", "after"]


async def test_limits_hold_for_what_is_carried_over(path: Path) -> None:
    async with opened(path, most=3) as letters:
        await bury(letters, "a", "b", "c")
        os.unlink(path)
        await bury(letters, "d")
        assert ids(letters) == ["b", "c", "d"]
        assert letters.stats()["evicted"] == 1


async def test_a_folder_that_is_gone_for_a_while(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(path) as letters:
        await bury(letters, "a", "b")
        shutil.rmtree(path.parent)
        buried = await bury(letters, "c", "d")
        assert ids(letters) == ["a", "b", "c", "d"]
        assert letters.stats()["unsaved"] == 4
        assert await letters.requeue(buried[0]) == ("c",)
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        path.parent.mkdir()
        await bury(letters, "e")
        assert letters.stats()["unsaved"] == 0
    async with opened(path) as letters:
        assert ids(letters) == ["a", "b", "d", "e"]


async def test_a_folder_that_stays_gone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(path) as letters:
        await bury(letters, "a", "b")
        shutil.rmtree(path.parent)
    assert f"2 dead letters are lost with this process: {path}" in caplog.text


class DeletedInBetween(LetterFile):
    """Somebody deletes the file while a letter is being written to it, and another process finds that first."""

    other: DeadLetters[Any] | None = None

    def _insert_unsaved(self, database: sqlite3.Connection) -> None:
        super()._insert_unsaved(database)
        other, self.other = self.other, None
        if other is not None:
            os.unlink(self.path)
            asyncio.run(other.requeue_all())


async def test_deleted_while_a_letter_is_written_that_another_process_takes(path: Path) -> None:
    taken: list[str] = []

    async def requeue(work: Work, letter_id: str) -> None:
        taken.append(work.task_id)

    file = DeletedInBetween(path)
    letters = DeadLetters(requeue, file)
    await letters.open()
    file.other = DeadLetters(requeue, LetterFile(path))
    await file.other.open()
    other = file.other
    await bury(letters, "t")
    await letters.requeue_all()
    await letters.close()
    await other.close()
    assert taken == ["t"]
    async with opened(path) as again:
        assert ids(again) == []


async def test_a_log_written_over_is_noticed(path: Path) -> None:
    async with opened(path) as letters:
        await bury(letters, "a")
        write_over(Path(f"{path}-wal"), b"\xa5" * 50_000)
        await bury(letters, "b")
        assert [(letter.task_id, letter.can_requeue) for letter in letters.list()] == [("a", False), ("b", True)]
        assert f"{path.name}.corrupt-1-wal" in os.listdir(path.parent)
    async with opened(path) as letters:
        assert ids(letters) == ["a", "b"]


async def test_a_database_of_something_else_written_over_it(path: Path) -> None:
    foreign = path.with_name("foreign.db")
    database = sqlite3.connect(foreign)
    database.execute("CREATE TABLE customers (name TEXT)")
    database.close()
    async with opened(path) as letters:
        await bury(letters, "a")
        await letters.close()
        await letters.open()
        write_over(path, foreign.read_bytes())
        await bury(letters, "b")
        assert ids(letters) == ["a", "b"]
        assert letters.stats()["unsaved"] == 0
    async with opened(path) as letters:
        assert ids(letters) == ["a", "b"]


def test_processes_that_share_a_file_that_is_deleted(path: Path) -> None:
    """Every one of many letters is taken once, whoever finds first that the file is gone, again and again."""
    script = f"""
import asyncio, os, sys
from ziggy_async.queueing.work import Work
from ziggy_async.dead_letters.dead_letters import DeadLetters
from ziggy_async.queueing.work import Reason
from ziggy_async.dead_letters.sqlite import LetterFile
async def main():
    async def requeue(work, letter_id): return work.task_id
    letters = DeadLetters(requeue, LetterFile({str(path)!r}))
    await letters.open()
    print(flush=True)
    input()
    taken = []
    for number in range(60):
        await letters.bury(Work(f"{{sys.argv[1]}}-{{number}}", "job", len, (), {{}}, None), Reason.EXHAUSTED, [])
        if number % 7 == 3:
            try: os.unlink({str(path)!r})
            except FileNotFoundError: pass
        if number % 5 == 4:
            taken += (await letters.requeue_all()).requeued.values()
    await letters.close()
    print(*taken)
asyncio.run(main())
"""
    command = [sys.executable, "-c", script]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    users = [subprocess.Popen([*command, str(user)], **pipes) for user in range(3)]
    for user in users:
        assert user.stdout is not None
        user.stdout.readline()
    for user in users:
        assert user.stdin is not None
        user.stdin.write("\n")
        user.stdin.flush()
    taken = [task_id for user in users for task_id in user.communicate(timeout=60)[0].split()]
    assert [user.returncode for user in users] == [0, 0, 0]

    async def rest() -> list[str]:
        async with opened(path) as letters:
            return ids(letters)

    assert sorted([*taken, *asyncio.run(rest())]) == sorted(
        f"{user}-{number}" for user in range(3) for number in range(60)
    )
