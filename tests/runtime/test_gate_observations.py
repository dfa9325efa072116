"""What the gate of the GIL sees of the calls of its holder, by a clock that is moved by hand."""

import threading
import time

import pytest

from ziggy_async.runtime import gil_gate
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.gil_gate import (
    KNOWN,
    LONGEST_CALL,
    OBSERVATIONS,
    POLL,
    PROBE,
    SLICE,
    TINY,
    Gate,
    GatedThread,
    Turns,
)

TURNS = Turns()  # of the pool whose threads these are
PATIENCE = 30.0  # seconds after which something does not happen any more, even on a busy machine


class Clocks:
    """By hand: the part of the module `time` that is used, and the processor time of the thread that is looked at."""

    pthread_getcpuclockid = staticmethod(time.pthread_getcpuclockid)
    clock_gettime = staticmethod(time.clock_gettime)

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
    monkeypatch.setattr(gil_gate, "HAS_GIL", True)
    return clocks


class Watched:
    """A gate whose holder is inside of a call of the key "k", and another thread is the first in line."""

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self.gate = Gate()
        self.holder, self.first = GatedThread(TURNS), GatedThread(TURNS)
        self.holder.clock = lambda: clocks.computed
        self.begin()

    def begin(self) -> None:
        self.gate._enter(self.holder, "k")
        assert self.gate._holder is self.holder
        self.gate._line.clear()
        self.first.round = self.holder.round + 1
        self.gate._line.append(self.first)
        holder = self.holder
        holder.computed, holder.began, holder.key = self.clocks.computed, self.clocks.now, "k"

    def look(self, late: float = 0.0, computed: float = 0.0, after: float = POLL) -> bool:
        """Whether the first in line is in then."""
        self.clocks.pass_(after, computed)
        self.gate._poll(self.first, late)
        return self.gate._holder is self.first

    def end(self) -> None:
        """The holder's call."""
        self.gate._end(self.holder, 0.0)
        self.gate.let_others_in(self.holder, Call("k", int))

    def call(self, seconds: float, computed: float) -> bool:
        """Returns whether calls of its function are known to be without the GIL after this one."""
        self.clocks.pass_(seconds, computed)
        self.gate._line.clear()
        self.gate._end(self.holder, seconds)
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


def test_one_observation_confirms_what_was_known_until_one_is_against_it(clocks: Clocks) -> None:
    watched = Watched(clocks)
    gate = watched.gate
    for observations, is_needed in (
        (1, True),
        (1, True),
        (1, False),
        (1, False),
        (0, True),
        (1, True),
        (1, True),
        (1, False),
    ):
        clocks.pass_(2 * KNOWN)
        gate._note("k", observations)
        assert gate.is_needed("k") is is_needed


def test_one_look_that_had_to_wait_for_the_gil_begins_anew(clocks: Clocks) -> None:
    watched = Watched(clocks)
    for _ in range(5):
        assert not any([watched.look(), watched.look(), watched.look(late=POLL)])
        watched.holder.began = clocks.now


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
    watched.gate._end(watched.holder, 0.0)
    assert not any(watched.look() for _ in range(5 * OBSERVATIONS))
    assert watched.gate.is_needed("k")


def test_tiny_calls_in_a_row_may_wake_the_loop(clocks: Clocks) -> None:
    watched = Watched(clocks)
    clocks.computes_beside = 1.0
    assert not watched.look(after=TINY)
    assert watched.gate.is_needed("k")


def test_tiny_calls_of_one_function_in_a_row_are_one_stretch(clocks: Clocks) -> None:
    watched, keys = Watched(clocks), []
    for key, seconds in (("k", 0.5), ("k", 0.2), ("other", 0.5), ("other", 0.2), ("other", 0.5)):
        call = Call("tiny", clocks.pass_, (seconds * TINY, seconds * TINY))
        call.key = key
        watched.gate.run(watched.holder, call)
        keys.append(watched.holder.key)
    assert keys == ["k", "k", "other", "other", None]


