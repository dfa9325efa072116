"""The facade at the edges of life: exit, fork, loops in threads, a kill, an interrupt, and what is left after."""

import asyncio
import copy
import gc
import os
import pickle
import signal
import sqlite3
import subprocess
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from collector import no_collections
from conftest import isolated
from letters import opened_below
from pooled import running_in
from queued import until

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.runtime.errors import Stopped

RunIsolated = Callable[..., "subprocess.CompletedProcess[str]"]


def test_importing_starts_nothing_and_needs_nothing_optional(run_isolated: RunIsolated) -> None:
    done = run_isolated("import_the_facade")
    assert (done.stdout.strip(), done.stderr) == ("1 []", "")


@pytest.mark.parametrize("ending", ["end", "exit", "error"])
def test_exit_with_work_under_way(run_isolated: RunIsolated, ending: str) -> None:
    done = run_isolated("exit_with_work_under_way", ending, timeout=30)
    assert done.returncode == {"end": 0, "exit": 3, "error": 1}[ending]
    assert "never" not in done.stderr
    assert "destroyed" not in done.stderr


def test_a_hanging_callable_does_not_hold_up_the_exit(run_isolated: RunIsolated) -> None:
    done = run_isolated("hanging_callable", timeout=30)
    assert "deadline" in done.stdout
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)


def test_calls_that_a_daemon_awaits_end_in_stopped_at_the_exit(run_isolated: RunIsolated) -> None:
    done = run_isolated("awaited_by_a_daemon")
    assert (done.returncode, done.stdout) == (0, "Stopped Stopped\n"), done.stderr


def test_an_interrupt_does_not_wait_for_what_is_queued() -> None:
    with subprocess.Popen(
        isolated("interrupted_queue"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err.count("Traceback")) == ("interrupted\n", 0), err


@pytest.mark.parametrize(("drain", "timeout"), [(True, 0.05), (False, 20.0)])
async def test_a_direct_call_that_outlasts_the_stop_ends_for_who_awaits_it(drain: bool, timeout: float) -> None:
    computer, door, began = AsyncFeatureComputer(TaskPoolConfig(max_workers=1)), threading.Event(), time.monotonic()
    hangs, waits = (asyncio.create_task(computer.execute_blocking_operation("hangs", door.wait, 60)) for _ in range(2))
    try:
        await until(lambda: computer._thread_pool is not None and running_in(computer._thread_pool) == 1)
        await computer.stop(drain, timeout)
        for call in (hangs, waits):
            with pytest.raises(Stopped):
                await call
        assert time.monotonic() - began < 15.0
    finally:
        door.set()


async def test_a_stop_waits_for_no_call_that_everybody_has_given_up() -> None:
    computer, door, began = AsyncFeatureComputer(TaskPoolConfig(max_workers=1)), threading.Event(), time.monotonic()
    try:
        for _ in range(8):  # more than are replaced
            with pytest.raises(TimeoutError):
                await computer.with_options(deadline=0.05).execute_blocking_operation("hangs", door.wait, 60)
        await computer.stop(timeout=20.0)
        assert time.monotonic() - began < 15.0
    finally:
        door.set()


def test_calls_of_many_loops_outlast_the_one_that_the_computer_began_in() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2))
    outcomes: list[object] = []

    def use() -> None:
        try:
            outcomes.append(asyncio.run(computer.execute_blocking_operation("short", time.sleep, 0.01)))
        except BaseException as error:
            outcomes.append(error)

    users = [threading.Thread(target=use) for _ in range(50)]
    for user in users:
        user.start()
        time.sleep(0.002)
    for user in users:
        user.join(60)
    assert outcomes == [None] * 50


def test_a_forked_child_begins_anew(run_isolated: RunIsolated) -> None:
    done = run_isolated("forked_computer")
    assert done.stdout.splitlines() == ["child 8 1", "parent 0 1"], done.stderr


def test_a_forked_child_that_leaves_through_the_parents_loop(run_isolated: RunIsolated, tmp_path: Path) -> None:
    """It neither waits for the parent's tasks nor says that they are dead."""
    done = run_isolated("forked_child_that_exits", tmp_path / "letters.db")
    assert done.stdout.splitlines() == ["child 0", "parent [None, None, None, None, None]", "fails"], done.stderr
    assert [line for line in done.stderr.splitlines() if " is dead, " in line] == [
        "task fails is dead, exhausted: ValueError: no"
    ]


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
    asyncio.run(until(lambda: not [each for each in threading.enumerate() if each.name.startswith("ziggy-async-work")]))


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
    killed = subprocess.run(isolated("killed_with_letters"), env=environment, capture_output=True, timeout=60)
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


def test_a_loop_that_ends_without_a_stop_leaves_no_thread() -> None:
    """Without waiting for the garbage collector."""

    async def use() -> None:
        computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=3))
        assert await computer.execute_blocking_operation("direct", int) == 0
        assert await (await computer.enqueue_task("task", int)) == 0

    before = set(threading.enumerate())
    with no_collections():
        asyncio.run(use())
        deadline = time.monotonic() + 30.0
        while left := [each.name for each in set(threading.enumerate()) - before if "notifier" not in each.name]:
            assert time.monotonic() < deadline, left
            time.sleep(0.01)


def test_a_burst_of_tasks_delays_no_direct_call() -> None:
    async def use() -> None:
        async with AsyncFeatureComputer(TaskPoolConfig(max_workers=2)) as computer:
            door = threading.Event()
            handles = [await computer.enqueue_task(f"task {n}", door.wait, 30) for n in range(20)]
            assert await computer.execute_blocking_operation("direct", lambda: 7) == 7
            assert not any(handle.done() for handle in handles)
            door.set()
            assert await asyncio.gather(*handles) == [True] * 20

    asyncio.run(use())


