"""Every row of the catalog against TA-Lib and the plain reference, and each way of computing it against the others."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference.bars import FIELDS, Bars, flat, from_closes, walk
from reference.indicators import REFERENCES

from ziggy_async import _core, indicators, talib

Floats = NDArray[np.float64]
Parameters = Mapping[str, float]

CATALOG: dict[str, dict[str, Any]] = {row["name"]: row for row in indicators.catalog()}
NAMES = sorted(set(CATALOG) & set(REFERENCES))
FREE_OF_PRICE = {"rsi", "rsi_cutler", "adx", "zscore", "slope_percent", "roc", "volatility", "correlation",
                 "return_correlation"}  # fmt: skip
"""Outputs that do not grow with the prices; errors of the others are weighed against the highest price."""


def defaults(name: str) -> dict[str, float]:
    return {parameter["name"]: parameter["default"] for parameter in CATALOG[name]["parameters"]}


def inputs(name: str, bars: Bars, other: Floats | None = None) -> dict[str, Floats]:
    columns = {**bars.columns(), "other": bars.open if other is None else other}
    return {field: columns[field] for field in CATALOG[name]["inputs"]}


def series(name: str, columns: Mapping[str, Any], parameters: Mapping[str, Any]) -> tuple[Floats, ...]:
    return tuple(indicators.series(name, **columns, **parameters).values())


def snapshot(name: str, columns: Mapping[str, Any], parameters: Mapping[str, Any]) -> tuple[Floats, ...]:
    return tuple(indicators.snapshot(name, **columns, **parameters).values())


def lookback(name: str, parameters: Mapping[str, Any]) -> int:
    return indicators.lookback(name, **parameters)


def expected(name: str, columns: Mapping[str, Floats], parameters: Parameters) -> tuple[Floats, ...]:
    whole = {key: int(value) if float(value).is_integer() else value for key, value in parameters.items()}
    return REFERENCES[name](**columns, **whole)


def assert_close(
    name: str, found: tuple[Floats, ...], wanted: tuple[Floats, ...], columns: Mapping[str, Floats]
) -> None:
    """To 1e-9 relative; figures that are differences of prices cannot be better than the prices' own last digits."""
    top = max((float(np.max(column)) for column in columns.values()), default=1.0)
    if name == "turnover":
        top = float(np.max(columns["close"] * columns["volume"]))
    floor = 1e-9 if name in FREE_OF_PRICE else 1e-12 * top
    assert len(found) == len(wanted) == len(CATALOG[name]["outputs"])
    for output, ours, theirs in zip(CATALOG[name]["outputs"], found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=floor, err_msg=f"{name}.{output}")


def check(name: str, bars: Bars, **changed: float) -> None:
    parameters = {**defaults(name), **changed}
    columns = inputs(name, bars)
    assert_close(name, series(name, columns, parameters), expected(name, columns, parameters), columns)


def test_every_row_says_what_it_is() -> None:
    for row in _core.catalog():
        assert set(row) == {
            "name",
            "talib",
            "group",
            "summary",
            "inputs",
            "parameters",
            "outputs",
            "memory",
            "formulas",
        }
        assert row["summary"].endswith(".")
        assert set(row["inputs"]) <= {*FIELDS, "other"}
        assert (
            row["memory"] in {"reach", "fading", "forever"} if row["formulas"] is None else row["memory"] == "formula"
        )
        assert row["formulas"] is None or len(row["formulas"]) == len(row["outputs"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 2, 14, 15, 20, 21, 27, 28, 33, 34, 35, 100, 1000])
def test_made_bars(name: str, count: int) -> None:
    check(name, walk(count, seed=count))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "file", ["SPY_daily_2017_2018", "MSFT_daily_1990_2022", "SPX_daily_1990_2022", "SPY_1min_2020",
             "PENNY_daily_2018_2021", "HUGE_prices"],
)  # fmt: skip
def test_real_bars(name: str, file: str, real: Callable[[str], Bars]) -> None:
    check(name, real(file))


