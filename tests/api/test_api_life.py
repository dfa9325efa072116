"""What is around the endpoints: the lifespan, how answers are made, and what is said when FastAPI is missing."""

import asyncio
import logging
import re
import signal
import subprocess
import threading
import urllib.request
from contextlib import asynccontextmanager

import pytest
from conftest import isolated
from fastapi import FastAPI
from rest import full_queue, strict_json

from ziggy_async.api import answers, create_lifespan, lifespan
from ziggy_async.async_features import get_async_feature_computer
from ziggy_async.queueing.options import Reason


async def test_lifespan_starts_and_drains_the_global_computer():
    app = FastAPI(lifespan=lifespan)
    done = []
    async with app.router.lifespan_context(app):
        computer = get_async_feature_computer()
        assert computer.is_started
        for number in range(20):
            await computer.enqueue_task(str(number), done.append, number)
    assert sorted(done) == list(range(20))
    assert computer.was_stopped
    assert get_async_feature_computer() is not computer, "a stopped one is forgotten"


async def test_lifespan_inside_of_the_applications_own(computer):
    order = []
    inner = create_lifespan(computer)

    @asynccontextmanager
    async def own(app):
        order.append("begin")
        async with inner(app):
            yield {"own": "state"}
        order.append("end")

    app = FastAPI(lifespan=own)
    async with app.router.lifespan_context(app) as state:
        assert computer.is_started
        order.append("serve")
    assert state == {"own": "state"}
    assert order == ["begin", "serve", "end"]
    assert not computer.is_started


async def test_a_lifespan_inside_of_itself_is_an_error_that_says_so(computer):
    inner = create_lifespan(computer)

    @asynccontextmanager
    async def own(app):
        async with inner(app):
            yield

    app = FastAPI(lifespan=own)
    for _ in range(2):
        async with app.router.lifespan_context(app):
            with pytest.raises(RuntimeError, match="import lifespan as ziggy_lifespan"):
                async with app.router.lifespan_context(app):
                    pass
            async with create_lifespan()(app):
                pass
            assert computer.is_started
        assert not computer.is_started


async def test_a_cancelled_lifespan_does_not_wait_for_the_queue(computer, caplog):
    caplog.set_level(logging.CRITICAL)
    running = asyncio.Event()

    async def serve():
        async with create_lifespan(computer)():
            running.set()
            await asyncio.Event().wait()

    server = asyncio.create_task(serve())
    await running.wait()
    async with full_queue(computer) as stop_waiting:
        server.cancel()
        await asyncio.sleep(0)
        stop_waiting.set()
        await asyncio.wait([server])
    assert server.cancelled()
    assert {letter.task_id for letter in computer.dead_letters.list()} >= {"waiting 0", "waiting 1"}


@pytest.mark.parametrize("arguments", [[], ["nested"]])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_open_stream_does_not_hold_up_the_end_of_an_application(number, arguments):
    process = subprocess.Popen(isolated("application", *arguments), stderr=subprocess.PIPE, text=True)
    try:
        while (found := re.search(r"http://127.0.0.1:\d+", line := process.stderr.readline())) is None:
            assert line
        with urllib.request.urlopen(f"{found[0]}/api/live?formula=close", timeout=60) as stream:
            assert stream.readline().startswith(b"retry: ")
            process.send_signal(number)
            process.wait(20)  # a stream is 60 s long
        assert "Application shutdown complete" in process.stderr.read()
    finally:
        process.kill()
        process.communicate()


async def test_handlers_of_signals_are_as_before_once_the_lifespan_is_over(computer):
    numbers = (signal.SIGINT, signal.SIGTERM)
    came = []

    def of_the_server(number, frame):
        came.append(number)

    before = {number: signal.signal(number, of_the_server) for number in numbers}
    try:
        async with create_lifespan(computer)(), create_lifespan()():
            for number in numbers:
                signal.raise_signal(number)
        assert came == list(numbers)
        assert [signal.getsignal(number) for number in numbers] == [of_the_server] * 2
        async with create_lifespan()():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # another one's, who has it to the end
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def test_a_lifespan_in_another_thread_leaves_signals_alone():
    def others():
        async def run():
            async with create_lifespan()():
                assert signal.getsignal(signal.SIGTERM) is before

        asyncio.run(run())

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=others)
    thread.start()
    await asyncio.to_thread(thread.join)


class Own:
    def to_dict(self):
        return {"a": float("nan")}


async def body_of(response):
    if hasattr(response, "body_iterator"):
        return b"".join([chunk async for chunk in response.body_iterator])
    return response.body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {}),
        ({"a": [], "b": {}}, {"a": [], "b": {}}),
        ({"a": float("nan"), "b": [float("inf"), 1.5]}, {"a": None, "b": [None, 1.5]}),
        ({"a": {("x", 1): 2}}, {"a": {"('x', 1)": 2}}),
        ({"a": {"b": {"c": [Own(), 1]}}}, {"a": {"b": {"c": [{"a": None}, 1]}}}),
        ({"\ud800": "\ud800é"}, {"\ud800": "\ud800é"}),
        ({"a": Reason.SHUTDOWN, "b": {1}}, {"a": "shutdown", "b": [1]}),
        ({"a": {"b": [None, *range(1000)]}}, {"a": {"b": [None, *range(1000)]}}),
        ({"a": [1.5, {"b": float("nan")}, [2]]}, {"a": [1.5, {"b": None}, [2]]}),
        ({"a": ["x"] * 200}, {"a": ["x"] * 200}),
    ],
)
async def test_answers_are_json(body, expected):
    assert strict_json(await body_of(await answers.answer(body))) == expected


async def test_a_large_answer_is_made_in_turns():
    body = {"items": {str(number): {"figures": [number, 0.5] * 20} for number in range(20_000)}}
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    response = await answers.answer(body)
    encoding = turns
    text = await body_of(response)
    task.cancel()
    assert strict_json(text) == body
    assert int(response.headers["content-length"]) == len(text)
    assert encoding > 10
    assert turns - encoding >= len(text) // answers.CHUNK


def test_without_fastapi_the_error_says_what_to_install(run_isolated):
    done = run_isolated("without_fastapi")
    assert done.stdout.splitlines() == [
        f"ziggy_async.api needs {name}: pip install 'ziggy_async[api]'" for name in ("fastapi", "prometheus_client")
    ], done.stderr
