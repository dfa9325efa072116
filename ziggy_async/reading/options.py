"""The caller's wishes as to how a table is read, and the rows that were left out of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

from ziggy_async.messages import kind_of, nearest, shown
from ziggy_async.reading.spellings import SPELLINGS, listed

Invalid = Literal["raise", "skip"]
Unit = Literal["ns", "us", "ms", "s"]
DateOrder = Literal["dmy", "mdy", "ymd"]

UNITS: dict[str, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Units of timestamps that are whole numbers, in nanoseconds."""
DATE_ORDERS = ("dmy", "mdy", "ymd")
NAMED_ROW = r"\brow (\d+)"
"""A row in a message."""
ADVICE_TO_SKIP = "; invalid='skip' (--skip-invalid) leaves such rows out"
NO_FIGURE = re.compile(r"is missing|has no value|'(?:\W*|#?n\.?/?a\.?|null|none|nan|nil)' is no", re.IGNORECASE)
"""A sentence on a value that stands for none."""


class ReadingOptions(TypedDict, total=False):
    """The keywords of `BarStore.load`, `load_frame` and `read`; see `Rules`."""

    invalid: Invalid
    unit: Unit | None
    dates: DateOrder | None
    columns: Mapping[str, str] | None
    volume: Literal["column"] | None
    price_scale: float | None


@dataclass(frozen=True, slots=True)
class Rules:
    """The same keywords with their defaults.

    `invalid`: whether a row that is not a bar is an error, or is left out and counted. `unit`: of timestamps that are
    whole numbers; None finds it. `dates`: the order of day, month and year in dates that can be read in several; None
    finds it. `columns`: role -> column name, for what `SPELLINGS` does not know; `time` is that of a time of day beside
    a date. `volume`: None reads no volume and
    counts it as 0. `price_scale`: what one of a whole-number price is worth, 1e-9 for Databento's; None takes prices as
    they are. `further`: the further columns of the store, which are found by their own names.
    """

    invalid: Invalid = "raise"
    unit: Unit | None = None
    dates: DateOrder | None = None
    columns: Mapping[str, str] | None = None
    volume: Literal["column"] | None = "column"
    price_scale: float | None = None
    further: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.invalid not in ("raise", "skip"):
            raise ValueError(f"invalid: {shown(self.invalid)} is neither 'raise' nor 'skip'")
        if self.unit is not None and self.unit not in tuple(UNITS):
            raise ValueError(f"unit: {shown(self.unit)} is none of 'ns', 'us', 'ms', 's'")
        if self.dates is not None and self.dates not in DATE_ORDERS:
            raise ValueError(f"dates: {shown(self.dates)} is none of 'dmy', 'mdy', 'ymd'")
        self._refuse_columns()
        if self.volume not in ("column", None):
            raise ValueError(f"volume: {shown(self.volume)} is neither 'column' nor None")
        scale = self.price_scale
        is_number = isinstance(scale, int | float) and not isinstance(scale, bool)
        if scale is not None and not (is_number and 0 < scale < float("inf")):
            raise ValueError(f"price_scale: {shown(scale)} is not a positive number")

    def _refuse_columns(self) -> None:
        if self.columns is None:
            return
        if not isinstance(self.columns, Mapping):
            raise TypeError(f"columns: {shown(self.columns)} is not a mapping, as {{'close': 'adjClose'}} is")
        roles = [*SPELLINGS, "time", *self.further]
        for role, name in self.columns.items():
            if role not in roles:
                raise ValueError(f"columns: {shown(role)} is none of {listed(roles)}")
            if not isinstance(name, str):
                written = shown(str(name) if isinstance(name, int) else "NAME")
                advice = f"write {{{role!r}: {written}}}"
                raise TypeError(f"columns: {role} is {shown(name)}, {kind_of(name)} and no name of a column: {advice}")

    @property
    def skip(self) -> bool:
        return self.invalid == "skip"


PLAIN = Rules()


def row_of(error: ValueError) -> int | None:
    """Returns the row that a sentence names."""
    found = re.search(NAMED_ROW, str(error))
    return None if found is None else int(found[1])


def placed(error: ValueError, place: Callable[[int], str]) -> str:
    """Returns the sentence with the place of its row, as a reader finds it."""
    return re.sub(NAMED_ROW, lambda found: place(int(found[1])), str(error), count=1)


def advice_on_row(sentence: str, is_of_volume: bool, may_skip: bool = True) -> str:
    """Returns what to do about a row of which the sentence says the fault."""
    advice = ADVICE_TO_SKIP if may_skip else ""
    if is_of_volume and NO_FIGURE.search(sentence):
        return "; volume=None (--no-volume) counts volumes as 0" + advice.replace(";", ",")
    return advice


def rules_of(options: ReadingOptions, further: tuple[str, ...] = ()) -> Rules:
    """Returns `Rules(**options, further=further)`; `PLAIN` where there are none. Raises `TypeError` for another
    keyword."""
    if not (options or further):
        return PLAIN
    known = ReadingOptions.__annotations__
    for name in options:
        if name not in known:
            advice = nearest(name, known) or f"; there are {', '.join(known)}"
            raise TypeError(f"no option {shown(name)} of reading bars{advice}")
    return Rules(**options, further=further)


class Skipped(int):
    """The number of rows that were left out; `reasons` has the number for each reason."""

    reasons: Mapping[str, int]

    def __new__(cls, reasons: Mapping[str, int]) -> "Skipped":
        skipped = super().__new__(cls, sum(reasons.values()))
        skipped.reasons = dict(reasons)
        return skipped

    def __reduce__(self) -> tuple[type["Skipped"], tuple[Mapping[str, int]]]:
        return Skipped, (self.reasons,)

    def as_text(self) -> str:
        return ", ".join(f"{rows} {reason}" for reason, rows in self.reasons.items())


NONE_SKIPPED = Skipped({})
