"""Columns of any kind as NumPy arrays: lists, masked arrays, and the types of pandas that NumPy has not got."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async.reading.pieces import objects


def array_of(column: Any) -> NDArray[Any]:
    dtype = getattr(column, "dtype", None)  # a scalar of pandas has none
    if dtype is not None and type(column).__module__.partition(".")[0] == "pandas" and not isinstance(dtype, np.dtype):
        return _of_extension(sys.modules["pandas"].Series(column))
    if isinstance(column, list | tuple):
        return objects(column)
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
    """Returns a pandas column whose type NumPy has not got as an array: with a time zone, periods, nullable,
    categorical, Arrow's."""
    if getattr(column.dtype, "tz", None) is not None:
        return np.asarray(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    if hasattr(column.dtype, "freq"):  # periods, as the moments at which they begin
        return np.asarray(column.dt.to_timestamp().to_numpy())
    if column.dtype.kind in "iu":
        whole = column.to_numpy(dtype=np.int64 if column.dtype.kind == "i" else np.uint64, na_value=0)
        return _of_masked(np.ma.masked_array(whole, column.isna().to_numpy(dtype=bool)))
    if column.dtype.kind == "f":
        return np.asarray(column.to_numpy(dtype=f"f{column.dtype.itemsize}", na_value=np.nan))
    if column.dtype.kind == "M":
        return np.asarray(column.to_numpy(dtype="datetime64[ns]"))
    return np.asarray(column.to_numpy(dtype=object))
