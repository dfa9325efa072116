"""Numbers as people write them: $93.36, 68.18K, 1,234.50 and 1.234,50.

Which of comma and point is the decimal mark is one
question for all columns of a table: by a number that only one reading allows. That the other one stands between
thousands has to be evident in each column by itself.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from string import ascii_letters
from typing import NamedTuple

from ziggy_async.messages import shown
from ziggy_async.reading.languages import FIGURES, GERMAN, NAMES_OF_COMMAS, words_of
from ziggy_async.reading.pieces import each
from ziggy_async.reading.spellings import PRICES, spelled
from ziggy_async.reading.ways import OTHER_DIGIT

POINT, COMMA = ".", ","
BLANKS = " \t\u00a0\u2009\u202f"
CURRENCIES = "$€£¥₹"
"""Signs of currencies that most often stand in front."""
CODES = "USDT?|EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|HKD|SGD|TWD|INR|KRW|SEK|NOK|DKK|PLN|CZK|HUF|TRY|ZAR|BRL|MXN|ILS|THB"
CURRENCY = f"(?:R|US|CA?|AU?|HK|NT|S|NZ|MX)\\$|Rs\\.?|kr\\.?|zł|{CODES}|[{CURRENCIES}₩₺₽₫฿₪₴]"
ORNAMENT = f"(?:{CURRENCY}|[{BLANKS}])*"
"""Signs that stand around digits and have no meaning, but that a column of prices has one currency."""
ALIKE = (
    "$ USD US$,€ EUR,£ GBP,¥ JPY CNY,₹ INR Rs,₩ KRW,₺ TRY,₪ ILS,฿ THB,zł PLN,kr SEK NOK DKK,R$ BRL,C$ CAD CA$,"
    "A$ AUD AU$,HK$ HKD,NT$ TWD,S$ SGD,NZ$ NZD,MX$ MXN"
)
SIGNS = {name: names.split()[0] for names in ALIKE.split(",") for name in names.split()}
"""The spelling that stands for all of a currency's."""
EXPONENTS = {
    "": 0,
    **dict.fromkeys(("k", "tsd", "thousand"), 3),
    **dict.fromkeys(("m", "mn", "mln", "mio", "million", "millions"), 6),
    **dict.fromkeys(("b", "bn", "mrd", "mld", "billion", "billions"), 9),
    **dict.fromkeys(("t", "tn", "trillion"), 12),
    "lakh": 5,
    "crore": 7,
    **dict.fromkeys("万萬만", 4),
    **dict.fromkeys("亿億억", 8),
}
"""The power of ten, by the word behind a number."""
UNIT = "(?:[BCKLMTbcklmt][A-Za-z]*|[万萬만亿億억])"
"""All of these words and others: a pattern of the words alone takes twice as long."""
LETTERS = ascii_letters + "万萬만亿億억"
AROUND = rf"^(?:'|=\")?{ORNAMENT}([+-]?){ORNAMENT}(.*?){ORNAMENT}(?:({UNIT})\.?)?{ORNAMENT}\"?$"
BARE = r"\1\2\3"
"""A text, and what of it is the number: an apostrophe or a sign in front says that it is a text of Excel."""
PLAIN = re.compile(rf"[{CURRENCIES}]?([+-]?[0-9.,]+)")
"""Most numbers, which take a tenth of the time so."""
SEPARATORS = f"['\u2019_{BLANKS}]"
"""Characters between groups of three digits that are no decimal mark anywhere."""
END = f"{UNIT}?$"
POINT_PROOF = r"^[+-]?(\d{1,3}(,\d{2,3})+\.\d*|\d*\.(\d{1,2}|\d{4,})|0?\.\d+|\d{4,}\.\d+|\d{1,3}(,\d{2,3}){2,})" + END
COMMA_PROOF = r"^[+-]?(\d{1,3}(\.\d{3})+,\d*|\d*,(\d{1,2}|\d{4,})|0?,\d+|\d{4,},\d+|\d{1,3}(\.\d{3}){2,})" + END
"""A bare number without `SEPARATORS` whose decimal mark can only be that one."""

