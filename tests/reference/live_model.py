"""Live features as they are to be: which bars of a store they have taken in, ticker by ticker, and nothing more."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

Row = tuple[int, float, float, float, float, float]
"""Time in nanoseconds, open, high, low, close, volume."""


@dataclass
class Kept:
    """A symbol's bars in a store, since they were loaded or the symbol joined."""

    generation: int
    rows: list[Row]
    end: int
    """The number of the next bar."""
    replaced: int = 0


@dataclass
class Seen:
    """The bars that live features have taken in."""

    generation: int
    end: int
    replaced: int
    rows: list[Row]


@dataclass
class Other:
    """A ticker that formulas read by name, for itself or inside of what they read of `inside`."""

    symbol: str
    reads: "Other | None" = None
    seen: Seen | None = None
    changed: float = math.inf
    """The time from which on the last update has changed what it gives."""


@dataclass
class LiveModel:
    """A store of `capacity` bars, and live features over it, that read `others`: whoever reads one stands behind it."""

    capacity: int
    others: Sequence[Other] = ()
    kept: dict[str, Kept] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    generations: int = 0
    bars: int = 0
    revised: int = 0
    restarted: int = 0

    def append(self, symbol: str, row: Row) -> None:
        """One bar; of the last bar's time it takes its place."""
        if symbol not in self.kept:
            self.load(symbol, [])
        kept = self.kept[symbol]
        if kept.rows and kept.rows[-1][0] == row[0]:
            kept.rows[-1] = row
            kept.replaced += 1
            return
        kept.rows = [*kept.rows, row][-self.capacity :]
        kept.end += 1

    def load(self, symbol: str, rows: list[Row]) -> None:
        self.generations += 1
        rows = rows[-self.capacity :]
        self.kept[symbol] = Kept(self.generations, rows, len(rows))

    def drop(self, symbol: str) -> None:
        self.kept.pop(symbol, None)

    def update(self) -> int:
        """How many bars were taken in, revised ones included."""
        before = self.bars + self.revised
        for other in self.others:
            changed = math.inf if other.reads is None else other.reads.changed
            seen = other.seen
            other.seen, other.changed = self._after(seen, self.kept.get(other.symbol), changed)
            is_same = seen is not None and other.seen is not None and seen.rows == other.seen.rows
            if is_same and changed == math.inf != -other.changed:  # a bar was replaced by the same
                other.changed = math.inf
        changed = min((other.changed for other in self.others), default=math.inf)
        for symbol in [symbol for symbol in self.seen if symbol not in self.kept]:
            del self.seen[symbol]
        for symbol, kept in self.kept.items():
            seen = self.seen.get(symbol)
            after, since = self._after(seen, kept, changed)
            assert after is not None
            self.seen[symbol] = after
            starts = since == -math.inf
            fresh = len(after.rows) if starts or seen is None else len(after.rows) - len(seen.rows)
            self.bars += fresh
            self.restarted += starts and seen is not None
            self.revised += not starts and since <= after.rows[-1 - fresh][0]
        return self.bars + self.revised - before

    def _after(self, seen: Seen | None, kept: Kept | None, changed: float) -> tuple[Seen | None, float]:
        """What is seen after an update, of a ticker that reads others which have changed from a time on, and from when
        on its bars are others, which of one that begins anew is minus infinity."""
        if kept is None:
            return None, math.inf if seen is None else -math.inf
        fresh = 0 if seen is None else kept.end - seen.end
        goes_on = seen is not None and kept.generation == seen.generation and fresh <= len(kept.rows)
        if seen is None or not goes_on or (len(seen.rows) > 1 and changed <= seen.rows[-2][0]) or changed == -math.inf:
            return Seen(kept.generation, kept.end, kept.replaced, list(kept.rows)), -math.inf
        is_old = changed <= seen.rows[-1][0]
        if (kept.replaced != seen.replaced or is_old) and fresh == len(kept.rows):
            return Seen(kept.generation, kept.end, kept.replaced, list(kept.rows)), -math.inf
        rows, since = list(seen.rows), math.inf
        if is_old or (kept.replaced != seen.replaced and (fresh == 0 or kept.rows[-1 - fresh] != rows[-1])):
            since = float(rows[-1][0])
            rows[-1] = kept.rows[-1 - fresh]
        if fresh:
            since = min(since, float(kept.rows[-fresh][0]))
        return Seen(kept.generation, kept.end, kept.replaced, rows + kept.rows[len(kept.rows) - fresh :]), since
