"""Server-sent events: what is sent, and when a stream ends."""

import asyncio
import signal

import pytest
from streams import following

from ziggy_async.api import events
from ziggy_async.api.events import EventStream, end_streams, event, streams_end_at_signals


class Source:
    """Events that are put in by hand; knows whether it was closed."""

    def __init__(self):
        self.queue = asyncio.Queue()
        self.taken = 0
        self.is_closed = False

    async def __call__(self, scope, receive, send):
        await EventStream(self.events())(scope, receive, send)

    async def events(self):
        try:
            while (body := await self.queue.get()) is not None:
                self.taken += 1
                yield await event("news", body)
        finally:
            self.is_closed = True


@pytest.fixture
def source():
    return Source()


async def test_events_come_as_lines_of_json(source):
    async with following(source, "/") as client:
        source.queue.put_nowait({"text": "two\nlines \u2028", "rows": [[number] for number in range(5000)]})
        assert (await client.body("news"))["rows"][-1] == [4999]
        headers = dict(client.start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert headers[b"cache-control"] == b"no-store"
        assert b"content-length" not in headers
        assert client.text.startswith(b"retry: 1000\n\n")
        source.queue.put_nowait(None)
        await client.until(lambda: client.is_whole)
    assert source.is_closed


async def test_a_client_that_is_gone_ends_its_events(source):
    async with following(source, "/") as client:
        source.queue.put_nowait(1)
        await client.body("news")
        client.gone.set()
        await asyncio.wait_for(client.task, 30)
        assert source.is_closed
        assert not client.is_whole


async def test_a_slow_client_is_asked_for_no_more_than_it_reads(source):
    async with following(source, "/") as client:
        source.queue.put_nowait(0)
        await client.body("news")
        client.reads.clear()
        for number in range(1, 100):
            source.queue.put_nowait(number)
        await asyncio.sleep(0.01)
        assert source.taken <= 2
        client.reads.set()
        await client.body("news", after=99)


async def test_a_client_that_does_not_read_is_left(source, monkeypatch):
    monkeypatch.setattr(events, "SEND_TIMEOUT", 0.01)
    async with following(source, "/") as client:
        await client.until(lambda: client.text)
        client.reads.clear()
        source.queue.put_nowait(1)
        await asyncio.wait_for(client.task, 30)
        assert source.is_closed


async def test_silence_is_broken_by_comments(source, monkeypatch):
    monkeypatch.setattr(events, "KEEP_ALIVE", 0.01)
    async with following(source, "/") as client:
        await client.until(lambda: b":\n\n:\n\n" in client.text)
        source.queue.put_nowait("late")
        assert await client.body("news") == "late"


async def test_a_stream_has_an_end_for_which_a_server_can_wait(source, monkeypatch):
    monkeypatch.setattr(events, "LONGEST", 0.01)
    async with following(source, "/") as client:
        await client.until(lambda: client.is_whole)
        assert source.is_closed


async def test_a_server_ends_its_streams(source):
    async with following(source, "/") as client:
        await client.until(lambda: client.text)
        end_streams()
        await client.until(lambda: client.is_whole)


async def test_a_stream_that_begins_after_a_signal_ends_at_once(source):
    came = []
    before = signal.signal(signal.SIGTERM, lambda *given: came.append(given))
    try:
        with streams_end_at_signals():
            async with following(source, "/") as client:
                await client.until(lambda: client.text)
                signal.raise_signal(signal.SIGTERM)
                await client.until(lambda: client.is_whole)
            async with following(source, "/") as client:
                await client.until(lambda: client.is_whole)
        async with following(source, "/") as client:
            await client.until(lambda: client.text)
            assert not client.is_whole
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(came) == 1


async def test_events_that_fail_are_logged_and_end_the_stream(caplog):
    async def failing():
        yield await event("news", 1)
        raise RuntimeError("the secret")

    async def app(scope, receive, send):
        await EventStream(failing())(scope, receive, send)

    async with following(app, "/") as client:
        await client.until(lambda: client.is_whole)
    assert client.events == [("news", 1)]
    assert b"secret" not in client.text
    assert "the secret" in caplog.text
