"""Prints what `tests/native/catalog_bits.c` prints, a hash of each formula's values, as this Python and NumPy compute
them: all formulas in one set, over a table.

python tests/write_catalog_bits.py PLANS BARS: the files from `write_catalog_plans.py` and `catalog_bits bars`.
"""

import sys
from pathlib import Path

import numpy as np

from ziggy_async import FeatureSet

FNV_OFFSET, FNV_PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


def table_of(bars: str) -> dict[str, object]:
    """The columns of the bars that `catalog_bits bars` has printed."""
    symbol, time, *figures = zip(*(line.split() for line in bars.splitlines()), strict=True)
    columns = [np.array([float.fromhex(each) for each in column]) for column in figures]
    keys = {"symbol": symbol, "timestamp": np.array(time, np.int64).view("datetime64[ns]")}
    return keys | dict(zip(("open", "high", "low", "close", "volume"), columns, strict=True))


def hashes_of(values: np.ndarray) -> np.ndarray:
    """FNV-1a over the bits of each column of `(rows, formulas)`, lowest byte first; all NaN are zero bits."""
    octets = np.where(np.isnan(values), 0.0, values).astype("<f8").T.copy().view(np.uint8).T.astype(np.uint64)
    hashes = np.full(values.shape[1], FNV_OFFSET)
    for of_each in octets:
        hashes = (hashes ^ of_each) * FNV_PRIME
    return hashes


if __name__ == "__main__":
    plans, bars = (Path(name).read_text() for name in sys.argv[1:])
    formulas = [line.removeprefix("plan ") for line in plans.splitlines() if line.startswith("plan ")]
    table = FeatureSet(*formulas).over(table_of(bars))
    for formula, bits in zip(formulas, hashes_of(np.column_stack([table[name] for name in formulas])), strict=True):
        print(f"{bits:016x} {formula}")
