"""The roles of a table's columns: by name, and by the values where two names stand for one thing."""

import re
from collections.abc import Iterable, Mapping, Sequence

from ziggy_async.messages import shown
from ziggy_async.reading.beside import Values, are_clocks, are_epochs, are_symbols, are_times
from ziggy_async.reading.options import PLAIN, Rules
from ziggy_async.reading.remarks import COINS, MONEY, is_of_hundredths
from ziggy_async.reading.rivals import with_rivals
from ziggy_async.reading.spellings import (
    COLUMN,
    DATES,
    EPOCHS,
    FURTHER,
    MAKESHIFT,
    PLACES,
    PRICE_COLUMNS,
    PRICES,
    REPEATED,
    TICKS,
    TIMES_OF_DAY,
    TRADED,
    are_alike,
    by_role,
    listed,
    of_role,
    place_of,
    role_of,
    spelled,
    spelling_of,
)

VOLUME_IN = re.compile(r"volume[ _]([a-z0-9]{2,6})", re.IGNORECASE)


def match_columns(
    names: Iterable[str], rules: Rules = PLAIN, values: Values | None = None, symbol_column: str | None = None
) -> dict[str, str]:
    """Returns role -> column name, for the roles of `SPELLINGS`; `symbol` only where there is such a column, `time`
    where the timestamp is a date and a time of day, and `epoch` where the same time stands beside it since 1970.

    `rules.columns` and `symbol_column` name columns outright. `values`: those of the columns, None: not known. The
    further columns of a store have the roles `FURTHER`, and are found by their own names, in any spelling where none is
    alike. Raises `ValueError` that lists the columns when a role has none, or several of which the values are not the
    same.
    """
    names = list(names)
    try:
        return _matched(names, rules, values, symbol_column)
    except ValueError as error:
        raise ValueError(f"{error}; columns found: {listed(names)}") from None


def _matched(names: list[str], rules: Rules, values: Values | None, symbol_column: str | None) -> dict[str, str]:
    has_volume = rules.volume is not None
    chosen_columns = {**(rules.columns or {}), **({"symbol": symbol_column} if symbol_column is not None else {})}
    own = {name: chosen_columns.pop(name) for name in rules.further if name in chosen_columns}
    roles = _named(names, chosen_columns)
    roles |= {
        FURTHER.format(at): _named_alike(own.get(name, name), name, names) for at, name in enumerate(rules.further)
    }
    chosen = set(roles.values())
    free = [name for name in names if name not in chosen]
    if not roles.keys() & {"timestamp", "time"}:
        roles |= _date_and_time(free, values)
    for role, (first, *others) in by_role(free).items():
        if role in roles or (role == "volume" and not has_volume):
            continue
        if others and role == "timestamp" and values is not None:
            may_be_symbol = "symbol" not in {*roles, *map(role_of, free)}
            roles = _told_apart([first, *others], values, may_be_symbol) | roles
        roles.setdefault(role, first)
    epoch = next((name for name in free if spelling_of(name) in EPOCHS and name != roles.get("timestamp")), None)
    if epoch is not None and not roles.keys() & {"time", "epoch"} and roles.get("timestamp") in free:
        roles["epoch"] = epoch
    if has_volume:
        roles |= _volume(free, roles, values)
    for role in ("timestamp", *(PRICE_COLUMNS if has_volume else PRICES), "symbol"):
        if roles.get(role) in free:
            roles = with_rivals(role, free, roles, rules, values)
    _refuse_missing(free, roles, has_volume)
    parts = {spelling_of(name): name for name in free}
    is_day = parts.get("day") == roles["timestamp"] and {"year", "month"} <= parts.keys()
    if is_day and values is not None and not are_times(values.head(parts["day"])):
        date = listed(shown(parts[part]) for part in ("year", "month", "day"))
        raise ValueError(f"a date stands apart in {date}: join them in one column, like 2024-01-31")
    currencies = {words: name for name in map(roles.__getitem__, PRICES) if (words := spelled(name).words)}
    if len(currencies) > 1 and not rules.columns:
        raise ValueError(f"prices of several currencies: {listed(map(shown, currencies.values()))}")
    return roles


