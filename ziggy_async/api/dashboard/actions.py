"""The actions of the page's buttons on dead letters: some of them by their ids, or all that match."""

import asyncio
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ziggy_async.api.dashboard.views import Matching, Views
from ziggy_async.api.dead_letters import DeadLetterEndpoints, refusals

Text = Annotated[str, Field(max_length=500)]


class Group(BaseModel):
    """A group of dead letters as the page shows it."""

    model_config = ConfigDict(extra="forbid")

    operation: Text = ""
    reason: Text = ""
    search: Text = ""


class Selection(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[Text], Field(min_length=1, max_length=10_000)] | None = None
    matching: Group | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.ids is None) == (self.matching is None):
            raise ValueError("either ids or matching")
        return self


class PageActions:
    def __init__(self, views: Views, letters: DeadLetterEndpoints) -> None:
        self._views = views
        self._letters = letters

    async def requeue(self, selection: Selection) -> dict[str, Any]:
        """Put tasks into the queue again, oldest first, as far as there are places."""
        chosen = await self._ids(selection)
        letters = await self._letters.letters()
        with refusals():
            requeued, refused = await self._letters.requeue_each(letters, chosen)
        left = len(chosen) - requeued - refused
        message = f"{requeued} requeued" + f", {refused} cannot be requeued here" * (refused > 0)
        return {"ok": True, "message": message, "requeued": requeued, "refused": refused, "left": left}

    async def discard(self, selection: Selection) -> dict[str, Any]:
        """Throw dead letters away."""
        letters = await self._letters.letters()
        discarded = 0
        with refusals():
            for letter_id in await self._ids(selection):
                discarded += await letters.discard(letter_id)
                await asyncio.sleep(0)
        return {"ok": True, "message": f"{discarded} discarded", "discarded": discarded}

    async def _ids(self, selection: Selection) -> list[str]:
        if selection.ids is not None:
            return selection.ids
        assert selection.matching is not None
        return await self._views.matching_ids(Matching(**selection.matching.model_dump()))