TALIB: dict[str, Callable[[Any, Bars, dict[str, Any]], Any]] = {
    "sma": lambda ta, b, p: ta.SMA(b.close, p["period"]),
    "ema": lambda ta, b, p: ta.EMA(b.close, p["period"]),
    "rsi": lambda ta, b, p: ta.RSI(b.close, p["period"]),
    "macd": lambda ta, b, p: ta.MACD(b.close, p["fast"], p["slow"], p["signal"]),
    "bollinger": lambda ta, b, p: ta.BBANDS(b.close, p["period"], p["deviations"], p["deviations"]),
    "atr": lambda ta, b, p: ta.ATR(b.high, b.low, b.close, p["period"]),
    "adx": lambda ta, b, p: ta.ADX(b.high, b.low, b.close, p["period"]),
    "stddev": lambda ta, b, p: ta.STDDEV(b.close, p["period"]),
    "slope": lambda ta, b, p: ta.LINEARREG_SLOPE(b.close, p["period"]),
    "highest": lambda ta, b, p: ta.MAX(b.close, p["period"]),
    "lowest": lambda ta, b, p: ta.MIN(b.close, p["period"]),
    "roc": lambda ta, b, p: ta.ROC(b.close, p["period"]),
    "correlation": lambda ta, b, p: ta.CORREL(b.close, b.open, p["period"]),
}


def against_talib(name: str, bars: Bars, parameters: Parameters) -> None:
    talib = pytest.importorskip("talib")
    kinds = {parameter["name"]: parameter["whole"] for parameter in CATALOG[name]["parameters"]}
    typed = {key: int(value) if kinds[key] else float(value) for key, value in parameters.items()}
    wanted = TALIB[name](talib, bars, typed)
    parts = tuple(wanted) if isinstance(wanted, (tuple, list)) else (wanted,)
    columns = inputs(name, bars)
    assert_close(name, series(name, columns, parameters), parts, columns)


@pytest.mark.parametrize("name", sorted(TALIB))
@pytest.mark.parametrize("file", ["SPY_daily_2017_2018", "MSFT_daily_1990_2022", "SPY_1min_2020"])
def test_real_bars_as_talib(name: str, file: str, real: Callable[[str], Bars]) -> None:
    against_talib(name, real(file), defaults(name))


@pytest.mark.parametrize("name", sorted(TALIB))
@pytest.mark.parametrize("period", [2, 3, 7, 50, 199])
def test_other_periods_as_talib(name: str, period: int) -> None:
    changed = {"fast": period, "slow": 2 * period, "signal": period} if name == "macd" else {"period": period}
    against_talib(name, walk(500, seed=period), {**defaults(name), **changed})


def test_macd_swaps_its_periods() -> None:
    check("macd", walk(200), fast=26, slow=12)


@st.composite
def parameters_of(draw: st.DrawFn, name: str) -> dict[str, float]:
    """Within the catalog's bounds, windows short enough for the bars of a test."""
    chosen: dict[str, float] = {}
    for parameter in CATALOG[name]["parameters"]:
        least, most = parameter["least"], min(parameter["most"], 60 if parameter["whole"] else 1000.0)
        kind = st.integers(int(least), int(most)) if parameter["whole"] else st.floats(max(least, 0.01), most)
        chosen[parameter["name"]] = float(draw(kind))
    return chosen


@st.composite
def bars_of(draw: st.DrawFn) -> Bars:
    """Walks with flat stretches, from prices of 1e-6 to 1e13, some with an outlier."""
    count, seed = draw(st.integers(1, 300)), draw(st.integers(0, 2**32 - 1))
    price = draw(st.sampled_from([1e-6, 0.01, 1.0, 100.0, 1e6, 1e13]))
    close = walk(count, seed=seed).close.copy() * (price / 100.0)
    if draw(st.booleans()):
        begin = draw(st.integers(0, count - 1))
        close[begin : begin + draw(st.integers(1, 80))] = close[begin]
    if draw(st.booleans()):
        close[draw(st.integers(0, count - 1))] *= 1e7
    return from_closes(close, spread=draw(st.sampled_from([0.0, 0.001, 0.05])), seed=seed)


