"""The gate of the GIL: one thread at a time makes calls that hold it, and how it is seen that a call does not."""

import asyncio
import ctypes
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
from ziggy_async.runtime.gil_gate import MOST_KNOWN, OBSERVATIONS, POLL, Gate, GatedThread, Turns
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

    def __init__(self, gate: Gate, turns: Turns | None = None) -> None:
        self._gate, self._turns = gate, turns or Turns()
        self._leaving = threading.Event()
        self.is_inside = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()

    def _visit(self) -> None:
        call = Call("inside", self._stay)
        thread = GatedThread(self._turns)
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


def test_pools_take_turns(gate: Gate) -> None:
    entrants, many, few = list[Entrant](), Turns(), Turns()
    for turns in (many, many, many, few, many, few):
        before = len(gate._line)
        entrants.append(Entrant(gate, turns))
        until(lambda before=before: gate._holder is not None and len(gate._line) == before + (len(entrants) > 1))  # type: ignore[misc]
    assert [thread.turns for thread in gate._line] == [few, many, few, many, many]
    for entrant in (entrants[place] for place in (0, 3, 1, 5, 2, 4)):
        assert entrant.is_inside.wait(PATIENCE)
        entrant.leave()


def test_all_in_line_go_on_once_their_function_is_known_not_to_need_the_gate(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gil_gate, "POLL", PATIENCE)  # nobody looks
    first, ran, turns = Entrant(gate), list[int](), Turns()
    assert first.is_inside.wait(PATIENCE)

    def wait(number: int) -> None:
        thread = GatedThread(turns)
        gate.run(thread, Call("wait", ran.append, (number,)))
        gate.leave(thread)

    waiting = [threading.Thread(target=wait, args=(number,)) for number in range(20)]
    for thread in waiting:
        thread.start()
    until(lambda: len(gate._line) == len(waiting))
    known(gate, key_of_function(ran.append))
    for thread in waiting:
        thread.join(PATIENCE / 2)
    assert sorted(ran) == list(range(20))
    assert not gate._line
    first.leave()


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

    with pool_of(1, "gate-test") as other:
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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_by_an_exception_from_outside_leaves_the_gate(
    gate: Gate, pool: ThreadPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[bool] = []

    def publish(_: Call) -> None:
        published.append(gate._holder is not None)
        raise SystemExit

    with pool_of(1, "other") as other, monkeypatch.context() as patch:
        patch.setattr(Call, "publish", publish)
        call = submit(other, compute)
        until(lambda: bool(published))
        patch.undo()
        assert submit(pool, int).result(PATIENCE) == 0
        assert isinstance(call.exception(PATIENCE), Stopped)
        assert submit(other, int).result(PATIENCE) == 0, "another thread has taken its place"
    assert published == [True]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_that_ends_so_while_it_rests_or_is_in_line_is_replaced(gate: Gate, pool: ThreadPool) -> None:
    def end(thread: threading.Thread) -> None:
        assert thread.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))

    with pool_of(1, "other") as other:
        assert submit(other, int).result(PATIENCE) == 0
        (rests,) = other._threads
        end(rests)
        assert submit(other, int).result(PATIENCE) == 0
        first = Entrant(gate)
        assert first.is_inside.wait(PATIENCE)
        lost = submit(other, int)
        until(lambda: bool(gate._line))
        (in_line,) = other._threads
        end(in_line)
        assert isinstance(lost.exception(PATIENCE), Stopped)
        first.leave()
        assert [submit(one, int).result(PATIENCE) for one in (other, pool)] == [0, 0]
        assert not rests.is_alive()
        assert other.stuck == 0
    with pool_of(2, "two") as two:
        two.start()
        until(lambda: len(two._idle) == 2)
        end(next(each for each in two._threads if each.name == "two-1"))  # the next one that is woken
        assert submit(two, int).result(PATIENCE) == 0, "the other one makes it"


def test_to_wake_a_loop_is_no_part_of_the_call(pool: ThreadPool, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, publish = [], Call.publish
    monkeypatch.setattr(Call, "publish", lambda call: (keys.append(gate._holder and gate._holder.key), publish(call)))
    submit(pool, compute).result(PATIENCE)
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
