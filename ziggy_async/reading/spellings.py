"""The names that columns may have."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from ziggy_async.messages import LONGEST, shortened
from ziggy_async.reading.languages import GERMAN, letters_of, words_of
from ziggy_async.reading.remarks import is_left_by, order_by, without_remarks

SPELLINGS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "timestamp": (
        ("timestamp", "datetime", "date", "time", "ts", "t", "opentime"),
        (
            *("dt", "day", "starttime", "bartime", "gmttime", "windowstart", "tsevent", "tradedate", "tradingdate"),
            *("tradingday", "beginsat", "begin", "unix", "unixtime", "unixtimestamp", "epoch", "dateutc", "timeutc"),
            *("datetimeutc", "timestamputc", "utc", "dategmt", "datetimegmt", "timestampgmt", "timegmt", "gmt"),
            *("dateandtime", "traddt", "start", "dlycaldt", "datadate", "date1", "dtyyyymmdd", "localtime"),
            *("startat", "tradetime", "timebucket", "bucket", "mts", "timeleft", "timebarstart", "indexdate"),
            *("pricedate", "pricingdate", "quotedate", "bardate", "barstart", "candletime", "starttimestamp"),
            *("candlestarttime", "dateutcms", "opentimems", "timestampms", "opentimeutc", "openingtime", "datumzeit"),
            *("exchangedate", "timekey", "snapshottime", "candlebegintime", "sessiondate", "asofdate", "startedat"),
            *("timestart", "kdate", "dateymd", "dates", "timem", "localdate", "startdate", "yearmonthday"),
            *(*words_of("date"), *words_of("clock")),
        ),
        ("index", "indexlevel0", "unnamed0", "column1", "ticks", "d"),
    ),
    "open": (
        (
            *("open", "openprice", "openingprice", "o", "opnpric", "pxopen", "openprc", "dlyopen", "prcod", "mido"),
            *("op", "opn", "opening", "openindexvalue", "firsttradeprice", "priceopen", *words_of("open")),
        ),
    ),
    "high": (
        (
            *("high", "highprice", "pricehigh", "h", "hghpric", "pxhigh", "high1", "dlyhigh", "askhi", "prchd", "midh"),
            *("hi", "hgh", "highest", "highindexvalue", "hightradeprice", *words_of("high")),
        ),
        ("max", "maximum", "maksimum"),
    ),
    "low": (
        (
            *("low", "lowprice", "pricelow", "l", "lwpric", "pxlow", "low1", "dlylow", "bidlo", "prcld", "midl"),
            *("lo", "lowest", "lowindexvalue", "lowtradeprice", *words_of("low")),
        ),
        ("min", "minimum"),
    ),
    "close": (
        (
            *("close", "closeprice", "closingprice", "c", "closelast", "clspric", "pxlast", "dlyclose", "prccd"),
            *("cl", "cls", "closing", "pxclose", "closingindexvalue", "closeclosepriceadjustedforsplits"),
            *("trdprc1", "priceclose", "midc", *words_of("close")),
        ),
        (
            *("tradeprice", "lasttradeprice"),
            *("price", "prc", "last", "lastprice", "latest", "settle", "settlement", "settlementprice", "ltp"),
            *words_of("last"),
        ),
    ),
    "volume": (
        (
            *("volume", "tottrdqty", "totaltradedquantity", "ttltrdqnty", "ttltradgvol", "totalvolume", "pxvolume"),
            *("dlyvol", "volumetraded", "cshtrd", "acvoluns", "acvol1", "volumefrom", "candleacctradevolume"),
            *("totaltradequantity", "tradedvolume", "sharestraded", "volumeshares", "tradevolume", "tradedquantity"),
            *("noofshares", "numberofshares", "noofshrs", "basevolume", "basetokenvolume", "sharevolume"),
            *words_of("volume"),
        ),
        ("tickvolume", "tickvol", "volumen"),
        ("vol", "v", "vo", "wol", "hac"),
        ("realvolume",),
        ("quantity", "qty", "shares", "size", "quantidade", "quantità", "cantidad", "quantité"),
    ),
    "symbol": (
        ("symbol", "ticker", "sym", "code", "instrument"),
        (
            *("tic", "symbols", "tickers", "symroot", "tckrsymb", "tscode", "actsymbol", "tradingsymbol", "name"),
            *("股票代码", "代码", "종목코드", "銘柄コード", "證券代號", "orderbookid", "nazwa", "indexname"),
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
"""Role -> names of columns in ranks: those of the first rank are exact, the others stand in where none of an earlier
rank is there, and have its values where one is (but for `OF_THEIR_OWN`). Names are compared by their letters and digits
alone. An adjusted close has another scale than the open beside it, so none of its spellings is a close."""

BEGINNINGS = ("timeperiodstart", "timeopen", "candledatetimeutc", "snapshottimeutc", "bob")
"""Names of the beginning of a bar, the surer first: before any other time, which may be that of its end."""

MAKESHIFT = 2
"""The rank of names that a timestamp gets where it has none."""

DESCRIBING = 3
"""The rank of names of a symbol that a table of one may have too, as "company"."""

DATES = frozenset(
    (
        *("date", "localdate", "startdate", "tradedate", "tradingdate", "tradingday", "dateutc", "dategmt", "traddt"),
        *("date1", "dtyyyymmdd", "yearmonthday"),
        *words_of("date"),
    )
)
TIMES_OF_DAY = frozenset(
    (
        *("time", "timeutc", "timegmt", "timem", "timebarstart", "tradetime", "bartime", "starttime", "localtime"),
        *words_of("clock"),
    )
)
HOURS = frozenset(("hour", "hours", "hr", "hrs", "hh", "hourofday", "stunde"))
"""A column of `DATES` and one of `TIMES_OF_DAY` are one timestamp in two parts, as are days and one of `HOURS`, which
beside moments is another figure."""

PARTS_OF_DATES, DATE_OF_PARTS = ("year", "month", "day"), "Year, Month, Day"
"""Names of the parts of a date, and of the column that they are together."""

EPOCHS = frozenset(("unix", "unixtime", "unixtimestamp", "epoch"))
"""Names of times since 1970, which may stand beside a date."""

TICKS = frozenset({"tickvolume", "tickvol"})
REAL_VOLUME = "realvolume"
TRADED = frozenset({REAL_VOLUME, "vol"})
"""MetaTrader's volumes: of the changes of a price, and of what was traded, which is 0 where that is not known."""

