"""Tables, progress and JSON. Rich (the extra `cli`) draws the first two; without it tables are plain text."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from io import StringIO
from itertools import zip_longest
from typing import Any

import numpy as np

Style = str | None


class OutputError(Exception):
    """Standard output takes no more; the message says why."""


@dataclass
class Table:
    """Rows of text under column names. Columns named in `text` are set left and may fold, the others are figures."""

    columns: Sequence[str]
    text: frozenset[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    styles: list[Style] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, row: Sequence[str], style: Style = None) -> None:
        self.rows.append(row)
        self.styles.append(style)


def print_table(table: Table) -> None:
    try:
        import rich  # noqa: F401
    except ModuleNotFoundError:
        lines = plain_lines(table)
    else:
        lines = rich_lines(table)
    write_out("\n".join([*lines, *table.notes]) + "\n")


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


def rich_lines(table: Table) -> list[str]:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    # A file or a pipe has no width to fit into. Rich draws into memory: only `write_out` touches stdout.
    on_screen, drawing = sys.stdout.isatty(), StringIO()
    console = Console(file=drawing, force_terminal=on_screen, width=None if on_screen else 10_000)
    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False)
    for name in table.columns:
        is_text = name in table.text
        drawn.add_column(name, justify="left" if is_text else "right", no_wrap=not is_text, overflow="fold")
    for row, style in zip(table.rows, table.styles, strict=True):
        drawn.add_row(*(Text(cell) for cell in row), style=style)
    console.print(drawn)
    return [line.rstrip() for line in drawing.getvalue().splitlines() if line.strip()]


def plain_lines(table: Table) -> list[str]:
    rows = [table.columns, *table.rows]
    widths = [max(map(len, cells)) for cells in zip_longest(*rows, fillvalue="")]
    return ["  ".join(aligned(table, row, widths)).rstrip() for row in rows]


def aligned(table: Table, row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for name, cell, width in zip(table.columns, row, widths, strict=True):
        yield cell.ljust(width) if name in table.text else cell.rjust(width)


@contextmanager
def progress(doing: str, steps: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr, if that is a terminal; yields the function that says that one of `steps` is done."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ModuleNotFoundError:
        yield lambda: None
        return
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(doing, total=steps)
        yield lambda: bar.advance(task)


def print_json(value: Mapping[str, Any]) -> None:
    write_out(json.dumps(plain(value), allow_nan=False, indent=2) + "\n")


def plain(value: Any) -> Any:
    """`value` in the types of JSON, which has neither NaN nor infinity: those become null."""
    match value:
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case Enum():
            return plain(value.value)
        case np.generic():
            return plain(value.item())
        case datetime():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return None
    return value
