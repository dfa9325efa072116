"""Endpoints of tasks: put work into the background queue, see its state, cancel it."""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import HTTPException, Request, Response

from ziggy_async.api.answers import answer
from ziggy_async.api.bodies import NewTask
from ziggy_async.api.endpoints import NO_TEXT, ComputerOf, EndpointGroup
from ziggy_async.api.models import AcceptedAnswer, CancelledAnswer, TaskAnswer
from ziggy_async.api.queueing import NO_PLACE, end, place_timeout, queue_refusals, while_connected
from ziggy_async.async_features.facade import Calls
from ziggy_async.market_brain.features import Features, feature_computer
from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.market_brain.signals import signal_generator
from ziggy_async.messages import shortened
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.queueing.options import Attempt
from ziggy_async.queueing.task import State
from ziggy_async.store import default_store, symbol_of

MOST_KEPT = 1000
MOST_TICKERS_KEPT = 100_000
"""Tickers of all tasks that are kept: the result of one takes up to 2 kB."""
LONGEST_LIST = 100
"""Characters of the tickers that an error names."""


def add_to(group: EndpointGroup, watchlist: Sequence[str], kept: "KeptTasks") -> None:
    endpoints = TaskEndpoints(group.computer, watchlist, kept)
    unknown = {404: "No such task, or it is forgotten"}
    refusals = {**NO_TEXT, **NO_PLACE, 409: "The task of that id is not done yet, or this one was cancelled meanwhile"}
    group.posts("/tasks", endpoints.submit, AcceptedAnswer, refusals, status=202)
    group.reads("/tasks/{task_id:path}", endpoints.get, TaskAnswer, unknown)
    group.deletes("/tasks/{task_id:path}", endpoints.cancel, CancelledAnswer, {**unknown, 409: "It is done already"})


# --- the work of tasks: a later process that requeues their dead letters finds the functions by their names


async def features_of(tickers: list[str]) -> dict[str, Features]:
    """Ticker -> its features. Raises `LookupError` that names those without bars."""
    found = await feature_computer.compute_batch_async(tickers)
    missing = [ticker for ticker, features in found.items() if features["bars"] == 0]
    if missing:
        raise LookupError(f"no bars of {shortened(', '.join(missing), LONGEST_LIST)}")
    return found


async def signals_of(tickers: list[str]) -> dict[str, Any]:
    """Answers as `POST /signals` does."""
    regime = await regime_detector.detect_regime_async()
    return {"signals": await signal_generator.generate_signals_bulk_async(tickers, regime), "regime": regime}


class Sleepers:
    """The tasks that sleep in this process: at most `most` at a time, so that they leave workers for others."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._now = 0
        self._lock = threading.Lock()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Raises `RuntimeError` when there are `most`."""
        with self._lock:
            if self._now >= self.most:
                raise RuntimeError(f"no worker can be spared: {self.most} may sleep at a time")
            self._now += 1
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1


sleepers = Sleepers(1)


def sleep(seconds: float) -> None:
    """Holds its thread, as a provider does that does not answer. Raises `RuntimeError` when no worker can be spared."""
    with sleepers.one_more():
        time.sleep(seconds)


COMPUTE: dict[str, Callable[[list[str]], Any]] = {"features": features_of, "signals": signals_of}


