"""What formulas do with series beside the indicators: bar by bar, each function over arrays of one length."""

import numpy as np

from reference.indicator import Floats


def lag(x: Floats, n):
    return np.concatenate([np.full(min(n, len(x)), np.nan), x[: max(len(x) - n, 0)]])


def delta(x: Floats, n):
    return x - lag(x, n)


def returns(x: Floats, n=1):
    return x / lag(x, n) - 1


def skip(x: Floats, n):
    """Without its first `n` bars, counted from the first that has a value."""
    there = np.flatnonzero(~np.isnan(x))
    first = there[0] if len(there) else len(x)
    return np.where(np.arange(len(x)) < first + n, np.nan, x)


def cumsum(x: Floats):
    """A bar that has no finite value has none, and the next one goes on."""
    return np.where(np.isfinite(x), np.cumsum(np.where(np.isfinite(x), x, 0.0)), np.nan)


def is_true(x: Floats):
    return ~np.isnan(x) & (x != 0)


def bars_since(condition: Floats):
    result = np.full(len(condition), np.nan)
    for bar, now in enumerate(is_true(condition)):
        if now:
            result[bar] = 0
        elif bar:
            result[bar] = result[bar - 1] + 1
    return result


def value_when(condition: Floats, x: Floats):
    result = np.full(len(x), np.nan)
    for bar, now in enumerate(is_true(condition)):
        if now:
            result[bar] = x[bar]
        elif bar:
            result[bar] = result[bar - 1]
    return result


def folded_since(condition: Floats, x: Floats, fold):
    """`fold` of the finite values from the last true bar to this one; NaN on a bar that has none."""
    result = np.full(len(x), np.nan)
    begin = None
    for bar, now in enumerate(is_true(condition)):
        begin = bar if now else begin
        if begin is not None and np.isfinite(x[bar]):
            part = x[begin : bar + 1]
            result[bar] = fold(part[np.isfinite(part)])
    return result


def highest_since(condition: Floats, x: Floats):
    return folded_since(condition, x, np.max)


def lowest_since(condition: Floats, x: Floats):
    return folded_since(condition, x, np.min)


def total_since(condition: Floats, x: Floats):
    return folded_since(condition, x, np.sum)


def truth(holds, *operands: Floats):
    """1 where `holds`, else 0; NaN where an operand is."""
    missing = np.logical_or.reduce([np.isnan(operand) for operand in operands])
    return np.where(missing, np.nan, np.where(holds, 1.0, 0.0))


def both(a: Floats, b: Floats):
    return truth(is_true(a) & is_true(b), a, b)


def either(a: Floats, b: Floats):
    return truth(is_true(a) | is_true(b), a, b)


def chosen(condition: Floats, yes: Floats, no: Floats):
    return np.where(np.isnan(condition), np.nan, np.where(is_true(condition), yes, no))


def crossed_above(a: Floats, b: Floats):
    before, other = lag(a, 1), lag(b, 1)
    return both(truth(a > b, a, b), truth(before <= other, before, other))


def crossed_below(a: Floats, b: Floats):
    return crossed_above(-a, -b)


def signed_power(x: Floats, y: Floats):
    return np.sign(x) * np.abs(x) ** y


def clip(x: Floats, least: Floats, most: Floats):
    return np.minimum(np.maximum(x, least), most)


def is_nan(x: Floats):
    return np.isnan(x).astype(float)


def fill(x: Floats, value: Floats):
    return np.where(np.isnan(x), value, x)
