"""Functions that child processes run: they import this module by its name."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any, ClassVar


def square(number: int) -> int:
    return number * number


def dies() -> None:
    """Ends its process as the out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies_once(mark: str) -> str:
    """Ends its process, unless it has done so before: then the file `mark` is there."""
    if not Path(mark).exists():
        Path(mark).touch()
        dies()
    return "alive"


def dies_beside_a_program(mark: str) -> None:
    """Leaves a program behind that has inherited all the descriptors that it could; `mark`: where its number is put."""
    program = subprocess.Popen(["sleep", "600"], close_fds=False)
    Path(mark).write_text(str(program.pid))
    dies()


def pid(*_: object) -> int:
    return os.getpid()


def same(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def waits_for(door: str) -> int:
    """Makes the file `door` and waits until somebody has taken it away: who sees it knows that this is running."""
    Path(door).touch()
    while Path(door).exists():
        time.sleep(0.005)
    return os.getpid()


def waits_stubbornly(door: str) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return waits_for(door)


def works_on(folder: str) -> None:
    Path(folder, "begun").touch()
    time.sleep(0.4)
    Path(folder, "done").touch()


def closes_everything() -> None:
    """As daemons do; then it stays."""
    os.closerange(3, 256)
    time.sleep(60.0)


class OwnError(Exception):
    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.code = code


class OwnEnd(BaseException):
    pass


class DemandingError(Exception):
    """Pickles, but its constructor wants more than pickle gives it."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class LockedError(Exception):
    """Does not pickle."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.lock = threading.Lock()


class TrackedError(Exception):
    """Knows which of its kind are still there."""

    alive: ClassVar["weakref.WeakSet[TrackedError]"] = weakref.WeakSet()

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.alive.add(self)


def raises_tracked() -> None:
    raise TrackedError


def raises(error: BaseException) -> None:
    raise error


def raises_demanding() -> None:
    raise DemandingError("so much", code=7)


def raises_locked() -> None:
    raise LockedError("keep out")


def generator() -> Any:
    return (number for number in range(3))


def coroutine() -> Any:
    async def later() -> int:
        return 1

    return later()


class Mine:
    """Unpickles in a process of the pool only, and raises the error elsewhere."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        return only_in, (os.getpid(), self.error)


def only_in(process: int, error: Exception) -> str:
    if os.getpid() != process:
        raise error
    return "here"


def mine(error: Exception) -> Mine:
    return Mine(error)


def forks(how: str) -> str:
    """Both processes come out of the call, the forked one later, or as `how` says."""
    if os.fork() == 0:
        time.sleep(0.05)
        if how == "exits":
            sys.exit("from the forked process")
        if how == "ends":
            os._exit(0)
        if how == "raises":
            raise ValueError("from the forked process")
        return "from the forked process"
    return "from the parent"


def has_a_child() -> int:
    """As a library does that forks by itself."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=queue.put, args=(42,))
    process.start()
    value: int = queue.get(timeout=30)
    process.join()
    return value


def trace_and_span() -> tuple[int, int]:
    """Those that are current where it runs."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return context.trace_id, context.span_id
