"""Live features over HTTP: which rows are sent and when, and what is refused."""

import asyncio
import gc
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from rest import strict_json
from served import load
from streams import following

from ziggy_async import BarStore, FeatureSet
from ziggy_async.api import create_features_router, events, limits, live

FORMULAS = ("rsi(14)", "close")
QUERY = "&".join(f"formula={quote(formula)}" for formula in FORMULAS)
NEXT = datetime(2020, 3, 1, tzinfo=UTC)
"""The day after the last bar of SPY."""


@pytest.fixture
def bars():
    store = BarStore()
    for symbol, count in {"SPY": 60, "BRK/B": 30, "NEW": 5}.items():
        load(store, symbol, count)
    return store


@pytest.fixture
def app(bars, monkeypatch):
    monkeypatch.setattr(live, "POLL", 0.002)
    app = FastAPI()
    app.include_router(create_features_router(bars))
    return app


def expected(bars, *tickers):
    table = FeatureSet(*FORMULAS).latest(tickers, bars)
    return {
        symbol: [None if value != value else value for value in figures]
        for symbol, figures in zip(table.symbols, table.to_numpy().tolist(), strict=True)
    }


def figures(body):
    return {row["symbol"]: [row["features"][name] for name in FORMULAS] for row in body["rows"]}


