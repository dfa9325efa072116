"""Sets of formulas over a store: their rows, the same bits however they are asked for, and what is refused."""

import asyncio
import pickle
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from reference.bars import walk

from ziggy_async import BarStore, FeatureSet, FormulaError, _core
from ziggy_async.features.catalog import rows
from ziggy_async.features.over import features_over

Floats = NDArray[np.float64]

FORMULAS = ("rsi(14)", "sma(20)", "macd().signal", "close / lag(close, 5) - 1")


def filled(counts: dict[str, int], **options: Any) -> BarStore:
    store = BarStore(**options)
    for seed, (symbol, count) in enumerate(counts.items()):
        bars = walk(count, seed=seed)
        store.load(symbol, {"timestamp": bars.timestamp.view("M8[ns]"), **bars.columns()})
    return store


COUNTS = {"MSFT": 60, "AAPL": 100, "NEW": 3, "SPY": 100}


@pytest.fixture(scope="module")
def bars() -> BarStore:
    return filled(COUNTS)


def test_names_are_the_texts_or_the_keywords() -> None:
    features = FeatureSet("rsi(14)", "close > open", trend="sma(20)")
    assert features.names == ("rsi(14)", "close > open", "trend")
    assert repr(features) == "FeatureSet('rsi(14)', 'close > open', trend='sma(20)')"


def test_a_store_that_is_none_is_refused() -> None:
    asked = FeatureSet("close")
    for ask in (asked.describe, lambda store: asked.latest(store=store), asked.live):
        with pytest.raises(TypeError, match="store must be a BarStore, not 'SPY'"):
            ask("SPY")


def test_a_set_describes_itself() -> None:
    described = FeatureSet("rsi()", up="close > sma(20)", last="volume").describe()
    assert described["rsi()"] == {
        "formula": "rsi(close, 14)",
        "lookback": 14,
        "reach": None,
        "columns": ("close",),
        "tickers": (),
        "bars": 15,
        "warning": None,
    }
    assert (described["up"]["lookback"], described["up"]["reach"]) == (19, 20)
    assert described["last"] == {
        "formula": "volume",
        "lookback": 0,
        "reach": 1,
        "columns": ("volume",),
        "tickers": (),
        "bars": 1,
        "warning": None,
    }
    assert FeatureSet("rsi()", "sma(50)").lookback == 49


@pytest.mark.parametrize("name", sorted(rows()))
def test_every_indicator_can_be_called_with_its_defaults(name: str) -> None:
    outputs = len(rows()[name].outputs)
    features = FeatureSet(**{f"output_{at}": f"{name}()[{at}]" for at in range(outputs)})
    table = features.history(store=filled({"A": features.lookback + 20}))
    assert np.isfinite(table.to_numpy()[features.lookback :]).all()
    assert np.isnan(table.to_numpy()[: features.lookback]).any() == (features.lookback > 0)


def test_sets_are_equal_by_names_and_normal_forms() -> None:
    assert FeatureSet(a="rsi()") == FeatureSet(a="rsi(close, timeperiod=14)")
    assert hash(FeatureSet(a="rsi()")) == hash(FeatureSet(a="rsi(close, 14)"))
    assert FeatureSet(a="rsi()") != FeatureSet(b="rsi()")
    assert FeatureSet(a="rsi()") != FeatureSet(a="rsi(15)")
    assert FeatureSet(a="close", b="open") != FeatureSet(b="open", a="close")
    assert FeatureSet("close") != "close"


