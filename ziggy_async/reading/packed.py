"""Compressed files, unpacked into a temporary copy: texts with lines of which one is too long are refused before it
fills the disk or the memory."""

import bz2
import glob
import gzip
import lzma
import mmap
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ziggy_async.reading.kinds import PARQUET_MAGIC, ZSTD_MAGIC
from ziggy_async.reading.sql import literal

if TYPE_CHECKING:
    import duckdb

LONGEST_ROW = 2_000_000
"""Bytes of a line, as DuckDB has it."""
HIDDEN = re.compile(r"^__MACOSX/|(^|/)\.(?!\.?/)")
"""Members of a zip file that macOS puts there."""
OPENERS: Mapping[str, Callable[[Path], BufferedIOBase]] = {
    "gzip": gzip.GzipFile,
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
DAMAGES = (EOFError, OSError, zlib.error, lzma.LZMAError)
GET_WHOLE = "get the whole file again"
LINES = (
    "SELECT line FROM read_csv({0}, sep='\x01\x02\x01', header=false, quote='', escape='', auto_detect=false,"
    " columns={{'line': 'VARCHAR'}}, compression='zstd', parallel=false, strict_mode=false{1})"
)
"""SQL of the lines of a zstd file, without their ends, and without a mark."""
ENCODED = {
    "utf-8": "",
    "utf-16-le": r", encoding='utf-16', new_line='\r\n'",  # else lines that end so are two
}
"""The options that say how they are encoded."""
AS_LINES = "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'"
LONG_OBJECTS = "SELECT count(*) FROM read_ndjson_objects({0}, compression='zstd', ignore_errors=true)"
"""Fails at a line of more than 16 to 32 MB, of which the reader of CSV would hold every byte, and leave out one at the
end of the file; whether the lines are JSON makes no difference."""
END = b"\n\x02the end\n"
LINE_SIZE = "Maximum line size"
DAMAGED = "Data corruption"
NO_UNICODE = "Invalid unicode"
"""Words of an error of DuckDB."""
UTF16_LINE = re.compile(r"Original Line: \?\?[^\\\0](?:\\0|\0)")
"""DuckDB's error for a text in UTF-16 with a byte order mark: it begins with two bytes that are no text."""
NUMBER_OF_LINE = re.compile(r"CSV Error on Line: (\d+)")


def unpacked(path: Path, folder: Path, kind: str, connection: "duckdb.DuckDBPyConnection") -> Path:
    """Returns a copy in `folder` of what is in a file of a `kind` of compression. Raises `ValueError` for one that is
    cut off or damaged, and for a line that is too long."""
    match kind:
        case "zip":
            return _unzipped(path, folder)
        case "zstd":
            return _lines_of_zstd(path, folder, connection)
    return _opened(path, folder, kind)


def new_file(folder: Path, suffix: str) -> Path:
    with tempfile.NamedTemporaryFile(dir=folder, suffix=suffix, delete=False) as file:
        return Path(file.name)


def line_too_long(number: int) -> ValueError:
    return ValueError(
        f"is not a table: its line {number} has more than {LONGEST_ROW} characters; end it where its row ends, or take"
        " it out"
    )


def refuse_damaged_parquet(path: Path) -> None:
    """Raises for a file that does not end as Parquet does, and for several files one behind the other: the last one
    says where the columns are, as if it were alone."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(PARQUET_MAGIC), size - len(PARQUET_MAGIC)))
        if file.read() != PARQUET_MAGIC:
            raise ValueError(f"is a parquet file that is cut off or damaged: {GET_WHOLE}")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.find(PARQUET_MAGIC * 2) >= 0:
                raise ValueError("is several Parquet files one behind the other: name them one by one")


def _lines_of_zstd(path: Path, folder: Path, connection: "duckdb.DuckDBPyConnection", encoding: str = "utf-8") -> Path:
    """DuckDB unpacks it, and leaves out without a word what it cannot put into its buffers at the end: a line that is
    appended has to be there."""
    import duckdb

    if not _is_whole_zstd(path):
        raise ValueError(f"is a zstd file that is cut off or damaged: {GET_WHOLE}")
    packed, copy = new_file(folder, ".zst"), new_file(folder, ".csv")
    with path.open("rb") as source, packed.open("wb") as target:
        shutil.copyfileobj(source, target)
        target.write(_frame(END.decode().encode(encoding)))
    if _fails(connection, LONG_OBJECTS.format(_name(packed))):
        number = _line_of_zstd(packed, connection)
        if number is not None:
            raise line_too_long(number)
    try:
        connection.execute(f"COPY ({_lines(packed, encoding)}) TO {literal(str(copy))} ({AS_LINES})")
    except duckdb.Error as error:
        found = NUMBER_OF_LINE.search(str(error))
        if LINE_SIZE in str(error) and found is not None:
            raise line_too_long(int(found[1])) from None
        if NO_UNICODE in str(error) and UTF16_LINE.search(str(error)):
            return _lines_of_zstd(path, folder, connection, "utf-16-le")
        if NO_UNICODE in str(error):
            line = "" if found is None else f", as line {found[1]} shows"
            raise ValueError(f"holds no text in UTF-8{line}: unpack it, or save it as UTF-8") from None
        if DAMAGED in str(error):
            raise ValueError(f"is a zstd file that is damaged: {GET_WHOLE}") from None
        raise
    with copy.open("r+b") as file:
        file.seek(-min(len(END), file.seek(0, os.SEEK_END)), os.SEEK_END)
        if file.read() != END:
            raise ValueError(f"is a zstd file that DuckDB does not read to its end: unpack it, or {GET_WHOLE}")
        file.seek(-len(END), os.SEEK_END)
        file.truncate()
    packed.unlink()
    return copy


def _line_of_zstd(path: Path, connection: "duckdb.DuckDBPyConnection") -> int | None:
    """Returns the number of the line at which `LONG_OBJECTS` fails: of a file that is cut off DuckDB reads what there
    is, and where that is little of the line, the reader of CSV can say its number. None where lines have no line
    feed."""
    with path.open("rb") as file:
        begin, end = 0, path.stat().st_size
        part = path.with_suffix(".part.zst")
        while end - begin > 1:
            middle = (begin + end) // 2
            file.seek(0)
            with part.open("wb") as target:
                for at in range(0, middle, LONGEST_ROW):
                    target.write(file.read(min(LONGEST_ROW, middle - at)))
            if _fails(connection, LONG_OBJECTS.format(_name(part))):
                end = middle
                continue
            begin = middle
            said = _fails(connection, f"SELECT count(line) FROM ({_lines(part)})")
            if said is not None and LINE_SIZE in said and (found := NUMBER_OF_LINE.search(said)) is not None:
                return int(found[1])
    return None


def _frame(text: bytes) -> bytes:
    """Returns a zstd frame of one block that is not compressed."""
    return ZSTD_MAGIC + bytes([1 << 5, len(text)]) + (len(text) << 3 | 1).to_bytes(3, "little") + text


def _lines(path: Path, encoding: str = "utf-8") -> str:
    return LINES.format(_name(path), ENCODED[encoding])


def _name(path: Path) -> str:
    return literal(glob.escape(str(path)))


def _fails(connection: "duckdb.DuckDBPyConnection", query: str) -> str | None:
    """Returns what DuckDB says of the query, if it fails."""
    import duckdb

    try:
        connection.execute(query).fetchall()
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        return str(error)
    return None


def _is_whole_zstd(path: Path) -> bool:
    """Returns whether the frames of a file end where it ends (RFC 8878, section 3.1): of one that is cut off DuckDB
    reads what there is."""
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


def _unzipped(path: Path, folder: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir() and not HIDDEN.search(each.filename)]
            reports = {each.filename.removesuffix("csv") + "txt" for each in members}  # beside each table of HistData's
            members = [each for each in members if each.filename not in reports]
            if len(members) != 1:
                names = ", ".join(each.filename for each in members[:5])
                raise ValueError(f"holds {len(members)} files, not one: {names}; unpack them, and name their folder")
            if members[0].flag_bits & 1:
                raise ValueError("is encrypted: unpack it")
            with archive.open(members[0]) as source:
                return copied(source.read, folder, Path(members[0].filename).suffix)
    except NotImplementedError as error:
        raise ValueError(f"is packed in a way that is not read, {error}: unpack it") from None
    except (zipfile.BadZipFile, *DAMAGES) as error:
        raise _damaged("zip", error) from None


def _opened(path: Path, folder: Path, kind: str) -> Path:
    try:
        with OPENERS[kind](path) as source:
            return copied(source.read, folder, Path(path.stem).suffix)
    except DAMAGES as error:
        raise _damaged(kind, error) from None


def _damaged(kind: str, error: Exception) -> Exception:
    """Returns the error for a file that an unpacker refuses; `error` itself where the machine is at fault."""
    if isinstance(error, OSError) and error.errno is not None:
        return error
    how = "cut off" if isinstance(error, EOFError) else f"damaged, {str(error).rstrip('.')}"
    return ValueError(f"is a {kind} file that is {how}: {GET_WHOLE}")


def copied(read: Callable[[int], bytes], folder: Path, suffix: str) -> Path:
    """Returns a copy of what `read` gives a piece at a time. Raises `ValueError` for a line that is too long, as soon
    as it is: gigabytes of one may be packed in a small file."""
    copy = new_file(folder, suffix)
    lines, length, is_text = 0, 0, True
    with copy.open("wb") as target:
        while piece := read(1 << 20):
            if not target.tell():
                is_text = not piece.startswith(PARQUET_MAGIC)
            last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
            length = length + len(piece) if last < 0 else len(piece) - last - 1
            if is_text and length > LONGEST_ROW:
                raise line_too_long(lines + 1)
            lines += max(piece.count(b"\n"), piece.count(b"\r"))
            target.write(piece)
    return copy
