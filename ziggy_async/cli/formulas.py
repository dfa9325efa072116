"""`ziggy-async indicators` and `ziggy-async history`: the catalog, and formulas through time into a file."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ziggy_async.cli.layout import Table
from ziggy_async.cli.market import load_named, load_sample
from ziggy_async.cli.output import complain, print_json, print_table, write_out
from ziggy_async.duckdb_thread import Connection, with_connection
from ziggy_async.export import named_where_it_fails
from ziggy_async.features import FeatureSet, FeatureTable
from ziggy_async.features.catalog import Row, number_text, rows, types_among, usage_of
from ziggy_async.messages import nearest, shown
from ziggy_async.store import MOST_CAPACITY, BarStore, symbol_of

NAMED = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)(.*)", re.DOTALL)
"""A feature with a name of its own, NAME=FORMULA."""
FORMATS = {".parquet": "PARQUET", ".csv": "CSV"}


def indicators(arguments: argparse.Namespace) -> None:
    """Prints the catalog, or all that it says of one indicator."""
    found = sorted(rows().values(), key=lambda row: (row.group, row.name)) if arguments.name is None else []
    if arguments.json:
        described = (
            as_json(row_called(arguments.name)) if arguments.name else {"indicators": [as_json(row) for row in found]}
        )
        print_json(described)
    else:
        print_table(row_table(row_called(arguments.name)) if arguments.name else catalog_table(found))


def row_called(name: str) -> Row:
    """Returns the row of that name, ours or TA-Lib's, in any case."""
    for row in rows().values():
        if name.lower() in (row.name, (row.talib or "").lower()):
            return row
    raise ValueError(f"no indicator {name!r}{nearest(name, rows())}")


def catalog_table(found: Sequence[Row]) -> Table:
    columns = ("call", "group", "TA-Lib", "what it is")
    table = Table(columns, frozenset(columns), sentences=True)
    for row in found:
        table.add((usage_of(row), row.group, row.talib or "", row.summary))
    return table


def row_table(row: Row) -> Table:
    columns = ("part", "name", "TA-Lib", "what it is")
    table = Table(columns, frozenset(columns), sentences=True)
    table.add(("indicator", usage_of(row), row.talib or "", row.summary))
    for name in row.inputs:
        table.add(("input", name, "", "the column, unless inputs are given"))
    for parameter in row.parameters:
        kind = "a whole number" if parameter.whole else "a number"
        bounds = f"{kind} from {number_text(parameter.least)} to {number_text(parameter.most)}"
        if parameter.name.endswith("matype"):
            bounds = f"a type of moving average: {types_among(rows())}"
        table.add(
            ("parameter", parameter.name, parameter.talib, f"{bounds}; {number_text(parameter.default)} if left out")
        )
    for at, output in enumerate(row.outputs):
        table.add(("output", output.name, output.talib, row.formulas[at] if row.formulas else ""))
    return table


def as_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "talib": row.talib,
        "group": row.group,
        "summary": row.summary,
        "inputs": row.inputs,
        "parameters": [
            {
                "name": parameter.name,
                "talib": parameter.talib,
                "whole": parameter.whole,
                "default": parameter.default,
                "least": parameter.least,
                "most": parameter.most,
            }
            for parameter in row.parameters
        ],
        "outputs": [{"name": output.name, "talib": output.talib} for output in row.outputs],
    }


def history(arguments: argparse.Namespace) -> int:
    """Writes the features at every bar into a file. Returns the exit code: 1 when a ticker is unknown, else 0."""
    path: Path = arguments.output
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path}: the name of the output ends in .parquet or .csv")
    features = feature_set(arguments.features)
    store = BarStore(MOST_CAPACITY)
    symbols = load_named(store, arguments, path) if arguments.files else load_sample(store)
    tickers = symbols if arguments.tickers is None else [symbol_of(store, each) for each in arguments.tickers]
    table = features.history(tickers, store, arguments.start, arguments.end)
    write_table(table, path)
    counts = (counted(len(table), "row"), counted(len(tickers) - len(table.missing), "ticker"))
    write_out(f"{path}: {' of '.join(counts)}, {counted(len(table.names), 'feature')}\n")
    return complain(f"no bars of {', '.join(table.missing)}") if table.missing else 0


def counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def feature_set(texts: Sequence[str]) -> FeatureSet:
    """Returns the set of the formulas, some of them as NAME=FORMULA."""
    plain: list[str] = []
    named: dict[str, str] = {}
    for text in texts:
        match = NAMED.fullmatch(text)
        if match is None:
            plain.append(text)
        elif match[1] in named:
            raise ValueError(f"two features are called {shown(match[1])}")
        else:
            named[match[1]] = match[2]
    return FeatureSet(*plain, **named)


def write_table(table: FeatureTable, path: Path) -> None:
    """Writes the table as the ending of the file's name says, timestamps in UTC and without a zone. Raises `ValueError`
    when it cannot be written."""
    target = "'" + str(path).replace("'", "''") + "'"

    def write(connection: Connection) -> None:
        connection.register("features", table)
        connection.register("times", {"timestamp": table.timestamps})  # DuckDB's times with a zone have no nanoseconds
        rows = "SELECT features.* REPLACE (times.timestamp AS timestamp) FROM features POSITIONAL JOIN times"
        connection.execute(f"COPY ({rows}) TO {target} (FORMAT {FORMATS[path.suffix.lower()]})")

    with named_where_it_fails(str(path)):
        with_connection(write)
