"""Tasks over HTTP: put work into the background queue, see what becomes of it, give it up."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import HTTPException, Response

from ziggy_async.api.answers import answer
from ziggy_async.api.bodies import NewTask
from ziggy_async.api.models import AcceptedAnswer, CancelledAnswer, TaskAnswer
from ziggy_async.api.queueing import NO_ROOM, patience, queue_refusals
from ziggy_async.api.rooms import ComputerOf, Room
from ziggy_async.market_brain.features import Features, feature_computer
from ziggy_async.market_brain.regime import regime_detector
from ziggy_async.market_brain.signals import signal_generator
from ziggy_async.messages import shortened
from ziggy_async.work.tasks import State, TaskHandle

MOST_KEPT = 1000
MOST_TICKERS_KEPT = 100_000
"""Of all the tasks that are kept: a ticker's result takes up to 2 kB."""
LONGEST_LIST = 100
"""Characters of the tickers that an error names."""


def add_to(room: Room, watchlist: Sequence[str], kept: "KeptTasks") -> None:
    endpoints = TaskEndpoints(room.computer, watchlist, kept)
    unknown = {404: "No such task, or it is forgotten"}
    room.posts("/tasks", endpoints.submit, AcceptedAnswer, NO_ROOM, status=202)
    room.reads("/tasks/{task_id:path}", endpoints.get, TaskAnswer, unknown)
    room.deletes("/tasks/{task_id:path}", endpoints.cancel, CancelledAnswer, {**unknown, 409: "It is done already"})


# --- what tasks do: each is found by its name when a later process takes its dead letter


async def features_of(tickers: list[str]) -> dict[str, Features]:
    """Ticker -> its features. `LookupError` that names those without bars."""
    found = await feature_computer.compute_batch_async(tickers)
    missing = [ticker for ticker, features in found.items() if features["bars"] == 0]
    if missing:
        raise LookupError(f"no bars of {shortened(', '.join(missing), LONGEST_LIST)}")
    return found


async def signals_of(tickers: list[str]) -> dict[str, Any]:
    """As `POST /signals` answers."""
    regime = await regime_detector.detect_regime_async()
    return {"signals": await signal_generator.generate_signals_bulk_async(tickers, regime), "regime": regime}


def sleep(seconds: float) -> None:
    """Holds its thread, as a provider does that does not answer."""
    time.sleep(seconds)


COMPUTE: dict[str, Callable[[list[str]], Any]] = {"features": features_of, "signals": signals_of}


class KeptTasks:
    """The newest tasks by their ids, the oldest forgotten first: 1,000, with 100,000 tickers at most between them."""

    def __init__(self) -> None:
        self._handles: OrderedDict[str, TaskHandle] = OrderedDict()
        self._tickers = 0

    def keep(self, handle: TaskHandle, task_id: str | None = None) -> None:
        """The handle is that of its own id now, or of `task_id`, by which it was asked for before it joined another."""
        name = handle.task_id if task_id is None else task_id
        self._forget(name)
        self._handles[name] = handle
        self._tickers += _tickers_of(handle)
        while len(self._handles) > MOST_KEPT or (self._tickers > MOST_TICKERS_KEPT and len(self._handles) > 1):
            self._forget(next(iter(self._handles)))

    def get(self, task_id: str) -> TaskHandle | None:
        return self._handles.get(task_id)

    def _forget(self, task_id: str) -> None:
        handle = self._handles.pop(task_id, None)
        if handle is not None:
            self._tickers -= _tickers_of(handle)


def _tickers_of(handle: TaskHandle) -> int:
    return sum(len(each) for each in handle.args if isinstance(each, list))


class TaskEndpoints:
    """The docstrings are the documentation that clients see."""

    def __init__(self, computer: ComputerOf, watchlist: Sequence[str], kept: KeptTasks) -> None:
        self._computer = computer
        self._watchlist = list(watchlist)
        self._kept = kept

    async def submit(self, task: NewTask) -> Response:
        """Put a task into the background queue.

        `features` fails when a ticker has no bars, `signals` answers as `POST /signals`, `sleep` holds a thread like a
        slow provider. What has used up its attempts, was dropped or too late is a dead letter. A task whose `key` is
        under way joins that one, and both ids lead to it.
        """
        if task.work == "sleep":
            call: tuple[Any, ...] = (sleep, task.seconds)
        else:
            call = COMPUTE[task.work], self._watchlist if task.tickers is None else task.tickers
        view = self._computer().with_options(**task.options.model_dump(exclude_unset=True))
        with queue_refusals():
            async with patience():
                handle = await view.enqueue_task(task.task_id, *call)
        self._kept.keep(handle, task.task_id)
        return await answer({"ok": True, "task_id": handle.task_id, "state": handle.state.value}, 202)

    async def get(self, task_id: str) -> dict[str, Any]:
        """What has become of the newest task of that id; 1,000 are remembered.

        Fewer when they have more than 100,000 tickers between them. A task that is requeued from the dead letters takes
        the place of the one that died.
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
        """Give it up, for all who have joined it.

        One that waits never runs; a thread that is in the middle of it goes on, and is replaced meanwhile.
        """
        handle = self._known(task_id)
        if handle.state.is_final or not handle.cancel():
            raise HTTPException(409, "the task is done already")
        return {"ok": True, "message": "Cancelled", "task_id": handle.task_id}

    def _known(self, task_id: str) -> TaskHandle:
        handle = self._kept.get(task_id)
        if handle is None:
            raise HTTPException(404, "there is no such task, or it is forgotten")
        return handle
