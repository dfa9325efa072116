"""The market-brain features of CONTRACT's table, against the plain reference."""

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import market_features as reference
from reference.bars import Bars, flat, from_closes, walk

from ziggy_async import BarStore, _core, async_get_ticker_features, paper
from ziggy_async.market_brain.features import (
    FeatureComputer,
    Features,
    FeatureSet,
    get_multiple_ticker_features,
    get_ticker_features,
)

RATIOS = {"price_change_1d", "rsi_14", "adx_14", "z_score_20", "volatility_20d", "slope_20d", "liquidity_score"}
"""Figures that do not grow with the prices."""
SAME = {"ticker", "status", "bars", "stale", "close", "volume", "new_high_20d", "new_low_20d", "vix_level"}
FLAGS = {"stale", "new_high_20d", "new_low_20d"}


def assert_features(found: Any, ticker: str, bars: Bars, vix: float = 20.0, breadth: float | None = None) -> None:
    expected = reference.features(ticker, bars, vix, breadth)
    assert list(found) == list(expected)
    if expected["status"] != "ok":
        assert found == expected
        return
    top = float(np.max(bars.close))
    for key, value in expected.items():
        if key == "as_of":
            assert abs((datetime.fromisoformat(found[key]) - value).total_seconds()) < 1e-5
        elif key in SAME or value is None:
            assert found[key] == value, key
        else:
            floor = 1e-9 if key in RATIOS else 1e-12 * top
            assert found[key] == pytest.approx(value, rel=1e-9, abs=floor), key


def computed(ticker: str, bars: Bars) -> Any:
    store = BarStore(capacity=10_000)
    store.load(ticker, bars.table())
    return FeatureComputer(store).compute_for_ticker(ticker)


def own_breadth(ticker: str, bars: Bars) -> float | None:
    return reference.breadth_50dma({ticker: bars})


@pytest.mark.parametrize("count", [50, 51, 52, 63, 64, 65, 99, 100, 200, 201, 252, 511, 512, 1000])
@pytest.mark.parametrize("seed", range(4))
def test_made_bars(count: int, seed: int) -> None:
    bars = walk(count, seed=1000 * seed + count)
    assert_features(computed("A", bars), "A", bars, breadth=own_breadth("A", bars))


@pytest.mark.parametrize("file", ["SPY_daily_2017_2018", "MSFT_daily_1990_2022", "SPY_1min_2020",
                                  "PENNY_daily_2018_2021", "HUGE_prices"])  # fmt: skip
def test_real_bars(file: str, real: Callable[[str], Bars]) -> None:
    every = real(file)
    for count in (50, 51, 252, len(every)):
        bars = every[:count]
        assert_features(computed("A", bars), "A", bars, breadth=own_breadth("A", bars))


@given(seed=st.integers(0, 10**6), count=st.integers(50, 130), price=st.sampled_from([1e-6, 0.5, 100.0, 1e13]))
@settings(max_examples=150, deadline=None)
def test_any_walk(seed: int, count: int, price: float) -> None:
    bars = walk(count, seed=seed, price=price)
    assert_features(computed("A", bars), "A", bars, breadth=own_breadth("A", bars))


@pytest.mark.parametrize("price", [1e-6, 0.1, 100.0, 1e13])
def test_flat_prices(price: float) -> None:
    bars = flat(80, price)
    found = computed("A", bars)
    assert_features(found, "A", bars, breadth=0.0)
    assert (found.rsi_14, found.z_score_20, found.atr_14, found.adx_14) == (50.0, 0.0, 0.0, 0.0)


def test_no_volume() -> None:
    bars = walk(60)
    silent = Bars(bars.timestamp, bars.open, bars.high, bars.low, bars.close, np.zeros(60))
    found = computed("A", silent)
    assert (found["volume"], found["volume_ratio_20"], found["liquidity_score"]) == (0.0, 0.0, 0.0)


def test_liquidity_is_clamped() -> None:
    bars = walk(60)
    for volume, score in ((1e-3, 0.0), (1e12, 1.0)):
        traded = Bars(bars.timestamp, bars.open, bars.high, bars.low, bars.close, np.full(60, volume))
        assert computed("A", traded)["liquidity_score"] == score


@pytest.mark.parametrize("count", [1, 2, 14, 20, 48, 49])
def test_insufficient_data(count: int) -> None:
    bars = walk(count)
    found = computed("A", bars)
    assert_features(found, "A", bars)
    assert FeatureComputer(_store_of({"A": bars})).get_features("A") is None


def test_an_unknown_ticker_has_no_bars() -> None:
    assert FeatureComputer(BarStore()).compute_for_ticker("NONE") == {
        "ticker": "NONE", "status": "insufficient_data", "bars": 0, "required": 50,
    }  # fmt: skip


