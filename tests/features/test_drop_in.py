"""What an application finds in the place of its own modules: names, keywords, defaults, and what comes back."""

import asyncio
import copy
import dataclasses
import logging
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from importlib import import_module
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from reference.bars import walk

from ziggy_async import BarStore, market_brain, paper
from ziggy_async.market_brain import features, regime, signals
from ziggy_async.market_brain.features import get_multiple_ticker_features, get_ticker_features
from ziggy_async.market_brain.regime import RegimeDetector
from ziggy_async.market_brain.signals import Signal, SignalDirection, SignalGenerator, SignalType
from ziggy_async.paper import FeatureComputer, MarketFeatures, PriceData

NOW = datetime(2024, 5, 6, 9, 30)
TOKYO = ZoneInfo("Asia/Tokyo")


def test_market_brain_has_all_names_of_its_modules() -> None:
    past = import_module("ziggy_async.market_brain.signal_history")  # whose name is also that of its function
    named = {name: getattr(module, name) for module in (features, regime, signals, past) for name in module.__all__}
    assert {name: getattr(market_brain, name) for name in market_brain.__all__} == named


@pytest.mark.parametrize(
    ("kind", "update", "settings", "keyword"),
    [
        (RegimeDetector, "update_thresholds", "thresholds", "new_thresholds"),
        (SignalGenerator, "update_parameters", "params", "new_params"),
    ],
)
def test_what_is_no_setting_is_logged_and_left_out(kind, update, settings, keyword, caplog) -> None:
    holder = kind()
    known, other, *_ = before = dict(getattr(holder, settings))
    wrong = {"unheard_of": 1, other: "60", 7: 7}
    getattr(holder, update)(**{keyword: {known: 28, **wrong}})
    assert getattr(holder, settings) == before | {known: 28}
    assert type(getattr(holder, settings)[known]) is int
    faults = ("'unheard_of' is no", f"{other}: '60' is a str", "7 is no")
    assert all(fault in message for fault, message in zip(faults, caplog.messages, strict=True))
    for name, value in wrong.items():
        with pytest.raises((TypeError, ValueError)):
            getattr(holder, update)({known: 29, name: value}, strict=True)
    assert getattr(holder, settings)[known] == 28
    getattr(holder, update)({known: 29}, strict=True)
    assert getattr(holder, settings)[known] == 29


def test_features_by_the_keywords_and_as_a_dict(store: BarStore) -> None:
    store.load("SPY", walk(80, seed=1).table())
    found = get_ticker_features("SPY", force_refresh=True)
    assert type(found.to_dict()) is dict
    assert found.to_dict() == dict(found)
    found.to_dict()["close"] = -1.0
    assert found.close > 0.0
    assert get_multiple_ticker_features(["SPY"], force_refresh=True)["SPY"] == found
    as_set = features.feature_computer.get_features("SPY")
    assert as_set is not None
    assert as_set.to_dict() == {**found, "source": "computed"}


def test_a_signal_of_the_applications_own() -> None:
    signal = Signal("SPY", SignalDirection.LONG, 0.5, SignalType.MOMENTUM, "by hand", timestamp=None)
    context = signal.to_dict()["context"]
    assert (context["timestamp"], context["bar_time"]) == (None, None)
    dated = dataclasses.replace(signal, timestamp=NOW, bar_time=NOW).to_dict()["context"]
    assert (dated["timestamp"], dated["bar_time"]) == ("2024-05-06T09:30:00", "2024-05-06T09:30:00")
    assert [field.name for field in dataclasses.fields(Signal)][-1] == "bar_time"


def test_market_features_of_the_applications_own() -> None:
    made = MarketFeatures("A", NOW, 1.0, 1.0, 1.0, 1.0, 1)
    computer = FeatureComputer()
    computer.add_price_data(PriceData(NOW, "A", 1.0, 1.1, 1.0, 1.0, 1))
    one_tick = computer.compute_features("A")
    assert one_tick is not None
    known = {"open_price": 1.0, "high": 1.0, "bid_ask_spread": 0.0}
    assert dataclasses.replace(one_tick, **known) == made, "a figure that is not known yet is its default"


