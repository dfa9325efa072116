"""Dead letters: what they tell, how many are kept, and that one which cannot be queued again is not lost."""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from letters import add, ids, keep_at_most, work
from letters import opened as letters_opened

from ziggy_async.dead_letters import DeadLetters, Reason, dead_letters, sqlite
from ziggy_async.dead_letters.letter import importable_name
from ziggy_async.queueing.options import Attempt, Work
from ziggy_async.runtime.cross_loop import outcome_of

MIDDAY = 1_700_049_600.0  # 2023-11-15 12:00 UTC
DAY = 86_400.0


@dataclass
class Clock:
    """In place of the module `time`: a wall clock that may be wrong, and a monotonic one."""

    now: float = MIDDAY
    passed: float = field(default_factory=time.monotonic)

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.passed

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.passed += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (dead_letters, sqlite):
        monkeypatch.setattr(module, "time", clock)
    return clock


@dataclass
class Queue:
    """Where letters are requeued: takes all, or raises `refuses`, or lets its callers wait for `room`."""

    taken: list[tuple[Work, str]] = field(default_factory=list)
    refuses: Callable[[Work], Exception | None] = lambda work: None
    room: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, work: Work, letter_id: str) -> str:
        self.asked.set()
        if self.room is not None:
            await self.room.wait()
        error = self.refuses(work)
        if error is not None:
            raise error
        self.taken.append((work, letter_id))
        return f"handle of {work.task_id}"


