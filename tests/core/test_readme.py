"""The README: each example runs and prints what stands below it, and the tables are complete."""

import doctest
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ziggy_async.cli.serve import application

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
EXAMPLES = [(match[1], match[2] or "") for match in EXAMPLE.finditer(TEXT)]


@pytest.mark.parametrize(("example", "expected"), EXAMPLES)
def test_example(tmp_path: Path, example: str, expected: str) -> None:
    path = tmp_path / "example.py"
    path.write_text(example)
    command = [sys.executable, "-W", "error:::__main__", path]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    checker = doctest.OutputChecker()
    assert checker.check_output(expected, done.stdout, doctest.ELLIPSIS), done.stdout


def test_every_example_but_that_of_the_router_shows_what_it_prints() -> None:
    silent = [example for example, expected in EXAMPLES if not expected]
    assert len(EXAMPLES) >= 5
    assert len(silent) == 1
    assert "include_router" in silent[0]


def endpoints(cell: str) -> Iterator[tuple[str, str]]:
    """Verb and path of each endpoint that a cell names: what one of them leaves out is that of the one before."""
    verb = path = ""
    for named in re.findall(r"`([^`]+)`", cell):
        first, _, rest = named.partition(" ")
        verb, path = (verb, named) if named.startswith("/") else (first, rest or path)
        yield verb, path.partition("?")[0]


def test_the_table_has_the_endpoints_of_serve() -> None:
    rows = re.findall(r"^\| (`(?:GET|POST|DELETE) .*?`) \|", TEXT, re.MULTILINE)
    listed = [endpoint for cell in rows for endpoint in endpoints(cell)]
    paths = application([]).openapi()["paths"]
    served = {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs}
    assert sorted(listed) == sorted(served | {("GET", "/")})


def test_the_table_has_the_variables_that_are_read() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in README.parent.glob("ziggy_async/**/*.py"))
    read = set(re.findall(r"\b(?:ASYNC_FEATURES|ZIGGY_ASYNC)_[A-Z_]+\b", sources))
    rows = re.findall(r"^\| (`[A-Z_]+`.*?) \|", TEXT, re.MULTILINE)
    assert {name for cell in rows for name in re.findall(r"[A-Z_]+", cell)} == read


def test_it_is_short() -> None:
    assert TEXT.count("\n") <= 300
