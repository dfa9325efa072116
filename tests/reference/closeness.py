"""Whether values are those of the reference, as far as the bars and double precision decide them.

How exact a formula can be depends on the bars: a difference of near values has few digits, a comparison of equal ones
none. So the reference is asked again with bars and results of indicators that differ in their last digits, and what it
then says otherwise is in doubt. Equal prices stay equal.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reference.formulas import evaluate
from reference.indicator import Floats, disturbed

NUDGE = 1e-14
NUDGES = 4
SAFETY = 30.0
"""How many times what the nudges have shown a value may be away."""
RELATIVE = 1e-9
OF_THE_LARGEST = 1e-13
"""What rounding leaves of the largest value so far."""


def assert_as_reference(
    found: Floats,
    formula: str,
    columns: Mapping[str, Floats],
    timestamps: NDArray[np.int64] | None = None,
    floor: Floats | float = 0.0,
    begin: int = 0,
) -> None:
    """Raises AssertionError where `found` is not what the reference says of `formula`.

    `floor`: what values may be away at least, each or all. `begin`: bars before the first value, of which the reference
    does not know that they make no power of one either: 1 ** NaN is 1.
    """

    def evaluated(columns: Mapping[str, Floats]) -> Floats:
        values = evaluate(formula, columns, timestamps).copy()
        values[:begin] = np.nan
        return values

    wanted = evaluated(columns)
    assert found.shape == wanted.shape, formula
    others = []
    for seed in range(NUDGES):
        with disturbed(lambda values, seed=seed: moved(values, seed, 0.1 * NUDGE, np.arange(values.shape[-1]))):
            others.append(evaluated({n: moved(c, seed, NUDGE, 0) for n, c in columns.items()}))
    with np.errstate(all="ignore"):
        certain = np.logical_and.reduce([kind_of(other) == kind_of(wanted) for other in others])
        doubt = np.max([np.abs(other - wanted) for other in others], axis=0)
        largest = np.maximum.accumulate(np.abs(np.where(np.isfinite(wanted), wanted, 0.0)))
        away = RELATIVE * np.abs(wanted) + SAFETY * doubt + OF_THE_LARGEST * largest + floor
        off = np.isfinite(wanted) & (np.abs(found - wanted) > away)
    wrong = certain & ((kind_of(found) != kind_of(wanted)) | off)
    if wrong.any():
        bar = int(np.argmax(wrong))
        lines = [f"{formula}: {wrong.sum()} of {len(wrong)} bars are wrong, bar {bar} first:"]
        lines += [f"  {found[bar]!r} instead of {wanted[bar]!r}, doubt {doubt[bar]!r}"]
        raise AssertionError("\n".join(lines))


def kind_of(values: Floats) -> NDArray[np.int64]:
    """0 where finite, 1 where NaN, 2 and 3 where infinite."""
    return np.where(np.isfinite(values), 0, np.where(np.isnan(values), 1, np.where(values > 0, 2, 3)))


def moved(values: Floats, seed: int, by: float, places: NDArray[np.int64] | int) -> Floats:
    """Each value times at most 1 +- `by`: equal values in equal `places` by the same."""
    bits = np.ascontiguousarray(values, np.float64).view(np.uint64) ^ np.asarray(places, np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29)) ^ np.uint64(seed)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    noise = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0
    with np.errstate(invalid="ignore"):
        return np.asarray(values * (1.0 + by * noise))
