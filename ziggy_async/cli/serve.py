"""`ziggy-async serve`: the endpoints over HTTP, until SIGTERM or Ctrl+C."""

import argparse
import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from ziggy_async._version import __version__
from ziggy_async.api import create_router, tasks
from ziggy_async.api.answers import answer
from ziggy_async.api.dashboard.pages import page
from ziggy_async.api.dashboard.router import add_page
from ziggy_async.api.endpoints import EndpointGroup
from ziggy_async.api.events import streams_end_at_signals
from ziggy_async.api.market import create_market_router
from ziggy_async.api.middleware import BodyLimit, Interruptible, KnownHosts
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.async_features import (
    TaskPoolConfig,
    get_async_feature_computer,
    init_async_features,
    shutdown_async_features,
)
from ziggy_async.bridge import wake
from ziggy_async.cli.connections import Connection
from ziggy_async.cli.market import load_bars
from ziggy_async.cli.output import write_out

REQUEST_TIMEOUT = 4
"""Seconds that requests under way may take once the end has come: with the 25 of the queue after them below the 30 that
who sends SIGTERM usually allows."""
BACKLOG = 2048
"""Connections that may wait to be accepted."""


def serve(arguments: argparse.Namespace) -> None:
    """Serves until a signal ends it; then requests under way and the background queue are finished."""
    config = TaskPoolConfig(**({} if arguments.workers is None else {"max_workers": arguments.workers}))
    wake()  # wrong in the environment? Say so now
    with closing(bind(arguments.host, arguments.port)) as listener:
        watchlist, unknown = asked = load_bars(arguments)
        if unknown:
            raise ValueError(asked.complaint())
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        fewest, _ = config.workers_between
        tasks.sleepers.most = fewest - 1 if arguments.sleepers is None else arguments.sleepers
        app = application(watchlist, None if arguments.tickers is None else watchlist)
        app.add_middleware(KnownHosts, names=[arguments.host, socket.gethostname(), *arguments.allow_host])
        asyncio.run(run(app, listener, config))


def bind(host: str, port: int) -> socket.socket:
    """Returns a socket that is bound and does not listen yet. Raises `ValueError` when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        raise ValueError(f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}") from error
    return listener


def application(watchlist: Sequence[str], shown: Sequence[str] | None = None) -> FastAPI:
    """Returns all endpoints, and the page. `watchlist`: the tickers of a request for signals or a task that names none;
    `shown`: those on the page, None for all that have bars."""
    app = FastAPIOffline(
        title="ziggy_async",
        version=__version__,
        description="Features and signals of the default store.",
        lifespan=ending_streams,
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(Interruptible)
    kept = tasks.KeptTasks()
    app.include_router(create_market_router(watchlist, kept=kept))
    app.include_router(create_router(on_requeued=kept.keep))
    pages = APIRouter(prefix="/page", include_in_schema=False)
    group = EndpointGroup(pages, None, allow_actions=True, allowed_origins=None)
    add_page(group, pages, WatchedMarket(tickers=shown), on_requeued=kept.keep, describe=described_arguments)
    app.include_router(pages)

    async def index(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return page_or_why_not(request)
        paths = app.openapi()["paths"]
        calls = {f"{verb.upper()} {path}": call["summary"] for path in paths for verb, call in paths[path].items()}
        return await answer({"name": "ziggy_async", "version": __version__, "docs": "/docs", "endpoints": calls})

    app.add_api_route("/", index, include_in_schema=False)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, refused)
    app.openapi()  # is made once, in a tenth of a second: not while requests wait
    return app


@asynccontextmanager
async def ending_streams(app: FastAPI) -> AsyncIterator[None]:
    with streams_end_at_signals():
        yield


def page_or_why_not(request: Request) -> Response:
    try:
        return page(read_only=False).answer(request)
    except ModuleNotFoundError as error:
        return PlainTextResponse(f"{error}\n", 501)


def described_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Returns the arguments of a task of the REST interface as text: its tickers, or its seconds."""
    return ", ".join(str(item) for each in args for item in (each if isinstance(each, list) else [each]))


async def refused(request: Request, error: Any) -> Response:
    response = await answer({"detail": error.detail}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def invalid(request: Request, error: Any) -> Response:
    return await answer({"detail": error.errors()}, 422)


async def run(app: FastAPI, listener: socket.socket, config: TaskPoolConfig) -> None:
    """Serves `app` on the bound socket with a computer of this `config`, until a signal; then what is queued is done. A
    further signal cuts that short, which leaves dead letters. Raises `ValueError` when the computer cannot start."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=REQUEST_TIMEOUT,
        )
    )
    end = End(server)
    with end.at_signals():
        try:
            await init_async_features(config)
        except OSError as error:
            reason = error.strerror or error
            raise ValueError(f"the computer cannot start: {reason} {error.filename or ''}") from error
        try:
            gc.freeze()  # what is here by now stays: no collection has to look through it while requests wait
            listener.listen(BACKLOG)
            write_out(f"Serving on {url(listener)}  (all endpoints: {url(listener)}/docs; Ctrl+C ends)\n")
            await server.serve(sockets=[listener])
        finally:
            await end.when_done(shutdown_async_features())


class End:
    """The end that signals bring, in two steps: the first one ends the server, a later one what is done after it."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server
        self._last: asyncio.Task[None] | None = None
        self._cut_by: int | None = None

    @contextmanager
    def at_signals(self) -> Iterator[None]:
        """Once it is done, the server raises the signal again that has ended it, for whose handlers these were before:
        so they are these here until the very end."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._came) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def when_done(self, last: Coroutine[Any, Any, None]) -> None:
        """Awaits what is to be done after the server; `SystemExit` when a signal has cut it short."""
        self._last = asyncio.create_task(last)
        say_what_is_left()  # from here on a signal cuts it short
        try:
            await self._last
        except asyncio.CancelledError:
            if self._cut_by is None:
                raise
            raise SystemExit(128 + self._cut_by) from None

    def _came(self, number: int, _: object) -> None:
        if self._last is not None:
            self._cut_by = number
            self._last.get_loop().call_soon_threadsafe(self._last.cancel)
        elif number in (signal.SIGINT, signal.SIGTERM):
            self._server.should_exit = True
        else:
            signal.raise_signal(signal.SIGTERM)  # which the server handles, and ends its streams


def say_what_is_left() -> None:
    counts = get_async_feature_computer().counts()
    tasks = counts["queued"] + counts["running"]
    if tasks:
        print(f"ziggy-async: finishing what is queued: {tasks} task{'s' * (tasks != 1)}", file=sys.stderr)


def url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
