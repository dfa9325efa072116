"""Whether a slower package is told from a restless machine: made samples, damaged files, and real processes."""

import json
import math
import os
import subprocess

import numpy as np
import pytest

from ziggy_async._version import __version__
from ziggy_async.latency_benchmark.market import sample_market
from ziggy_async.latency_benchmark.market_computer import MarketComputer
from ziggy_async.regression import baseline as files
from ziggy_async.regression import measurement as measuring
from ziggy_async.regression.baseline import Baseline
from ziggy_async.regression.comparison import LEAST_SAMPLES, Change, Samples, compare, confirmed
from ziggy_async.regression.workloads import BENCHMARKS, Workload, workloads_of

COUNT = measuring.PROCESSES * measuring.ROUNDS
NOISE = 0.04
"""Deviation of the samples: more than what was ever measured between rounds."""


def made(seed, seconds=1e-4, machine=1.0, count=COUNT, noise=NOISE):
    """`machine`: how many times as long everything takes."""
    random = np.random.default_rng(seed)
    drawn = random.lognormal(0.0, noise, (2, count))
    return Samples(tuple(seconds * machine * drawn[0]), tuple(5e-5 * machine * drawn[1]))


def change_of(before, now):
    (change,) = compare({"it": before}, {"it": now})
    return change


# The statistics


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.2, "worse"), (1.05, "same"), (1.0, "same"), (0.95, "same"), (0.8, "better")]
)
def test_shifts(seed, factor, verdict):
    change = change_of(made(seed), made(seed + 1000, 1e-4 * factor))
    assert change.verdict == verdict
    assert change.ratio == pytest.approx(factor, rel=0.05)
    assert change.paced_ratio == pytest.approx(factor, rel=0.07)
    assert change.before == pytest.approx(1e-4, rel=0.04)


def test_noise_is_no_change():
    changes = [change_of(made(seed, noise=0.3), made(seed + 5000, noise=0.3)) for seed in range(300)]
    assert {change.verdict for change in changes} == {"same"}


def test_a_slower_machine_is_no_slower_package():
    change = change_of(made(1), made(2, machine=1.5))
    assert (change.verdict, change.p < 0.002) == ("same", False)
    assert change.ratio == pytest.approx(1.5, rel=0.05)
    assert change.paced_ratio == pytest.approx(1.0, rel=0.05)


def test_on_a_slower_machine_a_slower_package_is_seen():
    assert change_of(made(1), made(2, 1.3e-4, machine=1.5)).verdict == "worse"


def test_a_faster_reference_is_no_slower_package():
    now = made(2)
    assert change_of(made(1), Samples(now.seconds, tuple(0.7 * pace for pace in now.pace))).verdict == "same"


def test_a_shift_within_wide_noise_is_not_sure():
    change = change_of(made(1, count=8, noise=0.5), made(2, 1.2e-4, count=8, noise=0.5))
    assert (change.verdict, change.p > 0.002) == ("same", True)


@pytest.mark.parametrize(("count", "verdict"), [(LEAST_SAMPLES, "worse"), (LEAST_SAMPLES - 1, "same")])
def test_the_fewest_samples_that_can_be_sure(count, verdict):
    assert change_of(made(1, count=count), made(2, 2e-4, count=count)).verdict == verdict


def test_samples_that_are_all_equal():
    flat = Samples((1e-4,) * COUNT, (5e-5,) * COUNT)
    slower = Samples((1.2e-4,) * COUNT, (5e-5,) * COUNT)
    assert change_of(flat, flat).verdict == "same"
    assert change_of(flat, slower).verdict == "worse"


def test_only_what_both_have_is_compared():
    changes = compare({"old": made(1), "b": made(2), "a": made(3)}, {"a": made(4), "new": made(5), "b": made(6)})
    assert [change.name for change in changes] == ["a", "b"]


def test_a_change_as_plain_values():
    values = change_of(made(1), made(2)).to_dict()
    assert set(values) == {"name", "before", "now", "ratio", "paced_ratio", "p", "verdict"}
    assert json.loads(json.dumps(values)) == values


def test_what_is_slower_only_once_is_not():
    def change(name, verdict, now):
        return Change(name, 1.0, now, now, now, 0.0, verdict)

    first = [change("a", "worse", 1.5), change("b", "worse", 1.6), change("c", "better", 0.5)]
    second = [change("a", "worse", 1.4), change("b", "same", 1.05)]
    assert confirmed(first, second) == [first[0], second[1], first[2]]


# The file


@pytest.fixture
def path(tmp_path):
    return tmp_path / "baseline.json"


@pytest.fixture
def content(path):
    """What is in a sound file, to be spoilt."""
    files.write(path, Baseline.of_here({"it": made(1)}))
    return json.loads(path.read_text())


def test_a_file_gives_back_what_was_written(path):
    written = Baseline.of_here({"it": made(1), "other": made(2)})
    files.write(path, written)
    assert files.read(path) == written
    assert written.warnings() == []
    assert os.listdir(path.parent) == [path.name]


def spoilt(content, *keys, value):
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[]", "is not a baseline"),
        ('{"figures": 1}', "is not a baseline"),
    ],
)
def test_files_of_something_else(path, text, message):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message) as caught:
        files.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("value", [0, 2, "1", None])
