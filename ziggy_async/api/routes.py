"""The router under `/api/performance`."""

from collections.abc import Collection, Sequence

from fastapi import APIRouter
from fastapi.params import Depends

from ziggy_async.api import benchmarks, dead_letters, metrics, prometheus
from ziggy_async.api.endpoints import EndpointGroup
from ziggy_async.async_features import AsyncFeatureComputer

PREFIX = "/api/performance"


def create_router(
    computer: AsyncFeatureComputer | None = None,
    prefix: str = PREFIX,
    dependencies: Sequence[Depends] = (),
    allow_actions: bool = True,
    *,
    allowed_origins: Collection[str] | None = None,
    worker: str | None = None,
    on_requeued: dead_letters.OnRequeued = lambda _: None,
) -> APIRouter:
    """The endpoints on `computer`, or on the process's one, looked up at each request, if None.

    `dependencies` hold for all of them: `[Depends(logged_in)]`. With `allow_actions=False` there is only what reads:
    the endpoints that clear, run benchmarks, requeue or discard do not exist (404, or 405 where the path can be read),
    nor are they in the documentation. A browser may ask for actions from pages of `allowed_origins`, such as
    "https://example.com"; by default from pages of the host that the request goes to. `on_requeued` is called with each
    task that a request takes out of the dead letters. `worker`: the label of that name in the figures for Prometheus,
    None: there is none. Where several processes answer to one address it tells their figures apart: `str(os.getpid())`.
    """
    router = APIRouter(prefix=prefix, tags=["performance"], dependencies=list(dependencies))
    group = EndpointGroup(router, computer, allow_actions, allowed_origins)
    metrics.add_to(group)
    benchmarks.add_to(group)
    dead_letters.add_to(group, on_requeued)
    prometheus.add_to(group, worker)
    return router


router = create_router()
"""Ready-made: every endpoint on the process's one computer."""
