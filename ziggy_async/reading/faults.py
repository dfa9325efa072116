"""What is said about a file that cannot be used."""

import csv
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from ziggy_async.messages import printable, shortened
from ziggy_async.reading.headers import LONGEST_LINE
from ziggy_async.reading.options import ADVICE_TO_SKIP
from ziggy_async.reading.paths import DataFileError

LONGEST_FAULT = 400
"""Characters of a message about a file: it may quote what the file holds, and that may be anything."""
COMMENT = re.compile(r"Original Line:\s*#")
"""In an error of DuckDB: it takes a comment for a row."""
OTHER_LENGTH = "Expected Number of Columns"
ADVICE = (
    (OTHER_LENGTH, f"; a row has a value for each column name: complete that line, or take it out{ADVICE_TO_SKIP}"),
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
    except UnicodeDecodeError as error:
        raise DataFileError(
            f"{name}: neither Parquet nor text in UTF-8 or, with a mark, UTF-16; save it as UTF-8"
        ) from error
    except (EOFError, zlib.error) as error:
        raise DataFileError(f"{name}: is cut off or damaged: {one_line(str(error))}") from error
    except OSError as error:
        raise DataFileError(f"{printable(str(name))}: {error.strerror or error}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise DataFileError(f"{name}: {one_line(str(error))}") from error


def one_line(text: str) -> str:
    return shortened(" ".join(text.split()), LONGEST_FAULT)


def first_sentences(error: Exception) -> str:
    """Returns DuckDB's text without its kind of error, its advice and its settings. Shortens long lines: values."""
    text = re.sub(r"^[\w ]*Error: ", "", str(error))
    sentences = re.split(r"\n\s*(?:Possible|file = |LINE \d)", text)[0]
    return "\n".join(shortened(line, LONGEST_LINE) for line in sentences.splitlines())


def advice_on(error: Exception) -> str:
    return next((advice for sign, advice in ADVICE if sign in str(error)), "")
