"""The thread pool in storms, at exits and in forked children."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pooled import Submitted, submit

from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.threads import ThreadPool

PATIENCE = 30.0
"""Seconds after which something does not happen any more, even on a busy machine."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def until(condition: Callable[[], bool]) -> None:
    """For what no event tells: threads that have come to rest."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def _quick_switches() -> Iterator[None]:
    """Threads change places as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_quick_switches")
@pytest.mark.parametrize("seed", range(4))
def test_no_call_is_lost_or_runs_twice_in_a_storm(seed: int) -> None:
    """Submits, resizes, abandons and cancels at random from several threads; then every call has ended once."""
    pool = ThreadPool(3, "pool-storm")
    ran: list[tuple[int, int]] = []
    futures: list[list[Submitted]] = [[] for _ in range(4)]
    stuck = threading.Event()

    def work(key: tuple[int, int], way: float) -> None:
        ran.append(key)
        if way < 0.02:
            stuck.wait(PATIENCE)
        elif way < 0.2:
            time.sleep(way / 1000)

    def storm(number: int) -> None:
        dice = random.Random(seed * 10 + number)
        mine = futures[number]
        for turn in range(400):
            mine.append(submit(pool, work, (number, turn), dice.random()))
            way = dice.random()
            if way < 0.1:
                pool.resize(dice.randrange(1, 8))
            elif way < 0.3:
                pool.abandon(dice.choice(mine).call)
            elif way < 0.4:
                pool.withdraw(dice.choice(mine).call)

    storms = [threading.Thread(target=storm, args=(number,)) for number in range(4)]
    for thread in storms:
        thread.start()
    for thread in storms:
        thread.join(PATIENCE)
    stuck.set()
    everything = [future for mine in futures for future in mine]
    for each in everything:
        each.wait(PATIENCE)
    called = [each for each in everything if not isinstance(each.call.error, Stopped)]
    assert len(ran) == len(set(ran)) == len(called)
    pool.resize(2)
    until(lambda: len(pool._workers) == len(pool._idle) <= 2)
    assert (pool.stuck, pool.waiting, pool.running) == (0, 0, 0)
    pool.shutdown(timeout=PATIENCE)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pool-storm")]


EXITS = {
    "running work ends": (
        "submit(pool, lambda: (began.set(), time.sleep(0.3), print('done'))); began.wait()",
        "done\n",
        0.0,
    ),
    "abandoned work ends": (
        "f = submit(pool, lambda: (began.set(), time.sleep(0.3), print('done'))); began.wait(); pool.abandon(f.call)",
        "done\n",
        0.0,
    ),
    "what waits is cancelled": (
        "submit(pool, lambda: (began.set(), time.sleep(0.3))); began.wait();"
        "waiting = submit(pool, print, 'never');"
        "lifecycle.at_exit(lifecycle.Stage.BRIDGE, lambda: print(waiting.call.error))",  # after the pools
        "test: the pool was shut down before it began\n",
        0.0,
    ),
    "what hangs is left": ("submit(pool, lambda: (began.set(), threading.Event().wait())); began.wait()", "", 2.0),
    "what computes for ever is left": ("submit(pool, compute); began.wait()", "", 2.0),
    "other threads may still use it": (
        "submit(pool, int).result();"  # 3.12 starts no thread any more
        "threading.Thread(target=lambda: (time.sleep(0.3), print(submit(pool, int).result()))).start()",
        "0\n",
        0.0,
    ),
}


@pytest.mark.parametrize("name", list(EXITS))
def test_exit(name: str, run_python: Run) -> None:
    script, output, least = EXITS[name]
    preamble = """
import threading, time
from pooled import submit
from ziggy_async import lifecycle
from ziggy_async.runtime.threads import ThreadPool
pool, began = ThreadPool(1), threading.Event()

def compute():
    began.set()
    while True:
        pass

"""
    began = time.monotonic()
    done = run_python(preamble + script)
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")
    assert time.monotonic() - began >= least


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("forking", ["the main thread", "a thread of the pool"])
def test_fork(forking: str, run_python: Run) -> None:
    """The child has an empty pool that works, whatever the parent's threads were doing; the parent's goes on."""
    script = """
import os, sys, threading, time
from pooled import submit
from ziggy_async.runtime.threads import ThreadPool

pool, gate, began = ThreadPool(3), threading.Event(), threading.Semaphore(0)
inside = [submit(pool, lambda: (began.release(), gate.wait())) for _ in range(2)]
began.acquire()
began.acquire()
pool.abandon(inside[0].call)

def fork():
    child = os.fork()
    if child == 0:
        code = 1
        try:
            assert (pool.waiting, pool.stuck, pool.is_here) == (0, 0, False)
            assert [f.result(20) for f in [submit(pool, abs, -n) for n in range(10)]] == list(range(10))
            assert not any(f.done() for f in inside)
            code = 0
        finally:
            os._exit(code) if in_pool else sys.exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def fork_and_return():
    "The child of a pool's thread has the parent's work behind it."
    child = os.fork()
    return child and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

in_pool = FORKING
for _ in range(3):
    print(submit(pool, fork).result() if in_pool else fork())
print(submit(pool, fork_and_return).result())
gate.set()
pool.shutdown()
assert all(f.result(20) for f in inside)
"""
    done = run_python(
        script.replace("FORKING", str(forking != "the main thread")), PYTHONWARNINGS="ignore::DeprecationWarning"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["0"] * 4