@given(data=st.data(), name=st.sampled_from(NAMES), bars=bars_of())
@settings(max_examples=400, deadline=None)
def test_any_bars_and_parameters(data: st.DataObject, name: str, bars: Bars) -> None:
    """As the reference, finite everywhere from the lookback on; snapshot and series have the same bits."""
    parameters, columns = data.draw(parameters_of(name)), inputs(name, bars)
    found = series(name, columns, parameters)
    start = min(lookback(name, parameters), len(bars))
    for column in found:
        assert np.isnan(column[:start]).all()
        assert np.isfinite(column[start:]).all()
    assert_close(name, found, expected(name, columns, parameters), columns)
    last = snapshot(name, columns, parameters)
    assert [value.shape for value in last] == [()] * len(found)
    assert b"".join(value.tobytes() for value in last) == b"".join(column[-1:].tobytes() for column in found)


@given(data=st.data(), name=st.sampled_from(NAMES), seed=st.integers(0, 10**6), count=st.integers(1, 250))
@settings(max_examples=300, deadline=None)
def test_any_parameters_against_the_reference(data: st.DataObject, name: str, seed: int, count: int) -> None:
    check(
        name,
        walk(count, seed=seed, price=data.draw(st.sampled_from([1e-6, 1.0, 1e13]))),
        **data.draw(parameters_of(name)),
    )


WINDOWED = sorted(set(NAMES) - {"ema", "rsi", "macd", "atr", "adx"})


