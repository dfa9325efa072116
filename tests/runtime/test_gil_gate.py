"""The gate of the GIL: one thread at a time makes calls that hold it, and how it is seen that a call does not."""

import asyncio
import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pooled import pool_of, running_in, submit, waiting_in

from ziggy_async.runtime import gil_gate, threads
from ziggy_async.runtime.call import Call, key_of_function
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.gil_gate import LONGEST_CALL, MOST_KNOWN, OBSERVATIONS, POLL, PROBE, SLICE, Gate, GatedThread
from ziggy_async.runtime.threads import ThreadPool

PATIENCE = 30.0  # seconds after which something does not happen any more, even on a busy machine

pytestmark = pytest.mark.skipif(not gil_gate.HAS_GIL, reason="there is no GIL")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Entrant:
    """A thread that is at the gate, or behind it once `is_inside`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._leaving = threading.Event()
        self.is_inside = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()

    def _visit(self) -> None:
        call = Call("inside", self._stay)
        thread = GatedThread()
        self._gate.run(thread, call)
        self._gate.leave(thread)

    def _stay(self) -> None:
        self.is_inside.set()
        while not self._leaving.is_set():  # with the GIL
            pass

    def leave(self) -> None:
        self._leaving.set()
        self._thread.join(PATIENCE)


def known(gate: Gate, key: object) -> None:
    """Calls of the function with this key do not hold the GIL."""
    gate._note(key, OBSERVATIONS)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """One for the test, at which nobody loses the gate because the machine is slow. What entrants do is not noted."""
    gate = Gate()
    note, stays = gate._note, key_of_function(Entrant._stay)
    monkeypatch.setattr(gate, "_note", lambda key, count: None if key == stays else note(key, count))
    monkeypatch.setattr(threads, "gate", gate)
    monkeypatch.setattr(gil_gate, "LONGEST_CALL", PATIENCE)
    return gate


# --- who may enter


def test_one_thread_at_a_time_in_the_order_in_which_they_came(gate: Gate) -> None:
    threads = []
    for number in range(3):
        threads.append(Entrant(gate))
        until(lambda number=number: gate._holder is not None and len(gate._line) == number)  # type: ignore[misc]
    for number, thread in enumerate(threads):
        assert thread.is_inside.wait(PATIENCE)
        assert not any(later.is_inside.is_set() for later in threads[number + 1 :])
        thread.leave()
    assert gate._holder is None


def test_a_long_line_does_not_take_the_gil_from_the_call_under_way(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    wake_ups: list[GatedThread] = []
    monkeypatch.setattr(gate, "_poll", lambda thread, _: wake_ups.append(thread))
    monkeypatch.setattr(Entrant, "_stay", lambda self: self._leaving.wait())  # which leaves the processor to them
    entrants = [Entrant(gate) for _ in range(101)]
    until(lambda: len(gate._line) == 100)
    time.sleep(0.1)  # until those are in line that came when it was short
    wake_ups.clear()
    began = time.monotonic()
    time.sleep(0.3)
    assert len(wake_ups) <= 10 * (time.monotonic() - began) / POLL + 100  # eight of them, and the first, in each POLL
    for entrant in entrants:
        entrant._leaving.set()
    for entrant in entrants:
        entrant.leave()


def test_what_does_not_hold_the_gil_does_not_need_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    assert gate.is_needed("waits")
    known(gate, "waits")
    assert (gate.is_needed("waits"), gate.is_needed("holds it")) == (False, True)
    monkeypatch.setattr(gil_gate, "HAS_GIL", False)
    assert not gate.is_needed("holds it")


def test_it_is_known_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    monkeypatch.setattr(gil_gate, "KNOWN", -1.0)
    known(gate, "k")
    assert gate.is_needed("k")


def test_what_is_known_is_bounded() -> None:
    gate = Gate()
    for number in range(10 * MOST_KNOWN):
        known(gate, number)
    assert len(gate._seen) <= MOST_KNOWN
    assert not gate.is_needed(10 * MOST_KNOWN - 1)


# --- what is seen, by the clock


class Clocks:
    """By hand: the part of the module `time` that is used, and the processor time of the thread that is looked at."""

    def __init__(self) -> None:
        self.now = self.computed = 0.0
        self.computes_beside = 0.0  # seconds that it still computes while others have the GIL

    def perf_counter(self) -> float:
        computed = min(PROBE / 10, self.computes_beside)
        self.computes_beside -= computed
        self.pass_(PROBE / 10, computed)
        return self.now

    def pass_(self, seconds: float, computed: float = 0.0) -> None:
        self.now += seconds
        self.computed += computed


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(gil_gate, "time", clocks)
    return clocks


class Watched:
    """A gate whose holder is inside of a call of the key "k", and another thread is the first in line."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self.gate = Gate()
        self.holder, self.first = GatedThread(), GatedThread()
        self.holder.clock = lambda: clocks.computed
        self.begin()

    def begin(self) -> None:
        self.gate._enter(self.holder)
        assert self.gate._holder is self.holder
        self.gate._line.clear()
        self.gate._line.append(self.first)
        self.gate._computed, self.gate._began, self.gate._key = self.clocks.computed, self.clocks.now, "k"

    def look(self, late: float = 0.0, computed: float = 0.0, after: float = POLL) -> bool:
        """Whether the first in line is in then."""
        self.clocks.pass_(after, computed)
        self.gate._poll(self.first, late)
        return self.gate._holder is self.first

    def end(self) -> None:
        """The holder's call."""
        self.gate._end(self.holder)
        self.gate.let_others_in(self.holder, Call("k", int))

    def call(self, seconds: float, computed: float) -> bool:
        """Returns whether calls of its function are known to be without the GIL after this one."""
        self.clocks.pass_(seconds, computed)
        self.gate._line.clear()
        self.gate._end(self.holder)
        is_free = not self.gate.is_needed("k")
        self.begin()
        return is_free


