"""What stands around the application of `ziggy-async serve`."""

import asyncio

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ziggy_async.api.answers import answer

MOST_BYTES = 2_000_000


class BodyLimit:
    """A request with a body of more than `most` bytes is answered with 413, before it is all here."""

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0

        async def receive_limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._most:
                raise HTTPException(413, f"the request is longer than {self._most} bytes")
            return message

        await self._app(scope, receive_limited, send)


class Interruptible:
    """A request that the server gives up at its end is answered with 503; to the server it would be an error."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except asyncio.CancelledError:
            if not begun:
                refusal = await answer({"detail": "the server is shutting down"}, 503)
                await refusal(scope, receive, send)
