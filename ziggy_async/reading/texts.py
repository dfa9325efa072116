"""Files as text: how they are encoded, and their lines."""

import contextlib
import csv
import mmap
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ziggy_async.messages import encodable, printable
from ziggy_async.reading.kinds import AS_TABLE, UTF16_MARKS, kind_of
from ziggy_async.reading.packed import (
    GET_WHOLE,
    LONGEST_ROW,
    copied,
    line_too_long,
    new_file,
    refuse_damaged_parquet,
    unpacked,
)
from ziggy_async.reading.spellings import role_of

if TYPE_CHECKING:
    import duckdb

LINE_FEED, CARRIAGE_RETURN = b"\n\r"
LOOK = 1 << 14
LONGEST_END = 1 << 16
"""Bytes of a file behind its last row."""
MOST_LAYERS = 2
"""Layers of compression: a zip file of one gzip file."""
MOST_COMMENTS = 50
"""Lines of comments among which the names of columns are looked for."""
END_OF_DOS = "\x1a"
MOST_WORDS = 6
"""Words of a value: Tuesday, January 30 2024 16:00:00 EST."""
COUNTED = re.compile(r"\(\d+ rows?\)")
"""The line with which psql ends a table."""
FROM = re.compile(
    r"(?:数据来源|資料來源|来源|データ提供|출처|(?:data )?(?:source|provided by|provider)|quelle|fuente|fonte|źródło)"
    r"\s*[:\uff1a].*",
    re.IGNORECASE,
)
"""A line that says where a file is from."""
BLOCK = re.compile(r"[A-Za-z]+\.[A-Za-z]+")
"""The title of a further table, as "history.cursor" of the Moscow exchange, which stands between blank lines."""
UNDERSCORED = re.compile(rb"\d_\d")
UNDECODED = re.compile("[\udc80-\udcff]")
"""Characters that stand for bytes that are not UTF-8."""
NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x19]")
"""Bytes that no text has, in whatever encoding."""
AROUND = 20
"""Characters on either side that a message shows."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file that DuckDB reads: `path` may be that of a temporary copy. `is_split`: several threads may read pieces
    of a text. `has_comments`: among its rows, further down than the header is looked for. `has_other_rows`: of another
    length than the names', which are to be left out."""

    path: Path
    is_parquet: bool = False
    is_split: bool = True
    has_comments: bool = False
    has_other_rows: bool = False


def opened_source(
    path: Path, folder: Path, connection: "duckdb.DuckDBPyConnection", layers: int = MOST_LAYERS
) -> Source:
    """Finds out by its first bytes what `path` is; unpacks into `folder` what is compressed, of which there may be so
    many `layers`, and copies texts that DuckDB does not read as ones that it does. Raises `ValueError` for a file that
    holds no bars at all, or is another than its name says."""
    if not stat.S_ISREG(path.stat().st_mode):
        # It is read several times; a pipe can be read once, a device may never end.
        raise ValueError("is not a regular file: copy what it holds into one")
    kind = kind_of(path, is_packed=layers < MOST_LAYERS)
    if kind == "parquet":
        refuse_damaged_parquet(path)
        return Source(path, is_parquet=True)
    if kind != "none":
        if not layers:
            raise ValueError(f"is compressed more than {MOST_LAYERS} times: unpack it")
        return opened_source(unpacked(path, folder, kind, connection), folder, connection, layers - 1)
    if _has_utf16_mark(path):
        return Source(_in_utf8(path, folder))
    _refuse_long_lines(path)
    return Source(path)


def named_in_utf8(path: Path, folder: Path) -> Path:
    """Returns `path`, or of one that DuckDB cannot have, because its name is not UTF-8, a link to it in `folder`."""
    if encodable(str(path)) == str(path):
        return path
    link = Path(tempfile.mkdtemp(dir=folder), encodable(path.name))
    link.symlink_to(path.resolve())
    return link


