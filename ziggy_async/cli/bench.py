"""`ziggy-async bench`: plain NumPy in the loop beside the package, as the REST interface's benchmarks compare them."""

import argparse
import asyncio

from ziggy_async.cli.layout import Table
from ziggy_async.cli.output import print_json, print_table, progress
from ziggy_async.latency_benchmark import (
    ComparisonResult,
    run_feature_computation_benchmark,
    run_signal_generation_benchmark,
)
from ziggy_async.latency_benchmark.results import BenchmarkResult
from ziggy_async.regression import baseline as files
from ziggy_async.regression.measurement import PROCESSES, ROUNDS, collect

COMPARISONS = {
    "features": run_feature_computation_benchmark,
    "signals": run_signal_generation_benchmark,
}
COLUMNS = (
    *("of a ticker", "way", "ms", "p50", "p95", "p99", "a second"),
    *("lag p95", "lag max", "ping p95", "ping max", "done"),
)


def bench(arguments: argparse.Namespace) -> None:
    if arguments.save is not None:
        files.refuse_unwritable(arguments.save)
    steps = len(COMPARISONS) + (PROCESSES * ROUNDS if arguments.save is not None else 0)
    found: dict[str, ComparisonResult] = {}
    with progress("Measuring", steps) as done:
        for name, comparison in COMPARISONS.items():
            found[name] = asyncio.run(comparison(arguments.operations))
            done()
        if arguments.save is not None:
            files.write(arguments.save, files.Baseline.of_here(collect(done=done)))
    if arguments.json:
        compared = {name: comparison.to_dict() for name, comparison in found.items()}
        print_json({"operations": arguments.operations, "comparisons": compared})
        return
    print_table(comparison_table(arguments.operations, found))


def comparison_table(operations: int, found: dict[str, ComparisonResult]) -> Table:
    table = Table(COLUMNS, frozenset({"of a ticker", "way"}))
    for name, comparison in found.items():
        table.add((name, "NumPy, in the loop", *figures(comparison.baseline)))
        table.add((name, "ziggy_async", *figures(comparison.optimized)), "bold")
    asked = f"{operations} ticker{'s' * (operations != 1)}"
    table.notes += [
        f"{asked} asked for at once; all in ms.",
        "Lag: how late a timer of the loop came. Ping: how long one from another thread had to wait.",
        *(f"{name}: {comparison.summary}." for name, comparison in found.items()),
    ]
    return table


def figures(result: BenchmarkResult) -> tuple[str, ...]:
    latencies = (result.avg_latency_ms, result.p50_latency_ms, result.p95_latency_ms, result.p99_latency_ms)
    lags = (
        *(result.event_loop_lag_p95_ms, result.event_loop_lag_max_ms),
        *(result.event_loop_ping_p95_ms, result.event_loop_ping_max_ms),
    )
    return (
        *(f"{value:.3f}" for value in latencies),
        f"{result.throughput_ops_per_sec:,.0f}",
        *(f"{value:.2f}" for value in lags),
        f"{result.success_rate:g} %",
    )
