"""`_core.Histogram` beside sorted lists: what is promised of it, and what it refuses."""

import math
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziggy_async._core import Histogram, record_each

ERROR = 1 / 128
HOURS = 2**45 * 1e-9
"""Durations from here on share a bucket."""


def of(durations: list[float]) -> Histogram:
    histogram = Histogram()
    for duration in durations:
        histogram.record(duration)
    return histogram


# Whole nanoseconds of every magnitude up to hours: as seconds they come back exact.
nanoseconds = st.one_of(*(st.integers(0, 10**digits) for digits in range(14)))


@settings(deadline=None)
@given(st.lists(nanoseconds, min_size=1, max_size=60), st.integers(0, 100))
def test_beside_a_sorted_list(values: list[int], percent: int) -> None:
    histogram = of([ns / 1e9 for ns in values])
    rank = max(1, math.ceil(Fraction(percent * len(values), 100)))
    exact = sorted(values)[rank - 1]
    assert exact <= round(histogram.percentile(percent) * 1e9) <= exact * (1 + ERROR)
    assert histogram.count == len(values)
    assert histogram.max == max(values) / 1e9
    assert histogram.total == sum(values) / 1e9
    (not_longer,) = histogram.counts([exact / 1e9])
    assert sum(ns <= exact for ns in values) <= not_longer <= sum(ns <= exact * (1 + ERROR) for ns in values)


def test_sums_are_exact() -> None:
    assert of([0.1] * 10).total == 1.0
    assert of([1e-9] * 7 + [3600.0]).total == 3600.000000007


def test_empty_and_cleared() -> None:
    histogram = of([])
    for _ in range(2):
        assert (histogram.count, histogram.total, histogram.max, histogram.percentile(99)) == (0, 0.0, 0.0, 0.0)
        assert histogram.counts([0.0, math.inf]) == [0, 0]
        assert histogram.counts([]) == []
        histogram.record(5.0)
        histogram.clear()


@settings(deadline=None)
@given(st.lists(st.tuples(nanoseconds, st.integers(1, 5)), min_size=1, max_size=20), st.integers(0, 100))
def test_many_at_once(values: list[tuple[int, int]], percent: int) -> None:
    at_once, one_by_one = Histogram(), of([ns / 1e9 for ns, times in values for _ in range(times)])
    for ns, times in values:
        at_once.record(ns / 1e9, times)
    assert (at_once.count, at_once.total, at_once.max) == (one_by_one.count, one_by_one.total, one_by_one.max)
    assert at_once.percentile(percent) == one_by_one.percentile(percent)


def test_how_many_at_once() -> None:
    histogram = Histogram()
    histogram.record(0.001, 2**31 - 1)
    for times in (0, -1, 2**31, 10**30):
        with pytest.raises(ValueError, match="times"):
            histogram.record(0.001, times)
    for arguments in ((), (0.001, 1.5), (0.001, "2"), (0.001, None), (0.001, 1, 1)):
        with pytest.raises(TypeError):
            histogram.record(*arguments)
    assert histogram.count == 2**31 - 1


def test_negative_durations_count_as_zero() -> None:
    histogram = of([-1.0, -1e-12, -0.0])
    assert (histogram.count, histogram.total, histogram.max) == (3, 0.0, 0.0)
    assert histogram.counts([-1.0, 0.0]) == [0, 3]


def test_bounds_of_any_kind_and_order() -> None:
    histogram = of([0.001, 0.01, 0.1, 1.0])
    expected = [4, 1, 0, 2]
    bounds = [math.inf, 0.001, 0, 0.05]
    assert histogram.counts(bounds) == expected
    assert histogram.counts(tuple(bounds)) == expected
    assert histogram.counts(np.array(bounds)) == expected


def test_what_is_too_long_for_the_buckets() -> None:
    histogram = of([1.0, HOURS + 1, 1e6, 1e300])
    assert 1.0 <= histogram.percentile(25) <= 1.0 + ERROR
    assert histogram.percentile(50) == histogram.percentile(100) == histogram.max == 2**63 / 1e9
    assert histogram.counts([HOURS, 1e9, math.inf]) == [1, 1, 4]
    assert histogram.total == 2**63 / 1e9


@pytest.mark.parametrize("value", ["0.1", None, 1j, [0.1], b"1"])
def test_what_is_no_number(value: object) -> None:
    histogram = Histogram()
    for call in (histogram.record, histogram.percentile, lambda each: histogram.counts([0.1, each])):
        with pytest.raises(TypeError, match="number"):
            call(value)
    with pytest.raises(TypeError):
        histogram.counts(0.1)
    with pytest.raises(TypeError):
        Histogram(value)
    assert histogram.count == 0


def test_numbers_that_are_none_of_its() -> None:
    histogram = Histogram()
    for value in (math.nan, math.inf, -math.inf, 10**400):
        with pytest.raises(ValueError, match="seconds"):
            histogram.record(value)
    for percent in (-0.1, 100.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="percent"):
            histogram.percentile(percent)
    with pytest.raises(ValueError, match="NaN"):
        histogram.counts([0.1, math.nan])
    assert histogram.count == 0


def test_threads_lose_nothing() -> None:
    histogram, threads, each = Histogram(), 4, 20_000
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def record() -> None:
        for number in range(1, each + 1):
            histogram.record(number * 1e-6)

    workers = [threading.Thread(target=record) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.setswitchinterval(before)
    assert histogram.count == threads * each
    assert histogram.total == pytest.approx(threads * 1e-6 * each * (each + 1) / 2, rel=1e-12)
    assert histogram.max == each * 1e-6


def test_one_duration_in_each_of_several() -> None:
    first, second = Histogram(), Histogram()
    record_each(0.25, first, second, second)
    record_each(-1.0, first)
    record_each(1.0)
    assert [(each.count, each.total, each.max) for each in (first, second)] == [(2, 0.25, 0.25), (2, 0.5, 0.25)]


@pytest.mark.parametrize("arguments", [(), ("1",), (1.0, 2.0), (math.nan,), (math.inf,)])
def test_a_duration_that_is_refused_is_in_none(arguments: tuple[object, ...]) -> None:
    histogram = Histogram()
    with pytest.raises((TypeError, ValueError)):
        record_each(*arguments[:1], *[histogram] * bool(arguments), *arguments[1:])
    assert histogram.count == 0
