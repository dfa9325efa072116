"""A bar store in plain Python: a sorted list of rows for each symbol."""

import math
from collections.abc import Sequence

Row = tuple[int, float, float, float, float, float]
"""Nanoseconds, open, high, low, close, volume."""


def is_good(row: Row) -> bool:
    _, opened, high, low, close, volume = row
    if not all(math.isfinite(value) for value in row[1:]):
        return False
    return 0.0 < low <= min(opened, close) and max(opened, close) <= high and volume >= 0.0


class StoreModel:
    """Every method raises `ValueError`, and changes nothing, where the store must."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.rows: dict[str, list[Row]] = {}

    def append(self, symbol: str, row: Row) -> None:
        if not is_good(row):
            raise ValueError(f"bad bar {row}")
        kept = self.rows.get(symbol, [])
        if kept and row[0] < kept[-1][0]:
            raise ValueError(f"older than the last bar: {row}")
        if kept and row[0] == kept[-1][0]:
            kept = kept[:-1]
        self.rows[symbol] = [*kept, row][-self.capacity :]

    def append_cross_section(self, symbols: Sequence[str], rows: Sequence[Row]) -> None:
        before = dict(self.rows)
        try:
            for symbol, row in zip(symbols, rows, strict=True):
                self.append(symbol, row)
        except ValueError:
            self.rows = before
            raise

    def load(self, symbol: str, rows: Sequence[Row], skip: bool = False) -> int:
        """Returns rows skipped. A row is skipped, too, when it is not later than the last row kept; if most rows are
        older than that, the table is in no order and refused."""
        kept: list[Row] = []
        older = 0
        for row in rows:
            if is_good(row) and (not kept or row[0] > kept[-1][0]):
                kept.append(row)
            elif not skip:
                raise ValueError(f"bad row {row}")
            elif is_good(row) and row[0] < kept[-1][0]:
                older += 1
        if 2 * older > len(rows):
            raise ValueError(f"{older} of {len(rows)} rows are older than a row above them")
        if not kept:
            raise ValueError("no row to keep")
        self.rows[symbol] = kept[-self.capacity :]
        return len(rows) - len(kept)

    def load_frame(self, rows: Sequence[tuple[str, Row]], skip: bool = False) -> int:
        """Every symbol that occurs gets its rows, sorted by time; all of them or none.

        A symbol whose rows are all skipped keeps what it has; a table of which nothing is left is an error.
        """
        if not rows:
            raise ValueError("the table has no rows")
        before, skipped, loaded = dict(self.rows), 0, 0
        try:
            for symbol in dict.fromkeys(symbol for symbol, _ in rows):
                own = sorted((row for name, row in rows if name == symbol), key=lambda row: row[0])
                if skip and not any(map(is_good, own)):
                    skipped += len(own)
                    continue
                skipped += self.load(symbol, own, skip)
                loaded += 1
            if not loaded:
                raise ValueError("no row to keep")
        except ValueError:
            self.rows = before
            raise
        return skipped

    def drop(self, symbol: str) -> bool:
        return self.rows.pop(symbol, None) is not None

    def clear(self) -> None:
        self.rows.clear()
