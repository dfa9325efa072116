"""The number of workers: what is decided on one load and one memory, and what always holds."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziggy_async.queueing import scaling
from ziggy_async.queueing.scaling import Decision, Growth, Load, Low, Measurement, Memory, decide

LOOK = 0.25


def decided(load: Load, limits: tuple[int, int], now: float = 0.0) -> Decision:
    return decide(limits, load, Memory(), now)[0]


WIDE = 1, 64


@pytest.mark.parametrize(
    ("load", "wanted"),
    [
        (Load(4, 0, 0, 0.1, 9), 0),
        (Load(4, 0, 3, 0.1, 9), 3),
        (Load(4, 10, 4, 0.1, 9), 6),  # 10 * 0.1 s of work in 0.5 s: 2 workers beside the 4 that are kept busy
        (Load(4, 11, 4, 0.1, 9), 7),
        (Load(4, 1, 4, 0.001, 9), 5),
        (Load(1, 3, 1, 60.0, 9), 4),  # never more than one worker for one operation
        (Load(1, 3, 1, math.inf, 9), 4),
        (Load(2, 5, 2, 0.0, 0), 7),
        (Load(2, 5, 2, math.nan, 0), 7),
    ],
)
def test_wanted_clears_the_queue_in_time(load: Load, wanted: int) -> None:
    assert decided(load, WIDE).wanted == wanted


@pytest.mark.parametrize(("queued", "workers"), [(0, 10), (10, 10), (11, 13), (45, 19), (50, 20), (9999, 20)])
def test_up_beyond_the_dead_band_and_at_most_doubled(queued: int, workers: int) -> None:
    assert decided(Load(10, queued, 10, 0.1, 9), WIDE).workers == workers


@pytest.mark.parametrize(("running", "workers"), [(10, 10), (8, 10), (7, 7), (0, 2)])
def test_down_beyond_the_dead_band_once_the_hold_is_over(running: int, workers: int) -> None:
    limits, load, memory = (2, 64), Load(10, 0, running, 0.1, 9), Memory()
    for now in range(30):
        decision, memory = decide(limits, load, memory, float(now))
        assert decision.workers == 10
    assert decide(limits, load, memory, 30.0)[0].workers == workers


def test_the_dead_band_keeps_no_number_from_the_limits() -> None:
    assert decided(Load(9, 999, 9, 0.1, 9), (1, 10)).workers == 10
    memory = Memory()
    for now in range(31):
        decision, memory = decide((4, 10), Load(5, 0, 0, 0.1, 9), memory, float(now))
    assert decision.workers == 4


def at_100(load: Load, limits: tuple[int, int] = WIDE, **memory: Any) -> tuple[Decision, Memory]:
    """The decision at the time 100, and the memory that it leaves."""
    return decide(limits, load, Memory(**memory), 100.0)


def grown(finished: int, rate: float, *, before: int = 4, workers: int = 8) -> dict[str, Any]:
    """A growth 2 s ago, and what has been finished in the last second since."""
    return {
        "load": Load(workers, 9999, workers, 0.1, finished),
        "growth": Growth(before, rate),
        "measured": Measurement(99.0, 0),
        "paused_until": 98.0 + scaling.SETTLING,
    }


@pytest.mark.parametrize(
    ("finished", "rate", "workers"),
    [
        (400, 400.0, 4),  # nothing gained
        (300, 400.0, 4),
        (590, 400.0, 4),
        (600, 400.0, 16),  # half as much again is worth it
        (900, 400.0, 16),
        (15, 20.0, 8),  # too few to tell anything
        (400, 0.0, 16),  # nothing to compare with
    ],
)
def test_growth_is_judged_by_what_it_brought(finished: int, rate: float, workers: int) -> None:
    assert at_100(**grown(finished, rate))[0].workers == workers


def test_no_growth_in_a_pause_and_again_after_it() -> None:
    load = Load(4, 9999, 4, 0.1, 0)
    assert at_100(load, paused_until=100.5)[0].workers == 4
    assert at_100(load, paused_until=100.0)[0].workers == 8


def test_a_growth_waits_for_what_the_last_one_brought_and_not_for_ever() -> None:
    load, growth = Load(8, 9999, 8, 0.1, 0), Growth(4, 400.0)
    assert at_100(load, growth=growth, paused_until=100.1)[0].workers == 8
    decision, memory = at_100(load, growth=growth, paused_until=100.0)
    assert decision.workers == 16
    assert (memory.growth, memory.paused_until) == ((8, 0.0), 100.0 + scaling.SETTLING)


def test_a_backlog_alone_shows_nothing() -> None:
    """The queue was empty in between: throughput is that of the arrivals, and no growth is blamed for it."""
    memory, workers = Memory(), 4
    for look in range(200):
        load = Load(workers, 40 if look % 3 else 0, 4, 0.1, 10 * look)
        decision, memory = decide(WIDE, load, memory, look * LOOK)
        assert "too little" not in decision.reason
        workers = decision.workers
    assert workers > 8


loads = st.builds(
    Load,
    workers=st.integers(0, 200),
    queued=st.one_of(st.just(0), st.integers(0, 10**12)),
    running=st.integers(0, 300),
    mean_seconds=st.one_of(st.just(0.0), st.floats(0, 1e6), st.floats()),
    finished=st.integers(0, 10**15),
)
limits = st.builds(lambda least, more: (least, least + more), st.integers(1, 100), st.integers(0, 100))
follows = st.one_of(st.none(), loads)  # None: the workers become what was decided, and the queue goes on
steps = st.tuples(follows, st.one_of(st.floats(0, 1), st.floats(0, 1e9)))


@settings(max_examples=300, deadline=None)
@given(limits, loads, st.lists(steps, max_size=60))
def test_always_within_limits_and_pure(
    limits: tuple[int, int], load: Load, steps: list[tuple[Load | None, float]]
) -> None:
    (least, most), memory, now = limits, Memory(), 0.0
    for follower, passed in steps:
        load = load._replace(workers=min(max(load.workers, least), most))
        before = repr(memory)
        decision, after = decide(limits, load, memory, now)
        assert repr(decide(limits, load, memory, now)) == repr((decision, after))
        assert repr(memory) == before
        assert least <= decision.workers <= most
        assert decision.wanted >= 0
        assert decision.before == load.workers
        grown = load._replace(workers=decision.workers, finished=load.finished + 50)
        load, memory, now = follower or grown, after, now + passed


BUSY = Load(4, 10, 4, 0.25, 100)
NEEDS = "10 queued and 4 running, 0.25 s each: 9 wanted; "
IDLE = Load(8, 0, 3, 0.25, 0)
NEEDS_NONE = "0 queued and 3 running, 0.25 s each: 3 wanted; "
UNKNOWN = "10 queued and 4 running, mean time unknown: 14 wanted; "
STEP = {"growth": Growth(2, 9.5), "paused_until": 101.5}
MEASURED = {**STEP, "measured": Measurement(95.0, 49)}
PAUSED = {"paused_until": 102.5}
LOW, LONG_LOW = {"low": Low(71.0, 3)}, {"low": Low(70.0, 4)}


@pytest.mark.parametrize(
    ("load", "limits", "memory", "reason"),
    [
        (BUSY, WIDE, {}, NEEDS + "from 4 to 8"),
        (BUSY._replace(mean_seconds=0.0), WIDE, {}, UNKNOWN + "from 4 to 8"),
        (BUSY, (1, 4), {}, NEEDS + "stays at 4, the most allowed"),
        (BUSY, WIDE, PAUSED, NEEDS + "stays at 4 for another 2.5 s: the last gain is too little"),
        (BUSY, WIDE, STEP, NEEDS + "stays at 4 for another 1.5 s: the last gain is unknown"),
        (
            BUSY,
            WIDE,
            MEASURED,
            NEEDS + "from 4 to 2, no growth for 60 s: 10.2/s is too little after 9.5/s",
        ),
        (IDLE, WIDE, LONG_LOW, NEEDS_NONE + "from 8 to 4: at most 4 wanted for 30 s"),
        (IDLE, WIDE, LOW, NEEDS_NONE + "stays at 8: at most 3 wanted for 29 s"),
        (IDLE._replace(workers=5), (5, 8), LONG_LOW, NEEDS_NONE + "stays at 5"),
    ],
)
def test_reasons_give_the_figures(load: Load, limits: tuple[int, int], memory: dict[str, Any], reason: str) -> None:
    decision, _ = at_100(load, limits, **memory)
    assert decision.reason == reason
    assert str(decision.workers) in decision.reason


def test_decision_as_a_dict() -> None:
    decision = decided(BUSY, WIDE, 7.0)
    assert decision.to_dict() == {
        "at": 7.0,
        "workers": 8,
        "before": 4,
        "reason": NEEDS + "from 4 to 8",
        "wanted": 9,
        "load": {"workers": 4, "queued": 10, "running": 4, "mean_seconds": 0.25, "finished": 100},
        "count": 1,
    }
    assert decision.load is BUSY
    assert BUSY._asdict() == decision.to_dict()["load"]
