"""Loading off the loop: the same bars and the same errors as in the calling thread."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ziggy_async import BarStore

ROWS = 300


def bars(rows: int = ROWS) -> dict[str, Any]:
    close = 100.0 + np.arange(rows)
    return {
        "timestamp": np.datetime64("2024-01-01", "ns") + np.arange(rows) * np.timedelta64(1, "D"),
        "open": close,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": np.full(rows, 1e6),
    }


async def test_load_async_has_loaded_when_it_returns() -> None:
    store = BarStore()
    assert await store.load_async("AAPL", bars()) == 0
    np.testing.assert_array_equal(store.bars("AAPL")["close"], bars()["close"])


async def test_load_async_takes_the_options_of_load() -> None:
    store, table = BarStore(), bars()
    table["close"] = np.where(np.arange(ROWS) == 7, np.nan, table["close"])
    skipped = await store.load_async("AAPL", table, invalid="skip")
    assert (skipped, dict(skipped.reasons)) == (1, {"close is missing or no number": 1})
    assert len(store.bars("AAPL")["close"]) == ROWS - 1


async def test_an_error_is_that_of_load_and_changes_nothing() -> None:
    store, table = BarStore(), bars()
    await store.load_async("AAPL", bars(5))
    table["high"][3] = 1.0
    with pytest.raises(ValueError, match="AAPL, row 3"):
        await store.load_async("AAPL", table)
    assert len(store.bars("AAPL")["close"]) == 5


async def test_load_frame_async_loads_every_symbol() -> None:
    store = BarStore()
    table = {name: np.concatenate([column, column]) for name, column in bars().items()}
    table["symbol"] = ["AAPL"] * ROWS + ["MSFT"] * ROWS
    await store.load_frame_async(table)
    assert store.symbols() == ["AAPL", "MSFT"]
    np.testing.assert_array_equal(store.bars("MSFT")["low"], bars()["low"])


async def test_read_async_reads_files(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text("date,open,high,low,close,volume\n2024-01-02,1,2,1,2,10\n2024-01-03,2,3,2,3,11\n")
    store = await BarStore.read_async(path)
    np.testing.assert_array_equal(store.bars("AAPL")["close"], [2.0, 3.0])


async def test_the_loop_goes_on_while_a_table_is_read() -> None:
    """The table is given only when the loop says so: a load in the loop's own thread would wait for ever."""
    goes_on = threading.Event()

    class Slow(dict[str, Any]):
        def items(self) -> Any:
            assert goes_on.wait(30)
            return super().items()

    store = BarStore()
    loading = asyncio.create_task(store.load_async("AAPL", Slow(bars())))
    await asyncio.sleep(0.01)
    assert not loading.done()
    goes_on.set()
    assert await loading == 0
