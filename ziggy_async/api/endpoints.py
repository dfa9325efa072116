"""Adds endpoints to a router, with their documentation and the computer that they ask."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from types import MappingProxyType, UnionType
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from ziggy_async.api.answers import endpoint
from ziggy_async.api.events import EventStream
from ziggy_async.api.models import Failure, Refused
from ziggy_async.api.origins import OriginCheck
from ziggy_async.async_features import AsyncFeatureComputer, get_async_feature_computer
from ziggy_async.messages import encodable, shown

ComputerOf = Callable[[], AsyncFeatureComputer]
Endpoint = Callable[..., Awaitable[Any]]
Answer = type[BaseModel] | UnionType
"""The model of an answer, or a union of several."""
Refusals = Mapping[int, str]
"""Status of another answer -> when it is given."""
NONE: Refusals = MappingProxyType({})
NO_TEXT: Refusals = MappingProxyType({400: "A body that is not text in UTF-8"})
"""The refusal of an endpoint with a body."""
MOST_FAULTS = 10
"""Faults of a request that its answer names."""


class Route(APIRoute):
    """A request that does not fit is refused with its first faults, without what was sent: NaN and lone surrogates, as
    its JSON may hold, are none that an answer can."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise RequestValidationError([plain_fault(each) for each in error.errors()[:MOST_FAULTS]]) from None

        return handle_or_refuse


def plain_fault(fault: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a fault that pydantic found, of what any answer can hold."""
    place = [encodable(step) if isinstance(step, str) else step for step in fault["loc"]]
    return {"type": fault["type"], "loc": place, "msg": encodable(fault["msg"])}


class EndpointGroup:
    """The endpoints of one router and the computer behind them."""

    def __init__(
        self,
        router: APIRouter,
        computer: AsyncFeatureComputer | None,
        allow_actions: bool,
        allowed_origins: Collection[str] | None,
    ) -> None:
        """Raises `TypeError` unless `allow_actions` is a bool, since a word like "no" would allow them; `TypeError` or
        `ValueError` for `allowed_origins` that are not origins."""
        if not isinstance(allow_actions, bool):
            raise TypeError(f"allow_actions: {shown(allow_actions)} is neither True nor False")
        self._router = router
        self._computer = computer
        self._allow_actions = allow_actions
        self._check = OriginCheck(allowed_origins)

    def computer(self) -> AsyncFeatureComputer:
        """Looked up at each request: the process's one may have been replaced."""
        return self._computer or get_async_feature_computer()

    def reads(self, path: str, function: Endpoint, answer: Answer, refusals: Refusals = NONE) -> None:
        """Adds a GET, documented by the function's docstring."""
        self._add("GET", path, function, answer, refusals, is_action=False)

    def posts(
        self, path: str, function: Endpoint, answer: Answer, refusals: Refusals = NONE, status: int = 200
    ) -> None:
        """Adds a POST, if actions are allowed. `status`: that of success."""
        if self._allow_actions:
            self._add("POST", path, function, answer, refusals, status)

    def asks(self, path: str, function: Endpoint, answer: Answer, refusals: Refusals = NONE) -> None:
        """Adds a POST that changes nothing: a question that is too long for a GET. Pages of any origin may ask it."""
        self._add("POST", path, function, answer, refusals, is_action=False)

    def deletes(self, path: str, function: Endpoint, answer: Answer, refusals: Refusals = NONE) -> None:
        """Adds a DELETE, if actions are allowed."""
        if self._allow_actions:
            self._add("DELETE", path, function, answer, refusals)

    def reads_text(self, path: str, function: Endpoint) -> None:
        """Adds a GET whose answer is plain text."""
        self._add("GET", path, function, None, NONE, is_action=False, response=PlainTextResponse)

    def streams(self, path: str, function: Endpoint, data: type[BaseModel], refusals: Refusals) -> None:
        """Adds a GET whose answer is server-sent events with such data."""
        event = {
            "event": {"type": "string"},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": data.model_json_schema(),
            },
        }
        schema = {"type": "object", "properties": event, "required": list(event)}
        content = {EventStream.media_type: {"schema": schema}}
        self._add("GET", path, function, None, refusals, is_action=False, response=Response, content=content)

    def _add(
        self,
        verb: str,
        path: str,
        function: Endpoint,
        answer: Answer | None,
        refusals: Refusals,
        status: int = 200,
        is_action: bool = True,
        response: type[Response] = JSONResponse,
        content: Mapping[str, Any] | None = None,
    ) -> None:
        summary, description = documentation(function)
        self._router.add_api_route(
            path,
            endpoint(function),
            methods=[verb],
            status_code=status,
            response_model=answer,
            response_class=response,
            summary=summary,
            description=description,
            dependencies=[Depends(self._check)] if is_action else [],
            route_class_override=Route,
            responses={
                **({status: {"content": content}} if content else {}),
                **{
                    refusal: {"model": Refused if refusal == 422 else Failure, "description": when}
                    for refusal, when in refusals.items()
                },
            },
        )


def documentation(function: Endpoint) -> tuple[str, str]:
    """Summary and description: the first line of the docstring, and the rest."""
    summary, _, description = (inspect.getdoc(function) or "").partition("\n")
    return summary.rstrip("."), description.strip()
