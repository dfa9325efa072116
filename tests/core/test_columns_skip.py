"""Rows that are no bars: which of their faults `invalid="skip"` passes over, and which concern a whole column."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from ziggy_async import BarStore
from ziggy_async.reading.timestamps import to_ns

DAY = 86_400 * 10**9
EXPECTED = [to_ns("2020-01-01"), to_ns("2020-01-02")]
FAR_AWAY = datetime(9999, 12, 31)
DAYS = [datetime(2020, 1, 1), datetime(2020, 1, 2)]
ROWS = {"open": [1.0] * 3, "high": [1.0] * 3, "low": [1.0] * 3, "close": [1.0] * 3, "volume": [1.0] * 3}


@pytest.mark.parametrize(
    ("changed", "unit", "fault"),
    [
        ({"timestamp": np.array([DAYS[0], FAR_AWAY, DAYS[1]], "M8[s]")}, None, "column 'timestamp', row 1: 9999-12-31"),
        ({"timestamp": [DAYS[0], FAR_AWAY, DAYS[1]]}, None, "column 'timestamp', row 1: 9999-12-31"),
        ({"timestamp": [1577836800, 1e300, 1577923200]}, None, r"column 'timestamp', row 1: 1e\+300 is out of range"),
        ({"timestamp": [DAYS[0], 1.5, DAYS[1]]}, None, "column 'timestamp', row 1: 1.5 is not a timestamp"),
        ({"timestamp": ["2020-01-01", "soon", "2020-01-02"]}, None, "column 'timestamp', row 1: 'soon' is no"),
        ({"timestamp": [b"2020-01-01", b"\xff", b"2020-01-02"]}, None, "column 'timestamp', row 1: "),
        ({"timestamp": np.array(["2020-01-01", "soon", "2020-01-02"])}, None, "column 'timestamp', row 1: 'soon'"),
        ({"timestamp": pa.array(["2020-01-01", "soon", "2020-01-02"])}, None, "column 'timestamp', row 1: 'soon'"),
        ({"timestamp": pa.array([DAYS[0], FAR_AWAY, DAYS[1]], pa.timestamp("s"))}, None, "column 'timestamp', row 1: "),
        ({"timestamp": pl.Series([DAYS[0], FAR_AWAY, DAYS[1]])}, None, "column 'timestamp', row 1: "),
        ({"timestamp": np.array([1577836800, 2**62, 1577923200])}, "s", "column 'timestamp', row 1: 46116.* s is out"),
        ({"close": [1.0, "n/a", 1.0]}, None, "column 'close', row 1: 'n/a' is not a number"),
        ({"close": [1.0, True, 1.0]}, None, "column 'close', row 1: True is a boolean"),
        ({"volume": [1.0, 10**400, 1.0]}, None, "column 'volume', row 1: 1000.* is not a number"),
        ({"close": [1.0, -1.0, 1.0]}, None, "row 1: close -1 is not positive"),
    ],
)
def test_skipping_leaves_out_every_row_with_a_value_that_is_none(changed, unit, fault) -> None:
    columns = {"timestamp": [*DAYS, DAYS[1] + timedelta(days=1)], **ROWS, **changed}
    of = {pa.Array: pa.table, pl.Series: pl.DataFrame}
    make = next((make for kind, make in of.items() if isinstance(columns["timestamp"], kind)), dict)
    kept = [EXPECTED[0], EXPECTED[1] if "timestamp" in changed else EXPECTED[1] + DAY]
    store = BarStore()
    with pytest.raises((ValueError, TypeError), match=f"^A(: |, ){fault}"):
        store.load("A", make(columns), unit=unit)
    assert store.load("A", make(columns), unit=unit, invalid="skip") == 1
    assert store.bars("A")["timestamp"].astype(int).tolist() == kept
    many = make({**columns, "symbol": ["A", "A", "A"]})
    with pytest.raises((ValueError, TypeError), match=f"^A(: |, ){fault}"):
        store.load_frame(many, unit=unit)
    assert store.load_frame(many, unit=unit, invalid="skip") == 1
    assert store.bars("A")["timestamp"].astype(int).tolist() == kept


@pytest.mark.parametrize(
    ("changed", "unit", "fault"),
    [
        ({"timestamp": ["soon", None, "later"]}, None, "column 'timestamp', row 0: 'soon'"),
        ({"timestamp": pa.array(["soon", None, "later"])}, None, "column 'timestamp', row 0: 'soon'"),
        ({"timestamp": np.array([2**62] * 3)}, "s", "column 'timestamp', row 0: .* s is outside of the years"),
        ({"timestamp": np.array([1, 2, 3])}, None, "column 'timestamp', row 0: 1 is not a time in s, ms"),
        ({"timestamp": [DAYS[0], 5, DAYS[1]]}, None, "column 'timestamp', row 1: 5 is not a time in s, ms"),
        ({"timestamp": [1.5, 2.5, 3.5]}, None, "column 'timestamp', row 0: 1.5 is not a timestamp"),
        ({"close": ["x", None, "y"]}, None, "column 'close', row 0: 'x' is not a number"),
        ({"close": np.array(["x", "y", "z"])}, None, "column 'close', row 0: 'x' is not a number"),
        ({"close": [True, None, False]}, None, "column 'close', row 0: True is a boolean"),
        ({"close": np.ones((3, 1))}, None, "column 'close' has shape"),
        ({"volume": 5}, None, r"column 'volume' has shape \(\); every row needs a value"),
        ({"close": [1.0, 2.0]}, None, "columns differ in length"),
        ({"close": [-1.0] * 3}, None, "no valid row"),
    ],
)
def test_what_concerns_a_whole_column_is_not_skipped(changed, unit, fault) -> None:
    columns = {"timestamp": [*DAYS, DAYS[1] + timedelta(days=1)], **ROWS, **changed}
    store = BarStore()
    store.append("A", "2019-01-01", 1, 1, 1, 1, 1)
    with pytest.raises((ValueError, TypeError), match=f"^A: {fault}"):
        store.load(
            "A", pa.table(columns) if isinstance(columns["timestamp"], pa.Array) else columns, unit=unit, invalid="skip"
        )
    assert len(store.bars("A")["close"]) == 1


@pytest.mark.parametrize("nobody", [None, 5, "", "\ud800"])
def test_skipping_leaves_out_rows_without_a_symbol(nobody) -> None:
    columns = {"timestamp": [*DAYS, DAYS[1] + timedelta(days=1)], **ROWS, "symbol": ["B", nobody, "A"]}
    store = BarStore()
    with pytest.raises(ValueError, match="row 1"):
        store.load_frame(columns)
    assert store.load_frame(columns, invalid="skip") == 1
    assert store.symbols() == ["B", "A"]
    assert store.bars("A")["timestamp"].astype(int).tolist() == [EXPECTED[1] + DAY]
    with pytest.raises(ValueError, match="row 0: True is not text"):
        store.load_frame({**columns, "symbol": [True, False, True]}, invalid="skip")


FORMING = [[stamp // 10**6, 1, 2, 1, 1.5, 10] for stamp in EXPECTED] + [
    [EXPECTED[1] // 10**6 + 60_000, 1, 2, 1, None, None]
]
ADVICE = r"; invalid='skip' \(--skip-invalid\) leaves such rows out$"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (FORMING, r"^A, row 2: close is missing \(NaN or None\)"),
        ({"timestamp": DAYS, **{name: [1, -1] for name in ROWS}}, r"^A, row 1: open -1 is not positive"),
        ({"timestamp": DAYS, **{name: ["1", "x"] for name in ROWS}}, r"^A: column '\w+', row 1: 'x' is not a number"),
    ],
)
def test_a_fault_of_a_row_says_that_it_may_be_left_out(data, said) -> None:
    with pytest.raises(ValueError, match=said + ".*" + ADVICE):
        BarStore().load("A", data)


def test_a_bar_that_is_still_forming_is_left_out() -> None:
    store = BarStore()
    assert store.load("A", FORMING, invalid="skip") == 1
    assert store.bars("A")["timestamp"].astype(int).tolist() == EXPECTED[:2]


def test_rows_in_another_order_are_told_of_load_frame_alone() -> None:
    with pytest.raises(ValueError, match=r"^A, row 1: timestamp .*; load_unsorted takes rows in any order$"):
        BarStore().load("A", {"timestamp": DAYS[::-1], **{name: [1, 1] for name in ROWS}})


@pytest.mark.parametrize("columns", [["vwap"], []])
def test_what_cannot_be_left_out_gives_no_such_advice(columns) -> None:
    store = BarStore(columns=columns)
    table = {"timestamp": DAYS, **{name: [1, 1] for name in ROWS}, "vwap": ["1", "x"]}
    if not columns:
        table["close"] = ["1,100", "1,200"]
    with pytest.raises(ValueError, match=r"row [01]: ") as caught:
        store.load("A", table)
    assert "skip" not in str(caught.value)
