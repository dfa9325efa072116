"""Runs the benchmarks named on the command line, or all but those that take minutes and gigabytes; prints them and
writes JSON with the machine beside them."""

import argparse
import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import (
    append_universe,
    cross_sections,
    dask_workers,
    gather,
    indicators,
    lag,
    large,
    live,
    load,
    many_series,
    memory,
    operations,
    overhead,
    page,
    rest,
    screen,
    set_lag,
    set_making,
    sets,
    short_operations,
    single,
    snapshot,
    watchlist,
)
from benchmarks.harness import Report, machine

BENCHMARKS: dict[str, Callable[[], Coroutine[Any, Any, Report]]] = {
    "watchlist": watchlist.run,
    "gather": gather.run,
    "single": single.run,
    "lag": lag.run,
    "live": live.run,
    "load": load.run,
    "append_universe": append_universe.run,
    "cross_sections": cross_sections.run,
    "snapshot": snapshot.run,
    "indicators": indicators.run,
    "series": many_series.run,
    "sets": sets.run,
    "set_lag": set_lag.run,
    "set_making": set_making.run,
    "memory": memory.run,
    "operations": operations.run,
    "overhead": overhead.run,
    "page": page.run,
    "rest": rest.run,
    "screen": screen.run,
    "short_operations": short_operations.run,
}
ON_REQUEST: dict[str, Callable[[], Coroutine[Any, Any, Report]]] = {
    "dask": dask_workers.run,
    "large": large.run,
    "million": large.run_million,
}
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = BENCHMARKS | ON_REQUEST
    choice = f"of {', '.join(BENCHMARKS)}; or, by name alone, {', '.join(ON_REQUEST)}"
    parser.add_argument("names", nargs="*", metavar="name", help=choice)
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    reports = []
    for name in names:
        # A loop of its own for each, so that none inherits another's threads and timers.
        reports.append(asyncio.run(known[name]()))
        print(reports[-1].text(), flush=True)
    print("Written to", write(reports))


def write(reports: list[Report]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    content = {"machine": machine(), "benchmarks": [asdict(report) for report in reports]}
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


main()
