"""Threads that compute take turns: how many at once, and who goes on when."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable

import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.lag import PingLag
from ziggy_async.work import turns
from ziggy_async.work.calls import Call
from ziggy_async.work.threads import ThreadPool
from ziggy_async.work.turns import FIRST_TRY, LATE, Pace, Turns

PATIENCE = 30.0
"""Seconds after which something does not happen any more, even on a busy machine."""
PROMPT = LATE / 2


@pytest.fixture(autouse=True)
def _endless_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread goes on by itself, however slow the machine is; a test that is about patience sets its own."""
    monkeypatch.setattr(turns, "PATIENCE", PATIENCE)


def starts(function: Callable[[], object]) -> threading.Event:
    """Set once a thread of its own has been through the function."""
    done = threading.Event()

    def run() -> None:
        function()
        done.set()

    threading.Thread(target=run, daemon=True).start()
    return done


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def waits(places: Turns, number: int) -> bool:
    return len(places._waiting) == number


def narrowed(limit: int) -> Turns:
    """One at a time, after a late result."""
    places = Turns(limit)
    places.judge(2 * LATE)
    assert places.most == limit // 2 == 1
    return places


def test_a_late_loop_halves_the_number() -> None:
    places = Turns(9)
    for expected in (4, 2, 1, 1):
        places.judge(2 * LATE)
        assert places.most == expected


def test_no_more_than_the_number_go_on() -> None:
    places = Turns(2)
    places.enter()
    places.enter()
    third = starts(places.enter)
    until(lambda: waits(places, 1))
    assert not third.is_set()
    places.leave()
    assert third.wait(PATIENCE)


def test_a_smaller_number_holds_from_the_next_turn_on() -> None:
    places = Turns(2)
    places.enter()
    places.enter()
    places.judge(2 * LATE)
    third = starts(places.enter)
    until(lambda: waits(places, 1))
    places.leave()
    assert not third.wait(0.01)  # one is inside, as many as may be
    places.leave()
    assert third.wait(PATIENCE)


def test_who_waits_longest_goes_first() -> None:
    places, order = Turns(1), list[int]()
    places.enter()

    def go(number: int) -> None:
        places.enter()
        order.append(number)
        places.leave()

    done = []
    for number in range(3):
        done.append(starts(lambda number=number: go(number)))
        until(lambda number=number: waits(places, number + 1))
    places.leave()
    assert all(event.wait(PATIENCE) for event in done)
    assert order == [0, 1, 2]


def test_one_more_may_go_on_when_the_loop_was_prompt_for_long() -> None:
    places = narrowed(2)
    places.enter()
    for _ in range(10 * FIRST_TRY):
        places.judge(PROMPT)
    assert places.most == 1  # nobody waits: nothing would be won
    second = starts(places.enter)
    until(lambda: waits(places, 1))
    for _ in range(2 * FIRST_TRY - 1):
        places.judge(PROMPT)
    assert not second.is_set()
    places.judge(PROMPT)
    assert second.wait(PATIENCE)
    assert places.most == 2


def test_never_more_than_the_limit() -> None:
    places = Turns(1)
    places.enter()
    starts(places.enter)
    until(lambda: waits(places, 1))
    for _ in range(10 * FIRST_TRY):
        places.judge(PROMPT)
    assert places.most == 1


def test_a_late_result_begins_the_count_anew() -> None:
    places = narrowed(2)
    places.enter()
    starts(places.enter)
    until(lambda: waits(places, 1))
    for _ in range(2 * FIRST_TRY - 1):
        places.judge(PROMPT)
    places.judge(2 * LATE)
    places.judge(PROMPT)
    assert places.most == 1


def test_tries_in_vain_become_rare() -> None:
    places, taken = narrowed(2), []
    places.enter()
    for _ in range(8):
        starts(places.enter)
        until(lambda: waits(places, 1))
        results = 0
        while places.most == 1:
            places.judge(PROMPT)
            results += 1
        taken.append(results)
        places.judge(2 * LATE)
        places.leave()
    assert taken == [200, 400, 800, 1600, 1600, 1600, 1600, 1600]


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.001)
    places = Turns(1)
    places.enter()
    places.enter()  # returns
    places.leave()
    places.leave()
    places.enter()
    places.leave()


