"""Where something fails below or beside the core: memory, loops, the caller's own classes. Nobody waits for ever."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ziggy_async import _core
from ziggy_async.market_brain.features import get_ticker_features

Run = Callable[..., Any]


def said(run_isolated: Run, name: str, *arguments: object) -> Any:
    """What the script printed, as JSON."""
    done = run_isolated(name, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_worker_without_memory_is_a_memory_error(run_isolated: Run) -> None:
    """Each time, also when the worker is through before the loop's thread has returned from handing over the job.

    One processor, and a thread of the loop that gives way to every other, make that happen.
    """
    lanes, refused = said(run_isolated, "worker_without_memory")
    assert lanes == 1 or refused == 2000  # one lane computes where the bars lie and needs no memory for them


@pytest.mark.parametrize("what", ["flush", "close"])
@pytest.mark.parametrize("where", ["create_future", "call_soon"])
def test_a_loop_that_flushes_or_closes_the_port_meanwhile(what: str, where: str, run_isolated: Run) -> None:
    """A loop of its own kind calls the port back while that takes a request: the batch it joins may be gone by then."""
    outcomes = said(run_isolated, "loop_that_calls_the_port", what, where)
    names = [f"N{number}" for number in range(500)]
    if what == "flush":
        assert outcomes == names
    elif where == "create_future":
        assert outcomes == ["the port of this event loop is closed"] * 500
    else:  # where another request has asked for the turn already, the loop is not called and the port is not closed
        assert outcomes[::2] == ["the port of this event loop is closed"] * 250


def test_what_a_closed_pool_refuses_is_let_go_of(run_isolated: Run) -> None:
    """A query and the future that it was for hold each other, and nobody else would part them."""
    left, refused = said(run_isolated, "refused_by_a_closed_pool")
    assert left == 0
    assert refused == ["the native pool is closing"] * 2 or refused == ["there is no native pool"] * 2


def test_an_interrupt_while_results_are_made_reaches_its_future(run_isolated: Run) -> None:
    """And the loop; every other future has its result."""
    singles, whole, seen = said(run_isolated, "interrupted_results")
    assert singles == ["result", "result", "Stop", "result"]
    assert whole == ["Stop"]
    assert seen == ["Stop", "Stop"]


def test_an_interrupt_while_requests_are_refused_stops_no_other(run_isolated: Run) -> None:
    """A closed pool refuses three batches; the futures of the first interrupt whoever tells them."""
    found, seen = said(run_isolated, "interrupted_refusals")
    assert found == ["RuntimeError"] * 6
    assert seen == ["Stop"]


@pytest.mark.parametrize(("error", "patience"), [("RuntimeError", 1), ("MemoryError", 100)])
def test_a_loop_that_refuses_to_be_woken_keeps_nobody_else_waiting(
    error: str, patience: int, run_isolated: Run
) -> None:
    """It is said once, and what the loop waits for comes as soon as it can be woken again."""
    found = said(run_isolated, "loop_that_cannot_be_woken", error, patience)
    assert found == [200, [], ["AAPL"], [error]]


def test_what_may_be_registered() -> None:
    """What the core later takes for granted is checked where it comes in; nothing is changed by what is refused."""
    wrong: list[tuple[Any, Any, str]] = [
        ("Features", object, "Features must be a class of dicts, not <class 'object'>"),
        ("Features", {}, "Features must be a class of dicts, not {}"),
        ("MarketFeatures", len, "MarketFeatures must be a class, not <built-in function len>"),
        ("Signal", None, "Signal must be a class, not None"),
        ("directions", (1, 2, 3), "directions must be a tuple of 2, not (1, 2, 3)"),
        ("directions", [1, 2], "directions must be a tuple of 2, not [1, 2]"),
        ("signal_types", (1, 2), "signal_types must be a tuple of 3, not (1, 2)"),
        ("horizons", "3D", "horizons must be a tuple of 2, not '3D'"),
        ("regime_names", (1, 2, 3, 4, 5), "regime_names must be a tuple of 4, not (1, 2, 3, 4, 5)"),
        ("to_ns", 5, "to_ns must be callable, not 5"),
    ]
    for kind, target, sentence in wrong:
        with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
            _core.register(kind, target)
    with pytest.raises(ValueError, match="nothing of the kind 'regimes' is registered"):
        _core.register("regimes", ())  # type: ignore[arg-type]
    assert type(get_ticker_features("NONE")).__name__ == "Features"
