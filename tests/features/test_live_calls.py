"""What live features answer: rows, views, counters and files, from several threads, on a loop, and after a fork."""

import asyncio
import os
import pickle
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from live_stores import WHOLE, append, filled, revise
from numpy.typing import NDArray
from reference.bars import Bars, walk

from ziggy_async import BarStore, FeatureSet
from ziggy_async.features import FormulaError, LiveFeatures
from ziggy_async.features.catalog import rows
from ziggy_async.reading.spellings import PRICE_COLUMNS

FORMULAS = FeatureSet("close", "sma(close, 5)", strength="rsi(close, 7)", sum="cumsum(volume)")


def bars_of(number: int) -> Bars:
    return WHOLE[number]


def assert_current(live: LiveFeatures, store: BarStore, formulas: FeatureSet = FORMULAS) -> None:
    np.testing.assert_array_equal(live.values, formulas.latest(live.symbols, store).to_numpy())


def test_live_features_have_taken_in_what_the_store_has() -> None:
    store = filled()
    live = FORMULAS.live(store)
    assert live.symbols == tuple(sorted(store.symbols()))
    assert_current(live, store)
    assert live.update() == 0


def test_the_view_changes_with_an_update_and_not_before() -> None:
    store = filled(3)
    live = FORMULAS.live(store)
    values, before = live.values, live.values.copy()
    append(store, "T01", 1, 40, 41)
    np.testing.assert_array_equal(values, before)
    assert live.update() == 1
    assert live.values is values
    assert (values[1] != before[1]).all()
    np.testing.assert_array_equal(values[[0, 2]], before[[0, 2]])
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0] = 1.0


def test_a_table_keeps_its_figures() -> None:
    store = filled(2)
    live = FORMULAS.live(store)
    table = live.table()
    before = table.to_numpy().copy()
    append(store, "T00", 0, 40, 42)
    assert live.update() == 2
    np.testing.assert_array_equal(table.to_numpy(), before)
    assert live.table()["strength"][0] == FORMULAS.latest(["T00"], store)["strength"][0]
    assert live.table().timestamps[0] == WHOLE[0].timestamp[41].astype("M8[ns]")
    assert table.names == FORMULAS.names


def test_a_symbol_that_joins_has_a_row_behind_the_others_of_a_new_array() -> None:
    store = filled(3)
    live = FORMULAS.live(store)
    former = live.values
    append(store, "A", 5, 0, 30)
    append(store, "T00", 0, 40, 41)
    assert live.update() == 31
    assert live.symbols == ("T00", "T01", "T02", "A")
    assert live.values.shape == (4, 4)
    assert_current(live, store)
    before = former.copy()
    append(store, "T00", 0, 41, 42)
    assert live.update() == 1
    np.testing.assert_array_equal(former, before)
    assert_current(live, store)


def test_tickers_that_are_named_alone_have_rows() -> None:
    store = filled(3)
    live = FORMULAS.live(store, ["T02", "LATER", "T00"])
    append(store, "A", 5, 0, 30)
    assert live.update() == 0
    assert live.symbols == ("T02", "LATER", "T00")
    assert live.table().missing == ("LATER",)
    assert np.isnan(live.values[1]).all()
    append(store, "LATER", 6, 0, 9)
    assert live.update() == 9
    assert live.table().missing == ()
    assert_current(live, store)


def test_a_symbol_that_is_dropped_is_missing_until_it_is_back() -> None:
    store = filled(10)
    live = FORMULAS.live(store)
    store.drop("T04")
    assert live.update() == 0
    assert live.table().missing == ("T04",)
    assert np.isnat(live.table().timestamps[4])
    assert live.stats()["tickers"] == 9
    append(store, "T04", 4, 0, 12)
    assert live.update() == 12
    assert_current(live, store)
    store.clear()
    live.update()
    assert live.table().missing == live.symbols


def test_counters() -> None:
    store = filled(4, bars=10, capacity=16)
    live = FORMULAS.live(store)
    append(store, "T00", 0, 10, 12)
    revise(store, "T01")
    append(store, "T01", 1, 10, 11)
    store.load("T02", walk(5).table())
    append(store, "T03", 3, 10, 80)
    assert live.update() == 2 + (1 + 1) + 5 + 16
    assert live.stats() == live.stats() | {"bars": 40 + 2 + 1 + 5 + 16, "revised": 1, "restarted": 2, "tickers": 4}


