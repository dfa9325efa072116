"""What the tests of the background queue share."""

import asyncio
from collections.abc import Callable

from ziggy_async.async_features import AsyncFeatureComputer


def holds(computer: AsyncFeatureComputer) -> dict[str, int]:
    """The counts, of which the first is always the sum of the states."""
    counts = computer.counts()
    states = ("succeeded", "failed", "cancelled", "dead", "queued", "running")
    assert counts["submitted"] == sum(counts[state] for state in states), counts
    return counts


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)
