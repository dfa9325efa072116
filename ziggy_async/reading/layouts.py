"""Tables without column names that are known by their number of columns and what these hold."""

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import date
from math import isnan, nan
from operator import contains
from typing import Any, NamedTuple

import numpy as np

from ziggy_async.messages import shown
from ziggy_async.reading.epochs import FIRST_YEAR, LAST_YEAR, unit_of
from ziggy_async.reading.numbers import POINT, is_number, number_of
from ziggy_async.reading.spellings import PRICES, listed
from ziggy_async.reading.timestamps import FRACTION, as_whole, is_missing
from ziggy_async.reading.ways import take_apart

logger = logging.getLogger(__name__)

WHOLE, DAY, CLOCK, NUMBER, SYMBOL = "wdcns"
"""A whole number of a time since 1970, a date, a time of day, a number, a symbol."""
SYMBOL_PATTERN = re.compile(r"[\^$]?[^\W_][\w.^=/:-]{0,29}")
HISTDATA = re.compile(r"\d{8} \d{6}")
"""A time as some of HistData's files begin with one."""
HISTDATA_NAME = re.compile(r"(?:DAT|HISTDATA_COM)_[A-Z]+_", re.IGNORECASE)
"""The beginning of its files' names; those for MetaTrader look like its own."""
CLOCK_PATTERN = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
PACKED_CLOCK = re.compile(r"([01]\d|2[0-3])[0-5]\d([0-5]\d)?")
LEAST_NUMBERS = 4
"""Numbers that a line of values has, if no date stands among them."""


ADVICE = "columns={'timestamp': '1', 'open': '2', ...} (--columns timestamp=1,open=2,...)"


class Layout(NamedTuple):
    """`kinds`: a letter for each column; `names`: what the columns are."""

    name: str
    kinds: str
    names: tuple[str, ...]


def _layout(name: str, kinds: str, names: str) -> Layout:
    return Layout(name, kinds, tuple(names.split()))


CANDLE = "open high low close volume"
LAYOUTS = (
    _layout("Binance", "wnnnnnwnnnnn", f"timestamp {CANDLE} close_time quote_volume trades taker taker_quote ignore"),
    _layout("OKX", "wnnnnnnnn", f"timestamp {CANDLE} volume_ccy quote_volume confirm"),
    _layout("Kraken's API", "wnnnnnnn", "timestamp open high low close vwap volume trades"),
    _layout("Kraken", "wnnnnnn", f"timestamp {CANDLE} trades"),
    _layout("MetaTrader and HistData", "dcnnnnn", f"date time {CANDLE}"),
    _layout("MetaTrader with spread", "dcnnnnnnn", "date time open high low close tickvol vol spread"),
    _layout("candles", "wnnnnn", f"timestamp {CANDLE}"),
    _layout("HistData and days", "dnnnnn", f"timestamp {CANDLE}"),
    _layout("ASX and EODData", "sdnnnnn", f"symbol timestamp {CANDLE}"),
    _layout("symbols with a date and a time", "sdcnnnnn", f"symbol date time {CANDLE}"),
    _layout("candles without volume", "wnnnn", "timestamp open high low close"),
    _layout("days without volume", "dnnnn", "timestamp open high low close"),
)


def names_of(rows: Sequence[Sequence[Any]], columns: Mapping[str, str] | None) -> list[str]:
    """Returns the column names for a table whose first rows these are: those of its layout, or their numbers from 1
    where `columns` names some of them. Raises `ValueError` for a layout that is not known."""
    row = rows[0]
    numbered = [str(number) for number in range(1, len(row) + 1)]
    if columns:
        return numbered
    kinds = [kinds_of(value) for value in row]
    rows = [each for each in rows if len(each) == len(row)]
    for layout in LAYOUTS:
        if len(kinds) == len(layout.kinds) and all(map(contains, kinds, layout.kinds)):
            if HISTDATA.match(str(row[0])):
                warn_of_histdata()
            _refuse_other_order(layout, rows)
            return list(layout.names)
    fractions = [value for value in row if isinstance(value, float) and value % 1 > 0]
    if any(unit_of(int(value)) is not None for value in fractions):
        raise ValueError(f"the table has no column names, and {shown(max(fractions))} {FRACTION}")
    known = listed(f"{layout.name} ({len(layout.kinds)})" for layout in LAYOUTS)
    raise ValueError(
        f"the table has no column names: {ADVICE} names them by number; its"
        f" {len(row)} columns are none of the layouts known without: {known}"
    )


def _refuse_other_order(layout: Layout, rows: Sequence[Sequence[Any]]) -> None:
    """Raises where most rows are no bars in the order of the layout, which nothing but kinds of values has told."""
    candles = [[_number_of(row[layout.names.index(name)]) for name in PRICES] for row in rows]
    known = [candle for candle in candles if not any(map(isnan, candle))]
    others = [candle for candle in known if not candle[2] <= min(candle[::3]) <= max(candle[::3]) <= candle[1]]
    if len(others) > max(1, len(known) // 2):
        raise ValueError(
            f"the table has no column names, and is none of {layout.name}, {listed(layout.names)}: most rows would open"
            f" or close outside of low and high; {ADVICE} names its columns by number"
        )


def _number_of(value: Any) -> float:
    try:
        return number_of(value, POINT) if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return nan


def warn_of_histdata() -> None:
    logger.warning("times without a zone are those of UTC; HistData's are of EST, five hours behind it")


def is_nameless(row: Sequence[str]) -> bool:
    """Returns whether these are values rather than names: a date and a number, or several numbers, whatever else there
    is."""
    kinds = [kinds_of(value) for value in row if value.strip()]
    has_date = any(DAY in kind for kind in kinds)
    numbers = sum(NUMBER in kind and DAY not in kind for kind in kinds)
    return numbers >= (1 if has_date else LEAST_NUMBERS)


def kinds_of(value: Any) -> str:
    """Returns all that a value may be; nothing for what is of no kind."""
    if is_missing(value):
        return NUMBER
    if isinstance(value, date | np.datetime64):
        return DAY
    if isinstance(value, str):
        return _kinds_of_text(value.strip())
    whole = as_whole(value)
    if whole is not None:
        return _kinds_of_whole(whole)
    return NUMBER if isinstance(value, float | np.floating) or hasattr(value, "__float__") else ""


def _kinds_of_text(text: str) -> str:
    if CLOCK_PATTERN.fullmatch(text):
        return CLOCK
    if text.removesuffix(".0").isdecimal():
        clock = CLOCK if PACKED_CLOCK.fullmatch(text) else ""
        return clock + _kinds_of_whole(int(text.removesuffix(".0")))
    symbol = SYMBOL if SYMBOL_PATTERN.fullmatch(text) else ""
    if (written := take_apart(text)) is not None:
        return DAY + (symbol if written.form else "")
    return NUMBER if is_number(text) or not text else symbol


def _kinds_of_whole(whole: int) -> str:
    if unit_of(whole) is not None:
        return WHOLE + NUMBER
    return DAY + NUMBER if FIRST_YEAR * 10_000 < whole < (LAST_YEAR + 1) * 10_000 else NUMBER
