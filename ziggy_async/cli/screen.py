"""`ziggy-async screen`: the tickers for which a formula holds on their last bar."""

import argparse
import sys
from typing import Any

from ziggy_async.cli.formulas import feature_set
from ziggy_async.cli.layout import Table
from ziggy_async.cli.market import cost, is_file, load_tickers, timed
from ziggy_async.cli.output import as_of, complain, figure, print_csv, print_json, print_table
from ziggy_async.cli.signals import MANY
from ziggy_async.features import FeatureTable, screen_async
from ziggy_async.messages import printable
from ziggy_async.plain import plain


def screen(arguments: argparse.Namespace) -> int:
    """Prints the tickers. Returns the exit code: 1 when one that was named is unknown, else 0."""
    if is_file(arguments.where):
        raise ValueError(f"a formula comes before the files: {printable(arguments.where)!r} is a file")
    features = feature_set(arguments.show) if arguments.show else None
    asked = load_tickers(arguments)
    table, seconds, lag = timed(lambda: screen_async(arguments.where, features, asked.tickers, sort=arguments.sort))
    is_screen = sys.stdout.isatty() and not (arguments.json or arguments.csv)
    top = MANY if arguments.top is None and is_screen else arguments.top
    rows = rows_of(table, top)
    if arguments.json:
        print_json({"rows": rows, "matched": len(table), "seconds": seconds, "lag_ms": lag.to_dict()})
    elif arguments.csv:
        print_csv(
            ("ticker", "as_of", *table.names),
            ([row["ticker"], row["as_of"], *row["features"].values()] for row in rows),
        )
    else:
        shown = Table(("ticker", "as of", *table.names), frozenset({"ticker", "as of"}))
        for row in rows:
            shown.add([row["ticker"], as_of(row), *map(figure, row["features"].values())])
        if len(rows) < len(table):
            shown.notes.append(f"Not shown: {len(table) - len(rows)} more; --top shows them.")
        shown.notes.append(f"{len(table)} of {cost(len(asked.tickers), seconds, lag)}")
        print_table(shown)
    return complain(asked.complaint()) if asked.unknown else 0


def rows_of(table: FeatureTable, top: int | None) -> list[dict[str, Any]]:
    """Returns the first rows; None where a formula has no value."""
    return [
        {"ticker": row.pop("symbol"), "as_of": plain(row.pop("timestamp")), "features": plain(row)}
        for row in table.rows()[:top]
    ]
