"""How the work of a dead task is kept in a file, who may run it again, and what cannot be."""

import asyncio
import functools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from letters import add, execute, ids, opened

from ziggy_async.dead_letters import Reason, letter
from ziggy_async.queueing.options import Options, Work
from ziggy_async.runtime.cross_loop import outcome_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "letters.db"


class Color(StrEnum):
    RED = "red"


class Plain:
    def method(self) -> str:
        return "called"


class OwnError(Exception):
    pass


loaded: list[int] = []


def loud(number: int) -> int:
    loaded.append(number)
    return number


class Noisy:
    """Tells when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return loud, (1,)


class Wicked:
    def __reduce__(self) -> tuple[Any, ...]:
        raise SystemExit


def columns(path: Path) -> list[tuple[bool, bool]]:
    """Whether the work of each letter is there as JSON and as a pickle."""
    import sqlite3

    database = sqlite3.connect(path)
    found = database.execute("SELECT typeof(work) = 'text', typeof(work) = 'blob' FROM letters ORDER BY id").fetchall()
    database.close()
    return [(bool(call), bool(pickled)) for call, pickled in found]


ITSELF: list[Any] = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "is_json"),
    [
        (len, (), {}, True),
        (print, (None, True, -1, 2.5, "\udcff", [1, {"a": []}]), {"end": ""}, True),
        (asyncio.sleep, (1 << 200,), {}, True),
        (print, ((1, 2),), {}, False),  # a tuple would come back as a list
        (print, (Color.RED,), {}, False),
        (print, (np.float64(1.0),), {}, False),
        (print, (math.nan,), {}, False),
        (print, (math.inf,), {}, False),
        (print, ("\ud800\udc00",), {}, False),  # would come back as one character
        (print, ({1: "a"},), {}, False),
        (print, (OrderedDict(a=1),), {}, False),
        (print, (ITSELF,), {}, False),
        (print, (b"bytes",), {}, False),
        (functools.partial(print), (), {}, False),
        (Plain().method, (), {}, False),
    ],
)
async def test_json_keeps_what_it_gives_back_as_it_was(
    path: Path, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], is_json: bool
) -> None:
    async with opened(path) as (letters, taken):
        kept = await add(letters, "t", function, *args, **kwargs)
        assert kept.can_requeue
        assert columns(path) == [(is_json, not is_json)]
        await letters.requeue(kept.id)
    ((again, _),) = taken
    assert (again.task_id, again.operation, again.options) == ("t", "job", Options(priority=3))
    if function is not print or is_json:
        assert (again.args, again.kwargs) == (args, kwargs)
    assert [type(value) for value in again.args] == [type(value) for value in args]
    assert getattr(again.function, "__name__", None) == getattr(function, "__name__", None)


@pytest.mark.parametrize(
    ("options", "is_json"),
    [
        (Options(), True),
        (Options(2, 30.0, 3, (OSError, OwnError), "key", "drop_oldest", True), True),
        (Options(key=("a", 1)), False),
        (Options(retry_on=(type("LocalError", (Exception,), {}),)), False),
    ],
)
async def test_options_come_back(path: Path, options: Options, is_json: bool) -> None:
    async with opened(path) as (letters, taken):
        kept = await outcome_of(letters.put(Work("t", "job", len, (), {}, options), Reason.EXHAUSTED, []))
        assert columns(path) == [(is_json, not is_json and kept.can_requeue)]
        if kept.can_requeue:
            await letters.requeue(kept.id)
            assert taken[0][0].options == options


async def fill(path: Path) -> None:
    async with opened(path) as (letters, _):
        await add(letters, "json", len, [1, 2])
        await add(letters, "pickled", len, (1, 2, 3))


@pytest.fixture
def requeued_elsewhere(run_isolated: Callable[..., Any]) -> Callable[..., list[str]]:
    """What another process says that requeues all."""
    return lambda path, trusts="": run_isolated("requeue_all", path, trusts).stdout.splitlines()


async def test_another_process_runs_json_and_unpickles_nothing(
    path: Path, requeued_elsewhere: Callable[..., list[str]]
) -> None:
    await fill(path)
    why_not = "it is pickled, and another process wrote it; trust_pickles=True lets this one unpickle it"
    assert requeued_elsewhere(path) == ["json True 2", f"pickled False {why_not} | {why_not}"]
    async with opened(path) as (letters, taken):  # this process wrote it
        assert [(each.task_id, each.can_requeue) for each in letters.list()] == [("pickled", True)]
        await letters.requeue_all()
        assert taken[0][0].args == ((1, 2, 3),)


async def test_another_process_that_trusts_pickles(path: Path, requeued_elsewhere: Callable[..., list[str]]) -> None:
    await fill(path)
    assert requeued_elsewhere(path, "trusts") == ["json True 2", "pickled True 3"]


async def test_a_row_of_another_writer_is_not_unpickled(path: Path) -> None:
    async with opened(path) as (letters, taken):
        kept = await add(letters, "t", len, Noisy())
        execute(path, "UPDATE letters SET writer = 'somebody'")
        loaded.clear()
        with pytest.raises(ValueError, match="another process wrote it"):
            await letters.requeue(kept.id)
    async with opened(path) as (letters, _):
        assert not letters.get(kept.id).can_requeue
    assert (loaded, taken) == ([], [])


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "why_not"),
    [
        (lambda: None, (), {}, "cannot be pickled: .*lambda"),
        (len, (1, threading.Lock()), {}, "cannot be pickled: TypeError: cannot pickle '_thread.lock' object"),
        (len, (), {"a": 1, "b": (value for value in ())}, "cannot be pickled: .*generator"),
        (len, (Wicked(),), {}, "cannot be pickled: SystemExit"),
        (len, (b"x" * 2000,), {}, r"take 2,\d{3} bytes, more than 1,000"),
        (len, ("x" * 2000,), {}, r"take 2,\d{3} bytes, more than 1,000"),
    ],
)
async def test_what_cannot_be_requeued_is_listed(
    path: Path, monkeypatch: pytest.MonkeyPatch, function: Any, args: Any, kwargs: Any, why_not: str
) -> None:
    monkeypatch.setattr(letter, "LARGEST", 1000)
    async with opened(path) as (letters, _):
        kept = await add(letters, "t", function, *args, **kwargs)
    async with opened(path) as (letters, taken):
        assert letters.list() == [kept]
        assert not kept.can_requeue
        with pytest.raises(ValueError, match=rf"{kept.id} cannot be requeued: .*{why_not}"):
            await letters.requeue(kept.id)
        assert str((await letters.requeue_all()).failed[kept.id]).endswith(str(kept.why_not))
        assert letters.list() == [kept]
        assert await letters.discard(kept.id)
    assert taken == []


async def test_unpickling_waits_for_the_requeue_and_its_failure_keeps_the_letter(path: Path) -> None:
    async with opened(path) as (letters, _):
        noisy = await add(letters, "t", len, Noisy())
        broken = [await add(letters, "broken", len, *args) for args in ((), ((),), (), (), ())]
    execute(path, f"UPDATE letters SET work = '[' WHERE id = '{broken[0].id}'")
    execute(path, f"UPDATE letters SET work = x'80' WHERE id = '{broken[1].id}'")
    execute(path, f"UPDATE letters SET work = NULL WHERE id = '{broken[2].id}'")
    execute(path, f"UPDATE letters SET work = 7 WHERE id = '{broken[3].id}'")
    execute(path, f"UPDATE letters SET work = CAST(x'ff' AS TEXT) WHERE id = '{broken[4].id}'")
    loaded.clear()
    async with opened(path) as (letters, taken):
        letters.get(noisy.id)
        assert loaded == []
        damage = ["JSON", "Unpickling", *["its record is damaged$"] * 2, "UnicodeDecodeError"]
        for each, why_not in zip(broken, damage, strict=True):
            with pytest.raises(ValueError, match=f"{each.id} cannot be requeued: {why_not}"):
                await letters.requeue(each.id)
        assert ids(letters) == ["t", *["broken"] * 5]
        await letters.requeue(noisy.id)
        assert (loaded, len(taken)) == ([1], 1)


@pytest.mark.parametrize("args", [(), ((),)])
async def test_a_name_that_is_gone(path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[Any, ...]) -> None:
    """Of a function whose arguments are JSON, or pickled."""
    async with opened(path) as (letters, _):
        kept = await add(letters, "t", Plain, *args)
        monkeypatch.delitem(globals(), "Plain")
        with pytest.raises(ValueError, match=f"{kept.id} cannot be requeued: AttributeError: .*Plain"):
            await letters.requeue(kept.id)
        assert ids(letters) == ["t"]
