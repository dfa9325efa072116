"""Every row of the catalog that TA-Lib has too, kernel or formula, against TA-Lib."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import talib
from numpy.typing import NDArray
from reference.bars import Bars, flat, walk

from ziggy_async import _core
from ziggy_async.features import FeatureSet

Floats = NDArray[np.float64]
Values = tuple[float, ...]
ROWS: dict[str, dict[str, Any]] = {row["name"]: row for row in _core.catalog() if row["talib"] is not None}
FROM_PERIOD_2 = {"highest", "lowest", "total"}
"""Windows of one value, which TA-Lib refuses."""
MA_TYPES = (0, 1, 2, 3, 4, 5, 6, 8)


def with_gaps(bars: Bars, seed: int) -> Bars:
    """Bars that open anywhere in their range, at prices with one decimal: equal prices, gaps and patterns abound."""
    opens = bars.low + (bars.high - bars.low) * np.random.default_rng(seed).random(len(bars))
    prices = (np.round(column, 1) for column in (opens, bars.high, bars.low, bars.close))
    return Bars(bars.timestamp, *prices, bars.volume)


def with_outlier(bars: Bars) -> Bars:
    third = np.arange(len(bars)) == len(bars) // 3
    prices = (np.where(third, column * 100.0, column) for name, column in bars.columns().items() if name != "volume")
    return Bars(bars.timestamp, *prices, bars.volume)


MADE: dict[str, Bars] = {
    "walk": walk(700, seed=1),
    "gaps": with_gaps(walk(700, seed=3), 3),
    "tiny prices": walk(600, seed=4).scaled(1e-8),
    "huge prices": walk(600, seed=5).scaled(1e11),
    "outlier": with_outlier(walk(600, seed=6)),
    "few bars": walk(30, seed=7),
}


def choices(row: dict[str, Any]) -> Iterator[Values]:
    """TA-Lib's defaults, other periods, every type of moving average, and periods the wrong way round."""
    parameters = row["parameters"]
    yield tuple(parameter["default"] for parameter in parameters)
    is_type = [parameter["name"].endswith("matype") for parameter in parameters]
    periods = [parameter["whole"] and not kind for parameter, kind in zip(parameters, is_type, strict=True)]
    for first in (1, 2, 3, 7, 50):
        places = np.cumsum(periods) - 1
        chosen = tuple(
            float(first + 3 * place) if period else parameter["default"] * (1.0 if kind else 1.3)
            for parameter, period, place, kind in zip(parameters, periods, places, is_type, strict=True)
        )
        if first > 1 or row["name"] not in FROM_PERIOD_2:
            yield tuple(max(value, parameter["least"]) for value, parameter in zip(chosen, parameters, strict=True))
    for kind in MA_TYPES if any(is_type) else ():
        shifts = [MA_TYPES[(kind + 3 * place) % len(MA_TYPES)] for place in range(len(parameters))]
        yield tuple(
            float(shift) if typed else parameter["default"]
            for parameter, shift, typed in zip(parameters, shifts, is_type, strict=True)
        )
    if [parameter["name"] for parameter in parameters if parameter["name"] in ("fast", "slow")] == ["fast", "slow"]:
        swapped = {"fast": "slow", "slow": "fast"}
        defaults = {parameter["name"]: parameter["default"] for parameter in parameters}
        yield tuple(defaults[swapped.get(name, name)] for name in defaults)


def ours(row: dict[str, Any], values: Values, bars: Bars) -> list[Floats]:
    call = f"{row['name']}({', '.join([*row['inputs'], *map(repr, values)])})"
    features = FeatureSet(**{f"output_{at}": f"{call}[{at}]" for at in range(len(row["outputs"]))})
    table = features.over({name: column for name, column in bars.columns().items() if name in row["inputs"]})
    return [np.asarray(table[f"output_{at}"]) for at in range(len(row["outputs"]))]


def theirs(row: dict[str, Any], values: Values, bars: Bars) -> list[Floats]:
    whole = [parameter["whole"] for parameter in row["parameters"]]
    numbers = [int(value) if each else value for value, each in zip(values, whole, strict=True)]
    found = getattr(talib, row["talib"])(*(bars.columns()[name] for name in row["inputs"]), *numbers)
    return [np.asarray(column) for column in (found if isinstance(found, (tuple, list)) else (found,))]


def compare(row: dict[str, Any], values: Values, bars: Bars, rtol: float) -> None:
    """Equal where both have a value; and both have one from the same bar on, but for patterns, which are 0 before."""
    for output, found, wanted in zip(row["outputs"], ours(row, values, bars), theirs(row, values, bars), strict=True):
        has_value = ~np.isnan(found)
        if wanted.dtype == np.float64:
            np.testing.assert_array_equal(has_value, ~np.isnan(wanted))
        floor = 1e-3 * np.max(np.abs(wanted[has_value]), initial=0.0)
        error = np.abs(found - wanted)[has_value] / np.maximum(np.abs(wanted[has_value]), floor or 1.0)
        assert np.max(error, initial=0.0) <= rtol, f"{row['name']}{values}.{output['name']}"


@pytest.mark.parametrize("bars", MADE)
@pytest.mark.parametrize("name", ROWS)
def test_as_talib(name: str, bars: str) -> None:
    """To 1e-9; TA-Lib's running sums themselves are worse than that at times, and where an outlier has gone through."""
    tolerance = {"outlier": 1e-7}.get(bars, 2e-8 if name.startswith("linearreg") else 2e-9)
    for values in choices(ROWS[name]):
        compare(ROWS[name], values, MADE[bars], tolerance)


@pytest.mark.parametrize("name", sorted(set(ROWS) - {"rsi"}))
def test_flat_prices_as_talib(name: str) -> None:
    """But for what is left of TA-Lib's sums where ours are exact."""
    for values in choices(ROWS[name]):
        bars = flat(300, 12.3)
        for found, wanted in zip(ours(ROWS[name], values, bars), theirs(ROWS[name], values, bars), strict=True):
            has_value = ~np.isnan(found)
            np.testing.assert_allclose(found[has_value], wanted[has_value], rtol=1e-9, atol=1e-11)


def test_the_flat_strength_index_is_in_the_middle() -> None:
    (found,) = ours(ROWS["rsi"], (14.0,), flat(100, 12.3))
    assert set(found[14:]) == {50.0}