PIECES = frozenset(words_of("volume", (GERMAN,)))
TURNOVER = "volumen"
"""German numbers of shares, and what is the money that was traded beside them."""
LAST_TRADES = frozenset({"last", "lastprice", "lasttradeprice", "tradeprice", "ltp", "senaste", "siste", "seneste"})
OF_EXCHANGES = frozenset(
    (
        *("prevclose", "previousclose", "prevcloseprice", "prvsclsgpric", "series", "sctysrs", "tottrdval"),
        *("turnover", "turnoverlacs", "netturnov", "ttltrfval", "trades", "notrades", "nooftrades", "totaltrades"),
        *("numberoftrades", "noofshrs", "noofshares", "numberofshares", "tottrdqty", "ttltradgvol"),
        *("totaltradedquantity", "totaltradequantity"),
    )
)
"""Names beside which a close is that which an exchange has fixed, and the last trade a price of its own, as NSE, BSE
and Euronext have them."""

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

COLUMN = re.compile(r" \(column \d+\)$")
INDEX = re.compile(r" \(index\)$")
REPEATED = re.compile(rf"{COLUMN.pattern}|{INDEX.pattern}|\.\d+$")
"""The text behind a name that is there twice: of `unique`, of an index, and of pandas, which puts .1 behind it."""
BETWEEN = r"(?:[^\w<\[({]|_)"
NUMBERING = re.compile(
    r"^\s*(?:[a-z]|[ivx]{1,4})\)\s*(?=[^\W\d_])|^[\W_]*(?:(?:no|nr|col|column|field)[\W_]*)?(?:\d{1,2}\.)?\d{1,3}"
    rf"(?:[a-z]?[.):\]]{BETWEEN}*|{BETWEEN}+(?!(?:min|max|day)s?\b))(?=[^\W\d_]|[<\[(])",
    re.IGNORECASE,
)
"""Numbering such as "1. open", "01 open", "(1) Open", "#1 Open", "1a. open" and "a) Open"; "5 min" and "1 day" are
lengths."""
WRAPPED = re.compile(r"^\W*?(?:\[([^]]*)\]|\(([^)]*)\))")
"""A name that stands in brackets itself, and is not a remark in them."""


