"""What columns may be called."""

import re
from collections.abc import Iterable, Mapping

from ziggy_async.messages import LONGEST, shortened

SPELLINGS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "timestamp": (
        (
            *("timestamp", "date", "datetime", "time", "ts", "t", "dt", "day", "opentime", "starttime", "bartime"),
            *("gmttime", "windowstart", "tsevent", "tradedate", "tradingdate", "tradingday", "beginsat", "begin"),
            *("unix", "unixtime", "unixtimestamp", "epoch", "dateutc", "timeutc", "datetimeutc", "timestamputc"),
            *("dategmt", "datetimegmt", "timestampgmt", "timegmt", "dateandtime", "data", "datum"),
        ),
        ("index", "indexlevel0", "unnamed0", "column1"),
    ),
    "open": (("open", "openprice", "openingprice", "o", "otwarcie", "eröffnung", "erster"),),
    "high": (("high", "highprice", "h", "najwyzszy", "najwyższy", "hoch"),),
    "low": (("low", "lowprice", "l", "najnizszy", "najniższy", "tief"),),
    "close": (
        ("close", "closeprice", "closingprice", "c", "closelast", "zamkniecie", "zamknięcie", "schluss", "schlusskurs"),
        ("price",),
    ),
    "volume": (
        ("volume", "tottrdqty", "totaltradedquantity", "noofshares", "wolumen", "volumen"),
        ("tickvolume", "tickvol"),
        ("vol", "v"),
        ("realvolume",),
    ),
    "symbol": (
        ("symbol", "ticker", "sym", "tic", "code", "instrument", "tscode", "actsymbol", "tradingsymbol"),
        ("name",),
    ),
}
"""Role -> names of columns in ranks: a name of an earlier rank is taken before one of a later. Names are compared by
their letters and digits alone. An adjusted close has another scale than the open beside it, so none of its spellings is
a close."""

DATES = frozenset({"date", "day", "tradedate", "tradingdate", "tradingday", "dateutc", "dategmt", "data", "datum"})
TIMES_OF_DAY = frozenset({"time", "timeutc", "timegmt"})
"""A column of `DATES` and one of `TIMES_OF_DAY` are one timestamp in two parts."""

PRICES = ("open", "high", "low", "close")
PRICE_COLUMNS = (*PRICES, "volume")
PLACES = {
    spelling: (role, rank)
    for role, ranks in SPELLINGS.items()
    for rank, spellings in enumerate(ranks)
    for spelling in spellings
}
"""Spelling -> its role and rank."""

NUMBERING = re.compile(r"^\s*\d+[a-z]?[.)]\s+")
IN_BRACKETS = re.compile(r"\([^)]*\)|\[[^]]*\]")


def role_of(name: str) -> str | None:
    return place_of(name)[0]


def of_role(role: str, names: Iterable[str]) -> list[str]:
    """Those names that have the role in the earliest rank that any of them has."""
    ranks: dict[int, list[str]] = {}
    for name in names:
        found, rank = place_of(name)
        if found == role:
            ranks.setdefault(rank, []).append(name)
    return ranks[min(ranks)] if ranks else []


def place_of(name: str) -> tuple[str | None, int]:
    """The role of a column of that name and its rank; None and 0 without one.

    A remark in brackets, as in "Close ($)", is left out; but not of a time, where it may be another zone than UTC.
    """
    role, rank = PLACES.get(spelling_of(name), (None, 0))
    if role is None and IN_BRACKETS.search(name):
        role, rank = PLACES.get(spelling_of(IN_BRACKETS.sub("", name)), (None, 0))
        return (None, 0) if role == "timestamp" else (role, rank)
    return role, rank


def spelling_of(name: str) -> str:
    """Letters and digits of a name without its numbering: `volume` of "5. volume", `vol` of "<VOL>"."""
    return "".join(filter(str.isalnum, NUMBERING.sub("", name).casefold()))


def listed(names: Iterable[object]) -> str:
    return ", ".join(shortened(str(name), LONGEST) for name in names) or "none"


def match_columns(
    names: Iterable[str],
    symbol_column: str | None = None,
    columns: Mapping[str, str] | None = None,
    has_volume: bool = True,
) -> dict[str, str]:
    """Role -> column name, for the roles of `SPELLINGS`; `symbol` only where there is such a column, and `time` where
    the timestamp is a date and a time of day.

    `columns` and `symbol_column` name columns outright. `has_volume=False` leaves the volume out. `ValueError` that
    lists the columns when a role has none or several.
    """
    names = list(names)
    roles = _named(names, {**(columns or {}), **({"symbol": symbol_column} if symbol_column is not None else {})})
    free = [name for name in names if name not in roles.values()]
    for role in SPELLINGS:
        found = of_role(role, free)
        if role in roles or not found or (role == "volume" and not has_volume):
            continue
        first, *others = found
        if others and role == "timestamp" and (parts := _date_and_time(first, *others)):
            roles["timestamp"], roles["time"] = parts
        elif others:
            fault = f"two columns are called {first!r}" if first == others[0] else _two_of(role, first, others[0])
            raise ValueError(f"{fault}; columns found: {listed(names)}")
        else:
            roles[role] = first
    needed = ("timestamp", *(PRICE_COLUMNS if has_volume else PRICES))
    missing = [role for role in needed if role not in roles]
    if missing:
        advice = f"columns={{{missing[0]!r}: NAME}} (--columns {missing[0]}=NAME) names one"
        if missing == ["volume"]:
            advice += ", volume=None (--no-volume) counts it as 0"
        raise ValueError(f"no column for {listed(missing)}; columns found: {listed(names)}; {advice}")
    return roles


def _named(names: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    for role, name in columns.items():
        if role not in SPELLINGS:
            raise ValueError(f"columns: {role!r} is none of {listed(SPELLINGS)}")
        if name not in names:
            raise ValueError(f"no column {name!r}; columns found: {listed(names)}")
        if names.count(name) > 1:
            raise ValueError(f"two columns are called {name!r}; columns found: {listed(names)}")
    return dict(columns)


def _date_and_time(*names: str) -> tuple[str, str] | None:
    if len(names) != 2:
        return None
    first, second = names
    if spelling_of(first) in DATES and spelling_of(second) in TIMES_OF_DAY:
        return first, second
    return (second, first) if spelling_of(second) in DATES and spelling_of(first) in TIMES_OF_DAY else None


def _two_of(role: str, first: str, second: str) -> str:
    choice = f"columns={{{role!r}: {first!r}}} (--columns {role}={first})"
    return f"both {first!r} and {second!r} are a {role}: say which, as by {choice}"
