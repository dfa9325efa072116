"""Columns that a store has beside open, high, low, close and volume."""

import asyncio
import copy
import pickle
from collections.abc import Callable
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference.bars import walk
from reference.tables import KINDS, Kind

from ziggy_async import BarStore, FeatureSet
from ziggy_async.features import FormulaError

NAMES = ("vwap", "adj close")


def further(bars: int) -> dict[str, np.ndarray]:
    """`adj close` has no value on every third bar."""
    values = np.linspace(1.0, 2.0, bars)
    return {"vwap": values, "adj close": np.where(np.arange(bars) % 3 == 0, np.nan, values * 10)}


def table(bars: int = 20) -> dict[str, Any]:
    return walk(bars).table() | further(bars)


def loaded(bars: int = 20, capacity: int = 512) -> BarStore:
    store = BarStore(capacity, columns=NAMES)
    store.load("A", table(bars))
    return store


def same(columns: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(columns) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(columns[name], values)


def test_a_store_has_none_unless_it_is_asked() -> None:
    assert BarStore().columns == ()
    assert loaded().columns == NAMES


@pytest.mark.parametrize("capacity", [7, 512])
def test_a_table_has_them_by_name(capacity: int) -> None:
    store = loaded(20, capacity)
    same({name: store.bars("A")[name] for name in NAMES}, {n: v[-capacity:] for n, v in further(20).items()})
    assert store.stats()["bytes"] == min(20, capacity) * 8 * 8


@pytest.mark.parametrize("spelling", ["VWAP", "v_wap", " Vwap "])
def test_any_spelling_where_none_is_the_same(spelling: str) -> None:
    store = BarStore(columns=("vwap",))
    store.load("A", walk(3).table() | {spelling: [1, 2, None]})
    np.testing.assert_array_equal(store.bars("A")["vwap"], [1, 2, np.nan])
    store.load("A", walk(3).table() | {spelling: [1, 2, 3], "vwap": [4, 5, 6]})
    assert store.bars("A")["vwap"].tolist() == [4, 5, 6]


def test_a_column_of_another_name_that_the_caller_says() -> None:
    store = BarStore(columns=("vwap",))
    store.load("A", walk(2).table() | {"average": [1.0, 2.0]}, columns={"vwap": "average"})
    assert store.bars("A")["vwap"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table(kind: Kind) -> None:
    store = BarStore(columns=("vwap",))
    store.load("A", kind(walk(5).table() | {"vwap": np.arange(5.0)}))
    assert store.bars("A")["vwap"].tolist() == [0, 1, 2, 3, 4]


def test_rows_that_are_objects() -> None:
    names = ["timestamp", "open", "high", "low", "close", "volume", "vwap"]
    row = make_dataclass("Row", names)("2024-01-02", 1, 1, 1, 1, 0, 1.5)
    store = BarStore(columns=("vwap",))
    store.load("A", [row])
    assert store.bars("A")["vwap"].tolist() == [1.5]


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_long_table(shuffled: bool) -> None:
    order = np.random.default_rng(1).permutation(40) if shuffled else np.arange(40)
    once = table()
    both = {name: np.concatenate([column, column])[order] for name, column in once.items()}
    store = BarStore(columns=NAMES)
    store.load_frame({"symbol": np.repeat(["A", "B"], 20)[order].tolist(), **both})
    for symbol in ("A", "B"):
        same(store.bars(symbol), loaded().bars(symbol if symbol == "A" else "A"))


def test_invalid_rows_take_them_along() -> None:
    rows = table()
    rows["close"][5] = -1.0
    store = BarStore(columns=NAMES)
    assert store.load("A", rows, invalid="skip") == 1
    same({n: store.bars("A")[n] for n in NAMES}, {n: np.delete(v, 5) for n, v in further(20).items()})


def test_append_takes_them_by_keyword() -> None:
    store = BarStore(columns=NAMES)
    store.append("A", "2024-01-02", 1, 1, 1, 1, 0, vwap=3)
    store.append("A", "2024-01-03", 1, 1, 1, 1, 0, **{"adj close": 4.5})
    store.append("A", "2024-01-04", 1, 1, 1, 1, 0)
    store.append("A", "2024-01-04", 1, 1, 1, 1, 0, vwap=5)
    np.testing.assert_array_equal(store.bars("A")["vwap"], [3, np.nan, 5])
    np.testing.assert_array_equal(store.bars("A")["adj close"], [np.nan, 4.5, np.nan])


def test_cross_sections_have_them_behind_the_volume() -> None:
    store = BarStore(columns=NAMES)
    store.append_cross_section("2024-01-02", ["A", "B"], np.array([[1, 1, 1, 1, 0, 2, 3], [1, 1, 1, 1, 0, 4, np.nan]]))
    assert [store.bars(symbol)["vwap"].tolist() for symbol in "AB"] == [[2.0], [4.0]]
    assert np.isnan(store.bars("B")["adj close"][0])
    for width in (5, 6, 8):
        with pytest.raises(ValueError, match=r"the shape \(1, 7\): a row for each symbol, with the further columns"):
            store.append_cross_section("2024-01-03", ["A"], np.ones((1, width)))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda store: pickle.loads(pickle.dumps(store))])
