"""Dates and times as people write them: one table of ways, by which one text is taken apart, and DuckDB's formats."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from ziggy_async.reading.languages import MONTHS
from ziggy_async.reading.zones import ABBREVIATIONS, utc_of

WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?"
CLOCK = (
    r"(?:(?P<gap>T|,? +|-(?=\d{1,2}:\d{2}:))"
    r"(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9})0*)?)?|(?=[- ]?[AP]M))"
    r"(?P<half>[- ]?[AP]M(?![A-Z]))?|(?P<packed>\d{6}|\d{4}))"
    r"(?P<zone> ?(?:Z|UTC|GMT))?(?P<offset> ?[+-]\d{2}(?::?\d{2})?)?"
    rf"(?P<place> ?\[?[A-Z]\w+(?:/[\w+-]+)+\]?| ?\(?(?:{'|'.join(ABBREVIATIONS)})\)?)?)?"
)
TIME_OF_DAY = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AP]M)?"
OTHER_DIGIT = re.compile(r"(?![0-9])\d")
"""A digit of another script, which DuckDB does not read."""
PER_DAY = 86_400 * 10**9

OFFSET = r"[+-](?:(?:0\d|1[0-5])(?::?[0-5]\d){0,2}|16(?::?00){0,2})"
"""An offset from UTC. No clock was ever further from it."""


class Way(NamedTuple):
    """A way to write a date: its pattern with three groups, their order, and DuckDB's format of each; `order` None: it
    is not said by the way."""

    pattern: "re.Pattern[str]"
    order: str | None
    formats: tuple[str, ...]


def _way(pattern: str, order: str | None, *formats: str) -> Way:
    return Way(re.compile(rf"\s*{WEEKDAY}{pattern}{CLOCK}\s*", re.IGNORECASE), order, formats)


NAME = r"([^\W\d_]{3,12})\.?"
WAYS = (
    _way(r"(\d{4})(-)(\d{1,2})-(\d{1,2})", "ymd", "%Y-%m-%d"),
    _way(r"(\d{4})(- )(\d{1,2})- (\d{1,2})", "ymd", "%Y- %m- %d"),
    _way(r"(\d{4})(/)(\d{1,2})/(\d{1,2})", "ymd", "%Y/%m/%d"),
    _way(r"(\d{4})(\.)(\d{1,2})\.(\d{1,2})", "ymd", "%Y.%m.%d"),
    _way(r"(\d{4})()(\d{2})(\d{2})", "ymd", "%Y%m%d"),
    _way(r"(\d{4})(年)(\d{1,2})月(\d{1,2})日", "ymd", "%Y年%m月%d日"),
    _way(r"(\d{4})(년) (\d{1,2})월 (\d{1,2})일", "ymd", "%Y년 %m월 %d일"),
    _way(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})", None),
    _way(
        rf"(\d{{1,2}})([-/ ]|\. ?|)(?:de )?{NAME}(?:\2|[- ,]+)(?:del? )?(\d{{4}}|\d{{2}})",
        "dmy",
        "%d{0}%b{0}%Y",
        "%d{0}%B{0}%Y",
    ),
    _way(rf"{NAME}( )(\d{{1,2}}),? (\d{{4}})", "mdy", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    _way(rf"{NAME}([-/])(\d{{1,2}})\2(\d{{4}})", "mdy", "%b{0}%d{0}%Y", "%B{0}%d{0}%Y"),
    _way(rf"(\d{{4}})([-/ ]|){NAME}[-/ ]?(\d{{1,2}})", "ymd", "%Y{0}%b{0}%d"),
)

OTHER_WAYS: tuple[tuple["re.Pattern[str]", str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), plain)
    for pattern, plain in (
        (r"([A-Z]{3} [A-Z]{3}) +(\d{1,2}) (\d{2}:\d{2}:\d{2}(?: UTC| GMT)?) (\d{4})", r"\1 \2 \4 \3"),
        (r"(.*:\d\d.*[+-]\d{4}) (?:\([A-Z][A-Z ]+\)|UTC)", r"\1"),
        (r"(.*:\d\d.*)\[UTC\]", r"\1Z"),
        (r"(.*\b\d{1,2})(?:st|nd|rd|th)\b(.*)", r"\1\2"),
        (r"(.*\d) ?([ap])\.m\.", r"\1 \2m"),
        (r"(\d{4})\. ?(\d{1,2})\. ?(\d{1,2})\.?((?: .*)?)", r"\1-\2-\3\4"),
        (r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4}|\d{2})\.?((?: .*)?)", r"\1.\2.\3\4"),
        (r"(\d{4})(?:[-/]|-?M)(0[1-9]|1[0-2])", r"\1-\2-01"),
        (r"(0[1-9]|1[0-2])[-/](\d{4})", r"\2-\1-01"),
        (r"([^\W\d_]{3,12})\.?[- ,]+(\d{4})", r"1 \1 \2"),
        (r"(\d{4})([_ ])(\d\d)\2(\d\d)((?:[ T].*)?)", r"\1-\3-\4\5"),
        (r"(?:'|=\")(\d.*?)\"?", r"\1"),
    )
)
"""Ways of C, JavaScript, Go and Java, ordinals, points with blanks or one more behind, months, whose first day stands
for them, and texts of spreadsheets, and what of them is written like the others."""
ORDINAL = re.compile(r"\s*(\d{4}-[0-3]\d\d)\s*")


@dataclass(frozen=True, slots=True)
class Written:
    """One text taken apart: three numbers as they stand, and the time of day in nanoseconds, of UTC unless the clock is
    that of a `place`, as US/Eastern and EST are."""

    way: int
    separator: str
    fields: tuple[int, int, int]
    has_short_year: bool
    clock: int
    match: "re.Match[str]"
    form: str = ""
    """That of `OTHER_WAYS` of which it is."""

    @property
    def style(self) -> tuple[int, str]:
        return self.way, self.separator

    def is_like(self, other: "Written") -> bool:
        """Returns whether both are written in one way; a time with an offset from UTC is of another than one without a
        zone."""
        is_mixed = (self.is_local and other.is_naive) or (self.is_naive and other.is_local)
        return (
            (self.style, self.form) == (other.style, other.form)
            and (self.place is None) == (other.place is None)
            and not is_mixed
        )

    @property
    def is_local(self) -> bool:
        """True if it is of a clock that is apart from UTC, and says so."""
        return _offset_of(self.match["offset"]) != 0

    @property
    def is_naive(self) -> bool:
        """True if it has a time of day and does not say of which clock."""
        has_clock = self.match["hour"] or self.match["packed"]
        return bool(has_clock) and not (self.match["zone"] or self.match["offset"] or self.match["place"])

    @property
    def place(self) -> str | None:
        """An offset beside it has the say."""
        return None if self.match["offset"] or not self.match["place"] else self.match["place"].strip(" []()")

    def nanoseconds(self, day: int) -> int:
        """Returns nanoseconds since 1970 UTC, on that day since then. Raises `ValueError` where the clock of the place
        shows no such time, or shows it twice."""
        local = day * PER_DAY + self.clock
        return local if self.place is None else utc_of(local, self.place)


def take_apart(text: str) -> Written | None:
    if not text.isascii() and OTHER_DIGIT.search(text):
        return None
    written = _taken_apart(text)
    if written is not None or text.isdecimal():
        return written
    for other, plain in OTHER_WAYS:
        if (match := other.fullmatch(text.strip())) is not None:
            written = _taken_apart(match.expand(plain))
            return written and replace(written, form=plain)
    if (match := ORDINAL.fullmatch(text)) is not None:
        with suppress(ValueError):
            written = _taken_apart(datetime.strptime(match[1], "%Y-%j").date().isoformat())
    return written and replace(written, form="%Y-%j")


def _taken_apart(text: str) -> Written | None:
    for at, way in enumerate(WAYS):
        match = way.pattern.fullmatch(text)
        if match is not None:
            groups = match.groups()
            names = [groups[0], groups[2], groups[3]]
            fields = [int(part) if part.isdigit() else MONTHS.get(part.casefold(), 0) for part in names]
            clock = _clock_of(match)
            if clock is None or 0 in fields:
                return None
            is_short = way.order in (None, "dmy") and len(names[2]) == 2
            return Written(at, groups[1], (fields[0], fields[1], fields[2]), is_short, clock, match)
    return None


def _clock_of(match: "re.Match[str]") -> int | None:
    """Nanoseconds from midnight UTC of the date; None for what is not a time of day."""
    part = match.groupdict()
    if part["packed"] is not None:
        hour, minute, second = int(part["packed"][:2]), int(part["packed"][2:4]), int(part["packed"][4:] or 0)
    else:
        hour, minute, second = (int(part[name] or 0) for name in ("hour", "minute", "second"))
    if part["half"] is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if part["half"].strip(" -").lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59 or not re.fullmatch(f" ?(?:{OFFSET})?", part["offset"] or ""):
        return None
    nanoseconds = (hour * 3_600 + minute * 60 + second) * 10**9 + int((part["fraction"] or "0").ljust(9, "0"))
    return nanoseconds - _offset_of(part["offset"])


def _offset_of(offset: str | None) -> int:
    if offset is None:
        return 0
    digits = offset.strip()[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3_600 + int(digits[2:]) * 60
    return (-seconds if offset.strip()[0] == "-" else seconds) * 10**9


PLAIN_CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
PACKED_CLOCKS = ("%H%M%S", "%H%M", "")
HALF_CLOCKS = ("", "%I:%M %p", "%I:%M:%S %p")
"""DuckDB's formats of a time of day: with colons, without, with a half of the day."""
MOST_DIGITS = 6
"""Digits of a fraction that DuckDB's %f reads; %n reads nine."""


