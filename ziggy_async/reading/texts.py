"""Files as text: what they are compressed with, how they are encoded, and their lines."""

import bz2
import contextlib
import csv
import gzip
import lzma
import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from io import BufferedIOBase
from itertools import islice, takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

import numpy as np

from ziggy_async.messages import encodable, printable
from ziggy_async.reading.kinds import PARQUET_MAGIC, ZSTD_MAGIC, kind_of

if TYPE_CHECKING:
    import duckdb

LONGEST_ROW = 2_000_000
"""Bytes of a line, as DuckDB has it."""
LINE_FEED, CARRIAGE_RETURN = b"\n\r"
HIDDEN = re.compile(r"^__MACOSX/|(^|/)\.")
"""Members of a zip file that macOS puts there."""
LOOK = 1 << 14
LONGEST_END = 1 << 16
"""Bytes of a file behind its last row."""
MOST_LAYERS = 2
"""Of compression: a zip file of one gzip file."""
MOST_WORDS = 6
"""Of a value: Tuesday, January 30 2024 16:00:00 EST."""
UNDERSCORED = re.compile(rb"\d_\d")
UNDECODED = re.compile("[\udc80-\udcff]")
"""What stands for a byte that is not UTF-8."""
AROUND = 20
"""Characters on either side that a message shows."""
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
OPENERS: Mapping[str, Callable[[Path], BufferedIOBase]] = {
    "gzip": gzip.GzipFile,
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}


@dataclass(frozen=True, slots=True)
class Source:
    """The file that DuckDB reads: `path` may be that of a temporary copy. `kind` is "parquet" or the compression of its
    text, "zstd" or "none". `is_split`: several threads may read pieces of it; one that is compressed is not faster for
    it. `has_comments`: among its rows, further down than the header is looked for. `has_other_rows`: of another length
    than the names', which are to be left out."""

    path: Path
    kind: str
    is_split: bool = True
    has_comments: bool = False
    has_other_rows: bool = False

    @property
    def is_parquet(self) -> bool:
        return self.kind == "parquet"


def opened_source(path: Path, folder: Path, layers: int = MOST_LAYERS) -> Source:
    """Finds out by its first bytes what `path` is; unpacks into `folder` what is compressed, but for zstd, of which
    there may be so many `layers`, and copies texts that DuckDB does not read as ones that it does. Raises `ValueError`
    for a file that holds no bars at all, or is another than its name says."""
    if not stat.S_ISREG(path.stat().st_mode):
        # It is read several times; a pipe can be read once, a device may never end.
        raise ValueError("is not a regular file: copy what it holds into one")
    kind = kind_of(path, is_packed=layers < MOST_LAYERS)
    if kind in OPENERS or kind == "zip":
        if not layers:
            raise ValueError(f"is compressed more than {MOST_LAYERS} times")
        unpacked = _unzipped(path, folder) if kind == "zip" else _opened(path, folder, kind)
        return opened_source(unpacked, folder, layers - 1)
    is_whole = _is_whole_zstd if kind == "zstd" else _is_whole_parquet
    if kind in ("zstd", "parquet") and not is_whole(path):
        raise ValueError(f"is a {kind} file that is cut off or damaged")
    if kind == "none" and _has_utf16_mark(path):
        return Source(_in_utf8(path, folder), "none")
    if kind == "none":
        _refuse_long_lines(path)
    return Source(path, kind, is_split=kind == "none")


def named_in_utf8(path: Path, folder: Path) -> Path:
    """`path`, or of one that DuckDB cannot have, because its name is not UTF-8, a link to it in `folder`."""
    if encodable(str(path)) == str(path):
        return path
    link = Path(tempfile.mkdtemp(dir=folder), encodable(path.name))
    link.symlink_to(path.resolve())
    return link


def not_utf8(source: Source) -> ValueError:
    """The fault of a text that is not UTF-8, with the first line that shows it, unless that is compressed."""
    place = "" if source.kind != "none" else _where_not_utf8(source.path)
    return ValueError(f"neither Parquet nor text in UTF-8 or, with a mark, UTF-16{place}; save it as UTF-8")


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