def test_copies_have_them(copied: Callable[[BarStore], BarStore]) -> None:
    store = loaded()
    other = copied(store)
    assert other.columns == NAMES
    same(other.bars("A"), store.bars("A"))
    assert copied(BarStore(columns=NAMES)).columns == NAMES


def test_arrow_and_back() -> None:
    store, other = loaded(), BarStore(columns=NAMES)
    arrow = store.to_arrow()
    assert arrow.column_names[-2:] == list(NAMES)
    other.load_frame(arrow)
    same(other.bars("A"), store.bars("A"))


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_files_and_back(tmp_path: Path, kind: str) -> None:
    import duckdb

    store, path = loaded(), tmp_path / f"bars.{kind}"
    store.write_parquet(tmp_path / "bars.parquet")
    if kind == "csv":
        with duckdb.connect() as connection:
            connection.read_parquet(str(tmp_path / "bars.parquet")).write_csv(str(path))
    same(BarStore.read(path, further_columns=NAMES).bars("A"), store.bars("A"))
    assert asyncio.run(BarStore.read_async(path)).columns == ()


@pytest.mark.parametrize("invalid", ["raise", "skip"])
def test_a_text_in_a_file_is_named(tmp_path: Path, invalid: Any) -> None:
    path = tmp_path / "A.csv"
    path.write_text("date,open,high,low,close,volume,vwap\n2024-01-02,1,1,1,1,0,\n2024-01-03,1,1,1,1,0,x\n")
    with pytest.raises(ValueError, match=r"A\.csv: A: column 'vwap', line 3: 'x' is not a number"):
        BarStore.read(path, further_columns=["vwap"], invalid=invalid)


@pytest.mark.parametrize("invalid", ["raise", "skip"])
def test_a_text_in_a_table_is_named(invalid: Any) -> None:
    store = BarStore(columns=("vwap",))
    with pytest.raises(ValueError, match="A: column 'vwap', row 1: 'x' is not a number"):
        store.load("A", walk(3).table() | {"vwap": [1.0, "x", 2.0]}, invalid=invalid)
    assert len(store) == 0


def test_a_column_that_a_table_has_not() -> None:
    store = BarStore(columns=("vwap",))
    with pytest.raises(ValueError, match=r"A: no column 'vwap', which the store has: .*; columns found: timestamp"):
        store.load("A", walk(3).table())
    with pytest.raises(ValueError, match="several columns are called like 'vwap'"):
        store.load("A", walk(3).table() | {"VWAP": [1, 2, 3], "Vwap": [1, 2, 3]})
    with pytest.raises(ValueError, match="columns differ in length"):
        store.load("A", walk(3).table() | {"vwap": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ("vwap", TypeError, "columns must be a list of names, not 'vwap'"),
        (5, TypeError, "columns must be a list of names, not 5"),
        (["vwap", 3], TypeError, "the column at position 1 must be a str, not int"),
        (["vwap", ""], ValueError, "the column at position 1 is called ''"),
        (["a\nb"], ValueError, "the column at position 0 is called"),
        (["Close"], ValueError, "no further column can be called 'Close': every store has it"),
        (["unit"], ValueError, "no further column can be called 'unit': append has an argument of that name"),
        (["a", "vwap", "VWAP"], ValueError, "no further column can be called 'VWAP': there is one already"),
    ],
)
def test_names_that_no_column_can_have(columns: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        BarStore(columns=columns)


def test_append_names_what_is_no_number_and_no_column() -> None:
    store = BarStore(columns=("vwap",))
    with pytest.raises(TypeError, match="A: vwap must be a number, not 'x'"):
        store.append("A", "2024-01-02", 1, 1, 1, 1, 0, vwap="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="vwpa"):
        store.append("A", "2024-01-02", 1, 1, 1, 1, 0, vwpa=1)
    with pytest.raises(TypeError, match="vwap"):
        BarStore().append("A", "2024-01-02", 1, 1, 1, 1, 0, vwap=1)
    assert len(store) == 0


FORMULAS = ("vwap * 2", 'column("adj close") - close', "sma(vwap, 3)", 'ema(column("adj close"), 4)')


@pytest.mark.parametrize("symbols", [1, 19])
def test_formulas_over_a_store_read_them(symbols: int) -> None:
    """As over the same table."""
    store, features = BarStore(columns=NAMES), FeatureSet(*FORMULAS)
    names = [f"S{number}" for number in range(symbols)]
    for name in names:
        store.load(name, table())
    expected = features.over(table())
    history, latest = features.history(names, store), features.latest(names, store)
    for text in FORMULAS:
        np.testing.assert_array_equal(history[text], np.tile(expected[text], symbols))
        np.testing.assert_array_equal(latest[text], np.tile(expected[text][-1:], symbols))
    same_again = asyncio.run(features.latest_async(names, store))
    np.testing.assert_array_equal(same_again.to_numpy(), latest.to_numpy())


def test_a_column_that_the_store_has_not_is_named_with_the_nearest() -> None:
    with pytest.raises(FormulaError, match="no column 'vwpa'; did you mean 'vwap'"):
        FeatureSet("vwpa * 2").latest(["A"], loaded())
    with pytest.raises(FormulaError, match="no column 'vwap'"):
        FeatureSet("vwap").history(["A"], BarStore())
