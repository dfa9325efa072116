"""The values of a table's columns as float64 and as nanoseconds, and what is said of those that are neither."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import shown
from ziggy_async.reading.tables import Broken, Texts, Unsupported
from ziggy_async.reading.timestamps import NAT, OUT_OF_RANGE, UnitError, datetime64_ns, is_missing, to_ns, unit_ns

Floats = NDArray[np.float64]
Nanoseconds = NDArray[np.int64]


@dataclass(frozen=True)
class Reader:
    """Reads columns, and raises for the first value that is none of its column's kind.

    `label`: what a message says before a row, the symbol of that row where it is known. `unit`: of whole numbers that
    are times. `skip`: such values are NaN or NaT instead, so that the core skips their rows and counts them; but a
    column in which no value can be read is another column than it should be, and raises all the same.
    """

    label: Callable[[int], str]
    unit: str | None = None
    skip: bool = False

    def array(self, name: str, column: Any) -> NDArray[Any]:
        """A column as a 1-D array, masked where numbers are missing; `Texts` are not for this."""
        if isinstance(column, Broken):
            values = column.values() if self.skip and column.row >= 0 else None
            if values is None:
                raise ValueError(f"{self.label(column.row)}{column.sentence}")
            column = values
        if isinstance(column, Unsupported):
            if column.arrow_format == "b":
                raise TypeError(self._all_booleans(name))
            fault = f"Arrow type {column.arrow_format!r} is neither number, time nor text"
            raise TypeError(f"{self.label(0)}column {name!r}: {fault}")
        array = _array_of(column)
        if array.ndim != 1:
            raise ValueError(f"{self.label(0)}column {name!r} has shape {array.shape}; one dimension is needed")
        return array

    def floats(self, name: str, column: Any) -> Floats:
        if isinstance(column, Texts):
            named = np.flatnonzero(column.codes >= 0)
            if len(named):
                row = int(named[0])
                raise self._fault(name, row, _no_number(column.values[column.codes[row]]))
            return np.full(len(column.codes), np.nan)
        array = self.array(name, column)
        if array.dtype.kind == "b":
            raise TypeError(self._all_booleans(name))
        if array.dtype.kind in "iuf":
            return np.ascontiguousarray(np.ma.filled(array.astype(np.float64), np.nan))
        if array.dtype.kind != "O":
            if not len(array):
                return np.empty(0)
            raise self._fault(name, 0, _no_number(array[0]))
        return self._each(name, array, np.full(len(array), np.nan), _float_of)

    def nanoseconds(self, name: str, column: Any) -> Nanoseconds:
        if isinstance(column, Texts):
            return self._from_texts(name, column)
        array = self.array(name, column)
        if array.dtype.kind == "M":
            return self._from_datetime64(name, array)
        if array.dtype.kind in "iu":
            return self._from_integers(name, array)
        if array.dtype.kind in "OUS":
            moments = np.full(len(array), NAT, dtype=np.int64)
            return self._each(name, array, moments, self._moment_of)
        if not len(array):
            return np.empty(0, dtype=np.int64)
        raise self._fault(name, 0, ValueError(f"{shown(array[0])} is no timestamp but a {array.dtype}"))

    def _each(self, name: str, array: NDArray[Any], read: NDArray[Any], reading: Callable[[Any], Any]) -> NDArray[Any]:
        """Into `read`, which is full of what is missing, what `reading` makes of each value that is not."""
        first: Exception | None = None
        were_read = False
        for row, value in enumerate(array):
            if is_missing(value):
                continue
            try:
                read[row] = reading(value)
                were_read = True
            except UnitError as error:
                raise self._fault(name, row, error) from None
            except (TypeError, ValueError) as error:
                first = first or self._fault(name, row, error)
                if not self.skip:
                    break
        if first is not None and not (self.skip and were_read):
            raise first
        return read

    def _moment_of(self, value: Any) -> int:
        try:
            return to_ns(value.decode() if isinstance(value, bytes) else value, self.unit)
        except TypeError as error:
            raise ValueError(str(error)) from None

    def _from_datetime64(self, name: str, array: NDArray[Any]) -> Nanoseconds:
        nanoseconds, wrong = datetime64_ns(array)
        self._refuse(name, wrong, np.isnat(array), lambda row: f"{array[row]} {OUT_OF_RANGE}")
        return nanoseconds

    def _from_integers(self, name: str, array: NDArray[Any]) -> Nanoseconds:
        missing = np.ma.getmaskarray(array)
        whole = np.ma.filled(array, 0)
        try:
            factor = unit_ns(self.unit, int(whole[0]) if len(whole) else 0)
        except UnitError as error:
            raise ValueError(f"{self.label(0)}column {name!r}: {error}") from None
        limit = -(NAT + 1) // factor
        wrong = (whole > limit) | (whole < -limit)
        self._refuse(name, wrong, missing, lambda row: f"{whole[row]} {self.unit} {OUT_OF_RANGE}")
        return np.ascontiguousarray(np.where(missing | wrong, NAT, whole.astype(np.int64) * factor))

    def _from_texts(self, name: str, column: Texts) -> Nanoseconds:
        """Each distinct text is read once. The last place is for null, whose code is -1."""
        of_code = np.full(len(column.values) + 1, NAT, dtype=np.int64)
        faults: dict[int, ValueError] = {}
        for code, text in enumerate(column.values):
            try:
                of_code[code] = to_ns(text)
            except ValueError as error:
                faults[code] = error
        missing = column.codes < 0
        wrong = np.isin(column.codes, list(faults)) if faults else np.zeros(len(missing), dtype=bool)
        self._refuse(name, wrong, missing, lambda row: faults[int(column.codes[row])])
        return of_code[column.codes]

    def _refuse(
        self, name: str, wrong: NDArray[np.bool_], missing: NDArray[np.bool_], fault: Callable[[int], object]
    ) -> None:
        if wrong.any() and not (self.skip and not (wrong | missing).all()):
            row = int(np.argmax(wrong))
            raise self._fault(name, row, ValueError(str(fault(row))))

    def _fault(self, name: str, row: int, error: Exception) -> Exception:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        return kind(f"{self.label(row)}column {name!r}, row {row}: {error}")

    def _all_booleans(self, name: str) -> str:
        return f"{self.label(-1)}column {name!r} holds booleans and no numbers"


def _no_number(value: object) -> ValueError:
    return ValueError(f"{shown(value)} is no number")


def _float_of(value: Any) -> float:
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{value} is a boolean and no number")
    if not isinstance(value, int | float | Decimal | np.integer | np.floating):
        raise _no_number(value)
    try:
        return float(value)
    except (OverflowError, ValueError):
        raise _no_number(value) from None


def _array_of(column: Any) -> NDArray[Any]:
    if type(column).__module__.partition(".")[0] == "pandas" and not isinstance(column.dtype, np.dtype):
        return _of_extension(sys.modules["pandas"].Series(column))
    if isinstance(column, list | tuple):
        # As objects: NumPy would turn [1.0, "x"] into text, and the row at fault would be lost.
        return np.fromiter(column, dtype=object, count=len(column))
    if np.ma.isMaskedArray(column):
        return _of_masked(column)
    return np.asarray(column)


def _of_masked(column: Any) -> NDArray[Any]:
    if column.dtype.kind == "M":
        return np.asarray(column.filled(np.datetime64("NaT", "ns")))
    missing = np.ma.getmaskarray(column)
    if column.dtype.kind in "iuf" or not missing.any():
        return column if missing.any() else np.asarray(column.data)
    array = np.asarray(column.data).astype(object)
    array[missing] = None
    return array


def _of_extension(column: Any) -> NDArray[Any]:
    """A pandas column whose type NumPy has not got: with a time zone, nullable, categorical, backed by Arrow."""
    if getattr(column.dtype, "tz", None) is not None:
        return np.asarray(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    if column.dtype.kind in "iu":
        whole = column.to_numpy(dtype=np.int64 if column.dtype.kind == "i" else np.uint64, na_value=0)
        return _of_masked(np.ma.masked_array(whole, column.isna().to_numpy(dtype=bool)))
    if column.dtype.kind == "f":
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if column.dtype.kind == "M":
        return np.asarray(column.to_numpy(dtype="datetime64[ns]"))
    return np.asarray(column.to_numpy(dtype=object))
