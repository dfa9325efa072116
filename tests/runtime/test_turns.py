"""Threads that hold the GIL take turns: who goes when, and how it is seen that a call does not hold it."""

import asyncio
import contextvars
import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.lag import PingLag
from ziggy_async.runtime import gil_gate as turns
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.gil_gate import LONGEST_REST, LOOK, MOST_KNOWN, SIGHTINGS, Pace, Turns, kind_of
from ziggy_async.runtime.mailbox import Offloaded
from ziggy_async.runtime.threads import ThreadPool

PATIENCE = 30.0
"""Seconds after which something does not happen any more, even on a busy machine."""

pytestmark = pytest.mark.skipif(not turns.HAS_GIL, reason="nobody has to take turns without a GIL")


@pytest.fixture(autouse=True)
def _endless_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn ends by what happens in it, however slow the machine is; a test that is about its length sets its own."""
    monkeypatch.setattr(turns, "LONGEST_TURN", PATIENCE)


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


def begun(places: Turns, kind: str) -> Pace:
    """A thread that has begun with a call, and is not to be looked at."""
    pace = Pace(places)
    pace.before(kind)
    pace.is_inside = False
    return pace


def known(places: Turns, kind: object) -> None:
    """Calls of this kind do not hold the GIL."""
    for _ in range(SIGHTINGS):
        places.ended(kind, has_waited=True)


# --- the turn


def test_one_at_a_time_and_who_waits_longest_goes_first() -> None:
    places, order = Turns(), list[int]()
    holder = begun(places, "k")

    def go(number: int) -> None:
        pace = Pace(places)
        pace.before("k")
        order.append(number)
        pace.end()

    done = []
    for number in range(3):
        done.append(starts(lambda number=number: go(number)))
        until(lambda number=number: places.waiting == number + 1)
    assert order == []
    holder.end()
    assert all(event.wait(PATIENCE) for event in done)
    assert order == [0, 1, 2]
    assert begun(places, "k").has_turn


def test_what_does_not_hold_the_gil_needs_no_turn() -> None:
    places = Turns()
    begun(places, "holds it")
    known(places, "waits")
    assert not begun(places, "waits").has_turn  # and returns at once


def test_all_of_a_kind_go_on_when_it_is_known() -> None:
    places = Turns()
    holder = begun(places, "waits")
    same = [starts(lambda: begun(places, "waits")) for _ in range(3)]
    other = starts(lambda: begun(places, "another"))
    until(lambda: places.waiting == 4)
    known(places, "waits")
    assert all(event.wait(PATIENCE) for event in [*same, other])
    holder.end()  # is not the other's
    assert starts(lambda: begun(places, "third")).wait(0.01) is False


def test_it_is_known_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    places = Turns()
    monkeypatch.setattr(turns, "KNOWN", -1.0)
    known(places, "k")
    assert not places.is_free("k")
    monkeypatch.setattr(turns, "KNOWN", PATIENCE)
    known(places, "k")
    assert places.is_free("k")


def test_what_is_known_is_bounded() -> None:
    places = Turns()
    for number in range(10 * MOST_KNOWN):
        known(places, number)
    assert len(places._free) <= MOST_KNOWN
    assert places.is_free(10 * MOST_KNOWN - 1)


def test_a_turn_does_not_last_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST_TURN", 0.001)
    places = Turns()
    holder = begun(places, "k")
    second = begun(places, "k")  # returns
    monkeypatch.setattr(turns, "LONGEST_TURN", PATIENCE)
    third = starts(lambda: begun(places, "k"))
    until(lambda: places.waiting == 1)
    holder.end()
    assert not third.wait(0.01)  # it is the second's turn
    second.end()
    assert third.wait(PATIENCE)


def test_without_a_gil_there_are_no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "HAS_GIL", False)
    places = Turns()
    assert not begun(places, "k").has_turn


def test_nor_among_calls_that_only_wait() -> None:
    assert not begun(Turns(is_needed=False), "k").has_turn


# --- by the clock


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


def call(steps: Steps, pace: Pace, seconds: float, computing: float, kind: str = "k") -> None:
    """Its result is taken after 0.3 ms."""
    pace.before(kind)
    steps.passes(seconds, computing)
    pace.is_inside = False
    came = steps.now + 3e-4
    pace.after(lambda: steps.now >= came)


def test_a_long_call_ends_the_turn_and_short_ones_add_up(steps: Steps) -> None:
    pace = Pace(Turns())
    call(steps, pace, 2e-4, 2e-4)
    assert not pace.has_turn
    for _ in range(11):
        call(steps, pace, 9e-5, 9e-5)
    assert pace.has_turn  # 11 x 0.09 ms are less than a millisecond
    call(steps, pace, 9e-5, 9e-5)
    assert not pace.has_turn


def test_another_kind_is_another_turn(steps: Steps) -> None:
    places = Turns()
    known(places, "waits")
    pace = Pace(places)
    call(steps, pace, 5e-5, 5e-5)
    assert pace.has_turn
    call(steps, pace, 5e-5, 0.0, "waits")
    assert not pace.has_turn


def test_a_thread_rests_until_its_result_is_taken(steps: Steps) -> None:
    call(steps, Pace(Turns()), 1e-3, 1e-3)
    assert steps.now == pytest.approx(1.3e-3, abs=2e-6)


def test_but_not_for_long(steps: Steps) -> None:
    pace = Pace(Turns())
    pace.before("k")
    steps.passes(1e-3, 1e-3)
    pace.after(lambda: False)
    assert steps.now == pytest.approx(1e-3 + LONGEST_REST, abs=2e-6)


def test_calls_that_took_nothing_of_the_processor_have_waited(steps: Steps) -> None:
    places = Turns()
    for number in range(1, SIGHTINGS + 1):
        assert not places.is_free("k")
        call(steps, Pace(places), 5e-3, 5e-5)
        assert steps.now == pytest.approx(number * 5e-3)  # no rest
    assert places.is_free("k")


def test_an_eighth_may_be_all_that_others_left_of_it(steps: Steps) -> None:
    places = Turns()
    for _ in range(5):
        for computed in (5e-5, 5e-5, 5e-4):
            call(steps, Pace(places), 4e-3, computed)
            assert not places.is_free("k")


class Looked:
    """A turn whose holder is looked at."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.places = Turns()
        self.holder = Pace(self.places)
        self.holder.before("k")

    def look(self, late: float = 0.0, after: float = LOOK) -> bool:
        """Whether the holder's kind is known then."""
        self.steps.passes(after)
        with self.places._lock:
            self.places._look(late)
        return self.places.is_free("k")


