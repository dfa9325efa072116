"""Tickers, bars and regime over HTTP, one more bar, and the tasks of a computer."""

import asyncio
import threading

import httpx
import numpy as np
import pytest
from rest import conforms, strict_json
from served import load

from ziggy_async import BarStore
from ziggy_async.api import models
from ziggy_async.async_features import get_async_feature_computer, shutdown_async_features
from ziggy_async.cli.serve import application

BAR = {"ticker": "SPY", "timestamp": "2020-03-01", "open": 1.0, "high": 2.0, "low": 0.5, "close": 1.5, "volume": 3.0}


@pytest.fixture
async def client(store):
    load(store, "SPY", 60)
    load(store, "BRK/B", 3)
    transport = httpx.ASGITransport(application(["SPY"]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await shutdown_async_features()


async def get(client, path, status=200):
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)


async def append(client, status=200, **changes):
    answer = await client.post("/api/bars", json=BAR | changes)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)


# --- bars


async def test_the_tickers_are_sorted_searched_and_paged(client, store):
    answer = await get(client, "/api/symbols")
    assert answer == {"ok": True, "symbols": ["BRK/B", "SPY"], "count": 2}
    conforms(answer, models.SymbolsAnswer)
    load(store, "ASPX", 3)
    found = await get(client, "/api/symbols?search=sp&limit=1&offset=1")
    assert (found["symbols"], found["count"]) == (["SPY"], 2)


async def test_the_bars_of_a_ticker(client):
    answer = await get(client, "/api/bars/brk/b?limit=2")
    conforms(answer, models.BarsAnswer)
    close = 100 + np.sin(2)
    newest = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close}
    assert answer["bars"][-1] == {"timestamp": "2020-01-03T00:00:00+00:00", **newest}
    assert (answer["ticker"], answer["count"]) == ("BRK/B", 2)


async def test_the_loop_copies_no_bars(client, monkeypatch):
    threads, copied = [], BarStore.bars

    def bars(store, symbol):
        threads.append(threading.get_ident())
        return copied(store, symbol)

    monkeypatch.setattr(BarStore, "bars", bars)
    assert (await get(client, "/api/bars/SPY"))["count"] == 60
    assert threads
    assert threading.get_ident() not in threads


async def test_bars_of_no_ticker(client):
    assert await get(client, "/api/bars/NONE", 404) == {"detail": "no bars of that ticker"}
    await get(client, "/api/bars/SPY?limit=0", 422)


async def test_a_bar_is_appended_and_revised(client, store):
    answer = await append(client, ticker="spy")
    assert answer == {"ok": True, "message": "Appended to SPY"}
    assert await append(client, timestamp=1_583_020_800, unit="s", close=1.75)
    bars = store.bars("SPY")
    assert (len(bars["close"]), bars["close"][-1], bars["volume"][-1]) == (61, 1.75, 3.0)
    assert (await append(client, ticker="NEW"))["message"] == "Appended to NEW"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"timestamp": "2020-01-01"}, "SPY: timestamp 2020-01-01T00:00:00+00:00 is before that of the last bar"),
        ({"high": 1.2}, "SPY: close 1.5 is above high 1.2"),
        ({"timestamp": "noon"}, "SPY: timestamp: 'noon' is not a date and time"),
        ({"timestamp": 17}, "SPY: timestamp: 17 is not a time in"),
    ],
)
async def test_what_is_no_bar_is_said_and_changes_nothing(client, store, changes, fault):
    assert (await append(client, 422, **changes))["detail"].startswith(fault)
    assert len(store.bars("SPY")["close"]) == 60


@pytest.mark.parametrize(
    "changes",
    [
        *({"volume": None}, {"open": "1"}, {"unit": "min"}, {"vwap": 1.0}, {"timestamp": True}, {"timestamp": 1.5e9}),
        *(
            {"ticker": ticker}
            for ticker in ("", "\0", "A\nB", "A\x7f", "\x85A", " A", "A ", "\u00a0", "A" * 101, "A" * 10**6)
        ),
    ],
    ids=lambda changes: ascii(changes)[:30],
)
async def test_requests_that_are_none(client, store, changes):
    before = store.symbols()
    await append(client, 422, **changes)
    assert store.symbols() == before


@pytest.mark.parametrize("ticker", ["A", "DAX 40", "BRK/B", "^VIX", "7203.T", "ÄÖ", "中国"])
async def test_names_of_new_tickers(client, store, ticker):
    await append(client, ticker=ticker)
    assert ticker in store


async def test_bars_come_from_pages_of_the_same_host_exclusively(client, store):
    answer = await client.post("/api/bars", json=BAR, headers={"origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert len(store.bars("SPY")["close"]) == 60


async def test_the_regime(client):
    answer = await get(client, "/api/regime")
    conforms(answer, models.RegimeAnswer)
    assert answer["regime"] in ("Panic", "RiskOff", "Chop", "RiskOn")
    assert answer["explanation"]


# --- tasks


async def test_the_tasks_of_whoever_has_enqueued_them(client):
    computer = get_async_feature_computer()
    stop_waiting = threading.Event()
    running = await computer.enqueue_task("held", stop_waiting.wait, 60)
    await (await computer.enqueue_task("done", int))
    answer = await get(client, "/api/tasks")
    conforms(answer, models.TasksAnswer)
    assert [(task["task_id"], task["state"]) for task in answer["tasks"]] == [
        ("held", "running"),
        ("done", "succeeded"),
    ]
    assert (answer["count"], answer["counts"]["submitted"]) == (2, 2)
    assert [task["task_id"] for task in (await get(client, "/api/tasks?state=succeeded&limit=1"))["tasks"]] == ["done"]
    await get(client, "/api/tasks?state=gone", 422)
    stop_waiting.set()
    await running


async def test_tasks_are_cancelled_by_their_numbers(client):
    computer = get_async_feature_computer()
    stop_waiting = threading.Event()
    handles = [await computer.enqueue_task(str(number), stop_waiting.wait, 60) for number in range(3)]
    numbers = [task["number"] for task in (await get(client, "/api/tasks"))["tasks"]]
    answer = await client.post("/api/tasks/cancel", json={"numbers": [*numbers[:2], numbers[0], 0]})
    assert answer.json() == {"ok": True, "message": "2 cancelled", "cancelled": 2}
    conforms(answer.json(), models.CancelledTasksAnswer)
    stop_waiting.set()
    ends = await asyncio.gather(*handles, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError, asyncio.CancelledError, bool]
    assert (await client.post("/api/tasks/cancel", json={"numbers": []})).status_code == 422