def formats_of(written: Written, order: str) -> list[str]:
    """DuckDB's formats of the texts that are written like this one. Its own is the first, and those with its time of
    day come before others: one that does not fit costs DuckDB more than one that does."""
    letters = {"d": "%d", "m": "%m", "y": "%y" if written.has_short_year else "%Y"}
    formats = WAYS[written.way].formats or (written.separator.join(letters[letter] for letter in order),)
    dates = [each.format(written.separator) for each in formats]
    if written.has_short_year:
        dates = [each.replace("%Y", "%y") for each in dates]
    part = written.match.groupdict()
    gap, zone = part["gap"] or " ", part["zone"] or ""
    offset = " %z" if (part["offset"] or "").startswith(" ") else "%z" if part["offset"] else ""
    weekday = re.match(rf"\s*{WEEKDAY}", written.match[0], re.IGNORECASE)
    day = "" if weekday is None else weekday[0].strip().rstrip(",")
    prefix = f"{'%a' if len(day) == 3 else '%A'}{', ' if ',' in weekday[0] else ' '}" if weekday and day else ""
    return [
        f"{prefix}{each}{gap}{clock}{zone}{offset}" if clock else f"{prefix}{each}"
        for clock in _clock_formats(written)
        for each in dates
    ]


def _clock_formats(written: Written) -> Iterable[str]:
    """Returns the formats of a time of day, that of this one first."""
    part = written.match.groupdict()
    others: Iterable[str] = PLAIN_CLOCKS
    if part["packed"] is not None:
        own, others = "%H%M%S" if len(part["packed"]) == 6 else "%H%M", PACKED_CLOCKS
    elif part["hour"] is None:
        own = ""
    else:
        half = part["half"][:-2] + "%p" if part["half"] else ""
        own = f"{'%I' if half else '%H'}{':%M' if part['minute'] else ''}{':%S' if part['second'] else ''}"
        if part["fraction"]:
            mark = written.match[0][written.match.start("fraction") - 1]
            own += mark + ("%f" if len(part["fraction"]) <= MOST_DIGITS else "%n")
        own += half
        if half:
            others = (each.replace(" %p", half) for each in HALF_CLOCKS)
    return dict.fromkeys((own, *others))
