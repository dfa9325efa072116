"""Elementary functions beside NumPy's of longer numbers, within 1.1 units in the last place, tangents within 1.3, at
any size of the argument."""

from collections.abc import Callable

import numpy as np
import pytest
import write_elementary_numbers

from ziggy_async import talib

COUNT = 40_001
FUNCTIONS: dict[str, tuple[Callable[..., np.ndarray], float]] = {
    "EXP": (np.exp, 746.0),
    "SINH": (np.sinh, 711.0),
    "COSH": (np.cosh, 711.0),
    "TANH": (np.tanh, 25.0),
    "LN": (np.log, 1e308),
    "LOG10": (np.log10, 1e308),
    "ASIN": (np.arcsin, 1.0),
    "ACOS": (np.arccos, 1.0),
    "ATAN": (np.arctan, 1e300),
    "SIN": (np.sin, 1e308),
    "COS": (np.cos, 1e308),
    "TAN": (np.tan, 1e308),
}
"""Name -> the same by NumPy, and about the largest argument with a result that says something."""
ODD = (
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    5e-324,
    -5e-324,
    1e-310,
    1.0,
    -1.0,
    2.0,
    1.8e308,
    710.475860073944,
    -745.2,
    1e22,
)
TANGENTS_BELOW_1 = "0x1.418dedc1f2c23p+907", "0x1.721e3167be9e9p+10", "0x1.a13e2668ca97cp+10"
"""Angles. There the roundings of sine and cosine count most."""
ULPS = 1.1 if np.finfo(np.longdouble).eps < np.finfo(float).eps else 2.1


def arguments(most: float) -> np.ndarray:
    """Of all sizes up to `most`, and many of those of everyday; next to right angles, and to 1."""
    random = np.random.default_rng(7)
    sizes = np.exp(random.uniform(np.log(1e-300), np.log(most), COUNT))
    usual = random.uniform(0.0, min(most, 800.0), COUNT)
    near_one = 1.0 - np.exp(random.uniform(-37.0, 0.0, COUNT))
    angles = np.round(np.exp(random.uniform(0.0, 30.0, COUNT))) * (np.pi / 2)
    angles = np.concatenate([angles, [float.fromhex(angle) for angle in TANGENTS_BELOW_1]])
    found = np.concatenate([sizes, usual, usual / usual.max(), near_one, angles[angles < most]])
    return np.concatenate([found, -found])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_within_a_unit_in_the_last_place(name: str) -> None:
    of_numpy, most = FUNCTIONS[name]
    given = arguments(most)
    with np.errstate(all="ignore"):
        true = of_numpy(given.astype(np.longdouble))
        rounded = true.astype(float)
    found = getattr(talib, name)(given)
    usable = np.isfinite(rounded)
    units = np.abs(found[usable] - true[usable]) / np.spacing(np.abs(rounded[usable]))
    assert units.max() < ULPS + 0.2 * (name == "TAN"), (name, given[usable][units.argmax()], units.max())
    assert np.array_equal(found[~usable], rounded[~usable], equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_zeros_infinities_and_the_smallest(name: str) -> None:
    odd = np.array(ODD)
    with np.errstate(all="ignore"):
        expected = FUNCTIONS[name][0](odd)
    found = getattr(talib, name)(odd)
    np.testing.assert_allclose(found, expected, rtol=3e-16, atol=5e-324)
    numbers = ~np.isnan(expected)
    assert np.array_equal(np.signbit(found[numbers]), np.signbit(expected[numbers]))


def test_powers_of_ten_have_whole_logarithms() -> None:
    assert talib.LOG10(np.array([float(f"1e{power}") for power in range(-307, 309)])).tolist() == [*range(-307, 309)]


@pytest.mark.parametrize("size", [1.0, 1e15])
def test_whole_numbers_below_and_above(size: float) -> None:
    given = np.concatenate(
        [np.random.default_rng(3).uniform(-8.0 * size, 8.0 * size, 5_003), ODD, [-0.3, 0.3, 4503599627370495.5]]
    )
    for name, of_numpy in (("FLOOR", np.floor), ("CEIL", np.ceil)):
        found, expected = getattr(talib, name)(given), of_numpy(given)
        np.testing.assert_array_equal(found, expected)
        assert np.array_equal(np.signbit(found), np.signbit(expected))


def test_numbers_are_those_that_are_written() -> None:
    assert write_elementary_numbers.FILE.read_text(encoding="utf-8") == write_elementary_numbers.text()
