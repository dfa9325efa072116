"""Live features as they are to be: which bars of a store they have taken in, ticker by ticker, and nothing more."""

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
class LiveModel:
    """A store of `capacity` bars, and live features over it."""

    capacity: int
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
        for symbol in [symbol for symbol in self.seen if symbol not in self.kept]:
            del self.seen[symbol]
        for symbol, kept in self.kept.items():
            self._take_in(symbol, kept)
        return self.bars + self.revised - before

    def _take_in(self, symbol: str, kept: Kept) -> None:
        seen = self.seen.get(symbol)
        fresh = 0 if seen is None else kept.end - seen.end
        is_replaced = seen is not None and kept.replaced != seen.replaced
        goes_on = seen is not None and kept.generation == seen.generation and fresh + is_replaced <= len(kept.rows)
        if seen is None or not goes_on:
            self.restarted += seen is not None
            self.bars += len(kept.rows)
            self.seen[symbol] = Seen(kept.generation, kept.end, kept.replaced, list(kept.rows))
            return
        if is_replaced and (fresh == 0 or kept.rows[-1 - fresh] != seen.rows[-1]):
            self.revised += 1
            seen.rows[-1] = kept.rows[-1 - fresh]
        seen.rows += kept.rows[len(kept.rows) - fresh :]
        self.bars += fresh
        seen.end, seen.replaced = kept.end, kept.replaced
