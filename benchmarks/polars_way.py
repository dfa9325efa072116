"""The same figures as polars expressions over one long table."""

import math

import polars as pl

INDEX = pl.int_range(pl.len())
CHANGE = pl.col("close").diff()


def features(table: pl.DataFrame, vix_level: float, breadth: float | None) -> pl.DataFrame:
    """A row for each symbol of `table` (columns symbol, timestamp and those of a bar) with the 26 figures."""
    close, volume = pl.col("close"), pl.col("volume")
    recent = close.tail(20)
    mean, deviation, last = recent.mean(), recent.std(ddof=0), close.last()
    sma_50, traded = close.tail(50).mean(), volume.tail(20).mean()
    ema_12, ema_26 = seeded(close, 0, 12, 2 / 13), seeded(close, 0, 26, 2 / 27)
    macd = seeded(close, 14, 12, 2 / 13) - ema_26
    signal = seeded(macd, 25, 9, 2 / 10)
    gain, loss = (seeded(part, 1, 14, 1 / 14).last() for part in (CHANGE.clip(0), (-CHANGE).clip(0)))
    liquidity = (((close * volume).tail(20).mean().log10() - 5) / 5).clip(0, 1)
    return table.group_by("symbol", maintain_order=True).agg(
        last.alias("close"),
        volume.last().alias("volume"),
        (100 * close.pct_change().last()).alias("price_change_1d"),
        mean.alias("sma_20"),
        sma_50.alias("sma_50"),
        ema_12.last().alias("ema_12"),
        ema_26.last().alias("ema_26"),
        macd.last().alias("macd"),
        signal.last().alias("macd_signal"),
        (macd.last() - signal.last()).alias("macd_hist"),
        (100 * gain / (gain + loss)).alias("rsi_14"),
        *ranges(),
        (mean + 2 * deviation).alias("bollinger_upper"),
        (mean - 2 * deviation).alias("bollinger_lower"),
        pl.when(deviation > 0).then((last - mean) / deviation).otherwise(0.0).alias("z_score_20"),
        (close.pct_change().tail(20).std(ddof=0) * math.sqrt(252)).alias("volatility_20d"),
        slope(recent).alias("slope_20d"),
        (last >= recent.max()).alias("new_high_20d"),
        (last <= recent.min()).alias("new_low_20d"),
        (volume.last() / traded).alias("volume_ratio_20"),
        liquidity.alias("liquidity_score"),
        pl.lit(vix_level).alias("vix_level"),
        pl.lit(breadth).alias("breadth_50dma"),
        (mean / last).alias("sma_fast"),
        (sma_50 / last).alias("sma_slow"),
    )


def seeded(values: pl.Expr, first: int, length: int, alpha: float) -> pl.Expr:
    """Exponential smoothing of the values from row `first` on that starts from the mean of `length` of them."""
    return smoothed(values, values.slice(first, length).mean(), first + length - 1, alpha)


def smoothed(values: pl.Expr, start: pl.Expr, at: int, alpha: float) -> pl.Expr:
    begun = pl.when(at < INDEX).then(values).when(at == INDEX).then(start)
    return begun.ewm_mean(alpha=alpha, adjust=False, ignore_nulls=True)


def ranges() -> tuple[pl.Expr, pl.Expr]:
    """ATR 14 and ADX 14; Wilder's sums start from 13 moves, and their common factor of 14 cancels out."""
    high, low, before = pl.col("high"), pl.col("low"), pl.col("close").shift()
    true_range = pl.max_horizontal(high, before) - pl.min_horizontal(low, before)
    up, down = high.diff(), -low.diff()
    rises = pl.when((up > down) & (up > 0)).then(up).otherwise(0.0)
    falls = pl.when((down > up) & (down > 0)).then(down).otherwise(0.0)
    total, rising, falling = (
        smoothed(moves, moves.slice(1, 13).sum() / 14, 13, 1 / 14) for moves in (true_range, rises, falls)
    )
    plus, minus = rising / total, falling / total
    strength = 100 * (plus - minus).abs() / (plus + minus)
    atr, adx = seeded(true_range, 1, 14, 1 / 14), seeded(strength, 14, 14, 1 / 14)
    return atr.last().alias("atr_14"), adx.last().alias("adx_14")


def slope(recent: pl.Expr) -> pl.Expr:
    """Least squares over the last 20 closes, in percent of their mean; 665 is the sum of squares of -9.5 ... 9.5."""
    places = pl.int_range(20).cast(pl.Float64) - 9.5
    return 100 * (recent * places).sum() / 665 / recent.mean()