def _is_whole_parquet(path: Path) -> bool:
    """Whether a file ends as Parquet does."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(PARQUET_MAGIC), size - len(PARQUET_MAGIC)))
        return file.read() == PARQUET_MAGIC


def _is_whole_zstd(path: Path) -> bool:
    """Whether the frames of a file end where it ends (RFC 8878, section 3.1): of one that is cut off DuckDB reads what
    there is."""
    with path.open("rb") as file:
        while magic := file.read(4):
            if magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5:  # a frame to be skipped
                file.seek(int.from_bytes(file.read(4), "little"), os.SEEK_CUR)
            elif magic != ZSTD_MAGIC or not _skip_frame(file):
                return False
        return file.tell() == path.stat().st_size


def _skip_frame(file: BinaryIO) -> bool:
    """Goes to the end of a frame behind its magic number; False where the file ends before its last block begins."""
    descriptor = int.from_bytes(file.read(1), "little")
    is_single = descriptor >> 5 & 1
    content_size, dictionary = (is_single, 2, 4, 8)[descriptor >> 6], (0, 1, 2, 4)[descriptor & 3]
    file.seek(1 - is_single + dictionary + content_size, os.SEEK_CUR)
    is_last = False
    while not is_last:
        header = file.read(3)
        if len(header) < 3:
            return False
        block = int.from_bytes(header, "little")
        is_last, is_repeated_byte = bool(block & 1), block >> 1 & 3 == 1
        file.seek(1 if is_repeated_byte else block >> 3, os.SEEK_CUR)
    file.seek(4 * (descriptor >> 2 & 1), os.SEEK_CUR)  # its checksum
    return True


def _refuse_long_lines(path: Path) -> None:
    """Finds lines that fill a block of `LONGEST_ROW` bytes, and the last one: of a line of gigabytes DuckDB takes
    minutes to say so, and a last one that is longer than its buffers it leaves out."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LONGEST_ROW - LOOK))
        end = size - LONGEST_ROW - len(tail := file.read()) + len(tail.rstrip(b"\r\n"))
        for start in [*range(0, end, LONGEST_ROW), *([end] if end > 0 else [])]:
            if not _has_line_end(file, start):
                raise _line_too_long(_lines_before(file, start) + 1)


def _has_line_end(file: BinaryIO, start: int) -> bool:
    """Whether there is one in the next `LONGEST_ROW` bytes; most lines have one in the first look."""
    file.seek(start)
    pieces = (file.read(min(LOOK, LONGEST_ROW - at)) for at in range(0, LONGEST_ROW, LOOK))
    return any(b"\n" in piece or b"\r" in piece for piece in pieces)


def _lines_before(file: BinaryIO, end: int) -> int:
    file.seek(0)
    pieces = (file.read(min(LONGEST_ROW, end - at)) for at in range(0, end, LONGEST_ROW))
    return sum(max(piece.count(b"\n"), piece.count(b"\r")) for piece in pieces)


def _line_too_long(number: int) -> ValueError:
    return ValueError(f"is not a table: its line {number} has more than {LONGEST_ROW} characters")


def _unzipped(path: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir() and not HIDDEN.search(each.filename)]
            if len(members) != 1:
                names = ", ".join(each.filename for each in members[:5])
                raise ValueError(f"holds {len(members)} files, not one: {names}")
            if members[0].flag_bits & 1:
                raise ValueError("is encrypted")
            with archive.open(members[0]) as source:
                return _unpacked(source, folder, Path(members[0].filename).suffix)
    except zipfile.BadZipFile as error:
        raise ValueError(f"is a damaged zip file: {error}") from None


def _opened(path: Path, folder: Path, kind: str) -> Path:
    try:
        with OPENERS[kind](path) as source:
            return _unpacked(source, folder, Path(path.stem).suffix)
    except (OSError, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"is a damaged {kind} file: {error}") from None


