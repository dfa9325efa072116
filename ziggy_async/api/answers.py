"""Answers: a line of valid JSON, made without holding up the loop, and no word of an exception."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec

from fastapi import HTTPException, Response
from fastapi.responses import StreamingResponse

from ziggy_async.api.slices import sliced
from ziggy_async.features import FormulaError
from ziggy_async.messages import loggable
from ziggy_async.plain import plain

logger = logging.getLogger(__name__)

P = ParamSpec("P")

CHUNK = 65_536
"""Bytes that are sent together."""
LEVELS = 3
"""Levels of objects and lists that are encoded item by item: the signals of an answer, not the figures of a signal."""
MANY = 50
"""Items above which each of them is encoded whole."""
TOGETHER = 200
"""Numbers or texts of a list that are encoded at once."""
PLAIN = {bool, float, int, str, type(None)}


def endpoint(function: Callable[P, Awaitable[Any]]) -> Callable[P, Awaitable[Response]]:
    """Makes an endpoint of a coroutine function that returns a body or a `Response`. A `FormulaError` is 422, with the
    place; another exception goes to the log, and its client learns of it only that there was one."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            result = await function(*args, **kwargs)
            return result if isinstance(result, Response) else await answer(result)
        except HTTPException:
            raise
        except FormulaError as error:
            place = {"formula": error.formula, "start": error.start, "end": error.end}
            return await answer({"detail": error.line, **place}, 422)
        except Exception as error:
            logger.error("%s failed", function.__name__, exc_info=loggable(error))
            raise HTTPException(500, "internal error") from None

    return call


async def answer(body: Mapping[str, Any], status: int = 200) -> Response:
    """Returns `body` as a line of JSON. A large one is encoded in slices of time and sent in chunks."""
    chunks = [chunk async for chunk in chunks_of(body)]
    if len(chunks) == 1:
        return Response(chunks[0], status, media_type="application/json")
    length = {"content-length": str(sum(map(len, chunks)))}
    return StreamingResponse(_sent(chunks), status, length, media_type="application/json")


async def chunks_of(body: Any) -> AsyncIterator[bytes]:
    """Yields `body` as a line of JSON in pieces, encoded in slices of time."""
    texts: list[str] = []
    size = 0
    async for text in sliced(_texts(body, LEVELS)):
        texts.append(text)
        size += len(text)
        if size >= CHUNK:
            yield "".join(texts).encode()
            texts, size = [], 0
    yield ("".join(texts) + "\n").encode()


async def _sent(chunks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
        await asyncio.sleep(0)  # to send does not wait while the client keeps up


def _texts(value: Any, levels: int) -> Iterator[str]:
    """Yields the JSON of `value` in pieces."""
    below = levels - 1 if levels and isinstance(value, Mapping | list) and len(value) <= MANY else 0
    if levels and value and isinstance(value, Mapping) and not _is_flat(value):
        before = "{"
        for key, item in value.items():
            yield f"{before}{_encode(str(key))}:"
            yield from _texts(item, below)
            before = ","
        yield "}"
    elif levels and value and isinstance(value, list) and isinstance(value[0], float | int | str | None):
        for at in range(0, len(value), TOGETHER):
            yield ("," if at else "[") + _encode(value[at : at + TOGETHER])[1:-1]
        yield "]"
    elif levels and value and isinstance(value, list):
        before = "["
        for item in value:
            yield before
            yield from _texts(item, below)
            before = ","
        yield "]"
    else:
        yield _encode(value)


def _is_flat(value: Mapping[Any, Any]) -> bool:
    """Returns whether it holds a few numbers and texts alone, which are encoded at once."""
    return len(value) <= MANY and {*map(type, value.values())} <= PLAIN and {*map(type, value)} == {str}


def _own(value: Any) -> Any:
    """Returns plain values for an object that the encoder does not know; the package's own have a `to_dict`."""
    return value.to_dict() if hasattr(value, "to_dict") else plain(value)


_encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_own)


def _encode(value: Any) -> str:
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError):  # NaN somewhere, or a key that is not text
        return _encoder.encode(plain(value))