def test_a_set_is_pickled(bars: BarStore) -> None:
    features = FeatureSet(*FORMULAS, up="close > open")
    copy = pickle.loads(pickle.dumps(features))
    assert copy == features
    assert copy.latest(store=bars).to_numpy().tobytes() == features.latest(store=bars).to_numpy().tobytes()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ([], ValueError, "at least one formula"),
        (["close", "close"], ValueError, "two features are called 'close'"),
        (["symbol"], ValueError, "'symbol'"),
        (["timestamp"], ValueError, "'timestamp'"),
        ([["close", "open"]], TypeError, "a formula is a text, not a list"),
        ([None], TypeError, "a formula is a text"),
        (["rsi(1)"], FormulaError, "not from 2"),
    ],
)
def test_sets_that_cannot_be(arguments: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FeatureSet(*arguments)


def test_windows_of_gigabytes_are_refused_before_memory_is_taken() -> None:
    many = [f"stddev(lag(volume, {at}), 100000)" for at in range(1, 200)]
    with pytest.raises(FormulaError, match="MiB") as caught:
        FeatureSet(*many)
    first = many.index(caught.value.formula)
    FeatureSet(*many[:first])
    with pytest.raises(FormulaError, match="MiB"):
        FeatureSet(*many[: first + 1])
    assert (caught.value.start, caught.value.end) == (0, len(many[first]))


def test_a_formula_with_windows_of_gigabytes_is_shown() -> None:
    deep = "kama(" * 90 + "close" + ", 100000)" * 90
    with pytest.raises(FormulaError, match="MiB") as caught:
        FeatureSet("close", deep, "open")
    assert caught.value.formula == deep


def test_latest_has_a_row_for_each_ticker_in_the_order_asked(bars: BarStore) -> None:
    features = FeatureSet(*FORMULAS)
    table = features.latest(["SPY", "NONE", "NEW", "SPY"], bars)
    assert list(table.symbols) == ["SPY", "NONE", "NEW", "SPY"]
    assert table.missing == ("NONE",)
    assert table.timestamps[0] == bars.bars("SPY")["timestamp"][-1]
    assert np.isnat(table.timestamps[1])
    assert np.isnan(table.to_numpy()[1]).all()
    assert np.isnan(table["rsi(14)"][2])
    assert table["rsi(14)"][0] == table["rsi(14)"][3]


def test_without_tickers_all_of_the_store_comes_sorted(bars: BarStore) -> None:
    assert list(FeatureSet("close").latest(store=bars).symbols) == ["AAPL", "MSFT", "NEW", "SPY"]
    history = FeatureSet("close").history(store=bars)
    assert list(dict.fromkeys(history.symbols)) == ["AAPL", "MSFT", "NEW", "SPY"]
    assert len(history) == sum(COUNTS.values())


def test_values_are_pandas(bars: BarStore) -> None:
    table = FeatureSet(mean="sma(20)", change="returns(close, 5)", up="close > lag(close, 1)").history(["AAPL"], bars)
    close = pd.Series(bars.bars("AAPL")["close"])
    np.testing.assert_allclose(table["mean"], close.rolling(20).mean(), rtol=1e-12)
    np.testing.assert_allclose(table["change"], close.pct_change(5), rtol=1e-9, atol=1e-15)
    assert table["up"][1:].tolist() == (close.diff()[1:] > 0).astype(float).tolist()
    assert np.isnan(table["up"][0])


def test_latest_is_the_last_row_of_history(bars: BarStore) -> None:
    features = FeatureSet(*FORMULAS)
    latest, history = features.latest(store=bars), features.history(store=bars)
    for row, symbol in enumerate(latest.symbols):
        of_symbol = history.symbols == symbol
        assert history.to_numpy()[of_symbol][-1].tobytes() == latest.to_numpy()[row].tobytes()
        assert history.timestamps[of_symbol].tolist() == bars.bars(symbol)["timestamp"].tolist()


@pytest.mark.parametrize(
    "as_what", [lambda day: day, str, np.datetime64, lambda day: datetime(*day.timetuple()[:3], tzinfo=UTC)]
)
def test_start_and_end_choose_rows_and_change_no_value(as_what: Callable[[date], Any]) -> None:
    store = BarStore()
    days = np.arange("2024-01-01", "2024-04-10", dtype="M8[D]")
    close = walk(100, seed=1).close
    columns = {"open": close, "high": close, "low": close, "close": close, "volume": close}
    store.load("A", {"timestamp": days, **columns})
    features = FeatureSet("rsi(14)", "cumsum(close)")
    whole = features.history(["A"], store)
    part = features.history(["A"], store, start=as_what(date(2024, 2, 1)), end=as_what(date(2024, 2, 29)))
    assert part.timestamps[[0, -1]].astype("M8[D]").tolist() == [date(2024, 2, 1), date(2024, 2, 29)]
    chosen = (whole.timestamps >= part.timestamps[0]) & (whole.timestamps <= part.timestamps[-1])
    assert part.to_numpy().tobytes() == whole.to_numpy()[chosen].tobytes()
    assert len(features.history(["A"], store, start="2025-01-01")) == 0
    assert features.history(["A", "B"], store, start="2025-01-01").missing == ("B",)
    with pytest.raises(ValueError, match="start 2025-01-01 is after end 2024-12-31"):
        features.history(["A"], store, start="2025-01-01", end="2024-12-31")


def test_a_history_without_the_ticker_has_no_rows(bars: BarStore) -> None:
    table = FeatureSet("close").history(["NONE", "NEW"], bars)
    assert table.missing == ("NONE",)
    assert list(table.symbols) == ["NEW"] * 3
    assert len(FeatureSet("close").history([], bars)) == 0
    assert len(FeatureSet("close").latest([], bars)) == 0


def test_a_column_that_the_store_has_not(bars: BarStore) -> None:
    features = FeatureSet("close", "sma(clsoe, 3)")
    for call in (features.latest, features.history):
        with pytest.raises(FormulaError) as caught:
            call(store=bars)
        assert str(caught.value) == "no column 'clsoe'; did you mean 'close'?\n    sma(clsoe, 3)\n        ^^^^^"


@pytest.mark.parametrize("tickers", ["SPY", [1], 3, ["SPY", None]])
def test_tickers_that_are_no_texts(bars: BarStore, tickers: Any) -> None:
    with pytest.raises(TypeError):
        FeatureSet("close").latest(tickers, bars)


def test_a_store_that_is_none() -> None:
    with pytest.raises(TypeError, match=r"store must be a BarStore, not \[1\]"):
        FeatureSet("close").latest(["A"], [1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="tickers"):
        FeatureSet("close").history(BarStore())  # type: ignore[arg-type]


def test_the_default_store_is_read(store: BarStore) -> None:
    assert len(FeatureSet("close").latest()) == 0
    store.append("A", datetime(2024, 1, 1, tzinfo=UTC), 1.0, 2.0, 0.5, 1.5, 10.0)
    assert FeatureSet("close").latest()["close"].tolist() == [1.5]


@pytest.mark.parametrize("name", ["\ud800", "a\x00b"])
def test_a_name_that_tables_cannot_have(name: str) -> None:
    with pytest.raises(ValueError, match=r"^no feature can be called .*: Arrow has no such text$") as caught:
        FeatureSet(**{name: "close"})
    assert str(caught.value).isascii()
    with pytest.raises(FormulaError):
        FeatureSet(name)


async def test_the_async_forms_give_the_same_bits(bars: BarStore) -> None:
    features = FeatureSet(*FORMULAS)
    tickers = ["SPY", "NONE", "AAPL"]
    latest = await features.latest_async(tickers, bars, deadline=60.0)
    assert latest.to_numpy().tobytes() == features.latest(tickers, bars).to_numpy().tobytes()
    assert latest.missing == ("NONE",)
    history = await features.history_async(tickers, bars, end="2100-01-01", deadline=60.0)
    assert history.to_numpy().tobytes() == features.history(tickers, bars).to_numpy().tobytes()
    assert list(history.symbols) == list(features.history(tickers, bars).symbols)
    table = {"time": np.arange(5).astype("M8[D]"), "close": np.arange(5.0)}
    over = await FeatureSet("close + 1").over_async(table, deadline=60.0)
    assert over["close + 1"].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


async def test_a_deadline_that_has_passed(bars: BarStore) -> None:
    features = FeatureSet(*FORMULAS)
    for call in (features.latest_async, features.history_async):
        with pytest.raises(TimeoutError):
            await call(store=bars, deadline=1e-9)


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_table_for_which_nobody_waits_any_more_is_given_up(is_cancelled: bool) -> None:
    table = {"close": walk(500_000).close}
    asked = asyncio.ensure_future(
        FeatureSet(slow="median(close, 50000)").over_async(table, deadline=None if is_cancelled else 0.2)
    )
    await asyncio.sleep(0.2)
    if is_cancelled:
        asked.cancel()
    with pytest.raises(asyncio.CancelledError if is_cancelled else TimeoutError):
        await asked
    wait_for_tables(15.0)  # all of it takes about a minute


def wait_for_tables(seconds: float) -> None:
    """Until no thread computes features over a table."""
    end = time.monotonic() + seconds
    while any(map(is_over_a_table, sys._current_frames().values())):
        assert time.monotonic() < end
        time.sleep(0.05)


def is_over_a_table(frame: FrameType | None) -> bool:
    """Whether the thread that stands there computes features over a table."""
    while frame is not None and frame.f_code is not features_over.__code__:
        frame = frame.f_back
    return frame is not None


async def test_a_deadline_that_passes_in_the_middle_of_a_ticker() -> None:
    count = 200_000
    store = filled({"SHORT": 30}, capacity=count)
    minutes = np.datetime64("2024-01-02", "ns") + np.arange(count) * np.timedelta64(1, "m")
    store.load("LONG", {"timestamp": minutes, **walk(count).columns()})
    slow = FeatureSet("median(close, 1700)", "ts_rank(every('1h', median(close, 900), forming=1), 1700)")
    for features in (slow, FeatureSet(slow.names[0])):
        with pytest.raises(TimeoutError, match="the deadline passed"):
            await features.history_async(["LONG"], store, deadline=0.02)
    assert not np.isnan((await FeatureSet("sma(20)").latest_async(["SHORT"], store)).to_numpy()).any()


async def test_cancelling_returns_at_once_and_the_next_call_works() -> None:
    store = filled({f"T{at}": 400 for at in range(200)})
    features = FeatureSet(*(f"rsi(sma({n}), {m})" for n in range(2, 40) for m in (7, 14)))
    task = asyncio.create_task(features.history_async(store=store))
    await asyncio.sleep(0)
    task.cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert task.cancelled()
    assert len(await features.latest_async(store=store)) == 200


async def test_errors_of_the_async_forms_come_before_anything_is_done(bars: BarStore) -> None:
    with pytest.raises(FormulaError):
        await FeatureSet("vwap").latest_async(store=bars)
    with pytest.raises(TypeError):
        await FeatureSet("close").history_async([1], bars)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="a date and time"):
        await FeatureSet("close").history_async(store=bars, start="yesterday")


def test_a_set_is_used_by_many_threads(bars: BarStore) -> None:
    from concurrent.futures import ThreadPoolExecutor

    features = FeatureSet(*FORMULAS)
    wanted = features.history(store=bars).to_numpy().tobytes()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: features.history(store=bars).to_numpy().tobytes(), range(50)))
    assert set(found) == {wanted}


