"""All endpoints of `ziggy-async serve`, asked at random by what their documentation says: no answer is 500, or none
that is documented."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from served import load

from ziggy_async import default_store
from ziggy_async.api import events, tasks
from ziggy_async.cli.serve import application

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.specs.openapi.checks import allow_header_conformance, positive_data_acceptance  # noqa: E402

LEFT_OUT = [
    positive_data_acceptance,  # not every text is a ticker, a formula, a bar
    allow_header_conformance,  # Starlette names the methods of the first route of a path
]
TICKERS = {"SPY": 60, "BRK/B": 60, "^VIX": 60}


@pytest.fixture(scope="module", autouse=True)
def market() -> Iterator[None]:
    """Bars of some tickers; streams end at once, and tasks that sleep are refused."""
    for symbol, count in TICKERS.items():
        load(default_store(), symbol, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "LONGEST", 0.01)
        patch.setattr(tasks.sleepers, "most", 0)
        yield
    default_store().clear()


schema = schemathesis.openapi.from_asgi("/openapi.json", application(list(TICKERS)))


@schema.exclude(method="POST", path_regex="/benchmarks/(feature|signal)").parametrize()
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_as_documented(case) -> None:
    case.call_and_validate(excluded_checks=LEFT_OUT)
