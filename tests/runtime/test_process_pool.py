"""The process pool: calls, their outcomes, what does not pickle, killed and cancelled processes.

The cases of a pool of processes, here and with Pebble 5.2.3, two processes of a fork server each, as measured on two
cores with CPython 3.11. What users would lose with Pebble: after the system kills an idle process, after an exception
whose class has a constructor of its own, and in a forked child all later calls fail; a task that is cancelled while it
waits may run all the same; a short call waits behind large arguments of another one.

| case                               | this pool                            | Pebble                             |
|------------------------------------|--------------------------------------|------------------------------------|
| `kill -9` amid a call              | `WorkerLost` with call and signal    | `ProcessExpired`                   |
| `kill -9` of an idle process       | costs nothing                        | later calls are `RuntimeError`s    |
| argument, callable does not pickle | `TypeError` that names it            | pickle's error, without a name     |
| argument does not unpickle         | `TypeError` that says why            | that call has no end               |
| result does not pickle             | `TypeError` that names the call      | pickle's error                     |
| result does not unpickle           | `TypeError` that names the call      | no end; later ones `RuntimeError`  |
| exception does not unpickle        | `RuntimeError` that says both        | so are all later calls             |
| callable forks                     | one answer; the fork ends            | the fork stays, and takes calls    |
| 160 MB of arguments                | a call beside them: up to 0.08 s     | it waits for them, 0.2 to 0.7 s    |
| 160 MB of result                   | the loop's lag is up to 60 ms        | 170 to 240 ms                      |
| exit amid a call                   | 2 s to end; no process is left       | ended at once; no process is left  |
| `kill -9` of the parent            | its processes end at once            | a call runs on to its end          |
| fork of the parent                 | the child's pool is empty, and works | the child's calls: `RuntimeError`  |
| cancel of a running call           | its process ends within 1 ms         | within 0.1 s                       |
| cancel of a waiting call           | it never runs                        | it runs if it was sent already     |
| deadline of 0.5 s, running         | 0.50 s                               | 0.58 s                             |
| the same, waiting for 1.5 s        | 0.5 s                                | none: it counts from the beginning |
| 5,000 calls; one by one            | 7,700/s; 0.24 ms each                | 6,600/s; 0.25 ms each              |
"""

import asyncio
import os
import pickle
import signal
import sys
import threading
import time
import types
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import process_work
import pytest
from pooled import close, pids, places, run

from ziggy_async.runtime.child_process import PackedCall, RemoteTraceback
from ziggy_async.runtime.errors import Stopped, WorkerLost
from ziggy_async.runtime.processes import ProcessPool

PATIENCE = 60.0
"""Seconds after which something does not happen any more, even on a busy machine."""


@pytest.fixture(scope="module")
def shared() -> Iterator[ProcessPool]:
    """One for all: what happens to a call must not matter to the next."""
    pool = ProcessPool(2)
    yield pool
    asyncio.run(close(pool))


@pytest.fixture
async def pool() -> AsyncIterator[ProcessPool]:
    pool = ProcessPool(2)
    yield pool
    await close(pool)


@pytest.fixture
def door(tmp_path: Path) -> Path:
    return tmp_path / "door"


