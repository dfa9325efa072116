"""Calls in a thread pool as tests ask for them: from any thread, with a time limit."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ziggy_async.runtime.call import Call
from ziggy_async.runtime.processes import ProcessPool
from ziggy_async.runtime.threads import ThreadPool


class Submitted:
    """A call that a pool has."""

    def __init__(self, pool: ThreadPool, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> None:
        self.call = Call("test", function, args, kwargs)
        pool.put(self.call)

    def done(self) -> bool:
        return self.call.is_set

    def wait(self, timeout: float = 30.0) -> None:
        deadline = time.monotonic() + timeout
        while not self.call.is_set:  # at the interpreter's exit no thread can be started that would wait
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def result(self, timeout: float = 30.0) -> Any:
        self.wait(timeout)
        return self.call.get()

    def exception(self, timeout: float = 30.0) -> BaseException | None:
        self.wait(timeout)
        return self.call.error


def submit(pool: ThreadPool, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Submitted:
    return Submitted(pool, function, args, kwargs)


@contextmanager
def pool_of(size: int, name: str = "pool-test") -> Iterator[ThreadPool]:
    pool = ThreadPool(size, name)
    try:
        yield pool
    finally:
        pool.shutdown()


async def run(pool: ThreadPool | ProcessPool, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return await pool.run(Call("test", function, args, kwargs))


def running_in(pool: ThreadPool) -> int:
    """Calls under way, also those that are abandoned."""
    return sum(call.began is not None for call in list(pool._running))


def waiting_in(pool: ThreadPool) -> int:
    """Calls that wait for a thread or for the gate."""
    return len(pool._waiting) + len(pool._running) - running_in(pool)


def idle_in(pool: ThreadPool) -> int:
    """Threads that wait for a call."""
    return len(pool._threads) - len(pool._running)


def places(pool: ProcessPool) -> tuple[int, int]:
    """How many calls have a process, and how many wait for one."""
    return sum(child.serves is not None for child in list(pool._children.values())), waiting_in(pool)


def pids(pool: ProcessPool) -> list[int]:
    """The ids of the processes that are there."""
    return sorted(child._process.pid for child in list(pool._children.values()))


async def close(pool: ProcessPool, timeout: float = 0.0) -> None:
    """Ends it; calls that run have so many seconds."""
    await asyncio.to_thread(pool.shutdown, cancel=True, timeout=timeout)