def test_seen_without_the_gil_several_times(steps: Steps) -> None:
    looked = Looked(steps)
    assert [looked.look() for _ in range(SIGHTINGS)] == [False] * (SIGHTINGS - 1) + [True]


def test_one_look_that_had_to_wait_for_the_gil_begins_anew(steps: Steps) -> None:
    looked = Looked(steps)
    for _ in range(5):
        assert not any([looked.look(), looked.look(), looked.look(late=LOOK)])


def test_calls_that_compute_without_the_gil_are_seen_all_the_same(steps: Steps) -> None:
    looked = Looked(steps)
    for number in range(SIGHTINGS):
        looked.places.ended("k", has_waited=False)
        assert looked.look() is (number == SIGHTINGS - 1)


def test_looks_at_the_same_time_are_one(steps: Steps) -> None:
    looked = Looked(steps)
    assert not any(looked.look(after=LOOK if number % 5 == 0 else LOOK / 100) for number in range(5 * (SIGHTINGS - 1)))


def test_looks_between_calls_say_nothing(steps: Steps) -> None:
    looked = Looked(steps)
    looked.holder.is_inside = False
    assert not any(looked.look() for _ in range(5 * SIGHTINGS))


# --- in a pool


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    with ThreadPool(4, "turns-test") as pool:
        yield pool


