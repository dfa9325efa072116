"""The pool for Python callables, and the background loop that waits for synchronous callers."""

import asyncio
import threading

import pytest

from ziggy_async import blocking


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
        await blocking.run_each_async(work, items)
        assert sorted(seen) == items
        seen.clear()
        blocking.run_each(work, items)
        assert sorted(seen) == items
        seen.clear()
    assert 1 <= most <= blocking.workers()


async def test_in_a_thread_of_the_pool_each_item_is_done_there() -> None:
    threads = []
    await blocking.run(blocking.run_each, lambda _: threads.append(threading.current_thread().name), range(20))
    assert len(threads) == 20
    assert len(set(threads)) == 1


async def test_a_failure_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        blocking.run_each(lambda item: 1 // item, [1, 0])
    with pytest.raises(ZeroDivisionError):
        await blocking.run_each_async(lambda item: 1 // item, [1, 0])


async def test_at_most_so_many_at_once() -> None:
    under_way, most, seen = 0, 0, []

    async def work(item: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        seen.append(item)

    await blocking.concurrently(work, range(100), 7)
    assert sorted(seen) == list(range(100))
    assert most == 7


@pytest.mark.parametrize("missing", ["descriptor", "thread"])
def test_a_background_loop_that_cannot_be_made(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its caller learns why, and the next one tries again."""

    async def answer() -> int:
        return 42

    def no_descriptor() -> asyncio.AbstractEventLoop:
        raise OSError(24, "Too many open files")

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(blocking, "_background", None)
    with monkeypatch.context() as patch:
        if missing == "descriptor":
            patch.setattr(asyncio, "new_event_loop", no_descriptor)
        else:
            patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises((OSError, RuntimeError), match=r"Too many|can't start"):
            blocking.submit_coroutine(answer())
    assert blocking._background is None
    assert blocking.submit_coroutine(answer()).result(20.0) == 42
    assert blocking._background is not None
    blocking._background.stop()
