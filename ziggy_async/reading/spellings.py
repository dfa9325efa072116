"""The names that columns may have."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from ziggy_async.messages import LONGEST, shortened, shown
from ziggy_async.reading.remarks import COINS, MONEY, REPEATED, is_left_by, is_of_hundredths, without_remarks

SPELLINGS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "timestamp": (
        ("timestamp", "datetime", "date", "time", "ts", "t", "opentime"),
        (
            *("dt", "day", "starttime", "bartime", "gmttime", "windowstart", "tsevent", "tradedate", "tradingdate"),
            *("tradingday", "beginsat", "begin", "unix", "unixtime", "unixtimestamp", "epoch", "dateutc", "timeutc"),
            *("datetimeutc", "timestamputc", "utc", "dategmt", "datetimegmt", "timestampgmt", "timegmt", "gmt"),
            *("dateandtime", "traddt", "start", "dlycaldt", "datadate", "date1", "dtyyyymmdd", "localtime"),
            *("data", "datum", "fecha", "tarih", "дата", "日期", "交易日期", "日付", "日付け", "날짜", "일자"),
            *("startat", "tradetime", "timebucket", "bucket", "mts", "timeleft", "timebarstart", "indexdate"),
            *("dates", "timem", "时间", "時間", "時刻", "uhrzeit", "hora", "heure", "время"),
        ),
        ("index", "indexlevel0", "unnamed0", "column1", "ticks"),
    ),
    "open": (
        (
            *("open", "openprice", "openingprice", "o", "opnpric", "pxopen", "openprc", "dlyopen", "prcod", "mido"),
            *("otwarcie", "eröffnung", "eröffn", "erster", "apertura", "abertura", "ouv", "ouverture", "priceopen"),
            *("eröffnungskurs", "anfangskurs", "openindexvalue", "firsttradeprice"),
            *("открытие", "откр", "开盘", "开盘价", "開盤", "開盤價", "始値", "시가", "açılış"),
        ),
    ),
    "high": (
        (
            *("high", "highprice", "pricehigh", "h", "hghpric", "pxhigh", "high1", "dlyhigh", "askhi", "prchd", "midh"),
            *("höchstkurs", "höchst", "highindexvalue", "hightradeprice"),
            *("najwyzszy", "najwyższy", "hoch", "hoog", "máximo", "máxima", "massimo", "plushaut", "haut"),
            *("максимум", "макс", "最高", "最高价", "最高價", "高", "高値", "고가", "yüksek", "tageshoch"),
        ),
        ("max", "maximum", "maksimum"),
    ),
    "low": (
        (
            *("low", "lowprice", "pricelow", "l", "lwpric", "pxlow", "low1", "dlylow", "bidlo", "prcld", "midl"),
            *("tiefstkurs", "tiefst", "lowindexvalue", "lowtradeprice"),
            *("najnizszy", "najniższy", "tief", "laag", "mínimo", "mínima", "minimo", "plusbas", "bas"),
            *("минимум", "мин", "最低", "最低价", "最低價", "低", "安値", "저가", "düşük", "tagestief"),
        ),
        ("min", "minimum"),
    ),
    "close": (
        (
            *("close", "closeprice", "closingprice", "c", "closelast", "clspric", "pxlast", "dlyclose", "prccd"),
            *("trdprc1", "priceclose", "midc", "closeclosepriceadjustedforsplits", "closingindexvalue"),
            *("zamkniecie", "zamknięcie", "schluss", "schlusskurs", "cierre", "chiusura", "fechamento", "clôture"),
            *("clot", "slot", "slotkoers", "закрытие", "收盘", "收盘价", "收盤", "收盤價", "終値", "종가", "kapanış"),
        ),
        (
            *("tradeprice", "lasttradeprice"),
            *("price", "prc", "last", "lastprice", "latest", "settle", "settlement", "settlementprice", "zuletzt"),
            *("último", "ultimo", "dernier", "laatste", "ostatnio", "şimdi", "цена"),
        ),
    ),
    "volume": (
        (
            *("volume", "tottrdqty", "totaltradedquantity", "ttltrdqnty", "ttltradgvol", "totalvolume", "pxvolume"),
            *("dlyvol", "volumetraded", "cshtrd", "acvoluns", "acvol1", "volumefrom", "candleacctradevolume"),
            *("noofshares", "numberofshares", "stück", "stücke", "stueck", "stuecke", "umsatzinstück"),
            *("noofshrs", "umsatzstück", "wolumen", "объем", "объём", "成交量", "交易量", "成交股數", "成交數量"),
            *("出来高", "거래량", "hacim"),
        ),
        ("tickvolume", "tickvol", "volumen"),
        ("vol", "v", "wol", "hac"),
        ("realvolume",),
    ),
    "symbol": (
        ("symbol", "ticker", "sym", "code", "instrument"),
        (
            *(
                "tic",
                "symroot",
                "tckrsymb",
                "tscode",
                "actsymbol",
                "tradingsymbol",
                "name",
                "股票代码",
                "代码",
                "종목코드",
            ),
            *("銘柄コード", "證券代號", "orderbookid", "nazwa", "indexname"),
        ),
        (
            *("instrumentname", "secid", "sccode", "securitycode", "securitiescode", "localcode", "ric", "scrip"),
            *("scripcode", "scripname", "stockcode", "stocksymbol", "pair", "currencypair", "tradingpair"),
        ),
        (
            *("security", "isin", "cusip", "sedol", "wkn", "permno", "asset", "contract", "stock", "company"),
            *("conid", "figi", "compositefigi", "root", "product", "instrumenttoken", "instrumentid", "securityid"),
            *("securityname", "bbg", "bbgid", "bloombergticker", "exchangetoken", "gvkey", "permid"),
            *("companyname", "market", "coin", "crypto", "cryptocurrency", "underlying", "underlyingsymbol"),
        ),
    ),
}
"""Role -> names of columns in ranks: a name of an earlier rank is taken before one of a later. Names are compared by
their letters and digits alone. An adjusted close has another scale than the open beside it, so none of its spellings is
a close."""

BEGINNINGS = ("timeperiodstart", "timeopen", "candledatetimeutc")
"""Names of the beginning of a bar, the surer first: before any other time, which may be that of its end."""

MAKESHIFT = 2
"""The rank of names that a timestamp gets where it has none."""

DESCRIBING = 3
"""The rank of names of a symbol that a table of one may have too, as "company"."""

DATES = frozenset(
    (
        *("date", "tradedate", "tradingdate", "tradingday", "dateutc", "dategmt", "traddt", "date1", "dtyyyymmdd"),
        *("data", "datum", "fecha", "tarih", "дата", "日期", "交易日期", "日付", "日付け", "날짜", "일자"),
    )
)
TIMES_OF_DAY = frozenset(
    (
        *("time", "timeutc", "timegmt", "timem", "timebarstart", "时间", "時間", "時刻", "uhrzeit", "hora", "heure"),
        "время",
    )
)
"""A column of `DATES` and one of `TIMES_OF_DAY` are one timestamp in two parts."""

EPOCHS = frozenset(("unix", "unixtime", "unixtimestamp", "epoch"))
"""Names of times since 1970, which may stand beside a date."""

VOLUME_IN = re.compile(r"volume[ _]([a-z0-9]{2,6})", re.IGNORECASE)

TICKS = frozenset({"tickvolume", "tickvol"})
TRADED = frozenset({"realvolume", "vol"})
"""MetaTrader's volumes: of the changes of a price, and of what was traded, which is 0 where that is not known."""

