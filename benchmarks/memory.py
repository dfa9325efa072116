"""What 100,000 symbols of 252 bars take, beside the 48 bytes that a bar is made of."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness import Report, alone
from ziggy_async.store import BarStore

SYMBOLS, BARS = 100_000, 252
BARE, BAR_BYTES = "a timestamp and five doubles", 48


async def run() -> Report:
    loaded, grown = await alone(partial(measure, SYMBOLS, BARS))
    report = Report("memory", f"{SYMBOLS:,} symbols of {BARS} bars: resident bytes a bar")
    report.add(BARE, BAR_BYTES, "bytes")
    report.add("loaded", loaded, "bytes", f"at most {2.2 * BAR_BYTES:g}", beside=BARE)
    report.add("after one more bar of each", grown, "bytes", f"at most {2.2 * BAR_BYTES:g}", beside=BARE)
    return report


def measure(symbols: int, bars: int) -> tuple[float, float]:
    """Bytes a bar after loading every symbol, and after a bar more of each."""
    names = [f"S{index:06}" for index in range(symbols)]
    days = np.datetime64("2020-01-01") + np.arange(bars + 1).astype("timedelta64[D]")
    close = 100.0 + np.arange(bars + 1) % 9
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close * 100}
    before = {"timestamp": days[:-1], **{name: column[:-1] for name, column in columns.items()}}
    last = np.tile([column[-1] for column in columns.values()], (symbols, 1))
    store = BarStore(bars + 1)
    empty = resident_bytes()
    for name in names:
        store.load(name, before)
    loaded = resident_bytes()
    store.append_cross_section(days[-1], names, last)
    grown = resident_bytes()
    return (loaded - empty) / (symbols * bars), (grown - empty) / (symbols * (bars + 1))


def resident_bytes() -> int:
    """Memory of this process that is in use now, from Linux's /proc."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