def test_calls_that_used_little_of_the_processor_have_waited(clocks: Clocks) -> None:
    watched = Watched(clocks)
    assert [watched.call(5e-3, 5e-5) for _ in range(OBSERVATIONS)] == [False] * (OBSERVATIONS - 1) + [True]


def test_an_eighth_may_be_all_that_others_left_of_it(clocks: Clocks) -> None:
    watched = Watched(clocks)
    for _ in range(5):
        assert not any(watched.call(4e-3, computed) for computed in (5e-5, 5e-5, 5e-4))


def test_a_call_that_waits_is_seen_when_others_have_the_gil_again_and_again(clocks: Clocks) -> None:
    watched = Watched(clocks)
    assert [watched.look() for _ in range(OBSERVATIONS)] == [False] * (OBSERVATIONS - 1) + [True]
    assert not watched.gate.is_needed("k")


def test_one_look_that_had_to_wait_for_the_gil_begins_anew(clocks: Clocks) -> None:
    watched = Watched(clocks)
    for _ in range(5):
        assert not any([watched.look(), watched.look(), watched.look(late=POLL)])
        watched.gate._began = clocks.now


def test_a_call_that_wants_the_gil_back_is_not_taken_for_one_that_waits(clocks: Clocks) -> None:
    """It has computed, and is between two times of having the GIL."""
    watched = Watched(clocks)
    assert not any(watched.look(computed=POLL / 2) for _ in range(5 * OBSERVATIONS))
    assert watched.gate.is_needed("k")


def test_a_call_that_computes_while_others_have_the_gil_is_seen_at_once(clocks: Clocks) -> None:
    watched = Watched(clocks)
    clocks.computes_beside = 1.0
    assert watched.look(computed=POLL)


def test_a_call_that_has_just_lost_the_gil_computes_for_a_moment(clocks: Clocks) -> None:
    watched = Watched(clocks)
    for _ in range(5 * OBSERVATIONS):
        clocks.computes_beside = PROBE
        assert not watched.look(computed=POLL / 2)
    assert watched.gate.is_needed("k")


