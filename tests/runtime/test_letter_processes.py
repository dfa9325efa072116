"""Dead letters and the processes that share them: killed ones, later ones, other programs, forked children."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ziggy_async.dead_letters.dead_letters import DeadLetters
from ziggy_async.dead_letters.sqlite import LetterFile
from ziggy_async.queueing.work import Work


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "letters.db"


PROGRAM = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from functools import partial
from ziggy_async.queueing.work import Attempt, Work
from ziggy_async.dead_letters.dead_letters import DeadLetters
from ziggy_async.queueing.work import Reason
from ziggy_async.dead_letters.sqlite import LetterFile

def here(number): return number

async def main(path):
    taken = []
    async def requeue(work, letter_id):
        taken.append(work.function(*work.args))
    letters = DeadLetters(requeue, LetterFile(path))
    await letters.open()
"""
"""The beginning of programs that use a file; each goes on within `main`."""


def run(folder: Path, rest: str, path: Path, name: str = "program.py") -> "subprocess.CompletedProcess[str]":
    lines = "".join(f"    {line}\n" for line in rest.strip().splitlines())
    (folder / name).write_text(f"{PROGRAM}{lines}\nasyncio.run(main(sys.argv[1]))\n")
    return subprocess.run(
        [sys.executable, str(folder / name), str(path)], capture_output=True, text=True, timeout=60, cwd=folder
    )


KILLED = """
from jobs import multiply
attempt = Attempt(datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), 0.25, "OSError: \\udcff is no name")
work = Work("t1", "job", multiply, (6,), {"by": 7}, {"key": "k"})
letter = await letters.bury(work, Reason.WORKER_LOST, [attempt], "from")
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

    letters = DeadLetters(requeue, LetterFile(path))
    await letters.open()
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
        await letters.close()
    ((again, letter_id),) = taken
    assert (again.task_id, again.operation, again.options, letter_id) == ("t1", "job", {"key": "k"}, done.stdout)
    assert again.function(*again.args, **again.kwargs) == 42


async def test_functions_of_a_program_itself_are_for_that_program(tmp_path: Path, path: Path) -> None:
    bury_here = """
for function, args in ((here, (1,)), (partial(here, 2), ())):
    await letters.bury(Work("t", "job", function, args, {}, None), Reason.SHUTDOWN, [])
await letters.close()
"""
    requeue = """
for letter in letters.list():
    try:
        await letters.requeue(letter.id)
    except ValueError as error:
        print(error)
print(taken)
await letters.close()
"""
    assert run(tmp_path, bury_here, path).returncode == 0
    other = run(tmp_path, requeue, path, "other.py")
    assert other.stdout.count(f"it is of the program {tmp_path / 'program.py'}") == 2, other.stderr
    assert other.stdout.endswith("\n[]\n")
    same = run(tmp_path, requeue, path)
    assert same.stdout == "[1, 2]\n", same.stderr


FORKED = """
async def again():
    assert len(letters.list()) == 1
    await letters.bury(Work("child's", "job", here, (), {}, None), Reason.SHUTDOWN, [])
    await letters.close()

await letters.bury(Work("parent's", "job", here, (), {}, None), Reason.SHUTDOWN, [])
locks = letters._shelf._lock, letters._store._lock, letters._store._turn
for lock in locks:
    lock.acquire()  # as a thread of the parent's may have them
child = os.fork()
if child == 0:
    import threading
    thread = threading.Thread(target=lambda: asyncio.run(again()))
    thread.start()
    thread.join(30)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
for lock in locks:
    lock.release()
await letters.bury(Work("parent's too", "job", here, (), {}, None), Reason.SHUTDOWN, [])
await letters.refresh()
print([letter.task_id for letter in letters.list()])
await letters.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_opens_the_file_for_itself(tmp_path: Path, path: Path) -> None:
    done = run(tmp_path, FORKED, path)
    assert done.stdout == '["parent\'s", "child\'s", "parent\'s too"]\n', done.stderr
