"""What objects say of themselves at a prompt."""

import re

import pytest
from reference.bars import walk

from ziggy_async import AsyncFeatureComputer, BarStore, TaskPoolConfig
from ziggy_async.market_brain import FeatureComputer, RegimeDetector, SignalGenerator
from ziggy_async.paper import FeatureComputer as PaperComputer


def store_of(*symbols: str) -> BarStore:
    store = BarStore(capacity=100)
    for symbol in symbols:
        store.load(symbol, walk(60).table())
    return store


DETECTOR = RegimeDetector(FeatureComputer(store_of("SPX")), market="SPX", volatility=None)


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (store_of("A", "B"), "<BarStore symbols=2 capacity=100>"),
        (FeatureComputer(store_of("A")), "<FeatureComputer over <BarStore symbols=1 capacity=100>>"),
        (PaperComputer(50), "<FeatureComputer symbols=0 window_size=50>"),
        (RegimeDetector(), "<RegimeDetector of SPY and ^VIX: nothing kept>"),
        (SignalGenerator(detector=DETECTOR), "<SignalGenerator by <RegimeDetector of SPX and None: nothing kept>>"),
    ],
)
def test_what_it_is_of(thing: object, text: str) -> None:
    assert repr(thing) == text


def test_a_detector_says_what_it_keeps() -> None:
    detector = RegimeDetector(FeatureComputer(store_of("SPY")))
    regime = detector.detect_regime().regime
    assert re.fullmatch(rf"<RegimeDetector of SPY and \^VIX: {regime} at \d\d:\d\d:\d\d UTC>", repr(detector))


async def test_a_computer_says_how_it_is() -> None:
    computer = AsyncFeatureComputer(TaskPoolConfig(max_workers=2, queue_size=9))
    assert repr(computer) == "<AsyncFeatureComputer not started>"
    async with computer:
        await computer.execute_blocking_operation("len", len, "ab")
        assert repr(computer) == "<AsyncFeatureComputer started workers=2 running=0 queued=0 queue_size=9>"
        assert repr(computer.with_options(priority=3)).startswith(f"<{computer!r} with Options(priority=3, ")
        assert repr(computer.metrics) == "<Metrics operations=1 kinds=1>"
        assert repr(computer.dead_letters) == "<DeadLetters letters=0>"
    assert repr(computer) == "<AsyncFeatureComputer stopped>"
