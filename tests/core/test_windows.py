"""Counters of the last one to two minutes: what they hold, on a clock of the test's own."""

from collections import Counter
from dataclasses import dataclass

import pytest

from ziggy_async.windows import Windows


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def held(windows: "Windows[Counter[float]]") -> list[float]:
    """When the events were that the older window has."""
    return sorted(windows.pair()[0])


@pytest.mark.parametrize("step", [1.0, 7.0, 45.0, 59.0, 61.0, 90.0, 119.0])
def test_the_last_minute_is_there_and_nothing_older_than_two(step: float) -> None:
    clock = Clock()
    windows: Windows[Counter[float]] = Windows(Counter, clock)
    events: list[float] = []
    for _ in range(200):
        for window in windows.pair():
            window[clock.now] += 1
        events.append(clock.now)
        clock.now += step
        found = held(windows)
        recent = [event for event in events if event > clock.now - 60.0]
        assert [each for each in found if each > clock.now - 60.0] == recent
        assert all(each in events and each >= clock.now - 120.0 for each in found)


def test_after_a_long_silence_nothing_is_held() -> None:
    clock = Clock()
    windows: Windows[Counter[float]] = Windows(Counter, clock)
    for window in windows.pair():
        window[clock.now] += 1
    assert held(windows) == [1000.0]
    clock.now += 119.0
    assert held(windows) == [1000.0]
    clock.now += 1.0
    assert held(windows) == []
    clock.now += 30 * 86_400.0
    assert held(windows) == []