@pytest.fixture(params=["memory", "file"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Any]:
    """Opens dead letters, without a file and with one."""

    @asynccontextmanager
    async def opening(queue: Queue) -> AsyncIterator[DeadLetters[str]]:
        path = tmp_path / "letters.db" if request.param == "file" else None
        async with letters_opened(path, queue) as (letters, _):
            yield letters

    return opening


async def test_a_letter_tells_what_happened(clock: Clock) -> None:
    letters = DeadLetters(Queue())
    began = datetime(2023, 11, 15, 11, 59, tzinfo=UTC)
    attempts = [Attempt(began, 0.5, "ValueError: no")]
    letter = await outcome_of(letters.put(work("t1"), Reason.EXHAUSTED, attempts, "an id"))
    assert letters.get(letter.id) is letter
    assert letter.died_at == datetime(2023, 11, 15, 12, tzinfo=UTC)
    assert json.loads(json.dumps(letter.to_dict())) == {
        "id": letter.id,
        "task_id": "t1",
        "operation": "job",
        "reason": "exhausted",
        "attempts": [{"began": "2023-11-15T11:59:00+00:00", "seconds": 0.5, "error": "ValueError: no"}],
        "died_at": "2023-11-15T12:00:00+00:00",
        "requeued_from": "an id",
        "function": "builtins:len",
        "can_requeue": True,
        "why_not": None,
    }
    assert "work" not in repr(letter)


async def test_what_is_listed(opened: Callable[..., Any]) -> None:
    async with opened(Queue()) as letters:
        for number in range(6):
            await add(letters, f"t{number}", reason=(Reason.DEADLINE, Reason.DROPPED)[number % 2])
        assert ids(letters) == ["t0", "t1", "t2", "t3", "t4", "t5"]
        assert ids(letters, limit=2, offset=3) == ["t3", "t4"]
        assert ids(letters, limit=2, reason="dropped") == ["t1", "t3"]
        assert ids(letters, offset=1, reason=Reason.DEADLINE) == ["t2", "t4"]
        assert ids(letters, offset=6) == ids(letters, limit=0) == ids(letters, reason="shutdown") == []
        assert len(letters) == 6
        with pytest.raises(ValueError, match="'tired' is none of exhausted, deadline"):
            letters.list(reason="tired")
        for wrong in ({"limit": -1}, {"offset": -1}):
            with pytest.raises(ValueError, match="negative"):
                letters.list(**wrong)
        with pytest.raises(KeyError, match="nothing"):
            letters.get("nothing")


async def test_no_more_than_most(opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    keep_at_most(3, monkeypatch)
    async with opened(Queue()) as letters:
        first = await add(letters, "t0")
        await asyncio.gather(*(add(letters, f"t{number}") for number in range(1, 5)))
        assert ids(letters) == ["t2", "t3", "t4"]
        with pytest.raises(KeyError, match=first.id):
            await letters.requeue(first.id)
        assert letters.stats() == {"letters": 3, "unsaved": 0, "added": 5, "requeued": 0, "discarded": 0, "evicted": 2}


@pytest.mark.parametrize(
    ("where", "kept"),
    [("file", (["t2", "t3", "t4"], ["t3", "t4", "t5"])), ("memory", (["t1", "t2", "t4"], ["t1", "t4", "t5"]))],
)
async def test_a_letter_that_was_put_back_counts_as_new_in_memory_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, kept: tuple[list[str], list[str]]
) -> None:
    async def refuse(*_: object) -> None:
        raise OverflowError("full")

    keep_at_most(3, monkeypatch)
    async with letters_opened(tmp_path / "letters.db" if where == "file" else None, refuse) as (letters, _):
        first, second, *_ = [await add(letters, f"t{number}") for number in range(4)][1:]
        for letter in (second, first):
            with pytest.raises(OverflowError):
                await letters.requeue(letter.id)
        assert ids(letters) == ["t1", "t2", "t3"]
        for number, expected in zip((4, 5), kept, strict=True):
            await add(letters, f"t{number}")
            assert ids(letters) == expected


async def test_in_memory_a_letter_is_too_old_by_the_monotonic_clock(clock: Clock) -> None:
    letters = DeadLetters(Queue())
    old = await add(letters, "old")
    clock.now += 8 * DAY
    new = await add(letters, "new")
    clock.passed = old.since + 7 * DAY - 1e-6
    await letters.refresh()
    assert ids(letters) == ["old", "new"]
    clock.passed = (old.since + new.since) / 2 + 7 * DAY
    await letters.refresh()
    assert ids(letters) == ["new"]
    with pytest.raises(KeyError):
        letters.get(old.id)
    assert letters.stats()["evicted"] == 1


async def used(path: Path, *task_ids: str) -> list[str]:
    """What is in the file once a process has used it for a moment, and put letters there."""
    async with letters_opened(path) as (letters, _):
        for task_id in task_ids:
            await add(letters, task_id)
    return ids(letters)


async def test_in_a_file_two_readings_a_day_apart_find_a_letter_too_old(tmp_path: Path, clock: Clock) -> None:
    """Of whatever processes, though each of them ends at once."""
    path = tmp_path / "letters.db"
    await used(path, "old")
    clock.now += DAY
    await used(path, "new")
    clock.now = MIDDAY + 7 * DAY + 60  # the file keeps minutes
    assert await used(path) == ["old", "new"]
    clock.now += DAY - 1
    assert await used(path) == ["old", "new"]
    clock.now += 2
    async with letters_opened(path) as (letters, _):
        assert (ids(letters), letters.stats()["evicted"]) == (["new"], 1)


async def test_a_wall_clock_that_is_days_ahead_removes_nothing(tmp_path: Path, clock: Clock) -> None:
    """As long as a process with the right clock looks at the letters in between."""
    path = tmp_path / "letters.db"
    await used(path, "a", "b")
    kept, ahead = ["a", "b", "of the wrong one"], 8 * DAY
    clock.now += ahead
    assert await used(path, "of the wrong one") == kept
    for _ in range(3):
        clock.now += DAY / 2 - ahead
        assert await used(path) == kept
        clock.now += ahead
        assert await used(path) == kept


async def test_a_reading_that_another_process_takes_back_meanwhile_removes_nothing(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 30.0)
    path = tmp_path / "letters.db"
    await used(path, "kept")
    clock.now += 8 * DAY
    await used(path)
    async with letters_opened(path) as (letters, _):
        clock.now += DAY
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        refreshing = asyncio.create_task(letters.refresh())
        await asyncio.sleep(0.1)
        assert not refreshing.done()
        other.execute(f"PRAGMA user_version = {int(MIDDAY / 60)}")
        other.execute("COMMIT")
        other.close()
        await refreshing
        assert (ids(letters), letters.stats()["evicted"]) == (["kept"], 0)


async def test_order_is_that_of_dying_though_the_clock_is_set_back(clock: Clock) -> None:
    letters = DeadLetters(Queue())
    for task_id, step in (("a", 0.0), ("b", 0.0), ("c", -3600.0), ("d", 7200.0)):
        clock.now += step
        await add(letters, task_id)
    assert ids(letters) == ["a", "b", "c", "d"]


async def test_requeued_as_it_was(opened: Callable[..., Any]) -> None:
    queue = Queue()
    async with opened(queue) as letters:
        dead = work("t", sorted, [2, 1], reverse=True)
        letter = await add(letters, "t", sorted, [2, 1], reverse=True)
        assert await letters.requeue(letter.id) == "handle of t"
        assert queue.taken == [(dead, letter.id)]
        assert letters.list() == []
        with pytest.raises(KeyError, match=letter.id):
            await letters.requeue(letter.id)
        assert letters.stats()["requeued"] == 1


async def test_without_a_file_any_callable_can_be_requeued() -> None:
    queue, lock = Queue(), threading.Lock()
    letters = DeadLetters(queue)
    letter = await add(letters, "t", lambda: lock, lock)
    assert (letter.function, letter.can_requeue) == (None, True)
    await letters.requeue(letter.id)
    assert queue.taken[0][0].function() is lock


async def test_what_the_queue_refuses_is_back_in_its_place(opened: Callable[..., Any]) -> None:
    queue = Queue(refuses=lambda work: OverflowError("full"))
    async with opened(queue) as letters:
        kept = [await add(letters, f"t{number}", reason=Reason.DROPPED) for number in range(3)]
        before = letters.list()
        with pytest.raises(OverflowError):
            await letters.requeue(kept[1].id)
        assert letters.list() == before
        queue.refuses = lambda work: None
        await letters.requeue(kept[1].id)
        assert ids(letters) == ["t0", "t2"]
        assert letters.stats()["evicted"] == 0


async def test_cancelled_while_the_queue_is_full(opened: Callable[..., Any]) -> None:
    queue = Queue(room=asyncio.Event())
    async with opened(queue) as letters:
        letter = await add(letters, "t", reason=Reason.DROPPED)
        requeuing = asyncio.create_task(letters.requeue(letter.id))
        await queue.asked.wait()
        assert letters.list() == []
        requeuing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await requeuing
        queue.room.set()
        await letters.requeue(letter.id)
        assert len(queue.taken) == 1


async def test_one_letter_is_requeued_once(opened: Callable[..., Any]) -> None:
    queue = Queue()
    async with opened(queue) as letters:
        letter = await add(letters, "t")
        outcomes = await asyncio.gather(*(letters.requeue(letter.id) for _ in range(5)), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["KeyError"] * 4 + ["str"]
        assert len(queue.taken) == 1


async def test_requeue_all(opened: Callable[..., Any]) -> None:
    """One that fails stops no other one, even when it fails as an unknown letter would."""
    queue = Queue(refuses=lambda work: KeyError("refused") if work.task_id == "t1" else None)
    async with opened(queue) as letters:
        kept = [await add(letters, f"t{number}", reason=Reason.DROPPED) for number in range(3)]
        await add(letters, "other", reason=Reason.DEADLINE)
        done = await letters.requeue_all("dropped")
        assert done.requeued == {kept[0].id: "handle of t0", kept[2].id: "handle of t2"}
        assert [(letter_id, str(error)) for letter_id, error in done.failed.items()] == [(kept[1].id, "'refused'")]
        assert ids(letters) == ["t1", "other"]
        queue.refuses = lambda work: None
        assert list((await letters.requeue_all()).requeued.values()) == ["handle of t1", "handle of other"]
        with pytest.raises(ValueError, match="tired"):
            await letters.requeue_all("tired")


async def test_others_have_their_turn_while_all_are_requeued() -> None:
    letters = DeadLetters(Queue())
    for number in range(5000):
        await add(letters, str(number), reason=Reason.DROPPED)
    left = []

    async def other() -> None:
        left.append(len(letters))

    task = asyncio.create_task(other())
    await letters.requeue_all()
    await task
    assert 0 < left[0] < 5000


async def test_discard(opened: Callable[..., Any]) -> None:
    async with opened(Queue()) as letters:
        letter = await add(letters, "t")
        assert await letters.discard(letter.id)
        assert not await letters.discard(letter.id)
        assert letters.list() == []
        assert (letters.stats()["discarded"], letters.stats()["evicted"]) == (1, 0)


def test_listing_from_other_threads_while_letters_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_at_most(50, monkeypatch)
    letters = DeadLetters(Queue())
    stopped = threading.Event()
    faults: list[object] = []

    def read() -> None:
        while not stopped.is_set():
            listed = [letter.id for letter in letters.list()]
            if listed != sorted(listed) or len(listed) > 51:  # one more while it is being evicted
                faults.append(listed)

    async def write() -> None:
        for number in range(2000):
            letter = await add(letters, str(number))
            if number % 3 == 0:
                await letters.requeue(letter.id)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    asyncio.run(write())
    stopped.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(letters) == 50


class Jobs:
    def method(self) -> None: ...

    @staticmethod
    def alone() -> None: ...


jobs = Jobs()


def replaced() -> None: ...


original = replaced


def replaced() -> None: ...


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (len, "builtins:len"),
        (asyncio.sleep, "asyncio.tasks:sleep"),
        (Jobs.alone, f"{__name__}:Jobs.alone"),
        (Jobs, f"{__name__}:Jobs"),
        (jobs.method, None),
        (partial(len, ()), None),
        (lambda: None, None),
        (original, None),
        (SimpleNamespace(__module__="no_such_module", __qualname__="f"), None),
        (SimpleNamespace(__module__="asyncio", __qualname__=3), None),
    ],
)
def test_names_that_lead_back(function: Any, name: str | None) -> None:
    assert importable_name(function) == name