PRICES = ("open", "high", "low", "close")
PRICE_COLUMNS = (*PRICES, "volume")
FURTHER = "further_{}"
"""The role of a store's further column by its place; a name that SQL takes without quotes."""
PLACES = {
    spelling: (role, rank)
    for role, ranks in SPELLINGS.items()
    for rank, spellings in enumerate(ranks)
    for spelling in spellings
} | {spelling: ("timestamp", at - len(BEGINNINGS)) for at, spelling in enumerate(BEGINNINGS)}
"""Spelling -> its role and rank."""

NUMBERING = re.compile(r"^\s*\d+[a-z]?[.)]\s+")


def role_of(name: str) -> str | None:
    return place_of(name)[0]


def of_role(role: str, names: Iterable[str]) -> list[str]:
    """Returns the names that have the role, in the earliest rank that any of them has."""
    return _by_role(names).get(role, [])


def _by_role(names: Iterable[str]) -> dict[str, list[str]]:
    """Role -> the names that have it in the earliest rank that any of them has."""
    found: dict[str, tuple[int, list[str]]] = {}
    for name in names:
        role, rank = place_of(name)
        if role is None:
            continue
        first, alike = found.setdefault(role, (rank, []))
        if rank < first:
            found[role] = (rank, [name])
        elif rank == first:
            alike.append(name)
    return {role: alike for role, (_, alike) in found.items()}


