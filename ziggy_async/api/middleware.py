"""Middleware of `ziggy-async serve`."""

import asyncio
import ipaddress
import re
from collections.abc import Iterable

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ziggy_async.api.answers import answer

MOST_BYTES = 2_000_000
LONGEST_BODY = 10.0
"""Seconds that a body may take to come."""
HOST = re.compile(r"\[([^\]]*)\](?::\d*)?|([^:]*)(?::\d*)?")
"""A name or an address, and perhaps a port."""


class KnownHosts:
    """A request for a host of another name is answered with 400.

    A page can give a name of its own the address of this server, and would then be of the same origin. An address as
    the host is no such name, nor is localhost.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"host"]
        if all(map(self._knows, hosts)):
            await self._app(scope, receive, send)
        else:
            refusal = await answer({"detail": "the server has another name; serve --allow-host adds one"}, 400)
            await refusal(scope, receive, send)

    def _knows(self, host: str) -> bool:
        parts = HOST.fullmatch(host)
        if parts is None:
            return False
        name = (parts[1] or parts[2] or "").lower()
        return name == "localhost" or name.endswith(".localhost") or name in self._names or is_address(name)


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class BodyLimit:
    """A request with a body of more than `most` bytes is answered with 413, before it is all here, and one whose body
    takes longer than `seconds` with 408."""

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES, seconds: float = LONGEST_BODY) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, is_whole = 0, False
        deadline = asyncio.get_running_loop().time() + self._seconds

        async def receive_limited() -> Message:
            nonlocal size, is_whole
            if is_whole:  # it waits for the client to go
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                detail = f"the request was not here within {self._seconds:g} s"
                raise HTTPException(408, detail, {"connection": "close"}) from None
            size += len(message.get("body", b""))
            if size > self._most:
                raise HTTPException(413, f"the request is longer than {self._most} bytes")
            is_whole = not message.get("more_body", False)
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
