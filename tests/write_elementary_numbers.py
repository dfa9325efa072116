"""Writes `csrc/kernels/elementary_numbers.h`: `python tests/write_elementary_numbers.py`.

Each polynomial meets the Taylor series of its function at the Chebyshev nodes of [0, b]: it is the best one of that
degree but for a small factor. Constants are cut into parts of so few bits that products with whole numbers, and
differences from numbers of as many bits, are exact. All is computed in rational numbers, and rounded at the end.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import comb, factorial
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "csrc" / "kernels" / "elementary_numbers.h"
BITS, TERMS, WORDS = 1400, 60, 20


def arctan_of_one_over(whole: int) -> Fraction:
    """To BITS bits and some more."""
    one, found, sign = 1 << (BITS + 60), 0, 1
    power, odd = one // whole, 1
    while power:
        found += sign * power // odd
        power, sign, odd = power // whole**2, -sign, odd + 2
    return Fraction(found, one)


def logarithm(ratio: Fraction) -> Fraction:
    """2 atanh((ratio - 1) / (ratio + 1)), of a ratio near 1."""
    s = (ratio - 1) / (ratio + 1)
    return sum((2 * s ** (2 * k + 1) / (2 * k + 1) for k in range(TERMS * 2)), Fraction(0))


PI = 4 * (4 * arctan_of_one_over(5) - arctan_of_one_over(239))
LN2 = logarithm(Fraction(2))
LN10 = 3 * LN2 + logarithm(Fraction(5, 4))

POLYNOMIALS: dict[str, tuple[str, Callable[[int], Fraction], Fraction, int]] = {
    "sine": ("(sin r - r) / r^3", lambda k: Fraction((-1) ** (k + 1), factorial(2 * k + 3)), Fraction(62, 100), 7),
    "cosine": (
        "(cos r - 1 + r^2 / 2) / r^4",
        lambda k: Fraction((-1) ** k, factorial(2 * k + 4)),
        Fraction(62, 100),
        6,
    ),
    "hyperbolic_sine": ("(sinh r - r) / r^3", lambda k: Fraction(1, factorial(2 * k + 3)), Fraction(121, 1000), 5),
    "hyperbolic_cosine": (
        "(cosh r - 1 - r^2 / 2) / r^4",
        lambda k: Fraction(1, factorial(2 * k + 4)),
        Fraction(121, 1000),
        5,
    ),
    "logarithm": ("2 (atanh s - s) / s^3", lambda k: Fraction(2, 2 * k + 3), Fraction(295, 10000), 7),
    "arc_tangent": ("(atan w - w) / w^3", lambda k: Fraction((-1) ** (k + 1), 2 * k + 3), Fraction(141, 1000), 11),
    "arc_sine": (
        "(asin s - s) / s^3",
        lambda k: Fraction(comb(2 * k + 2, k + 1), 4 ** (k + 1) * (2 * k + 3)),
        Fraction(1, 4),
        13,
    ),
}
"""Name -> what it stands for, as a power series of r^2, on [0, b], by so many coefficients."""


def cosine(angle: Fraction) -> Fraction:
    return sum((Fraction((-1) ** k, factorial(2 * k)) * angle ** (2 * k) for k in range(30)), Fraction(0))


def short(value: Fraction, bits: int = 200) -> Fraction:
    return Fraction(round(value * 2**bits), 2**bits)


def coefficients(series: Callable[[int], Fraction], most: Fraction, count: int) -> list[float]:
    """Of the polynomial through the nodes, by divided differences."""
    nodes = [short(most / 2 * (1 + cosine(short(PI * (2 * k + 1) / (2 * count))))) for k in range(count)]
    differences = [short(sum((series(k) * node**k for k in range(TERMS)), Fraction(0))) for node in nodes]
    for order in range(1, count):
        for at in range(count - 1, order - 1, -1):
            differences[at] = (differences[at] - differences[at - 1]) / (nodes[at] - nodes[at - order])
    found = [Fraction(0)] * count
    for difference, node in zip(reversed(differences), reversed(nodes), strict=True):
        found = [(found[at - 1] if at else Fraction(0)) - node * found[at] for at in range(count)]
        found[0] += difference
    return [float(each) for each in found]


def parts(value: Fraction, *bits: int) -> list[float]:
    """`value` as a sum of numbers of so many bits each, and one that is rounded."""
    found = []
    for each in bits:
        step = Fraction(2) ** (len(bin(int(value * 2**300))) - 2 - 300 - each)
        found.append(float(value // step * step))
        value -= Fraction(found[-1])
    return [*found, float(value)]


def two_of(value: Fraction) -> tuple[float, float]:
    """`value` rounded, and what is missing."""
    return float(value), float(value - Fraction(float(value)))


def text() -> str:
    lines = [
        "/* Numbers of elementary.h and circular.h; written by tests/write_elementary_numbers.py, which says how. */",
        "/* clang-format off */",
        "#ifndef ZA_KERNELS_ELEMENTARY_NUMBERS_H",
        "#define ZA_KERNELS_ELEMENTARY_NUMBERS_H",
        "",
        "#include <stdint.h>",
        "",
    ]
    for name, (meaning, series, most, count) in POLYNOMIALS.items():
        lines += array(name, f"{meaning} from 0 to {float(most):g}", coefficients(series, most, count))
    lines += array("half_pi", "Pi / 2 in parts", parts(PI / 2, 33, 33))
    lines += array("ln_2", "The logarithm of 2 in parts", parts(LN2, 32))
    lines += array("decades", "1 / the logarithm of 10 in parts", parts(1 / LN10, 26))
    lines += array("quarter", "Pi / 2 and what is missing", two_of(PI / 2))
    arcs = [two_of(each) for each in (arctan_of_one_over(2), PI / 4, PI / 2 - arctan_of_one_over(2))]
    lines += array("arcs", "The arc tangents of 1/2, 1 and 2", [each for each, _ in arcs])
    lines += array("arcs_rest", "The parts that are missing of them", [rest for _, rest in arcs])
    lines += [
        f"static const double ln_2_inverse = {float(1 / LN2).hex()}, half_pi_inverse = {float(2 / PI).hex()};",
        "",
    ]
    lines += ["/* The digits of 2 / pi, behind 64 zeros, and those of pi / 2, whose first is a one. */"]
    digits = int(2 / PI * 2 ** (64 * WORDS))
    words = [0, *(digits >> 64 * (WORDS - 1 - at) & (2**64 - 1) for at in range(WORDS))]
    lines += ["enum { TWO_OVER_PI_ZEROS = 64 };", "static const uint64_t two_over_pi[] = {"]
    lines += [f"    UINT64_C(0x{each:016x})," for each in words]
    lines += ["};", f"static const uint64_t half_pi_digits = UINT64_C(0x{int(PI * 2**62):016x});", "", "#endif", ""]
    return "\n".join(lines)


def array(name: str, comment: str, values: Iterable[float]) -> list[str]:
    lines = [f"/* {comment}. */", f"static const double {name}[] = {{"]
    lines += [f"    {value.hex()}," for value in values]
    return [*lines, "};", ""]


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
