"""What the tests of the endpoints share: a computer, and a client of its endpoints."""

from collections.abc import AsyncIterator

import httpx
import pytest
from rest import client_of

from ziggy_async.api import create_router
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig


@pytest.fixture
async def computer() -> AsyncIterator[AsyncFeatureComputer]:
    """With two workers and two places in the queue."""
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2, queue_size=2))
    yield computer
    await computer.stop(drain=False)


@pytest.fixture
async def client(computer: AsyncFeatureComputer) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_router(computer)) as client:
        yield client
