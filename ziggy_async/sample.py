"""A made-up market: 500 tickers, SPY among them, and ^VIX, two years of daily bars, the same on every machine.

It goes through calm, trending, choppy and panicking stretches and ends in a rising market in which some tickers are
oversold, some overbought and some breaking out, so that every kind of signal occurs. Neither the names nor the prices
are anybody's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SECTORS = ("AUTO", "BANK", "CHEM", "FOOD", "GRID", "HLTH", "MINE", "RETL", "SOFT", "TELE")
TICKERS_PER_SECTOR = 50
BARS = 504
SEED = 1
FIRST_DAY = "2023-01-02"


@dataclass(frozen=True)
class Stretch:
    """A part of the market's history: its length in bars, drift and deviation of its daily returns."""

    mood: str
    bars: int
    drift: float
    deviation: float


HISTORY = (
    Stretch("calm", 80, 0.0003, 0.004),
    Stretch("trending", 100, 0.0012, 0.006),
    Stretch("choppy", 90, 0.0000, 0.010),
    Stretch("panicking", 30, -0.0110, 0.022),
    Stretch("choppy", 64, 0.0010, 0.013),
    Stretch("calm", 80, 0.0005, 0.005),
    Stretch("trending", 60, 0.0016, 0.004),
)


@dataclass(frozen=True)
class Ending:
    """The last bars of a ticker that moves apart from the market: pieces of (bars, return of each), and the share of
    its usual noise that it keeps in them."""

    tickers: int
    pieces: tuple[tuple[int, float], ...]
    noise: float


ENDINGS = (
    Ending(24, ((10, -0.022),), 0.4),  # oversold: a slide to the last bar
    Ending(24, ((45, -0.007), (6, 0.032)), 0.3),  # overbought: a leap out of a slump, with the averages still falling
    Ending(24, ((20, 0.009),), 0.3),  # breaking out: a steady rise to new highs
)


def sample_universe(seed: int = SEED) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
    """Yields `(symbol, columns)`, SPY and ^VIX first; `BarStore.load(symbol, columns)` takes the columns.

    Columns are 1-D arrays of 504 bars, oldest first: `timestamp` (datetime64[D], UTC), `open` `high` `low` `close`
    `volume` (float64; prices in whole cents). The same seed gives the same bars.
    """
    random = np.random.default_rng(seed)
    market = market_returns(random)
    timestamp = np.busday_offset(FIRST_DAY, np.arange(BARS), roll="forward")
    yield "SPY", {"timestamp": timestamp, **bars_of(random, market, 400.0, 8e7)}
    yield "^VIX", {"timestamp": timestamp, **fear_gauge(random, market)}
    endings = random.permutation(ticker_endings())
    for index, symbol in enumerate(ticker_names()):
        if index % TICKERS_PER_SECTOR == 0:
            sector = random.normal(0.0, 0.003, BARS)
        returns = ticker_returns(random, market + sector, ENDINGS[endings[index]] if endings[index] >= 0 else None)
        price, volume = np.exp(random.normal(4.2, 0.7)), np.exp(random.normal(14.0, 1.2))
        yield symbol, {"timestamp": timestamp, **bars_of(random, returns, price, volume)}


def ticker_names() -> list[str]:
    """Returns AUTO01 to TELE49: with SPY they are 500."""
    names = [f"{sector}{number:02}" for sector in SECTORS for number in range(1, TICKERS_PER_SECTOR + 1)]
    return names[:-1]


def ticker_endings() -> list[int]:
    """Returns for each ticker the index of its ending, -1 for those that go with the market; not yet shuffled."""
    special = [index for index, ending in enumerate(ENDINGS) for _ in range(ending.tickers)]
    return special + [-1] * (len(ticker_names()) - len(special))


def market_returns(random: np.random.Generator) -> Floats:
    """Returns the daily returns `(504,)` of the whole market through its stretches."""
    return np.concatenate([random.normal(part.drift, part.deviation, part.bars) for part in HISTORY])


def ticker_returns(random: np.random.Generator, common: Floats, ending: Ending | None) -> Floats:
    """Returns a ticker's daily returns: its share of market and sector, its own noise, and its ending."""
    beta = random.uniform(0.6, 1.4)
    own = random.normal(0.0, random.uniform(0.006, 0.016), BARS)
    returns = beta * common + own
    if ending is not None:
        drift = np.concatenate([np.full(bars, each) for bars, each in ending.pieces])
        returns[-len(drift) :] = drift + ending.noise * own[-len(drift) :]
    return returns


def bars_of(random: np.random.Generator, returns: Floats, price: float, volume: float) -> dict[str, Floats]:
    """Bars whose closes follow `returns` from `price`; volume grows with the size of the move."""
    close = np.maximum(price * np.exp(np.cumsum(returns)), 1.0)
    gap = random.normal(0.0, 0.002, len(close))
    opening = np.concatenate([[price], close[:-1]]) * np.exp(gap)
    reach = np.abs(random.normal(0.0, 0.006, (2, len(close))))
    high = np.maximum(opening, close) * (1.0 + reach[0])
    low = np.minimum(opening, close) * (1.0 - reach[1])
    traded = volume * np.exp(random.normal(0.0, 0.25, len(close))) * (1.0 + 20.0 * np.abs(returns))
    prices = {"open": opening, "high": high, "low": low, "close": close}
    # Whole cents also take away what exp may differ by between machines.
    return {name: np.round(column, 2) for name, column in prices.items()} | {"volume": np.round(traded)}


def fear_gauge(random: np.random.Generator, market: Floats) -> dict[str, Floats]:
    """Returns ^VIX: twelve days' memory of how far the market moved, in percent a year, more after a fall; no
    volume."""
    surprise = np.abs(market) * np.where(market < 0, 1.5, 1.0)
    weights = np.exp(-np.arange(60) / 12.0)
    padded = np.concatenate([np.full(59, surprise[:20].mean()), surprise])
    memory = np.convolve(padded, weights / weights.sum(), mode="valid")
    level = np.maximum(9.0 + 1100.0 * memory, 9.0)
    return bars_of(random, np.diff(np.log(level), prepend=np.log(level[0])), level[0], 0.0)
