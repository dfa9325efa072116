"""Which pages may ask for actions: those of the same host, or of the origins that are allowed; others are refused."""

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from rest import ROOT, client_of

from ziggy_async.api import create_router
from ziggy_async.api.market import create_market_router
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig

CLEAR = f"{ROOT}/metrics/clear"
REFUSED = {"detail": "a page of another site may not ask for this"}


@pytest.fixture
async def computer():
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=1)) as computer:
        yield computer


async def statuses(client, *origins, host="shop.example:8000"):
    return [(await client.post(CLEAR, headers={"host": host, "origin": origin})).status_code for origin in origins]


async def test_a_form_of_another_site_asks_for_nothing(computer):
    async with client_of(create_router(computer)) as client:
        await computer.execute_blocking_operation("kept", int)
        form = {"headers": {"origin": "https://evil.example"}, "data": {"num_operations": "1000"}}
        for path in (CLEAR, f"{ROOT}/benchmarks/feature-computation", f"{ROOT}/dead-letters/requeue"):
            answer = await client.post(path, **form)
            assert (answer.status_code, answer.json()) == (403, REFUSED)
        answer = await client.delete(f"{ROOT}/dead-letters/1", headers={"origin": "https://evil.example"})
        assert answer.status_code == 403
        assert len(computer.get_metrics()) == 1


async def test_the_same_origin(computer):
    async with client_of(create_router(computer)) as client:
        same = ("http://shop.example:8000", "https://shop.example:8000", "http://SHOP.example:8000")
        assert await statuses(client, *same) == [200] * 3
        others = ("http://shop.example", "http://shop.example:8001", "http://x.shop.example:8000", "null", "")
        assert await statuses(client, *others) == [403] * 5
        assert await statuses(client, "http://a.example", "https://a.example:443", host="a.example") == [200, 200]
        assert await statuses(client, "http://a.example", host="a.example:80") == [200]
        assert await statuses(client, "http://[::1]:8000", host="[::1]:8000") == [200]


async def test_origins_that_are_allowed(computer):
    allowed = ["https://app.example", "http://localhost:3000"]
    async with client_of(create_router(computer, allowed_origins=allowed)) as client:
        assert (
            await statuses(client, "https://app.example", "https://app.example:443", "http://localhost:3000")
            == [200] * 3
        )
        others = ("http://app.example", "http://localhost:3001", "http://evil.example")
        assert await statuses(client, *others) == [403] * 3
        # A name that leads here, though it is another's: Host and Origin agree.
        assert await statuses(client, "http://evil.example", host="evil.example") == [403]
    async with client_of(create_router(computer, allowed_origins=[])) as client:
        assert await statuses(client, "http://shop.example:8000") == [403]


async def test_without_an_origin(computer):
    async with client_of(create_router(computer)) as client:
        assert (await client.post(CLEAR)).status_code == 200, "no browser"
        for site, status in (("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)):
            assert (await client.post(CLEAR, headers={"sec-fetch-site": site})).status_code == status


async def test_what_reads_is_for_all(computer):
    async with client_of(create_router(computer)) as client:
        answer = await client.get(f"{ROOT}/metrics", headers={"origin": "https://evil.example"})
        assert answer.status_code == 200, "the browser keeps the answer from the page"


async def test_actions_on_the_market(computer, store):
    async with client_of(create_market_router(["SPY"], computer)) as client:
        headers = {"origin": "https://evil.example", "content-type": "text/plain"}
        for path, body in (("/api/signals", ""), ("/api/tasks", '{"task_id": "a", "work": "sleep", "seconds": 9}')):
            assert (await client.post(path, content=body, headers=headers)).status_code == 403
        assert computer.counts()["submitted"] == 0


async def test_who_is_not_logged_in_learns_that_first(computer):
    def logged_in():
        raise HTTPException(401)

    app = FastAPI()
    app.include_router(create_router(computer, dependencies=[Depends(logged_in)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.post(CLEAR, headers={"origin": "https://evil.example"})).status_code == 401


@pytest.mark.parametrize(
    ("allowed", "error"),
    [
        ("https://a.example", TypeError),
        (["a.example"], ValueError),
        (["*"], ValueError),
        (["https://a.example/"], ValueError),
        ([None], ValueError),
    ],
)
def test_origins_that_are_none(allowed, error):
    with pytest.raises(error, match="allowed_origins: "):
        create_router(allowed_origins=allowed)