@pytest.mark.performance
def test_a_set_of_thirty_formulas_is_made_in_milliseconds(fresh_heap: None) -> None:
    from ziggy_async.features import formula

    texts = [f"rsi(sma({n}), {n}) > lag(ema({n}), 2) and close > highest({n})" for n in range(2, 32)]

    def seconds() -> float:
        began = time.perf_counter()
        FeatureSet(*texts)
        return time.perf_counter() - began

    cold = []
    for _ in range(5):
        formula.read_formula.cache_clear()
        formula.formula_of_row.cache_clear()
        cold.append(seconds())
    assert min(cold) < 3e-3
    assert min(seconds() for _ in range(5)) < 1e-3


def test_the_core_is_given_each_node_once() -> None:
    features = FeatureSet("sma(20)", "(close - sma(20)) / stddev(20)", "bollinger(20).upper - sma(close, 20)")
    nodes = [node[:2] for node in features._nodes.nodes]
    assert nodes.count(("kernel", "sma")) == 1
    assert isinstance(features._plan, _core.Plan)


def hourly(**options: Any) -> BarStore:
    """Bars of A at 20:30 to 02:30 UTC around the change to summer time in New York."""
    store = BarStore(**options)
    for at in range(7):
        store.append("A", datetime(2024, 3, 10, 2 + at, 30, tzinfo=UTC), 1.0, 1.0, 1.0, 1.0, 1.0)
    return store


