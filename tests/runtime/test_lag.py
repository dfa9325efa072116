"""How late a loop is, by the drift of a timer and by pings: pauses are seen, and weigh as long as they last."""

import asyncio
import ctypes
import gc
import math
import threading
import time
import weakref
from collections.abc import Callable

import pytest
import uvloop

from ziggy_async._core import Histogram
from ziggy_async.lag import LagSummary, LoopLag, PingLag, _record_ticks

NOTHING = LagSummary(0.0, 0.0, 0.0, 0.0)
NewLoop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=["asyncio", "uvloop"])
def new_loop(request: pytest.FixtureRequest) -> NewLoop:
    return asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop


async def until(condition: Callable[[], bool]) -> None:
    """Lets the loop turn until the condition holds."""
    for _ in range(30_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it does not come true")


def stand_still(seconds: float) -> None:
    time.sleep(seconds)


def test_a_pause_counts_for_each_turn_that_it_took(new_loop: NewLoop) -> None:
    async def main() -> LoopLag:
        async with LoopLag() as lag:
            await until(lambda: lag.histogram.count >= 3)
            lag.clear()
            asyncio.get_running_loop().call_soon(stand_still, 0.05)
            await until(lambda: lag.histogram.max > 0.0395)
        return lag

    with asyncio.Runner(loop_factory=new_loop) as runner:
        lag = runner.run(main())
    # The turn came when it was due or up to 10 ms before the pause, 40 ms late at least; so were those due 10 ms later
    # each: 30, 20, 10.
    below = lag.histogram.counts([0.0395, 0.0295, 0.0195, 0.0095])
    assert all(lag.histogram.count - each >= number for number, each in enumerate(below, 1))
    assert lag.summary().max >= 39.0


def test_turns_that_were_left_out() -> None:
    lag = LoopLag(interval=0.01)
    for late in (0.0452, 0.0, -0.003, 0.01):
        lag._came(late)
    bounds = [0.0, 0.0053, 0.0101, 0.0153, 0.0253, 0.0353, 0.0453, 1.0]
    assert lag.histogram.counts(bounds) == [2, 3, 4, 5, 6, 7, 8, 8]
    assert lag.histogram.total == pytest.approx(0.0452 + 0.0352 + 0.0252 + 0.0152 + 0.0052 + 0.01)


async def test_a_percentile_is_a_share_of_the_time() -> None:
    """Ninety pauses as short as they come, and one that lasts as long as they all: half of the time."""
    lag = LoopLag(interval=0.01)
    for _ in range(90):
        lag._came(0.0001)
    lag._came(0.9)
    assert lag.summary().p50 < 11.0
    assert lag.summary().p95 == pytest.approx(810.0, rel=0.02)


class Recorded:
    """A histogram that counts how often it was told something."""

    def __init__(self) -> None:
        self.histogram = Histogram()
        self.times = 0

    def record(self, *duration: float) -> None:
        self.times += 1
        self.histogram.record(*duration)


@pytest.mark.parametrize("late", [0.0, 0.01, 1.27, 1.29, 5.303, 600.0, 20_000.0])
def test_the_turns_of_a_long_pause_are_as_if_each_was_recorded(late: float) -> None:
    recorded, each = Recorded(), Histogram()
    _record_ticks(recorded, late, 0.01)
    turns = [late - turn * 0.01 for turn in range(max(1, math.ceil(late / 0.01)))]
    for turn in turns:
        each.record(turn)
    histogram = recorded.histogram
    assert (histogram.count, histogram.max) == (len(turns), late)
    assert histogram.total == pytest.approx(each.total)
    for percent in (1, 5, 25, 50, 75, 95, 99, 99.9):
        assert histogram.percentile(percent) == pytest.approx(each.percentile(percent), rel=0.01)


def test_a_process_that_stood_still_for_days() -> None:
    """Its loop has better things to do than to count each turn that it missed."""
    recorded = Recorded()
    _record_ticks(recorded, 3 * 86_400.0, 0.01)
    assert recorded.histogram.count == 3 * 8_640_000
    assert recorded.times < 2_000


@pytest.mark.performance
def test_a_long_pause_is_counted_at_once() -> None:
    lag = LoopLag()
    began = time.perf_counter()
    lag._came(86_400.0)
    assert time.perf_counter() - began < 0.002


@pytest.mark.performance
async def test_an_idle_loop_is_hardly_late() -> None:
    async with LoopLag() as lag:
        await asyncio.sleep(1.0)
    assert lag.histogram.count > 50
    assert lag.summary().p50 < 3.0


def test_starting_and_stopping_twice(new_loop: NewLoop) -> None:
    async def main() -> None:
        lag = LoopLag(interval=0.001)
        lag.stop()
        lag.start()
        timer = lag._timer
        lag.start()
        assert lag._timer is timer
        await until(lambda: lag.histogram.count >= 5)
        lag.stop()
        lag.stop()
        count = lag.histogram.count
        await asyncio.sleep(0.02)
        assert lag.histogram.count == count
        lag.start()
        await until(lambda: lag.histogram.count > count)
        lag.stop()
        lag.clear()
        assert lag.summary() == NOTHING

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


async def test_a_pause_that_ends_with_the_measurement() -> None:
    async with LoopLag() as lag:
        stand_still(0.05)
    assert lag.summary().max >= 39.0


def test_a_loop_that_is_closed_meanwhile(new_loop: NewLoop) -> None:
    """No warning, no delay that nobody had, and the next loop is measured."""
    lag = LoopLag(interval=0.001)

    async def measure(turns: int) -> None:
        lag.start()
        await until(lambda: lag.histogram.count >= turns)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(measure(5))
    assert lag._timer is not None
    lag._timer._due -= 1000.0  # as if it had been closed for so long
    lag.clear()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(measure(5))
    lag.stop()
    assert lag.histogram.max < 500.0


def test_a_closed_loop_is_let_go(new_loop: NewLoop) -> None:
    async def main() -> "weakref.ref[asyncio.AbstractEventLoop]":
        lag.start()
        return weakref.ref(asyncio.get_running_loop())

    lag = LoopLag()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        loop = runner.run(main())
    del runner
    lag.stop()
    gc.collect()
    assert loop() is None


def test_the_timer_of_a_measurement_that_nobody_holds_ends(new_loop: NewLoop) -> None:
    async def main() -> None:
        lag = LoopLag(interval=0.001)
        lag.start()
        timer = weakref.ref(lag._timer)
        await asyncio.sleep(0.01)
        del lag
        await until(lambda: timer() is None)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


def test_two_loops_at_once(new_loop: NewLoop) -> None:
    """The one stands still, the other does not wait for it."""
    lags = [LoopLag(interval=0.001), LoopLag(interval=0.001)]
    go_on = threading.Event()

    async def wait() -> None:
        async with lags[0]:
            go_on.wait(30.0)

    async def turn() -> None:
        async with lags[1]:
            await until(lambda: lags[1].histogram.count >= 20)
        go_on.set()

    def run(main: Callable[[], "asyncio.Future[None]"]) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main())

    threads = [threading.Thread(target=run, args=(main,)) for main in (wait, turn)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # One turn was late by the whole pause, and the turns that it took count down from there.
    assert lags[0].histogram.count == math.ceil(lags[0].histogram.max / 0.001)
    assert lags[1].histogram.count >= 20


def test_wrong_intervals_and_no_loop() -> None:
    for interval in (0.0, -1.0, 1e-9, math.nan, math.inf):
        with pytest.raises(ValueError, match="interval"):
            LoopLag(interval)
    with pytest.raises(RuntimeError, match="loop"):
        LoopLag().start()


async def test_pings_of_an_idle_loop() -> None:
    async with PingLag() as lag:
        pass
    summary = lag.summary()
    assert 0 < summary.p50 <= summary.p95 <= summary.p99 <= summary.max
    assert summary.to_dict() == {"p50": summary.p50, "p95": summary.p95, "p99": summary.p99, "max": summary.max}


async def test_pings_measure_once() -> None:
    async with PingLag() as lag:
        pass
    with pytest.raises(RuntimeError, match="another"):
        async with lag:
            pass


@pytest.mark.parametrize("library", [ctypes.CDLL, ctypes.PyDLL], ids=["without the GIL", "with the GIL"])
async def test_pings_see_a_pause(library: type[ctypes.CDLL]) -> None:
    pause = library(None).usleep
    async with PingLag() as lag:
        pause(50_000)
    assert lag.summary().max > 40
    assert lag.summary().p50 > 5


def test_without_pings_all_is_zero() -> None:
    assert PingLag().summary() == NOTHING
    with pytest.raises(ValueError, match="interval"):
        PingLag(0)