def _unpacked(source: IO[bytes] | BufferedIOBase, folder: Path, suffix: str) -> Path:
    """A copy of what is packed. `ValueError` for a line that is too long, as soon as it is: gigabytes of one may be
    packed in a small file."""
    copy = _new_file(folder, suffix)
    lines, length, is_text = 0, 0, True
    with copy.open("wb") as target:
        while piece := source.read(1 << 20):
            if not target.tell():
                is_text = not piece.startswith(PARQUET_MAGIC)
            last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
            length = length + len(piece) if last < 0 else len(piece) - last - 1
            if is_text and length > LONGEST_ROW:
                raise _line_too_long(lines + 1)
            lines += max(piece.count(b"\n"), piece.count(b"\r"))
            target.write(piece)
    return copy


def _in_utf8(path: Path, folder: Path) -> Path:
    copy = _new_file(folder, ".csv")
    try:
        with path.open(encoding="utf-16", newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
            shutil.copyfileobj(source, target)
    except UnicodeDecodeError as error:
        raise ValueError(f"is UTF-16 that is cut off or damaged: {error.reason}") from None
    return copy


def without_first_lines(
    source: Source, connection: "duckdb.DuckDBPyConnection", skipped: int, commas: tuple[str, int], folder: Path
) -> Source:
    """A copy in which the first lines and those of comments are blank: DuckDB has its own way to count what it skips,
    and counts a blank line as a line and no row. `commas`: the delimiter and how many a row has."""
    copy = _new_file(folder, ".csv")
    with copy.open("w", encoding="utf-8", newline="") as target:
        for at, line in enumerate(lines_of(source, connection)):
            target.write(_end_of(line) if at < skipped or is_comment(line, *commas) else line)
    return replace(source, path=copy, kind="none")


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def without_other_rows(
    source: Source, connection: "duckdb.DuckDBPyConnection", delimiter: str, count: int, folder: Path
) -> tuple[Source, int]:
    """A copy in which the rows that have not `count` delimiters are blank, and how many they are."""
    copy, left_out = _new_file(folder, ".csv"), 0
    with copy.open("w", encoding="utf-8", newline="") as target:
        for line in lines_of(source, connection):
            is_other = _has_other_length(line, delimiter, count)
            left_out += is_other
            target.write(_end_of(line) if is_other else line)
    return replace(source, path=copy, kind="none"), left_out


def _has_other_length(line: str, delimiter: str, count: int) -> bool:
    """False of the lines of a row that has several, and of one with a delimiter behind its last value."""
    row = line.strip("\r\n")
    if not row.strip() or row.count('"') % 2:
        return False
    fields = next(csv.reader([row], delimiter=delimiter)) if '"' in row else row.split(delimiter)
    return len(fields) != count + 1 and not (len(fields) == count + 2 and not fields[-1])


def has_underscored_numbers(source: Source) -> bool:
    """Whether there may be numbers like 1_000 in a text: DuckDB takes also 1_0 for one. One that is compressed is not
    looked at."""
    if source.kind != "none":
        return True
    with source.path.open("rb") as file:
        while piece := file.read(1 << 20):
            if b"_" in piece and UNDERSCORED.search(piece):
                return True
    return False


def has_lines(path: Path, count: int) -> bool:
    """Whether a file has so many lines that are not blank."""
    return _lines(path) == count or _lines_with_text(path) == count


def _lines(path: Path) -> int:
    """The lines that a line feed ends, and the last one without an end."""
    lines, end = 0, b"\n"
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            lines += piece.count(b"\n")
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
    """A copy that ends with the last row, where rows without a value, as Excel leaves them, or a note of where the file
    is from stand behind it; else the same. Of a compressed text always the same."""
    if source.kind != "none":
        return source
    with source.path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LONGEST_END))
        lines = file.read().decode("utf-8", "surrogateescape").splitlines(keepends=True)
        surplus = "".join(reversed(list(takewhile(partial(_is_no_row, delimiter), reversed(lines[1:])))))
        if not surplus.strip("\r\n"):
            return source
        file.seek(0)
        rows = size - len(surplus.encode("utf-8", "surrogateescape"))
        copy = _new_file(folder, ".csv")
        with copy.open("wb") as target:
            for at in range(0, rows, LONGEST_ROW):
                target.write(file.read(min(LONGEST_ROW, rows - at)))
    return replace(source, path=copy, kind="none")


