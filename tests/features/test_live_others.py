"""Live features of formulas that read other tickers and periods: what late bars, drops and files do to them."""

from pathlib import Path

import numpy as np
import pytest
from live_stores import append, filled, revise

from ziggy_async import BarStore, FeatureSet, _core
from ziggy_async.features import FormulaError, LiveFeatures
from ziggy_async.features.formula import read_formula
from ziggy_async.features.lowering import plan_nodes
from ziggy_async.features.stages import plan_of

OTHERS = FeatureSet(
    "sma(close - of('T00', close), 3)", "every('1w', ema(close, 2))", "of('T01', every('1w', close, 1))"
)


def assert_current(live: LiveFeatures, store: BarStore) -> None:
    np.testing.assert_array_equal(live.values, OTHERS.latest(live.symbols, store).to_numpy())


def test_a_later_bar_of_another_ticker() -> None:
    """It revises the last bar of those that read it, and restarts those that have gone on."""
    store = filled(6)
    live = OTHERS.live(store)
    for number in range(1, 6):
        append(store, f"T{number:02}", number, 40, 41)
    assert live.update() == 5
    append(store, "T00", 0, 40, 41)
    assert live.update() == 1 + 5
    assert live.stats() == live.stats() | {"revised": 5, "restarted": 0}
    assert_current(live, store)
    for number in range(1, 6):
        append(store, f"T{number:02}", number, 41, 42 + (number == 5))
    assert live.update() == 6
    append(store, "T00", 0, 41, 42)
    assert live.update() == 1 + 4 + 43
    assert live.stats() == live.stats() | {"revised": 9, "restarted": 1}
    assert_current(live, store)


def test_a_bar_of_another_ticker_that_is_replaced_by_its_like_changes_nothing() -> None:
    store = filled(6)
    live = OTHERS.live(store)
    append(store, "T00", 0, 39, 40)
    assert live.update() == 1
    revise(store, "T00")
    assert live.update() == 6
    assert_current(live, store)


def test_another_ticker_that_is_dropped_is_nan_until_it_is_back() -> None:
    store = filled(6)
    live = OTHERS.live(store)
    store.drop("T00")
    live.update()
    assert np.isnan(live.values[:, 0]).all()
    assert live.stats()["restarted"] == 5
    append(store, "T00", 0, 0, 40)
    live.update()
    assert_current(live, store)
    with pytest.raises(FormulaError, match="no ticker 'T00'"):
        OTHERS.live(BarStore())


def test_states_of_other_tickers_and_periods_in_a_file(tmp_path: Path) -> None:
    """Another ticker goes on from where it was; one that is ahead begins anew, since it reads another one itself."""
    for ahead in (False, True):
        store = filled(6)
        append(store, "T00", 0, 40, 40 + 3 * ahead)
        live = OTHERS.live(store)
        live.save(tmp_path / "live")
        for number in range(6):
            append(store, f"T{number:02}", number, 40 + 3 * ahead * (number == 0), 43)
        back = OTHERS.restore(tmp_path / "live", store)
        assert back.stats() == back.stats() | {"restarted": int(ahead), "tickers": 6}
        assert_current(back, store)
        live.update()
        np.testing.assert_array_equal(live.values, back.values)


def test_other_bytes_of_other_tickers() -> None:
    store = filled(6)
    plan = plan_of(plan_nodes([read_formula("of('T00', sma(close, 3))")]))
    taken = _core.Live(plan, store, ["T01"], None, False)
    taken.update(0)
    states = taken.take_others()
    for wrong in (b"", states[:-1], states + b"x", states[:24], b"\xff" * len(states), states[8:] + states[:8]):
        live = _core.Live(plan, store, ["T01"], None, False)
        with pytest.raises(ValueError, match="states of"):
            live.put_others(wrong)
        live.update(0)
        np.testing.assert_array_equal(live.values, taken.values)


def test_the_core_keeps_no_plan_across_tickers() -> None:
    plan = plan_of(plan_nodes([read_formula("rank(close)")]))
    with pytest.raises(ValueError, match="across tickers"):
        _core.Live(plan, _core.BarStore(2), ["A"], None, False)
