"""The package as type checkers see it: each slip in a user's code is found, and nothing else is complained of."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import write_indicator_names

SLIPS = Path(__file__).with_name("slips.py")
ROOT = Path(__file__).resolve().parents[2]
"""Where the package is: type checkers do not follow an editable installation."""


def lines_of_mypy(path: Path, folder: Path) -> set[int]:
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--cache-dir", str(folder), str(path)]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    errors = [found for found in map(json.loads, done.stdout.splitlines()) if found["severity"] == "error"]
    return {found["line"] for found in errors if Path(folder, found["file"]).samefile(path)}


def lines_of_basedpyright(path: Path, folder: Path) -> set[int]:
    settings = folder / "pyrightconfig.json"
    settings.write_text(json.dumps({"include": [str(path)], "typeCheckingMode": "standard", "extraPaths": [str(ROOT)]}))
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--project", str(settings)]
    done = subprocess.run([*command, "--pythonpath", sys.executable], capture_output=True, text=True, cwd=folder)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {each["range"]["start"]["line"] + 1 for each in found if each["severity"] == "error"}


@pytest.mark.parametrize("lines_found_by", [lines_of_mypy, lines_of_basedpyright], ids=["mypy", "basedpyright"])
def test_slips_are_found(lines_found_by, tmp_path: Path) -> None:
    lines = SLIPS.read_text(encoding="utf-8").splitlines()
    slips = [line for line in lines if line.endswith("# slip")]
    assert [lines[number - 1] for number in sorted(lines_found_by(SLIPS, tmp_path))] == slips


def test_type_checkers_know_the_indicators_of_the_catalog() -> None:
    assert write_indicator_names.FILE.read_text(encoding="utf-8") == write_indicator_names.text(), (
        "run tests/write_indicator_names.py"
    )
