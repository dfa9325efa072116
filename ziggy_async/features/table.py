"""The result of a set of features: a table with one row a ticker, or a ticker and bar."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ziggy_async import _core
from ziggy_async.messages import nearest, optional_import, shown
from ziggy_async.reading.epochs import NAT

Floats = NDArray[np.float64]

SYMBOL, TIMESTAMP = "symbol", "timestamp"
"""The columns before the features, where a table has them all as columns."""


class FeatureTable:
    """Features `(rows, features)` as float64, NaN where there is no value, with the symbol and time of each row.

    `names` are the features', in the order of the columns. `missing`: the tickers that were asked for and are not in
    the store. Figures are shared by all that is made of the table and cannot be written.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        tickers: tuple[str, ...],
        counts: NDArray[np.int64] | None,
        timestamps: NDArray[np.int64],
        values: Floats,
        missing: tuple[str, ...],
        of_rows: NDArray[np.intp] | None = None,
    ) -> None:
        """`counts`: rows of each of the tickers, one after the other; None: one each. `of_rows`: the places of these
        among `tickers`; None: they are all of them. `values` is column-major."""
        values.flags.writeable = False
        self.names = names
        self.missing = missing
        self._places = {name: at for at, name in enumerate(names)}
        self._asked = tickers
        self._of_rows = of_rows
        self._counts = counts
        self._nanoseconds = timestamps
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, name: str) -> Floats:
        """Returns the values of one feature, `(rows,)`."""
        at = self._places.get(name)
        if at is None:
            raise KeyError(f"no feature {shown(name)}{nearest(str(name), self.names)}")
        return self._values[:, at]

    def __repr__(self) -> str:
        return f"<FeatureTable: {len(self)} rows of {', '.join(self.names)}>"

    @cached_property
    def symbols(self) -> NDArray[np.object_]:
        """The ticker of each row, `(rows,)`."""
        symbols = self._tickers if self._counts is None else np.repeat(self._tickers, self._counts)
        symbols.flags.writeable = False
        return symbols

    @cached_property
    def timestamps(self) -> NDArray[np.datetime64]:
        """The time of each row's bar, datetime64[ns] `(rows,)`, UTC; NaT for a ticker without bars."""
        timestamps = self._nanoseconds.view("M8[ns]")
        timestamps.flags.writeable = False
        return timestamps

    def to_numpy(self) -> Floats:
        """Returns all figures, `(rows, features)`: a view that cannot be written, column-major."""
        return self._values

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Returns the table as an Arrow stream: symbol (a dictionary), timestamp (UTC, null without bars), features.

        The figures are shared and NaN stays NaN. `requested_schema` is not followed, as the protocol allows.
        """
        rows = len(self)
        tickers, codes = self._dictionary
        texts = [ticker.encode(errors="backslashreplace") for ticker in tickers]
        ends = np.zeros(len(texts) + 1, dtype=np.int32)
        np.cumsum([len(text) for text in texts], out=ends[1:])
        dictionary = ("", "u", len(texts), 0, (None, ends, b"".join(texts)), ())
        has_time = self._nanoseconds != NAT
        nulls = rows - int(np.count_nonzero(has_time))
        bitmap = np.packbits(has_time, bitorder="little") if nulls else None
        columns = (
            (SYMBOL, "i", rows, 0, (None, codes), (dictionary,)),
            (TIMESTAMP, "tsn:UTC", rows, nulls, (bitmap, self._nanoseconds), ()),
            *((name, "g", rows, 0, (None, self._values[:, at]), ()) for at, name in enumerate(self.names)),
        )
        return _core.arrow_stream(columns, rows)

    def chosen(self, rows: NDArray[np.intp], features: slice, names: tuple[str, ...]) -> "FeatureTable":
        """Returns some rows, in this order, and some features under other names, of a table of one row a ticker."""
        values = np.empty((len(rows), len(names)), order="F")
        for source, target in zip(self._values.T[features], values.T, strict=True):
            np.take(source, rows, out=target)
        return FeatureTable(names, self._asked, None, self._nanoseconds[rows], values, self.missing, rows)

    def to_pandas(self) -> Any:
        """Returns a pandas frame of its own with the columns symbol (categorical), timestamp and the features."""
        with optional_import("pandas", "FeatureTable.to_pandas", "pandas"):
            import pandas
        values, codes = self._dictionary
        frame = pandas.DataFrame(self._values, columns=list(self.names), copy=True)
        frame.insert(0, SYMBOL, pandas.Categorical.from_codes(codes, list(values)))
        frame.insert(1, TIMESTAMP, pandas.DatetimeIndex(self.timestamps, tz="UTC"))
        return frame

    def to_polars(self) -> Any:
        """Returns a polars frame with the columns symbol, timestamp and the features, which share the figures."""
        with optional_import("polars", "FeatureTable.to_polars", "polars"):
            import polars
        return polars.DataFrame(self)

    def rows(self) -> list[dict[str, Any]]:
        """Returns one dict a row: symbol, timestamp (a datetime in UTC to the microsecond, None without bars),
        features."""
        moments = [_moment(nanoseconds) for nanoseconds in self._nanoseconds.tolist()]
        columns = [self._values[:, at].tolist() for at in range(len(self.names))]
        names = (SYMBOL, TIMESTAMP, *self.names)
        return [dict(zip(names, row, strict=True)) for row in zip(self.symbols, moments, *columns, strict=True)]

    @cached_property
    def _tickers(self) -> NDArray[np.object_]:
        """The tickers of the rows in their order; where there are counts, each of them once."""
        return _core.tickers_at(self._asked, np.arange(len(self._asked)) if self._of_rows is None else self._of_rows)

    @cached_property
    def _dictionary(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """The distinct tickers, and each row's index into them."""
        places = {ticker: at for at, ticker in enumerate(dict.fromkeys(self._tickers))}
        codes = np.fromiter((places[ticker] for ticker in self._tickers), dtype=np.int32, count=len(self._tickers))
        return tuple(places), codes if self._counts is None else np.repeat(codes, self._counts)


def _moment(nanoseconds: int) -> datetime | None:
    if nanoseconds == NAT:
        return None
    seconds, rest = divmod(nanoseconds, 10**9)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
