"""The contents of a computer's pages: bodies of events, made in the loop in slices of time."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from ziggy_async.api.dead_letters import DeadLetterEndpoints
from ziggy_async.api.endpoints import ComputerOf
from ziggy_async.api.metrics import MetricsEndpoints
from ziggy_async.api.slices import sliced
from ziggy_async.dead_letters.letter import DeadLetter
from ziggy_async.messages import shortened
from ziggy_async.queueing.task import State

SLOWEST = 20
"""Operations that are shown, the slowest of the newest 1,000."""
LONGEST_ARGUMENTS = 500
"""Characters of a letter's arguments that are shown."""


Describe = Callable[[tuple[Any, ...], Mapping[str, Any]], str]
"""Describes the arguments of a dead task for a page."""


class Matching(NamedTuple):
    """A choice of dead letters: those of a group, where it is named, that contain a text, in any case."""

    operation: str = ""
    reason: str = ""
    search: str = ""

    def takes(self, letter: DeadLetter) -> bool:
        return (
            self.operation in ("", group_of(letter))
            and self.reason in ("", letter.reason)
            and self.search.casefold() in text_of(letter)
        )


class Views:
    """The pages of one computer but for its market."""

    def __init__(self, computer: ComputerOf, letters: DeadLetterEndpoints, describe: Describe | None) -> None:
        """`describe`: what is shown of a dead letter's arguments; None: nothing."""
        self._computer = computer
        self._metrics = MetricsEndpoints(computer)
        self._letters = letters
        self._describe = describe

    async def status(self) -> dict[str, Any]:
        """Returns the line on top of all pages."""
        computer = self._computer()
        health = await self._metrics.health()
        return {
            "status": health["status"] if computer.is_started or computer.was_stopped else "not started",
            "issues": health["issues"],
            "lag_p99_ms": computer.loop_lag.recent().p99,
            "dead_letters": len(computer.dead_letters),
        }

    async def overview(self) -> dict[str, Any]:
        computer = self._computer()
        health = await self._metrics.health()
        return {
            "metrics": health["metrics"],
            "lag": computer.loop_lag.recent().to_dict(),
            "counts": computer.counts(),
            "workers": computer.workers,
            "stuck": computer.stuck,
            "letters": computer.dead_letters.stats(),
        }

    async def operations(self) -> dict[str, Any]:
        operations = (await self._metrics.operations())["operations"]
        return {"operations": operations, "slowest": self._computer().metrics.slowest(SLOWEST)}

    async def tasks(self, state: State | str | None, search: str, limit: int) -> dict[str, Any]:
        """Returns the newest `limit` of those that contain a text in their id, operation or error, newest first."""
        computer, wanted = self._computer(), search.casefold()
        found: list[dict[str, Any]] = []
        async for task in sliced(reversed(computer.tasks(state, None if wanted else limit))):
            if wanted in f"{task.task_id}\n{task.operation}\n{task.error or ''}".casefold():
                found.append(task.to_dict())
                if len(found) == limit:
                    break
        return {"tasks": found, "counts": computer.counts()}

    async def scaling(self) -> dict[str, Any]:
        scaling = await self._metrics.scaling()
        return {**scaling, "load": self._computer().counts()}

    def letters_version(self) -> Hashable:
        return tuple(self._computer().dead_letters.stats().values())

    async def letters(self, matching: Matching, offset: int, limit: int) -> dict[str, Any]:
        """Returns the letters, newest first, and how many there are of each operation and reason."""
        letters = (await self._letters.letters()).list()
        groups: dict[tuple[str, str], int] = {}
        found: list[DeadLetter] = []
        async for letter in sliced(reversed(letters)):
            group = group_of(letter), letter.reason.value
            groups[group] = groups.get(group, 0) + 1
            if matching.takes(letter):
                found.append(letter)
        ranked = sorted(groups.items(), key=lambda group: -group[1])
        return {
            "groups": [
                {"operation": operation, "reason": reason, "count": count} for (operation, reason), count in ranked
            ],
            "letters": [self._shown(letter) for letter in found[offset : offset + limit]],
            "matched": len(found),
            "total": len(letters),
        }

    async def matching_ids(self, matching: Matching) -> list[str]:
        """Returns their ids, oldest first."""
        letters = (await self._letters.letters()).list()
        return [letter.id async for letter in sliced(letters) if matching.takes(letter)]

    def _shown(self, letter: DeadLetter) -> dict[str, Any]:
        arguments = None
        if self._describe is not None and letter.work is not None:
            try:
                arguments = self._describe(letter.work.args, letter.work.kwargs)
            except Exception as error:  # whatever the application does there
                arguments = f"cannot be shown: {type(error).__name__}"
        return {
            **letter.to_dict(),
            "group": group_of(letter),
            "arguments": None if arguments is None else shortened(str(arguments), LONGEST_ARGUMENTS),
        }


def group_of(letter: DeadLetter) -> str:
    """Returns the kind of its operation; of the queue's tasks, which are all of one kind, their function if it has a
    name."""
    kind = letter.operation.partition(":")[0]
    return letter.function or kind if kind == "worker_task" else kind


def text_of(letter: DeadLetter) -> str:
    """Returns the text that a search looks through."""
    error = letter.attempts[-1].error if letter.attempts else ""
    return "\n".join((letter.task_id, letter.operation, letter.function or "", letter.reason, error)).casefold()