def test_a_look_that_lost_the_gil_itself_is_none(clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> None:
    def perf_counter() -> float:
        clocks.pass_(POLL, POLL)
        return clocks.now

    watched = Watched(clocks)
    monkeypatch.setattr(clocks, "perf_counter", perf_counter)
    assert not watched.look(computed=POLL)
    assert watched.gate.is_needed("k")


def test_between_two_calls_there_is_nothing_to_see(clocks: Clocks) -> None:
    watched = Watched(clocks)
    watched.gate._end(watched.holder)
    assert not any(watched.look() for _ in range(5 * OBSERVATIONS))
    assert watched.gate.is_needed("k")


def test_a_call_does_not_have_the_gate_for_ever(clocks: Clocks) -> None:
    watched = Watched(clocks)
    assert not watched.look(late=POLL, after=0.9 * LONGEST_CALL)
    assert watched.look(late=POLL, after=0.2 * LONGEST_CALL)
    assert watched.gate.is_needed("k")


def test_a_slice_ends(clocks: Clocks) -> None:
    watched = Watched(clocks)
    watched.end()
    assert watched.gate._holder is watched.holder, "it goes on with its next call"
    clocks.pass_(SLICE)
    watched.end()
    assert watched.gate._holder is None
    assert watched.first.wake_ups.qsize() == 1


def test_who_comes_while_the_first_in_line_wakes_up_overtakes_it_once(clocks: Clocks) -> None:
    watched, other = Watched(clocks), GatedThread()
    clocks.pass_(SLICE)
    watched.end()
    watched.gate._enter(other)
    assert watched.gate._holder is other
    clocks.pass_(SLICE)
    watched.gate.let_others_in(other, Call("k", int))
    assert watched.gate._holder is watched.first


def test_who_has_used_up_a_slice_overtakes_nobody(clocks: Clocks) -> None:
    watched = Watched(clocks)
    gate, holder, first = watched.gate, watched.holder, watched.first
    clocks.pass_(SLICE)
    watched.end()
    entering = threading.Thread(target=gate._enter, args=(holder,), daemon=True)
    entering.start()
    until(lambda: list(gate._line) == [first, holder])
    gate._enter(GatedThread())
    gate._open()
    assert gate._holder is first
    gate.leave(first)
    entering.join(PATIENCE)
    assert gate._holder is holder
    clocks.pass_(SLICE)
    watched.end()
    gate._enter(holder)  # there is nobody else


def test_who_is_not_the_first_in_line_sees_nothing(clocks: Clocks) -> None:
    """Three looks at once would be no more than one."""
    watched, later = Watched(clocks), GatedThread()
    watched.gate._line.append(later)
    clocks.computes_beside = True
    watched.gate._poll(later, 0.0)
    assert watched.gate.is_needed("k")
    assert watched.gate._holder is watched.holder


# --- in a pool


@pytest.fixture
def pool(gate: Gate) -> Iterator[ThreadPool]:
    with pool_of(4, "gate-test") as pool:
        yield pool


def compute(seconds: float = 0.002) -> None:
    """Holds the GIL."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_call_that_waits_holds_up_nobody(pool: ThreadPool) -> None:
    door = threading.Event()
    waits = submit(pool, door.wait, PATIENCE)
    assert submit(pool, lambda: door.set()).result(PATIENCE) is None
    assert waits.result(PATIENCE) is True


def test_nor_does_one_that_computes_without_the_gil(pool: ThreadPool) -> None:
    seen = threading.Event()

    def computes() -> None:
        while not seen.is_set():
            hashlib.pbkdf2_hmac("sha256", b"x", b"y", 100_000)

    long = submit(pool, computes)
    submit(pool, seen.set).result(PATIENCE)
    long.result(PATIENCE)


def test_calls_that_wait_are_found_among_others(pool: ThreadPool) -> None:
    """They come in turns with calls that hold the GIL, and all four threads are used for them in the end."""
    names = set()

    def waits() -> None:
        names.add(threading.current_thread().name)
        time.sleep(0.01)

    def all_are_used() -> bool:
        calls = [submit(pool, function) for function in 30 * (compute, waits)]
        return all(each.exception(PATIENCE) is None for each in calls) and len(names) == 4

    until(all_are_used)


def test_calls_that_hold_the_gil_come_one_after_the_other(pool: ThreadPool, gate: Gate) -> None:
    gate._note = lambda *_: None  # type: ignore[method-assign] # without a processor they look as if they waited
    inside, most = 0, 0

    def counted() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        compute()
        inside -= 1

    with pool_of(2, "other") as other:
        for each in [submit(one, counted) for _ in range(20) for one in (pool, other)]:
            each.result(PATIENCE)
    assert most == 1


def test_no_pool_waits_for_the_end_of_anothers_calls(pool: ThreadPool, gate: Gate) -> None:
    gate._note = lambda *_: None  # type: ignore[method-assign]
    order: list[str] = []

    def note(name: str) -> None:
        compute()
        order.append(name)

    with pool_of(1, "other") as other:
        first = Entrant(gate)
        assert first.is_inside.wait(PATIENCE)
        calls = [submit(pool, note, "many") for _ in range(50)]
        calls.append(submit(other, note, "one"))
        until(lambda: len(gate._line) == pool.size + other.size)
        first.leave()
        for each in calls:
            each.result(PATIENCE)
    assert order.index("one") <= 2 * pool.size, "nobody is overtaken twice"


@pytest.mark.parametrize("hanging", [1, 2, 3])
def test_calls_that_hold_the_gil_for_long_hold_up_nobody(
    pool: ThreadPool, gate: Gate, monkeypatch: pytest.MonkeyPatch, hanging: int
) -> None:
    """The first in line looks; when it has entered, the next one looks at its call."""
    door = threading.Event()

    def hangs() -> None:
        while not door.is_set():  # with the GIL
            pass

    somebody = Entrant(gate)
    assert somebody.is_inside.wait(PATIENCE)
    calls = []
    for function in (*[hangs] * hanging, int):
        calls.append(submit(pool, function))
        until(lambda: len(gate._line) == len(calls))
    monkeypatch.setattr(gil_gate, "LONGEST_CALL", 0.01)
    somebody.leave()
    try:
        assert calls[-1].result(PATIENCE) == 0
    finally:
        door.set()
    for each in calls:
        each.result(PATIENCE)


def test_cancelled_while_it_waits_for_the_gate_it_never_runs(pool: ThreadPool, gate: Gate) -> None:
    somebody = Entrant(gate)
    assert somebody.is_inside.wait(PATIENCE)
    ran: list[int] = []
    calls = [submit(pool, ran.append, number) for number in range(3)]
    assert (waiting_in(pool), running_in(pool)) == (3, 0)
    assert pool.cancel(calls[0].call)
    pool.abandon(calls[1].call)
    somebody.leave()
    calls[2].result(PATIENCE)
    assert ran == [2]
    until(lambda: (waiting_in(pool), pool.stuck) == (0, 0))


def test_a_pool_that_ends_drops_what_waits_for_the_gate(gate: Gate) -> None:
    somebody = Entrant(gate)
    assert somebody.is_inside.wait(PATIENCE)
    pool, ran = ThreadPool(2, "gate-test"), list[int]()
    calls = [submit(pool, ran.append, number) for number in range(2)]
    pool.shutdown(wait=False, cancel=True)
    assert all(isinstance(each.exception(), Stopped) for each in calls)
    somebody.leave()
    pool.shutdown(timeout=PATIENCE)
    assert ran == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gate-test")]


def test_a_loop_that_cannot_be_woken_keeps_neither_thread_nor_gate(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        wake, loop.call_soon_threadsafe = loop.call_soon_threadsafe, refuse  # type: ignore[method-assign]
        with pool_of(1, "gate-test") as pool:
            waiting = asyncio.ensure_future(default_run(pool))
            await asyncio.sleep(0)
            until(lambda: not running_in(pool) and not waiting_in(pool))
            loop.call_soon_threadsafe = wake  # type: ignore[method-assign]
            assert submit(pool, int).result(PATIENCE) == 0
            waiting.cancel()

    def refuse(*_: object) -> None:
        raise RuntimeError("not now")

    async def default_run(pool: ThreadPool) -> None:
        await pool.run(threads.Call("odd", compute))

    asyncio.run(ask())
    assert "cannot be woken" in caplog.text


def test_to_wake_a_loop_is_no_part_of_the_call(pool: ThreadPool, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, publish = [], Call.publish
    monkeypatch.setattr(Call, "publish", lambda call: (keys.append(gate._key), publish(call)))
    submit(pool, int).result(PATIENCE)
    assert keys == [None]


def test_keys_are_of_functions() -> None:
    class Odd:
        def __init__(self) -> None:
            self.__qualname__ = 5

        def __call__(self) -> None: ...

    bound = Odd().__call__
    assert key_of_function(bound) == key_of_function(Odd().__call__)
    assert key_of_function(functools.partial(functools.partial(compute, 1), seconds=2)) == key_of_function(compute)
    assert key_of_function([].append) == key_of_function([1].append)
    assert key_of_function(Odd()) == key_of_function(Odd())
    assert len(set(map(key_of_function, (compute, until, time.sleep, [].append, [].pop, Odd, Odd())))) == 7
