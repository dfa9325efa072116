"""The routers: of a computer, under `/api/performance`, and of formulas."""

from collections.abc import Collection, Sequence

from fastapi import APIRouter
from fastapi.params import Depends

from ziggy_async.api import benchmarks, dead_letters, live, metrics, prometheus
from ziggy_async.api.endpoints import EndpointGroup
from ziggy_async.api.formulas import UNKNOWN, FormulaEndpoints
from ziggy_async.api.models import LatestAnswer
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.store import BarStore, default_store

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
    """Returns the endpoints on `computer`, or on the process's one, looked up at each request, if None.

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


def create_features_router(store: BarStore | None = None, dependencies: Sequence[Depends] = ()) -> APIRouter:
    """Returns the endpoints of screens, features, histories and live features over the bars of `store`, or of the
    default one if None.

    `dependencies` hold for all of them: `[Depends(logged_in)]`. `app.include_router(router, prefix="/api")` puts them
    under a path. Whoever sends formulas is taken for a stranger: `ziggy_async.api.limits` says how much they may ask.
    """
    router = APIRouter(tags=["formulas"], dependencies=list(dependencies))
    group = EndpointGroup(router, None, allow_actions=False, allowed_origins=None)

    def current() -> BarStore:
        return default_store() if store is None else store

    formulas = FormulaEndpoints(current)
    group.reads("/features/{ticker:path}", formulas.latest, LatestAnswer, UNKNOWN)
    formulas.add_to(group)
    live.add_to(group, current)
    return router


router = create_router()
"""Ready-made: every endpoint on the process's one computer."""
