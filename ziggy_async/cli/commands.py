"""The commands. Each takes its parsed arguments; a user's mistake is a `ValueError` that says what is wrong."""

import argparse
import asyncio
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from ziggy_async import _core
from ziggy_async._version import __version__
from ziggy_async.async_features import TaskPoolConfig
from ziggy_async.bridge import wake
from ziggy_async.cli.layout import Table
from ziggy_async.cli.market import cost, load_bars, timed
from ziggy_async.cli.output import as_of, complain, figure, print_csv, print_json, print_table
from ziggy_async.environment import choice
from ziggy_async.market_brain.features import async_get_multiple_ticker_features
from ziggy_async.sample import sample_universe
from ziggy_async.store import default_store

SIDE_BY_SIDE = 6
"""Tickers whose 26 figures are shown as columns; of more tickers, a few figures as rows."""
INSTRUCTION_SETS = ("scalar", "avx2", "avx512")
OVERVIEW = ("close", "price_change_1d", "rsi_14", "z_score_20", "adx_14", "atr_14", "volatility_20d", "slope_20d")


def features(arguments: argparse.Namespace) -> int:
    """Prints the figures. Returns the exit code: 1 when a ticker is unknown, else 0."""
    asked = load_bars(arguments)
    figures, seconds, lag = timed(lambda: async_get_multiple_ticker_features(asked.tickers))
    if arguments.json:
        print_json({"features": list(figures.values()), "seconds": seconds, "lag_ms": lag.to_dict()})
    elif arguments.csv:
        names = list(dict.fromkeys(name for values in figures.values() for name in values))
        print_csv(names, ([values.get(name) for name in names] for values in figures.values()))
    else:
        table = figure_table(figures) if len(figures) <= SIDE_BY_SIDE else overview_table(figures)
        table.notes.append(cost(len(figures), seconds, lag))
        print_table(table)
    return complain(asked.complaint()) if asked.unknown else 0


def check_environment() -> None:
    """Says what is wrong with a variable before anything is done. Raises `ConfigurationError`."""
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


def figure_table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """Returns a row for each figure, a column for each ticker."""
    names = dict.fromkeys(name for values in figures.values() for name in values if name != "ticker")
    table = Table(("feature", *figures), frozenset({"feature"}), in_blocks=True)
    for name in names:
        table.add((name, *(figure(values.get(name)) for values in figures.values())))
    return table


def overview_table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """Returns a row for each ticker, a column for each of the figures that are looked at first."""
    table = Table(("ticker", "as of", *OVERVIEW, "status"), frozenset({"ticker", "as of", "status"}))
    for ticker, values in figures.items():
        table.add((ticker, as_of(values), *(figure(values.get(name)) for name in OVERVIEW), values["status"]))
    table.notes.append("All figures: --json, --csv, or a few --tickers.")
    return table
