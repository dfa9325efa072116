"""Server-sent events: an answer that goes on until its client leaves."""

import asyncio
import contextlib
import logging
import signal
import threading
import weakref
from collections.abc import AsyncGenerator, Iterator, Sequence
from types import FrameType
from typing import Any

from fastapi import Response
from starlette.types import Receive, Scope, Send

from ziggy_async.api.answers import chunks_of
from ziggy_async.messages import loggable

logger = logging.getLogger(__name__)

KEEP_ALIVE = 15.0
"""Seconds without an event after which a comment is sent: proxies close what is silent, often after 60."""
SEND_TIMEOUT = 30.0
"""Seconds in which a client has to read what was sent before."""
LONGEST = 60.0
"""Seconds of one stream; a browser then asks for the next one. At its end a server waits for its connections, and would
wait for ever for one that is never done."""
RETRY = 1000
"""Milliseconds after which a browser asks again."""

Event = Sequence[bytes]


async def event(name: str, body: Any) -> Event:
    """Returns the event `name` with `body` as JSON, to be sent any number of times."""
    return [f"event: {name}\ndata: ".encode(), *[chunk async for chunk in chunks_of(body)], b"\n"]


class EventStream(Response):
    """Sends `events` as they come. The next event is asked for when the client has room for it.

    It ends with the events, when the client is gone or has not read for 30 s, after a minute, and by `end_streams`.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[Event, None]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sender = asyncio.create_task(self._send(send))
        client = asyncio.create_task(_gone(receive))
        _streams.add(sender)
        if asyncio.get_running_loop() in _ending:
            sender.cancel()
        try:
            await asyncio.wait((sender, client), timeout=LONGEST, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sender, client):
                task.cancel()
            await asyncio.wait((sender, client))
        if not sender.cancelled() and (error := sender.exception()) is not None:
            logger.error("a stream has failed", exc_info=loggable(error))
        if not client.cancelled():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SEND_TIMEOUT):
                await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Send) -> None:
        async def write(chunk: bytes) -> None:
            async with asyncio.timeout(SEND_TIMEOUT):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})

        coming: asyncio.Future[Event] | None = None
        try:
            await write(f"retry: {RETRY}\n\n".encode())
            while True:
                coming = coming or asyncio.ensure_future(anext(self._events))
                await asyncio.wait((coming,), timeout=KEEP_ALIVE)
                if coming.done():
                    chunks, coming = coming.result(), None
                else:
                    chunks = [b":\n\n"]
                for chunk in chunks:
                    await write(chunk)
        except (StopAsyncIteration, TimeoutError):
            pass
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.wait((coming,))
            await self._events.aclose()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


_streams: "weakref.WeakSet[asyncio.Task[None]]" = weakref.WeakSet()
_ending: "weakref.WeakSet[asyncio.AbstractEventLoop]" = weakref.WeakSet()
"""Loops whose server has been told to stop: a stream that begins there ends at once."""


def end_streams() -> None:
    """Ends the streams of the running loop: the server is about to end."""
    loop = asyncio.get_running_loop()
    for sender in list(_streams):
        if sender.get_loop() is loop:
            sender.cancel()


@contextlib.contextmanager
def streams_end_at_signals() -> Iterator[None]:
    """Makes a block within which the signal that tells a server to stop ends the streams of the running loop, so that
    the server does not wait for them.

    For that a handler stands before the server's own for SIGINT and SIGTERM. Without effect where no server could have
    one: in another thread than the main one, and where SIGTERM has no handler of Python's.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before: dict[int, Any] = {number: handler for number, handler in handlers.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread() or signal.SIGTERM not in before:
        yield
        return
    loop = asyncio.get_running_loop()
    is_over = False

    def end() -> None:
        if not is_over:
            _ending.add(loop)
            end_streams()

    def came(number: int, frame: FrameType | None) -> None:
        if not is_over:  # whoever has put a handler before this one may still call it
            loop.call_soon_threadsafe(end)
        before[number](number, frame)

    for number in before:
        signal.signal(number, came)
    try:
        yield
    finally:
        is_over = True
        _ending.discard(loop)
        for number in before:
            if signal.getsignal(number) is came:
                signal.signal(number, before[number])
