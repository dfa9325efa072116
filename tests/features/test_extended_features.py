"""Features that an application adds to the market-brain dict, by a formula."""

import asyncio

import numpy as np
import pytest
import talib
from reference.bars import walk

from ziggy_async import BarStore, FormulaError
from ziggy_async.market_brain.features import FeatureComputer


def stocked() -> BarStore:
    store = BarStore()
    for number in range(20):
        store.load(f"S{number}", walk(60 + number, seed=number).table())
    store.load("SHORT", walk(49).table())
    return store


def test_an_added_feature_is_in_every_result() -> None:
    store = stocked()
    computer = FeatureComputer(store)
    before = computer.compute_for_ticker("S3")
    computer.extend(cci_20="cci(high, low, close, 20)", late="sma(close, 70)", busy="volume > sma(volume, 5)")
    bars = store.bars("S3")
    wanted = talib.CCI(bars["high"], bars["low"], bars["close"], 20)[-1]
    for found in (
        computer.compute_for_ticker("S3"),
        computer.compute_batch(store.symbols())["S3"],
        asyncio.run(computer.compute_for_ticker_async("S3")),
        asyncio.run(computer.compute_batch_async(store.symbols()))["S3"],
    ):
        assert found["cci_20"] == pytest.approx(wanted, rel=1e-9)
        assert found["late"] is None  # of 63 bars
        assert found["busy"] == float(bars["volume"][-1] > np.mean(bars["volume"][-5:]))
        assert {name: found[name] for name in before} == before
    assert "cci_20" not in computer.compute_for_ticker("SHORT")
    assert "cci_20" not in FeatureComputer(store).compute_for_ticker("S3")


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        ({"rsi_14": "rsi(close, 7)"}, "features have 'rsi_14' already"),
        ({"as_of": "close"}, "features have 'as_of' already"),
        ({"good": "close", "bad": "rsj(14)"}, "rsj"),
        ({"vwap_gap": "close - vwap"}, "vwap"),
    ],
)
def test_what_cannot_be_added_changes_nothing(formulas: dict[str, str], message: str) -> None:
    computer = FeatureComputer(stocked())
    before = computer.compute_for_ticker("S1")
    with pytest.raises(ValueError, match=message):
        computer.extend(**formulas)
    assert computer.compute_for_ticker("S1") == before


def test_a_faulty_formula_is_a_formula_error() -> None:
    with pytest.raises(FormulaError):
        FeatureComputer(BarStore()).extend(bad="close +")