def _is_no_row(delimiter: str, line: str) -> bool:
    """Whether it has no value at all, or is a sentence: a row that was cut off has fewer words before its delimiter."""
    is_sentence = delimiter not in line and len(line.split()) > MOST_WORDS
    return is_sentence or not line.strip(f'{delimiter}" \r\n')


def with_one_line_end(source: Source, connection: "duckdb.DuckDBPyConnection", folder: Path) -> Source | None:
    """A copy of a text whose lines end in several ways, in which they end in one, as DuckDB needs it; None for one of
    which all lines end alike. `ValueError` for a line that is too long for DuckDB."""
    if source.kind == "none" and _ways_to_end(source.path) < 2:
        return None
    ends: set[str] = set()
    for number, line in enumerate(lines_of(source, connection, LONGEST_ROW), start=1):
        end = _end_of(line)
        if not end and len(line) >= LONGEST_ROW:
            raise _line_too_long(number)
        ends.add(end)
    if len(ends - {""}) < 2:
        return None
    copy = _new_file(folder, ".csv")
    with copy.open("w", encoding="utf-8", newline="") as target:
        for line in lines_of(source, connection):
            target.write(line.rstrip("\r\n") + "\n")
    return replace(source, path=copy, kind="none")


def _ways_to_end(path: Path) -> int:
    """In how many ways the lines of a file end."""
    both = feeds = returns = 0
    before = b""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            both += piece.count(b"\r\n") + (before + piece[:1] == b"\r\n")
            feeds += piece.count(b"\n")
            returns += piece.count(b"\r")
            before = piece[-1:]
    return sum(map(bool, (both, feeds - both, returns - both)))


def is_comment(line: str, delimiter: str, count: int) -> bool:
    """Whether it begins as comments do and has not the columns of a row, as one that begins with #N/A would have."""
    return line.startswith("#") and line.count(delimiter) != count


def _new_file(folder: Path, suffix: str) -> Path:
    with tempfile.NamedTemporaryFile(dir=folder, suffix=suffix, delete=False) as file:
        return Path(file.name)


def lines_of(
    source: Source, connection: "duckdb.DuckDBPyConnection", longest: int = -1, count: int | None = None
) -> Generator[str, None, None]:
    """The first `count` lines of a text, or all, with their ends and without a byte-order mark; of a line that is
    longer than `longest` characters a piece at a time."""
    if source.kind == "zstd":
        yield from _lines_by_duckdb(source, connection, count)
        return
    with source.path.open(encoding="utf-8-sig", newline="") as text:
        yield from islice(iter(lambda: text.readline(longest), ""), count)


def _lines_by_duckdb(source: Source, connection: "duckdb.DuckDBPyConnection", count: int | None) -> Iterator[str]:
    query = (
        "SELECT line FROM read_csv(?, sep='\x01', header=false, quote='', escape='', auto_detect=false,"
        f" columns={{'line': 'VARCHAR'}}, compression='zstd') {'' if count is None else f'LIMIT {count}'}"
    )
    rows = connection.cursor().execute(query, [str(source.path)])
    while chunk := rows.fetchmany(10_000):
        yield from (f"{line or ''}\n" for (line,) in chunk)


def line_of(
    source: Source, connection: "duckdb.DuckDBPyConnection", delimiter: str, skipped: int, row: int
) -> int | None:
    """The number of the line in which a reader finds `row`, counted from 0 behind the `skipped` first lines. Blank
    lines and line ends inside quotes are why the file is read again. None where that cannot be told."""
    lines = lines_of(source, connection)
    with contextlib.closing(lines), contextlib.suppress(csv.Error):  # which has a limit for values
        reader = csv.reader(islice(lines, skipped, None), delimiter=delimiter)
        numbers = (reader.line_num for fields in reader if fields)
        number = next(islice(numbers, row, None), None)
        return None if number is None else skipped + number
    return None
