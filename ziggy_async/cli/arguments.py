"""What may stand behind `ziggy-async`."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from ziggy_async._version import __version__
from ziggy_async.cli import commands
from ziggy_async.cli.output import encoding_of, shown

FILES = """CSV or Parquet; without a symbol column the symbol is the start of the file's name (SPY_daily.csv), or it is
given as SYMBOL=path. No file: a made-up market of 500 tickers"""


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

    doctor = choices.add_parser("doctor", help="what this installation runs on")
    add_json(doctor)
    doctor.set_defaults(run=commands.doctor)
    return parser.parse_args(argv)


def add_bars(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help=FILES)
    parser.add_argument("--tickers", type=ticker_list, metavar="A,B", help="these alone, in this order")
    parser.add_argument("--unit", choices=("s", "ms", "us", "ns"), help="of timestamps that are whole numbers")
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def ticker_list(text: str) -> list[str]:
    tickers = [ticker.strip() for ticker in text.split(",")]
    if not all(tickers):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of tickers like SPY,MSFT")
    return tickers
