"""Columns whose names stand for one thing: which of them is read, and whether the others say the same."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ziggy_async.messages import shown
from ziggy_async.reading.beside import HEAD, Values, are_days, are_epochs, are_times, moments_of
from ziggy_async.reading.epochs import DAY, MOST_AHEAD, MOST_BEHIND
from ziggy_async.reading.numbers import COMMA, POINT, number_of
from ziggy_async.reading.options import Rules
from ziggy_async.reading.spellings import (
    COLUMN,
    INDEX,
    LAST_TRADES,
    MAKESHIFT,
    OF_EXCHANGES,
    PIECES,
    REAL_VOLUME,
    REPEATED,
    TICKS,
    TURNOVER,
    are_alike,
    place_of,
    role_of,
    spelled,
    spelling_of,
)

MOST_BEFORE = 3 * DAY
"""The longest time by which a night's session begins before the day of its trading: on Friday for Monday."""
LONGEST = 366 * DAY
"""The longest bar."""
Reading = Callable[[Any], set[Any]]
"""All that a value may be."""


def with_rivals(
    role: str, free: Sequence[str], roles: Mapping[str, str], rules: Rules, values: Values | None
) -> dict[str, str]:
    """Returns the roles, role -> name, as the other columns of the role among `free` have them: one of times since 1970
    beside a date is the `epoch`. Raises for one whose values are others, unless its name says that it is something
    else. `values` None: they are not known."""
    settled = dict(roles)
    rank = place_of(roles[role])[1]
    for rival in free:
        first = settled[role]
        if role_of(rival) != role or rival in settled.values():
            continue
        is_alike = place_of(rival)[1] == rank
        if not is_alike and (role == "symbol" or _is_of_its_own(role, first, rival, free)):
            continue
        if values is None:
            raise _two_of(role, first, rival)
        if spelling_of(rival) == REAL_VOLUME and not values.has_figures(rival):
            continue
        if {REPEATED.sub("", name) for name in (first, rival)} == {"t", "T"}:
            if not are_epochs(values.head(rival)):  # else the end of the bar
                raise _two_of(role, first, rival)
        elif are_alike(first, rival) and not any(map(INDEX.search, (first, rival))):
            raise _two_of(role, first, rival)
        elif role != "timestamp":
            _refuse_unlike(role, (first, rival), rules, values, _never)
        elif rank < 0 and not is_alike:
            _refuse_unlike(role, (first, rival), rules, values, _is_later)
        elif rank == MAKESHIFT and not all(are_timed := [are_times(values.head(name)) for name in (first, rival)]):
            settled |= {"timestamp": rival if are_timed[1] else first}
        elif "epoch" not in settled and (epoch := _epoch_of(first, rival, values)):
            settled |= {"timestamp": first if epoch == rival else rival, "epoch": epoch}
        elif "time" not in settled and _are_day_and_moment(first, rival, values):
            if not values.are_in(rival, first):
                _refuse_unlike(role, (first, rival), rules, values, _is_day_of)
            settled |= {"timestamp": rival}
        else:
            _refuse_unlike(role, (first, rival), rules, values, _explanation(settled, (first, rival), values))
    return settled


def _is_of_its_own(role: str, first: str, rival: str, names: Sequence[str]) -> bool:
    """Returns whether the name of a rival of a later rank says that it is another figure, as a number of ticks is, and
    the last trade beside the close of an exchange."""
    if role == "volume":
        both = {spelling_of(first), spelling_of(rival)}
        return not both.isdisjoint(TICKS) or (TURNOVER in both and not both.isdisjoint(PIECES))
    is_last = role == "close" and spelling_of(rival) in LAST_TRADES
    return is_last and any(spelled(name).name in OF_EXCHANGES for name in names)


def _epoch_of(first: str, rival: str, values: Values) -> str | None:
    """Returns the one of two columns of times that counts from 1970, if the other does not and their names differ."""
    heads = {name: values.head(name) for name in (first, rival)}
    epochs = [name for name, head in heads.items() if are_epochs(head)]
    others = [name for name, head in heads.items() if name not in epochs and are_times(head)]
    return epochs[0] if len(epochs) == len(others) == 1 and spelling_of(first) != spelling_of(rival) else None


