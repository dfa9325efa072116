"""Labels of a store's symbols, in sets of a name."""

import copy
import pickle
from typing import Any

import pandas
import pytest

from ziggy_async import BarStore

SECTORS = {"AAPL": "Tech", "XOM": "Energy", "MSFT": "Tech", "Ä": "Öl"}


def labelled() -> BarStore:
    store = BarStore()
    store.set_labels("sector", SECTORS)
    return store


def test_a_store_begins_without_labels() -> None:
    assert BarStore().labels() == {}


def test_sets_lie_side_by_side_and_one_is_replaced_whole() -> None:
    store = labelled()
    store.set_labels("country", {"AAPL": "US"})
    store.set_labels("sector", {"XOM": "Oil"})
    assert store.labels() == {"sector": {"XOM": "Oil"}, "country": {"AAPL": "US"}}


def test_labels_are_kept_when_symbols_go() -> None:
    store = labelled()
    store.append("AAPL", "2024-01-02", 1, 1, 1, 1, 0)
    store.drop("AAPL")
    store.clear()
    assert store.labels() == {"sector": SECTORS}


def test_what_the_caller_changes_later_is_not_the_stores() -> None:
    mine = dict(SECTORS)
    store = BarStore()
    store.set_labels("sector", mine)
    mine.clear()
    store.labels()["sector"].clear()
    assert store.labels() == {"sector": SECTORS}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda store: pickle.loads(pickle.dumps(store))])
def test_copies_have_the_labels(copied: Any) -> None:
    assert copied(labelled()).labels() == {"sector": SECTORS}


def test_a_series_of_pandas() -> None:
    store = BarStore()
    store.set_labels("sector", pandas.Series(SECTORS))
    assert store.labels() == {"sector": SECTORS}
    with pytest.raises(ValueError, match="A appears twice among the symbols"):
        store.set_labels("sector", pandas.Series(["x", "y"], index=["A", "A"]))


@pytest.mark.parametrize(
    ("name", "labels", "error", "words"),
    [
        (1, {}, TypeError, "the name of labels must be a str, not int"),
        ("", {}, ValueError, "the name of labels is empty"),
        ("sector", [("A", "x")], TypeError, "labels must be a mapping of symbols to labels, not list"),
        ("sector", None, TypeError, "labels must be a mapping of symbols to labels, not NoneType"),
        ("sector", {1: "x"}, TypeError, "the symbol at position 0 must be a str, not int"),
        ("sector", {"A": "x", "B": None}, TypeError, "B: a label must be a str, not None"),
        ("sector", {"A": "\ud800"}, ValueError, "cannot be written as UTF-8"),
    ],
)
def test_what_are_no_labels(name: Any, labels: Any, error: type[Exception], words: str) -> None:
    store = labelled()
    with pytest.raises(error, match=words):
        store.set_labels(name, labels)
    assert store.labels() == {"sector": SECTORS}
