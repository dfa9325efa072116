"""Spans of OpenTelemetry around tasks, computations and native jobs, where the application traces.

This module never imports OpenTelemetry into a process that has not done so itself: without it nobody could see the
spans.
"""

import contextvars
import sys
import time
from asyncio import Future
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from ziggy_async._version import __version__
from ziggy_async.messages import name_of, printable

T = TypeVar("T")

Carrier = dict[str, str]
"""A trace's context on its way to another process, as its headers."""

MESSAGING = MappingProxyType({"messaging.system": "ziggy_async", "messaging.destination.name": "background"})


class Convention(NamedTuple):
    """The name of a kind of span, its kind in OpenTelemetry, and the attributes that it always has."""

    name: str
    """`{kind}` stands for the kind of the operation, or for what a native job computes."""
    kind: str
    attributes: Mapping[str, str] = MappingProxyType({})


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "enqueue": Convention(
            "enqueue background",
            "PRODUCER",
            {**MESSAGING, "messaging.operation.name": "enqueue", "messaging.operation.type": "send"},
        ),
        "run": Convention(
            "run background",
            "CONSUMER",
            {**MESSAGING, "messaging.operation.name": "run", "messaging.operation.type": "process"},
        ),
        "deliver": Convention(
            "deliver background",
            "INTERNAL",
            {**MESSAGING, "messaging.operation.name": "deliver", "messaging.operation.type": "settle"},
        ),
        "compute": Convention("{kind}", "INTERNAL"),
        "native job": Convention("native {kind}", "INTERNAL"),
    }
)
"""The spans by what they are about; names and attributes as the semantic conventions of OpenTelemetry have them."""

TASK_ID, FUNCTION, OPERATION, ATTEMPT, TICKERS, ERROR_TYPE = (
    "messaging.message.id",
    "code.function.name",
    "ziggy_async.operation",
    "ziggy_async.attempt",
    "ziggy_async.tickers",
    "error.type",
)

LOOK_AGAIN = 0.1
"""Seconds between two looks whether the application has configured OpenTelemetry by now: a look takes microseconds."""

TRACE = "opentelemetry.trace"
"""The module that whoever traces has imported; so has the newest FastAPI, where it is installed."""

_tracer: Any = None
"""OpenTelemetry's tracer, once the application has configured it."""
_next_look = 0.0
"""On `time.monotonic`."""
_NOTHING: AbstractContextManager[None] = nullcontext()


def tracer() -> Any:
    """Returns the application's tracer, None if it does not trace, or not yet."""
    global _tracer, _next_look
    if _tracer is None and TRACE in sys.modules and time.monotonic() >= _next_look:
        _next_look = time.monotonic() + LOOK_AGAIN
        trace = sys.modules[TRACE]
        provider = trace.get_tracer_provider()
        if not isinstance(provider, trace.ProxyTracerProvider):
            _tracer = provider.get_tracer("ziggy_async", __version__)
    return _tracer


def span(what: str, **about: Any) -> AbstractContextManager[Any]:
    """Returns a span around a block, current in it; nothing without a tracer. `about` are the arguments of
    `attributes_of`."""
    if (found := tracer()) is None:
        return _NOTHING
    return _Around(found.start_span(**_arguments(what, about)))


def traced(compute: Callable[..., Awaitable[T]], **about: Any) -> Callable[..., Awaitable[T]]:
    """Returns what awaits the result of `compute` in a span, with the arguments of `attributes_of`; without a tracer
    `compute` itself."""
    if tracer() is None:
        return compute

    async def computed(*args: Any) -> T:
        with span("compute", **about):
            return await compute(*args)

    return computed


class _Around:
    """A block in which a span is the current one."""

    __slots__ = ("_span", "_token")

    def __init__(self, started: Any) -> None:
        self._span = started

    def __enter__(self) -> None:
        contexts = sys.modules["opentelemetry.context"]
        self._token = contexts.attach(sys.modules[TRACE].set_span_in_context(self._span))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind is not GeneratorExit:  # whoever closes a coroutine does so in a context of his own
            sys.modules["opentelemetry.context"].detach(self._token)
        _end(self._span, error if isinstance(error, Exception) else None)


