"""The pool for Python callables, and the background loop that waits for synchronous callers."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from ziggy_async import off_loop
from ziggy_async.runtime import background_loop
from ziggy_async.runtime.call import Call
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.threads import ThreadPool


async def test_each_item_once_and_no_more_at_once_than_there_are_threads() -> None:
    seen, under_way, most, lock = [], 0, 0, threading.Lock()

    def work(item: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        with lock:
            under_way -= 1
            seen.append(item)

    for items in ([], [0], list(range(200))):
        await off_loop.blocking.run_each_async(work, items)
        assert sorted(seen) == items
        seen.clear()
        off_loop.blocking.run_each(work, items)
        assert sorted(seen) == items
        seen.clear()
    assert 1 <= most <= off_loop.workers()


async def test_in_a_thread_of_the_pool_each_item_is_done_there() -> None:
    threads = []
    await off_loop.blocking.run(
        off_loop.blocking.run_each, lambda _: threads.append(threading.current_thread().name), range(20)
    )
    assert len(threads) == 20
    assert len(set(threads)) == 1


def test_a_pool_that_takes_no_more_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, done, pool = [], [], off_loop.blocking.pool()

    def work(item: int) -> None:
        time.sleep(0.01)
        done.append(item)

    def put_three(call: Call) -> None:
        if len(begun) == 3:
            raise Stopped("no more")
        begun.append(len(begun))
        ThreadPool.put(pool, call)

    monkeypatch.setattr(pool, "put", put_three)
    with pytest.raises(Stopped):
        off_loop.blocking.run_each(work, range(10))
    assert sorted(done) == begun


@pytest.mark.parametrize("missing", ["descriptor", "thread"])
def test_a_background_loop_that_cannot_be_made(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its caller learns why, and the next one tries again."""

    async def answer() -> int:
        return 42

    def no_descriptor() -> asyncio.AbstractEventLoop:
        raise OSError(24, "Too many open files")

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(background_loop, "_background", None)
    with monkeypatch.context() as patch:
        if missing == "descriptor":
            patch.setattr(asyncio, "new_event_loop", no_descriptor)
        else:
            patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises((OSError, RuntimeError), match=r"Too many|can't start"):
            background_loop.submit(answer)
    assert background_loop._background is None
    assert background_loop.submit(answer).result(20.0) == 42
    assert background_loop._background is not None
    background_loop._at_exit()


async def raising(error: BaseException) -> None:
    raise error


async def answer() -> int:
    return 42


class Odd(BaseException):
    """No `Exception`, and nothing that asyncio knows."""


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), Odd("odd")]
)
def test_no_exception_ends_the_background_loop(error: BaseException) -> None:
    before = background_loop.submit(answer)
    assert before.result(20.0) == 42
    thread = background_loop._background.thread
    with pytest.raises(RuntimeError, match=type(error).__name__):
        background_loop.submit(raising, error).result(20.0)
    assert background_loop.submit(answer).result(20.0) == 42
    assert background_loop._background.thread is thread


def test_a_task_of_its_own_does_not_end_the_background_loop(caplog: pytest.LogCaptureFixture) -> None:
    """A coroutine may leave tasks behind, which nobody guards, and may stop its loop."""

    async def leave() -> None:
        task = asyncio.create_task(raising(SystemExit(3)))
        await asyncio.sleep(0)
        task.exception()

    async def stop() -> None:
        asyncio.get_running_loop().stop()

    for function in (leave, stop):
        background_loop.submit(function).result(20.0)
        assert background_loop.submit(answer).result(20.0) == 42
    assert "it goes on" in caplog.text


def test_an_ordinary_exception_reaches_its_caller_as_it_is() -> None:
    error = ZeroDivisionError("by hand")
    with pytest.raises(ZeroDivisionError) as caught:
        background_loop.submit(raising, error).result(20.0)
    assert caught.value is error


def test_who_waits_when_the_background_loop_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_loop, "_background", None)
    waiting = background_loop.submit(asyncio.sleep, 60)
    assert background_loop.submit(answer).result(20.0) == 42
    background_loop._at_exit()
    with pytest.raises(Stopped, match="the background loop came to its end"):
        waiting.result(20.0)


AT_EXIT = """
import asyncio, atexit
from ziggy_async import off_loop

atexit.register(lambda: print(asyncio.run(off_loop.short.run(max, 3, 4))))
asyncio.run(off_loop.short.run(int))
"""


def test_who_registers_for_the_exit_after_the_import_may_still_call_off_the_loop() -> None:
    ended = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("4\n", "")


def test_a_child_that_is_forked_while_a_pool_is_made_makes_its_own() -> None:
    script = """
import asyncio, os, threading
from ziggy_async.off_loop import LazyThreadPool

is_making, may_end = threading.Event(), threading.Event()

def size():
    if threading.current_thread() is threading.main_thread():
        return 1
    is_making.set()
    may_end.wait()
    return 1

threads = LazyThreadPool("test", size)
threading.Thread(target=threads.pool).start()
is_making.wait()
child = os.fork()
if child == 0:
    os._exit(asyncio.run(threads.run(max, 1, 2)))
may_end.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20)
    assert (ended.stdout, ended.returncode) == ("2\n", 0), ended.stderr
