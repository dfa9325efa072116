"""All endpoints of `ziggy-async serve`, asked at random: no answer is 500 or other than documented."""

import os
import subprocess
import sys

from conftest import ISOLATED


def test_answers_are_as_documented() -> None:
    """In a process of its own: the requests are made while pytest collects, which every worker of pytest-xdist does."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ISOLATED / "asked_at_random.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTEST_ADDOPTS": ""}, cwd=ISOLATED
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
