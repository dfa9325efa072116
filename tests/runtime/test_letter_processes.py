"""Dead letters and the processes that share them: killed ones, later ones, other programs, forked children."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ISOLATED

from ziggy_async.dead_letters import DeadLetters
from ziggy_async.queueing.options import Options, Work
from ziggy_async.runtime.cross_loop import outcome_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "letters.db"


Run = Callable[..., subprocess.CompletedProcess[str]]


async def test_a_letter_survives_kill_9(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch, run_isolated: Run
) -> None:
    (tmp_path / "jobs.py").write_text("def multiply(number, by): return number * by\n")
    done = run_isolated("letter_before_a_kill", path, tmp_path)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "jobs", raising=False)
    taken: list[tuple[Work, str]] = []

    async def requeue(work: Work, letter_id: str) -> None:
        taken.append((work, letter_id))

    letters = DeadLetters(requeue, path)
    await letters.refresh()
    try:
        (letter,) = letters.list()
        assert "jobs" not in sys.modules  # nothing is imported before it is needed
        assert letter.to_dict() == {
            "id": done.stdout,
            "task_id": "t1",
            "operation": "job",
            "reason": "worker_lost",
            "attempts": [
                {
                    "began": "2024-01-02T03:04:05.678901+00:00",
                    "seconds": 0.25,
                    "error": "OSError: \udcff is not a name",
                }
            ],
            "died_at": letter.died_at.isoformat(),
            "requeued_from": "from",
            "function": "jobs:multiply",
            "can_requeue": True,
            "why_not": None,
        }
        await letters.requeue(letter.id)
        await letters.refresh()
        assert letters.list() == []
    finally:
        await outcome_of(letters.close())
    ((again, letter_id),) = taken
    assert (again.task_id, again.operation, again.options, letter_id) == ("t1", "job", Options(key="k"), done.stdout)
    assert again.function(*again.args, **again.kwargs) == 42


def test_functions_of_a_program_itself_are_for_that_program(tmp_path: Path, path: Path) -> None:
    program, other = tmp_path / "program.py", tmp_path / "other.py"

    def run(script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
        shutil.copy(ISOLATED / "letters_of_a_program.py", script)
        command = [sys.executable, script, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)

    assert run(program, "bury", path).returncode == 0
    refused = run(other, "requeue", path)
    assert refused.stdout.count(f"it is of the program {program}") == 2, refused.stderr
    assert refused.stdout.endswith("\n[]\n")
    same = run(program, "requeue", path)
    assert same.stdout == "[1, 2]\n", same.stderr


def test_functions_of_a_session_are_for_that_session(path: Path) -> None:
    """Of a program without a file."""
    script = (ISOLATED / "letters_of_a_program.py").read_text()

    def run(source: str, what: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", source, what, str(path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    same = run(f"{script}\nasyncio.run(requeue(sys.argv[2]))", "bury")
    assert same.stdout == "[1, 2]\n", same.stderr
    assert run(script, "bury").returncode == 0
    other = run(script, "requeue")
    assert other.stdout.count("cannot be requeued: it is of the program <session ") == 2, other.stderr
    assert other.stdout.endswith("\n[]\n")


def test_a_forked_child_opens_the_file_for_itself(path: Path, run_isolated: Run) -> None:
    done = run_isolated("forked_dead_letters", path)
    assert done.stdout == "before\nbefore child\nbefore child after\n", done.stderr


def test_a_fork_waits_for_a_letter_and_shares_no_file(path: Path, run_isolated: Run) -> None:
    done = run_isolated("forked_while_a_letter_is_written", path, PYTHONWARNINGS="ignore::DeprecationWarning")
    assert done.stdout == "0\nparent\nchild\nchild, later\n", done.stderr
