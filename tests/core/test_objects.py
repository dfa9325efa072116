"""Tables of Python objects that are longer than the pieces in which they are converted."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from ziggy_async import BarStore

COUNT = 1000
FIRST = 1704067200000
NAMES = ("timestamp", "open", "high", "low", "close", "volume")


class Bar(NamedTuple):
    timestamp: Any
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any


def rows(count: int = COUNT) -> list[list[Any]]:
    """ccxt's: milliseconds, open, high, low, close, volume."""
    return [[FIRST + 60_000 * at, at + 1.0, at + 3.0, at + 0.5, at + 2.0, 7.0 * at] for at in range(count)]


SHAPES: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "named tuple": Bar._make,
    "dict": lambda row: dict(zip(NAMES, row, strict=True)),
    "object": lambda row: SimpleNamespace(**dict(zip(NAMES, row, strict=True))),
}
VALUES: dict[str, Callable[[int, Any], Any]] = {
    "floats": lambda row, value: value,
    "whole numbers in between": lambda row, value: int(value) if value == int(value) and row % 2 else value,
    "decimals": lambda row, value: Decimal(str(value)),
    "texts": lambda row, value: str(value),
    "texts at the end": lambda row, value: str(value) if row >= COUNT - 3 else value,
}


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_any_shape_give_each_row_its_values(shape: str, values: str) -> None:
    store = BarStore(capacity=COUNT)
    data = [
        SHAPES[shape]([stamp, *(VALUES[values](at, figure) for figure in figures)])
        for at, (stamp, *figures) in enumerate(rows())
    ]
    assert store.load("A", data) == 0
    expected = np.array(rows())
    bars = store.bars("A")
    np.testing.assert_array_equal(bars["timestamp"].astype("M8[ms]").astype(np.int64), expected[:, 0])
    for at, name in enumerate(NAMES[1:], 1):
        np.testing.assert_array_equal(bars[name], expected[:, at])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("value", [None, float("nan"), "x", True, 10**400])
def test_a_value_that_is_no_price_is_named_by_its_row(shape: str, value: object) -> None:
    table = rows()
    table[700][4] = value
    data = list(map(SHAPES[shape], table))
    with pytest.raises((ValueError, TypeError), match=r"A.*row 700\b"):
        BarStore().load("A", data)
    store = BarStore(capacity=COUNT)
    assert store.load("A", data, invalid="skip") == 1
    np.testing.assert_array_equal(store.bars("A")["open"], np.delete(np.arange(COUNT) + 1.0, 700))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_of_another_shape_is_named(shape: str) -> None:
    data = list(map(SHAPES[shape], rows()))
    data[700] = 3
    with pytest.raises(ValueError, match="row 700 is 3, not"):
        BarStore().load("A", data)


def test_a_row_with_a_value_more_is_named() -> None:
    table = rows()
    table[700].append(1.0)
    with pytest.raises(ValueError, match=r"row 700 is .*, not a row of 6 values"):
        BarStore().load("A", table)


def test_a_key_that_only_some_mappings_have_is_missing_in_the_others() -> None:
    data = [dict(zip(NAMES, row, strict=True)) for row in rows()]
    for row in data[600:800]:
        row["vwap"] = row["close"] / 2
    for row in data[800:]:
        del row["volume"]
    store = BarStore(capacity=COUNT, columns=("vwap",))
    assert store.load("A", data, invalid="skip") == 200
    expected = np.where(np.arange(800) < 600, np.nan, (np.arange(800) + 2.0) / 2)
    np.testing.assert_array_equal(store.bars("A")["vwap"], expected)


TIMES: dict[str, Callable[[int], Any]] = {
    "milliseconds": lambda at: FIRST + 60_000 * at,
    "some as floats": lambda at: float(FIRST + 60_000 * at) if at > 500 else FIRST + 60_000 * at,
    "datetimes": lambda at: datetime(2024, 1, 1) + timedelta(minutes=at),
    "texts": lambda at: (datetime(2024, 1, 1) + timedelta(minutes=at)).isoformat(),
    "bytes among texts": lambda at: (
        (f"2024-01-01T{at // 60 % 24:02}:{at % 60:02}").encode()
        if at > 700
        else (datetime(2024, 1, 1) + timedelta(minutes=at)).isoformat()
    ),
}


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("missing", [None, float("nan"), np.datetime64("NaT", "ns")])
def test_times_of_any_kind_and_a_missing_one(times: str, missing: object) -> None:
    count = 900
    data = {name: list(column) for name, column in zip(NAMES, zip(*rows(count), strict=True), strict=True)}
    data["timestamp"] = [TIMES[times](at) for at in range(count)]
    data["timestamp"][600] = missing
    store = BarStore(capacity=COUNT)
    assert store.load("A", data, invalid="skip") == 1
    expected = np.delete(np.datetime64("2024-01-01", "ns") + np.arange(count) * np.timedelta64(1, "m"), 600)
    np.testing.assert_array_equal(store.bars("A")["timestamp"], expected)