def test_names_reach_log_and_messages_in_one_short_line(caplog: pytest.LogCaptureFixture) -> None:
    name = "a\nCRITICAL forged \x1b[31m" + "b" * 10_000

    async def use() -> None:
        async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
            handle = await computer.with_options(max_attempts=2).enqueue_task(name, int, "no number")
            with pytest.raises(ValueError, match="no number"):
                await handle
            late = await computer.with_options(deadline=0.01).enqueue_task(name, asyncio.sleep, 60)
            with pytest.raises(TimeoutError) as caught:
                await late
            assert "\n" not in str(caught.value)
            assert "a\\nCRITICAL forged \\x1b[31mbbb" in str(caught.value)
            assert len(str(caught.value)) < 300

    asyncio.run(use())
    assert "is dead" in caplog.text
    assert not [record for record in caplog.records if "\n" in record.message or "\x1b" in record.message]
    assert all(len(record.message) < 700 for record in caplog.records)


@pytest.mark.parametrize(
    ("options", "use_process_pool"), [({}, False), ({"scale_min": 1}, False), ({}, True), ({"dead_letters": ""}, False)]
)
@pytest.mark.parametrize("end", ["the loop goes on", "asyncio.run", "the loop is closed"])
def test_an_abandoned_computer_lets_its_threads_go_without_the_collector(
    options: dict[str, Any], use_process_pool: bool, end: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if options.get("dead_letters") is not None:
        options = {"dead_letters": str(tmp_path / "letters.db")}

    async def use() -> "weakref.ref[AsyncFeatureComputer]":
        computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2, **options))
        assert await computer.execute_blocking_operation("direct", int, "7") == 7
        tasks = computer.with_options(use_process_pool=use_process_pool)
        assert await tasks.execute_blocking_operation("queued", int, "7") == 7
        if "dead_letters" in options:
            with pytest.raises(ValueError, match="invalid literal"):
                await tasks.execute_blocking_operation("dead", int, "x")
        if end != "the loop is closed":  # which leaves it undone for ever
            await tasks.enqueue_task("unawaited", int, "7")
        return weakref.ref(computer)

    async def use_and_go_on() -> "weakref.ref[AsyncFeatureComputer]":
        computer = await use()
        await until(lambda: set(threading.enumerate()) <= before and asyncio.all_tasks() == {asyncio.current_task()})
        return computer

    gc.collect()
    before = set(threading.enumerate())
    gc.disable()
    try:
        if end == "the loop is closed":
            loop = asyncio.new_event_loop()
            computer = loop.run_until_complete(use())
            loop.close()
            del loop
        else:
            computer = asyncio.run(use_and_go_on() if end == "the loop goes on" else use())
        asyncio.run(until(lambda: set(threading.enumerate()) <= before))
        assert computer() is None
        assert opened_below(tmp_path) == []
    finally:
        gc.enable()
    gc.collect()
    assert capfd.readouterr().err == ""


async def test_an_abandoned_computer_that_ends_in_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, computers = asyncio.get_running_loop(), [AsyncFeatureComputer(TaskPoolConfig(max_workers=2))]
    await computers[0].with_options().execute_blocking_operation("queued", int, "7")
    await until(lambda: not any(task.owner for task in computers[0]._background.unfinished.values()))  # type: ignore[union-attr]
    wake = loop.call_soon_threadsafe

    def wake_and_wait(function: Callable[..., object], *args: Any) -> asyncio.Handle:
        handle = wake(function, *args)
        time.sleep(0.05)  # the loop's thread goes on first
        return handle

    monkeypatch.setattr(loop, "call_soon_threadsafe", wake_and_wait)
    await asyncio.to_thread(computers.clear)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.mark.parametrize("module", ["bridge", "runtime.background_loop", "off_loop", "runtime.threads"])
def test_a_reload_leaves_no_thread_behind(module: str, run_isolated: RunIsolated) -> None:
    done = run_isolated("reload", module)
    assert done.stdout == "the same\n", done.stderr


def test_a_child_that_is_forked_after_a_reload_makes_calls(run_isolated: RunIsolated) -> None:
    done = run_isolated("forked_after_a_reload", PYTHONWARNINGS="ignore::DeprecationWarning")
    assert done.stdout == "7\n", done.stderr


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
async def test_a_computer_has_no_second_self(duplicate: Callable[[object], object]) -> None:
    async with AsyncFeatureComputer() as computer:
        with pytest.raises(TypeError, match=r"^an AsyncFeatureComputer is neither copied nor pickled"):
            duplicate(computer)


@pytest.mark.parametrize("factory", [None, *filter(None, [getattr(asyncio, "eager_task_factory", None)])])
async def test_a_loop_whose_tasks_begin_at_once(factory: Any) -> None:
    """Python has such a factory from 3.12 on."""

    async def at_once() -> int:
        return 1

    async def later() -> int:
        await asyncio.sleep(0)
        return 2

    asyncio.get_running_loop().set_task_factory(factory)
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=3)) as computer:
        for view in (computer, computer.with_options(priority=1)):
            for function, value in ((at_once, 1), (later, 2), (lambda: 3, 3)):
                assert await view.execute_blocking_operation("call", function) == value
        assert [task.done() for task in computer._worker_tasks] == [False] * 3
        handles = [await computer.enqueue_task(f"task {number}", later) for number in range(10)]
        assert [await handle for handle in handles] == [2] * 10
    assert all(task.done() for task in computer._worker_tasks)
