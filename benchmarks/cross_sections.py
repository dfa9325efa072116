"""Five cross-sections of 5,000 tickers, at the newest bar and at every bar, beside polars `over`."""

from functools import partial

import polars as pl

from benchmarks.harness import Report, fill, fresh_heap, universe
from benchmarks.sets import medians
from ziggy_async import BarStore, FeatureSet

TICKERS, BARS, SECTORS = 5_000, 252, 11
FEATURES = {
    "rank": "rank(close)",
    "lead": "rank(delta(close, 5)) - rank(volume)",
    "mean": "demean(returns(close), by='sector')",
    "score": "standardize(returns(close, 20), by='sector')",
    "weight": "scale(winsorize(returns(close), 0.05))",
}


async def run() -> Report:
    store = BarStore(BARS)
    fill(store, universe(TICKERS, BARS))
    tickers = tuple(store.symbols())
    store.set_labels("sector", {ticker: f"sector {at % SECTORS}" for at, ticker in enumerate(tickers)})
    features = FeatureSet(**FEATURES)
    frame = (
        FeatureSet("close", "volume")
        .history(tickers, store)
        .to_polars()
        .with_columns(sector=pl.col("symbol").cast(pl.Categorical).to_physical() % SECTORS)
    )
    last = with_changes(frame).filter(pl.col("timestamp") == pl.col("timestamp").max())
    with fresh_heap():
        own, polars_last = medians(partial(features.latest, tickers, store), partial(compared, last))
        history, polars_all = medians(partial(features.history, tickers, store), partial(by_polars, frame))
    report = Report("cross_sections", f"{len(FEATURES)} cross-sections of {TICKERS:,} tickers of {BARS} bars")
    report.add("latest, polars over, of changes that are there", polars_last * 1e3, "ms")
    report.add("latest", own * 1e3, "ms", "at most 5", "latest, polars over, of changes that are there")
    report.add("history, polars over", polars_all * 1e3, "ms")
    report.add("history", history * 1e3, "ms", "", "history, polars over")
    return report


def with_changes(frame: pl.DataFrame) -> pl.DataFrame:
    """What the cross-sections are made of."""
    close, ticker = pl.col("close"), "symbol"
    return frame.with_columns(
        delta=(close - close.shift(5)).over(ticker),
        one=(close / close.shift(1) - 1).over(ticker),
        many=(close / close.shift(20) - 1).over(ticker),
    )


def compared(frame: pl.DataFrame) -> pl.DataFrame:
    time, group = ["timestamp"], ["timestamp", "sector"]
    rank = {
        name: pl.col(name).rank().over(time) / pl.col(name).count().over(time) for name in ("close", "delta", "volume")
    }
    one, many = pl.col("one"), pl.col("many")
    clipped = one.clip(one.quantile(0.05, "linear"), one.quantile(0.95, "linear"))
    return frame.select(
        rank=rank["close"],
        lead=rank["delta"] - rank["volume"],
        mean=one - one.mean().over(group),
        score=((many - many.mean()) / many.std(ddof=0)).over(group),
        weight=(clipped / clipped.abs().sum()).over(time),
    )


def by_polars(frame: pl.DataFrame) -> pl.DataFrame:
    return compared(with_changes(frame))
