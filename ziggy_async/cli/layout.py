"""Tables as lines of text that fit a width. No figure, name or label is ever cut or left out.

A table that is too wide folds its sentences, down to a width at which they can still be read; below that each sentence
goes under its row. If what remains is still too wide, a row takes several lines, or the table breaks into blocks of
columns below each other.
"""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

Style = str | None
Line = tuple[str, Style]

GAP = 2
"""Blanks between two columns, and in front of what stands under a row."""
LEAST_SENTENCE = 40
"""Narrowest column of sentences: narrower, they read better in full lines under their rows."""
HEAD = "bold"


@dataclass
class Table:
    """Rows of text under column names; the first column says what a row is about.

    Columns named in `text` are set left, the others are figures. `sentences`: the last column, if that may fold.
    `in_blocks`: where columns do not fit beside each other, the table goes on below with the next ones; otherwise its
    rows take several lines.
    """

    columns: Sequence[str]
    text: frozenset[str]
    sentences: bool = False
    in_blocks: bool = False
    rows: list[Sequence[str]] = field(default_factory=list)
    styles: list[Style] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, row: Sequence[str], style: Style = None) -> None:
        self.rows.append(row)
        self.styles.append(style)


@dataclass(frozen=True, slots=True)
class Plan:
    """The layout of a row: `tiers` are its lines, each with the columns that stand in `slots` from the second on; the
    first slot is the first column's. Around them, in lines of their own: the first column, and the sentence."""

    slots: list[int]
    tiers: list[range]
    is_key_above: bool = False
    is_sentence_below: bool = False


def laid_out(table: Table, width: int | None, rule: str) -> list[Line]:
    """Returns the table and its notes in lines of at most `width` cells, of any length if None; `rule` goes below the
    head."""
    lines: list[Line] = []
    for part in blocks_of(table, width):
        if lines:
            lines.append(("", None))
        lines += drawn(part, width, rule)
    notes = table.notes if width is None else [line for note in table.notes for line in folded(note, width)]
    return [*lines, *((note, None) for note in notes)]


def blocks_of(table: Table, width: int | None) -> list[Table]:
    if not table.in_blocks or width is None:
        return [table]
    key, *widths = natural_widths(table)
    blocks: list[list[int]] = []
    left = 0
    for column, needed in enumerate(widths, start=1):
        if not blocks or needed + GAP > left:
            blocks.append([])
            left = width - key
        blocks[-1].append(column)
        left -= needed + GAP
    return [columns_of(table, [0, *block]) for block in blocks] or [table]


def columns_of(table: Table, kept: Sequence[int]) -> Table:
    rows: list[Sequence[str]] = [[row[column] for column in kept] for row in table.rows]
    return replace(table, columns=[table.columns[column] for column in kept], rows=rows)


def drawn(table: Table, width: int | None, rule: str) -> list[Line]:
    plan = plan_of(table, width)
    head = list(row_lines(table, plan, table.columns, width))
    body = [
        (line, style)
        for row, style in zip(table.rows, table.styles, strict=True)
        for line in row_lines(table, plan, row, width)
    ]
    longest = max(cells(line) for line in (*head, *(line for line, _ in body)))
    return [*((line, HEAD) for line in head), (rule * longest, None), *body]


def natural_widths(table: Table) -> list[int]:
    return [max(map(cells, column)) for column in zip(table.columns, *table.rows, strict=True)]


def plan_of(table: Table, width: int | None) -> Plan:
    natural = natural_widths(table)
    everything = Plan(natural, [range(1, len(natural))])
    if width is None or taken(natural) <= width:
        return everything
    if not table.sentences:
        return tiers_of(natural, len(natural), width, False)
    *others, sentence = natural
    room = width - taken(others) - GAP
    if room >= min(sentence, LEAST_SENTENCE):
        return replace(everything, slots=[*others, room])
    return tiers_of(natural, len(others), width, True)


def tiers_of(natural: Sequence[int], end: int, width: int, is_sentence_below: bool) -> Plan:
    """Returns the columns up to `end` in as few lines a row as their widths allow, in common slots."""
    is_key_above = natural[0] > width // 3
    key = 0 if is_key_above else natural[0]
    count = end - 1
    if count == 0:
        return Plan([key], [range(1, 1)], is_key_above, is_sentence_below)
    for lines in range(1, count + 1):
        across = math.ceil(count / lines)  # about as many on each line
        tiers = [range(first, min(first + across, end)) for first in range(1, end, across)]
        slots = [key] + [max(natural[tier[at]] for tier in tiers if at < len(tier)) for at in range(across)]
        if taken(slots) <= width:
            return Plan(slots, tiers, is_key_above, is_sentence_below)
    return Plan([key, max(1, width - key - GAP)], [range(at, at + 1) for at in range(1, end)], is_key_above, True)


def taken(slots: Sequence[int]) -> int:
    return sum(slots) + GAP * (len(slots) - 1)


def row_lines(table: Table, plan: Plan, row: Sequence[str], width: int | None) -> Iterator[str]:
    if plan.is_key_above and width is not None:
        yield from folded(row[0], width)
    for number, tier in enumerate(plan.tiers):
        key = row[0] if number == 0 and not plan.is_key_above else ""
        yield from tier_lines(table, plan.slots, [(0, key), *((column, row[column]) for column in tier)])
    if plan.is_sentence_below and table.sentences and row[-1] and width is not None:
        yield from (" " * GAP + line for line in folded(row[-1], width - GAP))


def tier_lines(table: Table, slots: Sequence[int], placed: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Yields the lines of one tier: several where a cell has to fold, none where all of them are empty."""
    columns = [folded(text, slot) for (_, text), slot in zip(placed, slots, strict=False)]
    for at in range(max(map(len, columns))):
        parts = []
        for (column, _), slot, lines in zip(placed, slots, columns, strict=False):
            text = lines[at] if at < len(lines) else ""
            blanks = " " * (slot - cells(text))
            parts.append(text + blanks if table.columns[column] in table.text else blanks + text)
        yield (" " * GAP).join(parts).rstrip()


def folded(text: str, width: int) -> list[str]:
    """Returns `text` in lines of at most `width` cells, broken between words, and inside of those that are longer."""
    if cells(text) <= width:
        return [text] if text else []
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cells(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = chopped(word, width)
        lines += full
    return [*lines, line]


def chopped(word: str, width: int) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and cells(pieces[-1]) + cells(character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def cells(text: str) -> int:
    """Returns the columns of a terminal that `text` takes: two for a wide character, none for one that joins the one
    before."""
    if text.isascii():
        return len(text)
    return sum(map(cells_of, text))


def cells_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
