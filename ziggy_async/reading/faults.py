"""What is said about a file that cannot be used."""

import csv
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ziggy_async.messages import shortened
from ziggy_async.reading.headers import LONGEST_LINE
from ziggy_async.reading.options import ADVICE_TO_SKIP, NAMED_ROW
from ziggy_async.reading.paths import DataFileError

LONGEST_FAULT = 400
"""Characters of a message about a file: it may quote what the file holds, and that may be anything."""
COMMENT = re.compile(r"Original Line:\s*#")
"""In an error of DuckDB: it takes a comment for a row."""
OTHER_LENGTH = "Expected Number of Columns"
NO_UNICODE = "Invalid unicode"
ADVICE = (
    (OTHER_LENGTH, f"; a row has a value for each column name: complete that line, or take it out{ADVICE_TO_SKIP}"),
    (NO_UNICODE, " Save it as UTF-8"),
    ("unterminated quote", " Close the quotation mark of that line, or take it out"),
)
"""What stands in an error of DuckDB, and what to do."""


@contextmanager
def errors_named(name: object) -> Iterator[None]:
    """Turns whatever a file can do to its reader into a `DataFileError` that begins with `name`."""
    import duckdb

    try:
        yield
    except DataFileError:
        raise
    except duckdb.Error as error:
        raise DataFileError(f"{name}: {one_line(first_sentences(error))}{advice_on(error)}") from error
    except (EOFError, zlib.error) as error:
        raise DataFileError(f"{name}: is cut off or damaged: {one_line(str(error))}") from error
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


def advice_on(error: Exception) -> str:
    return next((advice for sign, advice in ADVICE if sign in str(error)), "")


def row_of(error: ValueError) -> int | None:
    """The row that a sentence names."""
    found = re.search(NAMED_ROW, str(error))
    return None if found is None else int(found[1])


def placed(error: ValueError, place: Callable[[int], str]) -> str:
    """The sentence with the place of its row, as a reader finds it."""
    return re.sub(NAMED_ROW, lambda found: place(int(found[1])), str(error), count=1)