@pytest.mark.parametrize("name", WINDOWED)
@pytest.mark.parametrize("place", range(100, 141, 3))
def test_an_outlier_that_has_left_leaves_nothing(name: str, place: int) -> None:
    """Bars after the outlier has left compute as if it had never been, whatever block of the window it fell into."""
    calm = walk(400, seed=1)
    close = calm.close.copy()
    close[place] = 1e9
    wild = Bars(calm.timestamp, calm.open, np.maximum(calm.high, close), calm.low, close, calm.volume)
    left = place + lookback(name, defaults(name)) + 2
    for after, never in zip(
        series(name, inputs(name, wild), defaults(name)),
        expected(name, inputs(name, calm), defaults(name)),
        strict=True,
    ):
        np.testing.assert_allclose(after[left:], never[left:], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("price", [1e-6, 0.1, 1.1, 1e6 / 3.0, 1e13])
def test_flat_prices_have_defined_answers(price: float) -> None:
    bars = flat(300, price)
    answers = {
        "sma": price,
        "rsi": 50.0,
        "rsi_cutler": 100.0,
        "stddev": 0.0,
        "zscore": 0.0,
        "slope": 0.0,
        "slope_percent": 0.0,
        "highest": price,
        "lowest": price,
        "roc": 0.0,
        "volatility": 0.0,
        "correlation": 0.0,
        "atr": 0.0,
        "atr_simple": 0.0,
        "adx": 0.0,
    }
    for name, answer in answers.items():
        (value,) = snapshot(name, inputs(name, bars), defaults(name))
        assert float(value) == answer, name
    assert [float(part) for part in snapshot("bollinger", inputs("bollinger", bars), defaults("bollinger"))] == [
        price
    ] * 3
    assert [
        float(v) for v in snapshot("return_correlation", {"close": bars.close, "other": bars.open}, {"period": 20})
    ] == [0, 0]


def test_a_calm_series_at_a_high_level_keeps_its_digits() -> None:
    ripple = np.where(np.arange(400) % 2 == 0, 0.25, -0.25)
    (found,) = snapshot("stddev", {"close": 1e9 + ripple}, {"period": 20})
    assert float(found) == 0.25


def test_no_drift_over_a_million_bars() -> None:
    close = walk(1_000_000, seed=3, drift=0.0, swing=0.0005).close
    for name in ("sma", "stddev", "slope"):
        (found,) = series(name, {"close": close}, {"period": 20})
        wanted = REFERENCES[name](close[-200:], 20)[0]
        np.testing.assert_allclose(found[-100:], wanted[-100:], rtol=1e-12, atol=1e-12 * close[-1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("symbols", [1, 2, 3, 4, 5, 7, 8, 9, 16, 19])
def test_many_symbols_as_one_by_one(name: str, symbols: int) -> None:
    every = [inputs(name, walk(120, seed=seed)) for seed in range(symbols)]
    together = {field: np.stack([columns[field] for columns in every]) for field in every[0]}
    histories, last = (compute(name, together, defaults(name)) for compute in (series, snapshot))
    for row, columns in enumerate(every):
        for matrix, column in zip(histories, series(name, columns, defaults(name)), strict=True):
            assert matrix.shape == (symbols, 120)
            assert matrix[row].tobytes() == column.tobytes()
        for values, value in zip(last, snapshot(name, columns, defaults(name)), strict=True):
            assert values.shape == (symbols,)
            assert values[row].tobytes() == value.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_columns_that_are_not_contiguous(name: str) -> None:
    columns = inputs(name, walk(300, seed=2))
    spaced = {field: np.repeat(column, 2)[::2] for field, column in columns.items()}
    for near, far in zip(series(name, columns, defaults(name)), series(name, spaced, defaults(name)), strict=True):
        assert near.tobytes() == far.tobytes()


def test_every_instruction_set_has_the_same_bits(run_isolated: Callable[..., Any]) -> None:
    answers = {}
    for isa in ("scalar", "avx2", "avx512"):
        done = run_isolated("digests_of_the_catalog", ZIGGY_ASYNC_ISA=isa)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        answers[answer["isa"]] = answer["digests"]
    assert "scalar" in answers
    for isa, digests in answers.items():
        assert digests == answers["scalar"], isa


CLOSE = np.linspace(10.0, 20.0, 100)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_out_of_bounds_are_named(name: str) -> None:
    columns = inputs(name, walk(100))
    for parameter in CATALOG[name]["parameters"]:
        span = abs(parameter["most"]) + 1.0
        for value in (parameter["least"] - 1.0, parameter["most"] + span, np.nan, np.inf, -np.inf):
            with pytest.raises(ValueError, match=parameter["name"]):
                series(name, columns, {**defaults(name), parameter["name"]: value})
        if parameter["whole"]:
            with pytest.raises(ValueError, match=parameter["name"]):
                snapshot(name, columns, {**defaults(name), parameter["name"]: parameter["least"] + 0.5})
        with pytest.raises(TypeError, match=parameter["name"]):
            lookback(name, {**defaults(name), parameter["name"]: "many"})  # type: ignore[dict-item]


@pytest.mark.parametrize("compute", [series, snapshot])
def test_wrong_arguments(compute: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="supertrendy"):
        compute("supertrendy", {"close": CLOSE}, {})
    with pytest.raises(TypeError, match="perod"):
        compute("sma", {"close": CLOSE}, {"perod": 5})
    with pytest.raises(TypeError, match="close"):
        compute("sma", {}, {})
    with pytest.raises(TypeError, match="closing"):
        compute("sma", {"close": CLOSE, "closing": CLOSE}, {})
    with pytest.raises(ValueError, match="low"):
        compute("atr", {"high": CLOSE, "low": CLOSE[1:], "close": CLOSE}, {})
    with pytest.raises((TypeError, ValueError), match="close"):
        compute("sma", {"close": CLOSE.reshape(2, 5, 10)}, {})
    with pytest.raises(TypeError, match="close"):
        compute("sma", {"close": np.array(["a", "b"])}, {})


def test_a_missing_parameter_has_its_default() -> None:
    for name in NAMES:
        columns = inputs(name, walk(100))
        for ours, theirs in zip(series(name, columns, {}), series(name, columns, defaults(name)), strict=True):
            assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_lookback_is_the_first_value(name: str) -> None:
    for count in (lookback(name, {}), lookback(name, {}) + 1):
        if count == 0:
            continue
        filled = [np.isfinite(column).sum() for column in series(name, inputs(name, walk(count)), {})]
        assert filled == [max(0, count - lookback(name, {}))] * len(filled)


@pytest.mark.parametrize("name", NAMES)
def test_too_few_bars_give_a_snapshot_of_nan(name: str) -> None:
    short = inputs(name, walk(max(1, lookback(name, {}))))
    if lookback(name, {}) > 0:
        assert all(np.isnan(value) for value in snapshot(name, short, {}))


def test_the_public_face() -> None:
    bars = walk(100)
    assert indicators.lookback("macd", slow=30) == 30 + 9 - 2
    assert list(indicators.series("macd", close=bars.close)) == ["macd", "signal", "histogram"]
    assert list(indicators.snapshot("bollinger", close=bars.close)) == ["upper", "middle", "lower"]
    assert indicators.snapshot("sma", close=bars.close)["value"].shape == ()
    with pytest.raises(TypeError, match="perod"):
        indicators.series("sma", close=bars.close, perod=5)
    with pytest.raises(ValueError, match="did you mean 'sma'"):
        indicators.lookback("smaa")


ISSUED = {
    "sma": {"period": 20}, "ema": {"period": 20}, "turnover": {"period": 20}, "rsi": {"period": 14},
    "rsi_cutler": {"period": 14}, "macd": {"fast": 12, "slow": 26, "signal": 9}, "roc": {"period": 10},
    "adx": {"period": 14}, "slope": {"period": 20}, "slope_percent": {"period": 20}, "highest": {"period": 20},
    "lowest": {"period": 20}, "bollinger": {"period": 20, "deviations": 2}, "atr": {"period": 14},
    "atr_simple": {"period": 14}, "volatility": {"period": 20, "per_year": 252}, "stddev": {"period": 20},
    "zscore": {"period": 20}, "correlation": {"period": 20}, "return_correlation": {"period": 20},
}  # fmt: skip
"""Names and defaults that callers of this module rely on; in formulas the defaults are TA-Lib's."""


@pytest.mark.parametrize("name", ISSUED)
def test_names_and_defaults_stay(name: str) -> None:
    bars = walk(200)
    assert defaults(name).items() >= ISSUED[name].items()
    for ours, theirs in zip(
        series(name, inputs(name, bars), {}), series(name, inputs(name, bars), ISSUED[name]), strict=True
    ):
        assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_arrays_without_bars(name: str) -> None:
    for shape in ((0,), (3, 0), (0, 5)):
        columns = {field: np.empty(shape) for field in CATALOG[name]["inputs"]}
        assert {column.shape for column in series(name, columns, {})} == {shape}
        assert {column.shape for column in snapshot(name, columns, {})} == {shape[:-1]}


def test_results_do_not_share_memory_with_the_input() -> None:
    close = CLOSE.copy()
    before = hashlib.sha256(close.tobytes()).digest()
    for column in series("highest", {"close": close}, {"period": 2}):
        column[:] = 0.0
    assert hashlib.sha256(close.tobytes()).digest() == before


def test_many_long_series_are_the_same_as_one_by_one():
    """Results of more than the caches hold go past them, whether or not the rows begin a cache line."""
    for bars in (4_096, 4_099):
        close = 100.0 + np.cumsum(np.random.default_rng(5).normal(0.0, 1.0, (160, bars)), axis=1)
        together = talib.BBANDS(close, 5)
        for at in (0, 7, 8, 159):
            for result, alone in zip(together, talib.BBANDS(close[at], 5), strict=True):
                np.testing.assert_array_equal(result[at], alone)
