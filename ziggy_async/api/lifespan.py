"""A computer's life within an application's."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

from ziggy_async.api.events import streams_end_at_signals
from ziggy_async.async_features import AsyncFeatureComputer, get_async_feature_computer, shutdown_async_features

DRAIN_TIMEOUT = 25.0
"""Seconds for what is queued: senders of SIGTERM usually allow 30 for everything."""

Lifespan = Callable[[object], AbstractAsyncContextManager[None]]


def create_lifespan(computer: AsyncFeatureComputer | None = None, *, drain_timeout: float = DRAIN_TIMEOUT) -> Lifespan:
    """Returns a lifespan that starts `computer`, the process's one if None, and drains it at the end.

    As `FastAPI(lifespan=create_lifespan(computer))`, or inside of the application's own, which has another name: `async
    with ziggy_lifespan(app):`. Raises `RuntimeError` when it is entered inside of itself, in one task and for one
    application: the inner end would stop the computer under the outer one.

    SIGINT and SIGTERM end the streams of `/live` and of the dashboard, for which the server would wait before this end.
    For a client that does not read what was sent uvicorn waits as for any other, up to its `timeout_graceful_shutdown`.

    An end by cancellation, such as a second Ctrl+C, does not wait for the queue: what is left goes to the dead letters.
    """
    under_way: set[object] = set()

    @asynccontextmanager
    async def lifespan(app: object = None) -> AsyncIterator[None]:
        """Starts the computer, and drains it at the end; see `create_lifespan`."""
        with _entered_once(under_way, app):
            await (computer or get_async_feature_computer()).start()
            drain = True
            try:
                with streams_end_at_signals():
                    yield
            except asyncio.CancelledError:
                drain = False
                raise
            finally:
                # Looked up anew: the application may have put another one in its place meanwhile.
                await (computer or get_async_feature_computer()).stop(drain=drain, timeout=drain_timeout)
                if computer is None:
                    await shutdown_async_features()

    return lifespan


@contextmanager
def _entered_once(under_way: set[object], app: object) -> Iterator[None]:
    entry = asyncio.current_task(), id(app)
    if entry in under_way:
        raise RuntimeError(
            "this lifespan is entered inside of itself. Where the application's own has the same name, import this one "
            "under another: from ziggy_async.api import lifespan as ziggy_lifespan"
        )
    under_way.add(entry)
    try:
        yield
    finally:
        under_way.discard(entry)


lifespan = create_lifespan()
"""The lifespan of the process's one computer."""
