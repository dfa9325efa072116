"""pandas frames as pairs of name and column: their index, and tickers side by side."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ziggy_async.messages import printable, shown
from ziggy_async.reading.beside import HEAD, are_clocks
from ziggy_async.reading.headers import levels_of
from ziggy_async.reading.options import placed, row_of
from ziggy_async.reading.spellings import (
    DATES,
    EPOCHS,
    MAKESHIFT,
    PRICES,
    TIMES_OF_DAY,
    listed,
    place_of,
    role_of,
    spelling_of,
)

Pairs = list[tuple[str, Any]]


def pairs_of(pandas: Any, frame: Any, symbol_column: str | None, symbol: str | None) -> Pairs:
    """Returns columns, and of the index those levels whose role no column has, and that one which is called
    `symbol_column`.

    A frame with several tickers side by side gives those of `symbol`, or of all, one below the other.
    """
    frame = _with_levels(pandas, frame)
    level = _ticker_level(frame)
    if level is None:
        return _with_index(pandas, frame, _names(frame), symbol_column)
    columns = _columns(frame, level)
    tickers = list(columns)
    is_sure = len(tickers) > 1 or role_of(str(frame.columns.names[level])) == "symbol"
    if symbol is None and (is_sure or not _has_symbols(frame, level)):
        return _stacked(pandas, frame, columns)
    if symbol is not None and is_sure and symbol not in tickers:
        beside = " side by side" if len(tickers) > 1 else ""
        raise ValueError(
            f"the frame has the bars of {listed(map(shown, tickers))}{beside}, and none of {printable(symbol)}:"
            f" load_frame loads those of all, load({str(tickers[0])!r}, ...) those of one"
        )
    chosen = columns[symbol if symbol in tickers else tickers[0]]
    return _with_index(pandas, *_part(frame, chosen, len(tickers) > 1), symbol_column)


def _with_levels(pandas: Any, frame: Any) -> Any:
    """Returns the frame with two levels of column names, where these were made one."""
    if frame.columns.nlevels > 1 or {role_of(name) for name in _names(frame)} >= set(PRICES):
        return frame
    levels = levels_of(_names(frame))
    if levels is None:
        return frame
    pairs = [(name, owner or "") for owner, name in zip(*levels, strict=True)]
    return frame.set_axis(pandas.MultiIndex.from_tuples(pairs), axis=1)


def _ticker_level(frame: Any) -> int | None:
    """Returns the level of the column names that holds tickers; the other one holds prices."""
    if frame.columns.nlevels != 2:
        return None
    for level in (0, 1):
        if {role_of(name) for owner, name in _labels(frame, level) if owner is not None} >= set(PRICES):
            return level
    return None


def _labels(frame: Any, level: int) -> list[tuple[Any, str]]:
    """Returns the ticker of each column, None for those of all, which have no second label, and its name."""
    pairs = [(label[level], label[1 - level]) for label in frame.columns]
    return [(None, str(owner or name)) if "" in (owner, name) else (owner, str(name)) for owner, name in pairs]


def _has_symbols(frame: Any, level: int) -> bool:
    names = [*map(str, frame.index.names), *(name for _, name in _labels(frame, level))]
    return any(role_of(name) == "symbol" for name in names)


class Column(NamedTuple):
    place: int
    name: str
    is_shared: bool


def _columns(frame: Any, level: int) -> dict[Any, list[Column]]:
    """Returns ticker -> its columns, with those of all."""
    shared: list[Column] = []
    own: dict[Any, list[Column]] = {}
    for place, (owner, name) in enumerate(_labels(frame, level)):
        (shared if owner is None else own.setdefault(owner, [])).append(Column(place, name, owner is None))
    return {owner: [*shared, *columns] for owner, columns in own.items()}


def _part(frame: Any, columns: list[Column], is_one_of_several: bool) -> tuple[Any, list[str]]:
    """Returns the part of one ticker, without the rows that are there for the others, and its column names."""
    part = frame.iloc[_rows(frame, columns, is_one_of_several), [column.place for column in columns]]
    return part, [column.name for column in columns]


def _rows(frame: Any, columns: list[Column], is_one_of_several: bool) -> NDArray[np.intp]:
    """Returns the rows in which one ticker has values."""
    own = frame.iloc[:, [column.place for column in columns if not column.is_shared]]
    return np.flatnonzero(own.notna().any(axis=1).to_numpy()) if is_one_of_several else np.arange(len(frame))


def refuse_row(pandas: Any, frame: Any, symbol: str | None, error: ValueError) -> None:
    """Raises the error with the row as a frame has it whose tickers stand side by side: `pairs_of` gives their rows one
    below the other."""
    frame = _with_levels(pandas, frame)
    level, row = _ticker_level(frame), row_of(error)
    if level is None or row is None:
        return
    columns = _columns(frame, level)
    chosen = list(columns) if symbol is None else [symbol if symbol in columns else next(iter(columns))]
    rows = np.concatenate([_rows(frame, columns[ticker], len(columns) > 1) for ticker in chosen])
    raise ValueError(placed(error, lambda row: f"row {rows[row]}")) from error


def _stacked(pandas: Any, frame: Any, columns: dict[Any, list[Column]]) -> Pairs:
    if any(role_of(str(name)) == "symbol" for name in frame.index.names):
        raise ValueError("the frame has tickers side by side and in its index")
    parts = []
    for ticker, chosen in columns.items():
        part, names = _part(frame, chosen, len(columns) > 1)
        pairs = _with_index(pandas, part, names, None)
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError(f"{ticker}: two columns have one name; columns found: {listed(name for name, _ in pairs)}")
        parts.append(pandas.DataFrame({name: column.array for name, column in pairs}).assign(symbol=str(ticker)))
    table = pandas.concat(parts, ignore_index=True)
    return [(str(name), table[name]) for name in table.columns]


def _names(frame: Any) -> list[str]:
    """Returns the level of column names that differs where all other levels are the same for every column: the figures
    of one ticker, as some providers give them."""
    if frame.columns.nlevels > 1:
        levels = [list(map(str, frame.columns.get_level_values(at))) for at in range(frame.columns.nlevels)]
        telling = [level for level in levels if len(set(level)) > 1]
        if len(telling) == 1:
            return telling[0]
    return [str(name) for name in frame.columns]


def _with_index(pandas: Any, frame: Any, names: list[str], symbol_column: str | None) -> Pairs:
    pairs = [(name, _dense(pandas, frame.iloc[:, place])) for place, name in enumerate(names)]
    levels = [frame.index.get_level_values(place) for place in range(frame.index.nlevels)]
    times = pandas.DatetimeIndex | pandas.PeriodIndex
    has_times = any(isinstance(level, times) for level in levels)
    stamps = [name for name in names if _sure_role(name) == "timestamp" and spelling_of(name) not in EPOCHS]
    is_clock = [spelling_of(name) in TIMES_OF_DAY for name in stamps] == [True]
    has_date = any(spelling_of(str(name)) in DATES for name in frame.index.names)
    is_clock = is_clock and (has_date or are_clocks(list(dict(pairs)[stamps[0]].iloc[:HEAD])))
    taken = {role for name in names if (role := _sure_role(name)) is not None and spelling_of(name) not in EPOCHS}
    taken -= {"timestamp"} if is_clock else set()  # of which the index has the day
    for label, level in zip(frame.index.names, levels, strict=True):
        name = str(label)
        if name == symbol_column and name not in names:
            pairs.append((name, level.to_series()))
            continue
        if label is None and has_times and level.inferred_type == "string":  # the keys of pandas.concat
            role = "symbol"
        else:
            is_time = isinstance(level, times) or (label is None and _may_be_time(level))
            role = "timestamp" if is_time else role_of(name)
        holds_times = role == "timestamp" and (isinstance(level, times) or _may_be_time(level))
        if role is None or (role in taken and not holds_times):
            continue
        if role == "timestamp" and is_clock:
            name = name if spelling_of(name) in DATES else "date"
        elif role in taken:
            name = f"{name} (index)" if role_of(name) == role else "index"
        elif role_of(name) != role:
            name = role
        taken.add(role)
        pairs.append((name, level.to_series()))
    return pairs


def _dense(pandas: Any, column: Any) -> Any:
    return column.sparse.to_dense() if isinstance(column.dtype, pandas.SparseDtype) else column


def _sure_role(name: str) -> str | None:
    """Returns the role of a name that is not a makeshift, as "index" is one."""
    role, rank = place_of(name)
    return None if role == "timestamp" and rank == MAKESHIFT else role


def _may_be_time(level: Any) -> bool:
    """Returns whether an index is one that somebody put there."""
    kind = getattr(level, "categories", level).inferred_type
    if kind in ("integer", "floating"):
        return len(level) > 0 and level[0] > 10**7
    return kind in ("date", "datetime", "string", "bytes")