def _explanation(roles: Mapping[str, str], names: tuple[str, str], values: Values) -> Callable[[Any, Any], bool]:
    """Returns whether two times of a row that differ may be of one bar: a moment and the day of its trading, which has
    a name of a later rank, or a moment and the day that has its time of day in a column of its own."""
    first, rival = names
    if "time" in roles and are_days(values.head(first)):
        return lambda day, moment: _is_within(day, moment, MOST_AHEAD)
    if not _are_day_and_moment(rival, first, values):
        return _never
    is_later = place_of(rival)[1] > place_of(first)[1]
    return lambda moment, day: _is_day_of(day, moment) or (is_later and _is_within(day, moment, MOST_BEFORE))


def _are_day_and_moment(day: str, moment: str, values: Values) -> bool:
    return are_days(values.head(day)) and not are_days(values.head(moment)) and are_times(values.head(moment))


def _is_day_of(day: Any, moment: Any) -> bool:
    """Returns whether it is the day of a moment, on the same clock."""
    return any(0 <= each - other < DAY for each in moments_of(moment) for other in moments_of(day))


def _never(value: Any, other: Any) -> bool:
    return False


def _is_later(begin: Any, moment: Any) -> bool:
    """Returns whether a bar that begins so may end at a moment, or the clock of some zone shows that at its
    beginning."""
    lengths = (end - start for end in moments_of(moment) for start in moments_of(begin))
    return any(-MOST_AHEAD <= length <= LONGEST for length in lengths)


def _is_within(day: Any, moment: Any, most_ahead: int) -> bool:
    aheads = (each - other for each in moments_of(day) for other in moments_of(moment))
    return any(-(DAY + MOST_BEHIND) < ahead <= most_ahead for ahead in aheads)


def _refuse_unlike(
    role: str, names: tuple[str, str], rules: Rules, values: Values, is_explained: Callable[[Any, Any], bool]
) -> None:
    """Raises for the first row in which two columns of the role have other values, and for a second one that is none of
    the role although it is called like the first. `is_explained`: whether two that differ are no contradiction."""
    first, rival = names
    readings: dict[str, Reading] = {"timestamp": partial(moments_of, unit=rules.unit), "symbol": _symbols_of}
    read: Reading = readings.get(role, _numbers_of)
    for most in (HEAD, None):
        pairs = values.unlike(first, rival, most)
        known = [pair for pair in pairs if read(pair[0]) and read(pair[1])]
        if pairs and not known:
            if place_of(first)[1] == place_of(rival)[1]:
                raise _two_of(role, first, rival, pairs[0])
            return
        for pair in known:
            if read(pair[0]).isdisjoint(read(pair[1])) and not is_explained(*pair):
                raise _two_of(role, first, rival, pair)
        if most is None or len(pairs) < most:
            return


def _symbols_of(value: Any) -> set[Any]:
    return {str(value).strip()}


def _numbers_of(value: Any) -> set[float]:
    """Returns the value as a number, read with either decimal mark; nothing if it is none."""
    found = set()
    for mark in (POINT, COMMA):
        try:
            found.add(number_of(value, mark) if isinstance(value, str) else float(value))
        except (TypeError, ValueError, OverflowError):
            continue
    return {number for number in found if number == number}


def _two_of(role: str, first: str, second: str, pair: tuple[Any, Any] | None = None) -> ValueError:
    choice = f"columns={{{role!r}: {first!r}}} (--columns {role}={first})"
    if COLUMN.sub("", second) == first:
        return ValueError(f"two columns are called {shown(first)}: {choice} takes the first, {second!r} is the other")
    if role == "timestamp" and pair is None:
        choice += f", or 'time' beside it where {second!r} is a time of day"
    row = "" if pair is None else f"; a row has {shown(str(pair[0]))} and {shown(str(pair[1]))}"
    return ValueError(f"both {shown(first)} and {shown(second)} stand for {role}: say which, as by {choice}{row}")