async def until(condition: Callable[[], bool]) -> None:
    """For what happens in other processes."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


# --- calls and values


async def test_a_call_in_another_process(shared: ProcessPool) -> None:
    assert await run(shared, process_work.square, 12) == 144
    assert await run(shared, process_work.same, 1, "b", self=2, function=3) == ((1, "b"), {"self": 2, "function": 3})
    process = await run(shared, process_work.pid)
    assert process != os.getpid()
    assert process in pids(shared)
    assert await run(shared, os.path.join, "a", "b") == "a/b"


async def test_processes_are_started_when_needed_and_used_again(pool: ProcessPool) -> None:
    assert pids(pool) == []
    assert places(pool) == (0, 0)
    first = []
    for _ in range(5):
        first.append(await run(pool, process_work.pid))
        await until(lambda: not pool._running)  # its thread is free, a moment after the outcome is there
    assert first == pids(pool) * 5
    many = await asyncio.gather(*(run(pool, process_work.pid, number) for number in range(40)))
    assert set(first) <= set(many) <= set(pids(pool))
    assert len(pids(pool)) == 2


async def test_places_are_given_in_turn(pool: ProcessPool, tmp_path: Path) -> None:
    doors = [tmp_path / str(number) for number in range(3)]
    calls = [asyncio.create_task(run(pool, process_work.waits_for, str(door))) for door in doors]
    await until(lambda: doors[0].exists() and doors[1].exists())
    assert places(pool) == (2, 1)
    assert not doors[2].exists()
    doors[1].unlink()
    await until(doors[2].exists)
    for door in (doors[0], doors[2]):
        door.unlink()
    processes = await asyncio.gather(*calls)
    assert processes[2] == processes[1]
    assert places(pool) == (0, 0)


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "array", "objects"])
async def test_large_values_go_there_and_back(kind: str, shared: ProcessPool) -> None:
    value: Any = {
        "bytes": bytes(range(256)) * 12_000,
        "bytearray": bytearray(5_000_001),
        "array": np.arange(500_000, dtype=np.float64).reshape(500, 1000).T,
        "objects": [(number, str(number), {"half": number / 2}) for number in range(30_000)],
    }[kind]
    (back,), _ = await run(shared, process_work.same, value)
    assert type(back) is type(value)
    assert np.array_equal(back, value) if kind == "array" else back == value


def test_what_was_packed_stays_as_it_was() -> None:
    value = [bytes(300_000), list(range(100_000)), bytearray(200_000), bytearray(5)]
    call = PackedCall(len, (value,), {}, None)
    value[2][1], value[3][1] = 1, 1
    value[2:] = [bytearray(200_000), bytearray(5)]
    assert pickle.loads(b"".join(map(bytes, call.chunks))) == (len, (value,), {})


def test_several_loops_at_once(shared: ProcessPool) -> None:
    async def calls() -> list[int]:
        return await asyncio.gather(*(run(shared, process_work.square, number) for number in range(30)))

    answers: list[list[int]] = []
    threads = [threading.Thread(target=lambda: answers.append(asyncio.run(calls()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == [[number**2 for number in range(30)]] * 4


# --- errors


async def test_an_exception_comes_with_its_traceback(shared: ProcessPool) -> None:
    with pytest.raises(process_work.OwnError) as caught:
        await run(shared, process_work.raises, process_work.OwnError("no luck", 13))
    assert caught.value.args == ("no luck", 13)
    assert caught.value.code == 13
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert "in raises\n    raise error\nprocess_work.OwnError: ('no luck', 13)" in str(caught.value.__cause__)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'number'"):
        await run(shared, process_work.square)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (process_work.OwnEnd("over"), "OwnEnd: over"),
        (StopIteration(7), "StopIteration: 7"),
        (asyncio.CancelledError(), "CancelledError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
async def test_exceptions_that_coroutines_do_not_carry(error: BaseException, text: str, shared: ProcessPool) -> None:
    await run(shared, process_work.pid)
    before = set(pids(shared))
    with pytest.raises(RuntimeError) as caught:
        await run(shared, process_work.raises, error)
    assert str(caught.value) == f"test raised {text}"
    assert type(caught.value.__cause__) is type(error)
    assert before <= set(pids(shared))


async def does_not_pickle(pool: ProcessPool, match: str, function: Any, *args: Any, **kwargs: Any) -> None:
    """The error says so, and nothing has happened to the processes."""
    await run(pool, process_work.pid)
    before = set(pids(pool))
    with pytest.raises(TypeError, match=match):
        await run(pool, function, *args, **kwargs)
    assert await run(pool, process_work.pid) in pids(pool)
    assert before <= set(pids(pool))


async def test_a_function_that_does_not_pickle(shared: ProcessPool) -> None:
    await does_not_pickle(shared, r"^[\w.]+\.<locals>\.<lambda> cannot be pickled: .*local object", lambda: 1)


async def test_an_argument_that_does_not_pickle(shared: ProcessPool) -> None:
    lock = threading.Lock()
    await does_not_pickle(
        shared,
        "^argument 2 of process_work.same, a lock, cannot be pickled: TypeError: cannot pickle '_thread.lock' object$",
        *(process_work.same, 1, lock, 3),
    )
    await does_not_pickle(
        shared,
        "^argument 'key' of process_work.same, a list, cannot be pickled: TypeError: cannot pickle '_thread.lock'",
        *(process_work.same, 1),
        key=[lock],
    )


async def test_a_result_that_does_not_pickle(shared: ProcessPool) -> None:
    await does_not_pickle(
        shared,
        "^the result of process_work.generator, a generator, cannot be pickled: TypeError: cannot pickle 'generator'",
        process_work.generator,
    )


async def test_a_result_that_is_a_coroutine(shared: ProcessPool, capfd: pytest.CaptureFixture[str]) -> None:
    await does_not_pickle(
        shared, "^process_work.coroutine returned a coroutine: a process calls plain functions", process_work.coroutine
    )
    assert "never awaited" not in capfd.readouterr().err


@pytest.mark.parametrize("error", [LookupError, OSError, EOFError, pickle.UnpicklingError])
async def test_a_result_that_does_not_unpickle(error: type[Exception], shared: ProcessPool) -> None:
    says = rf"^the result of process_work.mine cannot be unpickled: (_pickle\.)?{error.__name__}: not here$"
    with pytest.raises(TypeError, match=says):
        await run(shared, process_work.mine, error("not here"))
    assert await run(shared, process_work.square, 4) == 16


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (process_work.raises_locked, "LockedError: keep out"),
        (process_work.raises_demanding, "DemandingError: so much"),
    ],
)
async def test_an_exception_that_does_not_pickle(function: Callable[[], None], says: str, shared: ProcessPool) -> None:
    await run(shared, process_work.pid)
    before = set(pids(shared))
    with pytest.raises(RuntimeError) as caught:
        await run(shared, function)
    assert str(caught.value) == f"process_work.{function.__name__} raised what cannot be pickled: {says}"
    assert f"in {function.__name__}" in str(caught.value.__cause__)
    assert before <= set(pids(shared))


async def test_what_the_process_cannot_import(shared: ProcessPool, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("nowhere")
    exec("def function(*args): pass\nclass Thing: pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "nowhere", module)
    await does_not_pickle(
        shared,
        "^the call of nowhere.function cannot be unpickled in another process: ModuleNotFoundError: No module named "
        "'nowhere'; what is sent there has to be in modules that it can import$",
        module.function,
    )
    await does_not_pickle(shared, "^the call of process_work.same cannot be unpickled", process_work.same, module.Thing)


# --- processes that die


async def test_a_killed_process_costs_only_the_call_that_ran_in_it(pool: ProcessPool, door: Path) -> None:
    other = asyncio.create_task(run(pool, process_work.waits_for, str(door)))
    await until(door.exists)
    dies = asyncio.create_task(run(pool, process_work.dies))
    waiting = [asyncio.create_task(run(pool, process_work.square, number)) for number in range(10)]
    with pytest.raises(WorkerLost, match=r"^process_work\.dies: its process was ended by SIGKILL$"):
        await dies
    assert await asyncio.gather(*waiting) == [number**2 for number in range(10)]
    door.unlink()  # noqa: ASYNC240
    assert await other in pids(pool)
    assert len(pids(pool)) == 2


async def test_a_killed_process_leaves_a_program_behind(pool: ProcessPool, tmp_path: Path) -> None:
    mark = tmp_path / "program"
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(WorkerLost, match=r"was ended by SIGKILL$"):
            await run(pool, process_work.dies_beside_a_program, str(mark))
    os.kill(int(mark.read_text()), signal.SIGKILL)


async def test_a_process_that_ends_itself(shared: ProcessPool) -> None:
    with pytest.raises(WorkerLost, match=r"_exit: its process ended with exit status 3$"):
        await run(shared, os._exit, 3)
    with pytest.raises(WorkerLost, match=r"_exit: its process ended with exit status 0$"):
        await run(shared, os._exit, 0)
    assert await run(shared, process_work.square, 3) == 9


async def test_a_process_that_cuts_its_connection(shared: ProcessPool) -> None:
    # The thread that watches the parent may find its descriptor closed, too, and end the process.
    with pytest.raises(WorkerLost, match=r"its process (closed its connection|ended with exit status 1)$"):
        await run(shared, process_work.closes_everything)
    assert await run(shared, process_work.square, 3) == 9


async def test_a_process_killed_while_it_was_idle_costs_nothing(pool: ProcessPool) -> None:
    before = await run(pool, process_work.pid)
    os.kill(before, signal.SIGKILL)
    await until(lambda: not is_there(before))
    assert await run(pool, process_work.pid) != before
    assert before not in pids(pool)


# --- cancelling


@pytest.mark.parametrize("function", [process_work.waits_for, process_work.waits_stubbornly])
async def test_cancelling_ends_the_process(function: Any, pool: ProcessPool, tmp_path: Path) -> None:
    doors = [tmp_path / "one", tmp_path / "other"]
    call, other = (asyncio.create_task(run(pool, function, str(door))) for door in doors)
    await until(lambda: all(door.exists() for door in doors))
    processes = pids(pool)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: len(pids(pool)) == 1)
    await until(lambda: sum(is_there(process) for process in processes) == 1)
    assert await run(pool, process_work.square, 5) == 25, "the place is there again"
    doors[1].unlink()
    assert await other in processes


async def test_cancelling_a_call_that_waits_leaves_the_others_exclusively(pool: ProcessPool, tmp_path: Path) -> None:
    doors = [tmp_path / "one", tmp_path / "other"]
    inside = [asyncio.create_task(run(pool, process_work.waits_for, str(door))) for door in doors]
    await until(lambda: all(door.exists() for door in doors))
    never = tmp_path / "never"
    waiting = asyncio.create_task(run(pool, process_work.waits_for, str(never)))
    await until(lambda: places(pool)[1] == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert places(pool) == (2, 0)
    for door in doors:
        door.unlink()
    assert set(await asyncio.gather(*inside)) == set(pids(pool))
    assert not never.exists()


async def test_cancelling_while_the_process_starts(pool: ProcessPool) -> None:
    for delay in (0.0, 0.01, 0.1):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(delay):
                await run(pool, time.sleep, PATIENCE)
    assert await run(pool, process_work.square, 6) == 36
    assert len(pids(pool)) <= 2


# --- closing


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0


async def test_closing_leaves_nothing_behind(door: Path) -> None:
    await close(ProcessPool(1))  # whoever helps with closing is there from now on
    warm = ProcessPool(1)
    await run(warm, process_work.pid)  # and so is what starts processes
    await close(warm)
    before = descriptors(), threading.active_count()
    pool = ProcessPool(3)
    await asyncio.gather(*(run(pool, process_work.pid) for _ in range(20)))
    with pytest.raises(WorkerLost):
        await run(pool, process_work.dies)
    cancelled = asyncio.create_task(run(pool, process_work.waits_for, str(door)))
    await until(door.exists)
    processes = pids(pool)
    cancelled.cancel()
    await close(pool)
    assert not any(is_there(process) for process in processes)
    assert pids(pool) == []
    assert descriptors() <= before[0]
    assert threading.active_count() <= before[1]  # one of an earlier test may have ended meanwhile
    await close(pool)


async def test_a_closed_pool_takes_no_calls(pool: ProcessPool) -> None:
    await close(pool)
    with pytest.raises(Stopped, match="the pool was shut down"):
        await run(pool, process_work.square, 1)


async def test_what_runs_and_waits_has_time_to_end(pool: ProcessPool) -> None:
    calls = [asyncio.create_task(run(pool, time.sleep, 0.05)) for _ in range(6)]
    await asyncio.sleep(0)
    await asyncio.to_thread(pool.shutdown, timeout=PATIENCE)
    assert await asyncio.gather(*calls) == [None] * 6
    assert pids(pool) == []


async def test_what_does_not_end_in_time_is_stopped(pool: ProcessPool, tmp_path: Path) -> None:
    doors = [tmp_path / "one", tmp_path / "other", tmp_path / "never"]
    calls = [asyncio.create_task(run(pool, process_work.waits_stubbornly, str(door))) for door in doors]
    await until(lambda: doors[0].exists() and doors[1].exists())
    processes = pids(pool)
    await asyncio.gather(close(pool, 0.1), close(pool))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Stopped] * 3
    assert str(outcomes[0]) == "test: it was stopped"
    assert str(outcomes[2]) == "test: the pool was shut down before it began"
    assert not doors[2].exists()
    assert not any(is_there(process) for process in processes)
