"""The output of the commands: tables, CSV, JSON, progress and complaints. Rich (the extra `cli`) draws the progress and
the colours; without it there are none."""

import csv
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from typing import Any, Protocol

from ziggy_async.cli.layout import Line, Table, laid_out
from ziggy_async.plain import plain

RULE, PLAIN_RULE = "─", "-"


class OutputError(Exception):
    """Standard output takes no more; the message says why."""


def print_table(table: Table) -> None:
    """Prints a table. A terminal's width is kept to; a file or a pipe has none."""
    on_screen, encoding = sys.stdout.isatty(), encoding_of(sys.stdout)
    width = shutil.get_terminal_size().columns if on_screen else None
    rule = RULE if shown(RULE, encoding) == RULE else PLAIN_RULE
    lines = laid_out(shown_table(table, encoding), width, rule)
    write_out("\n".join(coloured(lines) if on_screen else (line for line, _ in lines)) + "\n")


def shown_table(table: Table, encoding: str) -> Table:
    def row(cells: Sequence[str]) -> list[str]:
        return [shown(cell, encoding) for cell in cells]

    return replace(table, rows=list(map(row, table.rows)), columns=row(table.columns), notes=row(table.notes))


def coloured(lines: Sequence[Line]) -> list[str]:
    try:
        from rich.console import Console
        from rich.text import Text
    except ModuleNotFoundError:
        return [line for line, _ in lines]
    # Rich draws into memory: only `write_out` touches stdout.
    drawing = StringIO()
    console = Console(file=drawing, force_terminal=True, highlight=False)
    for line, style in lines:
        console.print(Text(line, style=style or ""), soft_wrap=True)
    return drawing.getvalue().splitlines()


def encoding_of(stream: Any) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def shown(text: str, encoding: str) -> str:
    """Returns `text` as a terminal may have it: what would move its cursor, or has no place in its encoding, as an
    escape."""
    if not text.isprintable():
        text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def write_out(text: str) -> None:
    """Writes `text` to stdout and waits until it is there. Raises `BrokenPipeError` when the reader has gone away, and
    `OutputError` for whatever else can be wrong with the output."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from error


class Advance(Protocol):
    def __call__(self, amount: float = 1) -> None: ...


@contextmanager
def progress(doing: str, steps: float) -> Iterator[Advance]:
    """Shows a bar on stderr, if that is a terminal; yields the function that says that so much of `steps` is done."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:
        yield lambda amount=1: None
        return
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(doing, total=steps)
        yield lambda amount=1: bar.advance(task, amount)


def figure(value: object) -> str:
    """Returns at least four digits that count; words and truths as they are, nothing for None."""
    if not isinstance(value, float):
        return "" if value is None else str(value)
    if abs(value) >= 1e6:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.2f}"
    return f"{value:.4f}" if value == 0 or abs(value) >= 1e-3 else f"{value:.4g}"


def as_of(features: Mapping[str, Any]) -> str:
    """Returns when the last bar began, UTC: the day, and the time of day unless it is midnight. Empty without
    figures."""
    return str(features.get("as_of") or "").removesuffix("+00:00").removesuffix("T00:00:00").replace("T", " ")


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Figures in full; nothing for None."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_out(text.getvalue())


def complain(message: str, code: int = 1) -> int:
    """Writes one line to stderr. Returns the exit code `code`."""
    if sys.stderr is not None:
        print("ziggy-async:", shown(" ".join(message.split()), encoding_of(sys.stderr)), file=sys.stderr)
    return code


def print_json(value: Mapping[str, Any]) -> None:
    write_out(json.dumps(plain(value), allow_nan=False, indent=2) + "\n")
