"""Beginnings and ends: import, closed loops, exits, forks, interrupts, sub-interpreters."""

import asyncio
import gc
import json
import os
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from reference.bars import walk

from ziggy_async import BarStore, _core, generate_signals_for_watchlist_async

Run = Callable[..., Any]

STOCK = """
import asyncio, os, signal, sys, threading
from reference.bars import walk
import ziggy_async
from ziggy_async.market_brain.features import get_ticker_features
store = ziggy_async.default_store()
bars = walk(252).table()
names = [f"S{number}" for number in range(2000)]
for name in names:
    store.load(name, bars)

def begin(loop, count=20):
    "Watchlists that are on their way when this returns, and will be missed by nobody."
    tasks = [loop.create_task(ziggy_async.generate_signals_for_watchlist_async(names)) for _ in range(count)]
    for task in tasks:
        task._log_destroy_pending = False
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
    loop.run_until_complete(asyncio.sleep(0))
    return tasks
"""


def test_import_has_no_side_effects(run_python: Run) -> None:
    script = """
import asyncio, json, os, sys, threading
import numpy
before = set(sys.modules)
tasks = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
import ziggy_async
after = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
optional = {"fastapi", "starlette", "pandas", "polars", "pyarrow", "duckdb", "rich", "uvloop", "talib"}
try:
    asyncio.get_running_loop()
    loop = True
except RuntimeError:
    loop = False
print(json.dumps([sorted(optional & set(sys.modules)), threading.active_count(), after - tasks, loop]))
"""
    done = run_python(script, OPENBLAS_NUM_THREADS="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [[], 1, 0, False]


def test_importing_starts_no_native_thread(run_python: Run) -> None:
    script = """
from ziggy_async import _core
print(_core.pool_stats()["threads"], _core.pool_stats()["submitted"])
import ziggy_async, ziggy_async.market_brain.signals, ziggy_async.paper
print(_core.pool_stats()["submitted"])
"""
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == ["0", "0"]


def test_exports(run_python: Run) -> None:
    script = "import ziggy_async; print(ziggy_async.__version__, *sorted(ziggy_async.__all__))"
    version, *names = run_python(script).stdout.split()
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
    deadline = time.monotonic() + 20.0
    while alive:
        assert time.monotonic() < deadline, f"{len(alive)} loops are still there"
        # Another loop takes the place of the one whose port this thread remembers.
        asyncio.run(generate_signals_for_watchlist_async(stocked[:1]))
        gc.collect()
        alive = [reference for reference in alive if reference() is not None]


def settle(seconds: float = 20.0) -> None:
    """Waits for the jobs of loops that are gone; nothing but the pool's own figures tells when they are done."""
    deadline = time.monotonic() + seconds
    while _core.pool_stats()["unfinished"] > 0:
        assert time.monotonic() < deadline, _core.pool_stats()
        time.sleep(0.001)


ENDINGS = {
    "falls off the end": "loop = asyncio.new_event_loop(); kept = begin(loop)",
    "closes the loop": "loop = asyncio.new_event_loop(); kept = begin(loop); loop.close()",
    "sys.exit": "loop = asyncio.new_event_loop(); kept = begin(loop); sys.exit(0)",
    "asyncio.run is over": """
async def main():
    kept = [asyncio.create_task(ziggy_async.generate_signals_for_watchlist_async(names)) for _ in range(20)]
    await asyncio.sleep(0)
asyncio.run(main())
""",
    "a daemon's loop": """
def work():
    loop = asyncio.new_event_loop()
    begin(loop)
    started.set()
    loop.run_forever()
started = threading.Event()
threading.Thread(target=work, daemon=True).start()
started.wait()
""",
}


AGAIN_IN_CHILDREN = """
for _ in range(9 if hasattr(os, "fork") else 0):
    child = os.fork()
    if child == 0:
        break
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        sys.exit(f"a child ended with {code}")
"""
"""In front of what ends an interpreter: nine children end so, and then their parent."""


@pytest.mark.parametrize("ending", list(ENDINGS))
@pytest.mark.parametrize("wake", ["threadsafe", "eventfd"])
def test_the_interpreter_ends_with_jobs_in_flight(ending: str, wake: str, run_python: Run) -> None:
    done = run_python(STOCK + AGAIN_IN_CHILDREN + ENDINGS[ending], ASYNC_FEATURES_WAKE=wake, OPENBLAS_NUM_THREADS="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


FORK = """
import ctypes
loop = asyncio.new_event_loop()
kept = begin(loop)
children = []
for number in range(5):
    child = os.fork()
    if child == 0:
        # The loop's end here would take the parent's descriptors out of the epoll set that both processes share.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(loop))
        try:
            found = asyncio.run(ziggy_async.async_get_ticker_features("S1"))
            assert found == get_ticker_features("S1")
            assert list(asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names[:50]))) == names[:50]
            store.load("NEW", bars)
            if number % 2:
                sys.exit(0)
            os._exit(0)
        except Exception as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
found = loop.run_until_complete(asyncio.gather(*kept))
loop.close()
print(codes, all(list(signals) == names for signals in found))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("wake", ["threadsafe", "eventfd"])
def test_fork_while_busy(wake: str, run_python: Run) -> None:
    done = run_python(STOCK + FORK, ASYNC_FEATURES_WAKE=wake, PYTHONWARNINGS="ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "[0, 0, 0, 0, 0] True"


FORK_AND_CANCEL = """
import ctypes
loop = asyncio.new_event_loop()
kept = begin(loop)
child = os.fork()
if child == 0:
    signal.alarm(30)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(loop))
    for task in kept:
        task.cancel()
    # The futures' own callbacks run as well: they are what gives up a job in the pool that is not here.
    ended = loop.run_until_complete(asyncio.gather(*kept, return_exceptions=True))
    found = asyncio.run(ziggy_async.async_get_ticker_features("S1"))
    many = asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
    good = all(isinstance(end, asyncio.CancelledError) for end in ended)
    os._exit(0 if good and found == get_ticker_features("S1") and list(many) == names else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
loop.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("wake", ["threadsafe", "eventfd"])
def test_a_forked_child_cancels_what_it_inherited(wake: str, run_python: Run) -> None:
    done = run_python(STOCK + FORK_AND_CANCEL, ASYNC_FEATURES_WAKE=wake, PYTHONWARNINGS="ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "0"


INTERRUPT = """
async def main():
    while True:
        await ziggy_async.generate_signals_for_watchlist_async(names)

interrupted = 0
for _ in range(3):
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        interrupted += 1
    timer.join()
found = asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
print(interrupted, list(found) == names)
"""


def test_an_interrupt_during_a_watchlist(run_python: Run) -> None:
    done = run_python(STOCK + INTERRUPT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["3", "True"]


def test_an_interrupt_during_a_synchronous_call(run_python: Run) -> None:
    script = """
from ziggy_async.market_brain.signals import generate_signals_for_watchlist
timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
timer.start()
try:
    while True:
        generate_signals_for_watchlist(names)
except KeyboardInterrupt:
    print(list(generate_signals_for_watchlist(names)) == names)
timer.join()
"""
    done = run_python(STOCK + script)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True", "")


def test_workers_leave_signals_to_the_interpreter(run_python: Run) -> None:
    """A handler runs in the main thread though the native threads are awake."""
    script = """
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(threading.current_thread() is threading.main_thread()))

async def main():
    for _ in range(50):
        os.kill(os.getpid(), signal.SIGUSR1)
        await ziggy_async.generate_signals_for_watchlist_async(names[:200])

asyncio.run(main())
print(len(seen) > 0, all(seen))
"""
    done = run_python(STOCK + script)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "True True", "")


def test_shutdown_ends_the_native_threads(run_python: Run) -> None:
    script = """
from ziggy_async import _core
asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
print(_core.shutdown(10.0))
try:
    asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
except RuntimeError as error:
    print("refused")
"""
    done = run_python(STOCK + script)
    assert (done.returncode, done.stdout.split()) == (0, ["True", "refused"])


def test_after_the_end_each_call_gets_one_clear_error(run_python: Run) -> None:
    """Handlers that were registered before this package was imported are called after its own."""
    script = """
import asyncio, atexit, threading

def after():
    async def regime():
        return await signals.generate_signals_for_watchlist_async(["A"])
    async def paper():
        return await ziggy_async.compute_features_async("A")
    before = threading.active_count()
    for work in (regime, paper, regime):
        try:
            asyncio.run(work())
        except RuntimeError as error:
            print(error)
    for start in (default_pool.pool, lambda: background_loop.submit_coroutine(paper())):
        try:
            start()
        except RuntimeError as error:
            print(error)
    print(threading.active_count() - before)

atexit.register(after)
import ziggy_async
from ziggy_async.runtime import background_loop, default_pool
from ziggy_async.market_brain import signals
if %r:
    asyncio.run(ziggy_async.async_get_ticker_features("A"))
"""
    for was_used in (False, True):
        done = run_python(script % was_used)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            *["the interpreter is exiting: the native pool is closed"] * 3,
            "the interpreter is exiting: the thread pool is closed",
            "the interpreter is exiting: the background loop is closed",
            "0",
        ]


def test_daemon_threads_that_go_on_at_the_end(run_python: Run) -> None:
    """They may find the pool closed at any point; what they say is that error and nothing else."""
    script = """
def work():
    while True:
        try:
            asyncio.run(ziggy_async.generate_signals_for_watchlist_async(names))
        except RuntimeError as error:
            assert "pool is clos" in str(error) or "exiting" in str(error) or "shutdown" in str(error), error
            threading.Event().wait()
        began.release()

began = threading.Semaphore(0)
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
began.acquire()
"""
    for _ in range(5):
        done = run_python(STOCK + script)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_sub_interpreter_is_refused(run_python: Run) -> None:
    """Loaded by its path alone, so that it is the extension that refuses and not NumPy."""
    if sys.version_info >= (3, 13):
        pytest.skip("the module of sub-interpreters has another face here")
    script = """
import importlib.util
import _xxsubinterpreters as interpreters
path = importlib.util.find_spec("ziggy_async._core").origin
import ziggy_async._core
within = interpreters.create()
interpreters.run_string(within, f'''
import importlib.util
spec = importlib.util.spec_from_file_location("ziggy_async._core", {path!r})
try:
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    print("loaded", flush=True)
except ImportError as error:
    print("refused", flush=True)
''')
interpreters.destroy(within)
"""
    done = run_python(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "refused"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_that_goes_on_in_the_loop_takes_no_wake_up_from_its_parent(run_python: Run) -> None:
    done = run_python(
        """
import asyncio, os, time
from datetime import UTC, datetime, timedelta
from ziggy_async.paper import PriceData, compute_features_async, feature_computer

for n in range(60):
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=n)
    feature_computer.add_price_data(PriceData(at, "A", 1, 2, 1, 1.5, 1))

async def main():
    await compute_features_async("A")
    child, end = os.fork(), time.monotonic() + 1.0
    while time.monotonic() < end:
        await (compute_features_async("A") if child else asyncio.sleep(0))
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    print("went on")

asyncio.run(main())
""",
        ASYNC_FEATURES_WAKE="eventfd",
        PYTHONWARNINGS="ignore::DeprecationWarning",
    )
    assert done.stdout == "went on\n", done.stderr
