"""Everything at once for as long as one likes: `python -m tests.soak --minutes 30`.

Rounds of ten seconds mix single tickers, watchlists, formulas, histories, live features, appended bars, cancellations,
the background queue, requests over HTTP and open pages, all on one loop and one store. After each round all is quiet
for a moment, and what is there is written down. The exit code is 1 if, after the first fifth of the rounds, memory grew
by more than 2 %, or descriptors or threads became more; if the queue's accounts did not balance; if live
features were not those of the store; if an answer was a 500; or if a callback of the loop took more than 20 ms of its
own processor time after the first round, in which modules are imported.

Memory is three figures, each compared by its least in the first and in the last quarter: the C heap in use, which is
the extension's and NumPy's, the blocks of Python's objects, and what the process occupies. The last moves from round
to round by some megabytes that the C library and Python keep between blocks in use, so that only its least can tell.
"""

import argparse
import asyncio
import gc
import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn

from benchmarks.callbacks import LongestCallback, Steal
from tests.heap import LIBC, heap_in_use, objects_in_use
from ziggy_async import (
    FeatureSet,
    async_get_ticker_features,
    default_store,
    generate_signals_for_watchlist_async,
    off_loop,
)
from ziggy_async.api import tasks
from ziggy_async.api.events import end_streams
from ziggy_async.async_features import (
    AsyncFeatureComputer,
    TaskPoolConfig,
    get_async_feature_computer,
    init_async_features,
    shutdown_async_features,
)
from ziggy_async.cli.serve import application, bind, url
from ziggy_async.features import LiveFeatures
from ziggy_async.sample import sample_universe

ROUND_SECONDS, SETTLE_SECONDS = 10.0, 5.0
TICKERS = 200
MOST_GROWTH, LONGEST_CALLBACK = 0.02, 0.020
FIRST_DAY = np.datetime64("2040-01-01")
MOST_METRICS = 10_000
STATES = ("succeeded", "failed", "cancelled", "dead", "queued", "running")
WINDOWS = FeatureSet("sma(20)", "stddev(close, 20)", "highest(high, 20)", "close / lag(close, 5) - 1")
FORMULAS = FeatureSet("rsi(14)", "macd().signal", "rank(returns(close, 5))", beta='of("SPY", ema(10)) / ema(10)')
REQUESTS = (
    *("/", "/api/symbols", "/api/regime", "/api/bars/SPY", "/api/features/SPY", "/api/features/NONE", "/api/tasks"),
    *(
        "/api/features/SPY?formula=rsi(14)",
        "/api/history/SPY?formula=close&bars=50",
        "/api/history/SPY?formula=nothing",
    ),
    *(
        "/api/performance/health",
        "/api/performance/metrics",
        "/api/performance/operations",
        "/api/performance/prometheus",
    ),
    *("/api/performance/dead-letters", "/openapi.json", "/page/unknown"),
)


@dataclass
class Quiet:
    """What there is while nothing is under way. Memory is in MB."""

    resident: float
    heap: float
    objects: int
    descriptors: int
    threads: int


