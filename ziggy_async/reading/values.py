"""The values of a table's columns as float64 and as nanoseconds, and what is said of those that are neither."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import shown
from ziggy_async.reading.arrays import array_of
from ziggy_async.reading.chunked import Chunked, arrays_of
from ziggy_async.reading.clocks import ClockError, clocks_of, date_text, in_marks, is_day, time_text
from ziggy_async.reading.dates import AmbiguousError, read_column
from ziggy_async.reading.epochs import DAY, NAT, UnitError, iso_of, read_whole
from ziggy_async.reading.iso_texts import iso_nanoseconds
from ziggy_async.reading.numbers import (
    POINT,
    MarkError,
    currency_of,
    decimal_mark,
    number_of,
    other_currency,
    refuse_ticks,
)
from ziggy_async.reading.options import PLAIN, Rules, advice_on_row
from ziggy_async.reading.pieces import FIGURES, WHOLE, converted, each, factorized, objects, types_of
from ziggy_async.reading.spellings import PRICES, order_said, role_of
from ziggy_async.reading.tables import Broken, Texts, Unsupported
from ziggy_async.reading.timestamps import (
    FRACTION,
    OUT_OF_RANGE,
    ROUNDED,
    ROUNDED_DIGITS,
    are_rounded_digits,
    as_whole,
    datetime64_ns,
    is_missing,
    most_exact,
    to_ns,
)
from ziggy_async.reading.zones import utc_of_all

Floats = NDArray[np.float64] | Chunked
Nanoseconds = NDArray[np.int64] | Chunked
Column = NDArray[Any] | Texts | Chunked

MOMENT = np.dtype("datetime64[ns]")
TEXTS = {str, bytes, np.str_, np.bytes_}
EXACT = re.compile(r"\d\.(\d+)[eE]\+?(\d{1,2})")
"""A number with an exponent, which has all of its digits where it has as many as that."""
LEAST_SCALED, SURELY_SCALED, SCALED_TICK = 10**7, 10**9, 10**5
"""Whole numbers from the second on are taken for scaled prices, and those from the first on that are multiples of the
third: 1e-9 is the scale in use, and ticks are a ten-thousandth at least."""


@dataclass(frozen=True)
class Reader:
    """Reads columns, and raises for the first value that is not of its column's kind.

    `label`: what a message says before a row, the symbol of that row where it is known. `owners`: whose row each is,
    None where all are one symbol's. With `rules.skip` such values are NaN or NaT instead, so that the core skips their
    rows and counts them; but a column in which no value can be read is another column than it should be, and raises all
    the same.
    """

    label: Callable[[int], str]
    rules: Rules = PLAIN
    owners: NDArray[np.int32] | None = None
    is_advised: bool = True
    """True if messages say what to do about the fault of a row."""
    is_bare: bool = False
    beside: Callable[[], Iterable[str | None]] = tuple
    """See `numbers.refuse_points`."""

    @property
    def strict(self) -> "Reader":
        """The same without skipping: for columns in which a missing value makes no row invalid."""
        return replace(self, rules=replace(self.rules, invalid="raise"), is_advised=False)

    def array(self, name: str, column: Any) -> NDArray[Any]:
        """Returns a column as a 1-D array, masked where numbers are missing; `Texts` are not for this."""
        if isinstance(column, Broken):
            values = column.values() if self.rules.skip and column.row >= 0 else None
            if values is None:
                raise ValueError(f"{self.label(column.row)}{column.sentence}")
            column = values
        if isinstance(column, Unsupported):
            if column.arrow_format == "b":
                raise TypeError(self._all_booleans(name))
            fault = f"Arrow type {column.arrow_format!r} is neither number, time nor text"
            if column.is_time_of_day:
                fault = "holds times of day, to which a date is missing"
            raise TypeError(f"{self.label(0)}column {name!r}: {fault}")
        array = array_of(column)
        if array.ndim != 1:
            advice = f"one dimension is needed, such as {name}[:, 0]" if array.ndim else "every row needs a value"
            raise ValueError(f"{self.label(0)}column {name!r} has shape {array.shape}; {advice}")
        return array

    def numbers(self, columns: Mapping[str, tuple[str, Any]]) -> dict[str, Floats]:
        """Returns role -> float64 of all numbers of a table; `columns` are role -> name and column. Their texts agree
        on what is a decimal mark."""
        arrays = {role: (name, self._figures(name, column)) for role, (name, column) in columns.items()}
        mark = self._decimal_mark(arrays)
        self._refuse_currencies([arrays[role] for role in PRICES])
        floats = {role: self._floats(name, array, mark) for role, (name, array) in arrays.items()}
        scale = self.rules.price_scale
        if scale is None:
            self._refuse_scaled(arrays["close"][0], [floats[role] for role in PRICES])
            return floats
        return {role: _scaled(role, column, scale) for role, column in floats.items()}

    def floats(self, name: str, column: Any) -> Floats:
        """Returns one column of numbers by itself."""
        array = self._figures(name, column)
        return self._floats(name, array, self._decimal_mark({"": (name, array)}))

    def _decimal_mark(self, columns: Mapping[str, tuple[str, Column]]) -> str:
        texts = {role: _texts_of(array) for role, (_, array) in columns.items()}
        others = (text for role in texts if role not in PRICES for text in each(texts[role]))
        try:
            refuse_ticks((text for role in PRICES for text in each(texts.get(role, ()))), others)
            return decimal_mark(texts, {role: name for role, (name, _) in columns.items()}, self.is_bare, self.beside)
        except MarkError as error:
            name, array = columns[next(role for role in texts if error.text in texts[role])]
            raise self._fault(name, _values_of(array).index(error.text), error) from None

    def _refuse_currencies(self, prices: Sequence[tuple[str, Column]]) -> None:
        """Raises for the first price of a symbol that is of another currency than one before it."""
        of_text = {
            text: currency for _, array in prices for text in each(_texts_of(array)) if (currency := currency_of(text))
        }
        if len(set(of_text.values())) < 2:
            return
        first: dict[int, str] = {}
        for name, array in prices:
            for row, text in enumerate(_values_of(array)):
                if isinstance(text, str) and text in of_text:
                    owner = 0 if self.owners is None else int(self.owners[row])
                    before = first.setdefault(owner, text)
                    if of_text[before] != of_text[text]:
                        raise self._fault(name, row, ValueError(other_currency(text, before)))

    def nanoseconds(self, name: str, column: Any) -> Nanoseconds:
        array = self._column(name, column)
        if isinstance(array, Texts):
            return self._from_texts(name, array)
        if isinstance(array, Chunked) and array.exact is not None:
            array = self._decimals(name, array)
        if isinstance(array, Chunked) and array.dtype == MOMENT:
            return Chunked(tuple(each.view(np.int64) for each in array.arrays))
        array = array.as_stored() if isinstance(array, Chunked) else np.asanyarray(array)
        if array.dtype.kind == "M":
            return self._from_datetime64(name, array)
        if array.dtype.kind in "iuf":
            return self._from_numbers(name, array)
        if array.dtype.kind == "O":
            return self._from_objects(name, array)
        if not len(array):
            return np.empty(0, dtype=np.int64)
        raise self._fault(name, 0, ValueError(f"{shown(array[0])} is not a timestamp but of type {array.dtype}"))

    def _decimals(self, name: str, column: Chunked) -> NDArray[Any]:
        values = None if column.exact is None else column.exact()
        if values is None:
            floats = column.as_stored()
            known = floats[~np.isnan(floats)]
            if ((known == np.floor(known)) & (np.abs(known) < most_exact(floats.dtype))).all():
                return floats
            raise ValueError(f"{self.label(0)}column {name!r} holds decimals: give times as whole numbers of int64")
        return objects(values)

    def joined(self, dates: tuple[str, Any], clocks: tuple[str, Any]) -> Nanoseconds:
        """Joins two columns, a date and a time of day: names and columns. Each distinct value is read once."""
        name = f"{dates[0]} {clocks[0]}"
        days, times = self.texts(*dates, date_text), self.texts(*clocks, time_text)
        if len(days.codes) != len(times.codes):
            lengths = f"{dates[0]!r} {len(days.codes)}, {clocks[0]!r} {len(times.codes)}"
            raise ValueError(f"columns differ in length: {lengths}")
        try:
            times = Texts(times.codes, in_marks(clocks[0], times.values))
        except ClockError as error:
            row = int(np.argmax(times.codes == times.values.index(error.text)))
            raise self._fault(clocks[0], row, error) from None
        is_whole = (days.codes >= 0) & (times.codes >= 0)
        days = Texts(np.where(is_whole, days.codes, np.int32(-1)), days.values)
        if (moments := self._sums(name, days, times)) is not None:
            return moments
        return self._from_texts(name, days.beside(times, " "))

    def _sums(self, name: str, days: Texts, times: Texts) -> Nanoseconds | None:
        """Returns plain dates with times of day; None where both have to be read together, or there is a fault."""
        clocks = clocks_of(times.values)
        if clocks is None or self.rules.unit is not None or not all(map(is_day, days.values)):
            return None
        try:
            midnights = np.asarray(self._from_texts(name, days))
        except ValueError:
            return None
        if (np.abs(midnights[midnights != NAT]) > -(NAT + 2 * DAY)).any():
            return None
        return np.where(midnights == NAT, NAT, midnights + np.array([*clocks, 0], dtype=np.int64)[times.codes])

    def texts(self, name: str, column: Any, text_of: Callable[[Any], str | None]) -> Texts:
        """Returns the texts of the values of a column."""
        if isinstance(column, Unsupported) and column.is_time_of_day and (values := column.values()) is not None:
            column = values
        column = self._column(name, column)
        if isinstance(column, Texts):
            values, codes = column.values, column.codes
        else:
            values, codes = factorized(list(column.as_stored() if isinstance(column, Chunked) else np.asarray(column)))
        texts = Texts.of(text_of(value) or None for value in values)
        return Texts(np.append(texts.codes, np.int32(-1))[codes], texts.values)

    def localized(self, name: str, moments: Nanoseconds, zone: str) -> NDArray[np.int64]:
        """Moments of UTC when the clock of a zone shows these, which were read as times of UTC."""
        local = np.asarray(moments)
        utc, wrong = utc_of_all(local, zone)
        missing = local == NAT
        fault = f"the clock of {zone} shows {{}} twice or never"
        self._refuse(name, wrong & ~missing, missing, lambda row: fault.format(iso_of(int(local[row]))))
        return np.where(missing | wrong, NAT, utc)

    def _column(self, name: str, column: Any) -> Column:
        """Returns what `array` does, but texts of any kind, where there is nothing else, as `Texts`."""
        if isinstance(column, Texts | Chunked):
            return column
        array = self.array(name, column)
        if array.dtype.kind not in "US" and not _is_of_texts(array):
            return array
        values, codes = factorized(array)
        decoded = Texts.of(map(_decoded, values))
        return Texts(np.append(decoded.codes, np.int32(-1))[codes], decoded.values)

    def _figures(self, name: str, column: Any) -> Column:
        """Returns what `_column` does, but objects that are numbers as float64."""
        array = self._column(name, column)
        if not isinstance(array, np.ndarray) or array.dtype.kind != "O":
            return array
        numbers = converted(array, FIGURES, np.float64)
        return array if numbers is None else numbers

    def _floats(self, name: str, array: Column, mark: str) -> Floats:
        if isinstance(array, Texts):
            of_code = np.full(len(array.values) + 1, np.nan)  # the last place is for null, whose code is -1
            faults = {}
            for code, text in enumerate(each(array.values)):
                try:
                    of_code[code] = number_of(text, mark)
                except ValueError as error:
                    faults[code] = str(error)
            self._refuse_texts(name, array, faults)
            return of_code[array.codes]
        if array.dtype.kind == "b":
            raise TypeError(self._all_booleans(name))
        if isinstance(array, Chunked):
            return array if array.dtype == np.float64 else np.asarray(array, dtype=np.float64)
        if array.dtype.kind in "iuf":
            return np.ascontiguousarray(np.ma.filled(array.astype(np.float64, copy=False), np.nan))
        if array.dtype.kind != "O":
            if not len(array):
                return np.empty(0)
            raise self._fault(name, 0, _no_number(array[0]))
        return self._each(name, array, np.full(len(array), np.nan), lambda value: _float_of(value, mark))

    def _refuse_scaled(self, close: str, prices: Sequence[Floats]) -> None:
        """Refuses prices, the column named `close` last, that are whole numbers of some billionth."""
        # Most tables end here, by a reduction that holds no GIL, as the choice of rows by a mask does.
        least_of = [np.fmin.reduce(each, initial=np.inf) for column in prices for each in arrays_of(column)]
        if -np.inf < min(least_of) < LEAST_SCALED:
            return
        known = [each[np.isfinite(each)] for each in map(np.asarray, prices)]
        least = min((each.min() for each in known if len(each)), default=0.0)
        tick = 1 if least >= SURELY_SCALED else SCALED_TICK
        if least >= LEAST_SCALED and not any((each % tick).any() for each in known):
            example = int(known[-1][0]) if len(known[-1]) else int(least)
            raise ValueError(
                f"{self.label(0)}column {close!r}: {example} is {example / 1e9:g} in billionths, or as it stands:"
                " say price_scale=1e-9 or price_scale=1 (--price-scale)"
            )

    def _each(self, name: str, array: NDArray[Any], read: NDArray[Any], reading: Callable[[Any], Any]) -> NDArray[Any]:
        """Puts into `read`, which is full of what is missing, what `reading` makes of each value that is not."""
        first: Exception | None = None
        were_read = False
        for row, value in enumerate(each(array)):
            if is_missing(value):
                continue
            try:
                read[row] = reading(value)
                were_read = True
            except (UnitError, AmbiguousError) as error:
                raise self._fault(name, row, error) from None
            except (TypeError, ValueError) as error:
                first = first or self._fault_of_row(name, row, error)
                if not self.rules.skip:
                    break
        if first is not None and not (self.rules.skip and were_read):
            raise first
        return read

    def _moment_of(self, value: Any) -> int:
        try:
            return to_ns(_decoded(value), self.rules.unit, self.rules.dates)
        except TypeError as error:
            raise ValueError(str(error)) from None

    def _from_datetime64(self, name: str, array: NDArray[Any]) -> Nanoseconds:
        nanoseconds, wrong = datetime64_ns(array)
        self._refuse(name, wrong, np.isnat(array), lambda row: f"{array[row]} {OUT_OF_RANGE}")
        return nanoseconds

    def _from_objects(self, name: str, array: NDArray[Any]) -> Nanoseconds:
        """Whole numbers are of one unit; anything else stands for itself."""
        whole_numbers = converted(array, WHOLE, np.int64)
        if whole_numbers is not None and len(array):
            return self._whole(name, whole_numbers, np.zeros(len(array), dtype=bool))
        wholes = [None if is_missing(value) else as_whole(value) for value in each(array)]
        is_none = np.array([whole is None for whole in wholes], dtype=bool)
        missing = np.array([is_missing(value) for value in each(array)], dtype=bool)
        if not len(array) or (is_none & ~missing).any() or missing.all():
            self._refuse_mixed(name, array[~missing], np.flatnonzero(~missing))
            return self._each(name, array, np.full(len(array), NAT, dtype=np.int64), self._moment_of)
        is_far = np.array([whole is not None and abs(whole) >= 2**63 for whole in wholes])
        self._refuse(name, is_far, missing, lambda row: f"{array[row]} {OUT_OF_RANGE}")
        within = np.array([0 if whole is None or abs(whole) >= 2**63 else whole for whole in wholes])
        return self._whole(name, within, missing | is_far)

    def _refuse_mixed(self, name: str, moments: NDArray[Any], rows: NDArray[np.integer]) -> None:
        """Raises for the first moment without a zone where others have an offset from UTC: which clock it is of is not
        known."""
        offsets = [moment.utcoffset() if isinstance(moment, datetime) else timedelta(0) for moment in each(moments)]
        if None in offsets and any(offsets):
            at = offsets.index(None)
            error = ValueError(f"{moments[at]} is without a zone, and others have an offset from UTC: give all one")
            raise self._fault(name, int(rows[at]), error)

    def _from_numbers(self, name: str, array: NDArray[Any]) -> Nanoseconds:
        missing = np.ma.getmaskarray(array)
        values = np.ma.filled(array, 0)
        if array.dtype.kind == "f":
            missing = missing | np.isnan(values)
            values = np.where(missing, 0.0, values).astype(np.float64, copy=False)
            wrong = (values != np.floor(values)) | (np.abs(values) >= 2.0**63)
            self._refuse(
                name,
                wrong,
                missing,
                lambda row: f"{values[row]} {OUT_OF_RANGE if abs(values[row]) >= 2.0**63 else FRACTION}",
            )
            missing = missing | wrong
            values = np.where(missing, 0.0, values)
            rounded = are_rounded_digits(values)
            self._refuse(name, rounded, missing, lambda row: f"{values[row]:.0f} {ROUNDED_DIGITS}")
            missing = missing | rounded
            values = np.where(missing, 0.0, values)
            if array.dtype.itemsize < 8:
                rounded = np.abs(values) > most_exact(array.dtype)
                self._refuse(name, rounded, missing, lambda row: f"{values[row]:.0f} {ROUNDED.format(array.dtype)}")
                missing = missing | rounded
                values = np.where(missing, 0.0, values)
        elif array.dtype.kind == "u":
            values = np.minimum(values, np.uint64(2**63 - 1))
        return self._whole(name, values.astype(np.int64), missing)

    def _whole(self, name: str, whole: NDArray[np.int64], missing: NDArray[np.bool_]) -> Nanoseconds:
        if missing.all():
            return np.full(len(whole), NAT, dtype=np.int64)
        try:
            moments = read_whole(whole, missing, self.rules.unit, self.rules.dates)
        except UnitError as error:
            raise self._fault(name, error.row, error) from None
        self._refuse(name, moments.is_wrong, missing, moments.fault)
        return np.ascontiguousarray(moments.nanoseconds)

    def _from_texts(self, name: str, column: Texts) -> Nanoseconds:
        """Each distinct text is read once. The last place is for null, whose code is -1."""
        if (of_iso := iso_nanoseconds(column.values)) is not None:
            return np.append(of_iso, NAT)[column.codes]
        blank = [code for code, text in enumerate(column.values) if not text.strip()]
        codes = np.where(np.isin(column.codes, blank), -1, column.codes) if blank else column.codes
        rows = np.flatnonzero(codes >= 0)
        if len(rows) and self._is_whole(column.values[codes[rows[0]]]):
            values = [whole if (whole := _whole_text(text)) is not None else text for text in column.values]
            return self._from_objects(name, np.array([*values, None], dtype=object)[codes])
        try:
            is_of_owners = self.owners is not None and len(self.owners) == len(codes)
            owners = self.owners[rows] if self.owners is not None and is_of_owners else None
            read = read_column(column.values, codes[rows], owners, self.rules.dates or order_said(name))
        except AmbiguousError as error:
            raise self._fault(name, int(rows[error.at]), error) from None
        of_code = np.full(len(column.values) + 1, NAT, dtype=np.int64)
        faults = dict(read.faults)
        for code, nanoseconds in enumerate(each(read.nanoseconds)):
            if nanoseconds is not None and not NAT < nanoseconds < -NAT:
                faults[code] = f"{shown(column.values[code])} {OUT_OF_RANGE}"
            elif nanoseconds is not None:
                of_code[code] = nanoseconds
        self._refuse_texts(name, Texts(codes, column.values), faults)
        return of_code[codes]

    def _is_whole(self, text: str) -> bool:
        """Returns whether a text is a whole number; eight digits without a unit are a date."""
        return _whole_text(text) is not None and (self.rules.unit is not None or len(text.strip()) != 8)

    def _refuse_texts(self, name: str, column: Texts, faults: Mapping[int, str]) -> None:
        wrong = np.isin(column.codes, list(faults)) if faults else np.zeros(len(column.codes), dtype=bool)
        self._refuse(name, wrong, column.codes < 0, lambda row: faults[int(column.codes[row])])

    def _refuse(
        self, name: str, wrong: NDArray[np.bool_], missing: NDArray[np.bool_], fault: Callable[[int], object]
    ) -> None:
        is_all = bool((wrong | missing).all())
        if wrong.any() and (is_all or not self.rules.skip):
            row = int(np.argmax(wrong))
            error = ValueError(str(fault(row)))
            raise self._fault_of_row(name, row, error, is_all)

    def _fault_of_row(self, name: str, row: int, error: Exception, is_all: bool = False) -> Exception:
        fault = self._fault(name, row, error)
        if not self.is_advised:
            return fault
        may_skip = not (is_all or self.rules.skip)
        return type(fault)(f"{fault}{advice_on_row(str(error), role_of(name) == 'volume', may_skip)}")

    def _fault(self, name: str, row: int, error: Exception) -> Exception:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        return kind(f"{self.label(row)}column {name!r}, row {row}: {error}")

    def _all_booleans(self, name: str) -> str:
        return f"{self.label(-1)}column {name!r} holds booleans and no numbers"


def _scaled(role: str, column: Floats, scale: float) -> Floats:
    """A division by a whole number rounds once, where the scale itself is a rounded number."""
    if role not in PRICES:
        return column
    column = np.asarray(column)
    inverse = round(1 / scale) if scale < 1 else 0
    return column / inverse if inverse and 1 / inverse == scale else column * scale


def _texts_of(array: Column) -> Sequence[str]:
    if isinstance(array, Texts):
        return array.values
    if isinstance(array, Chunked) or array.dtype.kind != "O":
        return ()
    return [value for value in each(array) if isinstance(value, str)]


def _values_of(array: Column) -> list[Any]:
    if isinstance(array, Texts):
        return [None if code < 0 else array.values[code] for code in array.codes.tolist()]
    return list(array.as_stored() if isinstance(array, Chunked) else np.asarray(array))


def _whole_text(text: str) -> int | None:
    text = text.strip()
    found = EXACT.fullmatch(text)
    if found is not None and len(found[1]) >= int(found[2]) and Decimal(text) % 1 == 0:
        return int(Decimal(text))
    digits = text.removesuffix(".0")
    return int(digits) if digits.removeprefix("-").isdecimal() and digits.isascii() else None


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _is_of_texts(array: NDArray[Any]) -> bool:
    """Returns whether objects are texts, but for those that are missing."""
    if array.dtype.kind != "O" or not types_of(array) & TEXTS:
        return False
    return all(type(value) in TEXTS or is_missing(value) for value in each(array))


def _no_number(value: object) -> ValueError:
    return ValueError(f"{shown(value)} is not a number")


def _float_of(value: Any, mark: str = POINT) -> float:
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{value} is a boolean and no number")
    if isinstance(value, str):
        return number_of(value, mark)
    if not isinstance(value, int | float | Decimal | np.integer | np.floating):
        raise _no_number(value)
    try:
        return float(value)
    except (OverflowError, ValueError):
        raise _no_number(value) from None
