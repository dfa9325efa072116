"""`ziggy-async verify`: whether formulas keep what they promise, on these bars."""

import argparse
import time

import numpy as np

from ziggy_async.cli.layout import Table
from ziggy_async.cli.market import is_file, load_bars
from ziggy_async.cli.output import print_json, print_table, progress
from ziggy_async.features import verification
from ziggy_async.features.verification import CHECKS, KEPT, NONE, Bars, Subject
from ziggy_async.store import default_store

TICKERS = 11
"""Tickers that are computed side by side: more than there are lanes, and no multiple of them."""
STAGGER = 13
"""Bars by which each ticker is shorter than the one before, so that none begins or ends with another."""
FAULTY = "FAILED"


def verify(arguments: argparse.Namespace) -> int:
    """Returns the exit code: 1 when a formula does not keep something, else 0."""
    start = time.perf_counter()
    formulas = [text for text in arguments.formulas if not is_file(text)]
    arguments.files = [text for text in arguments.formulas if is_file(text)]
    asked = load_bars(arguments)
    if asked.unknown:
        raise ValueError(asked.complaint())
    market = market_of(asked.tickers)
    formulas = formulas or verification.catalog_formulas()
    long = verification.long_series(market)
    found: dict[str, dict[str, str]] = {}
    remarks = []
    with progress("Verifying", len(formulas)) as done:
        for formula in formulas:
            subject = Subject(formula, market, long)
            found[formula] = verification.verify(subject)
            remarks += remarks_on(subject)
            done()
    faults = {formula: faults_of(each) for formula, each in found.items() if faults_of(each)}
    seconds = time.perf_counter() - start
    if arguments.json:
        listed = [{"formula": formula, "checks": each} for formula, each in found.items()]
        print_json({"failed": list(faults), "formulas": listed, "tickers": len(market), "seconds": seconds})
    else:
        print_table(table_of(found, faults, [*remarks, summary_of(found, faults, market, seconds)]))
    return 1 if faults else 0


def market_of(tickers: list[str]) -> list[Bars]:
    """Returns the bars of the first tickers, each a little shorter than the one before."""
    market = []
    for at, ticker in enumerate(tickers[:TICKERS]):
        columns = default_store().bars(ticker)
        times = columns.pop("timestamp").astype("datetime64[ns]").astype(np.int64)
        bars = Bars(ticker, times, columns)
        market.append(bars.rows(slice(min(at * STAGGER, len(bars) // 2), None)))
    return market


def faults_of(found: dict[str, str]) -> dict[str, str]:
    return {name: said for name, said in found.items() if said not in (KEPT, NONE)}


def remarks_on(subject: Subject) -> list[str]:
    """Returns what to say of a formula of which no value could be compared."""
    first, most = subject.lookback, len(subject.longest)
    if first < most:
        return []
    return [f"{subject.formula} has its first value after {first:,} bars; no ticker has more than {most:,}."]


def table_of(found: dict[str, dict[str, str]], faults: dict[str, dict[str, str]], notes: list[str]) -> Table:
    columns = ("formula", *CHECKS)
    table = Table(columns, frozenset(columns))
    for formula, each in found.items():
        failed = formula in faults
        row = [said if said in (KEPT, NONE) else FAULTY for said in each.values()]
        table.add((formula, *row), "red" if failed else None)
    table.notes += [f"{formula}, {name}: {said}" for formula, each in faults.items() for name, said in each.items()]
    table.notes += notes
    return table


def summary_of(
    found: dict[str, dict[str, str]], faults: dict[str, dict[str, str]], market: list[Bars], seconds: float
) -> str:
    bars, tickers = sum(map(len, market)), len(market)
    return (
        f"{len(found)} formula{'s' * (len(found) != 1)} on {bars} bar{'s' * (bars != 1)} of {tickers} "
        f"ticker{'s' * (tickers != 1)} in {seconds:.1f} s: {len(faults) or 'none'} failed."
    )
