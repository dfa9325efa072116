"""How many workers there should be: what is decided on one load and one memory, and what always holds."""

import math
from dataclasses import FrozenInstanceError, asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziggy_async.queueing import scaling
from ziggy_async.queueing.scaling import Decision, Limits, Load, Memory, ScalingState, decide

LOOK = 0.25


def decided(load: Load, limits: Limits, now: float = 0.0, **memory: Any) -> Decision:
    return decide(ScalingState(limits, load, Memory(**memory)), now)[0]


WIDE = Limits(1, 64)


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
        (Load(4, 0, 9, 0.1, 9), 4),  # what runs besides, as on threads that were given up, asks for no worker
    ],
)
def test_wanted_clears_the_queue_in_time(load: Load, wanted: int) -> None:
    assert decided(load, WIDE).wanted == wanted


def test_wanted_is_not_raised_by_the_last_digit() -> None:
    assert 9 * (0.1 / 0.3) > 3
    assert decided(Load(4, 9, 0, 0.1, 9), replace(WIDE, target_wait=0.3)).wanted == 3


@pytest.mark.parametrize(("queued", "workers"), [(0, 10), (10, 10), (11, 13), (45, 19), (50, 20), (9999, 20)])
def test_up_beyond_the_dead_band_and_at_most_doubled(queued: int, workers: int) -> None:
    assert decided(Load(10, queued, 10, 0.1, 9), WIDE).workers == workers


@pytest.mark.parametrize(("running", "workers"), [(10, 10), (8, 10), (7, 7), (0, 2)])
def test_down_beyond_the_dead_band_once_the_hold_is_over(running: int, workers: int) -> None:
    state = ScalingState(Limits(2, 64), Load(10, 0, running, 0.1, 9))
    for now in range(30):
        decision, state = decide(state, float(now))
        assert decision.workers == 10
    assert decide(state, 30.0)[0].workers == workers


def test_the_dead_band_keeps_no_number_from_the_limits() -> None:
    assert decided(Load(9, 999, 9, 0.1, 9), Limits(1, 10)).workers == 10
    state = ScalingState(Limits(4, 10), Load(5, 0, 0, 0.1, 9))
    for now in range(31):
        decision, state = decide(state, float(now))
    assert decision.workers == 4


@pytest.mark.parametrize("present", [0, 1, 9, 500])
def test_into_the_limits_at_once(present: int) -> None:
    assert decided(Load(present, 0, 0, 0.1, 0), Limits(2, 8)).workers == (2 if present < 2 else 8)


def at_100(load: Load, limits: Limits = WIDE, **memory: Any) -> tuple[Decision, Memory]:
    """The decision 100 s after the beginning, and the memory that it leaves; no time has passed since the last look."""
    decision, state = decide(ScalingState(limits, load, Memory(**{"seen_at": 7.0, "time": 100.0, **memory})), 7.0)
    return decision, state.memory


def trial_of(finished: int, rate: scaling.Rate | None, *, before: int = 4, workers: int = 8) -> dict[str, Any]:
    """A growth 2 s ago, and what has been finished in the last second since."""
    return {
        "load": Load(workers, 9999, workers, 0.1, finished),
        "trial": scaling.Trial(before, rate, 98.0),
        "stretch": scaling.Stretch(workers, 99.0, 0, True),
    }


@pytest.mark.parametrize(
    ("finished", "rate", "workers"),
    [
        (400, scaling.Rate(400.0, 400), 4),  # nothing gained
        (300, scaling.Rate(400.0, 400), 4),
        (500, scaling.Rate(400.0, 400), 5),  # as much as 5 of the old would have finished
        (900, scaling.Rate(400.0, 400), 16),  # worth it
        (790, scaling.Rate(400.0, 400), 16),
        (30, scaling.Rate(20.0, 20), 8),  # half as much again, which so few may be by chance
        (20, scaling.Rate(20.0, 20), 4),
        (15, scaling.Rate(20.0, 400), 8),  # too few to tell anything
        (400, None, 16),
    ],
)
def test_growth_is_judged_by_what_it_brought(finished: int, rate: scaling.Rate | None, workers: int) -> None:
    assert at_100(**trial_of(finished, rate))[0].workers == workers


@pytest.mark.parametrize(
    ("before", "finished", "counted", "workers"),
    [
        (4, 480, 400, 5),
        (4, 48, 40, 4),  # so few may be by chance
        (40, 240, 4000, 40),  # 3 rounds of 80 workers, of which one may be
    ],
)
def test_a_gain_in_doubt_is_worth_nothing_the_second_time(
    before: int, finished: int, counted: int, workers: int
) -> None:
    trial = trial_of(finished, scaling.Rate(finished / 1.2, counted), before=before, workers=2 * before)
    decision, memory = at_100(**trial, limits=Limits(1, 200))
    assert decision.workers == round(before * 1.2)
    assert memory.ceiling is not None
    assert memory.ceiling[:3] == (decision.workers, 5.0, 105.0)
    earlier = scaling.Ceiling(before, 10.0, 97.0, "")
    decision, memory = at_100(**trial, limits=Limits(1, 200), ceiling=earlier)
    assert decision.workers == workers
    assert memory.ceiling is not None
    assert memory.ceiling[:3] == (workers, 20.0, 120.0)


