"""The README's examples: each runs, and prints what stands below it."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
EXAMPLES = [(match[1], match[2] or "") for match in EXAMPLE.finditer(README.read_text(encoding="utf-8"))]


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
