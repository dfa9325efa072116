"""Requests that enqueue work: how long they wait for a place in the queue, and how they are refused without one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from fastapi import HTTPException, Request

from ziggy_async.runtime.errors import QueueFull, Stopped

LONGEST_WAIT = 5.0
"""Seconds that a request waits for a place in the queue."""
POLL = 0.2
"""Seconds between looks at whether the client of one that waits is still there."""

STOPPED = {503: "The computer is stopping or stopped"}
NO_PLACE = {503: "No place in the queue, or it takes no more work"}


def place_timeout() -> asyncio.Timeout:
    """Returns a timeout for a request that waits for a place in the queue."""
    return asyncio.timeout(LONGEST_WAIT)


@asynccontextmanager
async def while_connected(request: Request, limit: asyncio.Timeout) -> AsyncIterator[None]:
    """Ends the timeout when the client disconnects, so that a task that waits for a place is cancelled."""
    watcher = asyncio.create_task(_end_when_gone(request, limit))
    try:
        yield
    finally:
        watcher.cancel()


async def _end_when_gone(request: Request, limit: asyncio.Timeout) -> None:
    is_gone = False
    while not is_gone:
        await asyncio.sleep(POLL)
        is_gone = await request.is_disconnected()
    end(limit)


def end(limit: asyncio.Timeout) -> None:
    """Has the timeout expire now. Does nothing when its block has ended."""
    with suppress(RuntimeError):
        limit.reschedule(asyncio.get_running_loop().time())


@contextmanager
def queue_refusals() -> Iterator[None]:
    """Raises HTTP errors in place of the refusals of the queue and its computer."""
    try:
        yield
    except QueueFull:
        raise HTTPException(503, "the queue is full; try again later") from None
    except TimeoutError:
        raise HTTPException(503, f"no place in the queue within {LONGEST_WAIT:g} s; try again later") from None
    except Stopped:
        raise HTTPException(503, "the computer takes no work: it is stopping or stopped") from None
