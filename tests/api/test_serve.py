"""`ziggy-async serve`: the market over HTTP, and how it begins and ends."""

import json
import os
import re
import signal
import socket
import sqlite3
import urllib.error
from contextlib import closing

import httpx
import numpy as np
import pytest
from rest import strict_json
from served import ask, load, serving

from ziggy_async.api.models import FeaturesAnswer, SignalsAnswer
from ziggy_async.async_features import get_async_feature_computer, shutdown_async_features
from ziggy_async.cli import main
from ziggy_async.cli.serve import application
from ziggy_async.lag import LoopLag
from ziggy_async.market_brain.signals import signal_generator


@pytest.fixture
async def client(store):
    load(store, "SPY", 60)
    load(store, "NEW", 10)
    load(store, "BRK/B", 60)
    load(store, "^VIX", 60, 15.0)
    transport = httpx.ASGITransport(application(["SPY", "NEW"]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await shutdown_async_features()


# --- the market


async def test_features(client):
    answer = await client.get("/api/features/SPY")
    features = strict_json(answer.text)
    assert (features["ticker"], features["status"], features["bars"]) == ("SPY", "ok", 60)
    assert features["close"] == pytest.approx(100 + np.sin(59))
    assert len(features) == 5 + 26
    FeaturesAnswer.model_validate(features)
    for ticker in ("BRK/B", "%5EVIX"):
        assert (await client.get(f"/api/features/{ticker}")).json()["status"] == "ok"


async def test_formulas_of_a_ticker(client):
    answer = await client.get("/api/features/brk/b", params={"formula": ["close", "sma(5)"]})
    expected = 100 + np.sin(np.arange(60))
    assert answer.json()["features"] == {"close": expected[-1], "sma(5)": pytest.approx(expected[-5:].mean())}
    history = (await client.get("/api/history/SPY", params={"formula": "close", "bars": 3})).json()
    assert history["features"]["close"] == expected[-3:].tolist()
    found = (await client.post("/api/screen", json={"where": "close > 50"})).json()
    assert [row["symbol"] for row in found["rows"]] == ["BRK/B", "NEW", "SPY"]
    assert (await client.get("/api/features/SPY", params={"formula": "rsii(14)"})).status_code == 422


async def test_what_is_answered_is_an_operation_of_the_computer(client):
    await client.get("/api/features/SPY")
    await client.post("/api/signals", json={})
    metrics = (await client.get("/api/performance/metrics")).json()
    names = [each["operation"] for each in metrics["recent_operations"]]
    assert names == ["compute_features:SPY", "compute_signals_batch:2"]


async def test_a_computer_that_was_stopped(client):
    computer = get_async_feature_computer()
    await computer.start()
    await computer.stop()
    for answer in (await client.get("/api/features/SPY"), await client.post("/api/signals", json={})):
        assert answer.status_code == 503
        assert answer.json() == {"detail": "the computer takes no work: it is stopping or stopped"}


async def test_too_few_bars(client):
    answer = await client.get("/api/features/NEW")
    assert answer.status_code == 200
    assert answer.json() == {"ticker": "NEW", "status": "insufficient_data", "bars": 10, "required": 50}


async def test_tickers_in_small_letters(client, store):
    load(store, "aapl", 60)
    load(store, "AAPL", 50)
    for ticker, bars in (("spy", 60), ("aapl", 60), ("AAPL", 50), ("brk/b", 60)):
        assert (await client.get(f"/api/features/{ticker}")).json()["bars"] == bars
    answer = await client.post("/api/signals", json={"tickers": ["new", "Spy", "spy", "none"]})
    assert list(answer.json()["signals"]) == ["NEW", "SPY", "none"]


@pytest.mark.parametrize("ticker", ["NONE", "%F0%9F%98%80", "a/b/c", "%00"])
async def test_unknown_tickers(client, ticker):
    answer = await client.get(f"/api/features/{ticker}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "no bars of that ticker"})


async def test_a_computation_that_fails_tells_nothing(client, monkeypatch):
    from ziggy_async.async_features import AsyncFeatureComputer

    async def none(*args):
        return None

    monkeypatch.setattr(AsyncFeatureComputer, "compute_features_async", none)
    answer = await client.get("/api/features/SPY")
    assert (answer.status_code, answer.json()) == (500, {"detail": "internal error"})


async def test_signals_that_fail_tell_nothing(client, monkeypatch):
    async def broken(*args):
        raise RuntimeError("the secret")

    monkeypatch.setattr(signal_generator, "generate_signals_bulk_async", broken)
    answer = await client.post("/api/signals", json={"tickers": ["SPY"]})
    assert answer.status_code == 200
    assert answer.json()["signals"]["SPY"]["reason"].startswith("error: ")
    assert "secret" not in answer.text


async def test_signals(client, monkeypatch):
    rules = {**signal_generator.params, "mr_rsi_oversold": 101.0, "mr_z_score_long": 100.0}
    monkeypatch.setattr(signal_generator, "params", rules)
    answer = await client.post("/api/signals", json={"tickers": ["SPY", "NEW", "NONE", "SPY"]})
    body = strict_json(answer.text)
    assert set(body) == {"signals", "regime"}
    assert list(body["signals"]) == ["SPY", "NEW", "NONE"]
    spy = body["signals"]["SPY"]
    assert set(spy) == {"ticker", "signal", "reason"}
    assert (spy["ticker"], spy["reason"], spy["signal"]["direction"]) == ("SPY", "ok", "LONG")
    assert set(spy["signal"]["price_levels"]) == {"entry", "stop_loss", "take_profit"}
    for ticker in ("NEW", "NONE"):
        assert body["signals"][ticker] == {"ticker": ticker, "signal": None, "reason": "insufficient_features"}
    assert set(body["regime"]) == {"regime", "confidence", "timestamp", "explanation", "metrics"}
    SignalsAnswer.model_validate(body)


async def test_a_misspelt_word_is_no_request_for_the_whole_watchlist(client):
    answer = await client.post("/api/signals", json={"ticker": ["SPY"]})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "ticker"]


async def test_signals_of_the_watchlist_and_of_none(client):
    watchlist = ["SPY", "NEW"]
    for body, tickers in (
        (b"", watchlist),
        (b"{}", watchlist),
        (b'{"tickers": null}', watchlist),
        (b'{"tickers": []}', []),
    ):
        answer = await client.post("/api/signals", content=body, headers={"content-type": "application/json"})
        assert list(answer.json()["signals"]) == tickers
    assert list((await client.post("/api/signals")).json()["signals"]) == watchlist


async def test_what_enrich_attaches_is_json(client, monkeypatch):
    def enrich(given, features):
        given.similar_outcomes = {"mean": float("nan"), "by": {1: np.float64(2.0)}, "seen": object}
        return given

    rules = {**signal_generator.params, "mr_rsi_oversold": 101.0, "mr_z_score_long": 100.0}
    monkeypatch.setattr(signal_generator, "params", rules)
    monkeypatch.setattr(signal_generator, "enrich", enrich)
    body = strict_json((await client.post("/api/signals", json={"tickers": ["SPY"]})).text)
    outcomes = body["signals"]["SPY"]["signal"]["decision_context"]["similar_outcomes"]
    assert outcomes == {"mean": None, "by": {"1": 2.0}, "seen": "<class 'object'>"}


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"{", b'"SPY"', b'{"tickers": "SPY"}', b'{"tickers": [1]}', b'{"tickers": [null]}'),
        *(b'{"tickers": [""]}', b'{"tickers": ["\\ud800"]}', b'{"tickers": [["SPY"]]}', b'{"tickers": {"SPY": 1}}'),
        json.dumps({"tickers": ["x" * 101]}).encode(),
        json.dumps({"tickers": ["SPY"] * 10_001}).encode(),
        json.dumps({"tickers": [1] * 10_000}).encode(),
    ],
    ids=lambda body: body[:30].decode(),
)
async def test_requests_that_are_none(client, body):
    answer = await client.post("/api/signals", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert len(answer.content) < 3000, "it does not send back what came"
    for fault in strict_json(answer.text)["detail"]:
        assert set(fault) == {"type", "loc", "msg"}


async def test_a_request_that_is_too_long(client):
    chunks = iter([b'{"tickers": ["'] + [b"x" * 100_000] * 1000)
    taken = 0

    async def content():
        nonlocal taken
        for chunk in chunks:
            taken += len(chunk)
            yield chunk

    answer = await client.post("/api/signals", content=content(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert taken < 3_000_000, "the rest of it is not read"


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/api/features/SPY", 200),
        ("GET", "/api/features/NONE", 404),
        ("POST", "/api/signals", 200),
        ("PUT", "/api/signals", 405),
        ("GET", "/api/performance/metrics?last_n=0", 422),
        ("GET", "/api/performance/prometheus", 200),
        ("GET", "/nowhere", 404),
    ],
)
async def test_an_answer_ends_with_a_new_line(client, verb, path, status):
    answer = await client.request(verb, path)
    assert answer.status_code == status
    assert answer.text.endswith("\n")
    assert not answer.text.endswith("\n\n")
    assert ("allow" in answer.headers) == (status == 405)


async def test_the_page_of_documentation_needs_nothing_from_elsewhere(client):
    page = (await client.get("/docs")).text
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) >= 2
    for source in sources:
        answer = await client.get(source)  # relative, as the client has no other host to ask
        assert source.startswith("/")
        assert answer.status_code == 200
        assert len(answer.content) > 1000
    assert "/api/signals" in (await client.get("/openapi.json")).json()["paths"]