MAY_BE_GROUPED = {POINT: r"^[+-]?\d{1,3},\d{3}" + END, COMMA: r"^[+-]?\d{1,3}\.\d{3}" + END}
IS_GROUPED = {
    POINT: r"^[+-]?\d{1,3}(,\d{2,3})+(\.\d*|,\d{3})" + END,
    COMMA: r"^[+-]?\d{1,3}(\.\d{3})+(,\d*|\.\d{3})" + END,
}
"""Patterns by decimal mark: a bare number in which the other one may be a decimal mark too, and one in which it may
not."""
ABOUT_POINTS = (MAY_BE_GROUPED[COMMA], r"^[+-]?\d{4}", r"^[+-]?\d{3}$", r"^[+-]?\d{2,3}\.")
"""Bare numbers: with a point that may stand between thousands, with one that is missing there, of hundreds, and of tens
with a point."""
NEAR = 10
"""The factor by which a price may be larger than others of its column, to be one for certain."""


def _whole(mark: str, groups: str) -> str:
    groups += "".join(rf"|\d{{1,3}}({each}\d{{3}})+" for each in ("'", "\u2019", "_", f"[{BLANKS}]"))
    return rf"^[+-]?((\d+|{groups})({mark}\d*)?|{mark}\d+)([eE][+-]?\d+|{UNIT})?$"


WHOLE = {POINT: _whole(r"\.", r"\d{1,3}(,\d{2,3})*,\d{3}"), COMMA: _whole(",", r"\d{1,3}(\.\d{3})+")}
"""The pattern of a bare number, by decimal mark."""
TICKS = r"^\d{2,3}'([0-2]\d|3[01])[0257]$"
"""A price that may be one in thirty-seconds, with their quarters behind: 112'165."""
NAMES_OF_BIN = ("hac", "hacim")
NAMES_OF_TAUSEND = frozenset(name for field in FIGURES for name in words_of(field, (GERMAN,)))


class MarkError(ValueError):
    """The decimal mark of a table cannot be told; `text` is one of the numbers that show it."""

    def __init__(self, text: str, sentence: str) -> None:
        super().__init__(sentence)
        self.text = text


def currency_of(text: str) -> str | None:
    """Returns the currency that stands around a number, in one of its spellings."""
    found = re.search(CURRENCY, text)
    name = "" if found is None else found[0].rstrip(".")
    return SIGNS.get(name, name) or None


def other_currency(text: str, before: str) -> str:
    return f"{shown(text)} is of another currency than {shown(before)} before it: give prices in one"


def thousands_mark(decimal: str) -> str:
    return COMMA if decimal == POINT else POINT


def bare(text: str) -> str:
    return found[1] if (found := PLAIN.fullmatch(text)) is not None else re.sub(AROUND, BARE, text)


def _ungrouped(text: str) -> str:
    return found[1] if (found := PLAIN.fullmatch(text)) is not None else re.sub(SEPARATORS, "", bare(text))


class Grouping(NamedTuple):
    """The signs of the mark between thousands in a column: a number in which it may be the decimal mark too, whether it
    may not in another one, the largest of the former and of all others, NaN of none, and whether one has decimals."""

    doubtful: str | None
    is_sure: bool
    largest_doubtful: float
    largest: float
    has_decimals: bool


def decimal_mark(
    columns: Mapping[str, Sequence[str]],
    names: Mapping[str, str],
    is_bare: bool = False,
    beside: Callable[[], Iterable[str | None]] = tuple,
) -> str:
    """Returns the decimal mark of a table's numbers, role -> texts; `names`: role -> name of the column; `is_bare` and
    `beside`: see `refuse_points`. Raises `MarkError` with both readings where nothing decides."""
    _refuse_thousands(columns, names)
    proofs: dict[str, str] = {}
    doubtful = None
    for text in each(chain.from_iterable(columns.values())):
        number = _ungrouped(text)
        if POINT in proofs and COMMA not in number and number.count(POINT) < 2:
            continue
        for mark, pattern in ((POINT, POINT_PROOF), (COMMA, COMMA_PROOF)):
            if mark not in proofs and re.match(pattern, number):
                proofs[mark] = text
        if doubtful is None and COMMA in number:
            doubtful = text
    if doubtful is None and POINT not in proofs:
        doubtful = proofs.get(COMMA)  # of several points
        if doubtful is None:
            _refuse_points(names.values(), columns, is_bare, show_points(beside()))
    if doubtful is None:
        return POINT
    if len(proofs) > 1:
        comma, point = proofs[COMMA], proofs[POINT]
        sentence = f"{shown(comma)} has a decimal comma, {shown(point)} a decimal point: use one of them"
        raise MarkError(comma, sentence)
    if not proofs:
        raise _in_both(doubtful, COMMA, COMMA)
    (decimal,) = proofs
    _refuse_groups(decimal, {role: _grouping(texts, decimal) for role, texts in columns.items()})
    return decimal


