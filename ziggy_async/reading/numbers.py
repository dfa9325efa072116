"""Numbers as people write them: $93.36, 68.18K, 1,234.50 and 1.234,50.

The patterns are such that Python and DuckDB read them alike. Which of comma and point is the decimal mark is one
question for all columns of a table: by a number that only one reading allows.
"""

import re
from collections.abc import Iterable

from ziggy_async.messages import shown

POINT, COMMA = ".", ","
ORNAMENTS = "(?:(?:R|US|CA?|AU?|HK|NT|S|NZ|MX)\\$|Rs\\.?|kr\\.?|zł|[$€£¥₹₩₺₽₫฿₪₴ \u00a0\u202f'\u2019])"
"""Characters around digits and between thousands that have no meaning."""
CURRENCIES = "$€£¥₹"
"""Those of them that most often stand in front."""
POINT_PROOF = (
    r"^[+-]?(\d{1,3}(,\d{2,3})+\.\d*|\d*\.(\d{1,2}|\d{4,})|0?\.\d+|\d{4,}\.\d+|\d{1,3}(,\d{2,3}){2,})[KMBTkmbt]?$"
)
COMMA_PROOF = r"^[+-]?(\d{1,3}(\.\d{3})+,\d*|\d*,(\d{1,2}|\d{4,})|0?,\d+|\d{4,},\d+|\d{1,3}(\.\d{3}){2,})[KMBTkmbt]?$"
"""A number, without ornaments, whose decimal mark can only be that one."""
WHOLE = {
    POINT: r"^[+-]?(\d+|\d{1,3}(,\d{2,3})*,\d{3})?(\.\d*)?([eE][+-]?\d+)?[KMBTkmbt]?$",
    COMMA: r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?([eE][+-]?\d+)?[KMBTkmbt]?$",
}
"""By decimal mark, a number without ornaments."""
FACTORS = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}


class MarkError(ValueError):
    """What a table's decimal mark is cannot be told; `text` is one of the numbers that show it."""

    def __init__(self, text: str, sentence: str) -> None:
        super().__init__(sentence)
        self.text = text


def thousands_mark(decimal: str) -> str:
    return COMMA if decimal == POINT else POINT


def decimal_mark(texts: Iterable[str]) -> str:
    """The decimal mark of a table's numbers. `MarkError` with both readings where nothing decides."""
    proofs: dict[str, str] = {}
    doubtful = None
    for text in texts:
        number = re.sub(ORNAMENTS, "", text)
        for mark, pattern in ((POINT, POINT_PROOF), (COMMA, COMMA_PROOF)):
            if mark not in proofs and re.match(pattern, number):
                proofs[mark] = text
        if doubtful is None and COMMA in number:
            doubtful = text
    return chosen_mark(proofs.get(POINT), proofs.get(COMMA), doubtful)


def chosen_mark(proves_point: str | None, proves_comma: str | None, doubtful: str | None) -> str:
    """The mark that the proofs decide for; `doubtful` is a number with a comma."""
    if proves_point is not None and proves_comma is not None and doubtful is not None:
        sentence = f"{shown(proves_comma)} has a decimal comma, {shown(proves_point)} a decimal point: use one of them"
        raise MarkError(proves_comma, sentence)
    if proves_comma is not None and doubtful is not None:
        return COMMA
    if proves_point is None and doubtful is not None:
        number = re.sub(ORNAMENTS, "", doubtful)
        both = f"{number.replace(COMMA, '')} or {number.replace(COMMA, POINT)}"
        raise MarkError(doubtful, f"{shown(doubtful)} is {both}: write it as one of these")
    return POINT


def is_number(text: str) -> bool:
    """Whether it is a number with either decimal mark."""
    number = re.sub(ORNAMENTS, "", text)
    return any(map(str.isdecimal, number)) and any(re.match(pattern, number) for pattern in WHOLE.values())


def number_of(text: str, decimal: str) -> float:
    """The number of a text, NaN of an empty one and of the word. `ValueError` for what is none."""
    number = re.sub(ORNAMENTS, "", text)
    if number.lower() in ("", "nan"):
        return float("nan")
    if not re.match(WHOLE[decimal], number):
        raise ValueError(f"{shown(text)} is no number")
    factor = FACTORS.get(number[-1:].upper(), 1.0)
    digits = number.rstrip("KMBTkmbt").replace(thousands_mark(decimal), "").replace(COMMA, POINT)
    return float(digits) * factor
