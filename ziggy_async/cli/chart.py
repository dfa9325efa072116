"""`ziggy-async chart`: one ticker's candles, in the terminal or as a file."""

import argparse
import shutil
import sys
from collections.abc import Sequence

from ziggy_async.charts.chart import chart_of
from ziggy_async.charts.terminal import drawn
from ziggy_async.cli.market import load_named, load_sample, with_nearest
from ziggy_async.cli.output import complain, encoding_of, shown, write_out
from ziggy_async.store import MOST_CAPACITY, BarStore, symbol_of

SIZE = (100, 36)
"""Columns and rows where the output is not a terminal."""


def chart(arguments: argparse.Namespace) -> int:
    """Draws the chart. Returns the exit code: 1 when the ticker is unknown, else 0."""
    store = BarStore(MOST_CAPACITY)
    symbols = load_named(store, arguments, arguments.output) if arguments.files else load_sample(store)
    ticker = symbol_of(store, ticker_of(arguments, symbols))
    if ticker not in store:
        return complain(f"no bars of {with_nearest(ticker, symbols)}")
    made = chart_of(
        store,
        ticker,
        arguments.features,
        arguments.pane,
        signals=arguments.signals,
        start=arguments.start,
        bars=arguments.bars,
    )
    if arguments.output is None:
        is_screen = sys.stdout.isatty()
        columns, rows = shutil.get_terminal_size(SIZE) if is_screen else SIZE
        encoding = encoding_of(sys.stdout)
        lines = drawn(made, columns, rows, is_screen)
        write_out("\n".join(line.encode(encoding, "replace").decode(encoding) for line in lines) + "\n")
        return 0
    try:
        made.save(arguments.output)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    except OSError as error:
        raise ValueError(f"{arguments.output}: cannot be written: {error.strerror or error}") from error
    write_out(shown(f"{arguments.output}: {len(made.series)} bars of {ticker}", encoding_of(sys.stdout)) + "\n")
    return 0


def ticker_of(arguments: argparse.Namespace, symbols: Sequence[str]) -> str:
    """Raises `ValueError` where there are several, and none is named."""
    if arguments.ticker is None and len(symbols) != 1:
        raise ValueError(f"--ticker says whose chart it is: there are {len(symbols)} tickers")
    return str(symbols[0] if arguments.ticker is None else arguments.ticker)