async def test_the_root_says_what_there_is(client):
    index = (await client.get("/")).json()
    assert index["docs"] == "/docs"
    assert {
        "GET /api/features/{ticker}",
        "POST /api/screen",
        "POST /api/signals",
        "GET /api/performance/health",
    } <= set(index["endpoints"])


@pytest.mark.performance
@pytest.mark.parametrize("of_a_task", [False, True])
async def test_lag_while_ten_thousand_signals_are_answered(client, store, monkeypatch, of_a_task):
    for number in range(10_000):
        load(store, f"T{number}", 60)
    rules = {**signal_generator.params, "mr_rsi_oversold": 101.0, "mr_z_score_long": 100.0}
    monkeypatch.setattr(signal_generator, "params", rules)
    body = {"tickers": [f"T{number}" for number in range(10_000)]}
    request = client.build_request("POST", "/api/signals", json=body)
    if of_a_task:
        await client.post("/api/tasks", json={"task_id": "all", "work": "signals", **body})
        await get_async_feature_computer().stop()  # then it is done
        request = client.build_request("GET", "/api/tasks/all")
    async with LoopLag() as lag:
        answer = await client.send(request, stream=True)
        size = sum([len(chunk) async for chunk in answer.aiter_raw()])
    assert size > 5_000_000
    assert lag.summary().p95 < 10


