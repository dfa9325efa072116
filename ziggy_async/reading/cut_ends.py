"""Finds texts that are cut off within their last value. The columns are all there then, and nobody can tell in every
case: many files have no last line end."""

import logging
import os
import re

from ziggy_async.messages import shown
from ziggy_async.reading.packed import GET_WHOLE
from ziggy_async.reading.texts import LONGEST_END, Source, lines_before

logger = logging.getLogger(__name__)

DECIMALS = re.compile(r"-?\d+(?:[.,](\d*))?")
FEW, MANY = 5, 20
"""Values above the last one that say how all are written, and beside which it may be called short."""


def refuse_cut_end(source: Source, delimiter: str, name: object) -> None:
    """Raises for a last line without an end whose last value is cut off for certain: the numbers above it have as many
    decimals each, zeros at their ends included, or the texts above it are one, of which it is the beginning. Logs that
    a value that is shorter than all above it may be."""
    with source.path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LONGEST_END))
        text = file.read().decode("utf-8", "surrogateescape")
        if text.endswith(("\n", "\r")):
            return
        *others, last = (line.rpartition(delimiter)[2] for line in text.splitlines() if line)
        del others[:1]  # the names of columns, or a part of a line
        if len(others) < FEW:
            return
        line = f"line {lines_before(file, size) + 1}"
    said = f"{line}, the last one, has no line end, and its last value, {shown(last)}, is"
    if _is_padded(others) and _decimals(last) in range(_decimals(others[0])):
        raise ValueError(
            f"{said} cut off, as the others have all {_decimals(others[0])} decimals: {GET_WHOLE}, or take it out"
        )
    if {*others} == {others[0]} and others[0].startswith(last) and _decimals(last) < 0 and last not in ("", others[0]):
        raise ValueError(f"{said} cut off, as the others are all {shown(others[0])}: {GET_WHOLE}, or take it out")
    if len(others) >= MANY and len(last) < min(map(len, others)):
        logger.warning("%s: %s shorter than all above it: the file may be cut off", name, said)


def _is_padded(values: list[str]) -> bool:
    """Returns whether all are numbers with the same number of decimals, of which zeros are written out."""
    return len({*map(_decimals, values)}) == 1 and _decimals(values[0]) > 0 and any(each[-1] == "0" for each in values)


def _decimals(value: str) -> int:
    """Returns how many decimals a number has, -1 for a text that is not a number."""
    found = DECIMALS.fullmatch(value)
    return -1 if found is None else len(found[1] or "")
