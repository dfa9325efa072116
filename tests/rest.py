"""What the tests of the endpoints share: clients, requests, a computer that is busy or has dead letters."""

import asyncio
import json
import threading
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from ziggy_async.queueing.options import Attempt, Options, Reason, Work
from ziggy_async.runtime.cross_loop import outcome_of

ROOT = "/api/performance"


@asynccontextmanager
async def client_of(*routers, **options):
    app = FastAPI(**options)
    for each in routers:
        app.include_router(each)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def get(client, path, status=200):
    answer = await client.get(ROOT + path)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)


async def post(client, path, status=200):
    answer = await client.post(ROOT + path)
    assert answer.status_code == status, answer.text
    return strict_json(answer.text)


def begin_post(app, path, body=b""):
    """A POST to an application in this loop: its task, the event that its client goes, and what was sent."""
    gone, sent = asyncio.Event(), []
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive():
        if (message := next(messages, None)) is None:
            await gone.wait()
            return {"type": "http.disconnect"}
        return message

    async def send(message):
        sent.append(message)

    headers = [(b"content-type", b"application/json")] if body else []
    return asyncio.create_task(app(scope_of("POST", path, headers), receive, send)), gone, sent


def scope_of(method, path, headers):
    """What a server tells an application of a request."""
    name, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": name,
        "raw_path": name.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
    }


def strict_json(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def conforms(answer, model: type[BaseModel]):
    """Whether the documentation tells the truth: the model takes the answer, and every field of it."""
    assert model.model_validate(answer, strict=False).model_dump(mode="json", exclude_unset=True) == answer


@asynccontextmanager
async def full_queue(computer):
    """Both workers and both places in the queue are taken, until the event is set or the block ends."""
    stop_waiting, begun = threading.Event(), threading.Semaphore(0)

    def hold():
        begun.release()
        assert stop_waiting.wait(60)

    running = [await computer.enqueue_task(f"running {number}", hold) for number in range(2)]
    try:
        await asyncio.to_thread(lambda: [begun.acquire() for _ in running])
        waiting = [await computer.enqueue_task(f"waiting {number}", hold) for number in range(2)]
        yield stop_waiting
    finally:
        stop_waiting.set()
    await asyncio.gather(*running, *waiting, return_exceptions=True)


async def add(computer, *task_ids, function=print, reason=Reason.EXHAUSTED, **options):
    attempt = Attempt(datetime(2024, 5, 2, tzinfo=UTC), 0.25, "ConnectionError: no route")
    work = [Work(task_id, f"worker_task:{task_id}", function, (), {}, Options(**options)) for task_id in task_ids]
    return [(await outcome_of(computer.dead_letters.put(each, reason, [attempt]))).id for each in work]
