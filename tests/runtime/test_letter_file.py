"""Dead letters in a file: what survives, who gets them, and what happens when the file cannot be written."""

import asyncio
import gc
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from collector import no_collections
from letters import Lock, add, ids, keep_at_most, opened, opened_below
from queued import until

from ziggy_async.dead_letters import DeadLetters, sqlite
from ziggy_async.runtime.cross_loop import outcome_of


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a file that is waited for until a lock is gone, unless a test says otherwise."""
    monkeypatch.setattr(sqlite, "BUSY", 60.0)
    return tmp_path / "letters.db"


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ziggy-async-letters")]


def rights(path: Path) -> dict[str, int]:
    return {name: (path.parent / name).stat().st_mode & 0o777 for name in os.listdir(path.parent)}


async def test_a_file_is_for_its_owner_exclusively(path: Path) -> None:
    mask = os.umask(0)
    try:
        async with opened(path) as (letters, _):
            await add(letters, "t")
            assert rights(path) == {"letters.db": 0o600, "letters.db-wal": 0o600, "letters.db-shm": 0o600}
    finally:
        os.umask(mask)


async def test_others_lose_the_right_to_read_it(path: Path) -> None:
    async with opened(path) as (letters, _):
        await add(letters, "t")
    os.chmod(path, 0o644)
    async with opened(path) as (letters, _):
        assert ids(letters) == ["t"]
        assert rights(path) == {"letters.db": 0o600, "letters.db-wal": 0o600, "letters.db-shm": 0o600}


@pytest.mark.parametrize(("mode", "shown"), [(0o660, "-rw-rw----"), (0o602, "-rw-----w-"), (0o400, "-r--------")])
async def test_a_file_that_others_may_write_is_refused(path: Path, mode: int, shown: str) -> None:
    async with opened(path) as (letters, _):
        await add(letters, "t")
    os.chmod(path, mode)
    with pytest.raises(
        PermissionError, match=rf"letters\.db: it is {shown} of user \d+, and has to be -rw------- of user"
    ):
        async with opened(path):
            pass
    assert rights(path) == {"letters.db": mode}


async def test_a_file_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(path) as (letters, _):
        await add(letters, "t")
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(
        PermissionError, match=rf"letters\.db: it is -rw------- of user {user}, and has to be .* user {user + 1}"
    ):
        async with opened(path):
            pass


async def test_a_log_that_others_may_write_is_refused(path: Path) -> None:
    async with opened(path) as (letters, _):
        await add(letters, "t")
        os.chmod(f"{path}-wal", 0o620)
        with pytest.raises(PermissionError, match=r"letters\.db-wal: it is -rw--w---- of user"):
            async with opened(path):
                pass


async def test_many_at_once(path: Path) -> None:
    async with opened(path) as (letters, _):
        await asyncio.gather(*(add(letters, str(number)) for number in range(500)))
        kept = letters.list()
    assert [letter.task_id for letter in kept] == [str(number) for number in range(500)]
    async with opened(path) as (letters, _):
        assert letters.list() == kept


async def test_a_letter_that_is_being_written_is_counted_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed as written before it is no longer listed as unsaved: another thread may look meanwhile."""
    async with opened(path) as (letters, _):
        write, counted = letters._file.write, []

        def watched(written: Any) -> int:
            evicted = write(written)
            counted.append((len(letters), letters.stats()["letters"], len(letters.list())))
            return evicted

        monkeypatch.setattr(letters._file, "write", watched)
        await add(letters, "a")
        await add(letters, "b")
    assert counted == [(1, 1, 1), (2, 2, 2)]


async def test_two_race_for_every_letter(path: Path) -> None:
    async with opened(path) as (one, of_one), opened(path) as (other, of_other):
        kept = [(await add(one, str(number))).id for number in range(60)]
        assert other.list() == []
        await other.refresh()
        assert ids(other) == [str(number) for number in range(60)]
        first, second = await asyncio.gather(one.requeue_all(), other.requeue_all())
        assert first.failed == second.failed == {}
        assert sorted([*first.requeued, *second.requeued]) == kept
        assert sorted(letter_id for _, letter_id in (*of_one, *of_other)) == kept
        assert one.list() == other.list() == []


