"""A watchlist's signals through the computer: one operation, in the regime that is given or detected."""

from collections.abc import AsyncIterator

import pytest
from reference.bars import walk

from ziggy_async import BarStore
from ziggy_async.async_features import AsyncFeatureComputer, TaskPoolConfig
from ziggy_async.market_brain.signals import signal_generator


@pytest.fixture
async def computer() -> AsyncIterator[AsyncFeatureComputer]:
    async with AsyncFeatureComputer(TaskPoolConfig(max_workers=2)) as computer:
        yield computer


@pytest.fixture
def stocked(store: BarStore) -> BarStore:
    for seed, symbol in enumerate(("SPY", "AAPL", "MSFT")):
        store.load(symbol, walk(120, seed=seed).table())
    store.load("NEW", walk(20, seed=9).table())
    return store


async def test_a_batch_of_signals_is_one_operation(stocked: BarStore, computer: AsyncFeatureComputer) -> None:
    tickers = ["MSFT", "NEW", "NONE", "MSFT"]
    for asked in (computer, computer.with_options(priority=1)):
        found = await asked.compute_signals_batch(tickers, "RiskOn")
        assert list(found) == ["MSFT", "NEW", "NONE"]
        assert set(found["MSFT"]) == {"ticker", "signal", "reason"}
        for ticker in ("NEW", "NONE"):
            assert found[ticker] == {"ticker": ticker, "signal": None, "reason": "insufficient_features"}
        assert (await asked.compute_signals_batch(iter(()))) == {}
    names = [each["operation"] for each in computer.get_metrics()]
    assert names == ["compute_signals_batch:4", "compute_signals_batch:0"] * 2
    assert computer.metrics.by_kind()["compute_signals_batch"].errors == 0
    assert computer.counts()["succeeded"] == 2, "those with options went through the queue"


async def test_a_batch_of_signals_in_a_given_regime(
    stocked: BarStore, computer: AsyncFeatureComputer, monkeypatch: pytest.MonkeyPatch
) -> None:
    always = {**signal_generator.params, "mr_rsi_oversold": 101.0, "mr_z_score_long": 100.0}
    monkeypatch.setattr(signal_generator, "params", always)
    for regime in ("Chop", "RiskOff"):
        signal = (await computer.compute_signals_batch(["AAPL"], regime))["AAPL"]["signal"]
        assert (signal.ticker, signal.direction, signal.regime_context) == ("AAPL", "LONG", regime)
    detected = await computer.compute_signals_batch(["AAPL"])
    assert detected["AAPL"]["reason"] == "ok"


async def test_a_batch_of_signals_that_fails_is_logged_and_counted(
    computer: AsyncFeatureComputer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*args: object) -> None:
        raise RuntimeError("the secret")

    monkeypatch.setattr(signal_generator, "generate_signals_bulk_async", broken)
    for number, asked in enumerate((computer, computer.with_options(priority=1)), 1):
        found = await asked.compute_signals_batch(["B", "A"])
        assert list(found) == ["B", "A"]
        for ticker, answer in found.items():
            assert (answer["ticker"], answer["signal"]) == (ticker, None)
            assert answer["reason"].startswith("error: ")
            assert "secret" not in answer["reason"]
        assert computer.metrics.by_kind()["compute_signals_batch"].errors == number
    assert "compute_signals_batch:2 failed" in caplog.text
    assert "the secret" in caplog.text


async def test_what_is_no_batch_of_signals_is_not_begun(computer: AsyncFeatureComputer) -> None:
    with pytest.raises(TypeError, match="position 1"):
        await computer.compute_signals_batch(["AAPL", 5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="not one str"):
        await computer.compute_signals_batch("AAPL")
    with pytest.raises(ValueError, match="'astrology' is none of"):
        await computer.compute_signals_batch(["AAPL"], "astrology")
    assert computer.get_metrics() == []
