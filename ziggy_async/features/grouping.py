"""The rows of a long table, brought into the order that plans need: ticker by ticker, oldest first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ziggy_async.reading.epochs import NAT

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Grouping:
    """`order[i]` is the table's row that stands at place i; None: the rows stand right as they are. Group g is at the
    places from `offsets[g]` to `offsets[g + 1]`."""

    order: NDArray[np.intp] | None
    offsets: NDArray[np.int64]

    def sorted(self, column: NDArray[Value]) -> NDArray[Value]:
        """Returns a column of the table in the order of the groups."""
        return column if self.order is None else column[self.order]

    def firsts(self, codes: NDArray[np.int32] | None) -> NDArray[np.int32]:
        """Returns the code of each group, of the table's `codes`."""
        return np.empty(0, np.int32) if codes is None else self.sorted(codes)[self.offsets[:-1]]

    def restored(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in the order of the groups, `(rows, features)`, in the order of the table."""
        if self.order is None:
            return values
        restored = np.empty_like(values)
        restored[self.order] = values
        return restored


def group(
    rows: int, codes: NDArray[np.int32] | None, times: NDArray[np.int64] | None, label: Callable[[int], str]
) -> Grouping:
    """Groups the rows by code, in order of time; without times, as they stand. Without codes all are one group.

    Raises `ValueError` for a row without a code or time, and for two rows of one code at one time; `label(row)` says
    whose.
    """
    codes = np.zeros(rows, dtype=np.int32) if codes is None else codes
    if (codes < 0).any():
        raise ValueError(f"row {np.argmax(codes < 0)} has no ticker")
    if times is not None and (times == NAT).any():
        row = int(np.argmax(times == NAT))
        raise ValueError(f"{label(row)}row {row} has no time")
    if _is_in_order(codes, times):
        order = None
    elif times is None:
        order = np.argsort(codes, kind="stable")
    else:
        order = np.lexsort((times, codes))
    in_order = codes if order is None else codes[order]
    if times is not None and order is not None:
        _refuse_equal(in_order, times[order], order, label)
    ends = np.flatnonzero(in_order[1:] != in_order[:-1]) + 1
    return Grouping(order, np.concatenate([[0], ends, [rows] * (rows > 0)]).astype(np.int64))


def _is_in_order(codes: NDArray[np.int32], times: NDArray[np.int64] | None) -> bool:
    """Returns whether each code's rows stand together, with times that increase."""
    is_other = codes[1:] != codes[:-1]
    if times is not None and not (is_other | (times[1:] > times[:-1])).all():
        return False
    first_of_runs = codes[np.flatnonzero(is_other) + 1]
    return len(np.unique(np.append(first_of_runs, codes[:1]))) == len(first_of_runs) + len(codes[:1])


def _refuse_equal(
    codes: NDArray[np.int32], times: NDArray[np.int64], order: NDArray[np.intp], label: Callable[[int], str]
) -> None:
    equal = (codes[1:] == codes[:-1]) & (times[1:] == times[:-1])
    if equal.any():
        at = int(np.argmax(equal))
        first, second = sorted((int(order[at]), int(order[at + 1])))
        moment = times[at : at + 1].view("M8[ns]")[0]
        raise ValueError(f"{label(first)}rows {first} and {second} are both at {moment}")
