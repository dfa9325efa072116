"""Any sequence of a store's calls, against a store of plain Python. A further column holds minus the close."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.typing import NDArray
from reference.bars import DAY_NS, FIELDS, FIRST_DAY_NS
from reference.store_model import Row, StoreModel

from ziggy_async import BarStore
from ziggy_async._core import Universe

FURTHER = "minus close"
NAMES = ["A", "B", "^C"]
SYMBOLS = st.sampled_from(NAMES)
GOOD_ROW = st.builds(
    lambda day, close, volume: (FIRST_DAY_NS + day * DAY_NS, close, close + 1.0, close / 2.0, close, volume),
    st.integers(0, 30), st.floats(1.0, 1000.0), st.floats(0.0, 1e9),
)  # fmt: skip
BAD_ROW = st.builds(
    lambda row, place, value: (*row[:place], value, *row[place + 1 :]),
    GOOD_ROW, st.integers(1, 5), st.sampled_from([np.nan, np.inf, -1.0]),
)  # fmt: skip
ROWS = st.lists(st.one_of(GOOD_ROW, GOOD_ROW, GOOD_ROW, BAD_ROW), max_size=12)
SORTED_ROWS = ROWS.map(lambda rows: sorted(rows, key=lambda row: row[0]))


def table_of(rows: list[Row]) -> dict[str, Any]:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 6
    stamps = np.array(columns[0], np.int64).astype("datetime64[ns]")
    figures = {n: np.array(c, np.float64) for n, c in zip(FIELDS, columns[1:], strict=True)}
    return {"timestamp": stamps, **figures, FURTHER: -figures["close"]}


def matrix_of(rows: list[Row | None]) -> NDArray[np.float64]:
    """Of a cross-section; None: there is no bar."""
    return np.array([[*row[1:], -row[4]] if row is not None else [np.nan] * 6 for row in rows])


@dataclass
class Member:
    """A symbol of a universe: `life` is that of the symbol when it was found in the store, None if it was not yet."""

    symbol: str
    life: int | None


class StoreMachine(RuleBasedStateMachine):
    @initialize(capacity=st.integers(1, 9))
    def begin(self, capacity: int) -> None:
        self.store, self.model = BarStore(capacity, columns=[FURTHER]), StoreModel(capacity)
        self.lives = dict.fromkeys(NAMES, 0)
        self.universes: list[tuple[Universe, list[Member]]] = []

    def both(self, call: Callable[[], Any], model: Callable[[], Any]) -> None:
        """The store refuses what the model refuses, and answers the same."""
        try:
            expected = model()
        except ValueError:
            with pytest.raises(ValueError, match=r".+"):
                call()
        else:
            assert call() == expected

    @rule(symbol=SYMBOLS, row=st.one_of(GOOD_ROW, GOOD_ROW, BAD_ROW))
    def append(self, symbol: str, row: Row) -> None:
        stamp = np.datetime64(row[0], "ns")
        self.both(
            lambda: self.store.append(symbol, stamp, *row[1:], **{FURTHER: -row[4]}),
            lambda: self.model.append(symbol, row),
        )

    @rule(symbol=SYMBOLS, rows=st.one_of(ROWS, SORTED_ROWS), skip=st.booleans())
    def load(self, symbol: str, rows: list[Row], skip: bool) -> None:
        invalid: Any = "skip" if skip else "raise"
        self.both(
            lambda: self.store.load(symbol, table_of(rows), invalid=invalid),
            lambda: self.model.load(symbol, rows, skip),
        )

    @rule(rows=st.lists(st.tuples(SYMBOLS, GOOD_ROW), min_size=1, max_size=3, unique_by=lambda pair: pair[0]))
    def append_cross_section(self, rows: list[tuple[str, Row]]) -> None:
        names, stamp = [symbol for symbol, _ in rows], rows[0][1][0]
        same_time = [(stamp, *row[1:]) for _, row in rows]
        self.both(
            lambda: self.store.append_cross_section(np.datetime64(stamp, "ns"), names, matrix_of([*same_time])),
            lambda: self.model.append_cross_section(names, same_time),
        )

    @rule(names=st.permutations(NAMES), count=st.integers(1, 3))
    def universe(self, names: list[str], count: int) -> None:
        members = [Member(name, self.lives[name] if name in self.model.rows else None) for name in names[:count]]
        self.universes.append((self.store.universe(names[:count]), members))

    @precondition(lambda self: self.universes)
    @rule(
        which=st.integers(0, 20),
        days=st.lists(st.integers(0, 1), min_size=1, max_size=20),
        rows=st.lists(st.one_of(GOOD_ROW, GOOD_ROW, GOOD_ROW, GOOD_ROW, BAD_ROW, st.none()), min_size=3, max_size=3),
    )
    def append_universe(self, which: int, days: list[int], rows: list[Row | None]) -> None:
        """One section or several, from the newest time in the store on; a universe that was refused is left alone."""
        universe, members = self.universes[which % len(self.universes)]
        names, stamp = (
            [member.symbol for member in members],
            max((r[-1][0] for r in self.model.rows.values()), default=0),
        )
        stamp = rows[0][0] if rows[0] is not None and which > 15 else stamp
        for day in days:
            stamp += day * DAY_NS
            own = [(stamp, *row[1:]) if row is not None else None for row in rows[: len(names)]]
            known = [member for member in members if member.life is not None]
            try:
                if any(self.lives[member.symbol] != member.life for member in known):
                    raise ValueError("a symbol was dropped")
                there = [(name, row) for name, row in zip(names, own, strict=True) if row is not None]
                self.model.append_cross_section([name for name, _ in there], [row for _, row in there])
            except ValueError:
                with pytest.raises(ValueError, match=r".+"):
                    self.store.append_cross_section(np.datetime64(stamp, "ns"), universe, matrix_of(own))
                self.universes.remove((universe, members))
                return
            self.store.append_cross_section(np.datetime64(stamp, "ns"), universe, matrix_of(own))
            for member, row in zip(members, own, strict=True):
                member.life = self.lives[member.symbol] if row is not None else member.life

    @rule(rows=st.lists(st.tuples(SYMBOLS, st.one_of(GOOD_ROW, BAD_ROW)), max_size=20), skip=st.booleans())
    def load_frame(self, rows: list[tuple[str, Row]], skip: bool) -> None:
        invalid: Any = "skip" if skip else "raise"
        table = {"symbol": [symbol for symbol, _ in rows], **table_of([row for _, row in rows])}
        self.both(lambda: self.store.load_frame(table, invalid=invalid), lambda: self.model.load_frame(rows, skip))

    @rule(symbol=SYMBOLS)
    def drop(self, symbol: str) -> None:
        self.lives[symbol] += 1
        self.both(lambda: self.store.drop(symbol), lambda: self.model.drop(symbol))

    @rule()
    def clear(self) -> None:
        self.lives = {name: life + 1 for name, life in self.lives.items()}
        self.both(self.store.clear, self.model.clear)

    @invariant()
    def holds_the_same(self) -> None:
        """Without a look at the bars, which would fold all of a tail at once."""
        if not hasattr(self, "store"):
            return
        assert set(self.store.symbols()) == set(self.model.rows)
        assert len(self.store) == len(self.model.rows)
        assert self.store.stats()["bars"] == sum(map(len, self.model.rows.values()))

    @rule(symbol=SYMBOLS)
    def look(self, symbol: str) -> None:
        rows = self.model.rows.get(symbol)
        if rows is None:
            with pytest.raises(KeyError):
                self.store.bars(symbol)
        else:
            self.same_bars(symbol, rows)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            for symbol, rows in self.model.rows.items():
                self.same_bars(symbol, rows)

    def same_bars(self, symbol: str, rows: list[Row]) -> None:
        columns = self.store.bars(symbol)
        stamps = columns.pop("timestamp").astype(np.int64).tolist()
        np.testing.assert_array_equal(columns.pop(FURTHER), -columns["close"])
        assert list(zip(stamps, *(column.tolist() for column in columns.values()), strict=True)) == rows


TestAnySequence = StoreMachine.TestCase
TestAnySequence.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