async def test_an_unencodable_ticker_in_a_list_is_an_unknown_one() -> None:
    computer = FeatureComputer(_store_of({"A": walk(60)}))
    for found in (computer.compute_batch(["\ud800", "A"]), await computer.compute_batch_async(["\ud800", "A"])):
        assert list(found) == ["\ud800", "A"]
        assert found["\ud800"] == {"ticker": "\ud800", "status": "insufficient_data", "bars": 0, "required": 50}
        assert found["A"]["status"] == "ok"


def test_types() -> None:
    found = computed("A", walk(60))
    assert tuple(found) == reference.KEYS
    assert reference.KEYS[5:] == tuple(_core.FEATURE_FORMULAS)
    assert _core.REQUIRED_BARS == 50
    assert isinstance(found, dict)
    for key, value in found.items():
        kind = {"ticker": str, "status": str, "as_of": str, "bars": int}.get(key, bool if key in FLAGS else float)
        assert type(value) is kind, key
    assert datetime.fromisoformat(found["as_of"]).utcoffset() == datetime.now(UTC).utcoffset()


def test_a_changed_result_changes_no_other() -> None:
    shorter, longer = walk(60), walk(70)
    computer = FeatureComputer(_store_of({"A": shorter, "B": longer}))
    for ticker in ("A", "B", "A"):
        found = computer.compute_for_ticker(ticker)
        breadth = reference.breadth_50dma({"A": shorter, "B": longer})
        assert_features(found, ticker, {"A": shorter, "B": longer}[ticker], breadth=breadth)
        for key in list(found):
            found[key] = "changed"
        found["further"] = found.pop("status")


def test_attribute_access() -> None:
    found = computed("A", walk(60))
    assert all(getattr(found, key) == found[key] for key in reference.KEYS if key not in ("values",))
    with pytest.raises(AttributeError, match="these features have no 'rsi_15'"):
        _ = found.rsi_15
    assert tuple(name for name in Features.__annotations__ if name != "required") == reference.KEYS


@pytest.mark.parametrize(("count", "has"), [(0, "no bars"), (1, "1 bar"), (49, "49 bars")])
def test_a_figure_of_too_few_bars_says_so(count: int, has: str) -> None:
    found = computed("A", walk(count)) if count else FeatureComputer(BarStore()).compute_for_ticker("A")
    with pytest.raises(AttributeError, match=f"no rsi_14 of A: it has {has}, and 50 are needed"):
        _ = found.rsi_14
    with pytest.raises(KeyError, match=f"no rsi_14 of A: it has {has}, and 50 are needed"):
        _ = found["rsi_14"]
    with pytest.raises(AttributeError, match="these features have no 'rsi_15'"):
        _ = found.rsi_15
    assert found.get("rsi_14") is None
    assert not hasattr(found, "rsi_14")
    for other in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert (type(other), other) == (Features, found)


def _store_of(symbols: dict[str, Bars], capacity: int = 512) -> BarStore:
    store = BarStore(capacity)
    for symbol, bars in symbols.items():
        store.load(symbol, bars.table())
    return store


@pytest.mark.parametrize(
    ("levels", "expected"),
    [({}, 20.0), ({"VIX": 31.5}, 31.5), ({"^VIX": 14.5}, 14.5), ({"VIX": 31.5, "^VIX": 14.5}, 14.5)],
)
def test_vix(levels: dict[str, float], expected: float) -> None:
    symbols = {"A": walk(60), **{name: flat(1, level) for name, level in levels.items()}}
    assert FeatureComputer(_store_of(symbols)).compute_for_ticker("A")["vix_level"] == expected


def test_breadth_of_many_symbols() -> None:
    symbols = {f"S{seed}": walk(48 + seed % 7, seed=seed) for seed in range(60)}
    symbols["^UP"] = from_closes(np.arange(1.0, 101.0))
    found = FeatureComputer(_store_of(symbols)).compute_batch(list(symbols))
    expected = reference.breadth_50dma(symbols)
    assert list(found) == list(symbols)
    for symbol, bars in symbols.items():
        assert_features(found[symbol], symbol, bars, breadth=expected)


def test_breadth_follows_the_store() -> None:
    rising, falling = from_closes(np.arange(100.0, 160.0)), from_closes(np.arange(160.0, 100.0, -1.0))
    store = BarStore()
    computer = FeatureComputer(store)

    def breadth(ticker: str) -> float | None:
        return computer.compute_for_ticker(ticker)["breadth_50dma"]

    store.load("UP", rising.table())
    assert breadth("UP") == 100.0
    store.load("DOWN", falling.table())
    assert breadth("UP") == breadth("DOWN") == 50.0
    store.append("DOWN", np.datetime64("2031-01-01", "ns"), 500.0, 500.0, 500.0, 500.0, 1.0)
    assert breadth("UP") == 100.0
    store.append("DOWN", np.datetime64("2031-01-01", "ns"), 1.0, 1.0, 1.0, 1.0, 1.0)
    assert breadth("UP") == 50.0
    store.append_cross_section(np.datetime64("2031-01-02", "ns"), ["UP", "DOWN"], np.full((2, 5), 1.0))
    assert breadth("UP") == 0.0
    store.load("UP", rising.table())
    assert breadth("UP") == 50.0
    store.drop("DOWN")
    assert breadth("UP") == 100.0
    store.load("^INDEX", rising.table())
    store.drop("UP")
    assert breadth("^INDEX") is None
    store.clear()
    store.load("DOWN", falling.table())
    assert breadth("DOWN") == 0.0


