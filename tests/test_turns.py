"""Threads that compute take turns: how many at once, and who goes on when."""

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Callable

import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.lag import PingLag
from ziggy_async.work import turns
from ziggy_async.work.calls import Call
from ziggy_async.work.threads import ThreadPool
from ziggy_async.work.turns import FIRST_TRY, LATE, LOOP_PATIENCE, MOST_KINDS, Pace, Turns, kind_of

PATIENCE = 30.0
"""Seconds after which something does not happen any more, even on a busy machine."""
PROMPT = LATE / 2


@pytest.fixture(autouse=True)
def _endless_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread goes on by itself, however slow the machine is; a test that is about patience sets its own."""
    monkeypatch.setattr(turns, "TURN_PATIENCE", PATIENCE)


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


def judged(places: Turns, late: float, times: int = 1) -> None:
    for _ in range(times):
        places.judge(late)


def narrowed(limit: int) -> Turns:
    """One at a time: nobody is inside, and the loop was late."""
    places = Turns(limit)
    judged(places, 2 * LATE, 2)
    assert places.most == 1
    return places


def test_a_late_loop_halves_the_number() -> None:
    places = Turns(20)
    for _ in range(18):
        places.enter()
    for expected in (9, 4, 2, 1, 1):
        judged(places, 2 * LATE)
        assert places.most != expected or expected == 1  # one alone says nothing
        judged(places, 2 * LATE)
        assert places.most == expected


def test_a_late_result_in_twenty_changes_nothing() -> None:
    places = Turns(8)
    for _ in range(1000):
        judged(places, PROMPT, 20)
        judged(places, 2 * LATE)
    assert places.most == 8


def test_more_than_that_do() -> None:
    places = Turns(8)
    for _ in range(100):
        judged(places, PROMPT, 10)
        judged(places, 2 * LATE)
    assert places.most == 1


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
    judged(places, 2 * LATE, 2)
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
    judged(places, PROMPT, 2 * FIRST_TRY - 1)
    second = starts(places.enter)
    until(lambda: waits(places, 1))
    assert not second.is_set()
    judged(places, PROMPT)
    assert second.wait(PATIENCE)
    assert places.most == 2


def test_nobody_waits_so_nothing_would_be_won() -> None:
    places = narrowed(2)
    places.enter()
    judged(places, PROMPT, 10 * FIRST_TRY)
    assert places.most == 1


def test_never_more_than_the_limit() -> None:
    places = Turns(1)
    places.enter()
    starts(places.enter)
    until(lambda: waits(places, 1))
    judged(places, PROMPT, 10 * FIRST_TRY)
    assert places.most == 1


def test_tries_in_vain_become_rare_until_one_is_not() -> None:
    places = narrowed(2)
    places.enter()

    def results_until_a_try() -> int:
        starts(places.enter)
        until(lambda: waits(places, 1))
        results = 0
        while places.most == 1:
            places.judge(PROMPT)
            results += 1
        return results

    taken = []
    for _ in range(6):
        taken.append(results_until_a_try())
        judged(places, 2 * LATE, 2)
        assert places.most == 1
        places.leave()
    assert taken == [200, 400, 800, 1600, 1600, 1600]
    results_until_a_try()
    judged(places, PROMPT, 1600)  # this one was not
    judged(places, 2 * LATE, 1600)
    places.leave()
    assert results_until_a_try() == 200


def test_kinds_that_compute_are_known_and_their_memory_is_bounded() -> None:
    places = Turns(2)
    places.note("a", True)
    assert places.computes("a")
    places.note("a", False)
    assert not places.computes("a")
    for number in range(10 * MOST_KINDS):
        places.note(str(number), True)
    assert len(places._computing) <= MOST_KINDS
    assert places.computes(str(10 * MOST_KINDS - 1))


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_PATIENCE", 0.001)
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
        self.entered = self.inside = 0

    def judge(self, late: float) -> None:
        self.judged.append(late)

    def enter(self) -> None:
        self.entered += 1
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1


def work(steps: Steps, pace: Pace, seconds: float, computing: float, kind: str = "k") -> None:
    """A call, whose result the loop takes after 0.3 ms."""
    pace.before(kind)
    steps.passes(seconds, computing)
    came = steps.now + 3e-4
    pace.after(kind, lambda: came if steps.now >= came else None)


def test_a_long_call_is_judged_and_short_ones_add_up(steps: Steps) -> None:
    places = Noted()
    pace = Pace(places)
    work(steps, pace, 2e-4, 2e-4)
    assert places.judged == [pytest.approx(3e-4)]
    for _ in range(11):
        work(steps, pace, 9e-5, 9e-5)
    assert len(places.judged) == 1  # 11 x 0.09 ms are less than a millisecond
    work(steps, pace, 9e-5, 9e-5)
    assert len(places.judged) == 2


def test_who_waits_for_something_else_goes_on(steps: Steps) -> None:
    places = Noted()
    work(steps, Pace(places), 1e-3, 2e-4)
    assert (places.judged, places.entered) == ([], 0)
    assert steps.now == 1e-3


def test_calls_of_a_kind_that_computes_take_turns(steps: Steps) -> None:
    places = Noted()
    first, other = Pace(places), Pace(places)
    work(steps, first, 1e-3, 1e-3)
    assert places.entered == 0  # it was not known yet
    other.before("k")
    assert (places.entered, places.inside) == (1, 1)
    steps.passes(1e-3, 1e-3)
    other.after("k", lambda: 0.0)
    assert places.inside == 0
    other.before("another")
    assert places.inside == 0


def test_one_turn_for_a_stretch_of_short_calls(steps: Steps) -> None:
    places = Noted()
    places.note("k", True)
    pace = Pace(places)
    for _ in range(5):
        work(steps, pace, 5e-5, 5e-5)
    assert (places.entered, places.inside) == (1, 1)
    pace.end()
    pace.end()
    assert places.inside == 0


def test_a_loop_that_never_comes_is_waited_for_with_patience(steps: Steps) -> None:
    places = Noted()
    pace = Pace(places)
    pace.before("k")
    steps.passes(1e-3, 1e-3)
    pace.after("k", lambda: None)
    assert places.judged == [LOOP_PATIENCE]
    assert steps.now == pytest.approx(1e-3 + LOOP_PATIENCE, abs=2e-6)


def test_kinds_are_functions() -> None:
    class Odd:
        def __init__(self) -> None:
            self.__qualname__ = 5

        def __call__(self) -> None: ...

    assert kind_of(time.sleep) == "sleep"
    assert kind_of(compute) == "compute"
    assert kind_of([].append) == "list.append"
    assert kind_of(functools.partial(compute)) == "partial"
    assert kind_of(Odd()) == "test_kinds_are_functions.<locals>.Odd"


# --- in a pool


class Job(Call):
    """Its loop never comes for it."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.kind = "compute"
        super().__init__(function, (), {}, contextvars.copy_context())

    def run(self) -> None:
        self()

    def cancel(self) -> bool:
        return False

    def done(self) -> bool:
        return self.ended is not None

    def taken(self) -> float | None:
        return None


def compute() -> int:
    return sum(range(20_000))


def test_a_loop_that_stands_still_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOP_PATIENCE", 0.001)
    monkeypatch.setattr(turns, "LATE", 0.0005)
    jobs = [Job(compute) for _ in range(50)]
    with ThreadPool(4, "turns-test") as pool:
        for job in jobs:
            pool.put(job)
        until(lambda: all(job.done() for job in jobs))
        assert pool._turns.most == 1
    assert pool._turns._inside == 0


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
