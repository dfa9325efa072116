"""Dead letters and the processes that share them: killed ones, later ones, other programs, forked children."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ziggy_async.dead_letters import DeadLetters
from ziggy_async.dead_letters.sqlite import SqliteStore
from ziggy_async.queueing.options import Options
from ziggy_async.queueing.work import Work
from ziggy_async.runtime.cross_loop import outcome_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "letters.db"


PROGRAM = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from functools import partial
from ziggy_async.dead_letters import DeadLetters, Reason
from ziggy_async.dead_letters.sqlite import SqliteStore
from ziggy_async.queueing.options import Options
from ziggy_async.queueing.work import Attempt, Work
from ziggy_async.runtime.cross_loop import outcome_of

def here(number): return number

async def main(path, trusts=""):
    taken = []
    def add(*args):
        return outcome_of(letters.put(*args))
    async def requeue(work, letter_id):
        taken.append(work.function(*work.args))
    letters = DeadLetters(requeue, SqliteStore(path, trust_pickles=bool(trusts)))
    await letters.refresh()
"""
"""The beginning of programs that use a file; each goes on within `main`."""
Done = subprocess.CompletedProcess[str]
ISOLATED = Path(__file__).parents[1] / "isolated"


def run(
    folder: Path, rest: str, path: Path, *more: str, name: str = "program.py"
) -> "subprocess.CompletedProcess[str]":
    lines = "".join(f"    {line}\n" for line in rest.strip().splitlines())
    (folder / name).write_text(f"{PROGRAM}{lines}\nasyncio.run(main(*sys.argv[1:]))\n")
    return subprocess.run(
        [sys.executable, str(folder / name), str(path), *more], capture_output=True, text=True, timeout=60, cwd=folder
    )


KILLED = """
from jobs import multiply
attempt = Attempt(datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), 0.25, "OSError: \\udcff is no name")
work = Work("t1", "job", multiply, (6,), {"by": 7}, Options(key="k"))
letter = await add(work, Reason.WORKER_LOST, [attempt], "from")
sys.stdout.write(letter.id)
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_a_letter_survives_kill_9(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs.py").write_text("def multiply(number, by): return number * by\n")
    done = run(tmp_path, KILLED, path)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "jobs", raising=False)
    taken: list[tuple[Work, str]] = []

    async def requeue(work: Work, letter_id: str) -> None:
        taken.append((work, letter_id))

    letters = DeadLetters(requeue, SqliteStore(path))
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
                    "error": "OSError: \udcff is no name",
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


async def test_functions_of_a_program_itself_are_for_that_program(tmp_path: Path, path: Path) -> None:
    bury_here = """
for function, args in ((here, (1,)), (partial(here, 2), ())):
    await add(Work("t", "job", function, args, {}, Options()), Reason.SHUTDOWN, [])
await outcome_of(letters.close())
"""
    requeue = """
for letter in letters.list():
    try:
        await letters.requeue(letter.id)
    except ValueError as error:
        print(error)
print(taken)
await outcome_of(letters.close())
"""
    assert run(tmp_path, bury_here, path).returncode == 0
    other = run(tmp_path, requeue, path, "trusts", name="other.py")
    assert other.stdout.count(f"it is of the program {tmp_path / 'program.py'}") == 2, other.stderr
    assert other.stdout.endswith("\n[]\n")
    same = run(tmp_path, requeue, path, "trusts")
    assert same.stdout == "[1, 2]\n", same.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_opens_the_file_for_itself(path: Path) -> None:
    command = [sys.executable, ISOLATED / "forked_dead_letters.py", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "before\nbefore child\nbefore child after\n", done.stderr