@dataclass
class Soak:
    """The service under load, and what was done and found."""

    computer: AsyncFeatureComputer
    address: str
    live: LiveFeatures
    tickers: list[str]
    done: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    quiet: list[Quiet] = field(default_factory=list)
    end: float = 0.0
    day: np.datetime64 = FIRST_DAY

    async def round(self) -> None:
        """One mix of all roles, and the quiet after it."""
        self.end = time.perf_counter() + ROUND_SECONDS
        async with httpx.AsyncClient(base_url=self.address, timeout=60.0, verify=False) as client:
            steps: list[Callable[[], Awaitable[object]]] = [
                *(self.single, self.watchlist, self.formulas, self.bars, self.cancelled, self.cancelled, self.tasks),
                *(lambda: self.request(client), lambda: self.request(client), lambda: self.page(client)),
            ]
            await asyncio.gather(*(self.repeat(step) for step in steps))
        for letter in self.computer.dead_letters.list():
            await self.computer.dead_letters.discard(letter.id)
            await asyncio.sleep(0)
        await self.settle()

    async def repeat(self, step: Callable[[], Awaitable[object]]) -> None:
        while time.perf_counter() < self.end:
            await step()
            await asyncio.sleep(random.uniform(0.0, 0.02))

    async def single(self) -> None:
        names = random.choices(self.tickers, k=50)
        for features in await asyncio.gather(*(async_get_ticker_features(name) for name in names)):
            self.check(features["status"] == "ok", "features of a ticker with bars are not ok")
        self.done["single tickers"] += len(names)

    async def watchlist(self) -> None:
        answers = await generate_signals_for_watchlist_async(self.tickers)
        self.check(list(answers) == self.tickers, "a watchlist is not in the order asked")
        self.done["watchlists"] += 1

    async def formulas(self) -> None:
        table = await FORMULAS.latest_async(self.tickers)
        self.check(bool(np.isfinite(table["rsi(14)"]).all()), "a formula has no value")
        await WINDOWS.history_async(random.sample(self.tickers, 20))
        self.done["formulas"] += 2

    async def bars(self) -> None:
        """A bar of every ticker, twice: the second revises the first. Live features follow."""
        self.day += np.timedelta64(1, "D")
        for _ in range(2):
            await asyncio.to_thread(self.append, 100.0 + 10.0 * np.random.default_rng().random(len(self.tickers)))
            taken = await self.live.update_async()
            wanted = (await WINDOWS.latest_async(self.live.symbols)).to_numpy()
            self.check(taken == len(self.tickers), "live features have not taken in what was appended")
            self.check(np.allclose(self.live.values, wanted, 1e-9, 1e-9, equal_nan=True), "live features differ")
        self.done["bars"] += 2 * len(self.tickers)

    def append(self, close: np.ndarray) -> None:
        figures = np.stack([close, close + 1.0, close - 1.0, close, np.full_like(close, 1e6)], axis=1)
        default_store().append_cross_section(self.day, self.tickers, figures)

    async def cancelled(self) -> None:
        work: Coroutine[Any, Any, object] = random.choice(
            [generate_signals_for_watchlist_async, FORMULAS.history_async, FORMULAS.latest_async]
        )(self.tickers)
        task = asyncio.create_task(work)
        await asyncio.sleep(random.uniform(0.0, 0.003))
        self.done["cancellations"] += task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def tasks(self) -> None:
        """Tasks that succeed, that fail, that are late and that are cancelled."""
        number = self.done["tasks"]
        view = self.computer.with_options(deadline=random.choice([None, 0.01]), retry_on=OSError, max_attempts=2)
        handles = [
            await view.enqueue_task(f"sorted {number}", sorted, self.tickers),
            await view.enqueue_task(f"int {number}", int, "x"),
            await view.enqueue_task(f"open {number}", open, "/nowhere"),
            await view.enqueue_task(f"sleep {number}", time.sleep, 0.02),
        ]
        if random.random() < 0.5:
            random.choice(handles).cancel()
        await asyncio.gather(*handles, return_exceptions=True)
        counts = self.computer.counts()
        self.check(counts["submitted"] == sum(counts[state] for state in STATES), f"accounts: {counts}")
        self.done["tasks"] += len(handles)

    async def request(self, client: httpx.AsyncClient) -> None:
        if random.random() < 0.2:
            body = {"work": "features", "tickers": self.tickers[:5], "task_id": str(random.random())}
            answer = await client.post("/api/tasks", json=body)
        else:
            answer = await client.get(random.choice(REQUESTS))
        self.check(answer.status_code < 500 or answer.status_code == 503, f"{answer.request.url}: {answer.status_code}")
        self.done["requests"] += 1

    async def page(self, client: httpx.AsyncClient) -> None:
        """Opens a page's stream of events, reads for a while, and leaves."""
        async with client.stream("GET", "/page/events/overview") as stream:
            self.check(stream.status_code < 500, f"a stream: {stream.status_code}")
            with suppress(TimeoutError):
                async with asyncio.timeout(random.uniform(0.1, 2.0)):
                    async for _ in stream.aiter_raw():
                        self.done["events of pages"] += 1
        self.done["pages"] += 1

    def check(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults[fault] += 1

    async def settle(self) -> None:
        """Writes down what there is once it becomes no less."""
        least = await asyncio.to_thread(measured)
        until = time.perf_counter() + SETTLE_SECONDS
        while time.perf_counter() < until:
            await asyncio.sleep(0.5)
            now = await asyncio.to_thread(measured)
            if (now.descriptors, now.threads) == (least.descriptors, least.threads):
                break
            least = now
        self.quiet.append(now)

    def complaints(self, callbacks: LongestCallback) -> list[str]:
        """What is not as it has to be."""
        found = [f"{fault} ({times} times)" for fault, times in self.faults.items()]
        after = self.quiet[len(self.quiet) // 5 :]
        quarter = max(1, len(after) // 4)
        for what in ("resident", "heap", "objects"):
            least = [min(getattr(each, what) for each in part) for part in (after[:quarter], after[-quarter:])]
            growth = least[1] / least[0] - 1.0
            print(f"{what}: {least[0]:,.1f} at least in the first quarter, {least[1]:,.1f} in the last ({growth:+.2%})")
            if growth > MOST_GROWTH:
                found.append(f"memory grew: {what} by {growth:.2%}")
        for what in ("descriptors", "threads"):
            first, last = getattr(after[0], what), getattr(after[-1], what)
            if last > first:
                found.append(f"{what} grew from {first} to {last}")
        if callbacks.processor > LONGEST_CALLBACK:
            found.append(
                f"a callback of the loop took {callbacks.processor * 1e3:.1f} ms of the processor: {callbacks.slowest}"
            )
        return found


def measured() -> Quiet:
    """Without what the C library keeps for later."""
    gc.collect()
    LIBC.malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Quiet(
        resident=pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        heap=heap_in_use() / 1e6,
        objects=objects_in_use(),
        descriptors=len(os.listdir("/proc/self/fd")),
        threads=len(os.listdir("/proc/self/task")),
    )


def filled() -> list[str]:
    """The tickers of a market. Their bars have been appended until the store takes no more memory."""
    store, market = default_store(), list(sample_universe())[:TICKERS]
    for symbol, columns in market:
        store.load(symbol, columns)
    tickers = [symbol for symbol, _ in market if not symbol.startswith("^")]
    for number in range(2 * store.capacity + 1):
        bar = np.full((len(tickers), 5), 100.0)
        store.append_cross_section(FIRST_DAY - np.timedelta64(2 * store.capacity + 1 - number, "D"), tickers, bar)
    return tickers


async def run(minutes: float) -> int:
    logging.getLogger("ziggy_async").setLevel(logging.CRITICAL)  # thousands of tasks are to die
    tickers = filled()
    await init_async_features(TaskPoolConfig(max_workers=4))
    tasks.MOST_KEPT = 50  # as many as there are soon, so that what is kept of them does not become more
    listener = bind("127.0.0.1", 0)
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(application(tickers), lifespan="off", log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve([listener]))
    soak = Soak(get_async_feature_computer(), url(listener), await WINDOWS.live_async(tickers=tickers), tickers)
    for _ in range(MOST_METRICS):  # as many as are kept
        await soak.computer.execute_blocking_operation("warm up", int)
    for run_in_thread in (asyncio.to_thread, off_loop.blocking.run):  # all of their threads are there
        await asyncio.gather(*(run_in_thread(time.sleep, 0.1) for _ in range(32)))
    gc.collect()
    gc.freeze()
    start = time.perf_counter()
    await soak.round()  # what is made or imported at its first use
    with LongestCallback() as callbacks, Steal() as steal:
        while time.perf_counter() - start < minutes * 60.0:
            await soak.round()
            now = soak.quiet[-1]
            print(
                f"{time.perf_counter() - start:6.0f} s  {now.resident:6.1f} MB  heap {now.heap:5.2f} MB"
                f"  {now.objects:,} objects  {now.descriptors} descriptors  {now.threads} threads"
                f"  longest callback {callbacks.processor * 1e3:.1f} ms",
                flush=True,
            )
    end_streams()
    server.should_exit = True
    await serving
    await shutdown_async_features()
    print(
        ", ".join(f"{count:,} {what}" for what, count in sorted(soak.done.items())), f"; stolen {steal.percent:.1f} %"
    )
    complaints = soak.complaints(callbacks)
    print("\n".join(complaints) or "nothing found")
    return 1 if complaints else 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    sys.exit(asyncio.run(run(parser.parse_args().minutes)))


if __name__ == "__main__":
    main()