def compute(seconds: float = 0.002) -> None:
    """Holds the GIL."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_call_that_waits_holds_up_nobody(pool: ThreadPool) -> None:
    gate = threading.Event()
    waits = pool.submit(gate.wait, PATIENCE)
    assert pool.submit(lambda: gate.set()).result(PATIENCE) is None
    assert waits.result(PATIENCE) is True


def test_nor_does_one_that_computes_without_the_gil(pool: ThreadPool) -> None:
    long = pool.submit(hashlib.pbkdf2_hmac, "sha256", b"x", b"y", 300_000)
    assert pool.submit(lambda: not long.done()).result(PATIENCE)
    long.result(PATIENCE)


def test_calls_that_hold_the_gil_come_one_after_the_other(pool: ThreadPool) -> None:
    inside, most = 0, 0

    def counted() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        compute()
        inside -= 1

    for future in [pool.submit(counted) for _ in range(40)]:
        future.result(PATIENCE)
    assert most == 1


def test_a_call_that_is_given_up_has_no_turn(pool: ThreadPool) -> None:
    began, gate = threading.Event(), threading.Event()

    def hangs() -> None:
        began.set()
        while not gate.is_set():  # with the GIL
            pass

    hung = pool.submit(hangs)
    assert began.wait(PATIENCE)
    pool.abandon(hung)
    assert pool.submit(int).result(PATIENCE) == 0  # though a turn lasts as long as that
    gate.set()
    hung.result(PATIENCE)


class Odd(Call):
    """Nobody can tell whether it was taken."""

    def __init__(self) -> None:
        super().__init__(compute, (), {}, contextvars.copy_context())
        self.kind = "odd"

    def run(self) -> None:
        self()

    def land(self) -> None: ...

    def cancel(self) -> bool:
        return False

    def done(self) -> bool:
        return self.ended is not None

    def is_taken(self) -> bool:
        raise RuntimeError("odd")


def test_a_job_that_fails_keeps_neither_thread_nor_turn() -> None:
    with ThreadPool(1, "turns-test") as pool:
        pool.put(Odd())
        assert pool.submit(int).result(PATIENCE) == 0
        until(lambda: pool.running == 0)


class Turned:
    """A call that holds the turn of a pool and is not to be looked at."""

    def __init__(self, pool: ThreadPool) -> None:
        self._pace = begun(pool._turns, "holder")

    def end(self) -> None:
        self._pace.end()


def test_cancelled_while_it_waits_for_its_turn_it_never_runs(pool: ThreadPool) -> None:
    turned, ran = Turned(pool), list[int]()
    futures = [pool.submit(ran.append, number) for number in range(3)]
    until(lambda: pool._turns.waiting == 3)
    assert (pool.waiting, pool.running) == (3, 0)
    assert futures[0].cancel()
    pool.abandon(futures[1])
    turned.end()
    futures[2].result(PATIENCE)
    assert ran == [2]
    assert (pool.waiting, pool.stuck) == (0, 0)


async def test_offloaded_calls_too(pool: ThreadPool) -> None:
    turned, ran = Turned(pool), list[int]()
    calls = [Offloaded(ran.append, (number,), {}, contextvars.copy_context()) for number in range(2)]
    tasks = [asyncio.ensure_future(each.awaited(pool, "test")) for each in calls]
    await asyncio.sleep(0)
    until(lambda: pool._turns.waiting == 2)
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    assert calls[0].cancel()
    turned.end()
    await tasks[1]
    assert ran == [1]


def test_a_pool_that_ends_drops_what_waits_for_its_turn() -> None:
    pool, ran = ThreadPool(2, "turns-test"), list[int]()
    turned = Turned(pool)
    futures = [pool.submit(ran.append, number) for number in range(2)]
    until(lambda: pool._turns.waiting == 2)
    pool.shutdown(wait=False, cancel_futures=True)
    turned.end()
    pool.shutdown()
    assert all(future.cancelled() for future in futures)
    assert ran == []


def test_kinds_are_functions() -> None:
    class Odd:
        def __init__(self) -> None:
            self.__qualname__ = 5

        def __call__(self) -> None: ...

    bound = Odd().__call__
    assert kind_of(bound) == kind_of(Odd().__call__)
    assert kind_of(functools.partial(functools.partial(compute, 1), seconds=2)) == kind_of(compute)
    assert kind_of([].append) == kind_of([1].append)
    assert kind_of(Odd()) == kind_of(Odd())
    assert len({kind_of(function) for function in (compute, until, time.sleep, [].append, [].pop, Odd, Odd())}) == 7


# --- what it is for


async def lag_beside(call: Callable[[], object]) -> float:
    """The loop's lag, 95th percentile in milliseconds, beside 64 callers."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 1.5

    async def caller() -> None:
        while loop.time() < end:
            await call()  # type: ignore[misc]

    async with PingLag() as lag:
        await asyncio.gather(*(caller() for _ in range(64)))
    return lag.summary().p95


@pytest.mark.performance
@pytest.mark.usefixtures("fresh_heap")
@pytest.mark.parametrize("seconds", [0.0002, 0.0015])
async def test_the_loop_is_prompt_beside_threads_that_compute(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=8)) as computer:
        ours = await lag_beside(lambda: computer.execute_blocking_operation("compute", compute, seconds))
    with ThreadPoolExecutor(8) as executor:
        theirs = await lag_beside(lambda: loop.run_in_executor(executor, compute, seconds))
    assert ours < 3.0
    assert ours < theirs / 3
