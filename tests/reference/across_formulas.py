"""Formulas in which cross-sections stand inside of each other, under lags and windows, each with its pandas way."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from reference.cross_sections import across, as_of

Figures = np.ndarray[Any, np.dtype[np.float64]]


class Market(NamedTuple):
    """Bars ticker by ticker, oldest first, with a column `sector`.

    `stale`: the last bars of tickers that have none at the newest time.
    """

    bars: pd.DataFrame
    stale: Figures

    @classmethod
    def of(cls, bars: pd.DataFrame) -> "Market":
        is_last = ~bars.duplicated("symbol", keep="last")
        return cls(bars, (is_last & (bars["timestamp"] < bars["timestamp"].max())).to_numpy())

    def by_ticker(self, figures: Figures) -> Any:
        return pd.Series(figures).groupby(self.bars["symbol"].to_numpy())


class Part(NamedTuple):
    """An expression, and its figure of each bar: of the history, or, at each last bar, as the `latest` row shows it,
    where a ticker that is not at the newest time has no cross-section."""

    text: str
    figures: Callable[[Market, bool], Figures]


def column(name: str) -> Part:
    return Part(name, lambda market, latest: market.bars[name].to_numpy(float))


def another(ticker: str, name: str) -> Part:
    def figures(market: Market, latest: bool) -> Figures:
        bars = market.bars.sort_values(["timestamp", "symbol"])
        return pd.Series(as_of(bars, ticker, name), bars.index).sort_index().to_numpy()

    return Part(f"of('{ticker}', {name})", figures)


def last_week(name: str) -> Part:
    """The last figure of the last week that has ended."""

    def figures(market: Market, latest: bool) -> Figures:
        weeks = market.bars["timestamp"].dt.tz_localize(None).dt.to_period("W-SUN")
        keys = pd.MultiIndex.from_arrays([market.bars["symbol"], weeks])
        ended = market.bars.groupby(["symbol", weeks])[name].last().groupby("symbol").shift()
        return ended.reindex(keys).to_numpy()

    return Part(f"every('1w', {name})", figures)


def of_ticker(text: str, compute: Callable[[Any], Any], x: Part) -> Part:
    """`compute` of the figures grouped by ticker; `text` has braces where the input stands."""

    def figures(market: Market, latest: bool) -> Figures:
        return compute(market.by_ticker(x.figures(market, latest))).to_numpy(float)

    return Part(text.format(x.text), figures)


def lag(x: Part, bars: int) -> Part:
    return of_ticker(f"lag({{}}, {bars})", lambda tickers: tickers.shift(bars), x)


def delta(x: Part, bars: int) -> Part:
    return of_ticker(f"delta({{}}, {bars})", lambda tickers: tickers.diff(bars), x)


def sma(x: Part, bars: int) -> Part:
    return of_ticker(f"sma({{}}, {bars})", lambda tickers: tickers.transform(lambda y: y.rolling(bars).mean()), x)


def highest(x: Part, bars: int) -> Part:
    return of_ticker(f"highest({{}}, {bars})", lambda tickers: tickers.transform(lambda y: y.rolling(bars).max()), x)


def cumsum(x: Part) -> Part:
    return of_ticker("cumsum({})", lambda tickers: tickers.cumsum(), x)


def bars_since_positive(x: Part) -> Part:
    def count(figures: pd.Series) -> pd.Series:
        bars = pd.Series(np.arange(len(figures), dtype=float), figures.index)
        return bars - bars.where(figures > 0).ffill()

    return of_ticker("bars_since({} > 0)", lambda tickers: tickers.transform(count), x)


def per_bar(text: str, compute: Callable[..., Figures], *parts: Part) -> Part:
    def figures(market: Market, latest: bool) -> Figures:
        return compute(*(part.figures(market, latest) for part in parts))

    return Part(text.format(*(part.text for part in parts)), figures)


def fill(x: Part, value: float) -> Part:
    return per_bar(f"fill({{}}, {value})", lambda figures: np.where(np.isnan(figures), value, figures), x)


def difference(x: Part, y: Part) -> Part:
    return per_bar("({} - {})", np.subtract, x, y)


def section(name: str, x: Part, by: str | None = None) -> Part:
    """The cross-section `name`, one of `CROSS_SECTIONS`, of figures that are cut to six digits first: rounding then
    decides nowhere whether two of them are equal."""
    text = f"floor(1e6 * {x.text} + 0.37717) / 1e6"

    def figures(market: Market, latest: bool) -> Figures:
        cut = np.floor(1e6 * x.figures(market, False) + 0.37717) / 1e6
        found = across(market.bars.assign(x=cut), "x", name, by)
        return np.where(market.stale & latest, np.nan, found)

    labelled = name if by is None else name.replace(")", f", by='{by}')")
    return Part(labelled.replace("x", text, 1), figures)
