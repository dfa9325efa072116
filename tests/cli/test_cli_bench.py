"""The commands `bench` and `regress`: what they print and write, what they refuse, and how they end."""

import json
import sys

import pytest

from ziggy_async.cli import bench, regress
from ziggy_async.latency_benchmark import comparisons
from ziggy_async.regression import baseline as files
from ziggy_async.regression.baseline import Baseline
from ziggy_async.regression.comparison import Samples
from ziggy_async.regression.workloads import BENCHMARKS


@pytest.fixture(autouse=True)
def short_comparisons(monkeypatch):
    monkeypatch.setattr(comparisons, "AT_LEAST", 0.0)


class Machine:
    """Stands for what measures: each benchmark takes as many times longer as is said, look by look."""

    def __init__(self):
        self.looks = []
        self.slower = [{}]

    def collect(self, names=tuple(BENCHMARKS), done=lambda: None):
        slower = self.slower[min(len(self.looks), len(self.slower) - 1)]
        self.looks.append(list(names))
        done()
        return {name: self.samples(slower.get(name, 1.0)) for name in names}

    @staticmethod
    def samples(factor):
        return Samples(tuple(factor * (1e-4 + 1e-7 * turn) for turn in range(25)), (5e-5,) * 25)


@pytest.fixture
def machine(monkeypatch):
    made = Machine()
    monkeypatch.setattr(regress, "collect", made.collect)
    monkeypatch.setattr(bench, "collect", made.collect)
    return made


@pytest.fixture
def baseline(tmp_path):
    path = tmp_path / "baseline.json"
    files.write(path, Baseline.of_here(Machine().collect()))
    return path


# bench


def test_bench_as_json(command):
    code, out, err = command("bench", "--operations", "12", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["operations"] == 12
    assert list(found["comparisons"]) == ["features", "signals"]
    for comparison in found["comparisons"].values():
        assert comparison["baseline"]["metrics"]["total_operations"] == 12
        assert comparison["optimized"]["metrics"]["success_rate"] == 100.0
        assert set(comparison["improvements"]) >= {"latency_reduction_pct", "loop_lag_reduction_pct"}


def test_bench_as_a_table(command):
    code, out, err = command("bench", "--operations", "1")
    assert (code, err) == (0, "")
    assert "1 ticker asked for at once" in out
    for name in ("features", "signals"):
        assert sum(line.split()[:1] == [name] for line in out.splitlines()) == 2


def test_bench_saves_a_baseline(command, machine, tmp_path):
    path = tmp_path / "new.json"
    code, _, err = command("bench", "--operations", "1", "--save", path)
    assert (code, err) == (0, "")
    assert files.read(path).samples == Machine().collect()


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many", "100001", "²"])
def test_numbers_of_operations(refused, number):
    assert "1 to 100000" in refused("bench", f"--operations={number}")


# regress


def test_a_first_baseline(command, machine, tmp_path):
    path = tmp_path / "first.json"
    code, out, err = command("regress", "--save", path)
    assert (code, err) == (0, "")
    assert out.count("new") == len(BENCHMARKS)
    assert files.read(path).samples == Machine().collect()
    assert command("regress", "--baseline", path)[0] == 0


def test_nothing_changed(command, machine, baseline):
    code, out, err = command("regress", "--baseline", baseline)
    assert (code, err) == (0, "")
    assert out.count("same") == len(BENCHMARKS)
    assert "Nothing became slower." in out
    assert machine.looks == [list(BENCHMARKS)]


def test_a_regression(command, machine, baseline):
    machine.slower = [{"single await": 1.3, "load of bars": 0.7}]
    code, out, err = command("regress", "--baseline", baseline)
    assert (code, err) == (1, "")
    assert "Slower: single await." in out
    assert [out.count(verdict) for verdict in ("worse", "better", "same")] == [1, 1, len(BENCHMARKS) - 2]
    assert "+30.0 %" in out
    assert machine.looks == [list(BENCHMARKS), ["single await"]]


def test_what_is_slower_once_and_then_not(command, machine, baseline):
    machine.slower = [{"single await": 1.3}, {}]
    code, out, _ = command("regress", "--baseline", baseline)
    assert code == 0
    assert "worse" not in out


def test_regress_as_json(command, machine, baseline):
    machine.slower = [{"single await": 1.3}]
    code, out, _ = command("regress", "--baseline", baseline, "--json")
    found = json.loads(out)
    assert code == 1
    assert found["regressions"] == ["single await"]
    assert [change["name"] for change in found["benchmarks"]] == list(BENCHMARKS)
    slower = {change["name"]: change for change in found["benchmarks"]}["single await"]
    assert slower["ratio"] == pytest.approx(1.3)
    assert slower["p"] < 0.002
    assert found["warnings"] == []


def test_updating(command, machine, baseline):
    machine.slower = [{"single await": 1.3}]
    assert command("regress", "--baseline", baseline, "--update")[0] == 1
    assert files.read(baseline).samples["single await"] == Machine.samples(1.3)
    assert command("regress", "--baseline", baseline)[0] == 0


def test_updating_what_is_not_there_yet(command, machine, tmp_path):
    path = tmp_path / "first.json"
    assert command("regress", "--baseline", path, "--update")[0] == 0
    assert files.read(path).samples == Machine().collect()


def test_another_machine_is_a_warning(command, machine, baseline):
    content = json.loads(baseline.read_text())
    content["machine"]["processor"] = "Abacus"
    content["version"] = "0.0.1"
    baseline.write_text(json.dumps(content))
    code, out, err = command("regress", "--baseline", baseline, "--json")
    assert code == 0
    assert [line.startswith("ziggy-async: warning: ") for line in err.splitlines()] == [True, True]
    assert len(json.loads(out)["warnings"]) == 2


def test_faulty_baselines(refused, machine, tmp_path, baseline):
    other, damaged, older = (tmp_path / name for name in ("other.json", "damaged.json", "older.json"))
    files.write(other, Baseline.of_here({"another": Machine.samples(1.0)}))
    damaged.write_text(baseline.read_text()[:-20])
    older.write_text(baseline.read_text().replace('"format": 1', '"format": 0'))
    for path in (tmp_path / "absent.json", tmp_path, other, damaged, older):
        assert str(path) in refused("regress", "--baseline", path)
    before = damaged.read_bytes()
    refused("regress", "--baseline", damaged, "--update")
    assert damaged.read_bytes() == before
    assert machine.looks == []


def test_nothing_is_measured_that_cannot_be_written(refused, machine, baseline, tmp_path):
    absent = tmp_path / "absent" / "new.json"
    for arguments in (("regress", "--save"), ("regress", "--baseline", baseline, "--save"), ("bench", "--save")):
        assert str(absent) in refused(*arguments, absent)
    assert machine.looks == []


def test_wrong_commands(refused, machine):
    assert "--baseline" in refused("regress")
    assert "--baseline" in refused("regress", "--update")
    assert machine.looks == []


def test_without_scipy(command, refused, machine, baseline, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == "scipy"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert "pip install 'ziggy_async[bench]'" in refused("regress", "--baseline", baseline)
    assert machine.looks == []
    assert command("regress", "--save", baseline)[0] == 0
