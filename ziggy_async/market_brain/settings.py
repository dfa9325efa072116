"""Named numbers that an application changes: the thresholds of the regimes, the parameters of the signals."""

import logging
import math
import numbers
from collections.abc import Mapping

from ziggy_async.arguments import real
from ziggy_async.messages import kind_of, shown

logger = logging.getLogger(__name__)


def checked_numbers(
    kind: str,
    known: Mapping[str, float],
    changes: Mapping[str, float] | None,
    named: Mapping[str, object] | None = None,
    *,
    strict: bool,
) -> dict[str, float]:
    """Returns `changes` and `named` together, as far as each is a finite number for a known name; whole numbers stay
    whole.

    With `strict`, `ValueError` or `TypeError` for the first one that is not; else each such one is logged and left out.
    """
    accepted: dict[str, float] = {}
    for name, value in {**(changes or {}), **(named or {})}.items():
        try:
            accepted[name] = _checked(kind, known, name, value)
        except (TypeError, ValueError) as error:
            if strict:
                raise
            logger.warning("%s left out: %s", kind, error)
    return accepted


def _checked(kind: str, known: Mapping[str, float], name: object, value: object) -> float:
    if name not in known:
        raise ValueError(f"{shown(name)} is not a {kind}; there are {', '.join(known)}")
    number = real(value)
    if number is None:
        raise TypeError(f"{name}: {shown(value)} is {kind_of(value)}, not a number")
    if not math.isfinite(number):
        raise ValueError(f"{name}: {shown(value)} is not a finite number that a float can hold")
    return int(value) if isinstance(value, numbers.Integral) else number
