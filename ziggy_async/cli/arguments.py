"""The arguments of `ziggy-async`."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ziggy_async._version import __version__
from ziggy_async.cli import commands, monitoring
from ziggy_async.cli.bench import bench
from ziggy_async.cli.chart import chart
from ziggy_async.cli.formulas import history, indicators
from ziggy_async.cli.help import LANGUAGE, QUEUE, READING, REQUESTS, SERVING, TROUBLE, VERIFICATION
from ziggy_async.cli.parser import Parser
from ziggy_async.cli.regress import regress
from ziggy_async.cli.screen import screen
from ziggy_async.cli.signals import MANY, SORTS, signals
from ziggy_async.cli.verify import verify
from ziggy_async.environment import is_number
from ziggy_async.market_brain.regime import MARKET, RegimeState
from ziggy_async.messages import shown
from ziggy_async.reading.options import DATE_ORDERS, UNITS

FILES = """files of bars: CSV, Parquet, or - for standard input; without a symbol column the symbol is the start of the
file's name (SPY_daily.csv), or it is given as SYMBOL=path. Without a file: a made-up market of 500 tickers and
^VIX"""

MOST_OPERATIONS = 100_000
RAW = argparse.RawDescriptionHelpFormatter


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Returns the command's arguments; `run` is the function that carries it out. Exits with 2 when they are wrong."""
    parser = Parser(
        prog="ziggy-async",
        description="Trading indicators and signals, computed off the event loop.",
        epilog=READING,
        formatter_class=RAW,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands_of(parser.add_subparsers(title="commands", required=True, metavar="COMMAND"))
    return parser.parse_args(argv)


def commands_of(choices: "argparse._SubParsersAction[Parser]") -> None:
    """Adds a parser for each command."""

    def command(name: str, summary: str, **options: Any) -> Parser:
        sentence = f"{summary[0].upper()}{summary[1:]}."
        return choices.add_parser(name, help=summary, **{"description": sentence, **options})

    add_signals(
        command(
            "signals",
            "shows the trading signals of a watchlist, the most confident ones first",
            example="ziggy-async signals prices.csv --tickers spy,msft --sort=-rsi --param mr_rsi_oversold=35 --json",
        )
    )
    features = command(
        "features",
        "shows the figures that signals are made from",
        example="cat prices.csv | ziggy-async features - --csv",
    )
    add_bars(features)
    features.set_defaults(run=commands.features)
    add_serve(
        command(
            "serve",
            "serves features, signals, a page and the computer's health over HTTP",
            description=SERVING,
            epilog=f"{REQUESTS}\n{QUEUE}",
            formatter_class=RAW,
        )
    )
    doctor = command(
        "doctor",
        "shows what this installation runs on; its help says what to do about trouble",
        epilog=TROUBLE,
        formatter_class=RAW,
    )
    add_json(doctor)
    doctor.set_defaults(run=commands.doctor)
    add_indicators(command("indicators", "shows what formulas can call", epilog=LANGUAGE, formatter_class=RAW))
    add_screen(
        command(
            "screen",
            "shows the tickers for which a formula holds on their last bar",
            example="ziggy-async screen 'rsi(14) < 30 and close > sma(200)' prices.csv --show 'rsi(14)' --top 10",
        )
    )
    add_history(
        command(
            "history",
            "writes formulas at every bar into a file",
            example="ziggy-async history prices.csv --features 'rsi(14)' 'up=close > sma(20)' -o out.parquet",
        )
    )
    add_chart(
        command(
            "chart",
            "draws one ticker's candles with formulas, in the terminal or into a file",
            example="ziggy-async chart --ticker spy --features 'bbands()' --pane 'rsi(14)' --signals -o spy.html",
        )
    )
    add_verify(
        command(
            "verify",
            "checks that formulas give the same bits in every way and do not look ahead",
            description=VERIFICATION,
            formatter_class=RAW,
            example="ziggy-async verify 'ema(macd().signal, 9)' prices.csv",
        )
    )
    grafana = command("grafana", "prints a dashboard for Grafana to import, of the figures at /prometheus")
    grafana.set_defaults(run=monitoring.grafana)
    alerts = command("alerts", "prints a rule file for Prometheus: alerts by the limits of /health")
    alerts.set_defaults(run=monitoring.alerts)
    add_bench(command("bench", "measures the package beside plain NumPy in the loop"))
    add_regress(command("regress", "compares the package with a baseline; exit code 1 if it became slower"))


def add_serve(parser: argparse.ArgumentParser) -> None:
    add_market(parser, "the watchlist, for requests that name no tickers")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=port_number, default=8000, help="port to listen on; 0 takes a free one (%(default)s)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="threads for blocking work (ASYNC_FEATURES_WORKERS)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="answer to this name too, beside the addresses, the name of the host and localhost; may be repeated",
    )
    parser.add_argument(
        "--sleepers",
        type=whole_number(0),
        metavar="N",
        help="tasks of `sleep` that may run at a time (one less than there are workers at least)",
    )
    parser.set_defaults(run=commands.serve)