@pytest.mark.parametrize(
    ("options", "hours", "days"),
    [
        ({}, [2, 3, 4, 5, 6, 7, 8], [10] * 7),
        ({"zone": "America/New_York"}, [21, 22, 23, 0, 1, 3, 4], [9, 9, 9, 10, 10, 10, 10]),
        ({"zone": "+05:30"}, [8, 9, 10, 11, 12, 13, 14], [10] * 7),
        ({"day_start": "05:00"}, [2, 3, 4, 5, 6, 7, 8], [9, 9, 9, 10, 10, 10, 10]),
    ],
    ids=str,
)
def test_the_calendar_reads_the_stores_zone(options: dict[str, str], hours: list[float], days: list[float]) -> None:
    store = hourly(**options)
    for bars in (store, pickle.loads(pickle.dumps(store))):
        table = FeatureSet("hour()", "day()").history(store=bars)
        assert table["hour()"].tolist() == hours
        assert table["day()"].tolist() == days
        assert FeatureSet("hour()").latest(store=bars)["hour()"].tolist() == hours[-1:]


@pytest.mark.parametrize(("option", "value"), [("zone", "Mars/Olympus"), ("day_start", "24:00"), ("day_start", "9")])
def test_a_clock_that_is_none(option: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        BarStore(**{option: value})