def test_tickers_in_step_share_tiles_again() -> None:
    """One that misses bars leaves its tile; those that have missed as many share one."""
    store = filled(16)
    live = FORMULAS.live(store)
    tiles = live.stats()["tiles"]
    for number in range(8):
        append(store, f"T{number:02}", number, 40, 41)
        live.update()
        assert_current(live, store)
    for number in range(16):
        append(store, f"T{number:02}", number, 41, 42)
    live.update()
    assert live.stats()["tiles"] == tiles
    assert_current(live, store)


NAMES = sorted(name for name, row in rows().items() if set(row.inputs) <= set(PRICE_COLUMNS) and row.inputs)


@pytest.mark.parametrize("name", NAMES)
def test_an_indicator_of_values_that_are_missing_now_and_then(name: str) -> None:
    """By its own bars for each ticker, so that lanes of one tile fall out of step."""
    row = rows()[name]
    inputs = ", ".join(f"({column} if volume % 7 > 1 else nan)" for column in row.inputs)
    formulas = FeatureSet(*(f"{name}({inputs}).{output.name}" for output in row.outputs))
    store = BarStore(512)
    live = formulas.live(store, [f"T{number:02}" for number in range(11)])
    for at in range(0, 80, 5):
        for number in range(11):
            append(store, f"T{number:02}", number, max(0, at - 1), at + 5 - (number == 3 and at > 40))
        live.update()
        assert_current(live, store, formulas)


ACROSS = FeatureSet("sma(close, 3)", "rank(rsi(close, 5), by='sector')", lead="rank(close) - rank(volume)")


def test_comparisons_are_of_the_tickers_at_the_newest_time(tmp_path: Path) -> None:
    store = filled(12)
    store.set_labels("sector", {f"T{number:02}": "even" if number % 2 == 0 else "odd" for number in range(11)})
    live = ACROSS.live(store)
    assert_current(live, store, ACROSS)
    values = live.values
    for number in range(12):
        append(store, f"T{number:02}", number, 40, 41 + (number < 9))
    assert live.update() == 21
    assert live.values is values
    assert np.isnan(values[9:, 1:]).all()
    assert np.isfinite(values[:9]).all()
    assert_current(live, store, ACROSS)
    append(store, "NEW", 15, 30, 42)
    table = live.table()
    live.update()
    assert len(table) == 12
    np.testing.assert_array_equal(table.to_numpy(), values)
    assert_current(live, store, ACROSS)
    live.save(tmp_path / "live")
    np.testing.assert_array_equal(ACROSS.restore(tmp_path / "live", store).values, live.values)


def test_a_power_of_a_comparison_begins_with_its_lookback_too() -> None:
    """1 ** NaN is 1, and before a lookback there is no value."""
    formulas = FeatureSet("rank(close) ** (sma(close, 3) * nan)", "is_nan(signed_power(rank(close), sma(close, 3)))")
    store = BarStore()
    live = formulas.live(store)
    for at, wanted in enumerate([[np.nan, 1.0], [np.nan, 1.0], [1.0, 0.0], [1.0, 0.0]]):
        append(store, "T00", 0, at, at + 1)
        live.update()
        np.testing.assert_array_equal(live.values, [wanted])


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("sma(rank(close), 3)", "live features keep no earlier values of a cross-section"),
        ("lag(close + rank(close), 1)", "live features keep no earlier values of a cross-section"),
        ("cumsum(demean(close))", "live features keep no earlier values of a cross-section"),
        ("of('NONE', close) - close", "no ticker 'NONE'"),
        ("rank(close, by='sector')", "no labels 'sector'"),
    ],
)
def test_comparisons_that_cannot_be_kept_current(formula: str, said: str) -> None:
    with pytest.raises(FormulaError, match=said):
        FeatureSet("close", formula).live(filled(2))


def test_what_is_asked_for_wrongly() -> None:
    store = filled(2)
    with pytest.raises(ValueError, match="'T00' appears twice"):
        FORMULAS.live(store, ["T00", "T01", "T00"])
    with pytest.raises(TypeError, match="tickers"):
        FORMULAS.live(store, "T00")
    with pytest.raises(TypeError, match="store must be a BarStore"):
        FORMULAS.live([])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="vwap"):
        FeatureSet("sma(vwap, 3)").live(store)


