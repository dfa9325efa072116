"""Signals of 500 tickers of 252 bars: awaited from us, by pandas on eight threads, by TA-Lib one after the other."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from benchmarks import application, talib_way
from benchmarks.harness import Report, alternate, fill, universe
from benchmarks.rules import Decision, decide, regime_of
from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.market_brain.signals import generate_signals_for_watchlist_async
from ziggy_async.store import default_store

TICKERS, BARS, ROUNDS = 500, 252, 5
APPLICATION_THREADS = 8
"""The application's ASYNC_FEATURES_WORKERS."""

PANDAS, TALIB = f"pandas, run_in_executor, {APPLICATION_THREADS} threads", "TA-Lib, on the loop"
TARGETS = {PANDAS: "at least 1,000 x", TALIB: "at least 20 x"}

Decisions = dict[str, Decision]


async def run() -> Report:
    market = universe(TICKERS, BARS)
    tickers = [symbol for symbol in market if symbol != "^VIX"]
    frames = {symbol: application.frame_of(columns) for symbol, columns in market.items()}
    fill(default_store(), market)
    with ThreadPoolExecutor(APPLICATION_THREADS) as threads:
        ways = {
            "ziggy_async": partial(ours, tickers),
            PANDAS: partial(by_pandas, threads, market, frames, tickers),
            TALIB: partial(by_talib, market, tickers),
            "TA-Lib, to_thread": partial(by_talib_aside, market, tickers),
        }
        answers = {name: await way() for name, way in ways.items()}
        for name, decisions in answers.items():
            refuse_difference(name, answers["ziggy_async"], decisions)
        medians = await alternate(ways, ROUNDS)
    default_store().clear()
    report = Report("watchlist", f"signals of {TICKERS} tickers of {BARS} bars, awaited; all ways agree")
    for name, seconds in medians.items():
        report.add(name, seconds * 1e3, "ms", TARGETS.get(name, ""), beside="ziggy_async")
    return report


async def ours(tickers: list[str]) -> Decisions:
    await regime_detector.detect_regime_async(force_refresh=True)
    answers = await generate_signals_for_watchlist_async(tickers)
    return {ticker: decision_of(answer["signal"]) for ticker, answer in answers.items()}


def decision_of(signal: Any) -> Decision:
    if signal is None:
        return None
    return signal.direction.value, signal.confidence, signal.stop_loss, signal.take_profit


async def by_pandas(
    threads: ThreadPoolExecutor, market: dict[str, Any], frames: dict[str, Any], tickers: list[str]
) -> Decisions:
    loop = asyncio.get_running_loop()
    gauges = await loop.run_in_executor(threads, application.market_of, market)
    figures = [loop.run_in_executor(threads, application.features, frames[ticker], *gauges) for ticker in tickers]
    return decisions_of(dict(zip(tickers, await asyncio.gather(*figures), strict=True)))


def talib_decisions(market: dict[str, Any], tickers: list[str]) -> Decisions:
    gauges = talib_way.market_of(market)
    return decisions_of({ticker: talib_way.features(market[ticker], *gauges) for ticker in tickers})


async def by_talib(market: dict[str, Any], tickers: list[str]) -> Decisions:
    return talib_decisions(market, tickers)


async def by_talib_aside(market: dict[str, Any], tickers: list[str]) -> Decisions:
    return await asyncio.to_thread(talib_decisions, market, tickers)


def decisions_of(figures: dict[str, dict[str, Any]]) -> Decisions:
    regime = regime_of(figures["SPY"])
    return {ticker: decide(values, regime) for ticker, values in figures.items()}


def refuse_difference(name: str, expected: Decisions, found: Decisions) -> None:
    """Raises unless both decide alike, figures to a millionth."""
    for ticker, decision in expected.items():
        other = found[ticker]
        alike = decision == other or (
            decision is not None
            and other is not None
            and decision[0] == other[0]
            and all(abs(a - b) <= 1e-6 * abs(a) for a, b in zip(decision[1:], other[1:], strict=True))
        )
        if not alike:
            raise AssertionError(f"{name}: {ticker} is {other}, ours {decision}")
