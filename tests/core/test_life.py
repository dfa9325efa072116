"""Beginnings and ends: import, closed loops, exits, forks, interrupts, sub-interpreters."""

import asyncio
import gc
import json
import sys
import threading
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from reference.bars import walk

from ziggy_async import BarStore, _core, generate_signals_for_watchlist_async, lifecycle

Run = Callable[..., Any]


def test_import_has_no_side_effects(run_isolated: Run) -> None:
    done = run_isolated("import_the_package", OPENBLAS_NUM_THREADS="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [[], 1, 0, False]


def test_importing_starts_no_native_thread(run_isolated: Run) -> None:
    done = run_isolated("pool_after_import")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == ["0", "0"]


def test_exports(run_isolated: Run) -> None:
    version, *names = run_isolated("exports").stdout.split()
    assert version[0].isdigit()
    assert {
        "BarStore",
        "async_get_ticker_features",
        "compute_features_async",
        "default_store",
        "generate_signals_for_watchlist_async",
        "generate_ticker_signal_async",
        "set_bar_source",
    } <= set(names)


class Loop(asyncio.SelectorEventLoop):
    """One that can be referred to weakly."""


def close_in_flight(names: list[str]) -> "weakref.ref[Loop]":
    """A loop's life that ends while its watchlists are on their way."""
    loop = Loop()
    tasks: list[Any] = [loop.create_task(generate_signals_for_watchlist_async(names)) for _ in range(5)]
    loop.run_until_complete(asyncio.sleep(0))
    for task in tasks:
        task._log_destroy_pending = False
    loop.close()
    return weakref.ref(loop)


@pytest.fixture
def stocked(store: BarStore) -> list[str]:
    """The names of what the store holds."""
    names = [f"S{number}" for number in range(100)]
    for seed, name in enumerate(names):
        store.load(name, walk(60, seed=seed).table())
    return names


def test_loops_closed_in_flight(stocked: list[str]) -> None:
    for _ in range(1000):
        close_in_flight(stocked)
    assert list(asyncio.run(generate_signals_for_watchlist_async(stocked))) == stocked
    settle()


def test_loops_closed_in_flight_are_freed(stocked: list[str]) -> None:
    """The notifier's thread disposes of what they left in the pool, when that is done."""
    alive = [close_in_flight(stocked) for _ in range(50)]
    deadline = time.monotonic() + 60.0
    while alive:
        assert time.monotonic() < deadline, f"{len(alive)} loops are still there"
        # Another loop takes the place of the one whose port this thread remembers.
        asyncio.run(generate_signals_for_watchlist_async(stocked[:1]))
        gc.collect()
        alive = [reference for reference in alive if reference() is not None]


def settle(seconds: float = 60.0) -> None:
    """Waits for the jobs of loops that are gone; nothing but the pool's own figures tells when they are done."""
    deadline = time.monotonic() + seconds
    while _core.pool_stats()["unfinished"] > 0:
        assert time.monotonic() < deadline, _core.pool_stats()
        time.sleep(0.001)


@pytest.mark.parametrize("ending", ["leaves the loop", "exits", "closes the loop", "asyncio.run", "daemon"])
@pytest.mark.parametrize("wake", ["threadsafe", "eventfd"])
def test_the_interpreter_ends_with_jobs_in_flight(ending: str, wake: str, run_isolated: Run) -> None:
    done = run_isolated("end_with_jobs_in_flight", ending, ASYNC_FEATURES_WAKE=wake, OPENBLAS_NUM_THREADS="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("wake", ["threadsafe", "eventfd"])
def test_fork_while_busy(wake: str, run_isolated: Run) -> None:
    done = run_isolated("fork_while_busy", ASYNC_FEATURES_WAKE=wake, PYTHONWARNINGS="ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "[0, 0, 0, 0, 0] True"


@pytest.mark.parametrize("wake", ["threadsafe", "eventfd"])
def test_a_forked_child_cancels_what_it_inherited(wake: str, run_isolated: Run) -> None:
    done = run_isolated("fork_and_cancel", ASYNC_FEATURES_WAKE=wake, PYTHONWARNINGS="ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "0"


def test_an_interrupt_during_a_watchlist(run_isolated: Run) -> None:
    done = run_isolated("interrupted_watchlists")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["3", "True"]


def test_an_interrupt_during_a_synchronous_call(run_isolated: Run) -> None:
    done = run_isolated("interrupted_synchronous_call")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")


@pytest.mark.parametrize(
    ("call", "tickers", "bars"),
    [
        ("history", 1, 100_000),  # on the calling thread and others
        ("history", 1000, 2_000),
        ("across", 100, 20_000),
        ("latest", 1, 100_000),  # on the calling thread
        ("latest", 1000, 2_000),
        ("screen", 1000, 2_000),
        ("over", 1, 100_000),
        ("live", 1000, 2_000),
    ],
)
def test_an_interrupt_ends_a_job_of_minutes(call: str, tickers: int, bars: int, run_isolated: Run) -> None:
    done = run_isolated("interrupted_jobs", call, tickers, bars)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["interrupted", "True", *(["True", "True"] if call == "live" else [])]


def test_workers_leave_signals_to_the_interpreter(run_isolated: Run) -> None:
    """A handler runs in the main thread though the native threads are awake."""
    done = run_isolated("signals_and_workers")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True True", "")


def test_shutdown_ends_the_native_threads(run_isolated: Run) -> None:
    done = run_isolated("shutdown_of_the_core")
    assert (done.returncode, done.stdout.split()) == (0, ["True", "refused"])


def test_after_the_end_each_call_gets_one_clear_error(run_isolated: Run) -> None:
    """Handlers that were registered before this package was imported are called after its own."""
    for use in ((), ("used",)):
        done = run_isolated("calls_after_the_exit", *use)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            *["the interpreter is exiting: the native pool is closed"] * 3,
            "the interpreter is exiting: the thread pool is closed",
            "the interpreter is exiting: the background loop is closed",
            "0",
        ]


def test_daemon_threads_that_go_on_at_the_end(run_isolated: Run) -> None:
    """They may find the pool closed at any point; what they say is that error and nothing else."""
    for _ in range(5):
        done = run_isolated("daemons_at_the_exit")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("call", ["latest", "history", "signals"])
def test_synchronous_calls_end_in_stopped_at_the_exit(run_isolated: Run, call: str) -> None:
    """Or give their result, where they are done by their own threads alone."""
    done = run_isolated("synchronous_calls_at_the_exit", call)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) <= {"Stopped"}


def test_a_daemon_thread_that_nobody_joins_gets_stopped(run_isolated: Run) -> None:
    """Before the interpreter goes on, which does not wait when there is no such thread."""
    for arguments, expected in ((), "Stopped\n"), (("idle",), "0\n"):
        done = run_isolated("daemon_stopped_at_the_exit", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_a_sub_interpreter_is_refused(run_isolated: Run) -> None:
    """Loaded by its path alone, so that it is the extension that refuses and not NumPy."""
    done = run_isolated("sub_interpreter")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "refused"


def test_a_forked_child_that_goes_on_in_the_loop_takes_no_wake_up_from_its_parent(run_isolated: Run) -> None:
    done = run_isolated("forked_eventfd", ASYNC_FEATURES_WAKE="eventfd", PYTHONWARNINGS="ignore::DeprecationWarning")
    assert done.stdout == "went on\n", done.stderr


class File:
    """A file that a fork closes."""

    def __init__(self) -> None:
        self.is_closed = False
        lifecycle.close_before_fork(self, threading.Lock())

    def close(self) -> None:
        self.is_closed = True


def test_a_fork_closes_its_files_although_another_thread_makes_one_at_that_moment() -> None:
    files = [File() for _ in range(3)]
    made: list[File] = []

    def make_one(frame: FrameType, event: str, argument: object) -> object:  # at each line of `weakref`
        if frame.f_globals["__name__"] == "weakref":
            made.append(File())
        return make_one

    before = sys.gettrace()
    sys.settrace(make_one)
    try:
        lifecycle._close_files()
    finally:
        sys.settrace(before)
        lifecycle._release_files()
    assert made
    assert all(file.is_closed for file in files)
