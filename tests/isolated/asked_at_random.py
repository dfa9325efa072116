"""A test module, of all endpoints of `ziggy-async serve` and of a dashboard, asked at random by their documentation."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import APIRouter, FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import allow_header_conformance, positive_data_acceptance
from served import load

from ziggy_async import default_store
from ziggy_async.api import create_dashboard, events, queueing, tasks
from ziggy_async.api.dashboard.router import add_page
from ziggy_async.api.endpoints import EndpointGroup
from ziggy_async.api.watched import WatchedMarket
from ziggy_async.cli.serve import application

LEFT_OUT = [
    positive_data_acceptance,  # not every text is a ticker, a formula, a bar
    allow_header_conformance,  # Starlette names the methods of the first route of a path
]
TICKERS = {"SPY": 60, "BRK/B": 30, "^VIX": 5}
PARTS = st.sampled_from(["close", "volume", "vwap", "nan", "1e308", "14", "rsi(14)", "macd().signal", "hour()", "x"])


def larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(parts, st.sampled_from(["+", "/", "**", "%", "<", "==", "and", "or"]), parts)
    calls = st.tuples(st.sampled_from(["sma", "median", "lag", "log", "bars_since", "crossed_above", "smma"]), parts)
    return pairs.map(" ".join) | calls.map(lambda call: f"{call[0]}({call[1]}, 20)")


schemathesis.openapi.format("formula", st.recursive(PARTS, larger, max_leaves=8) | st.text(max_size=30))
schema = schemathesis.openapi.from_asgi("/openapi.json", application(list(TICKERS)))


def pages() -> FastAPI:
    """The endpoints of the page, which leaves them out of its documentation, and a dashboard."""
    app, page = FastAPI(), APIRouter(prefix="/page")
    add_page(EndpointGroup(page, None, allow_actions=True, allowed_origins=None), page, WatchedMarket())
    for route in page.routes:
        route.status_code = 200  # without which FastAPI cannot document a stream
    app.include_router(page)
    app.include_router(create_dashboard(prefix="/ops"))
    return app


schema_of_pages = schemathesis.openapi.from_asgi("/openapi.json", pages())


@pytest.fixture(scope="module", autouse=True)
def market() -> Iterator[None]:
    """Bars of some tickers; streams end at once, tasks that sleep are refused, and all others wait for a place."""
    for symbol, count in TICKERS.items():
        load(default_store(), symbol, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "LONGEST", 0.01)
        patch.setattr(queueing, "LONGEST_WAIT", 600.0)
        patch.setattr(tasks.sleepers, "most", 0)
        yield


@schema.exclude(method="POST", path_regex="/benchmarks/(feature|signal)").parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_as_documented(case: Any) -> None:
    case.call_and_validate(excluded_checks=LEFT_OUT)


@schema_of_pages.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_pages_do_not_fail(case: Any) -> None:
    case.call_and_validate(checks=[not_a_server_error])
