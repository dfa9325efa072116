"""Bars to compute from: real ones from the folder of test data, and made ones."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DAY_NS = 86_400_000_000_000
FIRST_DAY_NS = 1_577_836_800_000_000_000
"""1 January 2020, UTC."""
FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Bars:
    """Columns of equal length; `timestamp` in int64 nanoseconds since 1970 UTC."""

    timestamp: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.close)

    def __getitem__(self, rows: slice) -> "Bars":
        return Bars(self.timestamp[rows], *(column[rows] for column in self.columns().values()))

    def columns(self) -> dict[str, Floats]:
        return {name: getattr(self, name) for name in FIELDS}

    def table(self) -> dict[str, NDArray[np.generic]]:
        """What `BarStore.load` takes."""
        return {"timestamp": self.timestamp.astype("datetime64[ns]"), **self.columns()}

    def scaled(self, factor: float) -> "Bars":
        """The same bars at other prices; volumes stay."""
        prices = (column * factor for name, column in self.columns().items() if name != "volume")
        return Bars(self.timestamp, *prices, self.volume)


def from_closes(close: Sequence[float] | Floats, spread: float = 0.01, seed: int = 0) -> Bars:
    """Daily bars with these closes; each opens at the close before and reaches up to `spread` beyond both."""
    rng = np.random.default_rng(seed)
    closes = np.asarray(close, np.float64)
    opens = np.concatenate([closes[:1], closes[:-1]])
    high = np.maximum(opens, closes) * (1.0 + spread * rng.random(len(closes)))
    low = np.minimum(opens, closes) * (1.0 - spread * rng.random(len(closes)))
    volume = np.round(rng.lognormal(13.0, 0.5, len(closes)))
    return Bars(days(len(closes)), opens, high, low, closes, volume)


def days(count: int, first: int = 0) -> NDArray[np.int64]:
    return FIRST_DAY_NS + DAY_NS * np.arange(first, first + count, dtype=np.int64)


def walk(count: int, seed: int = 0, price: float = 100.0, drift: float = 0.0003, swing: float = 0.015) -> Bars:
    """A random walk of daily closes."""
    steps = np.random.default_rng(seed).normal(drift, swing, count)
    return from_closes(price * np.exp(np.cumsum(steps)), seed=seed)


def flat(count: int, price: float = 100.0) -> Bars:
    """Every price of every bar the same."""
    column = np.full(count, price)
    return Bars(days(count), column, column, column, column, np.full(count, 1000.0))


def data_folder() -> Path | None:
    """The folder of real bars: `ZIGGY_ASYNC_TEST_DATA`, else `shared/data` beside the checkout; None when not there."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("ZIGGY_ASYNC_TEST_DATA", beside))
    return folder if folder.is_dir() else None


def read_csv(path: Path) -> Bars:
    """A file of real bars, sorted by time."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [{name.lower(): value for name, value in row.items()} for row in csv.DictReader(file)]
    times = [row.get("date") or row["timestamp"] for row in rows]
    stamps = np.array([int(_moment(time).timestamp()) * 1_000_000_000 for time in times], np.int64)
    order = np.argsort(stamps, kind="stable")
    columns = (np.array([float(row[name]) for row in rows])[order] for name in FIELDS)
    return Bars(stamps[order], *columns)


def _moment(text: str) -> datetime:
    for form in ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d %H:%M"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(f"no known form of date: {text!r}")
