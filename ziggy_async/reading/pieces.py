"""Python objects some hundred at a time: between two pieces other threads, such as that of an event loop, may run.

A call that converts many objects holds the GIL to its end, and a loop over them hands it over every 5 ms only.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ziggy_async.reading.timestamps import is_missing

T = TypeVar("T")

ROWS = 256
HELD, FREE = 3e-4, 1e-6
"""Seconds for which a thread holds the GIL, and for which it sleeps then: long enough for another one to take it."""
WHOLE = frozenset({int})
FIGURES = frozenset({int, float, np.float64, Decimal, type(None)})
"""Types of which NumPy makes numbers as `float` does, with NaN for None."""


class _Since(threading.local):
    """The time when this thread has last released the GIL here."""

    moment = 0.0


_since = _Since()


def pieces(values: Iterable[T]) -> Iterator[list[T]]:
    """Yields the values in lists of up to `ROWS`, in their order; those of an array as Python has them."""
    if isinstance(values, np.ndarray):
        parts: Iterator[list[Any]] = (values[at : at + ROWS].tolist() for at in range(0, len(values), ROWS))
    else:
        rest = iter(values)
        parts = iter(lambda: list(islice(rest, ROWS)), [])
    for at, part in enumerate(parts):
        if at and time.perf_counter() - _since.moment > HELD:
            time.sleep(FREE)
            _since.moment = time.perf_counter()
        yield part


def each(values: Iterable[T]) -> Iterator[T]:
    """Yields the values one by one."""
    for piece in pieces(values):
        yield from piece


def types_of(values: Iterable[object]) -> set[type]:
    types: set[type] = set()
    for piece in pieces(values):
        types.update(map(type, piece))
    return types


def objects(values: list[Any] | tuple[Any, ...]) -> NDArray[Any]:
    """Returns the values as they are: NumPy would turn [1.0, "x"] into text, and lists of one length into rows."""
    array = np.empty(len(values), dtype=object)
    at = 0
    for piece in pieces(values):
        array[at : at + len(piece)] = np.fromiter(piece, dtype=object, count=len(piece))
        at += len(piece)
    return array


def converted(values: NDArray[Any], types: frozenset[type], dtype: DTypeLike) -> NDArray[Any] | None:
    """Objects as numbers of `dtype`; None where one is of another type than `types`, or has no place in `dtype`."""
    numbers = np.empty(len(values), dtype=dtype)
    at = 0
    for piece in pieces(values):
        if not types.issuperset(map(type, piece)):
            return None
        try:
            numbers[at : at + len(piece)] = np.array(piece, dtype=dtype)
        except (OverflowError, ValueError):  # a whole number that is too large, a signalling NaN
            return None
        at += len(piece)
    return numbers


def factorized(values: Iterable[Any]) -> tuple[list[Any], NDArray[np.int32]]:
    """Returns the distinct values in the order of their coming, and each one's index into them, -1 where it is
    missing."""
    places: dict[Any, int] = {}
    codes = np.fromiter((places.setdefault(value, len(places)) for value in each(values)), dtype=np.int32)
    is_present = np.array([not is_missing(value) for value in each(places)], dtype=bool)
    of_code = np.where(is_present, np.cumsum(is_present) - 1, -1).astype(np.int32)
    present = [value for value, is_there in zip(each(places), is_present.tolist(), strict=True) if is_there]
    return present, of_code[codes]
