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
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    checker = doctest.OutputChecker()
    assert checker.check_output(expected, done.stdout, doctest.ELLIPSIS), done.stdout


def test_most_examples_show_what_they_print() -> None:
    assert sum(bool(expected) for _, expected in EXAMPLES) >= len(EXAMPLES) - 2 > 3
