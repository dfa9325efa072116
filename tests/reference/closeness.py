"""Whether values are those of the reference, as far as the bars decide them.

How exact a formula can be depends on the bars: a difference of near prices has few digits, a comparison of equal ones
none. So the reference is asked again for bars that differ in their 14th digit, and what it then says otherwise is in
doubt. Equal prices stay equal.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reference.formulas import evaluate
from reference.indicator import Floats

NUDGE = 1e-14
NUDGES = 4
SAFETY = 30.0
"""How many times what the nudges have shown a value may be away."""
RELATIVE = 1e-9


def assert_as_reference(
    found: Floats, formula: str, columns: Mapping[str, Floats], timestamps: NDArray[np.int64] | None = None
) -> None:
    """Raises AssertionError where `found` is not what the reference says of `formula`."""
    wanted = evaluate(formula, columns, timestamps)
    assert found.shape == wanted.shape, formula
    others = [evaluate(formula, nudged(columns, seed), timestamps) for seed in range(NUDGES)]
    with np.errstate(all="ignore"):
        certain = np.logical_and.reduce([kind_of(other) == kind_of(wanted) for other in others])
        doubt = np.max([np.abs(other - wanted) for other in others], axis=0)
        off = np.abs(found - wanted) > RELATIVE * np.abs(wanted) + SAFETY * doubt
    wrong = certain & ((kind_of(found) != kind_of(wanted)) | (np.isfinite(wanted) & off))
    if wrong.any():
        bar = int(np.argmax(wrong))
        lines = [f"{formula}: {wrong.sum()} of {len(wrong)} bars are wrong, bar {bar} first:"]
        lines += [f"  {found[bar]!r} instead of {wanted[bar]!r}, doubt {doubt[bar]!r}"]
        raise AssertionError("\n".join(lines))


def kind_of(values: Floats) -> NDArray[np.int64]:
    """0 where finite, 1 where NaN, 2 and 3 where infinite."""
    return np.where(np.isfinite(values), 0, np.where(np.isnan(values), 1, np.where(values > 0, 2, 3)))


def nudged(columns: Mapping[str, Floats], seed: int) -> dict[str, Floats]:
    """The columns with each value moved by at most NUDGE of itself: equal values by the same."""
    return {name: moved(column, seed) for name, column in columns.items()}


def moved(column: Floats, seed: int) -> Floats:
    bits = np.ascontiguousarray(column, np.float64).view(np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29)) ^ np.uint64(seed)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    noise = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0
    with np.errstate(invalid="ignore"):
        return np.asarray(column * (1.0 + NUDGE * noise))
