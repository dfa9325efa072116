"""Remarks in the names of columns: which leave a price a price and a volume a volume, as "Close (USD)" and "Volume
(shares)" do, and which make something else of them, as "Close (adj)" and "Volume (USD)" do."""

import re
from collections.abc import Iterable

from ziggy_async.reading.languages import words

MONEY = frozenset(
    words(
        """
        USD USDT USDC BUSD TUSD FDUSD DAI EUR GBP JPY KRW TRY BRL AUD CAD CHF CNY CNH RMB CZK DKK HKD HUF IDR ILS INR
        MXN MYR NOK NZD PHP PLN RUB SEK SGD THB TWD VND ZAR NTD UAH AED SAR
        """
    )
)
COINS = frozenset(
    words(
        """
        BTC XBT ETH LTC XRP BCH BNB ADA SOL DOGE DOT LINK XLM TRX EOS XMR DASH ZEC ETC NEO AVAX MATIC ATOM UNI SHIB XTZ
        AAVE ALGO
        """
    )
)
"""Assets that may stand in the name of a volume: "Volume BTC" is a volume, "Volume MA" is not."""

SIGNS = "$€£¥₹₩₽₺₫฿₴₪¢"
"""Signs of currencies."""
CURRENCIES = {
    *(name.casefold() for name in MONEY | COINS),
    *words("dollar dollars euro euros yen won yuan rupees rupee rs zł kr 元 円 원 tl r$ us$ hk$ nt$ a$ c$ nz$ s$"),
    *SIGNS.replace("¢", ""),
}
HUNDREDTHS = {*words("gbx gbpence penny pence p cent cents c ct ¢ zac ila usx")}
"""Parts of currencies, of which a price is a hundred times as much."""
BESIDE_CURRENCIES = {*words("in per share unit oz ounce barrel bbl ton tonne lb bushel")}
UNITS = {name.casefold() for name in COINS} | {
    *words(
        """
        share shares unit units contract contracts pieces pcs nos qty quantity coins base nos stück stücke stk aktien
        titres acciones azioni aandelen akcje 股 株 주
        """
    )
}
BESIDE_UNITS = {"in", "of", "no", "number"}

REMARK = re.compile(rf"[(\uff08]([^)\uff09]*)[)\uff09]|\[([^]]*)\]|([%‰{SIGNS}])")
"""A remark in brackets, also in those of full width, or a sign without any."""
PARTS = {"d": "d{1,2}", "m": "m{1,3}", "y": "(?:y{4}|y{2})"}
DATES = {order: "-?".join(map(PARTS.__getitem__, order)) for order in ("dmy", "mdy", "ymd")}
LAYOUT = re.compile(rf"(?:{'|'.join(DATES.values())})?[t-]?(?:h{{1,2}}:?m{{2}}(?::?s{{2}})?f*)?")
"""Layouts such as "yyyy-mm-dd" and "hh:mm": words of a remark, which have no blanks, points and slashes between
them."""
OF_UTC = re.compile(r"z|(?:utc|gmt)(?:[+-]0{1,2}(?::?00)?)?")
UNITS_OF_TIMES = {*words("ns us μs ms s sec secs seconds milliseconds microseconds nanoseconds millis unix epoch utc")}
"""Units of times since 1970, whose size says which one it is."""
PENCE = re.compile(r"\bGBp\b")
"""Pence as Bloomberg writes them; GBP are pounds."""
WORD = re.compile(rf"\w*[{SIGNS}]|\w+|[^\w\s.,/]")


def without_remarks(name: str) -> tuple[str, list[str]]:
    """Returns the name without its remarks, and their words in small letters."""
    remarks = " ".join("".join(filter(None, found.groups())) for found in REMARK.finditer(name))
    return REMARK.sub("", name), WORD.findall(PENCE.sub("gbx", remarks).casefold())


def is_left_by(role: str, words: list[str]) -> bool:
    """Returns whether a column whose name has a remark of these words is still of the role; a time is, if they are its
    layout or its unit, or say that it is of UTC and no other zone."""
    match role:
        case "symbol":
            return True
        case "timestamp":
            text = "".join(words)
            is_of_utc = OF_UTC.fullmatch(text) is not None or UNITS_OF_TIMES.issuperset(words)
            return is_of_utc or LAYOUT.fullmatch(text) is not None
        case "volume":
            return _only(words, UNITS, BESIDE_UNITS)
    return _only(words, CURRENCIES, BESIDE_CURRENCIES)


def order_by(words: Iterable[str]) -> str | None:
    """Returns the order of day, month and year that a remark of these words shows, as "dd/mm/yyyy" does; None of
    another."""
    return next((order for order, layout in DATES.items() if re.match(layout, "".join(words))), None)


def is_of_hundredths(words: list[str]) -> bool:
    """Returns whether a price with a remark of these words is in a part of a currency."""
    return bool(words) and _only(words, HUNDREDTHS, BESIDE_CURRENCIES | CURRENCIES | {"us", "uk"})


def _only(words: list[str], telling: set[str], beside: set[str]) -> bool:
    return not words or (bool(telling.intersection(words)) and telling | beside >= set(words))
