"""Requests that bring work: how long they wait for a place in the queue, and what they learn when there is none."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

from ziggy_async.work.errors import QueueFull, Stopped

LONGEST_WAIT = 5.0
"""Seconds that a request waits for room in the queue."""

STOPPED = {503: "The computer is stopping or stopped"}
NO_ROOM = {503: "No room in the queue, or it takes no more work"}


def patience() -> asyncio.Timeout:
    """As long as a request waits for room; `TimeoutError` then."""
    return asyncio.timeout(LONGEST_WAIT)


@contextmanager
def queue_refusals() -> Iterator[None]:
    """What the queue and its computer refuse, as HTTP says it."""
    try:
        yield
    except QueueFull:
        raise HTTPException(503, "the queue is full; try again later") from None
    except TimeoutError:
        raise HTTPException(503, f"no room in the queue within {LONGEST_WAIT:g} s; try again later") from None
    except Stopped:
        raise HTTPException(503, "the computer takes no work: it is stopping or stopped") from None
