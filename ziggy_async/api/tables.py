"""Tables of features in the types of JSON."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.api.slices import sliced
from ziggy_async.features import FeatureTable


def iso(times: NDArray[np.datetime64]) -> list[str | None]:
    """Returns ISO 8601 in UTC, None for NaT: to the second where all times are whole seconds, else to the
    nanosecond."""
    seconds = times.astype("M8[s]")
    shown = seconds if ((times == seconds) | np.isnat(times)).all() else times
    return [None if text == "NaT" else f"{text}+00:00" for text in shown.astype(str).tolist()]


def numbers(column: NDArray[np.float64]) -> list[float | None]:
    """Returns the values, with None for those that are not finite, which JSON does not have."""
    values: list[float | None] = column.tolist()
    is_finite = np.isfinite(column)
    if is_finite.all():
        return values
    return [value if there else None for value, there in zip(values, is_finite.tolist(), strict=True)]


async def columns_of(table: FeatureTable, rows: slice) -> dict[str, list[float | None]]:
    """Returns name -> figures of these rows."""
    return {name: numbers(table[name][rows]) async for name in sliced(table.names)}


async def rows_of(table: FeatureTable, rows: slice) -> AsyncIterator[dict[str, Any]]:
    """Yields symbol, time and features of each of these rows."""
    columns = await columns_of(table, rows)
    symbols, times = table.symbols[rows].tolist(), iso(table.timestamps[rows])
    figures = zip(*columns.values(), strict=True) if columns else ((),) * len(symbols)
    async for symbol, time, values in sliced(zip(symbols, times, figures, strict=True)):
        yield {"symbol": symbol, "timestamp": time, "features": dict(zip(table.names, values, strict=True))}
