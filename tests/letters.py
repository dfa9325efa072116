"""What the tests of dead letters share."""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ziggy_async.dead_letters import DeadLetter, DeadLetters, Reason, dead_letters, sqlite
from ziggy_async.queueing.options import Options, Work
from ziggy_async.runtime.cross_loop import outcome_of

Taken = list[tuple[Work, str]]
"""What was requeued, each with the id of its letter."""


def work(task_id: str, function: Callable[..., Any] = len, *args: Any, **kwargs: Any) -> Work:
    return Work(task_id, "job", function, args, kwargs, Options(priority=3))


@asynccontextmanager
async def opened(
    path: Path | None, requeue: Callable[[Work, str], Any] | None = None
) -> AsyncIterator[tuple[DeadLetters[Any], Taken]]:
    """The letters of a file, or in memory, and a list of what is requeued from them."""
    taken: Taken = []

    async def take(work: Work, letter_id: str) -> str:
        taken.append((work, letter_id))
        return work.task_id

    letters: DeadLetters[Any] = DeadLetters(requeue or take, path)
    await letters.refresh()
    try:
        yield letters, taken
    finally:
        await outcome_of(letters.close())


async def add(letters: DeadLetters[Any], *args: Any, reason: Reason = Reason.EXHAUSTED, **kwargs: Any) -> DeadLetter:
    """Puts the work of `work(*args, **kwargs)` there."""
    return await outcome_of(letters.put(work(*args, **kwargs), reason, []))


def keep_at_most(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has so few letters kept."""
    for module in (dead_letters, sqlite):
        monkeypatch.setattr(module, "MOST", count)


def ids(letters: DeadLetters[Any], **wanted: Any) -> list[str]:
    return [letter.task_id for letter in letters.list(**wanted)]


def execute(path: Path, sql: str) -> None:
    """By another program."""
    database = sqlite3.connect(path)
    with database:
        database.execute(sql)
    database.close()


class Lock:
    """Another process's transaction that does not end."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self._database.execute("ROLLBACK")
        self._database.close()


def opened_below(folder: Path) -> list[str]:
    """The files in the folder that this process has open."""
    if not os.path.isdir("/proc/self/fd"):
        return []
    links = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of listing itself
            links.append(os.readlink(f"/proc/self/fd/{number}"))
    return [link for link in links if link.startswith(str(folder))]
