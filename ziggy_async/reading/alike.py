"""Small CSV files that are written alike, which are read by one query: what is asked of them before, and whose rows are
which afterwards."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np

from ziggy_async.reading.beside import ZONES
from ziggy_async.reading.chunked import Chunked
from ziggy_async.reading.headers import Header
from ziggy_async.reading.scans import CLOCK_OF_FOLDER
from ziggy_async.reading.spellings import role_of, spelling_of
from ziggy_async.reading.tables import Broken, Texts
from ziggy_async.reading.texts import Source, lines_of
from ziggy_async.reading.ways import take_apart

MOST_ALIKE = 50
"""Files that are read at once, and one by one where one of them is at fault."""
MOST_BYTES = 1 << 19
"""Bytes of the text of a file of which a query takes as long as its rows; of all that are read at once 25 MiB."""


def first_text(origin: Source, header: Header, name: str) -> str | None:
    """Returns what the first row has in a column; None where it cannot be told."""
    for row in csv.reader(islice(lines_of(origin), header.skipped, None), delimiter=header.delimiter):
        if row:
            at = header.names.index(name)
            return row[at] if at < len(row) else None
    return None


def are_alike(text: str, other: str | None) -> bool:
    """Returns whether columns of times that begin with these are read by one SQL: they are written in one way, and both
    of clocks that are apart from UTC, or both not."""
    if other is None or re.sub("[0-9]", "0", text) != re.sub("[0-9]", "0", other):
        return False
    one, two = take_apart(text.strip()), take_apart(other.strip())
    if one is None or two is None:
        return one is two
    return one.is_like(two) and one.is_local == two.is_local


def may_be_of_group(text: str | None, names: Sequence[str]) -> bool:
    """Returns whether the first time of a file and the names of its columns say how its times are read, whatever else
    is in the file: beside a zone it matters whether one is a day, and a time of day is one of the day that a folder
    names."""
    if text is None or not text.strip() or re.fullmatch(CLOCK_OF_FOLDER, text.strip()):
        return False
    return not any(spelling_of(name) in ZONES for name in names)


def types_of(heads: Mapping[str, Sequence[str | None]]) -> dict[str, str]:
    """Returns name -> SQL type of columns without a role that are figures, by their first values."""
    return {name: "DOUBLE" for name, head in heads.items() if role_of(name) is None and all(map(_is_figure, head))}


def _is_figure(text: str | None) -> bool:
    return text is None or re.fullmatch(r"\s*(?:[+-]?\d+(?:\.\d*)?)?\s*", text) is not None


def parts_of(values: Mapping[str, Any], origins: Sequence[Source]) -> Iterator[dict[str, Any]]:
    """Yields the values of each file, of which "path" is the column of the paths; nothing where they are not all there,
    or one cannot be had."""
    if any(isinstance(column, Broken) for column in values.values()):
        return
    paths = values["path"]
    begins = np.flatnonzero(np.diff(paths.codes, prepend=-1)).tolist()
    if paths.values != [str(origin.path) for origin in origins] or len(begins) != len(origins):
        return
    arrays = {name: column.as_stored() if isinstance(column, Chunked) else column for name, column in values.items()}
    for begin, end in pairwise([*begins, len(paths.codes)]):
        rows = slice(begin, end)
        yield {name: each.part(rows) if isinstance(each, Texts) else each[rows] for name, each in arrays.items()}
