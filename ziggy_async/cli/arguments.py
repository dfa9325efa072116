"""What may stand behind `ziggy-async`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from ziggy_async._version import __version__
from ziggy_async.cli import commands
from ziggy_async.cli.bench import bench
from ziggy_async.cli.output import encoding_of, shown
from ziggy_async.cli.regress import regress

FILES = """CSV or Parquet; without a symbol column the symbol is the start of the file's name (SPY_daily.csv), or it is
given as SYMBOL=path. No file: a made-up market of 500 tickers"""

MOST_OPERATIONS = 100_000


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as for every other mistake."""
        self.exit(2, shown(f"{self.prog}: {message}; see {self.prog} --help", encoding_of(sys.stderr)) + "\n")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command's arguments; `run` is the function that carries it out. Exits with 2 when they are wrong."""
    parser = Parser(prog="ziggy-async", description="Trading indicators and signals, computed off the event loop.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    choices = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    signals = choices.add_parser("signals", help="trading signals of a watchlist")
    add_bars(signals)
    signals.add_argument("--all", action="store_true", help="also show the tickers without a signal")
    signals.set_defaults(run=commands.signals)

    features = choices.add_parser("features", help="the figures that signals are made from")
    add_bars(features)
    features.set_defaults(run=commands.features)

    serve = choices.add_parser("serve", help="features, signals and the computer's health over HTTP")
    add_market(serve, "the watchlist: for requests that name no tickers")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    serve.add_argument("--port", type=port_number, default=8000, help="0: one that is free (%(default)s)")
    serve.add_argument("--workers", type=int, metavar="N", help="threads for blocking work (ASYNC_FEATURES_WORKERS)")
    serve.set_defaults(run=commands.serve)

    doctor = choices.add_parser("doctor", help="what this installation runs on")
    add_json(doctor)
    doctor.set_defaults(run=commands.doctor)

    add_bench(choices.add_parser("bench", help="what the package takes, beside plain NumPy in the loop"))
    add_regress(choices.add_parser("regress", help="whether the package became slower than it was for a baseline"))
    return parser.parse_args(argv)


def add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operations", type=operations, default=100, metavar="N", help="at once, 1 to 100000 (100)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="also measure a baseline for regress: half a minute")
    add_json(parser)
    parser.set_defaults(run=bench)


def add_regress(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="the samples to compare with")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the samples of now there, to be a baseline")
    parser.add_argument("--update", action="store_true", help="write them into the baseline, which may not exist yet")
    add_json(parser)
    parser.set_defaults(run=regress)


def add_bars(parser: argparse.ArgumentParser) -> None:
    add_market(parser, "these alone, in this order")
    add_json(parser)


def add_market(parser: argparse.ArgumentParser, tickers: str) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help=FILES)
    parser.add_argument("--tickers", type=ticker_list, metavar="A,B", help=tickers)
    parser.add_argument("--unit", choices=("s", "ms", "us", "ns"), help="of timestamps that are whole numbers")


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def operations(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_OPERATIONS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST_OPERATIONS}")
    return int(text)


def ticker_list(text: str) -> list[str]:
    tickers = [ticker.strip() for ticker in text.split(",")]
    if not all(tickers):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of tickers like SPY,MSFT")
    return tickers


def port_number(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to 65535")
    return int(text)
