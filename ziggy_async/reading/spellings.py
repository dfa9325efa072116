"""What columns may be called."""

from collections.abc import Iterable

from ziggy_async.messages import LONGEST, shortened

SPELLINGS = {
    "timestamp": ("timestamp", "date", "datetime", "time", "ts", "t", "open_time"),
    "open": ("open", "open_price", "o"),
    "high": ("high", "high_price", "h"),
    "low": ("low", "low_price", "l"),
    "close": ("close", "close_price", "c", "close/last"),
    "volume": ("volume", "vol", "v"),
    "symbol": ("symbol", "ticker", "sym", "code", "instrument"),
}
"""Role -> names of columns, compared without regard to case, spaces read as underscores, a full stop at the end left
out. An adjusted close has another scale than the open beside it, so none of its spellings is a close."""

PRICE_COLUMNS = ("open", "high", "low", "close", "volume")
ROLE_OF = {spelling: role for role, spellings in SPELLINGS.items() for spelling in spellings}


def role_of(name: str) -> str | None:
    return ROLE_OF.get(spelling_of(name))


def spelling_of(name: str) -> str:
    return name.strip().lower().removesuffix(".").replace(" ", "_")


def listed(names: Iterable[object]) -> str:
    return ", ".join(shortened(str(name), LONGEST) for name in names) or "none"


def match_columns(names: Iterable[str], symbol_column: str | None = None) -> dict[str, str]:
    """Role -> column name, for the roles of `SPELLINGS`; `symbol` only where there is such a column.

    `symbol_column` names that one outright. `ValueError` that lists the columns when a role has none or several.
    """
    names = list(names)
    roles: dict[str, str] = {}
    if symbol_column is not None:
        if symbol_column not in names:
            raise ValueError(f"no column {symbol_column!r}; columns found: {listed(names)}")
        if names.count(symbol_column) > 1:
            raise ValueError(f"two columns are called {symbol_column!r}; columns found: {listed(names)}")
        roles["symbol"] = symbol_column
    for name in names:
        role = role_of(name)
        if role is None or (symbol_column is not None and (role == "symbol" or name == symbol_column)):
            continue
        if roles.get(role) == name:
            raise ValueError(f"two columns are called {name!r}; columns found: {listed(names)}")
        if role in roles:
            raise ValueError(f"both {roles[role]!r} and {name!r} are a {role}; columns found: {listed(names)}")
        roles[role] = name
    missing = [role for role in SPELLINGS if role not in roles and role != "symbol"]
    if missing:
        raise ValueError(f"no column for {listed(missing)}; columns found: {listed(names)}")
    return roles