def _about_points(texts: Sequence[str]) -> list[str | None]:
    numbers = {_ungrouped(text): text for text in each(texts)}
    return [next((numbers[number] for number in numbers if re.match(each, number)), None) for each in ABOUT_POINTS]


def show_points(texts: Iterable[str | None]) -> bool | None:
    """Returns whether numbers beside those of bars show that points are decimal marks; None: nothing."""
    found = [_ungrouped(text) for text in texts if text]
    have_point, have_comma = (any(re.match(each, text) for text in found) for each in (POINT_PROOF, COMMA_PROOF))
    return not have_comma if have_point or have_comma else None


def have_commas(names: Iterable[str]) -> bool:
    """Returns whether one of these names of columns is of a language with decimal commas."""
    return any(spelled(name).name in NAMES_OF_COMMAS for name in names)


def _refuse_points(
    names: Iterable[str], columns: Mapping[str, Sequence[str]], is_bare: bool, are_shown: bool | None
) -> None:
    """Raises `MarkError` for a number whose point may stand between thousands, of a table in which no number has a
    decimal mark for certain: a volume, a price where others are a hundred times as much, and any where a column has a
    name of a language with decimal commas. `is_bare`: whether nothing but commas, or a program's lists, separates
    numbers: a volume is as the prices are; `are_shown`: whether the texts beside them, the first ones of all columns
    without a role, show that points are decimal marks."""
    has_commas = have_commas(names)
    if are_shown and not has_commas:
        return
    about = {role: _about_points(texts) for role, texts in columns.items()}
    is_bare = is_bare and are_shown is None
    are_decimal = is_bare and any(found[0] is not None for role, found in about.items() if role in PRICES)
    for role, (grouped, alone, hundreds, tens) in about.items():
        may_cross = hundreds is not None and tens is None
        is_open = may_cross or has_commas or (role == "volume" and not are_decimal)
        if grouped is not None and alone is None and is_open:
            raise _in_both(grouped, POINT, POINT)