def test_what_took_long_to_find_out_is_not_tried_again_soon() -> None:
    trial = trial_of(400, scaling.Rate(400.0, 400))
    _, memory = at_100(**{**trial, "trial": trial["trial"]._replace(since=60.0)})
    assert memory.ceiling is not None
    assert memory.ceiling.until == 140.0
    earlier = scaling.Ceiling(4, 200.0, 97.0, "")
    _, memory = at_100(**trial, ceiling=earlier)
    assert memory.ceiling is not None
    assert memory.ceiling.until == 400.0


def test_success_forgets_the_setbacks_below_it() -> None:
    lapsed = scaling.Ceiling(6, 40.0, 97.0, "")
    assert at_100(**trial_of(800, scaling.Rate(400.0, 400)), ceiling=lapsed)[1].ceiling is None
    higher = lapsed._replace(workers=8)
    assert at_100(**trial_of(800, scaling.Rate(400.0, 400)), ceiling=higher)[1].ceiling == higher


def test_a_growth_that_has_not_come_yet_is_not_judged() -> None:
    """The workers are as many as before it: what they finish says nothing of it."""
    decision, memory = at_100(**trial_of(300, scaling.Rate(400.0, 400), workers=4))
    assert decision.workers == 4
    assert memory.ceiling is None
    assert memory.trial is not None


def test_patience_is_the_usual_one_where_growth_has_helped() -> None:
    """Below the number at which it no longer did, on the way back up to it."""
    ceiling = scaling.Ceiling(16, 100.0, 150.0, "")
    trial = scaling.Trial(4, scaling.Rate(400.0, 400), 100.0 - scaling.PATIENCE)
    load = Load(8, 9999, 8, 0.1, 0)
    assert at_100(load, trial=trial, ceiling=ceiling)[0].workers == 16
    at_ceiling = ceiling._replace(workers=8, until=99.0)
    assert at_100(load, trial=trial, ceiling=at_ceiling)[0].workers == 8


def test_a_count_that_begins_anew_is_measured_anew() -> None:
    decision, memory = at_100(
        Load(8, 9999, 8, 0.1, 5),
        trial=scaling.Trial(4, scaling.Rate(400.0, 400), 98.0),
        stretch=scaling.Stretch(8, 90.0, 4000, True),
    )
    assert decision.workers == 8
    assert memory.stretch == scaling.Stretch(8, 100.0, 5, False)


def test_a_backlog_alone_shows_nothing() -> None:
    """The queue was empty in between: throughput is that of the arrivals, and no growth is blamed for it."""
    state = ScalingState(WIDE, Load(4, 0, 0, 0.1, 0))
    finished = 0
    for look in range(200):
        load = Load(state.load.workers, 40 if look % 3 else 0, 4, 0.1, finished)
        decision, state = decide(replace(state, load=load), look * LOOK)
        assert "too little" not in decision.reason
        state = replace(state, load=replace(load, workers=decision.workers))
        finished += 10
    assert state.load.workers > 8


def test_a_resize_that_takes_its_time() -> None:
    """Going back is asked for again while the workers are still there; nothing grows from their number."""
    state, workers, decisions = ScalingState(WIDE, Load(4, 0, 0, 0.05, 0)), 4, []
    for look in range(30):
        load = Load(workers, 10_000, workers, 0.05, 20 * look)
        decision, state = decide(replace(state, load=load), look * LOOK)
        decisions.append(decision)
        workers = max(workers, decision.workers)
    back = next(look for look, one in enumerate(decisions) if one.workers < one.before)
    assert decisions[back].before == 16
    assert {one.workers for one in decisions[back : back + 20]} == {8}


loads = st.builds(
    Load,
    workers=st.integers(0, 200),
    queued=st.one_of(st.just(0), st.integers(0, 10**12)),
    running=st.integers(0, 300),
    mean_seconds=st.one_of(st.just(0.0), st.floats(0, 1e6), st.floats()),
    finished=st.integers(0, 10**15),
)
limits = st.builds(
    lambda least, more, band, hold: Limits(least, least + more, dead_band=band, hold=hold),
    st.integers(1, 100),
    st.integers(0, 100),
    st.floats(0, 0.99),
    st.floats(0, 1e4),
)
follows = st.one_of(st.none(), loads)  # None: the workers become what was decided, and the queue goes on
steps = st.tuples(follows, st.one_of(st.floats(0, 1), st.floats(-1e9, 1e9), st.floats(allow_nan=False)))


@settings(max_examples=300, deadline=None)
@given(limits, loads, st.lists(steps, max_size=60))
def test_always_within_limits_and_pure(limits: Limits, load: Load, steps: list[tuple[Load | None, float]]) -> None:
    state, now = ScalingState(limits, load), 0.0
    for follower, passed in steps:
        before = repr(state)
        decision, after = decide(state, now)
        assert repr(decide(state, now)) == repr((decision, after))
        assert repr(state) == before
        assert limits.least <= decision.workers <= limits.most
        assert decision.wanted >= 0
        assert decision.before == state.load.workers
        grown = replace(state.load, workers=decision.workers, finished=state.load.finished + 50)
        state, now = replace(after, load=follower or grown), now + passed


