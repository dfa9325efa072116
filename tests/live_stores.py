"""Stores of random walks, for tests of live features."""

from reference.bars import walk

from ziggy_async import BarStore
from ziggy_async.reading.spellings import PRICE_COLUMNS

WHOLE = [walk(80, seed=seed) for seed in range(20)]


def append(store: BarStore, symbol: str, number: int, first: int, last: int) -> None:
    bars = WHOLE[number]
    for at in range(first, last):
        figures = (column[at] for column in bars.columns().values())
        store.append(symbol, bars.timestamp[at].astype("M8[ns]"), *figures)


def revise(store: BarStore, symbol: str) -> None:
    """Other figures in the place of the last bar's."""
    bars = store.bars(symbol)
    store.append(symbol, bars["timestamp"][-1], *(bars[name][-1] * 1.5 for name in PRICE_COLUMNS))


def filled(count: int = 20, bars: int = 40, capacity: int = 512) -> BarStore:
    store = BarStore(capacity)
    for number in range(count):
        append(store, f"T{number:02}", number, 0, bars)
    return store