@pytest.mark.parametrize("kind", [list, np.array, lambda names: np.array(names, dtype=object)])
def test_symbols_come_in_any_order(kind: Callable[[list[str]], Any]) -> None:
    names = [f"S{at % 7}" for at in range(COUNT)]
    table = dict(zip(NAMES, np.array(rows()).T, strict=True)) | {"symbol": kind(names)}
    store = BarStore(capacity=COUNT)
    assert store.load_frame(table) == 0
    for at in range(7):
        np.testing.assert_array_equal(store.bars(f"S{at}")["open"], np.arange(COUNT)[at::7] + 1.0)


def test_a_symbol_that_is_missing_far_down_is_named() -> None:
    names: list[str | None] = ["A"] * COUNT
    names[700] = None
    table = dict(zip(NAMES, np.array(rows()).T, strict=True)) | {"symbol": names}
    with pytest.raises(ValueError, match="row 700 has no symbol"):
        BarStore().load_frame(table)


@pytest.mark.performance
@pytest.mark.parametrize("shape", ["list", "dict"])
async def test_the_loop_is_not_held_while_rows_are_converted(shape: str) -> None:
    """Median and 95 % of delays, since a machine with other work delays any thread now and then."""
    data = list(map(SHAPES[shape], rows(50_000)))
    delays = []

    async def ticks() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            delays.append(time.perf_counter() - before - 0.001)

    ticking = asyncio.create_task(ticks())
    await asyncio.sleep(0.2)
    idle = np.percentile(delays, 95)
    delays.clear()
    for _ in range(3):
        await BarStore(capacity=50_000).load_async("A", data)
    ticking.cancel()
    assert np.median(delays) < idle + 1e-3
    assert np.percentile(delays, 95) < idle + 5e-3


OF_OANDA = [
    {"complete": True, "volume": volume, "time": f"2024-01-02T09:3{at}:00.000000000Z"}
    for at, volume in enumerate((7, 8))
]
MID = {"o": "1.1", "h": "1.3", "l": "1.0", "c": "1.2"}
BID = {"o": "1.0", "h": "1.2", "l": "0.9", "c": "1.1"}


@pytest.mark.parametrize("beside", [{"mid": MID}, {"bid": BID}, {"bid": BID, "mid": MID, "ask": MID}])
def test_prices_of_a_mapping_in_each_row(beside):
    close = 1.1 if beside == {"bid": BID} else 1.2
    rows = [row | beside for row in OF_OANDA]
    answer = {"instrument": "EUR_USD", "granularity": "M1", "candles": rows}
    objects = [SimpleNamespace(**row | {key: SimpleNamespace(**each) for key, each in beside.items()}) for row in rows]
    for data in (rows, answer, objects):
        store = BarStore()
        store.load("EUR_USD", data)
        bars = store.bars("EUR_USD")
        assert bars["close"].tolist() == [close, close]
        assert bars["volume"].tolist() == [7, 8]
        assert bars["timestamp"].astype("M8[m]").astype(str).tolist() == ["2024-01-02T09:30", "2024-01-02T09:31"]
    store.load_frame({"instrument": "GBP_USD", "candles": rows})
    assert store.symbols() == ["EUR_USD", "GBP_USD"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"candles": [row | {"bid": BID, "ask": MID} for row in OF_OANDA]},
            "no column for open.*found: .*bid.o, .*ask.c",
        ),
        ({"ticker": "B", "results": [row | MID for row in OF_OANDA]}, "says that the bars are those of 'B'"),
        ({"meta": {"symbol": "B"}, "values": [row | MID for row in OF_OANDA]}, "says that the bars are those of 'B'"),
        (
            {"meta": {"exchange_timezone": "America/New_York"}, "values": [MID | {"time": "2024-01-02 09:30", "v": 1}]},
            "'exchange_timezone' says that the times of 'time' are of 'America/New_York'",
        ),
        ({"B": [row | MID for row in OF_OANDA]}, "data maps 'B' to a list"),
    ],
)
def test_what_may_be_other_bars_is_refused(answer, said):
    store = BarStore()
    with pytest.raises(ValueError, match=said):
        store.load("A", answer)
    assert store.symbols() == []
