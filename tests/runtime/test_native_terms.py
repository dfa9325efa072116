"""Priority and deadline of a task's options go on to the native jobs that it asks for."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ziggy_async import BarStore, FeatureSet, _core
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.market_brain.features import feature_computer
from ziggy_async.terms import BULK, BY_THE_WORK, URGENT, Terms, terms


async def terms_here() -> Terms:
    return terms.get()


@pytest.mark.parametrize(("priority", "urgency"), [(3, URGENT), (0, BY_THE_WORK), (-1, BULK)])
async def test_a_task_has_the_terms_of_its_options(priority: int, urgency: int) -> None:
    async with AsyncFeatureComputer() as computer:
        before = time.monotonic_ns()
        handle = await computer.with_options(priority=priority, deadline=5.0).enqueue_task("t", terms_here)
        found = await handle
        assert found.urgency == urgency
        assert before < found.deadline_ns - 5_000_000_000 <= time.monotonic_ns()
        assert await (await computer.enqueue_task("plain", terms_here)) == Terms()
    assert terms.get() == Terms()


def busy_store() -> BarStore:
    store = BarStore(capacity=20_000)
    close = 100.0 + np.sin(np.arange(20_000))
    times = np.arange(20_000).astype("datetime64[s]")
    bars = {"timestamp": times, **dict.fromkeys(("open", "high", "low", "close", "volume"), close)}
    for number in range(64):
        store.load(f"S{number}", bars)
    return store


async def test_a_native_job_ends_at_its_deadline(store: BarStore) -> None:
    """The pool is busy for longer than the deadline: the job is given up before it has begun."""
    _ = store
    heavy = FeatureSet(*(f"stddev(close, {n})" for n in range(2, 60)))
    loop = asyncio.get_running_loop()
    under_way = [asyncio.ensure_future(heavy.history_async(store=busy_store())) for _ in range(2)]
    await asyncio.sleep(0.05)
    port: Any = _core.Port(loop)
    try:
        moment = time.monotonic_ns() + 1
        with pytest.raises(TimeoutError, match="deadline"):
            await port.features_many(loop, store, feature_computer.plan, ["A"], (BULK, moment))
    finally:
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        port.close()


async def test_urgency_and_deadline_are_checked(store: BarStore) -> None:
    loop = asyncio.get_running_loop()
    port: Any = _core.Port(loop)
    try:
        with pytest.raises(ValueError, match="urgency must be below 3, not 3"):
            port.features_many(loop, store, feature_computer.plan, ["A"], (3, 0))
        with pytest.raises(TypeError):
            port.features_many(loop, store, feature_computer.plan, ["A"], (0, "soon"))
    finally:
        port.close()


NO_SECONDS = [True, float("nan"), float("inf"), 1e300, "soon"]


@pytest.mark.parametrize("deadline", NO_SECONDS)
async def test_a_deadline_that_is_no_number_of_seconds_is_named(
    store: BarStore, tmp_path: Path, deadline: object
) -> None:
    features = FeatureSet("close")
    live, states = features.live(store), tmp_path / "states"
    options: dict[str, Any] = {"deadline": deadline}
    for make in (
        lambda: features.latest_async(["A"], store, **options),
        lambda: features.history_async(["A"], store, **options),
        lambda: features.over_async({"close": [1.0]}, **options),
        lambda: features.live_async(store, **options),
        lambda: features.restore_async(states, store, **options),
        lambda: live.update_async(**options),
        lambda: live.table_async(**options),
        lambda: live.save_async(states, **options),
    ):
        with pytest.raises(ValueError, match=r"deadline: .* is not a number of seconds"):
            await make()
    assert not states.exists()
