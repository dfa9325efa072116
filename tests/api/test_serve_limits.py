"""What `ziggy-async serve` does not do for everybody: foreign hosts, half requests, too many connections, sleepers."""

import asyncio
import socket
import time
import urllib.error
import urllib.request

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from rest import strict_json
from served import ask, serving

from ziggy_async.api.middleware import BodyLimit, KnownHosts
from ziggy_async.cli import connections
from ziggy_async.cli.connections import Connection

# --- hosts


async def echo(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        *((host, True) for host in ("127.0.0.1", "127.0.0.1:8000", "192.168.1.7:8000", "[::1]", "[::1]:8000")),
        *((host, True) for host in ("localhost", "LocalHost:8000", "app.localhost", "Shop.example", "shop.example:1")),
        *((host, False) for host in ("evil.example", "x.shop.example", "shop.example.evil.example", "notlocalhost")),
        *((host, False) for host in ("", ":8000", "127.0.0.1.evil.example", "shop.example:1:2", "[shop", "[evil]")),
    ],
)
async def test_hosts(host, is_known):
    transport = httpx.ASGITransport(KnownHosts(echo, ["shop.EXAMPLE"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/", headers={"host": host})
    assert answer.status_code == (200 if is_known else 400)
    assert is_known or "--allow-host" in strict_json(answer.text)["detail"]


def status_for(url, host, verb="GET"):
    request = urllib.request.Request(url, headers={"Host": host}, method=verb)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_hosts_of_a_server():
    with serving("--allow-host", "shop.example") as (_, url):
        page = f"{url}/api/performance/metrics"
        assert [status_for(page, host) for host in ("shop.example", socket.gethostname(), "evil.example")] == [
            200,
            200,
            400,
        ]
        assert status_for(f"{url}/api/performance/metrics/clear", "evil.example", "POST") == 400


# --- requests that do not come


class Served:
    """An application behind the connections of `serve`, in this loop."""

    def __init__(self, seconds):
        self.seconds = seconds

    async def __aenter__(self):
        app = FastAPI()

        @app.post("/echo")
        async def back(request: Request):
            return {"size": len(await request.body())}

        app.add_middleware(BodyLimit, seconds=self.seconds)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(app, http=Connection, ws="none", lifespan="off", log_level="error")
        )
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        return self

    async def __aexit__(self, *_):
        self._server.should_exit = True
        await self._serving

    async def connect(self, sent):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    async def answer(self, sent, *later):
        """All that comes until the server closes the connection; `later` is sent in chunks meanwhile."""
        reader, writer = await self.connect(sent)
        answer = asyncio.create_task(reader.read())
        for piece in later:
            await asyncio.wait([answer], timeout=0.1)
            if not answer.done():
                writer.write(piece)
        try:
            return await asyncio.wait_for(answer, 20)
        finally:
            writer.close()


@pytest.fixture
def seconds(request):
    """How long headers and bodies may take."""
    return getattr(request, "param", 0.3)


unhurried = pytest.mark.parametrize("seconds", [60.0], indirect=True)


@pytest.fixture
async def served(monkeypatch, seconds):
    monkeypatch.setattr(connections, "LONGEST_HEADERS", seconds)
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 3)
    async with Served(seconds) as served:
        yield served


WHOLE = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nab"


async def test_headers_that_do_not_come(served):
    for sent in (b"", b"POST /ec", b"POST /echo HTTP/1.1\r\nhost: a\r\n"):
        assert (await served.answer(sent)).startswith(b"HTTP/1.1 408 ")


async def test_headers_that_come_in_drops(served):
    answer = await served.answer(b"POST /echo HTTP/1.1\r\n", *[b"x: y\r\n"] * 2)
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_headers_of_a_second_request(served):
    answer = await served.answer(WHOLE, b"POST /ec")
    assert b'{"size":2}HTTP/1.1 408 ' in answer


async def test_a_body_that_does_not_come(served):
    for sent in (WHOLE[:-1], WHOLE[:-2]):
        answer = await served.answer(sent)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"within 0.3 s" in answer


@unhurried
async def test_a_request_that_takes_its_time_within_the_limits(served):
    chunks = (WHOLE[:30], WHOLE[30:-2], WHOLE[-2:-1], WHOLE[-1:])
    reader, writer = await served.connect(b"")
    for piece in chunks:
        await asyncio.sleep(0.05)
        writer.write(piece)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()


@unhurried
async def test_a_connection_too_many(served):
    held = [await served.connect(b"") for _ in range(3)]
    await asyncio.sleep(0.05)
    assert (await served.answer(b"")).endswith(b"\r\n\r\ntoo many connections\n")
    for _, writer in held:
        writer.close()
    await asyncio.sleep(0.05)
    assert (await served.answer(WHOLE.replace(b"host", b"connection: close\r\nhost"))).startswith(b"HTTP/1.1 200 ")


# --- sleepers


def wait_for(url, task_id):
    """Returns once the task has succeeded."""
    end = time.monotonic() + 60
    while (state := ask(f"{url}/api/tasks/{task_id}")["state"]) != "succeeded":
        assert time.monotonic() < end, state
        time.sleep(0.02)


@pytest.mark.parametrize(("arguments", "most"), [(("--workers", "3"), 2), (("--workers", "1"), 0)])
def test_tasks_that_sleep_leave_a_worker(arguments, most):
    with serving(*arguments) as (_, url):
        names = [f"nap-{number}" for number in range(6)]
        for name in names:
            ask(f"{url}/api/tasks", {"task_id": name, "work": "sleep", "seconds": 3600})
        ask(f"{url}/api/tasks", {"task_id": "work", "work": "features", "tickers": ["SPY"]})
        wait_for(url, "work")
        found = [ask(f"{url}/api/tasks/{name}")["state"] for name in names]
        assert (found.count("running"), found.count("dead")) == (most, 6 - most)
        [attempt] = ask(f"{url}/api/tasks/nap-5")["attempts"]
        assert attempt["error"] == f"RuntimeError: no worker can be spared: {most} may sleep at a time"
        ask(f"{url}/api/performance/dead-letters/requeue", {})
        ask(f"{url}/api/tasks", {"task_id": "work", "work": "features", "tickers": ["SPY"]})
        wait_for(url, "work")


def test_sleepers_that_are_allowed():
    with serving("--workers", "1", "--sleepers", "1") as (_, url):
        ask(f"{url}/api/tasks", {"task_id": "nap", "work": "sleep", "seconds": 0.1})
        wait_for(url, "nap")