# --- its life


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_the_sample_until_a_signal(number):
    with serving() as (process, url):
        assert ask(f"{url}/api/features/SPY")["status"] == "ok"
        assert len(ask(f"{url}/api/signals", {})["signals"]) == 500
        assert ask(f"{url}/api/performance/health/ready")["ready"] is True
        with pytest.raises(urllib.error.HTTPError, match="404"):
            ask(f"{url}/api/features/NONE")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_serves_files_and_a_watchlist(tmp_path):
    path = tmp_path / "prices.csv"
    rows = [f"{name},2024-{day // 28 + 1:02}-{day % 28 + 1:02},1,1,1,1,1" for name in "AB" for day in range(60)]
    path.write_text("\n".join(["symbol,date,open,high,low,close,volume", *rows]))
    with serving(str(path), "--tickers", "b", "--workers", "3") as (_, url):
        assert ask(f"{url}/api/features/A")["bars"] == 60
        assert list(ask(f"{url}/api/signals", {})["signals"]) == ["B"]
        assert ask(f"{url}/api/performance/scaling")["workers"] == 3


def test_queued_work_is_done_before_the_end():
    with serving("--workers", "1", script="serve_work") as (process, url):
        ask(f"{url}/work", {})
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == "ziggy-async: finishing what is queued: 5 tasks\n"
    assert out.splitlines() == [f"done {number}" for number in range(5)]


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_further_signal_leaves_dead_letters_of_what_is_queued(tmp_path, first, second):
    path = tmp_path / "letters.sqlite"
    with serving("--workers", "1", "--sleepers", "1", ASYNC_FEATURES_DEAD_LETTERS=str(path)) as (process, url):
        for number in range(4):
            ask(f"{url}/api/tasks", {"task_id": f"nap-{number}", "work": "sleep", "seconds": 60})
        process.send_signal(first)
        assert process.stderr.readline() == "ziggy-async: finishing what is queued: 4 tasks\n"
        process.send_signal(second)
        assert process.wait(30) == 128 + second
    with closing(sqlite3.connect(path)) as letters:
        reasons = [json.loads(row)["reason"] for (row,) in letters.execute("SELECT letter FROM letters")]
    assert reasons == ["shutdown"] * 4


