"""Making a set of thirty formulas: the first one of a process, and another one after it."""

import json
import statistics
import subprocess
import sys

from benchmarks.harness import Report
from benchmarks.set_lag import THIRTY

PROCESSES = 9
SCRIPT = """
import json, sys, time
from ziggy_async import FeatureSet
formulas = json.loads(sys.argv[1])
seconds = []
for _ in range(20):
    start = time.perf_counter()
    FeatureSet(*formulas)
    seconds.append(time.perf_counter() - start)
print(json.dumps([seconds[0], sorted(seconds[1:])[len(seconds) // 2]]))
"""


async def run() -> Report:
    pairs = [measure() for _ in range(PROCESSES)]
    cold, warm = (statistics.median(each) * 1e3 for each in zip(*pairs, strict=True))
    report = Report("set_making", f"FeatureSet of {len(THIRTY)} formulas")
    report.add("the first one of a process", cold, "ms", "at most 3")
    report.add("another one", warm, "ms", "at most 1")
    return report


def measure() -> tuple[float, float]:
    """Seconds of the first set of a fresh process, and of a later one."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(THIRTY)]
    cold, warm = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return cold, warm