class TracedPort:
    """A port of a loop, whose native jobs have a span until they are done; there is a tracer."""

    __slots__ = ("_port",)

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, kind: str) -> "Callable[..., Future[Any]]":
        def ask(loop: Any, first: Any, second: Any, tickers: Any, *others: Any) -> "Future[Any]":
            future: Future[Any] = getattr(self._port, kind)(loop, first, second, tickers, *others)
            count = 1 if isinstance(tickers, str) else len(tickers)
            started = tracer().start_span(**_arguments("native job", {"tickers": count}, kind))
            if started.is_recording():
                future.add_done_callback(lambda done: _end(started, None if done.cancelled() else done.exception()))
            return future

        return ask


class TaskSpan:
    """The span of an attempt at a task, and the context in which that runs: there it is the current one. Without a
    tracer there is no span, and the context is the task's own."""

    __slots__ = ("_span", "context")

    def __init__(self, context: contextvars.Context, **about: Any) -> None:
        """`context`: of the task; it leads to the span in which that was enqueued, and stays as it is."""
        self.context = context
        found = tracer()
        if found is None:
            self._span = None
            return
        trace, contexts = sys.modules[TRACE], sys.modules["opentelemetry.context"]
        parent = context.run(contexts.get_current)
        self._span = found.start_span(context=parent, **_arguments("run", about))
        self.context = context.copy()
        self.context.run(contexts.attach, trace.set_span_in_context(self._span, parent))

    def end(self, error: BaseException | None, moment: float | None) -> "Delivery | None":
        """`moment`: when the attempt had its outcome, on `time.perf_counter`; None: now."""
        if self._span is None:
            return None
        ended = _nanoseconds(moment)
        _end(self._span, error, ended)
        return Delivery(self._span, ended)


class Delivery(NamedTuple):
    """The way of a task's outcome to its waiter."""

    after: Any
    began: int

    def end(self) -> None:
        """The waiting one has it."""
        context = sys.modules[TRACE].set_span_in_context(self.after)
        _end(tracer().start_span(context=context, start_time=self.began, **_arguments("deliver", {})), None)


def carrier() -> Carrier | None:
    """Returns the current trace for another process; None where there is none."""
    if tracer() is None:
        return None
    from opentelemetry import propagate

    headers: Carrier = {}
    propagate.inject(headers)
    return headers or None


@contextmanager
def carried(headers: Carrier | None) -> Iterator[None]:
    """Makes that trace the current one for a block, in the other process."""
    if headers is None:
        yield
        return
    from opentelemetry import context, propagate

    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)


def attributes_of(
    *,
    task_id: str | None = None,
    function: Callable[..., Any] | None = None,
    operation: str | None = None,
    attempt: int | None = None,
    tickers: int | None = None,
) -> dict[str, Any]:
    """Returns the attributes that are given, under their names in the semantic conventions; texts may hold whatever
    their caller was given."""
    found = {
        TASK_ID: None if task_id is None else printable(task_id),
        FUNCTION: None if function is None else name_of(function),
        OPERATION: None if operation is None else printable(operation),
        ATTEMPT: attempt,
        TICKERS: tickers,
    }
    return {name: value for name, value in found.items() if value is not None}


def _arguments(what: str, about: Mapping[str, Any], kind: str | None = None) -> dict[str, Any]:
    """Returns the arguments of a tracer's `start_span`. `kind`: by default that of the operation."""
    convention = CONVENTIONS[what]
    if kind is None:
        kind = about.get("operation", "").partition(":")[0]
    return {
        "name": convention.name.format(kind=printable(kind)),
        "kind": sys.modules[TRACE].SpanKind[convention.kind],
        "attributes": {**convention.attributes, **attributes_of(**about)},
    }


def _end(started: Any, error: BaseException | None, moment: int | None = None) -> None:
    if error is not None:
        trace = sys.modules[TRACE]
        started.record_exception(error)
        started.set_attribute(ERROR_TYPE, type(error).__qualname__)
        started.set_status(trace.Status(trace.StatusCode.ERROR))
    started.end(moment)


def _nanoseconds(moment: float | None) -> int:
    """Returns nanoseconds since 1970, of a moment on `time.perf_counter`; None: now."""
    now = time.time_ns()
    return now if moment is None else now - int((time.perf_counter() - moment) * 1e9)
