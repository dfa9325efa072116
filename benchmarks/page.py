"""How late the loop of a service is while 20 pages of its dashboard are open in another process, one of 500 tickers
has a new bar each second and an operation ends each 10 ms, beside the same without pages."""

import asyncio
import multiprocessing
import socket
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import uvicorn
from fastapi import FastAPI

from benchmarks.harness import Report, fill, fresh_heap, universe
from ziggy_async.api import create_dashboard
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.lag import LagSummary, PingLag
from ziggy_async.store import BarStore

TICKERS, BARS, SECONDS, TURNS = 500, 252, 10.0, 3
MARKET = "market?column=rsi(14)&column=sma(200)&overlay=ema(20)&overlay=bbands()&pane=macd()&sort=-rsi(14)&ticker="
VIEWS = [
    *(["overview"] * 5 + ["operations"] * 3 + ["tasks"] * 3 + ["letters"] * 2 + ["scaling"]),
    *(f"{MARKET}{ticker}" for ticker in ("SPY", "SPY", "SPY", "AUTO07", "BANK07", "CHEM46")),
]


async def run() -> Report:
    store = BarStore(BARS)
    fill(store, universe(TICKERS, BARS))
    turns = []
    async with AsyncFeatureComputer() as computer, served(computer, store) as port, busy(computer, store):
        with multiprocessing.get_context("spawn").Pool(1) as client:
            for _ in range(TURNS):
                idle = await lag()
                pages = client.apply_async(follow, (port, SECONDS + 6.0))
                await asyncio.sleep(3.0)  # they are all there, with what is sent once
                opened = await lag()
                events = await asyncio.to_thread(pages.get)
                turns.append((idle, opened, events))
    report = Report("page", f"{len(VIEWS)} open pages for {SECONDS:g} s, {TURNS} turns; and none")
    for name in ("p50", "p99", "max"):
        without, with_pages = (statistics.median(getattr(turn[place], name) for turn in turns) for place in (0, 1))
        report.add(f"without pages, {name}", without, "ms")
        target = f"at most {without + 1.0:.2f}: 1 above" if name == "p99" else ""
        report.add(f"with pages, {name}", with_pages, "ms", target, f"without pages, {name}")
    report.add("events a page and second", statistics.median(turn[2] for turn in turns), "", "about 1")
    return report


async def lag() -> LagSummary:
    with fresh_heap():
        async with PingLag() as measured:
            await asyncio.sleep(SECONDS)
    return measured.summary()


@asynccontextmanager
async def served(computer: AsyncFeatureComputer, store: BarStore) -> AsyncIterator[int]:
    """The port of an application with a dashboard."""
    app = FastAPI()
    app.include_router(create_dashboard(computer, store))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving


@asynccontextmanager
async def busy(computer: AsyncFeatureComputer, store: BarStore) -> AsyncIterator[None]:
    async def append() -> None:
        time = store.bars("SPY")["timestamp"][-1]
        for number in range(1_000_000):
            close = 100.0 + number % 7
            store.append("SPY", time + np.timedelta64(1 + number, "D"), close, close, close, close, 1e6)
            await asyncio.sleep(1.0)

    async def operate() -> None:
        while True:
            await computer.execute_blocking_operation("nothing", int)
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(append()), asyncio.create_task(operate())]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def follow(port: int, seconds: float) -> float:
    """Reads the streams of all views for so long; events a view and second."""
    return asyncio.run(read_all(port, seconds)) / len(VIEWS) / seconds


async def read_all(port: int, seconds: float) -> int:
    return sum(await asyncio.gather(*(read(port, view, at, seconds) for at, view in enumerate(VIEWS))))


async def read(port: int, view: str, at: int, seconds: float) -> int:
    await asyncio.sleep(at / len(VIEWS))  # nobody opens twenty pages at once
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.write(f"GET /dashboard/page/events/{view} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    events = 0
    try:
        async with asyncio.timeout(seconds - 1.0):
            while line := await reader.readline():
                events += line.startswith(b"event: ") and line.strip() != b"event: status"
    except TimeoutError:
        pass
    writer.close()
    return events
