"""`ziggy-async regress`: whether the package became slower than it was for a baseline."""

import argparse
import statistics
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from ziggy_async.cli.layout import Table
from ziggy_async.cli.output import print_json, print_table, progress
from ziggy_async.regression import baseline as files
from ziggy_async.regression.baseline import Baseline
from ziggy_async.regression.comparison import Change, Samples, compare, confirmed, refuse_without_statistics
from ziggy_async.regression.measurement import PROCESSES, ROUNDS, collect
from ziggy_async.regression.workloads import BENCHMARKS

STYLES = {"worse": "red", "better": "green"}
COLUMNS = ("benchmark", "baseline us", "now us", "change", "by reference", "p", "verdict")


def regress(arguments: argparse.Namespace) -> int:
    """Returns the exit code: 1 when something became slower, else 0."""
    start = time.perf_counter()
    before = baseline_of(arguments)
    now = measured("Measuring", BENCHMARKS)
    changes = looked_at_twice(before.samples, now) if before is not None else []
    for path in targets(arguments):
        files.write(path, Baseline.of_here(now))
    warnings = before.warnings() if before is not None else []
    for warning in warnings:
        print(f"ziggy-async: warning: {warning}", file=sys.stderr)
    worse = [change.name for change in changes if change.verdict == "worse"]
    if arguments.json:
        listed = [change.to_dict() for change in changes]
        seconds = time.perf_counter() - start
        print_json({"regressions": worse, "benchmarks": listed, "warnings": warnings, "seconds": seconds})
    else:
        print_table(change_table(changes, now))
    return 1 if worse else 0


def baseline_of(arguments: argparse.Namespace) -> Baseline | None:
    """Returns the baseline, or None where only samples are to be written. Refuses beforehand what would fail in the
    end."""
    for path in targets(arguments):
        files.refuse_unwritable(path)
    baseline: Path | None = arguments.baseline
    if baseline is None and arguments.save is None:
        raise ValueError("say with which --baseline FILE to compare, or where to --save FILE the samples of one")
    if baseline is None or (arguments.update and not baseline.exists()):
        return None
    found = files.read(baseline)
    if not found.samples.keys() & BENCHMARKS.keys():
        raise ValueError(f"{baseline} has samples of other benchmarks: there is nothing to compare")
    refuse_without_statistics()
    return found


def targets(arguments: argparse.Namespace) -> list[Path]:
    """Returns where the samples are to be written."""
    if arguments.update and arguments.baseline is None:
        raise ValueError("--update needs the --baseline FILE that is to be updated")
    updated = [arguments.baseline] if arguments.update else []
    return [path for path in (*updated, arguments.save) if path is not None]


def measured(doing: str, names: Collection[str]) -> dict[str, Samples]:
    with progress(doing, PROCESSES * ROUNDS) as done:
        return collect(names, done)


def looked_at_twice(before: Mapping[str, Samples], now: Mapping[str, Samples]) -> list[Change]:
    """Returns the changes; what became slower has done so twice."""
    changes = compare(before, now)
    suspects = [change.name for change in changes if change.verdict == "worse"]
    if not suspects:
        return changes
    return confirmed(changes, compare(before, measured("Measuring again what seems slower", suspects)))


def change_table(changes: list[Change], now: Mapping[str, Samples]) -> Table:
    table = Table(COLUMNS, frozenset({"benchmark", "verdict"}))
    for change in changes:
        table.add(
            (
                *(change.name, microseconds(change.before), microseconds(change.now)),
                *(percent(change.ratio), percent(change.paced_ratio), f"{change.p:.4f}", change.verdict),
            ),
            STYLES.get(change.verdict),
        )
    for name in [name for name in now if name not in {change.name for change in changes}]:
        table.add((name, "", microseconds(statistics.median(now[name].seconds)), "", "", "", "new"))
    worse = [change.name for change in changes if change.verdict == "worse"]
    table.notes.append(f"Slower: {', '.join(worse)}." if worse else "Nothing became slower." if changes else "Saved.")
    return table


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.2f}"


def percent(ratio: float) -> str:
    return f"{100.0 * (ratio - 1.0):+.1f} %"