def test_what_the_loop_does_between_tiny_calls_is_not_seen_as_theirs(clocks: Clocks) -> None:
    def tiny() -> None:
        call.began = clocks.now  # by the clock of this test
        clocks.pass_(TINY / 5, TINY / 5)

    watched = Watched(clocks)
    for _ in range(4 * OBSERVATIONS):
        call = Call("tiny", tiny)
        call.key = "k"
        watched.gate.run(watched.holder, call)
        clocks.pass_(5 * TINY)
    assert watched.gate.is_needed("k")


def test_a_holder_between_two_stretches_does_not_lose_the_gate(clocks: Clocks) -> None:
    class Lock:
        """The gate's; when it is free for the first time, the first in line looks at a holder that was slow."""

        lock = threading.Lock()

        def __enter__(self) -> None:
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()
            watched.gate._lock = self.lock
            assert not watched.look(late=POLL, after=2 * LONGEST_CALL)

    watched, call = Watched(clocks), Call("other", int)
    watched.gate._lock = Lock()  # type: ignore[assignment]
    watched.gate.run(watched.holder, call)
    assert call.ended is not None
    assert watched.gate._holder is watched.holder


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
    watched, other = Watched(clocks), GatedThread(TURNS)
    clocks.pass_(SLICE)
    watched.end()
    watched.gate._enter(other, "k")
    assert watched.gate._holder is other
    clocks.pass_(SLICE)
    watched.gate.let_others_in(other, Call("k", int))
    assert watched.gate._holder is watched.first


def line_up(gate: Gate, thread: GatedThread) -> threading.Thread:
    entering = threading.Thread(target=gate._enter, args=(thread, "k"), daemon=True)
    entering.start()
    deadline = time.monotonic() + PATIENCE
    while thread not in gate._line:
        assert time.monotonic() < deadline
    return entering


def test_a_thread_of_another_pool_is_the_next(clocks: Clocks) -> None:
    watched, other = Watched(clocks), GatedThread(Turns())
    line_up(watched.gate, other)
    assert list(watched.gate._line) == [other, watched.first]


def test_a_thread_in_line_is_not_in_a_stretch(clocks: Clocks) -> None:
    """Its last one may have been beside the gate: who looks at it once it is given the gate sees no call of that."""
    watched, other = Watched(clocks), GatedThread(Turns())
    other.key, other.began = "waits", clocks.now
    watched.gate._note("waits", OBSERVATIONS)
    line_up(watched.gate, other)
    assert other.key is None


def test_but_who_was_overtaken_stays_the_next(clocks: Clocks) -> None:
    watched, other = Watched(clocks), GatedThread(Turns())
    clocks.pass_(SLICE)
    watched.end()
    watched.gate._enter(GatedThread(TURNS), "k")
    line_up(watched.gate, other)
    assert list(watched.gate._line) == [watched.first, other]


def test_who_has_used_up_a_slice_overtakes_nobody(clocks: Clocks) -> None:
    watched = Watched(clocks)
    gate, holder, first = watched.gate, watched.holder, watched.first
    clocks.pass_(SLICE)
    watched.end()
    entering = line_up(gate, holder)
    assert list(gate._line) == [first, holder]
    gate._enter(GatedThread(TURNS), "k")
    gate._open()
    assert gate._holder is first
    gate.leave(first)
    entering.join(PATIENCE)
    assert gate._holder is holder
    clocks.pass_(SLICE)
    watched.end()
    gate._enter(holder, "k")  # there is nobody else


def test_who_is_not_the_first_in_line_sees_nothing(clocks: Clocks) -> None:
    """Three looks at once would be no more than one."""
    watched, later = Watched(clocks), GatedThread(TURNS)
    watched.gate._line.append(later)
    clocks.computes_beside = True
    watched.gate._poll(later, 0.0)
    assert watched.gate.is_needed("k")
    assert watched.gate._holder is watched.holder
