"""The thread pool in storms, at exits and in forked children."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pooled import Submitted, idle_in, running_in, submit, waiting_in

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
                pool.cancel(dice.choice(mine).call)

    storms = [threading.Thread(target=storm, args=(number,)) for number in range(4)]
    for thread in storms:
        thread.start()
    for thread in storms:
        thread.join(PATIENCE)
    stuck.set()
    everything = [future for mine in futures for future in mine]
    for each in everything:
        each.wait(PATIENCE)
    until(lambda: not running_in(pool) and not waiting_in(pool))
    called = [each for each in everything if each.call.began is not None]
    assert len(ran) == len(set(ran)) == len(called)
    pool.resize(2)
    until(lambda: len(pool._threads) == idle_in(pool) <= 2)
    assert (pool.stuck, waiting_in(pool), running_in(pool)) == (0, 0, 0)
    pool.shutdown(timeout=PATIENCE)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pool-storm")]


EXITS = {
    "a call runs": ("done\n", 0.0),
    "a call is abandoned": ("done\n", 0.0),
    "a call waits": ("done\ntest: the pool was shut down before it began\n", 0.0),
    "a call hangs": ("", 2.0),
    "calls wait in others": ("done\n" * 3, 2.0),
    "a call computes": ("", 2.0),
    "another thread uses it": ("0\n", 0.0),
}
"""The state of the pool at the exit -> what is printed, and the seconds that the exit takes at least."""


@pytest.mark.parametrize("state", list(EXITS))
def test_exit(state: str, run_isolated: Run) -> None:
    output, least = EXITS[state]
    began = time.monotonic()
    done = run_isolated("exit_of_a_thread_pool", state)
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")
    assert time.monotonic() - began >= least


@pytest.mark.parametrize("forking", ["main", "pool"])
def test_fork(forking: str, run_isolated: Run) -> None:
    """The child has an empty pool that works, whatever the parent's threads were doing; the parent's goes on."""
    done = run_isolated("forked_thread_pool", forking, PYTHONWARNINGS="ignore::DeprecationWarning")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["0"] * 4