@lru_cache(1024)
def place_of(name: str) -> tuple[str | None, int]:
    """The role of a column of that name and its rank; None and 0 without one, and where a remark says that it is
    something else (`remarks`)."""
    name = REPEATED.sub("", name)
    bare, words = without_remarks(name)
    whole, spelling = spelling_of(name), spelling_of(bare)
    if whole != spelling and whole in PLACES:  # as "Date (UTC)"
        return PLACES[whole]
    role, rank = PLACES.get(spelling, (None, 0))
    return (role, rank) if role is not None and is_left_by(role, words) else (None, 0)


def _role_without_remark(name: str) -> str | None:
    return PLACES.get(spelling_of(without_remarks(name)[0]), (None, 0))[0]


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
    further: Sequence[str] = (),
    has_figures: Callable[[str], bool] = lambda name: False,
    is_epoch: Callable[[str], bool] = lambda name: False,
    has_symbols: Callable[[str], bool] = lambda name: False,
) -> dict[str, str]:
    """Role -> column name, for the roles of `SPELLINGS`; `symbol` only where there is such a column, `time` where the
    timestamp is a date and a time of day, and `epoch` where the same time stands beside it since 1970.

    `columns` and `symbol_column` name columns outright. `has_volume=False` leaves the volume out. `has_figures` says
    whether a column is not all 0, as it has to be for a volume that stands beside one of ticks, `is_epoch` whether
    it holds times since 1970, as one of several may that are called a time, and `has_symbols` whether it may be that of
    symbols. The further columns of a store have the roles `FURTHER`, and are found by their own names, in any spelling
    where none is alike. `ValueError` that lists the columns when a role has none or several.
    """
    names = list(names)
    chosen_columns = {**(columns or {}), **({"symbol": symbol_column} if symbol_column is not None else {})}
    own = {name: chosen_columns.pop(name) for name in further if name in chosen_columns}
    roles = _named(names, chosen_columns)
    roles |= {FURTHER.format(at): _named_alike(own.get(name, name), name, names) for at, name in enumerate(further)}
    chosen = set(roles.values())
    free = [name for name in names if name not in chosen]
    if not roles.keys() & {"timestamp", "time"}:
        roles |= _date_and_time(free)
    for role, (first, *others) in _by_role(free).items():
        if role in roles or (role == "volume" and not has_volume):
            continue
        is_free = "symbol" not in {*roles, *map(role_of, free)}
        may_be_symbol = has_symbols if is_free else lambda name: False
        if others and role == "timestamp" and (times := _told_apart([first, *others], is_epoch, may_be_symbol)):
            roles = times | roles
        elif others:
            fault = f"two columns are called {shown(first)}" if first == others[0] else _two_of(role, first, others[0])
            raise ValueError(f"{fault}; columns found: {listed(names)}")
        else:
            roles[role] = first
    epoch = next((name for name in free if spelling_of(name) in EPOCHS and name != roles.get("timestamp")), None)
    if epoch is not None and not roles.keys() & {"time", "epoch"} and roles.get("timestamp") in free:
        roles["epoch"] = epoch
    beside_ticks = traded_beside_ticks(free) if roles.get("volume") in free else None
    if beside_ticks is not None and has_figures(beside_ticks):
        roles["volume"] = beside_ticks
    if has_volume and "volume" not in roles and (traded := _traded(free)) is not None:
        roles["volume"] = traded
    needed = ("timestamp", *(PRICE_COLUMNS if has_volume else PRICES))
    missing = [role for role in needed if role not in roles]
    if missing:
        advice = f"columns={{{missing[0]!r}: NAME}} (--columns {missing[0]}=NAME) names one"
        if missing == ["volume"]:
            advice += ", volume=None (--no-volume) counts it as 0"
        others = [name for name in free if role_of(name) is None and _role_without_remark(name) in missing]
        if others:
            advice += f"; {listed(map(shown, others))}: the remark says that it is another figure, scale or zone"
        if any(is_of_hundredths(without_remarks(name)[1]) for name in others):
            advice += ": with price_scale=0.01 (--price-scale 0.01) prices of a hundredth are read as whole ones"
        raise ValueError(f"no column for {listed(missing)}: {advice}; columns found: {listed(names)}")
    currencies = {words: name for name in map(roles.__getitem__, PRICES) if (words := tuple(without_remarks(name)[1]))}
    if len(currencies) > 1 and not columns:
        raise ValueError(f"prices of several currencies: {listed(map(shown, currencies.values()))}")
    return roles


