"""What the commands do. Each takes its parsed arguments; a user's mistake is a `ValueError` that says what is wrong."""

import argparse
import asyncio
import platform
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import numpy as np

from ziggy_async import _core
from ziggy_async._version import __version__
from ziggy_async.async_features import TaskPoolConfig
from ziggy_async.bridge import wake
from ziggy_async.cli.layout import Table
from ziggy_async.cli.output import print_json, print_table, progress
from ziggy_async.environment import choice
from ziggy_async.lag import LagSummary, PingLag
from ziggy_async.market_brain.features import async_get_multiple_ticker_features
from ziggy_async.market_brain.regime import RegimeResult, regime_detector
from ziggy_async.market_brain.signals import Signal, generate_signals_for_watchlist_async
from ziggy_async.sample import sample_universe
from ziggy_async.store import BarStore, default_store

T = TypeVar("T")
Answers = dict[str, dict[str, Any]]

MANY = 30
"""Tickers that still fit a screen; beyond these the ones without a signal are counted instead of shown."""
SIDE_BY_SIDE = 6
"""Tickers whose 26 figures are shown as columns; of more tickers, a few figures as rows."""
SIGNAL_COLUMNS = (
    *("ticker", "close", "RSI", "z-score", "regime", "direction"),
    *("confidence", "entry", "stop", "target", "reason"),
)
INSTRUCTION_SETS = ("scalar", "avx2", "avx512")
OVERVIEW = ("close", "price_change_1d", "rsi_14", "z_score_20", "adx_14", "atr_14", "volatility_20d", "slope_20d")


def signals(arguments: argparse.Namespace) -> None:
    tickers = load_bars(arguments)

    async def compute() -> tuple[RegimeResult, Answers]:
        regime = await regime_detector.detect_regime_async(force_refresh=True)
        return regime, await generate_signals_for_watchlist_async(tickers)

    (regime, answers), seconds, lag = timed(compute)
    if arguments.json:
        listed = [answer_as_json(answers[ticker]) for ticker in tickers]
        state = regime.regime.value
        print_json({"signals": listed, "regime": state, "seconds": seconds, "lag_ms": lag.to_dict()})
        return
    shown = [ticker for ticker in dict.fromkeys(tickers) if show_all(arguments, tickers) or answers[ticker]["signal"]]
    figures = asyncio.run(async_get_multiple_ticker_features(shown))
    table = signal_table(regime, {ticker: answers[ticker] for ticker in shown}, figures)
    table.notes += [
        *rest_note(answers, shown),
        regime.explanation,
        cost(answers, seconds, lag),
    ]
    print_table(table)


def features(arguments: argparse.Namespace) -> None:
    tickers = load_bars(arguments)
    figures, seconds, lag = timed(lambda: async_get_multiple_ticker_features(tickers))
    if arguments.json:
        print_json({"features": [figures[ticker] for ticker in tickers], "seconds": seconds, "lag_ms": lag.to_dict()})
        return
    table = figure_table(figures) if len(figures) <= SIDE_BY_SIDE else overview_table(figures)
    table.notes.append(cost(figures, seconds, lag))
    print_table(table)


def check_environment() -> None:
    """Says what is wrong with a variable before anything is done. `ConfigurationError`."""
    choice("ZIGGY_ASYNC_ISA", INSTRUCTION_SETS, "")  # the core passes over what it does not know
    wake()
    TaskPoolConfig()