class Spelling(NamedTuple):
    """Letters and digits of a name, and the words of the remarks that stand beside it."""

    name: str
    words: tuple[str, ...] = ()


def role_of(name: str) -> str | None:
    return place_of(name)[0]


def place_of(name: str) -> tuple[str | None, int]:
    """Returns the role of a column of that name and its rank; None and 0 without one, and where a remark says that it
    is something else (`remarks`)."""
    spelling = spelled(name)
    role, rank = PLACES.get(spelling.name, (None, 0))
    return (role, rank) if role is not None and is_left_by(role, list(spelling.words)) else (None, 0)


def of_role(role: str, names: Iterable[str]) -> list[str]:
    """Returns the names that have the role, in the earliest rank that any of them has."""
    return by_role(names).get(role, [])


def by_role(names: Iterable[str]) -> dict[str, list[str]]:
    """Returns role -> the names that have it in the earliest rank that any of them has."""
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


def is_hour(name: str) -> bool:
    """Returns whether a column of that name is one of `HOURS`, and no remark says that it is of another zone."""
    spelling = spelled(name)
    return spelling.name in HOURS and is_left_by("timestamp", list(spelling.words))


@lru_cache(1024)
def spelled(name: str) -> Spelling:
    """Returns a name as names are compared: without its numbering, brackets and remarks; a remark that is part of the
    name, as in "Date (UTC)", belongs to it."""
    text = _unnumbered(name)
    bare, words = without_remarks(text)
    whole, spelling = letters_of(text), letters_of(bare)
    if spelling and whole != spelling and whole in PLACES:
        return Spelling(whole)
    if spelling or not WRAPPED.match(text):
        return Spelling(spelling or whole, tuple(words))
    return spelled(WRAPPED.sub(r"\1\2 ", text, count=1))


def order_said(name: str) -> str | None:
    """Returns the order of day, month and year that a remark in the name shows."""
    return order_by(spelled(name).words)


def spelling_of(name: str) -> str:
    """Letters and digits of a name without its numbering: `volume` of "5. volume", `vol` of "<VOL>"."""
    return letters_of(_unnumbered(name))


def _unnumbered(name: str) -> str:
    return NUMBERING.sub("", REPEATED.sub("", unicodedata.normalize("NFKC", name)), count=1)


def unique(names: Iterable[str], folded: Callable[[str], str] = str) -> list[str]:
    """Returns the names, of which each is one column's: one that has none is called by its position, a repeated one has
    its position behind. `folded`: what of them is compared."""
    seen: set[str] = set()
    result = []
    for position, name in enumerate(names, start=1):
        is_taken = not name or folded(name) in seen
        result.append(f"{name} (column {position})".lstrip() if is_taken else name)
        seen.add(folded(name))
    return result


def listed(names: Iterable[object]) -> str:
    return ", ".join(shortened(str(name), LONGEST) for name in names) or "none"


def are_alike(name: str, other: str) -> bool:
    return spelling_of(name) == spelling_of(other) != ""