def test_memory_is_bounded() -> None:
    """The worst case, wanted falling at each of many quick looks, and each of them remembered."""
    state = ScalingState(Limits(1, 10**6), Load(10**6, 0, 0, 0.1, 0))
    longest = 0
    for look in range(20_000):
        load = Load(10**6, 0, 10**6 - look, 0.1, 0)
        _, state = decide(replace(state, load=load), look * 0.01)
        longest = max(longest, len(state.memory.peaks))
    assert 200 <= longest <= scaling.SLOTS + 1
    assert state.memory.peaks[0].wanted == pytest.approx(10**6 - 20_000 + 3000, abs=20)


def test_states_cannot_be_changed() -> None:
    state = ScalingState(WIDE, Load(1, 0, 0, 0.0, 0))
    decision, _ = decide(state, 0.0)
    for frozen, name in [(state, "load"), (state.load, "workers"), (WIDE, "most"), (decision, "at")]:
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, name, 1)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"least": 0}, "least: 0"),
        ({"least": -3}, "least: -3"),
        ({"least": 5, "most": 4}, "most: 4"),
        ({"target_wait": 0.0}, "target_wait: 0.0"),
        ({"target_wait": math.nan}, "target_wait: nan"),
        ({"target_wait": math.inf}, "target_wait: inf"),
        ({"dead_band": -0.1}, "dead_band: -0.1"),
        ({"dead_band": 1.0}, "dead_band: 1.0"),
        ({"hold": -1.0}, "hold: -1.0"),
        ({"hold": math.nan}, "hold: nan"),
    ],
)
def test_limits_that_are_none(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        Limits(**{"least": 1, "most": 8, **fields})


BUSY = Load(4, 10, 4, 0.25, 100)
NEEDS = "10 queued and 4 running, 0.25 s each: 9 wanted to clear the queue in 0.5 s; "
IDLE = Load(8, 0, 3, 0.25, 0)
NEEDS_NONE = "0 queued and 3 running, 0.25 s each: 3 wanted to clear the queue in 0.5 s; "
UNKNOWN = "10 queued and 4 running, mean time unknown: 14 wanted; "
STEP = {"trial": scaling.Trial(2, scaling.Rate(9.5, 200), 97.5)}
MEASURED = {**STEP, "stretch": scaling.Stretch(4, 95.0, 49, True)}
CEILING = {"ceiling": scaling.Ceiling(4, 10.0, 102.5, "8 finished 40/s, 4 had finished 39/s")}
LAPSED = {"ceiling": CEILING["ceiling"]._replace(until=99.0)}
WANTED = {"peaks": (scaling.Peak(90.0, 7),)}


@pytest.mark.parametrize(
    ("load", "limits", "memory", "reason"),
    [
        (BUSY, WIDE, {}, NEEDS + "from 4 to 8"),
        (replace(BUSY, mean_seconds=0.0), WIDE, {}, UNKNOWN + "from 4 to 6"),
        (BUSY, Limits(1, 4), {}, NEEDS + "stays at 4, the most allowed"),
        (BUSY, WIDE, CEILING, NEEDS + "stays at 4, for another 2.5 s: 8 finished 40/s, 4 had finished 39/s"),
        (
            replace(BUSY, workers=6),
            WIDE,
            CEILING,
            NEEDS + "from 6 to 4, for another 2.5 s: 8 finished 40/s, 4 had finished 39/s",
        ),
        (BUSY, WIDE, LAPSED, NEEDS + "stays at 4 until it shows what it can do, another 9 s at most"),
        (
            BUSY,
            WIDE,
            STEP,
            NEEDS + "stays at 4 until it shows what the step from 2 has brought, another 1.5 s at most",
        ),
        (
            BUSY,
            WIDE,
            MEASURED,
            "4 finished 10.2/s, 2 had finished 9.5/s: too little for the growth; from 4 to 2, no growth for 5 s",
        ),
        (Load(12, 0, 0, 0.25, 0), Limits(2, 8), {}, "from 12 to 8, the most allowed"),
        (Load(0, 0, 0, 0.25, 0), Limits(2, 8), {}, "from 0 to 2, the least allowed"),
        (IDLE, WIDE, {}, "no more than 3 wanted in the last 30 s; from 8 to 3"),
        (IDLE, WIDE, WANTED, NEEDS_NONE + "stays at 8, as 7 were wanted in the last 30 s"),
        (replace(IDLE, workers=5), Limits(5, 8), {}, NEEDS_NONE + "stays at 5, the least allowed"),
        (replace(IDLE, workers=3), WIDE, {}, NEEDS_NONE + "stays at 3, within 20% of it"),
    ],
)
def test_reasons_give_the_figures(load: Load, limits: Limits, memory: dict[str, Any], reason: str) -> None:
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
    assert asdict(BUSY) == decision.to_dict()["load"]