def _refuse_thousands(columns: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> None:
    """Raises `MarkError` for a volume with a letter that may stand for a thousand by the names of the columns: B for
    the Turkish "bin", or a billion, and T for the German "Tausend", or a trillion."""
    letter, many = (
        ("[Bb]", "billion") if spelled(names.get("volume", "")).name in NAMES_OF_BIN else ("[Tt]", "trillion")
    )
    if many == "trillion" and not any(spelled(name).name in NAMES_OF_TAUSEND for name in names.values()):
        return
    text = next((text for text in each(columns.get("volume", ())) if re.search(rf"[\d.,]{letter}$", bare(text))), None)
    if text is not None:
        number = bare(text).rstrip(LETTERS)
        raise MarkError(text, f"{shown(text)} is {number} thousand or {many}: write K, or the digits in full")


def _grouping(texts: Sequence[str], decimal: str) -> Grouping:
    bare_numbers = {text: _ungrouped(text) for text in each(texts)}
    doubtful = {text: None for text, number in bare_numbers.items() if re.match(MAY_BE_GROUPED[decimal], number)}
    others = [text for text, number in bare_numbers.items() if re.match(WHOLE[decimal], number)]
    return Grouping(
        next(iter(doubtful), None),
        any(re.match(IS_GROUPED[decimal], number) for number in bare_numbers.values()),
        _largest(doubtful, decimal),
        _largest((text for text in others if text not in doubtful), decimal),
        any(decimal in number for number in bare_numbers.values()),
    )


def _largest(texts: Iterable[str], decimal: str) -> float:
    """Returns the largest of the numbers among these texts, NaN of none."""
    largest = math.nan
    for text in texts:
        with suppress(ValueError):  # of a row that is refused, or left out
            largest = max(number_of(text, decimal), largest)
    return largest


def _refuse_groups(decimal: str, columns: Mapping[str, Grouping]) -> None:
    """Raises `MarkError` with both readings for the first column, by role, in which thousands are not evident: by a
    number of its own, by others of its size, for what is not a price by the decimal mark of prices, and of commas by
    any column, since programs write points as decimal marks whatever people write."""
    are_sure = decimal == POINT and any(column.is_sure for column in columns.values())
    have_decimals = any(column.has_decimals for role, column in columns.items() if role in PRICES)
    for role, column in columns.items():
        is_near = column.largest_doubtful <= NEAR * column.largest
        is_evident = are_sure or column.is_sure or is_near or (role not in PRICES and have_decimals)
        if column.doubtful is not None and not is_evident:
            raise _in_both(column.doubtful, thousands_mark(decimal), decimal)


def _in_both(text: str, mark: str, decimal: str) -> MarkError:
    """Returns the error of a number whose `mark` may stand between thousands, in a table that may have this decimal
    mark; of one with a unit that is not known, that it is not a number."""
    if not is_number(text):
        return MarkError(text, f"{shown(text)} is not a number{advice_on_number(text)}")
    number = _ungrouped(text)
    digits = number.rstrip(LETTERS)
    whole, unit = number.replace(mark, ""), number[len(digits) :]
    both = f"{whole} or {number.replace(mark, POINT)}"
    exact = f"{digits.replace(mark, decimal)}0{unit}"
    return MarkError(text, f"{shown(text)} is {both}: write it and those like it as {whole} or {exact}")


def refuse_ticks(prices: Iterable[str], others: Iterable[str]) -> None:
    """Raises `MarkError` for the first of the prices with an apostrophe where all of these may be in thirty-seconds,
    and no other number of the table has one between thousands."""
    marked = [text for text in prices if "'" in text.lstrip("'")]
    if marked and all(re.match(TICKS, bare(text)) for text in marked) and not any("'" in text for text in others):
        points, _, parts = bare(marked[0]).partition("'")
        price = int(points) + (int(parts[:2]) + {"0": 0, "2": 0.25, "5": 0.5, "7": 0.75}[parts[2]]) / 32
        both = f"{points}{parts}, or {price!r} in thirty-seconds"
        raise MarkError(marked[0], f"{shown(marked[0])} is {both}: write it as one of these")


def advice_on_number(text: str) -> str:
    """Returns what to write for a text that is not a number, where it is one with something behind."""
    if not text.isascii() and OTHER_DIGIT.search(text):
        return ": write the digits 0 to 9"
    has_unit = re.match(r"[^\w-]*-?\d[\d.,]*\s*[^\d.,\s]+\.?$", text) is not None
    return ": write it in full, or K or M behind its digits" if has_unit else ""


def is_number(text: str) -> bool:
    """Returns whether it is a number with either decimal mark."""
    number = bare(text)
    return _unit_of(number) in EXPONENTS and any(re.match(pattern, number) for pattern in WHOLE.values())


def _unit_of(number: str) -> str:
    return number[len(number.rstrip(LETTERS)) :].casefold()


def number_of(text: str, decimal: str) -> float:
    """Returns the number of a text, NaN for "nan" and for an empty text. Raises `ValueError` for any other text."""
    number = bare(text)
    if decimal == POINT and number.isascii() and number.replace(POINT, "", 1).isdigit():
        return float(number)
    if number.lower() in ("", "nan"):
        return float("nan")
    unit = _unit_of(number)
    is_whole = re.match(WHOLE[decimal], number, re.ASCII)  # as DuckDB has it: not digits of other scripts
    if unit not in EXPONENTS or not is_whole:
        raise ValueError(f"{shown(text)} is not a number{advice_on_number(text)}")
    exponent = EXPONENTS[unit]
    digits = re.sub(SEPARATORS, "", number.rstrip(LETTERS)).replace(thousands_mark(decimal), "").replace(COMMA, POINT)
    value = float(f"{digits}e{exponent}" if exponent else digits)  # one conversion, which rounds once
    if math.isinf(value):
        raise ValueError(f"{shown(text)} is larger than any number of float64")
    return value