async def ask(app, status, **parameters):
    """What a stream is refused with."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/live", params=parameters)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)["detail"]


async def test_all_rows_and_then_those_that_change(app, bars):
    async with following(app, f"/live?{QUERY}") as client:
        first = await client.body("rows")
        assert figures(first) == expected(bars, "BRK/B", "NEW", "SPY")
        assert [row["timestamp"][:10] for row in first["rows"]] == ["2020-01-30", "2020-01-05", "2020-02-29"]
        bars.append("SPY", NEXT, 101.0, 103.0, 100.0, 102.0, 5.0)
        second = await client.body("rows", after=1)
        assert figures(second) == expected(bars, "SPY")
        assert second["rows"][0]["timestamp"] == "2020-03-01T00:00:00+00:00"
        bars.append("SPY", NEXT, 101.0, 104.0, 100.0, 103.5, 6.0)  # the bar is still forming
        assert figures(await client.body("rows", after=2)) == expected(bars, "SPY")
        assert [len(body["rows"]) for body in client.bodies("rows")] == [3, 1, 1]


async def test_a_bar_that_changes_nothing_but_the_time(app, bars):
    close = bars.bars("SPY")["close"][-1]
    async with following(app, "/live?formula=close&tickers=spy") as client:
        await client.body("rows")
        bars.append("SPY", NEXT, close, close, close, close, 1.0)
        (row,) = (await client.body("rows", after=1))["rows"]
        assert row == {"symbol": "SPY", "timestamp": "2020-03-01T00:00:00+00:00", "features": {"close": close}}


async def test_a_symbol_that_joins_and_one_that_leaves(app, bars):
    async with following(app, f"/live?{QUERY}") as client:
        await client.body("rows")
        load(bars, "AAA", 20)
        assert figures(await client.body("rows", after=1)) == expected(bars, "AAA")
        bars.drop("NEW")
        (row,) = (await client.body("rows", after=2))["rows"]
        assert row == {"symbol": "NEW", "timestamp": None, "features": {"rsi(14)": None, "close": None}}


async def test_some_tickers_in_their_order(app, bars):
    async with following(app, f"/live?{QUERY}&tickers=spy,%20BRK/B&tickers=SPY") as client:
        assert list(figures(await client.body("rows"))) == ["SPY", "BRK/B"]
        bars.append("NEW", NEXT, 1.0, 1.0, 1.0, 1.0, 1.0)
        bars.append("BRK/B", NEXT, 1.0, 1.0, 1.0, 1.0, 1.0)
        assert list(figures(await client.body("rows", after=1))) == ["BRK/B"]


async def test_a_client_that_reads_slowly_gets_the_newest_rows(app, bars):
    async with following(app, "/live?formula=close&tickers=SPY") as client:
        await client.body("rows")
        client.reads.clear()
        for number in range(200):
            bars.append("SPY", NEXT, 1.0, 500.0, 1.0, 100.0 + number, 1.0)
            await asyncio.sleep(0)
        client.reads.set()
        await client.until(lambda: client.bodies("rows")[-1]["rows"][0]["features"]["close"] == 299.0)
        assert len(client.bodies("rows")) < 100


async def test_a_place_is_free_again_when_a_stream_ends(app, bars, monkeypatch):
    monkeypatch.setattr(live, "MOST_STREAMS", 2)
    async with following(app, f"/live?{QUERY}") as one, following(app, f"/live?{QUERY}") as two:
        await one.body("rows")
        await two.body("rows")
        assert await ask(app, 429, formula="close") == "streams: 2 are open, 2 are allowed"
        one.gone.set()
        await asyncio.wait_for(one.task, 30)
        gc.collect()
        async with following(app, f"/live?{QUERY}") as three:
            assert figures(await three.body("rows")) == figures(await two.body("rows"))


async def test_streams_share_what_their_windows_keep(app, monkeypatch):
    monkeypatch.setattr(live, "MOST_KEPT", 100)
    async with following(app, f"/live?{QUERY}") as client:  # 14 bars of each of 3 tickers
        await client.body("rows")
        assert await ask(app, 429, formula="sma(20)") == (
            "bars in windows and lags of all tickers: 60 are asked for beside 42 of other streams, 100 are allowed"
        )
        async with following(app, "/live?formula=sma(20)&tickers=SPY,NEW") as other:
            await other.body("rows")


@pytest.mark.parametrize(
    ("status", "parameters", "detail"),
    [
        (404, {"formula": "close", "tickers": "SPY,none,NADA"}, "no bars of none, NADA"),
        (
            404,
            {"formula": "close", "tickers": ["X" * 60, "Y" * 60]},
            "no bars of " + "X" * 60 + ", " + "Y" * 35 + "...",
        ),
        (422, {"formula": "close", "tickers": [" ", ",,"]}, "tickers: none is named; give some, as SPY,MSFT"),
        (422, {"formula": "rsii(14)"}, "no function 'rsii'; did you mean 'rsi'? (character 1 of 'rsii(14)')"),
        (422, {"formula": "sma(90000) + sma(90001)"}, "bars in windows and lags: 180,001 are asked for, 100,000 are"),
        (422, {"formula": ["close", "close"]}, "two features are called 'close'"),
        (422, {"formula": "vwap"}, "no column 'vwap'"),
    ],
)
async def test_what_is_refused(app, status, parameters, detail):
    assert (await ask(app, status, **parameters)).startswith(detail)


async def test_more_than_may_be_followed(app, monkeypatch):
    assert [fault["loc"] for fault in await ask(app, 422)] == [["query", "formula"]]
    monkeypatch.setattr(limits, "MOST_TICKERS", 2)
    assert await ask(app, 422, formula="close") == "tickers: 3 are asked for, 2 are allowed"
    monkeypatch.setattr(limits, "MOST_TICKERS", 3)
    monkeypatch.setattr(limits, "LONGEST", 0.0)
    assert (await ask(app, 422, formula="close")).startswith("time: not computed within 0 s")


async def test_labels_that_are_set_anew_change_the_rows_that_compare_by_them(app, bars):
    for symbol, price in {"SPY": 2.0, "BRK/B": 1.0}.items():
        bars.append(symbol, NEXT, price, price, price, price, 1.0)
    bars.set_labels("sector", {"SPY": "Funds", "BRK/B": "Finance"})
    formula = quote('rank(close, by="sector")')
    async with following(app, f"/live?formula={formula}&tickers=SPY,BRK/B") as client:
        first = await client.body("rows")
        assert [list(row["features"].values()) for row in first["rows"]] == [[1.0], [1.0]]  # each alone
        bars.set_labels("sector", {"SPY": "Funds", "BRK/B": "Funds"})
        (row,) = (await client.body("rows", after=1))["rows"]
        assert (row["symbol"], list(row["features"].values())) == ("BRK/B", [0.5])


async def test_a_stream_ends_after_a_while(app, monkeypatch):
    monkeypatch.setattr(events, "LONGEST", 0.05)
    async with following(app, f"/live?{QUERY}") as client:
        await client.until(lambda: client.is_whole)
