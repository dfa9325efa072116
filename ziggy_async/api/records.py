"""Endpoints of the tasks of a computer, whoever has enqueued them: list them, cancel some."""

from typing import Annotated, Any, Literal

from fastapi import Body, Query
from pydantic import AfterValidator, Field

from ziggy_async.api.bodies import Whole
from ziggy_async.api.endpoints import NO_TEXT, ComputerOf, EndpointGroup
from ziggy_async.api.models import CancelledTasksAnswer, TasksAnswer
from ziggy_async.queueing.task import State

InState = Annotated[
    State | Literal[""] | None,
    AfterValidator(lambda state: state or None),
    Query(description="Only those in this state; an empty one is none"),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many of the newest at most")]
Numbers = Annotated[list[Whole], Field(min_length=1, max_length=1000), Body(embed=True)]


def add_to(group: EndpointGroup) -> None:
    endpoints = RecordEndpoints(group.computer)
    group.reads("/tasks", endpoints.list_all, TasksAnswer)
    group.posts("/tasks/cancel", endpoints.cancel, CancelledTasksAnswer, NO_TEXT)


class RecordEndpoints:
    """The docstrings are the documentation that clients see."""

    def __init__(self, computer: ComputerOf) -> None:
        self._computer = computer

    async def list_all(self, state: InState = None, limit: Limit = 100) -> dict[str, Any]:
        """The tasks that are not done and the last 1,000 that ended, oldest first."""
        computer = self._computer()
        records = [record.to_dict() for record in computer.tasks(state, limit)]
        return {"ok": True, "tasks": records, "count": len(records), "counts": computer.counts()}

    async def cancel(self, numbers: Numbers) -> dict[str, Any]:
        """Cancel tasks by the `number` that the list gives, for all who have joined them.

        Tasks that are done, or unknown, are left alone and not counted. A thread in the middle of a task goes on, and
        is replaced meanwhile.
        """
        computer = self._computer()
        cancelled = sum(computer.cancel_task(number) for number in dict.fromkeys(numbers))
        return {"ok": True, "message": f"{cancelled} cancelled", "cancelled": cancelled}
