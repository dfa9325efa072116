"""Dashboard and alert rules: every expression is PromQL, over figures and labels that the exposition has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ziggy_async.api import ComputerCollector
from ziggy_async.api.health import degradations
from ziggy_async.async_features import AsyncFeatureComputer
from ziggy_async.cli import main

OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that a scrape or a histogram adds."""


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """Name of each sample -> its labels."""
    computer = AsyncFeatureComputer()
    computer.metrics.record("own", 0.3, waiting=0.1, running=0.2, error="ValueError: no")
    registry = CollectorRegistry()
    registry.register(ComputerCollector(computer))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def printed(capsys: pytest.CaptureFixture[str], command: str) -> str:
    assert main([command]) == 0
    return capsys.readouterr().out


def parts_of(expression: object) -> Iterator[object]:
    """The expression and all that it is made of."""
    yield expression
    for name in ("lhs", "rhs", "expr", "vector_selector", "vs", "param"):
        part = getattr(expression, name, None)
        if part is not None:
            yield from parts_of(part)
    for part in getattr(expression, "args", None) or ():
        yield from parts_of(part)


def check(expression: str, exposed: dict[str, set[str]]) -> int:
    """How many figures it reads; each has to be there with the labels that it is chosen and grouped by."""
    text = re.sub(r"\$__rate_interval", "5m", expression)
    tree = promql_parser.parse(text)
    selectors = [part for part in parts_of(tree) if isinstance(part, promql_parser.VectorSelector)]
    for selector in selectors:
        labels = exposed[selector.name] | OF_PROMETHEUS
        assert {matcher.name for matcher in selector.matchers.matchers} <= labels
        for part in parts_of(tree):
            modifier = getattr(part, "modifier", None)
            if isinstance(part, promql_parser.AggregateExpr) and modifier is not None:
                assert set(modifier.labels) <= labels
    return len(selectors)


def test_the_dashboard_shows_figures_that_exist(capsys, exposed) -> None:
    dashboard = json.loads(printed(capsys, "grafana"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(expressions) > 20
    for expression in expressions:
        assert check(expression, exposed) == 1
    legends = {target["legendFormat"] for panel in dashboard["panels"] for target in panel["targets"]}
    assert {"{{kind}}", "{{phase}}", "p99"} <= legends
    for variable in dashboard["templating"]["list"][1:]:
        assert check(re.fullmatch(r"label_values\((\w+), \w+\)", variable["query"])[1], exposed) == 1


def test_the_dashboard_shows_every_figure(capsys, exposed) -> None:
    text = printed(capsys, "grafana")
    parts = ("_bucket", "_sum", "_count", "_created")
    names = {name for name in exposed if not name.endswith(parts)} | {n for n in exposed if n.endswith("_bucket")}
    assert {name for name in names if f"{name}{{" not in text} == set()


def test_panels_do_not_overlap(capsys) -> None:
    dashboard = json.loads(printed(capsys, "grafana"))
    taken = [
        (x, y)
        for panel in dashboard["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_alerts_watch_figures_that_exist(capsys, exposed) -> None:
    (group,) = yaml.safe_load(printed(capsys, "alerts"))["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names)) > 5
    for rule in group["rules"]:
        assert check(rule["expr"], exposed) >= 1
        assert re.fullmatch(r"\d+m", rule["for"])
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].startswith("{{ $labels.instance }}: ")


def test_the_alerts_go_by_the_limits_of_the_health_check(capsys) -> None:
    (group,) = yaml.safe_load(printed(capsys, "alerts"))["groups"]
    limits = {rule["alert"]: float(re.search(r"[<>] ([\d.]+)$", rule["expr"])[1]) for rule in group["rules"][:4]}
    at = {"total_operations": 1, "success_rate": limits["ZiggyAsyncErrors"]}
    at |= {"p95_latency_ms": 1e3 * limits["ZiggyAsyncSlowOperations"]}
    at |= {"avg_latency_ms": 1e3 * limits["ZiggyAsyncSlowOnAverage"]}
    assert degradations(at, 1e3 * limits["ZiggyAsyncLoopLag"]) == []
    beyond = {name: value * (0.99 if name == "success_rate" else 1.01) for name, value in at.items()}
    assert len(degradations(beyond, 1.01e3 * limits["ZiggyAsyncLoopLag"])) == 4


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool")
def test_prometheus_takes_the_alerts(capsys, tmp_path: Path) -> None:
    path = tmp_path / "alerts.yml"
    path.write_text(printed(capsys, "alerts"))
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