def _named(names: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    for name in columns.values():
        if name not in names:
            raise ValueError(f"no column {shown(name)}; columns found: {listed(names)}")
        if names.count(name) > 1:
            raise ValueError(f"two columns are called {shown(name)}; columns found: {listed(names)}")
    return dict(columns)


def _named_alike(name: str, further: str, names: list[str]) -> str:
    """The column of a table that is the further column of a store: called `name`, or like it."""
    alike = [each for each in names if each == name] or [each for each in names if are_alike(each, name)]
    if not alike:
        advice = f"columns={{{shown(further)}: NAME}} names one"
        raise ValueError(f"no column {shown(name)}, which the store has; columns found: {listed(names)}; {advice}")
    if len(alike) > 1:
        raise ValueError(f"several columns are called like {shown(name)}; columns found: {listed(names)}")
    return alike[0]


def traded_beside_ticks(names: Iterable[str]) -> str | None:
    """The volume of what was traded, where there is one of ticks too, which is taken first by its name."""
    names = list(names)
    is_of_ticks = any(spelling_of(name) in TICKS for name in of_role("volume", names))
    return next((name for name in names if spelling_of(name) in TRADED), None) if is_of_ticks else None


def _traded(names: Iterable[str]) -> str | None:
    """The volume that has an asset's name, as "Volume BTC"; of both assets of a pair, as "Volume BTC" and "Volume USD",
    the one that is no money."""
    assets = {match[1].upper(): name for name in names if (match := VOLUME_IN.fullmatch(name.strip()))}
    traded = assets.keys() - MONEY if len(assets) == 2 else assets.keys() & COINS
    return assets[traded.pop()] if len(assets) <= 2 and len(traded) == 1 else None


def are_alike(name: str, other: str) -> bool:
    return spelling_of(name) == spelling_of(other) != ""


def _date_and_time(names: Iterable[str]) -> dict[str, str]:
    """`timestamp` and `time`, where a date and a time of day are the only columns that are a time."""
    stamps = [name for name in names if place_of(name)[0] == "timestamp" and place_of(name)[1] < MAKESHIFT]
    dates = [name for name in stamps if spelling_of(name) in DATES]
    clocks = [name for name in stamps if spelling_of(name) in TIMES_OF_DAY]
    return {"timestamp": dates[0], "time": clocks[0]} if len(stamps) == 2 and dates and clocks else {}


def _told_apart(
    names: list[str], is_epoch: Callable[[str], bool], has_symbols: Callable[[str], bool]
) -> dict[str, str]:
    """The roles of columns that are called a time alike, of which the timestamp is one since 1970; and of "t" and "T",
    which is a symbol, or the end of the bar."""
    bare = {REPEATED.sub("", name): name for name in names}
    if bare.keys() == {"t", "T"}:
        if has_symbols(bare["T"]):
            return {"timestamp": bare["t"], "symbol": bare["T"]}
        return {"timestamp": bare["t"]} if is_epoch(bare["T"]) else {}
    epochs = [name for name in names if spelling_of(name) == "timestamp" and is_epoch(name)]
    dates = [name for name in names if name not in epochs]
    if len(epochs) != 1:
        return {}
    times = {"timestamp": dates[0]} if len(dates) == 1 else _date_and_time(dates)
    return times and times | {"epoch": epochs[0]}


def _two_of(role: str, first: str, second: str) -> str:
    choice = f"columns={{{role!r}: {first!r}}} (--columns {role}={first})"
    if role == "timestamp":
        choice += f", or 'time' beside it where {second!r} is a time of day"
    return f"both {shown(first)} and {shown(second)} stand for {role}: say which, as by {choice}"
