"""Numbers that callers give. A bool is a number for Python; as an argument it is a slip."""

import math
import numbers
import operator
from typing import Any

import numpy as np

from ziggy_async.messages import kind_of, shown

OTHERS = (bool, np.bool_, np.timedelta64)
"""Types that have the methods of numbers and are none."""


def real(value: object) -> float | None:
    """Returns a real number, of NumPy too, as a float, which is infinite for one that is too large; None for anything
    else."""
    if isinstance(value, OTHERS) or not isinstance(value, numbers.Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if operator.gt(value, 0) else -math.inf


def whole(name: str, value: Any) -> int:
    """Returns the argument `name` as an int. Raises `TypeError` unless it is a whole number."""
    if isinstance(value, OTHERS) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}: {shown(value)} is {kind_of(value)}, not a whole number")
    return operator.index(value)


def seconds(name: str, value: object) -> float:
    """Returns the argument `name` as seconds, which may be negative. Raises `ValueError` unless it is a number below
    1e9."""
    number = real(value)
    if number is None or not abs(number) < 1e9:  # nan is not, either
        raise ValueError(f"{name}: {shown(value)} is not a number of seconds below 1e9")
    return number
