"""Any sequence of a store's calls, against a store of plain Python."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from reference.bars import DAY_NS, FIELDS, FIRST_DAY_NS
from reference.store_model import Row, StoreModel

from ziggy_async import BarStore

SYMBOLS = st.sampled_from(["A", "B", "^C"])
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
    return {"timestamp": stamps, **{n: np.array(c, np.float64) for n, c in zip(FIELDS, columns[1:], strict=True)}}


class StoreMachine(RuleBasedStateMachine):
    @initialize(capacity=st.integers(1, 9))
    def begin(self, capacity: int) -> None:
        self.store, self.model = BarStore(capacity), StoreModel(capacity)

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
        self.both(lambda: self.store.append(symbol, stamp, *row[1:]), lambda: self.model.append(symbol, row))

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
            lambda: self.store.append_cross_section(
                np.datetime64(stamp, "ns"), names, np.array([row[1:] for row in same_time])
            ),
            lambda: self.model.append_cross_section(names, same_time),
        )

    @rule(rows=st.lists(st.tuples(SYMBOLS, st.one_of(GOOD_ROW, BAD_ROW)), max_size=20), skip=st.booleans())
    def load_frame(self, rows: list[tuple[str, Row]], skip: bool) -> None:
        invalid: Any = "skip" if skip else "raise"
        table = {"symbol": [symbol for symbol, _ in rows], **table_of([row for _, row in rows])}
        self.both(lambda: self.store.load_frame(table, invalid=invalid), lambda: self.model.load_frame(rows, skip))

    @rule(symbol=SYMBOLS)
    def drop(self, symbol: str) -> None:
        self.both(lambda: self.store.drop(symbol), lambda: self.model.drop(symbol))

    @rule()
    def clear(self) -> None:
        self.both(self.store.clear, self.model.clear)

    @invariant()
    def holds_the_same(self) -> None:
        if not hasattr(self, "store"):
            return
        assert set(self.store.symbols()) == set(self.model.rows)
        assert len(self.store) == len(self.model.rows)
        for symbol, rows in self.model.rows.items():
            columns = self.store.bars(symbol)
            stamps = columns.pop("timestamp").astype(np.int64).tolist()
            assert list(zip(stamps, *(column.tolist() for column in columns.values()), strict=True)) == rows


TestAnySequence = StoreMachine.TestCase
TestAnySequence.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