def not_utf8(source: Source) -> ValueError:
    """Returns the fault of a text that is not UTF-8, with the first line that shows it."""
    place = _where_not_utf8(source.path)
    with source.path.open("rb") as file:
        advice = AS_TABLE if NO_TEXT.search(file.read(LOOK)) else "save it as UTF-8"
    return ValueError(f"neither Parquet nor text in UTF-8 or, with a mark, UTF-16{place}; {advice}")


def _where_not_utf8(path: Path) -> str:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
        for number, line in enumerate(lines, start=1):
            found = None if line.isascii() else UNDECODED.search(line)
            if found is not None:
                around = line[max(0, found.start() - AROUND) : found.end() + AROUND].strip()
                text = around.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
                return f": line {number} has '{printable(text)}'"
    return ""


def _has_utf16_mark(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in UTF16_MARKS


def _refuse_long_lines(path: Path) -> None:
    """Finds lines that fill a block of `LONGEST_ROW` bytes, and the last one: of a line of gigabytes DuckDB takes
    minutes to say so, and a last one that is longer than its buffers it leaves out."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LONGEST_ROW - LOOK))
        end = size - LONGEST_ROW - len(tail := file.read()) + len(tail.rstrip(b"\r\n"))
        for start in [*range(0, end, LONGEST_ROW), *([end] if end > 0 else [])]:
            if not _has_line_end(file, start):
                raise line_too_long(lines_before(file, start) + 1)


def _has_line_end(file: BinaryIO, start: int) -> bool:
    """Returns whether there is one in the next `LONGEST_ROW` bytes; most lines have one in the first look."""
    file.seek(start)
    pieces = (file.read(min(LOOK, LONGEST_ROW - at)) for at in range(0, LONGEST_ROW, LOOK))
    return any(b"\n" in piece or b"\r" in piece for piece in pieces)


def lines_before(file: BinaryIO, end: int) -> int:
    """Returns how many lines end in the first `end` bytes."""
    file.seek(0)
    pieces = (file.read(min(LONGEST_ROW, end - at)) for at in range(0, end, LONGEST_ROW))
    return sum(max(piece.count(b"\n"), piece.count(b"\r")) for piece in pieces)


def _in_utf8(path: Path, folder: Path) -> Path:
    try:
        with path.open(encoding="utf-16", newline="") as source:
            return copied(lambda size: source.read(size).encode(), folder, ".csv")
    except UnicodeDecodeError as error:
        raise ValueError(f"is UTF-16 that is cut off or damaged, {error.reason}: {GET_WHOLE}") from None


def without_first_lines(source: Source, skipped: int, commas: tuple[str, int], folder: Path) -> Source:
    """Returns a copy in which the first lines and those of comments are blank: DuckDB has its own way to count what it
    skips, and counts a blank line as a line and no row. `commas`: the delimiter and how many a row has."""
    copy = new_file(folder, ".csv")
    with copy.open("w", encoding="utf-8", newline="") as target:
        for at, line in enumerate(lines_of(source)):
            target.write(_end_of(line) if at < skipped or is_comment(line, *commas) else line)
    return replace(source, path=copy)


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def without_other_rows(source: Source, delimiter: str, count: int, folder: Path) -> tuple[Source, int]:
    """Returns a copy in which the rows that have not `count` delimiters are blank, and how many they are."""
    copy, left_out = new_file(folder, ".csv"), 0
    with copy.open("w", encoding="utf-8", newline="") as target:
        for line in lines_of(source):
            is_other = _has_other_length(line, delimiter, count)
            left_out += is_other
            target.write(_end_of(line) if is_other else line)
    return replace(source, path=copy), left_out


def _has_other_length(line: str, delimiter: str, count: int) -> bool:
    """Returns False for the lines of a row that has several, and of one with a delimiter behind its last value."""
    row = line.strip("\r\n")
    if not row.strip() or row.count('"') % 2:
        return False
    fields = next(csv.reader([row], delimiter=delimiter)) if '"' in row else row.split(delimiter)
    return len(fields) != count + 1 and not (len(fields) == count + 2 and not fields[-1])


def has_underscored_numbers(source: Source) -> bool:
    """Returns whether there may be numbers like 1_000 in a text: DuckDB takes also 1_0 for one."""
    with source.path.open("rb") as file:
        while piece := file.read(1 << 20):
            if b"_" in piece and UNDERSCORED.search(piece):
                return True
    return False


def has_lines(path: Path, count: int) -> bool:
    """Returns whether a file has so many lines that are not blank."""
    return _lines(path) == count or _lines_with_text(path) == count


def _lines(path: Path) -> int:
    """Returns the number of lines, of which the last one may have no end; NumPy counts line feeds in a quarter of the
    time that `bytes.count` takes."""
    lines, end = 0, b"\n"
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            lines += int(np.count_nonzero(np.frombuffer(piece, np.uint8) == LINE_FEED))
            end = piece[-1:]
    return lines + (end != b"\n")


def _lines_with_text(path: Path) -> int:
    lines, before = 0, b"\n"
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            text = np.frombuffer(before + piece, np.uint8)
            is_end = (text == LINE_FEED) | (text == CARRIAGE_RETURN)
            lines += int(np.count_nonzero(is_end[:-1] & ~is_end[1:]))
            before = piece[-1:]
    return lines


def without_end(source: Source, delimiter: str, folder: Path) -> Source:
    """Returns a copy that ends with the last row, where rows without a value, as Excel leaves them, a note of where the
    file is from or a further table stand behind it; else the same."""
    with source.path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LONGEST_END))
        lines = file.read().decode("utf-8", "surrogateescape").splitlines(keepends=True)
        rows = _without_blocks(lines)
        while len(rows) > 1 and _is_no_row(delimiter, rows[-1]):
            rows.pop()
        surplus = "".join(lines[max(1, len(rows)) :])
        if not surplus.strip("\r\n"):
            return source
        file.seek(0)
        end = size - len(surplus.encode("utf-8", "surrogateescape"))
        copy = new_file(folder, ".csv")
        with copy.open("wb") as target:
            for at in range(0, end, LONGEST_ROW):
                target.write(file.read(min(LONGEST_ROW, end - at)))
    return replace(source, path=copy)


def _without_blocks(lines: list[str]) -> list[str]:
    """Returns the lines above the first title of a further table."""
    texts = [line.strip() for line in lines]
    return lines[: next((at for at in range(2, len(texts) - 2) if _is_title(*texts[at - 1 : at + 3])), len(lines))]


def _is_title(before: str, text: str, after: str, names: str) -> bool:
    """Returns whether a line, with the one before it and two behind it, is the title of a table of something else: a
    name of a ticker, BRK.B, has more of the rows behind it, or their names again."""
    if before or after or not BLOCK.fullmatch(text) or not re.fullmatch(r"\D+", names):
        return False
    return not {"open", "close"} <= {role_of(name) for name in re.findall(r"\w+", names)}


def _is_no_row(delimiter: str, line: str) -> bool:
    """Returns whether it has no value at all, or is a note: a row that was cut off has fewer words before its delimiter
    than a sentence."""
    is_sentence = delimiter not in line and len(line.split()) > MOST_WORDS
    is_note = any(note.fullmatch(line.strip()) for note in (COUNTED, FROM))
    return is_sentence or is_note or not line.strip(f'{delimiter}" \r\n{END_OF_DOS}')


def with_one_line_end(source: Source, folder: Path) -> Source | None:
    """Returns a copy of a text whose lines end in several ways, in which they end in one, as DuckDB needs it; None for
    one of which all lines end alike. Raises `ValueError` for a line that is too long for DuckDB."""
    if _ways_to_end(source.path) < 2:
        return None
    ends: set[str] = set()
    for number, line in enumerate(lines_of(source, LONGEST_ROW), start=1):
        end = _end_of(line)
        if not end and len(line) >= LONGEST_ROW:
            raise line_too_long(number)
        ends.add(end)
    if len(ends - {""}) < 2:
        return None
    copy = new_file(folder, ".csv")
    with copy.open("w", encoding="utf-8", newline="") as target:
        for line in lines_of(source):
            target.write(line.rstrip("\r\n") + "\n")
    return replace(source, path=copy)


def _ways_to_end(path: Path) -> int:
    """Returns in how many ways the lines of a file end."""
    both = feeds = returns = 0
    before = b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            both += piece.count(b"\r\n") + (before + piece[:1] == b"\r\n")
            feeds += piece.count(b"\n")
            returns += piece.count(b"\r")
            before = piece[-1:]
    return sum(map(bool, (both, feeds - both, returns - both)))


def remarks_above(source: Source) -> int:
    """Returns how many lines above those that have the names of columns are comments, where those are many: a
    licence."""
    lines = lines_of(source, LONGEST_ROW)
    comments = sum(1 for _ in takewhile(lambda line: line.startswith("#") or not line.strip(), lines))
    return comments - 1 if comments > MOST_COMMENTS else 0


def is_comment(line: str, delimiter: str, count: int) -> bool:
    """Returns whether it begins as comments do and has not the columns of a row, as one that begins with #N/A would
    have."""
    return line.startswith("#") and line.count(delimiter) != count


def lines_of(source: Source, longest: int = -1, count: int | None = None) -> Iterator[str]:
    """Yields the first `count` lines of a text, or all, with their ends and without a byte-order mark; of a line that
    is longer than `longest` characters a piece at a time."""
    with source.path.open(encoding="utf-8-sig", newline="") as text:
        yield from islice(iter(lambda: text.readline(longest), ""), count)


def refuse_open_quote(source: Source, delimiter: str, skipped: int) -> None:
    """Raises for a quotation mark that is not closed, behind the `skipped` first lines: in one thread DuckDB leaves out
    the rows behind it without a word. So it is with one that another mark further down closes, with rows between."""
    with source.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(b'"') < 0:
            return
    reader = csv.reader(islice(lines_of(source), skipped, None), delimiter=delimiter, strict=True)
    before = 0
    try:
        for fields in reader:
            if reader.line_num > before + 1 and any(_holds_row(field, fields, delimiter) for field in fields):
                lines = f"line {skipped + before + 1} has a quotation mark that line {skipped + reader.line_num} closes"
                raise ValueError(f"{lines}, and between them are rows: close it in its line, or take both out")
            before = reader.line_num
    except csv.Error as error:
        if "unexpected end" in str(error) or "field limit" in str(error):
            line = f"line {skipped + before + 1}"
            raise ValueError(f"{line} has a quotation mark that is not closed: close it, or take it out") from None


def _holds_row(value: str, row: list[str], delimiter: str) -> bool:
    """Returns whether a line of a value begins as the row does, and has about as many delimiters."""
    shape = re.sub(r"\d", "0", row[0])
    starts = (line.partition(delimiter)[0] for line in value.splitlines()[1:] if line.count(delimiter) > len(row) - 3)
    return any(re.sub(r"\d", "0", start) == shape for start in starts)


def line_of(source: Source, delimiter: str, skipped: int, row: int) -> int | None:
    """Returns the number of the line in which a reader finds `row`, counted from 0 behind the `skipped` first lines.
    Blank lines and line ends inside quotes are why the file is read again. None where that cannot be told."""
    with contextlib.suppress(csv.Error):  # which has a limit for values
        reader = csv.reader(islice(lines_of(source), skipped, None), delimiter=delimiter)
        numbers = (reader.line_num for fields in reader if fields)
        number = next(islice(numbers, row, None), None)
        return None if number is None else skipped + number
    return None
