"""The dashboard: its files, what a page follows, what its buttons do, and what is refused."""

import asyncio
import sys
import threading

import httpx
import numpy as np
import pytest
from fastapi import Depends, FastAPI, HTTPException
from rest import add
from served import load
from streams import following

from ziggy_async.api import create_dashboard
from ziggy_async.api.dashboard import pages, streams
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig, shutdown_async_features
from ziggy_async.cli.serve import application
from ziggy_async.market_brain import FeatureComputer, RegimeDetector, SignalGenerator
from ziggy_async.market_brain.signal_history import signal_history
from ziggy_async.sample import sample_universe
from ziggy_async.store import BarStore

ROOT = "/dashboard"
VIEWS = ("overview", "operations", "tasks", "letters", "scaling", "market")
READS = [
    *("/", "/page/assets/page.js", "/api/symbols", "/api/bars/SPY", "/api/regime", "/api/tasks"),
    *(f"/page/events/{view}" for view in VIEWS),
]
ACTIONS = ["/api/bars", "/api/tasks/cancel", "/page/letters/requeue", "/page/letters/discard"]
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def computer():
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        yield computer


@pytest.fixture
def market():
    store = BarStore()
    load(store, "SPY", 80)
    load(store, "LOW", 80, close=10.0)
    load(store, MARKUP, 80, close=50.0)
    return store


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(streams, "SECOND", 0.01)
    monkeypatch.setattr("ziggy_async.api.dashboard.shared.FRESH", 0.005)


def app_of(*arguments, **options):
    app = FastAPI()
    app.include_router(create_dashboard(*arguments, **options))
    return app


