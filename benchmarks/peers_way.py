"""Run by the interpreter of the peers' environment, not by ours: times their functions and prints JSON.

`python peers_way.py columns.npz name...`: the arrays in the file are open, high, low, close, volume and `lengths`;
printed is `{peer: {function: [microseconds, one for each length]}}`.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

ROUNDS, SECONDS = 7, 0.004
Way = Callable[[dict[str, Any]], object]


def takt(names: list[str]) -> dict[str, Way]:
    """TA-Lib's own package with another core: what `talib` is in this environment."""
    import talib
    from talib import abstract

    def way(name: str) -> Way:
        function = getattr(talib, name)
        inputs = [
            column
            for each in abstract.Function(name).input_names.values()
            for column in (each if isinstance(each, list) else [each])
        ]
        return lambda c: function(*(c[column] for column in inputs))

    return {name: way(name) for name in names}


def wickra(names: list[str]) -> dict[str, Way]:
    import wickra as w

    ways: dict[str, Way] = {
        "SMA": lambda c: w.SMA(30).batch_fast(c["close"]),
        "EMA": lambda c: w.EMA(30).batch_fast(c["close"]),
        "RSI": lambda c: w.RSI(14).batch_fast(c["close"]),
        "MACD": lambda c: w.MACD(12, 26, 9).batch_fast(c["close"]),
        "BBANDS": lambda c: w.BollingerBands(20, 2.0).batch_fast(c["close"]),
        "ATR": lambda c: w.ATR(14).batch_fast(c["high"], c["low"], c["close"]),
        "ADX": lambda c: w.ADX(14).batch(c["high"], c["low"], c["close"]),
        "OBV": lambda c: w.OBV().batch(c["close"], c["volume"]),
        "CCI": lambda c: w.CCI(14).batch(c["high"], c["low"], c["close"]),
        "STDDEV": lambda c: w.StdDev(5).batch_fast(c["close"]),
    }
    return {name: way for name, way in ways.items() if name in names}


def vector_ta(names: list[str]) -> dict[str, Way]:
    import vector_ta as v

    ways: dict[str, Way] = {
        "SMA": lambda c: v.sma(c["close"], 30),
        "EMA": lambda c: v.ema(c["close"], 30),
        "RSI": lambda c: v.rsi(c["close"], 14),
        "MACD": lambda c: v.macd(c["close"], 12, 26, 9, "ema"),
        "BBANDS": lambda c: v.bollinger_bands(c["close"], 20, 2.0, 2.0),
        "ATR": lambda c: v.atr(c["high"], c["low"], c["close"], 14),
        "ADX": lambda c: v.adx(c["high"], c["low"], c["close"], 14),
        "OBV": lambda c: v.obv(c["close"], c["volume"]),
        "CCI": lambda c: v.cci(c["close"], 14),
        "STDDEV": lambda c: v.stddev(c["close"], 5, 1.0),
    }
    return {name: way for name, way in ways.items() if name in names}


PEERS = {"ta-lib-takt": takt, "wickra": wickra, "vector-ta": vector_ta}


def median_microseconds(way: Way, columns: dict[str, Any]) -> float:
    rounds = []
    for _ in range(ROUNDS + 1):
        start, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - start < SECONDS:
            way(columns)
            calls += 1
        rounds.append((time.perf_counter() - start) / calls * 1e6)
    return float(np.median(rounds[1:]))


def main(path: str, *names: str) -> None:
    arrays = dict(np.load(path))
    lengths = arrays.pop("lengths")
    tables = [{name: np.ascontiguousarray(column[:length]) for name, column in arrays.items()} for length in lengths]
    found = {
        peer: {
            name: [median_microseconds(way, table) for table in tables] for name, way in ways_of(list(names)).items()
        }
        for peer, ways_of in PEERS.items()
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