def add_signals(parser: argparse.ArgumentParser) -> None:
    add_bars(parser)
    parser.add_argument("--all", action="store_true", help="show the tickers without a signal too")
    parser.add_argument(
        "--top", type=whole_number(1), metavar="N", help=f"show the first N alone ({MANY} on a terminal)"
    )
    parser.add_argument(
        "--sort",
        choices=SORTS,
        metavar="BY",
        help="sort by confidence, return, close, rsi or z-score, the highest first (--sort=-rsi: the lowest first), by "
        "ticker, or keep the order given (confidence; with --tickers given)",
    )
    regimes = parser.add_mutually_exclusive_group()
    regimes.add_argument("--market", metavar="TICKER", help=f"read the regime from this ticker ({MARKET})")
    regimes.add_argument(
        "--regime",
        type=regime,
        metavar="REGIME",
        help=f"use this regime instead of the detected one: {', '.join(RegimeState)}",
    )
    parser.add_argument(
        "--param",
        type=parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of the rules, such as mr_rsi_oversold=35; may be repeated",
    )
    parser.set_defaults(run=signals)


def add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "formulas",
        nargs="*",
        default=[],
        metavar="FORMULA or FILE",
        help=f"formulas to check (every indicator, if none is given), and {FILES}",
    )
    add_reading(parser, "use the bars of these tickers")
    add_json(parser)
    parser.set_defaults(run=verify)


def add_indicators(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="show all about one indicator, by its name here or in TA-Lib"
    )
    add_json(parser)
    parser.set_defaults(run=indicators)


def add_screen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("where", metavar="FORMULA", help="condition, such as 'rsi(14) < 30 and close > sma(200)'")
    add_bars(parser)
    parser.add_argument(
        "--show", nargs="+", metavar="FORMULA", help="formulas to show beside each ticker, as NAME=FORMULA too"
    )
    parser.add_argument(
        "--sort",
        metavar="FORMULA",
        help="sort by a formula or a NAME, the least first (--sort='-rsi(14)': the greatest first)",
    )
    parser.add_argument(
        "--top", type=whole_number(1), metavar="N", help=f"show the first N alone ({MANY} on a terminal)"
    )
    parser.set_defaults(run=screen)


def add_history(parser: argparse.ArgumentParser) -> None:
    add_market(parser, "use these tickers alone, in this order")
    parser.add_argument(
        "--features", nargs="+", required=True, metavar="FORMULA", help="formulas to compute, as NAME=FORMULA too"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="write this .parquet or .csv file"
    )
    parser.add_argument("--start", metavar="TIME", help="begin with this bar: a day or time in ISO 8601")
    parser.add_argument("--end", metavar="TIME", help="end with this bar")
    parser.set_defaults(run=history)


