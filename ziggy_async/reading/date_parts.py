"""Dates whose year, month and day stand in columns of their own, as one column of texts."""

import re
from collections.abc import Callable, Mapping, Sequence

from ziggy_async.reading.beside import Values, are_times
from ziggy_async.reading.clocks import time_text
from ziggy_async.reading.spellings import (
    DATE_OF_PARTS,
    MAKESHIFT,
    PARTS_OF_DATES,
    TIMES_OF_DAY,
    place_of,
    spelled,
    spelling_of,
)
from ziggy_async.reading.tables import Texts


def parts_of_date(names: Sequence[str], chosen: Mapping[str, str], values: Values) -> list[str]:
    """Returns the columns of year, month and day where no other one is a date; none elsewhere, and where years have not
    four digits. `chosen`: the columns that the caller has named, by their roles."""
    stamps = [name for name in names if place_of(name)[0] == "timestamp" and place_of(name)[1] < MAKESHIFT]
    dates = [name for name in stamps if spelled(name).name not in TIMES_OF_DAY]
    parts = sorted(
        (name for name in names if spelling_of(name) in PARTS_OF_DATES),
        key=lambda name: PARTS_OF_DATES.index(spelling_of(name)),
    )
    is_other = chosen.get("timestamp", DATE_OF_PARTS) != DATE_OF_PARTS
    if is_other or tuple(map(spelling_of, parts)) != PARTS_OF_DATES or dates != parts[2:]:
        return []
    years, _, days = values.heads(parts).values()
    texts = list(filter(None, map(time_text, years)))
    return parts if texts and all(map(re.compile("[0-9]{4}").fullmatch, texts)) and not are_times(days) else []


def names_with_date(names: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Returns the names with that of the date for those of its parts."""
    return [*([DATE_OF_PARTS] if parts else []), *(name for name in names if name not in parts)]


def date_of(parts: Sequence[str], texts_of: Callable[[str], Texts]) -> Texts:
    """Returns the dates, of which `texts_of` gives the texts of each part. Raises `ValueError` for parts that differ in
    length."""
    year, month, day = texts = [texts_of(part) for part in parts]
    if len(lengths := {len(each.codes) for each in texts}) > 1:
        raise ValueError(f"columns differ in length: {', '.join(parts)} {sorted(lengths)}")
    return year.beside(month, "-").beside(day, "-")
