"""`ziggy-async chart`: candles in the terminal, and files."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from reference.bars import from_closes, walk

from ziggy_async import BarStore
from ziggy_async.charts.chart import chart_of
from ziggy_async.charts.terminal import ESCAPE, Axis, drawn
from ziggy_async.cli import main


def store_of(*bars: float) -> BarStore:
    store = BarStore()
    store.load("UP", from_closes(np.array(bars)).table())
    return store


def test_every_bar_has_a_candle_and_fits_the_width() -> None:
    lines = drawn(chart_of(store_of(*np.linspace(100, 200, 150)), "UP", [], []), 60, 24, False)
    assert max(map(len, lines)) == 60
    canvas = [line[1:50] for line in lines[3:-2]]
    columns = {at for line in canvas for at, cell in enumerate(line) if cell in "█│"}
    assert columns == set(range(49))
    rows = [row for at in (2, 25, 46) for row, line in enumerate(canvas) if line[at] == "█"]
    assert rows == sorted(rows, reverse=True)  # the price rises from left to right


def test_few_bars_stand_apart_evenly() -> None:
    lines = drawn(chart_of(store_of(*np.linspace(100, 200, 10)), "UP", [], []), 100, 20, False)
    columns = sorted({at for line in lines[3:-2] for at, cell in enumerate(line) if cell == "█"})
    assert len(set(np.diff(columns))) == 1
    assert columns[1] - columns[0] > 5


def test_the_head_has_the_last_figures_and_names() -> None:
    head = drawn(chart_of(store_of(*range(100, 160)), "UP", ["sma(5)"], ["rsi(14)"]), 80, 30, False)[:2]
    assert head[0].startswith("UP  2020-02-29  O 158")
    assert "C 159" in head[0]
    assert head[1] == "sma(5) 157  rsi(14) 100"


def test_panes_have_lines_and_only_the_last_has_times() -> None:
    lines = drawn(chart_of(store_of(*range(100, 160)), "UP", ["sma(5)"], ["rsi(14)", "cci(20)"]), 80, 40, False)
    assert sum(line.startswith("┌") for line in lines) == 3
    assert sum("2020-" in line for line in lines[1:]) == 1
    assert sum(bool(re.search("[⠁-⣿]", line)) for line in lines) >= 10


def test_signals_are_marked() -> None:
    rising = np.concatenate([100.0 + np.sin(np.arange(90)), 100.0 * 1.012 ** np.arange(60)])
    text = "\n".join(drawn(chart_of(store_of(*rising), "UP", [], [], signals=True), 100, 30, False))
    assert "▲" in text or "▼" in text


def test_colours_are_for_terminals_alone() -> None:
    made = chart_of(store_of(*range(100, 130)), "UP", ["sma(5)"], [])
    plain, coloured = (drawn(made, 80, 24, is_screen) for is_screen in (False, True))
    assert "\x1b" not in "".join(plain)
    assert "\x1b[" in "".join(coloured)
    assert [ESCAPE.sub("", line) for line in coloured] == plain


def test_a_ticker_cannot_move_the_cursor() -> None:
    store = BarStore()
    store.load("\x1b[2Jme", walk(30, 1).table())
    text = "".join(drawn(chart_of(store, "\x1b[2Jme", [], []), 80, 24, False))
    assert "\x1b" not in text
    assert "\\x1b[2Jme" in text


@pytest.mark.parametrize("closes", [[100.0], [100.0, 100.0, 100.0], [1e-7, 2e-7], [1e12, 3e12, 2e12]])
def test_any_prices_can_be_drawn(closes: list[float]) -> None:
    store = BarStore()
    store.load("FLAT", from_closes(np.array(closes), spread=0.0).table())
    assert len(drawn(chart_of(store, "FLAT", ["sma(200)"], ["rsi(14)"]), 20, 5, False)) > 10


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (99.0, 101.0), (-3.0, 5000.0), (1.2e-7, 1.9e-7)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = Axis(low, high).ticks(8)
    assert 2 <= len(ticks) <= 9
    assert all(low <= tick <= high for tick in ticks)
    steps = np.diff(ticks)
    assert np.allclose(steps, steps[0])
    assert round(steps[0] / 10 ** np.floor(np.log10(steps[0])), 6) in (1, 2, 5, 10)


def csv(path: Path) -> Path:
    bars = walk(120, 3)
    rows = zip(bars.timestamp.astype("M8[ns]").astype("M8[D]"), *bars.columns().values(), strict=True)
    lines = ["date,open,high,low,close,volume", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines))
    return path


def test_a_file_with_one_ticker_needs_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chart", str(csv(tmp_path / "ACME.csv")), "--features", "ema(20)", "--pane", "rsi(14)"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("ACME  2020-04-29")
    assert "█" in shown


def test_html_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "chart.html"
    files = [str(csv(tmp_path / "ACME.csv"))]
    assert main(["chart", *files, "--ticker", "acme", "--signals", "--bars", "50", "-o", str(target)]) == 0
    assert capsys.readouterr().out == f"{target}: 50 bars of ACME\n"
    assert "<!DOCTYPE html>" in target.read_text()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--ticker", "ACNE"], 1, "no bars of ACNE (the nearest is ACME)"),
        (["--features", "foo(1)"], 2, "no function 'foo'"),
        (["--start", "2199-01-01"], 2, "'ACME' has no bars from 2199-01-01 on"),
        (["-o", "chart.pdf"], 2, "the name of a chart's file ends in .html or .png"),
        (["-o", "no/such/chart.html"], 2, "no/such/chart.html: cannot be written: No such file or directory"),
        (["--bars", "0"], 2, "not a whole number from 1"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int, says: str
) -> None:
    try:
        found = main(["chart", str(csv(tmp_path / "ACME.csv")), *options])
    except SystemExit as ended:
        found = ended.code
    said = capsys.readouterr().err
    assert found == code
    assert says in said
    assert said.count("\n") == 1


def test_of_several_tickers_one_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chart"]) == 2
    assert "--ticker says whose chart it is: there are 501 tickers" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["litecharts", "plotext"])
def test_a_missing_package_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    output = ["-o", str(tmp_path / "chart.html")] if package == "litecharts" else []
    assert main(["chart", str(csv(tmp_path / "ACME.csv")), *output]) == 2
    assert "pip install 'ziggy_async[charts]'" in capsys.readouterr().err