def add_chart(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", default=[], metavar="FILE", help=FILES)
    parser.add_argument("--ticker", metavar="A", help="draw this ticker; may be left out where there is one alone")
    parser.add_argument(
        "--features", nargs="+", default=[], metavar="FORMULA", help="draw formulas over the candles, such as bbands()"
    )
    parser.add_argument(
        "--pane",
        nargs="+",
        action="append",
        default=[],
        metavar="FORMULA",
        help="draw formulas below the candles, in a pane of their own; may be repeated",
    )
    parser.add_argument("--signals", action="store_true", help="mark what the signal rules said at each bar")
    parser.add_argument("--start", metavar="TIME", help="begin with this bar: a day or time in ISO 8601")
    parser.add_argument("--bars", type=whole_number(1), metavar="N", help="draw the newest N bars alone")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write this .html file, or .png, which needs Chromium or Chrome",
    )
    add_options_of_files(parser)
    parser.set_defaults(run=chart)


def add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--operations",
        type=whole_number(1, MOST_OPERATIONS),
        default=100,
        metavar="N",
        help="operations at once, 1 to 100000 (100)",
    )
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="measure a baseline for regress too, which takes half a minute"
    )
    add_json(parser)
    parser.set_defaults(run=bench)


def add_regress(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="compare with the samples of this file")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="write the samples of now into this file, as a baseline"
    )
    parser.add_argument(
        "--update", action="store_true", help="write the samples of now into the baseline, which may not exist yet"
    )
    add_json(parser)
    parser.set_defaults(run=regress)


def add_bars(parser: argparse.ArgumentParser) -> None:
    add_market(parser, "use these tickers alone, in this order")
    formats = parser.add_mutually_exclusive_group()
    add_json(formats)
    formats.add_argument("--csv", action="store_true", help="print comma-separated values instead of a table")


def add_market(parser: argparse.ArgumentParser, tickers: str) -> None:
    parser.add_argument("files", nargs="*", default=[], metavar="FILE", help=FILES)
    add_reading(parser, tickers)


def add_reading(parser: argparse.ArgumentParser, tickers: str) -> None:
    """Adds how files are read, and which of their tickers count."""
    parser.add_argument("--tickers", type=ticker_list, metavar="A,B", help=tickers)
    add_options_of_files(parser)


class Joined(argparse.Action):
    """Gathers the values of an option that is given several times."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        known = getattr(namespace, self.dest) or {}
        for role in known.keys() & values:
            raise argparse.ArgumentError(self, f"{shown(role)} is given twice")
        setattr(namespace, self.dest, {**known, **values})


def add_options_of_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unit", choices=tuple(UNITS), help="unit of timestamps that are whole numbers, where they do not tell"
    )
    parser.add_argument(
        "--dates", choices=DATE_ORDERS, help="order of day, month and year in dates, where they do not tell"
    )
    parser.add_argument(
        "--columns",
        action=Joined,
        type=column_names,
        metavar="ROLE=NAME,...",
        help="names of columns, such as close=adjClose; numbers in a file without names, such as close=5",
    )
    parser.add_argument("--no-volume", action="store_true", help="read no volume, and count it as 0")
    parser.add_argument(
        "--price-scale", type=scale, metavar="X", help="multiply whole-number prices by X, such as 1e-9"
    )
    parser.add_argument("--skip-invalid", action="store_true", help="leave out invalid rows, and count them")


def add_json(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def whole_number(least: int, most: int = 999_999_999) -> Callable[[str], int]:
    """Returns the type of an argument that is a whole number between the two."""

    def read(text: str) -> int:
        if not (is_number(text) and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def regime(text: str) -> RegimeState:
    for state in RegimeState:
        if state.lower() == text.lower():
            return state
    raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(RegimeState)}")


def parameter(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE with a number as the value") from None


def column_names(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(role and name for role, _, name in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like close=adjClose,volume=shares")
    names: dict[str, str] = {}
    for role, name in ((role.strip(), name.strip()) for role, _, name in pairs):
        if role in names:
            raise argparse.ArgumentTypeError(f"{shown(role)} is given twice")
        names[role] = name
    return names


def scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def ticker_list(text: str) -> list[str]:
    tickers = [ticker.strip() for ticker in text.split(",")]
    if not all(tickers):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of tickers like SPY,MSFT")
    return tickers


def port_number(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)