@pytest.mark.parametrize("capacity", [50, 51, 60, 64, 100])
def test_only_the_bars_kept_count(capacity: int) -> None:
    bars = walk(300, seed=capacity)
    kept = bars[-capacity:]
    found = FeatureComputer(_store_of({"A": bars}, capacity)).compute_for_ticker("A")
    assert_features(found, "A", kept, breadth=own_breadth("A", kept))


def test_appending_bars_is_as_loading_them() -> None:
    bars = walk(150, seed=8)
    store = BarStore(capacity=64)
    computer = FeatureComputer(store)
    for row in range(len(bars)):
        figures = [float(column[row]) for column in bars.columns().values()]
        store.append("A", np.datetime64(int(bars.timestamp[row]), "ns"), *figures)
        kept = bars[max(0, row + 1 - 64) : row + 1]
        assert_features(computer.compute_for_ticker("A"), "A", kept, breadth=own_breadth("A", kept))
    assert computer.compute_for_ticker("A") == FeatureComputer(_store_of({"A": bars}, 64)).compute_for_ticker("A")


@pytest.mark.parametrize("symbols", [1, 7, 8, 9, 30])
async def test_sync_async_and_batch_are_the_same(store: BarStore, symbols: int) -> None:
    names = [f"S{number}" for number in range(symbols)]
    for seed, name in enumerate(names):
        store.load(name, walk(40 + 3 * seed, seed=seed).table())
    batch = get_multiple_ticker_features(names)
    assert list(batch) == names
    assert batch == FeatureComputer(store).compute_batch(names)
    for name in names:
        assert batch[name] == get_ticker_features(name) == await async_get_ticker_features(name)


async def test_tickers_must_be_text(store: BarStore) -> None:
    with pytest.raises(TypeError):
        get_ticker_features(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await async_get_ticker_features(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="1"):
        get_multiple_ticker_features(["A", 5])  # type: ignore[list-item]
    assert get_multiple_ticker_features([]) == {}


def test_a_feature_set() -> None:
    bars = walk(90, seed=4)
    computer = FeatureComputer(_store_of({"A": bars}))
    found = computer.get_features("A")
    assert isinstance(found, FeatureSet)
    values = computer.compute_for_ticker("A")
    for key in (
        "rsi_14",
        "z_score_20",
        "volatility_20d",
        "atr_14",
        "close",
        "sma_20",
        "sma_50",
        "vix_level",
        "price_change_1d",
        "breadth_50dma",
        "slope_20d",
    ):
        assert getattr(found, key) == values[key], key
    assert {key: found.values[key] for key in reference.KEYS[5:]} == {key: values[key] for key in reference.KEYS[5:]}


async def test_a_source_that_fails_leaves_stale_bars(store: BarStore) -> None:
    import ziggy_async

    def broken(symbol: str, lookback: int) -> None:
        raise ConnectionError("no answer")

    bars = walk(60)
    store.load("A", bars.table())
    assert (await async_get_ticker_features("A"))["stale"] is False
    ziggy_async.set_bar_source(broken)
    found = await async_get_ticker_features("A", force_refresh=True)
    assert found["stale"] is True
    assert found["close"] == bars.close[-1]


@pytest.mark.parametrize("per_year", [1, 12, 365.25, 98_280])
async def test_volatility_is_that_of_the_stores_year(per_year: float) -> None:
    bars = walk(80, seed=5)
    store = BarStore(bars_per_year=per_year)
    for symbol in "ABC":  # a tile of lanes, too
        store.load(symbol, bars.table())
    returns = np.diff(bars.close[-21:]) / bars.close[-21:-1]
    expected = float(np.std(returns)) * per_year**0.5
    found = await FeatureComputer(store).compute_batch_async(list("ABC"))
    daily = computed("A", bars)
    for features in found.values():
        assert features.volatility_20d == pytest.approx(expected, rel=1e-12)
        assert {**features, "volatility_20d": 0, "breadth_50dma": 0, "ticker": ""} == {
            **daily, "volatility_20d": 0, "breadth_50dma": 0, "ticker": "",
        }  # fmt: skip
    assert store.bars_per_year == per_year
    assert BarStore().bars_per_year == 252


@pytest.mark.parametrize(
    ("per_year", "error"),
    [(0, ValueError), (-252, ValueError), (2e9, ValueError), (float("nan"), ValueError), (10**400, ValueError),
     ("252", TypeError), (None, TypeError)],
)  # fmt: skip
def test_a_year_has_some_bars(per_year: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^bars_per_year must be"):
        BarStore(bars_per_year=per_year)
    with pytest.raises(error, match=r"^bars_per_year must be"):
        paper.FeatureComputer(bars_per_year=per_year)