def _named(names: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    roles = {}
    for role, name in columns.items():
        own = [name] if name in names else [each for each in names if COLUMN.sub("", each) == name]
        if len(own) != 1:
            raise ValueError(f"no column {shown(name)}" if not own else f"several columns are called {shown(name)}")
        roles[role] = own[0]
    return roles


def _named_alike(name: str, further: str, names: list[str]) -> str:
    """Returns the column of a table that is the further column of a store: called `name`, or like it."""
    alike = [each for each in names if each == name] or [each for each in names if are_alike(each, name)]
    advice = f"columns={{{shown(further)}: NAME}} names one"
    if not alike:
        raise ValueError(f"no column {shown(name)}, which the store has: {advice}")
    if len(alike) > 1:
        raise ValueError(f"several columns are called like {shown(name)}: {advice}")
    return alike[0]


def _refuse_missing(free: Sequence[str], roles: Mapping[str, str], has_volume: bool) -> None:
    needed = ("timestamp", *(PRICE_COLUMNS if has_volume else PRICES))
    missing = [role for role in needed if role not in roles]
    if not missing:
        return
    advice = f"columns={{{missing[0]!r}: NAME}} (--columns {missing[0]}=NAME) names one"
    if (taken := next((role for role, name in roles.items() if role_of(name) == missing[0]), None)) is not None:
        advice += f", since {shown(roles[taken])} is taken for {taken}"
    if missing == ["volume"]:
        advice += ", volume=None (--no-volume) counts it as 0"
    others = [name for name in free if role_of(name) is None and PLACES.get(spelled(name).name, ("",))[0] in missing]
    if others:
        advice += f"; {listed(map(shown, others))}: the remark says that it is another figure, scale or zone"
    if "timestamp" in missing and others:
        advice += "; offsets from UTC are written behind the times, like 09:30-05:00"
    if missing == ["volume"] and others:
        advice += "; volumes are numbers of shares or units"
    if any(is_of_hundredths(list(spelled(name).words)) for name in others):
        advice += ": with price_scale=0.01 (--price-scale 0.01) prices of a hundredth are read as whole ones"
    raise ValueError(f"no column for {listed(missing)}: {advice}")


def _volume(free: list[str], roles: Mapping[str, str], values: Values | None) -> dict[str, str]:
    """Returns the volume that goes before the one that `roles` has by its name, or stands in for one that they lack."""
    if "volume" not in roles:
        traded = _traded(free)
        return {} if traded is None else {"volume": traded}
    beside_ticks = traded_beside_ticks(free) if roles["volume"] in free else None
    is_known = beside_ticks is not None and values is not None and values.has_figures(beside_ticks)
    return {"volume": beside_ticks} if is_known and beside_ticks is not None else {}


def traded_beside_ticks(names: Iterable[str]) -> str | None:
    """Returns the volume of what was traded, where there is one of ticks too, which is taken first by its name."""
    names = list(names)
    is_of_ticks = any(spelling_of(name) in TICKS for name in of_role("volume", names))
    return next((name for name in names if spelling_of(name) in TRADED), None) if is_of_ticks else None


def _traded(names: Iterable[str]) -> str | None:
    """Returns the volume that has an asset's name, as "Volume BTC"; of both assets of a pair, as "Volume BTC" and
    "Volume USD", the one that is no money."""
    assets = {match[1].upper(): name for name in names if (match := VOLUME_IN.fullmatch(name.strip()))}
    traded = assets.keys() - MONEY if len(assets) == 2 else assets.keys() & COINS
    return assets[traded.pop()] if len(assets) <= 2 and len(traded) == 1 else None


def _date_and_time(names: Iterable[str], values: Values | None = None) -> dict[str, str]:
    """Returns `timestamp` and `time`, where a date and a time of day are the only columns that are a time, or stand
    beside an `epoch` or a moment that may be both in one (`beside.with_day`)."""
    stamps = [name for name in names if place_of(name)[0] == "timestamp" and place_of(name)[1] < MAKESHIFT]
    dates = [name for name in stamps if spelled(name).name in DATES]
    clocks = [name for name in stamps if spelled(name).name in TIMES_OF_DAY]
    moments = [name for name in stamps if name not in (*dates, *clocks)]
    if len(dates) != 1 or len(clocks) != 1 or len(moments) > 1:
        return {}
    if not moments:
        return {"timestamp": dates[0], "time": clocks[0]}
    if values is None or not are_clocks(values.head(clocks[0])):
        return {}
    if are_epochs(values.head(moments[0])):
        return {"timestamp": dates[0], "time": clocks[0], "epoch": moments[0]}
    return {"timestamp": moments[0], "time": clocks[0]}


def _told_apart(names: list[str], values: Values, may_be_symbol: bool) -> dict[str, str]:
    """Returns the roles of columns that are called a time alike, of which the timestamp is one since 1970; and of "t"
    and "T", which is a symbol, or the end of the bar (`rivals`)."""
    bare = {REPEATED.sub("", name): name for name in names}
    if bare.keys() == {"t", "T"}:
        is_symbol = may_be_symbol and are_symbols(values.head(bare["T"]))
        return {"timestamp": bare["t"]} | ({"symbol": bare["T"]} if is_symbol else {})
    epochs = [name for name in names if spelling_of(name) == "timestamp" and are_epochs(values.head(name))]
    dates = [name for name in names if name not in epochs]
    if len(epochs) != 1:
        return {}
    times = {"timestamp": dates[0]} if len(dates) == 1 else _date_and_time(dates)
    return times and times | {"epoch": epochs[0]}
