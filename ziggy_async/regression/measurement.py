"""Measures the workloads of `regress`. It must not take these for a slower package:

- Threads that the system puts on one core now and on two then, for seconds, which makes a third of the time: each
  process keeps to one core. That all cores are used is the concern of other benchmarks.
- A process that is slower than the next for all of its life, by where its memory lies: there are several.
- Pauses: the workloads alternate, each is repeated for a slice of time, and the shortest call is the sample. Garbage
  that is not the workloads' own is not collected meanwhile.
- A machine that is slower today: call by call the workload alternates with its reference workload.
- Another program on the same core, which gets its time slice whenever a thread hands over to another: a slice in which
  no call had the core to itself is repeated, and when that happens too often there is no result.
"""

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing, contextmanager

from ziggy_async.latency_benchmark.market import sample_market
from ziggy_async.latency_benchmark.market_computer import MarketComputer
from ziggy_async.regression.comparison import Samples
from ziggy_async.regression.workloads import BENCHMARKS, Workload, workloads_of

Measured = dict[str, tuple[float, float]]
"""Workload -> seconds of one operation of it, and of its reference workload."""

PROCESSES = 5
ROUNDS = 5
"""Rounds of each process, without the first one, which warms up."""
SLICE = 0.08
"""Seconds for which a workload and its reference workload are repeated."""
PROBE = 0.015
"""Seconds of spinning that show whether the core is free: a few time slices of a scheduler."""
ALONE = 0.9
"""The part of the time that a process gets of its core when nobody else uses it."""
BUDGET = 5.0
"""Seconds in all for which one process repeats what others disturbed."""
CORES = 8
"""Cores that are tried for the freest one."""

CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from ziggy_async.regression.measurement import main
main(*map(json.loads, sys.argv[2:]))
"""


def collect(
    names: Collection[str] = tuple(BENCHMARKS),
    done: Callable[[], None] = lambda: None,
    processes: int = PROCESSES,
    rounds: int = ROUNDS,
    budget: float = BUDGET,
) -> dict[str, Samples]:
    """Measures each of the workloads `processes` * `rounds` times; calls `done` after each round.

    Raises `ValueError` that says what went wrong when a process fails, or finds no core free.
    """
    measured: list[Measured] = []
    for _ in range(processes):
        with closing(rounds_of_a_process(names, rounds, budget)) as reported:
            for each in reported:
                measured.append(each)
                done()
    return {name: Samples(*zip(*(each[name] for each in measured), strict=True)) for name in names}


def rounds_of_a_process(names: Collection[str], rounds: int, budget: float) -> Generator[Measured, None, None]:
    """Yields the rounds that a process of its own measures."""
    arguments = [json.dumps(argument) for argument in (sys.path, list(names), rounds, budget)]
    with tempfile.TemporaryFile("w+") as complaints:
        command = [sys.executable, "-c", CHILD, *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as process:
            assert process.stdout is not None
            try:
                yield from map(json.loads, process.stdout)
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            complaints.seek(0)
            last = (complaints.read().strip() or f"exit code {process.returncode}").splitlines()[-1]
            raise ValueError(f"the benchmarks failed: {last}")


def main(names: list[str], rounds: int, budget: float) -> None:
    """Runs the process: writes a line of JSON for each round."""
    keep_to_one_core()
    sample_market()
    try:
        with fresh_heap():
            asyncio.run(measure(names, rounds, Budget(budget)))
    except TimeoutError as error:
        sys.exit(str(error))


async def measure(names: Collection[str], rounds: int, budget: "Budget") -> None:
    """Prints each round. A round runs all workloads and begins with another one than the round before."""
    async with MarketComputer(sample_market()) as computer:
        workloads, order = workloads_of(computer), list(names)
        for number in range(rounds + 1):
            shift = number % len(order)
            measured = {}
            for name in order[shift:] + order[:shift]:
                measured[name] = await undisturbed(workloads[name], workloads[BENCHMARKS[name]], budget)
            if number > 0:
                print(json.dumps(measured), flush=True)


async def undisturbed(one: Workload, other: Workload, budget: "Budget") -> tuple[float, float]:
    """Returns the seconds of one operation in the shortest call of each. Raises `TimeoutError` without budget."""
    while True:
        best, was_alone = await alternated(one, other)
        # Calls that wait although the core is free do so by themselves.
        if was_alone or (part := share()) >= ALONE:
            return best[one] / one.operations, best[other] / other.operations
        budget.spend(SLICE, part)


async def alternated(one: Workload, other: Workload) -> tuple[dict[Workload, float], bool]:
    """Returns the seconds of the shortest call of each, and whether a call of the first one had the core to itself."""
    best, was_alone = {one: float("inf"), other: float("inf")}, False
    end = time.perf_counter() + SLICE
    while time.perf_counter() < end:
        for workload in best:
            start, cpu = time.perf_counter(), time.process_time()
            await workload.way()
            seconds = time.perf_counter() - start
            best[workload] = min(best[workload], seconds)
            was_alone |= workload is one and time.process_time() - cpu >= ALONE * seconds
    return best, was_alone


def keep_to_one_core() -> None:
    """The freest one, for the threads that come as well. Where a system has no way to do that, nothing happens."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))[:CORES]
        os.sched_setaffinity(0, {max(cores, key=share_on)})


def share_on(core: int) -> float:
    os.sched_setaffinity(0, {core})
    return share()


def share() -> float:
    """Returns the part of the time that this process, spinning, gets of its core: 1.0 is all."""
    start, cpu = time.perf_counter(), time.process_time()
    while (seconds := time.perf_counter() - start) < PROBE:
        pass
    return (time.process_time() - cpu) / seconds


class Budget:
    """Seconds for which one process repeats what others disturb."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def spend(self, seconds: float, part: float) -> None:
        """Raises `TimeoutError` when none are left; `part`: what the others leave of the core."""
        self._left -= seconds
        if self._left < 0:
            raise TimeoutError(f"other programs leave {part:.0%} of a core, which is not enough to measure")


@contextmanager
def fresh_heap() -> Iterator[None]:
    """Has the garbage collector look at objects that come from here on, and not at those that were there before."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
