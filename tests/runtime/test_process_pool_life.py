"""The process pool at exits, interrupts and forks, in scripts that processes cannot import, and in storms."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import process_work
import pytest
from conftest import ISOLATED, isolated
from pooled import close, pids, places, run

from ziggy_async.runtime import child_process
from ziggy_async.runtime.errors import WorkerLost
from ziggy_async.runtime.processes import ProcessPool

PATIENCE = 60.0
"""Seconds after which something does not happen any more, even on a busy machine."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def is_there(process: int) -> bool:
    """Also not as a zombie, which one that nobody waits for may stay where there is no init."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return False
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        return True
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def gone(processes: list[int]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while any(is_there(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


# --- exits


@pytest.mark.parametrize(
    "state",
    [
        "idle",
        "closed",
        "a call hangs and its task is cancelled",
        "a call hangs and the loop is left",
        "a call hangs in a daemon's loop",
    ],
)
def test_the_interpreter_ends(state: str, run_isolated: Run, tmp_path: Path) -> None:
    """Without `close`, whatever runs, silently, and no process is left."""
    done = run_isolated("exit_of_a_process_pool", state, tmp_path / "door")
    assert (done.returncode, done.stderr) == (0, "")
    processes = [int(process) for process in done.stdout.split()]
    assert processes or state == "closed"
    assert gone(processes)


def test_work_that_runs_at_the_exit_is_not_lost(run_isolated: Run, tmp_path: Path) -> None:
    done = run_isolated("work_at_the_exit", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "done"]


def test_a_killed_parent_leaves_no_process_that_hangs(tmp_path: Path) -> None:
    door = tmp_path / "door"
    command = isolated("parent_of_processes", door)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as parent:
        assert parent.stdout is not None
        processes = [int(process) for process in parent.stdout.readline().split()]
        parent.kill()
    assert len(processes) == 2
    assert gone(processes)
    assert door.exists()


def test_a_terminals_interrupt_is_the_parents(tmp_path: Path) -> None:
    """All of the foreground's processes get it. The call goes on; nobody prints anything."""
    done = subprocess.run(
        isolated("interrupted_processes", tmp_path / "door"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


# --- forks


@pytest.mark.parametrize("how", ["returns", "raises", "exits", "ends"])
async def test_a_call_that_forks_is_answered_once_and_by_the_parent(how: str) -> None:
    pool = ProcessPool(1)
    for number in range(3):
        assert await run(pool, process_work.forks, how) == "from the parent"
        await asyncio.sleep(0.06)  # the forked process has come out of the call
        assert await run(pool, process_work.square, number) == number * number
    assert len(pids(pool)) == 1
    await close(pool)


async def test_a_call_may_have_a_child_of_its_own() -> None:
    pool = ProcessPool(1)
    assert await run(pool, process_work.has_a_child) == 42
    assert await run(pool, process_work.square, 3) == 9
    await close(pool)


def test_fork(run_isolated: Run, tmp_path: Path) -> None:
    """The child has an empty pool that works, and leaves the parent's processes alone; they end with their parent."""
    done = run_isolated("forked_process_pool", tmp_path / "door", PYTHONWARNINGS="ignore::DeprecationWarning")
    assert (done.returncode, done.stdout, done.stderr) == (0, "parent\n", "")


# --- scripts that processes cannot import


def test_a_function_of_a_session_is_named(run_isolated: Run) -> None:
    done = run_isolated("function_of_a_session")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("the call of __main__.mine cannot be unpickled in another process: AttributeError: ")


def run_script(name: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, ISOLATED / f"{name}.py"]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT)


def test_a_script_without_a_guard() -> None:
    """Its processes run it anew, ask for processes themselves, and are refused: an error, no endless chain."""
    done = run_script("unguarded")
    assert done.returncode == 1
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("RuntimeError: process_work.square: ")
    assert "if __name__ == '__main__':" in last
    assert done.stdout == ""


def test_a_script_with_a_guard() -> None:
    done = run_script("guarded")
    assert (done.returncode, done.stdout, done.stderr) == (0, "4\n", "")


# --- when no process can be had


async def test_no_process_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ProcessPool(1)

    def fail(_: Any) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("multiprocessing.process.BaseProcess.start", fail)
        with pytest.raises(RuntimeError, match=r"square: no process could be started, OSError: .*Too many open files"):
            await run(pool, process_work.square, 3)
    assert (*places(pool), pids(pool)) == (0, 0, [])
    assert await run(pool, process_work.square, 3) == 9
    await close(pool)


async def test_a_process_that_does_not_become_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ProcessPool(1)
    with monkeypatch.context() as patch:
        patch.setattr(child_process, "START_TIMEOUT", 0.0)
        with pytest.raises(RuntimeError, match="square: its process is not ready after 0 s"):
            await run(pool, process_work.square, 3)
    assert pids(pool) == []
    assert await run(pool, process_work.square, 3) == 9
    await close(pool)


# --- storms


async def test_a_storm_of_deaths_and_cancellations(tmp_path: Path) -> None:
    """Every call ends as it should; then all places are there, and nothing else."""
    dice = random.Random(3)
    pool = ProcessPool(3)
    done = {"value": 0, "lost": 0, "cancelled": 0}

    async def one(number: int) -> None:
        way = dice.random()
        try:
            if way < 0.1:
                await run(pool, process_work.dies)
            elif way < 0.25:
                async with asyncio.timeout(dice.random() * 0.3):
                    await run(pool, process_work.waits_for, str(tmp_path / str(number)))
            else:
                assert await run(pool, process_work.square, number) == number**2
                done["value"] += 1
        except WorkerLost:
            done["lost"] += 1
        except TimeoutError:
            done["cancelled"] += 1

    async with asyncio.timeout(2 * PATIENCE):
        for _ in range(4):
            await asyncio.gather(*(one(number) for number in range(20)))
        assert sum(done.values()) == 80
        assert all(done.values())
        assert await asyncio.gather(*(run(pool, process_work.square, n) for n in range(9))) == [n**2 for n in range(9)]
    assert len(pids(pool)) <= 3
    processes = pids(pool)
    await close(pool)
    assert gone(processes)
    assert (*places(pool), pids(pool)) == (0, 0, [])


# --- the loop meanwhile


@pytest.mark.performance
@pytest.mark.parametrize("kind", ["objects", "array"])
async def test_large_arguments_do_not_hold_up_the_loop(kind: str) -> None:
    """The longest that a loop stands still while a call is packed, against how long packing in one go takes."""
    import pickle

    is_array = kind == "array"
    value = np.ones(1 << 25) if is_array else [(float(number), str(number)) for number in range(1_000_000)]
    began = time.perf_counter()
    pickle.dumps(value, 5)
    at_once = time.perf_counter() - began
    pool = ProcessPool(1)
    await run(pool, process_work.pid)
    call = asyncio.create_task(run(pool, process_work.pid, value))
    longest = 0.0
    while not call.done():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - before)
    await close(pool)
    assert longest < at_once / 2
