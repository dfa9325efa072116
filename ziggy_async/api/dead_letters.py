"""Endpoints of dead letters: list them, queue their tasks again, discard them."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import HTTPException, Query
from pydantic import AfterValidator

from ziggy_async.api.endpoints import ComputerOf, EndpointGroup
from ziggy_async.api.models import AllRequeuedAnswer, DeadLetterAnswer, DeadLettersAnswer, Done, RequeuedAnswer
from ziggy_async.api.queueing import NO_PLACE, place_timeout, queue_refusals
from ziggy_async.dead_letters.dead_letters import DeadLetters
from ziggy_async.messages import loggable
from ziggy_async.queueing.handle import TaskHandle
from ziggy_async.queueing.options import Reason
from ziggy_async.runtime.errors import QueueFull

logger = logging.getLogger(__name__)

ByReason = Annotated[
    Reason | Literal[""] | None,
    AfterValidator(lambda reason: reason or None),
    Query(description="Only those that died for this reason; without one, or with an empty one, all"),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many to leave out first")]
UNKNOWN = "there is no such dead letter"

OnRequeued = Callable[[TaskHandle[Any]], object]


def add_to(group: EndpointGroup, on_requeued: OnRequeued) -> None:
    endpoints = DeadLetterEndpoints(group.computer, on_requeued)
    unknown = {404: "No such letter"}
    requeuing = {**unknown, **NO_PLACE, 409: "This work cannot be run again by this process"}
    group.reads("/dead-letters", endpoints.list_all, DeadLettersAnswer)
    group.posts("/dead-letters/requeue", endpoints.requeue_all, AllRequeuedAnswer, NO_PLACE)
    group.reads("/dead-letters/{letter_id}", endpoints.get, DeadLetterAnswer, unknown)
    group.posts("/dead-letters/{letter_id}/requeue", endpoints.requeue, RequeuedAnswer, requeuing)
    group.deletes("/dead-letters/{letter_id}", endpoints.discard, Done, unknown)


class DeadLetterEndpoints:
    """The docstrings are the documentation that clients see."""

    def __init__(self, computer: ComputerOf, on_requeued: OnRequeued) -> None:
        self._computer = computer
        self._on_requeued = on_requeued

    async def list_all(self, limit: Limit = 100, offset: Offset = 0, reason: ByReason = None) -> dict[str, Any]:
        """The tasks that died, with their attempts and why; the newest 10,000 are kept, for 7 days at least."""
        letters = await self.letters()
        found = [letter.to_dict() for letter in letters.list(limit, offset, reason)]
        return {
            "ok": True,
            "dead_letters": found,
            "count": len(found),
            "stats": letters.stats(),
        }

    async def get(self, letter_id: str) -> dict[str, Any]:
        """A dead letter."""
        with refusals():
            return {"ok": True, "dead_letter": (await self.letters()).get(letter_id).to_dict()}

    async def requeue(self, letter_id: str) -> dict[str, Any]:
        """Put the task of a dead letter into the queue again; the letter is gone then."""
        with refusals():
            async with place_timeout():
                handle = await self._computer().dead_letters.requeue(letter_id)
        self._on_requeued(handle)
        return {"ok": True, "message": "Requeued", "task_id": handle.task_id}

    async def requeue_all(self, reason: ByReason = None) -> dict[str, Any]:
        """Put the tasks of all dead letters, or of those with one reason, into the queue again, oldest first.

        Letters that this process cannot requeue stay, and are counted as refused. Letters whose tasks found no place in
        the queue within 5 seconds stay too.
        """
        letters = await self.letters()
        with refusals():
            letter_ids = [letter.id for letter in letters.list(reason=reason)]
            requeued, refused = await self.requeue_each(letters, letter_ids)
        message = f"{requeued} requeued, {refused} refused, {len(letters)} left"
        return {"ok": True, "message": message, "requeued": requeued, "refused": refused, "left": len(letters)}

    async def requeue_each(self, letters: DeadLetters[Any], letter_ids: list[str]) -> tuple[int, int]:
        """Returns how many were requeued and refused until there was no place. Raises `QueueFull` or `TimeoutError`
        when there was none for the first."""
        requeued = refused = 0
        try:
            async with place_timeout():
                for letter_id in letter_ids:
                    try:
                        self._on_requeued(await letters.requeue(letter_id))
                        requeued += 1
                    except ValueError:
                        refused += 1
                    except KeyError:
                        pass  # somebody else was faster
                    await asyncio.sleep(0)  # requeueing need not wait for anything, and there may be thousands
        except (QueueFull, TimeoutError):
            if requeued == 0:
                raise
        return requeued, refused

    async def discard(self, letter_id: str) -> dict[str, Any]:
        """Discard a dead letter."""
        with refusals():
            if not await self._computer().dead_letters.discard(letter_id):
                raise HTTPException(404, UNKNOWN)
        return {"ok": True, "message": "Discarded"}

    async def letters(self) -> DeadLetters[Any]:
        """The letters, refreshed from a shared file if it can be read now."""
        computer = self._computer()
        letters = computer.dead_letters
        try:
            if computer.is_started:
                await letters.refresh()
        except OSError as error:
            logger.warning("the file of dead letters cannot be read", exc_info=loggable(error))
        return letters


@contextmanager
def refusals() -> Iterator[None]:
    """Raises HTTP errors in place of the refusals of dead letters and of the queue."""
    try:
        with queue_refusals():
            yield
    except KeyError:
        raise HTTPException(404, UNKNOWN) from None
    except ValueError as error:  # why is its work's affair, and its program's
        logger.warning("a dead letter cannot be requeued", exc_info=loggable(error))
        raise HTTPException(409, "this letter cannot be requeued here; the log says why") from None
    except OSError as error:
        logger.error("dead letters cannot be reached", exc_info=loggable(error))
        raise HTTPException(503, "the file of dead letters cannot be used now") from None