@pytest.mark.parametrize(
    "moment",
    [NOW, NOW.replace(tzinfo=UTC), NOW.replace(tzinfo=TOKYO), NOW.replace(tzinfo=timezone(timedelta(hours=-5)))],
    ids=["naive", "UTC", "Tokyo", "offset"],
)
async def test_a_tick_comes_back_as_it_went_in(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    computer = FeatureComputer()
    monkeypatch.setattr(paper.features, "feature_computer", computer)

    async def found() -> list[MarketFeatures | None]:
        ways = computer.compute_features_async("A"), paper.compute_features_async("A")
        return [computer.compute_features("A"), *(await asyncio.gather(*ways))]

    computer.add_price_data(PriceData(moment, "A", 10, 11.0, np.int64(9), 10.5, 1200))
    for answer in await found():
        assert answer is not None
        assert answer.timestamp == moment
        assert answer.timestamp.tzinfo is moment.tzinfo
        told = answer.price, answer.open_price, answer.high, answer.low, answer.volume
        assert told == (10.5, 10, 11.0, 9, 1200)
        assert [type(figure) for figure in told] == [float, int, float, int, int]
    computer.add_price_data(PriceData(NOW.replace(tzinfo=UTC), "A", 10.0, 11.0, 9.0, 10.5, 1200.5))
    for answer in await found():
        assert answer is not None
        assert answer.timestamp.tzinfo is UTC
        assert (answer.volume, type(answer.open_price)) == (1200.5, float)


@pytest.mark.parametrize("ticks", [1, 2, 70, 300])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda this: pickle.loads(pickle.dumps(this))])
def test_a_copy_goes_its_own_way(copied: Callable[[FeatureComputer], FeatureComputer], ticks: int) -> None:
    computer = FeatureComputer(window_size=100)
    closes = walk(ticks, seed=3).close
    zones = {"NAIVE": None, "UTC": UTC, "TOKYO": TOKYO}
    for symbol, zone in zones.items():
        for number, close in enumerate(closes.tolist()):
            moment = (NOW - timedelta(minutes=number % 5)).replace(tzinfo=zone)  # in no order
            computer.add_price_data(PriceData(moment, symbol, close, close, close, close, number))
    other = copied(computer)
    for symbol, zone in zones.items():
        assert other.compute_features(symbol) == computer.compute_features(symbol) != None  # noqa: E711
        features = other.compute_features(symbol)
        assert features is not None
        assert (features.timestamp.tzinfo, type(features.volume)) == (zone, int)
    other.add_price_data(PriceData(NOW, "NAIVE", 1.0, 1.0, 1.0, 1.0, 1.0))
    assert other.compute_features("NAIVE") != computer.compute_features("NAIVE")
    assert repr(other) == "<FeatureComputer symbols=3 window_size=100>"


async def test_parameters_of_one_call(store: BarStore) -> None:
    store.load("A", walk(80, seed=2).table())
    always = {"mr_rsi_oversold": 101, "mr_z_score_long": 100.0}
    before = dict(signals.signal_generator.params)
    for answer in (
        signals.generate_ticker_signal("A", "Chop", always),
        await signals.generate_ticker_signal_async("A", regime="Chop", params=always),
        signals.generate_signals_for_watchlist(["A"], regime="Chop", params=always)["A"],
        (await signals.generate_signals_for_watchlist_async(["A"], regime="Chop", params=always))["A"],
    ):
        assert answer["reason"] == "ok"
        assert answer["signal"].regime_context == "Chop"
        assert "below 101 and" in answer["signal"].reason
    assert signals.signal_generator.params == before
    for wrong in ({"mr_rsi_oversoldd": 35}, {"mr_rsi_oversold": "35"}):
        with pytest.raises((ValueError, TypeError), match="mr_rsi_oversold"):
            await signals.generate_signals_for_watchlist_async(["A"], params=wrong)  # type: ignore[arg-type]
        with pytest.raises((ValueError, TypeError), match="mr_rsi_oversold"):
            signals.generate_signals_for_watchlist([], params=wrong)  # type: ignore[arg-type]


async def test_further_keywords_of_a_signal(store: BarStore, caplog: pytest.LogCaptureFixture) -> None:
    from ziggy_async.async_features import AsyncFeatureComputer

    caplog.set_level(logging.WARNING)
    store.load("A", walk(80, seed=2).table())
    async with AsyncFeatureComputer() as computer:
        found = await computer.compute_signal_async(
            "A", "mean_reversion", regime="Chop", mr_rsi_oversold=101, mr_z_score_long=100.0, lookback=20
        )
        assert found is not None
        assert (found["signal_type"], found["context"]["regime_context"]) == ("MeanReversion", "Chop")
        assert ["lookback" in message for message in caplog.messages] == [True]
        assert await computer.compute_signal_async("A", "mean_reversion", regime="Panic") is None