class Waiting:
    """A task whose POST waits for a place in the queue, with the members of the handle that it does not have yet."""

    args: tuple[Any, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    def __init__(self, task_id: str, key: str | None, limit: asyncio.Timeout) -> None:
        self.task_id = task_id
        self.key = key
        self.state = State.WAITING
        self._limit = limit

    def done(self) -> bool:
        return self.state.is_final

    def result(self) -> Any:
        raise asyncio.InvalidStateError(f"task {self.task_id!r} has no result")

    def cancel(self) -> bool:
        """Withdraws the task: its POST waits no more."""
        self.state = State.CANCELLED
        end(self._limit)
        return True


class KeptTasks:
    """The newest tasks by their ids, the oldest forgotten first: 1,000, with 100,000 tickers at most between them; and
    those that wait for a place."""

    def __init__(self) -> None:
        self._handles: OrderedDict[str, TaskHandle[Any] | Waiting] = OrderedDict()
        self._waiting: dict[str, Waiting] = {}
        self._tickers = 0

    @contextmanager
    def expecting(self, waiting: Waiting) -> Iterator[None]:
        """Makes it the task of its id, until the block ends or its handle is kept."""
        self._waiting[waiting.task_id] = waiting
        try:
            yield
        finally:
            if self._waiting.get(waiting.task_id) is waiting:
                del self._waiting[waiting.task_id]
                if waiting.done():
                    self.keep(waiting)

    def keep(self, handle: TaskHandle[Any] | Waiting, task_id: str | None = None) -> None:
        """The handle is that of its own id now, or of `task_id`, by which it was asked for before it joined another.
        When that one still waits for a place, this is its handle as well."""
        name = handle.task_id if task_id is None else task_id
        joined = self._waiting.get(handle.task_id)
        if joined is not None and joined.key is not None and joined.key == handle.key:
            del self._waiting[handle.task_id]
            if name != handle.task_id:
                self.keep(handle)
        self._forget(name)
        self._handles[name] = handle
        self._tickers += _tickers_of(handle)
        while len(self._handles) > MOST_KEPT or (self._tickers > MOST_TICKERS_KEPT and len(self._handles) > 1):
            self._forget(next(iter(self._handles)))

    def get(self, task_id: str) -> TaskHandle[Any] | Waiting | None:
        return self._waiting.get(task_id) or self._handles.get(task_id)

    def _forget(self, task_id: str) -> None:
        handle = self._handles.pop(task_id, None)
        if handle is not None:
            self._tickers -= _tickers_of(handle)


def _tickers_of(handle: TaskHandle[Any] | Waiting) -> int:
    return sum(len(each) for each in handle.args if isinstance(each, list))


class TaskEndpoints:
    """The docstrings are the documentation that clients see."""

    def __init__(self, computer: ComputerOf, watchlist: Sequence[str], kept: KeptTasks) -> None:
        self._computer = computer
        self._watchlist = list(watchlist)
        self._kept = kept

    async def submit(self, task: NewTask, request: Request) -> Response:
        """Put a task into the background queue.

        `features` fails when a ticker has no bars, `signals` answers as `POST /signals`, `sleep` holds a thread like a
        slow provider, and fails when no worker can be spared. A task that used up its attempts, was dropped
        or is too late becomes a dead letter. A task whose `key` is under way joins that one, and both ids lead to it.
        Otherwise the id of a task that is not done is refused. A task that waits for a place is cancelled when its
        client disconnects.
        """
        self._refuse_second(task)
        if task.work == "sleep":
            call: tuple[Any, ...] = (sleep, task.seconds)
        else:
            call = COMPUTE[task.work], self._tickers_of(task)
        view = self._computer().with_options(**task.options.model_dump(exclude_unset=True))
        with queue_refusals():
            handle = await self._enqueue(view, task, call, request)
        return await answer({"ok": True, "task_id": handle.task_id, "state": handle.state.value}, 202)

    def _tickers_of(self, task: NewTask) -> list[str]:
        if task.tickers is None:
            return self._watchlist
        return [symbol_of(default_store(), ticker) for ticker in task.tickers]

    def _refuse_second(self, task: NewTask) -> None:
        """Refuses a second task of an id, unless it joins the first: nobody could ask for the first one any more."""
        first, key = self._kept.get(task.task_id), task.options.key
        if first is None or first.state.is_final or (key is not None and key == first.key):
            return
        raise HTTPException(409, f"the task {task.task_id!r} is not done yet: it is {first.state.value}")

    async def _enqueue(self, view: Calls, task: NewTask, call: tuple[Any, ...], request: Request) -> TaskHandle[Any]:
        """Raises `TimeoutError` when there is no place in time."""
        limit = place_timeout()
        waiting = Waiting(task.task_id, task.options.key, limit)
        try:
            with self._kept.expecting(waiting):
                async with limit, while_connected(request, limit):
                    handle = await view.enqueue_task(task.task_id, *call)
                if waiting.done():  # it was cancelled when it had its place already
                    handle.cancel()
                self._kept.keep(handle, task.task_id)
        except TimeoutError:
            if waiting.done():
                raise HTTPException(409, "the task was cancelled while it waited for a place") from None
            raise
        return handle

    async def get(self, task_id: str) -> dict[str, Any]:
        """The state of the newest task of that id; 1,000 are remembered.

        Fewer are remembered when they have more than 100,000 tickers between them. A task that is requeued from the
        dead letters takes the place of the one that died.
        """
        handle = self._known(task_id)
        state = handle.state
        return {
            "ok": True,
            "task_id": handle.task_id,
            "state": state.value,
            "attempts": [attempt.to_dict() for attempt in handle.attempts],
            "result": handle.result() if state is State.SUCCEEDED and handle.done() else None,
        }

    async def cancel(self, task_id: str) -> dict[str, Any]:
        """Cancel the newest task of that id, for all who have joined it.

        A task that waits never runs; if it waits for a place, its POST is 409. A thread in the middle of it goes on,
        and is replaced meanwhile.
        """
        handle = self._known(task_id)
        if handle.state.is_final or not handle.cancel():
            raise HTTPException(409, "the task is done already")
        return {"ok": True, "message": "Cancelled", "task_id": handle.task_id}

    def _known(self, task_id: str) -> TaskHandle[Any] | Waiting:
        handle = self._kept.get(task_id)
        if handle is None:
            raise HTTPException(404, "there is no such task, or it is forgotten")
        return handle