async def test_a_letter_of_another_process_need_not_be_listed_to_be_taken(path: Path) -> None:
    async with opened(path) as (one, _), opened(path) as (other, taken):
        kept = [(await add(one, str(number))).id for number in range(2)]
        await other.requeue(kept[0])
        assert await other.discard(kept[1])
        for letter_id in kept:
            with pytest.raises(KeyError, match=letter_id):
                await one.requeue(letter_id)
        assert one.list() == []
        assert [letter_id for _, letter_id in taken] == kept[:1]


async def test_limits_hold_for_all_who_share_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_at_most(4, monkeypatch)
    async with opened(path) as (one, _), opened(path) as (other, _):
        for number in range(4):
            await add(one, f"one {number}")
        for number in range(3):
            await add(other, f"other {number}")
        await asyncio.gather(one.refresh(), other.refresh())
        assert ids(one) == ids(other) == ["one 3", "other 0", "other 1", "other 2"]
        assert one.stats()["evicted"] + other.stats()["evicted"] == 3
    keep_at_most(2, monkeypatch)
    async with opened(path) as (letters, _):
        assert ids(letters) == ["other 1", "other 2"]
        assert letters.stats()["evicted"] == 2


async def test_the_loop_goes_on_while_the_file_is_locked(path: Path) -> None:
    async with opened(path) as (letters, _):
        with Lock(path):
            writing = asyncio.create_task(add(letters, "t"))
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert not writing.done()
        await writing
        assert letters.stats()["unsaved"] == 0


