"""One run of a callable in a thread: what comes back, and what does not stay behind."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import inspect
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar

import pytest
from collector import no_collections
from pooled import pool_of

from ziggy_async.runtime import call as calls
from ziggy_async.runtime.call import Call, Outcome, raisable
from ziggy_async.runtime.errors import Stopped
from ziggy_async.runtime.gil_gate import gate
from ziggy_async.runtime.threads import ThreadPool


def call_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Call:
    return Call("work", function, args, kwargs)


def in_thread(call: Call) -> None:
    """Calls it where an exception that comes out would be noticed."""
    escaped: list[BaseException] = []

    def run() -> None:
        try:
            call.run()
            call.publish()
        except BaseException as error:
            escaped.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert escaped == []


def raise_it(error: BaseException) -> None:
    raise error


class OwnError(Exception):
    pass


class OwnEnd(BaseException):
    """No `Exception`."""


class Dumb(BaseException):
    def __str__(self) -> str:
        raise ValueError("no words")


def test_arguments_go_in_and_the_value_comes_out() -> None:
    call = call_of(divmod, 17, 5)
    in_thread(call)
    assert call.result() == (3, 2)
    call = call_of(dict, [("a", 1)], b=2)
    in_thread(call)
    assert call.result() == {"a": 1, "b": 2}


def test_it_is_timed() -> None:
    call = call_of(time.sleep, 0.02)
    before = time.perf_counter()
    assert (call.began, call.ended) == (None, None)
    call.run()
    assert call.began is not None
    assert call.ended is not None
    assert before <= call.began <= call.ended - 0.02
    assert call.ended <= time.perf_counter()


def test_context_variables_are_those_it_was_given() -> None:
    tenant = contextvars.ContextVar("tenant", default="nobody")
    tenant.set("alice")
    call = call_of(lambda: (tenant.get(), tenant.set("mallory"))[0])
    tenant.set("bob")
    in_thread(call)
    assert call.result() == "alice"
    assert tenant.get() == "bob"


def test_an_ordinary_exception_is_the_same_object() -> None:
    error = OwnError("so it is")
    for given in (error, TimeoutError(), OSError(2, "no such file"), ExceptionGroup("two", [error, ValueError()])):
        call = call_of(raise_it, given)
        in_thread(call)
        with pytest.raises(type(given)) as caught:
            call.result()
        assert caught.value is given
        assert caught.value.__cause__ is None


def test_wrong_arguments_are_the_callers_error() -> None:
    call = call_of(raise_it)
    in_thread(call)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        call.result()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit(), "GeneratorExit"),
        (OwnEnd("that is all"), "OwnEnd: that is all"),
        (BaseExceptionGroup("two", [OwnEnd()]), "BaseExceptionGroup: two (1 sub-exception)"),
        (StopIteration(7), "StopIteration: 7"),
        (StopAsyncIteration(), "StopAsyncIteration"),
        (asyncio.CancelledError("by whom"), "CancelledError: by whom"),
        (concurrent.futures.CancelledError(), "CancelledError"),
        (Dumb(), "Dumb: it cannot say what"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_cannot_travel_becomes_a_clear_error(error: BaseException, text: str) -> None:
    call = call_of(raise_it, error)
    in_thread(call)
    with pytest.raises(RuntimeError) as caught:
        call.result()
    assert str(caught.value) == f"work raised {text}"
    assert caught.value.__cause__ is error


class Unready:
    """A proxy whose object cannot be made, as that of a lazy attribute whose source is away."""

    @property
    def __class__(self) -> type:
        raise RuntimeError("not ready")


async def test_a_value_that_raises_when_it_is_asked_what_it_is() -> None:
    call = call_of(Unready)
    in_thread(call)
    await asyncio.wait_for(call.wait(), 30)
    assert type(call.result()) is Unready


async def sleeper() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("when", ["before", "meanwhile", "after"])
async def test_a_coroutine_that_nobody_wants_does_not_complain(when: str) -> None:
    begun, go_on, made = threading.Event(), threading.Event(), list[Coroutine[Any, Any, None]]()

    def make() -> Coroutine[Any, Any, None]:
        begun.set()
        assert go_on.wait(30.0)
        made.append(sleeper())
        return made[0]

    call = call_of(make)
    if when == "before":
        call.abandon()
    thread = threading.Thread(target=lambda: (call.run(), call.publish()))
    thread.start()
    assert begun.wait(30.0)
    if when == "meanwhile":
        call.abandon()
    go_on.set()
    thread.join()
    if when == "after":
        call.abandon()
    await asyncio.sleep(0.01)
    assert inspect.getcoroutinestate(made[0]) == inspect.CORO_CLOSED


async def test_a_coroutine_that_others_await_is_theirs() -> None:
    coroutine = sleeper()
    coroutine.send(None)
    call = call_of(lambda: coroutine)
    call.run()
    call.abandon()
    call.publish()
    await asyncio.sleep(0.01)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_SUSPENDED
    coroutine.close()


def test_a_coroutine_is_cancelled_in_the_thread_of_its_loop() -> None:
    """A loop in debug mode refuses what another thread does to its tasks."""
    cancelled_in: list[int] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled_in.append(threading.get_ident())

    async def main() -> None:
        call = call_of(endless)
        assert call.starts_on_loop()
        task = call.task
        assert task is not None
        await asyncio.sleep(0)  # it begins
        assert await asyncio.to_thread(call.abandon)
        await asyncio.wait([task], timeout=30)
        assert isinstance(call.error, Stopped)

    asyncio.run(main(), debug=True)
    assert cancelled_in == [threading.get_ident()]


async def test_a_coroutine_that_another_thread_abandons_while_its_task_is_made_is_cancelled() -> None:
    async def endless() -> None:
        await asyncio.Event().wait()

    def abandon_meanwhile(loop: asyncio.AbstractEventLoop, coroutine: Any, **kwargs: Any) -> asyncio.Task[Any]:
        thread = threading.Thread(target=call.abandon)
        thread.start()
        thread.join()
        return asyncio.Task(coroutine, loop=loop, **kwargs)

    call = call_of(endless)
    loop = asyncio.get_running_loop()
    loop.set_task_factory(abandon_meanwhile)
    assert call.starts_on_loop()
    loop.set_task_factory(None)
    task = call.task
    assert task is not None
    await asyncio.wait([task], timeout=30)
    assert task.cancelled()


async def test_who_gives_up_waiting_while_an_outcome_is_set_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcome, has_given_up = Outcome(), threading.Event()
    first, second = (asyncio.create_task(outcome.wait()) for _ in range(2))
    first.add_done_callback(lambda _: has_given_up.set())
    loop, wake = asyncio.get_running_loop(), calls.wake

    def wake_late(waiter: "asyncio.Future[None]") -> None:
        loop.call_soon_threadsafe(first.cancel)
        assert has_given_up.wait(10)
        wake(waiter)

    await asyncio.sleep(0)
    monkeypatch.setattr(calls, "wake", wake_late)
    await asyncio.to_thread(outcome.set, 1, None)
    await asyncio.wait_for(second, 10)


def test_a_clear_error_leaves_ordinary_ones_exclusively() -> None:
    error = OwnError()
    assert raisable(error, "work") is error
    assert str(raisable(StopIteration(), "work")) == "work raised StopIteration"


async def test_odd_exceptions_reach_the_awaiting_task_and_end_nothing() -> None:
    with pool_of(1) as pool:
        for error in (SystemExit(1), StopIteration(), asyncio.CancelledError(), KeyboardInterrupt()):
            with pytest.raises(RuntimeError, match=f"odd raised {type(error).__name__}"):
                await pool.run(Call("odd", raise_it, (error,)))
        assert await pool.run(Call("plain", int)) == 0


@pytest.fixture
def _no_garbage_collection() -> Iterator[None]:
    with no_collections():
        yield


class Tracked:
    """Knows which of its kind are still there."""

    alive: ClassVar["weakref.WeakSet[Tracked]"] = weakref.WeakSet()

    def __init__(self) -> None:
        self.alive.add(self)


class TrackedError(Tracked, Exception):
    pass


class TrackedEnd(Tracked, BaseException):
    pass


def tracked(_: Tracked, error: type[BaseException] | None) -> Tracked:
    if error is not None:
        raise error
    return Tracked()


@pytest.mark.usefixtures("_no_garbage_collection")
@pytest.mark.parametrize("is_asked", [True, False])
@pytest.mark.parametrize("is_gated", [True, False])
@pytest.mark.parametrize("error", [None, TrackedError, TrackedEnd])
def test_nothing_stays_behind(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | None, is_asked: bool, is_gated: bool
) -> None:
    """Counting references is enough to free argument, value and error: no traceback leads back to them."""
    monkeypatch.setattr(gate, "is_needed", lambda kind: is_gated)
    pool = ThreadPool(1)

    async def use() -> None:
        call = call_of(tracked, Tracked(), error)
        if is_asked:
            with contextlib.suppress(TrackedError, RuntimeError):
                await pool.run(call)
        else:
            pool.put(call)
            await call.wait()

    asyncio.run(use())
    pool.shutdown()  # the thread is past the call
    assert list(Tracked.alive) == []


def test_an_error_that_is_raised_again_and_again_keeps_its_traceback() -> None:
    def raised(outcome: Outcome) -> list[str]:
        with pytest.raises(KeyError) as caught:
            outcome.get()
        return [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]

    call = Call("fails", {}.pop, ("nowhere",))
    call.run()
    call.publish()
    assert raised(call) == raised(call) == raised(call) == ["raised", "get", "run"]
