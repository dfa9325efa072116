"""Columns that lie in several arrays, as batches of Arrow bring them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Chunked:
    """A column of several arrays of one type, one behind the other. NumPy makes one array of it where it needs one; the
    core copies from each of `arrays`. `narrow`: the type of float with fewer digits in which the table has them.
    `exact`: gives the decimals of which these are the nearest floats, None where they cannot be had."""

    arrays: tuple[NDArray[Any], ...]
    narrow: np.dtype[Any] | None = None
    exact: Callable[[], list[Any] | None] | None = None

    @classmethod
    def joined(cls, columns: "Iterable[NDArray[Any] | Chunked]") -> "Chunked":
        """Returns the rows of all columns, one below the other."""
        return cls(tuple(array for column in columns for array in arrays_of(column)))

    def __len__(self) -> int:
        return sum(map(len, self.arrays))

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.arrays[0].dtype

    def as_stored(self) -> NDArray[Any]:
        """Returns one array of the type in which the table has the values."""
        return np.asarray(self, dtype=self.narrow)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a column of several arrays is not an array without a copy")
        return np.concatenate(self.arrays, dtype=dtype or self.dtype, casting="unsafe")


def arrays_of(column: NDArray[Any] | Chunked) -> tuple[NDArray[Any], ...]:
    return column.arrays if isinstance(column, Chunked) else (column,)
