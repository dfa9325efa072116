"""Messages about files that cannot be used."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ziggy_async.messages import shortened, shown
from ziggy_async.reading.headers import LEAST_ROLES, LONGEST_LINE
from ziggy_async.reading.options import ADVICE_TO_SKIP
from ziggy_async.reading.packed import GET_WHOLE, line_too_long
from ziggy_async.reading.paths import DataFileError
from ziggy_async.reading.spellings import role_of

LONGEST_FAULT = 400
"""Characters of a message about a file: it may quote what the file holds, and that may be anything."""
COMMENT = re.compile(r"Original Line:\s*#")
"""DuckDB's error where it takes a comment for a row."""
OTHER_LENGTH = "Expected Number of Columns"
NO_UNICODE = "Invalid unicode"
CSV_ERROR = re.compile(
    r"CSV Error on Line: (\d+)\s+Original Line: ?(.*?)\s+"
    r"(Expected Number of Columns: (\d+) Found: (\d+)|Value with unterminated quote|Maximum line size)",
    re.DOTALL,
)
"""The parts of an error of DuckDB: the line, its text, and what is wrong with it."""


@contextmanager
def errors_named(name: object) -> Iterator[None]:
    """Turns whatever a file can do to its reader, and not who interrupts it, into a `DataFileError` that begins with
    `name`."""
    import duckdb

    try:
        yield
    except (DataFileError, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        raise DataFileError(f"{name}: {one_line(csv_fault(str(error)) or first_sentences(error))}") from error
    except OSError as error:
        raise DataFileError(f"{name}: {error.strerror or error}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise DataFileError(f"{name}: {one_line(str(error))}") from error


def one_line(text: str) -> str:
    return shortened(" ".join(text.split()), LONGEST_FAULT)


def first_sentences(error: Exception, path: Path | None = None, name: str = "") -> str:
    """Returns DuckDB's text without its kind of error, its advice and its settings, and with `name` for a `path`, which
    may be that of a copy. Shortens long lines: values."""
    text = re.sub(r"^[\w ]*Error: ", "", str(error).replace(str(path), name))
    sentences = re.split(r"\n\s*(?:Possible|file = |LINE \d)", text)[0]
    return "\n".join(shortened(line, LONGEST_LINE) for line in sentences.splitlines())


def csv_fault(error: str) -> str | None:
    """Says what an error of DuckDB means about a line, and what to do; None for any other error."""
    found = CSV_ERROR.search(error)
    if found is None:
        return None
    number, text, reason, names, values = found.groups()
    text = text.strip()
    line = f"line {number}"
    if reason.startswith("Maximum"):
        return str(line_too_long(int(number)))
    if values is None:
        start = text[max(0, text.splitlines()[0].rfind('"')) :]
        return f"{line} has a quotation mark that is not closed, {shown(start)}: close it, or take it out"
    if text.startswith("\\0") or "\0" in text:
        return f"{line} holds NUL characters, as a file does that was not written to its end: {GET_WHOLE}"
    fields = re.split("[,;|\t]", text)
    if len(fields) > 1 and sum(role_of(field) is not None for field in fields) >= min(len(fields), LEAST_ROLES):
        return f"{line} holds names of columns, {shown(text)}, {values} for {names} above: split the file there"
    said = f"{line} has {values} values for {names} names of columns, {shown(text)}"
    return f"{said}: complete that line, or take it out{ADVICE_TO_SKIP}"