# --- a thread's pace


class Steps:
    """The clocks of a thread, by hand: the part of the module `time` that is used."""

    def __init__(self) -> None:
        self.now = self.computed = 0.0

    def perf_counter(self) -> float:
        return self.now

    def thread_time(self) -> float:
        return self.computed

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def passes(self, seconds: float, computing: float = 0.0) -> None:
        self.now += seconds
        self.computed += computing


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    steps = Steps()
    monkeypatch.setattr(turns, "time", steps)
    return steps


class Noted(Turns):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__(8)
        self.judged: list[float] = []
        self.inside = 0

    def judge(self, late: float) -> None:
        self.judged.append(late)

    def enter(self) -> None:
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1


def test_a_long_call_is_over_and_short_ones_add_up(steps: Steps) -> None:
    pace = Pace(Noted())
    steps.passes(2e-4)
    assert pace.is_over()
    pace = Pace(Noted())
    seen = []
    for _ in range(12):
        steps.passes(9e-5)
        seen.append(pace.is_over())
    assert seen == [False] * 11 + [True]  # 12 x 0.09 ms is more than a millisecond, 11 are less


def test_who_computes_waits_for_the_loop_and_takes_turns(steps: Steps) -> None:
    places = Noted()
    pace = Pace(places)
    steps.passes(1e-3, computing=9e-4)
    came = steps.now + 3e-4
    pace.rest(lambda: steps.now >= came)
    assert places.judged == [pytest.approx(3e-4, abs=2e-6)]
    assert places.inside == 1
    pace.end()
    pace.end()
    assert places.inside == 0


def test_who_waits_for_something_else_goes_on(steps: Steps) -> None:
    places = Noted()
    pace = Pace(places)
    steps.passes(1e-3, computing=2e-4)
    pace.rest(lambda: False)
    assert (places.judged, places.inside) == ([], 0)


def test_a_turn_ends_with_the_computing(steps: Steps) -> None:
    places = Noted()
    pace = Pace(places)
    steps.passes(1e-3, computing=1e-3)
    pace.rest(lambda: True)
    assert places.inside == 1
    steps.passes(1e-3, computing=0.0)
    pace.rest(lambda: True)
    assert places.inside == 0


def test_a_loop_that_never_comes_is_waited_for_with_patience(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 5e-3)
    places = Noted()
    pace = Pace(places)
    steps.passes(1e-3, computing=1e-3)
    pace.rest(lambda: False)
    assert places.judged == [pytest.approx(5e-3, abs=2e-6)]


# --- in a pool


class Job(Call):
    """Its loop never comes for it."""

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__(function, (), {}, contextvars.copy_context())

    def run(self) -> None:
        self()

    def cancel(self) -> bool:
        return False

    def done(self) -> bool:
        return self.ended is not None

    def is_taken(self) -> bool:
        return False


def compute() -> int:
    return sum(range(20_000))


def test_a_loop_that_stands_still_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.001)
    jobs = [Job(compute) for _ in range(50)]
    with ThreadPool(4, "turns-test") as pool:
        for job in jobs:
            pool.put(job)
        until(lambda: all(job.done() for job in jobs))
        assert pool.turns.most == 1
    assert pool.turns._inside == 0


@pytest.mark.performance
@pytest.mark.usefixtures("fresh_heap")
async def test_the_loop_is_prompt_beside_threads_that_compute() -> None:
    """Eight threads at calls of 0.2 ms: a loop that has to fight for the GIL is late by 5 to 10 ms."""
    loop = asyncio.get_running_loop()
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=8)) as computer:
        end = loop.time() + 2.0

        async def client() -> None:
            while loop.time() < end:
                await computer.execute_blocking_operation("compute", compute)

        async with PingLag() as lag:
            await asyncio.gather(*(client() for _ in range(64)))
    assert lag.summary().p95 < 2.0
