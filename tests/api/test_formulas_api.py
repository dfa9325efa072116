"""The endpoints of formulas: what they answer, and what they refuse to whoever sends them."""

import asyncio
from datetime import UTC, datetime

import pytest
from fastapi import Depends, HTTPException
from rest import client_of, conforms, strict_json
from served import load

from ziggy_async import BarStore, FeatureSet, default_store, screen
from ziggy_async.api import create_features_router, limits
from ziggy_async.api.models import HistoryAnswer, LatestAnswer, Refused, ScreenAnswer
from ziggy_async.features.catalog import rows
from ziggy_async.features.work import LOOKS_AT_ALL

COUNTS = {"SPY": 60, "BRK/B": 30, "NEW": 5}


@pytest.fixture
def bars():
    store = BarStore()
    for symbol, count in COUNTS.items():
        load(store, symbol, count, 50.0 + count)
    return store


@pytest.fixture
async def client(bars):
    async with client_of(create_features_router(bars)) as client:
        yield client


async def ask(client, path, status=200, **parameters):
    answer = await client.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)


async def screened(client, status=200, **body):
    answer = await client.post("/screen", json=body)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)


@pytest.mark.parametrize(
    "body",
    [
        *(b'{"where": "\\ud800"}', b'{"where": "close", "tickers": ["\\ud800"]}', b'{"where": "close", "\\ud800": 1}'),
        *(b'{"where": NaN}', b'{"where": Infinity}', b'{"where": "close", "features": {"\\ud800": "close"}}'),
    ],
    ids=lambda body: body.decode(),
)
async def test_json_that_no_answer_can_hold(client, body):
    answer = await client.post("/screen", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert strict_json(answer.text)["detail"][0]["loc"][0] == "body"


# --- what they answer


async def test_the_last_bar(client, bars):
    answer = await ask(client, "/features/SPY", formula=["sma(5)", "sma(200)", "1 / 0"])
    assert answer == {
        "ticker": "SPY",
        "timestamp": "2020-02-29T00:00:00+00:00",
        "features": {"sma(5)": pytest.approx(bars.bars("SPY")["close"][-5:].mean()), "sma(200)": None, "1 / 0": None},
    }
    conforms(answer, LatestAnswer)


async def test_the_last_bars(client, bars):
    answer = await ask(client, "/history/BRK/B", formula=["lag(close, 15)", "close"], bars=20)
    closes = bars.bars("BRK/B")["close"].tolist()
    assert answer["ticker"] == "BRK/B"
    assert answer["timestamps"][0] == "2020-01-11T00:00:00+00:00"
    assert answer["features"] == {"lag(close, 15)": [None] * 5 + closes[:15], "close": closes[10:]}
    conforms(answer, HistoryAnswer)


async def test_a_ticker_with_fewer_bars(client):
    answer = await ask(client, "/history/new", formula="close", bars=20)
    assert (answer["ticker"], len(answer["timestamps"]), len(answer["features"]["close"])) == ("NEW", 5, 5)


async def test_the_times_of_ticks(client, bars):
    moment = datetime(2024, 5, 2, 14, 30, 0, 250_000, UTC)
    bars.append("TICK", moment, 1.0, 1.0, 1.0, 1.0, 1.0)
    answer = await ask(client, "/features/TICK", formula="close")
    assert datetime.fromisoformat(answer["timestamp"]) == moment


async def test_a_screen(client, bars):
    body = {"where": "close > 60", "features": {"last": "close", "rsi": "rsi(14)"}, "sort": "-last"}
    answer = await screened(client, **body)
    expected = screen(body["where"], body["features"], store=bars, sort="-last")
    assert [row["symbol"] for row in answer["rows"]] == expected.symbols.tolist() == ["SPY", "BRK/B"]
    assert [row["features"]["last"] for row in answer["rows"]] == expected["last"].tolist()
    assert (answer["count"], answer["matched"], answer["missing"]) == (2, 2, [])
    conforms(answer, ScreenAnswer)


async def test_the_first_rows_of_a_screen(client):
    answer = await screened(client, where="1", limit=1, tickers=["new", "NONE", "spy"], features=["sma(20)"])
    assert (answer["count"], answer["matched"], answer["missing"]) == (1, 2, ["NONE"])
    assert [(row["symbol"], row["features"]) for row in answer["rows"]] == [("NEW", {"sma(20)": None})]
    assert (await screened(client, where="1", limit=0))["rows"] == []


async def test_many_rows(client, bars):
    for at in range(300):
        load(bars, f"T{at:03}", 3)
    answer = await screened(client, where="close > 0", limit=10_000)
    assert [row["symbol"] for row in answer["rows"]] == sorted(bars.symbols())
    assert answer["rows"][0]["features"] == {}


async def test_names_that_python_has_its_own_use_for(client):
    names = {"self": "close", "formulas": "open", "where": "high", "0": "low"}
    answer = await screened(client, where="1", features=names, tickers=["SPY"])
    assert set(answer["rows"][0]["features"]) == set(names)


async def test_the_default_store_is_looked_up_at_each_request(store):
    async with client_of(create_features_router()) as client:
        await ask(client, "/features/SPY", 404, formula="close")
        load(default_store(), "SPY", 60)
        assert (await ask(client, "/features/SPY", formula="close"))["features"]["close"] > 0


async def test_dependencies_hold_for_all(bars):
    def stranger():
        raise HTTPException(401, "who are you?")

    async with client_of(create_features_router(bars, [Depends(stranger)])) as client:
        await ask(client, "/features/SPY", 401, formula="close")
        await ask(client, "/history/SPY", 401, formula="close")
        await screened(client, 401, where="close")


# --- what they refuse


async def test_a_ticker_without_bars(client):
    for path in ("/features/NONE", "/history/NONE"):
        assert await ask(client, path, 404, formula="close") == {"detail": "no bars of that ticker"}


@pytest.mark.parametrize(
    ("formula", "detail", "place"),
    [
        ("rsii(14)", "no function 'rsii'; did you mean 'rsi'?", "rsii"),
        ("close > vwap", "no column 'vwap'", "vwap"),
        ("sma(0)", "period of sma: 0 is not from", "0"),
        ("close >", "not a formula: invalid syntax", ""),
        ("__import__('os')", "no function '__import__'", "__import__"),
        ("", "the formula is empty", ""),
        ("-" * 5000 + "1", "nested deeper than 100 levels", "-" * 101),
    ],
)
async def test_a_formula_that_cannot_be_used(client, formula, detail, place):
    answers = [
        await ask(client, "/features/SPY", 422, formula=["close", formula]),
        await ask(client, "/history/SPY", 422, formula=["close", formula]),
        await screened(client, 422, where="close > 0", features=[formula]),
        await screened(client, 422, where=formula),
        await screened(client, 422, where="close > 0", sort=formula),
    ]
    for answer in answers:
        assert detail in answer["detail"]
        assert answer["formula"] == formula
        assert formula[answer["start"] : answer["end"]] == place
        conforms(answer, Refused)


@pytest.mark.parametrize(
    ("formulas", "detail"),
    [
        (["close"] * 51, None),
        (["close + " * 700 + "1"] * 2, "characters of the formulas: 11,202 are asked for, 10,000 are allowed"),
        ([f"sma({n})" for n in range(90_000, 90_002)], "bars in windows and lags: 180,001 are asked for, 100,000"),
        (["lag(close, 60000)", "lag(open, 60000)"], "bars in windows and lags: 120,000"),
        (["sma(stddev(100000), 50)"], "bars in windows and lags: 100,050"),
        (["close", "close"], "two features are called 'close'"),
        (["+".join(f"median({n})" for n in range(90_000, 90_020))], "bars in windows and lags"),
    ],
)
async def test_more_than_may_be_asked_for(client, formulas, detail):
    answer = await ask(client, "/features/SPY", 422, formula=formulas)
    if detail is None:  # a list that is too long never gets as far
        assert "at most 50 items" in answer["detail"][0]["msg"]
    else:
        assert answer["detail"].startswith(detail)


async def test_too_much_work_for_so_many_bars(client, monkeypatch):
    monkeypatch.setattr(limits, "MOST_WORK", 1000)
    # rsi and close of 60, and of 95 bars; 14 bars are kept for each ticker
    assert (await ask(client, "/features/SPY", formula="rsi(14)"))["features"]
    monkeypatch.setattr(limits, "MOST_WORK", 2 * 95 + 3 * 14)
    assert (await screened(client, where="rsi(14)"))["count"] == 2
    monkeypatch.setattr(limits, "MOST_WORK", 2 * 95 + 3 * 14 - 1)
    answer = await screened(client, 422, where="rsi(14)")
    assert answer["detail"] == (
        "work: 2 values for each of 95 bars, and 14 bars in windows and lags for each of 3 tickers, are 232 values;"
        " 231 are allowed"
    )
    assert (await screened(client, where="rsi(14)", tickers=["SPY", "NONE"]))["count"] == 1
    # a window reads no more than its own bars, at each of the rows
    monkeypatch.setattr(limits, "MOST_WORK", 2 * (14 + 4) + 14)
    await ask(client, "/history/SPY", formula="sma(14)", bars=5)
    await ask(client, "/history/SPY", 422, formula="sma(14)", bars=6)


async def test_too_much_work_for_one_ticker(client, bars, monkeypatch):
    monkeypatch.setattr(limits, "MOST_OF_ONE", 2 * 60)
    await ask(client, "/features/SPY", formula="rsi(14)")
    await screened(client, where="rsi(14)")
    load(bars, "LONG", 61)
    fault = "work: 2 values for each of 61 bars of one ticker; 120 are allowed together"
    assert (await ask(client, "/features/LONG", 422, formula="rsi(14)"))["detail"] == fault
    assert (await screened(client, 422, where="rsi(14)"))["detail"] == fault
    assert (await screened(client, 422, where="rsi(14)", tickers=["SPY", "LONG"]))["detail"] == fault
    await screened(client, where="rsi(14)", tickers=["SPY", "NEW"])
    await ask(client, "/history/LONG", formula="sma(14)", bars=47)  # a window reads no more than it needs


async def test_too_long(client, monkeypatch):
    monkeypatch.setattr(limits, "LONGEST", 0.0)
    for answer in (
        await ask(client, "/features/SPY", 422, formula="rsi(14)"),
        await ask(client, "/history/SPY", 422, formula="rsi(14)"),
        await screened(client, 422, where="rsi(14) > 0"),
    ):
        assert answer["detail"] == "time: not computed within 0 s; ask for fewer tickers, bars or formulas"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"where": 1},
        {"where": "1", "limit": -1},
        {"where": "1", "limit": 10_001},
        {"where": "1", "limit": "5"},
        {"where": "1", "tickers": "SPY"},
        {"where": "1", "tickers": ["A"] * 10_001},
        {"where": "1", "features": {"": "close"}},
        {"where": "1", "features": {"n" * 101: "close"}},
        {"where": "1", "features": {"symbol": "close"}},
        {"where": "1", "features": {f"n{at}": "close" for at in range(51)}},
        {"where": "1", "order": "close"},
    ],
)
async def test_bodies_that_are_none(client, body):
    conforms(await screened(client, 422, **body), Refused)


async def test_many_at_once_do_not_disturb_each_other(client, bars):
    levels = range(20, 80, 3)
    answers = await asyncio.gather(*(screened(client, where=f"rsi(14) < {level}") for level in levels))
    expected = FeatureSet("rsi(14)").latest(store=bars)["rsi(14)"]
    assert [answer["matched"] for answer in answers] == [int((expected < level).sum()) for level in levels]


def test_what_takes_a_look_at_all_of_its_window_counts_for_more():
    assert {name for name, row in rows().items() if row.formulas is None} >= LOOKS_AT_ALL
    assert FeatureSet("sma(800)").work == (2, 800)
    assert FeatureSet("median(800)").work == (2 + 100, 800)
    assert FeatureSet("median(sma(800), 80)", "lag(close, 5)").work == (4 + 10, 885)