def client_of(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


# --- the page and its files


async def test_the_page_and_all_that_it_loads_are_here(computer):
    async with client_of(app_of(computer)) as client:
        page = await client.get(f"{ROOT}/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        wanted = [part.split('"')[0] for part in page.text.split('src="')[1:] + page.text.split('href="')[1:]]
        files = [name for name in wanted if name.startswith("page/assets/")]
        assert len(files) == 4
        for name in files:
            answer = await client.get(f"{ROOT}/{name}")
            assert answer.status_code == 200
            assert answer.headers["content-security-policy"] == page.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await client.get(ROOT, follow_redirects=True)).text == page.text


async def test_the_policy_lets_in_nothing_from_elsewhere_and_nothing_inline(computer):
    async with client_of(app_of(computer)) as client:
        page = await client.get(f"{ROOT}/")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "style=" not in page.text
    assert "onclick" not in page.text


async def test_a_file_that_a_browser_has_is_not_sent_again(computer):
    async with client_of(app_of(computer)) as client:
        first = await client.get(f"{ROOT}/page/assets/page.js")
        again = await client.get(f"{ROOT}/page/assets/page.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "index.html", "..%2Frouter.py", "%2e%2e%2frouter.py"])
async def test_no_other_files_are_sent(computer, name):
    async with client_of(app_of(computer)) as client:
        assert (await client.get(f"{ROOT}/page/assets/{name}")).status_code == 404


async def test_a_dashboard_without_its_extra_names_it(monkeypatch, store):
    pages.files.cache_clear()
    monkeypatch.setitem(sys.modules, "litecharts.js", None)
    monkeypatch.setitem(sys.modules, "litecharts", None)
    try:
        with pytest.raises(ModuleNotFoundError, match=r"pip install 'ziggy_async\[charts\]'"):
            create_dashboard()
        async with client_of(application(["SPY"])) as client:
            answer = await client.get("/", headers={"accept": "text/html"})
            assert (answer.status_code, "ziggy_async[charts]" in answer.text) == (501, True)
            assert (await client.get("/")).status_code == 200
    finally:
        pages.files.cache_clear()


async def test_serve_shows_the_page_to_browsers_and_json_to_others(store):
    async with client_of(application(["SPY"])) as client:
        browser = await client.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        assert browser.text.startswith("<!doctype html>")
        for accept in ("application/json", "*/*"):
            assert (await client.get("/", headers={"accept": accept})).json()["docs"] == "/docs"
        assert (await client.get("/page/assets/chart.js")).status_code == 200
    await shutdown_async_features()


# --- who may


async def test_dependencies_hold_for_all_of_it(computer, market):
    def logged_in():
        raise HTTPException(401, "log in")

    app = app_of(computer, market, [Depends(logged_in)])
    async with client_of(app) as client:
        for verb, path in [*(("GET", path) for path in READS), *(("POST", path) for path in ACTIONS)]:
            assert (await client.request(verb, f"{ROOT}{path}", json={})).status_code == 401, path


async def test_read_only_there_is_nothing_that_changes_anything(computer, market):
    app = app_of(computer, market, read_only=True)
    async with client_of(app) as client, client_of(app_of(computer, market)) as full:
        for path in ACTIONS:
            assert (await full.post(f"{ROOT}{path}", json={})).status_code == 422, path
            answer = await client.post(f"{ROOT}{path}", json={}, follow_redirects=True)
            assert answer.status_code in (404, 405), path
        assert 'data-mode="read-only"' in (await client.get(f"{ROOT}/")).text
        assert (await client.get(f"{ROOT}/api/symbols")).json()["count"] == 3


async def test_actions_of_pages_of_other_sites_are_refused(computer, market):
    (letter,) = await add(computer, "kept")
    async with client_of(app_of(computer, market)) as client:
        for action in ("requeue", "discard"):
            answer = await client.post(
                f"{ROOT}/page/letters/{action}", json={"ids": [letter]}, headers={"origin": "https://evil.example"}
            )
            assert answer.status_code == 403
    assert len(computer.dead_letters) == 1


@pytest.mark.parametrize("options", [{"read_only": "no"}, {"store": {}}, {"allowed_origins": ["example.com"]}])
def test_arguments_that_are_none(options):
    with pytest.raises((TypeError, ValueError), match=next(iter(options))):
        create_dashboard(**options)


# --- what a page follows


async def test_the_overview(computer):
    async with following(app_of(computer), f"{ROOT}/page/events/overview") as client:
        status = await client.body("status")
        assert (status["status"], status["issues"], status["dead_letters"]) == ("healthy", [], 0)
        history = await client.body("history")
        assert history["names"][:2] == ["at", "operations"]
        overview = await client.body("overview")
        assert (overview["workers"], overview["counts"]["submitted"]) == (1, 0)
        await (await computer.enqueue_task("one", int))
        await client.until(lambda: client.bodies("overview")[-1]["counts"]["succeeded"] == 1)


async def test_the_last_minutes_are_kept_for_the_next_page(computer, monkeypatch):
    app = app_of(computer)
    async with following(app, f"{ROOT}/page/events/tasks") as client:
        await client.body("status")
    async with following(app, f"{ROOT}/page/events/overview") as client:
        history = await client.body("history")
    assert len(history["rows"]) >= 1
    row = dict(zip(history["names"], history["rows"][0], strict=True))
    assert (row["queued"], row["running"], row["workers"], row["p99"]) == (0, 0, 1, None)


async def test_operations_and_scaling(computer):
    await computer.execute_blocking_operation("fetch:SPY", int)
    with pytest.raises(OSError, match="no route"):
        await computer.execute_blocking_operation("fetch:MSFT", fail)
    app = app_of(computer)
    async with following(app, f"{ROOT}/page/events/operations") as client:
        body = await client.body("operations")
        assert (body["operations"]["fetch"]["count"], body["operations"]["fetch"]["errors"]) == (2, 1)
        assert {each["operation"] for each in body["slowest"]} == {"fetch:SPY", "fetch:MSFT"}
    async with following(app, f"{ROOT}/page/events/scaling") as client:
        body = await client.body("scaling")
        assert (body["workers"], body["adaptive"], body["decisions"]) == (1, False, [])


def fail():
    raise OSError("no route")


async def test_tasks_are_shown_and_cancelled(computer):
    let_go, begun = threading.Event(), threading.Event()
    running = await computer.enqueue_task("running", lambda: begun.set() or let_go.wait(60))
    queued = await computer.enqueue_task(MARKUP, int)
    await asyncio.to_thread(begun.wait)
    app = app_of(computer)
    async with client_of(app) as client, following(app, f"{ROOT}/page/events/tasks?state=queued") as page:
        (task,) = (await page.body("tasks"))["tasks"]
        assert (task["task_id"], task["state"]) == (MARKUP, "queued")
        answer = await client.post(f"{ROOT}/api/tasks/cancel", json={"numbers": [task["number"]]})
        assert answer.json()["cancelled"] == 1
        await page.until(lambda: page.bodies("tasks")[-1]["tasks"] == [])
    async with following(app, f"{ROOT}/page/events/tasks?search=ONERROR") as page:
        assert [task["task_id"] for task in (await page.body("tasks"))["tasks"]] == [MARKUP]
    let_go.set()
    await running
    with pytest.raises(asyncio.CancelledError):
        await queued


async def test_dead_letters_are_grouped_searched_and_paged(computer):
    await add(computer, *(f"old {number}" for number in range(3)))
    await add(computer, "quotes", function=int, reason="deadline")
    app = app_of(computer)
    async with following(app, f"{ROOT}/page/events/letters") as page:
        body = await page.body("letters")
    assert body["groups"] == [
        {"operation": "builtins:print", "reason": "exhausted", "count": 3},
        {"operation": "builtins:int", "reason": "deadline", "count": 1},
    ]
    assert [letter["task_id"] for letter in body["letters"]] == ["quotes", "old 2", "old 1", "old 0"]
    assert (body["matched"], body["total"]) == (4, 4)
    for query, tasks, matched in (
        ("search=OLD&limit=1&offset=1", ["old 1"], 3),
        ("operation=builtins:int&reason=deadline", ["quotes"], 1),
        ("search=no%20route&reason=deadline", ["quotes"], 1),
        ("search=nowhere", [], 0),
    ):
        async with following(app, f"{ROOT}/page/events/letters?{query}") as page:
            body = await page.body("letters")
        assert ([letter["task_id"] for letter in body["letters"]], body["matched"]) == (tasks, matched), query


async def test_dead_letters_are_requeued_and_discarded(computer):
    await add(computer, "a", "b", "c", function=int)
    await add(computer, "d", function=float, reason="deadline")
    app = app_of(computer)
    async with client_of(app) as client, following(app, f"{ROOT}/page/events/letters") as page:

        async def act(what, **selection):
            return (await client.post(f"{ROOT}/page/letters/{what}", json=selection)).json()

        ids = {letter["task_id"]: letter["id"] for letter in (await page.body("letters"))["letters"]}
        assert (await act("requeue", ids=[ids["a"], "gone"]))["message"] == "1 requeued"
        assert (await act("discard", matching={"reason": "deadline"}))["message"] == "1 discarded"
        assert (await act("requeue", matching={"search": "builtins:int"}))["requeued"] == 2
        await page.until(lambda: page.bodies("letters")[-1]["total"] == 0)
        for selection in ({}, {"ids": []}, {"ids": ["1"], "matching": {}}, {"matching": {"task": "a"}}):
            assert (await client.post(f"{ROOT}/page/letters/discard", json=selection)).status_code == 422


async def test_arguments_are_shown_as_far_as_the_application_allows(computer):
    await add(computer, "secret", function=int)

    def broken(args, kwargs):
        raise ValueError("the secret")

    for describe, shown in ((None, None), (lambda args, kwargs: "x" * 1000, "x" * 497 + "..."), (broken, "ValueError")):
        async with following(app_of(computer, describe=describe), f"{ROOT}/page/events/letters") as page:
            (letter,) = (await page.body("letters"))["letters"]
        assert letter["arguments"] == shown or letter["arguments"] == f"cannot be shown: {shown}"


# --- the market


async def watchlist(app, query):
    async with following(app, f"{ROOT}/page/events/market?{query}") as page:
        return await page.body("watchlist")


async def test_the_watchlist_has_formulas_as_columns(computer, market):
    body = await watchlist(app_of(computer, market), "column=close%20-%20open&column=sma(5)")
    assert [row["ticker"] for row in body["rows"]] == [MARKUP, "LOW", "SPY"]
    assert (body["total"], body["matched"], body["columns"]) == (3, 3, ["close - open", "sma(5)"])
    assert body["regime"]["regime"] in ("Panic", "RiskOff", "Chop", "RiskOn")
    closes = market.bars("LOW")["close"]
    expected = [closes[-1], closes[-1] / closes[-2] - 1, closes[-1], 0.0, closes[-5:].mean()]
    assert body["rows"][1]["figures"] == pytest.approx(expected)


async def test_it_is_sorted_filtered_and_paged(computer, market):
    app = app_of(computer, market)
    for query, tickers, matched in (
        ("sort=-close", ["SPY", MARKUP, "LOW"], 3),
        ("sort=-ticker&limit=2", ["SPY", "LOW"], 3),
        ("sort=close&limit=1&offset=1", [MARKUP], 3),
        ("where=close%20%3E%2020&sort=close", [MARKUP, "SPY"], 2),
        ("where=close%20%3E%202000", [], 0),
    ):
        body = await watchlist(app, query)
        assert ([row["ticker"] for row in body["rows"]], body["matched"]) == (tickers, matched), query


async def test_a_formula_that_fails_while_it_is_typed(computer, market):
    body = await watchlist(app_of(computer, market), "column=rsl(14)&column=close&where=clo&sort=sma(")
    assert len(body["rows"]) == 3
    assert body["columns"] == ["close"]
    assert (body["errors"]["rsl(14)"]["start"], body["errors"]["rsl(14)"]["end"]) == (0, 3)
    assert "rsi" in body["errors"]["rsl(14)"]["message"]
    assert set(body["errors"]) == {"rsl(14)", "clo"}


async def test_signals_stand_beside_tickers_and_sort_them(computer):
    store = BarStore()
    load(store, "FLAT", 80)
    rising = 100 + np.arange(80.0)
    days = np.datetime64("2020-01-01") + np.arange(80).astype("timedelta64[D]")
    columns = {"open": rising, "high": rising + 1, "low": rising - 1, "close": rising, "volume": rising}
    store.load("UP", {"date": days, **columns})
    brain = FeatureComputer(store)
    expected = SignalGenerator(brain, RegimeDetector(brain)).generate_signals_bulk(["FLAT", "UP"])
    body = await watchlist(app_of(computer, store), "sort=-signal")
    shown = {row["ticker"]: row["signal"] for row in body["rows"]}
    for ticker, result in expected.items():
        signal = result["signal"]
        assert (shown[ticker] is None) == (signal is None)
        if signal is not None:
            assert (shown[ticker]["stop"], shown[ticker]["reason"]) == (signal.stop_loss, signal.reason)
    assert [row["signal"] is None for row in body["rows"]] == sorted(row["signal"] is None for row in body["rows"])
    assert any(shown.values())


async def test_more_work_than_a_stranger_may_ask_for_is_a_sentence(computer, market, monkeypatch):
    monkeypatch.setattr("ziggy_async.api.limits.MOST_WORK", 10)
    body = await watchlist(app_of(computer, market), "column=sma(50)")
    assert body["rows"] == []
    assert body["note"].startswith("work: ")


async def test_a_chart_of_more_work_than_may_be_asked_for_has_no_lines(computer, market):
    query = "ticker=low&overlay=sma(60000)&overlay=ema(5)&pane=sma(60001)&pane=oops("
    async with following(app_of(computer, market), f"{ROOT}/page/events/market?{query}") as page:
        chart = await page.body("chart")
        assert (chart["lines"], len(chart["bars"])) == ([], 80)
        refused = "bars in windows and lags: 120,006 are asked for, 100,000 are allowed"
        faults = {text: fault["message"] for text, fault in chart["errors"].items()}
        assert faults.pop("oops(") != refused
        assert faults == dict.fromkeys(["sma(60000)", "ema(5)", "sma(60001)"], refused)


async def test_a_bar_moves_the_watchlist_and_the_chart(computer, market):
    app = app_of(computer, market)
    query = "ticker=low&overlay=sma(3)&overlay=oops(&pane=macd()"
    async with client_of(app) as client, following(app, f"{ROOT}/page/events/market?{query}") as page:
        chart = await page.body("chart")
        assert (chart["ticker"], list(chart["errors"])) == ("LOW", ["oops("])
        assert [line["name"] for line in chart["lines"]] == [
            "sma(3)",
            "macd().macd",
            "macd().signal",
            "macd().histogram",
        ]
        assert len(chart["bars"]) == 80
        last = chart["bars"][-1]
        day = 86400
        bar = {"ticker": "LOW", "timestamp": int(last[0]) + day, "unit": "s", "open": 11, "high": 13, "low": 11}
        answer = await client.post(f"{ROOT}/api/bars", json={**bar, "close": 12.5, "volume": 1})
        assert answer.status_code == 200, answer.text
        news = await page.body("bars")
        assert [row[0] for row in news["bars"]] == [last[0], last[0] + day]
        closes = market.bars("LOW")["close"]
        assert news["bars"][-1][4:7] == [12.5, 1.0, pytest.approx(closes[-3:].mean())]
        await page.until(lambda: page.bodies("watchlist")[-1]["rows"][1]["figures"][0] == 12.5)


async def test_signals_of_the_past_are_marked(computer):
    store = BarStore()
    for symbol, columns in sample_universe():
        if symbol in ("SPY", "AUTO07"):
            store.load(symbol, columns)
    brain = FeatureComputer(store)
    generator = SignalGenerator(brain, RegimeDetector(brain))
    past = signal_history(["AUTO07"], store, store.bars("AUTO07")["timestamp"][-500], generator=generator)
    signs = np.nan_to_num(past["direction"])
    async with following(app_of(computer, store), f"{ROOT}/page/events/market?ticker=AUTO07") as page:
        markers = (await page.body("chart"))["markers"]
    times = past.timestamps.astype(np.int64) / 1e9
    directions = dict(zip(times.tolist(), signs.tolist(), strict=True))
    assert len(markers) > 5
    for marker in markers:
        assert marker["direction"] == {1.0: "LONG", -1.0: "SHORT"}[directions[marker["time"]]]


async def test_a_ticker_that_is_loaded_anew_or_dropped_is_drawn_anew(computer, market):
    async with following(app_of(computer, market), f"{ROOT}/page/events/market?ticker=LOW") as page:
        await page.body("chart")
        load(market, "LOW", 5, close=20.0)
        assert len((await page.body("chart", after=1))["bars"]) == 5
        market.drop("LOW")
        assert (await page.body("chart", after=2))["bars"] == []


async def test_what_has_not_changed_is_not_sent(computer, market):
    async with following(app_of(computer, market), f"{ROOT}/page/events/market?ticker=LOW") as page:
        await page.body("chart")
        await asyncio.sleep(0.1)
        assert [len(page.bodies(name)) for name in ("watchlist", "chart", "bars")] == [1, 1, 0]


async def test_pages_that_show_the_same_are_computed_once(computer, market, monkeypatch):
    counted = []
    read = streams.read_watchlist

    async def reading(market, asked):
        counted.append(asked)
        return await read(market, asked)

    monkeypatch.setattr(streams, "read_watchlist", reading)
    monkeypatch.setattr(streams, "REFRESHED", 1e9)  # it is not read anew because half a minute ends just now
    app = app_of(computer, market)
    path = f"{ROOT}/page/events/market"
    async with following(app, path) as one, following(app, path) as other:
        assert await one.body("watchlist") == await other.body("watchlist")
    assert len(counted) == 1


async def test_a_page_that_cannot_be_made_says_so_and_goes_on(computer, market, monkeypatch, caplog):
    is_broken = True
    read = streams.read_watchlist

    async def reading(market, asked):
        if is_broken:
            raise RuntimeError("the secret")
        return await read(market, asked)

    monkeypatch.setattr(streams, "read_watchlist", reading)
    async with following(app_of(computer, market), f"{ROOT}/page/events/market") as page:
        assert "secret" not in str(await page.body("failed"))
        is_broken = False
        await page.body("watchlist")
    assert caplog.text.count("a page cannot be shown") == 1


async def test_a_watchlist_of_many_tickers_sends_what_is_shown(computer):
    store = BarStore()
    bars = np.ones((20_000, 5))
    symbols = [f"T{number:05d}" for number in range(20_000)]
    for day in ("2024-01-01", "2024-01-02"):
        store.append_cross_section(day, symbols, bars)
    body = await watchlist(app_of(computer, store), "sort=-ticker&offset=19990&limit=50")
    assert (body["total"], body["matched"], len(body["rows"])) == (20_000, 20_000, 10)
    assert body["rows"][0]["ticker"] == "T00009"
    body = await watchlist(app_of(computer, store), "sort=-signal")
    assert "10,000 are allowed" in body["note"]
