"""Where something fails below or beside the core: memory, loops, the caller's own classes. Nobody waits for ever."""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ziggy_async import _core
from ziggy_async.market_brain.features import get_ticker_features

Run = Callable[..., Any]

BEGIN = """
import asyncio, json, os, threading
import numpy as np
import ziggy_async
from ziggy_async import BarStore, FeatureSet, _core, bridge
from ziggy_async.market_brain.features import feature_computer

PLAN = feature_computer.plan

def load(store, names, bars):
    close = np.full(bars, 10.0)
    for name in names:
        store.load(name, dict(timestamp=np.arange(bars).astype("M8[s]"), open=close, high=close, low=close,
                              close=close, volume=close))
"""


def said(run_python: Run, script: str, **environment: str) -> Any:
    """What the script printed, as JSON."""
    done = run_python(BEGIN + script, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits of memory and of processors")
def test_a_worker_without_memory_is_a_memory_error(run_python: Run) -> None:
    """Each time, also when the worker is through before the loop's thread has returned from handing over the job.

    One processor, and a thread of the loop that gives way to every other, make that happen.
    """
    script = """
import resource
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
store = BarStore(capacity=110_000)
load(store, "AB", 110_000)
tickers = ("A", "B")
many_slots = FeatureSet(*(f"stddev(close, {99_990 + number})" for number in range(8)))._plan

async def main():
    loop, port = bridge.port()
    await port.features_many(loop, store, PLAN, [f"unknown {number}" for number in range(100)])  # the threads are there
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (8 << 20), resource.RLIM_INFINITY))
    os.nice(19)
    refused = 0
    for _ in range(2000):
        try:
            await port.latest(loop, many_slots, store, tickers, None, 0, 0)
        except MemoryError:
            refused += 1
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(json.dumps([_core.cpu()["lanes"], refused]))

asyncio.run(main())
"""
    lanes, refused = said(run_python, script)
    if lanes == 1:
        pytest.skip("one lane computes where the bars lie and needs no memory for them")
    assert refused == 2000


@pytest.mark.parametrize("what", ["flush", "close"])
@pytest.mark.parametrize("where", ["create_future", "call_soon"])
def test_a_loop_that_flushes_or_closes_the_port_meanwhile(what: str, where: str, run_python: Run) -> None:
    """A loop of its own kind calls the port back while that takes a request: the batch it joins may be gone by then."""
    script = f"""
class Loop(asyncio.SelectorEventLoop):
    hook = None

    def call_hook(self):
        hook, self.hook = self.hook, None
        if hook is not None:
            hook()

    def create_future(self):
        future = asyncio.Future(loop=self)
        if {where!r} == "create_future":
            self.call_hook()
        return future

    def call_soon(self, *arguments, **keywords):
        handle = super().call_soon(*arguments, **keywords)
        if {where!r} == "call_soon":
            self.call_hook()
        return handle

loop, store, outcomes = Loop(), BarStore(), []

async def main():
    for number in range(500):
        port = _core.Port(loop)
        waiting = [port.features(loop, store, PLAN, "first")] if number % 2 else []
        loop.hook = getattr(port, {what!r})
        try:
            waiting.append(port.features(loop, store, PLAN, f"N{{number}}"))
        except RuntimeError as error:
            outcomes.append(str(error))
        else:
            outcomes.append([result["ticker"] for result in await asyncio.gather(*waiting)][-1])

threading.Thread(target=_core.notifier_run, daemon=True).start()
loop.run_until_complete(main())
print(json.dumps(outcomes))
"""
    outcomes = said(run_python, script)
    names = [f"N{number}" for number in range(500)]
    if what == "flush":
        assert outcomes == names
    elif where == "create_future":
        assert outcomes == ["the port of this event loop is closed"] * 500
    else:  # where another request has asked for the turn already, the loop is not called and the port is not closed
        assert outcomes[::2] == ["the port of this event loop is closed"] * 250


def test_what_a_closed_pool_refuses_is_let_go_of(run_python: Run) -> None:
    """A query and the future that it was for hold each other, and nobody else would part them."""
    script = """
import sys
store = BarStore()
load(store, "A", 60)
plan = FeatureSet("sma(close, 5)")._plan

async def main():
    loop, port = bridge.port()
    _core.shutdown(1.0)
    before, refused = sys.getrefcount(store), []
    for ask in (lambda: port.latest(loop, plan, store, ("A",), None, -1, 0),
                lambda: port.history(loop, plan, store, ("A",), None, 0, 2**62, -1, 0)):
        try:
            ask()
        except (RuntimeError, OSError) as error:
            refused.append(str(error))
    await asyncio.sleep(0)
    print(json.dumps([sys.getrefcount(store) - before, refused]))

asyncio.run(main())
"""
    left, refused = said(run_python, script)
    assert left == 0
    assert refused == ["the native pool is closing"] * 2 or refused == ["there is no native pool"] * 2


INTERRUPTED = """
class Stop(BaseException):
    pass

seen = []

async def outcome(future):
    "Its name, as far as anybody can tell."
    try:
        await asyncio.wait_for(asyncio.shield(future), 10.0)
    except (Stop, Exception) as error:
        return type(error).__name__
    return "result"

async def outcomes(futures):
    return [await outcome(future) for future in futures]

def handle(loop, context):
    seen.append(type(context["exception"]).__name__)
"""


def test_an_interrupt_while_results_are_made_reaches_its_future(run_python: Run) -> None:
    """And the loop; every other future has its result."""
    script = """
class Features(dict):
    made = 0

    def __init__(self):
        Features.made += 1
        if Features.made in (3, 8):
            raise Stop

_core.register("Features", Features)

async def main():
    loop, port = bridge.port()
    loop.set_exception_handler(handle)
    store = BarStore()
    found = await outcomes([port.features(loop, store, PLAN, f"N{number}") for number in range(4)])
    whole = await outcomes([port.features_many(loop, store, PLAN, [f"N{number}" for number in range(9)])])
    print(json.dumps([found, whole, seen]))

asyncio.run(main())
"""
    singles, whole, seen = said(run_python, INTERRUPTED + script)
    assert singles == ["result", "result", "Stop", "result"]
    assert whole == ["Stop"]
    assert seen == ["Stop", "Stop"]


def test_an_interrupt_while_requests_are_refused_stops_no_other(run_python: Run) -> None:
    """A closed pool refuses three batches; the futures of the first interrupt whoever tells them."""
    script = """
class Future(asyncio.Future):
    def set_exception(self, error):
        super().set_exception(error)
        raise Stop

class Loop(asyncio.SelectorEventLoop):
    kind = asyncio.Future

    def create_future(self):
        return self.kind(loop=self)

async def main():
    loop, port = bridge.port()
    loop.set_exception_handler(handle)
    futures = []
    for kind in (asyncio.Future, Future, asyncio.Future):  # the last one is submitted first
        loop.kind = kind
        store = BarStore()
        futures += [port.features(loop, store, PLAN, f"N{number}") for number in range(2)]
    loop.kind = asyncio.Future
    print(json.dumps([await outcomes(futures), seen]))

_core.shutdown(10.0)
loop = Loop()
loop.run_until_complete(main())
"""
    found, seen = said(run_python, INTERRUPTED + script)
    assert found == ["RuntimeError"] * 6
    assert seen == ["Stop"]


@pytest.mark.parametrize(("error", "patience"), [("RuntimeError", 1), ("MemoryError", 100)])
def test_a_loop_that_refuses_to_be_woken_keeps_nobody_else_waiting(error: str, patience: int, run_python: Run) -> None:
    """It is said once, and what the loop waits for comes as soon as it can be woken again."""
    script = f"""
patience = {patience}
from ziggy_async.market_brain.features import async_get_ticker_features

told, refusing = [], threading.Event()
sys.unraisablehook = lambda unraisable: told.append(type(unraisable.exc_value).__name__)

class Loop(asyncio.SelectorEventLoop):
    refuses, refused = True, 0

    def call_soon_threadsafe(self, *arguments, **keywords):
        if self.refuses and threading.current_thread().name == "ziggy-async-notifier":
            self.refused += 1
            refusing.set()
            raise {error}("not now")
        return super().call_soon_threadsafe(*arguments, **keywords)

async def served(seconds):
    async with asyncio.timeout(seconds):
        return (await async_get_ticker_features("AAPL"))["ticker"]

async def healthy():
    return [await served(20.0) for _ in range(200)]

loop, found = Loop(), []
thread = threading.Thread(target=lambda: found.append(loop.run_until_complete(served(60.0))))
thread.start()
refusing.wait()
names = asyncio.run(healthy())
while loop.refused < patience + 2:
    time.sleep(0.001)
early = list(found)
loop.refuses = False
thread.join()
print(json.dumps([names.count("AAPL"), early, found, told]))
"""
    assert said(run_python, "import sys, time\n" + script) == [200, [], ["AAPL"], [error]]


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