async def test_the_async_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(5)
    live = await FORMULAS.live_async(store)
    append(store, "T03", 3, 40, 50)
    assert await live.update_async() == 10
    assert_current(live, store)
    np.testing.assert_array_equal((await live.table_async()).to_numpy(), live.values)
    await live.save_async(tmp_path / "live")
    append(store, "T02", 2, 40, 41)
    restored = await FORMULAS.restore_async(tmp_path / "live", store)
    assert_current(restored, store)
    append(store, "T02", 2, 41, 42)
    with monkeypatch.context() as patch:  # one that is done in time counts
        held = threading.Event()
        patch.setattr(live, "_core", SimpleNamespace(update=lambda moment: held.wait(60.0)))
        with pytest.raises(TimeoutError):
            await live.update_async(deadline=0.0)
        held.set()
    task = asyncio.create_task(live.update_async())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    live.update()
    assert_current(live, store)


def test_updates_and_appends_from_several_threads() -> None:
    """Nothing is lost and nothing taken in twice."""
    store = filled(20, bars=1)
    live = FORMULAS.live(store)
    taken: list[int] = []

    def appending(first: int) -> None:
        for at in range(1, 80):
            for number in range(first, 20, 2):
                append(store, f"T{number:02}", number, at, at + 1)

    appenders = [threading.Thread(target=appending, args=(first,)) for first in range(2)]

    def updating() -> None:
        while any(thread.is_alive() for thread in appenders):
            taken.append(live.update())
            live.table()

    updaters = [threading.Thread(target=updating) for _ in range(2)]
    for thread in (*appenders, *updaters):
        thread.start()
    for thread in (*appenders, *updaters):
        thread.join()
    assert sum(taken) + live.update() == 20 * 79
    assert_current(live, store)


def test_a_forked_child_goes_on_by_itself() -> None:
    store = filled(20)
    live = FORMULAS.live(store)
    child = os.fork()
    if child == 0:
        try:
            append(store, "T07", 7, 40, 45)
            assert live.update() == 5
            assert_current(live, store)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert live.update() == 0


def test_values_outlive_the_features() -> None:
    live = FORMULAS.live(filled(3))
    values: NDArray[np.float64] = live.values
    wanted = values.copy()
    del live
    np.testing.assert_array_equal(values, wanted)


def test_a_set_stays_picklable() -> None:
    assert pickle.loads(pickle.dumps(FORMULAS)) == FORMULAS


def test_cross_sections_of_many_universes() -> None:
    """As many as a store keeps news of, more of them than an update has met before."""
    store = filled(16, bars=5)
    live = FORMULAS.live(store)
    universes = [store.universe([f"T{number:02}"]) for number in range(16)]
    figures = np.array([[10.0, 11.0, 9.0, 10.0, 1.0]])
    for day, count in enumerate((9, 16, 3, 12)):
        moment = np.datetime64("2040-01-01", "ns") + np.timedelta64(day, "D")
        for universe in universes[:count]:
            store.append_cross_section(moment, universe, figures + day)
        assert live.update() == count
        assert_current(live, store)


@pytest.mark.parametrize("formula", ["cdldoji()", "cdlmorningstar()"])
def test_a_candle_that_was_replaced_is_measured_by_those_before_it(formula: str) -> None:
    random, features, store = np.random.default_rng(5), FeatureSet(formula), BarStore(2500)
    ends = 100 + random.normal(size=(2500, 2))
    highs, lows = ends.max(axis=1) + random.random(2500), ends.min(axis=1) - random.random(2500)
    live, found = features.live(store), []
    for number, ((first, last), high, low) in enumerate(zip(ends, highs, lows, strict=True)):
        time = np.datetime64("2024-01-01") + np.timedelta64(number, "D")
        store.append("ACME", time, first, 10 * high, low / 10, 2 * last, 1.0)
        live.update()
        store.append("ACME", time, first, high, low, last, 1.0)
        live.update()
        found.append(live.values[0, 0])
    history = features.history(store=store)[formula]
    assert (history == 100).any()
    np.testing.assert_array_equal(found, history)
