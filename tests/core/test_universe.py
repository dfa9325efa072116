"""Universes: symbols that are looked up once, for one bar of each after the other."""

import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ziggy_async import BarStore, FeatureSet

DAYS = np.arange("2024-01-01", "2024-07-01", dtype="datetime64[D]").astype("datetime64[ns]")


def section(count: int, day: int, width: int = 5) -> NDArray[np.float64]:
    """Bars that are told by symbol and day."""
    close = 100.0 + np.arange(count) + day / 1000
    columns = [close, close + 1, close - 1, close, close * 0 + day, *[-close] * (width - 5)]
    return np.column_stack(columns)


def names(count: int) -> list[str]:
    return [f"S{number}" for number in range(count)]


def same(store: BarStore, other: BarStore) -> None:
    assert store.symbols() == other.symbols()
    for symbol in other.symbols():
        for (name, one), two in zip(store.bars(symbol).items(), other.bars(symbol).values(), strict=True):
            np.testing.assert_array_equal(one, two, err_msg=f"{symbol} {name}")
    ignored = {"bytes", "loaded"}
    mine, theirs = store.stats(), other.stats()
    assert {n: c for n, c in mine.items() if n not in ignored} == {n: c for n, c in theirs.items() if n not in ignored}


def test_what_is_kept_as_it_came_counts_as_memory() -> None:
    store, other = BarStore(8), BarStore(8)
    universe = store.universe(names(10))
    store.append_cross_section(DAYS[0], universe, section(10, 0))
    for symbol, figures in zip(names(10), section(10, 0).tolist(), strict=True):
        other.append(symbol, DAYS[0], *figures)
    columns = 5 * 16 * 8  # places are padded to whole vectors
    assert store.stats()["bytes"] == other.stats()["bytes"] + columns


@pytest.mark.parametrize("count", [1, 7, 100])
@pytest.mark.parametrize("columns", [(), ("vwap",)])
@pytest.mark.parametrize("capacity", [3, 50, 512])
def test_as_a_list_of_symbols(count: int, columns: tuple[str, ...], capacity: int) -> None:
    store, other = BarStore(capacity, columns=columns), BarStore(capacity, columns=columns)
    universe = store.universe(names(count))
    for day, stamp in enumerate(DAYS[:70]):
        for again in range(1 + (day % 5 == 0)):  # the bar that is forming, and its revision
            bars = section(count, day + again, 5 + len(columns))
            store.append_cross_section(stamp, universe, bars)
            other.append_cross_section(stamp, names(count), bars)
    same(store, other)


def test_five_nan_are_no_bar() -> None:
    store, universe_of = BarStore(columns=("vwap",)), names(4)
    universe = store.universe(universe_of)
    for day, stamp in enumerate(DAYS[:40]):
        bars = section(4, day, 6)
        bars[day % 4, :5] = np.nan
        store.append_cross_section(stamp, universe, bars)
    for place, symbol in enumerate(universe_of):
        assert store.bars(symbol)["timestamp"].tolist() == [
            stamp for day, stamp in enumerate(DAYS[:40].tolist()) if day % 4 != place
        ]
    with pytest.raises(ValueError, match=r"S1, row 1: open is missing \(NaN or None\)"):
        store.append_cross_section(DAYS[50], ["S0", "S1"], np.where(np.eye(2, 6, -1)[:, :1], np.nan, section(2, 1, 6)))


def test_symbols_come_with_their_first_bar() -> None:
    store = BarStore()
    universe = store.universe(["A", "B", "C"])
    assert (len(store), len(universe), universe.symbols) == (0, 3, ("A", "B", "C"))
    bars = section(3, 0)
    bars[0] = np.nan
    store.append_cross_section(DAYS[0], universe, bars)
    assert store.symbols() == ["B", "C"]
    assert "A" not in store
    store.append("A", DAYS[1], 1, 1, 1, 1, 0)
    store.append_cross_section(DAYS[2], universe, section(3, 2))
    assert store.bars("A")["timestamp"].tolist() == DAYS[[1, 2]].tolist()


def test_universes_that_overlap_and_single_bars_in_between() -> None:
    store, other = BarStore(20), BarStore(20)
    halves = [names(60)[:40], names(60)[20:]]
    universes = [store.universe(half) for half in halves]
    for day in range(60):
        which = day // 3 % 2
        store.append_cross_section(DAYS[day], universes[which], section(40, day))
        other.append_cross_section(DAYS[day], halves[which], section(40, day))
        if day % 7 == 0:
            for each in (store, other):
                each.append("S30", DAYS[day], 5, 5, 5, 5, day)
                each.load("S31", {"timestamp": DAYS[day : day + 1], **{key: [2.0] for key in "ohlcv"}})
    same(store, other)


def test_formulas_see_every_bar() -> None:
    store, features = BarStore(), FeatureSet("sma(close, 3)", "volume")
    universe = store.universe(names(50))
    for day, stamp in enumerate(DAYS[:30]):
        store.append_cross_section(stamp, universe, section(50, day))
        table = features.latest(store=store)
        assert (table["volume"] == day).all()
        assert (table.timestamps == stamp).all()
    assert len(features.history(["S1"], store)) == 30


