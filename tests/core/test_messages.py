"""Messages about values and errors that may be anything."""

import asyncio
import contextvars
import re
import threading
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ziggy_async import BarStore, FeatureSet, set_bar_source, talib
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.market_brain.features import async_get_ticker_features, get_ticker_features
from ziggy_async.market_brain.signals import generate_signals_for_watchlist
from ziggy_async.messages import described, kind_of, loggable, name_of, shown
from ziggy_async.metrics import Metrics
from ziggy_async.queueing.options import Options, Work
from ziggy_async.queueing.task import Task
from ziggy_async.runtime.child_process import PackedCall
from ziggy_async.sources import bar_source_stats
from ziggy_async.tracing import attributes_of

LONG = "Z" * 10**6
TABLE = {
    "timestamp": np.arange("2024-01-01", "2024-01-04", dtype="M8[D]"),
    **{name: np.array([5.0, 6.0, 7.0]) for name in ("open", "high", "low", "close", "volume")},
}


def loaded() -> BarStore:
    store = BarStore()
    store.load("A", TABLE)
    return store


CALLS: dict[str, Callable[[], Any]] = {
    "zone": lambda: BarStore(zone=LONG),
    "day_start": lambda: BarStore(day_start=LONG),
    "bars_per_year": lambda: BarStore(bars_per_year=LONG),  # type: ignore[arg-type]
    "invalid": lambda: BarStore().load("A", TABLE, invalid=LONG),  # type: ignore[arg-type]
    "unit": lambda: BarStore().load("A", TABLE, unit=LONG),  # type: ignore[arg-type]
    "dates": lambda: BarStore().load("A", TABLE, dates=LONG),  # type: ignore[arg-type]
    "volume": lambda: BarStore().load("A", TABLE, volume=LONG),  # type: ignore[arg-type]
    "price_scale": lambda: BarStore().load("A", TABLE, price_scale=LONG),  # type: ignore[arg-type]
    "a column": lambda: BarStore().load("A", TABLE, columns={"close": LONG}),
    "a role": lambda: BarStore().load("A", TABLE, columns={LONG: "close"}),
    "a column of the store": lambda: BarStore(columns=[LONG]).load("A", TABLE),
    "an option of load": lambda: BarStore().load("A", TABLE, **{LONG: 1}),  # type: ignore[arg-type]
    "symbol_column": lambda: BarStore().load_frame(TABLE, symbol_column=LONG),
    "over by": lambda: FeatureSet("sma(2)").over(TABLE, by=LONG),
    "over time": lambda: FeatureSet("sma(2)").over(TABLE, time=LONG),
    "regime": lambda: generate_signals_for_watchlist(["A"], regime=LONG),
    "input of talib": lambda: talib.SMA(LONG, 3),
    "parameter of talib": lambda: talib.SMA(np.arange(9.0), LONG),
    "feature of a table": lambda: FeatureSet("sma(2)").latest(None, loaded())[LONG],
    "keyword of append": lambda: loaded().append("A", "2025-01-01", 1, 1, 1, 1, 1, **{LONG: 1}),
    "source": lambda: set_bar_source(LONG),  # type: ignore[arg-type]
    "ttl": lambda: set_bar_source(dict, ttl=LONG),  # type: ignore[arg-type]
    "reason": lambda: AsyncFeatureComputer().dead_letters.list(reason=LONG),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_message_holds_the_beginning_of_a_long_value(call: Callable[[], Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError), match="ZZZZ") as caught:
        call()
    assert len(str(caught.value)) < 500


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_source_whose_error_has_no_text_is_named_by_its_type() -> None:
    def function(symbol: str, lookback: int) -> None:
        raise SpeechlessError

    async def coroutine(symbol: str, lookback: int) -> None:
        raise SpeechlessError

    try:
        for source in (function, coroutine):
            set_bar_source(source)
            said = [get_ticker_features("NONE"), asyncio.run(async_get_ticker_features("NONE"))]
            assert [each["source_error"] for each in said] == ["SpeechlessError: it cannot say what"] * 2
            assert bar_source_stats()["failures"] == 2
    finally:
        set_bar_source(None)


def test_the_name_of_a_class_is_shown_without_control_characters() -> None:
    named: Any = type("evil\x1b[31m" + LONG, (SpeechlessError,), {"__repr__": SpeechlessError.__str__})
    for text in (described(named()), shown(named()), kind_of(named())):
        assert "evil\\x1b[31mZZ" in text
        assert len(text) < 300


def test_a_value_is_shown_without_the_control_characters_of_its_repr() -> None:
    named: Any = type("Named", (), {"__repr__": lambda _: "evil\x1b[31m\r" + LONG})
    assert shown(named()) == "evil\\x1b[31m\\r" + "Z" * 43 + "..."


@pytest.mark.usefixtures("store")
def test_the_log_of_a_source_has_names_without_control_characters_and_cut(caplog: pytest.LogCaptureFixture) -> None:
    evil = "A\x1b[31m\nERROR forged" + LONG
    table = TABLE | {"volume": np.array([-1.0, 1.0, 1.0])}
    set_bar_source(lambda symbol, lookback: threading.Event().wait(0.2) and None, timeout=0.01)
    get_ticker_features(evil)
    set_bar_source(lambda symbol, lookback: None)
    get_ticker_features(evil)
    set_bar_source(lambda symbol, lookback: table, invalid="skip")
    get_ticker_features(evil)
    said = [record.getMessage() for record in caplog.records]
    assert [text.split(" A\\x1b[31m\\nERROR forgedZZ")[0] for text in said] == [
        "bar source took more than 0.01 s for",
        "bar source failed for",
        "bar source: 1 rows of",
    ]
    assert all(text.isprintable() and len(text) < 400 for text in said)


def failing(symbol: str, lookback: int) -> None:
    try:
        raise KeyError(symbol)
    except KeyError as error:
        raise ValueError(f"no bars of {symbol}") from error


@pytest.mark.usefixtures("store")
def test_the_log_of_a_source_has_the_frames_of_its_error_and_a_text_without_control_characters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_bar_source(failing)
    get_ticker_features("A\x1b[31m\nERROR forged\x9b" + LONG)
    lines = caplog.text.splitlines()
    assert all(line.isprintable() and len(line) < 700 for line in lines)
    assert [line.partition("ZZ")[0] for line in lines if "ERROR forged" in line][1:] == [
        "KeyError: 'A\\x1b[31m\\nERROR forged\\x9b",
        "ValueError: no bars of A\\x1b[31m ERROR forged\\x9b",
    ]
    assert sum("in failing" in line for line in lines) == 2


def test_a_group_of_errors_is_logged_with_each_of_them_and_a_chain_with_its_last_ones() -> None:
    group = ExceptionGroup("two\x1b", [ValueError("first\x1b"), OSError("last\x1b")])
    text = "".join(traceback.format_exception(loggable(group)))
    for expected in ("ExceptionGroup: two\\x1b (2 sub-exceptions)\n", "ValueError: first\\x1b", "OSError: last\\x1b"):
        assert expected in text
    assert "\x1b" not in text
    chained = ValueError("0")
    for number in range(1, 10_000):
        cause, chained = chained, ValueError(str(number))
        chained.__cause__ = cause
    numbers = re.findall(r"ValueError: (\d+)", "".join(traceback.format_exception(loggable(chained))))
    assert numbers == [str(number) for number in range(9989, 10_000)]


def test_a_log_has_the_notes_of_an_error_and_its_own_class_and_each_error_once() -> None:
    class Refused(ExceptionGroup[ValueError]):
        message = property(lambda _: 1 / 0)

    members = [ValueError(str(number)) for number in range(12)]
    group = Refused("refused", members)
    group.add_note("a\nnote")
    for member in members:  # each leads to the group, and is one of it
        member.__context__ = group
    text = "".join(traceback.format_exception(loggable(members[0])))
    assert "Refused: refused (12 sub-exceptions)" in text
    assert "a\\nnote" in text
    assert text.count("- 12 -") == 1


@pytest.mark.parametrize("column", ["close", "timestamp"])
def test_the_errors_of_a_load_have_symbols_without_control_characters(store: BarStore, column: str) -> None:
    table: dict[str, Any] = {**TABLE, column: {"close": [-1.0] * 3, "timestamp": ["soon"] * 3}[column]}
    with pytest.raises(ValueError, match="ERROR forged") as caught:
        store.load("A\x1b[31m\nERROR forged", table, invalid="skip")
    assert str(caught.value).isprintable()


def test_the_errors_of_an_append_have_symbols_without_control_characters(store: BarStore) -> None:
    with pytest.raises(ValueError, match="ERROR forged") as caught:
        store.append("A\x1b\x9b[31m\nERROR forged", "2024-01-01", 1.0, 1.0, 1.0, -1.0, 1.0)
    assert str(caught.value).isprintable()


async def test_the_name_of_an_operation_is_cut_where_asyncio_shows_it() -> None:
    async def name() -> str:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name()

    async with AsyncFeatureComputer() as computer:
        found = await computer.execute_blocking_operation(f"a\x1b{LONG}", name)
    assert found.startswith("a\\x1bZZ")
    assert len(found) == 200


def test_an_option_that_is_none_is_cut_and_so_is_a_key() -> None:
    computer = AsyncFeatureComputer()
    with pytest.raises(TypeError, match=r"^a\\x1bZZ") as raised:
        computer.with_options(**{f"a\x1b{LONG}": 1})  # type: ignore[call-arg]
    assert len(str(raised.value)) < 300
    assert len(repr(computer.with_options(key=LONG))) < 300


EVIL = "evil\x1b\n\ud800" * 100


def test_a_name_that_is_kept_has_escapes_and_then_at_most_200_characters() -> None:
    def function() -> None: ...

    function.__module__, function.__qualname__ = EVIL, EVIL
    metrics = Metrics()
    metrics.record(EVIL, 0.1)
    task = Task(Work(EVIL, EVIL, function, (), {}, Options()), contextvars.copy_context()).record()
    kept = [name_of(function), metrics.recent()[0]["operation"], *metrics.by_kind(), task.task_id, task.operation]
    kept += attributes_of(task_id=EVIL, function=function, operation=EVIL).values()
    assert {*kept} == {"evil\\x1b\\n\\ud800" * 12 + "evil\\..."}
    with pytest.raises(TypeError) as raised:
        PackedCall(function, (), {EVIL: function}, None)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 2000