def test_other_formats(path, content, value):
    path.write_text(spoilt(content, "format", value=value))
    with pytest.raises(ValueError, match="this version reads 1"):
        files.read(path)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("samples",), None),
        (("machine",), []),
        (("samples", "it"), [1.0]),
        (("samples", "it", "seconds"), 1.0),
        (("samples", "it", "seconds"), []),
        (("samples", "it", "seconds"), [1.0] * (COUNT - 1)),
        (("samples", "it", "seconds", 3), "1.0"),
        (("samples", "it", "seconds", 3), True),
        (("samples", "it", "seconds", 3), 0.0),
        (("samples", "it", "seconds", 3), -1.0),
        (("samples", "it", "pace", 3), math.nan),
        (("samples", "it", "pace", 3), math.inf),
        (("samples", "it"), {"seconds": [1.0] * 6, "pace": [1.0] * 6}),
    ],
)
def test_damaged_files(path, content, keys, value):
    path.write_text(spoilt(content, *keys, value=value))
    with pytest.raises(ValueError, match="is damaged"):
        files.read(path)


def test_another_machine_and_another_version_are_warned_of(path, content):
    content["machine"]["processor"] = "Abacus"
    path.write_text(spoilt(content, "version", value="0.0.1"))
    machine, version = files.read(path).warnings()
    assert "another machine: processor Abacus, here " in machine
    assert "version 0.0.1" in version
    assert __version__ in version


def test_files_that_are_not_there(tmp_path):
    for path in (tmp_path, tmp_path / "absent.json"):
        with pytest.raises(ValueError, match="cannot read the baseline"):
            files.read(path)


def test_places_that_cannot_be_written(tmp_path):
    for path in (tmp_path, tmp_path / "absent" / "baseline.json"):
        with pytest.raises(ValueError, match="cannot write"):
            files.write(path, Baseline.of_here({}))


def test_a_name_that_is_too_long(tmp_path):
    path = tmp_path / ("x" * 300)
    with pytest.raises(ValueError, match=r"cannot write .*: File name too long"):
        files.refuse_unwritable(path)


def test_what_cannot_be_written_leaves_what_was_there(path, monkeypatch):
    files.write(path, Baseline.of_here({"it": made(1)}))
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Path, "replace", fail)
    with pytest.raises(ValueError, match="No space left on device"):
        files.write(path, Baseline.of_here({"it": made(2)}))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


# Measuring


async def test_every_benchmark_and_reference_can_be_called():
    async with MarketComputer(sample_market()) as computer:
        turns = workloads_of(computer)
        assert set(turns) == {*BENCHMARKS, *BENCHMARKS.values()}
        for turn in turns.values():
            await turn.way()


async def test_a_turn_alternates_and_keeps_the_shortest_call(monkeypatch):
    order = []

    def turn(name):
        async def way():
            order.append(name)
            if len(order) <= 2:
                measuring.time.sleep(0.05)

        return Workload(1, way)

    monkeypatch.setattr(measuring, "SLICE", 0.5)
    best, _ = await measuring.alternated(one := turn("one"), other := turn("other"))
    assert order == ["one", "other"] * (len(order) // 2)
    assert 0 < best[one] < 0.05
    assert 0 < best[other] < 0.05


async def test_the_budget_ends_where_others_have_the_core(monkeypatch):
    async def wait():
        measuring.time.sleep(0.002)

    monkeypatch.setattr(measuring, "share", lambda: 0.5)
    with pytest.raises(TimeoutError, match="leave 50% of a core"):
        await measuring.undisturbed(Workload(1, wait), Workload(1, wait), measuring.Budget(0.1))


async def test_what_waits_by_itself_is_measured(monkeypatch):
    async def wait():
        measuring.time.sleep(0.002)

    monkeypatch.setattr(measuring, "share", lambda: 1.0)
    seconds, pace = await measuring.undisturbed(Workload(1, wait), Workload(2, wait), measuring.Budget(0.0))
    assert seconds >= 0.002
    assert pace >= 0.001


def test_samples_of_real_processes():
    rounds = []
    found = measuring.collect(["load of bars", "single await"], lambda: rounds.append(None), 2, 2, 1000.0)
    assert list(found) == ["load of bars", "single await"]
    assert len(rounds) == 4
    for samples in found.values():
        assert len(samples.seconds) == len(samples.pace) == 4
        assert min(samples.seconds) > 1e-7
        assert min(samples.pace) > 1e-7


def test_a_process_that_fails_says_why(monkeypatch):
    monkeypatch.setenv("ASYNC_FEATURES_WAKE", "pigeon")
    with pytest.raises(ValueError, match=r"the benchmarks failed: .*ASYNC_FEATURES_WAKE"):
        measuring.collect(["single await"], processes=1, rounds=1, budget=1000.0)


def test_an_interrupt_ends_the_process(monkeypatch):
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(measuring.subprocess, "Popen", Recorded)
    with pytest.raises(KeyboardInterrupt):
        measuring.collect(["load of bars"], interrupt, 1, 1000, 1000.0)
    assert [process.poll() is not None for process in started] == [True]