@pytest.mark.parametrize("leaves", [True, False])
def test_a_benchmark_ends_with_its_client_or_its_server(leaves):
    with serving(script="serve_endless_benchmark") as (process, url):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
            client.sendall(b"POST /api/performance/benchmarks/feature-computation HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert process.stdout.readline() == "begun\n"
            with pytest.raises(urllib.error.HTTPError, match="409"):
                ask(f"{url}/api/performance/benchmarks/signal-generation", {})
            if not leaves:
                process.send_signal(signal.SIGTERM)
                assert process.stdout.readline() == "cancelled\n"
                assert client.recv(20).startswith(b"HTTP/1.1 503")
        if leaves:
            assert process.stdout.readline() == "cancelled\n"
            assert ask(f"{url}/api/performance/benchmarks/signal-generation?num_operations=10", {})["ok"] is True
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert "Traceback" not in process.stderr.read()


def refused(arguments, capsys):
    assert main(["serve", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.usefixtures("store")
def test_a_port_in_use(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert refused(["--port", port], capsys) == f"ziggy-async: cannot listen on 127.0.0.1:{port}: {in_use()}\n"


def in_use():
    import errno

    return os.strerror(errno.EADDRINUSE)


@pytest.mark.usefixtures("store")
def test_what_cannot_be_served(capsys, monkeypatch):
    assert "192.0.2.1" in refused(["--host", "192.0.2.1", "--port", "0"], capsys)
    assert "cannot listen" in refused(["--host", "no.such.host.invalid", "--port", "0"], capsys)
    assert "nowhere.csv" in refused(["nowhere.csv", "--port", "0"], capsys)
    assert "no bars of NONE" in refused(["--tickers", "NONE", "--port", "0"], capsys)
    assert "max_workers" in refused(["--workers", "0", "--port", "0"], capsys)
    monkeypatch.setenv("ASYNC_FEATURES_QUEUE_SIZE", "none")
    assert "ASYNC_FEATURES_QUEUE_SIZE" in refused(["--port", "0"], capsys)
    monkeypatch.delenv("ASYNC_FEATURES_QUEUE_SIZE")
    monkeypatch.setenv("ASYNC_FEATURES_WAKE", "none")
    assert "ASYNC_FEATURES_WAKE" in refused(["--port", "0"], capsys)


@pytest.mark.parametrize("port", ["-1", "65536", "http", "80.5"])
def test_ports_that_are_none(capsys, port):
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", port])
    assert ended.value.code == 2
    assert "not a port" in capsys.readouterr().err or port == "-1"


@pytest.mark.parametrize("module", ["uvicorn", "fastapi", "fastapi_offline", "prometheus_client"])
def test_without_the_web_server(run_isolated, module):
    done = run_isolated("without_a_module", module, "serve")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'ziggy_async[api]'" in done.stderr


def test_an_open_page_does_not_hold_up_the_end():
    with serving("--tickers", "SPY") as (process, url):
        with urllib.request.urlopen(f"{url}/page/events/market", timeout=60) as stream:
            while not stream.readline().startswith(b"event: watchlist"):
                pass
            assert json.loads(stream.readline().removeprefix(b"data: "))["total"] == 1
            process.send_signal(signal.SIGTERM)
            stream.read()  # to its end
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors == ""