def test_pickles_have_every_bar() -> None:
    store = BarStore()
    universe = store.universe(names(5))
    for day, stamp in enumerate(DAYS[:21]):
        store.append_cross_section(stamp, universe, section(5, day))
    assert len(pickle.loads(pickle.dumps(store)).bars("S4")["close"]) == 21


def test_a_universe_that_is_gone_leaves_its_bars() -> None:
    store = BarStore()
    store.append_cross_section(DAYS[0], store.universe(["A"]), section(1, 0))
    universe = store.universe(["A", "B"])
    store.append_cross_section(DAYS[1], universe, section(2, 1))
    del universe
    assert len(store.bars("A")["close"]) == 2


def test_a_store_and_its_universe_are_collected() -> None:
    store: Any = BarStore()
    store.own = store.universe(["A"])
    store.append_cross_section(DAYS[0], store.own, section(1, 0))
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None


def test_a_universe_of_another_store() -> None:
    store = BarStore()
    with pytest.raises(ValueError, match="the universe is of another store"):
        store.append_cross_section(DAYS[0], BarStore().universe(["A"]), section(1, 0))
    assert len(store) == 0


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("forget", [lambda store: store.drop("B"), lambda store: store.clear()])
def test_a_symbol_that_was_dropped_since(attached: bool, forget: Callable[[BarStore], object]) -> None:
    store = BarStore()
    store.append("B", DAYS[0], 1, 1, 1, 1, 0)
    universe = store.universe(["A", "B"])
    if attached:
        store.append_cross_section(DAYS[1], universe, section(2, 1))
    forget(store)
    before = store.symbols()
    with pytest.raises(
        ValueError, match=r"[AB] was dropped from the store after the universe was made: make a new one"
    ):
        store.append_cross_section(DAYS[2], universe, section(2, 2))
    assert store.symbols() == before
    store.append_cross_section(DAYS[2], store.universe(["A", "B"]), section(2, 2))


def test_an_order_that_is_wrong_for_one_symbol() -> None:
    store = BarStore()
    universe = store.universe(["A", "B"])
    store.append_cross_section(DAYS[1], universe, section(2, 1))
    store.append("B", DAYS[5], 1, 1, 1, 1, 0)
    with pytest.raises(ValueError, match=r"B, row 1: timestamp 2024-01-03.* before that of the last bar, 2024-01-06"):
        store.append_cross_section(DAYS[2], universe, section(2, 2))
    assert len(store.bars("A")["close"]) == 1
    assert store.stats()["rejected"] == 1


@pytest.mark.parametrize(
    ("symbols", "error", "words"),
    [
        ("AB", TypeError, "tickers must be a list of str, not one str"),
        (["A", 1], TypeError, "the ticker at position 1 must be a str, not int"),
        (["A", ""], ValueError, "symbol at position 1 is empty"),
        (["A", "B", "A"], ValueError, "A appears twice in the universe, again at position 2"),
        (["\ud800"], ValueError, "position 0 cannot be written as UTF-8"),
    ],
)
def test_what_is_no_universe(symbols: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        BarStore().universe(symbols)


@pytest.mark.parametrize("ohlcv", [np.ones((1, 5)), np.ones((2, 6)), np.ones(10), np.ones((2, 5, 1))])
def test_a_wrong_shape(ohlcv: Any) -> None:
    store = BarStore()
    with pytest.raises(ValueError, match=r"ohlcv must have the shape \(2, 5\)"):
        store.append_cross_section(DAYS[0], store.universe(["A", "B"]), ohlcv)


@pytest.mark.parametrize(("value", "kind"), [(True, "booleans"), ("1", "texts")])
@pytest.mark.parametrize("form", [list, np.array])
def test_what_is_no_number_is_no_bar(form: Callable[[object], object], value: object, kind: str) -> None:
    store = BarStore()
    for symbols in (store.universe(["A", "B"]), ["A", "B"]):
        with pytest.raises(TypeError, match=f"ohlcv holds {kind} and no numbers"):
            store.append_cross_section(DAYS[0], symbols, form([[value] * 5] * 2))
    assert len(store) == 0


def test_masked_values_are_no_values() -> None:
    store = BarStore()
    universe, bars = store.universe(["A", "B"]), np.ma.masked_array(section(2, 0), mask=[[True] * 5, [False] * 5])
    for symbols in (universe, ["A", "B"]):
        with pytest.raises(TypeError, match=r"ohlcv is a masked array: .*filled\(numpy\.nan\)"):
            store.append_cross_section(DAYS[0], symbols, bars)
    store.append_cross_section(DAYS[0], universe, bars.filled(np.nan))
    assert store.symbols() == ["B"]


@pytest.mark.parametrize("place", range(20))
def test_a_bad_figure_is_named_and_nothing_changes(place: int) -> None:
    """Wherever it stands among bars that are tested several at once."""
    store = BarStore()
    universe = store.universe(names(20))
    for column, value in ((0, np.nan), (1, np.inf), (2, -1.0), (3, 1e200), (4, -1.0), (1, 0.5)):
        bars = section(20, 0)
        bars[place, column] = value
        with pytest.raises(ValueError, match=rf"S{place}, row {place}: "):
            store.append_cross_section(DAYS[0], universe, bars)
    assert len(store) == 0
