"""REST under load: 64 connections ask `ziggy-async serve` for features of random tickers, beside an endpoint that
returns a constant. The client has a process of its own."""

import asyncio
import json
import multiprocessing
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.harness import Report

CONNECTIONS, SECONDS, TURNS = 64, 30.0, 5
CONSTANT, FEATURES = "/api/performance/health/live", "/api/features/{}"
TICKERS = 500


async def run() -> Report:
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ziggy_async", "serve", "--port", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until_it_answers(port)
        with multiprocessing.get_context("spawn").Pool(1) as client:
            found = await asyncio.to_thread(client.apply, alternate, (port,))
    finally:
        server.send_signal(signal.SIGTERM)
        await server.wait()
    return report_of(found)


def report_of(found: dict[str, tuple[list[float], int, float]]) -> Report:
    report = Report("rest", f"{CONNECTIONS} connections for {SECONDS:g} s each, in {TURNS} turns")
    for name, (latencies, errors, seconds) in found.items():
        beside = "" if name == "constant" else "constant, "
        p50, p99 = np.percentile(np.array(latencies) * 1e3, (50, 99), method="higher")
        report.add(f"{name}, p50", float(p50), "ms", beside=beside and f"{beside}p50")
        report.add(f"{name}, p99", float(p99), "ms", "at most 5 x" if beside else "", beside and f"{beside}p99")
        report.add(f"{name}, answers", len(latencies) / seconds, "a second")
        report.add(f"{name}, errors", errors, "", "0")
    return report


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_it_answers(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await get(*await asyncio.open_connection("127.0.0.1", port), CONSTANT)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return


def alternate(port: int) -> dict[str, tuple[list[float], int, float]]:
    """Latencies, errors and seconds of both endpoints, which take turns."""
    return asyncio.run(take_turns(port))


async def take_turns(port: int) -> dict[str, tuple[list[float], int, float]]:
    tickers = await ticker_names(port)
    paths: dict[str, Callable[[], str]] = {
        "constant": lambda: CONSTANT,
        "features": lambda: FEATURES.format(random.choice(tickers)),
    }
    found: dict[str, tuple[list[float], int, float]] = {name: ([], 0, 0.0) for name in paths}
    for _ in range(TURNS):
        for name, path in paths.items():
            latencies, errors, seconds = await load(port, path, SECONDS / TURNS)
            before = found[name]
            found[name] = (before[0] + latencies, before[1] + errors, before[2] + seconds)
    return found


async def ticker_names(port: int) -> list[str]:
    from ziggy_async.sample import sample_universe

    names = [symbol for symbol, _ in sample_universe() if not symbol.startswith("^")]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.loads(await get(reader, writer, FEATURES.format(names[-1])))
    assert body["status"] == "ok", body
    writer.close()
    return names[:TICKERS]


async def load(port: int, path: Callable[[], str], seconds: float) -> tuple[list[float], int, float]:
    latencies: list[float] = []
    began = time.perf_counter()
    outcomes = await asyncio.gather(
        *(ask(port, path, began + seconds, latencies) for _ in range(CONNECTIONS)), return_exceptions=True
    )
    errors = sum(outcome if isinstance(outcome, int) else 1 for outcome in outcomes)
    return latencies, errors, time.perf_counter() - began


async def ask(port: int, path: Callable[[], str], end: float, latencies: list[float]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    read = partial(get, reader, writer)
    errors = 0
    while (began := time.perf_counter()) < end:
        try:
            await read(path())
        except ValueError:
            errors += 1
        latencies.append(time.perf_counter() - began)
    writer.close()
    return errors


async def get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> bytes:
    """The body of the answer; `ValueError` unless it is 200."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
    body = await reader.readexactly(length)
    if not head.startswith("http/1.1 200"):
        raise ValueError(head.split("\r\n")[0])
    return body