def doctor(arguments: argparse.Namespace) -> None:
    store = default_store()
    store.clear()
    store.load(*next(sample_universe()))
    # The pool has threads from its first job on; this one goes the whole way there and back.
    asyncio.run(async_get_multiple_ticker_features(store.symbols()))
    cpu = _core.cpu()
    facts = {
        "version": __version__,
        "instruction_set": cpu["isa"],
        "lanes": cpu["lanes"],
        "cpus": cpu["cpus"],
        "threads": _core.pool_stats()["threads"],
        "wake": wake(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    if arguments.json:
        print_json(facts)
        return
    table = Table(("what", "value"), frozenset({"what", "value"}), sentences=True)
    for name, value in facts.items():
        table.add((name, str(value)))
    print_table(table)


def serve(arguments: argparse.Namespace) -> None:
    from ziggy_async.cli.serve import serve  # the only command that needs a web server

    serve(arguments)


def load_bars(arguments: argparse.Namespace) -> list[str]:
    """Fills the default store from the files, or with the made-up market; returns the tickers to look at, in order."""
    store = default_store()
    store.clear()
    symbols = load_named(store, arguments) if arguments.files else load_sample(store)
    if arguments.tickers is None:
        # "^" marks an index: a gauge that nobody trades.
        return [symbol for symbol in symbols if not symbol.startswith("^")] or symbols
    tickers = [ticker if ticker in store else ticker.upper() for ticker in arguments.tickers]
    unknown = [asked for asked, ticker in zip(arguments.tickers, tickers, strict=True) if ticker not in store]
    if unknown:
        raise ValueError(f"no bars for {', '.join(dict.fromkeys(unknown))}")
    return tickers


def load_named(store: BarStore, arguments: argparse.Namespace) -> list[str]:
    from ziggy_async.reading.files import DataFile, load_files

    files = [DataFile.from_argument(text) for text in arguments.files]
    with progress("Loading bars", len(files)) as done:
        return load_files(store, files, unit=arguments.unit, on_loaded=lambda _: done())


def load_sample(store: BarStore) -> list[str]:
    market = dict(sample_universe())
    with progress("Loading bars", len(market)) as done:
        for symbol, columns in market.items():
            store.load(symbol, columns)
            done()
    return list(market)


def timed(work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, float, LagSummary]:
    """The result of `work`, the seconds it took on a loop of its own, and that loop's lag meanwhile."""

    async def measure() -> tuple[T, float, LagSummary]:
        async with PingLag() as lag:
            start = time.perf_counter()
            result = await work()
            seconds = time.perf_counter() - start
        return result, seconds, lag.summary()

    return asyncio.run(measure())


def answer_as_json(answer: dict[str, Any]) -> dict[str, Any]:
    signal: Signal | None = answer["signal"]
    return {**answer, "signal": signal.to_dict() if signal is not None else None}


def show_all(arguments: argparse.Namespace, tickers: list[str]) -> bool:
    return bool(arguments.all) or arguments.tickers is not None or len(tickers) <= MANY


def signal_table(regime: RegimeResult, answers: Answers, figures: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(SIGNAL_COLUMNS, frozenset({"ticker", "regime", "direction", "reason"}), sentences=True)
    for ticker, answer in answers.items():
        now, signal = figures[ticker], answer["signal"]
        row = [ticker, *(figure(now.get(name)) for name in ("close", "rsi_14", "z_score_20")), regime.regime.value]
        if signal is None:
            table.add([*row, "", "", "", "", "", answer["reason"]], "dim")
            continue
        prices = (signal.entry_price, signal.stop_loss, signal.take_profit)
        direction = signal.direction.value
        row += [direction, f"{signal.confidence:.2f}", *map(figure, prices), signal.reason]
        table.add(row, {"LONG": "green", "SHORT": "red"}.get(direction))
    return table


def figure_table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each figure, a column for each ticker."""
    names = dict.fromkeys(name for values in figures.values() for name in values if name != "ticker")
    table = Table(("feature", *figures), frozenset({"feature"}), in_blocks=True)
    for name in names:
        table.add((name, *(figure(values.get(name)) for values in figures.values())))
    return table


def overview_table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each ticker, a column for each of the figures that are looked at first."""
    table = Table(("ticker", *OVERVIEW, "status"), frozenset({"ticker", "status"}))
    for ticker, values in figures.items():
        table.add((ticker, *(figure(values.get(name)) for name in OVERVIEW), values["status"]))
    table.notes.append("All figures: --json, or a few --tickers.")
    return table


def figure(value: object) -> str:
    """Four digits that count, at least; words and truths as they are, nothing for None."""
    if not isinstance(value, float):
        return "" if value is None else str(value)
    if abs(value) >= 1e6:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.2f}"
    return f"{value:.4f}" if value == 0 or abs(value) >= 1e-3 else f"{value:.4g}"


def rest_note(answers: Answers, shown: list[str]) -> list[str]:
    """One line on the tickers that are not shown: how many for each reason."""
    reasons = [answer["reason"] for ticker, answer in answers.items() if ticker not in set(shown)]
    if not reasons:
        return []
    counts = ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))
    return [f"{len(reasons)} more without a signal ({counts}); --all shows them."]


def cost(answers: Mapping[str, Any], seconds: float, lag: LagSummary) -> str:
    tickers = f"{len(answers)} ticker{'s' * (len(answers) != 1)}"
    return f"{tickers} in {seconds * 1e3:.1f} ms; loop lag p50 {lag.p50:.2f}, p99 {lag.p99:.2f}, max {lag.max:.2f} ms."
