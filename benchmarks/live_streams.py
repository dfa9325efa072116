"""Run by the peers' interpreter: nanoseconds of one new bar in the streams of other packages, as JSON."""

import json
import time

import numpy as np
import wickra

TICKERS, BARS, WARM = 200, 60, 60


def streams() -> list[tuple[object, bool]]:
    """One for each feature, and whether it takes whole bars."""
    closes = (
        wickra.RSI(14), wickra.EMA(12), wickra.EMA(26), wickra.SMA(20), wickra.SMA(50), wickra.BollingerBands(20, 2.0),
        wickra.MACD(12, 26, 9),
    )  # fmt: skip
    bars = wickra.ATR(14), wickra.Donchian(20), wickra.OBV()
    return [*((each, False) for each in closes), *((each, True) for each in bars)]


def by_wickra(bars: list[tuple[float, ...]]) -> float:
    tickers = [streams() for _ in range(TICKERS)]
    elapsed = 0.0
    for number, bar in enumerate(bars):
        start = time.perf_counter()
        for ticker in tickers:
            for stream, takes_bars in ticker:
                stream.update(bar if takes_bars else bar[3])
        elapsed += (time.perf_counter() - start) * (number >= WARM)
    return elapsed / (TICKERS * BARS) * 1e9


def main() -> None:
    closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0.0, 0.01, WARM + BARS)))
    bars = [(c, c * 1.01, c * 0.99, c, 1000.0, at) for at, c in enumerate(closes.tolist())]
    print(json.dumps({f"wickra {wickra.__version__}, one stream a feature": by_wickra(bars)}))


main()