async def test_a_file_that_another_process_writes_can_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much is deleted as soon as it can be."""
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    async with opened(path) as (letters, _):
        for number in range(4):
            await add(letters, f"t{number}")
    keep_at_most(3, monkeypatch)
    lock = Lock(path)
    lock.__enter__()
    async with opened(path) as (letters, _):
        assert ids(letters) == ["t0", "t1", "t2", "t3"]
        lock.__exit__()
        await letters.refresh()
        assert ids(letters) == ["t1", "t2", "t3"]


async def test_a_refresh_with_nothing_to_delete_waits_for_nobody(path: Path) -> None:
    async with opened(path) as (letters, _):
        await add(letters, "t")
        with Lock(path):
            await asyncio.wait_for(letters.refresh(), 10)


async def test_a_put_that_is_cancelled_is_one(path: Path) -> None:
    async with opened(path) as (letters, _):
        with Lock(path):
            writing = asyncio.create_task(add(letters, "t"))
            await asyncio.sleep(0)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
        await letters.refresh()
        assert ids(letters) == ["t"]
    async with opened(path) as (letters, _):
        assert ids(letters) == ["t"]


@pytest.mark.parametrize("closes", [False, True])
async def test_cancelled_while_it_takes_a_letter(path: Path, closes: bool) -> None:
    async with opened(path) as (letters, taken):
        letter_id = (await add(letters, "t")).id
        with Lock(path):
            requeuing = asyncio.create_task(letters.requeue(letter_id))
            await asyncio.sleep(0.01)
            requeuing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await requeuing
            closing = letters.close() if closes else None
            await asyncio.sleep(0)
        if closing is not None:
            await outcome_of(closing)
        else:
            await letters.refresh()  # comes after what took the letter
            await letters.refresh()  # comes after what put it back
        assert ids(letters) == ["t"]
        assert taken == []
    async with opened(path) as (letters, _):
        assert ids(letters) == ["t"]


async def test_thrown_away_with_its_loop_while_it_takes_a_letter(path: Path) -> None:
    async with opened(path) as (letters, taken):
        letter_id = (await add(letters, "t")).id
        with Lock(path):
            requeuing = letters.requeue(letter_id)
            requeuing.send(None)
            requeuing.close()
        await letters.refresh()  # comes after what took the letter
        await letters.refresh()  # comes after what put it back
        assert (ids(letters), taken) == (["t"], [])


def pragma(letters: DeadLetters[Any], text: str) -> Any:
    """Of the connection that the file has."""
    file: Any = letters._file
    return letters._submit(lambda: file._opened().execute(f"PRAGMA {text}").fetchone()[0]).result(20.0)


def full(letters: DeadLetters[Any], pages: int) -> None:
    """Lets the file have so many pages at most, as a disk would."""
    pragma(letters, f"max_page_count = {pages}")


@pytest.mark.parametrize("trouble", ["locked", "full"])
async def test_what_cannot_be_written_is_kept_in_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    keep_at_most(5, monkeypatch)
    caplog.set_level(logging.WARNING)
    async with opened(path) as (letters, taken):
        await add(letters, "before")
        if trouble == "locked":
            lock = Lock(path)
            lock.__enter__()
        else:
            full(letters, 1)
        kept = [(await add(letters, f"t{number}", len, b"x" * 5000)).id for number in range(4)]
        assert ids(letters) == ["before", "t0", "t1", "t2", "t3"]
        assert letters.stats()["unsaved"] == 4
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert str(path) in caplog.text
        await letters.requeue(kept[1])  # from memory
        assert await letters.discard(kept[2])
        assert [letter_id for _, letter_id in taken] == [kept[1]]
        if trouble == "locked":
            lock.__exit__()
        else:
            full(letters, 1000)
        await add(letters, "after")
        assert letters.stats()["unsaved"] == 0
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        await letters.refresh()
        listed = ids(letters)
    async with opened(path) as (letters, _):
        assert ids(letters) == listed
        assert listed[-3:] == ["t0", "t3", "after"]


async def test_unsaved_letters_have_limits_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.01)
    keep_at_most(3, monkeypatch)
    async with opened(path) as (letters, _):
        saved = (await add(letters, "saved")).id
        with Lock(path):
            for number in range(2):
                await add(letters, f"t{number}")
            for taking in (letters.requeue, letters.discard):
                with pytest.raises(OSError, match=r"letters\.db.*locked"):
                    await taking(saved)
            assert ids(letters) == ["saved", "t0", "t1"]
            for number in range(2, 5):
                await add(letters, f"t{number}")
            assert ids(letters) == ["saved", "t2", "t3", "t4"]
            assert letters.stats()["unsaved"] == 3
            assert letters.stats()["evicted"] == 2
        await letters.refresh()
        assert ids(letters) == ["t2", "t3", "t4"]
        assert letters.stats()["evicted"] == 3


async def test_what_is_in_the_file_makes_room_for_unsaved_letters(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as they can be written."""
    monkeypatch.setattr(sqlite, "BUSY", 0.01)
    keep_at_most(3, monkeypatch)
    async with opened(path) as (letters, _):
        for number in range(3):
            await add(letters, f"t{number}")
    letters = DeadLetters(asyncio.sleep, path)
    with Lock(path):
        await add(letters, "t3")
        await letters.refresh()
        await add(letters, "t4")
        assert ids(letters) == ["t0", "t1", "t2", "t3", "t4"]
    await letters.refresh()
    assert ids(letters) == ["t2", "t3", "t4"]
    await outcome_of(letters.close())


async def test_letters_that_cannot_be_written_wait_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not each of them for the file: a burst while it is locked would take a second a letter."""
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    attempts: list[int] = []
    write, all_are_there = sqlite.LetterFile.write, threading.Event()

    def counted(file: sqlite.LetterFile, unsaved: list[Any]) -> Any:
        assert all_are_there.wait(20)
        attempts.append(len(unsaved))
        return write(file, unsaved)

    async with opened(path) as (letters, _):
        monkeypatch.setattr(sqlite.LetterFile, "write", counted)
        with Lock(path):
            adding = asyncio.gather(*(add(letters, f"t{number}") for number in range(100)))
            await asyncio.sleep(0)
            all_are_there.set()
            await adding
            assert letters.stats()["unsaved"] == 100
            assert len(attempts) <= 3
        await add(letters, "after")
        assert letters.stats()["unsaved"] == 0
        assert attempts[-1] == 101


async def test_what_the_queue_refuses_is_in_the_file_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the file was locked before, for letters that came later."""
    monkeypatch.setattr(sqlite, "BUSY", 0.05)

    async def refuse(*_: object) -> None:
        raise OverflowError("full")

    async with opened(path, refuse) as (letters, _):
        first = await add(letters, "in the file")
        with Lock(path):
            await add(letters, "later")
        with pytest.raises(OverflowError):
            await letters.requeue(first.id)
        assert letters.stats()["unsaved"] == 0
        async with opened(path) as (another, _):
            assert ids(another) == ["in the file", "later"]


