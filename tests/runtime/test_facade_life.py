"""The facade at the edges of life: exit, fork, loops in threads, a kill, an interrupt, and what is left after."""

import asyncio
import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import LISTENS

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


def test_importing_starts_nothing_and_needs_nothing_optional(run_python: RunPython) -> None:
    done = run_python("""
import sys, threading
import ziggy_async, ziggy_async.async_features
ziggy_async.async_features.get_async_feature_computer()
optional = {"fastapi", "pandas", "prometheus_client", "uvicorn", "scipy", "rich", "duckdb", "sqlite3"}
optional |= {"ziggy_async.latency_benchmark", "ziggy_async.regression", "ziggy_async.cli", "ziggy_async.api"}
print(threading.active_count(), sorted(optional & set(sys.modules)))
""")
    assert (done.stdout.strip(), done.stderr) == ("1 []", "")


@pytest.mark.parametrize("ending", ["pass", "sys.exit(3)", "raise KeyError('x')"])
def test_exit_with_work_under_way(run_python: RunPython, ending: str) -> None:
    done = run_python(f"""
import asyncio, sys, time
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

async def main():
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2))
    for number in range(20):
        await computer.enqueue_task(str(number), time.sleep, 0.01)
    await computer.enqueue_task("coroutine", asyncio.sleep, 60)
    asyncio.create_task(computer.execute_blocking_operation("sleep", time.sleep, 0.2))
    await asyncio.sleep(0.02)
    {ending}

asyncio.run(main())
""", timeout=30)  # fmt: skip
    assert done.returncode == {"pass": 0, "sys.exit(3)": 3}.get(ending, 1)
    assert "never" not in done.stderr
    assert "destroyed" not in done.stderr


def test_a_hanging_callable_does_not_hold_up_the_exit(run_python: RunPython) -> None:
    done = run_python("""
import asyncio, threading
from ziggy_async.async_features import AsyncFeatureComputer

async def main():
    computer = AsyncFeatureComputer()
    handle = await computer.with_options(deadline=0.05).enqueue_task("hangs", threading.Event().wait)
    try:
        await handle
    except TimeoutError as error:
        print(error)
    await computer.stop()

asyncio.run(main())
""", timeout=30)  # fmt: skip
    assert "deadline" in done.stdout
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)


def test_an_interrupt_does_not_wait_for_what_is_queued() -> None:
    script = """
import asyncio, time
from ziggy_async.async_features import AsyncFeatureComputer

async def main():
    async with AsyncFeatureComputer() as computer:
        await computer.enqueue_task("sleep", asyncio.sleep, 60)
        print("ready", flush=True)
        await computer.execute_blocking_operation("waits", time.sleep, 0.1)
        await asyncio.sleep(60)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""
    command = [sys.executable, "-c", LISTENS + script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err.count("Traceback")) == ("interrupted\n", 0), err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_begins_anew(run_python: RunPython) -> None:
    done = run_python("""
import asyncio, os, time
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig, get_async_feature_computer

computer = get_async_feature_computer()

async def main():
    await computer.execute_blocking_operation("parent", int)
    held = await computer.enqueue_task("held", asyncio.sleep, 0.5)
    child = os.fork()
    if child == 0:
        return
    _, status = os.waitpid(child, 0)
    await held
    print("parent", os.waitstatus_to_exitcode(status), computer.counts()["succeeded"])
    await computer.stop()

async def in_child():
    value = await computer.execute_blocking_operation("child", lambda: 7)
    value += await (await computer.enqueue_task("task", lambda: 1))
    print("child", value, computer.counts()["submitted"], flush=True)
    await computer.stop()

parent = os.getpid()
try:
    asyncio.run(main())
finally:
    if os.getpid() != parent:
        asyncio._set_running_loop(None)
        code = 1
        try:
            asyncio.run(in_child())
            code = 0
        finally:
            os._exit(code)
""", timeout=60)  # fmt: skip
    assert done.stdout.splitlines() == ["child 8 1", "parent 0 1"], done.stderr


def test_a_computer_for_each_of_many_loops_in_threads() -> None:
    sums: list[int] = []

    def serve() -> None:
        async def main() -> int:
            async with AsyncFeatureComputer(TaskPoolConfig(max_workers=2)) as computer:
                handles = [await computer.enqueue_task(str(n), lambda n=n: n) for n in range(50)]
                return sum(await asyncio.gather(*handles))

        sums.append(asyncio.run(main()))

    threads = [threading.Thread(target=serve) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [sum(range(50))] * 6


def test_a_hundred_loops_one_after_the_other_leave_nothing() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2))

    async def use(number: int) -> int:
        return await (await computer.enqueue_task("t", lambda: number))

    for number in range(100):
        assert asyncio.run(use(number)) == number
    asyncio.run(_stop(computer))
    counts = computer.counts()
    assert counts["submitted"] == counts["succeeded"] == 100
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("ziggy-async-work")] == []


async def _stop(computer: AsyncFeatureComputer) -> None:
    await computer.start()
    await computer.stop()


def test_a_stopped_computer_is_collected() -> None:
    async def use() -> "weakref.ref[AsyncFeatureComputer]":
        async with AsyncFeatureComputer(TaskPoolConfig(max_workers=2)) as computer:
            await (await computer.enqueue_task("t", int))
            with pytest.raises(OSError, match="x"):
                await (await computer.enqueue_task("fails", _fail))
        return weakref.ref(computer)

    left = asyncio.run(use())
    gc.collect()
    assert left() is None


def _fail() -> None:
    raise OSError("x")


def test_letters_survive_a_kill_and_the_next_process_requeues_them(tmp_path: Path) -> None:
    file = tmp_path / "letters.db"
    environment = {**os.environ, "ASYNC_FEATURES_DEAD_LETTERS": str(file)}
    script = """
import asyncio, os, signal
from ziggy_async.async_features import AsyncFeatureComputer

async def main():
    computer = AsyncFeatureComputer()
    for task_id, directory in (("fails", "/nowhere/at/all"), ("works", os.curdir)):
        handle = await computer.enqueue_task(task_id, os.listdir, directory + "/not here")
        try:
            await handle
        except OSError:
            pass
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    killed = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    async def next_process() -> list[Any]:
        async with AsyncFeatureComputer(TaskPoolConfig(dead_letters=str(file))) as computer:
            letters = computer.dead_letters.list()
            assert [(letter.task_id, letter.reason) for letter in letters] == [
                ("fails", "exhausted"),
                ("works", "exhausted"),
            ]
            (tmp_path / "not here").mkdir()
            os.chdir(tmp_path)
            return await (await computer.dead_letters.requeue(letters[1].id))

    before = Path.cwd()
    try:
        assert asyncio.run(next_process()) == []
    finally:
        os.chdir(before)
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
