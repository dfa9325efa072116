"""The endpoints of formulas, asked at random by what their documentation says: no answer is 500 or other than
documented."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from served import load

from ziggy_async import BarStore
from ziggy_async.api import create_features_router, events

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

PARTS = st.sampled_from(["close", "volume", "vwap", "nan", "1e308", "14", "rsi(14)", "macd().signal", "hour()", "x"])


def larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(parts, st.sampled_from(["+", "/", "**", "%", "<", "==", "and", "or"]), parts)
    calls = st.tuples(st.sampled_from(["sma", "median", "lag", "log", "bars_since", "crossed_above", "smma"]), parts)
    return pairs.map(" ".join) | calls.map(lambda call: f"{call[0]}({call[1]}, 20)")


schemathesis.openapi.format("formula", st.recursive(PARTS, larger, max_leaves=8) | st.text(max_size=30))


def application() -> FastAPI:
    store = BarStore()
    for symbol, count in {"SPY": 60, "BRK/B": 30, "^VIX": 5}.items():
        load(store, symbol, count)
    app = FastAPI()
    app.include_router(create_features_router(store))
    return app


@pytest.fixture(scope="module", autouse=True)
def short_streams() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "LONGEST", 0.01)
        yield


schema = schemathesis.openapi.from_asgi("/openapi.json", application())


@schema.parametrize()
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_as_documented(case) -> None:
    case.call_and_validate(excluded_checks=[positive_data_acceptance])  # not every text is a formula
