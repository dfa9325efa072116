"""Cross-sections inside of each other, under lags and windows, over tickers that lack bars: `latest`, `history`, `over`
and `live` against pandas."""

import contextlib

import numpy as np
import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference import across_formulas as formulas
from reference.across_formulas import Market, Part
from reference.cross_sections import CROSS_SECTIONS

from ziggy_async import BarStore, FeatureSet, FormulaError

SECTORS = {"T0": "tech", "T1": "banks", "T2": "tech", "T3": "banks"}

LEAVES = (
    formulas.column("close"),
    formulas.column("volume"),
    formulas.another("T0", "close"),
    formulas.last_week("close"),
)


def grown(parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    """What is made of them: mostly cross-sections."""
    by = st.sampled_from([None, None, "sector"])
    section = st.builds(formulas.section, st.sampled_from(sorted(CROSS_SECTIONS)), parts, by)
    bars = st.integers(2, 4)
    return st.one_of(
        section,
        section,
        st.builds(formulas.lag, parts, st.integers(1, 3)),
        st.builds(formulas.sma, parts, bars),
        st.builds(formulas.highest, parts, bars),
        st.builds(formulas.delta, parts, st.integers(1, 3)),
        st.builds(formulas.cumsum, parts),
        st.builds(formulas.bars_since_positive, parts),
        st.builds(formulas.fill, parts, st.integers(0, 2).map(float)),
        st.builds(formulas.difference, parts, parts),
    )


nested = st.recursive(st.sampled_from(LEAVES), grown, max_leaves=5)


@st.composite
def chains(draw: st.DrawFn) -> Part:
    """Windows of cross-sections of windows of cross-sections: each reads further back than the one around it."""
    windows = st.sampled_from([formulas.sma, formulas.highest, formulas.lag])
    part = formulas.section("rank(x)", formulas.column("close"))
    for _ in range(draw(st.integers(1, 3))):
        part = formulas.section("demean(x)", draw(windows)(part, draw(st.integers(2, 3))))
    return part


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """A few tickers that lack days here and there, one another's last ones too."""
    days = draw(st.integers(3, 16))
    dice = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    frames = []
    for number in range(draw(st.integers(1, 7))):
        is_there = dice.random(days) < draw(st.sampled_from([1.0, 0.9, 0.5]))
        is_there[days - draw(st.sampled_from([0, 0, 0, 1, 2])) :] = False
        is_there[dice.integers(0, days)] |= number == 0  # others read it
        times = pd.date_range("2024-01-01", periods=days, tz="UTC")[is_there]
        close, volume = dice.integers(1, 9, len(times)) + 0.0, dice.integers(0, 4, len(times)) + 0.0
        frame = {"symbol": f"T{number}", "timestamp": times, "open": close, "high": close, "low": close}
        frames.append(pd.DataFrame({**frame, "close": close, "volume": volume}))
    bars = pd.concat(frames, ignore_index=True)
    return Market.of(bars.assign(sector=bars["symbol"].map(SECTORS)))


def store_of(market: Market) -> BarStore:
    store = BarStore()
    store.load_frame(market.bars.drop(columns="sector"))
    store.set_labels("sector", SECTORS)
    return store


RANK = formulas.section("rank(x)", formulas.column("close"))
RANKS = formulas.section("rank(x)", RANK)
STALE = Market.of(
    pd.DataFrame(
        [
            (f"T{ticker}", pd.Timestamp("2024-01-01", tz="UTC") + day * pd.Timedelta("1D"), *[float(close)] * 4, 1.0)
            for ticker, closes in enumerate([[3, 1, 4, 1, 5], [9, 2, 6, 5], [3, 5, 8, 9, 7]])
            for day, close in enumerate(closes)
        ],
        columns=["symbol", "timestamp", "open", "high", "low", "close", "volume"],
    ).assign(sector="tech")
)


@settings(max_examples=30, deadline=None)
@given(markets(), st.lists(nested | chains(), min_size=1, max_size=3))
@example(STALE, [formulas.lag(RANKS, 1)])
@example(STALE, [formulas.fill(RANK, 0.0), RANKS])
@example(STALE, [formulas.fill(RANK, 0.0), formulas.section("demean(x)", formulas.fill(RANK, 0.0))])
def test_every_call_gives_what_pandas_gives(market: Market, parts: list[Part]) -> None:
    features = FeatureSet(**{f"y{number}": part.text for number, part in enumerate(parts)})
    store = store_of(market)
    history = np.column_stack([part.figures(market, False) for part in parts])
    at_last = ~market.bars.duplicated("symbol", keep="last").to_numpy()
    latest = np.column_stack([part.figures(market, True) for part in parts])[at_last]
    close = {"rtol": 1e-9, "atol": 1e-9}

    np.testing.assert_allclose(features.history(store=store).to_numpy(), history, **close)
    over = features.over(market.bars)
    np.testing.assert_allclose(over[list(features.names)], history, **close)
    np.testing.assert_allclose(features.latest(store=store).to_numpy(), latest, **close)
    with contextlib.suppress(FormulaError):  # of what reads earlier values of a cross-section
        live = features.live(store)
        live.update()
        np.testing.assert_allclose(live.values, latest, **close)