async def test_what_is_put_back_while_the_file_is_locked_is_as_old_as_it_is_listed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a machine that has been up for longer than letters are kept."""
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    locks, began = [], time.monotonic()

    async def refuse(*_: object) -> None:
        locks.append(Lock(path))
        locks[0].__enter__()
        raise OverflowError("full")

    async with opened(path, refuse) as (letters, _):
        letter_id = (await add(letters, "t")).id
        with pytest.raises(OverflowError):
            await letters.requeue(letter_id)
        assert (ids(letters), letters.stats()["unsaved"], letters.stats()["evicted"]) == (["t"], 1, 0)
        assert began <= letters.get(letter_id).since <= time.monotonic()
        locks[0].__exit__()


async def test_what_is_lost_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.01)
    async with opened(path) as (letters, _):
        await add(letters, "kept")
        with Lock(path):
            for task_id in ("t1", "t2\nforged"):
                await add(letters, task_id)
            await outcome_of(letters.close())
    lost = [record.message for record in caplog.records if " is lost " in record.message]
    named = [f"the dead letter of task {task_id}, exhausted," for task_id in ("t1", r"t2\nforged")]
    assert [each.partition(" is lost with this process: ")[0] for each in lost] == named
    assert all(str(path) in each for each in lost)


async def test_used_again_after_closing(path: Path) -> None:
    gc.collect()
    await until(lambda: threads() == [])  # of the tests before
    async with opened(path) as (letters, _):
        await add(letters, "a")
        assert len(threads()) == 1
        await outcome_of(letters.close())
        await outcome_of(letters.close())
        await until(lambda: threads() == [])
        assert opened_below(path.parent) == []
        assert ids(letters) == ["a"]
        await add(letters, "b")
    await until(lambda: threads() == [])
    assert opened_below(path.parent) == []
    assert sorted(os.listdir(path.parent)) == [path.name]
    async with opened(path) as (letters, _):
        assert ids(letters) == ["a", "b"]


@pytest.mark.parametrize("use", [DeadLetters.refresh, lambda letters: letters.requeue("none")])
async def test_what_fails_keeps_no_letters_in_a_cycle(tmp_path: Path, use: Callable[..., Any]) -> None:
    """Their thread ends with them, without the collector."""

    async def fail() -> weakref.ref[DeadLetters[Any]]:
        letters = DeadLetters(asyncio.sleep, tmp_path / "missing" / "letters.db")
        with suppress(OSError):
            await use(letters)
        return weakref.ref(letters)

    with no_collections():
        failed = await fail()
        await until(lambda: failed() is None)


async def test_where_no_thread_can_be_started_letters_are_stored_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    letters = DeadLetters(asyncio.sleep, path)
    with monkeypatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", no_thread)
        await add(letters, "t")
        await outcome_of(letters.close())
    assert opened_below(path.parent) == []
    async with opened(path) as (letters, _):
        assert ids(letters) == ["t"]


async def test_what_was_done_without_a_thread_is_not_done_again_once_there_is_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To take a letter for the second time would lose what was put back meanwhile."""

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def refuse(*_: object) -> None:
        raise OverflowError("full")

    letters = DeadLetters(refuse, path)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        letter = await add(letters, "t")
        with pytest.raises(OverflowError):
            await letters.requeue(letter.id)
    await letters.refresh()
    assert ids(letters) == ["t"]
    await outcome_of(letters.close())
    async with opened(path) as (letters, _):
        assert ids(letters) == ["t"]


def test_a_loop_that_ends_before_its_letters_are_stored(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    letters = DeadLetters(asyncio.sleep, path)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(letters.refresh())
    with Lock(path):
        writing = loop.create_task(add(letters, "t"))
        loop.run_until_complete(asyncio.sleep(0))
        writing._log_destroy_pending = False
        loop.close()
    letters.close().result(20.0)
    assert caplog.records == []
    assert ids(letters) == ["t"]
